"""Which sites and which groupings would serve the territory best: siting, grouping, typology, pooling."""

from territory.tables import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
