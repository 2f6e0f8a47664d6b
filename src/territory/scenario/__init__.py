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
        "comparison.compare": ["compare"],
        "measures.compute": ["compute"],
        "results": ["Comparison", "Results"],
    },
)
