"""The steps of a study, what they read and wrote, and the files that are handed over."""

from territory.tables import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
