"""Maps and charts of a study, drawn without global state and the same byte for byte at each run."""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=[
        "categories",
        "charts",
        "doubt",
        "figures",
        "furniture",
        "legend",
        "maps",
        "numbers",
        "placement",
        "shapes",
        "style",
    ],
    submod_attrs={"exploring": ["explore"], "showing": ["show"]},
)
