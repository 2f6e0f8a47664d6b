"""A state in the making: services as flat rows, times and population, and what each kind of change does to them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

import pandas as pd

from territory.errors import Problems, examples
from territory.study.known import kinds
from territory.study.state import State

_ADDED = ("holder", "run_by", "serves", "capacity_scope")


@dataclass
class Draft:
    """The tables that the changes of a scenario work on, and the problems that they meet.

    Rows of services are flat: `site_id` and `service` are columns, `service` is the kind without the mark that tells
    two authorisations of one site apart, `label` the name that the row has today, `is_touched` whether a change came
    by.
    """

    today: State
    problems: Problems
    rows: pd.DataFrame
    population: pd.DataFrame
    travel_times: pd.DataFrame
    site_times: pd.DataFrame

    @classmethod
    def of(cls, state: State, problems: Problems) -> Draft:
        """Return a draft of today's state."""
        rows = open_rows(state.services)
        return cls(state, problems, rows, state.population, state.travel_times, state.site_times)

    def report_unknown(self, what: str, asked: Iterable[str], known: Iterable[Any]) -> None:
        """Report ids that no table holds."""
        unknown = sorted(set(asked) - set(known))
        if unknown:
            self.problems.add(f"{what} sans ligne dans les données : {examples(unknown)}")

    def report_unheld(self, authorisations: Iterable[str]) -> None:
        """Report authorisations without a row."""
        self.report_unknown("autorisations", authorisations, self.rows["authorisation_id"])

    def report_nowhere(self, site_id: str) -> None:
        """Report a site that is not in the table of sites."""
        self.report_unknown("sites", [site_id], self.today.sites.index)


@singledispatch
def carry_out(change: Any, draft: Draft) -> None:
    """Make one change in a draft, or report why it cannot be made; each kind registers how."""
    raise TypeError(f"nobody carries out {change!r}")


def open_rows(services: pd.DataFrame) -> pd.DataFrame:
    """Return the services as flat rows that changes work on."""
    rows = services.reset_index()
    rows["label"] = rows["service"].astype("str")
    rows["service"] = kinds(pd.Index(rows["label"]))
    for name in _ADDED:
        if name not in rows:
            rows[name] = pd.array([None] * len(rows), dtype="str")
    return rows.assign(is_touched=False)


def close_rows(rows: pd.DataFrame, services: pd.DataFrame) -> pd.DataFrame:
    """Return the rows as a table of services, in today's order, then by id for those that are new.

    Two authorisations of one kind at one site stay two rows: the second is told apart by a mark.
    """
    rows = rows.assign(place=rows.index)
    today = rows["place"] < len(services)
    new = rows[~today].sort_values(["site_id", "service", "authorisation_id"], kind="stable")
    rows = pd.concat([rows[today].sort_values("place"), new])
    kept = rows[~rows["is_touched"]]
    names = dict(zip(kept["place"], kept["label"], strict=True))
    taken = set(zip(kept["site_id"], kept["label"], strict=True))
    touched = rows[rows["is_touched"]].sort_values(["authorisation_id", "service"], kind="stable")
    for row in touched[["place", "site_id", "service", "authorisation_id"]].to_numpy().tolist():
        place, site, label, authorisation = row
        if (site, label) in taken:
            label = f"{label}@{authorisation}"
        taken.add((site, label))
        names[place] = label
    table = rows.assign(service=rows["place"].map(names).astype("str"))
    table = table.drop(columns=["label", "is_touched", "place"])
    for column in _ADDED:
        if column not in services and table[column].isna().all():
            table = table.drop(columns=column)
    table = table.astype({key: kind for key, kind in services.dtypes.items() if key in table})
    return table.set_index(["site_id", "service"])
