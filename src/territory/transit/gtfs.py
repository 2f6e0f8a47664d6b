"""GTFS feeds brought to the timetable of one date: services, trips, times, stops and changes."""

import datetime as dt
import tempfile
from collections import Counter
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from territory.errors import ParameterError, ReadError, agree, examples, warn
from territory.tables.declare import lines_of
from territory.transit.doors import BEFORE_S, DAY_S, UNTIL_S
from territory.transit.feeds import Feed, read_feed, seconds_of, write_sample
from territory.transit.timetable import Timetable

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# by route_type of the reference of GTFS, and by the hundreds of its extension
_MODES, _EXTENDED = (
    {line[key]: line["mode"] for line in lines_of("modes.csv", "territory.transit") if line[key]}
    for key in ("route_type", "hundreds")
)
_METRES_PER_DEGREE = 111_195.0


def read_gtfs(path: str | Path | Sequence[str | Path], *, date: str | dt.date) -> Timetable:
    """Read the timetable of one date from one or several GTFS feeds.

    Parameters
    ----------
    path
        A zip or a folder, or a list of them that are used together.
    date
        Date of the trips, ``"2026-11-30"`` or a date. The trips of the evening before that run past midnight are
        there, and those of the next morning.

    Returns
    -------
    Timetable
        Its `asides` say what was left out or mended, and how many.

    Raises
    ------
    MissingFileError, ReadError
        If a feed is absent, damaged, dangerous, or lacks a file or a column; if feeds are in several time zones.
    ParameterError
        If nothing runs on the date: the message says which dates the calendars cover.

    Notes
    -----
    Times left blank between two known ones are interpolated along the straight line between stops. Trips by
    frequency (``frequencies.txt``) leave at the beginning of each interval, exact or not. Row order, and the order of
    the feeds, change nothing. Source: reference of GTFS, https://gtfs.org/documentation/schedule/reference/.

    Examples
    --------
    >>> import tempfile
    >>> from territory.transit.feeds import write_sample
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     read_gtfs(write_sample(folder), date="2026-11-30")
    <Timetable 2026-11-30 : 3 arrêts, 4 courses>
    """
    day = _date_of(date)
    paths = [path] if isinstance(path, str | Path) else list(path)
    if not paths:
        raise ParameterError("Aucun fichier d'horaires : indiquez au moins un GTFS (.zip ou dossier).")
    feeds = [read_feed(one) for one in sorted(map(Path, paths), key=lambda one: (one.name, one))]
    zones = sorted({zone for feed in feeds for zone in feed.tables["agency"]["agency_timezone"] if zone})
    if len(zones) != 1:
        said = f"plusieurs fuseaux horaires ({examples(zones)})" if zones else "aucun fuseau horaire"
        raise ReadError(f"Horaires GTFS : {said} dans agency.txt ; donnez des jeux d'un même fuseau.")
    zone = str(zones[0])
    parts = [_read_part(feed, day, zone) for feed in feeds]
    if not any(part["size"].size for part in parts):
        raise ParameterError(_says_when(feeds, day))
    for feed, part in zip(feeds, parts, strict=True):
        feed.aside("(jeu|jeux) sans aucune course à cette date", 0 if part["size"].size else 1)
    # stops are numbered one feed after another
    before = np.cumsum([0, *(part["stop_id"].size for part in parts)])
    for at, part in zip(before, parts, strict=False):
        part |= {name: part[name] + at for name in ("stop", "from", "to")}
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    asides = _asides(feeds)
    if asides:
        warn(f"Horaires GTFS{_left_out(asides)}.")
    return Timetable.from_columns(columns, date=day.isoformat(), zone=zone, asides=asides)


def _left_out(asides: dict[str, int]) -> str:
    """Say what was left out or mended."""
    said = " ; ".join(agree(count, what) for what, count in asides.items())
    return f", laissé de côté ou réparé : {said}" if said else ""


def _asides(feeds: list[Feed]) -> dict[str, int]:
    """Return what is left out of feeds together."""
    return dict(sum((Counter(feed.asides) for feed in feeds), Counter[str]()))


def _date_of(date: str | dt.date) -> dt.date:
    try:
        date = date.date() if isinstance(date, dt.datetime) else date
        return date if isinstance(date, dt.date) else dt.date.fromisoformat(date)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"date={date!r} : écrivez une date comme « 2026-11-30 ».") from error


def _says_when(feeds: list[Feed], day: dt.date) -> str:
    """Say which dates the calendars cover."""
    asked = (("calendar", "start_date"), ("calendar", "end_date"), ("calendar_dates", "date"))
    dates = pd.concat([feed.tables[table][column] for feed in feeds for table, column in asked])
    known = sorted(dates[dates.str.fullmatch(r"\d{8}")])
    period = f"vont du {_french(known[0])} au {_french(known[-1])}" if known else "ne disent aucune date"
    text = day.strftime("%Y%m%d")
    said = f"Aucune course le {_french(text)} : les calendriers {period}"
    said += _left_out(_asides(feeds)) if known and known[0] <= text <= known[-1] else ""
    return f"{said} ; choisissez une date qu'ils couvrent, ou téléchargez des horaires plus récents."


def _french(date: str) -> str:
    return f"{date[6:8]}/{date[4:6]}/{date[:4]}"


def _read_part(feed: Feed, day: dt.date, zone: str) -> dict[str, NDArray[Any]]:
    """Return the arrays of one feed: its stops, the runs around the date and their calls, and its changes."""
    stops = _stops(feed)
    calls = _calls(feed, stops)
    runs, changes = _runs(feed, calls, day, zone), _changes(feed, stops)
    size = runs["size"].to_numpy()
    row = np.repeat(runs["first"].to_numpy() - np.cumsum(size) + size, size) + np.arange(size.sum())
    offset = np.repeat(runs["offset"].to_numpy(), size)
    return {
        **{name: calls[name].to_numpy()[row] for name in ("stop", "pickup", "drop_off")},
        **{name: calls[name].to_numpy()[row] + offset for name in ("arrival", "departure")},
        "size": size,
        **{name: runs[name].to_numpy(dtype=np.str_) for name in ("line", "headsign")},
        **{name: changes[name].to_numpy() for name in ("from", "to", "seconds")},
        "stop_id": stops.index.to_numpy(dtype=np.str_),
        "stop_name": stops["stop_name"].to_numpy(dtype=np.str_),
        "lon": stops["stop_lon"].to_numpy(dtype=np.float64),
        "lat": stops["stop_lat"].to_numpy(dtype=np.float64),
    }


def _stops(feed: Feed) -> pd.DataFrame:
    """Return the stops with coordinates in degrees: those of its station where a stop has none."""
    feed.keep("stops", ~feed.tables["stops"]["stop_id"].duplicated(), "arrêt(s) en double")
    stops = feed.tables["stops"].sort_values("stop_id").set_index("stop_id")
    for column, most in (("stop_lat", 90.0), ("stop_lon", 180.0)):
        values = pd.to_numeric(stops[column], errors="coerce")
        stops[column] = values.where(values.abs() <= most)
    degrees = stops[["stop_lat", "stop_lon"]]
    places = degrees.mask(degrees.isna().any(axis=1) | (degrees == 0).all(axis=1))
    return stops.assign(**places.fillna(places.reindex(stops["parent_station"]).set_axis(stops.index)))


def _calls(feed: Feed, stops: pd.DataFrame) -> pd.DataFrame:
    """Return the calls of trips in order: trip (row of trips.txt), stop (row), arrival and departure (s), rules."""
    feed.keep("trips", ~feed.tables["trips"]["trip_id"].duplicated(), "course(s) en double")
    table = feed.tables["stop_times"]
    calls = pd.DataFrame(
        {
            "trip": pd.Index(feed.tables["trips"]["trip_id"]).get_indexer(pd.Index(table["trip_id"])),
            "stop": stops.index.get_indexer(pd.Index(table["stop_id"])),
            "order": pd.to_numeric(table["stop_sequence"], errors="coerce"),
            "arrival": seconds_of(table["arrival_time"]),
            "departure": seconds_of(table["departure_time"]),
            # 1: none; by telephone or with the driver (2, 3) counts as a call
            "pickup": table["pickup_type"].to_numpy() != "1",
            "drop_off": table["drop_off_type"].to_numpy() != "1",
        }
    )
    good = (calls["trip"] >= 0) & (calls["stop"] >= 0) & calls["order"].notna()
    feed.aside("passage(s) d'une course ou à un arrêt (inconnu|inconnus)", int((~good).sum()))
    calls = calls[good].sort_values(["trip", "order"], kind="stable")
    unread = (calls["arrival"] == -2) | (calls["departure"] == -2) | calls.duplicated(["trip", "order"])
    calls = _without(feed, calls, unread, "course(s) aux horaires illisibles ou aux rangs d'arrêt en double")
    arrival = calls["arrival"].where(calls["arrival"] >= 0, calls["departure"])
    calls["departure"] = calls["departure"].where(calls["departure"] >= 0, arrival)
    calls["arrival"] = arrival
    is_end = (calls["trip"] != calls["trip"].shift()) | (calls["trip"] != calls["trip"].shift(-1))
    said = "course(s) sans heure au départ ou à l'arrivée"
    calls = _without(feed, calls, is_end & (calls["arrival"] < 0), said)
    alone = ~calls["trip"].duplicated(keep=False)
    calls = _without(feed, calls, alone, "course(s) d'un seul arrêt")
    blank = calls["arrival"] < 0
    feed.aside("heure(s) de passage interpolée(s)", int(blank.sum()))
    for column in ("arrival", "departure"):
        calls[column] = _filled(calls, stops, calls[column].mask(blank))
    earlier = calls["departure"].shift().where(calls["trip"] == calls["trip"].shift(), -1)
    is_back = (calls["departure"] < calls["arrival"]) | (calls["arrival"] < earlier)
    calls = _without(feed, calls, is_back, "course(s) dont les heures reculent")
    served = stops.iloc[calls["stop"].unique()]
    said = "arrêt(s) desservi(s) sans coordonnées, où l'on ne va pas à pied"
    feed.aside(said, int(served["stop_lat"].isna().sum()))
    return calls.reset_index(drop=True)


def _without(feed: Feed, calls: pd.DataFrame, is_bad: pd.Series, said: str) -> pd.DataFrame:
    """Leave out the trips that have a bad call, and count them."""
    bad = calls.loc[is_bad, "trip"].unique()
    feed.aside(said, len(bad))
    return calls[~calls["trip"].isin(bad)] if len(bad) else calls


def _filled(calls: pd.DataFrame, stops: pd.DataFrame, times: pd.Series) -> NDArray[np.int64]:
    """Return times of calls, those left blank interpolated along the way from stop to stop."""
    known = times.notna().to_numpy()
    if known.all():
        return times.to_numpy(dtype=np.int64)
    places = stops.iloc[calls["stop"]]
    up = np.diff(places["stop_lat"].to_numpy(), prepend=np.nan)
    across = np.diff(places["stop_lon"].to_numpy(), prepend=np.nan)
    steps = np.hypot(up, across * np.cos(np.radians(places["stop_lat"].to_numpy()))) * _METRES_PER_DEGREE
    # a metre more at each stop: two calls at one place are in order
    way = np.cumsum(np.nan_to_num(steps) + 1.0)
    values = times.to_numpy(dtype=np.float64, copy=True)
    values[~known] = np.floor(np.interp(way[~known], way[known], values[known]))
    return values.astype(np.int64)


def _active(feed: Feed, day: dt.date) -> set[str]:
    """Return the services that run on a date."""
    text, calendar, changed = day.strftime("%Y%m%d"), feed.tables["calendar"], feed.tables["calendar_dates"]
    runs = (calendar["start_date"] <= text) & (text <= calendar["end_date"])
    usual = set(calendar.loc[runs & (calendar[_DAYS[day.weekday()]] == "1"), "service_id"])
    today = changed[changed["date"] == text]
    added, removed = (set(today.loc[today["exception_type"] == kind, "service_id"]) for kind in ("1", "2"))
    return (usual | added) - removed


def _shift(zone: str, day: dt.date, days: int) -> int:
    """Return how many seconds a service day begins after another: twelve hours before noon, whatever the season."""
    try:
        both = (day, day + dt.timedelta(days=days))
        noons = [dt.datetime.combine(one, dt.time(12), ZoneInfo(zone)) for one in both]
    except (ZoneInfoNotFoundError, ValueError):
        return days * DAY_S
    return round(noons[1].timestamp() - noons[0].timestamp())


def _runs(feed: Feed, calls: pd.DataFrame, day: dt.date, zone: str) -> pd.DataFrame:
    """Return the runs around a date: the first of their calls, how many, how much later than written, and names."""
    first = np.flatnonzero(~calls["trip"].duplicated())
    ends = np.append(first, len(calls))[1:]
    trips = feed.tables["trips"].iloc[calls["trip"].to_numpy()[first]].reset_index(drop=True)
    leaves, ends_at = calls["departure"].to_numpy()[first], calls["arrival"].to_numpy()[ends - 1]
    rows, later = _repeated(feed, trips, leaves)
    latest = int((ends_at[rows] + later).max(initial=0))
    found: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
    for days in range(-(latest // DAY_S) - 1, 2):
        is_active = trips["service_id"].isin(_active(feed, day + dt.timedelta(days=days))).to_numpy()[rows]
        offset = later + _shift(zone, day, days)
        is_near = (ends_at[rows] + offset >= BEFORE_S) & (leaves[rows] + offset <= UNTIL_S)
        found.append((rows[is_active & is_near], offset[is_active & is_near]))
    run, offset = (np.concatenate(column) for column in zip(*found, strict=True))
    said = {"line": _lines(feed, trips["route_id"].iloc[run]), "headsign": trips["trip_headsign"].iloc[run]}
    names = {name: column.to_numpy(dtype=np.str_) for name, column in said.items()}
    columns = {"first": first[run], "size": (ends - first)[run], "offset": offset, **names}
    order = np.lexsort([trips["trip_id"].to_numpy(dtype=np.str_)[run], leaves[run] + offset])
    return pd.DataFrame({name: column[order] for name, column in columns.items()})


def _repeated(
    feed: Feed, trips: pd.DataFrame, leaves: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the trips that run as written, then those of frequencies, and how much later than written each is."""
    table = feed.tables["frequencies"]
    trip = pd.Index(trips["trip_id"]).get_indexer(pd.Index(table["trip_id"]))
    start, end = seconds_of(table["start_time"]), seconds_of(table["end_time"])
    headway = pd.to_numeric(table["headway_secs"], errors="coerce").fillna(0).to_numpy()
    good = (trip >= 0) & (start >= 0) & (end > start) & (headway >= 1)
    feed.aside("fréquence(s) illisible(s) ou de course inconnue", int((~good).sum()))
    plain = np.setdiff1d(np.arange(len(trips)), trip)
    rows, later = [plain], [np.zeros(plain.size, dtype=np.int64)]
    for row in np.flatnonzero(good):
        times = np.arange(start[row], end[row], int(headway[row]), dtype=np.int64)
        rows.append(np.full(times.size, trip[row], dtype=np.int64))
        later.append(times - leaves[trip[row]])
    return np.concatenate(rows), np.concatenate(later)


def _lines(feed: Feed, route_ids: pd.Series) -> pd.Series:
    """Return lines as one says them: « bus 12 »."""
    routes = feed.tables["routes"].drop_duplicates("route_id").set_index("route_id")
    kinds = routes["route_type"]
    modes = kinds.map(_MODES).fillna(kinds.str[:-2].map(_EXTENDED)).fillna("ligne")
    names = routes["route_short_name"].where(routes["route_short_name"] != "", routes["route_long_name"])
    return (modes + " " + names).str.strip().reindex(route_ids).fillna("ligne")


def _changes(feed: Feed, stops: pd.DataFrame) -> pd.DataFrame:
    """Return the changes that a feed states: rows of two stops, and seconds, -1 where it forbids them."""
    table = feed.tables["transfers"]
    specific = ["from_route_id", "to_route_id", "from_trip_id", "to_trip_id"]
    is_plain = (table[specific] == "").all(axis=1) & ~table["transfer_type"].isin(["4", "5"])
    feed.aside("correspondance(s) propre(s) à une course ou à une ligne", int((~is_plain).sum()))
    table = table[is_plain]
    known = table["from_stop_id"].isin(stops.index) & table["to_stop_id"].isin(stops.index)
    feed.aside("correspondance(s) d'un arrêt inconnu", int((~known).sum()))
    table = table[known]
    least = pd.to_numeric(table["min_transfer_time"], errors="coerce")
    kind = table["transfer_type"].replace("", "0")
    seconds = least.where(kind == "2").mask(kind == "1", 0).mask(kind == "3", -1)
    feed.aside("durée(s) de correspondance illisible(s)", int(((kind == "2") & ~(least >= 0)).sum()))
    stated = table.assign(seconds=seconds)[seconds >= -1].sort_values("seconds")
    listed = list(stated[["from_stop_id", "to_stop_id", "seconds"]].itertuples(index=False, name=None))
    # what is said of a station holds for its platforms, unless it is said of them
    platforms = stops.index.to_series().groupby(stops["parent_station"].replace("", pd.NA)).agg(list)
    found: dict[tuple[str, str], float] = {}
    for start, end, value in listed:
        pairs = product(platforms.get(start, [start]), platforms.get(end, [end]))
        found |= dict.fromkeys(pairs, value)
    found |= {(start, end): value for start, end, value in listed}
    rows = [(*stops.index.get_indexer(pd.Index(pair)), value) for pair, value in found.items()]
    return pd.DataFrame(rows, columns=["from", "to", "seconds"]).astype("int64")


def sample_timetable() -> Timetable:
    """Return the timetable of the examples."""
    with tempfile.TemporaryDirectory() as folder:
        return read_gtfs(write_sample(folder), date="2026-11-30")
