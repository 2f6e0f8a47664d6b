"""Timetables of public transport (GTFS), and the times without a car that they give, door to door."""

from territory.tables import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
