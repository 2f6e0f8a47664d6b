"""Reading a study file that may be wrong: what checks share."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from territory.errors import examples

Location = tuple[str | int, ...]
Finding = tuple[Location, str]
_FEMININE = ("autorisation", "question d'implantation")


def items(raw: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """Return the tables of an array of tables, an empty one for what is not a table."""
    value = raw.get(key, [])
    return (
        [item if isinstance(item, dict) else {} for item in value] if isinstance(value, list | tuple) else []
    )


def texts(value: Any) -> list[str]:
    """Return the texts of a list, none for what is not a list."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list | tuple) else []


def unknown(what: str, value: object, known: Iterable[Any]) -> str:
    """Return « site inconnu », with the names that look like it.

    Examples
    --------
    >>> unknown("site", "ime-salerne", {"ime-salernes", "cmp-trans"})
    'site inconnu « ime-salerne » ; vouliez-vous dire ime-salernes ?'
    """
    names = sorted(str(k) for k in known if k is not None)
    close = difflib.get_close_matches(str(value), names, n=3)
    hint = (
        f"vouliez-vous dire {examples(close)} ?"
        if close
        else f"connus : {examples(names, most=8) or 'aucun'}"
    )
    return f"{what} {'inconnue' if what in _FEMININE else 'inconnu'} « {value} » ; {hint}"
