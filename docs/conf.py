"""How the guide is built (`make docs`)."""

from __future__ import annotations

import sys
from pathlib import Path

import territory

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "territory"
author = "The territory developers"
copyright = "The territory developers"  # noqa: A001
release = territory.__version__
language = "fr"

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
    "sphinx_design",
    "sphinxcontrib.bibtex",
    "french_citations",
    "french_search",
    "french_spaces",
    "mathml",
    "reference_pages",
]
bibtex_bibfiles = ["bibliography.bib"]
bibtex_default_style = "plain"
bibtex_reference_style = "french"
exclude_patterns = ["_build", "_ext"]
templates_path: list[str] = []
html_static_path = ["_static"]
html_css_files = ["guide.css"]

html_theme = "pydata_sphinx_theme"
html_title = "territory"
html_show_copyright = False
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["sphinx-version"],
    "footer_end": [],
    "show_prev_next": True,
    "navigation_with_keys": False,
    "header_links_before_dropdown": 3,
    "header_dropdown_text": "Plus",
}
# written by the browser from MathML: no page asks an outside address for anything
html_math_renderer = "mathml"

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
suppress_warnings = ["config.cache"]

# each page's examples are run when the page is built, and an error in one stops the build
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 900  # a study from nothing, its kernels compiled, on a busy machine
nb_execution_show_tb = True

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
