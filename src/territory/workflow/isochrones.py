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
    from territory.study.words.scenario import Scenario
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
    """Return what can be reached from each site of a named service, today and in each scenario."""
    if inputs.roads is None:
        return None
    crs: Any = inputs.state.communes.crs
    speeds = {TODAY: None, **{scenario.id: _speeds(scenario) for scenario in inputs.scenarios}}
    wanted = {
        name: _sites_of(results)
        for name, results in ({TODAY: baseline} | dict(scenarios)).items()
        if not isinstance(speeds[name], str)
    }
    minutes = sorted(inputs.state.parameters.thresholds_min)[:_MOST_TIMES]
    blocks = []
    # each way of driving once: most scenarios drive as today
    for key in dict.fromkeys(_key(speeds[name]) for name in wanted):
        names = [name for name in wanted if _key(speeds[name]) == key]
        sites = sorted({site for name in names for site in wanted[name]})
        change = speeds[names[0]]
        drawn = _drawn(inputs, sites, minutes, change if isinstance(change, ChangeSpeeds) else None, steps)
        for name in names:
            rows = drawn[drawn["site_id"].isin(wanted[name])]
            blocks.append(rows.assign(scenario=name))
    if not blocks:
        return gpd.GeoDataFrame({name: [] for name in COLUMNS}, geometry="geometry", crs=crs)
    every: Any = pd.concat(blocks, ignore_index=True)
    return gpd.GeoDataFrame(every[list(COLUMNS)], geometry="geometry", crs=crs)


def _speeds(scenario: Scenario) -> ChangeSpeeds | str | None:
    """Return the change that weighs the map again, None for today's speeds, a text when no map gives the times."""
    changes = [change for change in scenario.change if isinstance(change, ChangeSpeeds)]
    if any(not change.roads_key for change in changes):
        return "other times"
    # as for times, the last one holds
    return changes[-1] if changes else None


def _key(change: ChangeSpeeds | str | None) -> str:
    """Return what tells ways of driving apart."""
    return change.roads_key if isinstance(change, ChangeSpeeds) else ""


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
    key = digest_of(
        once,
        roads.digest(change),
        communes[["density_hab_km2", "geometry"]] if change is not None else None,
        minutes,
        _CELL_M,
        str(crs),
    )
    (table,) = steps.run("isochrones", key, partial(_make, roads, change, communes, once, minutes, crs))
    numbers = {code: number for number, code in enumerate(place[~place.duplicated()])}
    blocks = []
    for site, code in place.items():
        rows = table[table["place"] == numbers[code]]
        blocks.append(rows.assign(site_id=str(site)))
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
    drawn = roads.under(change, communes).isochrones(numbered, minutes=minutes, cell_m=_CELL_M)
    table = pd.DataFrame(drawn[["minutes", "area_km2"]])
    table.insert(0, "place", drawn["from_id"].astype(int))
    return (table.assign(wkb=drawn.geometry.to_crs(crs).to_wkb()),)
