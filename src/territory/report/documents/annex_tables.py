"""The tables of the technical annex: doubt on times, effects by EPCI and by commune, times, needs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from territory.french.numbers import decimal, integer, signed
from territory.french.words import alphabetical, capital, join, persons
from territory.release.gate import TODAY
from territory.report.chapters import method
from territory.report.chapters.moves import zone_name
from territory.report.chapters.needs import listed_table, need_heads, range_text, rates_table
from territory.report.layout.document import (
    Block,
    Bullets,
    DataTable,
    Heading,
    Text,
    rights,
    strong,
)
from territory.report.reading.run_reading import Move, Reading
from territory.scenario.zones import ALL_TERRITORY
from territory.tables.catalogue import code_label

# a table of thousands of lines is read in the workbook
_MOST_ROWS = 400
_ZONE_HEADS = (
    "Gagnent",
    "Perdent",
    "Non disting.",
    "Passent à portée",
    "Sortent de la portée",
    "Inconnu",
    "Moyenne avant (min)",
    "Moyenne après (min)",
)
_COMMUNE_HEADS = (
    "Avant → après (min)",
    "Écart (min)",
    "Visible dès (min)",
    "Effet",
    "Personnes",
)
_SHORT_EFFECTS = {
    "gain": "plus court",
    "loss": "plus long",
    "indistinct": "non distinguable",
    "entering": "passe à portée",
}


def distinct_moves(reading: Reading) -> Iterator[tuple[Move, list[str]]]:
    """Yield each different move with the scenarios that make it."""
    found: dict[tuple[Any, ...], tuple[Move, list[str]]] = {}
    for scenario_id in reading.release.scenarios:
        for move in reading.moves(scenario_id):
            zones = reading.counts(scenario_id, move.services[0]).zones
            key = (move.services, move.from_site, move.to_site, zones.to_csv())
            found.setdefault(key, (move, []))[1].append(scenario_id)
    yield from found.values()


def _title(reading: Reading, move: Move, scenarios: Sequence[str]) -> str:
    """Name a move and its scenarios."""
    road = reading.road(move.from_site, move.to_site)
    word = "scénario" if len(scenarios) == 1 else "scénarios"
    return f"{reading.labels(move.services)}, {road} ({word} {join(scenarios)})"


def doubt(reading: Reading) -> list[Block]:
    """Return the doubt on times, service by service, and on differences, move by move."""
    rows = []
    for service in [*reading.named, *reading.closest]:
        found = reading.times(TODAY, service)
        known = found.dropna(subset=["travel_time_min"])
        cells = [
            _number(known["travel_time_min"].median()),
            _number(known["uncertainty_min"].median()),
            _number(known["uncertainty_min"].max()),
            integer(len(known)),
            integer(int(found["is_reachable"].eq(False).fillna(False).sum())),
            integer(int(found["is_reachable"].isna().sum())),
        ]
        rows.append([capital(reading.short(service)), *cells])
    blocks: list[Block] = [Heading("Le doute sur les temps")]
    if rows:
        heads = ["Temps médian (min)", "Doute médian (± min)", "Doute le plus grand (± min)"]
        blocks.append(
            DataTable(
                ["Service", *heads, "Communes", "Hors d'atteinte", "Inconnu"],
                rows,
                "Temps d'aujourd'hui et leur doute, communes du territoire et des alentours.",
                widths=[1.8, 1.0, 1.0, 1.1, 0.8, 0.8, 0.7],
            )
        )
    return [*blocks, *_differences(reading), *method.method(reading)]


def _differences(reading: Reading) -> list[Block]:
    """Return the smallest difference that can be told, move by move."""
    seen = []
    for move, scenarios in distinct_moves(reading):
        found = reading.differences(move.scenario_id, move.services[0])
        inside = found[found["effect"].isin(["gain", "loss", "indistinct"])]
        told = inside["effect"].ne("indistinct")
        seen.append(
            [
                _title(reading, move, scenarios),
                _number(inside["detectable_min"].min()),
                _number(inside["detectable_min"].median()),
                _number(inside["detectable_min"].max()),
                f"{integer(int(told.sum()))} sur {integer(len(inside))}",
            ]
        )
    return (
        [
            DataTable(
                [
                    "Déménagement",
                    "Le plus petit (min)",
                    "Médian (min)",
                    "Le plus grand (min)",
                    "Communes distinguées",
                ],
                seen,
                "Plus petit écart que le doute sur les temps laisse voir, communes à portée aujourd'hui.",
                widths=[2.6, 0.8, 0.7, 0.8, 1.0],
            )
        ]
        if seen
        else []
    )


def _of_service(table: pd.DataFrame, service: str) -> pd.DataFrame:
    """Return the rows of one service, without its level."""
    rows: pd.DataFrame = table[table.index.get_level_values("service") == service]
    return rows.droplevel("service")


def _zones(reading: Reading, table: pd.DataFrame) -> list[str]:
    """Return the zones of a table by name, the whole last."""
    codes = [str(zone) for zone in table.index if zone != ALL_TERRITORY]
    codes.sort(key=lambda code: (alphabetical(reading.zone(code)), code))
    return [*codes, *([ALL_TERRITORY] if ALL_TERRITORY in table.index else [])]


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
        table = _of_service(reading.release.zones_table(move.scenario_id), move.services[0])
        is_observed = reading.release.is_observed(move.services[0])
        rows = []
        for zone in _zones(reading, table):
            row: Any = table.loc[zone]
            effects = ("gain", "loss", "indistinct", "entering", "leaving", "unknown")
            texts = [str(row[f"persons_{effect}"]) for effect in effects]
            # counts of real children are printed as they are, estimates are rounded
            cells = [code_label("persons", t) if is_observed else _printed(t) for t in texts]
            if zone == ALL_TERRITORY:
                found = reading.counts(move.scenario_id, move.services[0])
                merged = {effect: found.cell(zone, effect) for effect in found.merged}
                cells = [merged.get(effect, cell) for effect, cell in zip(effects, cells, strict=True)]
            means = [_number(row[f"{side}_mean_min"]) for side in ("baseline", "scenario")]
            rows.append([zone_name(reading, str(zone)), *cells, *means])
        blocks.append(
            DataTable(
                ["EPCI", *_ZONE_HEADS],
                rows,
                f"{_title(reading, move, scenarios)} : {reading.noun(move.services[0], is_observed=is_observed)}.",
                widths=[1.7, 0.8, 0.75, 0.8, 0.85, 0.85, 0.75, 0.9, 0.9],
                strong_rows=[len(rows) - 1],
            )
        )
    return [Heading("Gagnants et perdants par EPCI", new_page=True), *blocks] if blocks else []


def by_commune(reading: Reading) -> list[Block]:
    """Return the difference of every move, commune by commune, for those that it touches."""
    blocks: list[Block] = []
    for move, scenarios in distinct_moves(reading):
        table = _of_service(reading.release.communes_table(move.scenario_id), move.services[0])
        is_observed = reading.release.is_observed(move.services[0])
        table = table[table["effect"].isin(["gain", "loss", "indistinct", "entering"])]
        if table.empty or table["delta_travel_time_min"].eq(0).all():
            # a change of address inside a commune changes no time
            continue
        total = len(table)
        table = table.head(_MOST_ROWS)
        order = _by_name(reading.communes["name"].reindex(table.index))
        rows = [_commune_row(reading, code, table.loc[code], is_observed=is_observed) for code in order]
        blocks.append(
            DataTable(
                ["Commune", "EPCI", *_COMMUNE_HEADS],
                rows,
                f"{_title(reading, move, scenarios)} : communes touchées.",
                align=["left", "left", *rights(3), "left", "right"],
                widths=[1.7, 1.85, 0.9, 0.6, 0.75, 1.25, 0.8],
                note="" if total <= _MOST_ROWS else f"Les {_MOST_ROWS} premières communes sur {total}.",
            )
        )
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
    services = [*reading.named, *reading.closest]
    if not services:
        return []
    columns = {
        service: reading.times(TODAY, service).reindex(reading.territory.index) for service in services
    }
    rows = []
    for code in _by_name(reading.territory["name"]):
        cells = [_time(columns[service].loc[code]) for service in services]
        rows.append([reading.commune(code), code, *cells])
    keys: list[Text] = [[strong(f"{i} : "), reading.label(s)] for i, s in enumerate(services, start=1)]
    return [
        Heading("Temps d'aujourd'hui, commune par commune", new_page=True),
        Bullets(keys, "small"),
        DataTable(
            ["Commune", "Code", *(str(i) for i in range(1, len(services) + 1))],
            rows,
            "Temps de route vers chaque service, numéroté ci-dessus (minutes, aller simple).",
            align=["left", "left", *rights(len(services))],
            widths=[2.0, 0.8, *(0.6 for _ in services)],
        ),
    ]


def _time(row: Any) -> str:
    """Write one time."""
    if row["is_reachable"] is not pd.NA and row["is_reachable"] == False:  # noqa: E712
        return "hors"
    return "?" if math.isnan(float(row["travel_time_min"])) else decimal(float(row["travel_time_min"]), 0)


def needs_by_commune(reading: Reading) -> list[Block]:
    """Return the needs of every commune with their range."""
    publics = list(dict.fromkeys(need.public for need in reading.study.need))
    if not publics or reading.release.demand.empty:
        return []
    tables = {
        public: reading.release.demand.xs(public, level="public").reindex(reading.territory.index)
        for public in publics
    }
    rows = []
    for code in _by_name(reading.territory["name"]):
        cells: list[str] = []
        for table in tables.values():
            low, central, high = (float(table[c][code]) for c in ("demand_low", "demand", "demand_high"))
            cells += [persons(central), range_text(low, high)]
        population = float(reading.territory["population"][code])
        rows.append(
            [reading.commune(str(code)), "inconnu" if math.isnan(population) else integer(population), *cells]
        )
    return [
        Heading("Besoins, commune par commune", new_page=True),
        DataTable(
            ["Commune", "Habitants", *need_heads(publics)],
            rows,
            "Estimations arrondies ; « < 11 » : moins de onze personnes.",
            widths=[2.0, 0.9, *([0.8, 1.1] * len(publics))],
        ),
    ]


def child_offer(reading: Reading) -> list[Block]:
    """Return the rate of equipment by EPCI, and how complete the list of sites is."""
    tables = reading.release.child_offer
    makers = {"taux_equipement": rates_table, "offre_recensee": listed_table}
    made = [make(reading, tables[name]) for name, make in makers.items() if len(tables.get(name, ()))]
    return [Heading("Places et établissements pour enfants", new_page=True), *made] if made else []
