"""Commune codes across years, official projections, and the point that stands for a commune."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "communes": ["commune_of_arrondissement", "inside_points", "projected_epsg", "to_cog"],
    },
)
