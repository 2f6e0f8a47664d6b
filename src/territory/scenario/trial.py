"""A scenario tried by hand: what a study file can do to a few services, and what follows at once."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from territory.errors import ParameterError, UnknownCodeError, examples
from territory.french.words import at_place
from territory.network.estimate import estimate_travel_times
from territory.network.roads import RoadNetwork
from territory.scenario.changes import ChangeCapacity, CloseSite, MoveSite, OpenBranch, OpenSite, Scenario
from territory.scenario.changes.apply import apply
from territory.scenario.comparison.compare import compare
from territory.scenario.doubt.draws import COUNTED_AS, interval_of_whole
from territory.scenario.doubt.random_errors import Doubt
from territory.scenario.measures.compute import compute
from territory.scenario.results import Comparison, Results
from territory.scenario.zones import ALL_TERRITORY
from territory.study.state import State
from territory.study.words.model import NewSite
from territory.supply import sites_serving

TRIED_SITE = "essai"
SOURCE = "lieu essayé sur la carte"
# what a study may ask for beside its named services, and that a trial leaves aside to answer at once
_LISTS = ("closest_services", "recruitment_tests_min", "deserts", "path_steps", "coordination")
_NOTHING_ELSE: Any = {"zoning": None, **dict.fromkeys(_LISTS, ())}
_TEXTS = {"from_id": "str", "to_id": "str"}
# what a change needs a new place for
PLACED = ("move", "branch", "open")


@dataclass(frozen=True)
class Step:
    """One change ("move", "branch", "open", "close", "places") of a named service; a place is a commune or a point."""

    act: str
    service: str
    commune_code: str | None = None
    longitude: float | None = None
    latitude: float | None = None
    # of the branch or of the opening; of the whole for a move
    capacity: float | None = None
    # the one that closes, where there are several
    site_id: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What a trial gives, today (`baseline`) and later (`results`), and of one service its coverage and places."""

    scenario: Scenario  # as a study file would say it
    sites: tuple[NewSite, ...]
    service: str
    baseline: Results
    results: Results
    comparison: Comparison
    # by threshold: baseline_persons, scenario_persons of the age received, within reach
    coverage: pd.DataFrame
    # places for 1,000 persons of the age received within the recruitment limit, today and later; NaN where unknown
    capacity_per_1000: tuple[float, float]
    # ends of what the doubt makes of who gains and who loses, where the study draws
    interval: "pd.Series[float]"

    @property
    def site(self) -> NewSite | None:
        """The last new place."""
        return self.sites[-1] if self.sites else None

    @property
    def figures(self) -> pd.Series:
        """Persons who gain, lose, and the mean minutes before and after, for the whole recruitment area."""
        zones = self.comparison.zones
        rows = zones.index.get_level_values("zone") == ALL_TERRITORY
        whole = zones[rows & (zones.index.get_level_values("service") == self.service)]
        found: Any = whole.iloc[0] if len(whole) else pd.Series(0.0, index=zones.columns)
        both: pd.Series[float] = pd.concat([found, self.interval])
        return both

    def __repr__(self) -> str:
        return f"Outcome({self.comparison.services!r} -> {[site.commune_code for site in self.sites]})"


class Trial:
    """Today's results, ready to change what named services offer, anywhere in the territory."""

    def __init__(
        self,
        baseline: Results,
        *,
        places: gpd.GeoDataFrame | None = None,
        network: RoadNetwork | None = None,
        times_method: str = "estimate",
        doubt: Doubt | None = None,
        level: float = math.nan,
    ) -> None:
        if times_method != "estimate" and network is None:
            raise ParameterError(
                f"Essai impossible : les temps de cette étude ne sont pas estimés ({times_method}). Donnez la "
                'carte routière : explore(result, network=territory.network.read_osm("carte.osm.pbf")).'
            )
        self.baseline = baseline
        self.state = baseline.state
        self.places = baseline.state.communes if places is None else places
        self._network, self._doubt, self._level = network, doubt, level
        cutoff = float(baseline.state.travel_times.attrs.get("cutoff_min", math.nan))
        self._cutoff_min = None if math.isnan(cutoff) else cutoff
        self._today: dict[tuple[str, ...], Results] = {}
        named = self.state.parameters.authorisations
        held = {one.id: list(sites_serving(self.state.services, one.id)) for one in named}
        # the sites of each service today
        self.services = {name: sites for name, sites in held.items() if sites}
        if not self.services:
            raise ParameterError(
                "Essai impossible : l'étude ne nomme aucun service à déplacer ([[authorisation]])."
            )

    def move(
        self, service: str, *, scenario_id: str = TRIED_SITE, name: str = "Essai", **place: Any
    ) -> Outcome:
        """Move a service to the point of a commune, or to any point, and compare with today."""
        return self.answer([Step("move", service, **place)], scenario_id=scenario_id, name=name)

    def answer(self, steps: Sequence[Step], *, scenario_id: str = TRIED_SITE, name: str = "Essai") -> Outcome:
        """Make some changes together, and compare with today; coverage and places are those of the last one."""
        for step in steps:
            if step.service not in self.services:
                known = ", ".join(self.services)
                raise UnknownCodeError(f"Service inconnu « {step.service} » ; connus : {known}.")
        services, service = tuple(sorted({step.service for step in steps})), steps[-1].service
        sites: dict[str, NewSite] = {}
        changes: list[Any] = []
        for step in steps:
            site = self._site(step) if step.act in PLACED else None
            sites |= {} if site is None else {site.id: site}
            changes += self._changes(step, "" if site is None else site.id)
        scenario = Scenario(id=scenario_id, name=name, change=tuple(changes))
        state = self._with_sites(services, list(sites.values()))
        today = replace(self.today(*services), state=state)
        later = compute(apply(state, scenario), today=today)
        comparison, interval = compare(today, later).named(scenario.id, scenario.name), pd.Series(dtype=float)
        if self._doubt is not None and service in comparison.services:
            drawn = (comparison, service, self._doubt, self._level)
            interval = interval_of_whole(today, later, *drawn).rename(COUNTED_AS)
        before, after = (_capacity_per_1000(one, today, service) for one in (today, later))
        return Outcome(
            scenario=scenario,
            sites=tuple(sites.values()),
            service=service,
            baseline=today,
            results=later,
            comparison=comparison,
            interval=interval,
            coverage=_coverage(today, later, service),
            capacity_per_1000=(before, after),
        )

    def _changes(self, step: Step, site_id: str) -> list[Any]:
        """Return a step as a study file says it."""
        name, capacity = step.service, step.capacity
        resized = [] if capacity is None else [ChangeCapacity(authorisation_id=name, capacity=capacity)]
        if step.act == "move":
            return [MoveSite(authorisation_ids=(name,), to_site_id=site_id), *resized]
        if step.act == "branch":
            return [OpenBranch(authorisation_id=name, site_id=site_id, capacity=capacity)]
        if step.act == "close":
            one = step.site_id if len(self.services[name]) > 1 else None
            return [CloseSite(authorisation_id=name, site_id=one)]
        if step.act == "places":
            return resized
        rows = self.state.services[self.state.services["authorisation_id"] == name]
        row, kind = rows.iloc[0], str(rows.index.get_level_values("service")[0])
        keys = ("capacity_unit", "age_min", "age_max", "reception_mode")
        like = {key: row[key] for key in keys if pd.notna(row[key])}
        # no act of today: an authorisation that nobody holds yet
        opened = {"authorisation_id": f"{name}-{site_id}", "service": kind}
        return [OpenSite(site_id=site_id, capacity=capacity, **opened, **like)]

    def today(self, *services: str) -> Results:
        """Return today's results for some services only, computed once."""
        if services not in self._today:
            self._today[services] = compute(self._only(services))
        return self._today[services]

    def _only(self, names: tuple[str, ...]) -> State:
        """Return today's state with a few services: nothing else is computed again."""
        state = self.state
        services = state.services[state.services["authorisation_id"].isin(names).to_numpy()]
        sites = list(dict.fromkeys(site for name in names for site in self.services[name]))
        times = state.travel_times[state.travel_times["to_id"].astype("str").isin(sites)]
        times = times.astype(_TEXTS)
        times.attrs = dict(state.travel_times.attrs)
        every = state.parameters.authorisations
        named = tuple(one.model_copy(update={"trip": ()}) for one in every if one.id in names)
        return replace(
            state,
            sites=state.sites.loc[sites],
            services=services,
            travel_times=times,
            site_times=state.site_times.iloc[:0],
            published=None,
            parameters=replace(state.parameters, authorisations=named, **_NOTHING_ELSE),
        )

    def _site(self, step: Step) -> NewSite:
        """Return the new site as a study file would declare it: one place has one id, as on the page of a study."""
        commune_code, longitude, latitude = step.commune_code, step.longitude, step.latitude
        point = ""
        if longitude is not None and latitude is not None:
            longitude, latitude = round(longitude, 5), round(latitude, 5)
            commune_code = commune_code or self.commune_at(longitude, latitude)
            point = f"-{abs(longitude) * 1e5:.0f}-{abs(latitude) * 1e5:.0f}"
        elif commune_code is None:
            raise ParameterError("Donnez la commune du nouveau lieu, ou sa longitude et sa latitude.")
        if commune_code not in self.state.communes.index:
            known = examples(self.state.communes.index)
            raise UnknownCodeError(f"Commune inconnue « {commune_code} » ({known}).")
        name = f"Lieu essayé {at_place(str(self.state.communes['name'][commune_code]))}"
        place: Any = {"commune_code": commune_code, "longitude": longitude, "latitude": latitude}
        return NewSite(id=f"{TRIED_SITE}-{commune_code}{point}", name=name, source=SOURCE, **place)

    def commune_at(self, longitude: float, latitude: float) -> str:
        """Return the code of the commune whose point is nearest."""
        crs: Any = self.state.communes.crs
        point = gpd.GeoSeries.from_xy([longitude], [latitude], crs=4326).to_crs(crs).iloc[0]
        return str(self.state.communes.index[int(self.state.communes.distance(point).to_numpy().argmin())])

    def point_of(self, site: NewSite) -> tuple[float, float]:
        """Return the longitude and latitude of a site (degrees)."""
        if site.longitude is not None and site.latitude is not None:
            return site.longitude, site.latitude
        point = self.state.communes.loc[[site.commune_code]].geometry.to_crs(4326)
        return float(point.x.iloc[0]), float(point.y.iloc[0])

    def _with_sites(self, services: tuple[str, ...], new: Sequence[NewSite]) -> State:
        """Return today's state with the new sites and the times to them."""
        state = self.today(*services).state
        if not new:
            return state
        frames = [self._frame(site) for site in new]
        frame: Any = pd.concat(frames)
        old = gpd.GeoDataFrame(state.sites[["commune_code", "geometry"]], crs=state.sites.crs)
        for column in self.places.columns.intersection(["area_km2", "density_hab_km2", "slowness"]):
            old[column] = self.places[column].reindex(old["commune_code"]).to_numpy()
        if self._network is None:
            between = estimate_travel_times(old, frame, terrain=state.parameters.terrain)
        else:
            between = self._network.travel_times(old, frame)
        new_times = [self._times(frame).astype(_TEXTS) for frame in frames]
        both = pd.concat([state.travel_times, *new_times], ignore_index=True)
        both.attrs = dict(state.travel_times.attrs)
        every: Any = pd.concat([state.sites, frame])
        sites = gpd.GeoDataFrame(every, crs=state.sites.crs)
        return replace(state, sites=sites, travel_times=both, site_times=between.astype(_TEXTS))

    def _frame(self, site: NewSite) -> gpd.GeoDataFrame:
        """Return a site as the tables hold it."""
        crs: Any = self.state.communes.crs
        longitude, latitude = self.point_of(site)
        point = gpd.GeoSeries.from_xy([longitude], [latitude], index=[site.id], crs=4326).to_crs(crs)
        if site.longitude is None:
            # the very point of the commune, not its rounded trip through degrees
            point = gpd.GeoSeries([self.places.geometry[site.commune_code]], index=[site.id], crs=crs)
        columns = {
            "name": site.name,
            "commune_code": site.commune_code,
            "point_precision": "commune" if site.longitude is None else "address",
            "source": site.source,
            "area_km2": self.places["area_km2"][site.commune_code],
            "density_hab_km2": self.places["density_hab_km2"][site.commune_code],
            **self.places.filter(["slowness"]).loc[site.commune_code],
        }
        ids = pd.Index([site.id], name="site_id")
        return gpd.GeoDataFrame(columns, index=ids, geometry=point.to_numpy(), crs=crs)

    def _times(self, frame: gpd.GeoDataFrame) -> pd.DataFrame:
        """Return the times from every commune to the new site, as a run of the study would."""
        terrain = self.state.parameters.terrain
        if self._network is None:
            return estimate_travel_times(self.places, frame, terrain=terrain, max_time_min=self._cutoff_min)
        limit = self._cutoff_min
        times = self._network.travel_times(self.places, frame, max_time_min=limit, with_distance=True)
        if frame["point_precision"].eq("commune").all():
            # a site that is only known to be somewhere in its commune is never at 0 minutes of it
            code = str(frame["commune_code"].iloc[0])
            inside = estimate_travel_times(self.places.loc[[code]], frame, terrain=terrain)
            own = times["from_id"].astype("str") == code
            for column in ("travel_time_min", "distance_km"):
                times.loc[own, column] = times.loc[own, column].clip(lower=inside[column].max())
        doubt = self.state.travel_times.get("uncertainty_min", pd.Series(dtype=float)).median()
        return times.assign(uncertainty_min=doubt)


def _coverage(today: Results, later: Results, service: str) -> pd.DataFrame:
    """Count the persons of the territory within each threshold, today and in the trial."""
    parameters = today.state.parameters
    inside = today.state.communes.index.isin(parameters.territory_codes)
    persons = today.persons["persons"].xs(service, level="service")[inside]
    columns = {}
    for side, results in (("baseline", today), ("scenario", later)):
        minutes = _minutes(results, service)[inside]
        columns[f"{side}_persons"] = [
            # an unknown number of persons makes the sum unknown, not smaller
            float(persons[(minutes <= limit).to_numpy()].sum(skipna=False))
            for limit in parameters.thresholds_min
        ]
    return pd.DataFrame(columns, index=pd.Index(parameters.thresholds_min, name="threshold_min"))


def _minutes(results: Results, service: str) -> "pd.Series[float]":
    """Return the time of each commune to a service, unknown for all once it is closed."""
    rows = results.access[results.access.index.get_level_values("service") == service]
    return rows["travel_time_min"].droplevel("service").reindex(results.state.communes.index)


def _capacity_per_1000(results: Results, today: Results, service: str) -> float:
    """Return the places for 1,000 persons of the age received within the limit; NaN where sites share them."""
    held = results.state.services
    own = held.loc[(held["authorisation_id"] == service).to_numpy(), "capacity"]
    near = _minutes(results, service).le(results.state.parameters.recruitment_max_min).to_numpy()
    persons = float(np.nansum(today.persons["persons"].xs(service, level="service").to_numpy()[near]))
    return 1000 * float(own.iloc[0]) / persons if persons > 0 and len(own) == 1 else math.nan
