"""What the members of a groupement may share (CASF L312-7 3°, R312-194-1; decree of 6 April 2006).

Sharing creates no place: what is counted is staff time and travel, only from figures that the members give.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from territory.access.pairs import read_pairs, unique_ids, warn
from territory.errors import ParameterError, Problems, UnknownCodeError, agree, examples
from territory.tables.declare import CODES
from territory.units import MINUTES_PER_HOUR

# what a groupement may share: the short code, then what it is for the director
SHARED_SERVICES: Mapping[str, str] = CODES["shared_services"]

_FIGURES = ("hours_today_per_year", "hours_pooled_per_year", "trips_per_year")
_COLUMNS = ("label", "is_shared", "host_id", *_FIGURES)


def pooling_template(
    members: Iterable[str], *, services: Mapping[str, str] = SHARED_SERVICES
) -> pd.DataFrame:
    """Make the table that the members fill in: one row per service and member, nothing known.

    Parameters
    ----------
    members
        Ids of the members (sites of `travel_times`); blank or duplicated ones are a `ParameterError`.
    services
        Code and French name of each service that may be shared.

    Returns
    -------
    DataFrame
        Indexed by (service, member_id): label (French), is_shared (<NA> = not decided), host_id (member where the
        shared service works), hours_today_per_year and hours_pooled_per_year (staff hours of the member for this
        service, today and once shared), trips_per_year (return trips of the member's staff to the host).

    Examples
    --------
    >>> len(pooling_template(["ime", "cmpp"]))
    18
    """
    ids = unique_ids(members, "Membres")
    index = pd.MultiIndex.from_product([list(services), ids], names=["service", "member_id"])
    return pd.DataFrame(
        {
            "label": pd.Series([services[code] for code, _ in index], index=index, dtype="str"),
            "is_shared": pd.Series(pd.NA, index=index, dtype="boolean"),
            "host_id": pd.Series(None, index=index, dtype="str"),
            **{name: pd.Series(np.nan, index=index, dtype=float) for name in _FIGURES},
        }
    )


def pooling(table: pd.DataFrame, travel_times: pd.DataFrame) -> pd.DataFrame:
    """Compute, for each member and service, the hours freed by sharing and the hours spent on the road for it.

    Parameters
    ----------
    table
        As `pooling_template` makes it, filled in as far as known. Rows and services may be added or taken out.
    travel_times
        Columns from_id, to_id, travel_time_min (min) between members, one way.

    Returns
    -------
    DataFrame
        The same, and: travel_time_min (from the member to the host), travel_hours_per_year (there and back),
        freed_hours_per_year (today less shared; negative when sharing asks more), net_hours_per_year = (today - pooled)
        - 2 × trips × minutes / 60. What is not shared frees 0. NaN wherever a figure was not given: nothing is assumed.

    Raises
    ------
    ParameterError, SchemaError
        With everything that is wrong in the table, or in the times.

    Examples
    --------
    >>> table = pooling_template(["ime"], services={"formation": "Formation"}).assign(is_shared=True, host_id="ime")
    >>> table = table.assign(hours_today_per_year=200.0, hours_pooled_per_year=120.0, trips_per_year=0.0)
    >>> times = pd.DataFrame({"from_id": ["ime"], "to_id": ["ime"], "travel_time_min": [0.0]})
    >>> pooling(table, times)["net_hours_per_year"].tolist()
    [80.0]
    """
    _check(table)
    result = table.copy()
    member = pd.Series(table.index.get_level_values("member_id"), index=table.index)
    minutes = _minutes(member, table["host_id"], travel_times)
    is_shared = table["is_shared"].astype("boolean")
    alone = is_shared.eq(False).fillna(False).to_numpy(dtype=bool)
    unknown = is_shared.isna().to_numpy()
    freed = table["hours_today_per_year"] - table["hours_pooled_per_year"]
    trips = table["trips_per_year"].astype(float)
    # no trip takes no time, wherever the host is
    travel = (2.0 * trips * minutes / MINUTES_PER_HOUR).mask(trips.eq(0), 0.0)
    # the host's staff are at home
    travel = travel.mask(member.eq(table["host_id"]), 0.0)
    result["travel_time_min"] = minutes
    for name, hours in (("travel_hours_per_year", travel), ("freed_hours_per_year", freed)):
        result[name] = hours.mask(alone, 0.0).mask(unknown)
    result["net_hours_per_year"] = result["freed_hours_per_year"] - result["travel_hours_per_year"]
    missing = result.index[result["net_hours_per_year"].isna()]
    if len(missing):
        warn(
            f"Bilan non calculable pour {agree(len(missing), 'ligne(s)')} sur {len(result)} "
            f"({examples(' / '.join(map(str, key)) for key in missing)}), faute de données : complétez le tableau.",
            stacklevel=3,
        )
    return result


def _check(table: pd.DataFrame) -> None:
    """Raise one error with all that is wrong in the table."""
    problems = Problems("Tableau de mutualisation", ParameterError)
    if list(table.index.names) != ["service", "member_id"]:
        problems.add("l'index devrait être (service, member_id) : partez de pooling_template")
    problems.raise_if_any()
    absent = [column for column in _COLUMNS if column not in table.columns]
    if absent:
        problems.count(absent, "colonne(s) absente(s)")
    problems.raise_if_any()
    problems.count(table.index[table.index.duplicated()], "ligne(s) en double")
    for column in _FIGURES:
        if not pd.api.types.is_numeric_dtype(table[column].dtype):
            problems.add(f"colonne « {column} » : des nombres sont attendus")
            continue
        bad = table.index[(table[column] < 0) | np.isinf(table[column].astype(float))]
        problems.count(bad, f"valeur(s) négative(s) ou infinie(s) dans la colonne « {column} »")
    if not table["is_shared"].dropna().isin([True, False]).all():
        problems.add("colonne « is_shared » : vrai, faux, ou vide si ce n'est pas décidé")
    hosts = pd.Index(table["host_id"].dropna().unique())
    stray = hosts[~hosts.isin(table.index.get_level_values("member_id"))]
    problems.count(stray, "site(s) de la colonne « host_id » (n'est pas membre|ne sont pas membres)")
    problems.raise_if_any()


def _minutes(member: pd.Series[str], host: pd.Series[str], travel_times: pd.DataFrame) -> pd.Series[float]:
    """Return minutes from each member to its host, 0 for the host itself, NaN where unknown or out of reach."""
    ids = pd.Index(sorted(set(member)), dtype=object)
    try:
        pairs = read_pairs(travel_times, origins=ids, sites=ids)
    except UnknownCodeError:
        # no member in the table: every drive is unknown, which is said with the results
        return pd.Series(np.nan, index=member.index).mask(member.eq(host), 0.0)
    found = pd.Series(
        pairs.minutes,
        index=pd.MultiIndex.from_arrays([ids.to_numpy()[pairs.origin], ids.to_numpy()[pairs.site]]),
    )
    asked = pd.MultiIndex.from_arrays([member.to_numpy(), host.to_numpy()])
    minutes = pd.Series(found.reindex(asked).to_numpy(), index=member.index)
    return minutes.mask(member.eq(host), 0.0)
