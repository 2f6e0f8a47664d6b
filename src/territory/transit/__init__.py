"""Timetables of public transport (GTFS), and the times without a car that they give, door to door."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submod_attrs={"gtfs": ["read_gtfs"], "timetable": ["Timetable"]}
)
