"""Slow independent versions of what roads give: no chains, no added nodes, one state per directed step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from territory.network.graph.arrays import RoadLines, Roads
from territory.network.graph.simplify import ground_m
from territory.network.graph.speeds import speed_table


def directed_steps(lines: RoadLines) -> list[tuple[int, int, int, int]]:
    """Directed steps of ways as (from node, to node, way, ms), barriers apart, at the library's speeds."""
    table = speed_table().query("period == 'off_peak' and density == 'any'").set_index("road_class")
    kinds = dict(zip(lines.kind_node.tolist(), lines.kind.tolist(), strict=True))
    barriers = set(lines.barrier_node.tolist())
    ways = lines.ways
    found, neighbours = [], defaultdict(set)
    fresh = -(10**15)
    for way in range(len(ways)):
        row = table.loc[ways.class_names[ways.road_class[way]]]
        steps = range(lines.start[way], lines.start[way + 1] - 1)
        nodes = lines.node[lines.start[way] : lines.start[way + 1]]
        place = list(zip(lines.lon[nodes], lines.lat[nodes], strict=True))
        length = {}
        for i in steps:
            one, two = place[i - lines.start[way]], place[i + 1 - lines.start[way]]
            if lines.node[i] != lines.node[i + 1] and not np.isnan([*one, *two]).any():
                # lengths are kept in single precision
                length[i] = float(np.float32(ground_m(*one, *two)))
        for i, metres in length.items():
            ends = []
            for node in (int(lines.node[i]), int(lines.node[i + 1])):
                if node in barriers:
                    fresh += 1
                    node = fresh
                ends.append(node)
            for direction, limit in (
                (1, ways.maxspeed_forward_kmh[way]),
                (2, ways.maxspeed_backward_kmh[way]),
            ):
                legal = float(limit) * row.legal_factor
                speed = row.default_kmh if np.isnan(legal) else legal
                if not np.isnan(ways.duration_s[way]):
                    ms = round(1000.0 * float(ways.duration_s[way]) * (metres / sum(length.values())))
                else:
                    ms = int(np.rint(metres * 3600.0 / speed))
                tail, head = ends if direction == 1 else ends[::-1]
                if direction == 1:
                    neighbours[tail].add(head)
                    neighbours[head].add(tail)
                if ways.direction[way] & direction:
                    found.append((tail, head, way, ms, row))
    result = []
    for tail, head, way, ms, row in found:
        kind = kinds.get(head, 0)
        wait = {3: row.signal_s, 2: row.stop_s}.get(kind, 0.0)
        if kind == 0 and len(neighbours[head]) > 2:
            wait = row.junction_s
        result.append((tail, head, way, ms + int(np.rint(1000 * wait))))
    return result


def turn_times(
    lines: RoadLines,
    sources: list[int],
    targets: list[int],
    *,
    is_last: Callable[[int, int, int], bool] | None = None,
) -> np.ndarray:
    """Times (ms) between nodes, one state per (directed step, part of the trip, restrictions that have been begun).

    `is_last` tells which steps (way, from node, to node) are in streets that are only a destination.
    """
    steps = directed_steps(lines)
    leaving, arriving = defaultdict(list), defaultdict(list)
    for number, (tail, head, _, _) in enumerate(steps):
        leaving[tail].append(number)
        arriving[head].append(number)
    last = [is_last is not None and is_last(way, tail, head) for tail, head, way, _ in steps]
    rules = [rule for rule in lines.restrictions if _can_be_followed(rule, steps, leaving, arriving)]
    nodes = {node for rule in lines.restrictions for node in rule.nodes}
    begun_by = defaultdict(set)
    for number, rule in enumerate(rules):
        begun_by[rule.ways[0]].add((number, 0))

    def following(state):
        step, part, begun = state
        tail, head, way, _ = steps[step]
        for then in leaving[head]:
            back = steps[then][1] == tail and steps[then][2] == way
            if back and not _may_turn_back(head, steps, leaving, arriving, nodes, last):
                continue
            after = _after(rules, steps, begun, step, then)
            if after is None or (part == 2 and not last[then]):
                continue
            begun_now = frozenset(after | begun_by[steps[then][2]])
            for later in (0, 2) if last[then] and part == 0 else (2,) if last[then] else (1,):
                yield then, later, begun_now

    states, rows, columns, weights = {}, [], [], []
    waiting = []

    def number_of(state):
        if state not in states:
            states[state] = len(states)
            waiting.append(state)
        return states[state]

    starts = [
        [number_of((s, 0 if last[s] else 1, frozenset(begun_by[steps[s][2]]))) for s in leaving[source]]
        for source in sources
    ]
    while waiting:
        state = waiting.pop()
        for other in following(state):
            rows.append(states[state])
            columns.append(number_of(other))
            weights.append(steps[other[0]][3])
    by_number = [state[0] for state in states]
    size = len(states) + len(sources)
    for place, firsts in enumerate(starts):
        rows += [len(states) + place] * len(firsts)
        columns += firsts
        weights += [steps[by_number[first]][3] for first in firsts]
    # 1 ms is added to every step: scipy drops zeros
    scale = 1 << 20
    graph = csr_matrix((np.array(weights, dtype=np.float64) * scale + 1, (rows, columns)), shape=(size, size))
    reached = dijkstra(graph, indices=np.arange(len(states), size))
    heads = defaultdict(list)
    for number, step in enumerate(by_number):
        heads[steps[step][1]].append(number)
    times = np.full((len(sources), len(targets)), np.inf)
    for column, target in enumerate(targets):
        if heads[target]:
            times[:, column] = reached[:, heads[target]].min(axis=1)
    times = np.floor(times / scale)
    for row, source in enumerate(sources):
        times[row, [column for column, target in enumerate(targets) if target == source]] = 0
    return times


def last_streets(roads: Roads, lines: RoadLines) -> Callable[[int, int, int], bool]:
    """Tell by way and nodes whether a step is in a street that is only a destination."""
    from territory.network.graph.simplify import project

    x, y = project(lines.lon, lines.lat, roads.crs)
    flagged = roads.is_destination[roads.chain_of_vertex()]
    known = set()
    for hop in np.flatnonzero(~roads.void_hops() & flagged).tolist():
        ends = [(roads.x[at], roads.y[at]) for at in (hop, hop + 1)]
        known |= {(int(roads.hop_way[hop]), part) for part in (frozenset(ends), *ends)}

    def is_last(way: int, tail: int, head: int) -> bool:
        # a node that a barrier split has a number of its own, and no place: such a step is told by its other end
        places = [(x[node], y[node]) for node in (tail, head) if node >= 0]
        return (way, frozenset(places) if len(places) == 2 else places[0] if places else None) in known

    return is_last


def _can_be_followed(rule, steps, leaving, arriving) -> bool:
    """Tell whether somebody can come from the first way of a restriction and drive to its last."""
    if not any(steps[s][2] == rule.ways[0] for s in arriving[rule.nodes[0]]):
        return False
    for place, way in enumerate(rule.ways[1:]):
        out = [s for s in leaving[rule.nodes[place]] if steps[s][2] == way]
        if place + 1 < len(rule.nodes):
            out = [s for s in out if steps[s][1] == rule.nodes[place + 1]]
        if not out:
            return False
    return True


def _after(rules, steps, begun, step, then):
    """Return the restrictions that have been begun after a turn, None if it is banned."""
    node, way = steps[step][1], steps[then][2]
    back = steps[then][1] == steps[step][0] and way == steps[step][2]
    after, permitted = set(), {}
    for number, place in begun:
        rule = rules[number]
        if rule.nodes[place] != node:
            continue
        goes_on = way == rule.ways[place + 1]
        if len(rule.ways) == 2 and rule.ways[0] == rule.ways[1] and not rule.is_only:
            goes_on = back
        if place + 1 < len(rule.nodes):
            goes_on = goes_on and steps[then][1] == rule.nodes[place + 1]
        if rule.is_only:
            key = rule.ways[: place + 1], rule.nodes[: place + 1]
            permitted[key] = permitted.get(key, False) or goes_on
        if goes_on and place + 2 == len(rule.ways) and not rule.is_only:
            return None
        if goes_on and place + 2 < len(rule.ways):
            after.add((number, place + 1))
    return after if all(permitted.values()) else None


def _may_turn_back(node, steps, leaving, arriving, via, last) -> bool:
    """Tell whether a node is no mere passage between two steps."""
    around = {(steps[s][1], steps[s][2], last[s]) for s in leaving[node]} | {
        (steps[s][0], steps[s][2], last[s]) for s in arriving[node]
    }
    if node in via or len(around) != 2:
        return True
    out = {(steps[s][1], steps[s][2]) for s in leaving[node]}
    into = {(steps[s][0], steps[s][2]) for s in arriving[node]}
    one, two = around
    if one[2] != two[2]:
        return True
    return (one[:2] in into) != (two[:2] in out) or (two[:2] in into) != (one[:2] in out)


def junction_points(roads: Roads, lines: RoadLines, rows: np.ndarray):
    """Junctions as points in the projection of the roads, and their node identifiers."""
    import geopandas as gpd

    from territory.network.graph.simplify import project

    x, y = project(lines.lon, lines.lat, roads.crs)
    by_place = {}
    for node, place in enumerate(zip(x.tolist(), y.tolist(), strict=True)):
        by_place.setdefault(place, node)
    xs, ys = roads.junction_x[rows], roads.junction_y[rows]
    nodes = [by_place[place] for place in zip(xs.tolist(), ys.tolist(), strict=True)]
    frame = gpd.GeoDataFrame(
        index=[str(row) for row in rows], geometry=gpd.points_from_xy(xs, ys), crs=roads.crs
    )
    return frame, nodes
