"""Which sites and which groupings would serve the territory best: siting, grouping, typology, pooling."""

from __future__ import annotations

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "_result": ["SitingResult"],
        "comparing_choices": ["alternatives", "trade_off"],
        "medians": ["p_center", "p_median"],
        "siting": ["maximal_coverage", "set_cover"],
    },
)
