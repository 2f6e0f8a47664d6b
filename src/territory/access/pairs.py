"""Tables of travel times as arrays of positions, shared by `territory.access` and `territory.planning`.

A part is a table with all the pairs of its origins, or a function without argument that gives one (that reads a file,
say): only a few are held at a time.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol, TypeAlias

import numba
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from territory.access.decay import Decay
from territory.errors import ParameterError, Problems, SchemaError, UnknownCodeError, agree, examples, refuse
from territory.errors import warn as warn
from territory.tables.schemas import AS_NUMBERS, NOTHING, number

Ids: TypeAlias = "pd.Index[str]"
Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int32]
Bools: TypeAlias = NDArray[np.bool_]
Places: TypeAlias = NDArray[np.int64]
Part: TypeAlias = "pd.DataFrame | Callable[[], pd.DataFrame]"
Times: TypeAlias = "pd.DataFrame | Sequence[Part]"
# by commune, or in a row where the place of each is enough (see `tables.arguments`)
Values: TypeAlias = "pd.Series[float]"
Labels: TypeAlias = "pd.Series[str]"

CHECK_CODES = "vérifiez les codes (texte, zéros initiaux, millésime)"
PAIR_COLUMNS = ("from_id", "to_id", "travel_time_min")


class Mapper(Protocol):
    """What runs a function over items and gives the results in their order, as `map` does."""

    def __call__(self, function: Callable[[Any], Any], items: Sequence[Any], /) -> Iterable[Any]:
        """Return the results in the order of the items."""


@dataclass(frozen=True)
class Pairs:
    """Pairs of one origin and one site within reach; NaN minutes are unknown times."""

    origins: Ids
    sites: Ids
    origin: Ints
    site: Ints
    minutes: Floats
    cutoff_min: float

    def take(self, rows: NDArray[np.integer[Any]]) -> "Pairs":
        """Return some rows, by position: several times faster than by mask."""
        columns = {name: getattr(self, name).take(rows) for name in ("origin", "site", "minutes")}
        return replace(self, **columns)

    def check_threshold(self, minutes: float, what: str) -> None:
        """Raise if a threshold asks for times that the table does not hold."""
        if minutes > self.cutoff_min:
            asked = f"{minutes:g} min" if math.isfinite(minutes) else "sans limite de temps"
            said = f"{what} ({asked}) dépasse la coupure de la table des temps ({self.cutoff_min:g} min)"
            advice = "ou recalculez les temps sans coupure ou avec une coupure plus longue"
            limit = f"Limitez-le à {self.cutoff_min:g} min"
            raise ParameterError(f"{said} : au-delà, la table ne dit rien. {limit}, {advice}.")

    def weights(self, decay: Decay) -> Floats:
        """Return one weight per pair; raise if the decay reaches beyond the cutoff, or is not a weight."""
        reach = getattr(decay, "reach_min", None)
        if reach is not None:
            self.check_threshold(float(reach), f"La portée de la décroissance {decay!r}")
        weights = np.asarray(decay(self.minutes), dtype=np.float64)
        if weights.shape != self.minutes.shape:
            what = f"La décroissance {decay!r} rend {weights.size} poids pour {self.minutes.size} temps"
            raise ParameterError(f"{what} : elle doit en rendre un par temps.")
        known = weights
        # min is NaN as soon as one weight is, and no comparison with NaN holds
        if known.size and not known.min() >= 0:
            known = weights[~np.isnan(self.minutes)]
        if known.size and not (known.min() >= 0 and known.max() < math.inf):
            said = f"La décroissance {decay!r} rend des poids négatifs, infinis ou inconnus"
            raise ParameterError(f"{said} : un poids va de 0 à 1.")
        return weights


def read_pairs(
    travel_times: pd.DataFrame, *, origins: Iterable[str], sites: Iterable[str] | None, is_part: bool = False
) -> "Pairs":
    """Return the pairs between these origins and sites (None = all); part of a table may hold none of them."""
    check_columns(travel_times, PAIR_COLUMNS, "Table des temps")
    origin_ids = unique_ids(origins, "Origines")
    # no name, no complaint when nothing matches
    names = ("", "") if is_part else ("origines", "sites")
    origin = _positions(travel_times["from_id"], origin_ids, "from_id", names[0])
    if sites is None:
        # sorted, so that row order never matters
        site_ids = _codes_of(travel_times["to_id"])[1].sort_values()
        site = _positions(travel_times["to_id"], site_ids, "to_id", "")
    else:
        site_ids = unique_ids(sites, "Sites")
        site = _positions(travel_times["to_id"], site_ids, "to_id", names[1])
    column = travel_times["travel_time_min"]
    if not pd.api.types.is_numeric_dtype(column.dtype):
        raise SchemaError(f"Table des temps : travel_time_min doit être un nombre, pas « {column.dtype} ».")
    minutes = minutes_of(column)
    if minutes.size and np.fmin.reduce(minutes) < 0:
        raise SchemaError(f"Table des temps : {agree(int((minutes < 0).sum()), 'temps négatif(s)')}.")
    # an infinite time is how a matrix says "out of reach", which a table says with no pair
    keep = (origin >= 0) & (site >= 0) & (minutes != math.inf)
    pairs = Pairs(origin_ids, site_ids, origin, site, minutes, cutoff_of(travel_times))
    if not keep.all():
        pairs = pairs.take(np.flatnonzero(keep))
    row = _first_duplicate(pairs.origin, pairs.site, len(origin_ids), len(site_ids))
    if row >= 0:
        raise SchemaError(
            f"Table des temps : le couple {origin_ids[pairs.origin[row]]} → {site_ids[pairs.site[row]]} y est "
            "plusieurs fois (et peut-être d'autres). Gardez une ligne par couple, par exemple la plus courte : "
            'temps.groupby(["from_id", "to_id"], observed=True)["travel_time_min"].min().'
        )
    return pairs


def minutes_of(column: "pd.Series[float]") -> Floats:
    """Return times; 25.1 kept in half the bytes is 25.10000038, and a threshold holds what equals it."""
    minutes: Floats = np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64)
    is_half = getattr(column.dtype, "numpy_dtype", column.dtype) == np.float32
    return minutes.round(4) if is_half else minutes


def check_columns(table: pd.DataFrame, names: Sequence[str], what: str) -> None:
    """Raise if a table lacks a column."""
    absent = [name for name in names if name not in table.columns]
    if absent:
        raise SchemaError(f"{what} : il manque {', '.join(absent)}. Colonnes attendues : {', '.join(names)}.")


def check_names(what: str, names: Sequence[str], none: str) -> None:
    """Raise if there is no name, or if one comes twice."""
    problems = Problems(what, ParameterError)
    if not names:
        problems.add(none)
    for name in sorted({name for name in names if names.count(name) > 1}):
        problems.add(f"« {name} » y est plusieurs fois")
    problems.raise_if_any()


def cutoff_of(travel_times: pd.DataFrame) -> float:
    """Return the cutoff of a table (min), infinite when it has none."""
    cutoff = travel_times.attrs.get("cutoff_min")
    return math.inf if pd.isna(cutoff) else float(cutoff)


def unique_ids(ids: Iterable[str], what: str) -> Ids:
    """Return ids as an index without duplicates nor blanks, or raise."""
    index = ids if isinstance(ids, pd.Index) else pd.Index(list(ids), dtype=object)
    if isinstance(index, pd.MultiIndex):
        raise ParameterError(
            f"{what} : un seul identifiant par ligne est attendu, pas {index.nlevels} niveaux "
            f"({', '.join(map(str, index.names))}). Choisissez d'abord un public ou un service."
        )
    if index.hasnans:
        raise ParameterError(f"{what} : {agree(int(np.sum(index.isna())), 'identifiant(s) vide(s)')}.")
    refuse(index[index.duplicated()].unique(), "identifiant(s) en double", of=what)
    return index


def read_amounts(amounts: "pd.Series[float]", what: str) -> Floats:
    """Return amounts as floats, NaN where unknown; raise if one is negative or infinite."""
    if not pd.api.types.is_numeric_dtype(amounts.dtype):
        raise ParameterError(f"{what} : des nombres sont attendus, pas « {amounts.dtype} ».")
    values: Floats = np.asarray(amounts.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64)
    bad = (values < 0) | np.isinf(values)
    if bad.any():
        advice = ". Une valeur inconnue se note NaN, pas un nombre."
        refuse(amounts.index[bad], "valeur(s) négative(s) ou infinie(s)", of=what, advice=advice)
    return values


def sum_by(codes: Ints, amounts: Floats, size: int) -> Floats:
    """Return sums by position."""
    return np.bincount(codes, weights=amounts, minlength=size).astype(np.float64, copy=False)


def _codes_of(column: "pd.Series[str]") -> tuple[NDArray[np.integer[Any]], Ids]:
    """Return the ids that a column names and the place of each row's among them, -1 where it has none."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.codes.to_numpy(), pd.Index(column.cat.categories)
    codes, uniques = pd.factorize(column)
    return codes, pd.Index(uniques)


def _positions(column: "pd.Series[str]", ids: Ids, name: str, what: str) -> Ints:
    """Return the position of each id of a column in `ids`, -1 where it is not there."""
    codes, known = _codes_of(column)
    if codes.size and codes.min() < 0:
        raise SchemaError(f"Table des temps : {agree(int((codes < 0).sum()), name + ' vide(s)')}.")
    lookup = ids.get_indexer(known)
    if what and len(ids) and len(known) and lookup.max() < 0:
        is_mixed = (number(ids[0]) is NOTHING) != (number(known[0]) is NOTHING)
        why = f"d'un côté, {AS_NUMBERS}" if is_mixed else f"{CHECK_CODES}."
        said = f"Aucun des {len(ids)} identifiants des {what} ({examples(ids)}) n'est dans la colonne {name}"
        raise UnknownCodeError(f"{said} de la table des temps ({examples(known)}) : {why}")
    if what and (strange := {str(one).lstrip("0") for one in known[lookup < 0]}):
        # a table that names some codes without their zero would count them out of reach
        absent = [one for one in ids.difference(known) if str(one).lstrip("0") in strange]
        advice = f" : la table des temps (colonne {name}) les écrit autrement, avec ou sans zéro initial."
        refuse(absent, f"identifiant(s) des {what}", UnknownCodeError, advice=advice)
    return np.asarray(lookup.astype(np.int32).take(codes), dtype=np.int32)


@numba.njit(cache=True)
def _first_duplicate(origin: NDArray[np.int32], site: NDArray[np.int32], n_origins: int, n_sites: int) -> int:
    """Return the row of a pair that another row already holds, -1 if there is none."""
    # a grid of flags is faster as long as the table fills a good part of it
    if n_origins * n_sites <= 16 * origin.size:
        seen = np.zeros(n_origins * n_sites, dtype=np.bool_)
        for row in range(origin.size):
            cell = origin[row] * n_sites + site[row]
            if seen[cell]:
                return int(row)
            seen[cell] = True
        return -1
    start = np.zeros(n_origins + 1, dtype=np.int64)
    for row in range(origin.size):
        start[origin[row] + 1] += 1
    for place in range(n_origins):
        start[place + 1] += start[place]
    # rows grouped by origin, whatever their order in the table
    rows = np.empty(origin.size, dtype=np.int64)
    filled = start[:-1].copy()
    for row in range(origin.size):
        rows[filled[origin[row]]] = row
        filled[origin[row]] += 1
    seen_by = np.full(n_sites, -1, dtype=np.int64)
    for place in range(n_origins):
        for slot in range(start[place], start[place + 1]):
            row = rows[slot]
            if seen_by[site[row]] == place:
                return int(row)
            seen_by[site[row]] = place
    return -1


def read_part(part: Part) -> pd.DataFrame:
    """Return the table of a part."""
    return part if isinstance(part, pd.DataFrame) else part()


def sites_only(parts: Sequence[Part], site_ids: Iterable[str]) -> list[Part]:
    """Return the parts with the pairs to some sites alone, those of one service, read when they are needed."""
    kept = frozenset(site_ids)
    return [partial(_only, part, kept) for part in parts]


def _only(part: Part, site_ids: frozenset[str]) -> pd.DataFrame:
    """Return the pairs of a part to some sites."""
    table = read_part(part)
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
        advice = " : tous les temps d'une origine doivent être dans une même partie."
        refuse(self._origins[twice], "origine(s) dans deux parties de la table des temps", advice=advice)
        self._is_named[places] = True

    def check(self) -> Bools:
        """Return which origins have been named; raise if none was."""
        if len(self._origins) and not self._is_named.any():
            said = f"Aucune des {len(self._origins)} origines ({examples(self._origins)})"
            raise UnknownCodeError(f"{said} n'est dans la table des temps : {CHECK_CODES}.")
        return self._is_named


def gather(tables: Iterable[pd.DataFrame], origins: Ids) -> tuple[pd.DataFrame, Bools]:
    """Return the rows that parts gave, in the order of the origins, and which origins have one."""
    seen, kept = Seen(origins), []
    for table in tables:
        seen.add(origins.get_indexer(table.index))
        kept.append(table)
    is_named = seen.check()
    rows = pd.concat(kept) if kept else pd.DataFrame()
    return rows.reindex(origins), is_named


def column_of(rows: pd.DataFrame, name: str) -> "pd.Series[Any]":
    """Return a column, all missing where there was no part at all."""
    return rows[name] if name in rows else pd.Series(np.nan, index=rows.index)


def flags_of(rows: pd.DataFrame, name: str, is_named: Bools) -> "pd.Series[bool]":
    """Return true, false or unknown; false for an origin that no part names, which nothing reaches."""
    flags = column_of(rows, name).astype("boolean")
    flags[~is_named] = False
    return flags


def places_of(column: "pd.Series[str]", ids: Ids) -> Places:
    """Return the places, among ids, of those that a column names, in growing order."""
    places = ids.get_indexer(_codes_of(column)[1])
    return np.sort(places[places >= 0]).astype(np.int64)


def named_in(table: pd.DataFrame, origins: Ids) -> Ids:
    """Return the origins that a part names, in the order asked for."""
    return origins[places_of(table["from_id"], origins)]
