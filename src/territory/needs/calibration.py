"""Counts brought to a known total."""

from __future__ import annotations

import math

import pandas as pd

from territory.errors import ParameterError, agree, examples

_AMOUNTS = ("demand", "demand_low", "demand_high")


def scale_to_total(
    counts: pd.Series[float], total: float, *, within: pd.Index[str] | None = None
) -> pd.Series[float]:
    """Scale counts so that those of a territory add up to a known total.

    Parameters
    ----------
    counts : Series indexed by commune code
        Counts; NaN stays NaN and takes no part.
    total
        Known total of the communes `within`, in the unit of `counts`.
    within
        Communes that the total is about; all by default. The others are multiplied by the same factor.

    Returns
    -------
    Series
        Scaled counts, same index.

    Raises
    ------
    ParameterError
        If the total is not a finite number of zero or more, or if nothing is there to be scaled.

    Examples
    --------
    >>> scale_to_total(pd.Series({"83050": 30.0, "83121": 10.0}), 80.0).tolist()
    [60.0, 20.0]
    """
    return counts * _factor(counts, total, within)


def calibrate_demand(
    demand: pd.DataFrame,
    total: float,
    *,
    public: str,
    source: str,
    year: int,
    within: pd.Index[str] | None = None,
) -> pd.DataFrame:
    r"""Bring the persons in need of one public to a total that is known for a territory.

    .. math:: D_i' = D_i \, T / \sum_{j \in within} D_j

    Low and high values take the same factor: the range keeps its width relative to the central value. The
    département total says how many there are; the rate no longer does, only where they live.

    Parameters
    ----------
    demand : DataFrame
        Table `demand` (see `territory.tables.schemas`); other publics are returned unchanged.
    total
        Known number of persons of the communes `within`: 6,125 children with the AEEH in the Var in 2021, say.
    public
        Public that the total is about. The total must count the same thing: an AEEH total does not calibrate a
        prevalence.
    source, year
        Where the total comes from; kept in the columns `calibration_source` and `calibration_year`.
    within
        Communes that the total is about; all by default.

    Returns
    -------
    DataFrame
        The table, same index.

    Raises
    ------
    ParameterError
        If the public is absent, the total is no count or has no source, nothing is there to be scaled, or a
        commune of the territory is unknown: the total would be shared between the others only.

    Examples
    --------
    >>> from territory.needs import demand_from_rate
    >>> rights = demand_from_rate(pd.Series({"83050": 1000.0, "83121": 500.0}), public="aeeh", kind="rights",
    ...     per_1000=25.5)
    >>> found = calibrate_demand(rights, 45, public="aeeh", source="handidonnees.fr", year=2021)
    >>> [round(value, 6) for value in found["demand"]]
    [30.0, 15.0]
    """
    chosen = demand.index.get_level_values("public") == public
    if not chosen.any():
        known = sorted(set(demand.index.get_level_values("public")))
        raise ParameterError(
            f"Calage : public « {public} » absent ; publics connus : {examples(known, most=8)}."
        )
    if not source.strip():
        raise ParameterError(f"Calage de « {public} » sur {total:g} : indiquez la source du total.")
    counts = demand.loc[chosen, "demand"].droplevel("public")
    concerned = counts if within is None else counts[counts.index.isin(within)]
    unknown = concerned.index[concerned.isna()]
    if len(unknown):
        raise ParameterError(
            f"Calage de « {public} » : {agree(len(unknown), 'commune(s) sans effectif')} ({examples(unknown)}) ; "
            "le total serait réparti entre les autres seulement."
        )
    factor = _factor(counts, total, within)
    scaled = demand.copy()
    for column in _AMOUNTS:
        scaled.loc[chosen, column] = demand.loc[chosen, column] * factor
    scaled.loc[chosen, "calibration_source"] = source
    scaled.loc[chosen, "calibration_year"] = float(year)
    return scaled


def _factor(counts: pd.Series[float], total: float, within: pd.Index[str] | None) -> float:
    """Return the factor from the counts of a territory to its total."""
    known = counts if within is None else counts[counts.index.isin(within)]
    present = float(known.sum())
    if not (math.isfinite(total) and total >= 0):
        raise ParameterError(f"Un total connu est un nombre positif ou nul ; reçu : {total}.")
    if (known < 0).any():
        raise ParameterError(f"Des effectifs sont négatifs ({examples(known.index[known < 0])}).")
    if not present > 0:
        raise ParameterError(
            f"Rien à caler sur le total de {total:g} : les communes visées n'ont aucun effectif."
        )
    return total / present
