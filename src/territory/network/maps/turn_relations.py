"""Turn restrictions of OpenStreetMap (Relation:restriction), from the text of their relations."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import numpy as np

from territory.network.graph.arrays import Int32, Ints, Restriction, WayTable
from territory.network.maps.conditions import conditional, holds
from territory.network.maps.opl import decode_tags
from territory.network.maps.profiles import Profile

# of a turn restriction: whether it is mandatory, and the side on which the branch meant lies
_TURNS = {
    "left_turn": "left", "right_turn": "right", "straight_on": "straight", "u_turn": "back", "entry": "", "exit": "",
}  # fmt: skip
RESTRICTED = {"car": ("motorcar", "motor_vehicle"), "bicycle": ("bicycle",), "foot": ("foot",)}
# a restriction speaks of vehicles: those on foot are bound by what names them alone
_UNBOUND = "foot"
# type, number and role
_MEMBER = re.compile(r"([a-z])(-?\d+)@([^,]*)")
_ASIDES = {
    "incomplete": "interdictions de tourner incomplètes, sans effet",
    "closed": "interdictions de tourner qui désignent une voie absente de la carte ou fermée",
    "apart": "interdictions de tourner dont les voies ne se touchent pas",
    "unknown": "interdictions de tourner d'une sorte inconnue",
}


def number_of(line: str) -> int:
    """Return the identifier of the object of an OPL line."""
    return int(line[1:].split(" ", 1)[0])


def field_of(line: str, letter: str) -> str:
    """Return a field of an OPL line, empty if it is absent."""
    return next((part[1:] for part in line.split(" ")[1:] if part.startswith(letter)), "")


class TurnRelations:
    """Reads turn restrictions, and counts those that say nothing that can be followed."""

    def __init__(
        self,
        ways: WayTable,
        steps: tuple[Ints, Int32],
        row_of_node: Callable[[Sequence[int]], Int32],
        profile: Profile,
        asides: Counter[str],
    ) -> None:
        self._way_id, self._row_of = ways.way_id, dict[int, int]()
        self._start, self._node = steps
        self._row_of_node, self._profile, self._asides = row_of_node, profile, asides

    def read(self, lines: list[str]) -> tuple[Restriction, ...]:
        """Return the restrictions of some relations."""
        found: list[Restriction] = []
        every = [_MEMBER.findall(field_of(line, "M")) for line in lines]
        named = [[(one, int(ref), role) for one, ref, role in members] for members in every]
        # of the ways of a map, few are named by a restriction
        rows = np.flatnonzero(np.isin(self._way_id, [ref for members in named for _, ref, _ in members]))
        self._row_of = dict(zip(self._way_id[rows].tolist(), rows.tolist(), strict=True))
        for line, members in zip(lines, named, strict=True):
            kind = self._kind(decode_tags(field_of(line, "T")))
            if kind is not None:
                found += self._of_relation(members, kind)
        return tuple(dict.fromkeys(found))

    def _kind(self, tags: Mapping[str, str]) -> tuple[bool, str] | None:
        """Return whether a restriction is mandatory and on which side it is; None: not for this profile or time."""
        own = RESTRICTED[self._profile.name]
        exempt = {value.strip() for value in re.split("[;,]", tags.get("except", ""))}
        typed = tags["type"].partition(":")[2]
        if exempt & set(self._profile.keys) or (typed and typed not in own):
            return None
        value = next((tags[f"restriction:{key}"] for key in own if f"restriction:{key}" in tags), "")
        value = value or ("" if self._profile.name == _UNBOUND else tags.get("restriction", ""))
        for key in (*(f"restriction:{key}:conditional" for key in own), "restriction:conditional"):
            if key in tags and self._profile.name != _UNBOUND:
                asides: list[str] = []
                value = conditional(tags[key], asides)[0] or value
                self._asides.update(asides)
        if not _is_now(tags) or value.strip().lower() in ("", "none", "no"):
            return None
        for one in value.lower().split(";"):
            prefix, _, turn = one.strip().partition("_")
            if prefix in ("no", "only") and turn in _TURNS:
                return prefix == "only", _TURNS[turn]
        self._asides[_ASIDES["unknown"]] += 1
        return None

    def _of_relation(self, members: list[tuple[str, int, str]], kind: tuple[bool, str]) -> list[Restriction]:
        roles: dict[str, list[int]] = {"from": [], "via": [], "to": []}
        for kind_of, ref, role in members:
            if kind_of == "w" and role in roles:
                roles[role].append(ref)
        nodes = [ref for one, ref, role in members if (one, role) == ("n", "via")]
        if not (roles["from"] and roles["to"]) or (len(nodes) != 1) == (not roles["via"]):
            self._asides[_ASIDES["incomplete"]] += 1
            return []
        left, via, entered = ([self._row_of.get(ref, -1) for ref in refs] for refs in roles.values())
        ends = [(one, two) for one in left for two in entered if min(one, two, *via) >= 0]
        at = self._row_of_node(nodes).tolist()
        found = []
        for one, two in ends:
            ways = (one, *via, two)
            between = tuple(at) if nodes else self._between(ways) or self._between((one, *via[::-1], two))
            if between and min(between) >= 0:
                found.append(Restriction(ways, between, *kind))
        if not found:
            self._asides[_ASIDES["apart" if ends and not nodes else "closed"]] += 1
        return found

    def _between(self, ways: tuple[int, ...]) -> tuple[int, ...]:
        """Return the node at which each way meets the next, an end of one of them; nothing if some do not meet."""
        met = []
        for one, two in pairwise(ways):
            both = (slice(self._start[way], self._start[way + 1]) for way in (one, two))
            first, second = (self._node[steps].tolist() for steps in both)
            ends = {first[0], first[-1]} | {second[0], second[-1]}
            common = [node for node in first if node in second]
            common = [node for node in common if node in ends] or common
            # a way that is left where it was entered would be no way through
            common = [node for node in common if node not in met] or common
            if not common:
                return ()
            met.append(common[0])
        return tuple(met)


def _is_now(tags: Mapping[str, str]) -> bool:
    """Tell whether the hours and days that old restrictions have tags for are those of the trip."""
    days, hours = (tuple(tags.get(f"{unit}_{end}", "") for end in ("on", "off")) for unit in ("day", "hour"))
    text = " ".join("-".join(pair) for pair in (days, hours) if all(pair))
    return not text or holds(text) is not False
