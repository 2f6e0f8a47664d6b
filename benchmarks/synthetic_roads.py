"""Road-like graphs of any size, to measure travel times where no real map may be copied.

Points gather in towns of very unequal sizes. They are joined as neighbours (Urquhart graph: Delaunay triangles
without their longest sides), which gives crossings of three to four streets. Roads of three ranks are then
laid between towns along paths that prefer what is already a road, and drive faster. A part of the streets is
one-way. The graph is the largest strongly connected part, its nodes numbered along a Hilbert curve.
"""

from __future__ import annotations

import argparse
import heapq
import time
from pathlib import Path

import numba
import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import Delaunay, cKDTree

#: Crossings per square kilometre, about those of France.
CROSSINGS_PER_KM2 = 18
#: Of each rank: towns it joins at least, crossings per town, speed (km/h).
RANKS = ((30, 400, 70.0), (12, 4000, 80.0), (5, 25000, 120.0))


def make_roads(n_nodes, seed=0):
    """Return arrays x, y (m), tails, heads, weights_ms of a road map of about `n_nodes` nodes."""
    random = np.random.default_rng(seed)
    points, towns, sizes = _points(n_nodes, random)
    one, two = _neighbours(points)
    lengths = np.hypot(*(points[one] - points[two]).T) * 1.2
    speeds = random.choice([30.0, 40.0, 50.0], len(one))
    is_road = np.zeros(len(one), bool)
    largest_first = cKDTree(points).query(towns)[1][np.argsort(-sizes)]
    for level, (least, per_town, speed) in enumerate(RANKS):
        ends = largest_first[: min(max(least, n_nodes // per_town), len(towns))]
        if level == 0:
            ends = np.concatenate([ends, random.integers(0, n_nodes, max(0, n_nodes // 800))])
        used = _lay_roads(points, one, two, lengths / np.where(is_road, 1.6, 1.0), np.unique(ends), random)
        is_road |= used
        speeds[used] = speed
    times = np.maximum(1, np.round(lengths / (speeds / 3.6) * 1000)).astype(np.int64)
    both = ~((random.random(len(one)) < 0.08) & ~is_road)
    tails, heads = np.concatenate([one, two[both]]), np.concatenate([two, one[both]])
    return _largest_part(points, tails, heads, np.concatenate([times, times[both]]))


def _points(n_nodes, random):
    """Return crossings, the towns' centres and the towns' sizes."""
    side = np.sqrt(n_nodes / CROSSINGS_PER_KM2) * 1000
    n_towns = max(40, n_nodes // 1500)
    towns = random.random((n_towns, 2)) * side
    sizes = random.pareto(1.1, n_towns) + 1
    sizes = np.minimum(sizes, sizes.sum() * 0.05)
    shares = sizes / sizes.sum()
    n_inside = int(n_nodes * 0.6)
    town = random.choice(n_towns, n_inside, p=shares)
    radius = np.maximum(np.sqrt(shares * n_inside / 150) * 700, 200)[town]
    inside = towns[town] + random.normal(size=(n_inside, 2)) * radius[:, None]
    points = np.concatenate([inside, random.random((n_nodes - n_inside, 2)) * side])
    points = np.clip(points + random.normal(size=points.shape) * 3, -0.02 * side, 1.02 * side)
    return points, towns, sizes


def _neighbours(points):
    """Return the two ends of each edge of the Urquhart graph."""
    corners = Delaunay(points).simplices
    sides = np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]])
    sides.sort(axis=1)
    lengths = np.hypot(*(points[sides[:, 0]] - points[sides[:, 1]]).T).reshape(3, -1)
    longest = np.argmax(lengths, axis=0) * len(corners) + np.arange(len(corners))
    keys = sides[:, 0].astype(np.int64) * len(points) + sides[:, 1]
    kept = np.setdiff1d(keys, keys[longest])
    return kept // len(points), kept % len(points)


def _lay_roads(points, one, two, costs, ends, random):
    """Return which edges lie on cheapest paths between neighbouring ends."""
    near, far = _neighbours(points[ends] + random.normal(size=(len(ends), 2)))
    order = np.argsort(np.concatenate([one, two]), kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(np.concatenate([one, two]), minlength=len(points)))])
    heads = np.concatenate([two, one])[order]
    return _paths(start, heads, order % len(one), costs, points, ends[near], ends[far])


@numba.njit(cache=True)
def _paths(start, heads, edges, costs, points, sources, targets):
    """Mark the edges on a cheapest path between each source and target (A* along the straight line)."""
    used = np.zeros(len(costs), np.bool_)
    reached = np.full(len(points), np.inf)
    before = np.full(len(points), -1)
    for source, target in zip(sources, targets):  # noqa: B905
        touched = [source]
        reached[source] = 0.0
        heap = [(0.0, source)]
        while heap:
            _, node = heapq.heappop(heap)
            if node == target:
                break
            for place in range(start[node], start[node + 1]):
                head = heads[place]
                cost = reached[node] + costs[edges[place]]
                if cost < reached[head]:
                    reached[head] = cost
                    before[head] = place
                    touched.append(head)
                    straight = np.hypot(
                        points[head, 0] - points[target, 0], points[head, 1] - points[target, 1]
                    )
                    heapq.heappush(heap, (cost + 0.7 * straight, head))
        node = target
        while node != source and before[node] >= 0:
            used[edges[before[node]]] = True
            node = np.searchsorted(start, before[node], side="right") - 1
        for node in touched:
            reached[node] = np.inf
            before[node] = -1
    return used


def _largest_part(points, tails, heads, times):
    """Return the largest strongly connected part, nodes numbered along a Hilbert curve."""
    links = csr_array((np.ones(len(tails), np.int8), (tails, heads)), shape=(len(points), len(points)))
    _, part = connected_components(links, connection="strong")
    kept = np.flatnonzero(part == np.argmax(np.bincount(part)))
    kept = kept[np.argsort(hilbert_keys(points[kept]), kind="stable")]
    number = np.full(len(points), -1, np.int32)
    number[kept] = np.arange(len(kept), dtype=np.int32)
    inside = (number[tails] >= 0) & (number[heads] >= 0)
    return {
        "x": points[kept, 0],
        "y": points[kept, 1],
        "tails": number[tails[inside]],
        "heads": number[heads[inside]],
        "weights_ms": times[inside].astype(np.int32),
    }


def hilbert_keys(points, bits=16):
    """Return how far along a Hilbert curve each point lies."""
    low = points.min(axis=0)
    steps = ((1 << bits) - 1) / (np.ptp(points, axis=0).max() + 1e-9)
    x, y = ((points - low) * steps).astype(np.int64).T
    keys = np.zeros(len(points), np.int64)
    size = 1 << (bits - 1)
    while size:
        right, up = (x & size) > 0, (y & size) > 0
        keys += size * size * ((3 * right) ^ up)
        x, y = x & (size - 1), y & (size - 1)
        turned = ~up & right
        x, y = np.where(turned, size - 1 - x, x), np.where(turned, size - 1 - y, y)
        x, y = np.where(~up, y, x), np.where(~up, x, y)
        size >>= 1
    return keys


def cached_roads(n_nodes, folder):
    """Return the path of a saved road map of about `n_nodes` nodes, made once."""
    path = Path(folder) / f"roads-{n_nodes}.npz"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # a run that is stopped leaves no half of a map under the final name
        partial = path.with_suffix(".partial.npz")
        np.savez(partial, **make_roads(n_nodes))
        partial.replace(path)
    return path


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("n_nodes", type=int)
    parser.add_argument("path", type=Path)
    given = parser.parse_args()
    began = time.perf_counter()
    roads = make_roads(given.n_nodes)
    np.savez(given.path, **roads)
    print(f"{len(roads['x'])} nodes, {len(roads['tails'])} edges in {time.perf_counter() - began:.0f} s")
