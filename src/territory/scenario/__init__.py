"""Change a copy of the inputs, compute it with the same functions, compare."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "applying": ["apply"],
        "changes": ["ChangeCapacity", "CloseSite", "MoveSite", "OpenSite", "Scenario"],
        "comparing": ["compare"],
        "computing": ["compute"],
        "results": ["Comparison", "Results"],
    },
)
