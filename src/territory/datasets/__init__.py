"""The dataset inside the package: the Var, and the communes within 45 km around it."""

from territory.tables import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
