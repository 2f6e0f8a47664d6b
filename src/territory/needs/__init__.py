"""Persons in need per commune: ages, rates, known totals, standardisation and projections."""

from territory.tables import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
