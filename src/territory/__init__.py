"""Travel times, needs, coverage gaps and scenarios for French health and medico-social planning."""

import lazy_loader

# the only place of the version: the build, the command line and the manifests read it here
__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules={
        "access",
        "datasets",
        "geography",
        "needs",
        "network",
        "notebooks",
        "planning",
        "plot",
        "release",
        "report",
        "rounds",
        "scenario",
        "sources",
        "supply",
        "transit",
    },
    submod_attrs={
        "errors": ["TerritoryError"],
        "study": ["Study", "load_study"],
        "result": ["StudyResult"],
        "workflow": ["run_study"],
    },
)
