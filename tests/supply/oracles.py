"""Slow, independent counts of places, line by line and site by site."""

from __future__ import annotations

import math
from typing import Any

Line = dict[str, Any]

CHILDREN = {"182": "sessad", "183": "ime", "186": "itep"}
OTHERS = {"354": "ssiad", "446": "savs", "500": "ehpad"}
FOLLOWED = {"189": "cmpp", "190": "camsp"}


def service_of(line: Line) -> str:
    """Say the service of a line from the words of the rule."""
    category = line["categetab"]
    name = {**CHILDREN, **OTHERS, **FOLLOWED}[category]
    if category in CHILDREN and line["ta"] == "16":
        name = "sessad"
    return name + ("_temporaire" if line["ta"] in ("40", "44", "45") else "")


def places(lines: list[Line]) -> dict[tuple[str, str], float]:
    """Add up the places of each site and service; NaN for file active and for what is unknown."""
    seen: set[tuple[object, ...]] = set()
    found: dict[tuple[str, str], float] = {}
    for line in lines:
        key = (line["nofinesset"], service_of(line))
        held = math.nan if line["categetab"] in FOLLOWED or line["capautot"] is None else line["capautot"]
        same = (*key, line["de"], line["ta"], line["capautot"])
        if same not in seen:
            found[key] = found.get(key, 0.0) + held
        seen.add(same)
    return found


def publics(lines: list[Line]) -> dict[tuple[str, str], str]:
    """List the publics of each site and service."""
    found: dict[tuple[str, str], set[str]] = {}
    for line in lines:
        found.setdefault((line["nofinesset"], service_of(line)), set()).add(line["client"])
    return {key: " ".join(sorted(codes)) for key, codes in found.items()}


def zone_places(rows: list[tuple[str, str, float, str]], zones: dict[str, str], zone: str) -> float:
    """Count the places of a zone; rows are (site, authorisation, capacity, scope), capacity of the whole or site."""
    total = 0.0
    for authorisation in {row[1] for row in rows}:
        held = [row for row in rows if row[1] == authorisation]
        inside = [row for row in held if zones[row[0]] == zone]
        if not inside:
            continue
        if len({row[0] for row in held}) == 1 or all(row[3] == "site" for row in held):
            total += sum(row[2] for row in inside)
        elif len(inside) == len(held) and all(row[3] == "authorisation" for row in held):
            total += inside[0][2]
        else:
            # some of the whole is elsewhere, or nobody said whose places these are
            sites = [row[2] if row[3] == "site" and len(inside) < len(held) else math.nan for row in inside]
            total += sum(sites)
    return total
