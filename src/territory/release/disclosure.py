"""Disclosure control: what may be printed of counts of persons, of estimates and of establishment budgets."""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

import numpy as np
import pandas as pd

from territory.errors import ParameterError, examples
from territory.french.numbers import integer

THRESHOLD = 11
MIN_UNITS = 3
MAX_UNIT_SHARE = 0.85

# what a reader sees in the place of a withheld number
SUPPRESSED = "secret"

# the edition for everybody, and the one that stays in the agency, where nothing is withheld
PUBLIC, INTERNAL = "publique", "interne"
EDITIONS = (PUBLIC, INTERNAL)
_edition: ContextVar[str] = ContextVar("edition", default=PUBLIC)

# a relation is a total and the cells that add up to it
Relation = tuple[Hashable, Sequence[Hashable]]


def check_edition(edition: str) -> None:
    """Refuse an edition that there is not."""
    if edition not in EDITIONS:
        raise ParameterError(f"Édition inconnue « {edition} » ; éditions possibles : {', '.join(EDITIONS)}.")


def edition_name(name: str, edition: str) -> str:
    """Return the name of a file or of a folder in an edition: the internal one is in every name."""
    if edition != INTERNAL:
        return name
    stem, dot, kind = name.rpartition(".")
    return f"{stem}-{INTERNAL}.{kind}" if dot else f"{name}-{INTERNAL}"


@contextmanager
def printing(edition: str) -> Iterator[None]:
    """Make what is printed inside under the rules of an edition; `territory.release.release` alone opens another."""
    check_edition(edition)
    token = _edition.set(edition)
    try:
        yield
    finally:
        _edition.reset(token)


def withholds() -> bool:
    """Tell whether small counts and what tells them are withheld, as in every edition but the internal one."""
    return _edition.get() != INTERNAL


def is_small(values: pd.Series) -> pd.Series:
    """Return where a count is under the threshold without being 0; nowhere in the internal edition."""
    small: pd.Series = values.gt(0) & values.lt(THRESHOLD)
    return small & withholds()


class Protection(NamedTuple):
    """What may be printed: `text` for each cell, and which were withheld, first or to protect the first."""

    text: pd.Series
    primary: pd.Series
    complementary: pd.Series

    @property
    def withheld(self) -> pd.Series:
        """Every withheld cell."""
        return self.primary | self.complementary


def protect_counts(
    counts: pd.Series,
    relations: Iterable[Relation],
    *,
    threshold: int = THRESHOLD,
    primary: pd.Series | None = None,
    lowest: pd.Series | None = None,
    cost: pd.Series | None = None,
    may_be_absent: pd.Series | None = None,
) -> Protection:
    """Withhold observed counts under the threshold, and as many others as it takes to keep them unknown.

    A reader knows that counts are 0 or more, and every relation between total and parts: linear programming finds the
    range of each withheld cell, and the smallest beside it is withheld until the range is as wide as the threshold.
    Give one series with the cells of every table that is published, those of an earlier report too. Hundepool et al.,
    *Statistical Disclosure Control*, Wiley, 2012, ch. 4.

    Examples
    --------
    >>> counts = pd.Series({"Aups": 4, "Salernes": 30, "Trans": 60, "total": 94})
    >>> protect_counts(counts, [("total", ["Aups", "Salernes", "Trans"])]).text.to_dict()
    {'Aups': 'secret', 'Salernes': 'secret', 'Trans': '60', 'total': '94'}
    """
    known = counts.astype(float)
    system = _system(known, list(relations))
    hidden = known.isna().to_numpy()
    if primary is None:
        first = ((known > 0) & (known < threshold)).to_numpy()
    else:
        first = primary.reindex(counts.index).fillna(False).to_numpy(dtype=bool)
    withheld = first.copy()
    values = known.fillna(0.0).to_numpy()
    floor, price = (
        np.zeros(len(known)) if given is None else given.reindex(counts.index).fillna(0.0).to_numpy(float)
        for given in (lowest, cost)
    )
    hides = np.zeros(len(known), bool) if may_be_absent is None else may_be_absent.to_numpy(bool)
    alike: set[tuple[bytes, float, bool]] = set()
    # withholding one more cell only widens what a reader can believe: a cell found safe stays safe
    for cell in map(int, np.flatnonzero(first)):
        # withheld cells that are in the same sums can be taken for each other
        kind = (system[:, cell].tobytes(), float(floor[cell]), bool(hides[cell]))
        if kind in alike and system[:, cell].any():
            continue
        alike.add(kind)
        while True:
            found = _range(values, system, cell, withheld | hidden, floor)
            if found.is_wide(threshold, hides_presence=bool(hides[cell])):
                break
            chosen = _next_to_withhold(values, system, found.lines, withheld | hidden, price)
            if chosen is None:
                break
            withheld[chosen] = True
    text = known.map(integer).where(~withheld, SUPPRESSED).astype(object)
    also = pd.Series(withheld & ~first, index=counts.index)
    return Protection(text, pd.Series(first, index=counts.index), also)


def known_anyway(
    counts: pd.Series, relations: Iterable[Relation], protection: Protection, wanted: Iterable[Hashable]
) -> list[Hashable]:
    """Return the withheld cells that are sums or differences of those printed: printing them tells nothing."""
    system = _system(counts.astype(float), list(relations))
    withheld = protection.withheld.to_numpy(bool)
    small = (counts.gt(0) & counts.lt(THRESHOLD)).to_numpy() | protection.primary.to_numpy(bool)
    unknown = np.flatnonzero(withheld)
    # a line that follows from the relations on what is printed is zero for all the others that are withheld
    lines = system[:, unknown].T
    found = []
    for key, place in ((key, counts.index.get_loc(key)) for key in wanted):
        if withheld[place] and not small[place]:
            goal = (unknown == place).astype(float)
            solved = np.linalg.lstsq(lines, goal, rcond=None)[0]
            if np.abs(lines @ solved - goal).max(initial=0.0) < 1e-9:
                found.append(key)
    return found


def _system(known: pd.Series, relations: list[Relation]) -> np.ndarray:
    """Write each relation as one line: parts - total = 0."""
    if not known.index.is_unique:
        raise ParameterError(
            f"Secret statistique : cases répétées ({examples(known.index[known.index.duplicated()])})."
        )
    if (known < 0).any():
        raise ParameterError(f"Secret statistique : effectifs négatifs ({examples(known.index[known < 0])}).")
    position = {key: place for place, key in enumerate(known.index)}
    system = np.zeros((len(relations), len(known)))
    for line, (total, parts) in enumerate(relations):
        unknown = [key for key in (total, *parts) if key not in position]
        if unknown:
            raise ParameterError(f"Secret statistique : cases inconnues ({examples(unknown)}).")
        system[line, [position[key] for key in parts]] = 1.0
        system[line, position[total]] = -1.0
    # a sum of what is unknown cannot be checked, and keeps no other from it
    filled, unsure = known.fillna(0.0), (system[:, known.isna()] != 0).any(axis=1)
    gaps = np.where(unsure, 0.0, np.abs(system @ filled.to_numpy()))
    wrong = [relations[line][0] for line in np.flatnonzero(gaps > 1e-6 * (1 + filled.max()))]
    if wrong:
        raise ParameterError(
            f"Secret statistique : {len(wrong)} totaux ne sont pas la somme de leurs parties "
            f"({examples(wrong)}) ; corrigez les effectifs ou retirez ces totaux."
        )
    return system


class _Range(NamedTuple):
    """Lowest and highest value that a reader can still believe for one withheld cell, and what holds them there."""

    low: float
    high: float
    lines: np.ndarray

    def is_wide(self, threshold: int, *, hides_presence: bool) -> bool:
        """Tell whether the range hides a count, and whether there is one where that is to be hidden too."""
        return self.high - self.low >= threshold - 1e-6 and (self.low <= 1e-6 or not hides_presence)


def _range(
    values: np.ndarray, system: np.ndarray, cell: int, unknown: np.ndarray, floor: np.ndarray
) -> _Range:
    """Return what a reader can still believe of one withheld cell."""
    # a line reaches another through the unknown cells that they share: the rest of the tables says nothing
    uses = (system != 0) & unknown
    more, reached = uses[:, cell], np.zeros(len(system), dtype=bool)
    while (more != reached).any():
        reached, more = more, uses[:, uses[more].any(axis=0)].any(axis=1)
    lines = np.flatnonzero(reached)
    if not len(lines):
        return _Range(0.0, np.inf, lines)
    columns = np.flatnonzero(unknown & system[lines].any(axis=0))
    equal = system[np.ix_(lines, columns)]
    goal = (columns == cell).astype(float)
    target = -(system[lines] @ np.where(unknown, 0.0, values))
    bounds = [(float(least), None) for least in floor[columns]]
    ends, holds = [], np.zeros(len(lines), dtype=bool)
    # slow to load, and of no use to a run whose files are current
    from scipy.optimize import linprog

    for sign in (1.0, -1.0):
        solved = linprog(sign * goal, A_eq=equal, b_eq=target, bounds=bounds, method="highs")
        # status 3: no bound on that side
        ends.append(float(solved.x @ goal) if solved.status == 0 else np.inf)
        if solved.status == 0:
            holds |= np.abs(np.asarray(solved.eqlin.marginals)) > 1e-9
    return _Range(ends[0], ends[1], lines[holds] if holds.any() else lines)


def _next_to_withhold(
    values: np.ndarray, system: np.ndarray, lines: np.ndarray, unknown: np.ndarray, price: np.ndarray
) -> int | None:
    """Choose what to withhold beside an exposed cell: the cheapest, then parts, few new lines, the smallest."""
    beside = system[lines].any(axis=0) & ~unknown
    # where nothing but zeros is left in reach, withholding one of them makes room
    reach = (np.flatnonzero(cells) for cells in (beside & (values > 0), beside, ~unknown))
    printed = next((cells for cells in reach if len(cells)), None)
    if printed is None:
        return None
    crossed = system[:, printed]
    alone = ~np.asarray(system[:, unknown].any(axis=1))
    opened = ((crossed != 0) & alone[:, None]).sum(axis=0)
    is_total = (crossed < 0).any(axis=0)
    return int(printed[np.lexsort((printed, values[printed], opened, is_total, price[printed]))[0]])


def estimate_texts(values: pd.Series) -> pd.Series:
    """Write estimates of persons for a published table: "< 11" under the threshold, whole numbers above."""

    def written(value: float) -> str:
        if np.isnan(value):
            return ""
        return f"< {THRESHOLD}" if 0 < value < THRESHOLD and withholds() else str(int(np.floor(value + 0.5)))

    return values.astype(float).map(written).astype(object)


def protect_budgets(budgets: pd.Series, groups: pd.Series) -> pd.Series:
    """Add budgets of establishments by group, printed only when no establishment can be seen in the sum.

    At least three units, none above 85 % of it (INSEE's rule for enterprises), all known; the total of all groups only
    when no withheld group can be found from it.
    """
    if (budgets < 0).any():
        raise ParameterError(f"Budgets négatifs : {examples(budgets.index[budgets < 0])}.")
    grouped = budgets.astype(float).groupby(groups.reindex(budgets.index))
    sums = grouped.sum(min_count=1)
    is_known = grouped.count() == grouped.size()
    printable = is_known & (grouped.size() >= MIN_UNITS) & (grouped.max() <= MAX_UNIT_SHARE * sums)
    result = sums.where(printable)
    # the total minus the printed groups is the sum of the others: it must be printable itself
    left = budgets[groups.reindex(budgets.index).map(printable).to_numpy() == np.False_]
    is_seen = left.isna().any() or left.max() > MAX_UNIT_SHARE * left.sum()
    safe = left.empty or (len(left) >= MIN_UNITS and not is_seen)
    result.loc["Total"] = float(budgets.sum()) if safe and budgets.notna().all() else np.nan
    return result
