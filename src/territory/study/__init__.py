"""A study file (TOML) as validated objects, and the inputs of one computation."""

from territory.tables import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
