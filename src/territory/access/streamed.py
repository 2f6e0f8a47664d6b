"""The measures over tables of travel times that come part by part, each part with all the pairs of its origins.

A part is a table, or a function without argument that gives one (that reads a file, say): only a few are held at a
time. Each function is a map over the parts and one reduction, and takes the `mapper` that runs the map: `map` by
default, that of an executor, of a pool or of a cluster. The results are those of the functions of the same names on
the whole table, bit for bit, whatever the parts, their order and the mapper.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
import pandas as pd

from territory.access import closest, coverage_shares
from territory.access.catchments import floating_catchment
from territory.access.catchments.parts import (
    Part,
    Places,
    Seen,
    column_of,
    flags_of,
    gather,
    named_in,
    places_of,
    read_part,
    sites_only,
)
from territory.access.catchments.steps import METHODS, Asked, answer, ask, ratios_of
from territory.access.decay import Decay
from territory.access.pairs import Floats, Ids, Pairs, read_amounts, read_pairs, unique_ids
from territory.access.pathways.practitioners import (
    APL_NAME,
    HEADCOUNT_NAME,
    PER_HAB,
    AplProfile,
    apl_profile,
    labelled,
)
from territory.errors import ParameterError, TerritoryWarning

__all__ = [
    "Mapper",
    "Part",
    "apl",
    "coverage",
    "floating_catchment_area",
    "gp_headcount_access",
    "sites_only",
    "time_to_closest",
]


class Mapper(Protocol):
    """What runs a function over items and gives the results in their order, as `map` does."""

    def __call__(self, function: Callable[[Any], Any], items: Sequence[Any], /) -> Iterable[Any]:
        """Return the results in the order of the items."""


def time_to_closest(
    parts: Sequence[Part], origins: Iterable[str], *, k: int = 1, mapper: Mapper = map
) -> pd.DataFrame:
    """Find the k closest sites of each origin, part by part.

    Parameters
    ----------
    parts
        Tables of travel times, or functions that give them; each origin is in one part.
    origins, k
        As in `territory.access.time_to_closest`.
    mapper
        Runs the map over the parts.

    Returns
    -------
    DataFrame
        As `territory.access.time_to_closest`; an origin that no part names is out of reach. Identifiers are
        text.

    Raises
    ------
    ParameterError, SchemaError, UnknownCodeError
        As `territory.access.time_to_closest`; also if an origin is in two parts.

    Examples
    --------
    >>> one = pd.DataFrame({"from_id": ["A"], "to_id": ["S"], "travel_time_min": [12.0]})
    >>> two = pd.DataFrame({"from_id": ["B"], "to_id": ["S"], "travel_time_min": [30.0]})
    >>> time_to_closest([one, lambda: two], pd.Index(["B", "A"]))["time_1_min"].to_dict()
    {'B': 30.0, 'A': 12.0}
    """
    if k < 1:
        raise ParameterError(f"k = {k} : demandez au moins un site par origine.")
    ids = unique_ids(origins, "Origines")
    found, is_named = gather(mapper(partial(_closest, origins=ids, k=k), parts), ids)
    columns: dict[str, Any] = {}
    for rank in range(1, k + 1):
        columns[f"to_id_{rank}"] = column_of(found, f"to_id_{rank}").astype("str")
        columns[f"time_{rank}_min"] = column_of(found, f"time_{rank}_min").astype(np.float64)
    columns["is_reachable"] = flags_of(found, "is_reachable", is_named)
    columns["unknown_count"] = column_of(found, "unknown_count").fillna(0).astype(np.int64)
    closest.warn_unknown_times(columns["unknown_count"].to_numpy(), ids)
    return pd.DataFrame(columns, index=ids)


def coverage(
    parts: Sequence[Part],
    demand: pd.Series[float],
    *,
    thresholds_min: Sequence[float] = coverage_shares.THRESHOLDS_MIN,
    mapper: Mapper = map,
) -> pd.DataFrame:
    """Tell whether each commune has a site within each threshold, part by part.

    Parameters
    ----------
    parts
        As for `time_to_closest`.
    demand, thresholds_min
        As in `territory.access.coverage`.
    mapper
        Runs the map over the parts.

    Returns
    -------
    DataFrame
        As `territory.access.coverage`; count persons with `territory.access.coverage_shares.persons_by_zone`.

    Raises
    ------
    ParameterError, SchemaError, UnknownCodeError
        As `territory.access.coverage`; also if an origin is in two parts.

    Examples
    --------
    >>> one = pd.DataFrame({"from_id": ["A"], "to_id": ["S"], "travel_time_min": [12.0]})
    >>> two = pd.DataFrame({"from_id": ["B"], "to_id": ["S"], "travel_time_min": [30.0]})
    >>> coverage([one, two], pd.Series({"A": 5.0, "B": 5.0}), thresholds_min=(15,))["within_15_min"].tolist()
    [True, False]
    """
    read_amounts(demand, "Demande")
    ordered = coverage_shares.check_thresholds(thresholds_min)
    found, is_named = gather(
        mapper(partial(_covered, demand=demand, thresholds_min=ordered), parts), demand.index
    )
    closest.warn_unknown_times(
        column_of(found, "unknown_count").fillna(0).to_numpy(dtype=np.int64), demand.index
    )
    names = [f"within_{threshold:g}_min" for threshold in ordered]
    return pd.DataFrame({name: flags_of(found, name, is_named) for name in names}, index=demand.index)


def floating_catchment_area(
    parts: Sequence[Part],
    demand: pd.Series[float],
    supply: pd.Series[float],
    *,
    decay: Decay,
    method: str = "2sfca",
    mapper: Mapper = map,
) -> pd.Series[float]:
    """Supply within reach of each origin, per person who competes for it, part by part.

    The parts are gone through twice: what all of them ask of each site is added up, then shared out.

    Parameters
    ----------
    parts
        As for `time_to_closest`.
    demand, supply, decay, method
        As in `territory.access.floating_catchment_area`.
    mapper
        Runs both maps over the parts.

    Returns
    -------
    Series
        As `territory.access.floating_catchment_area`.

    Raises
    ------
    ParameterError, SchemaError, UnknownCodeError
        As `territory.access.floating_catchment_area`; also if an origin is in two parts.

    Warns
    -----
    TerritoryWarning
        As `territory.access.floating_catchment_area`, once for all parts.

    Notes
    -----
    The sums over origins, which cross the parts, are kept exact
    (`territory.access.catchments.exact_sums`) and rounded once.

    Examples
    --------
    >>> from territory.access import decay
    >>> one = pd.DataFrame({"from_id": ["A"], "to_id": ["S"], "travel_time_min": [10.0]})
    >>> two = pd.DataFrame({"from_id": ["B"], "to_id": ["S"], "travel_time_min": [20.0]})
    >>> demand, places = pd.Series({"A": 100.0, "B": 300.0}), pd.Series({"S": 20.0})
    >>> floating_catchment_area([one, two], demand, places, decay=decay.binary(30)).tolist()
    [0.05, 0.05]
    """
    if method not in METHODS:
        raise ParameterError(f"Méthode « {method} » inconnue : choisissez parmi {', '.join(METHODS)}.")
    persons = read_amounts(demand, "Demande")
    places = read_amounts(supply, "Offre")
    steps = _Catchment(demand, supply, decay, method)
    asked, seen, is_graded, unknown_times = Asked.nothing(method, len(supply)), Seen(demand.index), False, 0
    for origins, sites, asked_here, graded, unknown in mapper(steps.ask, parts):
        seen.add(origins)
        asked.add(asked_here, sites)
        is_graded |= graded
        unknown_times += unknown
    seen.check()
    ratios, lost = ratios_of(asked.demand.values(), places)
    floating_catchment.warn_nobody(supply.index[lost])
    access = np.zeros(len(demand))
    for origins, values in mapper(partial(steps.answer, ratios=ratios, column=asked.column()), parts):
        access[origins] = values
    floating_catchment.warn_unknown(access, demand.index, unknown_times, persons, places)
    name = "e2sfca" if method == "2sfca" and is_graded else method
    return pd.Series(access, index=demand.index, name=name)


def apl(
    parts: Sequence[Part],
    standardised_population: pd.Series[float],
    activity: pd.Series[float],
    *,
    profile: str | AplProfile,
    mapper: Mapper = map,
) -> pd.Series[float]:
    """Accessibilité potentielle localisée, part by part.

    Parameters
    ----------
    parts
        As for `time_to_closest`.
    standardised_population, activity, profile
        As in `territory.access.apl`.
    mapper
        Runs both maps over the parts.

    Returns
    -------
    Series
        As `territory.access.apl`.

    Raises
    ------
    ParameterError, SchemaError, UnknownCodeError
        As `territory.access.apl`; also if an origin is in two parts.
    """
    chosen = apl_profile(profile)
    access = floating_catchment_area(
        parts, standardised_population, activity, decay=chosen.decay, method="e2sfca", mapper=mapper
    )
    return labelled(access, APL_NAME, chosen, "consultations par an et par habitant standardisé")


def gp_headcount_access(
    parts: Sequence[Part],
    population: pd.Series[float],
    practitioners: pd.Series[float],
    *,
    profile: str | AplProfile,
    mapper: Mapper = map,
) -> pd.Series[float]:
    """Practitioners within reach per 100,000 inhabitants, part by part: not an APL.

    Parameters
    ----------
    parts
        As for `time_to_closest`.
    population, practitioners, profile
        As in `territory.access.pathways.practitioners.gp_headcount_access`.
    mapper
        Runs both maps over the parts.

    Returns
    -------
    Series
        As `territory.access.pathways.practitioners.gp_headcount_access`.

    Raises
    ------
    ParameterError, SchemaError, UnknownCodeError
        As `apl`.
    """
    chosen = apl_profile(profile)
    access = floating_catchment_area(
        parts, population, practitioners, decay=chosen.decay, method="e2sfca", mapper=mapper
    )
    return labelled(access * PER_HAB, HEADCOUNT_NAME, chosen, "médecins pour 100 000 habitants")


def _closest(part: Part, *, origins: Ids, k: int) -> pd.DataFrame:
    """Return the closest sites of the origins of a part."""
    table = read_part(part)
    with warnings.catch_warnings():
        # said once for all parts
        warnings.simplefilter("ignore", TerritoryWarning)
        found = closest.time_to_closest(table, named_in(table, origins), k=k)
    return found.astype({f"to_id_{rank}": "str" for rank in range(1, k + 1)})


def _covered(part: Part, *, demand: pd.Series[float], thresholds_min: Sequence[float]) -> pd.DataFrame:
    """Return the coverage of the origins of a part, and how many of their times are unknown."""
    table = read_part(part)
    here = demand.loc[named_in(table, demand.index)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TerritoryWarning)
        found = coverage_shares.coverage(table, here, thresholds_min=thresholds_min)
        unknown = closest.count_unknown(read_pairs(table, origins=here.index, sites=None))
    return found.assign(unknown_count=unknown)


@dataclass(frozen=True)
class _Catchment:
    """The two steps of a catchment measure, for one part; sent to whatever runs the map."""

    demand: pd.Series[float]
    supply: pd.Series[float]
    decay: Decay
    method: str

    def ask(self, part: Part) -> tuple[Places, Places, Asked, bool, int]:
        """Return what a part asks of which sites, whether weights are graded, how many times are unknown."""
        origins, sites, pairs = self._pairs(part)
        weights = pairs.weights(self.decay)
        persons, places = self._amounts(origins, sites)
        asked = ask(self.method, pairs, weights, persons, places)
        return (
            origins,
            sites,
            asked,
            floating_catchment.is_graded(self.decay, weights),
            int(np.isnan(weights).sum()),
        )

    def answer(self, part: Part, *, ratios: Floats, column: Floats | None) -> tuple[Places, Floats]:
        """Return what reaches which origins."""
        origins, sites, pairs = self._pairs(part)
        places = self._amounts(origins, sites)[1]
        here = None if column is None else column[sites]
        weights = pairs.weights(self.decay)
        return origins, answer(self.method, pairs, weights, places, ratios[sites], here)

    def _pairs(self, part: Part) -> tuple[Places, Places, Pairs]:
        """Return the origins and the sites that a part names, by place, and its pairs."""
        table = read_part(part)
        origins = places_of(table["from_id"], self.demand.index)
        sites = places_of(table["to_id"], self.supply.index)
        ids = self.demand.index[origins], self.supply.index[sites]
        return origins, sites, read_pairs(table, origins=ids[0], sites=ids[1], is_part=True)

    def _amounts(self, origins: Places, sites: Places) -> tuple[Floats, Floats]:
        """Return demand and supply at some places."""
        return (
            read_amounts(self.demand.iloc[origins], "Demande"),
            read_amounts(self.supply.iloc[sites], "Offre"),
        )
