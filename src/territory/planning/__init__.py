"""Which sites and which groupings would serve the territory best: siting, grouping, typology, pooling."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "grouping.answer": ["pooling", "pooling_template"],
        "grouping.groups": ["GroupingResult", "territorial_groups"],
        "siting.answer": ["SitingAnswer", "answer_siting", "rank_candidates"],
        "siting.location_models": ["maximal_coverage", "p_center", "p_median", "set_cover"],
        "siting.result": ["SitingResult"],
        "typologies": ["TypologyResult", "typology"],
    },
)
