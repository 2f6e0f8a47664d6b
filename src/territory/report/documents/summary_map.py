"""What the map of the summary page shows: its shapes, and one layer for each time and each difference."""

import math
from collections.abc import Iterator
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from territory.french.numbers import integer, signed
from territory.french.words import persons, typeset
from territory.plot.maps.legend import Classes, change_classes, shown, time_classes
from territory.plot.maps.shapes import generalise
from territory.release.gate import TODAY
from territory.report.chapters import pictures
from territory.report.chapters.maps import BESIDE, said_of, written_minutes
from territory.report.documents.annex import distinct_moves, title_of
from territory.report.reading import Move, Reading
from territory.tables.catalogue import code_label

# the width of the map in its own units, and the radii of discs for communes without outlines: many, and a few
WIDTH = 1000.0
_DISC = (7.0, 22.0)
_NUMBERS = ["baseline_travel_time_min", "scenario_travel_time_min", "delta_travel_time_min"]


def shapes(areas: gpd.GeoDataFrame) -> tuple[list[str], tuple[float, float], Any]:
    """Return the outline of each commune as an SVG path, the size of the map, and how to place a point on it."""
    if areas.empty:
        return [], (WIDTH, 100.0), lambda xy: xy
    left, bottom, right, top = map(float, areas.total_bounds)
    side = max(right - left, top - bottom, 5_000.0)
    pad = (0.03 if areas.geom_type.ne("Point").any() else 0.08) * side
    scale = WIDTH / (max(right - left, 0.3 * side) + 2 * pad)
    height = (max(top - bottom, 0.3 * side) + 2 * pad) * scale

    def place(points: np.ndarray) -> np.ndarray:
        moved = (np.asarray(points, dtype=float) - ((left + right) / 2, (bottom + top) / 2)) * (scale, -scale)
        return np.asarray(np.add(moved, (WIDTH / 2, height / 2)).round(1))

    disc = float(np.clip(0.2 * math.sqrt(WIDTH * height / len(areas)), *_DISC))
    return [_path(geometry, place, disc) for geometry in areas.geometry], (WIDTH, round(height, 1)), place


def _path(geometry: Any, place: Any, r: float = _DISC[0]) -> str:
    """Return one commune: its rings, or a disc at its point."""
    if geometry is None or geometry.is_empty:
        return ""
    if geometry.geom_type == "Point":
        x, y = place([[geometry.x, geometry.y]])[0]
        return f"M{x - r:g} {y:g}a{r:g} {r:g} 0 1 0 {2 * r:g} 0a{r:g} {r:g} 0 1 0 {-2 * r:g} 0Z"
    parts = []
    for polygon in shapely.get_parts(geometry):
        for ring in (polygon.exterior, *polygon.interiors):
            points = place(np.asarray(ring.coords)[:-1, :2])
            parts.append("M" + "L".join(f"{x:g} {y:g}" for x, y in points) + "Z")
    return "".join(parts)


def borders(areas: gpd.GeoDataFrame, zones: pd.Series, place: Any) -> str:
    """Return the outer borders of the zones as one SVG path; empty where communes are points."""
    outlines = areas[areas.geom_type.isin(["Polygon", "MultiPolygon"])]
    codes = zones.reindex(outlines.index).fillna("").astype(str)
    zoned = (outlines.geometry[codes == zone].to_numpy() for zone in codes.unique())
    return "".join(_path(shapely.union_all(shapes), place) for shapes in zoned)


def ring_paths(rings: gpd.GeoDataFrame | None, place: Any) -> list[list[str]]:
    """Return isochrones as labels and SVG paths, as plain as the maps of the report have them."""
    if rings is None:
        return []
    left, right = place(np.array([[0.0, 0.0], [100_000.0, 0.0]]))[:, 0]
    shapes = (generalise(one, metres_per_point=150_000.0 / max(right - left, 1.0)) for one in rings.geometry)
    drawn = zip(rings["label"], shapes, strict=True)
    return [[typeset(str(label)), _path(shape, place)] for label, shape in drawn]


def layers(reading: Reading, codes: pd.Index) -> Iterator[dict[str, Any]]:
    """Yield what may be shown on the map: the difference of each move, the pivot first, then today's times."""
    pivot = reading.pivot

    def is_other(pair: tuple[Move, list[str]]) -> bool:
        return pivot is None or pair[0].services != pivot.services or pivot.scenario_id not in pair[1]

    moves = [(move, names) for move, names in distinct_moves(reading) if move.lasts]
    for move, names in sorted(moves, key=is_other):
        rows = reading.release.communes_table(move.scenario_id).xs(move.services[0], level="service")
        rows = rows.reindex(codes)
        classes = change_classes(rows["delta_travel_time_min"], rows["effect"])
        is_observed = reading.release.is_observed(move.services[0])
        numbers = pd.DataFrame({name: rows[name] for name in _NUMBERS})
        texts = [_changed(row, is_observed=is_observed) for _, row in rows.iterrows()]
        name = f"Écart : {title_of(reading, move, names)}"
        noun = reading.noun(move.services[0], is_observed=is_observed)
        today = {site: f"aujourd'hui : {reading.site_name(site)}" for site in move.from_site or ()}
        opened = (site for site in move.to_site or () if site not in today)
        later = {site: f"scénario : {reading.site_name(site)}" for site in opened}
        rings = pictures.rings_of(reading, move.scenario_id, move.to_site)
        yield _layer(name, noun, classes, texts, numbers, today | later) | {"rings": rings}
    for service in reading.services:
        yield from _of_times(reading, service, codes)


def _of_times(reading: Reading, service: str, codes: pd.Index) -> Iterator[dict[str, Any]]:
    """Yield the times of a service: today by car, then without one, in the scenarios that change them too."""
    without = reading.release.times_without_car
    later = [] if without(TODAY, service).empty else [TODAY, *reading.release.scenarios]
    for found, situation in [(reading.times, TODAY), *((without, name) for name in later)]:
        before = found(TODAY, service).reindex(codes)["travel_time_min"]
        rows = found(situation, service).reindex(codes)
        times = rows["travel_time_min"]
        if situation and times.equals(before):
            continue
        classes = time_classes(times, breaks=pictures.breaks_of(reading), is_reachable=rows["is_reachable"])
        after = times if situation else times * np.nan
        numbers = pd.DataFrame({"before": before, "after": after, "delta": after - before})
        told = numbers["delta"].map(lambda gap: "–" if math.isnan(gap) else signed(gap))
        texts = [before.map(written_minutes), times.map(written_minutes) if situation else told, told]
        marks = (reading.site(situation, service) or ()) if service in reading.named else ()
        sites = {site: reading.site_name(site) for site in marks}
        when = f"scénario {situation}" if situation else "aujourd'hui"
        name = f"Sans voiture, {when}" if found is without else "Temps d'aujourd'hui"
        rings = None if found is without else pictures.rings_of(reading, TODAY, tuple(marks))
        lines = [[*row, "–"] for row in zip(*texts, strict=True)]
        name = f"{name} : {reading.label(service)}"
        yield _layer(name, "", classes, lines, numbers, sites) | {"rings": rings}


def _changed(row: pd.Series, *, is_observed: bool) -> list[str]:
    """Return the texts of one commune under one move."""
    times = [written_minutes(row[f"{side}_travel_time_min"]) for side in ("baseline", "scenario")]
    said = said_of(row, BESIDE, code_label("effect", str(row["effect"])))
    people = str(row["persons"])
    if people.isdecimal():
        people = integer(float(people)) if is_observed else persons(float(people))
    return [*times, said, code_label("persons", people) if people else "inconnu"]


def _layer(
    name: str,
    noun: str,
    classes: Classes,
    texts: list[list[str]],
    numbers: pd.DataFrame,
    sites: dict[str, str],
) -> dict[str, Any]:
    """Put one layer together, its texts typeset."""
    values = numbers.to_numpy(dtype=float).tolist()
    sorted_by = [[None if math.isnan(one) else round(one, 1) for one in row] for row in values]
    return {
        "name": typeset(name),
        "noun": typeset(noun),
        "legend": [(one.key, typeset(one.label)) for one in shown(classes.legend, classes.keys)],
        "keys": [str(key) for key in classes.keys],
        "rows": [[typeset(cell) for cell in row] for row in texts],
        "numbers": sorted_by,
        "sites": list(sites.items()),
    }
