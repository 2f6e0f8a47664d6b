"""The sheet of one EPCI: who lives there, how far care is, who gains and loses there, and whom to ask."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from territory.errors import StudyError, UnknownCodeError
from territory.french.numbers import integer, minutes, share
from territory.french.words import capital, count, epci_phrase, in_guillemets, join, persons
from territory.release.gate import TODAY
from territory.report.chapters import maps, method, pictures
from territory.report.chapters.first_page import questions
from territory.report.chapters.moves import in_one_column, is_wide
from territory.report.chapters.needs import range_text
from territory.report.chapters.travel_accounts import farthest
from territory.report.layout.document import Block, Bullets, Document, Heading, KeyFigures, Paragraph, table
from territory.report.layout.pdf import shortest_needed
from territory.report.reading import UNKNOWN, Move, Readable, Reading, read

_MOST_PAGES = 2
# lines of effects and communes that are shown: fewer when the sheet would be longer than its pages
_LENGTHS = ((40, 30), (12, 30), (9, 26), (6, 20), (4, 14), (2, 8))
_BANDS = ((0, 24, "moins de 25 ans"), (25, 64, "25 à 64 ans"), (65, math.inf, "65 ans et plus"))
_RANGE = ["demand_low", "demand", "demand_high"]


def sheet_codes(result: Readable) -> list[str]:
    """Return the EPCI that a sheet can be written for, the largest first."""
    territory = read(result).territory
    people = territory.dropna(subset=["epci_code"]).groupby("epci_code")["population"].sum()
    codes = [str(code) for code in people.index if str(code)]
    if not codes:
        raise StudyError(
            "Aucune commune du territoire n'a d'EPCI connu : une fiche d'EPCI est impossible ; complétez la "
            "composition des EPCI de l'étude."
        )
    return sorted(codes, key=lambda code: (-float(people[code]), code))


def epci_sheet(result: Readable, epci: str) -> Document:
    """Return the sheet of one EPCI as data, meant for two pages."""
    reading = read(result)
    codes = sheet_codes(reading)
    if epci not in codes:
        known = ", ".join(f"{code} {reading.zone(code)}" for code in codes)
        raise UnknownCodeError(
            f"Aucune commune du territoire n'est dans l'EPCI « {epci} » ; EPCI connus : {known}."
        )
    place = reading.territory[reading.territory["epci_code"] == epci]
    head, times = _people(reading, place), _times(reading, place)
    unknown = questions(reading)
    foot: list[Block] = [Heading(UNKNOWN, 2), Bullets(unknown, "small")] if unknown else []
    picture, foot = _map(reading, place, epci), [*foot, *method.digest_line(reading)]
    name, territory = reading.zone_names[epci], reading.study.territory.name
    subtitle = f"{reading.study.title} · population {reading.vintage()}"

    def make(level: int) -> Document:
        most_lines, most_communes = _LENGTHS[level]
        effects = _effects(reading, epci, place, most=most_lines)
        if (move := reading.pivot) is not None and move.lasts:
            listed = maps.change_table(reading, move, place.index, most=most_communes)
        else:
            listed = maps.today_table(reading, place.index, most=most_communes)
        return reading.document(
            in_guillemets(name),
            [*head, *effects, *times, *picture, *listed, *foot],
            subtitle=subtitle,
            kicker=f"Fiche d'EPCI · {territory}",
            footer=f"{reading.zone(epci)} · {subtitle}",
            keywords=["fiche", "EPCI", name, territory],
        )

    return shortest_needed(make, len(_LENGTHS) - 1, most_pages=_MOST_PAGES)


def _people(reading: Reading, place: pd.DataFrame) -> list[Block]:
    """Say who lives there, and how many are concerned, with the range."""
    population = float(place["population"].sum(min_count=1))
    whole = float(reading.territory["population"].sum(min_count=1))
    part = share(population / whole) if whole > 0 and not math.isnan(population) else "part inconnue"
    figures = [
        (maps.whole_or_unknown(population), "habitants", f"{part} du territoire étudié"),
        (integer(len(place)), "communes" if len(place) > 1 else "commune", f"population {reading.vintage()}"),
    ]
    figures += _needs(reading, place)[:2]
    return [Heading("Qui y vit"), KeyFigures(figures), *_ages(reading, place)]


def _ages(reading: Reading, place: pd.DataFrame) -> list[Block]:
    """Say the shares of ages, there and in the whole territory."""
    parts = []
    for low, high, name in _BANDS:
        there = reading.release.share_of_age(place.index, low, high)
        everywhere = reading.release.share_of_age(reading.territory.index, low, high)
        if not math.isnan(there + everywhere):
            parts.append(f"{share(there)} ont {name} ({share(everywhere)} dans l'ensemble du territoire)")
    needs_text = [f"{label} : {central} ({spread})" for central, label, spread in _needs(reading, place)[2:]]
    texts = [f"{join(parts)}." if parts else "", f"{' ; '.join(needs_text)}." if needs_text else ""]
    return [Paragraph(" ".join(filter(None, texts)), "body")] if any(texts) else []


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


def _effects(reading: Reading, epci: str, place: pd.DataFrame, *, most: int) -> list[Block]:
    """Say who gains and who loses there, move by move."""
    if not reading.release.scenarios:
        return []
    name = epci_phrase(reading.zone_names[epci])
    heading = Heading("Qui y gagne, qui y perd")
    lines: dict[tuple[str, ...], list[str]] = {}
    quiet: list[str] = []
    for move in reading.every_move:
        cells = _effect_cells(reading, move, epci)
        said = f"{reading.labels(move.services)} ({reading.road(move.from_site, move.to_site)})"
        if cells is not None:
            lines.setdefault((said, *cells), []).append(move.scenario_id)
        elif said not in quiet:
            quiet.append(said)
    if not lines:
        nobody = (
            f"Dans {name}, aucun scénario n'a d'effet mesurable : les services qui déménagent sont, aujourd'hui comme "
            f"demain, à plus de {reading.limit}, ou l'écart est sous le doute sur les temps. Personne n'y gagne et "
            "personne n'y perd de façon que l'on puisse dire."
        )
        return [heading, Paragraph(nobody)]
    # where there is no room for all, those of the service whose trips change most come first
    start = f"{reading.labels(reading.pivot.services)} (" if reading.pivot is not None else ""
    told = sorted(lines, key=lambda key: (not key[0].startswith(start), lines[key], key))[:most]
    told.sort(key=lambda key: (lines[key], key[0]))
    rows = [[key[0], join(lines[key]), *key[1:]] for key in told]
    note = "Habitants de l'âge concerné à portée du site d'aujourd'hui ; les lignes ne s'additionnent pas. "
    outside = len(reading.communes[reading.communes["epci_code"] == epci]) - len(place)
    if outside:
        note += f"Y compris {count(outside, 'commune')} de cet EPCI hors du territoire. "
    note += "« Passent à portée » : seulement dans le scénario, non comptés comme gagnants."
    if len(told) < len(lines):
        note += f" {len(told)} lignes sur {len(lines)} ; toutes sont dans l'annexe technique."
    elif quiet:
        note += f" Aucun effet mesurable ici : {' ; '.join(quiet)}."
    columns = (
        "Service qui déménage <2 | Scénario <0.75 | Gagnent >0.75 | Perdent >0.72 | Écart non distinguable >1 | "
        "Passent à portée >0.8 | Communes touchées <2.9"
    )
    return [heading, table(columns, rows, f"Effet des scénarios dans {name}.", note=note)]


def _effect_cells(reading: Reading, move: Move, epci: str) -> tuple[str, ...] | None:
    """Return the numbers of one move in the EPCI; None when it touches nobody there."""
    found = reading.counts_of(move)
    if epci not in found.communes.index:
        return None
    if not found.communes.loc[epci, ["gain", "loss", "entering", "unknown"]].sum() > 0:
        return None
    texts = [found.text(epci, effect) for effect in ("gain", "loss", "indistinct", "entering")]
    rows = reading.differences_of(move)
    inside = reading.communes["epci_code"].reindex(rows.index).eq(epci)
    named = []
    for effect, word in (("gain", "gagnent"), ("loss", "perdent")):
        codes = rows.index[(inside & rows["effect"].eq(effect)).to_numpy()]
        if len(codes):
            largest = reading.communes["population"].reindex(codes).fillna(0.0)
            order = largest.sort_values(ascending=False, kind="stable").index
            listed = join([reading.commune(str(code)) for code in order], most=3)
            named.append(f"{word} : {listed}")
    return (*texts, " ; ".join(named) or "–")


def _times(reading: Reading, place: pd.DataFrame) -> list[Block]:
    """Return the times to each service, today and in each scenario, weighted by inhabitants."""
    every = list(reading.release.scenarios)
    alike: dict[tuple[str, ...], list[str]] = {}
    for service in reading.services:
        today = _mean(reading.times(TODAY, service), place)
        later = [_mean(reading.times(n, service), place) for n in every]
        times = reading.times(TODAY, service).reindex(place.index)["travel_time_min"]
        cells = (today, *later, farthest(reading, times))
        alike.setdefault(cells, []).append(reading.short(service))
    rows = [[capital(join(names)), *cells] for cells, names in alike.items()]
    if not rows:
        return []
    heads, note = [f"Scénario {name} >0.85" for name in every], ""
    if is_wide(every):
        rows, heads = in_one_column(rows, every, first=2), ["Dans les scénarios <3"]
        note = "« – » : comme aujourd'hui dans tous les scénarios."
    heads = ["Service <2.2", "Aujourd'hui >0.85", *heads, "Le plus loin aujourd'hui <2"]
    caption = "Temps de route moyen des habitants, aller simple."
    return [Heading("À quelle distance des services"), table(heads, rows, caption, note=note)]


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


def _map(reading: Reading, place: pd.DataFrame, epci: str) -> list[Block]:
    """Return the map of the EPCI: the difference of the move that changes most, or today's times."""
    move = reading.pivot
    height = 10.0 if len(place) <= 24 else 8.8
    if move is not None and move.lasts:
        picture = pictures.change_map(reading, move, max_height_cm=height, zoom=place.index, zoom_name=epci)
    elif services := reading.services:
        picture = pictures.time_map(reading, services[0], TODAY, max_height_cm=height, zoom=place.index)
    else:
        return []
    return [Heading("La carte", new_page=True), picture]
