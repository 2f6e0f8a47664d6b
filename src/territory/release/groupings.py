"""Groups of establishments as tables that may leave the agency."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from territory.planning.answers.grouping_answer import compare_groupings
from territory.release.disclosure import SUPPRESSED
from territory.study.own_tables import POOLING_TITLES

if TYPE_CHECKING:
    from territory.planning.answers.grouping_answer import GroupingAnswer
    from territory.result import StudyResult

# INSEE's rule for figures on establishments: at least three of them, none above 85 % of the total
_LEAST_UNITS = 3
_MOST_SHARE = 0.85


def grouping_tables(result: StudyResult) -> dict[str, pd.DataFrame]:
    """Return the tables of the questions of grouping, by file name.

    For each question: `groupement_<id>_groupes`, `_membres` and `_mutualisation` (what the members share, to fill in
    and to give back in the study file). For all of them, `groupements_comparaison` and `groupements_contexte`
    (establishments that are not grouped, and why). Budgets of establishments are not published, and that of a group
    only when it has at least three members, none above 85 %.
    """
    found: dict[str, pd.DataFrame] = {}
    for name, answer in result.groupings.items():
        stem = f"groupement_{name}"
        found[f"{stem}_groupes"] = _groups(answer)
        drop = ["geometry", "budget_eur"]
        found[f"{stem}_membres"] = pd.DataFrame(answer.members.drop(columns=drop)).reset_index()
        found[f"{stem}_mutualisation"] = _pooling(answer)
    if result.groupings:
        compared = compare_groupings(result.groupings).reset_index()
        found["groupements_comparaison"] = compared.round({"balance": 2})
        around = {name: pd.DataFrame(answer.context) for name, answer in result.groupings.items()}
        found["groupements_contexte"] = (
            pd.concat(around, names=["alternative"]).drop(columns="geometry").reset_index()
        )
    return found


def _groups(answer: GroupingAnswer) -> pd.DataFrame:
    """Return the figures of each group, the budgets that would tell one establishment's withheld."""
    table = answer.groups.reset_index()
    by_group = answer.members.groupby("group")["budget_eur"]
    share = (by_group.max() / by_group.sum()).reindex(answer.groups.index)
    count = answer.groups["n_units"]
    told = ((count >= _LEAST_UNITS) & share.le(_MOST_SHARE)).to_numpy()
    known = answer.groups["budget_eur"].notna().to_numpy()
    if answer.grouping.size == "budget":
        table = table.drop(columns=["size", "size_ratio"])
    table["budget_eur"] = table["budget_eur"].astype(object).where(~known | told, SUPPRESSED)
    if not known.any():
        table["budget_eur"] = table["budget_eur"].astype(float)
    return table.round({"size_ratio": 2})


def _pooling(answer: GroupingAnswer) -> pd.DataFrame:
    """Return what is shared, under the French titles that the study reads back."""
    table = answer.pooling.reset_index()
    member = table["member_id"]
    table["member_name"] = member.map(answer.members["name"])
    table["group"] = member.map(answer.members["group"])
    table["is_shared"] = table["is_shared"].map({True: "oui", False: "non"}).astype("str")
    times = [name for name in table.columns if str(name).endswith(("_min", "_hours_per_year"))]
    table = table.round(dict.fromkeys(times, 1))
    shown = [key for key in POOLING_TITLES if key in table]
    return table[shown].rename(columns=dict(POOLING_TITLES))
