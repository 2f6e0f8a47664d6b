"""The one gate: a `Release` is all that documents, tables and pictures may read; nothing is drawn or written here."""

from territory.tables import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
