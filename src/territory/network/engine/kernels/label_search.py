"""Searches whose labels are wider than a time: time and length together, or time and the target it leads to.

Both are packed in one int64 with the time above, so that comparing labels compares times first.
"""

from __future__ import annotations

import numpy as np

from territory.network.engine.graph import Int32, Int64, Integer
from territory.network.engine.kernels.compiling import kernel

_FAR = np.int64(2**62)


@kernel
def push_label(labels: Int64, nodes: Int32, size: int, label: Integer, node: Integer) -> int:
    """Add a label to a heap of `size` labels; return its new size."""
    place = size
    while place > 0:
        above = (place - 1) >> 2
        if labels[above] <= label:
            break
        labels[place] = labels[above]
        nodes[place] = nodes[above]
        place = above
    labels[place] = label
    nodes[place] = node
    return size + 1


@kernel
def pop_label(labels: Int64, nodes: Int32, size: int) -> int:
    """Take the least label, which the caller has read at place 0, off the heap; return its new size."""
    size -= 1
    last, last_node = labels[size], nodes[size]
    place = 0
    while True:
        child = 4 * place + 1
        if child >= size:
            break
        least = child
        for other in range(child + 1, min(child + 4, size)):
            if labels[other] < labels[least]:
                least = other
        if labels[least] >= last:
            break
        labels[place] = labels[least]
        nodes[place] = nodes[least]
        place = least
    labels[place] = last
    nodes[place] = last_node
    return size


@kernel
def fastest_labels(
    indptr: Int64,
    heads: Int32,
    weights: Int64,
    nodes: Int32,
    starts: Int64,
    limit: int,
    labels: Int64,
    heap: Int64,
    heap_nodes: Int32,
) -> None:
    """Write the least label of every node from one seed, for labels up to `limit`."""
    labels[:] = _FAR
    size = 0
    for side in range(len(nodes)):
        node = nodes[side]
        if node >= 0 and starts[side] <= limit and starts[side] < labels[node]:
            labels[node] = starts[side]
            size = push_label(heap, heap_nodes, size, starts[side], node)
    while size > 0:
        label, node = heap[0], heap_nodes[0]
        size = pop_label(heap, heap_nodes, size)
        if label > labels[node]:
            continue
        for place in range(indptr[node], indptr[node + 1]):
            reached = label + weights[place]
            if reached <= limit and reached < labels[heads[place]]:
                labels[heads[place]] = reached
                size = push_label(heap, heap_nodes, size, reached, heads[place])


@kernel
def labels_to_targets(
    indptr: Int64,
    heads: Int32,
    weights: Int64,
    nodes: Int32,
    starts: Int64,
    target_nodes: Int32,
    target_labels: Int64,
    limit: int,
    out: Int64,
) -> None:
    """Write the least label from each seed to each target, one row per seed."""
    n_nodes = len(indptr) - 1
    labels = np.empty(n_nodes, np.int64)
    heap = np.empty(len(heads) + 2, np.int64)
    heap_nodes = np.empty(len(heads) + 2, np.int32)
    for seed in range(len(nodes)):
        fastest_labels(indptr, heads, weights, nodes[seed], starts[seed], limit, labels, heap, heap_nodes)
        for target in range(len(target_nodes)):
            best = _FAR
            for side in range(2):
                node = target_nodes[target, side]
                if node >= 0 and labels[node] < _FAR:
                    best = min(best, labels[node] + target_labels[target, side])
            out[seed, target] = best if best <= limit else _FAR


@kernel
def nearest_target(
    indptr: Int64, heads: Int32, weights: Int32, nodes: Int32, offsets: Int32, limit: int, labels: Int64
) -> None:
    """Write, for every node, `time << 32 | target` of the nearest of all targets searched from at once."""
    labels[:] = _FAR
    heap = np.empty(len(heads) + 2 * len(nodes), np.int64)
    heap_nodes = np.empty(len(heap), np.int32)
    size = 0
    for target in range(len(nodes)):
        for side in range(2):
            node = nodes[target, side]
            label = (np.int64(offsets[target, side]) << 32) | np.int64(target)
            if node >= 0 and offsets[target, side] <= limit and label < labels[node]:
                labels[node] = label
                size = push_label(heap, heap_nodes, size, label, node)
    while size > 0:
        label, node = heap[0], heap_nodes[0]
        size = pop_label(heap, heap_nodes, size)
        if label > labels[node]:
            continue
        for place in range(indptr[node], indptr[node + 1]):
            reached = label + (np.int64(weights[place]) << 32)
            if (reached >> 32) <= limit and reached < labels[heads[place]]:
                labels[heads[place]] = reached
                size = push_label(heap, heap_nodes, size, reached, heads[place])


@kernel
def nearest_targets(
    indptr: Int64, heads: Int32, weights: Int32, nodes: Int32, offsets: Int32, limit: int, labels: Int64
) -> None:
    """Write, for every node, the labels of its nearest targets in their order, as many as there are columns.

    A node takes the labels that come to it in increasing order; when it is full, nothing beyond it can need
    a later one, because what filled it goes on from there as well.
    """
    labels[:, :] = _FAR
    n_kept = np.zeros(len(labels), np.int32)
    heap = np.empty(max(len(heads), 1024) + 2 * len(nodes), np.int64)
    heap_nodes = np.empty(len(heap), np.int32)
    size = 0
    for target in range(len(nodes)):
        for side in range(2):
            if nodes[target, side] >= 0 and offsets[target, side] <= limit:
                label = (np.int64(offsets[target, side]) << 32) | np.int64(target)
                size = push_label(heap, heap_nodes, size, label, nodes[target, side])
    while size > 0:
        label, node = heap[0], heap_nodes[0]
        size = pop_label(heap, heap_nodes, size)
        if not _keep(labels[node], n_kept, node, label):
            continue
        if size + indptr[node + 1] - indptr[node] > len(heap):
            heap = np.concatenate((heap, np.empty_like(heap)))
            heap_nodes = np.concatenate((heap_nodes, np.empty_like(heap_nodes)))
        for place in range(indptr[node], indptr[node + 1]):
            reached = label + (np.int64(weights[place]) << 32)
            if (reached >> 32) <= limit and n_kept[heads[place]] < labels.shape[1]:
                size = push_label(heap, heap_nodes, size, reached, heads[place])


@kernel
def _keep(kept: Int64, n_kept: Int32, node: Integer, label: Integer) -> bool:
    """Keep a label at a node unless the node is full or has that target already."""
    count = n_kept[node]
    if count == len(kept):
        return False
    for place in range(count):
        if (kept[place] & 0xFFFFFFFF) == (label & 0xFFFFFFFF):
            return False
    kept[count] = label
    n_kept[node] = count + 1
    return True
