"""One path in words, found back from the last call to the first; and what can be reached, drawn in squares."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import KDTree

from territory.errors import ParameterError, TerritoryWarning
from territory.network.isochrones import OFF_ROAD_M
from territory.transit.doors import DAY_S, WALK_KMH, Doors, Ends, Offer, Question, Walking
from territory.transit.search import rides
from territory.units import SQUARE_METRES_PER_SQUARE_KILOMETRE

# squares of a drawing
_MOST_CELLS = 250_000


class Leg(NamedTuple):
    """A ride: its run, the calls at which one boards and alights, and the walk before it (s)."""

    run: int
    board: int
    alight: int
    walk: int


def tell(offer: Offer, lines: NDArray[np.str_], ends: Ends, walking: Walking, question: Question) -> str:
    """Return a path in words; `lines` are the names of the runs."""
    if question.is_backwards:
        # the latest departure, then what leaves at that second
        seconds = Doors(offer, ends, walking, question).times(np.array([1]), 1)[3]
        if not seconds.size:
            return _NO_WAY
        question = replace(question, start_s=-question.start_s - int(seconds[0]), is_backwards=False)
    doors = Doors(offer, ends, walking, question)
    seconds = doors.times(np.array([1]), 1)[3]
    if not seconds.size:
        return _NO_WAY
    arrival = question.start_s + int(seconds[0])
    # in whole minutes one is there after the last second
    there = _clock(-(-arrival // 60) * 60)
    if doors.direct.value.size and int(doors.direct.value[0]) <= seconds[0]:
        return f"À pied {_minutes(int(doors.direct.value[0]))}, de {_clock(question.start_s)} à {there}."
    legs, egress = _legs(doors, arrival)
    names, runs, lines = offer.stops["name"].to_numpy(), doors.runs, lines[doors.run_rows]
    parts = []
    for number, leg in enumerate(legs):
        start, end = names[runs.stop[leg.board]], names[runs.stop[leg.alight]]
        if number and not leg.walk:
            parts.append(f"correspondance à {start}")
        elif leg.walk:
            parts.append(f"à pied {_minutes(leg.walk)} jusqu'à {start}")
        times = _clock(int(runs.departure[leg.board])), _clock(int(runs.arrival[leg.alight]))
        parts.append(f"{lines[leg.run]} à {times[0]} de {start} à {end} ({times[1]})")
    if egress:
        parts.append(f"à pied {_minutes(egress)}")
    said = " ; ".join(parts)
    whole = f"{_minutes(int(seconds[0]))} après {_clock(question.start_s)}"
    return f"{said[0].upper()}{said[1:]} ; arrivée à {there}, {whole}."


_NO_WAY = "Aucun trajet à cette heure dans les limites données."


def _legs(doors: Doors, arrival: int) -> tuple[list[Leg], int]:
    """Return the rides of a path that arrives at a second, the fewest, and the last walk (s)."""
    calls, runs = doors.calls, doors.runs
    ridden = rides(calls, doors.starts(0, 1), doors.question.most_rides)
    found = [(boards[:, 0].copy(), alights[:, 0].copy()) for boards, alights in ridden]
    ends = {int(stop): int(walk) for stop, walk in zip(doors.egress.other, doors.egress.seconds, strict=True)}
    call_of = {int(place): call for call, place in enumerate(calls.alight) if place >= 0}
    for number, (_, alights) in enumerate(found):
        for stop, walk in sorted(ends.items(), key=lambda item: item[1]):
            places = range(calls.alight_first[stop], calls.alight_first[stop + 1])
            place = next((one for one in places if alights[one]), None)
            if place is None or calls.alight_time[place] + walk != arrival:
                continue
            legs: list[Leg] = []
            for ride in range(number, -1, -1):
                legs.insert(0, _leg(doors, found, ride, call_of[place]))
                if ride:
                    # where one alighted before
                    place = min(_ways(doors, found[ride - 1][1], legs[0].board))[1]
            return legs, walk
    raise AssertionError(f"no path arrives at {arrival}, as was found for {len(runs.first)} runs")


def _leg(doors: Doors, found: list[tuple[Any, Any]], ride: int, alight: int) -> Leg:
    """Return the ride that ends at a call, boarded after the shortest walk."""
    calls = doors.calls
    run = int(np.searchsorted(calls.first, alight, side="right")) - 1
    best: tuple[int, int] | None = None
    for call in range(alight - 1, int(calls.first[run]) - 1, -1):
        place = calls.board[call]
        if place < 0 or not found[ride][0][place]:
            continue
        walks = [walk for walk, _ in _ways(doors, found[ride - 1][1] if ride else None, call)]
        if walks and (best is None or min(walks) < best[0]):
            best = min(walks), call
    if best is None:
        raise AssertionError(f"nobody boards the run of call {alight}")
    return Leg(run, best[1], alight, best[0])


def _ways(doors: Doors, alights: Any, call: int) -> list[tuple[int, int]]:
    """Return the walks (s) to a call in time, each with the place where one alighted, -1 from the door."""
    calls, stop = doors.calls, int(doors.runs.stop[call])
    time = int(doors.runs.departure[call])
    if alights is None:
        rows = np.flatnonzero(doors.access.other == stop)
        walks = [int(doors.access.seconds[row]) for row in rows]
        return [(walk, -1) for walk in walks if doors.question.start_s + walk <= time]
    ways = []
    for row in range(doors.changes.first[stop], doors.changes.first[stop + 1]):
        other, walk = doors.changes.other[row], int(doors.changes.seconds[row])
        places = range(calls.alight_first[other], calls.alight_first[other + 1])
        place = next((one for one in places if alights[one]), None)
        if place is not None and calls.alight_time[place] + walk <= time:
            ways.append((walk, place))
    return ways


def _clock(seconds: int) -> str:
    day, rest = divmod(seconds, DAY_S)
    said = f"{rest // 3600} h {rest // 60 % 60:02d}"
    return said + {0: "", 1: " le lendemain", -1: " la veille"}.get(day, "")


def _minutes(seconds: int) -> str:
    """Write a time in whole minutes, rounded up: nobody is late for a rounding."""
    return f"{-(-seconds // 60)} min"


def draw(
    ask: Callable[..., pd.DataFrame],
    stops: gpd.GeoDataFrame,
    points: gpd.GeoDataFrame,
    minutes: Sequence[float],
    cell_m: float,
    percentile: float,
    options: dict[str, Any],
) -> gpd.GeoDataFrame:
    """Return the squares within each time of each point, together."""
    levels = sorted({float(level) for level in minutes})
    if not levels or not 0 < levels[0] <= levels[-1] or not 10 <= cell_m < np.inf:
        asked = "indiquez des temps au-dessus de zéro et une maille d'au moins 10 m"
        raise ParameterError(f"minutes={list(minutes)}, cell_m={cell_m} : {asked}.")
    if given := sorted({"max_time_min", "percentiles"} & {*options}):
        raise ParameterError(f"{given[0]} : dites-le par minutes et percentile.")
    walking = Walking.on(options["streets"], options.get("max_walk_min", 20))
    cells = _cells(stops[stops.geometry.notna()], points, walking, cell_m)
    is_inbound = options.get("arrive_by") is not None
    ends = (cells, points) if is_inbound else (points, cells)
    with warnings.catch_warnings():
        # most squares at the edge have no stop near
        warnings.simplefilter("ignore", TerritoryWarning)
        table = ask(*ends, max_time_min=levels[-1], percentiles=(percentile,), **options)
    mine, other = ("to_id", "from_id") if is_inbound else ("from_id", "to_id")
    x, y, half = cells["x"].to_numpy(), cells["y"].to_numpy(), cell_m / 2
    squares = np.asarray(shapely.box(x - half, y - half, x + half, y + half))
    place = cells.index.get_indexer(pd.Index(table[other].astype("str")))
    rows = []
    for name in points.index.astype("str"):
        for level in levels:
            inside = ((table[mine] == name) & (table["travel_time_min"] <= level)).to_numpy()
            rows.append((name, level, shapely.union_all(squares[place[inside]])))
    columns = ["from_id", "minutes", "geometry"]
    frame = gpd.GeoDataFrame(rows, columns=columns, geometry="geometry", crs=cells.crs)
    frame.insert(2, "area_km2", frame.geometry.area / SQUARE_METRES_PER_SQUARE_KILOMETRE)
    return frame


def _cells(
    stops: gpd.GeoDataFrame, points: gpd.GeoDataFrame, walking: Walking, cell_m: float
) -> gpd.GeoDataFrame:
    """Return the middles of the squares to which one may walk from a stop or a point."""
    crs = walking.streets.crs if walking.streets else points.estimate_utm_crs()
    near = np.vstack([here.to_crs(crs).get_coordinates() for here in (stops, points)])
    around = walking.limit_s * WALK_KMH / 3.6 + cell_m
    low, high = np.floor((near.min(axis=0) - around) / cell_m), np.ceil((near.max(axis=0) + around) / cell_m)
    if np.prod(high - low) > 100 * _MOST_CELLS:
        raise ParameterError(f"cell_m={cell_m:g} : trop de mailles pour ce territoire ; agrandissez-les.")
    grid = np.meshgrid(*(np.arange(one, two) + 0.5 for one, two in zip(low, high, strict=True)))
    middles = np.column_stack([axis.ravel() for axis in grid]) * cell_m
    middles = middles[KDTree(near).query(middles, distance_upper_bound=around)[0] < np.inf]
    if len(middles) > _MOST_CELLS:
        count = f"{len(middles)} mailles, {_MOST_CELLS} au plus"
        raise ParameterError(f"cell_m={cell_m:g} donne {count} : agrandissez-les.")
    x, y = middles.T
    cells = gpd.GeoDataFrame({"x": x, "y": y}, geometry=gpd.points_from_xy(x, y), crs=crs)
    cells.index = cells.index.astype("str")
    return cells[walking.is_near(cells, within_m=OFF_ROAD_M)]
