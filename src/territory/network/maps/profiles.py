"""Which ways of OpenStreetMap one may use by car, by bicycle or on foot, in which direction, and what stops at a node.

Tags are read as its wiki defines them (Key:access, Conditional restrictions, Key:oneway, Key:barrier,
Tag:route=ferry); ``rules.csv`` holds what is decided value by value, and why.
"""

import csv
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any

import numpy as np

from territory.errors import ParameterError
from territory.network.graph.arrays import BACKWARD, FORWARD, PLAIN, SIGNAL, STOP, Int32, Ints, WayTable
from territory.network.graph.speeds import read_maxspeed
from territory.network.maps.conditions import conditional

DRIVABLE = (
    "motorway", "trunk", "primary", "secondary", "tertiary", "unclassified", "residential", "living_street",
    "service", "road", "track", "motorway_link", "trunk_link", "primary_link", "secondary_link", "tertiary_link",
)  # fmt: skip
# not made for cars: open to them where a tag of motor vehicles says so, and driven as the class beside
_BY_EXCEPTION = {"pedestrian": "living_street", **dict.fromkeys(("cycleway", "footway", "path"), "service")}
_WALKED = ("pedestrian", "footway", "path", "steps", "bridleway", "corridor", "platform")
CROSSINGS = ("ferry", "shuttle_train")
_SIDES = ((FORWARD, "forward"), (BACKWARD, "backward"))


@cache
def _rules(topic: str) -> dict[str, str]:
    """Return the effect of each value of a topic of ``rules.csv``."""
    text = resources.files("territory.network.maps").joinpath("rules.csv").read_text("utf-8")
    rows = [row for row in csv.DictReader(text.splitlines()) if row["topic"] == topic]
    return {value: row["effect"] for row in rows for value in row["value"].split()}


@dataclass(frozen=True)
class Profile:
    """A way of travelling: the keys that speak of it, from the most specific, and what it uses by default."""

    name: str
    keys: tuple[str, ...]
    own_keys: tuple[str, ...]
    classes: frozenset[str]
    by_exception: Mapping[str, str]
    # barriers stop it unless a tag opens them
    is_stopped: bool = True

    @property
    def ways(self) -> tuple[str, ...]:
        """Classes of highway to look at."""
        return (*DRIVABLE, *(c for c in (*self.classes, *self.by_exception) if c not in DRIVABLE))


_NOT_WALKED = ("motorway", "motorway_link", "trunk", "trunk_link")
PROFILES = {
    "car": Profile("car", ("motorcar", "motor_vehicle", "vehicle", "access"), ("motorcar", "motor_vehicle"),
                   frozenset(DRIVABLE), _BY_EXCEPTION),
    "bicycle": Profile("bicycle", ("bicycle", "vehicle", "access"), ("bicycle",),
                       frozenset({*DRIVABLE, "cycleway", "path", "pedestrian"} - {"motorway", "motorway_link"}),
                       {"footway": "pedestrian", "bridleway": "path"}, False),
    "foot": Profile("foot", ("foot", "access"), ("foot",),
                    frozenset({*DRIVABLE, *_WALKED} - {*_NOT_WALKED, "bridleway"}),
                    dict.fromkeys((*_NOT_WALKED, "bridleway", "cycleway"), "path"), False),
}  # fmt: skip

_PLAIN_KEYS = frozenset({
    "highway", "route", "junction", "area", "service", "tracktype", "impassable", "4wd_only", "duration", "smoothness",
    "construction", "disused", "abandoned", "barrier", "maxwidth", "maxheight", "maxweight", "locked", "sidewalk",
    "maxspeed", "maxspeed:forward", "maxspeed:backward", "maxspeed:type", "source:maxspeed", "zone:maxspeed",
    "motorroad", "cycleway", "cycleway:left", "cycleway:right", "cycleway:both",
})  # fmt: skip
_EVERY_KEY = ("motorcar", "motor_vehicle", "vehicle", "access", "bicycle", "foot")
_DIRECTED = (*_EVERY_KEY, "oneway", "maxspeed")
WAY_KEYS = _PLAIN_KEYS | {
    *_EVERY_KEY,
    *(f"{key}:{side}" for key in _EVERY_KEY for _, side in _SIDES),
    *("oneway", *(f"oneway:{key}" for key in _EVERY_KEY)),
    *(f"{key}:conditional" for key in _DIRECTED),
}
NODE_TAGS = (
    ("highway", "traffic_signals"), ("highway", "stop"), ("highway", "give_way"),
    *(("barrier", value) for value in _rules("obstacle")),
)  # fmt: skip


def profile_of(name: str) -> Profile:
    """Return a profile, or refuse a name that is none."""
    if name not in PROFILES:
        raise ParameterError(f"Profil « {name} » inconnu : choisissez {', '.join(PROFILES)}.")
    return PROFILES[name]


@dataclass(frozen=True)
class Drivable:
    """A way that one uses: class, direction (1, 2 or 3), limits (km/h) and duration (s), NaN = unknown."""

    road_class: str
    direction: int
    maxspeed_forward_kmh: float = math.nan
    maxspeed_backward_kmh: float = math.nan
    duration_s: float = math.nan
    # one may go to a place on the road, not through
    is_destination: bool = False
    # bits of the months in which the road is closed, January first
    closed_months: int = 0
    # what was left aside, in French, for the account of the map
    asides: tuple[str, ...] = ()


CLOSED = Drivable("", 0)


def drive(tags: Mapping[str, str], profile: str = "car") -> Drivable | None:
    """Read the tags of a way; None where one may not pass."""
    one = judge(tags, PROFILES[profile])
    return one if one.direction else None


def judge(tags: Mapping[str, str], profile: Profile) -> Drivable:
    """Read the tags of a way; direction 0 where one may not pass."""
    asides: list[str] = []
    tags, closed_months = _at_the_time(tags, profile, asides)
    road_class = tags["route"] if tags.get("route") in CROSSINGS else tags.get("highway", "")
    used = _class_used(road_class, tags, profile)
    if not used or _cannot_pass(tags, profile):
        return replace(CLOSED, asides=tuple(asides))
    direction, is_destination = 0, False
    stated = _direction(road_class, tags, profile, asides)
    for bit, side in _SIDES:
        keys = (name for key in profile.keys for name in (f"{key}:{side}", key))
        access = access_of(_first(tags, keys), asides)
        if access == "" and road_class == "track" and profile.name == "car":
            access = "ouvert" if tags.get("tracktype") == "grade1" else "fermé"
        if access != "fermé" and stated & bit:
            direction |= bit
            is_destination |= access == "desserte"
    if profile.name != "car":
        is_driven = used in CROSSINGS
        duration_s = read_duration_s(tags.get("duration", "")) if is_driven else math.nan
        return Drivable(used if is_driven else _own_class(used, tags, profile), direction, duration_s=duration_s,
                        closed_months=closed_months, asides=tuple(asides))  # fmt: skip
    limits = _limits(tags, used, asides)
    duration_s = math.nan
    if used in CROSSINGS:
        duration_s, is_destination = read_duration_s(tags.get("duration", "")), False
        if "duration" in tags and math.isnan(duration_s):
            asides.append("durées de traversée illisibles")
    return Drivable(used, direction, *limits, duration_s, is_destination, closed_months, tuple(asides))


def _first(tags: Mapping[str, str], keys: Iterable[str]) -> str:
    """Return the value of the first key that is there."""
    return next((tags[key] for key in keys if key in tags), "")


def access_of(text: str, asides: list[str] | None = None) -> str:
    """Return what a value or a list of values says: closed unless one opens, desserte if one is."""
    rules = _rules("accès")
    values = [value.strip().lower() for value in re.split(r"[;|]", text) if value.strip()]
    effects = {rules.get(value, "inconnu") for value in values} - {"rien"}
    if "inconnu" in effects and asides is not None:
        asides.append("valeurs d'accès inconnues, tenues pour fermées")
    if not effects:
        return ""
    return next((effect for effect in ("desserte", "ouvert") if effect in effects), "fermé")


def _class_used(road_class: str, tags: Mapping[str, str], profile: Profile) -> str:
    """Return the class under which a way is used, empty if it is not."""
    own = access_of(_first(tags, profile.own_keys))
    if road_class in CROSSINGS:
        # a ferry that names only others takes only these
        named = any(access_of(tags.get(key, "")) == "ouvert" for key in ("foot", "bicycle"))
        return "" if profile.name == "car" and named and not _first(tags, profile.keys) else road_class
    if tags.get("area") == "yes" and profile.name != "foot":
        return ""
    if road_class == "service" and tags.get("service") == "emergency_access" and profile.name == "car":
        return ""
    if road_class in profile.classes:
        return road_class
    open_by_sidewalk = profile.name == "foot" and tags.get("sidewalk", "no") not in ("no", "none", "separate")
    is_open = own in ("ouvert", "desserte") or open_by_sidewalk
    return profile.by_exception.get(road_class, "") if is_open else ""


# the smallest car that families drive, mirrors folded (m, m, t)
_CAR = {"maxwidth": 1.8, "maxheight": 1.5, "maxweight": 1.0}
_PER_UNIT = {"": 1.0, "m": 1.0, "t": 1.0, "kg": 0.001, "cm": 0.01, "ft": 0.3048, "lbs": 0.000453592}


def _cannot_pass(tags: Mapping[str, str], profile: Profile) -> bool:
    """Tell whether the way itself stops one, whatever the law."""
    if any(tags.get(key) == "yes" for key in ("impassable", "construction", "disused", "abandoned")):
        return True
    if profile.name != "car":
        return tags.get("motorroad") == "yes"
    rough = _rules("physique")
    if tags.get("smoothness", "") in rough or tags.get("4wd_only", "no") in ("yes", "recommended"):
        return True
    return is_too_small(tags) or stops(tags, profile)


def is_too_small(tags: Mapping[str, str]) -> bool:
    """Tell whether a physical limit is below any car."""
    for key in _CAR.keys() & tags.keys():
        found = re.fullmatch(r"(\d+(?:[.,]\d+)?)\s*(m|t|kg|cm|ft|lbs)?", tags[key].strip())
        if found and float(found[1].replace(",", ".")) * _PER_UNIT[found[2] or ""] < _CAR[key]:
            return True
    return False


def _direction(road_class: str, tags: Mapping[str, str], profile: Profile, asides: list[str]) -> int:
    senses = {"direct": FORWARD, "inverse": BACKWARD, "double": FORWARD | BACKWARD, "aucun": 0}
    keys = (*(f"oneway:{key}" for key in profile.keys), "oneway")
    if profile.name == "foot":
        keys = ("oneway:foot",)
    if profile.name == "bicycle" and "oneway:bicycle" not in tags:
        beside = ("motorroad", "cycleway", "cycleway:left", "cycleway:right", "cycleway:both")
        if any(tags.get(key, "").startswith("opposite") for key in beside):
            return FORWARD | BACKWARD
    effect = _rules("sens").get(_first(tags, keys).strip().lower())
    if effect == "aucun":
        asides.append("voies dont le sens change selon l'heure, laissées de côté")
    if effect is not None:
        return senses[effect]
    implied = road_class == "motorway" or tags.get("junction") in ("roundabout", "circular")
    return FORWARD if implied and profile.name != "foot" else FORWARD | BACKWARD


def _own_class(used: str, tags: Mapping[str, str], profile: Profile) -> str:
    """Return the class of speed of a walker or a cyclist."""
    if profile.name == "foot":
        return "foot_steps" if used == "steps" else "foot"
    if tags.get("bicycle") == "dismount" or (used == "pedestrian" and "bicycle" not in tags):
        return "bicycle_pushed"
    return "bicycle_track" if used in ("track", "path") else "bicycle"


def _limits(tags: Mapping[str, str], road_class: str, asides: list[str]) -> tuple[float, float]:
    """Return the limits forward and backward (km/h)."""
    both, fault = read_maxspeed(tags.get("maxspeed", ""), road_class)
    faults = [fault]
    for key in ("maxspeed:type", "source:maxspeed", "zone:maxspeed"):
        if math.isnan(both):
            # a source names where the limit was seen as often as what it is
            both = read_maxspeed(tags.get(key, ""), road_class)[0]
            faults = [] if not math.isnan(both) else faults
    sides = []
    for side in ("maxspeed:forward", "maxspeed:backward"):
        limit, fault = read_maxspeed(tags.get(side, ""), road_class)
        faults.append(fault)
        sides.append(both if math.isnan(limit) else limit)
    asides += sorted({fault for fault in faults if fault})
    return sides[0], sides[1]


def read_duration_s(text: str) -> float:
    """Read a duration as OpenStreetMap writes it: HH:MM, HH:MM:SS, minutes, or ISO 8601; of a list, the longest."""
    known = [_one_duration_s(part.strip().lower()) for part in re.split(r";|(?<=\d)-(?=\d)", text)]
    return max((one for one in known if one > 0), default=math.nan)


_DURATIONS = (
    r"(?:pt)?(?:(\d+)\s*h(?:ours?)?)?\s*(?:(\d+)\s*(?:m|min|minutes?))?\s*(?:(\d+)\s*s)?",
    r"(\d+)\s*h\s*([0-5]\d)()",
    r"(\d+):([0-5]?\d)(?::([0-5]?\d))?",
    r"()(\d+(?:\.\d+)?)()",
)


def _one_duration_s(text: str) -> float:
    for form in _DURATIONS:
        if found := re.fullmatch(form, text):
            hours, minutes, seconds = (float(part or 0) for part in found.groups())
            return 3600 * hours + 60 * minutes + seconds
    return math.nan


def _at_the_time(
    tags: Mapping[str, str], profile: Profile, asides: list[str]
) -> tuple[Mapping[str, str], int]:
    """Return the tags that hold at the time of the trip, and the months in which the way is closed."""
    mine = [key for key in (*profile.keys, "oneway", "maxspeed") if f"{key}:conditional" in tags]
    if not mine:
        return tags, 0
    tags, closed_months = dict(tags), 0
    for key in mine:
        value, seasons = conditional(tags[f"{key}:conditional"], asides)
        if value:
            tags[key] = value
        for one, months in seasons.items():
            if key in profile.keys and access_of(one) == "fermé":
                closed_months |= months
            elif key not in profile.keys:
                asides.append("vitesses et sens d'une saison, ignorés")
    return tags, closed_months


def stops(tags: Mapping[str, str], profile: Profile) -> bool:
    """Tell whether what has these tags stops one."""
    if not tags.get("barrier"):
        return False
    barriers = [value.strip() for value in tags["barrier"].split(";")]
    access = access_of(_first(tags, profile.keys))
    if access == "fermé" or (profile.name == "car" and is_too_small(tags)):
        return True
    if access:
        return False
    rules = _rules("obstacle")
    barred = any(rules.get(one) == "coupe" for one in barriers) if profile.is_stopped else False
    return barred or any(one in ("wall", "fence") for one in barriers) or tags.get("locked") == "yes"


def node_kind(tags: Mapping[str, str]) -> int:
    """Return what a node makes a driver do: SIGNAL, STOP or PLAIN."""
    return {"traffic_signals": SIGNAL, "stop": STOP, "give_way": STOP}.get(tags.get("highway", ""), PLAIN)


def node_effects(
    tagged: Iterable[tuple[Any, Mapping[str, str]]], profile: Profile
) -> tuple[dict[Any, int], list[Any]]:
    """Return what nodes with a signal or a stop have, and the nodes that stop one, from the tags of nodes."""
    kinds, barriers = {}, []
    for node, tags in tagged:
        if (kind := node_kind(tags)) != PLAIN:
            kinds[node] = kind
        if stops(tags, profile):
            barriers.append(node)
    return kinds, barriers


def way_table(
    way_id: Ints, driven: Sequence[Drivable | None], group: Ints | Int32, *, name: Int32 | None = None
) -> WayTable:
    """Build the table of ways from what the profile says of each group of ways, and the row of their names."""
    known = [one or CLOSED for one in driven]
    class_names = tuple(sorted({one.road_class for one in known if one.direction}))
    place = {name: row for row, name in enumerate(class_names)}

    def column(name: str, kind: str) -> Any:
        return np.array([getattr(one, name) for one in known], dtype=kind)[group]

    return WayTable(
        way_id,
        class_names,
        np.array([place.get(one.road_class, -1) for one in known], dtype=np.int16)[group],
        column("direction", "i1"),
        column("maxspeed_forward_kmh", "f4"),
        column("maxspeed_backward_kmh", "f4"),
        column("duration_s", "f4"),
        np.zeros(group.size, dtype=np.int8),
        column("is_destination", "?"),
        column("closed_months", "i2"),
        np.zeros(group.size, dtype=np.int32) if name is None else name,
    )


def count_asides(driven: Sequence[Drivable | None], group: Int32) -> Counter[str]:
    """Count the ways of which something was left aside, by kind."""
    ways = np.bincount(group, minlength=len(driven)).tolist()
    counts: Counter[str] = Counter()
    for one, count in zip(driven, ways, strict=True):
        for aside in set(one.asides if one else ()):
            counts[aside] += count
    return counts
