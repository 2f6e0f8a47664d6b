"""One question of times without a car: its points, walks and calls, and its answer from door to door."""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import KDTree

from territory.errors import ParameterError, agree, warn
from territory.network.engine.compiling import count_threads, run_tasks
from territory.network.graph.topology import nearest_hops
from territory.network.od_search import Pairs
from territory.network.points import ACCESS_KMH, MAX_SNAP_M, check_points, points_to_crs
from territory.network.roads import RoadNetwork, search_roads
from territory.transit import search as engine
from territory.units import METRES_PER_KILOMETRE, SECONDS_PER_MINUTE

Ends = tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]
Hour = str | dt.time | None

WALK_KMH = ACCESS_KMH["foot"]
# mean of way over straight line between stops 100 m to 1 km apart, on the streets of Porto Alegre: 1.29 (median 1.26),
# measured with this library on 29 November 2026 (docs/method/transports-collectifs.md)
DETOUR = 1.3
DAY_S = 86_400
# what a timetable of one date holds: half a day before, and half a day after
BEFORE_S, UNTIL_S = -DAY_S // 2, DAY_S + DAY_S // 2
_CLOCK = re.compile(r"\s*(\d{1,2})\s*(?:[hH]|[:hH]\s*(\d{2})(?::(\d{2}))?)\s*")


@dataclass(frozen=True)
class Question:
    """When and how one goes; time runs backwards when an hour of arrival is asked for."""

    start_s: int
    n_minutes: int
    limit_s: int
    most_rides: int
    is_backwards: bool

    @classmethod
    def of(
        cls, depart: Hour, arrive_by: Hour, window_min: int, max_time_min: float, max_transfers: int
    ) -> "Question":
        """Check the words of a question."""
        if (depart is None) == (arrive_by is None):
            raise ParameterError('Indiquez depart="08:00" ou arrive_by="09:00", l\'un des deux seulement.')
        if int(window_min) != window_min or not 1 <= window_min <= engine.MOST_MINUTES:
            advice = f"indiquez de 1 à {engine.MOST_MINUTES} minutes (1 : la seule heure donnée)"
            raise ParameterError(f"window_min={window_min} : {advice}.")
        if not 0 < max_time_min <= engine.MOST_S / 60:
            most = engine.MOST_S // 60
            raise ParameterError(f"max_time_min={max_time_min} : indiquez de 1 à {most} minutes.")
        if int(max_transfers) != max_transfers or max_transfers < 0:
            raise ParameterError(f"max_transfers={max_transfers} : indiquez un nombre entier, 0 ou plus.")
        clock = _seconds(depart if depart is not None else arrive_by)
        start = clock if depart is not None else -clock
        question = cls(
            start, int(window_min), int(round(max_time_min * 60, 6)), max_transfers + 1, depart is None
        )
        first, last = sorted((clock, (-1 if depart is None else 1) * question.latest_s))
        if first < BEFORE_S or last > UNTIL_S:
            said = "La période demandée sort des horaires d'une date (de midi la veille à midi le lendemain)"
            raise ParameterError(f"{said} : choisissez une autre date, ou un temps plus court.")
        return question

    @property
    def window(self) -> engine.Window:
        """What the search is told of it."""
        return engine.Window(self.start_s, self.n_minutes, self.limit_s)

    @property
    def latest_s(self) -> int:
        """The latest time that can matter, in the direction of the question."""
        return self.start_s + 60 * (self.n_minutes - 1) + self.limit_s


def _seconds(clock: str | dt.time | None) -> int:
    """Return an hour of the clock in seconds."""
    if isinstance(clock, dt.time):
        return clock.hour * 3600 + clock.minute * 60 + clock.second
    found = _CLOCK.fullmatch(str(clock))
    if not found or int(found[2] or 0) > 59 or int(found[3] or 0) > 59:
        raise ParameterError(f"« {clock} » : écrivez une heure comme « 08:00 » ou « 8 h 30 ».")
    return int(found[1]) * 3600 + int(found[2] or 0) * 60 + int(found[3] or 0)


def ranks_of(percentiles: Sequence[float], n: int) -> NDArray[np.int64]:
    """Return which of n ordered times is that of each percentile: the first that so many per cent do not exceed."""
    if not percentiles or not all(0 <= one <= 100 for one in percentiles):
        raise ParameterError(f"percentiles={list(percentiles)} : indiquez des nombres de 0 à 100.")
    if sorted(set(percentiles)) != list(percentiles):
        raise ParameterError(f"percentiles={list(percentiles)} : rangez-les, chacun une fois.")
    return np.array([max(1, -(-round(one * 1000) * n // 100_000)) for one in percentiles], dtype=np.int64)


class Walking(NamedTuple):
    """How one walks, and how long at most (s)."""

    streets: RoadNetwork | None
    limit_s: int

    @classmethod
    def on(cls, streets: RoadNetwork | None, max_walk_min: float) -> "Walking":
        """Check streets and a limit."""
        if not 0 <= max_walk_min <= engine.MOST_WALK_S / 60:
            most = engine.MOST_WALK_S // 60
            raise ParameterError(f"max_walk_min={max_walk_min} : indiquez de 0 à {most} minutes.")
        if streets is not None and streets.profile != "foot":
            raise ParameterError(
                f"streets : cette carte a été lue pour {streets.profile!r} ; lisez-la pour les piétons, avec"
                ' read_osm(..., profile="foot").'
            )
        return cls(streets, int(round(max_walk_min * SECONDS_PER_MINUTE, 6)))

    def is_near(self, points: gpd.GeoDataFrame, *, within_m: float = MAX_SNAP_M) -> NDArray[np.bool_]:
        """Tell which points have a place near enough a street; any place will do without a map."""
        near = points.geometry.notna().to_numpy(copy=True)
        if self.streets is not None and near.any():
            topology, placed = self.streets.topology, points[near].to_crs(self.streets.crs).geometry
            x, y = (np.asarray(axis, dtype=np.float64) for axis in (placed.x, placed.y))
            found = nearest_hops(topology.roads, topology.main_index, x, y, max_distance_m=within_m)
            near[near] = found.hop >= 0
        return near

    def pairs(self, origins: gpd.GeoDataFrame, destinations: gpd.GeoDataFrame) -> Pairs:
        """Return the walks within the limit, in whole seconds rounded up; none of points far from any street."""
        rows, columns = (np.flatnonzero(self.is_near(points)) for points in (origins, destinations))
        if not rows.size or not columns.size:
            return Pairs(*(np.empty(0, dtype=np.int64) for _ in range(3)))
        ends = origins.iloc[rows], destinations.iloc[columns]
        if self.streets is None:
            found = self._straight(*ends)
        else:
            limit_min = self.limit_s / SECONDS_PER_MINUTE
            search = search_roads(self.streets, *ends, max_time_min=limit_min, engine="dijkstra")
            found = search.pairs(search.origins, threads=None)[0]
            found = Pairs(found.origin, found.destination, -(-found.value // 1000))
        return Pairs(rows[found.origin], columns[found.destination], found.value)

    def _straight(self, origins: gpd.GeoDataFrame, destinations: gpd.GeoDataFrame) -> Pairs:
        """Return walks in a straight line, lengthened."""
        middle = origins.geometry.to_crs(4326)
        # what `estimate_utm_crs` finds, without looking for it among all systems, which takes half a second
        zone = int((middle.x.mean() + 180) // 6) % 60 + 1
        crs = f"EPSG:{(32600 if middle.y.mean() >= 0 else 32700) + zone}"
        named = ((origins, "origines"), (destinations, "destinations"))
        ends = [points_to_crs(here, crs, role=role).get_coordinates().to_numpy() for here, role in named]
        seconds_per_m = DETOUR * 3600 / (WALK_KMH * METRES_PER_KILOMETRE)
        near = KDTree(ends[0]).query_ball_tree(KDTree(ends[1]), self.limit_s / seconds_per_m)
        row = np.repeat(np.arange(len(near)), [len(one) for one in near])
        column = np.array([other for one in near for other in sorted(one)], dtype=np.int64)
        metres = np.hypot(*(ends[0][row] - ends[1][column]).T)
        # a hair of rounding is not a second
        seconds = np.ceil(np.round(metres * seconds_per_m, 6)).astype(np.int64)
        return Pairs(row, column, seconds).some(seconds <= self.limit_s)

    def changes(self, stops: gpd.GeoDataFrame, stated: pd.DataFrame) -> pd.DataFrame:
        """Return the changes between stops (from, to, seconds): as stated, else on foot, else at one's stop."""
        walks, here = self.pairs(stops, stops), np.arange(len(stops))
        on_foot = pd.DataFrame({"from": walks.origin, "to": walks.destination, "seconds": walks.value})
        at_stop = pd.DataFrame({"from": here, "to": here, "seconds": 0})
        table = pd.concat([on_foot, at_stop, stated], ignore_index=True)
        table = table.drop_duplicates(["from", "to"], keep="last")
        return table[table["seconds"] >= 0]


class Offer(NamedTuple):
    """What a timetable gives a search: stops (points), changes that are stated (from, to, seconds), and runs."""

    stops: gpd.GeoDataFrame
    changes: pd.DataFrame
    runs: engine.Runs


class Doors:
    """Points of a question with their walks, over the calls of its period."""

    def __init__(self, offer: Offer, ends: Ends, walking: "Walking", question: "Question") -> None:
        for points, role in zip(ends, ("origines", "destinations"), strict=True):
            check_points(points, role=role)
        self.question = question
        stops, stated, runs = offer
        outside = int((stops.geometry.notna() & ~walking.is_near(stops)).sum())
        if outside:
            warn(f"{agree(outside, 'arrêt(s)')} hors de la carte des rues : on n'y va pas à pied.")
        changes = walking.changes(stops, stated)
        to_stops, from_stops = walking.pairs(ends[0], stops), walking.pairs(stops, ends[1])
        self.direct = walking.pairs(*ends)
        access = engine.Links.of(len(ends[0]), to_stops.origin, to_stops.destination, to_stops.value)
        egress = engine.Links.of(len(ends[1]), from_stops.destination, from_stops.origin, from_stops.value)
        for links, points, role in zip((access, egress), ends, ("origine(s)", "destination(s)"), strict=True):
            far = np.flatnonzero(np.diff(links.first) == 0)
            if far.size:
                said = f"{agree(far.size, role)} sans arrêt à moins de {walking.limit_s // 60} min à pied"
                warn(f"{said} (par exemple {points.index[far[0]]}) : on n'y va qu'à pied.")
        n = len(stops)
        by, other = changes["to"].to_numpy(), changes["from"].to_numpy()
        if question.is_backwards:
            runs, access, egress, by, other = runs.backwards(), egress, access, other, by
            self.direct = Pairs(self.direct.destination, self.direct.origin, self.direct.value)
            self.direct = self.direct.some(np.lexsort([self.direct.destination, self.direct.origin]))
        period = question.start_s, question.latest_s
        self.access, self.egress = access, egress
        self.changes = engine.Links.of(n, by, other, changes["seconds"].to_numpy())
        self.runs, self.run_rows = runs.between(*period)
        if not len(self.run_rows):
            warn("Aucun véhicule ne circule à ces heures dans les horaires lus : on ne va qu'à pied.")
        self.calls = engine.Calls.of(self.runs, n, self.changes, *period)

    def starts(self, first: int, last: int) -> engine.Bytes:
        """Return what can be boarded after the first walk from some points."""
        out = np.empty((self.calls.board_time.size, engine.LANES), np.uint8)
        engine.start_boards(self.calls, self.access, (first, last), self.question.window, out)
        return out

    def times(self, ranks: NDArray[np.int64], threads: int | None) -> tuple[NDArray[np.int64], ...]:
        """Return the origins, destinations, numbers of ranks and times (s) of all pairs within the limit, in order."""
        n_points, n_ends = len(self.access.first) - 1, len(self.egress.first) - 1
        asked = self.question

        def search(first: int) -> tuple[NDArray[np.int64], ...]:
            count = min(engine.LANES, n_points - first)
            *_, (_, alights) = engine.rides(self.calls, self.starts(first, first + count), asked.most_rides)
            walks = np.full((count, n_ends), engine.NEVER, dtype=np.int32)
            here = slice(*np.searchsorted(self.direct.origin, [first, first + count]))
            walks[self.direct.origin[here] - first, self.direct.destination[here]] = self.direct.value[here]
            out = np.empty((count, n_ends, len(ranks)), np.int32)
            engine.arrive(self.calls, alights, self.egress, walks, asked.window, ranks, out)
            found = np.nonzero(out != engine.NEVER)
            return found[0] + first, found[1], found[2], out[found].astype(np.int64)

        parts = run_tasks(search, range(0, n_points, engine.LANES), count_threads(threads))
        row, column, rank, seconds = (np.concatenate(one) for one in zip(*parts, strict=True))
        if asked.is_backwards:
            order = np.lexsort([rank, row, column])
            row, column, rank, seconds = column[order], row[order], rank[order], seconds[order]
        return row, column, rank, seconds
