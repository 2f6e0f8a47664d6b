"""What questions of grouping need before they are answered: sites, and the planner's tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from territory.errors import InfeasibleError, ParameterError, Problems, StudyError
from territory.planning.grouping.answer import GroupingAnswer, answer_grouping
from territory.study.tables.grouping_tables import read_grouping_table, read_pooling_table

if TYPE_CHECKING:
    import pandas as pd

    from territory.study.state import State
    from territory.study.words.model import Study


def grouping_sites(study: Study, services: pd.DataFrame) -> set[str]:
    """Return the sites between which questions of grouping need travel times."""
    asked = {grouping.service for grouping in study.grouping}
    offered = services.index.get_level_values("service").isin(asked)
    supports = {one.support_site_id for one in study.grouping if one.support_site_id is not None}
    return set(services.index.get_level_values("site_id")[offered]) | supports


def answer_groupings(study: Study, state: State) -> dict[str, GroupingAnswer]:
    """Answer every question of grouping of a study."""
    problems = Problems(f"Étude « {study.id} »", StudyError)
    answers = {}
    for number, grouping in enumerate(study.grouping):
        folder = Path(study.folder)
        table = pooled = None
        if grouping.table is not None:
            table = read_grouping_table(folder / grouping.table, sites=state.sites.index)
        if grouping.pooling_table is not None:
            pooled = read_pooling_table(folder / grouping.pooling_table, members=state.sites.index)
        try:
            answers[grouping.id] = answer_grouping(grouping, state, table=table, pooled=pooled)
        except (InfeasibleError, ParameterError) as error:
            problems.add(f"{study.at('grouping', number)}groupement « {grouping.id} » : {error}")
    problems.raise_if_any()
    return answers
