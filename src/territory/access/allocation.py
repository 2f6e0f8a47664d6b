"""Coverage gaps as places: who can be served where, with the places there are and a longest acceptable time.

Persons served, then least time, are one linear programme, in which a person served is worth more than any detour it
can cause to the others. Its optimal solutions are then searched for the smallest largest share of unmet demand: by
complementary slackness they are the flows on pairs of zero reduced cost that keep every row with a price full. The
matrix is totally unimodular, so whole persons and places give whole flows.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import linprog
from scipy.sparse import csc_array, csr_array, hstack, vstack

from territory.access import pairs as od
from territory.access.pairs import Bools, Floats, Ints, Pairs, Values, warn
from territory.errors import InfeasibleError, ParameterError, agree, examples, refuse
from territory.french.numbers import decimal, integer
from territory.needs import KINDS_COMPARABLE_WITH_PLACES
from territory.tables.catalogue import html_table

ROUNDING_PERSONS = 1e-6
# under a tenth of a millisecond of travel, above the rounding of the solver
PRICE_TOLERANCE_MIN = 1e-6
FLOW_TOLERANCE = 1e-7
# pairs per origin and per site that enter the programme together
PAIRS_AT_ONCE = 10


@dataclass(frozen=True)
class Allocation:
    """Who is served where, who is not, and which places are left.

    `flows`: from_id, to_id, persons, travel_time_min, one row per pair in use. `unmet`: persons without a place, on
    the index of the demand. `free_places`: places left at each site, on the index of the capacity.
    """

    flows: pd.DataFrame
    unmet: "pd.Series[float]"
    free_places: "pd.Series[float]"
    max_time_min: float

    @property
    def served(self) -> float:
        """Persons who have a place."""
        return float(self.flows["persons"].sum())

    @property
    def total_time_min(self) -> float:
        """Sum of the travel times of the persons served (person-minutes, one way)."""
        return float((self.flows["persons"] * self.flows["travel_time_min"]).sum())

    @property
    def mean_time_min(self) -> float:
        """Mean travel time of the persons served (min, one way), NaN if there are none."""
        return self.total_time_min / self.served if self.served else math.nan

    def __repr__(self) -> str:
        # no number of persons, who may be children served: those of a study are in its report, protected
        full = int(self.free_places.le(0).sum())
        return f"Allocation(lieux complets : {full} sur {len(self.free_places)}, {self.max_time_min:g} min au plus)"

    def _repr_html_(self) -> str:
        full = integer(int(self.free_places.le(0).sum()))
        rows = {"Lieux complets": full, "Temps moyen (min)": decimal(self.mean_time_min)}
        return html_table(rows, title="Affectation des places")


def allocate_places(
    travel_times: pd.DataFrame,
    demand: "pd.Series[float] | pd.DataFrame",
    capacity: "pd.Series[float]",
    *,
    max_time_min: float,
    eligible: pd.DataFrame | None = None,
    kind: str | None = None,
) -> Allocation:
    """Allocate persons to places: as many served as possible, then least time, then the fairest shortage.

    It is what a perfect coordination could do, not what happens: families choose, and establishments admit. Hitchcock
    (1941), Journal of Mathematics and Physics 20, 224-230; the programme is in docs/method/acces-affectation.md.

    Parameters
    ----------
    travel_times
        Columns from_id, to_id, travel_time_min (min). A pair with an unknown time (NaN) is not used.
    demand
        Persons by from_id: MDPH orientations, waiting lists, or children served; or the rows of one public of a
        table `demand` (columns demand, kind).
    capacity
        Places by site, indexed by to_id.
    max_time_min
        Longest acceptable time (min), inclusive.
    eligible
        Columns from_id, to_id: the only pairs allowed (an authorised zone, a psychiatric sector). None = all.
    kind
        Kind of the demand, when it is a Series: orientation or waiting; None = the caller vouches for it.

    Returns
    -------
    Allocation
        `.flows`, `.unmet` and `.free_places`; whole numbers when demand and capacity are whole.

    Raises
    ------
    ParameterError, InfeasibleError
        If the demand is a prevalence, rights or a population, or demand or capacity is unknown; if the solver fails.

    Examples
    --------
    >>> times = pd.DataFrame({"from_id": ["A", "B"], "to_id": ["S", "S"], "travel_time_min": [10.0, 20.0]})
    >>> allocate_places(times, pd.Series({"A": 4.0, "B": 3.0}), pd.Series({"S": 5.0}), max_time_min=45)
    Allocation(lieux complets : 1 sur 1, 45 min au plus)
    """
    demand = _placeable(demand, kind)
    pairs, persons, places = _problem(travel_times, demand, capacity, max_time_min, eligible)
    flow = _best_flows(pairs, persons, places)
    used = pairs.take(np.flatnonzero(flow > 0))
    persons = flow[flow > 0]
    ends = {"from_id": used.origins.take(used.origin), "to_id": used.sites.take(used.site)}
    flows = pd.DataFrame({**ends, "persons": persons, "travel_time_min": used.minutes})
    served = od.sum_by(used.origin, persons, len(used.origins))
    taken = od.sum_by(used.site, persons, len(used.sites))
    unmet = demand.astype(np.float64) - pd.Series(served, index=used.origins)[demand.index].to_numpy()
    free = capacity.astype(np.float64) - pd.Series(taken, index=used.sites)[capacity.index].to_numpy()
    # rounding of the solver only
    unmet = unmet.mask(unmet.abs() < ROUNDING_PERSONS, 0.0).rename("unmet")
    free = free.mask(free.abs() < ROUNDING_PERSONS, 0.0).rename("free_places")
    return Allocation(flows, unmet, free, float(max_time_min))


def _placeable(demand: "pd.Series[float] | pd.DataFrame", kind: str | None) -> "pd.Series[float]":
    """Return persons by origin, or raise if their kind is never set against places."""
    if isinstance(demand, pd.DataFrame):
        od.check_columns(demand, ("demand", "kind"), "Demande")
        kinds, persons = list(demand["kind"].dropna().unique()), demand["demand"]
    else:
        kinds, persons = [kind], demand
    wrong = [str(kind) for kind in kinds if kind is not None and kind not in KINDS_COMPARABLE_WITH_PLACES]
    if wrong:
        said = f"Une demande de nature « {wrong[0]} » ne se met pas en face de places"
        advice = "Pour le reste, comparez à un taux d'équipement énoncé (table « taux_equipement »)."
        only = "seules des orientations de la MDPH (orientation) ou des listes d'attente (waiting) le peuvent"
        raise ParameterError(f"{said} : {only}. {advice}")
    return persons


def _problem(
    times: pd.DataFrame, demand: Values, capacity: Values, max_time_min: float, eligible: pd.DataFrame | None
) -> tuple[Pairs, Floats, Floats]:
    """Return the pairs that may be used, sorted by ids, with persons and places."""
    persons = _known_amounts(demand, "Demande")
    places = _known_amounts(capacity, "Places")
    if not (math.isfinite(max_time_min) and max_time_min > 0):
        raise ParameterError(f"max_time_min = {max_time_min} : un nombre de minutes positif est attendu.")
    # alphabetical, so that among equal optima the answer does not hang on the order of the rows
    origin_ids, site_ids = demand.index.sort_values(), capacity.index.sort_values()
    pairs = od.read_pairs(times, origins=origin_ids, sites=site_ids)
    persons = persons[demand.index.get_indexer(pairs.origins)]
    places = places[capacity.index.get_indexer(pairs.sites)]
    pairs.check_threshold(max_time_min, "Le temps maximal")
    unknown = np.isnan(pairs.minutes)
    if unknown.any():
        who = f"(origines : {examples(pairs.origins[np.unique(pairs.origin[unknown])])})"
        warn(f"{agree(int(unknown.sum()), 'couple(s) au temps inconnu, non utilisé(s)')} {who}.")
    keep = (pairs.minutes <= max_time_min) & (persons[pairs.origin] > 0) & (places[pairs.site] > 0)
    if eligible is not None:
        od.check_columns(eligible, ("from_id", "to_id"), "Couples autorisés")
        origin = pairs.origins.get_indexer(pd.Index(eligible["from_id"]))
        site = pairs.sites.get_indexer(pd.Index(eligible["to_id"]))
        known, width = (origin >= 0) & (site >= 0), len(pairs.sites)
        cell = pairs.origin.astype(np.int64) * width + pairs.site
        keep &= np.isin(cell, origin[known] * width + site[known])
    rows = np.flatnonzero(keep)
    return pairs.take(rows[np.lexsort((pairs.site[rows], pairs.origin[rows]))]), persons, places


def _known_amounts(amounts: "pd.Series[float]", what: str) -> Floats:
    """Return amounts, raise if one is unknown."""
    values = od.read_amounts(amounts, what)
    advice = ". L'affectation ne se calcule pas sans elles : donnez-les, ou retirez ces lignes en le disant."
    refuse(amounts.index[np.isnan(values)], "valeur(s) inconnue(s)", of=what, advice=advice)
    return values


@dataclass(frozen=True)
class _Optimum:
    """A best flow, the pairs that best flows may use, and the rows that they must fill."""

    flow: Floats
    usable: Bools
    full_origins: Bools
    full_sites: Bools


def _best_flows(pairs: Pairs, persons: Floats, places: Floats) -> Floats:
    """Return the persons that go along each pair."""
    if not pairs.minutes.size or not persons.sum() or not places.sum():
        return np.zeros(pairs.minutes.size)
    optimum = _most_served_then_fastest(pairs, _rows(pairs), persons, places)
    is_whole = bool((persons == np.round(persons)).all() and (places == np.round(places)).all())
    used = np.flatnonzero(optimum.usable)
    fairest = _Fairest(pairs.take(used), optimum, persons, places)
    flow = np.zeros(pairs.minutes.size)
    flow[used] = fairest.whole(optimum.flow[used]) if is_whole else fairest.any_amount(optimum.flow[used])
    return flow


def _rows(pairs: Pairs) -> csc_array:
    """Return the incidence of pairs on origins, then on sites."""
    row = np.concatenate([pairs.origin.astype(np.int64), pairs.site.astype(np.int64) + len(pairs.origins)])
    column = np.tile(np.arange(pairs.minutes.size), 2)
    shape = (len(pairs.origins) + len(pairs.sites), pairs.minutes.size)
    return csc_array((np.ones(row.size), (row, column)), shape=shape)


def _most_served_then_fastest(pairs: Pairs, rows: csc_array, persons: Floats, places: Floats) -> _Optimum:
    """Solve the first two aims on the nearest pairs, and bring in the others as they are found to gain."""
    # serving one more person re-routes at most one person per site, each by the longest time at most
    worth = (min(persons.size, places.size) + 1) * max(float(pairs.minutes.max()), 1.0)
    limits = np.concatenate([persons, places])
    flow = np.zeros(pairs.minutes.size)
    active = _nearest(pairs.origin, pairs.minutes) | _nearest(pairs.site, pairs.minutes)
    while True:
        used = np.flatnonzero(active)
        solved = _solve(pairs.minutes[used] - worth, rows[:, used], limits)
        if solved.status != 0:
            raise InfeasibleError(f"Le solveur n'a pas trouvé d'affectation optimale : {solved.message}")
        prices = np.asarray(solved.ineqlin.marginals, dtype=np.float64)
        # what each pair left aside would gain, at these prices; none gains at the optimum over all pairs
        of_site = prices[persons.size + pairs.site.astype(np.int64)]
        reduced = pairs.minutes - worth - prices[pairs.origin] - of_site
        gains = ~active & (reduced < -PRICE_TOLERANCE_MIN)
        if not gains.any():
            break
        active |= gains & (_nearest(pairs.origin, np.where(gains, reduced, np.inf)))
    flow[used] = solved.x
    has_price = np.split(prices < -PRICE_TOLERANCE_MIN, [persons.size])
    return _Optimum(flow, reduced <= PRICE_TOLERANCE_MIN, *has_price)


def _nearest(group: Ints, cost: Floats) -> Bools:
    """Return a mask of the few cheapest pairs of each origin, or of each site."""
    order = np.lexsort((cost, group))
    ordered = group[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    rank = np.arange(order.size) - np.repeat(starts, np.diff(np.append(starts, order.size)))
    mask = np.zeros(order.size, dtype=np.bool_)
    mask[order[rank < PAIRS_AT_ONCE]] = True
    return mask


def _solve(objective: Floats, rows: Any, limits: Floats) -> Any:
    """Minimise over flows of 0 or more under upper limits; simplex, so that whole limits give whole flows."""
    return linprog(objective, A_ub=rows, b_ub=limits, method="highs-ds")


class _Fairest:
    """Search the best flows for the smallest largest share of unmet demand."""

    def __init__(self, pairs: Pairs, optimum: _Optimum, persons: Floats, places: Floats) -> None:
        self.pairs = pairs
        self.persons = persons
        self.places = places
        self.rows = csr_array(_rows(pairs))
        self.full_sites = optimum.full_sites
        self.may_lack = ~optimum.full_origins & (persons > 0)
        self.served = self.rows[np.flatnonzero(self.may_lack)]

    def any_amount(self, flow: Floats) -> Floats:
        """Return the fairest of the best flows when persons need not be whole."""
        if not self._lacks(flow).any():
            return flow
        solved, _ = self._least_share()
        return flow if solved is None else np.where(solved < FLOW_TOLERANCE, 0.0, solved)

    def whole(self, flow: Floats) -> Floats:
        """Return the fairest of the best flows in whole persons."""
        best = np.round(flow)
        shares = self._lacks(best)
        if not shares.any():
            return best
        _, bound = self._least_share()
        sizes = np.unique(self.persons[self.may_lack])
        # no whole persons leave `low` or less, and `best` leaves `high`
        low, high = bound - FLOW_TOLERANCE, float(shares.max())
        while high - low > FLOW_TOLERANCE:
            under = float(((np.ceil(high * sizes - FLOW_TOLERANCE) - 1) / sizes).max())
            if under <= low:
                break
            middle = (low + under) / 2 if under - low > FLOW_TOLERANCE else under
            fairer = self._with_share(middle)
            if fairer is None:
                low = middle
            else:
                best = np.round(fairer)
                high = min(float(self._lacks(best).max()), middle)
        return best

    def _lacks(self, flow: Floats) -> Floats:
        """Return the share of unmet demand of each origin that may lack places."""
        served = np.bincount(self.pairs.origin, weights=flow, minlength=self.persons.size)[self.may_lack]
        shares: Floats = 1.0 - served / self.persons[self.may_lack]
        shares[shares < FLOW_TOLERANCE] = 0.0
        return shares

    def _bounds(self) -> tuple[csr_array, Floats]:
        """Return rows and limits that every best flow respects, full rows as a lower limit too."""
        must = np.concatenate([~self.may_lack, self.full_sites])
        limits = np.concatenate([self.persons, self.places])
        return csr_array(vstack([self.rows, -self.rows[must]])), np.concatenate([limits, -limits[must]])

    def _least_share(self) -> tuple[Floats | None, float]:
        """Return a flow with the smallest largest share, parts of persons allowed, and that share."""
        rows, limits = self._bounds()
        rows = csr_array(hstack([rows, csr_array((rows.shape[0], 1))]))
        # persons served + share x persons >= persons
        persons = self.persons[self.may_lack]
        fair = csr_array(hstack([-self.served, csr_array(-persons[:, None])]))
        objective = np.zeros(rows.shape[1])
        objective[-1] = 1.0
        solved = _solve(objective, vstack([rows, fair]), np.concatenate([limits, -persons]))
        if solved.status != 0:
            return None, 0.0
        return np.asarray(solved.x[:-1], dtype=np.float64), float(solved.fun)

    def _with_share(self, share: float) -> Floats | None:
        """Return a best flow in whole persons that leaves no origin with more than this share, if any."""
        rows, limits = self._bounds()
        persons = self.persons[self.may_lack]
        least = persons - np.floor(share * persons + FLOW_TOLERANCE)
        limits = np.concatenate([limits, -least])
        solved = _solve(np.zeros(rows.shape[1]), vstack([rows, -self.served]), limits)
        return np.asarray(solved.x, dtype=np.float64) if solved.status == 0 else None
