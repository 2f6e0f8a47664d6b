"""Persons in need per commune: ages, rates, known totals, standardisation, projections, and places beside them."""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "ages": ["persons_by_age"],
        "bands": ["cut_bands", "population_from_columns", "population_from_shares"],
        "calibration": ["calibrate_demand", "scale_to_total"],
        "needs_and_places": [
            "KINDS_COMPARABLE_WITH_PLACES",
            "demand_against_places",
            "demand_by_zone",
            "places_against_rate",
        ],
        "projection": ["grow_population", "project_population"],
        "rates": ["Rate", "demand_for_service", "demand_from_rate", "demand_from_rates"],
        "standardisation": ["standardised_population"],
    },
)
