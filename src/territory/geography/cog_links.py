"""What each commune of one year becomes in another, replayed from INSEE's movements."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from territory.errors import ParameterError, TerritoryWarning, agree, examples

if TYPE_CHECKING:
    import pandas as pd

# movements of INSEE's file: names, creations, re-establishments, ends, mergers, codes
KNOWN_MOVEMENTS = ("10", "20", "21", "30", "31", "32", "33", "34", "35", "41", "50", "70", "71")
# on one day a change of département comes before the merger that it makes possible (twice, on 1 January 2018)
_FIRST_OF_A_DAY = "41"
_PARTS = ("COMA", "COMD")

Links = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Step:
    """Changes of codes that happen together.

    `becomes` maps each code that is touched to what it becomes; `parts` holds the codes under which a part
    of a commune (associated or delegated) becomes a commune again, or ceases to be one.
    """

    date: pd.Timestamp
    becomes: Mapping[str, tuple[str, ...]]
    parts: frozenset[str]


def steps_of(movements: pd.DataFrame) -> list[Step]:
    """Return the changes of commune codes in their order.

    Examples
    --------
    >>> import pandas as pd
    >>> row = {"movement_code": "32", "date": pd.Timestamp("2019-01-01"), "type_before": "COM", "type_after": "COM"}
    >>> rows = [row | {"code_before": code, "code_after": "05001"} for code in ("05001", "05120")]
    >>> dict(steps_of(pd.DataFrame(rows))[0].becomes)
    {'05001': ('05001',), '05120': ('05001',)}
    """
    unknown = sorted(set(movements["movement_code"]) - set(KNOWN_MOVEMENTS))
    if unknown:
        count = int(movements["movement_code"].isin(unknown).sum())
        said = agree(count, "mouvement(s) d'un type inconnu")
        warnings.warn(
            f"{said} ({examples(unknown)}) : leurs codes sont suivis comme les autres.",
            TerritoryWarning,
            stacklevel=3,
        )
    columns = ["date", "movement_code", "type_before", "code_before", "type_after", "code_after"]
    days: defaultdict[tuple[pd.Timestamp, bool], list[tuple[str, str, str, str]]] = defaultdict(list)
    for date, movement, *codes in movements[columns].itertuples(index=False, name=None):
        type_before, before, type_after, after = codes
        days[date, movement != _FIRST_OF_A_DAY].append((type_before, before, type_after, after))
    steps = []
    for date, later in sorted(days):
        becomes: defaultdict[str, list[str]] = defaultdict(list)
        parts = set()
        for type_before, before, type_after, after in days[date, later]:
            if type_before == type_after == "COM":
                if after not in becomes[before]:
                    becomes[before].append(after)
            elif before == after and (type_before in _PARTS) != (type_after in _PARTS):
                parts.add(before)
        if any(after != [before] for before, after in becomes.items()):
            changed = {before: tuple(codes) for before, codes in becomes.items()}
            steps.append(Step(date, changed, frozenset(parts)))
    return steps


def links_between(steps: Iterable[Step], *, from_year: int, to_year: int) -> Links:
    """Return what each code touched between two years becomes; a code that is absent stays as it is.

    A commune that is merged and later re-established goes back to itself. What is left when parts take
    their codes back stays with the code of the whole, or goes to the new code when the whole has given its
    own to a part.

    Examples
    --------
    >>> import pandas as pd
    >>> merger = {"83001": ("83001",), "83002": ("83001",)}
    >>> step = Step(pd.Timestamp("2020-06-01"), merger, frozenset())
    >>> links_between([step], from_year=2020, to_year=2021)
    {'83001': ('83001',), '83002': ('83001',)}
    >>> links_between([step], from_year=2021, to_year=2020)
    {'83001': ('83001', '83002')}
    """
    first, last = sorted((from_year, to_year))
    chosen = [step for step in steps if _is_between(step, first, last)]
    if to_year < from_year:
        chosen = [_reverse(step) for step in reversed(chosen)]
    current: dict[str, set[str]] = {}
    holders: defaultdict[str, set[str]] = defaultdict(set)
    created: set[str] = set()
    for step in chosen:
        # a code that nothing led to was there from the start
        for code in set(step.becomes) - set(current) - created:
            current[code] = {code}
            holders[code].add(code)
        held = {code: frozenset(holders.pop(code, ())) for code in step.becomes}
        for code, sources in held.items():
            for source in sources:
                current[source].discard(code)
        for code, sources in held.items():
            for source, targets in _share_out(code, sources, step).items():
                current[source] |= targets
                for target in targets:
                    holders[target].add(source)
        created.update(code for codes in step.becomes.values() for code in codes)
    return {code: tuple(sorted(targets)) for code, targets in sorted(current.items())}


def lives_of(steps: Iterable[Step]) -> dict[str, list[tuple[pd.Timestamp | None, bool]]]:
    """Return, for each code that ever changed, since when it is a commune and since when it is none.

    Examples
    --------
    >>> import pandas as pd
    >>> step = Step(pd.Timestamp("2020-06-01"), {"83001": ("83001",), "83002": ("83001",)}, frozenset())
    >>> lives_of([step])["83002"]
    [(None, True), (Timestamp('2020-06-01 00:00:00'), False)]
    """
    lives: dict[str, list[tuple[pd.Timestamp | None, bool]]] = {}
    for step in steps:
        after = {code for codes in step.becomes.values() for code in codes}
        for code in sorted(set(step.becomes) | after):
            life = lives.setdefault(code, [(None, code in step.becomes)])
            if life[-1][1] != (code in after):
                life.append((step.date, code in after))
    return lives


def is_commune(life: Iterable[tuple[pd.Timestamp | None, bool]], year: int) -> bool:
    """Tell whether a code is that of a commune on 1 January of a year.

    Examples
    --------
    >>> import pandas as pd
    >>> life = [(None, True), (pd.Timestamp("2020-06-01"), False)]
    >>> is_commune(life, 2020), is_commune(life, 2021)
    (True, False)
    """
    alive = False
    for date, state in life:
        if date is None or (date.year, date.month, date.day) <= (year, 1, 1):
            alive = state
    return alive


def check_years(movements: pd.DataFrame, years: Iterable[int]) -> None:
    """Refuse years that the movements do not cover.

    Examples
    --------
    >>> import pandas as pd
    >>> check_years(pd.DataFrame({"date": [pd.Timestamp("2020-06-01")]}), [2020, 2030])
    Traceback (most recent call last):
    territory.errors.ParameterError: Année hors de l'historique des communes (2030) : il va de 2020 à 2021.
    """
    if movements.empty:
        raise ParameterError(
            "L'historique des communes est vide : lisez le fichier v_mvt_commune de l'INSEE."
        )
    first, last = movements["date"].min(), movements["date"].max()
    # a change of 1 January belongs to the code of that year, any other to that of the next
    newest = last.year if (last.month, last.day) == (1, 1) else last.year + 1
    outside = [year for year in years if not first.year <= year <= newest]
    if outside:
        raise ParameterError(
            f"Année hors de l'historique des communes ({examples(outside)}) : il va de {first.year} à {newest}."
        )


def _is_between(step: Step, first: int, last: int) -> bool:
    """Tell whether a change happens after 1 January of a year, until 1 January of another."""
    day = (step.date.year, step.date.month, step.date.day)
    return (first, 1, 1) < day <= (last, 1, 1)


def _reverse(step: Step) -> Step:
    """Return the change that undoes a change."""
    becomes: defaultdict[str, list[str]] = defaultdict(list)
    for before, codes in step.becomes.items():
        for after in codes:
            becomes[after].append(before)
    return Step(step.date, {code: tuple(codes) for code, codes in becomes.items()}, step.parts)


def _share_out(code: str, sources: frozenset[str], step: Step) -> dict[str, set[str]]:
    """Return where each source that a code holds goes when the code changes."""
    after = set(step.becomes[code])
    if len(after) == 1:
        return {source: set(after) for source in sources}
    where = {source: {source} for source in sources & after}
    left = after - sources
    # the code that goes on as the whole; parts take their own back
    whole = {code} if code in after - step.parts else after - step.parts or left or after
    for source in sources - after:
        where[source] = set(whole)
    if code in where:
        # what nobody takes back was a part of the commune of this code
        where[code] |= left if len(where) == 1 or code not in step.parts else set()
    reached = {target for targets in where.values() for target in targets}
    for source in where:
        where[source] |= left - reached
    return where
