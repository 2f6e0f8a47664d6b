"""An invented history of communes, told from the ground: who lives where, whatever the codes say."""

from __future__ import annotations

import random

import pandas as pd


class World:
    """Villages that never change, and the communes that hold them, year after year.

    Each village of the first year keeps its people; a commune is a set of villages under a code. Nothing here
    follows links from code to code: it is what the conversion is checked against.
    """

    def __init__(self, villages: int, seed: int) -> None:
        self.random = random.Random(seed)
        codes = [f"83{n:03d}" for n in range(1, villages + 1)]
        self.people = {code: float(self.random.randint(0, 5000)) for code in codes}
        self.holds: dict[str, set[str]] = {code: {code} for code in codes}
        self.rows: list[dict[str, object]] = []
        self.states: dict[int, dict[str, frozenset[str]]] = {2000: self._state()}

    def live(self, years: int) -> None:
        """Let some years go by, with at most one change a year."""
        for year in range(2000, 2000 + years):
            date = pd.Timestamp(year, self.random.choice([2, 6, 12]), self.random.randint(1, 28))
            if self.random.random() < 0.1:
                date = pd.Timestamp(year + 1, 1, 1)
            self.random.choice([self._merge, self._merge, self._leave, self._recode, self._nothing])(date)
            self.states[year + 1] = self._state()

    def movements(self) -> pd.DataFrame:
        """Return the table of INSEE that tells this history."""
        # bounds of the history, whatever happens in it
        self._say("10", pd.Timestamp(2000, 1, 2), "COM", "83001", "COM", "83001")
        last = pd.Timestamp(max(self.states), 1, 1)
        self._say("10", last, "COM", "83001", "COM", "83001")
        return (
            pd.DataFrame(self.rows)
            .sample(frac=1, random_state=self.random.randint(0, 99))
            .reset_index(drop=True)
        )

    def population(self, year: int) -> pd.Series:
        """Return the people of each commune of a year."""
        state = self.states[year]
        return pd.Series(
            {code: sum(self.people[v] for v in villages) for code, villages in state.items()}, dtype=float
        )

    def _state(self) -> dict[str, frozenset[str]]:
        return {code: frozenset(villages) for code, villages in sorted(self.holds.items())}

    def _say(
        self, kind: str, date: pd.Timestamp, type_before: str, before: str, type_after: str, after: str
    ) -> None:
        row = {"movement_code": kind, "date": date, "type_before": type_before, "type_after": type_after}
        self.rows.append(row | {"code_before": before, "code_after": after})

    def _merge(self, date: pd.Timestamp) -> None:
        if len(self.holds) < 3:
            return
        members = self.random.sample(sorted(self.holds), self.random.randint(2, 3))
        for member in members:
            self._say("32", date, "COM", member, "COM", members[0])
            self._say("32", date, "COM", member, "COMD", member)
        self.holds[members[0]] = set().union(*(self.holds.pop(member) for member in members))

    def _leave(self, date: pd.Timestamp) -> None:
        """Let one village that gave its code up take it back."""
        some = [
            (code, v)
            for code, held in sorted(self.holds.items())
            for v in sorted(held)
            if v != code and v not in self.holds
        ]
        if not some:
            return
        whole, village = self.random.choice(some)
        self._say("21", date, "COM", whole, "COM", whole)
        self._say("21", date, "COM", whole, "COM", village)
        self._say("21", date, "COMD", village, "COM", village)
        self.holds[whole].discard(village)
        self.holds[village] = {village}

    def _recode(self, date: pd.Timestamp) -> None:
        """Move a commune to another département, or a code to a village that has none of its own."""
        code = self.random.choice(sorted(self.holds))
        new = f"2A{len(self.rows) % 1000:03d}"
        if new not in self.holds:
            self._say("41", date, "COM", code, "COM", new)
            self.holds[new] = self.holds.pop(code)

    def _nothing(self, date: pd.Timestamp) -> None:
        code = self.random.choice(sorted(self.holds))
        self._say("10", date, "COM", code, "COM", code)
