"""Rounds of vehicles: children taken to their establishment, professionals who drive to children."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "collective": ["collective_rounds", "ride_limit_curve"],
        "result": ["RoundPrices", "Rounds"],
        "staff": ["staff_rounds"],
    },
)
