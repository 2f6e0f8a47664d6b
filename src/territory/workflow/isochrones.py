"""What can be reached by road from the sites that are compared, today and in each scenario."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd

from territory import supply
from territory.study.words.changes import ChangeSpeeds
from territory.workflow.step_cache import Steps, digest_of

if TYPE_CHECKING:
    from territory.scenario.results import Results
    from territory.workflow.inputs.prepare import Inputs
    from territory.workflow.inputs.travel_times import RoadMap

TODAY = ""
COLUMNS = ("scenario", "site_id", "minutes", "area_km2", "geometry")

# how many times are drawn: more outlines would hide one another
_MOST_TIMES = 3
# side of the squares on which times are computed: a quarter of a millimetre on a page that holds a département
_CELL_M = 250.0


def isochrones(
    inputs: Inputs, baseline: Results, scenarios: Mapping[str, Results], *, steps: Steps
) -> gpd.GeoDataFrame | None:
    """Return from where each site of a named service can be reached, today and in each scenario."""
    if inputs.roads is None:
        return None
    ways: dict[str, ChangeSpeeds | None] = {TODAY: None}
    for scenario in inputs.scenarios:
        changes = [change for change in scenario.change if isinstance(change, ChangeSpeeds)]
        # no map gives the times of a scenario that brings its own
        if all(change.roads_key for change in changes):
            # as for times, the last one holds
            ways[scenario.id] = changes[-1] if changes else None
    wanted = {name: _sites_of(baseline if name == TODAY else scenarios[name]) for name in ways}
    # each way of driving once: most scenarios drive as today
    alike: dict[str, list[str]] = {}
    for name, change in ways.items():
        alike.setdefault(change.roads_key if change else "", []).append(name)
    minutes = sorted(inputs.state.parameters.thresholds_min)[:_MOST_TIMES]
    blocks = []
    for names in alike.values():
        sites = sorted({site for name in names for site in wanted[name]})
        drawn = _drawn(inputs, sites, minutes, ways[names[0]], steps)
        blocks += [drawn[drawn["site_id"].isin(wanted[name])].assign(scenario=name) for name in names]
    every: Any = pd.concat(blocks, ignore_index=True)
    return gpd.GeoDataFrame(every[list(COLUMNS)], geometry="geometry", crs=inputs.state.communes.crs)


def _sites_of(results: Results) -> list[str]:
    """Return the sites of the named services in some results."""
    services = results.state.services
    named = [one.id for one in results.state.parameters.authorisations]
    return list(dict.fromkeys(site for name in named for site in supply.sites_serving(services, name)))


def _drawn(
    inputs: Inputs, sites: list[str], minutes: list[float], change: ChangeSpeeds | None, steps: Steps
) -> gpd.GeoDataFrame:
    """Return the isochrones of some sites under some speeds, those of sites at one place being drawn once."""
    roads: Any = inputs.roads
    communes = inputs.dataset.communes
    crs: Any = inputs.state.communes.crs
    points = inputs.state.sites.loc[sites, ["geometry"]]
    # two services of one address are at one place
    place = points.geometry.to_wkb(hex=True)
    once = gpd.GeoDataFrame(points[~place.duplicated()])
    around = communes[["density_hab_km2", "geometry"]] if change is not None else None
    key = digest_of(once, roads.digest(change), around, minutes, _CELL_M, str(crs))
    (table,) = steps.run("isochrones", key, partial(_make, roads, change, communes, once, minutes, crs))
    numbers = pd.Series(pd.factorize(place)[0], index=place.index)
    blocks = [table[table["place"] == rank].assign(site_id=str(site)) for site, rank in numbers.items()]
    if not blocks:
        return gpd.GeoDataFrame({name: [] for name in COLUMNS}, geometry="geometry", crs=crs)
    every = pd.concat(blocks, ignore_index=True)
    shapes = gpd.GeoSeries.from_wkb(every["wkb"], crs=crs)
    return gpd.GeoDataFrame(every.drop(columns=["place", "wkb"]), geometry=shapes, crs=crs)


def _make(
    roads: RoadMap,
    change: ChangeSpeeds | None,
    communes: gpd.GeoDataFrame,
    points: gpd.GeoDataFrame,
    minutes: list[float],
    crs: Any,
) -> tuple[pd.DataFrame]:
    """Return a table that can be kept: place (its rank), minutes, area_km2 and polygons as well-known binary."""
    numbered = points.set_axis([str(number) for number in range(len(points))], axis=0)
    if numbered.empty:
        return (pd.DataFrame({"place": [], "minutes": [], "area_km2": [], "wkb": []}),)
    drawn = roads.under(change, communes).isochrones(
        numbered, minutes=minutes, direction="to", cell_m=_CELL_M
    )
    table = pd.DataFrame(drawn[["minutes", "area_km2"]])
    table.insert(0, "place", drawn["from_id"].astype(int))
    return (table.assign(wkb=drawn.geometry.to_crs(crs).to_wkb()),)
