"""What questions of grouping need before they are answered: sites, and the planner's tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from territory.errors import InfeasibleError, ParameterError, Problems, StudyError
from territory.planning.grouping.answer import GroupingAnswer, answer_grouping

if TYPE_CHECKING:
    from territory.study.state import State
    from territory.study.words.model import Study


def answer_groupings(study: Study, state: State) -> dict[str, GroupingAnswer]:
    """Answer every question of grouping of a study."""
    problems = Problems(f"Étude « {study.id} »", StudyError)
    answers = {}
    for number, grouping in enumerate(study.grouping):
        table = pooled = None
        if grouping.table is not None:
            table = study.own_tables.grouping(grouping.table, sites=state.sites.index)
        if grouping.pooling_table is not None:
            pooled = study.own_tables.pooling(grouping.pooling_table, members=state.sites.index)
        try:
            answers[grouping.id] = answer_grouping(grouping, state, table=table, pooled=pooled)
        except (InfeasibleError, ParameterError) as error:
            problems.add(f"{study.at('grouping', number)}groupement « {grouping.id} » : {error}")
    problems.raise_if_any()
    return answers
