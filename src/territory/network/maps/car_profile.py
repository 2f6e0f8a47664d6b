"""Which ways of OpenStreetMap a car may drive on, in which direction, and what stops it at a node.

Tags are read as the OpenStreetMap wiki defines them (pages Key:access, Key:oneway, Key:barrier, Tag:route=ferry).
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from territory.errors import ParameterError, TerritoryWarning
from territory.network.graph.arrays import BACKWARD, FORWARD, PLAIN, SIGNAL, STOP, Ints, WayTable
from territory.network.graph.speeds import read_maxspeed

DRIVABLE = (
    "motorway", "trunk", "primary", "secondary", "tertiary", "unclassified", "residential", "living_street",
    "service", "road", "track", "motorway_link", "trunk_link", "primary_link", "secondary_link", "tertiary_link",
)  # fmt: skip

# from the most specific to the least
_ACCESS_KEYS = ("motorcar", "motor_vehicle", "vehicle", "access")
_ONEWAY_KEYS = ("oneway:motorcar", "oneway:motor_vehicle", "oneway:vehicle", "oneway")
_OPEN = frozenset({"yes", "designated", "permissive", "public", "official"})
# one may drive in to a place on the road, not through
_DESTINATION = frozenset({"destination", "customers", "delivery", "residents", "discouraged"})
_CLOSED = frozenset({
    "no", "private", "agricultural", "forestry", "agricultural;forestry", "military", "emergency", "permit", "bus",
    "psv", "use_sidepath", "employees", "staff", "restricted",
})  # fmt: skip
_ONEWAY = {
    "yes": FORWARD, "true": FORWARD, "1": FORWARD, "-1": BACKWARD, "reverse": BACKWARD,
    "no": FORWARD | BACKWARD, "false": FORWARD | BACKWARD, "0": FORWARD | BACKWARD,
    "alternating": FORWARD | BACKWARD,
    # open in one direction at some hours, in the other at others: no time of day here, so neither
    "reversible": 0,
}  # fmt: skip
_BLOCKING = frozenset({
    "bollard", "block", "jersey_barrier", "log", "debris", "chain", "cycle_barrier", "motorcycle_barrier", "planter",
    "kissing_gate", "stile", "turnstile", "full-height_turnstile", "horse_stile", "hampshire_gate", "bus_trap",
    "sump_buster", "wall", "fence", "ditch", "rope", "barrier_board", "wedge", "spikes",
})  # fmt: skip

WAY_KEYS = frozenset({
    "highway", "route", "junction", "area", "service", "tracktype", "impassable", "4wd_only", "duration", "foot",
    "bicycle", "maxspeed", "maxspeed:forward", "maxspeed:backward", "maxspeed:type", "source:maxspeed",
    "zone:maxspeed", *_ACCESS_KEYS, *_ONEWAY_KEYS,
    *(f"{key}:{side}" for key in _ACCESS_KEYS for side in ("forward", "backward")),
})  # fmt: skip
# gates and the like are read too: they stop cars when their own tags say so
NODE_TAGS = (
    ("highway", "traffic_signals"), ("highway", "stop"), ("highway", "give_way"),
    *(("barrier", value) for value in sorted(_BLOCKING)),
    *(("barrier", value) for value in ("gate", "lift_gate", "swing_gate", "sliding_gate", "sally_port", "yes")),
)  # fmt: skip


def check_profile(profile: str) -> None:
    """Refuse any profile but the only one."""
    if profile != "car":
        raise ParameterError(f"Profil « {profile} » inconnu : le seul profil est « car ».")


@dataclass(frozen=True)
class Drivable:
    """A way that cars use: class, direction (1, 2 or 3), limits (km/h) and duration (s), NaN = unknown."""

    road_class: str
    direction: int
    maxspeed_forward_kmh: float
    maxspeed_backward_kmh: float
    duration_s: float
    # a limit was given and could not be read
    is_limit_unreadable: bool


def drive(tags: Mapping[str, str]) -> Drivable | None:
    """Read the tags of a way for a car."""
    road_class = "ferry" if tags.get("route") == "ferry" else tags.get("highway", "")
    access = _first(tags, _ACCESS_KEYS)
    if not _may_enter(road_class, access, tags):
        return None
    direction = _direction(road_class, tags)
    for bit, side in ((FORWARD, "forward"), (BACKWARD, "backward")):
        if _first(tags, tuple(f"{key}:{side}" for key in _ACCESS_KEYS)) in _CLOSED:
            direction &= ~bit
    if direction == 0:
        return None
    limits, unreadable = _limits(tags)
    return Drivable(
        "destination" if access in _DESTINATION and road_class != "ferry" else road_class,
        direction,
        limits[0],
        limits[1],
        read_duration_s(tags.get("duration", "")),
        unreadable,
    )


def _first(tags: Mapping[str, str], keys: tuple[str, ...]) -> str:
    """Return the value of the first key that is there."""
    return next((tags[key] for key in keys if key in tags), "")


def _may_enter(road_class: str, access: str, tags: Mapping[str, str]) -> bool:
    if access in _CLOSED or tags.get("area") == "yes" or tags.get("impassable") == "yes":
        return False
    if road_class == "ferry":
        return access != "" or not (tags.get("foot") or tags.get("bicycle"))
    if road_class == "track":
        is_solid = tags.get("tracktype") == "grade1" and tags.get("4wd_only") != "yes"
        return access in _OPEN or access in _DESTINATION or is_solid
    if road_class == "service" and tags.get("service") == "emergency_access":
        return False
    return road_class in DRIVABLE


def _direction(road_class: str, tags: Mapping[str, str]) -> int:
    stated = _ONEWAY.get(_first(tags, _ONEWAY_KEYS))
    if stated is not None:
        return stated
    implied = road_class == "motorway" or tags.get("junction") in ("roundabout", "circular")
    return FORWARD if implied else FORWARD | BACKWARD


def _limits(tags: Mapping[str, str]) -> tuple[tuple[float, float], bool]:
    """Return the limits forward and backward (km/h), and whether a limit could not be read."""
    both, is_both_read = read_maxspeed(tags.get("maxspeed", ""))
    for key in ("maxspeed:type", "source:maxspeed", "zone:maxspeed"):
        both = read_maxspeed(tags.get(key, ""))[0] if math.isnan(both) else both
    sides, unreadable = [], not is_both_read and math.isnan(both)
    for side in ("maxspeed:forward", "maxspeed:backward"):
        limit, is_read = read_maxspeed(tags.get(side, ""))
        unreadable = unreadable or not is_read
        sides.append(both if math.isnan(limit) else limit)
    return (sides[0], sides[1]), unreadable


def read_duration_s(text: str) -> float:
    """Read a duration as OpenStreetMap writes it: HH:MM, HH:MM:SS, minutes, or ISO 8601 (PT1H30M)."""
    text = text.strip()
    found = re.fullmatch(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?", text) or re.fullmatch(
        r"(\d+):([0-5]?\d)(?::([0-5]?\d))?", text
    )
    if found:
        hours, minutes, seconds = (float(part or 0) for part in found.groups())
        total = 3600 * hours + 60 * minutes + seconds
    else:
        total = 60 * float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else math.nan
    return total if total > 0 else math.nan


def blocks_cars(tags: Mapping[str, str]) -> bool:
    """Tell whether a node with these tags stops cars."""
    barrier = tags.get("barrier", "")
    if not barrier:
        return False
    access = _first(tags, _ACCESS_KEYS)
    if access in _CLOSED:
        return True
    if access in _OPEN or access in _DESTINATION:
        return False
    return barrier in _BLOCKING or tags.get("locked") == "yes"


def node_kind(tags: Mapping[str, str]) -> int:
    """Return what a node makes a driver do: SIGNAL, STOP or PLAIN."""
    return {"traffic_signals": SIGNAL, "stop": STOP, "give_way": STOP}.get(tags.get("highway", ""), PLAIN)


def node_effects(tagged: Iterable[tuple[Any, Mapping[str, str]]]) -> tuple[dict[Any, int], list[Any]]:
    """Return what nodes with a signal or a stop have, and the nodes that stop cars, from the tags of nodes."""
    kinds, barriers = {}, []
    for node, tags in tagged:
        kind = node_kind(tags)
        if kind != PLAIN:
            kinds[node] = kind
        if blocks_cars(tags):
            barriers.append(node)
    return kinds, barriers


def way_table(way_id: Ints, driven: Sequence[Drivable | None], group: Ints) -> WayTable:
    """Build the table of ways from what the profile says of each group of ways."""
    shut = Drivable("", 0, math.nan, math.nan, math.nan, False)
    known = [one or shut for one in driven]
    class_names = tuple(sorted({one.road_class for one in driven if one is not None}))
    place = {name: row for row, name in enumerate(class_names)}

    def column(name: str, kind: str) -> Any:
        return np.array([getattr(one, name) for one in known], dtype=kind)[group]

    unreadable = int(column("is_limit_unreadable", "?").sum())
    if unreadable:
        warnings.warn(
            f"{unreadable} routes ont une limite de vitesse illisible : la vitesse par défaut de leur classe est"
            " utilisée.",
            TerritoryWarning,
            stacklevel=4,
        )
    return WayTable(
        way_id,
        class_names,
        np.array([place.get(one.road_class, -1) for one in known], dtype=np.int16)[group],
        column("direction", "i1"),
        column("maxspeed_forward_kmh", "f4"),
        column("maxspeed_backward_kmh", "f4"),
        column("duration_s", "f4"),
        np.zeros(group.size, dtype=np.int8),
    )
