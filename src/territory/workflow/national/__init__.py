"""Studies of a whole country: travel times written part by part, and the measures over the parts."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "parts": ["TimesFolder", "open_times"],
        "run": ["NationalResult", "run_national"],
        "schedulers": ["open_scheduler"],
        "write_parts": ["write_travel_times"],
    },
)
