"""How far and how many people a coordination structure has to reach: DAC, CLIC, MDPH, CPTS."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from territory.access.catchments.kernels import k_closest
from territory.access.pairs import Floats, Pairs, read_amounts, read_pairs, sum_by, warn
from territory.errors import ParameterError, examples

__all__ = ["coordination_reach"]


def coordination_reach(
    travel_times: pd.DataFrame,
    population_hab: pd.Series[float],
    area_km2: pd.Series[float],
    structures: Sequence[str],
    *,
    too_far_min: float,
    is_complete_list: bool,
    territories: pd.Series[str] | None = None,
) -> pd.DataFrame:
    """Count the population and the area that each structure (DAC, CLIC, MDPH, CPTS) would have to serve.

    Parameters
    ----------
    travel_times
        Columns from_id (commune), to_id (structure), travel_time_min (min).
    population_hab, area_km2
        Inhabitants and area of each commune, on the same index.
    structures
        Their ids, as to_id.
    too_far_min
        Time from the edge (min) above which a territory is « trop vaste »; at this time it is not yet.
    is_complete_list
        Whether all the structures of the territory are listed. If not, and `territories` is None, all figures are
        NaN: a missing structure would take communes from the others.
    territories
        Structure in charge of each commune, when it is known. None: each commune goes to the closest structure, a
        hypothesis that the column `basis` states.

    Returns
    -------
    DataFrame
        Index: `structures`. Columns commune_count, population_hab, area_km2, edge_time_min (longest time from a
        commune of its territory), mean_time_min (weighted by inhabitants), is_too_large (<NA> when unknown), basis.

    Raises
    ------
    ParameterError
        If amounts are negative or on different indexes, a territory names an unknown structure, or too_far_min is
        not positive.
    SchemaError, UnknownCodeError
        As `time_to_closest`.

    Warns
    -----
    TerritoryWarning
        When the list is partial, and with the communes that no structure serves.

    Examples
    --------
    >>> times = pd.DataFrame({
    ...     "from_id": ["A", "A", "B"], "to_id": ["D1", "D2", "D1"], "travel_time_min": [10.0, 30.0, 70.0]})
    >>> reach = coordination_reach(
    ...     times, pd.Series({"A": 900.0, "B": 100.0}), pd.Series({"A": 20.0, "B": 80.0}), ["D1", "D2"],
    ...     too_far_min=60, is_complete_list=True)
    >>> reach[["population_hab", "area_km2", "edge_time_min", "is_too_large"]]
        population_hab  area_km2  edge_time_min  is_too_large
    D1          1000.0     100.0           70.0          True
    D2             0.0       0.0            NaN          <NA>
    """
    if not too_far_min > 0:
        raise ParameterError(f"too_far_min = {too_far_min} : un nombre de minutes positif est attendu.")
    if not population_hab.index.equals(area_km2.index):
        raise ParameterError("Population et superficie : l'index des communes doit être le même.")
    people = read_amounts(population_hab, "Population")
    area = read_amounts(area_km2, "Superficie")
    pairs = read_pairs(travel_times, origins=population_hab.index, sites=structures)
    if territories is None:
        assigned = _closest_structure(pairs)
        basis = "hypothèse : structure la plus proche"
    else:
        assigned = _known_structure(territories, population_hab, pairs)
        basis = "territoire connu"
    table = _reach(pairs, assigned, people, area)
    if territories is None and not is_complete_list:
        warn(
            "Liste des structures partielle : ce que chacune devrait couvrir n'est pas calculable.",
            stacklevel=3,
        )
        table[:] = np.nan
    edge = table["edge_time_min"].to_numpy()
    too_large = pd.arrays.BooleanArray(edge > too_far_min, np.isnan(edge))
    return table.assign(is_too_large=too_large, basis=basis)


def _reach(pairs: Pairs, assigned: Floats, people: Floats, area: Floats) -> pd.DataFrame:
    """Return the sums of each structure over its communes."""
    size = len(pairs.sites)
    here = np.flatnonzero(~np.isnan(assigned))
    structure = assigned[here].astype(np.int32)
    minutes = np.full(len(assigned), np.nan)
    own = assigned[pairs.origin] == pairs.site
    minutes[pairs.origin[own]] = pairs.minutes[own]
    edge = np.full(size, -np.inf)
    # maximum propagates NaN: a commune of unknown time leaves the edge unknown
    with np.errstate(invalid="ignore"):
        np.maximum.at(edge, structure, minutes[here])
    population = sum_by(structure, people[here], size)
    burden = sum_by(structure, np.where(people[here] == 0, 0.0, people[here] * minutes[here]), size)
    return pd.DataFrame(
        {
            "commune_count": sum_by(structure, np.ones(here.size), size),
            "population_hab": population,
            "area_km2": sum_by(structure, area[here], size),
            "edge_time_min": np.where(np.isinf(edge), np.nan, edge),
            "mean_time_min": np.where(
                population > 0, burden / np.where(population > 0, population, 1.0), np.nan
            ),
        },
        index=pairs.sites,
    )


def _closest_structure(pairs: Pairs) -> Floats:
    """Return the position of the closest structure of each commune, NaN without any."""
    by_name = pairs.sites.argsort().argsort().astype(np.int32)
    best, _ = k_closest(pairs.origin, by_name[pairs.site], pairs.minutes, len(pairs.origins), 1)
    found = best[:, 0]
    alone = pairs.origins[found < 0]
    if len(alone):
        warn(f"{len(alone)} commune(s) qu'aucune structure n'atteint ({examples(alone)}).")
    return np.where(found < 0, np.nan, pairs.sites.argsort()[found].astype(np.float64))


def _known_structure(territories: pd.Series[str], population_hab: pd.Series[float], pairs: Pairs) -> Floats:
    """Return the position of the structure in charge of each commune, NaN without any."""
    given = territories.reindex(population_hab.index)
    strange = pd.Index(given.dropna().unique()).difference(pairs.sites)
    if len(strange):
        raise ParameterError(f"Territoires : structure(s) inconnue(s) ({examples(strange)}).")
    alone = given.index[given.isna()]
    if len(alone):
        warn(f"{len(alone)} commune(s) sans structure en charge ({examples(alone)}).")
    found = pairs.sites.get_indexer(pd.Index(given.to_numpy(dtype=object)))
    return np.where(found < 0, np.nan, found.astype(np.float64))
