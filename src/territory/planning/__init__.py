"""Which sites and which groupings would serve the territory best: siting, grouping, typology, pooling."""

from __future__ import annotations

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "siting.result": ["SitingResult"],
        "answers.siting_answer": ["SitingAnswer", "answer_siting", "candidate_communes"],
        "answers.grouping_answer": ["GroupingAnswer", "answer_grouping", "compare_groupings"],
        "siting.trade_offs": ["alternatives", "rank_candidates", "trade_off"],
        "grouping.groups": ["GroupingResult", "territorial_groups"],
        "siting.p_median_family": ["p_center", "p_median"],
        "pooling_table": ["SHARED_SERVICES", "pooling", "pooling_template", "pooling_totals"],
        "siting.covering": ["maximal_coverage", "set_cover"],
        "typologies": ["TypologyResult", "typology"],
    },
)
