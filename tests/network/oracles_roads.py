"""Slow independent versions of what roads give: no chains, no added nodes, one state per directed step."""

from __future__ import annotations

from collections import defaultdict

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
    found, neighbours = [], defaultdict(list)
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
                    neighbours[tail].append(i)
                    neighbours[head].append(i)
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


def turn_times(lines: RoadLines, sources: list[int], targets: list[int]) -> np.ndarray:
    """Times (ms) between nodes, one state per directed step, turning back only where roads meet or end."""
    steps = directed_steps(lines)
    n = len(steps)
    leaving, arriving = defaultdict(list), defaultdict(list)
    for state, (tail, head, _, _) in enumerate(steps):
        leaving[tail].append(state)
        arriving[head].append(state)
    banned = _banned(lines, steps, leaving, arriving)
    via = set(lines.restrictions[:, 1].tolist())
    rows, columns, weights = [], [], []
    for state, (tail, head, way, _) in enumerate(steps):
        for following in leaving[head]:
            back = steps[following][1] == tail and steps[following][2] == way
            if back and not _may_turn_back(head, steps, leaving, arriving, via):
                continue
            if (state, following) in banned:
                continue
            rows.append(state)
            columns.append(following)
            weights.append(steps[following][3])
    # a start state per source, with the steps that leave it; 1 ms is added to every step: scipy drops zeros
    for place, source in enumerate(sources):
        for following in leaving[source]:
            rows.append(n + place)
            columns.append(following)
            weights.append(steps[following][3])
    size = n + len(sources)
    scale = 1 << 20
    graph = csr_matrix((np.array(weights, dtype=np.float64) * scale + 1, (rows, columns)), shape=(size, size))
    reached = dijkstra(graph, indices=np.arange(n, size))
    times = np.full((len(sources), len(targets)), np.inf)
    for column, target in enumerate(targets):
        if arriving[target]:
            times[:, column] = reached[:, arriving[target]].min(axis=1)
    times = np.floor(times / scale)
    for row, source in enumerate(sources):
        times[row, [column for column, target in enumerate(targets) if target == source]] = 0
    return times


def _may_turn_back(node, steps, leaving, arriving, via) -> bool:
    """Tell whether a node is no mere passage between two steps."""
    around = {(steps[s][1], steps[s][2]) for s in leaving[node]} | {
        (steps[s][0], steps[s][2]) for s in arriving[node]
    }
    if node in via or len(around) != 2:
        return True
    out = {(steps[s][1], steps[s][2]) for s in leaving[node]}
    into = {(steps[s][0], steps[s][2]) for s in arriving[node]}
    one, two = around
    return (one in into) != (two in out) or (two in into) != (one in out)


def _banned(lines, steps, leaving, arriving) -> set[tuple[int, int]]:
    banned = set()
    for left, node, entered, is_only in lines.restrictions.tolist():
        ways_in = [s for s in arriving[node] if steps[s][2] == left]
        ways_out = [s for s in leaving[node] if steps[s][2] == entered]
        if not ways_in or not ways_out:
            continue
        for one in ways_in:
            for two in leaving[node]:
                if is_only:
                    is_banned = two not in ways_out
                elif left == entered:
                    is_banned = two in ways_out and steps[two][1] == steps[one][0]
                else:
                    is_banned = two in ways_out
                if is_banned:
                    banned.add((one, two))
    return banned


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
