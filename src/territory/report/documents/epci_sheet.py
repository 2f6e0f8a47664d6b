"""The sheet of one EPCI: who lives there, how far care is, who gains and loses there, and whom to ask."""

import math

import numpy as np
import pandas as pd

from territory.errors import StudyError, UnknownCodeError
from territory.french.numbers import integer, minutes, share
from territory.french.words import INTERVALS, capital, count, epci_phrase, in_guillemets, join, persons
from territory.release.gate import TODAY
from territory.report.chapters import first_page, journeys, maps, method, moves, pictures, travel_accounts
from territory.report.chapters.needs import range_text
from territory.report.layout import document as doc
from territory.report.reading import UNKNOWN, Move, Readable, Reading, read

_MOST_PAGES = 2
# lines of effects and communes that are shown: fewer when the sheet would be longer than its pages
_LENGTHS = ((40, 30), (12, 26), (9, 20), (6, 14), (4, 8), (2, 4))
_BANDS = ((0, 24, "moins de 25 ans"), (25, 64, "25 à 64 ans"), (65, math.inf, "65 ans et plus"))
_RANGE = ["demand_low", "demand", "demand_high"]


def sheet_codes(result: Readable) -> list[str]:
    """Return the EPCI that a sheet can be written for, the largest first."""
    people = read(result).territory.dropna(subset=["epci_code"]).groupby("epci_code")["population"].sum()
    codes = [str(code) for code in people.index if str(code)]
    if not codes:
        said = "Aucune commune du territoire n'a d'EPCI connu : une fiche d'EPCI est impossible"
        raise StudyError(f"{said} ; complétez la composition des EPCI de l'étude.")
    return sorted(codes, key=lambda code: (-float(people[code]), code))


def epci_sheet(result: Readable, epci: str) -> doc.Document:
    """Return the sheet of one EPCI as data, meant for two pages."""
    reading = read(result)
    codes = sheet_codes(reading)
    if epci not in codes:
        known = ", ".join(f"{code} {reading.zone(code)}" for code in codes)
        raise UnknownCodeError(
            f"Aucune commune du territoire n'est dans l'EPCI « {epci} » ; EPCI connus : {known}."
        )
    place = reading.territory[reading.territory["epci_code"] == epci]
    head, times, offer = _people(reading, place), _times(reading, place), _offer(reading, epci)
    unknown = first_page.questions(reading)
    foot: list[doc.Block] = [doc.Heading(UNKNOWN, 2), doc.Bullets(unknown, "small")] if unknown else []
    board = journeys.board_there(reading, epci)
    picture, foot = _map(reading, place, epci), [*foot, *method.digest_line(reading)]
    name = reading.zone_names[epci]

    def make(level: int) -> doc.Document:
        most_lines, most_communes = _LENGTHS[level]
        effects = _effects(reading, epci, place, most=most_lines)
        if (move := reading.pivot) is not None and move.lasts:
            listed = maps.change_table(reading, move, place.index, most=most_communes)
        else:
            listed = maps.today_table(reading, place.index, most=most_communes)
        return reading.document(
            [*head, *effects, *times, *board, *offer, *picture, *listed, *foot],
            words=["fiche", "EPCI", name],
            title=in_guillemets(name),
            subtitle=f"{reading.study.title} · population {reading.vintage()}",
            kicker=f"Fiche d'EPCI · {reading.study.territory.name}",
            footer=reading.footer(reading.zone(epci)),
        )

    return doc.shortest_needed(make, len(_LENGTHS) - 1, most_pages=_MOST_PAGES)


def _people(reading: Reading, place: pd.DataFrame) -> list[doc.Block]:
    """Say who lives there, and how many are concerned, with the range."""
    population = float(place["population"].sum(min_count=1))
    whole = float(reading.territory["population"].sum(min_count=1))
    part = share(population / whole) if whole > 0 and not math.isnan(population) else "part inconnue"
    figures = [
        (integer(population), "habitants", f"{part} du territoire étudié"),
        (integer(len(place)), "communes" if len(place) > 1 else "commune", f"population {reading.vintage()}"),
    ]
    figures += _needs(reading, place)[:2]
    return [doc.Heading("Qui y vit"), doc.KeyFigures(figures), *_ages(reading, place)]


def _ages(reading: Reading, place: pd.DataFrame) -> list[doc.Block]:
    """Say the shares of ages, there and in the whole territory."""
    parts = []
    for low, high, name in _BANDS:
        there = reading.release.share_of_age(place.index, low, high)
        everywhere = reading.release.share_of_age(reading.territory.index, low, high)
        if not math.isnan(there + everywhere):
            parts.append(f"{share(there)} ont {name} ({share(everywhere)} dans l'ensemble du territoire)")
    needs_text = [f"{label} : {central} ({spread})" for central, label, spread in _needs(reading, place)[2:]]
    texts = [f"{join(parts)}." if parts else "", f"{' ; '.join(needs_text)}." if needs_text else ""]
    return [doc.Paragraph(" ".join(filter(None, texts)), "body")] if any(texts) else []


def _needs(reading: Reading, place: pd.DataFrame) -> list[tuple[str, str, str]]:
    """Return the central estimate, the public and the range of each need in the EPCI."""
    found, demand = [], reading.release.demand
    demand = demand[demand.index.get_level_values("commune_code").isin(place.index)]
    for need in reading.study.need:
        rows = demand.loc[demand.index.get_level_values("public") == need.public, _RANGE]
        low, central, high = map(float, rows.sum(min_count=1))
        label = need.label.partition(" (")[0]
        found.append((persons(central), label, f"estimation : {range_text(low, high)}"))
    return found


def _effects(reading: Reading, epci: str, place: pd.DataFrame, *, most: int) -> list[doc.Block]:
    """Say who gains, who loses and who is left without a service there, move by move."""
    if not reading.release.scenarios:
        return []
    name = epci_phrase(reading.zone_names[epci])
    heading = doc.Heading("Qui y gagne, qui y perd")
    effects = moves.told_effects([reading.counts_of(move) for move in reading.every_move])
    lines: dict[tuple[str, ...], list[str]] = {}
    quiet: dict[str, None] = {}
    for move in reading.every_move:
        said = f"{reading.labels(move.services)}, {reading.road(move.from_site, move.to_site)}"
        if reason := reading.release.service_reason(move.scenario_id, move.services[0]):
            quiet[f"{said} : {reason}"] = None
        elif (cells := _effect_cells(reading, move, epci, effects)) is not None:
            lines.setdefault((f"{said} ({reading.noun_of(move)})", *cells), []).append(move.scenario_id)
        else:
            quiet[f"{said} : rien de visible ici"] = None
    rest = f"{' ; '.join(quiet)}." if quiet else ""
    if not lines:
        nobody = f"Dans {name}, aucun effet ne peut être affirmé."
        return [heading, doc.Paragraph(f"{nobody} {capital(rest)}".strip())]
    # where there is no room for all, those of the service whose trips change most come first
    start = f"{reading.labels(reading.pivot.services)}, " if reading.pivot is not None else ""
    told = sorted(lines, key=lambda key: (not key[0].startswith(start), lines[key], key))[:most]
    told.sort(key=lambda key: (lines[key], key[0]))
    rows = [[key[0], join(lines[key]), *key[1:]] for key in told]
    outside = len(reading.communes[reading.communes["epci_code"] == epci]) - len(place)
    notes = [
        f"Ceux qui habitent à {reading.limit} ou moins du site d'aujourd'hui ; les lignes ne s'additionnent pas.",
        *([INTERVALS] if any(" à " in cell for row in rows for cell in row[2:-1]) else []),
        *([f"Y compris {count(outside, 'commune')} de cet EPCI hors du territoire."] if outside else []),
    ]
    if len(told) < len(lines):
        notes.append(f"{len(told)} lignes sur {len(lines)} ; toutes sont dans l'annexe technique.")
    elif rest:
        notes.append(capital(rest))
    heads = " | ".join(f"{moves.EFFECT_HEADS[effect]} >0.85" for effect in effects)
    columns = f"Service (qui est compté) <2.2 | Scénario <0.75 | {heads} | Communes touchées <2.7"
    caption = f"Effet des scénarios dans {name}."
    return [heading, doc.table(columns, rows, caption, note=" ".join(notes)), *_others_near(reading, place)]


def _effect_cells(reading: Reading, move: Move, epci: str, effects: list[str]) -> tuple[str, ...] | None:
    """Return the numbers of one move in the EPCI; None when it touches nobody there."""
    found = reading.counts_of(move)
    touching = {"gain": "gagnent", "loss": "perdent", "without": "sans ce service"}
    if epci not in found.communes.index or not found.communes.loc[epci, list(touching)].sum() > 0:
        return None
    rows = reading.differences_of(move)
    inside = reading.communes["epci_code"].reindex(rows.index).eq(epci)
    named = []
    for effect, word in touching.items():
        codes = rows.index[(inside & rows["effect"].eq(effect)).to_numpy()]
        if len(codes):
            largest = reading.communes["population"].reindex(codes).fillna(0.0)
            order = largest.sort_values(ascending=False, kind="stable").index
            listed = join([reading.commune(str(code)) for code in order], most=3)
            named.append(f"{word} : {listed}")
    return (*(found.text(epci, effect) for effect in effects), " ; ".join(named))


def _others_near(reading: Reading, place: pd.DataFrame) -> list[doc.Block]:
    """Name the other known establishments near the communes that lose by the move that changes most."""
    move = reading.pivot
    if move is None:
        return []
    rows = reading.differences_of(move).reindex(place.index)
    losing = rows.index[rows["effect"].isin(["loss", "without"])]
    if losing.empty:
        return []
    near = reading.release.others_near(move.services[0], losing)
    near = near[near.le(reading.parameters.recruitment_max_min)]
    named = [f"{reading.site_name(str(site))} ({minutes(float(time))})" for site, time in near.items()]
    where = f"À {reading.limit} ou moins d'une commune qui perd"
    known = f"{where}, autres établissements connus de même nature : {join(named) or 'aucun'}."
    caution = "La liste n'est pas toujours complète, et les places libres ne sont pas connues."
    return [doc.Paragraph(f"{known} {caution}", "small")]


def _offer(reading: Reading, epci: str) -> list[doc.Block]:
    """Return the places and rates of equipment of the EPCI, and who is near common care, with intervals."""
    rates = reading.release.child_offer.get("taux_equipement", pd.DataFrame())
    blocks: list[doc.Block] = []
    if len(rates):
        # a line says nothing where no place is known
        rates = rates[rates["zone"].eq(epci) & rates["known_places"].gt(0)]
    if len(rates):
        blocks.append(travel_accounts.rates_table(reading, rates))
    draws = reading.release.draws
    bounds = sorted(reading.parameters.thresholds_min)[:2]
    if draws is None or not len(draws.coverage):
        return blocks
    rows = []
    for service in reading.closest:
        cells = []
        for bound in bounds:
            key = (epci, service, float(bound))
            if key in draws.coverage.index:
                one = draws.coverage.loc[[key]].iloc[0]
                ends = [share(float(one[f"{end}_share"])) for end in ("low", "high")]
                cells.append(ends[0] if ends[0] == ends[1] else " à ".join(ends))
        if len(cells) == len(bounds):
            rows.append([capital(reading.label(service)), *cells])
    columns = ["Site le plus proche <2", *(f"à {minutes(bound)} ou moins >1" for bound in bounds)]
    caption = "Part des habitants selon le temps de route : ce que le doute sur les temps laisse possible."
    return [*blocks, doc.table(columns, rows, caption)] if rows else blocks


def _times(reading: Reading, place: pd.DataFrame) -> list[doc.Block]:
    """Return the times to each service, today and in each scenario, weighted by inhabitants."""
    every = list(reading.release.scenarios)
    alike: dict[tuple[str, ...], list[str]] = {}
    for service in reading.services:
        today = _mean(reading.times(TODAY, service), place)
        later = [_mean(reading.times(n, service), place) for n in every]
        times = reading.times(TODAY, service).reindex(place.index)["travel_time_min"]
        cells = (today, *later, travel_accounts.farthest(reading, times))
        alike.setdefault(cells, []).append(reading.short(service))
    rows = [[capital(join(names)), *cells] for cells, names in alike.items()]
    if not rows:
        return []
    heads, note = [f"Scénario {name} >0.85" for name in every], ""
    if moves.is_wide(every):
        rows, heads = moves.in_one_column(rows, every, first=2), ["Dans les scénarios <3"]
        note = "« – » : comme aujourd'hui dans tous les scénarios."
    heads = ["Service <2.2", "Aujourd'hui >0.85", *heads, "Le plus loin aujourd'hui <2"]
    caption = "Temps de route moyen des habitants, aller simple."
    return [doc.Heading("À quelle distance des services"), doc.table(heads, rows, caption, note=note)]


def _mean(rows: pd.DataFrame, place: pd.DataFrame) -> str:
    """Write the mean time of the inhabitants of the EPCI."""
    rows = rows.reindex(place.index)
    times, weights = rows["travel_time_min"], place["population"].fillna(0.0)
    far = rows["is_reachable"].eq(False).fillna(False)
    if far.any():
        return "hors d'atteinte" if far.all() else f"hors d'atteinte ({count(int(far.sum()), 'commune')})"
    known = times.notna() & weights.gt(0)
    if len(known) and not known.any():
        return "inconnu"
    return minutes(float(np.average(times[known], weights=weights[known])))


def _map(reading: Reading, place: pd.DataFrame, epci: str) -> list[doc.Block]:
    """Return the map of the EPCI: the difference of the move that changes most, or today's times."""
    move = reading.pivot
    height = 10.0 if len(place) <= 24 else 8.8
    if move is not None and move.lasts:
        picture = pictures.change_map(reading, move, max_height_cm=height, zoom=place.index, zoom_name=epci)
    elif services := reading.services:
        picture = pictures.time_map(reading, services[0], TODAY, max_height_cm=height, zoom=place.index)
    else:
        return []
    return [doc.Heading("La carte"), picture]
