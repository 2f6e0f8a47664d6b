"""The options side by side: what each scenario changes for the service that matters most."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from territory.french.numbers import decimal, minutes, share, signed
from territory.french.words import capital, persons, with_article
from territory.release.comparison import best_in_all
from territory.release.gate import TODAY
from territory.report.chapters.moves import in_tables, scenarios_in_words
from territory.report.chapters.travel_accounts import year_hours
from territory.report.layout.document import Block, DataTable, Heading, Paragraph, table
from territory.report.reading import Counts, Move, Reading
from territory.scenario.zones import ALL_TERRITORY
from territory.tables.catalogue import read_measure
from territory.tables.declare import CODES

_SAME, _DOUBTFUL = "=", " ≈"
_EFFECTS = {
    one: capital(CODES["effects"][one]) for one in ("gain", "loss", "indistinct", "without", "entering")
}


def options(reading: Reading) -> list[Block]:
    """Return the scenarios side by side, for the service whose trips change most."""
    pivot = reading.pivot
    if pivot is None or len(reading.release.scenarios) < 2:
        return []
    service = pivot.services[0]
    every = list(reading.release.scenarios)
    found = {n: reading.counts(n, service) for n in every if service in reading.release.moved(n)}
    noun = reading.noun(service, is_observed=next(iter(found.values())).is_observed)
    places = [reading.place(reading.site(situation, service)) for situation in (TODAY, *every)]
    rows: list[list[str]] = [["Où il serait", *places]]
    for effect, label in _EFFECTS.items():
        if any(c.communes[effect][ALL_TERRITORY] for c in found.values()):
            cells = [found[n].cell(ALL_TERRITORY, effect) if n in found else _SAME for n in every]
            rows.append([f"{label} ({noun.split(' ')[0]})", "–", *cells])
    rows.append(["Perte la plus forte", "–", *(_worst(reading, n, service, found) for n in every)])
    counted = len(rows)
    rows += _measured(reading, service, every)
    rows += _on_the_road(reading, service, every)
    for place, name in enumerate(every, start=2):
        if reading.site(name, service) is None:
            # nothing is measured on the way to what is closed
            for row in rows[counted - 1 :]:
                row[place] = "–"
    tables = [_table(reading, service, rows, every, names, noun) for names in in_tables(every)]
    return [Heading("Les options côte à côte"), _verdict(reading, pivot, found), *tables]


def _table(
    reading: Reading, service: str, rows: list[list[str]], every: list[str], names: list[str], noun: str
) -> DataTable:
    """Return the columns of some scenarios, today's beside them."""
    note = (
        f"« {_SAME} » : comme aujourd'hui. «{_DOUBTFUL} » : sans différence visible. Effectifs : ce que le doute sur "
        f"les temps permet d'affirmer, parmi ceux qui sont à {reading.limit} ou moins du site d'aujourd'hui. "
        "Entrer dans ce périmètre n'est pas compté comme un gain."
    )
    kept = [0, 1, *(2 + every.index(name) for name in names)]
    cells = [[row[column] for column in kept] for row in rows]
    heads = [" <1.7", "Aujourd'hui >1", *(f"Scénario {n} >1.05" for n in names)]
    part = "" if names == every else f", scénarios {names[0]} à {names[-1]}"
    caption = f"{capital(with_article(reading.label(service)))} : les options côte à côte{part}, {noun}."
    return table(heads, cells, caption, note=note if names[-1] == every[-1] else "")


def _verdict(reading: Reading, pivot: Move, found: Mapping[str, Counts]) -> Paragraph:
    """Say which options lose nobody, which ones make most trips shorter, and whether one is the best in all."""
    losses = {n: float(c.persons["loss"][ALL_TERRITORY]) for n, c in found.items()}
    gains = {n: float(c.persons["gain"][ALL_TERRITORY]) for n, c in found.items()}
    about = reading.the(pivot.services)
    parts = [f"Ce tableau porte sur {about}, dont les trajets changent le plus."]
    stays = [n for n in reading.release.scenarios if n not in found]
    if stays:
        parts.append(f"Rien n'y change dans {scenarios_in_words(stays)}.")
    if any(map(math.isnan, [*losses.values(), *gains.values()])):
        return Paragraph(" ".join(parts))
    if spared := [n for n, value in losses.items() if value == 0 and reading.site(n, pivot.services[0])]:
        parts.append(f"Aucune perte ne peut être affirmée dans {scenarios_in_words(spared)}.")
    most = max(gains.values())
    if near := [n for n, value in gains.items() if value >= 0.95 * most > 0]:
        parts.append(f"C'est dans {scenarios_in_words(near)} que le plus de trajets raccourcissent.")
    choice = "le choix est celui du conseil, et d'autres raisons que la route y entrent."
    if best := _best_in_all(reading, pivot.services[0], found):
        do = f"{scenarios_in_words(best)} {'fait' if len(best) == 1 else 'font'}"
        parts.append(f"Sur tout ce qui est mesuré ici, {do} au moins aussi bien que les autres ; {choice}")
        today = len(reading.site(TODAY, pivot.services[0]) or ())
        if any(len(reading.site(n, pivot.services[0]) or ()) > today for n in best):
            parts.append(
                "Mais chaque famille y va au plus proche de plusieurs lieux : on ne sait pas si les places suffisent."
            )
    else:
        parts.append(f"Aucune option n'est la meilleure à tous égards : {choice}")
    return Paragraph(" ".join(parts))


def _best_in_all(reading: Reading, service: str, found: Mapping[str, Counts]) -> list[str]:
    """Return the options that no other one beats on gains, losses, those left without, the worst loss, the measures."""
    every = list(reading.release.scenarios)
    # what changes nothing has no gain and no loss; less is better in every row
    rows = [
        [-float(found[n].persons["gain"][ALL_TERRITORY]) if n in found else 0.0 for n in every],
        [float(found[n].persons["loss"][ALL_TERRITORY]) if n in found else 0.0 for n in every],
        [float(found[n].persons["without"][ALL_TERRITORY]) if n in found else 0.0 for n in every],
        [float(found[n].zones["worst_loss_min"][ALL_TERRITORY]) if n in found else 0.0 for n in every],
    ]
    measured = reading.release.side_by_side
    for measure in _labels(measured):
        key = ("territory", ALL_TERRITORY, service, measure)
        if key in measured.index:
            row = measured.loc[pd.MultiIndex.from_tuples([key])].iloc[0]
            rows.append([float(row[name, "value"]) for name in every])
    criteria = pd.DataFrame(rows, columns=every)
    # where nobody loses there is no worst loss
    criteria.iloc[3] = criteria.iloc[3].fillna(0.0)
    return best_in_all(criteria)


def _worst(reading: Reading, name: str, service: str, found: Mapping[str, Counts]) -> str:
    """Name the largest loss of a scenario."""
    if name not in found:
        return _SAME
    worst = reading.worst(name, service)
    return "aucune" if worst is None else f"{signed(worst[1])} min ({worst[0]})"


def _measured(reading: Reading, service: str, every: list[str]) -> list[list[str]]:
    """Return the measures of the service, when the run gives them; none for children observed to be served."""
    measured = reading.release.side_by_side
    key = ("territory", ALL_TERRITORY, service)
    rows = []
    for measure, label in _labels(measured).items():
        if (*key, measure) not in measured.index:
            continue
        row = measured.loc[pd.MultiIndex.from_tuples([(*key, measure)])].iloc[0]
        unit = str(row["today", "unit"])
        values = [_value(float(row["today", "value"]), unit)]
        for name in every:
            delta, told = float(row[name, "delta"]), row[name, "is_distinguishable"]
            is_moved = not math.isnan(delta) and abs(delta) > 1e-9
            mark = _DOUBTFUL if told is pd.NA or not bool(told) else ""
            values.append(f"{_value(float(row[name, 'value']), unit)}{mark}" if is_moved else _SAME)
        rows.append([label, *values])
    return rows


def _labels(table: pd.DataFrame) -> dict[str, str]:
    """Return the measures that options are set side by side on, with their names; less is better in each."""
    labels = {
        "mean_time_min": "Temps moyen",
        "time_p90_min": "Temps que neuf sur dix ne dépassent pas",
        "epci_longest_min": "Temps moyen de l'EPCI le plus loin",
    }
    for measure in table.index.get_level_values("measure").unique():
        declared, keys = read_measure(str(measure))
        if declared.name == "beyond_share":
            labels[str(measure)] = f"Part à plus de {keys['threshold_min']} min"
    return labels


def _value(value: float, unit: str) -> str:
    """Write a measure in its unit."""
    written = {"min": minutes, "share": share, "persons": persons}.get(unit)
    return written(value) if written else decimal(value, 2)


def _on_the_road(reading: Reading, service: str, every: list[str]) -> list[list[str]]:
    """Return the hours a year on the road of one child or of the staff."""
    rows = []
    for who, label in (("child", "Route d'un enfant, par an"), ("staff", "Route des professionnels, par an")):
        cells = [year_hours(reading, name, service, who) for name in every]
        known = [cell for cell in cells if cell is not None]
        if known and "inconnu" not in known[0]:
            rows.append([label, known[0][0], *(cell[1] if cell else _SAME for cell in cells)])
    return rows
