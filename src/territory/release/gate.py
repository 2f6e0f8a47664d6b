"""What of a study may be printed: everything that a document, a table or a picture reads comes out of here."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from typing import Any, Generic, TypeVar, cast

import geopandas as gpd
import numpy as np
import pandas as pd

from territory import supply
from territory.needs import persons_by_age
from territory.network.roads import RoadNetwork
from territory.planning.grouping.answer import GroupingAnswer
from territory.planning.siting.answer import SitingAnswer
from territory.release import comparison
from territory.release.disclosure import INTERNAL, PUBLIC, edition_name, printing
from territory.release.handed_tables import equipment_tables, tables
from territory.release.observed_children import (
    check_families,
    merged_classes,
    observed_counts,
    of_service,
    zone_flags,
)
from territory.release.scenarios import release_budgets, release_comparison
from territory.release.shown import Effects, Situation, ZoneCounts, trial_data, why_no_trial, zone_counts
from territory.release.treatment import handed
from territory.result import StudyResult
from territory.scenario.doubt.draws import Draws
from territory.scenario.doubt.random_errors import doubt_of
from territory.scenario.results import Comparison, Results
from territory.scenario.trial import Trial
from territory.study.own_tables import kinds_of
from territory.study.state import Parameters, without_counts
from territory.study.words.model import Study

# on each page and each sheet of the internal edition
INTERNAL_MARK = "ÉDITION INTERNE – ne pas diffuser"
# the situation of today, beside those of the scenarios
TODAY = ""

# where an authorisation is exercised: one site, or a main one and its branches
Sites = tuple[str, ...]
Kind = TypeVar("Kind")
Publish = Callable[[StudyResult, str], pd.DataFrame]
_counted_zones: Publish = partial(comparison.with_intervals, name="zones")


@dataclass(frozen=True)
class Origins:
    """Where the children served by a service come from; NaN where their number is withheld."""

    communes: pd.Series  # where some live, or may
    zones: pd.Series  # by EPCI
    total: float


class _Part(Generic[Kind]):
    """What a release gives as the computation has it, by its path in the result; None where a dataset has no such."""

    def __init__(self, path: str, said: str) -> None:
        self._path, self.__doc__ = path.split("."), said

    def __get__(self, released: "Release", owner: object = None) -> Kind:
        found: Any = released._result
        for name in self._path:
            found = getattr(found, name, None) if self._path[0] == "dataset" else getattr(found, name)
        return cast("Kind", found)


@dataclass(frozen=True, eq=False, repr=False)
class Release:
    """The results of a study as they may be printed: children served, budgets and means over them are withheld here."""

    _result: StudyResult
    edition: str = PUBLIC

    def __repr__(self) -> str:
        return f"Release({self.study.id!r}, édition {self.edition})"

    @property
    def is_internal(self) -> bool:
        """Whether nothing is withheld: such a document stays in the agency."""
        return self.edition == INTERNAL

    @property
    def mark(self) -> str:
        """What each page says of the edition, nothing for everybody's."""
        return INTERNAL_MARK if self.is_internal else ""

    def file_name(self, name: str) -> str:
        """Return the name of a file in this edition (`rapport-interne.pdf`)."""
        return edition_name(name, self.edition)

    @cached_property
    def study(self) -> Study:
        """What the study file says, without the counts of persons that it holds."""
        return self._result.study if self.is_internal else without_counts(self._result.study)

    # the study as it was computed

    parameters = _Part[Parameters]("baseline.state.parameters", "Limits, thresholds and named services.")
    times_method = _Part[str]("times_method", "How times were found: `estimate`, `roads` or `distancier`.")
    run_digest = _Part[str]("run_digest", "Digest of the run, that secret inputs are not part of.")
    manifest = _Part[Mapping[str, Any]]("manifest", "Inputs, parameters, versions; no digest of a secret.")
    sources = _Part[pd.DataFrame | None]("dataset.sources", "Producer, title, vintage, licence of data.")
    completeness = _Part[pd.DataFrame | None]("dataset.completeness", "Which lists of sites are complete.")
    zoning_in_force = _Part[pd.Series | None](
        "baseline.state.zoning_in_force", "The zones of the arrêté in force."
    )
    published = _Part[pd.DataFrame | None]("baseline.state.published", "Figures that producers publish.")
    outlines = _Part[gpd.GeoDataFrame | None]("dataset.outlines", "Outlines of the communes.")

    @property
    def emergency_hours(self) -> pd.DataFrame:
        """What is known of the hours of the emergency departments of the territory, those without a word left out."""
        state = self._result.baseline.state
        columns = ["commune_code", "opening_note", "opening_source"]
        offered = state.services.index[state.services.index.get_level_values("service") == "urgences"]
        sites = pd.DataFrame(state.sites).reindex(columns=columns).loc[offered.get_level_values("site_id")]
        inside = sites["commune_code"].isin(list(state.parameters.territory_codes))
        return sites[inside & sites["opening_note"].notna()]

    isochrones = _Part[gpd.GeoDataFrame | None]("isochrones", "What is reached from named sites, by road.")
    # places and people

    communes = _Part[gpd.GeoDataFrame](
        "baseline.state.communes", "Every commune, those around the territory included."
    )
    sites = _Part[gpd.GeoDataFrame]("baseline.state.sites", "Every site of today.")
    services = _Part[pd.DataFrame]("baseline.state.services", "Every service of today.")
    site_times = _Part[pd.DataFrame]("baseline.state.site_times", "Times between sites.")
    demand = _Part[pd.DataFrame]("baseline.state.demand", "Estimated needs by commune and public.")
    coverage = _Part[pd.DataFrame]("baseline.coverage", "Inhabitants within each threshold of common care.")
    deserts = _Part[pd.DataFrame]("baseline.deserts", "Criteria of desert by commune, today.")

    @cached_property
    def child_offer(self) -> dict[str, pd.DataFrame]:
        """Rate of equipment by zone and service, and the list of sites beside BPE 2013, under the names of tables."""
        return equipment_tables(self._result)

    @property
    def places_year(self) -> int | None:
        """Year of the places that the files tell."""
        return getattr(self._result.dataset, "places_year", None)

    @property
    def has_single_ages(self) -> bool:
        """Whether persons are known for each year of age, and no band is cut."""
        ages = self._result.baseline.state.population.index.to_frame(index=False)
        closed = ages.dropna(subset="age_max")
        return len(closed) > 0 and bool((closed["age_max"] == closed["age_min"]).all())

    def share_of_age(self, codes: pd.Index, age_min: float, age_max: float) -> float:
        """Return the share of an age band among the inhabitants of some communes; NaN when it is unknown."""
        table = self._result.baseline.state.population
        rows = table[table.index.get_level_values("commune_code").isin(codes)]
        if rows.empty:
            return math.nan
        total = float(rows["population"].sum(skipna=False))
        inside = float(persons_by_age(rows, age_min=age_min, age_max=age_max).sum(skipna=False))
        return inside / total if total > 0 else math.nan

    # situations: today and the scenarios

    @property
    def scenarios(self) -> tuple[str, ...]:
        """Ids of the scenarios, in the order of the study."""
        return tuple(self._result.scenarios)

    def _results(self, situation: str) -> Results:
        """Return the results of today or of a scenario."""
        return self._result.baseline if situation == TODAY else self._result.scenarios[situation]

    def situation(self, name: str) -> Situation:
        """Return today (``""``) or a scenario as a map shows it."""
        return Situation.of(self._results(name))

    def effects(self, scenario_id: str) -> Effects:
        """Return what a scenario changes, as a map or a chart shows it."""
        return Effects.of(self._result.comparisons[scenario_id], partial(self.zone_counts, scenario_id))

    def trial(self, network: RoadNetwork | None = None) -> Trial:
        """Return today's results ready to move a service by hand; `Tried.of` says what may be shown of it."""
        result, study, asked = self._result, self._result.study, self._result.study.uncertainty
        doubt = doubt_of(result.baseline.state, seed=study.seed, options=asked) if asked.draws else None
        options: Any = {"doubt": doubt, "level": asked.level, "times_method": result.times_method}
        return Trial(result.baseline, places=result.dataset.communes, network=network, **options)

    def page_trial(self) -> dict[str, Any] | str:
        """Return what the summary page computes a trial from, or why it computes none."""
        return why_no_trial(self._result) or trial_data(self._result)

    @cached_property
    def closest(self) -> list[str]:
        """Services whose closest site is known: those with a complete list."""
        measured = self._result.baseline.access
        return list(measured.index[measured["measure"] == "closest"].get_level_values("service").unique())

    def times(self, situation: str, service: str) -> pd.DataFrame:
        """Return the access rows of one service by commune, today (``""``) or in a scenario."""
        return of_service(self._results(situation).access, service)

    def median_doubt_min(self, *, within_min: float) -> float:
        """Return the median doubt on the times of today that are no longer than a limit; NaN when there is none."""
        access = self._result.baseline.access
        return float(access[access["travel_time_min"].le(within_min)]["uncertainty_min"].median())

    def times_without_car(self, situation: str, service: str) -> pd.DataFrame:
        """Return the rows of one service by commune without a car, none where the study has no timetable."""
        found = self._result.without_car
        if found is None:
            return pd.DataFrame(columns=["travel_time_min", "is_reachable"])
        return of_service(found[situation].access, service)

    @property
    def deserts_without_car(self) -> pd.DataFrame:
        """Criteria of desert by commune, today, at times without a car; no row where the study has no timetable."""
        today = (self._result.without_car or {}).get(TODAY)
        return self._result.baseline.deserts.iloc[:0] if today is None else today.deserts

    def sites_of(self, situation: str, service: str) -> Sites | None:
        """Return the sites of a named service; None when it is closed or not open yet."""
        return tuple(supply.sites_serving(self._results(situation).state.services, service)) or None

    def doubt_min(self, scenario_id: str, service: str) -> float:
        """Return the median doubt on the trips to a service of those within reach today; NaN when there is none."""
        rows = of_service(self._result.comparisons[scenario_id].communes, service)
        near = rows.index[rows["is_in_area"]]
        doubt = of_service(self._result.baseline.access, service)["uncertainty_min"]
        return float(doubt.reindex(near).median())

    def others_near(self, service: str, codes: pd.Index) -> "pd.Series[float]":
        """Return the time from the closest of some communes to each other known site of the kind of a service."""
        state = self._result.baseline.state
        kinds = pd.Series(kinds_of(state.services), index=state.services.index)
        own = state.services["authorisation_id"].eq(service)
        others = state.services[kinds.isin(kinds[own]) & ~own].index.get_level_values("site_id").unique()
        times = state.times_to(list(others))
        near = times[times["from_id"].isin(codes)].dropna(subset=["travel_time_min"])
        found: pd.Series[float] = near.groupby(near["to_id"].astype(str))["travel_time_min"].min()
        return found.sort_values()

    service_reason = _Part[Callable[[str, str], str]]("reason_of", "Why nobody is counted for a service.")

    @cached_property
    def children(self) -> dict[str, pd.DataFrame]:
        """What the variants say of the children likely served, under the names of the tables (`enfants_trajets`…)."""
        with printing(self.edition):
            return comparison.children_tables(self._result)

    @cached_property
    def rounds(self) -> tuple[pd.DataFrame, ...]:
        """The table `tournees`, the stops of one round of children drawn (never observed), `tournees_limites`."""
        with printing(self.edition):
            return comparison.released_rounds(self._result)

    def moved(self, scenario_id: str) -> tuple[str, ...]:
        """Return the named services that a scenario changes."""
        return tuple(self._result.comparisons[scenario_id].services)

    def is_observed(self, service: str) -> bool:
        """Tell whether the children that a service serves are counted by the study."""
        rows = self._result.baseline.persons
        kinds = rows.loc[rows.index.get_level_values("service") == service, "persons_kind"]
        return "observed" in set(kinds)

    def persons(self, situation: str, service: str) -> pd.Series:
        """Return the persons of the age received by commune; unknown where children served are counted instead."""
        rows = of_service(self._results(situation).persons, service)["persons"]
        return rows * math.nan if self._is_secret(service) else rows

    def differences(self, scenario_id: str, service: str) -> pd.DataFrame:
        """Return the comparison of one service by commune; children served are unknown there."""
        rows = of_service(self._result.comparisons[scenario_id].communes, service)
        return rows.assign(persons=math.nan) if self._is_secret(service) else rows

    def zone_counts(self, scenario_id: str, service: str) -> ZoneCounts:
        """Return who gains and who loses by zone, as far as it may be printed."""
        zones = of_service(self._published(_counted_zones, scenario_id), service)
        with printing(self.edition):
            flags = zone_flags(self._result, scenario_id, service)
            merged = merged_classes(self._result, scenario_id, service)
        return zone_counts(zones, flags, merged)

    def communes_table(self, scenario_id: str) -> pd.DataFrame:
        """Return the comparison by commune, persons as texts."""
        return self._published(comparison.publish_communes, scenario_id)

    def zones_table(self, scenario_id: str) -> pd.DataFrame:
        """Return the comparison by zone, persons as texts."""
        return self._published(comparison.publish_zones, scenario_id)

    def trips_table(self, scenario_id: str) -> pd.DataFrame:
        """Return the year's road by zone."""
        return self._published(comparison.publish_trips, scenario_id)

    @cached_property
    def _published(self) -> Callable[[Publish, str], pd.DataFrame]:
        """Tables of a scenario as they may leave, which the report reads cell by cell: each is made once."""
        result, edition = self._result, self.edition

        def made(publish: Publish, scenario_id: str) -> pd.DataFrame:
            with printing(edition):
                return publish(result, scenario_id)

        return cache(made)

    def sensitivity(self, scenario_id: str, service: str) -> pd.DataFrame:
        """Return gains and losses under other recruitment limits; no row where children served are counted."""
        rows = of_service(comparison.with_intervals(self._result, scenario_id, "sensitivity"), service)
        return rows.iloc[:0] if self._is_secret(service) else rows

    def origins(self, service: str) -> Origins | None:
        """Return where the children served by a service come from; None when the study does not count them."""
        counted = observed_counts(self._result, service)
        if counted is None or not counted.children.sum() > 0:
            return None
        # veiled villages are listed because nobody may know which ones are 0
        children = counted.children[counted.children > 0] if self.is_internal else counted.children
        epci = self.communes["epci_code"].fillna("").astype(str).reindex(children.index)

        def told(codes: pd.Index) -> float:
            return math.nan if counted.is_withheld(codes) else float(children[codes].sum())

        with printing(self.edition):
            communes = pd.Series([told(pd.Index([code])) for code in children.index], index=children.index)
            zones = {str(zone): told(codes.index) for zone, codes in epci.groupby(epci)}
            return Origins(communes.astype(float), pd.Series(zones, dtype=float), told(children.index))

    def _is_secret(self, service: str) -> bool:
        """Tell whether what is counted for a service is withheld."""
        return self.is_observed(service) and not self.is_internal

    def _without_secrets(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return a table without the services whose children served are counted."""
        services = table.index.get_level_values("service")
        secret = [service for service in services.unique() if self._is_secret(str(service))]
        return table[~services.isin(secret)]

    # questions

    @cached_property
    def side_by_side(self) -> pd.DataFrame:
        """Every measure of every scenario beside today, but for services whose children served are counted."""
        return self._without_secrets(self._result.side_by_side)

    @cached_property
    def measures(self) -> pd.DataFrame:
        """The table `comparaison_mesures`, without the intervals that draws give."""
        with printing(self.edition):
            return handed("comparaison_mesures", comparison.released_measures(self._result))

    @cached_property
    def draws(self) -> Draws | None:
        """The study drawn within its doubt, but for services whose children served are counted."""
        draws = self._result.draws
        if draws is None or draws.comparisons.empty:
            return draws
        return replace(draws, comparisons=self._without_secrets(draws.comparisons))

    @cached_property
    def siting(self) -> dict[str, SitingAnswer]:
        """Answers to questions of siting, but those that weigh children served."""
        answers = self._result.siting.items()
        return {name: one for name, one in answers if self.is_internal or not one.is_observed}

    @cached_property
    def groupings(self) -> dict[str, GroupingAnswer]:
        """Answers to questions of grouping, without the budgets of establishments and those that tell one."""
        answers = self._result.groupings
        if self.is_internal:
            return dict(answers)
        budgets = release_budgets(answers)
        return {name: _without_budgets(answer, budgets[name]) for name, answer in answers.items()}

    @cached_property
    def are_budgets_known(self) -> bool:
        """Whether the first question of grouping has the budget of every establishment that it groups."""
        first = next(iter(self._result.groupings.values()), None)
        return first is None or bool(first.members["budget_eur"].notna().all())

    @cached_property
    def grouping_comparison(self) -> pd.DataFrame:
        """Groupings side by side; no row in a study that asks for none."""
        if not self._result.groupings:
            return pd.DataFrame()
        with printing(self.edition):
            return release_comparison(self._result.groupings)

    # what is handed over

    @cached_property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables that are handed over, by file name."""
        with printing(self.edition):
            return tables(self._result)


def release(result: "StudyResult | Release", *, edition: str = PUBLIC) -> "Release":
    """Return what may be printed of the results of a study; every document and table is made from this alone.

    Parameters
    ----------
    result
        What `territory.run_study` gives; what is released already is returned as it is.
    edition : {"publique", "interne"}
        The internal edition withholds nothing, for those who are entitled to the study's own files, and says so.
        Another is a `ParameterError`.

    Examples
    --------
    >>> import territory
    >>> territory.release.release(territory.run_study("draguignan"))
    Release('draguignan', édition publique)
    """
    if isinstance(result, Release):
        return result
    check_families(result.scenarios, edition=edition)
    with printing(edition):
        return Release(result, edition)


def showable(found: Any) -> Any:
    """Return what a picture may show of anything: a study and what it computes as released, the rest as it is."""
    if isinstance(found, Results):
        return Situation.of(found)
    if isinstance(found, Comparison):
        return Effects.of(found)
    return release(found) if isinstance(found, StudyResult) else found


def _without_budgets(answer: GroupingAnswer, printed: pd.Series) -> GroupingAnswer:
    """Return a grouping whose establishments have no budget, and whose groups have those that may be printed."""
    groups = answer.groups.assign(
        budget_eur=printed,
        meets_budget_threshold=answer.groups["meets_budget_threshold"].mask(printed.isna()),
    )
    if answer.grouping.size == "budget":
        groups = groups.drop(columns=["size", "size_ratio"], errors="ignore")
    return replace(answer, groups=groups, members=gpd.GeoDataFrame(answer.members.assign(budget_eur=np.nan)))
