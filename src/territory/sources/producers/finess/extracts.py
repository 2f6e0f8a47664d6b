"""FINESS as text: the ministry's lines without titles (until May 2026), and flat tables that others publish again."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import geopandas as gpd
import pandas as pd

from territory.errors import ReadError, agree, counted, examples
from territory.sources.producers.finess.sites import as_sites, commune_of, to_degrees
from territory.sources.text.cells import FINESS, Kind, clean_codes, pad_codes, to_numbers
from territory.sources.text.refusals import fault, problems_of, quoted, refuse_repeated, warn_of
from territory.sources.text.tables import decode, read_bytes, read_table, require_columns, split, trim

STRUCTURE = (
    *("nofinesset", "nofinessej", "rs", "rslongue", "complrs", "compldistrib", "numvoie", "typvoie", "voie"),
    *("compvoie", "lieuditbp", "commune", "departement", "libdepartement", "ligneacheminement", "telephone"),
    *("telecopie", "categetab", "libcategetab", "categagretab", "libcategagretab", "siret", "codeape"),
    *("codemft", "libmft", "codesph", "libsph", "dateouv", "dateautor", "datemaj", "numuai"),
)
GEOLOCATION = ("nofinesset", "coordxet", "coordyet", "sourcecoordet", "datemaj")
EQUIPMENT = (
    *("nofinesset", "de", "libde", "ta", "libta", "client", "libclient", "sourceinfo", "capinstot"),
    *("capinstm", "capinstf", "capinsthab", "ageminiinst", "agemaxiinst", "indsupinst", "datederinst"),
    *("datepremautor", "capautot", "capautm", "capautf", "capauthab", "ageminiaut", "agemaxiaut"),
    *("indsupaut", "dateautor", "datemajaut", "datemajinst"),
)
# numbers of an establishment and of who runs it, in the two names that they have here
_IDS = ("nofinesset", "nofinessej", "site_id", "operator_id")
_CODES = {
    name: Kind(r"\w+", digits, "(n'est pas un code|ne sont pas des codes)", "voyez le fichier", digits - 1)
    for name, digits in (("de", 3), ("ta", 2), ("client", 3), ("category_code", 3))
}
_NUMBERS = ("capinstot", "capautot", "ageminiinst", "agemaxiinst", "ageminiaut", "agemaxiaut")
_REQUIRED = ("nofinesset", "de", "ta", "client", "capinstot", "indsupinst")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
# what each column of the table is called in the extracts that were met, the first found is used
_TITLES = {
    "site_id": ("numero finess etablissement", "nofinesset", "numero_finess_et"),
    "operator_id": ("nofinessej_1", "numero finess etablissement juridique", "nofinessej"),
    "name": ("raison_sociale", "rs"),
    "long_name": ("rslongue",),
    "category_code": ("categetab",),
    "category_name": ("categorie", "libcategetab"),
    "commune_code": ("code_insee", "commune_code", "codecommune"),
    "latitude": ("latitude",),
    "longitude": ("longitude",),
}
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
    rows = structures[["siret"]].assign(
        site_id=structures["nofinesset"],
        name=long_name.where(long_name != "", structures["rs"].str.strip()),
        category_code=structures["categetab"].str.strip(),
        category_name=structures["libcategetab"].str.strip(),
        commune_code=[
            commune_of(*pair) for pair in zip(structures["departement"], structures["commune"], strict=True)
        ],
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
    frame = frame.reindex(columns=[*names, *_NUMBERS], fill_value="")
    frame = to_numbers(frame, _NUMBERS, path=path)
    _mend_codes(frame, path)
    _check_equipment(frame, path)
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
    for line, cells in split(decode(read_bytes(path), path), path, separator=";"):
        kind = cells[0].strip() if cells else ""
        if kind == "finess":
            date = next((cell for cell in cells if _DATE.fullmatch(cell.strip())), "")
        if kind not in kinds:
            others += [] if kind in ("", "finess") else [f"ligne {line}"]
            continue
        width = len(kinds[kind])
        body = trim(cells[1:], width)
        # the number of national education, last, came later
        if kind == "structureet" and len(body) == width - 1:
            body.append("")
        if len(body) == width:
            found[kind][line] = body
        else:
            uneven.setdefault(kind, []).append(f"ligne {line} : {len(cells)}")
    problems = problems_of(path)
    for kind, wrong in uneven.items():
        said = agree(len(wrong), f"ligne(s) « {kind} » (n'a|n'ont) pas")
        problems.add(f"{said} {len(kinds[kind]) + 1} cellules ({examples(wrong)})")
    problems.raise_if_any()
    warn_of(path, len(others), "ligne(s) d'une autre sorte laissée(s) de côté", others)
    tables = {
        kind: pd.DataFrame(
            list(rows.values()), columns=list(kinds[kind]), index=pd.Index(rows, name="line"), dtype=str
        )
        for kind, rows in found.items()
        if rows
    }
    return date, tables


def _places(points: pd.DataFrame | None, known: Iterable[str], path: Path) -> pd.DataFrame:
    """Return longitude, latitude and source by FINESS number."""
    if points is None:
        return pd.DataFrame({"longitude": [], "latitude": [], "point_source": []}, dtype=float)
    points["nofinesset"] = pad_codes(points["nofinesset"], FINESS)
    refuse_repeated(points["nofinesset"], "point(s) en double pour un établissement", path=path)
    lost = sorted(set(points["nofinesset"]) - set(known))
    warn_of(path, len(lost), "point(s) sans établissement laissé(s) de côté", lost)
    numbers = to_numbers(points, ["coordxet", "coordyet"], path=path, thousands=False)
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


def _check_equipment(frame: pd.DataFrame, path: Path) -> None:
    """Report marks and numbers that are none."""
    problems = problems_of(path)
    bad = {name: ~frame[name].str.strip().isin(["N", "O", ""]) for name in ("indsupinst", "indsupaut")}
    bad |= {name: frame[name] < 0 for name in _NUMBERS}
    for name, wrong in bad.items():
        if wrong.any():
            said = counted(quoted(frame.loc[wrong, name]), "valeur(s) impossible(s)")
            problems.add(f"colonne « {name} » : {said}")
    problems.raise_if_any()


def read_finess_flat(path: str | Path, *, communes: gpd.GeoDataFrame | None = None) -> gpd.GeoDataFrame:
    """Read the establishments of FINESS from a flat table with titles, one line for each equipment.

    Table `sites`, with `category_name`; one that has two names, categories, communes or points is refused.
    """
    path = Path(path)
    frame = _columns(read_table(path), path)
    frame = to_numbers(frame, ["latitude", "longitude"], path=path, thousands=False)
    _mend_codes(frame, path)
    written = frame["commune_code"].rename(frame.attrs["commune_code"])
    frame["commune_code"] = clean_codes(written, path=path)
    short, long = frame["name"].str.strip(), frame["long_name"].str.strip()
    frame["name"] = long.where(long != "", short)
    frame = frame.drop(columns="long_name")
    # an establishment whose lines do not say the same of it
    faces = frame["site_id"][~frame.duplicated()]
    if len(twice := faces[faces.duplicated()].unique()):
        said = agree(len(twice), "établissement(s) (a|ont) des lignes qui ne disent pas la même chose")
        raise fault(path, f"{said} (nom, catégorie, commune ou point : {examples(twice)}).")
    rows = frame.drop_duplicates("site_id")
    return as_sites(rows, source=f"FINESS, {path.name}", path=path, communes=communes)


def _mend_codes(frame: pd.DataFrame, path: Path) -> None:
    """Give the codes of a table of FINESS the form that they have there; a number that is none is refused."""
    for name in frame.columns.intersection([*_IDS, *_CODES]):
        if name in _CODES:
            frame[name] = pad_codes(frame[name], _CODES[name])
        else:
            empty = name in ("nofinessej", "operator_id")
            written = frame[name].rename(frame.attrs.get(name, name))
            frame[name] = clean_codes(written, FINESS, path=path, may_be_empty=empty)


def _columns(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Return the columns wanted of a flat table, under our names."""
    lower = {str(title).strip().lower(): title for title in frame.columns}
    found = {name: next((lower[key] for key in keys if key in lower), None) for name, keys in _TITLES.items()}
    absent = [_TITLES[name][0] for name, title in found.items() if title is None and name not in _OPTIONAL]
    require_columns(frame, absent, path=path)
    cells = {name: frame[title] if title is not None else "" for name, title in found.items()}
    table = pd.DataFrame(cells, index=frame.index)
    table.attrs.update(found)
    return table
