"""Change a copy of the inputs, compute it with the same functions, compare."""

from territory.tables import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
