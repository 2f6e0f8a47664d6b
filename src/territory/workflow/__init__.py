"""The steps of a study, what they read and wrote, and the files that are handed over."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submod_attrs={"inputs.prepare": ["Inputs", "prepare"], "run": ["run_study"]}
)
