"""A table of travel times as arrays of positions, checked once, for measures and choices of sites to compute on.

It is shared by `territory.access` and `territory.planning`: one way to read a table, one set of messages.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from territory.access.catchments.codes import text_codes
from territory.access.catchments.kernels import first_duplicate, translate
from territory.access.decay import Decay
from territory.errors import ParameterError, SchemaError, TerritoryWarning, UnknownCodeError, examples

Ids: TypeAlias = "pd.Index[str]"
Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int32]
Bools: TypeAlias = NDArray[np.bool_]

PAIR_COLUMNS = ("from_id", "to_id", "travel_time_min")


@dataclass(frozen=True)
class Pairs:
    """Pairs of one origin and one site within reach; NaN minutes are unknown times."""

    origins: Ids
    sites: Ids
    origin: Ints
    site: Ints
    minutes: Floats
    cutoff_min: float

    def take(self, rows: NDArray[np.integer[Any]]) -> Pairs:
        """Return some rows, by position: several times faster than by mask."""
        return Pairs(
            self.origins,
            self.sites,
            self.origin.take(rows),
            self.site.take(rows),
            self.minutes.take(rows),
            self.cutoff_min,
        )

    def check_threshold(self, minutes: float, what: str) -> None:
        """Raise if a threshold asks for times that the table does not hold."""
        if minutes > self.cutoff_min:
            asked = f"{minutes:g} min" if math.isfinite(minutes) else "sans limite de temps"
            raise ParameterError(
                f"{what} ({asked}) dépasse la coupure de la table des temps ({self.cutoff_min:g} min) : "
                f"au-delà, la table ne dit rien. Limitez-le à {self.cutoff_min:g} min, ou recalculez les "
                "temps sans coupure ou avec une coupure plus longue."
            )

    def weights(self, decay: Decay) -> Floats:
        """Return one weight per pair; raise if the decay reaches beyond the cutoff, or is not a weight."""
        reach = getattr(decay, "reach_min", None)
        if reach is not None:
            self.check_threshold(float(reach), f"La portée de la décroissance {decay!r}")
        weights = np.asarray(decay(self.minutes), dtype=np.float64)
        if weights.shape != self.minutes.shape:
            raise ParameterError(
                f"La décroissance {decay!r} rend {weights.size} poids pour {self.minutes.size} temps : "
                "elle doit en rendre un par temps."
            )
        known = weights
        # min is NaN as soon as one weight is, and no comparison with NaN holds
        if known.size and not known.min() >= 0:
            known = weights[~np.isnan(self.minutes)]
        if known.size and not (known.min() >= 0 and known.max() < math.inf):
            raise ParameterError(
                f"La décroissance {decay!r} rend des poids négatifs, infinis ou inconnus : un poids va de 0 à 1."
            )
        return weights


def read_pairs(
    travel_times: pd.DataFrame,
    *,
    origins: Iterable[str],
    sites: Iterable[str] | None,
    is_part: bool = False,
) -> Pairs:
    """Return the pairs between these origins and these sites (None = all sites of the table).

    Other pairs of the table are left out: the ids given say what the measure is about. Part of a table may hold
    none of them.
    """
    missing = [column for column in PAIR_COLUMNS if column not in travel_times.columns]
    if missing:
        raise SchemaError(
            f"Table des temps : il manque {', '.join(missing)}. Colonnes attendues : {', '.join(PAIR_COLUMNS)}."
        )
    origin_ids = unique_ids(origins, "Origines")
    # no name, no complaint when nothing matches
    names = ("", "") if is_part else ("origines", "sites")
    origin = _positions(travel_times["from_id"], origin_ids, "from_id", names[0])
    if sites is None:
        site_ids = _ids_of(travel_times["to_id"])
        site = _positions(travel_times["to_id"], site_ids, "to_id", "")
    else:
        site_ids = unique_ids(sites, "Sites")
        site = _positions(travel_times["to_id"], site_ids, "to_id", names[1])
    minutes = _minutes(travel_times["travel_time_min"])
    # an infinite time is how a matrix says "out of reach", which a table says with no pair
    keep = (origin >= 0) & (site >= 0) & (minutes != math.inf)
    pairs = Pairs(origin_ids, site_ids, origin, site, minutes, cutoff_of(travel_times))
    if not keep.all():
        pairs = pairs.take(np.flatnonzero(keep))
    _check_duplicates(pairs)
    return pairs


def cutoff_of(travel_times: pd.DataFrame) -> float:
    """Return the cutoff of a table (min), infinite when it has none."""
    cutoff = travel_times.attrs.get("cutoff_min")
    if cutoff is None or (isinstance(cutoff, float) and math.isnan(cutoff)):
        return math.inf
    return float(cutoff)


def unique_ids(ids: Iterable[str], what: str) -> Ids:
    """Return ids as an index without duplicates nor blanks, or raise."""
    index = ids if isinstance(ids, pd.Index) else pd.Index(list(ids), dtype=object)
    if isinstance(index, pd.MultiIndex):
        raise ParameterError(
            f"{what} : un seul identifiant par ligne est attendu, pas {index.nlevels} niveaux "
            f"({', '.join(map(str, index.names))}). Choisissez d'abord un public ou un service."
        )
    if index.hasnans:
        raise ParameterError(f"{what} : {int(np.count_nonzero(index.isna()))} identifiant(s) vide(s).")
    if index.has_duplicates:
        twice = index[index.duplicated()].unique()
        raise ParameterError(f"{what} : {len(twice)} identifiant(s) en double ({examples(twice)}).")
    return index


def read_amounts(amounts: pd.Series[float], what: str) -> Floats:
    """Return amounts as floats, NaN where unknown; raise if one is negative or infinite."""
    if not pd.api.types.is_numeric_dtype(amounts.dtype):
        raise ParameterError(f"{what} : des nombres sont attendus, pas « {amounts.dtype} ».")
    values: Floats = np.asarray(amounts.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64)
    bad = (values < 0) | np.isinf(values)
    if bad.any():
        raise ParameterError(
            f"{what} : {int(bad.sum())} valeur(s) négative(s) ou infinie(s) ({examples(amounts.index[bad])}). "
            "Une valeur inconnue se note NaN, pas un nombre."
        )
    return values


def sum_by(codes: Ints, amounts: Floats, size: int) -> Floats:
    """Return sums by position."""
    return np.bincount(codes, weights=amounts, minlength=size).astype(np.float64, copy=False)


def warn(message: str, *, stacklevel: int = 4) -> None:
    """Warn the planner, at the line that called the public function."""
    warnings.warn(message, TerritoryWarning, stacklevel=stacklevel)


def _ids_of(column: pd.Series[str]) -> Ids:
    """Return the distinct ids of a column, sorted, so that row order never matters."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        known: Ids = pd.Index(column.cat.categories)
    else:
        known = pd.Index(column.dropna().unique())
    return known.sort_values()


def _positions(column: pd.Series[str], ids: Ids, name: str, what: str) -> Ints:
    """Return the position of each id of a column in `ids`, -1 where it is not there."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes = column.cat.codes.to_numpy()
        known = pd.Index(column.cat.categories)
    else:
        codes, known = text_codes(column)
    if codes.size and codes.min() < 0:
        raise SchemaError(f"Table des temps : {int((codes < 0).sum())} {name} vide(s).")
    lookup = ids.get_indexer(known)
    if what and len(ids) and len(known) and lookup.max() < 0:
        raise UnknownCodeError(
            f"Aucun des {len(ids)} identifiants des {what} ({examples(ids)}) n'est dans la colonne {name} de la "
            f"table des temps ({examples(known)}) : vérifiez les codes (texte, zéros initiaux, millésime)."
        )
    # a copy, always: categories keep their codes
    positions: Ints = codes.astype(np.int32, copy=True)
    translate(positions, lookup.astype(np.int32))
    return positions


def _minutes(column: pd.Series[float]) -> Floats:
    """Return times as floats; raise if one is negative."""
    if not pd.api.types.is_numeric_dtype(column.dtype):
        raise SchemaError(f"Table des temps : travel_time_min doit être un nombre, pas « {column.dtype} ».")
    minutes: Floats = np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64)
    if minutes.size and np.fmin.reduce(minutes) < 0:
        raise SchemaError(f"Table des temps : {int((minutes < 0).sum())} temps négatif(s).")
    return minutes


def _check_duplicates(pairs: Pairs) -> None:
    """Raise if one pair comes twice."""
    row = first_duplicate(pairs.origin, pairs.site, len(pairs.origins), len(pairs.sites))
    if row >= 0:
        origin, site = pairs.origins[pairs.origin[row]], pairs.sites[pairs.site[row]]
        raise SchemaError(
            f"Table des temps : le couple {origin} → {site} y est plusieurs fois (et peut-être d'autres). "
            "Gardez une ligne par couple, par exemple la plus courte : "
            'temps.groupby(["from_id", "to_id"], observed=True)["travel_time_min"].min().'
        )
