"""Travel times, needs, coverage gaps and scenarios for French health and medico-social planning."""

from territory.tables import attach

# the only place of the version: the build, the command line and the manifests read it here
__version__ = "0.1.0"

__getattr__, __dir__, __all__ = attach(__name__, __file__)
