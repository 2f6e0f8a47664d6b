"""Slow routing in plain Python, and the small random maps on which it is compared with the engine."""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from territory.network.engine import MAX_TIME_MS, UNREACHED, Graph, Seeds


@dataclass(frozen=True)
class Town:
    """A small map, points attached to it, and the lengths of its edges."""

    n_nodes: int
    tails: list[int]
    heads: list[int]
    weights: list[int]
    lengths: list[int]
    x: list[int]
    y: list[int]
    sources: Seeds
    targets: Seeds

    @property
    def graph(self) -> Graph:
        return Graph.from_edges(self.n_nodes, self.tails, self.heads, self.weights)


@st.composite
def towns(draw, *, most_nodes: int = 14) -> Town:
    """Maps with parts that no road joins, one-way mazes, loops, parallel, free and closed edges, shared points."""
    n_nodes = draw(st.integers(1, most_nodes))
    node = st.integers(0, n_nodes - 1)
    weight = st.one_of(st.integers(0, 9), st.sampled_from([0, 0, 1000, UNREACHED, MAX_TIME_MS]))
    edges = draw(st.lists(st.tuples(node, node, weight, st.integers(0, 9)), max_size=4 * n_nodes))
    columns = list(zip(*edges, strict=True)) or [(), (), (), ()]
    place = st.lists(st.integers(0, 5), min_size=n_nodes, max_size=n_nodes)
    return Town(
        n_nodes, *map(list, columns), draw(place), draw(place), draw(points(n_nodes)), draw(points(n_nodes))
    )


@st.composite
def points(draw, n_nodes: int) -> Seeds:
    """Points attached to two nodes, one or none."""
    node = st.integers(-1, n_nodes - 1)
    offset = st.one_of(st.integers(0, 9), st.just(MAX_TIME_MS))
    rows = draw(st.lists(st.tuples(node, node, offset, offset), max_size=20))
    table = np.array(rows, np.int64).reshape(-1, 4)
    return Seeds(table[:, :2], table[:, 2:])


def least_labels(town: Town, starts: list[tuple[int, tuple[int, int]]]) -> dict[int, tuple[int, int]]:
    """Return the least (time, length) from some starts to each node that they reach."""
    leaving: dict[int, list[tuple[int, int, int]]] = {}
    for tail, head, weight, length in zip(town.tails, town.heads, town.weights, town.lengths, strict=True):
        if weight != UNREACHED:
            leaving.setdefault(tail, []).append((head, weight, length))
    heap = [(label, node) for node, label in starts]
    heapq.heapify(heap)
    done: dict[int, tuple[int, int]] = {}
    while heap:
        label, node = heapq.heappop(heap)
        if node in done:
            continue
        done[node] = label
        for head, weight, length in leaving.get(node, []):
            heapq.heappush(heap, ((label[0] + weight, label[1] + length), head))
    return done


def slow_matrix(town: Town, limit: int = MAX_TIME_MS) -> tuple[np.ndarray, np.ndarray]:
    """Return times and lengths from each source to each target of a town, `UNREACHED` beyond the limit."""
    times = np.full((len(town.sources), len(town.targets)), UNREACHED, np.int64)
    lengths = times.copy()
    for row in range(len(town.sources)):
        starts = [
            (int(node), (int(offset), 0))
            for node, offset in zip(town.sources.nodes[row], town.sources.offsets_ms[row], strict=True)
            if node >= 0
        ]
        reached = least_labels(town, starts)
        for column, side in itertools.product(range(len(town.targets)), range(2)):
            node = int(town.targets.nodes[column, side])
            if node in reached:
                time = reached[node][0] + int(town.targets.offsets_ms[column, side])
                label = (time, reached[node][1])
                if time <= limit and label < (times[row, column], lengths[row, column]):
                    times[row, column], lengths[row, column] = label
    return times, lengths


def grid(width: int, height: int, *, seed: int = 0) -> Town:
    """Return a map of streets at right angles, a tenth of them one-way, with random times."""
    random = np.random.default_rng(seed)
    number = np.arange(width * height).reshape(height, width)
    one = np.concatenate([number[:, :-1].ravel(), number[:-1].ravel()])
    two = np.concatenate([number[:, 1:].ravel(), number[1:].ravel()])
    both = random.random(len(one)) < 0.9
    tails, heads = np.concatenate([one, two[both]]), np.concatenate([two, one[both]])
    mixed = random.permutation(len(tails))
    weights = random.integers(0, 1000, len(tails))
    ends = [Seeds.at_nodes(random.choice(width * height, count, replace=False)) for count in (37, 53)]
    return Town(
        width * height,
        tails[mixed].tolist(),
        heads[mixed].tolist(),
        weights.tolist(),
        random.integers(0, 1000, len(tails)).tolist(),
        (number.ravel() % width).tolist(),
        (number.ravel() // width).tolist(),
        *ends,
    )


def unpack(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the times and the lengths of labels, both `UNREACHED` beyond the longest time."""
    is_far = labels >> 32 > MAX_TIME_MS
    return np.where(is_far, UNREACHED, labels >> 32), np.where(is_far, UNREACHED, labels & 0xFFFFFFFF)
