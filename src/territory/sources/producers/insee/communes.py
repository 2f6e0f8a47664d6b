"""INSEE: communes of a year (COG), movements between years, legal populations, shares by age."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from territory.errors import agree, counted, examples
from territory.sources.text.cells import COMMUNES, DEPARTEMENTS, by_commune, clean_codes, wanted
from territory.sources.text.refusals import fault, numbered, refuse, refuse_repeated, warn_of
from territory.sources.text.tables import read_table, require_columns

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
    if {".xls", ".xlsx"} & {suffix.lower() for suffix in Path(path).suffixes}:
        frame = read_table(path, sheet="Communes", header=_WORKBOOK)
        titles = dict(zip(_COLUMNS, (*_WORKBOOK[2:], *_WORKBOOK_APART), strict=True))
        table = wanted(frame, titles, path=path, also=_WORKBOOK[:2], counts=_COLUMNS[1:])
        # overseas, the département takes three digits and the commune keeps its last three
        code = frame[_WORKBOOK[0]].str.zfill(2).str[:2] + frame[_WORKBOOK[1]].str.zfill(3)
    else:
        frame = read_table(path)
        code_title, name_title = ("DEPCOM", "COM") if "DEPCOM" in frame else ("COM", "Commune")
        titles = dict(zip(_COLUMNS, (name_title, "PMUN", "PCAP", "PTOT"), strict=True))
        table = wanted(frame, titles, path=path, also=(code_title,), counts=_COLUMNS[1:])
        code = frame[code_title]
    off = table.index[table["population"] + table["counted_apart"] != table["total"]]
    said = "ligne(s) où les populations municipale et comptée à part ne font pas la totale"
    refuse(path, numbered(off), said)
    return by_commune(table, code, _TWICE, path=path)


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
    table = wanted(kept, {"name": "nom", **shares}, path=path, numbers=tuple(shares))
    result = by_commune(table, kept["code_insee"], _TWICE, path=path)
    result[list(shares)] = result[list(shares)] / 100
    total = result[list(shares)].sum(axis=1, skipna=False)
    off = result.index[(total - 1).abs() > 0.0025]
    if len(off):
        of_whom = agree(len(off), "commune(s)")
        said = f"ne font pas 100 % ({examples(off)}) ; les colonnes sont peut-être permutées."
        raise fault(path, f"les trois parts de {of_whom} {said}")
    result.attrs["year"] = shares["under_25_share"][-4:]
    return result


def read_young_population(path: str | Path) -> pd.DataFrame:
    """Read the persons aged 0 to 14 of the communes over 2,000 inhabitants, by `commune_code`, in weighted counts.

    Columns `name`, `population` and `population_0_14` (hab).
    """
    frame = read_table(path)
    titles = {"name": "commune", "population": "pop_tot", "population_0_14": "pop_0_14"}
    numbers = ("population", "population_0_14")
    table = wanted(frame, titles, path=path, also=("code_insee",), numbers=numbers)
    result = by_commune(table, frame["code_insee"], _TWICE, path=path)
    off = result.index[result["population_0_14"] > result["population"]]
    if len(off):
        raise fault(path, f"plus d'enfants que d'habitants dans {counted(off, 'commune(s)')}.")
    return result


def _find_title(frame: pd.DataFrame, pattern: str, path: str | Path) -> str:
    """Return the title of a column whose year is not known beforehand."""
    found = [str(title) for title in frame.columns if re.search(pattern, str(title))]
    if len(found) != 1:
        said = agree(len(found), "colonne(s) (correspond|correspondent) à")
        present = f"colonnes présentes : {examples(frame.columns, most=8)}"
        raise fault(path, f"{said} « {pattern} », une seule est attendue ({present}).")
    return found[0]


COMMUNE_TYPES = ("COM", "COMA", "COMD", "ARM")


def read_cog_communes(path: str | Path) -> pd.DataFrame:
    """Read the communes of one COG year (INSEE, `v_commune_YYYY.csv`).

    Indexed by `commune_code`, communes proper only: `name`, `departement_code`, `region_code`. The attribute
    `arrondissements` maps each municipal arrondissement to its commune.
    """
    frame = read_table(path)
    require_columns(frame, ("TYPECOM", "COM", "REG", "DEP", "LIBELLE", "COMPARENT"), path=path)
    for name, kind in (("COM", COMMUNES), ("COMPARENT", COMMUNES), ("DEP", DEPARTEMENTS)):
        # a delegated commune has no département of its own, a commune no other above it
        frame[name] = clean_codes(frame[name], kind, path=path, may_be_empty=name != "COM")
    if unknown := sorted(set(frame["TYPECOM"]) - set(COMMUNE_TYPES)):
        known = f"types connus : {', '.join(COMMUNE_TYPES)}."
        raise fault(path, f"types de commune inconnus ({examples(unknown)}) ; {known}")
    # a delegated commune may have the code of its commune, an arrondissement never
    alone = frame.loc[frame["TYPECOM"].isin(["COM", "ARM"]), "COM"]
    refuse_repeated(alone, "commune(s) en double", path=path)
    titles = {"name": "LIBELLE", "departement_code": "DEP", "region_code": "REG"}
    communes = frame[frame["TYPECOM"] == "COM"].set_index("COM")
    result = wanted(communes, titles, path=path).rename_axis("commune_code")
    parts = frame[frame["TYPECOM"] == "ARM"]
    result.attrs["arrondissements"] = dict(zip(parts["COM"], parts["COMPARENT"], strict=True))
    return result


def read_cog_movements(path: str | Path) -> pd.DataFrame:
    """Read the movements of communes since 1943 (INSEE, `v_mvt_commune_YYYY.csv`).

    One line per pair before and after, in the order of the file: `movement_code` (text), `date` (datetime),
    `type_before`, `code_before`, `name_before`, `type_after`, `code_after`, `name_after`.
    """
    titles = {"movement_code": "MOD", "date": "DATE_EFF"}
    for side, end in (("before", "AV"), ("after", "AP")):
        said = (("type", "TYPECOM"), ("code", "COM"), ("name", "LIBELLE"))
        titles |= {f"{name}_{side}": f"{title}_{end}" for name, title in said}
    result = wanted(read_table(path), titles, path=path)
    for side in ("before", "after"):
        result[f"code_{side}"] = clean_codes(result[f"code_{side}"], path=path, may_be_empty=True)
    refuse(path, numbered(result.index[result.duplicated()]), "mouvement(s) répété(s)")
    dates = pd.to_datetime(result["date"], format="%Y-%m-%d", errors="coerce")
    wrong = result.index[dates.isna()]
    if len(wrong):
        shown = f"(ligne{'s' if len(wrong) > 1 else ''} {examples(wrong)})"
        said_wrong = (
            f"{agree(len(wrong), 'date(s) illisible(s)')} {shown} ; la forme attendue est 2024-01-01."
        )
        raise fault(path, said_wrong, place=", colonne « DATE_EFF »")
    return result.assign(date=dates).reset_index(drop=True)
