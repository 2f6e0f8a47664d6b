"""From persons of an age to persons in need, by a rate with its range and its sources."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from territory.errors import ParameterError, Problems, TerritoryWarning, agree, examples
from territory.needs.ages import persons_by_age
from territory.tables.schemas import DEMAND_KINDS


@dataclass(frozen=True)
class Rate:
    """A rate of persons in need, with its range, the ages it is applied to and where each value comes from.

    Attributes
    ----------
    public
        Short name of the public (`autisme`, `aeeh`, `ehpad`).
    kind
        What is counted: prevalence, rights, orientation, waiting or population.
    age_min, age_max
        Completed years, both included, of the persons that the rate is applied to; `age_max` may be infinite.
    per_1000, low_per_1000, high_per_1000
        Rate per 1,000 persons of these ages and its range; NaN = unknown.
    source, year
        Where and from when the central value is.
    low_source, high_source
        Where the range comes from; `source` when empty.
    caution
        What the reader must know (French), carried to the result.
    """

    public: str
    kind: str
    age_min: float
    age_max: float
    per_1000: float
    source: str
    year: int
    low_per_1000: float = math.nan
    high_per_1000: float = math.nan
    low_source: str = ""
    high_source: str = ""
    caution: str = ""

    def __post_init__(self) -> None:
        """Refuse a rate that is no rate, or comes from nowhere."""
        problems = Problems(f"Taux de « {self.public} »", ParameterError)
        if self.kind not in DEMAND_KINDS:
            problems.add(f"nature inconnue « {self.kind} » : choisissez parmi {', '.join(DEMAND_KINDS)}")
        if not self.source.strip():
            problems.add("la source manque : un taux sans source ne se présente pas")
        if not 0 <= self.age_min <= self.age_max:
            problems.add(f"tranche d'âge vide : de {self.age_min:g} à {self.age_max:g} ans")
        if not _is_ordered(self.low_per_1000, self.per_1000, self.high_per_1000):
            problems.add(
                f"bas ({self.low_per_1000:g}), central ({self.per_1000:g}) et haut ({self.high_per_1000:g}) doivent "
                "être compris entre 0 et 1 000 et croissants"
            )
        problems.raise_if_any()


def demand_from_rate(
    persons: pd.Series[float],
    *,
    public: str,
    kind: str,
    per_1000: float,
    low_per_1000: float = math.nan,
    high_per_1000: float = math.nan,
) -> pd.DataFrame:
    """Turn persons of the age concerned into persons in need, by a rate and its range.

    Parameters
    ----------
    persons : Series indexed by commune code
        Persons of the age that the rate is about.
    public
        Short name of the public (`autisme`, `aeeh`).
    kind
        What is counted: prevalence, rights, orientation, waiting or population. Only orientations and
        waiting children may be set against places.
    per_1000, low_per_1000, high_per_1000
        Rate and its range per 1,000 persons; NaN = unknown.

    Returns
    -------
    DataFrame
        Table `demand`: index (commune_code, public), columns demand, demand_low, demand_high (persons), kind.

    Raises
    ------
    ParameterError
        If the kind is unknown, a rate is outside 0 to 1,000, low, central and high are not in order, a commune
        is there twice, or a number of persons is negative or infinite.

    Examples
    --------
    >>> demand_from_rate(pd.Series({"83050": 1000.0}), public="autisme", kind="prevalence", per_1000=8.0)
                            demand  demand_low  demand_high        kind
    commune_code public
    83050        autisme     8.0         NaN          NaN  prevalence
    """
    if kind not in DEMAND_KINDS:
        raise ParameterError(
            f"Nature de besoin inconnue « {kind} » : choisissez parmi {', '.join(DEMAND_KINDS)}."
        )
    if not _is_ordered(low_per_1000, per_1000, high_per_1000):
        raise ParameterError(
            f"Taux de « {public} » : bas ({low_per_1000:g}), central ({per_1000:g}) et haut ({high_per_1000:g}) "
            "doivent être compris entre 0 et 1 000 et croissants."
        )
    values = persons.to_numpy(float)
    wrong = (values < 0) | np.isinf(values)
    if wrong.any():
        raise ParameterError(
            f"Population de « {public} » : {agree(int(wrong.sum()), 'effectif(s) négatif(s) ou infini(s)')} "
            f"({examples(persons.index[wrong])})."
        )
    if persons.index.has_duplicates:
        twice = persons.index[persons.index.duplicated()].unique()
        raise ParameterError(
            f"Population de « {public} » : {agree(len(twice), 'commune(s) en double')} ({examples(twice)})."
        )
    index = pd.MultiIndex.from_product([persons.index, [public]], names=["commune_code", "public"])
    return pd.DataFrame(
        {
            "demand": values * per_1000 / 1000,
            "demand_low": values * low_per_1000 / 1000,
            "demand_high": values * high_per_1000 / 1000,
            "kind": kind,
        },
        index=index,
    )


def demand_from_rates(population: pd.DataFrame, rates: Iterable[Rate]) -> pd.DataFrame:
    """Apply several rates to a population by age: one block of the table `demand` per public.

    Parameters
    ----------
    population : DataFrame
        Table `population` (see `persons_by_age`).
    rates
        One rate per public.

    Returns
    -------
    DataFrame
        Table `demand`, with the further columns `source`, `low_source`, `high_source`, `year`, `caution`.

    Raises
    ------
    ParameterError
        If a public has two rates, or as `persons_by_age`.

    Examples
    --------
    >>> bands = pd.DataFrame(
    ...     {"commune_code": ["83050"], "age_min": [0], "age_max": [19], "population": [2000.0]}
    ... ).set_index(["commune_code", "age_min", "age_max"])
    >>> rate = Rate("aeeh", "rights", 0, 19, 27.2, "handidonnees.fr", 2021)
    >>> demand_from_rates(bands, [rate])["demand"].to_list()
    [54.4]
    """
    chosen = list(rates)
    publics = pd.Series([rate.public for rate in chosen], dtype="str")
    if not chosen or publics.duplicated().any():
        twice = examples(publics[publics.duplicated()].unique())
        raise ParameterError(
            f"Taux : un taux par public est attendu, « {twice} » en a deux."
            if twice
            else "Taux : aucun taux."
        )
    return pd.concat([_with_sources(persons_by_age(population, **_ages(rate)), rate) for rate in chosen])


def demand_for_service(
    population: pd.DataFrame, rate: Rate, *, age_min: float, age_max: float
) -> pd.DataFrame:
    r"""Count the persons in need whom a service may receive, given its ages.

    The rate is applied to the ages that the rate and the service share, and to no other,

    .. math:: D_i = r \, P_i([a_r, b_r] \cap [a_s, b_s]) / 1000

    Parameters
    ----------
    population : DataFrame
        Table `population` (see `persons_by_age`).
    rate
        Its ages say where it holds: a rate measured at age 8 and used from 5 on says nothing under 5.
    age_min, age_max
        Youngest and oldest age that the service receives (years), both included.

    Returns
    -------
    DataFrame
        As `demand_from_rates`, with `age_min` and `age_max` as they were counted.

    Raises
    ------
    ParameterError
        If the service receives nobody of the ages of the rate, or as `persons_by_age`.

    Warns
    -----
    TerritoryWarning
        When the service also receives ages at which the rate says nothing: these are not counted.

    Examples
    --------
    >>> bands = pd.DataFrame(
    ...     {"commune_code": ["83050"], "age_min": [0], "age_max": [19], "population": [2000.0]}
    ... ).set_index(["commune_code", "age_min", "age_max"])
    >>> rate = Rate("autisme", "prevalence", 5, 19, 8.0, "Santé publique France, BEH 2020 n° 6-7", 2020)
    >>> demand_for_service(bands, rate, age_min=10, age_max=19)["demand"].to_list()
    [8.0]
    """
    low, high = max(rate.age_min, age_min), min(rate.age_max, age_max)
    if not low <= high:
        raise ParameterError(
            f"Taux de « {rate.public} » ({rate.age_min:g}–{rate.age_max:g} ans) : le service reçoit de {age_min:g} à "
            f"{age_max:g} ans, sans âge commun."
        )
    if (low, high) != (age_min, age_max):
        warnings.warn(
            f"Taux de « {rate.public} » : il vaut de {rate.age_min:g} à {rate.age_max:g} ans et le service reçoit de "
            f"{age_min:g} à {age_max:g} ans ; seuls {low:g} à {high:g} ans sont comptés.",
            TerritoryWarning,
            stacklevel=2,
        )
    persons = persons_by_age(population, age_min=low, age_max=high)
    return _with_sources(persons, rate).assign(age_min=low, age_max=high)


def _ages(rate: Rate) -> dict[str, float]:
    """Return the ages of a rate as options."""
    return {"age_min": rate.age_min, "age_max": rate.age_max}


def _with_sources(persons: pd.Series[float], rate: Rate) -> pd.DataFrame:
    """Return the demand of one rate, with where each of its values comes from."""
    demand = demand_from_rate(
        persons,
        public=rate.public,
        kind=rate.kind,
        per_1000=rate.per_1000,
        low_per_1000=rate.low_per_1000,
        high_per_1000=rate.high_per_1000,
    )
    return demand.assign(
        source=rate.source,
        low_source=rate.low_source or rate.source,
        high_source=rate.high_source or rate.source,
        year=rate.year,
        caution=rate.caution,
    )


def _is_ordered(low: float, central: float, high: float) -> bool:
    """Tell whether the known values of a rate go up from 0 to 1,000."""
    known = [value for value in (low, central, high) if not math.isnan(value)]
    return known == sorted(known) and all(0 <= value <= 1000 for value in known)
