"""The inputs of a siting problem, checked together and put in an order that no row order changes."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from territory.access.pairs import Bools, Floats, Ids, read_amounts, read_pairs, unique_ids, warn
from territory.errors import ParameterError, Problems, TerritoryError, agree, counted
from territory.planning.siting.median_search import Limits, MedianProblem
from territory.planning.solver import Search, start_search


@dataclass(frozen=True, kw_only=True)
class SitingProblem(Limits):
    """Minutes from each origin to each site, both sorted (infinite = out of reach or unknown), and what to respect."""

    demand: "pd.Series[float]"
    from_ids: Ids
    to_ids: Ids
    minutes: Floats
    persons: Floats
    capacity: Floats | None
    search: Search

    @property
    def is_asking(self) -> Bools:
        """Return the origins that have persons."""
        return self.persons > 0

    @property
    def total(self) -> float:
        """Return the persons of all origins."""
        return float(self.persons.sum())

    def within(self, minutes: float) -> Bools:
        """Return the pairs that can be used: at most this far, and within reach."""
        return np.isfinite(self.minutes) & (self.minutes <= minutes)

    def median(self, longest_min: float) -> MedianProblem:
        """Return the p-median of the origins with persons; its objective is the mean time (min)."""
        asking = self.is_asking
        minutes = np.where(self.within(longest_min), self.minutes, np.inf)[asking]
        costs = minutes * (self.persons[asking] / self.total)[:, None]
        return MedianProblem(costs=costs, always=self.always, p=self.p)


_UNKNOWN = "origine(s)", "ces couples ne sont pas utilisables, un meilleur choix a pu échapper au calcul"


def read_problem(
    travel_times: pd.DataFrame,
    demand: "pd.Series[float]",
    candidates: Iterable[str],
    fixed: Iterable[str] = (),
    capacity: "pd.Series[float] | None" = None,
    time_limit_s: float = 60.0,  # pragma: no mutate
    mip_gap: float = 0.0,
    *,
    p: int | None = None,
    **limits_min: float | None,
) -> SitingProblem:
    """Check all that a siting function was given (see `p_median`), or raise one error with all that is wrong."""
    problems = Problems("Implantation", ParameterError)
    sites, existing = _sites(candidates, fixed, problems)
    search = start_search(time_limit_s, mip_gap, problems)
    persons = _persons(demand, problems)
    _check_p(p, len(sites) - len(existing), len(existing), problems)
    always = sites.isin(existing)
    places = None if capacity is None else _places(capacity, sites, problems)
    for name, value in limits_min.items():
        check_minutes(value, name, problems)
    problems.raise_if_any()
    minutes = read_minutes(travel_times, demand.index, sites, limits_min, problems, _UNKNOWN)
    problems.raise_if_any()
    absent = sites[~sites.isin(travel_times["to_id"].unique())]
    advice = " : vérifiez leurs identifiants, ou calculez leurs temps"
    problems.count(absent, "site(s) absent(s) de la table des temps", advice=advice)
    problems.raise_if_any()
    order = demand.index.argsort()
    return SitingProblem(
        demand=demand,
        from_ids=demand.index[order],
        to_ids=sites,
        minutes=minutes[order],
        persons=persons[order],
        always=np.asarray(always),
        capacity=places,
        p=int((~always).sum()) if p is None else int(p),
        search=search,
    )


def check_minutes(value: float | None, name: str, problems: Problems) -> None:
    """Add a problem if a duration is not a positive number of minutes."""
    if value is not None and not (isinstance(value, (int, float, np.number)) and 0 < value < math.inf):
        problems.add(f"{name} = {value} : un nombre de minutes positif est attendu")


def _sites(candidates: Iterable[str], fixed: Iterable[str], problems: Problems) -> tuple[Ids, Ids]:
    """Return all sites, sorted, and the existing ones."""
    found: list[Ids] = [pd.Index([], dtype=object)] * 2
    for place, (ids, what) in enumerate(((candidates, "Candidats"), (fixed, "Sites existants"))):
        try:
            found[place] = unique_ids(ids, what)
        except TerritoryError as error:
            problems.add(str(error))
    chosen, existing = found
    if not len(chosen) and not len(existing) and not problems:
        problems.add("aucun candidat : donnez au moins un site possible")
    return pd.Index(sorted(set(chosen) | set(existing)), dtype=object), existing


def _persons(demand: "pd.Series[float]", problems: Problems) -> Floats:
    """Return the demand as numbers; an unknown one cannot weigh in a choice."""
    try:
        unique_ids(demand.index, "Demande")
        persons = read_amounts(demand, "Demande")
    except TerritoryError as error:
        problems.add(str(error))
        return np.zeros(len(demand))
    advice = " : estimez-la, ou retirez ces origines de la demande"
    problems.count(demand.index[np.isnan(persons)], "origine(s) de demande inconnue", advice=advice)
    if persons.sum() == 0:
        problems.add("la demande est nulle partout : il n'y a personne à desservir")
    return persons


def _places(capacity: "pd.Series[float]", sites: Ids, problems: Problems) -> Floats:
    """Return the places of each site; each must be known (infinite = no limit)."""
    known = capacity.reindex(sites)
    numbers: Floats = np.asarray(known.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64)
    problems.count(sites[np.isnan(numbers)], "site(s) sans valeur connue dans capacity")
    problems.count(sites[numbers < 0], "valeur(s) négative(s) dans capacity")
    return numbers


def _check_p(p: int | None, n_candidates: int, n_fixed: int, problems: Problems) -> None:
    """Add what is wrong with the number of sites asked."""
    if p is None:
        return
    if isinstance(p, bool) or not isinstance(p, (int, np.integer)) or p < 0:
        problems.add(f"p = {p} : un nombre entier de sites à ouvrir est attendu")
    elif p == 0 and not n_fixed:
        problems.add("p = 0 sans site existant : il n'y aurait aucun site")
    elif p > n_candidates:
        problems.add(f"p = {p} : il n'y a que {agree(n_candidates, 'candidat(s)')} hors sites existants")


def read_minutes(
    travel_times: pd.DataFrame,
    origins: Ids,
    sites: Ids,
    limits: Mapping[str, float | None],
    problems: Problems,
    unknown_said: tuple[str, str],
) -> Floats:
    """Return minutes by origin and site, infinite where a site cannot be used; say whose times are unknown."""
    minutes = np.full((len(origins), len(sites)), np.inf)
    try:
        pairs = read_pairs(travel_times, origins=origins, sites=sites)
        for name, value in limits.items():
            if value is not None:
                pairs.check_threshold(float(value), name)
    except TerritoryError as error:
        problems.add(str(error))
        return minutes
    unknown = np.isnan(pairs.minutes)
    if unknown.any():
        who, then = unknown_said
        touched = counted(pairs.origins[np.unique(pairs.origin[unknown])], who)
        warn(f"{int(unknown.sum())} temps inconnus, pour {touched} : {then}.")
    minutes[pairs.origin[~unknown], pairs.site[~unknown]] = pairs.minutes[~unknown]
    return minutes
