"""What the questions of a study ask of its data: scenarios, siting, grouping, indicators."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import geopandas as gpd
import pandas as pd

from territory.access.closest import edge_communes
from territory.errors import InfeasibleError, ParameterError, Problems, StudyError
from territory.network.estimate import estimate_travel_times
from territory.planning.grouping.answer import GroupingAnswer, answer_grouping
from territory.planning.siting.answer import SitingAnswer, answer_siting, candidate_communes
from territory.sources.producers.insee.communes import read_care_territories
from territory.study.own_tables import (
    kinds_of,
    read_activity,
    read_change_table,
    read_grouping_table,
    read_pooling_table,
)
from territory.study.state import State
from territory.study.words.changes import SITING_PREFIX, ChangeSpeeds, StudyChange
from territory.study.words.model import Study
from territory.study.words.questions import CANDIDATE_PREFIX, Grouping, Siting
from territory.study.words.scenario import Scenario
from territory.supply import complete_services

Question = TypeVar("Question", Siting, Grouping)
Answer = TypeVar("Answer")


def with_candidates(study: Study, sites: gpd.GeoDataFrame, communes: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the sites and, for each commune that a question of siting looks at, a candidate at its point."""
    codes = dict.fromkeys(code for siting in study.siting for code in candidate_communes(siting, communes))
    if not codes:
        return sites
    chosen, crs = communes.loc[list(codes)], cast("Any", communes.crs)
    unknown = pd.array([None] * len(chosen), dtype="str")
    columns = {
        "name": ("Point de la commune de " + chosen["name"]).to_numpy(),
        "category_code": unknown,
        "commune_code": chosen.index.to_numpy(),
        "operator_id": unknown,
        "point_precision": "commune",
        "source": "fichier d'étude : commune candidate",
    }
    ids = pd.Index(CANDIDATE_PREFIX + chosen.index, name="site_id")
    candidates = gpd.GeoDataFrame(columns, geometry=chosen.geometry.to_numpy(), crs=crs, index=ids)
    both: Any = pd.concat([sites.to_crs(crs), candidates])
    return gpd.GeoDataFrame(both, crs=crs)


def with_fixed_services(study: Study, services: pd.DataFrame) -> Study:
    """Return the study whose questions of siting name every site of the services that they keep."""
    if all(siting.fixed_service is None for siting in study.siting):
        return study
    ids, kinds = services.index.get_level_values("site_id"), kinds_of(services)

    def named(siting: Siting) -> Siting:
        fixed = (*siting.fixed_site_ids, *ids[kinds == siting.fixed_service])
        return siting.model_copy(update={"fixed_site_ids": tuple(dict.fromkeys(fixed))})

    return study.model_copy(update={"siting": tuple(named(siting) for siting in study.siting)})


def with_holders(study: Study, services: pd.DataFrame) -> pd.DataFrame:
    """Return the services with the bodies that hold their authorisations, where the study names one."""
    holders = {named.id: named.holder for named in study.authorisation if named.holder}
    if not holders:
        return services
    return services.assign(holder=services["authorisation_id"].map(holders).astype("str"))


def change_tables(study: Study, communes: pd.Index[str]) -> dict[str, pd.DataFrame]:
    """Return the planner's tables that changes name, by their path in the study file."""
    return {
        name: study.own_tables.read(read_change_table, name, key=key, communes=communes)
        for change in _changes(study)
        for key, name in change.tables().items()
    }


def other_speeds(study: Study) -> list[ChangeSpeeds]:
    """Return the changes that weigh the road map again, each way once."""
    speeds = {change.roads_key: change for change in _changes(study) if isinstance(change, ChangeSpeeds)}
    return [change for key, change in speeds.items() if key]


def check_speeds(study: Study, *, has_roads: bool) -> None:
    """Raise when a scenario changes the speeds of a road map and times do not come from one."""
    problems = Problems(f"Étude « {study.id} »", StudyError)
    for number, scenario in enumerate(study.scenario):
        for rank, change in enumerate(scenario.change):
            if isinstance(change, ChangeSpeeds) and change.roads_key and not has_roads:
                problems.add(
                    f"{study.at('scenario', number, 'change', rank)}period, speeds_file et les routes nommées changent "
                    "une carte routière, et cette étude n'en a pas : donnez --roads ou files.roads, ou dites le "
                    "changement par time_factor ou times_file"
                )
    problems.raise_if_any()


def _answers(
    study: Study, key: str, noun: str, questions: Sequence[Question], answer: Callable[[Question], Answer]
) -> dict[str, Answer]:
    """Answer every question of one kind, or raise one error with all those that have no answer."""
    problems = Problems(f"Étude « {study.id} »", StudyError)
    answers = {}
    for number, question in enumerate(questions):
        try:
            answers[question.id] = answer(question)
        except (InfeasibleError, ParameterError) as error:
            problems.add(f"{study.at(key, number)}{noun} « {question.id} » : {error}")
    problems.raise_if_any()
    return answers


def answer_sitings(study: Study, state: State) -> dict[str, SitingAnswer]:
    """Answer every question of siting of a study."""
    return _answers(study, "siting", "implantation", study.siting, lambda one: answer_siting(one, state))


def answer_groupings(study: Study, state: State) -> dict[str, GroupingAnswer]:
    """Answer every question of grouping of a study, with the planner's own tables."""

    def answer(grouping: Grouping) -> GroupingAnswer:
        own, ids = study.own_tables, state.sites.index
        table = None if grouping.table is None else own.read(read_grouping_table, grouping.table, sites=ids)
        filled = grouping.pooling_table
        pooled = None if filled is None else own.read(read_pooling_table, filled, members=ids)
        return answer_grouping(grouping, state, table=table, pooled=pooled)

    return _answers(study, "grouping", "groupement", study.grouping, answer)


def settled(scenario: Scenario, answers: Mapping[str, SitingAnswer]) -> Scenario:
    """Return a scenario at the sites that questions chose, `{siting:<id>}` in its texts being the commune's name."""

    def chosen(change: StudyChange) -> dict[str, str]:
        return {
            key: answers[site.removeprefix(SITING_PREFIX)].result.selected[0]
            for key, site in change.sites().items()
            if site.startswith(SITING_PREFIX)
        }

    texts = {"name": scenario.name, "summary": scenario.summary}
    for name, answer in answers.items():
        communes = ", ".join(answer.ranking.loc[answer.ranking["is_selected"], "name"])
        texts = {key: text.replace(f"{{{SITING_PREFIX}{name}}}", communes) for key, text in texts.items()}
    changes = tuple(change.model_copy(update=chosen(change)) for change in scenario.change)
    return scenario.model_copy(update={"change": changes, **texts})


def _changes(study: Study) -> Iterator[StudyChange]:
    """Yield every change of every scenario."""
    for scenario in study.scenario:
        yield from scenario.change


# the embedded dataset and those of `territory init` hold the communes up to there
BUFFER_KM = 45.0
EHPAD = "ehpad"


def indicator_sites(
    study: Study, services: pd.DataFrame, sites: gpd.GeoDataFrame, communes: gpd.GeoDataFrame
) -> set[str]:
    """Return the sites of the criteria, of the path, of coordination, and the EHPAD of the territory."""
    named = services.index.get_level_values("service")
    complete = set(complete_services(services))
    criteria = [criterion for scheme in study.desert for criterion in scheme.criterion]
    wanted = {name for criterion in criteria for name in criterion.services} & complete
    wanted |= {name for step in study.path_step for name in step.services}
    wanted |= {structure.service for structure in study.coordination}
    if any(criterion.is_of_gps for criterion in criteria):
        wanted |= {study.practitioners.service} & complete
    ids = services.index.get_level_values("site_id")
    inside = communes.index[communes["departement_code"].isin(study.territory.departement_codes)]
    at_home = sites.index[sites["commune_code"].isin(inside)]
    return set(ids[named.isin(wanted)]) | set(ids[named == EHPAD].intersection(at_home))


def edge_times(study: Study, communes: gpd.GeoDataFrame) -> pd.Series[float]:
    """Return the estimated time to the edge of the data (min): how far they go, whatever the study's own times are."""
    is_edge = edge_communes(
        communes.geometry.x.to_numpy(float),
        communes.geometry.y.to_numpy(float),
        communes["departement_code"].isin(study.territory.departement_codes).to_numpy(),
        buffer_km=BUFFER_KM if study.data is None else study.data.buffer_km,
    )
    times = estimate_travel_times(communes, communes[is_edge], terrain=study.travel.terrain)
    closest = times.groupby("from_id", observed=False)["travel_time_min"].min()
    return closest.reindex(communes.index).astype(float).rename("edge_time_min")


def with_activity(study: Study, services: pd.DataFrame) -> pd.DataFrame:
    """Return the services, those of GPs counted in consultations where the study gives them."""
    if study.practitioners.activity is None:
        return services
    is_gp = services.index.get_level_values("service") == study.practitioners.service
    ids = services.index.get_level_values("site_id")
    activity = study.own_tables.read(read_activity, study.practitioners.activity, sites=set(ids[is_gp]))
    counted = services.copy()
    counted.loc[is_gp, "capacity"] = activity.reindex(ids[is_gp]).to_numpy(float)
    counted.loc[is_gp, "capacity_unit"] = "consultations_per_year"
    return counted


def care_territories(study: Study, communes: gpd.GeoDataFrame) -> pd.Series[str] | None:
    """Return the territoire de vie-santé of each commune, when the study brings their list."""
    if study.zoning is None:
        return None
    territories: pd.Series[str] = read_care_territories(Path(study.folder) / study.zoning.territories)
    return territories.reindex(communes.index)
