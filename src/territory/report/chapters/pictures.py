"""Maps and charts of a report, each with its caption and the words that say what it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd

from territory.french.numbers import class_labels, minutes, share, signed
from territory.french.words import change, count, epci_phrase, join, persons
from territory.plot import style
from territory.plot.charts import before_and_after, gainers_and_losers, needs_with_range
from territory.plot.maps.categories import (
    Classes,
    change_classes,
    numbers_from,
    shown,
    time_classes,
)
from territory.plot.maps.choropleth import Panel, draw_map, extent_of
from territory.plot.maps.legend import Legend
from territory.release.gate import TODAY
from territory.report.chapters.isochrones import ring_lines, ring_notes, rings_of, within_words
from territory.report.layout.document import Picture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from territory.report.reading.run_reading import Move, Reading


_MAP_SOURCE = "Contours : IGN, simplifiés."


_NAMED_PLACES = 10


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
) -> Picture:
    """Draw the time from every commune to the site of a named service, or to the closest of a complete list.

    The map is of today (``""``) or of a scenario. Where times come from a road map, the isochrones of the site are
    drawn over them.
    """
    areas = areas_of(reading)
    situation = "Aujourd'hui" if scenario_id == TODAY else f"Scénario {scenario_id}"
    rows = reading.times(scenario_id, service).reindex(areas.index)
    classes = time_classes(
        rows["travel_time_min"], breaks=breaks_of(reading), is_reachable=rows["is_reachable"]
    )
    site = reading.site(scenario_id, service) if service in reading.named else None
    rings = rings_of(reading, scenario_id, site)
    panel = Panel(
        areas,
        classes.keys,
        numbers=numbers_from(rows["travel_time_min"]),
        zones=reading.communes["epci_code"],
        sites=marks(reading, [(name, "o") for name in site or ()]),
        rings=rings,
        names=_places(reading, _NAMED_PLACES if zoom is None else len(reading.territory)),
        extent=None if zoom is None else extent_of(areas[areas.index.isin(zoom)], pad_share=0.05),
        focus=focus_of(reading) if zoom is None else zoom,
    )
    is_estimate = reading.release.times_method == "estimate"
    legend = Legend(
        shown(classes.legend, classes.keys),
        f"{situation} : temps de route{' estimé' if is_estimate else ''}, aller simple",
        sites=[(str(i), "o", reading.site_name(name)) for i, name in enumerate(site or (), start=1)],
        lines=ring_lines(rings),
        notes=[
            "Le nombre écrit dans une commune est le temps, en minutes.",
            *_border_notes(reading),
            *ring_notes(rings),
        ],
    )
    figure = draw_map([panel], legend, max_height_cm=max_height_cm)
    target = (
        f"vers {reading.closest_label(service)}" if site is None else f"vers « {reading.label(service)} »"
    )
    said = describe_times(reading, rows["travel_time_min"], classes, f"{situation}, temps de route {target}")
    if rings is not None:
        said += f" Isochrones : {within_words(reading, service, scenario_id)}"
    reached = ", isochrones" if rings is not None else ""
    return Picture(
        style.to_svg(figure),
        alt=said,
        caption=f"{situation} : temps de route {target}{f' ({reading.place(site)})' if site else ''}{reached}.",
        source=map_source(reading),
    )


def change_map(
    reading: Reading,
    move: Move,
    *,
    max_height_cm: float,
    zoom: pd.Index | None = None,
    zoom_name: str | None = None,
) -> Picture:
    """Draw the change of travel time that a move brings, for the whole territory or for one EPCI."""
    areas = areas_of(reading)
    rows = reading.differences(move.scenario_id, move.services[0]).reindex(areas.index)
    classes = change_classes(rows["delta_travel_time_min"], rows["effect"])
    told = rows["effect"].isin(["gain", "loss"])
    numbers = (
        rows["delta_travel_time_min"].map(signed).where(told & rows["delta_travel_time_min"].notna(), "")
    )
    focus = focus_of(reading)
    marked = _before_and_after(reading, move)
    visible, extent = areas.index, None
    names = _places(reading, _NAMED_PLACES)
    if zoom is not None:
        visible = focus = zoom
        extent = extent_of(areas[areas.index.isin(zoom)], pad_share=0.05)
        names = _places_with_numbers(reading, zoom, numbers)
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
    )
    sites = [(str(i), shape, text) for i, (_, shape, text) in enumerate(marked, start=1)]
    borders = _border_notes(reading) if zoom is None else ["Trait épais : limite de l'EPCI."]
    notes = ["Nombres : minutes gagnées (−) ou perdues (+), aller simple.", *borders]
    legend = Legend(shown(classes.legend, classes.keys), "Écart de temps de route", sites, notes)
    figure = draw_map([panel], legend, max_height_cm=max_height_cm, number_size=6.0 if zoom is None else 7.0)
    where = f" : {epci_phrase(reading.zone_names[zoom_name])} en détail" if zoom_name else ""
    caption = (
        f"Scénario {move.scenario_id} : écart de temps de route, {reading.labels(move.services)}{where}."
    )
    return Picture(
        style.to_svg(figure),
        describe_change(reading, rows.loc[visible], caption),
        caption,
        "Carte",
        map_source(reading),
    )


def focus_of(reading: Reading) -> pd.Index | None:
    """Return the communes of the EPCI in focus."""
    code = reading.study.territory.focus_epci_code
    if code is None:
        return None
    found = reading.territory.index[reading.territory["epci_code"] == code]
    return found if len(found) else None


def _before_and_after(reading: Reading, move: Move) -> list[tuple[str, str, str]]:
    """Return the sites of a move, today's first, with their shape and their line in the legend."""
    before, after = move.from_site or (), move.to_site or ()
    today = [(site, "o", f"aujourd'hui : {reading.place((site,))}") for site in before]
    return today + [(site, "s", reading.site_name(site)) for site in after if site not in before]


def marks(reading: Reading, sites: Sequence[tuple[str, str]]) -> gpd.GeoDataFrame | None:
    """Return the marks of some sites, numbered in order."""
    if not sites:
        return None
    table = reading.release.sites.loc[[site for site, _ in sites], ["geometry"]]
    numbers = [str(i) for i in range(1, len(sites) + 1)]
    return gpd.GeoDataFrame(
        table.assign(mark=numbers, shape=[shape for _, shape in sites]), crs=reading.release.sites.crs
    )


def _places(reading: Reading, most: int) -> gpd.GeoDataFrame:
    """Return the names of the largest commune of each EPCI."""
    table = reading.territory.sort_values("population", ascending=False, kind="stable")
    first = table.drop_duplicates("epci_code").head(most)
    return gpd.GeoDataFrame(
        first[["geometry"]].assign(label=first["name"], size=7.0), crs=reading.territory.crs
    )


def _places_with_numbers(reading: Reading, focus: pd.Index, numbers: pd.Series) -> gpd.GeoDataFrame:
    """Return the names of the communes in focus with their change of time under them."""
    table = reading.territory.loc[focus].sort_values("population", ascending=False, kind="stable")
    changes = numbers.reindex(table.index).fillna("")
    labels = [
        f"{name}\n{change}" if change else str(name)
        for name, change in zip(table["name"], changes, strict=True)
    ]
    return gpd.GeoDataFrame(table[["geometry"]].assign(label=labels, size=7.5), crs=reading.territory.crs)


def _border_notes(reading: Reading) -> list[str]:
    """Say what the lines of a map are."""
    notes = ["Traits fins : limites des EPCI."]
    if focus_of(reading) is not None:
        notes.append(f"Trait épais : {reading.zone(str(reading.study.territory.focus_epci_code))}.")
    return notes


def map_source(reading: Reading) -> str:
    """Return the source line of a map."""
    outlines = reading.release.outlines
    return (
        _MAP_SOURCE if outlines is not None and not outlines.empty else "Communes représentées par un point."
    )


def effects_chart(reading: Reading, move: Move, zones: Sequence[str]) -> Picture:
    """Draw gainers and losers by zone."""
    found = reading.counts(move.scenario_id, move.services[0])
    noun = reading.noun(move.services[0], is_observed=found.is_observed).split(" ")[0]
    table = found.persons.loc[list(zones), ["gain", "loss", "indistinct"]]
    table = table.add_prefix("persons_")
    for effect in ("gain", "loss", "indistinct"):
        table[f"text_{effect}"] = [found.text(zone, effect) for zone in zones]
    table = table.set_axis([reading.zone(zone) for zone in zones], axis=0)
    parts = []
    for zone in zones:
        gain, loss = found.text(zone, "gain"), found.text(zone, "loss")
        parts.append(f"{reading.zone(zone)} : gagnent {gain}, perdent {loss}")
    return Picture(
        style.to_svg(gainers_and_losers(table, noun=noun)),
        alt=f"Graphique en barres, par EPCI. {' ; '.join(parts)}.",
        caption=f"Scénario {move.scenario_id} : qui gagne et qui perd, par EPCI ({reading.labels(move.services)}).",
        kind="Figure",
    )


def distribution_chart(reading: Reading, move: Move) -> Picture | None:
    """Draw the share of persons of today's area in each class of time, before and after; None when unknown."""
    rows = reading.differences(move.scenario_id, move.services[0])
    rows = rows[rows["is_in_area"] & rows["persons"].notna()]
    total = float(rows["persons"].sum())
    if total <= 0 or (rows["persons_kind"] == "observed").any():
        return None
    bounds = breaks_of(reading)
    shares = {}
    for side, column in (("before", "baseline_travel_time_min"), ("after", "scenario_travel_time_min")):
        keys = time_classes(rows[column], breaks=bounds).keys
        shares[side] = (
            rows["persons"].groupby(keys).sum().reindex([f"class{i}" for i in range(len(bounds) + 1)])
        )
    table = (pd.DataFrame(shares).fillna(0.0) / total).set_axis(class_labels(bounds), axis=0)
    table = table[(table > 0).any(axis=1)]
    names = ("Aujourd'hui", f"Scénario {move.scenario_id}")
    parts = [f"{label} : {share(before)} avant, {share(after)} après" for label, (before, after) in
             zip(table.index, table[["before", "after"]].to_numpy(dtype=float).tolist(), strict=True)]  # fmt: skip
    noun = reading.noun(move.services[0])
    return Picture(
        style.to_svg(before_and_after(table, names=names)),
        alt=f"Graphique en barres des {noun} à portée aujourd'hui, selon le temps de route. {' ; '.join(parts)}.",
        caption=f"Temps de route des {noun} à portée aujourd'hui ({reading.labels(move.services)}).",
        kind="Figure",
    )


def needs_chart(reading: Reading, label: str, needs: pd.DataFrame) -> Picture:
    """Draw the needs of a public by zone with their range."""
    named = needs.set_axis([reading.zone(str(zone)) for zone in needs.index], axis=0)
    parts = [
        f"{name} : {persons(central)} (de {persons(low)} à {persons(high)})"
        for name, (low, central, high) in zip(named.index, named.to_numpy(dtype=float).tolist(), strict=True)
    ]
    return Picture(
        style.to_svg(
            needs_with_range(named, label="personnes, estimation centrale (losange) et fourchette (barre)")
        ),
        alt=f"Graphique par EPCI, {label}. {' ; '.join(parts)}.",
        caption=f"{label}, par EPCI.",
        kind="Figure",
    )


def describe_times(reading: Reading, values: pd.Series, classes: Classes, title: str) -> str:
    """Say in words what a map of times shows."""
    sizes = classes.keys.value_counts()
    parts = [
        f"{category.label} : {count(int(sizes[category.key]), 'commune')}"
        for category in classes.legend
        if category.key in sizes
    ]
    text = f"Carte de {count(len(values), 'commune')}. {title}. {' ; '.join(parts)}."
    known = values.dropna()
    if known.empty:
        return text
    near, far = str(known.idxmin()), str(known.idxmax())
    return (
        f"{text} Le plus près : {reading.commune(near)}, {minutes(float(known.min()))} ; "
        f"le plus loin : {reading.commune(far)}, {minutes(float(known.max()))}."
    )


def describe_change(reading: Reading, rows: pd.DataFrame, title: str) -> str:
    """Say in words what a map of changes shows."""
    words = {
        "gain": "trajet plus court",
        "loss": "trajet plus long",
        "indistinct": "écart non distinguable",
        "entering": "passerait à portée",
        "outside": "hors du périmètre",
        "unknown": "inconnu",
    }
    sizes = rows["effect"].value_counts()
    parts = [f"{text} : {count(int(sizes[key]), 'commune')}" for key, text in words.items() if key in sizes]
    extremes = []
    for effect, largest in (("gain", False), ("loss", True)):
        values = (
            rows.loc[rows["effect"] == effect, "delta_travel_time_min"].dropna().sort_values(kind="stable")
        )
        if len(values):
            code = str(values.index[-1 if largest else 0])
            extremes.append(f"{reading.commune(code)} ({change(float(values[code]))})")
    ends = f" Écarts extrêmes : {join(extremes)}." if extremes else ""
    return f"Carte. {title} {join(parts)}.{ends}"
