"""A study file (TOML) as validated objects, and the inputs of one computation."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "words.changes": ["Change", "ChangeCapacity", "CloseSite", "MoveSite", "OpenSite"],
        "words.scenario": ["Scenario"],
        "words.questions": ["Grouping", "Siting"],
        "load": ["built_in_studies", "load_study"],
        "words.model": ["Authorisation", "Need", "NewService", "NewSite", "Study", "Trip"],
        "state": ["Parameters", "State"],
    },
)
