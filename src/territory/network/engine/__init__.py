"""Routing on plain arrays: graphs, limited searches, node orders and contraction hierarchies.

This package knows nothing of geography: nodes are numbers from 0, times are whole milliseconds in int32,
and `UNREACHED` stands for a place that no path reaches.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "graph": ["MAX_TIME_MS", "UNREACHED", "Graph", "Seeds"],
        "dijkstra": ["limited_search", "one_to_all"],
        "label_search": ["shortest_labels"],
        "ordering": ["order_nodes"],
        "hierarchy": ["Hierarchy"],
        "metric": ["Metric"],
    },
)
