"""The timetable of one date: times without a car, a path in words, what can be reached, saving."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from territory.errors import MissingFileError, ParameterError, Problems, ReadError, agree, retold
from territory.files.safe_files import read_arrays, read_header, save_arrays
from territory.network.od_search import CATEGORICAL_FROM_ROWS
from territory.network.roads import RoadNetwork
from territory.tables.arguments import accepting
from territory.transit.doors import Doors, Offer, Question, Walking, ranks_of
from territory.transit.search import Runs

FORMAT = "territory-timetable"
# raised whenever a file means something else than before
VERSION = 1
_HEADER = "timetable.json"


@dataclass(frozen=True, eq=False)
class Timetable:
    """Public transport of one date, ready to give times without a car.

    Made by `read_gtfs` or `Timetable.load`; never changed afterwards. Times are whole seconds of the date, below 0 the
    day before and above 86,400 the day after.

    Attributes
    ----------
    date, zone
        The date, and the time zone of its hours.
    asides
        What was left out of the feeds or mended, and how many (in French).
    """

    date: str
    zone: str
    asides: dict[str, int]
    first: NDArray[np.int64]
    stop: NDArray[np.int32]
    arrival: NDArray[np.int32]
    departure: NDArray[np.int32]
    pickup: NDArray[np.bool_]
    drop_off: NDArray[np.bool_]
    line: NDArray[np.int32]
    line_names: NDArray[np.str_]
    headsign: NDArray[np.int32]
    headsign_names: NDArray[np.str_]
    stop_id: NDArray[np.str_]
    stop_name: NDArray[np.str_]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    change_from: NDArray[np.int32]
    change_to: NDArray[np.int32]
    change_s: NDArray[np.int32]

    @classmethod
    def from_columns(
        cls, columns: Mapping[str, NDArray[Any]], *, date: str, zone: str, asides: dict[str, int]
    ) -> "Timetable":
        """Return a timetable of the runs of all feeds, with the stops that they serve."""
        served, stop = np.unique(columns["stop"], return_inverse=True)
        size = columns["size"].astype(np.int64)
        begins = np.cumsum(size) - size
        line_names, line = np.unique(columns["line"], return_inverse=True)
        headsign_names, headsign = np.unique(columns["headsign"], return_inverse=True)
        order = np.lexsort([headsign, line, columns["departure"][begins]])
        first = np.append(0, np.cumsum(size[order]))
        row = np.repeat(begins[order] - first[:-1], size[order]) + np.arange(stop.size)
        change = [pd.Index(served).get_indexer(columns[side]) for side in ("from", "to")]
        known = (change[0] >= 0) & (change[1] >= 0)
        arrays: dict[str, NDArray[Any]] = {"first": first, "stop": stop[row].astype(np.int32)}
        arrays |= {name: columns[name][row].astype(np.int32) for name in ("arrival", "departure")}
        arrays |= {name: columns[name][row].astype(bool) for name in ("pickup", "drop_off")}
        arrays |= {"line": line[order].astype(np.int32), "line_names": line_names}
        arrays |= {"headsign": headsign[order].astype(np.int32), "headsign_names": headsign_names}
        arrays |= {name: columns[name][served] for name in ("stop_id", "stop_name", "lon", "lat")}
        ends = {"change_from": change[0], "change_to": change[1], "change_s": columns["seconds"]}
        arrays |= {name: column[known].astype(np.int32) for name, column in ends.items()}
        return cls(date, zone, asides, **arrays)

    def __repr__(self) -> str:
        size = agree(len(self.stop_id), "arrêt(s)"), agree(len(self.first) - 1, "course(s)")
        return f"<Timetable {self.date} : {', '.join(size)}>"

    @property
    def stops(self) -> gpd.GeoDataFrame:
        """The stops that are served: stop_id, name, geometry (WGS 84, none where unknown)."""
        points = gpd.GeoSeries(gpd.points_from_xy(self.lon, self.lat), crs=4326)
        points[np.isnan(self.lon) | np.isnan(self.lat)] = None
        columns = {"stop_id": self.stop_id, "name": self.stop_name}
        return gpd.GeoDataFrame(columns, geometry=points.array, crs=4326)

    @property
    def changes(self) -> pd.DataFrame:
        """Changes that the feeds state: rows of stops (from, to) and seconds, -1 where forbidden."""
        return pd.DataFrame({"from": self.change_from, "to": self.change_to, "seconds": self.change_s})

    @property
    def _offer(self) -> Offer:
        calls = self.stop, self.arrival, self.departure, self.pickup, self.drop_off
        return Offer(self.stops, self.changes, Runs(self.first, *calls))

    @accepting
    def travel_times(
        self,
        origins: gpd.GeoDataFrame,
        destinations: gpd.GeoDataFrame,
        *,
        streets: RoadNetwork | None,
        depart: str | dt.time | None = None,
        arrive_by: str | dt.time | None = None,
        window_min: int = 60,
        percentiles: Sequence[float] = (50,),
        max_time_min: float = 120,
        max_walk_min: float = 20,
        max_transfers: int = 3,
        threads: int | None = None,
    ) -> pd.DataFrame:
        """Compute the times without a car from origins to destinations, door to door.

        Parameters
        ----------
        origins, destinations
            Points with a CRS; their index holds their identifiers. The way back is asked by exchanging them.
        streets
            Roads read with ``profile="foot"``; None walks in a straight line, lengthened by 1.3, at 4.8 km/h.
        depart
            First minute of the window at which one may leave (``"08:00"``, ``"8 h"``).
        arrive_by
            Last minute of the window by which one must be there, instead of `depart`: time is then counted from the
            latest departure to that minute.
        window_min
            Length of the window (min, 1 to 240): one may leave, or must be there, at each of its minutes.
        percentiles
            Of the times over the window; 50 is the median.
        max_time_min
            Longest time kept, inclusive (min).
        max_walk_min
            Longest walk (min), to the first stop, at each change, from the last stop, or all the way.
        max_transfers
            Most changes of vehicle.
        threads
            Number of threads, all by default. It changes nothing in the result.

        Returns
        -------
        DataFrame
            from_id, to_id, percentile (if several are asked for), travel_time_min (min), by origin, destination and
            percentile. A pair that is absent takes longer than `max_time_min` for that share of the window, or is
            out of reach. The attribute cutoff_min is `max_time_min`.

        Raises
        ------
        NetworkError
            If points cannot be used, or are far from any street.
        ParameterError
            If an option is out of range.

        Notes
        -----
        For each minute of the window the earliest arrival, in whole seconds; one may wait, walk once between two
        rides, and change in no time at a stop unless the feed says otherwise. The percentile p is the least time that
        at least p % of the minutes do not exceed; a minute at which one never arrives is longer than any.

        Examples
        --------
        >>> from territory.transit.feeds import sample_points
        >>> from territory.transit.gtfs import sample_timetable
        >>> points = sample_points()
        >>> sample_timetable().travel_times(points, points[1:], streets=None, depart="08:00", window_min=10)
          from_id  to_id  travel_time_min
        0  maison  soins        50.233333
        1   soins  soins         0.000000

        To be there at each minute of the hour before nine, a quarter and half of them; there is no bus back.

        >>> home, care = points[:1], points[1:]
        >>> options = {"streets": None, "arrive_by": "09:00"}
        >>> sample_timetable().travel_times(home, care, percentiles=(25, 50), **options).round(1)
          from_id  to_id  percentile  travel_time_min
        0  maison  soins        25.0             38.8
        1  maison  soins        50.0             53.8
        >>> len(sample_timetable().travel_times(care, home, **options))
        0
        """
        question = Question.of(depart, arrive_by, window_min, max_time_min, max_transfers)
        ranks = ranks_of(percentiles, question.n_minutes)
        doors = Doors(self._offer, (origins, destinations), Walking.on(streets, max_walk_min), question)
        row, column, rank, seconds = doors.times(ranks, threads)
        columns: dict[str, Any] = {}
        for name, codes, points in (("from_id", row, origins), ("to_id", column, destinations)):
            ids = points.index.astype("str")
            many = row.size >= CATEGORICAL_FROM_ROWS
            columns[name] = pd.Categorical.from_codes(codes, ids) if many else ids.to_numpy()[codes]
        if len(ranks) > 1:
            columns["percentile"] = np.array(percentiles, dtype=np.float64)[rank]
        table = pd.DataFrame({**columns, "travel_time_min": seconds / 60})
        table.attrs["cutoff_min"] = float(max_time_min)
        return table

    @accepting
    def journey(
        self,
        origin: gpd.GeoDataFrame,
        destination: gpd.GeoDataFrame,
        *,
        streets: RoadNetwork | None,
        depart: str | dt.time | None = None,
        arrive_by: str | dt.time | None = None,
        max_time_min: float = 120,
        max_walk_min: float = 20,
        max_transfers: int = 3,
    ) -> str:
        """Say in words how one goes from one point to another, to be checked by hand.

        Parameters
        ----------
        origin, destination
            One point each, with a CRS.
        streets, depart, arrive_by, max_time_min, max_walk_min, max_transfers
            As in `travel_times`, at one minute.

        Returns
        -------
        str
            Of the paths that arrive first, one with the fewest rides (in French).

        Raises
        ------
        NetworkError, ParameterError
            As `travel_times`.

        Examples
        --------
        >>> from territory.transit.feeds import sample_points
        >>> from territory.transit.gtfs import sample_timetable
        >>> home, care = sample_points()[:1], sample_points()[1:]
        >>> print(sample_timetable().journey(home, care, streets=None, depart="08:00"))
        À pied 2 min jusqu'à Mairie ; bus 12 à 8 h 04 de Mairie à Gare (8 h 14) ; correspondance à Gare ; bus 7 à 8 h 18
        de Gare à Plateforme (8 h 26) ; à pied 3 min ; arrivée à 8 h 29, 29 min après 8 h 00.
        """
        from territory.transit.journeys import tell

        question = Question.of(depart, arrive_by, 1, max_time_min, max_transfers)
        if len(origin) != 1 or len(destination) != 1:
            raise ParameterError("Un trajet se dit d'un point à un autre : donnez une ligne de chaque côté.")
        walking = Walking.on(streets, max_walk_min)
        return tell(self._offer, self.line_names[self.line], (origin, destination), walking, question)

    @accepting
    def isochrones(
        self,
        points: gpd.GeoDataFrame,
        *,
        streets: RoadNetwork | None,
        minutes: Sequence[float] = (30, 45, 60),
        cell_m: float = 250.0,
        percentile: float = 50,
        **options: Any,
    ) -> gpd.GeoDataFrame:
        """Draw what can be reached without a car from points, or from where they can be.

        Parameters
        ----------
        points
            Points with a CRS; their index holds their identifiers.
        streets
            As in `travel_times`.
        minutes
            Times (min), inclusive.
        cell_m
            Side of the squares on which times are computed, at their middle (m).
        percentile
            Of the times over the window.
        options
            Those of `travel_times`: `depart` draws from the points, `arrive_by` to them.

        Returns
        -------
        GeoDataFrame
            One row per point and time: from_id, minutes, area_km2, geometry (squares together, in a projection in
            metres). It is true to about one square.

        Raises
        ------
        NetworkError, ParameterError
            As `travel_times`.

        Examples
        --------
        >>> from territory.transit.feeds import sample_points
        >>> from territory.transit.gtfs import sample_timetable
        >>> options = {"streets": None, "depart": "08:00", "window_min": 1, "minutes": (10, 40)}
        >>> sample_timetable().isochrones(sample_points()[:1], **options)["area_km2"].round(1).to_list()
        [1.1, 11.8]
        """
        from territory.transit.journeys import draw

        options = {"streets": streets, **options}
        return draw(self.travel_times, self.stops, points, minutes, cell_m, percentile, options)

    @accepting
    def save(self, path: str | Path) -> Path:
        """Save the timetable in a folder of plain arrays that `load` maps into memory.

        Parameters
        ----------
        path
            Folder to write; a timetable that is already there is replaced.

        Returns
        -------
        Path

        Raises
        ------
        OutputError
            If it cannot be written, or holds something else.
        """
        header = {"format": FORMAT, "version": VERSION}
        header |= {name: getattr(self, name) for name in ("date", "zone", "asides")}
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        return save_arrays(Path(path), arrays, header, header_name=_HEADER, what="un horaire enregistré")

    @classmethod
    def load(cls, path: str | Path) -> "Timetable":
        """Load a timetable that `save` wrote.

        Parameters
        ----------
        path
            Its folder.

        Returns
        -------
        Timetable

        Raises
        ------
        MissingFileError
            If there is no such folder.
        ReadError
            If it is damaged, or written by another version of the format.
        """
        path = Path(path)
        if not path.exists():
            raise MissingFileError(f"Horaires introuvables : « {path} » (vérifiez le chemin).")
        said = f"Horaires « {path} » endommagés ou d'une autre version : lisez de nouveau les fichiers GTFS"
        with retold((OSError, ValueError, KeyError, TypeError), ReadError, f"{said} ({{reason}})."):
            header = read_header(path, header_name=_HEADER, form=FORMAT, version=VERSION)
            arrays = read_arrays(path, header, problems=Problems(said, ReadError))
            kept = {name: arrays[name] for name in _ARRAYS}
            found = cls(header["date"], header["zone"], header["asides"], **kept)
        if not found._holds_together():
            raise ReadError(f"{said}.")
        return found

    def _holds_together(self) -> bool:
        """Tell whether every number used as a place is one, and calls are in order."""
        names = [getattr(self, name) for name in _ARRAYS]
        calls, stops = self.stop.size, self.stop_id.size
        runs = self.first.size - 1
        sizes = [calls] * 5 + [runs, self.line_names.size, runs, self.headsign_names.size]
        sizes += [stops] * 4 + [self.change_s.size] * 3
        places: tuple[tuple[NDArray[np.int32], int], ...] = (
            (self.stop, stops), (self.change_from, stops), (self.change_to, stops),
            (self.line, self.line_names.size), (self.headsign, self.headsign_names.size),
        )  # fmt: skip
        return (
            [array.shape for array in names[1:]] == [(size,) for size in sizes]
            and self.first.ndim == 1 and self.first.size > 0 and self.first[0] == 0 and self.first[-1] == calls
            and bool((np.diff(self.first) > 1).all())
            and all(not array.size or (array.min() >= 0 and array.max() < most) for array, most in places)
            and all(not array.size or np.abs(array.astype(np.int64)).max() < 2**30 for array in names[2:4])
        )  # fmt: skip


_ARRAYS = tuple(field.name for field in fields(Timetable) if field.name not in ("date", "zone", "asides"))
