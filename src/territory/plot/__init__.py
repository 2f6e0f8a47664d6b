"""Maps and charts of a study, drawn without global state and the same byte for byte at each run."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["charts", "interactive", "maps", "style"],
    submod_attrs={"showing": ["explore", "show"]},
)
