"""Children served, as the study's own file counts them: what any document may print, decided once for all of them."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd

from territory.errors import ParameterError, StudyError, refuse
from territory.release.disclosure import (
    INTERNAL,
    THRESHOLD,
    Relation,
    known_anyway,
    protect_counts,
    withholds,
)
from territory.result import StudyResult
from territory.scenario.comparison.measures import EFFECTS as EFFECTS
from territory.scenario.comparison.measures import effects_under
from territory.scenario.measures.places import persons_received
from territory.scenario.results import Results
from territory.scenario.zones import ALL_TERRITORY
from territory.supply import rows_serving

Members = frozenset[str]

# persons of the age received under which a commune never says whether it sends a child (decision 0017)
PRESENCE_FLOOR = 250

# what a sum is worth to a reader; every recruitment limit weighs the same, so that runs withhold alike
SIDE, ZONE, EFFECT, WHOLE = 0, 2, 5, 9
# of a comparison by zone: means over those counted, and what is said of them
MEANS = (
    *(f"{side}_{name}_min" for name in ("mean", "p90") for side in ("baseline", "scenario")),
    "detectable_mean_min",
    "is_mean_distinguishable",
)
_MESSAGE, _MERGED = {"gain": 7, "loss": 6}, 8

# classes of which one sum may be printed where not each of them can be, the one that keeps most of the message first
MERGES = (("loss", "indistinct"), ("gain", "indistinct"), ("gain", "loss"), ("gain", "loss", "indistinct"))


class ObservedCounts:
    """The children served by one service, and which of their counts may leave the agency.

    Every number that a study prints is the sum of the children of some communes: all are protected together, those of
    limits that are only tried out included, so that no document, no two of them, no pair of scenarios and no run
    under another limit gives a small count back; a sum that was not protected cannot be asked for. A reader is
    supposed to know which communes are in each sum, that a withheld count is not 0 where not veiled, and how many
    children there are in all.

    `offered` are sums that are printed again where a reader can work them out all the same. A village where few
    persons are of the age received is veiled: its count is withheld whether it is 0 or not, and no sum says which
    (decision 0017).
    """

    def __init__(
        self,
        children: pd.Series,
        published: Iterable[tuple[Members, int]],
        *,
        offered: Iterable[Members] = (),
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
        more = {members & self._present for members in offered} & self._sums
        self._withheld = self._protect(worth, more, threshold)

    def _protect(
        self, worth: dict[Members, int], offered: Collection[Members], threshold: int
    ) -> set[Members]:
        """Return the sums that may not be printed."""
        # the smallest sums first, names settling ties: the same choice at each run
        ordered = sorted(worth, key=lambda members: (len(members), sorted(members)))
        index = pd.Index(ordered, tupleize_cols=False, dtype=object)
        counts = pd.Series([float(self.children[sorted(members)].sum()) for members in ordered], index=index)
        relations: list[Relation] = [
            (members, [frozenset({code}) for code in sorted(members)])
            for members in ordered
            if len(members) > 1
        ]
        hides = pd.Series([len(m) == 1 and m <= self.veiled for m in ordered], index=index)
        small = counts.gt(0) & counts.lt(threshold)
        protected = protect_counts(
            counts,
            relations,
            threshold=threshold,
            primary=small | hides,
            # a withheld count that is not 0 is known not to be: 0 is printed
            lowest=pd.Series([float(len(members - self.veiled)) for members in ordered], index=index),
            cost=pd.Series([float(worth[members]) for members in ordered], index=index),
            may_be_absent=hides,
        )
        withheld = set(index[protected.withheld.to_numpy(bool)])
        return withheld.difference(known_anyway(counts, relations, protected, offered))

    def is_withheld(self, communes: Iterable[str], *, is_declared: bool = True) -> bool:
        """Tell whether children counted together may not be printed; an undeclared sum is an error, or withheld."""
        members = frozenset(map(str, communes)) & self._present
        if not members or not withholds():
            return False
        if members not in self._sums and is_declared:
            raise ParameterError(
                f"Secret statistique : une somme sur {len(members)} communes n'a pas été protégée, elle ne peut "
                "pas être publiée."
            )
        return members in self._withheld or members not in self._sums

    def sum_of(self, communes: Iterable[str]) -> float:
        """Return the children of some communes, which only a sum that may be printed lets out."""
        return float(self.children.reindex(sorted(frozenset(map(str, communes)) & self._present)).sum())

    def counts_some_of(self, communes: Iterable[str]) -> bool:
        """Tell whether one of some communes sends children, or may be thought to."""
        return not self._present.isdisjoint(map(str, communes))

    def is_mean_safe(self, communes: Iterable[str]) -> bool:
        """Tell whether a mean gives nothing back (times are public): every one of its counts may be printed."""
        return not any(self.is_withheld([code]) for code in communes if str(code) in self._present)


def observed_counts(result: StudyResult, service: str) -> ObservedCounts | None:
    """Return the children served by a service and what may be printed of them; None when they are not known."""
    known = _OF_RESULTS.setdefault(result, {})
    if service not in known:
        known[service] = _observed_counts(result, service)
    return known[service]


# what is protected for a result, as long as it is kept
_OF_RESULTS: WeakKeyDictionary[StudyResult, dict[str, ObservedCounts | None]] = WeakKeyDictionary()


def _observed_counts(result: StudyResult, service: str) -> ObservedCounts | None:
    """Make what `observed_counts` returns."""
    rows = result.baseline.state.observed_origins
    if rows is None or not (rows["authorisation_id"] == service).any():
        return None
    children = rows[rows["authorisation_id"] == service].groupby("commune_code")["children"].sum()
    veiled = veiled_communes(result, service)
    listed = set(map(str, children.index)) | veiled
    published = tuple(dict.fromkeys(_published(result, service, listed, children)))
    offered = tuple(dict.fromkeys(_offered(result, service, listed)))
    return _counted(tuple(children.items()), published, offered, tuple(sorted(veiled)))


def check_families(scenarios: Mapping[str, Results], *, edition: str) -> None:
    """Refuse, but in the internal edition, times that come from where the children observed live."""
    for name, results in scenarios.items() if edition != INTERNAL else ():
        state = results.state
        rules = state.families.items() if state.observed_origins is not None else ()
        placed = [one for one, rule in rules if rule.rule == "reallocated" and rule.need is None]
        advice = (
            " : leurs temps diraient d'où viennent ces enfants. Réaffectez un besoin (families_need) ou gardez l'étude "
            'dans l\'agence (--edition interne, edition="interne").'
        )
        refuse(
            placed,
            f"service(s) du scénario {name} aux enfants observés réaffectés",
            StudyError,
            advice=advice,
        )


def veiled_communes(result: StudyResult, service: str) -> set[str]:
    """Return the communes where too few persons are of the age received to tell whether one of them is served."""
    state = result.baseline.state
    persons = persons_received(state, rows_serving(state.services, service))
    codes = state.communes.index if persons is None else persons.index[~persons.ge(PRESENCE_FLOOR)]
    return set(map(str, codes))


def zone_flags(
    result: StudyResult, scenario_id: str, service: str, *, limit_min: float | None = None
) -> pd.DataFrame | None:
    """Return which numbers of a comparison by zone are withheld; None when the children served are not known."""
    counted = observed_counts(result, service)
    if counted is None:
        return None
    state = result.baseline.state
    effects, today, later = _effects_under(result, scenario_id, service, limit_min)
    zones = state.communes["epci_code"].fillna("").astype(str).reindex(effects.index)
    flags = {}
    for zone in [ALL_TERRITORY, *zones.unique()]:
        inside = np.ones(len(effects), bool) if zone == ALL_TERRITORY else zones.eq(zone).to_numpy()
        found = {e: counted.is_withheld(effects.index[inside & effects.eq(e).to_numpy()]) for e in EFFECTS}
        found["leaving"] = counted.is_withheld(effects.index[inside & effects.eq("loss").to_numpy() & ~later])
        found["mean"] = not counted.is_mean_safe(effects.index[inside & today])
        flags[zone] = found
    return pd.DataFrame.from_dict(flags, orient="index")


class Merged(NamedTuple):
    """Classes of which one sum alone is printed, over the whole, and that sum."""

    effects: tuple[str, ...]
    persons: float


def merged_classes(
    result: StudyResult, scenario_id: str, service: str, *, limit_min: float | None = None
) -> Merged | None:
    """Return the classes that are printed as one sum over the whole; None where there is no need, or no way."""
    counted = observed_counts(result, service)
    if counted is None:
        return None
    effects, _, _ = _effects_under(result, scenario_id, service, limit_min)
    classes = _classes(effects)
    for merge in MERGES:
        # of those that nobody can be in nothing is to be said
        parts = [effect for effect in merge if counted.counts_some_of(classes.get(effect, ()))]
        members = merged(classes, parts)
        if (
            len(parts) > 1
            and all(counted.is_withheld(classes[effect]) for effect in parts)
            and not counted.is_withheld(members, is_declared=False)
        ):
            return Merged(tuple(parts), counted.sum_of(members))
    return None


def _effects_under(
    result: StudyResult, scenario_id: str, service: str, limit_min: float | None
) -> tuple[pd.Series, np.ndarray, np.ndarray]:
    """Return the effect of a scenario on each commune under a limit, and who is within reach today and later."""
    limit = result.baseline.state.parameters.recruitment_max_min if limit_min is None else limit_min
    rows = of_service(result.comparisons[scenario_id].communes, service)
    under = effects_under(rows, limit, is_known=rows["effect"].ne("unknown"))
    return under["effect"], under["is_in_area"].to_numpy(), under["is_in_scenario_area"].to_numpy()


def of_service(table: pd.DataFrame, service: str) -> pd.DataFrame:
    """Return the rows of one service, without its level."""
    rows: pd.DataFrame = table[table.index.get_level_values("service") == service].droplevel("service")
    return rows


@lru_cache(maxsize=32)
def _counted(
    children: tuple[tuple[str, float], ...],
    published: tuple[tuple[Members, int], ...],
    offered: tuple[Members, ...],
    veiled: tuple[str, ...],
) -> ObservedCounts:
    """Protect once what several documents print."""
    return ObservedCounts(pd.Series(dict(children), dtype=float), published, offered=offered, veiled=veiled)


def _published(
    result: StudyResult, service: str, listed: set[str], children: pd.Series
) -> Iterator[tuple[Members, int]]:
    """Yield the communes of every sum that some document may print, and what it is worth."""
    state = result.baseline.state
    communes = state.communes.loc[state.communes.index.isin(listed)]
    zones = communes["epci_code"].fillna("").astype(str)
    yield from _by_zone(pd.Series("", index=communes.index), zones, worth=(WHOLE, ZONE))
    for effects, later in _situations(result, service, listed):
        yield from _by_zone(effects[effects != "outside"], zones, worth=(EFFECT, ZONE))
        yield _merge(effects, children), _MERGED
        leaving = effects[effects.eq("loss").to_numpy() & ~later]
        yield from _by_zone(pd.Series("", index=leaving.index), zones, worth=(SIDE, SIDE))


def _offered(result: StudyResult, service: str, listed: set[str]) -> Iterator[Members]:
    """Yield the communes of the sums that make the message of each scenario."""
    for effects, _ in _situations(result, service, listed):
        yield from _classes(effects[effects.isin(["gain", "loss", "indistinct"])]).values()


def _classes(effects: pd.Series) -> dict[str, Members]:
    """Return the communes of each effect."""
    return {str(effect): frozenset(map(str, codes.index)) for effect, codes in effects.groupby(effects)}


def _merge(effects: pd.Series, children: pd.Series) -> Members:
    """Return the communes of the classes that one sum is to stand for, because one of them is small; none otherwise."""
    classes = _classes(effects)
    sums = {effect: float(children.reindex(sorted(classes.get(effect, ()))).sum()) for effect in MERGES[-1]}
    small = {effect for effect, count in sums.items() if 0 < count < THRESHOLD}
    for merge in MERGES:
        if small and small <= set(merge) and sum(sums[effect] for effect in merge) >= THRESHOLD:
            return merged(classes, merge)
    return frozenset()


def merged(classes: Mapping[str, Members], merge: Collection[str]) -> Members:
    """Return the communes of some classes taken together."""
    return frozenset().union(*(classes.get(effect, frozenset()) for effect in merge))


def _situations(
    result: StudyResult, service: str, listed: set[str]
) -> Iterator[tuple[pd.Series, np.ndarray]]:
    """Yield the effect of each scenario on each commune under each limit, and who is within reach there."""
    asked = result.baseline.state.parameters
    limits = sorted({asked.recruitment_max_min, *asked.recruitment_tests_min})
    for name, comparison in result.comparisons.items():
        for limit in limits if service in comparison.services else ():
            effects, _, later = _effects_under(result, name, service, limit)
            inside = effects.index.isin(listed)
            yield effects[inside], later[inside]


def _by_zone(kinds: pd.Series, zones: pd.Series, *, worth: tuple[int, int]) -> Iterator[tuple[Members, int]]:
    """Yield the communes of each kind, in all and by zone."""
    for keys, weight in ((kinds, worth[0]), (kinds + "|" + zones.reindex(kinds.index), worth[1])):
        for kind, codes in keys.groupby(keys):
            # under "gain" and "loss" alone, the message of the whole
            yield frozenset(map(str, codes.index)), _MESSAGE.get(str(kind), weight)
