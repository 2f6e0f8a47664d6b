"""Access to care: times, coverage, catchments, APL, allocation of places, deserts, zoning, equity.

A table of travel times that lacks a column, or holds negative times or the same pair twice, raises `SchemaError`; one
that names no origin, or no site, that is asked about, `UnknownCodeError`; an option out of range, amounts that are
negative or ids that come twice, and a threshold or a decay that reaches beyond the table's cutoff, `ParameterError`.
`TerritoryWarning` counts the origins or pairs whose time is unknown.
"""

from territory.tables import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
