"""What a report compares: where services are, what documents say, and the effect of every move."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from territory.french.numbers import minutes, signed
from territory.french.words import ALIKE, INTERVALS, capital, count, join
from territory.release.gate import TODAY
from territory.release.observed_children import EFFECTS
from territory.report.layout import document as doc
from territory.report.reading import Counts, Move, Reading
from territory.scenario.zones import ALL_TERRITORY
from territory.tables.declare import CODES

_WHO = {"child": "l'enfant", "parent": "le parent", "staff": "le professionnel"}


def what_moves(reading: Reading) -> list[doc.Block]:
    """Return where each named service is today and in each scenario, with the facts of the study."""
    blocks: list[doc.Block] = []
    every = list(reading.release.scenarios)
    if reading.named:
        blocks.append(_places_table(reading, every))
    named: list[doc.Text] = [
        [doc.strong(f"Scénario {s.id}. "), _described(reading, s)] for s in reading.study.scenario
    ]
    if named:
        blocks.append(doc.Bullets(named))
    if not blocks and not what_documents_say(reading):
        return []
    title = "Ce qui est comparé" if every else "Ce qui est étudié"
    return [doc.Heading(title), *blocks]


def what_documents_say(reading: Reading) -> list[doc.Block]:
    """Return the facts of the study that are about no service, with their source."""
    facts = [fact for fact in reading.study.fact if fact.about is None]
    items: list[doc.Text] = []
    for fact in facts:
        # its year once
        is_dated = fact.year is None or str(fact.year) in fact.source
        items.append(f"{fact.text} Source : {fact.source}{'' if is_dated else f', {fact.year}'}.")
    return [doc.Callout("Ce que disent les documents publics", items)] if items else []


def _described(reading: Reading, scenario: Any) -> str:
    """Say what a scenario is: in the words of the study, or else by what it moves."""
    own = [] if scenario.name.casefold() == scenario.id.casefold() else [f"{scenario.name}."]
    told = " ".join([*own, scenario.summary]).strip()
    if told or scenario.id not in reading.release.scenarios:
        return told or "L'étude ne le décrit pas."
    moves = reading.moves(scenario.id)
    if not moves:
        return "Aucun service nommé ne change de lieu, et aucun temps de route ne change."
    if all(move.is_in_place for move in moves):
        return "Aucun service nommé ne change de lieu ; les temps de route changent."
    return f"{' ; '.join(f'{reading.labels(m.services)}, {reading.road(m.from_site, m.to_site)}' for m in moves)}."


def _places_table(reading: Reading, every: list[str]) -> doc.DataTable:
    """Return the commune of each service in each situation, and who travels."""
    rows = []
    for service in reading.named:
        places = [reading.place(reading.site(situation, service)) for situation in (TODAY, *every)]
        who = join([said for one, said in _WHO.items() if one in reading.who(service)])
        rows.append([reading.label(service), *places, who or "–"])
    caption = "Où est chaque service, aujourd'hui et dans chaque scénario."
    if is_wide(every):
        columns = "Service <1.8 | Aujourd'hui <1 | Dans les scénarios <2.6 | Qui fait la route <1"
        note = "« – » : aucun scénario ne le déplace."
        return doc.table(columns, in_one_column(rows, every, first=2), caption, note=note)
    situations = ("Aujourd'hui <1", *(f"Scénario {name} <1" for name in every))
    return doc.table(["Service <2.2", *situations, "Qui fait la route <1.2"], rows, caption)


def all_moves(reading: Reading, *, level: int = 2, most: int | None = None) -> list[doc.Block]:
    """Return the effect of every move on those around today's site, scenarios that do the same on one line."""
    lines: dict[tuple[str, ...], list[str]] = {}
    asked: dict[str, dict[str, None]] = {}
    effects = told_effects([reading.counts_of(move) for move in reading.every_move])
    for move in reading.every_move:
        reason = reading.release.service_reason(move.scenario_id, move.services[0])
        if reason := reason or (ON_ONE_POINT if reading.is_on_one_point(move) else ""):
            asked.setdefault(reason, {}).update(dict.fromkeys(move.services))
            continue
        found = reading.counts_of(move)
        doubts = reading.differences_of(move)["detectable_min"]
        # where a branch leaves the site as it is, nothing is to be told
        least = float(doubts[doubts > 0].median())
        size = "aucun" if math.isnan(least) else minutes(least)
        who = f"{reading.labels(move.services)} ({reading.noun_of(move)})"
        cells = [found.cell(ALL_TERRITORY, effect) for effect in effects]
        key = (who, reading.road(move.from_site, move.to_site), *cells, size)
        lines.setdefault(key, []).append(move.scenario_id)
    without = [f"{capital(reading.the(list(names)))} : {reason}." for reason, names in asked.items()]
    title = doc.Heading("Tous les services qui déménagent", level)
    if not lines:
        return [title, doc.Paragraph(" ".join(without))] if without else []
    rows = [[*line[:2], join(scenarios), *line[2:]] for line, scenarios in lines.items()]
    shown = rows[:most]
    notes = [
        doc.wording("moves.not_added"),
        *([INTERVALS] if any(" à " in cell for row in rows for cell in row[3:]) else []),
        *without,
    ]
    if len(shown) < len(rows):
        notes.append(
            f"Les {len(shown)} premiers déménagements sur {len(rows)} ; tous sont dans l'annexe technique."
        )
    heads = [*(f"{EFFECT_HEADS[effect]} >0.95" for effect in effects), "Plus petit écart détectable >0.9"]
    columns = ["Service (qui est compté) <1.9", "Déménagement <1.7", "Scénario <0.75", *heads]
    caption = (
        f"Effet sur le temps de route de ceux qui habitent à {reading.limit} ou moins du site d'aujourd'hui."
    )
    return [title, doc.table(columns, shown, caption, may_split=True, note=" ".join(notes))]


ON_ONE_POINT = "les deux adresses sont placées au même point, et le calcul ne voit pas ce déménagement"
# what a column of persons says
EFFECT_HEADS = {key: capital(said) for key, said in CODES["effects"].items()}
EFFECT_HEADS["entering"] = "Avec le scénario seulement"


def told_effects(counts: Sequence[Counts]) -> list[str]:
    """Return the effects that some of those counted see; who enters the perimeter is told by zone."""
    return [
        effect
        for effect in EFFECTS
        if effect in ("gain", "loss", "indistinct")
        or (effect == "without" and any(c.communes[effect][ALL_TERRITORY] for c in counts))
    ]


def ordered_zones(reading: Reading, move: Move) -> list[str]:
    """Return the zones of a move: the one in focus, then those that lose most, then those that gain most."""
    found = reading.counts_of(move)
    communes = found.communes.drop(ALL_TERRITORY)
    touched = communes[communes[["gain", "loss", "indistinct", "without", "unknown"]].sum(axis=1) > 0].index
    # where no child comes from is not listed, unless that may not be told
    touched = touched[found.persons.loc[touched].ne(0.0).any(axis=1)]
    weights = found.persons.loc[touched].fillna(0.0)
    focus = reading.study.territory.focus_epci_code
    order = sorted(
        touched, key=lambda zone: (zone != focus, -weights["loss"][zone], -weights["gain"][zone], str(zone))
    )
    return [str(zone) for zone in order]


def effects_table(reading: Reading, move: Move, zones: list[str], *, name: str = "") -> doc.DataTable:
    """Return gainers and losers by zone with their intervals, mean times and the commune that loses most."""
    found = reading.counts_of(move)
    effects = [*told_effects([found]), *(["entering"] if found.communes["entering"][ALL_TERRITORY] else [])]
    rows = []
    for zone in [*zones, ALL_TERRITORY]:
        cells = [found.cell(zone, effect) for effect in effects]
        worst = reading.worst(move.scenario_id, move.services[0], zone)
        text = f"{worst[0]} ({signed(worst[1])} min)" if worst else "aucune"
        rows.append([zone_name(reading, zone), *cells, reading.means(found, zone), text])
    notes = [INTERVALS] if any(" à " in cell for row in rows for cell in row[1:-2]) else []
    notes += [ALIKE] if any("≈" in row[-2] for row in rows) else []
    if "entering" in effects:
        notes.append(
            f"« {EFFECT_HEADS['entering']} » : à plus de {reading.limit} aujourd'hui, pas comptés comme gagnants."
        )
    outside = len(found.zones) - 1 - len(zones)
    if outside:
        others = count(outside, "autre EPCI n'a", "autres EPCI n'ont")
        notes.append(f"{others} que des habitants dans ce cas ; ils sont dans l'ensemble.")
    heads = " | ".join(f"{EFFECT_HEADS[effect]} >0.95" for effect in effects)
    columns = f"EPCI <1.6 | {heads} | Temps moyen >1.3 | Perte la plus forte <1.5"
    name = name or f"Scénario {move.scenario_id}, {reading.labels(move.services)}"
    caption = f"{name} : {reading.noun_of(move)}, à {reading.limit} ou moins du site d'aujourd'hui, par EPCI."
    return doc.table(columns, rows, caption, strong_rows=[len(rows) - 1], note=" ".join(notes))


def zone_name(reading: Reading, zone: str) -> str:
    """Return the name of a zone, marked when none of its communes is in the territory."""
    if zone == ALL_TERRITORY:
        return "Ensemble"
    inside = (reading.territory["epci_code"].fillna("") == zone).any()
    return reading.zone(zone) if inside else f"{reading.zone(zone)} (hors {reading.study.territory.name})"


# a table of the width of a page holds a column for each of so many scenarios
MOST_COLUMNS = 5


def scenarios_in_words(names: Sequence[str]) -> str:
    """Name scenarios in a sentence."""
    return f"le scénario {names[0]}" if len(names) == 1 else f"les scénarios {join(names)}"


def is_wide(scenarios: Sequence[str]) -> bool:
    """Tell whether a study has more scenarios than a table has room for."""
    return len(scenarios) > MOST_COLUMNS


def in_one_column(rows: list[list[str]], scenarios: list[str], *, first: int) -> list[list[str]]:
    """Bring the columns of the scenarios, the last but one of each line, into one; today's is before them."""
    return [
        [*row[:first], grouped(dict(zip(scenarios, row[first:-1], strict=True)), row[first - 1]), row[-1]]
        for row in rows
    ]


def grouped(values: Mapping[str, str], today: str) -> str:
    """Write the values that differ from today's, each one once with its scenarios."""
    names: dict[str, list[str]] = {}
    for name, text in values.items():
        if text != today:
            names.setdefault(text, []).append(name)
    return " ; ".join(f"{text} ({join(found)})" for text, found in names.items()) or "–"


def in_tables(scenarios: Sequence[str]) -> Iterator[list[str]]:
    """Yield the scenarios of each table, as evenly as can be."""
    tables = -(-len(scenarios) // MOST_COLUMNS)
    each = -(-len(scenarios) // max(tables, 1))
    for first in range(0, len(scenarios), max(each, 1)):
        yield list(scenarios[first : first + each])
