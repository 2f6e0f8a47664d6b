"""The search for rounds: every partition of small worlds; ruin and recreate, and exact orders, on larger ones."""

import math
from typing import NamedTuple

import numpy as np

from territory.access.pairs import Bools, Floats, Places
from territory.network.engine.compiling import inner_kernel, kernel

Route = list[int]

# every partition of so many stops is tried
EXACT_STOPS = 10
# repairs for each iteration of PyVRP; a vehicle more is never worth minutes
_REPAIRS, _VEHICLE_MIN = 50, 1e7


class World(NamedTuple):
    """Stops, schools and one kind of vehicle: what a search needs, in minutes.

    `between[i, j]` is the drive from stop i to stop j and the stop at j; `to_school[i, s]` the drive to school s. An
    order of schools o ends a round: it drives first to `first[o]`, and reaches school s `later[o, s]` minutes after
    (inf: not of this order). `lead[i]` and `tail[o]` are minutes of the vehicle before leaving i, and after `first[o]`.
    """

    between: Floats
    to_school: Floats
    school: Places
    kids: Places
    seats: Places
    chairs: Places
    apart: Bools
    first: Places
    later: Floats
    lead: Floats
    tail: Floats
    seats_max: int
    chairs_max: int
    limit_min: float
    vehicle_weight: float


@inner_kernel
def _fits(route: Places, m: int, w: World) -> bool:
    """Tell whether children fit in one vehicle, and may ride together."""
    seats = chairs = 0
    for k in range(m):
        seats += w.seats[route[k]]
        chairs += w.chairs[route[k]]
        for other in range(k):
            if w.apart[route[k], route[other]]:
                return False
    return seats <= w.seats_max and chairs <= w.chairs_max


@inner_kernel
def _serves(route: Places, m: int, o: int, w: World) -> bool:
    """Tell whether an order of schools is that of the children on board: all of theirs, and no other."""
    for s in range(w.later.shape[1]):
        is_seen = False
        for k in range(m):
            is_seen = is_seen or w.school[route[k]] == s
        if is_seen != (w.later[o, s] < np.inf):
            return False
    return True


@kernel
def _cost(route: Places, m: int, w: World, rides: Floats) -> tuple[float, int]:
    """Return what pick-ups in this order cost (inf: they do not hold), how schools follow, and write the minutes."""
    best, how, orders = np.inf, 0, w.first.size
    if not _fits(route, m, w):
        return best, how
    for turn in range(orders + 1):
        # the best order once more, whose minutes on board stay written
        o = turn if turn < orders else how
        if orders > 1 and not _serves(route, m, o, w):
            continue
        ride, total = 0.0, 0.0
        for k in range(m - 1, -1, -1):
            i = route[k]
            ride = w.to_school[i, w.first[o]] if k == m - 1 else ride + w.between[i, route[k + 1]]
            rides[k] = ride + w.later[o, w.school[i]]
            total += w.kids[i] * rides[k] if rides[k] <= w.limit_min else np.inf
        total += w.vehicle_weight * (w.lead[route[0]] + ride + w.tail[o])
        if total < best:
            best, how = total, o
    return best, how


def cost_of(world: World, route: Route) -> tuple[float, Floats, int]:
    """Return the cost of a round (inf where it does not hold), minutes on board at each stop, the order of schools."""
    rides = np.zeros(len(route))
    cost, o = _cost(np.array(route, dtype=np.int64), len(route), world, rides)
    return float(cost), rides, int(o)


@kernel
def _best_order(m: int, w: World, ints: Places, floats: Floats) -> float:
    """Write the best order of stops (first row), searched from the school backwards; what is no better is cut off."""
    stops, out, chosen, used = ints[0], ints[1], ints[2], ints[3]
    best, ride, total, left = np.inf, floats[0], floats[1], floats[2]
    if not _fits(stops, m, w):
        return best
    left[0] = 0.0
    for k in range(m):
        left[0] += w.kids[stops[k]]
        used[k] = 0
    for o in range(w.first.size):
        if not _serves(stops, m, o, w):
            continue
        d, chosen[0] = 0, -1
        while d >= 0:
            if chosen[d] >= 0:
                used[chosen[d]] = 0
            chosen[d] += 1
            while chosen[d] < m and used[chosen[d]]:
                chosen[d] += 1
            if chosen[d] == m:
                d -= 1
                continue
            used[chosen[d]] = 1
            i = stops[chosen[d]]
            now = w.between[i, stops[chosen[d - 1]]] + ride[d - 1] if d else w.to_school[i, w.first[o]]
            own = now + w.later[o, w.school[i]]
            ride[d], total[d] = now, (total[d - 1] if d else 0.0) + w.kids[i] * own
            left[d + 1] = left[d] - w.kids[i]
            if own > w.limit_min or total[d] + left[d + 1] * now >= best:
                continue
            if d < m - 1:
                d += 1
                chosen[d] = -1
            elif total[d] + w.vehicle_weight * (w.lead[i] + now + w.tail[o]) < best:
                best = total[d] + w.vehicle_weight * (w.lead[i] + now + w.tail[o])
                for k in range(m):
                    out[m - 1 - k] = stops[chosen[k]]
    return best


@kernel
def _partitions(n: int, w: World, ints: Places, floats: Floats, cost: Floats, last: Places) -> None:
    """Write the least cost of every set of stops in k rounds (from row 1), and the round of its first stop."""
    size = 1 << n
    for mask in range(1, size):
        m = -1
        for i in range(n):
            if mask >> i & 1:
                m += 1
                ints[0, m] = i
        cost[1, mask], last[1, mask] = _best_order(m + 1, w, ints, floats), mask
    for k in range(2, cost.shape[0]):
        for mask in range(1, size):
            part = mask
            while part:
                found = cost[1, part] + cost[k - 1, mask ^ part]
                if part & mask & -mask and found < cost[k, mask]:
                    cost[k, mask], last[k, mask] = found, part
                part = (part - 1) & mask


def every_partition(world: World, vehicles: int | None) -> list[Route] | None:
    """Return the best rounds of a small world, in the fewest vehicles or in at most so many; None without any."""
    n = len(world.kids)
    cost = np.full((min(n, vehicles or n) + 1, 1 << n), np.inf)
    last = np.zeros(cost.shape, dtype=np.int64)
    _partitions(n, world, *_scratch(n), cost, last)
    whole = cost[:, -1]
    if not np.isfinite(whole).any():
        return None
    k = int(np.argmax(np.isfinite(whole)) if vehicles is None else np.argmin(whole))
    routes, mask = [], (1 << n) - 1
    for used in range(k, 0, -1):
        routes.append([i for i in range(n) if last[used, mask] >> i & 1])
        mask ^= int(last[used, mask])
    return routes


def _scratch(n: int) -> tuple[Places, Floats]:
    """Return rooms where kernels write."""
    return np.zeros((4, n + 1), dtype=np.int64), np.zeros((3, n + 1))


def ordered(world: World, routes: list[Route]) -> list[Route]:
    """Put the pick-ups of each round in their best order; a long round keeps the order that was found."""
    ints, floats = _scratch(EXACT_STOPS)
    found = []
    for route in routes:
        if (m := len(route)) <= EXACT_STOPS:
            ints[0, :m] = sorted(route)
            _best_order(m, world, ints, floats)
            route = [int(i) for i in ints[1, :m]]
        found.append(route)
    return found


@inner_kernel
def _random(state: Places) -> float:
    """Return a number from 0 to 1, and make the next one (Park and Miller, 1988)."""
    state[0] = state[0] * 48271 % 2147483647
    return float(state[0] / 2147483647.0)


@inner_kernel
def _insert(
    i: int, fixed: float, routes: Places, costs: Floats, state: Places, w: World, ride: Floats
) -> bool:
    """Put a stop where it costs least, opening a round only where none can take it; tell whether it was put."""
    best, where, place, opened = np.inf, -1, 0, False
    for r in range(routes.shape[0]):
        room, m = routes[r], routes[r, -1]
        if (m == 0 and opened) or m == room.size - 1:
            continue
        opened = opened or m == 0
        seats, chairs, is_apart = w.seats[i], w.chairs[i], False
        for k in range(m):
            seats += w.seats[room[k]]
            chairs += w.chairs[room[k]]
            is_apart = is_apart or w.apart[i, room[k]]
        if is_apart or seats > w.seats_max or chairs > w.chairs_max:
            continue
        room[m] = i
        for o in range(w.first.size):
            if w.first.size > 1 and not _serves(room, m + 1, o, w):
                continue
            # minutes of those on board without this stop, then what each place for it would add
            base = w.vehicle_weight * w.tail[o] - costs[r] + (fixed if m == 0 else 0.0)
            for k in range(m - 1, -1, -1):
                j = room[k]
                ride[k] = w.between[j, room[k + 1]] + ride[k + 1] if k < m - 1 else w.to_school[j, w.first[o]]
                own = ride[k] + w.later[o, w.school[j]]
                base += w.kids[j] * own if own <= w.limit_min else np.inf
            before, worst = 0.0, -np.inf
            for p in range(m + 1):
                now = ride[p] + w.between[i, room[p]] if p < m else w.to_school[i, w.first[o]]
                own = now + w.later[o, w.school[i]]
                shift = w.between[room[p - 1], i] + now - ride[p - 1] if p else 0.0
                start = w.lead[room[0]] + ride[0] + shift if p else w.lead[i] + now
                more = base + w.kids[i] * own + before * shift + w.vehicle_weight * start
                # now and then a place is not looked at, so that two repairs differ
                if more < best and max(own, worst + shift) <= w.limit_min and _random(state) > 0.02:
                    best, where, place = more, r, p
                if p < m:
                    before += w.kids[room[p]]
                    worst = max(worst, ride[p] + w.later[o, w.school[room[p]]])
    if where < 0:
        return False
    room, m = routes[where], routes[where, -1]
    for k in range(m, place, -1):
        room[k] = room[k - 1]
    room[place], room[-1] = i, m + 1
    costs[where] += best - (fixed if m == 0 else 0.0)
    return True


@inner_kernel
def _take_out(routes: Places, near: Places, state: Places, taken: Places) -> int:
    """Write a few neighbouring stops, and now and then a whole round, that leave their rounds; return how many."""
    n, count = near.shape[0], 0
    wanted, centre = 1 + int(_random(state) * min(n, 12)), int(_random(state) * n)
    gone = -1
    # so that a vehicle may be spared
    is_spared = _random(state) < 0.1
    for k in range(n):
        i, r, p = near[centre, k], 0, 0
        while p >= routes[r, -1] or routes[r, p] != i:
            p += 1
            if p >= routes[r, -1]:
                r, p = r + 1, 0
        gone = r if k == 0 and is_spared else gone
        if r == gone or (count < wanted and _random(state) < 0.7):
            taken[count] = i
            count += 1
            routes[r, -1] -= 1
            for q in range(p, routes[r, -1]):
                routes[r, q] = routes[r, q + 1]
        if count >= wanted and gone < 0:
            break
    # the order in which they are put back
    for k in range(count - 1, 0, -1):
        other = int(_random(state) * (k + 1))
        taken[k], taken[other] = taken[other], taken[k]
    return count


@inner_kernel
def _copy(here: Places, there: Places) -> None:
    """Write rounds over others."""
    for r in range(here.shape[0]):
        for k in range(here.shape[1]):
            there[r, k] = here[r, k]


@kernel
def _search(
    tables: Places, near: Places, terms: tuple[int, float, float], w: World, ints: Places, floats: Floats
) -> None:
    """Take stops out of the last rounds and put them back, so many times; the first table holds the best met."""
    # a table has a row for each round: its stops, and how many there are in the last column
    best_routes, kept, routes, state, taken = tables[0], tables[1], tables[2], ints[0], ints[1]
    turns, fixed, heat = terms
    costs, before, ride = floats[0], floats[1], floats[2]
    now = best = np.inf
    for turn in range(turns + 1):
        _copy(routes, kept)
        # the first turn counts what there is
        count, whole, after = _take_out(routes, near, state, taken) if turn else 0, True, 0.0
        for r in range(routes.shape[0]):
            m, before[r] = routes[r, -1], costs[r]
            if turn == 0 or m != kept[r, -1]:
                costs[r] = _cost(routes[r], m, w, ride)[0] if m else 0.0
        for k in range(count):
            whole = whole and _insert(taken[k], fixed, routes, costs, state, w, ride)
        for r in range(routes.shape[0]):
            after += costs[r] + (fixed if routes[r, -1] else 0.0)
        # a worse one is taken now and then, less and less
        if whole and after < now - heat * (1.0 - turn / turns) * math.log(_random(state)):
            now = after
            if now < best - 1e-9:
                best = now
                _copy(routes, best_routes)
        else:
            _copy(kept, routes)
            for r in range(routes.shape[0]):
                costs[r] = before[r]


def improve(
    world: World, routes: list[Route], vehicles: int | None, *, effort: int, seed: int
) -> list[Route]:
    """Lower the minutes on board (and the vehicles, unless so many are given) of rounds that hold."""
    n = len(world.kids)
    width = min(n, world.seats_max + world.chairs_max)
    tables = np.zeros((3, vehicles or len(routes), width + 1), np.int64)
    for r, route in enumerate(routes):
        tables[2, r, : len(route)], tables[2, r, -1] = route, len(route)
    both = np.minimum(world.between, world.between.T)
    np.fill_diagonal(both, -1.0)
    near = np.argsort(both, axis=1, kind="stable")
    heat = 0.1 * float(world.to_school[np.arange(n), world.school].mean())
    terms = (effort * _REPAIRS, 0.0 if vehicles else _VEHICLE_MIN, heat)
    ints, floats = _scratch(n + tables.shape[1] + width)
    ints[0, 0] = np.random.default_rng(seed).integers(1, 2**31 - 1)
    _search(tables, near, terms, world, ints, floats)
    return [[int(i) for i in row[: row[-1]]] for row in tables[0] if row[-1]]
