"""INSEE: facilities (BPE), counted by commune or each with its point, and the 200 m grid of inhabitants (Filosofi)."""

import re
from collections.abc import Collection
from functools import lru_cache
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from territory.errors import ParameterError, examples, warn
from territory.sources.producers.ign import in_degrees
from territory.sources.text import cells
from territory.sources.text.refusals import fault, numbered, quoted, refuse, refuse_repeated, warn_of
from territory.sources.text.tables import TableStream, read_columns, read_table, require_columns
from territory.territories import is_inside, territory_of

_CELL = r"^CRS(\d{4,5})RES(\d{1,6})mN(-?\d{1,8})E(-?\d{1,8})$"
_ID, _PERSONS = "idcar_200m", "ind"
# the commune of the older file, then the list of those that the cell touches
_COMMUNES = ("depcom", "lcog_geo")
_AGES = re.compile(r"ind_(\d{1,2})_(\d{1,2})|ind_(\d{2})p")
_IMPUTED = "i_est_200"


def read_population_grid(
    path: str | Path, *, departements: Collection[str] | None = None
) -> gpd.GeoDataFrame:
    """Read the inhabited cells of the 200 m grid (INSEE, Filosofi) as points at their centre, in their projection.

    The columns are `idcar_200m` (`CRS3035RES200mN…E…`, the south-west corner), `ind`, `ind_0_3`, `ind_4_5`…,
    `lcog_geo` (or `depcom`), capitals or not. Metropolitan France, Martinique and La Réunion have a file
    each, in their own projections. Indexed by `cell_id`: `commune_code` (where a cell lies on several, the
    first that INSEE lists), `commune_count`, `population`, `population_0_3`, `population_4_5`…,
    `population_80_plus` (hab, reals), `is_imputed` (INSEE gave the cell the mean of a larger one, for secrecy).
    """
    path = Path(path)
    frame, ages = _read_cells(TableStream(path), cells.check_departements(departements))
    if frame.empty:
        raise fault(path, "aucun carreau de ces départements.")
    corners = _corners(frame[_ID], path)
    columns = [_PERSONS, *ages]
    numbers = cells.to_numbers(frame, columns, path=path, thousands=False)
    for name in columns:
        wrong = numbered(numbers.index[~(numbers[name] >= 0)])
        refuse(path, wrong, "effectif(s) absent(s) ou négatif(s)", place=f", colonne « {name} »")
    listed = frame["communes"].str.strip()
    table = numbers[columns].set_axis(["population", *ages.values()], axis=1)
    table.insert(0, "commune_code", cells.clean_codes(listed.str[:5].rename("lcog_geo"), path=path))
    table.insert(1, "commune_count", (listed.str.len() // 5).clip(lower=1))
    table["is_imputed"] = frame[_IMPUTED].str.strip() == "1" if _IMPUTED in frame else False
    imputed = table.loc[table["is_imputed"], "population"].sum()
    if imputed > 0:
        warn(
            f"Fichier « {path.name} » : {imputed / table['population'].sum():.0%} des habitants sont dans des "
            "carreaux imputés par l'INSEE (secret statistique) : leur place exacte n'est pas connue."
        )
    half = corners["size_m"] / 2
    points = gpd.points_from_xy(corners["east_m"] + half, corners["north_m"] + half)
    grid = gpd.GeoDataFrame(table, geometry=points, crs=int(corners["epsg"].iloc[0]))
    return grid.set_axis(frame[_ID].str.strip().array, axis=0).rename_axis("cell_id")


def _read_cells(stream: TableStream, around: frozenset[str] | None) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return the cells of some départements under names in small letters, and our names of the ages."""
    names = {title.lower(): title for title in stream.titles}
    commune = next((name for name in _COMMUNES if name in names), _COMMUNES[-1])
    require_columns(pd.DataFrame(columns=list(names)), (_ID, _PERSONS, commune), path=stream.path)
    ages = {
        name: f"population_{match[3]}_plus" if match[3] else f"population_{int(match[1])}_{int(match[2])}"
        for name in names
        if (match := _AGES.fullmatch(name))
    }
    columns = [_ID, _PERSONS, commune, *ages, *([_IMPUTED] if _IMPUTED in names else [])]

    def keep(part: pd.DataFrame) -> pd.Series:
        # a code that has lost its zero is one digit short of a multiple of five
        listed = cells.pad_codes(part[names[commune]])
        first = listed.where(listed.str.len() % 5 != 4, "0" + listed).str[:5].str.upper()
        return cells.are_near(first, around)

    frame = read_columns(stream, [names[name] for name in columns], keep=keep)
    frame = frame.set_axis([*columns[:2], "communes", *columns[3:]], axis=1)
    # a list of codes is longer than one, and suffers the same of spreadsheets
    listed = cells.pad_codes(frame["communes"])
    return frame.assign(communes=("0" + listed).where(listed.str.len() % 5 == 4, listed)), ages


def _corners(ids: pd.Series, path: Path) -> pd.DataFrame:
    """Return projection, size and corner of each cell from its name."""
    parts = ids.str.strip().str.extract(_CELL)
    wrong, place = quoted(ids[parts.isna().any(axis=1)]), f", colonne « {_ID} »"
    advice = " ; la forme attendue est CRS3035RES200mN2274600E4050200"
    refuse(path, wrong, "identifiant(s) illisible(s)", place=place, advice=advice)
    corners = parts.astype("int64").set_axis(["epsg", "size_m", "north_m", "east_m"], axis=1)
    systems = corners["epsg"].unique()
    if len(systems) > 1:
        said = f"carreaux en plusieurs projections ({examples(systems)}) ; lisez un territoire à la fois."
        raise fault(path, said)
    refuse_repeated(ids, "(carreau|carreaux) en double", path=path)
    return corners


_REQUIRED = ("DEPCOM", "TYPEQU", "LAMBERT_X", "LAMBERT_Y", "QUALITE_XY")
_OPTIONAL = ("AN", "DEP", "NOMRS", "SIRET", "LONGITUDE", "LATITUDE", "EPSG", "QUALITE_GEOLOC")
_NO_COORDINATE = ("", "NA", "_U", "_Z", "nd", "ND")
# QUALITE_XY: within 100 m, within 500 m, beyond (a point drawn in the commune); the rest has no point
_QUALITIES = dict.fromkeys(("B", "BONNE", "A", "ACCEPTABLE"), "address")
_QUALITIES |= dict.fromkeys(("M", "MAUVAISE"), "commune")


def read_bpe_counts(path: str | Path, *, type_code: str = "D201") -> pd.Series:
    """Read the number of facilities of one type in each commune that has at least one (INSEE, BPE), by `commune_code`.

    `type_code` is `D201` for general practitioners (`D265` since 2024), `D107` for maternity units. A line
    repeated word for word is counted once, with a warning. A file of one line per commune and type (`TYPEQU`,
    `NB_EQUIP`) gives those of the type.
    """
    title = f"NB_{type_code}"
    frame = read_table(path)
    require_columns(frame, ("CODGEO",), path=path)
    if {"TYPEQU", "NB_EQUIP"} <= set(frame):
        frame = frame.loc[frame["TYPEQU"] == type_code, ["CODGEO", "NB_EQUIP"]]
        frame = frame.set_axis(["CODGEO", title], axis=1)
        if frame.empty:
            raise fault(path, f"aucun équipement {type_code}.")
    frame[title] = cells.wanted(frame, {title: title}, path=path, counts=(title,))[title]
    frame["CODGEO"] = cells.clean_codes(frame["CODGEO"], path=path)
    repeated = frame.duplicated()
    said = "ligne(s) répétée(s) comptée(s) une seule fois"
    warn_of(path, int(repeated.sum()), said, frame.loc[repeated, "CODGEO"])
    refuse_repeated(frame.loc[~repeated, "CODGEO"], "commune(s) avec deux nombres différents", path=path)
    return frame[~repeated].set_index("CODGEO")[title].rename(type_code).rename_axis("commune_code")


def read_bpe_points(
    path: str | Path, types: Collection[str], *, departements: Collection[str] | None = None
) -> gpd.GeoDataFrame:
    """Read the facilities of some types, as for `read_bpe_counts` (INSEE, BPE, one line each), with their points.

    In the order of the file: `type_code`, `commune_code` (an arrondissement in Paris, Lyon and Marseille),
    `name` and `siret` (empty before 2023), `point_precision` (`address`, `commune`, or missing without a
    point), `geometry` (EPSG:4326). A facility that INSEE could not place, or placed outside its territory,
    has no point and stays in the table, so that `facilities.groupby("commune_code").size()` counts them all.
    `attrs["communes"]`: the communes that the file speaks of, those without any of these types included. A file
    that has none of the types anywhere is refused: their codes changed in 2024.
    """
    if isinstance(types, str) or not types:
        raise ParameterError("types est une liste de codes d'équipement, par exemple ['D265'].")
    path, around = Path(path), cells.check_departements(departements)
    # the types of a national file are asked one after the other: those of a domain are read at once
    wanted = sorted(set(types)) if around is None else sorted({code[:1] for code in types})
    read = _read_facilities.__wrapped__ if around is None else _read_facilities
    whole, seen = read(path, path.stat().st_mtime_ns, tuple(wanted), around)
    frame = whole[whole["TYPEQU"].isin(types)]
    if whole.empty or seen.isdisjoint(types):
        raise fault(path, f"aucun équipement de type {examples(sorted(set(types)))} dans ces départements.")
    coordinates = [name for name in ("LAMBERT_X", "LAMBERT_Y", "LONGITUDE", "LATITUDE") if name in frame]
    frame = cells.to_numbers(frame, coordinates, path=path, thousands=False, unknown=_NO_COORDINATE)
    facilities = _facilities(frame, path)
    facilities.attrs["communes"] = whole["DEPCOM"].drop_duplicates().to_list()
    return facilities


@lru_cache(maxsize=1)
def _read_facilities(
    path: Path, _changed_ns: int, starts: tuple[str, ...], around: frozenset[str] | None
) -> tuple[pd.DataFrame, frozenset[str]]:
    """Return the lines of some beginnings of types and départements, and all the types of the file."""
    stream = TableStream(path)
    names = {title.upper(): title for title in stream.titles}
    require_columns(pd.DataFrame(columns=list(names)), _REQUIRED, path=path)
    columns = [*_REQUIRED, *(name for name in _OPTIONAL if name in names)]
    seen: set[str] = set()

    def is_wanted(part: pd.DataFrame) -> pd.Series:
        types = part[names["TYPEQU"]].str.strip()
        seen.update(types.unique())
        return types.str.startswith(starts) & cells.are_near(part[names["DEPCOM"]], around)

    frame = read_columns(stream, [names[name] for name in columns], keep=is_wanted).set_axis(columns, axis=1)
    codes, types = cells.clean_codes(frame["DEPCOM"], path=path), frame["TYPEQU"].str.strip()
    return frame.assign(DEPCOM=codes, TYPEQU=types), frozenset(seen)


def _facilities(frame: pd.DataFrame, path: Path) -> gpd.GeoDataFrame:
    """Return the table of facilities, points in degrees."""
    precision = frame["QUALITE_XY"].str.strip().str.upper().map(_QUALITIES)
    longitude, latitude = _degrees(frame).to_numpy(float).T
    has_point = np.isfinite(longitude) & np.isfinite(latitude)
    inside = is_inside(frame["DEPCOM"].to_numpy(dtype=object), longitude, latitude)
    strange = has_point & precision.isna().to_numpy()
    outside = "équipement(s) au point hors de (son|leur) territoire, laissé(s) sans point"
    doubtful = "point(s) de qualité inconnue, tenu(s) pour approximatif(s)"
    without = [("DEPCOM", has_point & ~inside, outside), ("DEPCOM", ~has_point, "équipement(s) sans point")]
    for column, wrong, said in (*without, ("QUALITE_XY", strange, doubtful)):
        warn_of(path, int(wrong.sum()), said, frame.loc[wrong, column].unique())
    points = gpd.GeoSeries(gpd.points_from_xy(longitude, latitude), index=frame.index, crs=4326)
    text = pd.Series("", index=frame.index, dtype="str")
    table = {
        "type_code": frame["TYPEQU"],
        "commune_code": frame["DEPCOM"],
        "name": frame.get("NOMRS", text).str.strip(),
        "siret": frame.get("SIRET", text).str.strip(),
        "point_precision": precision.fillna("commune").where(inside),
    }
    return gpd.GeoDataFrame(table, geometry=points.where(inside), crs=4326)


def _degrees(frame: pd.DataFrame) -> pd.DataFrame:
    """Return longitude and latitude: those of the file, else from the projected coordinates."""
    result = frame.reindex(columns=["LONGITUDE", "LATITUDE"]).set_axis(["longitude", "latitude"], axis=1)
    epsg = frame["DEPCOM"].map(territory_of).map(lambda territory: territory.epsg if territory else None)
    if "EPSG" in frame:
        given = pd.to_numeric(frame["EPSG"].str.extract(r"(\d{4,5})")[0], errors="coerce")
        epsg = given.fillna(epsg)
    left = result["longitude"].isna() & frame["LAMBERT_X"].notna() & frame["LAMBERT_Y"].notna()
    # in no projection, left without a point, which is said and counted with the others
    result[left] = in_degrees(frame[left].rename(columns={"LAMBERT_X": "x", "LAMBERT_Y": "y"}), epsg[left])
    return result.replace([np.inf, -np.inf], np.nan)
