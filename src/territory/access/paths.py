"""Paths of care: the steps that a zone has, lacks or may have, GPs around EHPAD, who comes from where, coordination.

Only places and times are described. That two sites are close never says that they work together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from territory.access import pairs as od
from territory.access.catchments.floating_catchment import floating_catchment_area, mean_by
from territory.access.closest import k_closest
from territory.access.decay import binary
from territory.access.pairs import PAIR_COLUMNS, Bools, Floats, Ids, Pairs, warn
from territory.errors import ParameterError, agree, counted, refuse

PRESENT, ABSENT, UNKNOWN = "présent", "absent", "inconnu"
GP_TO_EHPAD_MAX_MIN = 15.0
ORIGIN_COLUMNS = ("from_id", "to_id", "persons")


@dataclass(frozen=True)
class Step:
    """One step of a path: the sites known to offer it, and whether that list is complete in the territory."""

    name: str
    site_ids: Sequence[str] = field(default=())
    is_complete_list: bool = False


def step_status(
    travel_times: pd.DataFrame, origins: Iterable[str], steps: Sequence[Step], *, max_time_min: float
) -> pd.DataFrame:
    """Tell for each origin and step whether a site is within a time (inclusive): présent, absent or inconnu.

    « absent » where the list is complete and no site is; `time_min` is that of the closest site, NaN out of reach, and
    where the list is partial, as the closest may be missing from it.
    """
    od.check_names("Étapes du parcours", [step.name for step in steps], "aucune étape")
    ids = pd.Index(list(origins))
    od.read_pairs(travel_times, origins=ids, sites=None).check_threshold(max_time_min, "Le temps maximal")
    frames = []
    for step in steps:
        closest, is_known = _closest_of(travel_times, ids, step)
        near = (closest <= max_time_min).to_numpy()
        sure = step.is_complete_list & is_known
        status = np.where(near, PRESENT, np.where(sure, ABSENT, UNKNOWN))
        frame = pd.DataFrame({"step": step.name, "status": status}, index=ids)
        time_min = closest if step.is_complete_list else np.nan
        frames.append(frame.assign(time_min=time_min, is_complete_list=step.is_complete_list))
    table = pd.concat(frames).set_index("step", append=True)
    order = pd.MultiIndex.from_product([ids, [step.name for step in steps]], names=["from_id", "step"])
    return table.rename_axis(["from_id", "step"]).reindex(order)


def path_view(
    travel_times: pd.DataFrame,
    population_hab: pd.Series[float],
    zones: pd.Series[str],
    site_zones: pd.Series[str],
    steps: Sequence[Step],
) -> pd.DataFrame:
    """Show a path zone by zone (EPCI): which steps are inside, absent or unknown, and how far the closest are.

    `status` as in `step_status`, of the sites in the zone. `mean_time_min` is to the closest site, in the zone or not,
    weighted by persons; NaN where the list is partial, or part of the zone is out of reach or unknown.
    """
    od.check_names("Étapes du parcours", [step.name for step in steps], "aucune étape")
    rows: dict[tuple[str, str], dict[str, object]] = {}
    names = list(pd.unique(zones.reindex(population_hab.index).dropna()))
    for step in steps:
        where = site_zones.reindex(pd.Index(step.site_ids, dtype=object))
        refuse(where.index[where.isna()], "site(s) sans zone", of=f"Étape « {step.name} »")
        closest, _ = _closest_of(travel_times, population_hab.index, step)
        mean = mean_by(closest, population_hab, zones) if step.is_complete_list else pd.Series(dtype=float)
        for name in names:
            count = int((where == name).sum())
            missing = ABSENT if step.is_complete_list else UNKNOWN
            rows[name, step.name] = {
                "status": PRESENT if count else missing,
                "site_count": count,
                "mean_time_min": float(mean.get(name, np.nan)),
                "is_complete_list": step.is_complete_list,
            }
    order = pd.MultiIndex.from_product([names, [step.name for step in steps]], names=["zone", "step"])
    table = pd.DataFrame(rows).T.reindex(order)
    return table.astype({"site_count": int, "mean_time_min": float, "is_complete_list": bool})


def ehpad_primary_care(
    travel_times: pd.DataFrame,
    residents: pd.Series[float],
    gps: pd.Series[float],
    *,
    max_time_min: float = GP_TO_EHPAD_MAX_MIN,
) -> pd.DataFrame:
    """GPs within reach (inclusive) of each EHPAD, to which they go; they have other patients, it is no workload.

    `residents_per_gp` is of this EHPAD alone; `shared_residents_per_gp` shares each GP among all those within the
    time.
    """
    od.check_columns(travel_times, PAIR_COLUMNS, "Table des temps")
    # seen from the EHPAD, with the times of the trip that the GP makes
    seen = travel_times.rename(columns={"from_id": "to_id", "to_id": "from_id"})
    seen.attrs = dict(travel_times.attrs)
    od.read_amounts(residents, "Résidents")
    headcount = od.read_amounts(gps, "Médecins")
    pairs = od.read_pairs(seen, origins=residents.index, sites=gps.index)
    pairs.check_threshold(max_time_min, "Le temps maximal")
    near = pairs.take(np.flatnonzero(pairs.minutes <= max_time_min))
    count = od.sum_by(near.origin, headcount[near.site], len(near.origins))
    served = pairs.take(np.flatnonzero(headcount[pairs.site] != 0))
    _, closest = k_closest(served.origin, served.site, served.minutes, len(served.origins), 1)
    # GPs far from every EHPAD are no loss here
    within = gps[gps.index.isin(pairs.sites[near.site])]
    shared = floating_catchment_area(seen, residents, within, decay=binary(max_time_min))
    with np.errstate(divide="ignore", invalid="ignore"):
        return pd.DataFrame(
            {
                "gp_count": count,
                "time_from_closest_gp_min": closest[:, 0],
                "residents_per_gp": residents.to_numpy(dtype=np.float64, na_value=np.nan) / count,
                "shared_residents_per_gp": 1.0 / shared.to_numpy(),
            },
            index=residents.index,
        )


def _closest_of(travel_times: pd.DataFrame, origins: Ids, step: Step) -> tuple[pd.Series[float], Bools]:
    """Return the time to the closest site of a step, and where no unknown time could hide a closer one."""
    sites = od.unique_ids(step.site_ids, f"Étape « {step.name} »")
    timed = sites[sites.isin(travel_times["to_id"])]
    lost = sites.difference(timed)
    if len(lost):
        said = counted(lost, "site(s) qu'aucun temps n'atteint")
        warn(f"Étape « {step.name} » : {said}.")
    if not len(timed):
        nowhere: pd.Series[float] = pd.Series(np.nan, index=origins, dtype=np.float64)
        return nowhere, np.full(len(origins), not len(lost), dtype=np.bool_)
    pairs = od.read_pairs(travel_times, origins=origins, sites=timed)
    _, minutes = k_closest(pairs.origin, pairs.site, pairs.minutes, len(origins), 1)
    unknown = np.zeros(len(origins), dtype=np.bool_)
    unknown[pairs.origin[np.isnan(pairs.minutes)]] = True
    return pd.Series(minutes[:, 0], index=origins), ~unknown & (not len(lost))


def coordination_reach(
    travel_times: pd.DataFrame,
    population_hab: pd.Series[float],
    area_km2: pd.Series[float],
    structures: Sequence[str],
    *,
    too_far_min: float,
    is_complete_list: bool,
) -> pd.DataFrame:
    """Count the population and the area that each structure (DAC, CLIC, MDPH, CPTS) would have to serve.

    Each commune goes to the closest one, a hypothesis that the column `basis` states: commune_count, population_hab,
    area_km2, edge_time_min (longest time from a commune of its territory; above `too_far_min` it is « trop vaste »),
    mean_time_min (weighted by inhabitants), is_too_large (<NA> when unknown). Where the list is not complete, all
    figures are NaN, with a warning: a missing structure would take communes from the others. Amounts that are
    negative or on different indexes are a `ParameterError`.
    """
    if not too_far_min > 0:
        raise ParameterError(f"too_far_min = {too_far_min} : un nombre de minutes positif est attendu.")
    if not population_hab.index.equals(area_km2.index):
        raise ParameterError("Population et superficie : l'index des communes doit être le même.")
    people = od.read_amounts(population_hab, "Population")
    area = od.read_amounts(area_km2, "Superficie")
    pairs = od.read_pairs(travel_times, origins=population_hab.index, sites=structures)
    if pairs.sites.empty:
        raise ParameterError("structures : une au moins est attendue.")
    by_name = pairs.sites.argsort()
    rank = by_name.argsort().astype(np.int32)[pairs.site]
    best, _ = k_closest(pairs.origin, rank, pairs.minutes, len(pairs.origins), 1)
    alone = best[:, 0] < 0
    if alone.any():
        said = counted(pairs.origins[alone], "commune(s) qu'aucune structure n'atteint")
        warn(f"{said}.")
    assigned = np.where(alone, np.nan, by_name[best[:, 0]].astype(np.float64))
    table = _reach(pairs, assigned, people, area)
    if not is_complete_list:
        warn("Liste des structures partielle : ce que chacune devrait couvrir n'est pas calculable.")
        table[:] = np.nan
    edge = table["edge_time_min"].to_numpy()
    too_large = pd.arrays.BooleanArray(edge > too_far_min, np.isnan(edge))
    return table.assign(is_too_large=too_large, basis="hypothèse : structure la plus proche")


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
    population = od.sum_by(structure, people[here], size)
    burden = od.sum_by(structure, np.where(people[here] == 0, 0.0, people[here] * minutes[here]), size)
    return pd.DataFrame(
        {
            "commune_count": od.sum_by(structure, np.ones(here.size), size),
            "population_hab": population,
            "area_km2": od.sum_by(structure, area[here], size),
            "edge_time_min": np.where(np.isinf(edge), np.nan, edge),
            "mean_time_min": np.divide(burden, population, out=np.full(size, np.nan), where=population > 0),
        },
        index=pairs.sites,
    )


def recruitment_by_site(
    origins: pd.DataFrame, commune_zones: pd.Series[str], site_zones: pd.Series[str]
) -> pd.DataFrame:
    """Share (0 to 1; NaN when nobody is served) of the persons served by each site who live in its zone.

    `origins` are observed (columns from_id, to_id, persons): the share of estimates would only give back their
    hypothesis. Persons that are negative or unknown, a commune or a site without zone are a `ParameterError`.
    """
    persons, home, place = _read_origins(origins, commune_zones, site_zones)
    return _shares(persons, home == place, origins["to_id"], "persons_from_zone", "endo_recruitment_share")


def recruitment_by_zone(
    origins: pd.DataFrame, commune_zones: pd.Series[str], site_zones: pd.Series[str]
) -> pd.DataFrame:
    """Share of the persons of each zone who are served in it, as for `recruitment_by_site`."""
    persons, home, place = _read_origins(origins, commune_zones, site_zones)
    return _shares(persons, home == place, home, "persons_served_in_zone", "served_in_zone_share")


def _read_origins(
    origins: pd.DataFrame, commune_zones: pd.Series[str], site_zones: pd.Series[str]
) -> tuple[Floats, pd.Series[str], pd.Series[str]]:
    """Return persons, zone of residence and zone of the site, row by row."""
    od.check_columns(origins, ORIGIN_COLUMNS, "Origines observées")
    persons = od.read_amounts(origins["persons"], "Origines observées")
    if unknown := int(np.isnan(persons).sum()):
        raise ParameterError(f"Origines observées : {agree(unknown, 'effectif(s) inconnu(s)')}.")
    zones = []
    for column, table, what in (("from_id", commune_zones, "commune"), ("to_id", site_zones, "site")):
        zone = origins[column].map(table)
        lost = dict.fromkeys(origins.loc[zone.isna(), column])
        refuse(lost, f"{what}(s) sans zone", of="Origines observées")
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
