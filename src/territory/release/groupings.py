"""Groups of establishments as tables that may leave the agency."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from territory.release.budgets import release_budgets, release_comparison
from territory.release.disclosure import withholds
from territory.release.treatment import treat
from territory.tables.codes import POOLING_TITLES
from territory.tables.declare import UNITS

if TYPE_CHECKING:
    from territory.planning.grouping.answer import GroupingAnswer
    from territory.result import StudyResult


def grouping_tables(result: StudyResult) -> dict[str, pd.DataFrame]:
    """Return the tables of the questions of grouping, by file name.

    For each question: `groupement_<id>_groupes`, `_membres` and `_mutualisation` (what the members share, to fill in
    and to give back in the study file). For all of them, `groupements_comparaison` and `groupements_contexte`
    (establishments that are not grouped, and why). Budgets of establishments are not published, and those of groups as
    `release.budgets` allows, the sizes of a grouping by budget included.
    """
    found: dict[str, pd.DataFrame] = {}
    budgets = release_budgets(result.groupings)
    for name, answer in result.groupings.items():
        stem = f"groupement_{name}"
        found[f"{stem}_groupes"] = _groups(answer, budgets[name])
        drop = ["geometry", "budget_eur"] if withholds() else ["geometry"]
        found[f"{stem}_membres"] = pd.DataFrame(answer.members.drop(columns=drop)).reset_index()
        found[f"{stem}_mutualisation"] = _pooling(answer)
    if result.groupings:
        found["groupements_comparaison"] = _comparison(result)
        around = {name: pd.DataFrame(answer.context) for name, answer in result.groupings.items()}
        found["groupements_contexte"] = (
            pd.concat(around, names=["alternative"]).drop(columns="geometry").reset_index()
        )
    return found


def _groups(answer: GroupingAnswer, budgets: pd.Series) -> pd.DataFrame:
    """Return the figures of each group, the budgets that would tell one establishment's withheld."""
    # a threshold that is met bounds the budget that is withheld
    withheld = answer.groups["budget_eur"].notna() & budgets.isna()
    table = treat("GroupingAnswer.groups", answer.groups, withheld)
    if answer.grouping.size == "budget" and withholds():
        table = table.drop(columns=["size", "size_ratio"])
    return table.reset_index()


def _comparison(result: StudyResult) -> pd.DataFrame:
    """Return the groupings side by side."""
    table = release_comparison(result.groupings)
    withheld = table.pop("is_size_withheld")
    return treat("groupements_comparaison", table, withheld).reset_index()


def _pooling(answer: GroupingAnswer) -> pd.DataFrame:
    """Return what is shared, under the French titles that the study reads back."""
    table = answer.pooling.reset_index()
    member = table["member_id"]
    table["member_name"] = member.map(answer.members["name"])
    table["group"] = member.map(answer.members["group"])
    table["is_shared"] = table["is_shared"].map({True: "oui", False: "non"}).astype("str")
    times = [name for name in table.columns if str(name).endswith(("_min", "_hours_per_year"))]
    table = table.round(dict.fromkeys(times, UNITS["_min"].decimals))
    shown = [key for key in POOLING_TITLES if key in table]
    return table[shown].rename(columns=dict(POOLING_TITLES))
