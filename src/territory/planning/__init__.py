"""Which sites and which groupings would serve the territory best: siting, grouping, typology, pooling."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "grouping.answer": ["GroupingAnswer", "answer_grouping", "compare_groupings"],
        "grouping.groups": ["GroupingResult", "territorial_groups"],
        "pooling_table": ["SHARED_SERVICES", "pooling", "pooling_template", "pooling_totals"],
        "siting.answer": ["SitingAnswer", "answer_siting", "candidate_communes"],
        "siting.location_models": ["maximal_coverage", "p_center", "p_median", "set_cover"],
        "siting.result": ["SitingResult"],
        "siting.trade_offs": ["alternatives", "rank_candidates", "trade_off"],
        "typologies": ["TypologyResult", "typology"],
    },
)
