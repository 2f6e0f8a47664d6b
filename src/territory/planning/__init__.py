"""Which sites and which groupings would serve the territory best: siting, grouping, typology, pooling."""

from __future__ import annotations

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "_result": ["SitingResult"],
        "answering": ["SitingAnswer", "answer_siting", "candidate_communes"],
        "answering_groups": ["GroupingAnswer", "answer_grouping", "compare_groupings"],
        "comparing_choices": ["alternatives", "trade_off"],
        "groups": ["GroupingResult", "territorial_groups"],
        "medians": ["p_center", "p_median"],
        "pooling_table": ["SHARED_SERVICES", "pooling", "pooling_template", "pooling_totals"],
        "ranking": ["rank_candidates"],
        "siting": ["maximal_coverage", "set_cover"],
        "typologies": ["TypologyResult", "typology"],
    },
)
