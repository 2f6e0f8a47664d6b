"""Care and its use, as DREES, CNSA and HAS publish it: hospitals (SAE), accessibility (APL), EHPAD, evaluations."""

import html
import re
from contextlib import suppress
from pathlib import Path

import geopandas as gpd
import pandas as pd

from territory.errors import ReadError, examples
from territory.sources.producers.finess.extracts import commune_of
from territory.sources.producers.ign import read_features
from territory.sources.text.cells import FINESS, clean_codes, pad_codes, titles_of, to_numbers, wanted
from territory.sources.text.refusals import fault, refuse, refuse_repeated, warn_of
from territory.sources.text.tables import read_bytes, read_table, require_columns
from territory.sources.text.workbooks import sheet_names
from territory.tables.schemas import COMMUNE_CODE

_CODE_TITLES = ("Code commune INSEE", "Code commune")
_SHEET = re.compile(r"APL\D*(\d{4})", re.IGNORECASE)
_APL = re.compile(r"APL aux? (.+)", re.IGNORECASE)
_YOUNGER = re.compile(r"de (?:moins de )?(\d{2}) ans(?: (?:et|ou) moins)?", re.IGNORECASE)
_STANDARDISED = re.compile(r"population .*standardisée", re.IGNORECASE)
_TOTAL = re.compile(r"population totale", re.IGNORECASE)
# the colours of the points; what they mean is read from the names: no Korian nor Orpea in another colour than the
# first, 354 of the 360 names of hospitals and 29 of the 32 names with the word « public » in the last
STATUS_COLOURS = {"#194689": "commercial", "#ad314c": "private_non_profit", "#55a9cd": "public"}
# figures by commune and year: how their column is named, between which bounds they are
_EMERGENCY_TIME = re.compile(r"(?:minutes?|temps)\w*_smur_(\d{4})(?:_min)?", re.IGNORECASE)
_APL_YEAR = re.compile(r"apl(?:_gp|_mg)?_(\d{4})", re.IGNORECASE)
_CODES = ("commune_code", "codgeo", "code_commune", "code commune insee", "code commune")
_TITLE = re.compile(r"<h3>(.*?)</h3>", re.DOTALL)
_TAG = re.compile(r"<[^>]+>")
_COLOUR = "statut_juridique_col"


def read_sae_sites(path: str | Path) -> pd.DataFrame:
    """Read the hospital sites of the SAE (DREES, form `ID`).

    Indexed by `site_id` (FINESS ET): `name`, `operator_id` (FINESS EJ), `category_code`, `commune_code`, `year`.
    """
    frame = read_table(path)
    table = wanted(frame, titles_of("read_sae_sites"), path=path, also=("fi",))
    # overseas, the départements of FINESS: 9A101 is 97101
    codes = frame["COMINSEE"].map(lambda code: commune_of(code[:-3], code[-3:]))
    codes = clean_codes(codes, path=path, may_be_empty=True)
    ids = clean_codes(frame["fi"], FINESS, path=path)
    refuse_repeated(ids, "site(s) en double", path=path)
    table = table.assign(commune_code=codes.replace("", None)).set_axis(ids.array, axis=0)
    table["operator_id"] = clean_codes(table["operator_id"], FINESS, path=path, may_be_empty=True)
    return table.rename_axis("site_id")


def read_sae_emergency(path: str | Path) -> pd.DataFrame:
    """Read the sites that employ staff in an emergency department (SAE, form `URGENCES_P`).

    Indexed by `site_id` (FINESS ET): `name`, `operator_id`, `doctors_etp` (salaried doctors in full-time
    equivalents, line `M9999`; NaN where not given).
    """
    frame = read_table(path)
    require_columns(frame, ("FI", "RS", "FI_EJ", "PERSO", "ETPSAL"), path=path)
    for name in ("FI", "FI_EJ"):
        frame[name] = clean_codes(frame[name], FINESS, path=path, may_be_empty=name == "FI_EJ")
    frame = to_numbers(frame, ["ETPSAL"], path=path).set_index("FI").rename_axis("site_id")
    twice = frame.set_index("PERSO", append=True).index.duplicated()
    refuse(path, frame.index[twice], "ligne(s) en double (même site, même sorte de personnel)")
    sites = frame.loc[~frame.index.duplicated(), ["RS", "FI_EJ"]]
    sites = sites.set_axis(["name", "operator_id"], axis=1)
    return sites.assign(doctors_etp=frame.loc[frame["PERSO"] == "M9999", "ETPSAL"])


def read_apl(path: str | Path) -> pd.DataFrame:
    """Read the APL of each commune (workbook of DREES, newest of the sheets « APL 2023 »…), for any profession.

    Indexed by `commune_code`: `name`, `apl`, then `apl_up_to_65`, `apl_up_to_62`… (professionals of that age
    at most; for GPs alone), `standardised_population_hab` and `population_hab` where they are; attributes
    `year`, `profession` (as in the title) and `unit` (as in the workbook: consultations a year for GPs,
    full-time equivalents per 100,000 for others). Arrondissements of Paris, Lyon and Marseille come as DREES
    has them; totals and notes are left out and counted.
    """
    path = Path(path)
    names = sheet_names(read_bytes(path), path)
    years = {int(match[1]): name for name in names if (match := _SHEET.search(name))}
    if not years:
        present = f"feuilles présentes : {examples(names, most=8)}."
        raise fault(path, f"aucune feuille « APL » suivie d'une année ; {present}")
    sheet, year = years[max(years)], max(years)
    place = f", feuille « {sheet} »"
    frame, code = _read_sheet(path, sheet)
    titles = _find_titles(frame, path, place)
    codes = pad_codes(frame[code])
    is_unit = (codes == "") & (frame[titles["apl"]].str.strip() != "")
    is_commune = codes.str.fullmatch(COMMUNE_CODE)
    others = frame.loc[~is_commune & ~is_unit, code]
    said = "ligne(s) qui (n'est pas une commune laissée|ne sont pas des communes laissées) de côté"
    # the place of the lines comes before what is said of them
    warn_of(path, len(others), said, others, place=place)
    numbers = [titles[name] for name in titles if name != "name"]
    kept = to_numbers(frame[is_commune], numbers, path=path, thousands=False)
    result = kept[list(titles.values())].set_axis(list(titles), axis=1)
    result["name"] = result["name"].str.strip()
    result = result.set_axis(codes[is_commune].array, axis=0).rename_axis("commune_code")
    refuse_repeated(result.index, "commune(s) en double", path=path, place=place)
    if result.empty:
        raise fault(path, "aucune commune.", place=place)
    units = frame.loc[is_unit, titles["apl"]].str.strip()
    found = _APL.fullmatch(" ".join(titles["apl"].split()))
    unit = units.iloc[0] if len(units) else ""
    result.attrs.update(year=year, unit=unit, profession=found[1] if found else "")
    return result


def read_emergency_times(path: str | Path) -> pd.DataFrame:
    """Read the road minutes from each commune to the closest one with an emergency department or a SMUR.

    They are those of DREES's data set 2943, « diagnostic d'accès aux soins urgents »: METRIC times from one
    chef-lieu to the other, 0 in the communes that have one. Indexed by `commune_code`, one column per year
    (int) from those named `minutes_to_su_smur_2019`; between 0 and 600.
    """
    return _read_years(path, _EMERGENCY_TIME, "minutes_to_su_smur_2019", most=600)


def read_apl_by_year(path: str | Path) -> pd.DataFrame:
    """Read the published APL of GPs by commune from a table with a column per year (`apl_gp_2023`).

    Indexed by `commune_code`, one column per year (int): consultations per standardised inhabitant, between 0 and 100.
    """
    return _read_years(path, _APL_YEAR, "apl_gp_2023", most=100)


def read_has_evaluations(path: str | Path) -> pd.DataFrame:
    """Read the newest evaluation of each establishment or service (HAS, Synaé, `open_data_echelle_qualite`).

    Indexed by `site_id` (FINESS ET): `evaluated_on` (end of the evaluation, AAAA-MM-JJ) and `quality_class` (A to D,
    None where it has none). One evaluation may be of several establishments: it compares nothing between them.
    """
    frame = read_table(path)
    require_columns(frame, ("finess_geo", "eval_date_fin", "indice_qualite"), path=path)
    frame["finess_geo"] = clean_codes(frame["finess_geo"], FINESS, path=path)
    frame["indice_qualite"] = frame["indice_qualite"].str.strip().str.upper()
    strange = frame.index[~frame["indice_qualite"].isin([*"ABCD", ""])]
    refuse(path, strange, "ligne(s) de classe inconnue (A à D)")
    dates = frame["eval_date_fin"].str.replace(r"^(\d\d)/(\d\d)/(\d{4})", r"\3-\2-\1", regex=True).str[:10]
    refuse(
        path,
        frame.index[~dates.str.fullmatch(r"(\d{4}-\d\d-\d\d)?")],
        "ligne(s) de date illisible (AAAA-MM-JJ)",
    )
    frame["eval_date_fin"] = dates
    newest = frame.sort_values("eval_date_fin", kind="stable").drop_duplicates("finess_geo", keep="last")
    found = newest.set_index("finess_geo")[["eval_date_fin", "indice_qualite"]].replace("", None)
    return found.set_axis(["evaluated_on", "quality_class"], axis=1).rename_axis("site_id")


def read_equipment_references(path: str | Path) -> pd.DataFrame:
    """Read published rates of equipment: `service` (ime…), `places_per_1000` under 20, `year`, `zone`, `source`.

    A table of one's own, one row per service and year; a rate without its year or its source is refused.
    """
    names = ("service", "places_per_1000", "year", "zone", "source")
    frame = read_table(path)
    require_columns(frame, names, path=path)
    frame = to_numbers(frame, ["places_per_1000", "year"], path=path, thousands=False)[list(names)]
    frame["service"] = frame["service"].str.strip().str.lower()
    lacking = frame[["places_per_1000", "year"]].isna().any(axis=1) | frame["source"].str.strip().eq("")
    refuse(path, frame.index[lacking], "ligne(s) sans taux, sans année ou sans source")
    return frame.reset_index(drop=True)


def _read_years(path: str | Path, pattern: re.Pattern[str], example: str, *, most: float) -> pd.DataFrame:
    """Read the columns of a table by commune whose names hold a year, under that year."""
    frame = read_table(path)
    titles = {title: int(found[1]) for title in frame.columns if (found := pattern.fullmatch(str(title)))}
    codes = [title for title in frame.columns if str(title).strip().lower() in _CODES]
    if not codes or not titles or len(set(titles.values())) < len(titles):
        asked = f"une colonne « commune_code » et une colonne par année, nommée comme « {example} »"
        raise fault(path, f"il faut {asked}", present=frame.columns)
    frame = to_numbers(frame, list(titles), path=path, thousands=False)
    frame[codes[0]] = clean_codes(frame[codes[0]], path=path)
    refuse_repeated(frame[codes[0]], "commune(s) en double", path=path)
    table = frame.set_index(codes[0])[list(titles)].rename(columns=titles).rename_axis("commune_code")
    wrong = ((table < 0) | (table > most)).any(axis=1)
    refuse(path, table.index[wrong], f"commune(s) avec une valeur hors de 0 à {most:g}")
    return table[sorted(table.columns)]


def _read_sheet(path: Path, sheet: str) -> tuple[pd.DataFrame, str]:
    """Return a sheet under its line of titles, and the title of the codes."""
    for title in _CODE_TITLES[1:]:
        with suppress(ReadError):
            return read_table(path, sheet=sheet, header=(title,)), title
    return read_table(path, sheet=sheet, header=_CODE_TITLES[:1]), _CODE_TITLES[0]


def _find_titles(frame: pd.DataFrame, path: Path, place: str) -> dict[str, str]:
    """Return our names of columns and theirs."""
    plain = {title: " ".join(str(title).split()) for title in frame.columns}
    all_apl = [title for title, text in plain.items() if _APL.fullmatch(text)]
    younger = {title: match[1] for title in all_apl if (match := _YOUNGER.search(plain[title]))}
    whole = [title for title in all_apl if title not in younger]
    names = ("commune", "communes", "nom de la commune")
    name = [title for title, text in plain.items() if text.lower() in names]
    total = [title for title, text in plain.items() if _TOTAL.match(text)]
    asked = (("Commune", name), ("APL aux …", whole), ("Population totale", total or [""]))
    if absent := [f"« {said} »" for said, titles in asked if len(titles) != 1]:
        said = f"une seule colonne est attendue pour {', '.join(absent)}"
        raise fault(path, said, place=place, present=plain.values())
    titles = {"name": name[0], "apl": whole[0]}
    titles |= {f"apl_up_to_{age}": title for title, age in younger.items()}
    standardised = [title for title, text in plain.items() if _STANDARDISED.match(text)]
    if standardised:
        titles["standardised_population_hab"] = standardised[0]
    # absent before 2020
    return titles | ({"population_hab": total[0]} if total else {})


def read_ehpad(path: str | Path) -> gpd.GeoDataFrame:
    """Read the EHPAD whose prices CNSA publishes, as points (EPSG:4326), in the order of the file.

    The property `popup` holds the `name` between `<h3>` and `</h3>`; `legal_status` (commercial, private_non_profit
    or public, or None) is inferred from the colour of the point: public is not autonomous, the EHPAD of hospitals
    have the same colour. The file holds no FINESS number, no number of places, and no EHPAD that declared no price.
    """
    features = read_features(path)
    if "popup" not in features:
        raise fault(path, "propriété « popup » absente.")
    kept = features[features.geometry.notna() & (features.geom_type == "Point")]
    warn_of(path, len(features) - len(kept), "EHPAD sans point laissé(s) de côté")
    # the title of a pop-up, without tags
    titles = kept["popup"].str.extract(_TITLE)[0].fillna("").str.replace(_TAG, " ", regex=True)
    names = titles.map(html.unescape).str.split().str.join(" ")
    if (names == "").any():
        raise fault(path, f"{int((names == '').sum())} EHPAD sans nom (balise <h3> absente).")
    columns = {"name": names.to_numpy(), "legal_status": _statuses(kept, path)}
    return gpd.GeoDataFrame(columns, geometry=kept.geometry.to_numpy(), crs=kept.crs)


def _statuses(features: gpd.GeoDataFrame, path: str | Path) -> list[str | None]:
    """Return the status that the colour of each point stands for; a colour that is not known says nothing."""
    if _COLOUR not in features:
        return [None] * len(features)
    colours = features[_COLOUR].fillna("").astype(str).str.lower()
    strange = colours[(colours != "") & ~colours.isin(STATUS_COLOURS)]
    said, advice = "EHPAD de statut inconnu, pour une couleur", " qui n'est pas celles de 2023"
    warn_of(path, len(strange), said, strange.unique(), advice=advice)
    return [STATUS_COLOURS.get(colour) for colour in colours]
