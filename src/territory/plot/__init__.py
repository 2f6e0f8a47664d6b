"""Maps and charts of a study, drawn without global state and the same byte for byte at each run."""

from territory.tables import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
