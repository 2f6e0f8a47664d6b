"""Maps and charts of a report, each with its caption and the words that say what it shows."""

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import pandas as pd

from territory.french.numbers import minutes, signed
from territory.french.words import capital, change, count, epci_phrase, join, persons
from territory.network.maps.osm import ATTRIBUTION
from territory.plot import style
from territory.plot.maps import legend as legends
from territory.plot.maps.choropleth import Panel, draw_map, extent_of
from territory.plot.maps.shapes import dash_of
from territory.release.gate import TODAY, Sites
from territory.report.layout.document import Picture, wording
from territory.report.reading import Move, Reading, whole_change
from territory.tables.declare import CLOSEST_SERVICES, CODES

_NAMED_PLACES, _FEW_PLACES, _MOST_POINTS = 10, 4, 200
# the width of a map beside a text
SMALL_CM = 6.7
# what must be known to read isochrones
_RINGS = wording("pictures.rings", by=ATTRIBUTION)
_EFFECTS = {**{key: said for key, said in CODES["effects"].items() if key != "unknown"}, "unknown": "inconnu"}


def areas_of(reading: Reading) -> gpd.GeoDataFrame:
    """Return what maps fill: outlines of the territory, or its points where there are none."""
    outlines: Any = reading.release.outlines
    points = gpd.GeoDataFrame(reading.territory[["geometry"]])
    if outlines is None or outlines.empty:
        return points
    drawn = outlines[outlines.index.isin(points.index)].to_crs(points.crs).geometry
    # a commune without an outline keeps its point
    geometry = drawn.reindex(points.index).where(points.index.isin(drawn.index), points.geometry)
    return gpd.GeoDataFrame(geometry=geometry, crs=points.crs)


def breaks_of(reading: Reading) -> list[float]:
    """Return the bounds of time classes: the study's thresholds, four at most."""
    return sorted(reading.parameters.thresholds_min)[:4]


def time_map(
    reading: Reading,
    service: str,
    scenario_id: str,
    *,
    max_height_cm: float,
    zoom: pd.Index | None = None,
    width_cm: float = legends.WIDTH_CM,
    without_car: bool = False,
) -> Picture:
    """Draw the time to a named service, or to the closest of a complete list, with its isochrones by road."""
    areas = areas_of(reading)
    situation = "Aujourd'hui" if scenario_id == TODAY else f"Scénario {scenario_id}"
    found = reading.release.times_without_car if without_car else reading.times
    rows = found(scenario_id, service).reindex(areas.index)
    times = rows["travel_time_min"]
    classes = legends.time_classes(times, breaks=breaks_of(reading), is_reachable=rows["is_reachable"])
    site = reading.site(scenario_id, service) if service in reading.named else None
    rings = None if without_car else rings_of(reading, scenario_id, site)
    # beside hundreds of points there is no room for numbers
    is_numbered = bool(times.notna().any()) and (_has_outlines(reading) or len(times) <= _MOST_POINTS)
    panel = Panel(
        areas,
        classes.keys,
        numbers=legends.numbers_from(times) if is_numbered else None,
        zones=reading.communes["epci_code"],
        sites=marks(reading, [(name, "o") for name in site or ()]),
        rings=rings,
        names=places(reading, _NAMED_PLACES if zoom is None else len(reading.territory)),
        extent=None if zoom is None else extent_of(areas[areas.index.isin(zoom)], pad_share=0.05),
        focus=focus_of(reading) if zoom is None else zoom,
    )
    is_estimate = reading.release.times_method == "estimate" and not without_car
    way = "temps sans voiture" if without_car else "temps de route"
    bounds = [] if rings is None else list(rings["label"])
    legend = legends.Legend(
        legends.shown(classes.legend, classes.keys),
        f"{situation} : {way}{' estimé' if is_estimate else ''}, aller simple",
        sites=[(str(i), "o", reading.site_name(name)) for i, name in enumerate(site or (), start=1)],
        lines=[(dash_of(i), f"isochrone de {bound}") for i, bound in enumerate(bounds)],
        notes=[
            *(["Nombres : temps de la commune, en minutes."] if is_numbered else []),
            *_border_notes(reading),
            *([] if rings is None else [_RINGS]),
        ],
    )
    figure = draw_map(panel, legend, max_height_cm=max_height_cm, width_cm=width_cm)
    label = reading.label(service)
    closest = CLOSEST_SERVICES.get(service, f"le site le plus proche ({label})")
    target = f"vers {closest if site is None else reading.the([service])}"
    said = describe_times(reading, times, classes, f"{situation}, {way} {target}")
    if rings is not None:
        said += f" Isochrones : {within_words(reading, service, scenario_id)}"
    reached = ", isochrones" if rings is not None else ""
    return Picture(
        style.to_svg(figure),
        alt=said,
        caption=f"{situation} : {way} {target}{f' ({reading.place(site)})' if site else ''}{reached}.",
        source=map_source(reading),
    )


def change_map(
    reading: Reading,
    move: Move,
    *,
    max_height_cm: float,
    zoom: pd.Index | None = None,
    zoom_name: str | None = None,
    width_cm: float = legends.WIDTH_CM,
) -> Picture:
    """Draw the change of travel time that a move brings; a map narrower than a page has no minutes."""
    areas, is_small = areas_of(reading), width_cm < legends.WIDTH_CM
    rows = reading.differences_of(move).reindex(areas.index)
    classes = legends.change_classes(rows["delta_travel_time_min"], rows["effect"])
    if is_small:
        classes = legends.effect_classes(rows["effect"])
    told = rows["effect"].isin(["gain", "loss"])
    delta = whole_change(rows)
    numbers = delta.map(signed).where(told & delta.notna(), "")
    focus = focus_of(reading)
    before, after = move.from_site or (), move.to_site or ()
    marked = [(site, "o", f"aujourd'hui : {reading.place((site,))}") for site in before]
    marked += [(site, "s", reading.site_name(site)) for site in after if site not in before]
    visible, extent = areas.index, None
    names = places(reading, _FEW_PLACES if is_small else _NAMED_PLACES)
    if is_small:
        numbers = numbers.mask(numbers.ne(""), "")
    if zoom is not None:
        visible = focus = zoom
        extent = extent_of(areas[areas.index.isin(zoom)], pad_share=0.05)
        # the names of the communes in focus with their change of time under them
        table = reading.territory.loc[zoom].sort_values("population", ascending=False, kind="stable")
        under = numbers.reindex(table.index).fillna("")
        labels = (table["name"].astype(str) + "\n" + under).str.removesuffix("\n")
        names = gpd.GeoDataFrame(table[["geometry"]].assign(label=labels, size=7.5), crs=table.crs)
        numbers = numbers.mask(numbers.index.isin(zoom), "")
    panel = Panel(
        areas,
        classes.keys,
        numbers=numbers,
        zones=reading.communes["epci_code"],
        sites=marks(reading, [(name, shape) for name, shape, _ in marked]),
        names=names,
        extent=extent,
        focus=focus,
        number_size=6.0 if zoom is None else 7.0,
    )
    sites = [(str(i), shape, text) for i, (_, shape, text) in enumerate(marked, start=1)]
    borders = _border_notes(reading) if zoom is None else ["Trait épais : limite de l'EPCI."]
    notes = [] if is_small else ["Nombres : minutes gagnées (−) ou perdues (+), aller simple.", *borders]
    kept = legends.shown(classes.legend, classes.keys)
    legend = legends.Legend(kept, "Écart de temps de route", sites, notes)
    figure = draw_map(panel, legend, max_height_cm=max_height_cm, width_cm=width_cm)
    where = f" : {epci_phrase(reading.zone_names[zoom_name])} en détail" if zoom_name else ""
    named = reading.labels(move.services)
    caption = f"Scénario {move.scenario_id} : écart de temps de route, {named}{where}."
    if is_small:
        caption = f"Scénario {move.scenario_id} : où les trajets changent, {named}."
    alt = describe_change(reading, rows.loc[visible], caption)
    return Picture(style.to_svg(figure), alt, caption, source=map_source(reading))


def focus_of(reading: Reading) -> pd.Index | None:
    """Return the communes of the EPCI in focus."""
    code = reading.study.territory.focus_epci_code
    if code is None:
        return None
    found = reading.territory.index[reading.territory["epci_code"] == code]
    return found if len(found) else None


def marks(reading: Reading, sites: Sequence[tuple[str, str]]) -> gpd.GeoDataFrame | None:
    """Return the marks of some sites, numbered in order."""
    if not sites:
        return None
    marked = reading.release.sites.loc[[site for site, _ in sites], ["geometry"]]
    numbers, shapes = [str(i) for i in range(1, len(sites) + 1)], [shape for _, shape in sites]
    return gpd.GeoDataFrame(marked.assign(mark=numbers, shape=shapes), crs=reading.release.sites.crs)


def places(reading: Reading, most: int) -> gpd.GeoDataFrame:
    """Return the names of the largest commune of each EPCI, the most populated first."""
    table = reading.territory.sort_values("population", ascending=False, kind="stable")
    first = table[~table["epci_code"].duplicated() | table["epci_code"].isna()].head(most)
    return gpd.GeoDataFrame(first[["geometry"]].assign(label=first["name"], size=7.0), crs=table.crs)


def _border_notes(reading: Reading) -> list[str]:
    """Say what the lines of a map are."""
    if not _has_outlines(reading):
        return []
    notes = ["Traits fins : limites des EPCI."]
    if focus_of(reading) is not None:
        notes.append(f"Trait épais : {reading.zone(str(reading.study.territory.focus_epci_code))}.")
    return notes


def map_source(reading: Reading) -> str:
    """Return the source line of a map."""
    if not _has_outlines(reading):
        return "Communes représentées par un point."
    listed = reading.release.sources
    rows = [] if listed is None else listed.to_dict("records")
    given = [one for one in rows if str(one.get("column")).startswith("points")]
    # those of the embedded study are the outlines of IGN
    who = str(given[0]["producer"] or "fichier de l'étude") if given else "IGN"
    return f"Contours : {who}, simplifiés."


def _has_outlines(reading: Reading) -> bool:
    """Tell whether communes are drawn by their limits."""
    outlines = reading.release.outlines
    return outlines is not None and not outlines.empty


def describe_times(reading: Reading, values: pd.Series, classes: legends.Classes, title: str) -> str:
    """Say in words what a map of times shows."""
    sizes = classes.keys.value_counts()
    legend = [category for category in classes.legend if category.key in sizes]
    parts = [f"{category.label} : {count(int(sizes[category.key]), 'commune')}" for category in legend]
    text = f"Carte de {count(len(values), 'commune')}. {title}. {' ; '.join(parts)}."
    known = values.dropna()
    if known.empty:
        return text
    near, far = (reading.commune(str(code)) for code in (known.idxmin(), known.idxmax()))
    least, most = (minutes(float(value)) for value in (known.min(), known.max()))
    return wording("pictures.ends", text=text, near=near, least=least, far=far, most=most)


def describe_change(reading: Reading, rows: pd.DataFrame, title: str) -> str:
    """Say in words what a map of changes shows."""
    sizes = rows["effect"].value_counts()
    parts = [
        f"{said} : {count(int(sizes[key]), 'commune')}" for key, said in _EFFECTS.items() if key in sizes
    ]
    parts[:1] = map(capital, parts[:1])
    extremes = []
    for effect, end in (("gain", 0), ("loss", -1)):
        values = rows.loc[rows["effect"] == effect, "delta_travel_time_min"].dropna()
        if len(values):
            code = str(values.sort_values(kind="stable").index[end])
            extremes.append(f"{reading.commune(code)} ({change(float(whole_change(rows.loc[code])))})")
    ends = f" Écarts extrêmes : {join(extremes)}." if extremes else ""
    return f"Carte. {title} {join(parts)}.{ends}"


# as many times as outlines: more would hide one another
_MOST_TIMES = 3


def bounds_of(reading: Reading) -> list[float]:
    """Return the times within which communes and persons are counted: the first three thresholds of the study."""
    return sorted(reading.parameters.thresholds_min)[:_MOST_TIMES]


def rings_of(reading: Reading, scenario_id: str, sites: Sites | None) -> gpd.GeoDataFrame | None:
    """Return the isochrones of some sites taken together, as a map draws them."""
    table: gpd.GeoDataFrame | None = reading.release.isochrones
    if table is None or not sites:
        return None
    rows = table[table["scenario"].eq(scenario_id) & table["site_id"].isin(sites)]
    if set(rows["site_id"]) != set(sites):
        # the outline of a part of the sites would be taken for that of all
        return None
    together = gpd.GeoDataFrame(rows[["minutes", "geometry"]]).dissolve("minutes").sort_index()
    labels = [minutes(float(value)) for value in together.index]
    return gpd.GeoDataFrame({"label": labels}, geometry=together.geometry.to_numpy(), crs=table.crs)


def within_words(reading: Reading, service: str, situation: str) -> str:
    """Say how many communes and persons are within each time of a service."""
    parts = []
    for bound in bounds_of(reading):
        communes, people = within(reading, service, situation, bound)
        who = "" if people is None else f" et {people} {reading.noun(service)}"
        parts.append(f"{count(communes, 'commune')}{who} à {minutes(bound)} ou moins")
    return f"{join(parts)}, départements voisins compris."


def within(reading: Reading, service: str, situation: str, bound_min: float) -> tuple[int, str | None]:
    """Return how many communes, by their point, and how many persons are within a time of a service."""
    near = reading.times(situation, service)["travel_time_min"].le(bound_min)
    if reading.release.is_observed(service):
        return int(near.sum()), None
    people = reading.release.persons(situation, service).reindex(near.index)[near]
    return int(near.sum()), None if people.isna().any() else persons(float(people.sum()))
