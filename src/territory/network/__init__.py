"""Travel times: from a road map, from a table or a server, or estimated without either."""

from __future__ import annotations

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "estimate": ["estimate_travel_times"],
    },
)
