"""Endo-recruitment: of the children that a site serves, how many live in its zone, and the other way round."""

from __future__ import annotations

import numpy as np
import pandas as pd

from territory.access.pairs import Floats, read_amounts
from territory.errors import ParameterError, SchemaError, examples

__all__ = ["recruitment_by_site", "recruitment_by_zone"]

COLUMNS = ("from_id", "to_id", "persons")


def recruitment_by_site(
    origins: pd.DataFrame, commune_zones: pd.Series[str], site_zones: pd.Series[str]
) -> pd.DataFrame:
    """Share of the persons served by each site who live in the zone of the site.

    Parameters
    ----------
    origins
        Observed origins of the persons served: columns from_id (commune), to_id (site), persons. Estimates are no
        substitute: the share would only give back their hypothesis.
    commune_zones, site_zones
        Zone (EPCI, commune…) of each commune and of each site.

    Returns
    -------
    DataFrame
        Index: sites, in the order in which they come. Columns persons, persons_from_zone, endo_recruitment_share
        (0 to 1; NaN when nobody is served).

    Raises
    ------
    SchemaError
        If a column is absent.
    ParameterError
        If persons are negative or unknown, or a commune or a site has no zone.

    Examples
    --------
    >>> served = pd.DataFrame({"from_id": ["A", "B"], "to_id": ["S", "S"], "persons": [6.0, 2.0]})
    >>> recruitment_by_site(served, pd.Series({"A": "x", "B": "y"}), pd.Series({"S": "x"}))
       persons  persons_from_zone  endo_recruitment_share
    S      8.0                6.0                    0.75
    """
    persons, home, place = _read(origins, commune_zones, site_zones)
    return _shares(persons, home == place, origins["to_id"], "persons_from_zone", "endo_recruitment_share")


def recruitment_by_zone(
    origins: pd.DataFrame, commune_zones: pd.Series[str], site_zones: pd.Series[str]
) -> pd.DataFrame:
    """Share of the persons of each zone who are served in it.

    Parameters
    ----------
    origins, commune_zones, site_zones
        As for `recruitment_by_site`. Persons served by sites that are not in the table are not seen.

    Returns
    -------
    DataFrame
        Index: zones where served persons live, in the order in which they come. Columns persons,
        persons_served_in_zone, served_in_zone_share (0 to 1; NaN when nobody is served).

    Raises
    ------
    SchemaError, ParameterError
        As `recruitment_by_site`.

    Examples
    --------
    >>> served = pd.DataFrame({"from_id": ["A", "B"], "to_id": ["S", "S"], "persons": [6.0, 2.0]})
    >>> recruitment_by_zone(served, pd.Series({"A": "x", "B": "y"}), pd.Series({"S": "x"}))
       persons  persons_served_in_zone  served_in_zone_share
    x      6.0                     6.0                   1.0
    y      2.0                     0.0                   0.0
    """
    persons, home, place = _read(origins, commune_zones, site_zones)
    return _shares(persons, home == place, home, "persons_served_in_zone", "served_in_zone_share")


def _read(
    origins: pd.DataFrame, commune_zones: pd.Series[str], site_zones: pd.Series[str]
) -> tuple[Floats, pd.Series[str], pd.Series[str]]:
    """Return persons, zone of residence and zone of the site, row by row."""
    missing = [column for column in COLUMNS if column not in origins.columns]
    if missing:
        raise SchemaError(f"Origines observées : il manque {', '.join(missing)}.")
    persons = read_amounts(origins["persons"], "Origines observées")
    if np.isnan(persons).any():
        raise ParameterError(f"Origines observées : {int(np.isnan(persons).sum())} effectif(s) inconnu(s).")
    zones = []
    for column, table, what in (("from_id", commune_zones, "commune"), ("to_id", site_zones, "site")):
        zone = origins[column].map(table)
        lost = pd.unique(origins.loc[zone.isna(), column])
        if len(lost):
            raise ParameterError(f"Origines observées : {len(lost)} {what}(s) sans zone ({examples(lost)}).")
        zones.append(zone)
    return persons, zones[0], zones[1]


def _shares(
    persons: Floats, is_inside: pd.Series[bool], by: pd.Series[str], inside_name: str, share_name: str
) -> pd.DataFrame:
    """Return persons, those inside, and their share."""
    rows = pd.DataFrame({"persons": persons, inside_name: np.where(is_inside, persons, 0.0)})
    table = rows.groupby(by.to_numpy(), sort=False).sum()
    table[share_name] = table[inside_name].div(table["persons"].where(table["persons"] > 0))
    return table
