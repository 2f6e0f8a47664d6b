"""The workbook for a council's services: every published table with French names, units and sources."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import pandas as pd

from territory.french.numbers import integer
from territory.french.place_names import in_guillemets
from territory.french.typography import typeset
from territory.french.words import count as french_count
from territory.report.files.xlsx import Sheet, Value, to_xlsx
from territory.tables.labels import column_label, is_coded, value_label

if TYPE_CHECKING:
    from territory.report.reading.run_reading import Reading

_TITLES = {
    "scenarios_cote_a_cote": "Scénarios côte à côte",
    "comparaison_zones": "Gagnants et perdants",
    "comparaison_conseils": "Par conseil",
    "comparaison_communes": "Écarts par commune",
    "comparaison_sensibilite": "Autres seuils",
    "comparaison_trajets": "Comptes de trajets",
    "comptes_de_trajets": "Hypothèses de trajets",
    "comparaison_mesures": "Toutes les mesures",
    "comparaison_deserts": "Déserts, changements",
    "groupements_comparaison": "Groupements comparés",
    "groupements_contexte": "Établissements non groupés",
    "offre_scenarios": "Offre par scénario",
    "attentes": "Attentes",
    "batiments": "Bâtiments",
    "besoins_epci": "Besoins par EPCI",
    "besoins_communes": "Besoins par commune",
    "couverture_zones": "Soins courants",
    "acces_communes": "Temps par commune",
    "communes": "Communes",
    "services": "Services",
    "sites": "Sites",
    "comparaison_mesures_communes": "Mesures par commune",
    "deserts_communes": "Déserts par commune",
    "deserts_zones": "Déserts par zone",
    "medecins_generalistes_communes": "Généralistes par commune",
    "parcours_enfants": "Parcours de l'enfant",
    "soins_ehpad": "Soins autour des EHPAD",
    "coordination": "Coordination",
    "bord_des_donnees": "Bord des données",
    "incertitude_temps": "Doute, temps",
    "incertitude_couverture": "Doute, soins courants",
    "incertitude_besoins": "Doute, besoins",
    "incertitude_medecins_generalistes": "Doute, généralistes",
    "incertitude_deserts": "Doute, déserts",
    "incertitude_classes_desert": "Doute, classes de désert",
    "incertitude_population_deserts": "Doute, habitants en désert",
    "incertitude_scenarios": "Doute, scénarios",
    "incertitude_scenarios_communes": "Doute, scénarios par commune",
    "sources": "Sources",
}
# tables of a question of the study, by the beginning and the end of their name
_FAMILIES = (
    (re.compile(r"implantation_(.+)"), "Site {}"),
    (re.compile(r"groupement_(.+)_groupes"), "Groupes {}"),
    (re.compile(r"groupement_(.+)_membres"), "Membres {}"),
    (re.compile(r"groupement_(.+)_mutualisation"), "À partager {}"),
)
README, SOURCES = "Lisez-moi", "Sources"
# told by the other sheets, or of no use on paper; whole in the folder tables/
_LEFT_OUT = frozenset({"comparaison_mesures"})
# a workbook that opens at once: longer tables are whole in the folder tables/
_MOST_ROWS = 6_000
_IN_DESERT = re.compile(r"in_desert_(\w+)_hab")
_SHEET_SIGNS = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
# a page cuts a lone column that is wider than it, and does not shrink it
_README_WIDTH = 70
# shares, ratios, and columns of several units
_FINE = ("share", "_ratio", "balance", "_kg", "value", "delta", "low", "high", "distance", "threshold")
_MOST_WIDTH, _LEAST_WIDTH, _MEASURED_ROWS = 60.0, 9.0, 300


def workbook_bytes(tables: Mapping[str, pd.DataFrame], reading: Reading) -> bytes:
    """Return a workbook of published tables as bytes, the same for the same tables.

    References
    ----------
    OWASP, CSV Injection.
    """
    named = sorted((name for name in tables if name != "sources"), key=_rank)
    short: dict[str, str] = {}
    for name in named:
        if name not in _LEFT_OUT:
            short[name] = _sheet_name(_title(name), short.values())
    shown = {name: _of_use(name, tables[name], reading) for name in short}
    sheets = [_readme(reading, {short[name]: len(table) for name, table in shown.items()})]
    sheets += [_sheet(short[name], table, reading) for name, table in shown.items()]
    if "sources" in tables:
        sheets.append(_sheet(SOURCES, tables["sources"], reading))
    return to_xlsx(sheets, title=typeset(reading.study.title), mark=typeset(reading.release.mark))


def _rank(name: str) -> int:
    """Return the place of a table: what compares first, then the questions of the study, then the rest."""
    order = list(_TITLES)
    if name in _TITLES:
        return order.index(name) * 2
    is_question = any(pattern.fullmatch(name) for pattern, _ in _FAMILIES)
    return order.index("groupements_comparaison") * 2 + 1 if is_question else 2 * len(order)


def _title(name: str) -> str:
    """Return the French title of a table."""
    if name in _TITLES:
        return _TITLES[name]
    for pattern, title in _FAMILIES:
        if found := pattern.fullmatch(name):
            return title.format(found[1])
    return name.replace("_", " ").capitalize()


def _of_use(name: str, table: pd.DataFrame, reading: Reading) -> pd.DataFrame:
    """Leave out what a council has no use for: communes around that nothing touches."""
    if name == "comparaison_communes":
        return table[table["effect"] != "outside"]
    if name in ("acces_communes", "communes"):
        return table[table["commune_code"].isin(reading.parameters.territory_codes)]
    return table


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
    lines: list[tuple[str, bool]] = [
        *((text, True) for text in [reading.release.mark] if text),
        (study.title, True),
        (f"Territoire : {study.territory.name} · population {reading.vintage()}", False),
        (study.question, False),
        ("", False),
        ("Comment lire ce classeur", True),
        ("Une feuille par table ; l'unité de chaque colonne est dans son titre. Les temps sont en minutes, aller "
         "simple, en voiture.", False),
        ("« < 11 » : estimation de moins de onze personnes. « secret statistique » : effectif observé qui n'est pas "
         "publié, parce qu'il est inférieur à onze ou qu'il permettrait d'en retrouver un.", False),
        ("Une case vide est une valeur inconnue ou sans objet, jamais un zéro.", False),
        ("Un écart « non distinguable » est plus petit que le doute sur les temps de route.", False),
        ("Les lignes de services différents comptent les mêmes habitants : elles ne s'additionnent pas.", False),
        ("", False),
        ("Scénarios", True),
        *((f"{s.id} : {s.name}", False) for s in study.scenario),
        ("", False),
        ("Feuilles", True),
        *((f"{name} : {_rows_text(count)}", False) for name, count in sheets.items()),
        ("", False),
        ("Ce que l'on ne sait pas, et à qui le demander", True),
        *((f"{found.question} À demander : {found.ask}.", False) for found in study.unknown),
        ("", False),
        (f"Empreinte du calcul (SHA-256, reprise dans manifest.json) : {reading.release.run_digest}", False),
    ]  # fmt: skip
    titles = frozenset(place for place, (_, is_title) in enumerate(lines) if is_title)
    return Sheet(README, (), [[typeset(text)] for text, _ in lines], [_README_WIDTH], titles)


def _rows_text(count: int) -> str:
    """Say how many lines a sheet has, and where the rest is."""
    if count <= _MOST_ROWS:
        return french_count(count, "ligne")
    return f"les {integer(_MOST_ROWS)} premières lignes sur {integer(count)} ; le reste est dans le dossier tables/"


def _sheet(title: str, table: pd.DataFrame, reading: Reading) -> Sheet:
    """Return one table with French titles, its columns as wide as what they hold."""
    shown = table.head(_MOST_ROWS)
    columns = [(str(name), _values(shown[name], str(name), reading)) for name in shown.columns]
    heads = [typeset(column_label(name)) for name, _ in columns]
    widths = []
    for head, (_, values) in zip(heads, columns, strict=True):
        longest = max((len(str(v)) for v in values[:_MEASURED_ROWS] if v is not None), default=0)
        # a title may take three lines
        wanted = max(longest + 2.0, math.ceil(len(head) / 3) + 3.0, 1.2 * max(map(len, head.split())) + 2.0)
        widths.append(min(_MOST_WIDTH, max(_LEAST_WIDTH, wanted)))
    rows = list(zip(*(values for _, values in columns), strict=True))
    return Sheet(title, heads, rows, widths, formats=[_format(name) for name, _ in columns])


def _format(name: str) -> str:
    """Return how the numbers of a column are shown: a year has no thousands, a share needs decimals."""
    if name == "year" or name.endswith(("_code", "_id", "vintage")):
        return "plain"
    return "fine" if name.endswith(_FINE) else "rounded"


def _values(column: pd.Series, name: str, reading: Reading) -> list[Value]:
    """Return the values of a column as a spreadsheet holds them: numbers, texts, nothing."""
    if pd.api.types.is_bool_dtype(column):
        words = {True: "oui", False: "non"}
        return [words.get(value) for value in column.astype(object)]
    if pd.api.types.is_numeric_dtype(column):
        return [_number(value) for value in column.astype(float).tolist()]
    written: dict[object, Value] = {}
    for value in column.astype(object).unique():
        if isinstance(value, str):
            written[value] = _text(value, name, reading)
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


def _text(value: str, name: str, reading: Reading) -> Value:
    """Return a text as it is printed; a whole number of persons written as text becomes a number again."""
    is_count = name.startswith(("persons", "demand"))
    if is_count and value.isdecimal():
        return int(value)
    if value == "":
        return None
    if name == "public":
        return typeset(
            {need.public: need.label for need in reading.study.need}.get(value, value_label(value))
        )
    if name == "measure" and (found := _IN_DESERT.fullmatch(value)):
        return typeset(f"habitants en désert ({_desert_words(found[1], reading)})")
    if name in ("criterion", "scheme", "desert_class"):
        return typeset(_desert_words(value, reading))
    if name in ("service", "authorisation_id", "authorisation"):
        if value in reading.named:
            return typeset(reading.short(value))
        return typeset(_desert_words(value_label(value), reading))
    if is_count or is_coded(name):
        return typeset(value_label(value))
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
