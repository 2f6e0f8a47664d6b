"""The activity with which GPs enter an APL: alone, as it is of practitioners and not of establishments."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from territory.errors import ParameterError, TerritoryWarning, examples

# DREES, foire aux questions on the APL, 25/05/2018
GP_AGE_LIMIT_YEARS = 65.0
GP_ACTIVITY_FLOOR = 3_600.0
GP_ACTIVITY_CAP = 6_000.0


def gp_activity(
    acts_per_year: pd.Series[float],
    *,
    age_years: pd.Series[float] | None,
    age_limit_years: float = GP_AGE_LIMIT_YEARS,
    floor: float = GP_ACTIVITY_FLOOR,
    cap: float = GP_ACTIVITY_CAP,
) -> pd.Series[float]:
    """Activity with which each GP enters the APL.

    Parameters
    ----------
    acts_per_year
        Acts of each GP in practice (one row per GP). NaN = unknown.
    age_years
        Age of each GP on the same index; None when ages are unknown, and then no GP is left out for age.
    age_limit_years
        Oldest age that counts, inclusive; older GPs count for 0.
    floor, cap
        Least and most acts per year with which a GP counts.

    Returns
    -------
    Series
        Acts per year, on the index of `acts_per_year`; NaN where the acts or the age are unknown.

    Raises
    ------
    ParameterError
        If acts or ages are negative, ages are on another index, or the floor is above the cap.

    Warns
    -----
    TerritoryWarning
        With the number of GPs whose activity is unknown.

    Notes
    -----
    DREES, foire aux questions on the APL, 25/05/2018: age at most 65, raised to 3,600 acts, capped at 6,000. GPs
    who do not practise are to be left out of the table beforehand.

    Examples
    --------
    >>> acts = pd.Series({"g1": 1200.0, "g2": 5000.0, "g3": 9000.0, "g4": 5000.0})
    >>> ages = pd.Series({"g1": 34.0, "g2": 65.0, "g3": 50.0, "g4": 66.0})
    >>> gp_activity(acts, age_years=ages).to_dict()
    {'g1': 3600.0, 'g2': 5000.0, 'g3': 6000.0, 'g4': 0.0}
    """
    if floor > cap:
        raise ParameterError(f"Activité : le plancher ({floor:g}) dépasse le plafond ({cap:g}).")
    acts = _amounts(acts_per_year, "Actes par an")
    counted = np.clip(acts, floor, cap)
    if age_years is not None:
        if not age_years.index.equals(acts_per_year.index):
            raise ParameterError("Âges des médecins : l'index doit être celui des actes, dans le même ordre.")
        ages = _amounts(age_years, "Âges des médecins")
        counted = np.where(np.isnan(ages), np.nan, np.where(ages > age_limit_years, 0.0, counted))
    unknown = np.isnan(counted)
    if unknown.any():
        warnings.warn(
            f"Activité inconnue pour {int(unknown.sum())} médecin(s) ({examples(acts_per_year.index[unknown])}) : "
            "actes ou âge manquants.",
            TerritoryWarning,
            stacklevel=2,
        )
    return pd.Series(counted, index=acts_per_year.index, name="activity_consultations_per_year")


def _amounts(values: pd.Series[float], what: str) -> NDArray[np.float64]:
    """Return amounts as floats, NaN where unknown; raise if one is negative or infinite."""
    found = np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64)
    bad = (found < 0) | np.isinf(found)
    if bad.any():
        raise ParameterError(
            f"{what} : {int(bad.sum())} valeur(s) négative(s) ou infinie(s) ({examples(values.index[bad])}). "
            "Une valeur inconnue se note NaN, pas un nombre."
        )
    return found
