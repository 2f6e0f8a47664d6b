"""Access to care: times, coverage, catchments, APL, allocation of places, deserts, zoning, equity."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submodules=["decay", "deserts", "equity", "paths", "streamed", "uncertainty", "zoning"],
    submod_attrs={
        "allocation": ["Allocation", "allocate_by_stratum", "allocate_places", "send_to_closest"],
        "catchments.floating_catchment": [
            "choice_shares",
            "floating_catchment_area",
            "gravity",
            "spatial_availability",
        ],
        "catchments.practitioners": ["APL_PROFILES", "AplProfile", "apl", "gp_headcount_access", "mean_by"],
        "closest": ["coverage", "coverage_by", "time_to_closest", "time_to_site"],
        "uncertainty": ["told_apart"],
        "paths": ["coordination_reach", "recruitment_by_site", "recruitment_by_zone"],
    },
)
