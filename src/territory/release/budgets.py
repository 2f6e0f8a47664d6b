"""Budgets of establishments in all that is handed over: one rule, applied once to all the groupings of a study."""

from __future__ import annotations

from typing import TYPE_CHECKING

from territory.planning.grouping.answer import compare_groupings
from territory.release.disclosure import protect_budgets, withholds

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from territory.planning.grouping.answer import GroupingAnswer


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
