"""Weekly rounds of professionals who drive to children (SESSAD, CMPP, equipes mobiles)."""

import itertools
import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyvrp
from pyvrp.stop import MaxIterations

from territory.access.pairs import Floats, Places
from territory.errors import ParameterError, Problems, agree
from territory.rounds import result
from territory.rounds.result import UNITS, Rounds, whole_minutes
from territory.units import MINUTES_PER_HOUR

# a week, unless days are given
WORKING_DAYS = 5
_LINE = ["visits", "road_min", "visit_min", "distance_km"]
Tasks = list[tuple[int, int, int]]
# minutes of a day and of a visit, and days
Asked = tuple[float, float, int]
Lines = dict[tuple[int, int], tuple[int, float, float, float]]


def staff_rounds(
    visits: pd.DataFrame,
    site: str,
    travel_times: pd.DataFrame,
    *,
    day_min: float,
    visit_min: float,
    days: int = WORKING_DAYS,
    professionals: int | None = None,
    homes: Iterable[str] | None = None,
    effort: int = 200,
    seed: int = 0,
) -> Rounds:
    """Plan a week of visits to children: fewest professionals, then least time on the road.

    Parameters
    ----------
    visits
        One row per child, with a unique index: from_id (a place of `travel_times`), visits_per_week (1 to `days`).
    site
        Where days start and end.
    travel_times
        Table `travel_times`, with the pairs between places and from each to the site; the way back takes as long
        where the table has no row for it. Without distance_km, kilometres are unknown.
    day_min
        Longest day of a professional, road included (min, inclusive).
    visit_min
        Minutes of a visit.
    days
        Working days of a week.
    professionals
        How many there are at most. None = as few as can be found.
    homes
        Places from which each professional starts, and where they end, instead of the site.
    effort, seed
        As for `collective_rounds`.

    Returns
    -------
    Rounds
        riders: one row per visit (index: child, visit): day, professional, visit_order, start_min (minutes after the
        day started), reason (in French, why there is no visit). vehicles: one row per (day, professional): visits,
        road_min, visit_min, distance_km. totals: road_hours, work_hours (road and visits), road_share (of work_hours),
        full_time_equivalents (`days` of `day_min`), children_per_fte.

    Raises
    ------
    ParameterError
        With all that is wrong. A child too far for a day is no error: the status is `infeasible`.

    Notes
    -----
    The days are shared out among the visits of a child (two visits over five days: one in the first three, one in
    the last two), so that no two are on one day; within its days a visit is where it makes the least road, by PyVRP.
    Meetings, writing and training are not counted: `day_min` is what is left for visits and the road.

    Examples
    --------
    >>> visits = pd.DataFrame({"from_id": ["a", "b"], "visits_per_week": [1, 1]}, index=["Léa", "Tom"])
    >>> legs = [("a", "b", 10.0), ("b", "a", 10.0), ("a", "sessad", 25.0), ("b", "sessad", 20.0)]
    >>> times = pd.DataFrame(legs, columns=["from_id", "to_id", "travel_time_min"])
    >>> week = staff_rounds(visits, "sessad", times, day_min=240, visit_min=60)
    >>> float(week.vehicles["road_min"].sum()), round(float(week.totals["road_share"]), 3)
    (55.0, 0.314)
    """
    problems = Problems("Tournées des professionnels", ParameterError)
    positive = {"day_min": day_min, "visit_min": visit_min, "days": days, "effort": effort}
    positive["professionals"] = 1 if professionals is None else professionals
    result.check_numbers(problems, positive, {"seed": seed, "day_min": day_min, "visit_min": visit_min})
    named = None if homes is None else [homes] if isinstance(homes, str) else [str(home) for home in homes]
    if result.check_children(problems, visits, ["from_id", "visits_per_week"]):
        wanted = pd.to_numeric(visits["visits_per_week"], errors="coerce")
        wrong = visits.index[~(wanted.ge(1) & wanted.le(days) & (wanted % 1 == 0))]
        problems.count(wrong, f"nombre(s) de visites par semaine qui ne sont pas de 1 à {days}", of="Enfants")
    else:
        problems.raise_if_any()
    codes = pd.Index(visits["from_id"].dropna().astype("str"))
    places = sorted({*codes, *(named or [])})
    minutes, km = result.legs_between(travel_times, places, [site], problems)
    at = pd.Index(places)
    depots = np.array([len(places)]) if named is None else at.get_indexer(pd.Index(named, dtype="str"))
    lost = at[depots[np.isinf(minutes[depots][:, at.get_indexer(codes)]).all(axis=1)]] if named else []
    problems.count(lost, "domicile(s) d'où l'on ne va chez aucun enfant", of="Table des temps")
    if named == []:
        problems.add("homes : un domicile au moins est attendu (None pour partir du site)")
    problems.raise_if_any()
    count = wanted.to_numpy(int)
    week = week_of(
        at.get_indexer(codes),
        count,
        (minutes, km),
        depots,
        (day_min, visit_min, days),
        most=len(depots) if named is not None else professionals or 0,
        is_fixed=named is not None,
        effort=effort,
        seed=seed,
    )
    counted = zip(visits.index, count, strict=True)
    rows = [(child, v + 1) for child, visits_ in counted for v in range(visits_)]
    index = pd.MultiIndex.from_tuples(rows, names=["child", "visit"])
    ranks = dict(zip(("day", "professional", "visit_order"), map(result.whole, week.ranks), strict=True))
    reason = np.repeat(week.reasons, count)
    riders = pd.DataFrame({**ranks, "start_min": week.starts, "reason": reason}, index=index)
    index = pd.MultiIndex.from_tuples(list(week.lines), names=["day", "professional"])
    lines = pd.DataFrame(list(week.lines.values()), columns=_LINE, index=index)
    totals, status = week.totals, result.INFEASIBLE if any(week.reasons) else result.NOT_PROVEN
    road = MINUTES_PER_HOUR * totals["road_hours"]
    return Rounds(riders, lines, status, week.least, road, min(week.bound_min, road), totals)


class Week(NamedTuple):
    """A week of visits: why a child has none, day, professional and rank of each, when it starts, a line for a day."""

    reasons: Any
    ranks: Places
    starts: Floats
    lines: Lines
    totals: dict[str, float]
    least: int
    bound_min: float


def week_of(
    place: Places,
    wanted: Places,
    ways: tuple[Floats, Floats],
    depots: Places,
    asked: Asked,
    *,
    most: int = 0,
    is_fixed: bool = False,
    effort: int,
    seed: int,
) -> Week:
    """Plan the visits of children who stand at some places; `most` professionals (0: as many as it takes)."""
    day_min, visit_min, days = asked
    minutes, km = (np.where(np.isnan(legs) | np.isinf(legs), legs.T, legs) for legs in ways)
    out = (minutes[np.ix_(depots, place)] + minutes[np.ix_(place, depots)].T).min(axis=0) + visit_min
    far = np.where(out > day_min, "trop loin pour une journée", "")
    reasons = np.where(np.isinf(out), "hors d'atteinte, ou temps inconnu", far).astype(object)
    # each visit has its own days
    tasks = [
        (int(child), int(block[0]), int(block[-1]))
        for child in np.flatnonzero(reasons == "")
        for block in np.array_split(np.arange(days), wanted[child])
    ]
    # a leg inside one place is of use where two stop in it
    alone = np.diag(np.bincount([*place, *depots], minlength=len(minutes)) < 2)
    work = visit_min + np.where(alone, np.inf, minutes)[:, place].min(axis=0)
    least = max(1, math.ceil(sum(work[task[0]] for task in tasks) / (days * day_min) - 1e-9))
    most = most or len(tasks)
    plan: Plan | None = None if tasks else []
    for count in range(most if is_fixed or least >= most else least, most + 1):
        if plan is None:
            fleet = depots if is_fixed else np.repeat(depots, count)
            plan = _planned(tasks, place, minutes, fleet, asked, effort=effort, seed=seed)
    if plan is None:
        reasons[reasons == ""] = f"aucune semaine trouvée avec {agree(most, 'professionnel(s)')}"
    terms, why = (place, minutes, km, visit_min), np.repeat(reasons, wanted)
    ranks, starts, lines = _written(why, tasks, plan or [], terms)
    bound = float(sum(work[task[0]] - visit_min for task in tasks)) if plan else 0.0
    road = sum(line[1] for line in lines.values())
    spent = road + sum(line[2] for line in lines.values())
    equivalents = spent / (days * day_min)
    served = int((reasons == "").sum())
    totals = {
        "road_hours": road / MINUTES_PER_HOUR,
        "work_hours": spent / MINUTES_PER_HOUR,
        "road_share": road / spent if spent else math.nan,
        "full_time_equivalents": equivalents,
        "children_per_fte": served / equivalents if equivalents else math.nan,
    }
    return Week(reasons, ranks, starts, lines, totals, least, bound)


Plan = list[tuple[int, int, int, list[int]]]


def _planned(
    tasks: Tasks, place: Places, minutes: Floats, fleet: Places, asked: Asked, *, effort: int, seed: int
) -> Plan | None:
    """Return the days of professionals (day, professional, where they start, tasks in order), None without any."""
    day_min, visit_min = math.floor(asked[0] * UNITS + 1e-6), math.ceil(asked[1] * UNITS - 1e-6)
    # a minute between two days, so that none runs into the next
    start = day_min + UNITS
    nodes = [*fleet, *(place[child] for child, _, _ in tasks)]
    whole: Any = whole_minutes(minutes[np.ix_(nodes, nodes)])

    def hours(first: int, last: int) -> dict[str, Any]:
        return {"tw_early": first * start, "tw_late": last * start + day_min}

    clients = [
        pyvrp.Client(len(fleet) + number, service_duration=visit_min, **hours(first, last))
        for number, (_, first, last) in enumerate(tasks)
    ]
    kinds = list(itertools.product(range(asked[2]), range(len(fleet))))
    terms: dict[str, Any] = {"shift_duration": day_min, "unit_distance_cost": 0, "unit_duration_cost": 1}
    types = [pyvrp.VehicleType(start_depot=p, end_depot=p, **hours(day, day), **terms) for day, p in kinds]
    depots, places = [pyvrp.Depot(p) for p in range(len(fleet))], [pyvrp.Location(0, 0)] * len(nodes)
    data = pyvrp.ProblemData(places, clients, depots, types, [whole * 0], [whole])
    found = pyvrp.solve(data, MaxIterations(effort), seed=seed, collect_stats=False).best
    if not found.is_feasible():
        return None
    routes = [
        (*kinds[route.vehicle_type()], [one.idx for one in route if one.is_client()])
        for route in found.routes()
    ]
    return [(day, p, int(fleet[p]), tasks_) for day, p, tasks_ in routes]


def _written(
    reason: Any, tasks: Tasks, plan: Plan, terms: tuple[Places, Floats, Floats, float]
) -> tuple[Places, Floats, Lines]:
    """Write the rank and the start of each visit, and a line for each day of a professional."""
    place, minutes, km, visit_min = terms
    # tasks are in the order of the rows that have no reason
    row_of = np.flatnonzero(reason == "")
    ranks, starts = np.zeros((3, len(reason)), dtype=np.int64), np.full(len(reason), np.nan)
    lines = {}
    for day, p, home, route in sorted(plan):
        legs = list(itertools.pairwise([home, *(int(place[tasks[t][0]]) for t in route), home]))
        clock = 0.0
        for k, (t, leg) in enumerate(zip(route, legs, strict=False), start=1):
            clock += minutes[leg]
            ranks[:, row_of[t]], starts[row_of[t]] = (day + 1, p + 1, k), clock
            clock += visit_min
        road, distance = (float(sum(table[leg] for leg in legs)) for table in (minutes, km))
        lines[day + 1, p + 1] = (len(route), road, visit_min * len(route), distance)
    return ranks, starts, lines
