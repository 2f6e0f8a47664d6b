"""A question of siting asked to a state: who asks, which candidates, the answer, and the others ranked."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from territory.access.pairs import Bools, Floats, read_pairs
from territory.access.uncertainty import told_apart
from territory.errors import ParameterError, agree, examples, refuse, warn
from territory.network.estimate import difference_uncertainty_min
from territory.planning.siting.location_models import maximal_coverage, p_center, p_median, set_cover
from territory.planning.siting.problem import SitingProblem, read_problem
from territory.planning.siting.result import SitingResult, closest_sites
from territory.scenario.measures.places import persons_received, sector_of, sector_reason
from territory.study.state import State
from territory.study.words.questions import CANDIDATE_PREFIX, Siting
from territory.supply import sites_serving
from territory.tables.catalogue import BEYOND, html_table

CRITERIA = ("mean", "worst", "covered")
# two sites whose road apart is not known share none of it
_APART_MIN = 1e6


def rank_candidates(
    travel_times: pd.DataFrame,
    site_times: pd.DataFrame,
    demand: "pd.Series[float]",
    candidates: Iterable[str],
    *,
    selected: Sequence[str],
    fixed: Sequence[str] = (),
    criterion: str = "mean",
    max_time_min: float | None = None,
    beyond_min: Sequence[float] = (30, 45),
    terrain: str | None = None,
) -> pd.DataFrame:
    """Rank the choice and each candidate in its place, and say which differences are under the doubt.

    Parameters
    ----------
    travel_times, demand, candidates, fixed
        As for `p_median`; everyone goes to the closest open site: capacities are not looked at.
    site_times
        The same between sites: how much road two sites share decides what can be told.
    selected
        Sites selected, among the candidates.
    criterion, max_time_min
        What says which selected site a candidate would replace: "mean", "worst" or "covered" (within a time: min,
        inclusive).
    beyond_min
        Times over which persons are counted (min; strictly over).
    terrain
        Terrain of the study.

    Returns
    -------
    DataFrame
        By to_id, best first: the selected sites, then each candidate in place of the one that it would replace best.
        rank, is_selected, replaces, mean_time_min, worst_time_min, worst_from_id, persons_unreached,
        `persons_beyond_<n>_min`, and against the choice: delta_mean_time_min, detectable_mean_min (under it the two
        means cannot be told apart), is_distinguishable, delta_worst_time_min.

    Raises
    ------
    ParameterError
        With everything that is wrong in the inputs.

    Notes
    -----
    The doubt on a difference of means is the mean of the doubts on each commune's difference, as if all erred the
    same way: an upper bound. For the criterion "worst" it is that on two single times, without shared road.

    Examples
    --------
    >>> times = pd.DataFrame({"from_id": ["A", "A"], "to_id": ["S", "T"], "travel_time_min": [5.0, 20.0]})
    >>> between = pd.DataFrame({"from_id": ["S"], "to_id": ["T"], "travel_time_min": [25.0]})
    >>> rank_candidates(times, between, pd.Series({"A": 30.0}), ["S", "T"], selected=["S"])["mean_time_min"].to_dict()
    {'S': 5.0, 'T': 20.0}
    """
    listed = dict.fromkeys(candidates)
    problem = read_problem(travel_times, demand, listed, fixed, max_time_min=max_time_min)
    is_open, swaps = _swaps(problem, list(selected), criterion, max_time_min)
    pairs = read_pairs(site_times, origins=problem.to_ids, sites=problem.to_ids, is_part=True)
    between = np.full((len(problem.to_ids), len(problem.to_ids)), np.inf)
    between[pairs.origin, pairs.site] = pairs.minutes
    # one direction is enough: what counts is how far apart the two places are
    between = np.fmin(between, between.T)
    np.fill_diagonal(between, 0.0)
    base, before = closest_sites(problem, is_open)
    today = _standing(problem, before, beyond_min)
    rows = [today | {"to_id": site, "replaces": ""} for site in selected]
    for site, replaced, swapped in swaps:
        at, after = closest_sites(problem, swapped)
        both = np.isfinite(before) & np.isfinite(after) & (problem.persons > 0)
        apart = np.where(np.isfinite(between[base, at]), between[base, at], _APART_MIN)[both]
        doubts = difference_uncertainty_min(before[both], after[both], apart, terrain=terrain)
        mean = np.average(doubts, weights=problem.persons[both]) if both.any() else np.nan
        unsure = {"detectable_mean_min": float(mean)}
        rows.append(_standing(problem, after, beyond_min) | {"to_id": site, "replaces": replaced} | unsure)
    table = pd.DataFrame(rows).set_index("to_id")
    # the rows of the choice come first and share the first rank
    first = len(selected)
    table.insert(0, "rank", [1] * first + list(range(2, len(table) - first + 2)))
    table.insert(1, "is_selected", table.index.isin(selected))
    for measure in ("mean_time_min", "worst_time_min"):
        table[f"delta_{measure}"] = table[measure] - table[measure].iloc[0]
    if "detectable_mean_min" not in table:
        table["detectable_mean_min"] = np.nan
    delta, doubt = table["delta_mean_time_min"], table["detectable_mean_min"]
    if criterion == "worst":
        delta = table["delta_worst_time_min"]
        worst = table["worst_time_min"].to_numpy(float)
        apart = difference_uncertainty_min(worst, worst[0], _APART_MIN, terrain=terrain)
        doubt = pd.Series(apart, index=table.index)
    told = pd.Series(told_apart(delta, doubt, together=np.ones(len(table))), index=table.index)
    # persons without any site are told apart from those with one, whatever the minutes of the others
    told |= table["persons_unreached"].ne(table["persons_unreached"].iloc[0])
    table["is_distinguishable"] = told & ~table["is_selected"]
    return table


def _standing(problem: SitingProblem, spent: Floats, beyond_min: Sequence[float]) -> dict[str, object]:
    """Return the figures of one set of open sites, from the time of each origin."""
    persons, reached = problem.persons, np.isfinite(spent) & problem.is_asking
    worst = int(np.where(reached, spent, -1.0).argmax())
    total = persons[reached].sum()
    figures: dict[str, object] = {
        "mean_time_min": float(np.average(spent[reached], weights=persons[reached])) if total else np.nan,
        "worst_time_min": float(spent[worst]) if total else np.nan,
        "worst_from_id": str(problem.from_ids[worst]),
        "persons_unreached": float(persons[~np.isfinite(spent)].sum()),
    }
    for limit in beyond_min:
        figures[BEYOND.name(threshold_min=float(limit))] = float(persons[spent > limit].sum())
    return figures


def _swaps(
    problem: SitingProblem, selected: list[str], criterion: str, max_time_min: float | None
) -> tuple[Bools, list[tuple[str, str, Bools]]]:
    """Return the choice, then each candidate, the site that it replaces best, and what is open then; best first."""
    if criterion not in CRITERIA or (criterion == "covered" and max_time_min is None):
        known = f"{', '.join(CRITERIA)} (« covered » demande max_time_min)"
        raise ParameterError(f"criterion = « {criterion} » : choisissez parmi {known}.")
    stray = [site for site in selected if site not in problem.to_ids[~problem.always]]
    refuse(stray, "site(s) hors des candidats", of="selected")
    if not selected:
        raise ParameterError("selected : aucun site choisi.")
    is_open = problem.always | np.asarray(problem.to_ids.isin(selected))
    swaps = []
    for column in np.flatnonzero(~is_open).tolist():
        tried = []
        for out in np.flatnonzero(is_open & ~problem.always).tolist():
            swapped = is_open.copy()
            swapped[out], swapped[column] = False, True
            tried.append((_worth(problem, swapped, criterion, max_time_min or 0.0), out, swapped))
        worth, out, swapped = min(tried, key=lambda swap: swap[0])
        swaps.append((worth, str(problem.to_ids[column]), str(problem.to_ids[out]), swapped))
    # equals stay in the order of their ids
    swaps.sort(key=lambda swap: swap[0])
    return is_open, [swap[1:] for swap in swaps]


def _worth(problem: SitingProblem, is_open: Bools, criterion: str, max_time_min: float) -> tuple[float, ...]:
    """Return the key that puts the best sets of open sites first."""
    minutes = problem.minutes[:, is_open].min(axis=1, initial=math.inf)
    reached = np.isfinite(minutes) & problem.is_asking
    persons = problem.persons[reached]
    mean = float(persons @ minutes[reached] / persons.sum()) if persons.sum() else math.nan
    if criterion == "covered":
        return -float(problem.persons[minutes <= max_time_min].sum()), mean
    worst = float(minutes[reached].max()) if reached.any() else math.nan
    return problem.total - float(persons.sum()), worst if criterion == "worst" else mean, mean


# faster than any road: a commune further than this is not within reach, whatever the times are
_FASTEST_KMH = 130.0
_MODELS: tuple[Callable[..., SitingResult], ...] = (set_cover, maximal_coverage, p_median, p_center)
_METHODS = {model.__name__: model for model in _MODELS}
_CRITERIA = {"maximal_coverage": "covered", "p_center": "worst"}


@dataclass(frozen=True, repr=False)
class SitingAnswer:
    """The answer to a question of siting (`result`), every other candidate ranked, and the `demand` by commune."""

    siting: Siting
    result: SitingResult
    ranking: pd.DataFrame
    demand: "pd.Series[float]"
    is_observed: bool

    @property
    def equals(self) -> list[str]:
        """Candidates that the doubt does not tell from the choice, the choice first: an answer is all of them."""
        return list(self.ranking.index[~self.ranking["is_distinguishable"].astype(bool)])

    def __repr__(self) -> str:
        names = self.ranking.loc[self.ranking["is_selected"], "name"]
        return f"SitingAnswer({self.siting.id!r}: {', '.join(names)}; {len(self.ranking)} candidates)"

    def _repr_html_(self) -> Any:
        """Return the ranking for Jupyter; of children served it shows the order, and no number that they make."""
        names = ["name", "epci_name", "is_selected"]
        numbers = ["mean_time_min", "worst_time_min", "delta_mean_time_min", "is_distinguishable"]
        shown = self.ranking[names if self.is_observed else names + numbers]
        return html_table(shown.reset_index(drop=True), title=self.siting.name)


def candidate_communes(siting: Siting, communes: gpd.GeoDataFrame) -> list[str]:
    """List the codes whose points a question looks at: near a commune, those that no road could keep out."""
    wanted = communes["epci_code"].isin(siting.candidate_epci_codes)
    if siting.near_commune is not None and siting.near_max_min is not None:
        if not siting.candidate_epci_codes:
            wanted[:] = True
        centre = communes.geometry.loc[siting.near_commune]
        reach_m = siting.near_max_min / 60 * _FASTEST_KMH * 1000
        wanted &= communes.geometry.distance(centre).le(reach_m)
        wanted |= communes.index == siting.near_commune
    wanted |= communes.index.isin(siting.candidates)
    return [str(code) for code in communes.index[wanted]]


def answer_siting(siting: Siting, state: State) -> SitingAnswer:
    """Answer a question of siting on the travel times of today's state.

    Parameters
    ----------
    siting
        The question; its candidates are sites of the state (`candidat-<code>` at the point of a commune).
    state
        Today's state.

    Raises
    ------
    ParameterError, InfeasibleError
        If the ages received are unknown or no candidate is near enough; as the siting functions.
    """
    candidates = _candidates(siting, state)
    demand, is_observed = _demand(siting, state)
    if siting.demand_epci_codes:
        epci = state.communes["epci_code"].reindex(demand.index)
        demand = demand[epci.isin(siting.demand_epci_codes).to_numpy()]
    wanted = [*candidates, *siting.fixed_site_ids]
    kept = state.travel_times["to_id"].isin(wanted) & state.travel_times["from_id"].isin(demand.index)
    times = state.travel_times[kept].astype({"from_id": "str", "to_id": "str"})
    times.attrs = dict(state.travel_times.attrs)
    candidates, demand = _known(siting, times, candidates, demand)
    asked: dict[str, Any] = {"fixed": siting.fixed_site_ids}
    if siting.method in ("set_cover", "maximal_coverage"):
        asked["max_time_min"] = float(siting.max_time_min or 0)
    if siting.method != "set_cover":
        asked |= {"p": siting.p, "worst_time_max_min": siting.worst_time_max_min}
    result = _METHODS[siting.method](times, demand, candidates, **asked)
    if not result.selected:
        raise ParameterError("aucun candidat n'améliore la situation des sites existants (fixed_site_ids)")
    ranking = rank_candidates(
        times,
        state.site_times,
        demand,
        candidates,
        selected=result.selected,
        fixed=siting.fixed_site_ids,
        criterion=_CRITERIA.get(siting.method, "mean"),
        max_time_min=siting.max_time_min,
        beyond_min=siting.beyond_min,
        terrain=state.parameters.terrain,
    )
    codes = state.sites["commune_code"].reindex(ranking.index)
    names = state.communes[["name", "epci_name"]].reindex(codes).set_axis(ranking.index)
    worst = state.communes["name"].reindex(ranking["worst_from_id"]).to_numpy()
    ranking.insert(0, "commune_code", codes)
    ranking.insert(1, "name", names["name"])
    ranking.insert(2, "epci_name", names["epci_name"])
    ranking.insert(list(ranking.columns).index("worst_from_id") + 1, "worst_name", worst)
    return SitingAnswer(siting, replace(result, is_observed=is_observed), ranking, demand, is_observed)


def _known(
    siting: Siting, times: pd.DataFrame, candidates: list[str], demand: "pd.Series[float]"
) -> "tuple[list[str], pd.Series[float]]":
    """Return the candidates and the communes whose times are known, and say how many are left out."""
    # a table of times may name a few places alone: a candidate that most communes have no known time to goes first,
    # then the communes that have none to one of those that stay
    unknown = times[times["travel_time_min"].isna() & times["from_id"].isin(demand.index[demand > 0])]
    if unknown.empty:
        return candidates, demand
    lost = unknown.groupby("to_id")["from_id"].nunique()
    left_out = [site for site in candidates if lost.get(site, 0) > (demand > 0).sum() / 2]
    kept = [site for site in candidates if site not in left_out]
    if not kept:
        said = f"aucun candidat dont les temps soient connus ({examples(left_out)})"
        raise ParameterError(f"{said} : complétez la table des temps")
    stays = unknown[unknown["to_id"].isin([*kept, *siting.fixed_site_ids])]
    without = demand.index.isin(stays["from_id"].unique())
    if without.all():
        raise ParameterError("aucune commune dont les temps soient connus : complétez la table des temps")
    warn(
        f"Implantation « {siting.id} » : temps inconnus ; {agree(len(left_out), 'candidat(s) écarté(s)')} "
        f"({examples(left_out) or 'aucun'}), {agree(int(without.sum()), 'commune(s) non comptée(s)')} "
        f"({examples(demand.index[without]) or 'aucune'})."
    )
    return kept, demand[~without]


def _candidates(siting: Siting, state: State) -> list[str]:
    """Return the ids of the candidates, those that are near enough when the question says near what."""
    codes = candidate_communes(siting, state.communes)
    if siting.near_commune is not None:
        centre = f"{CANDIDATE_PREFIX}{siting.near_commune}"
        rows = state.travel_times[state.travel_times["to_id"] == centre]
        near = set(rows.loc[rows["travel_time_min"].le(siting.near_max_min), "from_id"].astype("str"))
        near.add(siting.near_commune)
        codes = [code for code in codes if code in near or code in siting.candidates]
    found = [f"{CANDIDATE_PREFIX}{code}" for code in codes] + list(siting.candidate_site_ids)
    known = state.travel_times.loc[state.travel_times["travel_time_min"].notna(), "to_id"]
    reached = set(known.astype("str").unique())
    unknown = [site for site in found if site not in reached]
    advice = " : la carte ou la table des temps ne les contient pas"
    refuse(unknown, "candidat(s) sans aucun temps de trajet connu", advice=advice)
    return [site for site in found if site not in siting.fixed_site_ids]


def _demand(siting: Siting, state: State) -> "tuple[pd.Series[float], bool]":
    """Return the persons for whom the question is asked, by commune, and whether they are observed."""
    if siting.public is not None:
        return state.demand.xs(siting.public, level="public")["demand"], False
    # where children are known to come from, no limit of time stands for it
    children = state.children_served(siting.authorisation_ids)
    if children is not None:
        return children, True
    # a service whose sector is unknown tells nothing of who would come
    lacking = [why for name in siting.authorisation_ids if (why := sector_reason(state, name))]
    counted = [name for name in siting.authorisation_ids if not sector_reason(state, name)]
    if not counted:
        raise ParameterError(lacking[0])
    rows = state.services[state.services["authorisation_id"].isin(counted)]
    # only the communes of a sector, or within the recruitment limit of a site of today of one of the authorisations
    inside = np.zeros(len(state.communes), dtype=bool)
    for name in counted:
        sector, times = sector_of(state, name), state.times_to(sites_serving(state.services, name))
        near = times.loc[times["travel_time_min"].le(state.parameters.recruitment_max_min), "from_id"]
        own = state.communes.index.isin(near.astype("str").unique()) if sector is None else sector
        inside |= np.asarray(own, dtype=bool)
    persons = persons_received(state, rows)
    if persons is None:
        unknown = rows.loc[rows[["age_min", "age_max"]].isna().any(axis=1), "authorisation_id"]
        shown = examples(unknown.unique())
        raise ParameterError(f"âges reçus inconnus pour {shown} : donnez-les dans [[service]]")
    return persons[inside], False
