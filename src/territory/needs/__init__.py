"""Persons in need per commune: ages, rates, known totals, standardisation, projections, and places beside them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "ages": [
            "cut_bands",
            "grow_population",
            "persons_by_age",
            "population_from_columns",
            "population_from_shares",
            "project_population",
        ],
        "needs_and_places": [
            "KINDS_COMPARABLE_WITH_PLACES",
            "demand_against_places",
            "demand_by_zone",
            "places_against_rate",
        ],
        "rates": [
            "Rate",
            "calibrate_demand",
            "demand_for_service",
            "demand_from_rate",
            "demand_from_rates",
            "scale_to_total",
            "standardised_population",
        ],
    },
)
