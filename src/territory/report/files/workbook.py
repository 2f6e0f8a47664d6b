"""The workbook for a council's services: every published table with French names, units and sources."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping

import pandas as pd

from territory.french.numbers import integer
from territory.french.words import count, in_guillemets, typeset
from territory.report.files.writers import Sheet, Value, to_xlsx
from territory.report.reading import UNKNOWN, Reading
from territory.tables.catalogue import COLUMNS, KEYS, code_label, column_of, label_of, measure_label, table_of
from territory.tables.declare import Column, Secrecy

# what compares first, then the questions of the study, then the rest
_ORDER = (
    "enfants_trajets",
    "enfants_constats",
    "comparaison_mesures",
    "comparaison_zones",
    "comparaison_conseils",
    "comparaison_communes",
    "comparaison_sensibilite",
    "comparaison_trajets",
    "comptes_de_trajets",
    "tournees",
    "comparaison_deserts",
    "groupements_comparaison",
    "{question}",
    "groupements_contexte",
    "offre_scenarios",
    "attentes",
    "batiments",
    "besoins_epci",
    "besoins_communes",
    "taux_equipement",
    "offre_recensee",
    "couverture_zones",
    "acces_communes",
    "communes",
    "services",
    "sites",
    "comparaison_mesures_communes",
    "deserts_communes",
    "deserts_zones",
    "medecins_generalistes_communes",
    "parcours_enfants",
    "soins_ehpad",
    "coordination",
    "bord_des_donnees",
)
README, SOURCES = "Lisez-moi", "Sources"
_HOW_TO_READ = (
    "Une feuille par table ; l'unité de chaque colonne est dans son titre. Les temps sont en minutes, aller simple, en "
    "voiture.",
    "« < 11 » : estimation de moins de onze personnes. « secret statistique » : effectif observé qui n'est pas publié, "
    "parce qu'il est inférieur à onze ou qu'il permettrait d'en retrouver un.",
    "Une case vide est une valeur inconnue ou sans objet, jamais un zéro.",
    "« Sans différence visible » : différence trop petite, devant le doute sur les temps, pour être affirmée.",
    "Les lignes de services différents comptent les mêmes habitants : elles ne s'additionnent pas.",
)
# long tables whose keys are spread over columns
MEASURES, SIDE_BY_SIDE, BEYOND = "comparaison_mesures", "Scénarios côte à côte", "implantations_seuils"
BEYOND_PREFIX, _SIGN = "persons_beyond ", " : "
# what is shown of each scenario, under the columns of the long table
_BESIDE = ("is_distinguishable", "better_share", "delta_high", "delta_low", "note")
_OF_SCENARIO = {
    "scenario_value": COLUMNS["value"],
    "delta_value": COLUMNS["delta"],
    **{name: COLUMNS[name] for name in _BESIDE},
}
# a workbook that opens at once: longer tables are whole in the folder tables/
_MOST_ROWS = 6_000
_SHEET_SIGNS = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
# a page cuts a lone column that is wider than it, and does not shrink it
_README_WIDTH = 70
_MOST_WIDTH, _LEAST_WIDTH, _MEASURED_ROWS = 60.0, 9.0, 300


def workbook_bytes(tables: Mapping[str, pd.DataFrame], reading: Reading) -> bytes:
    """Return a workbook of published tables as bytes, the same for the same tables."""

    def rank(name: str) -> int:
        key = "{question}" if "{question}" in table_of(name).table.name else name
        return _ORDER.index(key) if key in _ORDER else len(_ORDER)

    named = sorted((name for name in tables if name not in ("sources", BEYOND)), key=rank)
    short: dict[str, str] = {}
    for name in named:
        title = SIDE_BY_SIDE if name == MEASURES else table_of(name).title
        short[name] = _sheet_name(title, short.values())
    shown = {name: _of_use(name, tables[name], tables, reading) for name in short}
    sheets = [_readme(reading, {short[name]: len(table) for name, table in shown.items()})]
    sheets += [_sheet(short[name], name, table, reading) for name, table in shown.items()]
    if "sources" in tables:
        sheets.append(_sheet(SOURCES, "sources", tables["sources"], reading))
    return to_xlsx(sheets, title=typeset(reading.study.title), mark=typeset(reading.release.mark))


def _of_use(
    name: str, table: pd.DataFrame, tables: Mapping[str, pd.DataFrame], reading: Reading
) -> pd.DataFrame:
    """Leave out what a council has no use for (communes around), and spread the keys that read better in columns."""
    if name == "comparaison_communes":
        return table[table["effect"] != "outside"]
    if name in ("acces_communes", "communes"):
        return table[table["commune_code"].isin(reading.parameters.territory_codes)]
    if name == MEASURES:
        return _side_by_side(table, reading)
    if name.startswith("implantation_") and BEYOND in tables:
        beyond = tables[BEYOND].pivot(
            index=["siting", "to_id"], columns="threshold_min", values="persons_beyond"
        )
        beyond.columns = pd.Index([f"{BEYOND_PREFIX}{threshold:g}" for threshold in beyond])
        return table.merge(beyond, on=["siting", "to_id"], how="left", sort=False)
    return table


def _side_by_side(table: pd.DataFrame, reading: Reading) -> pd.DataFrame:
    """Return every scenario beside today: one line for each measure, one block of columns for each scenario."""
    keys = ["level", "zone", "zone_name", "service", "measure", *KEYS]
    named = table.fillna(dict.fromkeys(KEYS[1:], "")).fillna({"threshold_min": -1.0})
    wide = None
    for scenario in table["scenario"].unique():
        rows = named[named["scenario"] == scenario].set_index(keys)
        if wide is None:
            wide = rows[["unit", "baseline_value", "baseline_note"]]
        block = rows[[one for one in _OF_SCENARIO if one in rows]]
        wide = wide.join(block.add_prefix(f"{scenario}{_SIGN}"))
    flat = pd.DataFrame() if wide is None else wide.reset_index()
    flat["measure"] = [
        measure_label(name, {**row, "criterion": _desert_words(str(row["criterion"]), reading)}, is_long=True)
        for name, row in zip(flat["measure"], flat[list(KEYS)].to_dict("records"), strict=True)
    ]
    return flat.drop(columns=list(KEYS))


def _sheet_name(title: str, taken: Iterable[str]) -> str:
    """Return a name that a spreadsheet accepts: 31 letters, none of its signs, not used yet."""
    base = _SHEET_SIGNS.sub(" ", title)[:31].strip("' ") or "Table"
    name, number = base, 2
    while name.casefold() in {other.casefold() for other in (*taken, README, SOURCES)}:
        name, number = f"{base[:27]} {number}", number + 1
    return name


def _readme(reading: Reading, sheets: Mapping[str, int]) -> Sheet:
    """Return the sheet that says what the others are."""
    study = reading.study
    digest = f"Empreinte du calcul (SHA-256, reprise dans manifest.json) : {reading.release.run_digest}"
    lengths = {
        name: count(rows, "ligne")
        if rows <= _MOST_ROWS
        else f"les {integer(_MOST_ROWS)} premières lignes sur {integer(rows)} ; le reste est dans le dossier tables/"
        for name, rows in sheets.items()
    }
    parts: dict[str, list[str]] = {
        study.title: [
            f"Territoire : {study.territory.name} · population {reading.vintage()}",
            study.question,
        ],
        "Comment lire ce classeur": list(_HOW_TO_READ),
        "Scénarios": [f"{s.id} : {s.name}" for s in study.scenario],
        "Feuilles": [f"{name} : {said}" for name, said in lengths.items()],
        UNKNOWN: [f"{found.question} À demander : {found.ask}." for found in study.unknown],
    }
    lines = [reading.release.mark] if reading.release.mark else []
    titles = set(range(len(lines)))
    for title, said in parts.items():
        titles.add(len(lines))
        lines += [title, *said, ""]
    lines.append(digest)
    return Sheet(README, (), [[typeset(text)] for text in lines], [_README_WIDTH], frozenset(titles))


def _sheet(title: str, name: str, table: pd.DataFrame, reading: Reading) -> Sheet:
    """Return one table with French titles, its columns as wide as what they hold."""
    shown = table.head(_MOST_ROWS)
    declared = [_declared(name, str(column)) for column in shown.columns]
    columns = [_values(shown[at], one, reading) for at, (_, one) in zip(shown.columns, declared, strict=True)]
    heads = [typeset(head) for head, _ in declared]
    widths = []
    for head, values in zip(heads, columns, strict=True):
        longest = max((len(str(v)) for v in values[:_MEASURED_ROWS] if v is not None), default=0)
        # a title may take three lines
        wanted = max(longest + 2.0, math.ceil(len(head) / 3) + 3.0, 1.2 * max(map(len, head.split())) + 2.0)
        widths.append(min(_MOST_WIDTH, max(_LEAST_WIDTH, wanted)))
    rows = list(zip(*columns, strict=True))
    return Sheet(title, heads, rows, widths, formats=[one.number_format for _, one in declared])


def _declared(name: str, column: str) -> tuple[str, Column]:
    """Return the heading of a column of a sheet, and its declaration."""
    if column.startswith(BEYOND_PREFIX):
        return f"Personnes à plus de {column.removeprefix(BEYOND_PREFIX)} min", COLUMNS["persons_beyond"]
    scenario, sign, quantity = column.partition(_SIGN)
    if not sign:
        return label_of(name, column), column_of(name, column)
    said = _OF_SCENARIO[quantity]
    return f"Scénario {scenario} : {said.label[:1].lower()}{said.label[1:]}", said


def _values(column: pd.Series, declared: Column, reading: Reading) -> list[Value]:
    """Return the values of a column as a spreadsheet holds them: numbers, texts, nothing."""
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return [_number(value) for value in column.astype(float).tolist()]
    written: dict[object, Value] = {}
    for value in column.astype(object).unique():
        if isinstance(value, str):
            written[value] = _text(value, declared, reading)
        elif isinstance(value, bool):
            written[value] = "oui" if value else "non"
        elif isinstance(value, float | int):
            written[value] = _number(float(value))
    return [written.get(value) for value in column.astype(object)]


def _number(value: float) -> Value:
    """Return a number, whole when it is, nothing when it is unknown."""
    if not math.isfinite(value):
        return None
    return int(value) if value.is_integer() else value


def _text(value: str, declared: Column, reading: Reading) -> Value:
    """Return a text as it is printed; a whole number of persons written as text becomes a number again."""
    name, is_public = declared.name, declared.secrecy is Secrecy.PUBLIC
    if not is_public and value.isdecimal():
        return int(value)
    if value == "":
        return None
    if name == "public":
        return typeset({need.public: need.label for need in reading.study.need}.get(value, value))
    if name in ("criterion", "scheme", "desert_class"):
        return typeset(_desert_words(value, reading))
    if name in ("service", "authorisation_id", "authorisation"):
        named = value in reading.named
        return typeset(reading.short(value) if named else _desert_words(code_label(declared, value), reading))
    if not is_public or declared.codes or declared.kind == "flag":
        return typeset(code_label(declared, value))
    # names of places as the other documents write them: Cœur du Var, « Sources de lumière »
    if name in ("epci_name", "zone_name"):
        return typeset(in_guillemets(value))
    return value


def _desert_words(value: str, reading: Reading) -> str:
    """Return the names of a scheme, of a criterion, or of a class that names one."""
    labels = {scheme.id: scheme.label for scheme in reading.study.desert}
    labels |= {one.id: one.label for scheme in reading.study.desert for one in scheme.criterion}
    first, sign, rest = value.partition(" : ")
    return f"{labels.get(first, first)}{sign}{rest}"
