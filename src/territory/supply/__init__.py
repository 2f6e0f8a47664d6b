"""Places and professionals per site: what each site offers, what may be summed, and what is unknown."""

from territory.tables import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
