"""The tables of the technical annex: doubt on times, effects by EPCI and by commune, times, needs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from territory.french.numbers import decimal, integer, signed
from territory.french.words import alphabetical, capital, join, persons
from territory.release.gate import TODAY
from territory.release.observed_children import of_service
from territory.report.chapters import method
from territory.report.chapters.moves import effects_table
from territory.report.chapters.needs import need_heads, range_text
from territory.report.chapters.travel_accounts import listed_table, rates_table
from territory.report.layout.document import Block, Bullets, Heading, Text, strong, table
from territory.report.reading import Move, Reading
from territory.scenario.zones import ALL_TERRITORY
from territory.tables.catalogue import code_label
from territory.tables.declare import CODES

# a table of thousands of lines is read in the workbook
_MOST_ROWS = 400
_DOUBT_COLUMNS = (
    "Service <1.8 | Temps médian (min) >1 | Doute médian (± min) >1 | Doute le plus grand (± min) >1.1 | "
    "Communes >0.8 | Hors d'atteinte >0.8 | Inconnu >0.7"
)
_MOVE_COLUMNS = (
    "Déménagement <2.6 | Le plus petit (min) >0.8 | Médian (min) >0.7 | Le plus grand (min) >0.8 | "
    "Communes distinguées >1"
)
_COMMUNE_COLUMNS = (
    "Commune <1.7 | EPCI <1.85 | Avant → après (min) >0.9 | Écart (min) >0.6 | Visible dès (min) >0.75 | Effet <1.25 | "
    "Personnes >0.8"
)
_SHORT_EFFECTS = {key: said.removeprefix("trajet ") for key, said in CODES["effects"].items()}
_SHORT_EFFECTS["entering"] = "entre dans le périmètre"


def distinct_moves(reading: Reading) -> Iterator[tuple[Move, list[str]]]:
    """Yield each different move with the scenarios that make it."""
    found: dict[tuple[Any, ...], tuple[Move, list[str]]] = {}
    for move in reading.every_move:
        key = (move.services, move.from_site, move.to_site, reading.counts_of(move).zones.to_csv())
        found.setdefault(key, (move, []))[1].append(move.scenario_id)
    yield from found.values()


def title_of(reading: Reading, move: Move, scenarios: Sequence[str]) -> str:
    """Name a move and its scenarios."""
    road = reading.road(move.from_site, move.to_site)
    word = "scénario" if len(scenarios) == 1 else "scénarios"
    return f"{reading.labels(move.services)}, {road} ({word} {join(scenarios)})"


def doubt(reading: Reading) -> list[Block]:
    """Return the doubt on times, service by service, and on differences, move by move."""
    rows = []
    for service in reading.services:
        found = reading.times(TODAY, service)
        known = found.dropna(subset=["travel_time_min"])
        doubts, reached = known["uncertainty_min"], found["is_reachable"]
        times = map(_number, (known["travel_time_min"].median(), doubts.median(), doubts.max()))
        sizes = (len(known), reached.eq(False).fillna(False).sum(), reached.isna().sum())
        rows.append([capital(reading.short(service)), *times, *(integer(int(size)) for size in sizes)])
    blocks: list[Block] = [Heading("Le doute sur les temps")]
    if rows:
        caption = "Temps d'aujourd'hui et leur doute, communes du territoire et des alentours."
        blocks.append(table(_DOUBT_COLUMNS, rows, caption))
    return [*blocks, *_differences(reading), *method.method(reading)]


def _differences(reading: Reading) -> list[Block]:
    """Return the smallest difference that can be told, move by move."""
    seen = []
    for move, scenarios in distinct_moves(reading):
        found = reading.differences_of(move)
        inside = found[found["effect"].isin(["gain", "loss", "indistinct"])]
        told, least = inside["effect"].ne("indistinct"), inside["detectable_min"]
        sizes = [_number(value) for value in (least.min(), least.median(), least.max())]
        count = f"{integer(int(told.sum()))} sur {integer(len(inside))}"
        seen.append([title_of(reading, move, scenarios), *sizes, count])
    caption = "Plus petit écart que le doute sur les temps laisse voir, communes du périmètre d'aujourd'hui."
    return [table(_MOVE_COLUMNS, seen, caption)] if seen else []


def _by_name(names: pd.Series) -> list[str]:
    """Return the codes of communes in the order of their names."""
    keys = names.fillna("").astype(str).map(alphabetical)
    return [str(code) for code in keys.sort_values(kind="stable").index]


def _number(value: float) -> str:
    """Write minutes to a tenth, a dash when nothing is known."""
    return "–" if math.isnan(float(value)) else decimal(float(value), 1)


def _printed(text: str) -> str:
    """Write a published count: digits become a rounded number."""
    return persons(float(text)) if text.isdecimal() else code_label("persons", text) if text else "inconnu"


def by_zone(reading: Reading) -> list[Block]:
    """Return gainers and losers of every move by zone."""
    blocks: list[Block] = []
    for move, scenarios in distinct_moves(reading):
        codes = [str(zone) for zone in reading.counts_of(move).zones.index if zone != ALL_TERRITORY]
        codes.sort(key=lambda code: (alphabetical(reading.zone(code)), code))
        is_unseen = reading.is_on_one_point(move)
        if not is_unseen and not reading.release.service_reason(move.scenario_id, move.services[0]):
            blocks.append(effects_table(reading, move, codes, name=title_of(reading, move, scenarios)))
    return [Heading("Gagnants et perdants par EPCI", new_page=True), *blocks] if blocks else []


def by_commune(reading: Reading) -> list[Block]:
    """Return the difference of every move, commune by commune, for those that it touches."""
    blocks: list[Block] = []
    for move, scenarios in distinct_moves(reading):
        touched = of_service(reading.release.communes_table(move.scenario_id), move.services[0])
        is_observed = reading.release.is_observed(move.services[0])
        touched = touched[touched["effect"].isin(["gain", "loss", "indistinct", "entering"])]
        if touched.empty or touched["delta_travel_time_min"].eq(0).all():
            # a change of address inside a commune changes no time
            continue
        total, touched = len(touched), touched.head(_MOST_ROWS)
        order = _by_name(reading.communes["name"].reindex(touched.index))
        rows = [_commune_row(reading, code, touched.loc[code], is_observed=is_observed) for code in order]
        note = "" if total <= _MOST_ROWS else f"Les {_MOST_ROWS} premières communes sur {total}."
        caption = f"{title_of(reading, move, scenarios)} : communes touchées."
        blocks.append(table(_COMMUNE_COLUMNS, rows, caption, note=note))
    return [Heading("Écarts commune par commune", new_page=True), *blocks] if blocks else []


def _commune_row(reading: Reading, code: str, row: Any, *, is_observed: bool) -> list[str]:
    """Return the line of one commune under one move."""
    epci = reading.communes["epci_code"].get(code)
    delta = float(row["delta_travel_time_min"])
    return [
        reading.commune(code),
        reading.zone("" if pd.isna(epci) else str(epci)),
        " → ".join(_number(row[f"{side}_travel_time_min"]) for side in ("baseline", "scenario")),
        "–" if math.isnan(delta) else signed(delta),
        _number(row["detectable_min"]),
        _SHORT_EFFECTS[str(row["effect"])],
        code_label("persons", str(row["persons"])) if is_observed else _printed(str(row["persons"])),
    ]


def times_of_today(reading: Reading) -> list[Block]:
    """Return today's times of every commune of the territory to every service."""
    if not reading.services:
        return []
    columns = {}
    for service in reading.services:
        found = reading.times(TODAY, service).reindex(reading.territory.index)
        texts = found["travel_time_min"].map(lambda v: "?" if math.isnan(v) else decimal(float(v), 0))
        columns[service] = texts.mask(found["is_reachable"].eq(False).fillna(False).astype(bool), "hors")
    rows = [
        [reading.commune(code), code, *(texts[code] for texts in columns.values())]
        for code in _by_name(reading.territory["name"])
    ]
    keys: list[Text] = [[strong(f"{i} : "), reading.label(s)] for i, s in enumerate(columns, start=1)]
    heads = ["Commune <2", "Code <0.8", *(f"{i} >0.6" for i in range(1, len(columns) + 1))]
    caption = "Temps de route vers chaque service, numéroté ci-dessus (minutes, aller simple)."
    title = Heading("Temps d'aujourd'hui, commune par commune", new_page=True)
    return [title, Bullets(keys, "small"), table(heads, rows, caption)]


def needs_by_commune(reading: Reading) -> list[Block]:
    """Return the needs of every commune with their range."""
    publics = list(dict.fromkeys(need.public for need in reading.study.need))
    if not publics or reading.release.demand.empty:
        return []
    demand, inside = reading.release.demand, reading.territory.index
    tables = {public: demand.xs(public, level="public").reindex(inside) for public in publics}
    rows = []
    for code in _by_name(reading.territory["name"]):
        cells: list[str] = []
        for need in tables.values():
            low, central, high = (float(need[c][code]) for c in ("demand_low", "demand", "demand_high"))
            cells += [persons(central), range_text(low, high)]
        people = integer(float(reading.territory["population"][code]))
        rows.append([reading.commune(code), people, *cells])
    heads = ["Commune <2", "Habitants >0.9", *need_heads(publics, wide=1.1)]
    caption = "Estimations arrondies ; « < 11 » : moins de onze personnes."
    return [Heading("Besoins, commune par commune", new_page=True), table(heads, rows, caption)]


def child_offer(reading: Reading) -> list[Block]:
    """Return the rate of equipment by EPCI, and how complete the list of sites is."""
    tables = reading.release.child_offer
    makers = {"taux_equipement": rates_table, "offre_recensee": listed_table}
    made = [make(reading, tables[name]) for name, make in makers.items() if len(tables.get(name, ()))]
    return [Heading("Places et établissements pour enfants", new_page=True), *made] if made else []
