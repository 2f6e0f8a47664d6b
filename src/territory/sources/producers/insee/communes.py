"""INSEE: communes of a year (COG), movements between years, legal populations, shares by age."""

import re
from pathlib import Path

import pandas as pd

from territory.errors import agree, examples
from territory.french.words import bare
from territory.sources.text import cells
from territory.sources.text.refusals import fault, numbered, quoted, refuse, refuse_repeated, warn_of
from territory.sources.text.tables import decode, read_bytes, read_table, require_columns, split
from territory.sources.text.workbooks import WORKBOOKS, read_workbook, sheet_names

# titles of the three layouts INSEE has published: (code columns, name, municipal, counted apart, total)
_WORKBOOK = ("Code département", "Code commune", "Nom de la commune", "Population municipale")
_WORKBOOK_APART = ("Population comptée à part", "Population totale")
_COLUMNS = ("name", "population", "counted_apart", "total")
_TWICE = "code(s) de commune en double"


def read_legal_population(path: str | Path) -> pd.DataFrame:
    """Read the legal populations of communes, in any layout that INSEE has published since 2017.

    The layouts are a CSV with `COM`, `PMUN`…, one with `DEPCOM`, `COM`, `PMUN`…, and the workbook « ensemble » (sheet
    « Communes »). Indexed by `commune_code`: `name`, `population` (municipal, hab), `counted_apart`, `total` (hab).
    Paris, Lyon and Marseille come as the file has them: see `territory.geography.commune_of_arrondissement`.
    """
    if {*WORKBOOKS} & {suffix.lower() for suffix in Path(path).suffixes}:
        frame = read_table(path, sheet="Communes", header=_WORKBOOK)
        titles = dict(zip(_COLUMNS, (*_WORKBOOK[2:], *_WORKBOOK_APART), strict=True))
        table = cells.wanted(frame, titles, path=path, also=_WORKBOOK[:2], counts=_COLUMNS[1:])
        # overseas, the département takes three digits and the commune keeps its last three
        code = frame[_WORKBOOK[0]].str.zfill(2).str[:2] + frame[_WORKBOOK[1]].str.zfill(3)
    else:
        frame = read_table(path)
        code_title, name_title = ("DEPCOM", "COM") if "DEPCOM" in frame else ("COM", "Commune")
        titles = dict(zip(_COLUMNS, (name_title, "PMUN", "PCAP", "PTOT"), strict=True))
        table = cells.wanted(frame, titles, path=path, also=(code_title,), counts=_COLUMNS[1:])
        code = frame[code_title]
    off = table.index[table["population"] + table["counted_apart"] != table["total"]]
    said = "ligne(s) où les populations municipale et comptée à part ne font pas la totale"
    refuse(path, numbered(off), said)
    return cells.by_commune(table, code, _TWICE, path=path)


def read_age_shares(path: str | Path) -> pd.DataFrame:
    """Read the shares under 25, 25 to 64 and 65 or over of each commune (Observatoire des territoires).

    The columns are `code_insee`, `nom`, `scale` and three shares in per cent, whose titles carry their year. Only the
    lines of communes are kept: those of régions have had their columns permuted. Indexed by `commune_code`: `name`,
    `under_25_share`, `from_25_to_64_share`, `from_65_share` (0 to 1, NaN where nobody lives); attribute `year`.
    """
    frame = read_table(path)
    require_columns(frame, ("code_insee", "nom", "scale"), path=path)
    shares = {
        "under_25_share": _find_title(frame, r"de - de 25 ans (\d{4})", path),
        "from_25_to_64_share": _find_title(frame, r"de 25 à 64 ans (\d{4})", path),
        "from_65_share": _find_title(frame, r"de 65 ans ou \+ (\d{4})", path),
    }
    kept = frame[frame["scale"] == "Commune"]
    warn_of(path, len(frame) - len(kept), "ligne(s) laissée(s) de côté", ["régions et départements"])
    kept = kept.mask(kept.apply(lambda column: column.str.startswith("N/A")), "")
    table = cells.wanted(kept, {"name": "nom", **shares}, path=path, numbers=tuple(shares))
    result = cells.by_commune(table, kept["code_insee"], _TWICE, path=path)
    result[list(shares)] = result[list(shares)] / 100
    off = result.index[(result[list(shares)].sum(axis=1, skipna=False) - 1).abs() > 0.0025]
    said = "commune(s) dont les trois parts ne font pas 100 %"
    refuse(path, off, said, advice=" ; les colonnes sont peut-être permutées")
    result.attrs["year"] = shares["under_25_share"][-4:]
    return result


def read_young_population(path: str | Path) -> pd.DataFrame:
    """Read the persons aged 0 to 14 of the communes over 2,000 inhabitants, by `commune_code`, in weighted counts.

    Columns `name`, `population` and `population_0_14` (hab).
    """
    frame = read_table(path)
    titles = {"name": "commune", "population": "pop_tot", "population_0_14": "pop_0_14"}
    numbers = ("population", "population_0_14")
    table = cells.wanted(frame, titles, path=path, also=("code_insee",), numbers=numbers)
    result = cells.by_commune(table, frame["code_insee"], _TWICE, path=path)
    off = result.index[result["population_0_14"] > result["population"]]
    refuse(path, off, "commune(s) avec plus d'enfants que d'habitants")
    return result


def read_households_without_car(path: str | Path) -> pd.Series:
    """Read the households who have no car in each commune (INSEE, `base-cc-logement-YYYY`), by `commune_code`.

    Main homes (`Pyy_RP`) less those whose household has at least one car (`Pyy_RP_VOIT1P`), in weighted counts.
    """
    frame = read_table(path, header=("CODGEO",))
    cars = _find_title(frame, r"^P\d\d_RP_VOIT1P$", path)
    titles = {"homes": cars.removesuffix("_VOIT1P"), "with_car": cars}
    table = cells.wanted(frame, titles, path=path, also=("CODGEO",), numbers=tuple(titles))
    table = cells.by_commune(table, frame["CODGEO"], _TWICE, path=path)
    table = cells.without_arrondissements(table, table.index.to_series(), path=path)
    without = table["homes"] - table["with_car"]
    refuse(path, without.index[without < -0.01], "commune(s) avec plus de ménages motorisés que de ménages")
    return without.clip(0).rename("households_without_car")


def _find_title(frame: pd.DataFrame, pattern: str, path: str | Path) -> str:
    """Return the title of a column whose year is not known beforehand."""
    found = [str(title) for title in frame.columns if re.search(pattern, str(title))]
    if len(found) != 1:
        said = agree(len(found), "colonne(s) (correspond|correspondent) à")
        raise fault(path, f"{said} « {pattern} », une seule est attendue", present=frame.columns)
    return found[0]


COMMUNE_TYPES = ("COM", "COMA", "COMD", "ARM")


def read_cog_communes(path: str | Path) -> pd.DataFrame:
    """Read the communes of one COG year (INSEE, `v_commune_YYYY.csv`).

    Indexed by `commune_code`, communes proper only: `name`, `departement_code`, `region_code`. The attribute
    `arrondissements` maps each municipal arrondissement to its commune.
    """
    frame = read_table(path)
    require_columns(frame, ("TYPECOM", "COM", "REG", "DEP", "LIBELLE", "COMPARENT"), path=path)
    for name, kind in (("COM", cells.COMMUNES), ("COMPARENT", cells.COMMUNES), ("DEP", cells.DEPARTEMENTS)):
        # a delegated commune has no département of its own, a commune no other above it
        frame[name] = cells.clean_codes(frame[name], kind, path=path, may_be_empty=name != "COM")
    if unknown := sorted(set(frame["TYPECOM"]) - set(COMMUNE_TYPES)):
        known = f"types connus : {', '.join(COMMUNE_TYPES)}."
        raise fault(path, f"types de commune inconnus ({examples(unknown)}) ; {known}")
    # a delegated commune may have the code of its commune, an arrondissement never
    alone = frame.loc[frame["TYPECOM"].isin(["COM", "ARM"]), "COM"]
    refuse_repeated(alone, "commune(s) en double", path=path)
    titles = {"name": "LIBELLE", "departement_code": "DEP", "region_code": "REG"}
    communes = frame[frame["TYPECOM"] == "COM"].set_index("COM")
    result = cells.wanted(communes, titles, path=path).rename_axis("commune_code")
    parts = frame[frame["TYPECOM"] == "ARM"]
    result.attrs["arrondissements"] = dict(zip(parts["COM"], parts["COMPARENT"], strict=True))
    return result


def read_cog_movements(path: str | Path) -> pd.DataFrame:
    """Read the movements of communes since 1943 (INSEE, `v_mvt_commune_YYYY.csv`).

    One line per pair before and after, in the order of the file: `movement_code` (text), `date` (datetime),
    `type_before`, `code_before`, `name_before`, `type_after`, `code_after`, `name_after`.
    """
    result = cells.wanted(read_table(path), cells.titles_of("read_cog_movements"), path=path)
    for side in ("before", "after"):
        result[f"code_{side}"] = cells.clean_codes(result[f"code_{side}"], path=path, may_be_empty=True)
    refuse(path, numbered(result.index[result.duplicated()]), "mouvement(s) répété(s)")
    dates = pd.to_datetime(result["date"], format="%Y-%m-%d", errors="coerce")
    wrong, place = numbered(result.index[dates.isna()]), ", colonne « DATE_EFF »"
    refuse(path, wrong, "date(s) illisible(s)", place=place, advice=" ; la forme attendue est 2024-01-01")
    return result.assign(date=dates).reset_index(drop=True)


# titles of DREES, without accents, spaces and capitals, best first
_COMMUNE = r"codgeo|depcom|code(de)?(la)?commune(insee)?|communecode|codeinsee|inseecom|com"
_SPOILT = re.compile(r"\d+([.,]\d+)?E[+-]?\d+|\d{1,2}/\d{1,2}/\d{2,4}", re.IGNORECASE)
_TERRITORY = (r"codeduterritoiredeviesante", r"tvs(\d{4})?|tv|codetvs")
_ZONE = (r"qualification\w*", r"(zon(e|age)|classe(ment)?)(ars|medecins?|envigueur)?(\d{4})?")


def read_epci(path: str | Path) -> pd.DataFrame:
    """Read the communes of each EPCI with its own taxes (« epcicom » of Banatic).

    Indexed by `commune_code`: `epci_code` (SIREN), `epci_name`, `epci_kind` (CC, CA, CU, METRO…),
    `epci_departement_code` (of its seat), `epci_communes` (number), `epci_population` (hab). A few islands
    belong to no EPCI and are absent; an EPCI that has not the number of communes it says is refused.
    """
    frame = read_table(path)
    titles = cells.titles_of("read_epci")
    counts = ("epci_communes", "epci_population")
    table = cells.wanted(frame, titles, path=path, also=("insee",), counts=counts)
    table["epci_code"] = cells.clean_codes(frame["siren"], cells.SIREN, path=path)
    result = cells.by_commune(table, frame["insee"], "commune(s) dans deux EPCI", path=path)
    found = result.groupby("epci_code")["epci_communes"].agg(["size", "max"])
    partial = found.index[found["size"] != found["max"]]
    refuse(path, partial, "EPCI (n'a pas toutes ses|n'ont pas toutes leurs) communes")
    return result


def read_care_territories(path: str | Path) -> pd.Series:
    """Read the territoire de vie-santé of each commune (DREES), by `commune_code`, from a CSV or a workbook."""
    return _by_commune(Path(path), _TERRITORY, "territoire de vie-santé").rename("territoire_vie_sante")


def read_zoning(path: str | Path) -> pd.Series:
    """Read the zone (ZIP, ZAC…) of each commune in the arrêté of an ARS, by `commune_code`, as a CSV or a workbook."""
    return _by_commune(Path(path), _ZONE, "zone").rename("zone_in_force")


def _by_commune(path: Path, wanted: tuple[str, ...], said: str) -> pd.Series:
    """Return what one column says of each commune."""
    frame, commune, territory = _find_table(path, wanted, said)
    zones = frame[territory].str.strip().replace("", None)
    place = f", colonne « {territory} »"
    spoilt = quoted(zones[zones.str.fullmatch(_SPOILT, na=False)])
    advice = " ; reprenez la colonne du fichier d'origine, en texte"
    refuse(path, spoilt, "code(s) changé(s) en nombre ou en date par un tableur", place=place, advice=advice)
    # territories have the code of a commune, which a spreadsheet spoils as any other
    coded = cells.pad_codes(zones.fillna(""))
    zones = zones.mask(coded.str.fullmatch(cells.COMMUNES.form), coded)
    zones = zones.set_axis(cells.clean_codes(frame[commune], path=path).array, axis=0)
    zones = zones.rename_axis("commune_code")
    # a line that is there again word for word is counted once, two zones are refused
    repeated = zones.reset_index().duplicated().to_numpy()
    twice = "ligne(s) répétée(s) comptée(s) une seule fois"
    warn_of(path, int(repeated.sum()), twice, zones.index[repeated])
    zones = zones[~repeated]
    refuse_repeated(zones.index, "commune(s) dans deux zones", path=path)
    without = zones.index[zones.isna()]
    warn_of(path, len(without), "commune(s) sans zone", without)
    return zones


def _find_table(path: Path, wanted: tuple[str, ...], said: str) -> tuple[pd.DataFrame, str, str]:
    """Return the first table of the file that has the columns wanted, and their titles."""
    content = read_bytes(path)
    sheets: list[str | None] = [None]
    if path.suffix.lower() in WORKBOOKS:
        sheets = list(sheet_names(content, path))
    seen: list[str] = []
    for name in sheets:
        if name is None:
            rows = split(decode(content, path), path, skips=True)
        else:
            rows = read_workbook(content, path, sheet=name)
        for _, row in rows[:60]:
            titles = [cell.strip() for cell in row if cell.strip()]
            seen.extend(titles[:8] if len(seen) < 8 else [])
            commune, territory = _first(titles, (_COMMUNE,)), _first(titles, wanted)
            if commune and territory and commune != territory:
                return read_table(path, sheet=name, header=(commune, territory)), commune, territory
    lacks = f"aucune ligne de titres avec le code des communes et leur {said}"
    raise fault(path, f"{lacks} ; titres lus : {examples(dict.fromkeys(seen), most=8)}.")


def _first(titles: list[str], patterns: tuple[str, ...]) -> str | None:
    """Return the first title that follows the best pattern."""
    found = (title for pattern in patterns for title in titles if re.fullmatch(pattern, bare(title)))
    return next(found, None)
