"""Values weighted by persons, for the measures of inequality."""

from __future__ import annotations

import numpy as np
import pandas as pd

from territory.access.pairs import Floats, warn
from territory.errors import ParameterError, examples


def read_weighted(values: pd.Series[float], weights: pd.Series[float] | None) -> tuple[Floats, Floats]:
    """Return known values and their weights, warn for the unknown ones."""
    if weights is None:
        weights = pd.Series(1.0, index=values.index)
    elif weights.index.has_duplicates or values.index.has_duplicates:
        raise ParameterError("Valeurs et effectifs : des identifiants sont en double.")
    else:
        weights = weights.reindex(values.index)
    for name, amounts in (("Valeurs", values), ("Effectifs", weights)):
        numbers = amounts.to_numpy(dtype=np.float64, na_value=np.nan)
        bad = (numbers < 0) | np.isinf(numbers)
        if bad.any():
            raise ParameterError(
                f"{name} : {int(bad.sum())} négative(s) ou infinie(s) ({examples(amounts.index[bad])}). Un temps "
                "hors d'atteinte doit d'abord recevoir une valeur, par exemple la coupure de la table."
            )
    if weights.isna().any():
        missing = weights.index[weights.isna()]
        raise ParameterError(f"Effectifs : inconnus pour {len(missing)} commune(s) ({examples(missing)}).")
    unknown = values.isna()
    if unknown.any():
        warn(
            f"{int(unknown.sum())} commune(s) à la valeur inconnue ({examples(values.index[unknown])}, "
            f"{float(weights[unknown].sum()):g} personnes) sont laissées hors de la mesure d'inégalité."
        )
    known = ~unknown.to_numpy()
    x: Floats = np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan)[known], dtype=np.float64)
    w: Floats = np.asarray(weights.to_numpy(dtype=np.float64)[known], dtype=np.float64)
    return x, w


def lorenz(x: Floats, w: Floats) -> tuple[Floats, Floats]:
    """Return the Lorenz curve: growing share of persons, and share of the amount; NaN if there is none."""
    order = np.argsort(x, kind="stable")
    people: Floats = np.zeros(x.size + 1)
    amount: Floats = np.zeros(x.size + 1)
    people[1:] = np.cumsum(w[order])
    amount[1:] = np.cumsum((x * w)[order])
    if amount[-1] == 0:
        return people, np.full_like(amount, np.nan)
    people /= people[-1]
    amount /= amount[-1]
    return people, amount


def fractional_rank(ranks: Floats, share: Floats) -> Floats:
    """Return the middle of each rank's persons, on a scale from 0 to 1."""
    _, place = np.unique(ranks, return_inverse=True)
    persons = np.bincount(place, weights=share)
    middle: Floats = (np.cumsum(persons) - persons / 2.0)[place]
    return middle
