"""Needs from a population, under the rates of a study."""

from __future__ import annotations

import numpy as np
import pandas as pd

from territory import needs
from territory.study.state import Parameters, Rate
from territory.study.words.model import Need


def demand_of(population: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    """Count the persons in need in the communes of the territory: the rates are the study's, whatever the census.

    Parameters
    ----------
    population
        Table `population`.
    parameters
        Rates, age scale and communes of the territory.

    Returns
    -------
    DataFrame
        Table `demand`.

    Examples
    --------
    >>> import territory
    >>> state = territory.run_study("draguignan").baseline.state
    >>> demand_of(state.population, state.parameters).equals(state.demand)
    True
    """
    blocks = [_demand(rate, population, parameters) for rate in parameters.rates]
    if blocks:
        return pd.concat(blocks)
    index = pd.MultiIndex.from_arrays([[], []], names=["commune_code", "public"])
    numbers = {name: pd.Series(dtype=float) for name in ("demand", "demand_low", "demand_high")}
    return pd.DataFrame({**numbers, "kind": pd.Series(dtype="str")}).set_index(index)


def rate_of(need: Need, reference: pd.DataFrame, parameters: Parameters) -> Rate:
    """Return a need with the factor that brings it to its known total in the census of its year.

    Another census keeps the factor, and so has a total of its own.
    """
    if need.known_total is None:
        return Rate(need)
    known = _demand(Rate(need), reference, parameters)["demand"]
    return Rate(need, float(needs.scale_to_total(known, need.known_total).sum() / known.sum()))


def _demand(rate: Rate, population: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    """Return the demand of one rate."""
    need = rate.need
    persons = needs.persons_by_age(population, age_min=need.age_min, age_max=need.age_max)
    persons = persons * parameters.age_scale
    demand: pd.DataFrame = needs.demand_from_rate(
        persons[persons.index.isin(parameters.territory_codes)],
        public=need.public,
        kind=need.kind,
        per_1000=need.per_1000,
        low_per_1000=np.nan if need.low_per_1000 is None else need.low_per_1000,
        high_per_1000=np.nan if need.high_per_1000 is None else need.high_per_1000,
    )
    demand["demand"] *= rate.factor
    return demand
