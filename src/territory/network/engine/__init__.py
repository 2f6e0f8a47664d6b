"""Routing on plain arrays: nodes numbered from 0, times in whole ms (int32), `UNREACHED` where no path leads."""

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
