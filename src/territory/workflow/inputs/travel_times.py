"""Travel times of a study: estimated, by road, or from the table that the agency already has."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from territory.errors import MissingFileError, ReadError, agree, examples, refuse, warn
from territory.files.safe_files import digest_file
from territory.network.estimate import estimate_travel_times
from territory.network.roads import RoadNetwork
from territory.sources.text.cells import known_codes
from territory.study.own_tables import read_change_table
from territory.study.words.changes import ChangeSpeeds
from territory.study.words.model import Study
from territory.units import MILLISECONDS_PER_MINUTE
from territory.workflow.inputs.manifest import Steps, digest_of

# two official engines on the same pairs of Gironde: 66.8 % within 5 min of each other (DREES, 2021)
ROADS_DOUBT_MIN = 5.0
# squares whose times are held at once before they are averaged
SQUARES_AT_ONCE = 5000


class RoadMap:
    """A road map, and what it is under other speeds."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.path = path
        self._folder = folder

    @cached_property
    def _digest(self) -> str:
        """SHA-256 of the map."""
        return digest_file(self.path)

    @cached_property
    def network(self) -> RoadNetwork:
        """The roads, under the speeds of today."""
        from territory.network.maps.osm import read_osm

        return read_osm(self.path)

    def digest(self, speeds: ChangeSpeeds | None = None) -> str:
        """Return what stands for the map, and for the speeds when they are not those of today."""
        if speeds is None:
            return self._digest
        table = "" if speeds.speeds_file is None else digest_file(self._folder / speeds.speeds_file)
        return digest_of(self._digest, speeds.period, table, speeds.roads_key if speeds.works else "")

    def under(self, speeds: ChangeSpeeds | None, communes: gpd.GeoDataFrame) -> RoadNetwork:
        """Return the roads under some speeds; those of peak hours depend on the density of the communes."""
        from territory.network.graph.speeds import speed_table

        network = self.network
        if speeds is None:
            return network
        if speeds.works:
            return _with_works(network, speeds)
        table = speed_table()
        if speeds.speeds_file is not None:
            path = self._folder / speeds.speeds_file
            table = read_change_table(path, "speeds_file", communes=communes.index)
        if (table["density"] != "any").any():
            # every place has the density of the commune whose point is closest
            cells = gpd.GeoDataFrame(geometry=communes.geometry.voronoi_polygons(), crs=communes.crs)
            around = cells.sjoin(communes[["density_hab_km2", "geometry"]], predicate="contains")
            network = network.with_density(around)
        return network.with_speeds(table, period=speeds.period or "off_peak")


def _with_works(network: RoadNetwork, change: ChangeSpeeds) -> RoadNetwork:
    """Return the roads with what a change closes, slows and draws."""
    from shapely import LineString, Polygon

    if change.works.keys() - {"line"}:
        network = network.with_works(
            polygon=Polygon(change.polygon) if change.polygon else None,
            names=change.roads,
            way_ids=change.way_ids,
            month=change.month,
            time_factor=change.time_factor or float("inf"),
        )
    if change.line and change.speed_kmh:
        network = network.with_line(LineString(change.line), speed_kmh=change.speed_kmh)
    return network


def road_map_of(study: Study, roads: Path | None) -> RoadMap | None:
    """Return the road map of a run: the one that is given, or the study's own, or none."""
    folder = Path(study.folder)
    path = roads or (folder / study.files.roads if study.files.roads else None)
    if path is None:
        return None
    if not path.is_file():
        what = "est un dossier" if path.is_dir() else "n'existe pas"
        raise MissingFileError(
            f"La carte routière « {path} » {what} : donnez le chemin d'un fichier .osm.pbf."
        )
    return RoadMap(path, folder)


@dataclass(frozen=True)
class Times:
    """Times from communes to sites, between the sites of the named services, and how they were found."""

    to_sites: pd.DataFrame
    between_sites: pd.DataFrame
    method: str


def no_times(method: str, *, cutoff_min: float) -> Times:
    """Return times of no pair, for a study whose times are written part by part."""
    none = pd.DataFrame({"from_id": pd.Series(dtype="str"), "to_id": pd.Series(dtype="str")})
    none["travel_time_min"] = pd.Series(dtype=float)
    none.attrs["cutoff_min"] = cutoff_min
    return Times(none, none.copy(), method)


@dataclass(frozen=True)
class Asked:
    """What times are asked between; `squares` are where children live: a commune's time is then the mean of theirs."""

    study: Study
    communes: gpd.GeoDataFrame
    sites: gpd.GeoDataFrame
    named_sites: gpd.GeoDataFrame
    squares: gpd.GeoDataFrame | None = None

    def digest(self) -> str:
        """Return what stands for the places and the limits."""
        columns, travel = ["density_hab_km2", "area_km2", "slowness", "geometry"], self.study.travel
        sites = self.sites.filter(["commune_code", "point_precision", *columns])
        ends = self.communes.filter(columns), sites, self.named_sites.index.to_frame()
        return digest_of(*ends, self.squares, travel.terrain, travel.max_time_min)

    def from_communes(self, times_from: Callable[[gpd.GeoDataFrame, float], pd.DataFrame]) -> pd.DataFrame:
        """Return the times of communes, means over squares weighted by children; out of reach when half of them are."""
        limit = self.study.travel.max_time_min
        if self.squares is None or self.squares.empty:
            return times_from(self.communes, limit)
        squares = self.squares.join(self.communes.filter(["density_hab_km2", "slowness"]), on="commune_code")
        without = self.communes[~self.communes.index.isin(squares["commune_code"])]
        groups = squares.groupby("commune_code", sort=False).ngroup().to_numpy()
        starts = np.flatnonzero(np.diff(groups, prepend=-1))
        # whole communes, some thousands of squares at a time
        parts = np.unique(np.searchsorted(starts, np.arange(0, len(squares), SQUARES_AT_ONCE)))
        bounds = [*starts[parts[parts < len(starts)]], len(squares)]
        ends = {"from_id": self.communes.index.astype("str"), "to_id": self.sites.index.astype("str")}
        blocks = [times_from(without, limit)] if len(without) else []
        blocks += [_mean_times(squares.iloc[a:b], times_from, limit) for a, b in pairwise(bounds)]
        coded = [
            block.assign(**{name: _coded(block[name], ids) for name, ids in ends.items()}) for block in blocks
        ]
        times = pd.concat(coded).sort_values("from_id", kind="stable").reset_index(drop=True)
        times.attrs["cutoff_min"] = limit
        return times


def _coded(column: pd.Series, ids: pd.Index) -> pd.Categorical:
    """Return a column of ids as codes among all of them, in their order."""
    codes, named = pd.factorize(column)
    return pd.Categorical.from_codes(ids.get_indexer(pd.Index(named).astype("str"))[codes], ids)


def travel_times(
    asked: Asked, *, roads: RoadMap | None, steps: Steps, speeds: ChangeSpeeds | None = None
) -> Times:
    """Return the travel times of a study, computed again only when points, speeds or code have changed."""
    files, places, make = asked.study.files, asked.digest(), partial(_estimated, asked)
    if roads is not None:
        method, key = "roads", digest_of(places, roads.digest(speeds), ROADS_DOUBT_MIN)
        make = partial(_by_road, asked, roads, speeds)
    elif files.distancier:
        table = Path(asked.study.folder) / files.distancier
        method, key = "distancier", digest_of(places, digest_file(table), files.distancier_unit)
        make = partial(_by_distancier, asked, table)
    else:
        method, key = "estimate", places
    to_sites, between = steps.run("temps de trajet", key, make)
    return Times(to_sites, between, method)


def _estimated(asked: Asked) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return estimated times."""
    estimate = partial(estimate_travel_times, terrain=asked.study.travel.terrain)
    to_sites = asked.from_communes(lambda points, limit: estimate(points, asked.sites, max_time_min=limit))
    return to_sites, estimate(asked.named_sites, asked.sites)


def _mean_times(
    squares: gpd.GeoDataFrame, times_from: Callable[[gpd.GeoDataFrame, float], pd.DataFrame], limit: float
) -> pd.DataFrame:
    """Return the mean times of the communes of some squares, with their spread (standard deviation)."""
    # a square beyond the limit still counts in the mean of its commune
    times = times_from(squares.drop(columns="commune_code"), 1.5 * limit).dropna(subset="travel_time_min")
    of_square, communes = pd.factorize(squares["commune_code"])
    to_id, sites = pd.factorize(times["to_id"])
    from_id, named = pd.factorize(times["from_id"])
    at = squares.index.get_indexer(named)[from_id]
    # pairs of a commune and a site, in the order in which they come
    pair, pairs = pd.factorize(of_square[at].astype(np.int64) * len(sites) + to_id)
    weight = squares["children"].to_numpy(float)
    total = np.bincount(pair, weight[at])
    means = {
        name: np.bincount(pair, values.to_numpy(float) * weight[at]) / total
        for name, values in times.drop(columns=["from_id", "to_id"]).items()
    }
    away = times["travel_time_min"].to_numpy(float) - means["travel_time_min"][pair]
    means["travel_time_spread_min"] = np.sqrt(np.bincount(pair, away**2 * weight[at]) / total)
    commune = pairs // len(sites)
    is_reached = total > 0.5 * np.bincount(of_square, weight)[commune]
    ends = {"from_id": (commune, communes), "to_id": (pairs % len(sites), sites)}
    names = {
        name: pd.Categorical.from_codes(code, pd.Index(ids).astype("str"))
        for name, (code, ids) in ends.items()
    }
    kept: pd.DataFrame = pd.DataFrame(names | means)[is_reached & (means["travel_time_min"] <= limit)]
    return kept.reset_index(drop=True)


def _by_road(asked: Asked, roads: RoadMap, speeds: ChangeSpeeds | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return times by road, and never 0 inside a commune whose site is only known to be in it."""
    network = roads.under(speeds, asked.communes)
    search = partial(network.travel_times, with_distance=True)
    times = asked.from_communes(lambda points, limit: search(points, asked.sites, max_time_min=limit))
    raise_to(times, times_inside(asked.communes, asked.sites, asked.study.travel.terrain))
    times["uncertainty_min"] = ROADS_DOUBT_MIN
    # a study that names no service asks for no time between sites
    named = asked.named_sites
    return times, network.travel_times(named, asked.sites) if len(named) else times.iloc[:0]


def _by_distancier(asked: Asked, path: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the times of the agency's table between communes: unknown of a place not named, else out of reach."""
    from territory.network.outside_times import read_distancier

    table = read_distancier(path, unit=asked.study.files.distancier_unit)
    limit, own, of_site = asked.study.travel.max_time_min, asked.communes.index, asked.sites["commune_code"]
    for end in ("from_id", "to_id"):
        table[end] = known_codes(table[end], own, path=path)
    twice = table[table.duplicated(["from_id", "to_id"])]
    said, subject = "paire(s) en double", f"Distancier « {path.name} »"
    refuse(twice["from_id"] + " → " + twice["to_id"], said, ReadError, of=subject)
    lost = own.difference(table["from_id"].to_list())
    if len(lost):
        said = f"aucun temps depuis {agree(len(lost), 'commune(s)')} sur {len(own)} ({examples(lost)})"
        if len(lost) == len(own):
            raise ReadError(f"Distancier « {path.name} » : {said} ; ses codes sont-ils ceux de l'INSEE ?")
        warn(f"Distancier « {path.name} » : {said}, dont les trajets restent inconnus.")
    times = _between_communes(table, pd.Series(own, index=own), of_site)
    raise_to(times, times_inside(asked.communes, asked.sites, asked.study.travel.terrain))
    # unknown times stay in the table: over the limit is another thing
    times = times[~times["travel_time_min"].gt(limit)].assign(uncertainty_min=ROADS_DOUBT_MIN)
    times.attrs["cutoff_min"] = limit
    between = _between_communes(table, asked.named_sites["commune_code"], of_site)
    inside = between["from_id"].map(of_site) == between["to_id"].map(of_site)
    between["travel_time_min"] = between["travel_time_min"].mask(inside, 0.0)
    return times, between


def _between_communes(table: pd.DataFrame, origins: pd.Series, destinations: pd.Series) -> pd.DataFrame:
    """Return the times of all pairs, each end being looked up under the code of its commune."""
    pairs = pd.MultiIndex.from_product([origins.index, destinations.index], names=["from_id", "to_id"])
    times = pairs.to_frame(index=False)
    keys = pd.MultiIndex.from_arrays([times["from_id"].map(origins), times["to_id"].map(destinations)])
    known = table.set_index(["from_id", "to_id"])
    for name in ("travel_time_min", "distance_km"):
        times[name] = known[name].reindex(keys).to_numpy(float) if name in known else float("nan")
    same = keys.get_level_values(0) == keys.get_level_values(1)
    named = keys.get_level_values(0).isin(table["from_id"]) & keys.get_level_values(1).isin(table["to_id"])
    out_of_reach = named & ~keys.isin(known.index) & ~same
    times["travel_time_min"] = times["travel_time_min"].mask(same & times["travel_time_min"].isna(), 0.0)
    return times[~out_of_reach].reset_index(drop=True)


def raise_to(table: pd.DataFrame, least: pd.DataFrame) -> None:
    """Raise times, and distances, to their least values, in place."""
    keys = pd.MultiIndex.from_frame(least[["from_id", "to_id"]])
    floors = least.set_index(keys)
    # few rows have a floor: only those whose two ends are named are looked up
    near = table["from_id"].isin(least["from_id"]) & table["to_id"].isin(least["to_id"])
    rows = np.flatnonzero(near.to_numpy())
    found = keys.get_indexer(pd.MultiIndex.from_frame(table.iloc[rows][["from_id", "to_id"]].astype("str")))
    rows, found = rows[found >= 0], found[found >= 0]
    for name in ("travel_time_min", "distance_km"):
        if name in table and name in floors:
            values = table[name].to_numpy(copy=True)
            values[rows] = np.maximum(values[rows], floors[name].to_numpy()[found])
            table[name] = values


def times_inside(communes: gpd.GeoDataFrame, sites: gpd.GeoDataFrame, terrain: str | None) -> pd.DataFrame:
    """Return estimated times inside each commune, to the sites that are only known to be somewhere in it."""
    placed = sites[sites["point_precision"] == "commune"]
    own = communes[communes.index.isin(placed["commune_code"])]
    # a département at a time: all communes with all sites of a country would be a thousand million pairs
    placed = placed[placed["commune_code"].isin(own.index)]
    at = placed["commune_code"].str[:2]
    blocks = []
    for number in sorted(at.unique()):
        near = estimate_travel_times(own[own.index.str[:2] == number], placed[at == number], terrain=terrain)
        near = near.astype({"from_id": "str", "to_id": "str"})
        commune = placed["commune_code"].reindex(near["to_id"]).to_numpy()
        blocks.append(near[commune == near["from_id"].to_numpy()])
    texts, numbers = ["from_id", "to_id"], ["travel_time_min", "distance_km"]
    if not blocks:
        return pd.DataFrame(columns=[*texts, *numbers]).astype(dict.fromkeys(numbers, float))
    inside = pd.DataFrame(pd.concat(blocks, ignore_index=True)[[*texts, *numbers]])
    whole = (inside["travel_time_min"] * MILLISECONDS_PER_MINUTE).round()
    return inside.assign(travel_time_min=whole / MILLISECONDS_PER_MINUTE)
