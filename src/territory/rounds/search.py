"""The search for rounds: every partition of small worlds; ruin and recreate, and exact orders, on larger ones."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from territory.access.pairs import Bools, Floats
from territory.network.engine.compiling import kernel

Places = NDArray[np.int64]
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


@kernel
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


@kernel
def _serves(route: Places, m: int, o: int, w: World) -> bool:
    """Tell whether an order of schools is that of the children on board: all of theirs, and no other."""
    schools = w.later.shape[1]
    if schools == 1:
        return True
    seen = np.zeros(schools, np.bool_)
    for k in range(m):
        seen[w.school[route[k]]] = True
    return bool(np.all(seen == (w.later[o] < np.inf)))


@kernel
def _under(route: Places, m: int, o: int, w: World, rides: Floats) -> float:
    """Return the cost of pick-ups in this order under an order of schools, and write the minutes on board."""
    ride, total = 0.0, 0.0
    for k in range(m - 1, -1, -1):
        i = route[k]
        ride = w.to_school[i, w.first[o]] if k == m - 1 else ride + w.between[i, route[k + 1]]
        rides[k] = ride + w.later[o, w.school[i]]
        total += w.kids[i] * rides[k] if rides[k] <= w.limit_min else np.inf
    return float(total + w.vehicle_weight * (w.lead[route[0]] + ride + w.tail[o]))


@kernel
def _cost(route: Places, m: int, w: World, rides: Floats) -> tuple[float, int]:
    """Return the least minutes of children (and weighted ones of the vehicle) of pick-ups in this order, and how."""
    best, how = np.inf, 0
    for o in range(w.first.size):
        if _serves(route, m, o, w):
            cost = _under(route, m, o, w, rides)
            if cost < best:
                best, how = cost, o
    return best, how


def cost_of(world: World, route: Route) -> tuple[float, Floats, int]:
    """Return the cost of a round (inf where it does not hold), minutes on board at each stop, the order of schools."""
    found, rides = np.array(route, dtype=np.int64), np.zeros(len(route))
    if not _fits(found, len(route), world):
        return np.inf, rides, 0
    cost, o = _cost(found, len(route), world, rides)
    _under(found, len(route), o, world, rides)
    return float(cost), rides, int(o)


@kernel
def _best_order(stops: Places, m: int, w: World, out: Places) -> float:
    """Write the best order of pick-ups, searched from the school backwards; what cannot be better is cut off."""
    best = np.inf
    if not _fits(stops, m, w):
        return best
    chosen, used = np.full(m, -1), np.zeros(m, np.bool_)
    ride, total, left = np.zeros(m), np.zeros(m), np.zeros(m + 1)
    for o in range(w.first.size):
        if not _serves(stops, m, o, w):
            continue
        left[0] = w.kids[stops[:m]].sum()
        d, chosen[0] = 0, -1
        used[:] = False
        while d >= 0:
            if chosen[d] >= 0:
                used[chosen[d]] = False
            chosen[d] += 1
            while chosen[d] < m and used[chosen[d]]:
                chosen[d] += 1
            if chosen[d] == m:
                d -= 1
                continue
            used[chosen[d]] = True
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
def _partitions(n: int, most: int, w: World) -> tuple[Floats, Places]:
    """Return the least cost of every set of stops in k rounds, and the round that holds its first stop."""
    size = 1 << n
    alone, stops, out = np.full(size, np.inf), np.zeros(n, np.int64), np.zeros(n, np.int64)
    for mask in range(1, size):
        m = 0
        for i in range(n):
            if mask >> i & 1:
                stops[m] = i
                m += 1
        alone[mask] = _best_order(stops, m, w, out)
    cost, last = np.full((most + 1, size), np.inf), np.zeros((most + 1, size), np.int64)
    cost[0, 0] = 0.0
    for k in range(1, most + 1):
        for mask in range(1, size):
            part = mask
            while part:
                if part & mask & -mask and alone[part] + cost[k - 1, mask ^ part] < cost[k, mask]:
                    cost[k, mask], last[k, mask] = alone[part] + cost[k - 1, mask ^ part], part
                part = (part - 1) & mask
    return cost, last


def every_partition(world: World, vehicles: int | None) -> list[Route] | None:
    """Return the best rounds of a small world, in the fewest vehicles or in at most so many; None without any."""
    n = len(world.kids)
    cost, last = _partitions(n, min(n, vehicles or n), world)
    whole = cost[:, -1]
    if not np.isfinite(whole).any():
        return None
    k = int(np.argmax(np.isfinite(whole)) if vehicles is None else np.argmin(whole))
    routes, mask = [], (1 << n) - 1
    for used in range(k, 0, -1):
        routes.append([i for i in range(n) if last[used, mask] >> i & 1])
        mask ^= int(last[used, mask])
    return routes


def ordered(world: World, routes: list[Route]) -> list[Route]:
    """Put the pick-ups of each round in their best order; a long round keeps the order that was found."""
    found = [np.array(route, dtype=np.int64) for route in routes]
    for out in found:
        if len(out) <= EXACT_STOPS:
            _best_order(np.sort(out), len(out), world, out)
    return [[int(i) for i in out] for out in found]


@kernel
def _insert(
    i: int,
    routes: Places,
    sizes: Places,
    costs: Floats,
    fixed: float,
    rng: Generator,
    w: World,
    scratch: tuple[Places, Floats],
) -> bool:
    """Put a stop where it costs least, opening a round only where none can take it; tell whether it was put."""
    room, ride = scratch
    best, where, place, opened = np.inf, -1, 0, False
    for r in range(sizes.size):
        m = sizes[r]
        if (m == 0 and opened) or m == routes.shape[1]:
            continue
        opened |= m == 0
        room[:m] = routes[r, :m]
        room[m] = i
        if not _fits(room, m + 1, w):
            continue
        for o in range(w.first.size):
            if not _serves(room, m + 1, o, w):
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
                if more < best and max(own, worst + shift) <= w.limit_min and rng.random() > 0.02:
                    best, where, place = more, r, p
                if p < m:
                    before += w.kids[room[p]]
                    worst = max(worst, ride[p] + w.later[o, w.school[room[p]]])
    if where < 0:
        return False
    m = sizes[where]
    routes[where, place + 1 : m + 1] = routes[where, place:m].copy()
    routes[where, place] = i
    sizes[where] += 1
    costs[where] = _cost(routes[where], m + 1, w, ride)[0]
    return True


@kernel
def _take_out(
    routes: Places, sizes: Places, costs: Floats, near: Places, rng: Generator, w: World, rides: Floats
) -> Places:
    """Take a few neighbouring stops out of their rounds, and now and then a whole round, and return them."""
    n = near.shape[0]
    where, taken, count = np.zeros(n, np.int64), np.zeros(n, np.int64), 0
    for r in range(sizes.size):
        for k in range(sizes[r]):
            where[routes[r, k]] = r
    wanted, centre = 1 + rng.integers(0, min(n, 12)), rng.integers(0, n)
    # so that a vehicle may be spared
    gone = where[centre] if rng.random() < 0.1 else -1
    for k in range(n):
        i = near[centre, k]
        r = where[i]
        if r == gone or (count < wanted and rng.random() < 0.7):
            taken[count] = i
            count += 1
            p = 0
            while routes[r, p] != i:
                p += 1
            routes[r, p : sizes[r] - 1] = routes[r, p + 1 : sizes[r]].copy()
            sizes[r] -= 1
            costs[r] = _cost(routes[r], sizes[r], w, rides)[0] if sizes[r] else 0.0
        if count >= wanted and gone < 0:
            break
    # the order in which they are put back
    for k in range(count - 1, 0, -1):
        other = rng.integers(0, k + 1)
        taken[k], taken[other] = taken[other], taken[k]
    return taken[:count]


@kernel
def _search(
    routes: Places,
    sizes: Places,
    near: Places,
    turns: int,
    terms: tuple[float, float],
    rng: Generator,
    w: World,
) -> tuple[Places, Places]:
    """Take stops out and put them back, so many times; return the best rounds met."""
    fixed, heat = terms
    costs, scratch = (
        np.zeros(sizes.size),
        (np.zeros(routes.shape[1] + 1, np.int64), np.zeros(routes.shape[1] + 1)),
    )
    for r in range(sizes.size):
        if sizes[r]:
            costs[r] = _cost(routes[r], sizes[r], w, scratch[1])[0]
    now = costs.sum() + fixed * (sizes > 0).sum()
    best, best_routes, best_sizes = now, routes.copy(), sizes.copy()
    for turn in range(turns):
        kept, kept_sizes, kept_costs = routes.copy(), sizes.copy(), costs.copy()
        whole = True
        for i in _take_out(routes, sizes, costs, near, rng, w, scratch[1]):
            whole = whole and _insert(i, routes, sizes, costs, fixed, rng, w, scratch)
        after = costs.sum() + fixed * (sizes > 0).sum() if whole else np.inf
        # a worse one is taken now and then, less and less
        if after < now - heat * (1.0 - turn / turns) * np.log(1.0 - rng.random()):
            now = after
            if now < best - 1e-9:
                best, best_routes, best_sizes = now, routes.copy(), sizes.copy()
        else:
            routes[:], sizes[:], costs[:] = kept, kept_sizes, kept_costs
    return best_routes, best_sizes


def improve(
    world: World, routes: list[Route], vehicles: int | None, *, effort: int, seed: int
) -> list[Route]:
    """Lower the minutes on board (and the vehicles, unless so many are given) of rounds that hold."""
    n = len(world.kids)
    table = np.zeros((vehicles or len(routes), min(n, world.seats_max + world.chairs_max)), np.int64)
    sizes = np.zeros(len(table), np.int64)
    for r, route in enumerate(routes):
        table[r, : len(route)], sizes[r] = route, len(route)
    both = np.minimum(world.between, world.between.T)
    np.fill_diagonal(both, -1.0)
    near = np.argsort(both, axis=1, kind="stable")
    terms = (
        0.0 if vehicles else _VEHICLE_MIN,
        0.1 * float(world.to_school[np.arange(n), world.school].mean()),
    )
    rng = np.random.default_rng(seed)
    found, lengths = _search(table, sizes, near, effort * _REPAIRS, terms, rng, world)
    return [[int(i) for i in row[:m]] for row, m in zip(found, lengths, strict=True) if m]
