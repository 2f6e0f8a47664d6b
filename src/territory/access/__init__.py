"""Access to care: times, coverage, catchments, APL, allocation of places, deserts, zoning, equity.

A table of travel times that lacks a column, or holds negative times or the same pair twice, raises `SchemaError`; one
that names no origin, or no site, that is asked about, `UnknownCodeError`; an option out of range, amounts that are
negative or ids that come twice, and a threshold or a decay that reaches beyond the table's cutoff, `ParameterError`.
`TerritoryWarning` counts the origins or pairs whose time is unknown.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submodules=["decay", "deserts", "equity", "streamed", "zoning"],
    submod_attrs={
        "allocation": ["Allocation", "allocate_places"],
        "catchments.floating_catchment": [
            "APL_PROFILES",
            "AplProfile",
            "apl",
            "choice_shares",
            "floating_catchment_area",
            "gp_headcount_access",
            "gravity",
            "mean_by",
            "spatial_availability",
        ],
        "closest": ["coverage", "time_to_closest"],
        "uncertainty": ["told_apart"],
        "paths": ["coordination_reach", "recruitment_by_site", "recruitment_by_zone"],
    },
)
