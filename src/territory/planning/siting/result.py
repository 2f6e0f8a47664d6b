"""What a choice of sites gives, and how far it is from the best one; or why there is no choice at all."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from territory.access.pairs import Bools, Floats
from territory.errors import InfeasibleError, agree, examples
from territory.french.numbers import decimal
from territory.planning.siting.formulations import Sharing, cover_choice, cover_most, share_out
from territory.planning.siting.median_search import Choice
from territory.planning.siting.problem import SitingProblem
from territory.planning.solver import no_answer, relative_gap
from territory.tables.catalogue import html_table
from territory.tables.declare import CODES

NAMES, _UNITS = CODES["siting_questions"], CODES["siting_units"]
STATUSES = CODES["siting_statuses"]


@dataclass(frozen=True, repr=False)
class SitingResult:
    """Sites chosen by a siting function: `selected` to open, and `fixed` ones, in the order of the ids.

    `assignment` and `travel_time_min` (min) are of each origin, NaN where no open site is within reach; under
    capacities, the site that receives most of its persons, and the mean over its sites. `flows`: from_id, to_id,
    persons, travel_time_min. `uncovered`: persons of each origin whose site is beyond the time asked, or who have
    none. `bound` is the value that no choice can beat, `gap` its distance to `objective` as a share. `status`:
    optimal, within_gap (the gap asked is reached), time_limit or not_proven (too many pairs to prove: capacities on a
    large table). `is_observed`: the persons are children served, whose numbers cards and maps do not say.
    """

    problem: str
    selected: list[str]
    fixed: list[str]
    assignment: "pd.Series[str]"
    travel_time_min: "pd.Series[float]"
    flows: pd.DataFrame
    uncovered: "pd.Series[float]"
    objective: float
    bound: float
    gap: float
    status: str
    unit: str
    mean_time_min: float
    worst_time_min: float
    is_observed: bool = False

    def __repr__(self) -> str:
        shown = ", ".join(self.selected[:5]) + ("…" if len(self.selected) > 5 else "")
        reached = "" if self.is_observed else f"objective {self.objective:g}, "
        return f"SitingResult({self.problem}: {shown or 'none'}; {reached}gap {self.gap:.2%}, {self.status})"

    def _repr_html_(self) -> str:
        """Return a small table for Jupyter, in French; it counts no person, who may be children served."""
        rows = {
            "Question": NAMES[self.problem],
            "Sites à ouvrir": ", ".join(self.selected) or "aucun",
            "Sites existants": ", ".join(self.fixed) or "aucun",
            "Preuve": f"{STATUSES[self.status]} (écart {_french(self.gap * 100)} %)",
        }
        if not self.is_observed:
            if "personnes" not in self.unit:
                rows["Résultat"] = f"{_french(self.objective)} {self.unit}"
            rows["Temps moyen"] = f"{_french(self.mean_time_min)} min"
            rows["Temps le plus long"] = f"{_french(self.worst_time_min)} min"
            rows["Origines au-delà du temps demandé"] = str(int(self.uncovered.gt(0).sum()))
        return html_table(rows)


def make_result(
    problem: SitingProblem,
    name: str,
    is_open: Bools,
    objective: float,
    bound: float,
    shares: Floats | None,
    *,
    longest_min: float = math.inf,
) -> SitingResult:
    """Return the result of opening these sites: everyone at the closest, or as `shares` (origin × site) say."""
    site, minutes = closest_sites(problem, is_open)
    if shares is None:
        shares = np.zeros_like(problem.minutes)
        served = site >= 0
        shares[np.flatnonzero(served), site[served]] = 1.0
    else:
        served, asking = shares.sum(axis=1), problem.is_asking
        # the site that receives most; an origin without persons takes no place: it is told its closest site
        site = np.where(served > 0, shares.argmax(axis=1), np.where(asking, -1, site))
        used = np.where((shares > 0) & np.isfinite(problem.minutes), problem.minutes, 0.0)
        spent = shares * used
        mean = np.divide(spent.sum(axis=1), served, out=np.full(len(served), np.inf), where=served > 0)
        minutes = np.where(asking, mean, minutes)
        is_open = is_open & (problem.always | (shares[problem.is_asking].sum(axis=0) > 0))
    # rounding must not put a choice beyond what no choice can beat
    bound = max(bound, objective) if name == "maximal_coverage" else min(bound, objective)
    persons = shares * problem.persons[:, None]
    # beyond the time or without a place, but for the dust of the solver
    left = problem.persons - np.where(problem.minutes <= longest_min, persons, 0.0).sum(axis=1)
    left = np.where(left > 1e-6 * problem.total, left, 0.0)
    origin, column = np.nonzero(persons)
    amount, times = persons[origin, column], problem.minutes[origin, column]
    names = np.where(site >= 0, problem.to_ids.to_numpy()[site], None)
    back = pd.Index(problem.from_ids).get_indexer(problem.demand.index)
    index = problem.demand.index
    flows = pd.DataFrame({"from_id": problem.from_ids[origin], "to_id": problem.to_ids[column]})
    return SitingResult(
        problem=name,
        selected=list(problem.to_ids[is_open & ~problem.always]),
        fixed=list(problem.to_ids[problem.always]),
        assignment=pd.Series(names[back], index=index, dtype="str", name="to_id"),
        travel_time_min=pd.Series(minutes[back], index=index, name="travel_time_min").replace(np.inf, np.nan),
        flows=flows.assign(persons=amount, travel_time_min=times),
        uncovered=pd.Series(left[back], index=index, name="persons"),
        objective=float(objective),
        bound=bound,
        gap=relative_gap(objective, bound),
        status=problem.search.status(objective, bound),
        unit=_UNITS[name],
        mean_time_min=float(amount @ times / amount.sum()) if amount.sum() else math.nan,
        worst_time_min=float(times.max()) if times.size else math.nan,
    )


def closest_sites(problem: SitingProblem, is_open: Bools) -> tuple[np.ndarray, Floats]:
    """Return the closest open site of each origin (-1 without any) and its minutes; ties go to the first id."""
    columns = np.flatnonzero(is_open)
    if not columns.size:
        return np.full(len(problem.minutes), -1), np.full(len(problem.minutes), np.inf)
    among = problem.minutes[:, columns]
    best = among.argmin(axis=1)
    minutes = among[np.arange(len(among)), best]
    return np.where(np.isfinite(minutes), columns[best], -1), minutes


def _french(value: float) -> str:
    """Return a number with at most two decimals and a comma."""
    return decimal(value, 2).rstrip("0").rstrip(",")


def check_choice(problem: SitingProblem, choice: Choice, longest_min: float) -> None:
    """Raise if there is no choice: because there is none, or because the time was too short."""
    if not choice.is_infeasible:
        if not math.isfinite(choice.value):
            raise no_answer(problem.search)
        return
    for reason in (_out_of_reach, _too_few_places, _badly_placed, _too_few_sites):
        if sentence := reason(problem, longest_min):
            raise InfeasibleError(sentence)
    said = f"Aucun choix ne respecte à la fois {agree(problem.p, 'site(s)')} à ouvrir, les places"
    raise InfeasibleError(f"{said} et le temps {_limit(longest_min)} : desserrez l'une de ces conditions.")


def _limit(longest_min: float) -> str:
    return f"de {longest_min:g} min" if math.isfinite(longest_min) else "donné par la table"


def _out_of_reach(problem: SitingProblem, longest_min: float) -> str:
    """Return who no site at all can serve."""
    alone = problem.is_asking & ~problem.within(longest_min).any(axis=1)
    if not alone.any():
        return ""
    where = f"à {longest_min:g} min ou moins" if math.isfinite(longest_min) else "dans la table des temps"
    return (
        f"{_describe(problem, alone)} sans aucun site possible {where} : ajoutez des candidats plus proches, allongez "
        "le temps accepté, ou retirez ces communes de la demande."
    )


def _describe(problem: SitingProblem, rows: Bools) -> str:
    """Return how many origins and persons some rows are, with examples."""
    names = problem.from_ids[rows]
    persons = round(float(problem.persons[rows].sum()))
    return f"{agree(len(names), 'commune(s)')} ({examples(names)} ; {agree(persons, 'personne(s)')} en tout)"


def _too_few_places(problem: SitingProblem, longest_min: float) -> str:
    """Return how many places are missing whatever the distances."""
    if problem.capacity is None:
        return ""
    new = np.sort(problem.capacity[~problem.always])[::-1]
    existing = problem.capacity[problem.always].sum()
    for sites, words in ((len(new), "tous les sites"), (problem.p, f"les {problem.p} plus grands candidats")):
        missing = problem.total - existing - new[:sites].sum()
        if missing > 1e-6 * problem.total:
            said = (
                f"Il manque {agree(math.ceil(missing - 1e-6), 'place(s)')} : même en ouvrant {words}, il y a"
            )
            places = f"{existing + new[:sites].sum():g} places pour {problem.total:g} personnes"
            return f"{said} {places}. Augmentez les capacités ou le nombre de sites."
    return ""


def _badly_placed(problem: SitingProblem, longest_min: float) -> str:
    """Return who stays without a place when every site is open, for want of places close enough."""
    if problem.capacity is None:
        return ""
    sharing = Sharing.of(problem, problem.within(longest_min))
    shares = share_out(sharing, np.ones(len(problem.to_ids), dtype=bool), serve_all=False)
    assert shares is not None
    left = problem.persons * np.where(problem.is_asking, 1.0 - shares.sum(axis=1), 0.0)
    missing = left > 1e-6 * problem.total
    if not missing.any():
        return ""
    said = (
        f"Il manque {agree(math.ceil(left.sum() - 1e-6), 'place(s) atteignable(s)')} ({_limit(longest_min)})"
    )
    advice = "Ajoutez des places ou des candidats près d'elles, ou allongez le temps accepté"
    return (
        f"{said}, tous les sites étant ouverts : {_describe(problem, missing)} n'en ont pas assez. {advice}."
    )


def _too_few_sites(problem: SitingProblem, longest_min: float) -> str:
    """Return how many sites it takes, when that is more than asked."""
    least = cover_choice(replace(problem, p=len(problem.to_ids)), longest_min)
    needed = math.ceil(least.bound - 1e-6) if math.isfinite(least.bound) else 0
    if needed <= problem.p:
        return ""
    aside = ""
    if problem.capacity is None:
        within = problem.within(longest_min)
        best = cover_most(problem, within[problem.is_asking])
        left = problem.is_asking & ~within[:, best.is_open].any(axis=1)
        aside = f" Au mieux, {_describe(problem, left)} restent au-delà." if left.any() else ""
    said = f"{agree(problem.p, 'site(s) à ouvrir (ne suffit|ne suffisent)')} pas pour desservir tout le monde"
    return f"{said} dans le temps {_limit(longest_min)} : il en faut au moins {needed}.{aside}"
