"""A scenario tried by hand: one service, another place, other places, and what follows at once."""

import math
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from territory.errors import ParameterError, UnknownCodeError, examples
from territory.network.estimate import estimate_travel_times
from territory.network.roads import RoadNetwork
from territory.scenario.changes import ChangeCapacity, MoveSite, Scenario
from territory.scenario.changes.apply import apply
from territory.scenario.comparison.compare import compare
from territory.scenario.measures.compute import compute
from territory.scenario.results import Comparison, Results
from territory.scenario.zones import ALL_TERRITORY
from territory.study.state import State
from territory.study.words.model import NewSite
from territory.supply import site_of_authorisation

TRIED_SITE = "essai"
SOURCE = "lieu essayé sur la carte"
# what a study may ask for beside its named services, and that a trial leaves aside to answer at once
_NOTHING_ELSE: Any = {
    "closest_services": (),
    "recruitment_tests_min": (),
    "deserts": (),
    "zoning": None,
    "path_steps": (),
    "coordination": (),
}


@dataclass(frozen=True)
class Outcome:
    """What a trial gives, for the one service tried, today (`baseline`) and later (`results`)."""

    scenario: Scenario  # as a study file would say it
    site: NewSite
    baseline: Results
    results: Results
    comparison: Comparison
    # by threshold: baseline_persons, scenario_persons of the age received, within reach
    coverage: pd.DataFrame
    # places for 1,000 persons of the age received within the recruitment limit, today and later; NaN where unknown
    capacity_per_1000: tuple[float, float]

    @property
    def figures(self) -> pd.Series:
        """Persons who gain, lose, and the mean minutes before and after, for the whole recruitment area."""
        zones = self.comparison.zones
        whole = zones.index.get_level_values("zone") == ALL_TERRITORY
        return zones[whole].iloc[0] if whole.any() else pd.Series(0.0, index=zones.columns)

    def __repr__(self) -> str:
        return f"Outcome({self.comparison.services!r} -> {self.site.commune_code})"


class Trial:
    """Today's results, ready to move one service anywhere in the territory."""

    def __init__(
        self,
        baseline: Results,
        *,
        places: gpd.GeoDataFrame | None = None,
        network: RoadNetwork | None = None,
        times_method: str = "estimate",
    ) -> None:
        if times_method != "estimate" and network is None:
            raise ParameterError(
                f"Essai impossible : les temps de cette étude ne sont pas estimés ({times_method}). Donnez la "
                'carte routière : explore(result, network=territory.network.read_osm("carte.osm.pbf")).'
            )
        self.baseline = baseline
        self.state = baseline.state
        self.places = baseline.state.communes if places is None else places
        self._network = network
        cutoff = float(baseline.state.travel_times.attrs.get("cutoff_min", math.nan))
        self._cutoff_min = None if math.isnan(cutoff) else cutoff
        self._today: dict[str, Results] = {}
        # a trial moves what stands at one site today
        held = self.state.services["authorisation_id"].value_counts()
        self.services = [one.id for one in self.state.parameters.authorisations if held.get(one.id) == 1]
        if not self.services:
            raise ParameterError(
                "Essai impossible : l'étude ne nomme aucun service à déplacer ([[authorisation]])."
            )

    def move(
        self,
        service: str,
        *,
        commune_code: str | None = None,
        longitude: float | None = None,
        latitude: float | None = None,
        capacity: float | None = None,
        scenario_id: str = TRIED_SITE,
        name: str = "Essai",
    ) -> Outcome:
        """Move a service to the point of a commune, or to any point, and compare with today."""
        if service not in self.services:
            raise UnknownCodeError(f"Service inconnu « {service} » ; connus : {', '.join(self.services)}.")
        site = self._site(f"site-{scenario_id}", commune_code, longitude, latitude)
        state = self._with_site(service, site)
        changes: list[Any] = [MoveSite(authorisation_ids=(service,), to_site_id=site.id)]
        if capacity is not None:
            changes.append(ChangeCapacity(authorisation_id=service, capacity=capacity))
        scenario = Scenario(id=scenario_id, name=name, change=tuple(changes))
        today = replace(self.today(service), state=state)
        later = compute(apply(state, scenario))
        parameters = today.state.parameters
        inside = today.state.communes.index.isin(parameters.territory_codes)
        persons = today.persons["persons"].droplevel("service")[inside]
        columns = {}
        for side, results in (("baseline", today), ("scenario", later)):
            minutes = results.access["travel_time_min"].droplevel("service")[inside]
            columns[f"{side}_persons"] = [
                # an unknown number of persons makes the sum unknown, not smaller
                float(persons[(minutes <= limit).to_numpy()].sum(skipna=False))
                for limit in parameters.thresholds_min
            ]
        index = pd.Index(parameters.thresholds_min, name="threshold_min")
        return Outcome(
            scenario=scenario,
            site=site,
            baseline=today,
            results=later,
            comparison=compare(today, later).named(scenario.id, scenario.name),
            coverage=pd.DataFrame(columns, index=index),
            capacity_per_1000=(_capacity_per_1000(today, today), _capacity_per_1000(later, today)),
        )

    def today(self, service: str) -> Results:
        """Return today's results for one service only, computed once."""
        if service not in self._today:
            self._today[service] = compute(self._only(service))
        return self._today[service]

    def _only(self, service: str) -> State:
        """Return today's state with one service: nothing else is computed again."""
        state = self.state
        services = state.services[(state.services["authorisation_id"] == service).to_numpy()]
        site = site_of_authorisation(services, service)
        times = state.travel_times[state.travel_times["to_id"].astype("str") == site]
        times.attrs = dict(state.travel_times.attrs)
        every = state.parameters.authorisations
        named = tuple(one.model_copy(update={"trip": ()}) for one in every if one.id == service)
        return replace(
            state,
            sites=state.sites.loc[[site]],
            services=services,
            travel_times=times,
            site_times=state.site_times.iloc[:0],
            parameters=replace(state.parameters, authorisations=named, **_NOTHING_ELSE),
        )

    def _site(
        self, site_id: str, commune_code: str | None, longitude: float | None, latitude: float | None
    ) -> NewSite:
        """Return the new site as a study file would declare it."""
        if longitude is not None and latitude is not None:
            longitude, latitude = round(longitude, 5), round(latitude, 5)
            commune_code = commune_code or self.commune_at(longitude, latitude)
        elif commune_code is None:
            raise ParameterError("Donnez la commune du nouveau lieu, ou sa longitude et sa latitude.")
        if commune_code not in self.state.communes.index:
            raise UnknownCodeError(
                f"Commune inconnue « {commune_code} » ({examples(self.state.communes.index)})."
            )
        name = str(self.state.communes["name"][commune_code])
        place: Any = {"commune_code": commune_code, "longitude": longitude, "latitude": latitude}
        return NewSite(id=site_id, name=f"Lieu essayé à {name}", source=SOURCE, **place)

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

    def _with_site(self, service: str, site: NewSite) -> State:
        """Return today's state with the new site and the times to it."""
        state = self.today(service).state
        frame = self._frame(site)
        times = self._times(frame)
        old = gpd.GeoDataFrame(state.sites[["commune_code", "geometry"]], crs=state.sites.crs)
        for column in self.places.columns.intersection(["area_km2", "density_hab_km2", "slowness"]):
            old[column] = self.places[column].reindex(old["commune_code"]).to_numpy()
        if self._network is None:
            between = estimate_travel_times(old, frame, terrain=state.parameters.terrain)
        else:
            between = self._network.travel_times(old, frame)
        texts = {"from_id": "str", "to_id": "str"}
        both = pd.concat([state.travel_times.astype(texts), times.astype(texts)], ignore_index=True)
        both.attrs = dict(state.travel_times.attrs)
        every: Any = pd.concat([state.sites, frame])
        sites = gpd.GeoDataFrame(every, crs=state.sites.crs)
        return replace(state, sites=sites, travel_times=both, site_times=between.astype(texts))

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


def _capacity_per_1000(results: Results, today: Results) -> float:
    """Return the capacity for 1,000 persons of the age received within the recruitment limit."""
    services = results.state.services
    minutes = results.access["travel_time_min"].droplevel("service")
    near = minutes.le(results.state.parameters.recruitment_max_min).to_numpy()
    persons = float(np.nansum(today.persons["persons"].to_numpy()[near]))
    return 1000 * float(services["capacity"].iloc[0]) / persons if persons > 0 else math.nan
