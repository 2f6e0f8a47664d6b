"""Commune codes across years, official projections, and the point that stands for a commune."""

from territory.tables import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
