"""Studies of a whole country: travel times written part by part, and the measures over the parts."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "folder": ["TimesFolder", "TimesPart", "open_times"],
        "running": ["NationalResult", "is_national", "run_national"],
        "schedulers": ["open_scheduler"],
        "writing": ["write_travel_times"],
    },
)
