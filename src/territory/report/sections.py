"""The inner pages of a council report: what moves, maps, gainers and losers, three accounts of travel, needs, access."""

from __future__ import annotations

import math

import pandas as pd

from territory.report import pictures
from territory.report.document import Block, Bullets, Callout, DataTable, Heading, Paragraph, Text, strong
from territory.report.french import (
    between,
    count,
    integer,
    join,
    minutes,
    persons,
    share,
    signed,
)
from territory.report.reading import EFFECTS, Move, Reading
from territory.scenario.computing import ALL_TERRITORY

_WHO = {"child": "l'enfant", "parent": "le parent", "staff": "le professionnel"}
_WHO_ROAD = {"child": "Route de l'enfant", "parent": "Route du parent", "staff": "Route des professionnels"}
_KINDS = {
    "prevalence": "prévalence : personnes concernées",
    "rights": "droits ouverts",
    "orientation": "orientations en cours",
    "waiting": "personnes en attente",
    "population": "population",
}


def what_moves(reading: Reading) -> list[Block]:
    """Return where each named service is today and in each scenario, with the facts of the study.

    Parameters
    ----------
    reading
        A result, read.

    Returns
    -------
    list of Block
        Nothing when the study names no service and no fact.
    """
    blocks: list[Block] = []
    every = list(reading.result.scenarios)
    if reading.named:
        rows = []
        for service in reading.named:
            places = [reading.site(reading.baseline, service)]
            places += [reading.site(reading.result.scenarios[name], service) for name in every]
            who = join([_WHO[one] for one in ("child", "parent", "staff") if one in reading.who(service)])
            rows.append([reading.label(service), *(reading.place(site) for site in places), who or "–"])
        blocks.append(
            DataTable(
                ["Service", "Aujourd'hui", *(f"Scénario {name}" for name in every), "Qui fait la route"],
                rows,
                "Où est chaque service, aujourd'hui et dans chaque scénario.",
                align=["left"] * (len(every) + 3),
                widths=[1.0] + [0.0] * (len(every) + 2),
            )
        )
    named = [[strong(f"Scénario {s.id}. "), f"{s.name}. {s.summary}"] for s in reading.study.scenario]
    if named:
        blocks.append(Bullets(named))
    facts = [fact for fact in reading.study.fact if fact.about is None]
    if facts:
        items: list[Text] = [f"{fact.text} ({_dated(fact.source, fact.year)})" for fact in facts]
        blocks.append(Callout("Ce que disent les documents publics", items))
    if not blocks:
        return []
    title = "Ce qui est comparé" if every else "Ce qui est étudié"
    return [Heading(title, new_page=True), *blocks]


def _dated(source: str, year: int | None) -> str:
    """Write a source with its year, once."""
    return source if year is None or str(year) in source else f"{source}, {year}"


def maps(reading: Reading) -> list[Block]:
    """Return the maps before, after and of the difference for the move that changes most, each with its numbers.

    Parameters
    ----------
    reading
        A result, read.

    Returns
    -------
    list of Block
        Today's maps alone when there is no scenario.
    """
    move = reading.pivot()
    if move is None or move.from_site is None or move.to_site is None:
        return _maps_of_today(reading)
    service = move.services[0]
    after = reading.result.scenarios[move.scenario_id]
    title = f"Les trajets vers {reading.labels(move.services)}, avant et après"
    blocks: list[Block] = [
        Heading(title, new_page=True),
        Paragraph(_perimeter(reading, service)),
        pictures.time_map(reading, service, reading.baseline, situation="Aujourd'hui", max_height_cm=9.6),
        pictures.time_map(
            reading, service, after, situation=f"Scénario {move.scenario_id}", max_height_cm=9.6
        ),
        Heading("Qui gagne, qui perd", new_page=True),
        pictures.change_map(reading, move, max_height_cm=11.2),
    ]
    zones = ordered_zones(reading, move)
    blocks += [pictures.effects_chart(reading, move, zones), effects_table(reading, move, zones)]
    zoom: list[Block] = []
    if reading.study.territory.focus_epci_code is not None:
        zoom.append(pictures.change_map(reading, move, max_height_cm=13.5, focus_only=True))
    chart = pictures.distribution_chart(reading, move)
    zoom += [chart] if chart is not None else []
    name = reading.study.territory.focus_name or reading.study.territory.name
    return [*blocks, Heading(f"Plus près : {name}", 2), *zoom] if zoom else blocks


def _maps_of_today(reading: Reading) -> list[Block]:
    """Return maps of today's times, two at most by page."""
    services = [*reading.named, *reading.closest][:4]
    drawn: list[Block] = [
        pictures.time_map(reading, service, reading.baseline, situation="Aujourd'hui", max_height_cm=10.0)
        for service in services
        if not reading.times(reading.baseline, service).empty
    ]
    return [Heading("Les temps de route aujourd'hui", new_page=True), *drawn] if drawn else []


def _perimeter(reading: Reading, service: str) -> Text:
    """Say who is counted."""
    limit = minutes(reading.parameters.recruitment_max_min)
    found = reading.noun(service)
    observed = reading.differences(next(iter(reading.result.comparisons)), service)["persons_kind"].eq(
        "observed"
    )
    if observed.any():
        return f"Les {reading.noun(service, is_observed=True)} sont ceux que la structure a déclarés, par commune."
    return (
        f"Faute de connaître les communes d'origine, on compte les {found} qui habitent à {limit} ou moins du site "
        "d'aujourd'hui, y compris dans les départements voisins : c'est la population qu'un trajet plus court ou plus "
        "long concernerait, et non le nombre d'enfants accompagnés."
        if "enfants" in found
        else f"On compte les {found} qui habitent à {limit} ou moins du site d'aujourd'hui."
    )


def ordered_zones(reading: Reading, move: Move) -> list[str]:
    """Return the zones of a move: the one in focus, then those that lose most, then those that gain most.

    Parameters
    ----------
    reading
        A result, read.
    move
        Services that move alike.

    Returns
    -------
    list of str
        Zone codes, without the whole; zones that nothing touches are left out.
    """
    found = reading.counts(move.scenario_id, move.services[0])
    communes = found.communes.drop(ALL_TERRITORY)
    touched = communes[communes[["gain", "loss", "indistinct", "unknown"]].sum(axis=1) > 0].index
    table = found.persons.loc[touched].fillna(0.0)
    focus = reading.study.territory.focus_epci_code
    order = sorted(touched, key=lambda z: (z != focus, -table["loss"][z], -table["gain"][z], str(z)))
    return [str(zone) for zone in order]


def effects_table(reading: Reading, move: Move, zones: list[str]) -> DataTable:
    """Return gainers and losers by zone, with mean times and the commune that loses most.

    Parameters
    ----------
    reading
        A result, read.
    move
        Services that move alike.
    zones
        Zones in order.

    Returns
    -------
    DataTable
        The whole last.
    """
    found = reading.counts(move.scenario_id, move.services[0])
    rows = []
    for zone in [*zones, ALL_TERRITORY]:
        cells = [found.text(zone, effect) for effect in EFFECTS if effect != "unknown"]
        before, after = (_mean(found.zones[f"{side}_mean_min"][zone]) for side in ("baseline", "scenario"))
        worst = found.zones["worst_loss_commune"][zone]
        worst_text = "–"
        if isinstance(worst, str):
            worst_text = (
                f"{reading.commune(worst)} ({signed(float(found.zones['worst_loss_min'][zone]))} min)"
            )
        rows.append([_zone_name(reading, zone), *cells, f"{before} → {after}", worst_text])
    noun = reading.noun(move.services[0], is_observed=found.is_observed)
    limit = minutes(reading.parameters.recruitment_max_min)
    outside = len(found.zones) - 1 - len(zones)
    note = f"« Passent à portée » : aujourd'hui à plus de {limit}, à {limit} ou moins dans le scénario ; non comptés comme gains."
    if outside:
        note += f" {count(outside, 'autre EPCI', 'autres EPCI')}, seulement dans ce dernier cas, ne figurent pas ici."
    return DataTable(
        [
            "EPCI",
            "Gagnent",
            "Perdent",
            "Non distin-guable",
            "Passent à portée",
            "Temps moyen",
            "Commune la plus éloignée",
        ],
        rows,
        f"Scénario {move.scenario_id}, {reading.labels(move.services)} : {noun}, par EPCI.",
        align=["left", *["right"] * 5, "left"],
        widths=[1.25, 0, 0, 0, 0, 0, 1.15],
        strong_rows=[len(rows) - 1],
        note=note,
    )


def _mean(value: float) -> str:
    """Write a mean of minutes, a dash when nobody is there to average over."""
    return "–" if math.isnan(value) else minutes(float(value))


def _zone_name(reading: Reading, zone: str) -> str:
    """Return the name of a zone, marked when none of its communes is in the territory."""
    if zone == ALL_TERRITORY:
        return "Ensemble"
    inside = (reading.territory["epci_code"] == zone).any()
    return reading.zone(zone) if inside else f"{reading.zone(zone)} (hors {reading.study.territory.name})"


def other_moves(reading: Reading) -> list[Block]:
    """Return what the other services change: a table of all, and a map of the one that changes most after the pivot.

    Parameters
    ----------
    reading
        A result, read.

    Returns
    -------
    list of Block
        Nothing without a scenario.
    """
    pivot = reading.pivot()
    if pivot is None:
        return []
    rows, mapped = [], None
    for scenario_id in reading.result.comparisons:
        for move in reading.moves(scenario_id):
            found = reading.counts(scenario_id, move.services[0])
            whole = [found.text(ALL_TERRITORY, effect) for effect in ("gain", "loss", "indistinct")]
            detectable = reading.differences(scenario_id, move.services[0])["detectable_min"].median()
            size = "–" if math.isnan(detectable) else minutes(float(detectable))
            rows.append([scenario_id, reading.labels(move.services), *whole, size])
            is_other = move.services != pivot.services and move.who != frozenset({"staff"})
            if (
                mapped is None
                and is_other
                and move.to_site
                and reading.place(move.from_site) != reading.place(move.to_site)
            ):
                mapped = move
    blocks: list[Block] = [
        Heading("Tous les services qui déménagent", new_page=True),
        DataTable(
            [
                "Scénario",
                "Service",
                "Plus court",
                "Plus long",
                "Non distinguable",
                "Écart visible à partir de",
            ],
            rows,
            "Habitants de l'âge concerné, à portée du site d'aujourd'hui, selon l'effet sur le temps de route.",
            align=["left", "left", *["right"] * 4],
            widths=[0, 1.0, 0, 0, 0, 0],
            note="Les mêmes enfants sont comptés à chaque ligne : les lignes ne s'additionnent pas.",
        ),
    ]
    if mapped is not None:
        blocks.append(pictures.change_map(reading, mapped, max_height_cm=10.0))
    return blocks


def travel_accounts(reading: Reading) -> list[Block]:
    """Return the year's road of one child, of one parent and of the staff, in three tables that are never added up.

    Parameters
    ----------
    reading
        A result, read.

    Returns
    -------
    list of Block
        Nothing when the study states no trip.
    """
    if not any(named.trip for named in reading.named.values()) or not reading.result.comparisons:
        return []
    blocks: list[Block] = [
        Heading("Trois comptes de trajets, jamais additionnés"),
        Paragraph(
            "Temps passé sur la route en une année pour un enfant, en moyenne dans le périmètre d'aujourd'hui. Le nombre "
            "de trajets et le détour des circuits collectifs sont des hypothèses : ils servent à comparer deux "
            "situations, pas à compter des enfants accompagnés."
        ),
    ]
    for who, title in _WHO_ROAD.items():
        rows = [row for name in reading.result.comparisons for row in _account_rows(reading, name, who)]
        if rows:
            blocks.append(
                DataTable(
                    ["Service", "Scénario", "Trajets par an", "Aujourd'hui", "Scénario", "Qui paie"],
                    rows,
                    f"{title} : temps par an.",
                    align=["left", "left", "right", "right", "right", "left"],
                    widths=[1.0, 0, 0, 0, 0, 1.2],
                )
            )
    return blocks


def _account_rows(reading: Reading, scenario_id: str, who: str) -> list[list[str]]:
    """Return the rows of one account for one scenario."""
    trips = reading.result.comparisons[scenario_id].trips
    rows = []
    for service in reading.result.comparisons[scenario_id].services:
        if trips.empty or (ALL_TERRITORY, service, who) not in trips.index:
            continue
        trip = next(trip for trip in reading.named[service].trip if trip.who == who)
        row = trips.xs((ALL_TERRITORY, service, who))
        sides = [
            _hours(float(row[f"{side}_year_low_min"]), float(row[f"{side}_year_high_min"]))
            for side in ("baseline", "scenario")
        ]
        returns = f"{integer(trip.return_trips_per_year)} allers-retours"
        rows.append([reading.short(service), scenario_id, returns, *sides, trip.paid_by or "–"])
    return rows


def _hours(low_min: float, high_min: float) -> str:
    """Write a range of minutes in a year as whole hours."""
    if math.isnan(low_min) or math.isnan(high_min):
        return "inconnu"
    low, high = integer(low_min / 60), integer(high_min / 60)
    return f"{low} h" if low == high else f"{low} à {high} h"


def needs(reading: Reading) -> list[Block]:
    """Return the needs of each public by EPCI with their range and their cautions.

    Parameters
    ----------
    reading
        A result, read.

    Returns
    -------
    list of Block
        Nothing when the study states no need.
    """
    if not reading.study.need or reading.state.demand.empty:
        return []
    blocks: list[Block] = [
        Heading("Combien d'enfants et de jeunes sont concernés ?", new_page=True),
        Callout(
            "Ces nombres ne se comparent pas à des places",
            [
                "Une prévalence compte des personnes concernées, non des demandes : toutes n'ont pas besoin d'une place, "
                "et une orientation de la MDPH peut manquer. Seules les orientations en cours et les listes d'attente "
                "peuvent être rapprochées de places ; elles ne sont pas connues ici."
            ],
            "warning",
        ),
    ]
    tables = {need.public: _needs_by_zone(reading, need.public) for need in reading.study.need}
    for need in reading.study.need:
        table = tables[need.public]
        total = table.loc[ALL_TERRITORY]
        known = "" if need.known_total is None else f" Total observé : {integer(need.known_total)}."
        low, high = float(total["low"]), float(total["high"])
        blocks += [
            Heading(need.label, 2),
            Paragraph(
                f"{reading.study.territory.name} : {between(low, high)}, estimation centrale {persons(float(total['central']))} "
                f"({_KINDS[need.kind]}).{known} {need.caution} Source : {need.source}."
            ),
        ]
    first = reading.study.need[0]
    zones = tables[first.public].drop(ALL_TERRITORY)
    if len(zones):
        blocks.append(pictures.needs_chart(reading, first.public, first.label, zones))
    blocks.append(_needs_table(reading, tables))
    return blocks


def _needs_by_zone(reading: Reading, public: str) -> pd.DataFrame:
    """Return low, central and high by zone of the territory, the largest first, and the whole."""
    rows = reading.state.demand
    rows = rows[rows.index.get_level_values("public") == public].droplevel("public")
    rows = rows[["demand_low", "demand", "demand_high"]].set_axis(["low", "central", "high"], axis=1)
    rows = rows.reindex(reading.territory.index)
    grouped = rows.groupby(reading.territory["epci_code"].fillna("")).sum(min_count=1)
    grouped = grouped.sort_values("central", ascending=False, kind="stable")
    grouped.loc[ALL_TERRITORY] = rows.sum(min_count=1)
    return grouped


def _needs_table(reading: Reading, tables: dict[str, pd.DataFrame]) -> DataTable:
    """Return every public by EPCI."""
    zones = list(next(iter(tables.values())).index)
    rows = []
    for zone in zones:
        cells = []
        for table in tables.values():
            low, central, high = (float(table[column][zone]) for column in ("low", "central", "high"))
            cells += [persons(central), f"{persons(low)} à {persons(high)}"]
        rows.append([_zone_name(reading, str(zone)), *cells])
    heads = [
        f"{need.public.upper() if len(need.public) < 5 else need.public.capitalize()}"
        for need in reading.study.need
    ]
    return DataTable(
        ["EPCI", *(text for head in heads for text in (f"{head} : central", "bas à haut"))],
        rows,
        "Personnes concernées par EPCI : estimation centrale, et fourchette.",
        strong_rows=[len(rows) - 1],
        note="Estimations arrondies ; « < 11 » : moins de onze. La part des communes d'un EPCI situées hors du territoire n'y est pas.",
    )


def common_care(reading: Reading) -> list[Block]:
    """Return how near the closest hospital, emergency department and GP are, for services with a complete list.

    Parameters
    ----------
    reading
        A result, read.

    Returns
    -------
    list of Block
        Nothing when no list is complete.
    """
    coverage = reading.baseline.coverage
    if not reading.closest or coverage.empty:
        return []
    blocks: list[Block] = [Heading("Les soins courants : à quelle distance ?", new_page=True)]
    bounds = sorted(reading.parameters.thresholds_min)[:3]
    rows, items = [], []
    for service in reading.closest:
        table = coverage.xs(service, level="service")
        cells = [share(float(table[f"within_{bound:g}_min_share"][ALL_TERRITORY])) for bound in bounds]
        times = reading.times(reading.baseline, service).reindex(reading.territory.index)["travel_time_min"]
        name = reading.label(service)
        rows.append([name[:1].upper() + name[1:], *cells, _farthest(reading, times)])
        items.append(service)
    heads = [f"à {minutes(bound)} ou moins" for bound in bounds]
    blocks.append(
        DataTable(
            ["Site le plus proche", *heads, "Commune la plus éloignée"],
            rows,
            f"Part des habitants du territoire « {reading.study.territory.name} » selon le temps de route.",
            align=["left", *["right"] * len(bounds), "left"],
            widths=[1.0, *[0.0] * len(bounds), 1.0],
        )
    )
    blocks.append(_coverage_table(reading, items, bounds))
    blocks += _incomplete(reading)
    return blocks


def _farthest(reading: Reading, times: pd.Series) -> str:
    """Name the commune farthest from a service."""
    known = times.dropna()
    if known.empty:
        return "–"
    return f"{reading.commune(str(known.idxmax()))} ({minutes(float(known.max()))})"


def _coverage_table(reading: Reading, services: list[str], bounds: list[float]) -> DataTable:
    """Return the share of inhabitants within the first or second bound, by EPCI and service."""
    chosen = bounds[:2]
    coverage = reading.baseline.coverage
    zones = [zone for zone in coverage.index.get_level_values("zone").unique() if zone != ALL_TERRITORY]
    population = reading.territory.groupby("epci_code")["population"].sum()
    zones.sort(key=lambda zone: (-float(population.get(zone, 0.0)), str(zone)))
    rows = []
    for zone in zones:
        cells = []
        for service in services:
            table = coverage.xs(service, level="service")
            cells += [
                share(float(table[f"within_{bound:g}_min_share"][zone])) if zone in table.index else "–"
                for bound in chosen
            ]
        rows.append([reading.zone(str(zone)), *cells])
    names = {"hopital": "Hôpital", "urgences": "Urgences", "medecin_generaliste": "Généraliste"}
    heads = [f"{names.get(service, service)} {bound:g} min" for service in services for bound in chosen]
    return DataTable(
        ["EPCI", *heads], rows, "Part des habitants de chaque EPCI à portée du site le plus proche."
    )


def _incomplete(reading: Reading) -> list[Block]:
    """Say which closest sites are not measured, and why."""
    asked = [s for s in reading.parameters.closest_services if s not in reading.closest]
    reasons = getattr(reading.result.dataset, "completeness", None)
    if not asked:
        return []
    items: list[Text] = []
    for service in asked:
        known = reasons is not None and service in reasons.index
        why = str(reasons["reason"][service]) if known and reasons is not None else "aucune liste complète."
        name = reading.label(service)
        items.append([strong(name[:1].upper() + name[1:]), f" : {why}"])
    return [Callout("Non mesuré, parce que la liste des sites n'est pas complète", items, "warning")]
