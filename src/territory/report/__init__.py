"""What is handed over: tables, disclosure control, French text and the PDF."""

from territory.tables import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
