"""Changes of one scenario that cannot both be made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

# what each act does to an authorisation; two of a pair cannot both be said of one authorisation
_EXCLUSIVE = {
    frozenset({"moved", "closed"}): "déplacée et fermée",
    frozenset({"resized", "closed"}): "fermée, et sa capacité changée",
    frozenset({"transferred", "closed"}): "transférée et fermée",
    frozenset({"branched", "closed"}): "fermée, et dotée d'une antenne",
    frozenset({"absorbed", "closed"}): "fusionnée et fermée",
    frozenset({"absorbing", "closed"}): "fermée, et chargée d'en absorber d'autres",
    frozenset({"opened", "closed"}): "ouverte et fermée",
    frozenset(
        {"absorbed", "moved"}
    ): "fusionnée et déplacée à part : le lieu est celui de la fusion (to_site_id)",
    frozenset({"absorbed", "transferred"}): "fusionnée et transférée à part : transférez celle qui absorbe",
    frozenset({"absorbed", "resized"}): "fusionnée, et sa capacité changée",
    frozenset({"absorbed", "branched"}): "fusionnée, et dotée d'une antenne à part",
    frozenset({"absorbed", "absorbing"}): "absorbée par une autre, et chargée d'en absorber",
    frozenset(
        {"absorbing", "resized"}
    ): "chargée d'en absorber d'autres, et sa capacité changée : les places "
    "d'une fusion sont la somme de celles réunies",
    frozenset(
        {"branched", "resized"}
    ): "dotée d'une antenne, et sa capacité changée : dites d'abord la capacité "
    "dans un [[service]] du fichier d'étude",
}
# said twice of one authorisation with two values, these contradict themselves
_TWICE = {
    "moved": "déplacée vers deux sites",
    "resized": "dotée de deux capacités",
    "transferred": "transférée deux fois",
    "operated": "confiée à deux exploitants",
    "absorbed": "absorbée par deux autres",
    "opened": "ouverte deux fois",
}

Change = Mapping[str, Any]


def contradictions(
    changes: Sequence[Change], held_at: Mapping[str, Sequence[str]]
) -> Iterator[tuple[int, str]]:
    """Yield each contradiction between changes of one scenario, with the number of the later change.

    Examples
    --------
    >>> moving = {"type": "move_site", "authorisation_ids": ["ime-x"], "to_site_id": "ici"}
    >>> closing = {"type": "close_site", "authorisation_id": "ime-x"}
    >>> list(contradictions([moving, closing], {}))
    [(1, '« ime-x » est déplacée et fermée')]
    """
    acts: dict[str, list[tuple[int, str, Any]]] = defaultdict(list)
    for number, change in enumerate(changes):
        for authorisation, act, value in _acts(change, held_at):
            for earlier, other, other_value in acts[authorisation]:
                said = _clash(act, value, other, other_value)
                if said and earlier != number:
                    yield number, f"« {authorisation} » est {said}"
                    break
            acts[authorisation].append((number, act, value))
    yield from _closed_sites(changes)
    yield from _worlds(changes)


def _clash(act: str, value: Any, other: str, other_value: Any) -> str:
    """Say why two acts on one authorisation contradict each other; empty when they do not."""
    if act == other:
        differs = value != other_value or act == "opened"
        return _TWICE.get(act, "") if differs else ""
    if {act, other} == {"moved", "absorbing"} and None not in (value, other_value):
        return "déplacée vers un site, et fusionnée sur un autre" if value != other_value else ""
    return _EXCLUSIVE.get(frozenset({act, other}), "")


def _acts(change: Change, held_at: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str, Any]]:
    """Yield (authorisation, act, value) of one change."""
    one, kind = change.get("authorisation_id"), change.get("type")
    several = _texts(change.get("authorisation_ids"))
    if kind == "move_site":
        origin = change.get("from_site_id")
        moved = several or (held_at.get(origin, ()) if isinstance(origin, str) else ())
        yield from ((name, "moved", change.get("to_site_id")) for name in moved)
    elif kind == "pool_sites" and change.get("moves_services"):
        yield from ((name, "moved", change.get("site_id")) for name in _texts(change.get("member_ids")))
    elif kind == "transfer_authorisation":
        act = "operated" if change.get("act") == "operation" else "transferred"
        yield from ((name, act, change.get("to")) for name in several)
    elif kind == "merge_establishments":
        into = change.get("into_authorisation_id")
        yield from ((name, "absorbed", into) for name in _texts(change.get("absorbed_ids")))
        if isinstance(into, str):
            yield into, "absorbing", change.get("to_site_id")
    elif isinstance(one, str):
        named = {"close_site": "closed", "change_capacity": "resized", "open_branch": "branched"}
        named["open_site"] = "opened"
        if kind in named:
            yield one, named[str(kind)], change.get("capacity")


def _closed_sites(changes: Sequence[Change]) -> Iterator[tuple[int, str]]:
    """Yield services that come to a site that the same scenario closes."""
    closed = {
        change.get("site_id")
        for change in changes
        if change.get("type") == "close_site" and not change.get("authorisation_id")
    }
    for number, change in enumerate(changes):
        if change.get("type") == "close_site":
            continue
        for key in ("to_site_id", "site_id"):
            site = change.get(key)
            if isinstance(site, str) and site in closed:
                yield number, f"le site « {site} » reçoit un service et ferme dans le même scénario"


def _worlds(changes: Sequence[Change]) -> Iterator[tuple[int, str]]:
    """Yield changes of speeds, or of population, that would overwrite each other."""
    kept: dict[str, list[Change]] = defaultdict(list)
    for number, change in enumerate(changes):
        what, said = _overwrites(change)
        if not what:
            continue
        if any(what != "population" or not _are_apart(change, earlier) for earlier in kept[what]):
            yield number, said
        kept[what].append(change)


def _overwrites(change: Change) -> tuple[str, str]:
    """Return what a change of the world replaces whole, and what is wrong when another does as well."""
    kind = change.get("type")
    if kind == "change_speeds" and (change.get("period") or change.get("speeds_file")):
        return "roads", "deux tables de vitesses pour une même carte"
    if kind == "change_speeds" and change.get("times_file"):
        return "times", "deux fichiers de temps"
    if kind == "change_population" and not change.get("persons"):
        return (
            "population",
            "deux évolutions de la population se recouvrent : réunissez-les dans une seule table",
        )
    return "", ""


def _are_apart(change: Change, other: Change) -> bool:
    """Tell whether two growths are about different communes."""
    mine, theirs = set(_texts(change.get("communes"))), set(_texts(other.get("communes")))
    return bool(mine and theirs) and not mine & theirs


def _texts(value: Any) -> list[str]:
    """Return the texts of a list, none for what is not a list."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list | tuple) else []
