"""Slow answers to siting problems: every set of sites is tried, with nothing shared with the library."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence

import networkx as nx

Times = Mapping[tuple[str, str], float]


def sets(sites: Sequence[str], fixed: Sequence[str], most: int) -> Iterator[tuple[set[str], set[str]]]:
    """Every set of at most `most` new sites, alone and with the existing ones."""
    new = [site for site in sites if site not in fixed]
    for size in range(min(most, len(new)) + 1):
        for chosen in itertools.combinations(new, size):
            yield set(chosen), set(chosen) | set(fixed)


def closest(times: Times, demand: Mapping[str, float], opened: set[str]) -> dict[str, float]:
    """Time of each origin with persons to its closest open site, infinite without any."""
    return {
        origin: min((times.get((origin, site), math.inf) for site in opened), default=math.inf)
        for origin, persons in demand.items()
        if persons > 0
    }


def mean(times: Times, demand: Mapping[str, float], opened: set[str]) -> float:
    found = closest(times, demand, opened)
    return sum(demand[o] * t for o, t in found.items()) / sum(demand[o] for o in found)


def worst(times: Times, demand: Mapping[str, float], opened: set[str]) -> float:
    return max(closest(times, demand, opened).values())


def covered(times: Times, demand: Mapping[str, float], opened: set[str], limit: float) -> float:
    return sum(demand[o] for o, t in closest(times, demand, opened).items() if t <= limit)


def best(values: Iterator[float]) -> float:
    return min(values, default=math.inf)


def transport(
    times: Times, demand: Mapping[str, float], places: Mapping[str, float], opened: set[str], limit: float
) -> tuple[float, float]:
    """Persons who find a place within a time, and their least total time, for whole numbers of persons.

    A minimum cost flow, which a network solver answers exactly.
    """
    graph = nx.DiGraph()
    for origin, persons in demand.items():
        graph.add_edge("from", origin, capacity=int(persons), weight=0)
    for site in opened:
        graph.add_edge(f"to {site}", "end", capacity=int(places[site]), weight=0)
    for (origin, site), minutes in times.items():
        if site in opened and minutes <= limit and demand[origin] > 0:
            graph.add_edge(origin, f"to {site}", weight=int(minutes))
    graph.add_node("end")
    flow = nx.max_flow_min_cost(graph, "from", "end")
    served = sum(flow["from"].values())
    return float(served), float(nx.cost_of_flow(graph, flow))
