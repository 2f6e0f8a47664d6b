"""Tables of travel times that come part by part: who is in which, and results put back in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from territory.access.pairs import Bools, Ids
from territory.errors import ParameterError, UnknownCodeError, examples

Part: TypeAlias = "pd.DataFrame | Callable[[], pd.DataFrame]"
Places: TypeAlias = NDArray[np.int64]


def read_part(part: Part) -> pd.DataFrame:
    """Return the table of a part."""
    return part if isinstance(part, pd.DataFrame) else part()


def sites_only(parts: Sequence[Part], site_ids: Iterable[str]) -> list[Part]:
    """Return the parts with the pairs to some sites alone, those of one service, read when they are needed.

    Examples
    --------
    >>> times = pd.DataFrame({"from_id": ["A", "A"], "to_id": ["S", "T"], "travel_time_min": [1.0, 2.0]})
    >>> sites_only([times], ["T"])[0]()["to_id"].tolist()
    ['T']
    """
    kept = frozenset(site_ids)
    return [partial(_only, part, kept) for part in parts]


def _only(part: Part, site_ids: frozenset[str]) -> pd.DataFrame:
    """Return the pairs of a part to some sites."""
    table = read_part(part)
    if isinstance(table["to_id"].dtype, pd.CategoricalDtype):
        known = table["to_id"].cat.categories.isin(site_ids)
        kept = table[known[table["to_id"].cat.codes.to_numpy()]]
    else:
        kept = table[table["to_id"].isin(site_ids)]
    kept.attrs = dict(table.attrs)
    return kept


class Seen:
    """The origins that parts have named so far: each in one part."""

    def __init__(self, origins: Ids) -> None:
        self._origins = origins
        self._is_named = np.zeros(len(origins), dtype=np.bool_)

    def add(self, places: Places) -> None:
        """Note the origins of a part; raise if another part has some of them."""
        twice = places[self._is_named[places]]
        if len(twice):
            raise ParameterError(
                f"{len(twice)} origine(s) dans deux parties de la table des temps ({examples(self._origins[twice])}) : "
                "tous les temps d'une origine doivent être dans une même partie."
            )
        self._is_named[places] = True

    def check(self) -> Bools:
        """Return which origins have been named; raise if none was."""
        if len(self._origins) and not self._is_named.any():
            raise UnknownCodeError(
                f"Aucune des {len(self._origins)} origines ({examples(self._origins)}) n'est dans la table des temps : "
                "vérifiez les codes (texte, zéros initiaux, millésime)."
            )
        return self._is_named


def gather(tables: Iterable[pd.DataFrame], origins: Ids) -> tuple[pd.DataFrame, Bools]:
    """Return the rows that parts gave, in the order of the origins, and which origins have one."""
    seen, kept = Seen(origins), []
    for table in tables:
        seen.add(origins.get_indexer(table.index))
        kept.append(table)
    is_named = seen.check()
    found = pd.concat(kept) if kept else pd.DataFrame()
    return found.reindex(origins), is_named


def column_of(found: pd.DataFrame, name: str) -> pd.Series[Any]:
    """Return a column, all missing where there was no part at all."""
    return found[name] if name in found else pd.Series(np.nan, index=found.index)


def flags_of(found: pd.DataFrame, name: str, is_named: Bools) -> pd.Series[bool]:
    """Return true, false or unknown; false for an origin that no part names, which nothing reaches."""
    flags = column_of(found, name).astype("boolean")
    flags[~is_named] = False
    return flags


def places_of(column: pd.Series[str], ids: Ids) -> Places:
    """Return the places, among ids, of those that a column names, in growing order."""
    is_categorical = isinstance(column.dtype, pd.CategoricalDtype)
    places = ids.get_indexer(column.cat.categories if is_categorical else pd.Index(column.unique()))
    return np.sort(places[places >= 0]).astype(np.int64)


def named_in(table: pd.DataFrame, origins: Ids) -> Ids:
    """Return the origins that a part names, in the order asked for."""
    return origins[places_of(table["from_id"], origins)]
