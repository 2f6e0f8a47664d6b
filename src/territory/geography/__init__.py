"""Commune codes across years, official projections, and the point that stands for a commune."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "cog_conversion": ["to_cog"],
        "communes": [
            "check_codes",
            "check_points",
            "commune_of_arrondissement",
            "departement_of",
            "inside_points",
            "locate",
            "merge_arrondissements",
            "pad_codes",
            "projected_epsg",
            "projected_epsg_of_commune",
        ],
    },
)
