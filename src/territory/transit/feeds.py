"""The files of one GTFS feed as tables of text, checked for what cannot be done without."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from territory.errors import MissingFileError, Problems, ReadError
from territory.sources.fetching.archives import unpack

if TYPE_CHECKING:
    import geopandas as gpd

# a feed of a whole country is well below it
MAX_BYTES = 8_000_000_000
# columns that must be there, then those that may be: the reference of GTFS, gtfs.org/documentation/schedule/reference
_COLUMNS: dict[str, tuple[str, str]] = {
    "agency": ("agency_timezone", ""),
    "stops": ("stop_id", "stop_name stop_lat stop_lon parent_station"),
    "routes": ("route_id", "route_short_name route_long_name route_type"),
    "trips": ("route_id service_id trip_id", "trip_headsign"),
    "stop_times": (
        "trip_id arrival_time departure_time stop_id stop_sequence",
        "pickup_type drop_off_type",
    ),
    "calendar": (
        "service_id monday tuesday wednesday thursday friday saturday sunday start_date end_date",
        "",
    ),
    "calendar_dates": ("service_id date exception_type", ""),
    "frequencies": ("trip_id start_time end_time headway_secs", ""),
    "transfers": (
        "from_stop_id to_stop_id transfer_type",
        "min_transfer_time from_route_id to_route_id from_trip_id to_trip_id",
    ),
}
_OPTIONAL = ("calendar", "calendar_dates", "frequencies", "transfers")
_UNREADABLE = (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeError, OSError, ValueError)


@dataclass
class Feed:
    """Tables of text of one feed; a file or column that may be absent is there, empty."""

    name: str
    tables: dict[str, pd.DataFrame]
    asides: dict[str, int] = field(default_factory=dict)

    def aside(self, said: str, count: int) -> None:
        """Count what is left out or mended."""
        if count:
            self.asides[said] = self.asides.get(said, 0) + int(count)

    def keep(self, table: str, is_good: pd.Series | NDArray[np.bool_], said: str) -> None:
        """Leave out the lines of a table that cannot be used, and count them."""
        good = np.asarray(is_good, dtype=bool)
        self.aside(said, int((~good).sum()))
        self.tables[table] = self.tables[table][good].reset_index(drop=True)


def read_feed(path: Path) -> Feed:
    """Read a feed, from its folder or its zip."""
    if path.is_dir():
        return _read_folder(path, path.name)
    if not path.is_file():
        raise MissingFileError(f"Horaires GTFS introuvables : {path} (vérifiez le chemin).")
    with tempfile.TemporaryDirectory(prefix="gtfs-") as place:
        unpack(path, place, max_bytes=MAX_BYTES)
        return _read_folder(Path(place), path.name)


def _read_folder(folder: Path, name: str) -> Feed:
    """Read the files of a folder, or of the one folder inside it that holds stops."""
    problems = Problems(f"Horaires GTFS « {name} »", ReadError)
    if not (folder / "stops.txt").is_file():
        inside = sorted(path.parent for path in folder.rglob("stops.txt"))
        if len(inside) > 1:
            problems.add(
                f"{len(inside)} jeux d'horaires dans un seul fichier : séparez-les, et donnez-les en liste"
            )
        folder = inside[0] if inside else folder
    tables = {table: _read_table(folder, table, problems) for table in _COLUMNS}
    if not problems and tables["calendar"].empty and tables["calendar_dates"].empty:
        problems.add(
            "ni calendar.txt ni calendar_dates.txt ne disent quels jours circulent : demandez-les au producteur"
        )
    problems.raise_if_any()
    return Feed(name, tables)


def _read_table(folder: Path, table: str, problems: Problems) -> pd.DataFrame:
    """Read one file as text, or say what is wrong with it."""
    path, (needed, others) = folder / f"{table}.txt", _COLUMNS[table]
    wanted = [*needed.split(), *others.split()]
    empty = pd.DataFrame({column: pd.Series([], dtype="str") for column in wanted})
    if not path.is_file():
        if table not in _OPTIONAL:
            problems.add(f"fichier {table}.txt absent")
        return empty
    try:
        frame = _cells(path, wanted)
    except _UNREADABLE as error:
        problems.add(f"fichier {table}.txt illisible ({error})")
        return empty
    frame.columns = frame.columns.str.strip()
    if absent := [column for column in needed.split() if column not in frame]:
        problems.add(f"fichier {table}.txt : colonne absente ({', '.join(absent)})")
        return empty
    frame = frame.reindex(columns=wanted, fill_value="").astype("str")
    # a row with fewer cells than the header
    return pd.DataFrame({name: frame[name].fillna("").str.strip() for name in frame})


def _cells(path: Path, wanted: list[str], encoding: str = "utf-8-sig") -> pd.DataFrame:
    """Read the columns wanted of a file as text, in UTF-8 or else in Windows-1252."""
    options: Any = {"dtype": "str", "keep_default_na": False, "skipinitialspace": True, "index_col": False}
    options |= {"encoding": encoding, "usecols": lambda name: name.strip() in wanted}
    try:
        return pd.DataFrame(pd.read_csv(path, **options))
    except UnicodeDecodeError:
        if encoding == "cp1252":
            raise
        return _cells(path, wanted, "cp1252")


def seconds_of(texts: pd.Series) -> NDArray[np.int64]:
    """Return times of a service day (« 25:10:00 ») in seconds, -1 where there is none, -2 where it cannot be read."""
    codes, unique = pd.factorize(texts)
    parts = pd.Series(unique, dtype="str").str.extract(r"^(\d{1,3}):([0-5]\d):([0-5]\d)$")
    values = parts.fillna("0").astype("int64") @ np.array([3600, 60, 1])
    values = values.where(parts[0].notna(), -2).where(pd.Series(unique, dtype="str") != "", -1)
    return values.to_numpy(dtype=np.int64)[codes]


# a timetable of three stops and two lines: what the examples of the documentation run on
_FILES = {
    "agency": "agency_id,agency_name,agency_url,agency_timezone\nA,Essai,https://example.org,Europe/Paris\n",
    "stops": "stop_id,stop_name,stop_lat,stop_lon\nM,Mairie,43.500,6.400\nG,Gare,43.540,6.400\n"
    "P,Plateforme,43.540,6.460\n",
    "routes": "route_id,route_short_name,route_type\nR12,12,3\nR7,7,3\n",
    "trips": "route_id,service_id,trip_id,trip_headsign\n"
    "R12,S,a,Gare\nR12,S,b,Gare\nR7,S,c,Plateforme\nR7,S,d,Plateforme\n",
    "stop_times": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
    "a,08:04:00,08:04:00,M,1\na,08:14:00,08:14:00,G,2\nb,08:34:00,08:34:00,M,1\nb,08:44:00,08:44:00,G,2\n"
    "c,08:18:00,08:18:00,G,1\nc,08:26:00,08:26:00,P,2\nd,08:48:00,08:48:00,G,1\nd,08:56:00,08:56:00,P,2\n",
    "calendar_dates": "service_id,date,exception_type\nS,20261130,1\n",
}


def write_sample(folder: str | Path) -> Path:
    """Write the feed in a folder, and return it."""
    folder = Path(folder)
    for name, text in _FILES.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    return folder


def sample_points() -> gpd.GeoDataFrame:
    """Return a home and a place of care."""
    import geopandas as gpd

    points = gpd.points_from_xy([6.400, 6.461], [43.501, 43.541])
    return gpd.GeoDataFrame(index=["maison", "soins"], geometry=points, crs=4326)
