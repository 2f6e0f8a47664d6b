"""The files of one GTFS feed as tables of text, checked for what cannot be done without."""

import tempfile
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from territory.errors import MissingFileError, Problems, ReadError
from territory.sources.fetching.archives import unpack
from territory.tables.declare import lines_of

# a feed of a whole country is well below it
MAX_BYTES = 8_000_000_000
# columns of each file, of which some must be there: reference of GTFS, gtfs.org/documentation/schedule/reference
_COLUMNS: dict[str, dict[str, bool]] = {}
for _line in lines_of("columns.csv", "territory.transit"):
    _COLUMNS.setdefault(_line["file"], {})[_line["column"]] = _line["is_needed"] == "yes"
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
            problems.add(f"{len(inside)} jeux d'horaires dans un fichier : donnez-les séparés, en liste")
        folder = inside[0] if inside else folder
    tables = {table: _read_table(folder, table, problems) for table in _COLUMNS}
    if not problems and tables["calendar"].empty and tables["calendar_dates"].empty:
        problems.add("calendar.txt et calendar_dates.txt ne disent aucun jour : demandez-les au producteur")
    problems.raise_if_any()
    return Feed(name, tables)


def _read_table(folder: Path, table: str, problems: Problems) -> pd.DataFrame:
    """Read one file as text, or say what is wrong with it."""
    path, wanted = folder / f"{table}.txt", list(_COLUMNS[table])
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
    if absent := [column for column, needed in _COLUMNS[table].items() if needed and column not in frame]:
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


def write_sample(folder: str | Path) -> Path:
    """Write in a folder the timetable of three stops and two lines that the examples run on, and return it."""
    for file in (resources.files("territory.transit") / "sample").iterdir():
        (Path(folder) / file.name).write_bytes(file.read_bytes())
    return Path(folder)


def sample_points() -> gpd.GeoDataFrame:
    """Return a home and a place of care."""
    points = gpd.points_from_xy([6.400, 6.461], [43.501, 43.541])
    return gpd.GeoDataFrame(index=["maison", "soins"], geometry=points, crs=4326)
