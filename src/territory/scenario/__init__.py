"""Change a copy of the inputs, compute it with the same functions, compare."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "applying": ["apply"],
        "changes": [
            "ChangeCapacity",
            "ChangePopulation",
            "ChangeSpeeds",
            "CloseSite",
            "MergeEstablishments",
            "MoveSite",
            "OpenBranch",
            "OpenSite",
            "PoolSites",
            "Scenario",
            "TransferAuthorisation",
        ],
        "building": ["annuity_eur", "building_costs"],
        "comparing": ["compare"],
        "comparing_scenarios": ["side_by_side"],
        "computing": ["compute"],
        "demand": ["demand_of"],
        "families": ["reallocate"],
        "gainers": ["gainers_and_losers"],
        "pathways": ["child_path", "coordination", "ehpad_care", "recruitment"],
        "places": ["count_places"],
        "results": ["Comparison", "Results"],
        "travel_accounts": ["account_terms"],
        "uncertainty": ["Draws", "draw_results"],
        "waiting": ["waits"],
    },
)
