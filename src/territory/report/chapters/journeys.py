"""Journeys but that of a family by car: time on board of rounds, time of who has no car."""

from functools import partial
from itertools import pairwise
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from territory.access.deserts import IN_DESERT, NOT_COMPUTABLE
from territory.french.numbers import NBSP, decimal, integer, minutes, share
from territory.french.words import capital, count, join
from territory.plot import style
from territory.plot.maps.choropleth import Panel, draw_map
from territory.plot.maps.legend import Category, Legend
from territory.release.gate import TODAY
from territory.report.chapters import pictures
from territory.report.chapters.moves import grouped, is_wide
from territory.report.layout import document as doc
from territory.report.reading import Reading
from territory.scenario.zones import ALL_TERRITORY
from territory.study.words.model import TripRounds
from territory.tables.declare import CODES

_IN_TABLES = ("mean_ride_km", "mean_direct_km", "week_km")
_ON_ROUND = Category("round", "commune desservie, rang de passage", style.SEQUENTIAL[1])
# what is drawn around the stops of a round (m)
_AROUND_M = 12_000.0
_NOT = Category("none", "autre commune", style.OUTSIDE)


def time_on_board(reading: Reading, *, whole: bool = False) -> list[doc.Block]:
    """Return rounds before and after, for children then for professionals (with their tables in the whole chapter)."""
    found = _rounds(reading, ALL_TERRITORY)
    if found.empty:
        return []
    said = doc.wording("journeys.rounds")
    supposed = found[found["is_illustrative"].astype(bool)].drop_duplicates(["service", "who"])
    if len(supposed):
        pairs = supposed[["service", "children_count"]].itertuples(index=False)
        named = [f"{integer(n)} pour {reading.the([name])}" for name, n in pairs]
        said += f" Nombre d'enfants supposé, à titre d'illustration : {join(named)}."
    blocks: list[doc.Block] = [doc.Heading("Le temps à bord"), doc.Paragraph(said)]
    for (service, who), rows in found.groupby(["service", "who"], sort=False):
        if secret := next(filter(None, rows["reason"]), ""):
            lead = doc.strong(f"{capital(reading.short(str(service)))}.")
            blocks.append(doc.Paragraph([lead, f" Tournées : {secret}."]))
            continue
        is_short = who == "staff" and not whole
        blocks.append((_on_the_road if is_short else _table)(reading, str(service), str(who), rows))
        if who == "child":
            blocks += [*_limits(reading, str(service)), *_maps(reading, str(service))]
    return blocks


def board_there(reading: Reading, epci: str) -> list[doc.Block]:
    """Return the time on board of the children who live in an EPCI, before and after; nothing where few were drawn."""
    found = _rounds(reading, epci)
    if found.empty:
        return []
    found = found[found["measure"].isin(["mean_ride_min", "mean_direct_min", "over_45_share"])]
    blocks = []
    for (service, who), rows in found.groupby(["service", "who"], sort=False):
        caption = f"{capital(reading.short(str(service)))} : enfants d'ici à bord"
        blocks.append(_table(reading, str(service), str(who), rows, caption))
    return [doc.Heading("Le temps à bord"), *blocks] if blocks else []


def _rounds(reading: Reading, zone: str) -> pd.DataFrame:
    """Return the rounds of a zone that a page shows: kilometres of one child are in the tables alone."""
    found = reading.release.rounds[0]
    return found if found.empty else found[found["zone"].eq(zone) & ~found["measure"].isin(_IN_TABLES)]


def _on_the_road(reading: Reading, service: str, who: str, rows: pd.DataFrame) -> doc.Paragraph:
    """Say which share of their working time professionals spend on the road, today and in each scenario."""
    spent = rows[rows["measure"].eq("road_share")]
    times = [f"{_cell(spent.iloc[0], 'baseline', 'share')} aujourd'hui"]
    for _, row in spent[spent["scenario"].ne(TODAY)].iterrows():
        times.append(f"{_cell(row, 'scenario', 'share')} dans le scénario {row['scenario']}")
    told = f"{join(times)} ({_rules(reading, service, who)}). Le reste est dans l'annexe."
    lead = doc.strong(f"{capital(reading.short(service))}.")
    return doc.Paragraph([lead, f" Temps de travail passé sur la route : {told}"])


def _doubt(reading: Reading, scenario_id: str, row: Any) -> str:
    """Return the mark of a difference that the doubt on times hides, whatever the homes drawn."""
    told = reading.release.zones_table(scenario_id)["is_mean_distinguishable"].get(
        (row["zone"], row["service"])
    )
    is_hidden = row["unit"] == "min" and (told is pd.NA or (told is not None and not told))
    return f"{NBSP}≈" if is_hidden else ""


def _table(reading: Reading, service: str, who: str, rows: pd.DataFrame, caption: str = "") -> doc.DataTable:
    """Return the measures of one service, one column for each situation."""
    every = [name for name in dict.fromkeys(rows["scenario"]) if name != TODAY]
    lines = []
    for measure, of_it in rows.groupby("measure", sort=False):
        by_scenario = of_it.set_index("scenario")
        first = by_scenario.iloc[0]
        cells = [_cell(first, "baseline", str(first["unit"]))]
        cells += [
            _cell(by_scenario.loc[name], "scenario", str(first["unit"])) + _doubt(reading, name, first)
            for name in every
        ]
        lines.append([CODES["round_measures"][str(measure)], *cells])
    no_price = who == "child" and not caption and "year_eur" not in set(rows["measure"])
    caption = f"{caption or capital(reading.short(service))} : {_rules(reading, service, who)}."
    caption += doc.wording("journeys.no_price") if no_price else ""
    heads = [f"Scénario {name} >1" for name in every]
    if is_wide(every):
        heads = ["Dans les scénarios <3"]
        lines = [[*line[:2], grouped(dict(zip(every, line[2:], strict=True)), line[1])] for line in lines]
    return doc.table(["Mesure <1.6", "Aujourd'hui >1", *heads], lines, caption)


def _limits(reading: Reading, service: str) -> list[doc.Block]:
    """Return what each limit on board takes, today and in the scenarios that change it; nothing unless it is asked."""
    found = reading.release.rounds[2]
    found = found if found.empty else found[found["service"].eq(service) & found["reason"].eq("")]
    if found.empty:
        return []
    today, measures = "aujourd'hui", list(found["measure"].unique())
    told: dict[str, list[list[str]]] = {}
    for name, of_it in found.groupby("scenario", sort=False):
        for side, where in (("baseline", today), ("scenario", f"scénario {name}")):
            told[where] = []
            for limit, rows in of_it.groupby("max_ride_min"):
                every = (row for _, row in rows.iterrows())
                cells = {str(row["measure"]): _cell(row, side, str(row["unit"])) for row in every}
                told[where].append([minutes(float(str(limit))), *(cells.get(one, "–") for one in measures)])
    shown = ((where, line) for where, lines in told.items() for line in lines)
    kept = [[where, *line] for where, line in shown if where == today or told[where] != told[today]]
    heads = [f"{CODES['round_measures'][one]} >{1.5 if one.endswith('_min') else 1.1}" for one in measures]
    caption = f"{capital(reading.short(service))} : ce que demande chaque limite de temps à bord."
    return [doc.table(["Situation <0.9", "Limite >0.7", *heads], kept, caption)]


def _cell(row: pd.Series, side: str, unit: str) -> str:
    """Write a mean over the draws, and its interval where it has one."""
    value, low, high = (_written(float(row[f"{side}_{end}"]), unit) for end in ("value", "low", "high"))
    mark = NBSP + low.rpartition(NBSP)[2]
    short = low.removesuffix(mark) if high.endswith(mark) and not mark[1:].isdigit() else low
    return value if low == high else f"{value} ({short}{NBSP}à{NBSP}{high})"


def _written(value: float, unit: str) -> str:
    """Write a value as its unit can bear."""
    if unit == "share":
        return share(value)
    if unit == "min":
        return f"<{NBSP}1{NBSP}min" if 0 < value < 0.5 else minutes(value)
    marks = {"km": "km", "hours": "h", "eur": "€", "kg": "kg"}
    rounded = float(f"{value:.3g}") if unit in marks else value
    text = decimal(value) if unit in ("etp", "children_per_etp") else integer(rounded)
    return f"{text}{NBSP}{marks[unit]}" if unit in marks else text


def _rules(reading: Reading, service: str, who: str) -> str:
    """Say under which rules rounds are made."""
    trips = [trip for trip in reading.named[service].trip if trip.who == who]
    rules = trips[0].rounds or TripRounds()
    if who == "staff":
        visits = count(rules.visits_per_week, "visite")
        day = f"journées de {minutes(rules.day_min or 0)}"
        return f"{visits} de {minutes(rules.visit_min or 0)} par enfant et par semaine, {day}"
    seats = f"{integer(rules.seats or 0)} places, {minutes(rules.max_ride_min or 0)} à bord au plus"
    return f"tournées du matin, {seats}, {minutes(rules.stop_min)} par arrêt"


def _maps(reading: Reading, service: str) -> list[doc.Block]:
    """Return the round of one same child today, and in the first scenario that changes it."""
    paths = reading.release.rounds[1]
    paths = paths[paths["service"] == service]
    stops = {str(name): list(rows["place_id"]) for name, rows in paths.groupby("scenario", sort=False)}
    today = stops.get(TODAY)
    other = next((name for name, places in stops.items() if places != today), None)
    shown = [name for name in (TODAY, other) if name is not None and name in stops]
    points = pd.concat([reading.communes.geometry, reading.release.sites.geometry])
    frame = points.reindex([place for name in shown for place in stops[name]]).buffer(_AROUND_M).total_bounds
    drawn = [_map(reading, service, name, stops[name], tuple(map(float, frame))) for name in shown]
    return [doc.Beside(drawn[:1], drawn[1])] if len(drawn) > 1 else [*drawn]


def _map(reading: Reading, service: str, situation: str, places: list[str], frame: Any) -> doc.Picture:
    """Draw the round of one draw, by commune, within a frame: no home is on it."""
    *codes, site = places
    areas = pictures.areas_of(reading)
    keys = pd.Series(_NOT.key, index=areas.index, dtype=object)
    keys[keys.index.isin(codes)] = _ON_ROUND.key
    order = pd.Series([integer(k) for k in range(1, len(codes) + 1)], index=codes, dtype=object)
    numbers = order.groupby(level=0, sort=False).agg("-".join)
    points: list[Any] = [reading.communes.geometry[code] for code in codes]
    points.append(reading.release.sites.geometry[site])
    lines = [shapely.LineString([a, b]) for a, b in pairwise(points) if a.distance(b) > 1.0]
    drawn = gpd.GeoDataFrame(geometry=lines, crs=reading.communes.crs)
    panel = Panel(
        areas,
        keys,
        numbers=numbers.reindex(areas.index).fillna(""),
        zones=reading.communes["epci_code"],
        sites=pictures.marks(reading, [(site, "o")]),
        flows=drawn,
        extent=frame,
        focus=pictures.focus_of(reading),
    )
    when = "aujourd'hui" if situation == TODAY else f"scénario {situation}"
    note = "Enfants tirés au sort, placés à leur commune : aucun domicile n'est dessiné."
    legend = Legend((_ON_ROUND, _NOT), "Une tournée", [("1", "o", reading.site_name(site))], [note])
    named = " puis ".join(dict.fromkeys(reading.commune(code) for code in codes))
    return doc.Picture(
        style.to_svg(draw_map(panel, legend, max_height_cm=5.8, width_cm=8.2)),
        alt=f"Carte d'une tournée de {count(len(codes), 'arrêt')}, {when} : {named}, puis {reading.site_name(site)}.",
        caption=f"Une tournée tirée au sort, {when} : {reading.short(service)}.",
        source=pictures.map_source(reading),
    )


NO_TIMETABLE = doc.wording("journeys.no_timetable")
_MOST_SERVICES = 6
_SIDES = [f"{who}, {how} >1" for how in ("voiture", "sans voiture") for who in ("communes", "habitants")]


def parts(reading: Reading) -> list[doc.Part]:
    """Return the part without a car, which may leave; none without a timetable."""
    if reading.study.travel.transit is None:
        return []
    return [doc.Part(partial(_blocks, reading), "les trajets sans voiture", leaves=8)]


def said(reading: Reading) -> str:
    """Say how times without a car were found, or why there are none."""
    asked = reading.study.travel.transit
    if asked is None:
        return NO_TIMETABLE
    walk = "par les rues" if asked.streets else "à vol d'oiseau, allongé de 1,3"
    hour, most = asked.arrive_by.removeprefix("0").replace(":", " h "), f"{asked.max_walk_min:g}"
    return doc.wording("journeys.transit", hour=hour, date=f"{asked.date:%d/%m/%Y}", walk=walk, most=most)


def _blocks(reading: Reading) -> list[doc.Block]:
    """Return the words, the tables and the maps."""
    drawn = [*reading.closest, *reading.named][:1]
    return without_car(reading) + [
        pictures.time_map(reading, one, TODAY, max_height_cm=7.6, without_car=without)
        for one in drawn
        for without in (False, True)
    ]


def without_car(reading: Reading) -> list[doc.Block]:
    """Return the heading, the words and the tables; nothing without a timetable."""
    if reading.study.travel.transit is None:
        return []
    households = doc.wording("journeys.no_households")
    if "households_without_car" in reading.territory:
        total = round(float(reading.territory["households_without_car"].sum()))
        households = f"{count(total, 'ménage')} du territoire n'ont pas de voiture (recensement)."
    words = doc.Paragraph(f"{said(reading).strip()} {households}")
    return [doc.Heading("Et sans voiture ?"), words, _minutes_table(reading), *_deserts(reading)]


def _deserts(reading: Reading) -> list[doc.Block]:
    """Return the communes that each criterion of time puts in a desert, by car and without."""
    later, people = reading.release.deserts_without_car, reading.territory["population"]
    rows = []
    for one in (one for scheme in reading.study.desert for one in scheme.criterion if one.measure == "time"):
        cells = []
        for found in (reading.criterion(one.id), later.xs(one.id, level="criterion")):
            status = found["status"].reindex(people.index)
            inside = status.eq(IN_DESERT)
            told = [integer(int(inside.sum())), share(float(people[inside].sum() / people.sum()))]
            cells += [NOT_COMPUTABLE, "–"] if status.eq(NOT_COMPUTABLE).all() else told
        if cells.count("–") < 2:
            rows.append([one.label, *cells])
    said = "Du côté du « désert » pour chaque critère de temps ; l'APL, qui mesure une offre, reste la même."
    return [doc.table(["Critère <2.4", *_SIDES], rows, said)] if rows else []


def _minutes_table(reading: Reading) -> doc.DataTable:
    """Return the inhabitants within the second threshold by car and without, today and where a scenario changes it."""
    bound = pictures.breaks_of(reading)[:2][-1]
    rows: list[list[str]] = []
    people, homes = reading.territory["population"], reading.territory.get("households_without_car")
    for service in reading.services[:_MOST_SERVICES]:
        for situation in (TODAY, *reading.release.scenarios):
            times = [one(situation, service) for one in (reading.times, reading.release.times_without_car)]
            cells = [_within(reading, one, bound, people) for one in times]
            line = [reading.label(service), situation or "aujourd'hui", *cells[0], *cells[1]]
            line += [] if homes is None else _within(reading, times[1], bound, homes)[1:]
            # a scenario is told where it differs from today
            if situation == TODAY or [line[0], *line[2:]] != [rows[-1][0], *rows[-1][2:]]:
                rows.append(line)
    whole = count(len(reading.territory), "commune")
    heads = ["Service <2", "Situation <1.2", *_SIDES]
    heads += [] if homes is None else ["ménages sans voiture >1"]
    return doc.table(heads, rows, f"À {minutes(bound)} ou moins d'un site, sur {whole} et leurs habitants.")


def _within(reading: Reading, rows: pd.DataFrame, bound: float, people: pd.Series) -> list[str]:
    """Return how many communes are within a time, and the share of inhabitants, or of others, who live there."""
    near = rows["travel_time_min"].le(bound).reindex(reading.territory.index, fill_value=False)
    return [integer(int(near.sum())), share(float(people[near].sum() / people.sum()))]
