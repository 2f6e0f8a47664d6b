"""Children served, as the study's own file counts them: what any document may print, decided once for all of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from territory.errors import ParameterError
from territory.needs import persons_by_age
from territory.release.disclosure import THRESHOLD, Relation, protect_counts
from territory.scenario.comparison.compare import EFFECTS as EFFECTS
from territory.scenario.comparison.compare import effects_under
from territory.scenario.measures.compute import ALL_TERRITORY
from territory.supply import rows_serving

if TYPE_CHECKING:
    from territory.result import StudyResult


Members = frozenset[str]

# persons of the age received under which a commune never says whether it sends a child (decision 0017)
PRESENCE_FLOOR = 250

# what a sum is worth to a reader; every recruitment limit weighs the same, so that runs withhold alike
SIDE, ZONE, EFFECT, WHOLE = 0, 2, 5, 9


class ObservedCounts:
    """The children served by one service, and which of their counts may leave the agency.

    Every number that any document, table or map of a study prints is the sum of the children of some communes: of
    one commune, of an EPCI, or of those that one scenario affects alike under one recruitment limit. All of them
    are protected together, those of the limits that are only tried out included. So no document, no two of them,
    no pair of scenarios and no run under another of these limits gives a small count back; a sum that was not
    protected cannot be asked for.

    A reader is supposed to know everything else: which communes are in each sum (times are public), that a withheld
    count is not 0 in a commune that is not veiled, and how many children the service has in all.

    A village where few persons are of the age received is veiled: that one of them is served is already too much to
    tell, so that its count is withheld whether it is 0 or not, and no sum says which (decision 0017).
    """

    def __init__(
        self,
        children: pd.Series,
        published: Iterable[tuple[Members, int]],
        *,
        threshold: int = THRESHOLD,
        veiled: Collection[str] = (),
    ) -> None:
        self.veiled = frozenset(map(str, veiled))
        sent = children[children > 0].astype(float)
        known = sent.reindex(sent.index.union(pd.Index(sorted(self.veiled))), fill_value=0.0)
        self.children = known
        self._present = frozenset(map(str, known.index))
        worth = {frozenset({code}): 1 for code in self._present} | {self._present: WHOLE}
        for members, weight in published:
            inside = members & self._present
            worth[inside] = max(weight, worth.get(inside, 0))
        worth.pop(frozenset(), None)
        self._sums = frozenset(worth)
        self._withheld = self._protect(worth, threshold)

    def _protect(self, worth: dict[Members, int], threshold: int) -> set[Members]:
        """Return the sums that may not be printed."""
        # the smallest sums first, names settling ties: the same choice at each run
        ordered = sorted(worth, key=lambda members: (len(members), sorted(members)))
        sums = [float(self.children[sorted(members)].sum()) for members in ordered]
        counts = pd.Series(sums, index=pd.Index(ordered, tupleize_cols=False, dtype=object))
        relations: list[Relation] = [
            (members, [frozenset({code}) for code in sorted(members)])
            for members in ordered
            if len(members) > 1
        ]
        # a withheld count that is not 0 is known not to be: 0 is printed
        lowest = pd.Series([float(len(members - self.veiled)) for members in ordered], index=counts.index)
        hides = pd.Series([len(m) == 1 and m <= self.veiled for m in ordered], index=counts.index)
        small = counts.gt(0) & counts.lt(threshold)
        cost = pd.Series([float(worth[members]) for members in ordered], index=counts.index)
        protected = protect_counts(
            counts,
            relations,
            threshold=threshold,
            primary=small | hides,
            lowest=lowest,
            cost=cost,
            may_be_absent=hides,
        )
        flags = protected.withheld.to_numpy()
        return {members for members, is_withheld in zip(ordered, flags, strict=True) if is_withheld}

    def is_withheld(self, communes: Iterable[str]) -> bool:
        """Tell whether the children of some communes, counted together, may not be printed."""
        members = frozenset(map(str, communes)) & self._present
        if not members:
            return False
        if members in self._withheld:
            return True
        if members not in self._sums:
            raise ParameterError(
                f"Secret statistique : une somme sur {len(members)} communes n'a pas été protégée, elle ne peut "
                "pas être publiée."
            )
        return False

    def is_mean_safe(self, communes: Iterable[str]) -> bool:
        """Tell whether a mean over the children of some communes gives nothing back.

        Times are public: the mean of a few communes is an equation on their children. It is printed when every
        one of their counts could be.
        """
        return not any(self.is_withheld([code]) for code in communes if str(code) in self._present)


def observed_counts(result: StudyResult, service: str) -> ObservedCounts | None:
    """Return the children served by a service and what may be printed of them; None when they are not known."""
    rows = result.baseline.state.observed_origins
    if rows is None or not (rows["authorisation_id"] == service).any():
        return None
    children = rows[rows["authorisation_id"] == service].groupby("commune_code")["children"].sum()
    veiled = veiled_communes(result, service)
    listed = set(map(str, children.index)) | veiled
    published = tuple(dict.fromkeys(_published(result, service, listed)))
    return _counted(tuple(children.items()), published, tuple(sorted(veiled)))


def veiled_communes(result: StudyResult, service: str) -> set[str]:
    """Return the communes where too few persons are of the age received to tell whether one of them is served."""
    state = result.baseline.state
    rows = rows_serving(state.services, service)
    persons = pd.Series(np.nan, index=state.communes.index)
    if len(rows) and rows[["age_min", "age_max"]].notna().all(axis=None):
        ages = (float(rows["age_min"].min()), float(rows["age_max"].max()))
        counted = persons_by_age(state.population, age_min=ages[0], age_max=ages[1])
        persons = counted.reindex(persons.index) * state.parameters.age_scale
    return set(map(str, persons.index[~persons.ge(PRESENCE_FLOOR)]))


def zone_flags(
    result: StudyResult, scenario_id: str, service: str, *, limit_min: float | None = None
) -> pd.DataFrame | None:
    """Return which numbers of a comparison by zone are withheld; None when the children served are not known."""
    counted = observed_counts(result, service)
    if counted is None:
        return None
    state = result.baseline.state
    limit = state.parameters.recruitment_max_min if limit_min is None else limit_min
    rows = _of_service(result.comparisons[scenario_id].communes, service)
    under = _effects(rows, limit)
    effects, today = under["effect"], under["is_in_area"].to_numpy()
    leaving = effects.eq("loss").to_numpy() & ~under["is_in_scenario_area"].to_numpy()
    zones = state.communes["epci_code"].fillna("").astype(str).reindex(rows.index)
    flags = {}
    for zone in [ALL_TERRITORY, *zones.unique()]:
        inside = np.ones(len(rows), bool) if zone == ALL_TERRITORY else zones.eq(zone).to_numpy()
        found = {e: counted.is_withheld(rows.index[inside & effects.eq(e).to_numpy()]) for e in EFFECTS}
        found["leaving"] = counted.is_withheld(rows.index[inside & leaving])
        found["mean"] = not counted.is_mean_safe(rows.index[inside & today])
        flags[zone] = found
    return pd.DataFrame.from_dict(flags, orient="index")


def _of_service(table: pd.DataFrame, service: str) -> pd.DataFrame:
    """Return the rows of one service, by commune."""
    return table[table.index.get_level_values("service") == service].droplevel("service")


@lru_cache(maxsize=32)
def _counted(
    children: tuple[tuple[str, float], ...],
    published: tuple[tuple[Members, int], ...],
    veiled: tuple[str, ...],
) -> ObservedCounts:
    """Protect once what several documents print."""
    return ObservedCounts(pd.Series(dict(children), dtype=float), published, veiled=veiled)


def _published(result: StudyResult, service: str, listed: set[str]) -> Iterator[tuple[Members, int]]:
    """Yield the communes of every sum that some document may print, and what it is worth."""
    state = result.baseline.state
    communes = state.communes.loc[state.communes.index.isin(listed)]
    zones = communes["epci_code"].fillna("").astype(str)
    yield from _by_zone(pd.Series("", index=communes.index), zones, worth=(WHOLE, ZONE))
    parameters = state.parameters
    for comparison in result.comparisons.values():
        if service not in comparison.services:
            continue
        rows = _of_service(comparison.communes, service).reindex(communes.index)
        for limit in sorted({parameters.recruitment_max_min, *parameters.recruitment_tests_min}):
            under = _effects(rows, limit)
            effects = under["effect"]
            yield from _by_zone(effects[effects != "outside"], zones, worth=(EFFECT, ZONE))
            leaving = effects[effects.eq("loss") & ~under["is_in_scenario_area"]]
            yield from _by_zone(pd.Series("", index=leaving.index), zones, worth=(SIDE, SIDE))


def _by_zone(kinds: pd.Series, zones: pd.Series, *, worth: tuple[int, int]) -> Iterator[tuple[Members, int]]:
    """Yield the communes of each kind, in all and by zone."""
    for keys, weight in ((kinds, worth[0]), (kinds + "|" + zones.reindex(kinds.index), worth[1])):
        for _, codes in keys.groupby(keys):
            yield frozenset(map(str, codes.index)), weight


def _effects(rows: pd.DataFrame, limit_min: float) -> pd.DataFrame:
    """Return the effect of a scenario on each commune under some recruitment limit."""
    return effects_under(rows, limit_min, is_known=rows["effect"].ne("unknown"))
