"""Persons in need per commune: ages, rates, known totals, standardisation and projections."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "persons": [
            "KINDS_COMPARABLE_WITH_PLACES",
            "demand_from_rate",
            "grow_population",
            "persons_by_age",
            "project_population",
            "scale_to_total",
            "standardised_population",
        ],
    },
)
