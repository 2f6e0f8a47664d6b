"""No-break spaces where French typography wants them, on the pages in French."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.transforms import SphinxTransform

from territory.french.words import typeset

# where a piece of text begins or ends beside a piece of code, which `typeset` cannot see
_SPACES = ((re.compile(r" (?=[;!?])"), "\u202f"), (re.compile(r" (?=[:»])|(?<=«) "), "\u00a0"))
_FRENCH = ("index", "guide/", "method/")


class FrenchSpaces(SphinxTransform):
    """Put no-break spaces in the text of French pages, code apart."""

    default_priority = 700

    def apply(self, **_: Any) -> None:
        """Change the text nodes of the page."""
        if not self.env.docname.startswith(_FRENCH):
            return
        for text in list(self.document.findall(nodes.Text)):
            if isinstance(text.parent, nodes.literal | nodes.literal_block | nodes.raw | nodes.math):
                continue
            changed = typeset(str(text))
            for pattern, space in _SPACES:
                changed = pattern.sub(space, changed)
            if changed != str(text):
                text.parent.replace(text, nodes.Text(changed))


def setup(app: Any) -> dict[str, bool]:
    """Register the transform."""
    app.add_transform(FrenchSpaces)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
