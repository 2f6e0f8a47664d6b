"""What scenarios and questions of siting need before anything is computed: candidates, tables, other speeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd

from territory.errors import InfeasibleError, ParameterError, Problems, StudyError
from territory.planning.siting.answer import SitingAnswer, answer_siting, candidate_communes
from territory.study.services import kinds_of
from territory.study.words.changes import SITING_PREFIX, ChangeSpeeds, StudyChange
from territory.study.words.questions import CANDIDATE_PREFIX, Siting
from territory.study.words.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Iterator

    from territory.study.state import State
    from territory.study.words.model import Study


def with_candidates(study: Study, sites: gpd.GeoDataFrame, communes: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the sites and, for each commune that a question of siting looks at, a candidate at its point."""
    codes = dict.fromkeys(code for siting in study.siting for code in candidate_communes(siting, communes))
    if not codes:
        return sites
    chosen = communes.loc[list(codes)]
    candidates = gpd.GeoDataFrame(
        {
            "name": ("Point de la commune de " + chosen["name"]).to_numpy(),
            "category_code": pd.array([None] * len(chosen), dtype="str"),
            "commune_code": chosen.index.to_numpy(),
            "operator_id": pd.array([None] * len(chosen), dtype="str"),
            "point_precision": "commune",
            "source": "fichier d'étude : commune candidate",
        },
        geometry=chosen.geometry.to_numpy(),
        crs=communes.crs,
        index=pd.Index(CANDIDATE_PREFIX + chosen.index, name="site_id"),
    )
    crs: Any = communes.crs
    frames: list[Any] = [sites.to_crs(crs), candidates]
    both: Any = pd.concat(frames)
    return gpd.GeoDataFrame(both, crs=communes.crs)


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
        name: study.own_tables.change_table(name, key, communes=communes)
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
                    f"{study.at('scenario', number, 'change', rank)}period et speeds_file changent les vitesses d'une "
                    "carte routière, et cette étude n'en a pas : donnez --roads ou files.roads, ou dites le "
                    "changement par time_factor ou times_file"
                )
    problems.raise_if_any()


def answer_sitings(study: Study, state: State) -> dict[str, SitingAnswer]:
    """Answer every question of siting of a study."""
    problems = Problems(f"Étude « {study.id} »", StudyError)
    answers = {}
    for number, siting in enumerate(study.siting):
        try:
            answers[siting.id] = answer_siting(siting, state)
        except (InfeasibleError, ParameterError) as error:
            problems.add(f"{study.at('siting', number)}implantation « {siting.id} » : {error}")
    problems.raise_if_any()
    return answers


def settled(scenario: Scenario, answers: Mapping[str, SitingAnswer]) -> Scenario:
    """Return a scenario whose sites named by a question of siting are those that it chose.

    `{siting:<id>}` in its name and summary becomes the name of the commune.
    """

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
