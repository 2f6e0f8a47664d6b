"""Rounds of vehicles: children taken to their establishment, professionals who drive to children."""

from territory.tables import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
