"""FINESS as text, with or without titles, or published again as a flat table; its establishments as `sites`."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from territory.errors import ReadError, agree, examples
from territory.sources.producers.ign import in_degrees
from territory.sources.text import cells
from territory.sources.text.refusals import fault, problems_of, quoted, refuse, refuse_repeated, warn_of
from territory.sources.text.tables import decode, read_bytes, read_table, require_columns, split, trim
from territory.tables.declare import COMMUNE_CODE, declared, lines_of
from territory.territories import is_inside

_PACKAGE = "territory.sources.producers.finess"
WGS84 = 4326
# no commune of metropolitan France reaches that far from its centre
FAR_KM = 20
_DEGREE_KM = 111.2
# places of FINESS in the old files; the newer ones write the EPSG code itself
_PROJECTIONS = {line["name"]: int(line["epsg"]) for line in lines_of("projections.csv", _PACKAGE)}
_EPSG = re.compile(r"EPSG:(\d{4,5})")
_UTM = re.compile(r"WGS ?84 ?/ ?UTM zone (\d{1,2})([NS])", re.IGNORECASE)
# FINESS still files these two under Guadeloupe; INSEE gave them codes of their own in 2008
_NORTHERN_ISLANDS = {"97123": "97701", "97127": "97801"}


def commune_of(departement: str, commune: str) -> str:
    """Return the commune code of INSEE from the two columns of FINESS."""
    departement, commune = departement.strip().upper(), commune.strip().zfill(3)
    if not departement or commune == "000":
        return ""
    if re.fullmatch(r"9[A-F]|97\d", departement):
        departement = "97"
    elif re.fullmatch(r"9[G-Z]|98\d?", departement):
        departement = "98"
    code = departement.zfill(2) + commune
    return _NORTHERN_ISLANDS.get(code, code)


def projection_of(source: str) -> int | None:
    """Return the EPSG code that the column `sourcecoordet` of FINESS names, or nothing."""
    found = _EPSG.search(source)
    if found:
        return int(found[1])
    found = _UTM.search(source)
    if found:
        return (32600 if found[2].upper() == "N" else 32700) + int(found[1])
    return next((epsg for name, epsg in _PROJECTIONS.items() if name in source.upper()), None)


def to_degrees(points: pd.DataFrame, *, path: str | Path) -> pd.DataFrame:
    """Turn projected coordinates into degrees, each in the projection that its line names."""
    named = points["projection"].map({text: projection_of(text) for text in points["projection"].unique()})
    result = in_degrees(points, named)
    unknown = result["longitude"].isna()
    names = points.loc[unknown, "projection"].unique()
    warn_of(path, int(unknown.sum()), "point(s) dont la projection est inconnue", names)
    return result.replace([np.inf, -np.inf], np.nan)


def as_sites(
    rows: pd.DataFrame, *, source: str, path: str | Path, communes: gpd.GeoDataFrame | None = None
) -> gpd.GeoDataFrame:
    """Make the table `sites`, with a point for each site, and say which have none."""
    problems = problems_of(path)
    ids, codes = rows["site_id"], rows["commune_code"]
    problems.count(quoted(ids[~ids.str.fullmatch(cells.FINESS.form)]), "numéro(s) FINESS mal formé(s)")
    problems.count(quoted(codes[~codes.str.fullmatch(COMMUNE_CODE)]), "code(s) de commune mal formé(s)")
    twice = [f"ligne {line} : {number}" for line, number in ids[ids.duplicated()].items()]
    problems.count(twice, "établissement(s) en double")
    problems.raise_if_any()
    # coordinates outside the territory of their commune (at sea, in another hemisphere) are no coordinates
    longitude, latitude = rows["longitude"].to_numpy(float), rows["latitude"].to_numpy(float)
    inside = is_inside(codes.to_numpy(dtype=object), longitude, latitude)
    outside = ids[np.isfinite(longitude) & ~inside]
    said = "établissement(s) aux coordonnées hors de (son|leur) territoire"
    warn_of(path, len(outside), said, outside, advice=" ; tenues pour inconnues")
    points = gpd.GeoSeries(gpd.points_from_xy(longitude, latitude), index=rows.index, crs=WGS84)
    points = points.where(inside)
    kept = rows.drop(columns=["longitude", "latitude"]).assign(
        category_code=rows["category_code"].replace("", None),
        operator_id=rows["operator_id"].replace("", None),
        point_precision=pd.Series(np.where(inside, "address", "commune"), index=rows.index, dtype="str"),
        source=source,
    )
    far = np.zeros(len(rows), dtype=bool)
    if communes is not None:
        known = communes.to_crs(WGS84).geometry
        own = gpd.GeoSeries(codes.map(cells.commune_of_arrondissement).map(known.to_dict()), crs=WGS84)
        # plane distances would do no better at this scale
        north_km = (points.y - own.y).to_numpy(float) * _DEGREE_KM
        east_km = (points.x - own.x).to_numpy(float) * _DEGREE_KM * np.cos(np.radians(own.y.to_numpy(float)))
        far = np.hypot(north_km, east_km) > FAR_KM
        said = f"établissement(s) à plus de {FAR_KM} km de (sa|leur) commune"
        warn_of(path, int(far.sum()), said, ids[far], advice=" ; placés au point de la commune")
        inside = inside & ~far
        kept["point_precision"] = np.where(inside, "address", "commune")
        points = points.where(inside, own)
    sites = gpd.GeoDataFrame(kept, geometry=points, crs=WGS84)
    located = sites.geometry.notna() & ~sites.geometry.is_empty
    borrowed = int((located & ~inside & ~far).sum())
    warn_of(path, borrowed, "établissement(s) sans coordonnées placé(s) au point de (sa|leur) commune")
    advice = " ; donnez communes= pour les placer au point de leur commune" if communes is None else ""
    said = "établissement(s) sans coordonnées laissé(s) de côté"
    warn_of(path, int((~located).sum()), said, ids[~located], advice=advice)
    return sites[located].set_index("site_id")


@dataclass(frozen=True)
class Category:
    """A FINESS category: its service, the unit of its capacity (None = it has none), and where it works."""

    service: str
    capacity_unit: str | None = "places"
    is_ambulatory: bool = False
    is_at_home: bool = False


# categories of FINESS; file active: no CDAPH decision and no places (IGAS 2018-005R)
CATEGORIES = {line["category"]: declared(Category, line) for line in lines_of("categories.csv", _PACKAGE)}

# children's categories in which « prestation en milieu ordinaire » means what a SESSAD does
SESSAD_TYPE_CATEGORIES = frozenset({"182", "183", "186", "188", "192", "194", "195", "196", "377"})

# services of children that are counted in places
CHILD_SERVICES = tuple(one.service for code, one in CATEGORIES.items() if code in SESSAD_TYPE_CATEGORIES)

# services whose staff go to the person
HOME_SERVICES = frozenset(category.service for category in CATEGORIES.values() if category.is_at_home)

# whatever unit a table gives them, these are followed in persons, never in places
FILE_ACTIVE_SERVICES = frozenset(
    {"camsp", "cmpp", "bapu", "cmp", "cmp_ij", "cattp", "cattp_ij", "hdj", "hdj_ij"}
)


# columns of each kind of line, in their order; those of a flat table by the titles that were met, best first
_COLUMNS = [*lines_of("columns.csv", _PACKAGE)]
STRUCTURE, GEOLOCATION, EQUIPMENT = (
    tuple(line["column"] for line in _COLUMNS if line["table"] == kind)
    for kind in ("structureet", "geolocalisation", "equipementsocial")
)
_TITLES = {line["column"]: line["titles"].split("|") for line in _COLUMNS if line["table"] == "flat"}
# numbers of an establishment and of who runs it, in the two names that they have here
_IDS = ("nofinesset", "nofinessej", "site_id", "operator_id")
_CODES = {
    name: cells.Kind(
        r"\w+", digits, "(n'est pas un code|ne sont pas des codes)", "voyez le fichier", digits - 1
    )
    for name, digits in (("de", 3), ("ta", 2), ("client", 3), ("category_code", 3))
}
NUMBERS = ("capinstot", "capautot", "ageminiinst", "agemaxiinst", "ageminiaut", "agemaxiaut")
_REQUIRED = ("nofinesset", "de", "ta", "client", "capinstot", "indsupinst")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_OPTIONAL = ("long_name", "category_name")


def read_finess_sites(path: str | Path, *, communes: gpd.GeoDataFrame | None = None) -> gpd.GeoDataFrame:
    """Read the establishments of FINESS with their coordinates (`etalab-cs1100507`, lines without titles).

    Coordinates are in the projection that each line names, overseas ones included, and become degrees. Table `sites`,
    with `category_name`, `siret`, `opened_on`, `tariff_code` and `point_source` (what FINESS says of the point).
    """
    path = Path(path)
    date, kinds = _read_lines(path, {"structureet": STRUCTURE, "geolocalisation": GEOLOCATION})
    if "structureet" not in kinds:
        raise _absent(path, "structureet", "établissements géolocalisés (cs1100507)")
    structures = kinds["structureet"]
    _mend_codes(structures, path)
    places = _places(kinds.get("geolocalisation"), structures["nofinesset"], path)
    long_name = structures["rslongue"].str.strip()
    codes = zip(structures["departement"], structures["commune"], strict=True)
    rows = structures[["siret"]].assign(
        site_id=structures["nofinesset"],
        name=long_name.where(long_name != "", structures["rs"].str.strip()),
        category_code=structures["categetab"].str.strip(),
        category_name=structures["libcategetab"].str.strip(),
        commune_code=[commune_of(*pair) for pair in codes],
        operator_id=structures["nofinessej"],
        opened_on=structures["dateouv"],
        tariff_code=structures["codemft"],
    )
    rows = rows.join(places, on="site_id")
    return as_sites(rows, source=f"FINESS, {date or 'date inconnue'}", path=path, communes=communes)


def _absent(path: Path, kind: str, file: str) -> ReadError:
    """Return the refusal of a file without any line of the kind that it is for."""
    return fault(path, f"aucune ligne « {kind} » ; ce n'est pas le fichier des {file}.")


def read_finess_equipment(path: str | Path) -> pd.DataFrame:
    """Read the places of FINESS by discipline, activity and public (`cs1400105`, or `cs1100505`).

    One row per line that is not deleted, under FINESS's own names: `nofinesset`, `nofinessej`, `de`, `libde`,
    `ta`, `libta`, `client`, `libclient`, `indsupinst` (N installed, empty for an authorisation that is not
    installed yet), `indsupaut`, `dateautor` (text), `capinstot`, `capautot` (places installed and authorised,
    NaN = unknown), `ageminiinst`, `agemaxiinst`, `ageminiaut`, `agemaxiaut` (years); the index is the line in
    the file. `cs1100505` is public and has no titles: its columns after `indsupinst` follow the order of `cs1400105`.
    """
    path = Path(path)
    frame = _equipment_lines(path)
    names = ("nofinesset", "nofinessej", *EQUIPMENT[1:7], "indsupinst", "indsupaut", "dateautor")
    frame = frame.reindex(columns=[*names, *NUMBERS], fill_value="")
    frame = cells.to_numbers(frame, NUMBERS, path=path)
    _mend_codes(frame, path)
    bad = {name: ~frame[name].str.strip().isin(["N", "O", ""]) for name in ("indsupinst", "indsupaut")}
    bad |= {name: frame[name] < 0 for name in NUMBERS}
    problems = problems_of(path)
    for name, wrong in bad.items():
        problems.count(quoted(frame.loc[wrong, name]), "valeur(s) impossible(s)", of=f"colonne « {name} »")
    problems.raise_if_any()
    gone = frame["indsupinst"].str.strip() == "O"
    said = "ligne(s) d'équipement supprimée(s) laissée(s) de côté"
    warn_of(path, int(gone.sum()), said, advice=f", sur {len(frame)}")
    return frame[~gone].copy()


def _read_lines(path: Path, kinds: dict[str, tuple[str, ...]]) -> tuple[str, dict[str, pd.DataFrame]]:
    """Return the date of a file of several kinds of lines, and one table of text per kind."""
    found: dict[str, dict[int, list[str]]] = {kind: {} for kind in kinds}
    uneven: dict[str, list[str]] = {}
    others: list[str] = []
    date = ""
    for line, row in split(decode(read_bytes(path), path), path, separator=";"):
        kind = row[0].strip() if row else ""
        if kind == "finess":
            date = next((cell for cell in row if _DATE.fullmatch(cell.strip())), "")
        if kind not in kinds:
            others += [] if kind in ("", "finess") else [f"ligne {line}"]
            continue
        width = len(kinds[kind])
        body = trim(row[1:], width)
        # the number of national education, last, came later
        if kind == "structureet" and len(body) == width - 1:
            body.append("")
        if len(body) == width:
            found[kind][line] = body
        else:
            uneven.setdefault(kind, []).append(f"ligne {line} : {len(row)}")
    problems = problems_of(path)
    for kind, wrong in uneven.items():
        said = agree(len(wrong), f"ligne(s) « {kind} » (n'a|n'ont) pas")
        problems.add(f"{said} {len(kinds[kind]) + 1} cellules ({examples(wrong)})")
    problems.raise_if_any()
    warn_of(path, len(others), "ligne(s) d'une autre sorte laissée(s) de côté", others)
    as_table = partial(pd.DataFrame.from_dict, orient="index", dtype=str)
    filled = {kind: as_table(rows, columns=list(kinds[kind])) for kind, rows in found.items() if rows}
    return date, {kind: table.rename_axis("line") for kind, table in filled.items()}


def _places(points: pd.DataFrame | None, known: Iterable[str], path: Path) -> pd.DataFrame:
    """Return longitude, latitude and source by FINESS number."""
    if points is None:
        return pd.DataFrame({"longitude": [], "latitude": [], "point_source": []}, dtype=float)
    points["nofinesset"] = cells.pad_codes(points["nofinesset"], cells.FINESS)
    refuse_repeated(points["nofinesset"], "point(s) en double pour un établissement", path=path)
    lost = sorted(set(points["nofinesset"]) - set(known))
    warn_of(path, len(lost), "point(s) sans établissement laissé(s) de côté", lost)
    numbers = cells.to_numbers(points, ["coordxet", "coordyet"], path=path, thousands=False)
    titles = {"coordxet": "x", "coordyet": "y", "sourcecoordet": "projection"}
    metres = numbers.dropna(subset=["coordxet", "coordyet"]).rename(columns=titles)
    degrees = to_degrees(metres, path=path).assign(point_source=metres["projection"])
    return degrees.set_axis(pd.Index(metres["nofinesset"]), axis=0)


def _equipment_lines(path: Path) -> pd.DataFrame:
    """Return the lines of equipment as text, with FINESS's names, whether the file has titles or not."""
    content = read_bytes(path)
    is_workbook = content.startswith((b"PK", b"\xd0\xcf"))
    start = "" if is_workbook else decode(content, path)[:20]
    if not start.startswith(("finess;", "structureet;", "equipementsocial;")):
        frame = read_table(path)
        frame.columns = frame.columns.str.strip().str.lower()
        require_columns(frame, _REQUIRED, path=path)
        return frame
    _, kinds = _read_lines(path, {"structureet": STRUCTURE[:2], "equipementsocial": EQUIPMENT})
    if "equipementsocial" not in kinds:
        raise _absent(path, "equipementsocial", "équipements sociaux et médico-sociaux (cs1100505)")
    frame = kinds["equipementsocial"]
    if "structureet" in kinds:
        owners = kinds["structureet"].drop_duplicates("nofinesset").set_index("nofinesset")["nofinessej"]
        frame["nofinessej"] = frame["nofinesset"].map(owners).fillna("")
    return frame


def read_finess_flat(path: str | Path, *, communes: gpd.GeoDataFrame | None = None) -> gpd.GeoDataFrame:
    """Read the establishments of FINESS from a flat table with titles, one line for each equipment.

    Table `sites`, with `category_name`; one that has two names, categories, communes or points is refused.
    """
    path = Path(path)
    frame = _columns(read_table(path), path)
    frame = cells.to_numbers(frame, ["latitude", "longitude"], path=path, thousands=False)
    _mend_codes(frame, path)
    written = frame["commune_code"].rename(frame.attrs["commune_code"])
    frame["commune_code"] = cells.clean_codes(written, path=path)
    short, long = frame["name"].str.strip(), frame["long_name"].str.strip()
    frame["name"] = long.where(long != "", short)
    frame = frame.drop(columns="long_name")
    # an establishment whose lines do not say the same of it
    faces = frame["site_id"][~frame.duplicated()]
    twice = faces[faces.duplicated()].unique()
    refuse(path, twice, "établissement(s) (a|ont) des lignes dont nom, catégorie, commune ou point diffèrent")
    rows = frame.drop_duplicates("site_id")
    return as_sites(rows, source=f"FINESS, {path.name}", path=path, communes=communes)


def _mend_codes(frame: pd.DataFrame, path: Path) -> None:
    """Give the codes of a table of FINESS the form that they have there; a number that is none is refused."""
    for name in frame.columns.intersection([*_IDS, *_CODES]):
        if name in _CODES:
            frame[name] = cells.pad_codes(frame[name], _CODES[name])
        else:
            empty = name in ("nofinessej", "operator_id")
            written = frame[name].rename(frame.attrs.get(name, name))
            frame[name] = cells.clean_codes(written, cells.FINESS, path=path, may_be_empty=empty)


def _columns(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Return the columns wanted of a flat table, under our names."""
    lower = {str(title).strip().lower(): title for title in frame.columns}
    found = {name: next((lower[key] for key in keys if key in lower), None) for name, keys in _TITLES.items()}
    absent = [_TITLES[name][0] for name, title in found.items() if title is None and name not in _OPTIONAL]
    require_columns(frame, absent, path=path)
    columns = {name: frame[title] if title is not None else "" for name, title in found.items()}
    table = pd.DataFrame(columns, index=frame.index)
    table.attrs.update(found)
    return table
