"""Origins and destinations placed once, and the times between them: whole, by rows, as a matrix, or the nearest."""

import hashlib
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from territory.errors import MissingFileError, NetworkError, ParameterError, Problems
from territory.files.safe_files import arrays_under, read_arrays, read_header, save_arrays
from territory.network.engine.compiling import count_threads
from territory.network.engine.dijkstra import limited_search
from territory.network.engine.graph import MAX_TIME_MS, UNREACHED, Graph, Int8
from territory.network.engine.label_search import shortest_labels
from territory.network.engine.metric import Metric, TileSearch, in_source_order
from territory.network.graph.arrays import BACKWARD, FORWARD, Int32, Ints
from territory.network.points import Endpoints, ms_of_access
from territory.units import METRES_PER_KILOMETRE, MILLISECONDS_PER_MINUTE

FORMAT = "territory-road-search"
# raised whenever a file means something else than before
VERSION = 3
_HEADER = "search.json"
_DECIMETRES_PER_METRE = 10
# tables of so many rows have categorical identifiers
CATEGORICAL_FROM_ROWS = 1_000_000
# from so many origins on, a search from neighbours together says which destinations are worth a sweep
_TILED_FROM = 256
# cells of a dense matrix held at once
_CELLS_AT_ONCE = 1 << 26


class Pairs(NamedTuple):
    """Rows of the origins, rows of the destinations, and a time (ms) or label of each pair."""

    origin: Ints
    destination: Ints
    value: Ints

    def some(self, rows: Any) -> "Pairs":
        """Return the pairs of some rows (numbers or a mask)."""
        return Pairs(*(column[rows] for column in self))


def direct_pairs(open_directions: Int8, origins: Endpoints, destinations: Endpoints) -> tuple[Pairs, Ints]:
    """Return the times between points of one access road that do not leave it, and their lengths (dm)."""
    first, second = np.flatnonzero(origins.spot >= 0), np.flatnonzero(destinations.spot >= 0)
    second = second[np.argsort(destinations.spot[second], kind="stable")]
    sorted_spot = destinations.spot[second]
    low = np.searchsorted(sorted_spot, origins.spot[first], side="left")
    counts = np.searchsorted(sorted_spot, origins.spot[first], side="right") - low
    one = np.repeat(first, counts)
    two = second[np.arange(one.size) + np.repeat(low - np.cumsum(counts) + counts, counts)]
    # nobody goes to the road and back to somebody nearer than that
    metres = np.hypot(origins.x[one] - destinations.x[two], origins.y[one] - destinations.y[two])
    straight = ms_of_access(metres, origins.access_kmh[one])
    near = straight <= origins.access_ms[one] + destinations.access_ms[two]
    straight_dm = np.rint(_DECIMETRES_PER_METRE * metres[near]).astype(np.int64)
    parts = [(one[near], two[near], straight[near], straight_dm)]
    along = (origins.chain[one] >= 0) & (destinations.chain[two] >= 0)
    one, two = one[along], two[along]
    hops = destinations.hop[two] - origins.hop[one]
    ahead = np.where(hops == 0, destinations.share[two] - origins.share[one], hops)
    bits = open_directions[origins.chain[one]]
    ways = ((ahead >= 0) & ((bits & FORWARD) > 0), (ahead <= 0) & ((bits & BACKWARD) > 0))
    for direction, allowed in enumerate(ways):
        a, b = one[allowed], two[allowed]
        time = destinations.done_ms[direction, b] - origins.done_ms[direction, a]
        length = destinations.done_dm[direction, b] - origins.done_dm[direction, a]
        time += origins.access_ms[a] + destinations.access_ms[b]
        length += origins.access_dm[a] + destinations.access_dm[b]
        is_open = time <= MAX_TIME_MS
        parts.append((a[is_open], b[is_open], time[is_open], length[is_open]))
    origin, destination, times, lengths = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Pairs(origin, destination, times), lengths


def least_of_both(pairs: Pairs, few: Pairs) -> Pairs:
    """Return the least value of each pair of two lists: many pairs, sorted, each once, and a few more."""
    if few.origin.size == 0:
        return pairs
    width = 1 + max(int(column.max(initial=0)) for column in (pairs.destination, few.destination))
    keys, new = (one.origin.astype(np.int64) * width + one.destination for one in (pairs, few))
    order = np.lexsort([few.value, new])
    order = order[np.append(True, np.diff(new[order]) > 0)]
    new, least = new[order], few.value[order]
    place = np.searchsorted(keys, new)
    known = np.zeros(new.size, dtype=bool)
    inside = place < keys.size
    known[inside] = keys[place[inside]] == new[inside]
    values = pairs.value.copy()
    values[place[known]] = np.minimum(values[place[known]], least[known])
    added = Pairs(few.origin[order], few.destination[order], least).some(~known)
    old = Pairs(pairs.origin, pairs.destination, values)
    return Pairs(*(np.insert(one, place[~known], other) for one, other in zip(old, added, strict=True)))


@dataclass(frozen=True, eq=False)
class RoadSearch:
    """Origins and destinations placed on the roads, ready to be searched within a limit of time.

    Made by `search_roads` or `load_search`. It holds all that its answers depend on, and nothing else of the map.
    `from_ids` and `to_ids` identify them; `max_time_min` is NaN where every pair that a road joins is kept.
    """

    from_ids: pd.Index
    to_ids: pd.Index
    max_time_min: float
    limit_ms: int
    with_distance: bool
    graph: Graph
    metric: Metric | None
    lengths_dm: Int32
    origins: Endpoints
    destinations: Endpoints
    open_directions: Int8

    def __len__(self) -> int:
        return len(self.from_ids)

    def __repr__(self) -> str:
        engine = "hierarchy" if self.metric is not None else "dijkstra"
        limit = "no limit" if math.isnan(self.max_time_min) else f"{self.max_time_min:g} min"
        return f"RoadSearch({len(self.from_ids)} origins, {len(self.to_ids)} destinations, {limit}, {engine})"

    def travel_times(
        self, rows: slice | Ints = slice(None), *, threads: int | None = None, as_text: bool | None = False
    ) -> pd.DataFrame:
        """Return the times of some origins (a slice, or their places), as `RoadNetwork.travel_times`.

        `as_text` gives identifiers as text and not as categories; None: unless there are a million rows or more.
        """
        here = np.arange(len(self))[rows]
        pairs, length_dm = self.pairs(self.origins[here], threads=threads)
        from_ids, to_ids, to_codes = self.from_ids[here], self.to_ids, pairs.destination
        columns: dict[str, Any]
        if as_text or (as_text is None and pairs.origin.size < CATEGORICAL_FROM_ROWS):
            names = from_ids.astype(str).to_numpy(), to_ids.astype(str).to_numpy()
            columns = {"from_id": names[0][pairs.origin], "to_id": names[1][to_codes]}
        else:
            is_used = np.zeros(len(to_ids), bool)
            is_used[to_codes] = True
            to_codes = (np.cumsum(is_used, dtype=np.int32) - np.int32(1))[to_codes]
            coded = {"from_id": (pairs.origin, from_ids), "to_id": (to_codes, to_ids[is_used])}
            columns = {
                name: pd.Categorical.from_codes(codes.astype(np.int32), categories=ids.astype("str"))
                for name, (codes, ids) in coded.items()
            }
        columns["travel_time_min"] = pairs.value / MILLISECONDS_PER_MINUTE
        if length_dm is not None:
            columns["distance_km"] = length_dm / (_DECIMETRES_PER_METRE * METRES_PER_KILOMETRE)
        table = pd.DataFrame(columns)
        table.attrs["cutoff_min"] = self.max_time_min
        return table

    def matrix(self, *, threads: int | None = None) -> NDArray[np.float32]:
        """Return the full matrix of times [origins, destinations] in minutes, inf beyond the limit."""
        if self.metric is None or self.with_distance:
            pairs, _ = self.pairs(self.origins, threads=threads)
            minutes = np.full((len(self), len(self.to_ids)), np.inf, dtype=np.float32)
            minutes[pairs.origin, pairs.destination] = pairs.value / MILLISECONDS_PER_MINUTE
            return minutes
        times = self.metric.matrix(self.origins.leaving, self.destinations.arriving, threads=threads)
        direct, _ = direct_pairs(self.open_directions, self.origins, self.destinations)
        np.minimum.at(times, (direct.origin, direct.destination), direct.value.astype(np.int32))
        minutes = (times / MILLISECONDS_PER_MINUTE).astype(np.float32)
        minutes[(times == UNREACHED) | (times > self.limit_ms)] = np.inf
        return minutes

    def pairs(self, origins: Endpoints, *, threads: int | None) -> tuple[Pairs, Ints | None]:
        """Return the times within the limit from some origins, and the lengths (dm) if they were asked for."""
        n_threads = count_threads(threads)
        # neighbouring origins are searched together: many, within a limit, over a hierarchy
        if self.metric is not None and self.limit_ms < MAX_TIME_MS and len(self) >= _TILED_FROM:
            starts = self.metric.labels_of(origins.leaving, origins.leaving_dm)
            tiles = self._tiles.tiles(origins.leaving, starts, n_threads)
            reached = Pairs(*in_source_order(tiles, len(origins), np.int64))
        elif self.metric is None and not self.with_distance:
            ends = origins.leaving, self.destinations.arriving
            found = limited_search(self.graph, *ends, self.limit_ms, threads=n_threads)
            reached = Pairs(*(column.astype(np.int64) for column in found))
        else:
            reached = self._by_blocks(origins, n_threads)
        direct, direct_dm = direct_pairs(self.open_directions, origins, self.destinations)
        near = direct.value <= self.limit_ms
        if not self.with_distance:
            return least_of_both(reached, direct.some(near)), None
        labels = Pairs(direct.origin, direct.destination, (direct.value << 32) | direct_dm)
        origin, destination, label = least_of_both(reached, labels.some(near))
        return Pairs(origin, destination, label >> 32), label & 0xFFFFFFFF

    def _by_blocks(self, origins: Endpoints, threads: int) -> Pairs:
        """Return the pairs found in dense rows, some origins at a time: labels are times, or times and lengths."""
        at_once = max(1, _CELLS_AT_ONCE // max(1, len(self.to_ids)))
        last = self.limit_ms << 32 | 0xFFFFFFFF if self.with_distance else self.limit_ms
        parts = []
        for begin in range(0, len(origins), at_once):
            labels = self._dense(origins[begin : begin + at_once], threads)
            row, column = np.nonzero(labels <= last)
            parts.append((row + begin, column, labels[row, column].astype(np.int64)))
        return Pairs(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def _dense(self, origins: Endpoints, threads: int) -> NDArray[Any]:
        """Return the labels from some origins to all destinations, over the hierarchy or with lengths."""
        ends = origins.leaving, self.destinations.arriving
        options: dict[str, Any] = {
            "source_lengths_dm": origins.leaving_dm,
            "target_lengths_dm": self.destinations.arriving_dm,
            "threads": threads,
        }
        if self.metric is not None:
            return self.metric.matrix(*ends, **options)
        return shortest_labels(self.graph, *ends, self.lengths_dm, limit_ms=self.limit_ms, **options)

    @cached_property
    def _tiles(self) -> TileSearch:
        """The destinations made ready for the hierarchy."""
        assert self.metric is not None
        ends, limit_ms = self.destinations, self.limit_ms
        return self.metric.tile_search(
            self.graph, ends.arriving, limit_ms, target_lengths_dm=ends.arriving_dm
        )

    def digest(self) -> str:
        """Return a digest of all that the times depend on; the hierarchy, which changes none, is not in it."""
        content = hashlib.sha256(repr((VERSION, self.limit_ms, self.with_distance)).encode())
        for name, array in self._arrays().items():
            if not name.startswith("metric_"):
                content.update(f"{name} {array.dtype.str} {array.shape}".encode())
                content.update(np.ascontiguousarray(array).tobytes())
        return content.hexdigest()

    def save(self, folder: str | Path) -> Path:
        """Save the search in a folder that `load_search` maps into memory: a cluster is sent a path, not a map."""
        limit_min = None if math.isnan(self.max_time_min) else self.max_time_min
        header = {"format": FORMAT, "version": VERSION, "max_time_min": limit_min}
        header |= {"limit_ms": self.limit_ms, "with_distance": self.with_distance}
        what = "une recherche de temps enregistrée"
        return save_arrays(Path(folder), self._arrays(), header, header_name=_HEADER, what=what)

    def _arrays(self) -> dict[str, NDArray[Any]]:
        ids = {"from_ids": self.from_ids, "to_ids": self.to_ids}
        arrays: dict[str, NDArray[Any]] = {name: one.to_numpy(dtype=np.str_) for name, one in ids.items()}
        arrays |= {"lengths_dm": self.lengths_dm, "open_directions": self.open_directions}
        arrays |= {f"graph_{name}": getattr(self.graph, name) for name in _GRAPH}
        for side, ends in (("origins", self.origins), ("destinations", self.destinations)):
            arrays |= {f"{side}_{name}": array for name, array in ends.to_arrays().items()}
        if self.metric is not None:
            arrays |= {f"metric_{name}": array for name, array in self.metric.to_arrays().items()}
        return arrays


_GRAPH = ("indptr", "heads", "weights_ms", "edge_ids")


def load_search(folder: str | Path, *, verify: bool = True) -> RoadSearch:
    """Load a search that `RoadSearch.save` wrote; `verify=False` only for what you saved yourself (no digests)."""
    folder = Path(folder)
    if not folder.is_dir():
        raise MissingFileError(f"Recherche de temps introuvable : « {folder} » (vérifiez le chemin).")
    refusal = (
        f"« {folder} » n'est pas une recherche de temps enregistrée par cette version, ou est abîmée : supprimez ce"
        " dossier et relancez le calcul"
    )
    try:
        header = read_header(folder, header_name=_HEADER, form=FORMAT, version=VERSION)
        arrays = read_arrays(folder, header, problems=Problems(refusal, NetworkError), verify=verify)
        metric, limit_min = arrays_under("metric_", arrays), header["max_time_min"]
        return RoadSearch(
            from_ids=pd.Index(arrays["from_ids"], dtype="str"),
            to_ids=pd.Index(arrays["to_ids"], dtype="str"),
            max_time_min=math.nan if limit_min is None else float(limit_min),
            limit_ms=int(header["limit_ms"]),
            with_distance=bool(header["with_distance"]),
            graph=Graph(len(arrays["graph_indptr"]) - 1, *(arrays[f"graph_{name}"] for name in _GRAPH)),
            metric=Metric.from_arrays(metric) if metric else None,
            lengths_dm=arrays["lengths_dm"],
            origins=Endpoints.from_arrays(arrays_under("origins_", arrays)),
            destinations=Endpoints.from_arrays(arrays_under("destinations_", arrays)),
            open_directions=arrays["open_directions"],
        )
    except NetworkError:
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NetworkError(f"{refusal} ({error}).") from error


def limit_ms_of(max_time_min: float | None) -> int:
    """Return a cutoff in milliseconds, the longest time of the engines when there is none."""
    if max_time_min is None:
        return MAX_TIME_MS
    if not 0 <= max_time_min < np.inf:
        raise ParameterError(f"max_time_min={max_time_min} : indiquez un nombre de minutes positif ou nul.")
    return min(MAX_TIME_MS, round(max_time_min * MILLISECONDS_PER_MINUTE))
