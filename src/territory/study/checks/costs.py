"""Checks of prices and queues that need more than their own keys: vehicles and authorisations that are declared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from territory.errors import examples

Finding = tuple[tuple[str | int, ...], str]


def check_costs(raw: dict[str, Any]) -> Iterator[Finding]:
    """Yield what the costs of a raw study name and nobody declares; tolerant of keys whose type is wrong.

    Examples
    --------
    >>> trip = {"who": "child", "vehicle": "taxi"}
    >>> [message for _, message in check_costs({"authorisation": [{"id": "ime", "trip": [trip]}]})]
    ['véhicule inconnu « taxi » : déclarez-le dans [[prices.vehicle]] (connus : aucun)']
    """
    prices = raw.get("prices")
    vehicles = _items(prices, "vehicle") if isinstance(prices, dict) else []
    ids = [str(vehicle.get("id")) for vehicle in vehicles]
    for number, count in _repeated(ids):
        yield ("prices", "vehicle", number, "id"), f"le véhicule « {ids[number]} » est déclaré {count} fois"
    known = examples(ids, most=8) or "aucun"
    named = [str(item.get("id")) for item in _items(raw, "authorisation")]
    for number, authorisation in enumerate(_items(raw, "authorisation")):
        for rank, trip in enumerate(_items(authorisation, "trip")):
            if isinstance(trip.get("vehicle"), str) and trip["vehicle"] not in ids:
                yield (
                    ("authorisation", number, "trip", rank, "vehicle"),
                    f"véhicule inconnu « {trip['vehicle']} » : déclarez-le dans [[prices.vehicle]] "
                    f"(connus : {known})",
                )
    waits = [str(item.get("authorisation")) for item in _items(raw, "waiting")]
    for number, count in _repeated(waits):
        yield (
            ("waiting", number, "authorisation"),
            f"l'attente de « {waits[number]} » est donnée {count} fois",
        )
    for number, waited in enumerate(waits):
        if waited not in named:
            yield (
                ("waiting", number, "authorisation"),
                f"autorisation « {waited} » sans section [[authorisation]] "
                f"(connues : {examples(named, most=8) or 'aucune'})",
            )
    known_scenarios = [str(item.get("id")) for item in _items(raw, "scenario")]
    taken: dict[str, int] = {}
    for number, building in enumerate(_items(raw, "building")):
        named_here = building.get("scenarios", [])
        for scenario in named_here if isinstance(named_here, list) and named_here else ["(tous)"]:
            if scenario != "(tous)" and scenario not in known_scenarios:
                yield (
                    ("building", number, "scenarios"),
                    f"scénario inconnu « {scenario} » (connus : {examples(known_scenarios, most=8) or 'aucun'})",
                )
            if taken.setdefault(str(scenario), number) != number:
                yield (
                    ("building", number),
                    f"deux bâtiments pour « {scenario} » : additionnez-les, ou nommez leurs scénarios",
                )


def _repeated(ids: list[str]) -> list[tuple[int, int]]:
    """Return the last place of each id that comes several times, and how many times."""
    counts = Counter(ids)
    return [(len(ids) - 1 - ids[::-1].index(one), count) for one, count in counts.items() if count > 1]


def _items(raw: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """Return the tables of an array of tables, an empty one for what is not a table."""
    value = raw.get(key, [])
    return (
        [item if isinstance(item, dict) else {} for item in value] if isinstance(value, list | tuple) else []
    )
