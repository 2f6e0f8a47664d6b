"""Commune codes across years, official projections, and the point that stands for a commune."""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "codes": [
            "check_codes",
            "commune_of_arrondissement",
            "departement_of",
            "merge_arrondissements",
            "pad_codes",
        ],
        "cog_conversion": ["to_cog"],
        "points": [
            "check_points",
            "inside_points",
            "locate",
            "projected_epsg",
            "projected_epsg_of_commune",
        ],
    },
)
