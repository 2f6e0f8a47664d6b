"""The pages of maps: before, after, difference, the EPCI in focus, each with its numbers as a chart or a table."""

import math
from collections.abc import Mapping
from functools import partial
from itertools import pairwise

import numpy as np
import pandas as pd

from territory.french.numbers import decimal, from_to, integer, minutes
from territory.french.words import change, count, of_place
from territory.plot import style
from territory.plot.maps import legend as legends
from territory.plot.maps.choropleth import Panel, draw_map
from territory.release.gate import TODAY
from territory.report.chapters import pictures
from territory.report.chapters.moves import effects_table, ordered_zones
from territory.report.chapters.travel_accounts import rates_table
from territory.report.layout import document as doc
from territory.report.reading import STAFF, Move, Reading, whole_change
from territory.supply.places import ALL_MODES

_MOST_COMMUNES = 40


def maps(reading: Reading) -> list[doc.Part]:
    """Return the maps of the move that changes most, or today's times where there is none to map."""
    move = reading.pivot
    if move is None or not move.lasts:
        drawn: list[doc.Block] = [
            pictures.time_map(reading, service, TODAY, max_height_cm=10.0)
            for service in reading.services[:4]
            if not reading.times(TODAY, service).empty
        ]
        title = doc.Heading("Les temps de route aujourd'hui", new_page=bool(reading.every_move))
        return [doc.Part([title, *drawn] if drawn else [])]
    service, way = move.services[0], "depuis" if move.who == STAFF else "vers"
    noun = reading.noun_of(move)
    counted = doc.wording("maps.perimeter", noun=noun, limit=reading.limit)
    if reading.counts_of(move).is_observed:
        counted = f"Les {noun} sont ceux que l'étude donne, par commune d'origine."
    before_and_after: list[doc.Block] = [
        doc.Heading(f"Les trajets {way} {reading.the(move.services)}, avant et après"),
        doc.Paragraph(counted),
        pictures.time_map(reading, service, TODAY, max_height_cm=8.4),
        pictures.time_map(reading, service, move.scenario_id, max_height_cm=8.4),
        _within_table(reading, move),
    ]
    blocks: list[doc.Block] = [
        doc.Heading("Qui gagne, qui perd"),
        pictures.change_map(reading, move, max_height_cm=10.0),
        *change_table(reading, move, reading.territory.index, most=16, told_only=True),
    ]
    zones = ordered_zones(reading, move)
    if zones:
        blocks.append(effects_table(reading, move, zones))
    return [*[doc.Part(before_and_after), doc.Part(blocks)], *_closer(reading, move)]


def rates(reading: Reading) -> list[doc.Part]:
    """Return the map of the places of the service that most EPCI have, for 1,000 young persons, with its numbers."""
    table = reading.release.child_offer.get("taux_equipement", pd.DataFrame())
    if table.empty:
        return []
    table = table[table["reception_mode"] == ALL_MODES]
    some = table[table["places_per_1000"].gt(0) & table["zone"].isin(reading.territory["epci_code"])]
    counts = some["service"].value_counts(sort=False)
    if counts.empty or counts.max() < 2:
        return []
    return [doc.Part(partial(_rates, reading, table, str(counts.idxmax())), "la carte des places", leaves=8)]


def _rates(reading: Reading, table: pd.DataFrame, service: str) -> list[doc.Block]:
    """Draw the rate of one service, by EPCI."""
    rows, areas = table[table["service"] == service], pictures.areas_of(reading)
    by_zone = rows.set_index("zone")["places_per_1000"]
    rate = reading.territory["epci_code"].map(by_zone.to_dict()).astype(float).reindex(areas.index)
    bounds = sorted({0.0, *(round(float(rate[rate > 0].quantile(part)), 1) for part in (0.25, 0.5, 0.75))})
    words = ["aucune place", *(f"plus de {decimal(one)} à {decimal(two)}" for one, two in pairwise(bounds))]
    words.append(f"plus de {decimal(bounds[-1])}")
    keys = pd.Series(np.searchsorted(bounds, rate.fillna(0.0)).astype(str), index=rate.index)
    keys = keys.where(rate.notna(), legends.UNKNOWN.key)
    classes = [legends.Category(str(i), said, style.SEQUENTIAL[i]) for i, said in enumerate(words)]
    name = f"Places en {reading.label(service)} pour 1 000 jeunes de moins de 20 ans"
    legend = legends.Legend(legends.shown([*classes, legends.UNKNOWN], keys), name)
    panel = Panel(areas, keys, zones=reading.communes["epci_code"], names=pictures.places(reading, 6))
    shown = (f"{said} : {count(int(keys.eq(str(i)).sum()), 'commune')}" for i, said in enumerate(words))
    picture = doc.Picture(
        style.to_svg(draw_map(panel, legend, max_height_cm=9.5)),
        alt=f"Carte de {count(len(areas), 'commune')}. {name}, par EPCI. {' ; '.join(shown)}.",
        caption=f"{name}, par EPCI.",
        source=pictures.map_source(reading),
    )
    rows = rows.sort_values("young_hab", ascending=False, kind="stable")
    title = doc.Heading(f"Où sont les places : {reading.label(service)}")
    return [title, picture, rates_table(reading, rows)]


def _within_table(reading: Reading, move: Move) -> doc.DataTable:
    """Return the numbers of the maps before and after: communes and persons within each time of the site."""
    service = move.services[0]
    situations = {"Aujourd'hui": TODAY, f"Scénario {move.scenario_id}": move.scenario_id}
    lines = {
        bound: [pictures.within(reading, service, situation, bound) for situation in situations.values()]
        for bound in pictures.bounds_of(reading)
    }
    has_persons = all(people is not None for line in lines.values() for _, people in line)
    nouns = ["communes", reading.noun(service).split(" ")[0]][: 1 + has_persons]
    heads = [f"{name} : {noun} >1" for name in situations for noun in nouns]
    rows = []
    for bound, line in lines.items():
        cells = [cell for communes, people in line for cell in (integer(communes), str(people))[: len(nouns)]]
        rows.append([f"à {minutes(bound)} ou moins", *cells])
    whom = f"communes et {reading.noun(service)}" if has_persons else "communes"
    caption = f"Autour {of_place(reading.the([service]))} : {whom}, départements voisins compris."
    return doc.table(["Du site <1.3", *heads], rows, caption)


def _closer(reading: Reading, move: Move) -> list[doc.Part]:
    """Return the EPCI in focus in detail."""
    focus = pictures.focus_of(reading)
    if focus is None:
        return []
    name = reading.study.territory.focus_name or reading.study.territory.name

    def made() -> list[doc.Block]:
        code = reading.study.territory.focus_epci_code
        return [
            doc.Heading(f"Plus près : {name}"),
            pictures.change_map(reading, move, max_height_cm=9.4, zoom=focus, zoom_name=code),
            *change_table(reading, move, focus, most=_MOST_COMMUNES, where=f", {name}"),
        ]

    return [doc.Part(made, f"la carte de détail, {name} (elle est aussi dans la fiche de l'EPCI)", leaves=5)]


def next_map(reading: Reading) -> list[doc.Block]:
    """Return the map of the move that is felt most after the one told at length, for the annex."""
    pivot = reading.pivot
    if pivot is None or not pivot.lasts:
        return []
    for other in reading.every_move:
        is_told = other.services != pivot.services and other.who != STAFF
        is_far = reading.place(other.from_site) != reading.place(other.to_site)
        # a map of differences that cannot be told shows hatches: page 1 says it in a line
        if is_told and other.lasts and is_far and reading.is_felt(other):
            return [
                doc.Heading(f"Et pour {reading.the(other.services)} ?"),
                pictures.change_map(reading, other, max_height_cm=8.6),
                *change_table(reading, other, reading.territory.index, most=12, told_only=True),
            ]
    return []


# a short table is not cut in two
_SHORT = 6
BESIDE = {"entering": "entre dans le périmètre", "outside": "hors périmètre", "without": "sans ce service"}


def change_table(
    reading: Reading, move: Move, codes: pd.Index, *, most: int, told_only: bool = False, where: str = ""
) -> list[doc.Block]:
    """Return the change of travel time of some communes, the largest first."""
    rows = reading.differences_of(move).reindex(codes)
    sides = [f"{side}_travel_time_min" for side in ("baseline", "scenario")]
    rows = rows.dropna(subset=sides, how="all")
    if told_only:
        rows = rows[rows["effect"].isin(["gain", "loss"])]
    total = len(rows)
    # as they are written, then as they are
    shown, sizes = whole_change(rows).abs().fillna(-1.0), rows["delta_travel_time_min"].abs().fillna(-1.0)
    order = rows.assign(shown=shown, size=sizes, name=reading.communes["name"].reindex(rows.index))
    order = order.sort_values(["shown", "size", "name"], ascending=[False, False, True], kind="stable").head(
        most
    )
    cells, beside = [], BESIDE | {"entering": f"désormais ≤ {reading.limit}"}
    for code, row in order.iterrows():
        times = from_to(*map(float, row[sides]))
        cells.append([reading.commune(str(code)), times, said_of(row, beside, "inconnu")])
    name = (
        f"{reading.labels(move.services)}, d'aujourd'hui au scénario {move.scenario_id}{where}, aller simple"
    )
    return [_in_two(cells, ["Commune", "Temps de route", "Écart"], f"{name}.", total)] if cells else []


def today_table(reading: Reading, codes: pd.Index, *, most: int) -> list[doc.Block]:
    """Return today's times of some communes to the first service of the study, the longest first."""
    if not reading.services:
        return []
    service = reading.services[0]
    times = reading.times(TODAY, service).reindex(codes)["travel_time_min"]
    people = reading.communes["population"].reindex(codes)
    order = times.sort_values(ascending=False, kind="stable").index[:most]
    cells = [[reading.commune(str(c)), integer(float(people[c])), written_minutes(times[c])] for c in order]
    caption = f"Temps de route d'aujourd'hui, {reading.label(service)}."
    return [_in_two(cells, ["Commune", "Habitants", "Temps"], caption, len(codes))]


def said_of(row: pd.Series, words: Mapping[str, str], unknown: str) -> str:
    """Say what the difference is for one commune, in these words where there is none to measure."""
    effect = str(row["effect"])
    if effect in ("gain", "loss", "indistinct"):
        return change(whole_change(row), is_distinguishable=effect != "indistinct")
    return words.get(effect, unknown)


def written_minutes(value: float) -> str:
    """Write minutes, a question mark when they are unknown."""
    return "?" if math.isnan(float(value)) else minutes(float(value))


def _in_two(cells: list[list[str]], heads: list[str], caption: str, total: int) -> doc.DataTable:
    """Put a narrow table on two columns."""
    half = -(-len(cells) // 2) if len(cells) > _SHORT else len(cells)
    left, right = cells[:half], cells[half:]
    note = ""
    if total > len(cells):
        note = f"Les {len(cells)} communes les plus concernées sur {total} ; toutes sont dans l'annexe et le classeur."
    if not right:
        return doc.DataTable(heads, left, caption, note=note)
    right = [*right, *([[""] * len(heads)] * (len(left) - len(right)))]
    columns = [f"{heads[0]} <1.27", f"{heads[1]} >1", *(f"{head} >1.32" for head in heads[2:])] * 2
    rows = [[*one, *two] for one, two in zip(left, right, strict=True)]
    return doc.table(columns, rows, caption, note=note)
