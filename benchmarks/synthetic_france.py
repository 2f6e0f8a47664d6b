"""A country to measure on: roads of any size, communes with their inhabitants, sites with their places.

Roads come from `synthetic_roads`. Communes stand on crossings taken at random, the most populated ones where crossings
are densest; their populations are the real ones, in number, when the folder named by TERRITORY_SHARED_DATA has the
census (INSEE, RP 2021), and drawn from a law of the same shape otherwise. Sites stand on crossings, which gather in
towns as people do. Départements are runs of neighbouring communes along a Hilbert curve.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from synthetic_roads import cached_roads

from territory.network.engine import Graph, Hierarchy, Seeds, order_nodes
from territory.network.od_search import RoadSearch
from territory.network.points import Endpoints

N_DEPARTEMENTS = 96
CENSUS = "population/donnees_communes_rp2021.csv"


@dataclass(frozen=True)
class France:
    """Roads, and where people and sites are on them."""

    roads: dict
    commune_nodes: np.ndarray
    site_nodes: np.ndarray
    population: pd.Series
    departement: pd.Series
    places: pd.Series
    has_real_population: bool


def make_france(n_nodes, n_communes, n_sites, cache):
    """Return a country of about `n_nodes` crossings."""
    roads = dict(np.load(cached_roads(n_nodes, cache)))
    random = np.random.default_rng(42)
    count = len(roads["x"])
    # crossings are numbered along a Hilbert curve: so are the communes
    nodes = np.sort(random.choice(count, n_communes, replace=False))
    ids = pd.Index([f"{number:05}" for number in range(n_communes)])
    people, is_real = _populations(n_communes, random)
    population = np.empty(n_communes)
    population[np.argsort(-_crowding(roads, nodes))] = people
    shared_out = np.arange(n_communes) * N_DEPARTEMENTS // n_communes
    sites = pd.Index([f"S{number:06}" for number in range(n_sites)])
    return France(
        roads=roads,
        commune_nodes=nodes,
        site_nodes=random.choice(count, n_sites, replace=n_sites > count),
        population=pd.Series(population, index=ids),
        departement=pd.Series([f"{one:02}" for one in shared_out], index=ids, name="departement_code"),
        places=pd.Series(random.integers(5, 90, n_sites).astype(float), index=sites),
        has_real_population=is_real,
    )


def _populations(n_communes, random):
    """Return populations, the largest first, and whether they are real."""
    path = Path(os.environ.get("TERRITORY_SHARED_DATA", "")) / CENSUS
    if os.environ.get("TERRITORY_SHARED_DATA") and path.is_file():
        real = pd.read_csv(path, sep=";", dtype={"COM": "str"})["PMUN"].to_numpy(float)
        return -np.sort(-random.choice(real, n_communes, replace=n_communes > len(real))), True
    # median and spread of the communes of France
    return -np.sort(-np.round(np.exp(random.normal(np.log(470), 1.4, n_communes)))), False


def _crowding(roads, nodes):
    """Return how many crossings there are around each commune: those of its square kilometre."""
    cell = (roads["x"] // 1000).astype(np.int64) * 100_000 + (roads["y"] // 1000).astype(np.int64)
    _, place, counts = np.unique(cell, return_inverse=True, return_counts=True)
    return counts[place[nodes]] + np.linspace(0, 0.5, len(nodes))


def prepare(france, cache, *, threads, stopwatch, record):
    """Return the graph and the metric, and keep the order of the crossings, which is found once per map."""
    roads = france.roads
    tails, heads, weights, x, y = (roads[name] for name in ("tails", "heads", "weights_ms", "x", "y"))
    graph = Graph.from_edges(len(x), tails, heads, weights)
    path = Path(cache) / f"order-{len(x)}.npy"
    if path.exists():
        rank = np.load(path)
        record["order_s"] = None
    else:
        with stopwatch(record, "order_s"):
            rank = order_nodes(len(x), tails, heads, x, y, threads=threads)
        partial = path.with_suffix(".partial.npy")
        np.save(partial, rank)
        partial.replace(path)
    with stopwatch(record, "contract_s"):
        hierarchy = Hierarchy.build(graph, rank)
    with stopwatch(record, "customize_s"):
        return graph, hierarchy.customize(weights)


def search_of(france, graph, metric, max_time_min):
    """Return the search from communes to sites, both standing on crossings."""

    def standing(nodes):
        seeds, zeros = Seeds.at_nodes(nodes), np.zeros(len(nodes), np.int64)
        pairs = np.zeros((len(nodes), 2), np.int64)
        nowhere = np.full(len(nodes), -1, np.int64)
        across = np.zeros((2, len(nodes)), np.int64)
        place = np.zeros(len(nodes))
        ends = (seeds.nodes, seeds.offsets_ms) * 2
        along = pairs, pairs, nowhere, zeros, place, across, across, zeros, zeros, nowhere
        return Endpoints(*ends, *along, place, place, np.full(len(nodes), 20.0))

    return RoadSearch(
        from_ids=france.population.index,
        to_ids=france.places.index,
        max_time_min=float(max_time_min),
        limit_ms=round(max_time_min * 60_000),
        with_distance=False,
        graph=graph,
        metric=metric,
        lengths_dm=np.empty(0, np.int32),
        origins=standing(france.commune_nodes),
        destinations=standing(france.site_nodes),
        open_directions=np.zeros(0, np.int8),
    )
