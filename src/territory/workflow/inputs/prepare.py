"""From a study to the tables of its computation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from territory import needs, supply
from territory.datasets.files import FilesDataset, open_dataset
from territory.datasets.var import VarDataset
from territory.errors import NetworkError, warn
from territory.network.estimate import fit_slowness
from territory.planning.grouping.answer import GroupingAnswer
from territory.planning.siting.answer import SitingAnswer
from territory.scenario.changes.draft import demand_of, rate_of
from territory.study.own_tables import kinds_of, read_consumption, read_observed_origins
from territory.study.state import Parameters, State, StudyTables
from territory.study.words.changes import ChangeSpeeds
from territory.study.words.model import Study
from territory.study.words.questions import Grouping, Siting
from territory.study.words.scenario import Scenario
from territory.supply.equipment import is_candidate
from territory.tables.schemas import validate
from territory.workflow.inputs import questions
from territory.workflow.inputs.manifest import Steps
from territory.workflow.inputs.travel_times import Asked, RoadMap, Times, road_map_of, travel_times


@dataclass(frozen=True)
class Places:
    """Tables of a study, and places that times are asked between; `weighed` have a density that no census changes."""

    study: Study
    dataset: VarDataset | FilesDataset
    population: pd.DataFrame
    communes: gpd.GeoDataFrame
    weighed: gpd.GeoDataFrame
    services: pd.DataFrame
    sites: gpd.GeoDataFrame
    named_sites: gpd.GeoDataFrame
    roads: RoadMap | None

    def times(self, steps: Steps, *, speeds: ChangeSpeeds | None = None) -> Times:
        """Return the travel times that the study asks for, under the speeds of today or of a scenario."""
        squares = getattr(self.dataset, "squares", None)
        asked = Asked(self.study, self.weighed, self.sites, self.named_sites, squares)
        return travel_times(asked, roads=self.roads, steps=steps, speeds=speeds)

    @property
    def squares(self) -> gpd.GeoDataFrame | None:
        """Where the children of each commune live; a table of times between communes has no square."""
        found: gpd.GeoDataFrame | None = getattr(self.dataset, "squares", None)
        return found if self.roads is not None or not self.study.files.distancier else None

    def legs(self, steps: Steps, homes: pd.Index) -> pd.DataFrame:
        """Return the times of today between some communes and squares, for rounds, and from squares to sites."""
        columns = ["density_hab_km2", "area_km2", "slowness", "geometry"]
        points = self.weighed.filter(columns)
        ends = points.assign(commune_code=points.index, point_precision="commune")
        points, ends = points[points.index.isin(homes)], ends[ends.index.isin(homes)]
        if (squares := self.squares) is not None:
            squares = squares.set_axis(squares.index.astype("str"))
            squares = squares[squares.index.isin(homes)].drop(columns="children")
            # a square is a place of its own, of 4 ha
            squares = squares.join(self.weighed.filter(columns[:1] + columns[2:3]), on="commune_code")
            squares = squares.assign(commune_code=squares.index, area_km2=0.04, point_precision="address")
            crs: Any = points.crs
            sites = self.sites.filter([*columns, "commune_code", "point_precision"]).to_crs(crs)
            points = pd.concat([points, squares.filter(columns)])
            ends = pd.concat([ends, squares, sites])
        asked = Asked(self.study, points, ends.rename_axis("site_id"), ends.iloc[:1])
        table = travel_times(asked, roads=self.roads, steps=steps).to_sites
        kept = table.filter(["from_id", "to_id", "travel_time_min", "distance_km"])
        return kept.astype({"from_id": "str", "to_id": "str"})


@dataclass(frozen=True)
class Inputs:
    """A study, its dataset, today's state, what its questions answer, its scenarios at the sites chosen."""

    study: Study
    dataset: VarDataset | FilesDataset
    state: State
    times_method: str
    scenarios: tuple[Scenario, ...] = ()
    siting: Mapping[str, SitingAnswer] = field(default_factory=dict)
    groupings: Mapping[str, GroupingAnswer] = field(default_factory=dict)
    roads: RoadMap | None = None
    legs: Callable[[pd.Index], pd.DataFrame] | None = None
    squares: pd.DataFrame | None = None


def prepare(study: Study, *, steps: Steps, roads: Path | None = None) -> Inputs:
    """Assemble today's state: communes, population, needs, sites, services and travel times."""
    places = places_of(study, roads=roads)
    times = places.times(steps)
    speeds = questions.other_speeds(places.study)
    road_times = {change.roads_key: places.times(steps, speeds=change) for change in speeds}
    state = state_of(places, times, road_times=road_times)
    answers = questions.answer_sitings(places.study, state)
    scenarios = tuple(questions.settled(scenario, answers) for scenario in places.study.scenario)
    groupings = questions.answer_groupings(places.study, state)
    known = Inputs(places.study, places.dataset, state, times.method, scenarios, answers, groupings)
    return replace(known, roads=places.roads, legs=partial(places.legs, steps), squares=places.squares)


def places_of(study: Study, *, roads: Path | None = None) -> Places:
    """Read what a study is about; `roads` replaces the study's own road map, or its estimated times."""
    road_map = road_map_of(study, roads)
    questions.check_speeds(study, has_roads=road_map is not None)
    data = dataset_of(study)
    population = validate("population", data.population(study.population))
    communes = _communes(study, data, population)
    inside = population[population.index.isin(_own_codes(study, communes), level="commune_code")]
    study, services = questions.with_answers(study, services_of(study, data), inside)
    services = questions.with_activity(study, questions.with_holders(study, services))
    services = validate("services", services)
    study = questions.with_fixed_services(study, services)
    sites = validate("sites", questions.with_candidates(study, sites_of(study, data, communes), communes))
    used = _used_sites(study, services) | questions.indicator_sites(study, services, sites, communes)
    sites = sites.loc[sites.index.isin(used) | is_candidate(sites)]
    services = services[services.index.get_level_values("site_id").isin(sites.index)]
    of_commune = data.communes[["area_km2", "density_hab_km2"]].join(communes.filter(["slowness"]))
    of_commune = of_commune.reindex(sites["commune_code"])
    sites = sites.assign(**of_commune.set_axis(sites.index))
    named = {authorisation.id for authorisation in study.authorisation}
    held = services.index.get_level_values("site_id")[services["authorisation_id"].isin(named)]
    asked = {site for one in study.siting for site in (*one.candidate_site_ids, *one.fixed_site_ids)}
    asked = asked.union(*(grouping.sites(services) for grouping in study.grouping))
    declared = {site.id for site in study.site}
    named_sites = sites.loc[sites.index.isin(held.union(list(asked | declared))) | is_candidate(sites)]
    weighed = data.communes.assign(**communes.filter(["slowness"]))
    return Places(study, data, population, communes, weighed, services, sites, named_sites, road_map)


def state_of(places: Places, times: Times, *, road_times: Mapping[str, Times] | None = None) -> State:
    """Return today's state; `road_times` are the times under the speeds of the scenarios that change them."""
    study, communes, population = places.study, places.communes, places.population
    parameters = _parameters(study, places.dataset, population, communes)
    consumed = study.practitioners.consumption
    weighed = {key: (one.to_sites, one.between_sites) for key, one in (road_times or {}).items()}
    return State(
        communes=communes,
        population=population,
        demand=validate("demand", demand_of(population, parameters)),
        sites=places.sites,
        services=places.services,
        travel_times=validate("travel_times", times.to_sites),
        site_times=times.between_sites,
        parameters=parameters,
        observed_origins=_observed(study, communes, places.services),
        tables=StudyTables(files=questions.change_tables(study, communes.index), road_times=weighed),
        edge_time_min=questions.edge_times(study, places.weighed),
        care_territories=questions.care_territories(study, communes),
        zoning_in_force=questions.zoning_in_force(
            study, communes.index[communes.index.isin(parameters.territory_codes)]
        ),
        gp_consumption=None if consumed is None else study.own_tables.read(read_consumption, consumed),
        published=places.dataset.published,
    )


def dataset_of(study: Study) -> VarDataset | FilesDataset:
    """Return the dataset that a study is about."""
    departements, folder = study.territory.departement_codes, Path(study.folder)
    return open_dataset(study.dataset, study.data, departements=departements, folder=folder)


def _communes(study: Study, data: VarDataset | FilesDataset, population: pd.DataFrame) -> gpd.GeoDataFrame:
    """Return the communes of the territory and its buffer with the population of the vintage."""
    totals = population.groupby(level="commune_code", sort=False)["population"].sum(min_count=1)
    communes = data.communes.copy()
    communes["population"] = totals.reindex(communes.index).to_numpy(float)
    communes["density_hab_km2"] = communes["population"] / communes["area_km2"]
    if "slowness" not in communes and data.published is not None:
        communes = _with_slowness(communes, data.published["value"])
    return validate("communes", communes, subject=f"{study.dataset}, {study.population}")


def _with_slowness(communes: gpd.GeoDataFrame, published: "pd.Series[float]") -> gpd.GeoDataFrame:
    """Return communes with the slowness that the newest published times tell, or as they are where they tell none."""
    times = published[published.index.get_level_values("figure") == "urgences_smur"].droplevel("figure")
    if times.empty:
        return communes
    newest = times.xs(times.index.get_level_values("year").max(), level="year").reindex(communes.index)
    try:
        return communes.assign(slowness=fit_slowness(communes.assign(emergency_min=newest)))
    except NetworkError as refused:
        warn(f"La lenteur des routes ne s'ajuste pas sur ces temps : le relief en tient lieu. {refused}")
        return communes


def sites_of(study: Study, data: VarDataset | FilesDataset, communes: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the sites of the dataset and those that the study declares."""
    if not study.site:
        return data.sites
    rows = pd.DataFrame([site.model_dump() for site in study.site]).set_index("id").rename_axis("site_id")
    is_given = rows["longitude"].notna().to_numpy()
    declared = rows[["name", "category_code", "commune_code", "operator_id", "source"]].astype("str")
    declared.insert(4, "point_precision", np.where(is_given, "address", "commune"))
    crs: Any = communes.crs
    at_commune = communes.geometry.reindex(declared["commune_code"]).set_axis(declared.index)
    x, y = (rows[name].astype(float) for name in ("longitude", "latitude"))
    given = gpd.GeoSeries.from_xy(x, y, index=rows.index, crs=4326).to_crs(crs)
    points = gpd.GeoSeries(at_commune, crs=crs).where(~is_given, given)
    both: Any = pd.concat([data.sites.to_crs(crs), gpd.GeoDataFrame(declared, geometry=points)])
    return gpd.GeoDataFrame(both, crs=crs)


def services_of(study: Study, data: VarDataset | FilesDataset) -> pd.DataFrame:
    """Return the services of the dataset, those of the study added or put in their place."""
    services = data.services
    equipment = getattr(data, "equipment", None)
    if equipment is not None and (files := study.data) is not None:
        known: Any = {"capacity": files.finess_capacity, "complete": files.complete_services}
        services = supply.with_equipment(services, equipment, **known)
    if not study.service:
        return services
    declared = pd.DataFrame([service.model_dump() for service in study.service])
    declared = declared.set_index(["site_id", "service"])
    kept = services[~services.index.isin(declared.index)]
    return pd.concat([kept, declared.reindex(columns=kept.columns).astype(kept.dtypes)])


def _used_sites(study: Study, services: pd.DataFrame) -> set[str]:
    """Return the sites that a measure of the study, or a scenario, may need travel times to."""
    named = {authorisation.id for authorisation in study.authorisation}
    complete = set(study.travel.closest_services) & set(supply.complete_services(services))
    offered = services.index.get_level_values("service").isin(complete)
    held = services["authorisation_id"].isin(named).to_numpy()
    # those that could have welcomed the same children
    rivals = kinds_of(services).isin(set(kinds_of(services)[held]))
    used = set(services.index.get_level_values("site_id")[offered | held | rivals])
    used |= {site.id for site in study.site}
    asked: tuple[Scenario | Siting | Grouping, ...] = (*study.scenario, *study.siting, *study.grouping)
    return used.union(*(question.sites(services) for question in asked))


def _parameters(
    study: Study, data: VarDataset | FilesDataset, population: pd.DataFrame, communes: gpd.GeoDataFrame
) -> Parameters:
    """Return the numbers of the study beside its tables."""
    travel = study.travel
    territory_codes = _own_codes(study, communes)
    reference = data.population(study.ages.vintage) if study.ages else population
    parameters = Parameters(
        authorisations=study.authorisation,
        territory_codes=frozenset(territory_codes),
        closest_services=travel.closest_services,
        thresholds_min=travel.thresholds_min,
        recruitment_max_min=travel.recruitment_max_min,
        recruitment_tests_min=travel.recruitment_tests_min,
        age_scale=_age_scale(study, reference, territory_codes),
        terrain=travel.terrain or (None if "slowness" in communes else "mixed"),
        equity_line_min=travel.equity_line_min,
        prices=study.prices,
        deserts=study.desert,
        practitioners=study.practitioners,
        zoning=study.zoning,
        path_steps=study.path_step,
        coordination=study.coordination,
        told_level=study.uncertainty.level,
    )
    return replace(parameters, rates=tuple(rate_of(need, reference, parameters) for need in study.need))


def _own_codes(study: Study, communes: pd.DataFrame) -> "pd.Index[str]":
    """Return the communes of the territory alone."""
    return communes.index[communes["departement_code"].isin(study.territory.departement_codes)]


def _age_scale(study: Study, reference: pd.DataFrame, territory_codes: pd.Index) -> float:
    """Return the factor from the uniform cut of age bands to the known total of the territory."""
    if study.ages is None:
        return 1.0
    counted = needs.persons_by_age(reference, age_min=0, age_max=study.ages.age_max)
    present = counted[counted.index.isin(territory_codes)].sum()
    return float(study.ages.total / present) if present > 0 else float("nan")


def _observed(study: Study, communes: gpd.GeoDataFrame, services: pd.DataFrame) -> pd.DataFrame | None:
    """Return the children served by commune, when the study gives them."""
    if study.files.origins is None:
        return None
    return study.own_tables.read(
        read_observed_origins,
        study.files.origins,
        communes=communes.index,
        authorisations={authorisation.id for authorisation in study.authorisation},
        holders={pair: str(held) for pair, held in services["authorisation_id"].dropna().items()},
    )
