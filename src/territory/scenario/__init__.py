"""Change a copy of the inputs, compute it with the same functions, compare."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "changes.apply": ["apply"],
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
        "accounts": ["account_terms", "annuity_eur", "building_costs", "waits"],
        "comparison.compare": ["best_in_all", "compare", "gainers_and_losers", "side_by_side"],
        "measures.compute": ["compute", "reallocate"],
        "changes.draft": ["demand_of"],
        "measures.pathways": ["child_equipment", "child_path", "coordination", "ehpad_care", "recruitment"],
        "measures.places": ["count_places"],
        "results": ["Comparison", "Results"],
        "doubt.children": ["LikelyChildren", "findings_of", "likely_children", "out_of_ten"],
        "doubt.draws": ["Draws", "draw_results"],
    },
)
