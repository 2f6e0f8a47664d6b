"""Slow, independent versions of the measures, in plain Python: what the fast ones are checked against."""

from __future__ import annotations

import bisect
import itertools
import math


def persons_by_age(bands: list[tuple[int, float, float]], age_min: int, age_max: int) -> float:
    """Count year of age by year of age; `bands` are (age_min, age_max inclusive, persons), all bounded."""
    total = 0.0
    for age in range(age_min, age_max + 1):
        holders = [band for band in bands if band[0] <= age <= band[1]]
        if len(holders) != 1 or math.isnan(holders[0][2]):
            return math.nan
        low, high, persons = holders[0]
        total += persons / (high - low + 1)
    return total


def evidence(change: float, detectable: float) -> float:
    """The chance of an error at least as large as a change, by the law of errors, with the error function."""
    if change == 0:
        return 1.0
    return 0.0 if detectable == 0 else math.erfc(abs(change) * 1.2815515655446004 / detectable / math.sqrt(2))


def evidence_needed(rows: list[tuple[float, float, float, float]], limit: float, level: float = 0.9) -> float:
    """The largest chance under which changes are told together, trying every one of them as the limit."""
    near = [one for one in rows if (one[0] <= limit or one[1] <= limit) and one[2] > 0]
    whole = sum(persons for *_, persons in near)
    chances = [(evidence(later - today, size), persons) for today, later, size, persons in near]
    return max(
        (
            one
            for one, _ in chances
            if one <= (1 - level) * sum(persons for chance, persons in chances if chance <= one) / whole
        ),
        default=0.0,
    )


def gains_and_losses(
    rows: list[tuple[float, float, float, float]],
    limit: float,
    *,
    compared: list[tuple[float, float, float, float]] | None = None,
) -> dict[str, float]:
    """Add up persons by effect; rows are (minutes today, minutes later, detectable minutes, persons).

    `compared` are those that are compared together, the rows themselves by default.
    """
    found = dict.fromkeys(("gain", "loss", "indistinct", "entering", "leaving"), 0.0)
    needed = evidence_needed(compared or rows, limit)
    for today, later, detectable, persons in rows:
        if today > limit:
            if later <= limit:
                found["entering"] += persons
            continue
        change = later - today
        if not (change and abs(change) >= detectable and evidence(change, detectable) <= needed):
            found["indistinct"] += persons
        elif change < 0:
            found["gain"] += persons
        else:
            found["loss"] += persons
            found["leaving"] += persons if later > limit else 0.0
    return found


def time_of_share(minutes: list[float], persons: list[int], share: float) -> float:
    """The time that a share of persons do not exceed, person by person."""
    ordered = sorted(time for time, count in zip(minutes, persons, strict=True) for _ in range(count))
    return ordered[math.ceil(share * len(ordered)) - 1]


def earliest_arrival(
    runs: list[list[tuple[int, int, int, bool, bool]]],
    changes: dict[tuple[int, int], int],
    access: dict[int, int],
    egress: dict[int, int],
    start: int,
    most_rides: int,
    direct: float = math.inf,
) -> float:
    """The earliest second at which one arrives, every ride of every run tried.

    A call is (stop, arrival, departure, may board, may alight); walks are seconds from the door to a stop, from a stop
    to the door, and between two stops. One may wait: of a stop, the earliest second is enough.
    """
    best = start + direct
    ready = {stop: start + walk for stop, walk in access.items()}
    for _ in range(most_rides):
        alighted: dict[int, int] = {}
        for run in runs:
            is_aboard = False
            for stop, arrival, departure, may_board, may_alight in run:
                if is_aboard and may_alight and arrival < alighted.get(stop, math.inf):
                    alighted[stop] = arrival
                is_aboard = is_aboard or (may_board and ready.get(stop, math.inf) <= departure)
        best = min([best, *(time + egress[stop] for stop, time in alighted.items() if stop in egress)])
        for (stop, end), walk in changes.items():
            if stop in alighted:
                ready[end] = min(alighted[stop] + walk, ready.get(end, math.inf))
    return best


def latest_departure(
    runs: list[list[tuple[int, int, int, bool, bool]]],
    changes: dict[tuple[int, int], int],
    access: dict[int, int],
    egress: dict[int, int],
    deadline: int,
    most_rides: int,
    direct: float = math.inf,
) -> float:
    """The latest second at which one may leave and be there in time: one at which a vehicle is just caught."""
    tried = sorted({call[2] - walk for run in runs for call in run for walk in access.values()})
    # who leaves earlier may wait, and is there too
    made = bisect.bisect_left(
        tried,
        True,
        key=lambda start: earliest_arrival(runs, changes, access, egress, start, most_rides) > deadline,
    )
    return max([deadline - direct, *tried[:made][-1:]])


def route_cost(route, minutes, ends, own, terms):
    """Count a round leg by leg: (minutes on board of all, of the first child…), the best order of schools; None = no.

    `route` is a tuple of stops (place, children, school); `minutes[a, b]` a leg, `ends` the schools that may be
    served together, `own` the limit, `terms` (stop_min, weight, leg of the empty vehicle by place).
    """
    stop_min, weight, empty = terms
    best = None
    schools = {school for _, _, school in route}
    if len(schools) > 1 and not ends:
        return None
    for order in itertools.permutations(sorted(schools)):
        clock, left, arrived = stop_min, [], {}
        for k, (place, _, _) in enumerate(route):
            left.append(clock)
            following = route[k + 1][0] if k + 1 < len(route) else order[0]
            clock += minutes[place, following] + (stop_min if k + 1 < len(route) else 0.0)
        for k, school in enumerate(order):
            arrived[school] = clock
            if k + 1 < len(order):
                clock += stop_min + minutes[school, order[k + 1]]
        rides = [arrived[school] - start for (_, _, school), start in zip(route, left, strict=True)]
        if max(rides) <= own + 1e-9:
            cost = sum(ride * kids for ride, (_, kids, _) in zip(rides, route, strict=True))
            cost += weight * (clock + empty.get(route[0][0], 0.0))
            best = cost if best is None else min(best, cost)
    return best


def best_rounds(stops, fits, cost, fleet=None):
    """Try every partition of stops and every order of each part: (vehicles, least cost), None when none holds.

    `fits` tells whether a set of stops may share a vehicle, `cost` what an order costs (None = not allowed).
    """
    least = {}
    for size in range(1, len(stops) + 1):
        for part in itertools.combinations(range(len(stops)), size):
            if fits(part):
                costs = [cost(order) for order in itertools.permutations(part)]
                found = [one for one in costs if one is not None]
                if found:
                    least[part] = min(found)

    def partitions(left):
        if not left:
            yield []
            return
        first, *others = left
        for size in range(len(others) + 1):
            for mates in itertools.combinations(others, size):
                if (first, *mates) in least:
                    for rest in partitions([one for one in others if one not in mates]):
                        yield [(first, *mates), *rest]

    found = [
        (len(parts), sum(least[part] for part in parts)) for parts in partitions(list(range(len(stops))))
    ]
    if fleet is not None:
        within = [one for one in found if one[0] <= fleet]
        return min(within, key=lambda one: one[1], default=None)
    return min(found, default=None)
