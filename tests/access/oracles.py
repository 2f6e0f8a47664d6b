"""Slow plain-Python versions of every access measure, written from the formulas alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

Times = dict[tuple[str, str], float]
Amounts = dict[str, float]
Weigh = Callable[[float], float]
Aims = tuple[float, float, float]


def closest(times: Times, origin: str, k: int) -> list[tuple[str, float]]:
    """The k closest sites of an origin, equal times by name."""
    known = [
        (minutes, site) for (a, site), minutes in times.items() if a == origin and not math.isnan(minutes)
    ]
    return [(site, minutes) for minutes, site in sorted(known)[:k]]


def is_within(times: Times, origin: str, threshold: float) -> bool | None:
    """Yes, no, or None when only an unknown time could say yes."""
    found = [minutes for (a, _), minutes in times.items() if a == origin]
    if any(minutes <= threshold for minutes in found):
        return True
    return None if any(math.isnan(minutes) for minutes in found) else False


def reachable(times: Times, origin: str, site: str, weigh: Weigh) -> float:
    """Weight of a pair, 0 when it is absent."""
    return weigh(times[origin, site]) if (origin, site) in times else 0.0


def two_steps(times: Times, demand: Amounts, supply: Amounts, weigh: Weigh) -> Amounts:
    """2SFCA and E2SFCA."""
    ratio = {}
    for site, places in supply.items():
        asked = sum(reachable(times, o, site, weigh) * persons for o, persons in demand.items())
        ratio[site] = places / asked if asked else 0.0
    return {o: sum(reachable(times, o, s, weigh) * ratio[s] for s in supply) for o in demand}


def modified(times: Times, demand: Amounts, supply: Amounts, weigh: Weigh) -> Amounts:
    """M2SFCA, pair by pair."""
    access = {}
    for o in demand:
        total = 0.0
        for s, places in supply.items():
            asked = sum(reachable(times, other, s, weigh) * demand[other] for other in demand)
            if asked:
                total += places * reachable(times, o, s, weigh) ** 2 / asked
        access[o] = total
    return access


def choice(times: Times, supply: Amounts, weigh: Weigh, origin: str, site: str) -> float:
    """Share of an origin that chooses a site, among sites with supply."""
    total = sum(reachable(times, origin, s, weigh) for s, places in supply.items() if places)
    return reachable(times, origin, site, weigh) / total if total and supply[site] else 0.0


def three_steps(times: Times, demand: Amounts, supply: Amounts, weigh: Weigh) -> Amounts:
    """3SFCA."""
    g = {(o, s): choice(times, supply, weigh, o, s) for o in demand for s in supply}
    access = dict.fromkeys(demand, 0.0)
    for s, places in supply.items():
        asked = sum(g[o, s] * reachable(times, o, s, weigh) * demand[o] for o in demand)
        for o in demand:
            if asked:
                access[o] += g[o, s] * reachable(times, o, s, weigh) * places / asked
    return access


def balanced(times: Times, demand: Amounts, supply: Amounts, weigh: Weigh) -> Amounts:
    """BFCA."""
    access = dict.fromkeys(demand, 0.0)
    for s, places in supply.items():
        asked = sum(choice(times, supply, weigh, o, s) * demand[o] for o in demand)
        column = sum(reachable(times, o, s, weigh) for o in demand)
        for o in demand:
            if asked and column:
                access[o] += reachable(times, o, s, weigh) / column * places / asked
    return access


CATCHMENTS = {
    "2sfca": two_steps,
    "e2sfca": two_steps,
    "m2sfca": modified,
    "3sfca": three_steps,
    "bfca": balanced,
}


def apl(times: Times, population: Amounts, activity: Amounts, steps: list[tuple[float, float]]) -> Amounts:
    """APL, by the two sums of the working paper."""

    def weigh(minutes: float) -> float:
        return next((weight for end, weight in steps if minutes <= end), 0.0)

    return two_steps(times, population, activity, weigh)


def mean_by(values: Amounts, weights: Amounts, zone: dict[str, str]) -> Amounts:
    """Mean weighted by residents."""
    out = {}
    for name in dict.fromkeys(zone[c] for c in values):
        members = [c for c in values if zone[c] == name]
        total = sum(weights[c] for c in members)
        out[name] = sum(weights[c] * values[c] for c in members) / total if total else math.nan
    return out


def allocations(times: Times, demand: Amounts, capacity: Amounts, max_time: float) -> Iterator[Aims]:
    """Every allocation in whole persons: (served, total time, largest unmet share)."""
    arcs = [pair for pair, minutes in times.items() if minutes <= max_time]

    def extend(n: int, left: Amounts, free: Amounts, served: float, total: float) -> Iterator[Aims]:
        if n == len(arcs):
            yield served, total, max((left[o] / demand[o] for o in demand if demand[o]), default=0.0)
            return
        o, s = arcs[n]
        for persons in range(int(min(left[o], free[s])) + 1):
            yield from extend(
                n + 1,
                left | {o: left[o] - persons},
                free | {s: free[s] - persons},
                served + persons,
                total + persons * times[o, s],
            )

    return extend(0, dict(demand), dict(capacity), 0.0, 0.0)


def best_allocation(times: Times, demand: Amounts, capacity: Amounts, max_time: float) -> Aims:
    """Most served, then least time, then the smallest largest unmet share."""
    return min(allocations(times, demand, capacity, max_time), key=lambda a: (-a[0], a[1], a[2]))


def desert_class(values: dict[str, float | None], rules: dict[str, tuple[str, float]]) -> str:
    """Class of one commune; None is unknown."""
    met = 0
    for name, (direction, threshold) in rules.items():
        value = values[name]
        if value is None:
            return "non calculable"
        met += value < threshold if direction == "below" else value > threshold
    return "aucun critère" if not met else f"{met} critère{'s' if met > 1 else ''} sur {len(rules)}"


def zones(territories: list[tuple[str, float, float]], zip_quota: float, zac_quota: float) -> dict[str, str]:
    """Zone of each (code, APL, inhabitants) under the rule of 2017, territory by territory."""
    zone = {}
    left = {"ZIP (zone B)": zip_quota, "ZAC": zac_quota}
    order = ["ZIP (zone B)", "ZAC"]
    for code, apl_value, people in sorted(territories, key=lambda t: (t[1], t[0])):
        if apl_value <= 2.5:
            zone[code] = "ZIP (zone A)"
        elif apl_value > 4:
            zone[code] = "hors vivier"
        else:
            while order and people > left[order[0]]:
                order.pop(0)
            if order:
                left[order[0]] -= people
                zone[code] = order[0]
            else:
                zone[code] = "zone de vigilance"
    return zone


def persons(values: list[float], weights: list[int]) -> list[float]:
    """One value per person."""
    return [x for x, w in zip(values, weights, strict=True) for _ in range(w)]


def gini(each: list[float]) -> float:
    """Mean difference over twice the mean, person against person."""
    n, total = len(each), sum(each)
    if not n or not total:
        return math.nan
    return sum(abs(a - b) for a in each for b in each) / (2 * n * total)


def palma(each: list[float]) -> float:
    """Top tenth over bottom four tenths, each person cut into ten parts."""
    if not each or not sum(each):
        return math.nan
    parts = sorted(x for x in each for _ in range(10))
    n = len(each)
    bottom = sum(parts[: 4 * n])
    return sum(parts[9 * n :]) / bottom if bottom else math.inf


def theil(each: list[float]) -> float:
    """Theil's T."""
    n, total = len(each), sum(each)
    if not n or not total:
        return math.nan
    mean = total / n
    return sum(x / mean * math.log(x / mean) for x in each if x) / n


def concentration(each: list[tuple[float, float]]) -> float:
    """Kakwani's sum over persons (value, rank), ties sharing their rank."""
    n, total = len(each), sum(x for x, _ in each)
    if not n or not total:
        return math.nan
    out = 0.0
    for x, rank in each:
        below = sum(other < rank for _, other in each)
        same = sum(other == rank for _, other in each)
        out += x * (2 * (below + same / 2) / n - 1)
    return out / total


def fgt(each: list[float], line: float, alpha: int, direction: str) -> float:
    """Mean of powers of gaps."""
    gaps = [(line - x if direction == "below" else x - line) / line for x in each]
    return sum(gap**alpha for gap in gaps if gap > 0) / len(each) if each else math.nan


def ehpad(
    times: Times, residents: Amounts, gps: Amounts, max_time: float
) -> dict[str, tuple[float, float, float]]:
    """GPs within the time, closest GP, and residents per GP when GPs are shared; pairs are (practice, EHPAD)."""
    load = {
        g: sum(residents[e] for e in residents if (g, e) in times and times[g, e] <= max_time) for g in gps
    }
    out = {}
    for e in residents:
        near = [g for g in gps if (g, e) in times and times[g, e] <= max_time]
        known = [times[g, e] for g in gps if (g, e) in times and gps[g]]
        ratio = sum(gps[g] / load[g] for g in near if load[g])
        out[e] = (
            sum(gps[g] for g in near),
            min(known, default=math.nan),
            1 / ratio if ratio else math.inf,
        )
    return out
