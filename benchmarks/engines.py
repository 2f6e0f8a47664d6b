"""One engine, one process: prepare a road map, compute a matrix of travel times, print what it took as JSON.

Run by `travel_times.py` as `python engines.py NAME ROADS.npz JOB.json TIMES.npy`; the job says which origins
and destinations, how many threads, and the time limit if there is one. The interpreter may be another one than
the library's, so that peers live in an environment of their own.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np

UNREACHED = 2**31 - 1


@contextmanager
def stopwatch(record, name):
    """Keep in a record how many seconds something took, and how many seconds of processor."""
    began, began_cpu = time.perf_counter(), time.process_time()
    yield
    record[name] = time.perf_counter() - began
    record[name.removesuffix("_s") + "_cpu_s"] = time.process_time() - began_cpu


def territory(roads, job, record):
    """Order, contract, customize, and sweep."""
    from territory.network.engine import Graph, Hierarchy, Seeds, order_nodes

    def prepare(tails, heads, weights, x, y):
        with stopwatch(record, "order_s"):
            rank = order_nodes(len(x), tails, heads, x, y, threads=job["threads"])
        with stopwatch(record, "contract_s"):
            hierarchy = Hierarchy.build(Graph.from_edges(len(x), tails, heads, weights), rank)
        with stopwatch(record, "customize_s"):
            return hierarchy.customize(weights, threads=job["threads"])

    tiny = np.arange(99)
    with stopwatch(record, "warm_s"):
        metric = prepare(tiny, tiny + 1, tiny, np.arange(100.0), np.arange(100.0))
        metric.matrix(Seeds.at_nodes([0]), Seeds.at_nodes([99]), threads=1)
    with stopwatch(record, "prepare_s"):
        metric = prepare(*(roads[name] for name in ("tails", "heads", "weights_ms", "x", "y")))
    sources, targets = Seeds.at_nodes(job["origins"]), Seeds.at_nodes(job["destinations"])
    with stopwatch(record, "matrix_s"):
        return metric.matrix(sources, targets, threads=job["threads"])


def territory_limited(roads, job, record):
    """Search without preparation, within the limit."""
    from territory.network.engine import Graph, Seeds, limited_search

    with stopwatch(record, "warm_s"):
        limited_search(Graph.from_edges(2, [0], [1], [5]), Seeds.at_nodes([0]), Seeds.at_nodes([1]), 9)
    with stopwatch(record, "prepare_s"):
        columns = (roads[name] for name in ("tails", "heads", "weights_ms"))
        graph = Graph.from_edges(len(roads["x"]), *columns)
    sources, targets = Seeds.at_nodes(job["origins"]), Seeds.at_nodes(job["destinations"])
    with stopwatch(record, "matrix_s"):
        rows, columns, times = limited_search(
            graph, sources, targets, job["limit_ms"], threads=job["threads"]
        )
    matrix = np.full((len(sources), len(targets)), UNREACHED, np.int32)
    matrix[rows, columns] = times
    return matrix


def scipy(roads, job, record):
    """Dijkstra's algorithm from each origin, within the limit if there is one."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import dijkstra

    with stopwatch(record, "prepare_s"):
        ends = roads["tails"], roads["heads"]
        table = csr_array((roads["weights_ms"].astype(float), ends), shape=(len(roads["x"]),) * 2)
    limit = job["limit_ms"] if job["limit_ms"] is not None else np.inf
    parts = []
    with stopwatch(record, "matrix_s"):
        for first in range(0, len(job["origins"]), 32):
            some = job["origins"][first : first + 32]
            parts.append(dijkstra(table, indices=some, limit=limit)[:, job["destinations"]])
    return np.concatenate(parts)


def igraph(roads, job, record):
    """Dijkstra's algorithm from each origin."""
    import igraph as library

    with stopwatch(record, "prepare_s"):
        edges = np.column_stack([roads["tails"], roads["heads"]])
        graph = library.Graph(n=len(roads["x"]), edges=edges, directed=True)
        graph.es["time"] = roads["weights_ms"].astype(float)
    with stopwatch(record, "matrix_s"):
        times = graph.distances(
            source=job["origins"], target=job["destinations"], weights="time", algorithm="dijkstra"
        )
    return np.array(times)


def networkx(roads, job, record):
    """Dijkstra's algorithm from each origin, in Python."""
    import networkx as nx

    with stopwatch(record, "prepare_s"):
        graph = nx.DiGraph()
        columns = (roads[name].tolist() for name in ("tails", "heads", "weights_ms"))
        for tail, head, weight in zip(*columns, strict=True):
            if not graph.has_edge(tail, head) or graph[tail][head]["weight"] > weight:
                graph.add_edge(tail, head, weight=weight)
    with stopwatch(record, "matrix_s"):
        rows = [nx.single_source_dijkstra_path_length(graph, origin) for origin in job["origins"]]
        return np.array([[row.get(node, np.inf) for node in job["destinations"]] for row in rows])


def pandana(roads, job, record):
    """Contraction hierarchies, which pandana queries pair by pair; it rounds times."""
    import pandana as library
    import pandas as pd

    with stopwatch(record, "prepare_s"):
        network = library.Network(
            pd.Series(roads["x"]),
            pd.Series(roads["y"]),
            pd.Series(roads["tails"]),
            pd.Series(roads["heads"]),
            pd.DataFrame({"time_s": roads["weights_ms"] / 1000}),
            twoway=False,
        )
    shape = len(job["origins"]), len(job["destinations"])
    with stopwatch(record, "matrix_s"):
        times = network.shortest_path_lengths(
            np.repeat(job["origins"], shape[1]), np.tile(job["destinations"], shape[0])
        )
    return np.array(times).reshape(shape) * 1000


def routingkit_cch(roads, job, record):
    """Customizable contraction hierarchies, one-to-many with pinned destinations."""
    import routingkit_cch as library

    tails, heads = roads["tails"].tolist(), roads["heads"].tolist()
    across, along = (roads["x"] / 111e3).tolist(), (roads["y"] / 111e3).tolist()
    with stopwatch(record, "prepare_s"):
        with stopwatch(record, "order_s"):
            order = library.compute_order_inertial(len(across), tails, heads, along, across)
        with stopwatch(record, "contract_s"):
            hierarchy = library.CCH(order, tails, heads, True)
        with stopwatch(record, "customize_s"):
            metric = library.CCHMetric(hierarchy, roads["weights_ms"].tolist())
    with stopwatch(record, "matrix_s"):
        query = library.CCHOneToMany(metric, job["destinations"])
        return np.array([query.distances_from(origin) for origin in job["origins"]], dtype=float)


def peak_mb():
    """Return the most memory that this process has held (MB); a child's ru_maxrss would count its parent's."""
    status = Path("/proc/self/status")
    if status.exists():
        held = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(held.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


ENGINES = {
    function.__name__: function
    for function in (territory, territory_limited, scipy, igraph, networkx, pandana, routingkit_cch)
}


def main():
    name, roads_path, job_path, times_path = sys.argv[1:]
    roads = dict(np.load(roads_path))
    job = json.loads(Path(job_path).read_text())
    record = {}
    times = ENGINES[name](roads, job, record)
    record["peak_mb"] = peak_mb()
    np.save(times_path, np.where(np.asarray(times) >= UNREACHED, np.inf, times))
    print(json.dumps(record))


if __name__ == "__main__":
    main()
