"""Questions of grouping as they may leave: groups, members, what is shared, and budgets under one rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from territory.planning.grouping.answer import compare_groupings
from territory.release.disclosure import protect_budgets, withholds
from territory.release.treatment import treat
from territory.tables.codes import POOLING_TITLES
from territory.tables.declare import UNITS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

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


def release_budgets(answers: Mapping[str, GroupingAnswer]) -> dict[str, pd.Series]:
    """Return the budgets of groups that may be printed, for all the groupings of a study together.

    A sum follows `protect_budgets`: three establishments at least, none above 85 %. Beside that, two sums that are
    printed are of the same establishments or have none in common, the first question first: with « a, b, c » and
    « a, b, c, d », the budget of d would be a subtraction away.
    """
    if not withholds():
        return {name: answer.groups["budget_eur"] for name, answer in answers.items()}
    printed: set[frozenset[str]] = set()
    released = {}
    for name, answer in answers.items():
        sums = protect_budgets(answer.members["budget_eur"], answer.members["group"]).drop("Total")
        members = {
            group: frozenset(map(str, rows)) for group, rows in answer.members.groupby("group").groups.items()
        }
        for group in sums.index[sums.notna()]:
            mine = members[group]
            if all(mine == other or mine.isdisjoint(other) for other in printed):
                printed.add(mine)
            else:
                sums[group] = float("nan")
        released[name] = sums.reindex(answer.groups.index)
    return released


def release_comparison(answers: Mapping[str, GroupingAnswer]) -> pd.DataFrame:
    """Set groupings side by side, the sizes that would tell a withheld budget left out."""
    table: pd.DataFrame = compare_groupings(answers)
    released = release_budgets(answers)
    table["is_size_withheld"] = [
        option == "groups"
        and answers[name].grouping.size == "budget"
        and bool(released[name].isna().any())
        and withholds()
        for name, option in table.index
    ]
    sizes = ["smallest_size", "largest_size", "balance"]
    table[sizes] = table[sizes].mask(table["is_size_withheld"])
    return table
