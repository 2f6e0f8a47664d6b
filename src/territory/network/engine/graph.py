"""Directed graphs and the points attached to them, as plain arrays."""

from collections.abc import Mapping
from dataclasses import Field, dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from territory.errors import NetworkError, ParameterError, Problems, examples
from territory.network.engine.compiling import kernel

#: Time of what no path reaches; as the time of an edge: closed.
UNREACHED = 2**31 - 1
#: Longest time that is told apart from out of reach: 298 hours, so that two times never overflow an int32.
MAX_TIME_MS = 2**30 - 2

Int8 = NDArray[np.int8]
Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]
Integer = int | np.integer[Any]


class SavedArrays:
    """A dataclass of arrays alone, saved by name."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by name, to be saved."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Return what saved arrays made up; map them with `mode="c"`: kernels are compiled anew if read-only."""
        return cls(*(np.asarray(arrays[name]) for name in cls.__dataclass_fields__))


@dataclass(frozen=True, eq=False)
class Graph:
    """A directed graph in compressed rows, with the times (ms, `UNREACHED` = closed) and numbers of its edges."""

    n_nodes: int
    indptr: Int64
    heads: Int32
    weights_ms: Int32
    edge_ids: Int32

    @classmethod
    def from_edges(cls, n_nodes: int, tails: ArrayLike, heads: ArrayLike, weights_ms: ArrayLike) -> "Graph":
        """Build a graph from a list of edges, whose order those of one node keep; refuse all that is out of range."""
        problems = Problems("Graphe routier", NetworkError)
        if not 0 <= n_nodes < UNREACHED:
            problems.add(f"{n_nodes} nœuds : leur nombre doit être compris entre 0 et 2 147 483 646")
            problems.raise_if_any()
        tail_nodes = _checked(tails, "origine", (0, n_nodes - 1), problems)
        head_nodes = _checked(heads, "arrivée", (0, n_nodes - 1), problems)
        times = checked_times(weights_ms, "durée d'arc", problems)
        if not len(tail_nodes) == len(head_nodes) == len(times) and not problems:
            counts = f"{len(tail_nodes)} origines, {len(head_nodes)} arrivées et {len(times)} durées d'arcs"
            problems.add(f"{counts} : il en faut autant de chaque")
        problems.raise_if_any()
        indptr, places = group_by(n_nodes, tail_nodes)
        return cls(n_nodes, indptr, head_nodes[places], times[places], places)

    @property
    def n_edges(self) -> int:
        """Number of edges."""
        return len(self.heads)

    @cached_property
    def tails(self) -> Int32:
        """Node where the edge at each place starts."""
        return np.repeat(np.arange(self.n_nodes, dtype=np.int32), np.diff(self.indptr))

    @cached_property
    def arcs(self) -> Int32:
        """Heads and times side by side, as the searches read them: one row per place."""
        return np.column_stack([self.heads, self.weights_ms])

    def reversed(self) -> "Graph":
        """Return the graph with every edge turned round; `edge_ids` still numbers the original edges."""
        indptr, places = group_by(self.n_nodes, self.heads)
        return Graph(self.n_nodes, indptr, self.tails[places], self.weights_ms[places], self.edge_ids[places])

    def in_edge_order(self) -> tuple[Int32, Int32, Int32]:
        """Return tails, heads and times (ms) in the order of the edges' numbers."""
        back = np.empty_like(self.edge_ids)
        back[self.edge_ids] = np.arange(self.n_edges, dtype=np.int32)
        return self.tails[back], self.heads[back], self.weights_ms[back]


@dataclass(frozen=True, eq=False)
class Seeds:
    """Points attached to one or two nodes each (-1 = none), reached from or to either after its offset (ms)."""

    nodes: Int32
    offsets_ms: Int32

    def __init__(self, nodes: ArrayLike, offsets_ms: ArrayLike) -> None:
        problems = Problems("Points à relier au graphe", NetworkError)
        pairs, offsets = np.asarray(nodes), np.asarray(offsets_ms)
        if pairs.ndim != 2 or pairs.shape[1] != 2 or offsets.shape != pairs.shape:
            problems.add(f"tableaux de formes {pairs.shape} et {offsets.shape} : deux colonnes à chacun")
            problems.raise_if_any()
        known = _checked(pairs.ravel(), "nœud de rattachement", (-1, UNREACHED - 2), problems)
        times = checked_times(np.where(pairs.ravel() < 0, 0, offsets.ravel()), "durée d'accès", problems)
        problems.raise_if_any()
        object.__setattr__(self, "nodes", known.reshape(pairs.shape))
        object.__setattr__(self, "offsets_ms", times.reshape(pairs.shape))

    @classmethod
    def at_nodes(cls, nodes: ArrayLike) -> "Seeds":
        """Return points that stand on nodes, one each."""
        alone = np.asarray(nodes).ravel()
        pairs = np.column_stack([alone, np.full(len(alone), -1, alone.dtype)])
        return cls(pairs, np.zeros(pairs.shape, np.int32))

    def __len__(self) -> int:
        return len(self.nodes)

    def __getitem__(self, rows: Any) -> "Seeds":
        return Seeds(self.nodes[rows], self.offsets_ms[rows])

    def check(self, n_nodes: int) -> None:
        """Raise `NetworkError` if a point is attached to a node that a graph of `n_nodes` nodes lacks."""
        outside = np.flatnonzero((self.nodes >= n_nodes).any(axis=1))
        if len(outside):
            raise NetworkError(
                f"{len(outside)} points sur {len(self)} sont rattachés à un nœud absent du graphe, qui en a "
                f"{n_nodes} (points {examples(outside)}) : rattachez-les à la carte utilisée pour le calcul."
            )


def checked_times(times: ArrayLike, what: str, problems: Problems) -> Int32:
    """Return times (ms) as int32, or note in `problems` why they cannot be."""
    return _checked(times, what, (0, MAX_TIME_MS), problems, also=UNREACHED)


def _checked(
    given: ArrayLike, what: str, bounds: tuple[int, int], problems: Problems, *, also: int | None = None
) -> Int32:
    """Return whole numbers as int32, or note in `problems` those out of bounds that are not the one `also` allowed."""
    values = np.asarray(given)
    if values.ndim != 1 or (values.dtype.kind not in "iu" and values.size):
        problems.add(f"{what} : il faut une liste de nombres entiers, pas {values.dtype}")
        return np.zeros(0, np.int32)
    wrong = np.flatnonzero((values < bounds[0]) | (values > bounds[1]))
    wrong = wrong[values[wrong] != also]
    if len(wrong):
        said = f"{what} : {len(wrong)} valeurs hors de l'intervalle de {bounds[0]} à {bounds[1]}"
        problems.add(f"{said} (rangs {examples(wrong)} : {examples(values[wrong])})")
        return np.zeros(0, np.int32)
    return np.ascontiguousarray(values, dtype=np.int32)


@kernel
def group_by(n_groups: int, groups: Int32) -> tuple[Int64, Int32]:
    """Return where each group starts, and the rows sorted by group in their order (counting sort)."""
    start = np.zeros(n_groups + 1, dtype=np.int64)
    for group in groups:
        start[group] += 1
    for group in range(n_groups):
        start[group + 1] += start[group]
    rows = np.empty(groups.size, dtype=np.int32)
    # from the last row: where a group ends becomes where it starts
    for row in range(groups.size - 1, -1, -1):
        start[groups[row]] -= 1
        rows[start[groups[row]]] = row
    return start, rows


def is_order(ranks: NDArray[Any], n_nodes: int) -> bool:
    """Tell whether there is each rank from 0 to the number of nodes once."""
    if ranks.shape != (n_nodes,) or (ranks < 0).any() or (ranks >= n_nodes).any():
        return False
    return bool((np.bincount(ranks, minlength=n_nodes) == 1).all())


def checked_limit(limit_ms: int) -> int:
    """Return the limit, or raise if it is out of range."""
    if not 0 <= limit_ms <= MAX_TIME_MS:
        raise ParameterError(f"Durée maximale de {limit_ms} ms : de 0 à {MAX_TIME_MS} ms (298 heures).")
    return int(limit_ms)
