"""Demand from rates by age: persons concerned, brought to a known total, and inhabitants weighted by care consumed."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from territory.errors import ParameterError, Problems, examples, refuse, warn
from territory.needs.ages import persons_by_age
from territory.tables.schemas import DEMAND_KINDS

AMOUNTS = ("demand", "demand_low", "demand_high")
NAME = "standardised_population_hab"


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
    check_counts(persons, f"Population de « {public} »", "effectif(s)", "commune(s)")
    values = persons.to_numpy(float)
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


def check_counts(counts: pd.Series[float], subject: str, what: str, whose: str) -> None:
    """Raise when counts are negative or infinite, or one index is there twice."""
    values = counts.to_numpy(float)
    wrong = counts.index[(values < 0) | np.isinf(values)]
    twice = counts.index[counts.index.duplicated()].unique()
    for shown, said in ((wrong, f"{what} négatif(s) ou infini(s)"), (twice, f"{whose} en double")):
        refuse(shown, said, of=subject)


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
    return pd.concat(
        [
            _with_sources(persons_by_age(population, age_min=rate.age_min, age_max=rate.age_max), rate)
            for rate in chosen
        ]
    )


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
        warn(
            f"Taux de « {rate.public} » : il vaut de {rate.age_min:g} à {rate.age_max:g} ans et le service reçoit de "
            f"{age_min:g} à {age_max:g} ans ; seuls {low:g} à {high:g} ans sont comptés.",
            stacklevel=3,
        )
    persons = persons_by_age(population, age_min=low, age_max=high)
    return _with_sources(persons, rate).assign(age_min=low, age_max=high)


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
    advice = " ; le total serait réparti entre les autres seulement."
    refuse(unknown, "commune(s) sans effectif", of=f"Calage de « {public} »", advice=advice)
    factor = _factor(counts, total, within)
    scaled = demand.copy()
    for column in AMOUNTS:
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


def standardised_population(
    population: pd.DataFrame,
    consumption: pd.DataFrame | None,
    *,
    reference: pd.DataFrame | float,
) -> pd.Series[float]:
    r"""Weight inhabitants by the care that their age consumes.

    .. math:: P_i^{std} = \sum_a P_{ia} \, c_a / \bar c, \quad \bar c = \sum_a P_a^{ref} c_a / \sum_a P_a^{ref}

    A territory with the ages of the reference population keeps its number of inhabitants; an older one gains
    some.

    Parameters
    ----------
    population : DataFrame
        Table `population` (see `persons_by_age`).
    consumption : DataFrame with columns `age_min`, `age_max` (years, both included), `acts_per_hab`
        Acts of general practitioners per inhabitant and year at each age, from age 0 to no upper bound
        (`age_max` NaN). There is no built-in table: it is to be brought with its source.
    reference
        Table `population` of the reference (the whole of France for DREES), or its mean number of acts per
        inhabitant and year when that is known.

    Returns
    -------
    Series
        Standardised inhabitants (hab), named standardised_population_hab, by commune in the order of the table;
        NaN where an age is unknown. `attrs` hold the mean `mean_acts_per_hab`.

    Raises
    ------
    ParameterError
        Without a table of consumption; if its ages leave a gap, overlap or have an upper bound; if acts are
        negative or unknown; if the mean of the reference is not above zero; or as `persons_by_age`.

    Notes
    -----
    Barlet, Coldefy, Collin and Lucas-Gabrielli (2012), DREES and IRDES, document de travail 124.

    Examples
    --------
    >>> ages = ["commune_code", "age_min", "age_max"]
    >>> people = pd.DataFrame(
    ...     {"commune_code": ["83050"] * 2, "age_min": [0, 65], "age_max": [64, np.nan], "population": [60.0, 40.0]}
    ... ).set_index(ages)
    >>> acts = pd.DataFrame({"age_min": [0, 65], "age_max": [64, np.nan], "acts_per_hab": [2.0, 6.0]})
    >>> standardised_population(people, acts, reference=3.0)["83050"]
    np.float64(120.0)
    """
    if consumption is None:
        raise ParameterError(
            "Population standardisée : il manque la table de consommation de soins par âge (colonnes age_min, "
            "age_max, acts_per_hab : actes par habitant et par an), à fournir avec sa source. Sans elle, une "
            "accessibilité n'est pas une APL."
        )
    bands = _consumption_bands(consumption)
    weighted = _acts(population, bands)
    if isinstance(reference, pd.DataFrame):
        # ages of the reference are added up over all its communes
        everyone = sum(
            persons_by_age(reference, age_min=low, age_max=high).sum(skipna=False) for low, high, _ in bands
        )
        mean = float(_acts(reference, bands).sum(skipna=False) / everyone) if everyone > 0 else math.nan
    else:
        mean = float(reference)
    if not (math.isfinite(mean) and mean > 0):
        raise ParameterError(
            f"Population standardisée : la consommation moyenne de référence ({mean:g} acte par habitant et par an) "
            "doit être connue et positive."
        )
    standardised = (weighted / mean).rename(NAME)
    standardised.attrs = {"unit": "habitants standardisés", "mean_acts_per_hab": mean}
    return standardised


def _acts(population: pd.DataFrame, bands: list[tuple[float, float, float]]) -> pd.Series[float]:
    """Return the acts per year that the people of each commune would consume at their age."""
    parts = [persons_by_age(population, age_min=low, age_max=high) * acts for low, high, acts in bands]
    return pd.concat(parts, axis=1).sum(axis=1, skipna=False)


def _consumption_bands(consumption: pd.DataFrame) -> list[tuple[float, float, float]]:
    """Return (youngest, oldest, acts) in order; raise on what cannot be a table of consumption by age."""
    problems = Problems("Consommation de soins par âge", ParameterError)
    absent = [name for name in ("age_min", "age_max", "acts_per_hab") if name not in consumption.columns]
    problems.count(absent, "colonne(s) absente(s)")
    problems.raise_if_any()
    rows = consumption.sort_values("age_min")
    low = rows["age_min"].to_numpy(float)
    high = rows["age_max"].astype(float).fillna(np.inf).to_numpy()
    acts = rows["acts_per_hab"].to_numpy(float, na_value=np.nan)
    if not len(rows) or low[0] != 0 or not np.isinf(high[-1]):
        problems.add("les âges doivent aller de 0 an à une dernière tranche sans borne haute (age_max vide)")
    joined = low[1:] == high[:-1] + 1
    if not joined.all():
        ages = [f"{age:g} ans" for age in low[1:][~joined]]
        problems.add(f"les tranches se recouvrent ou laissent un trou avant {examples(ages)}")
    if not (np.isfinite(acts) & (acts >= 0)).all():
        problems.add("les actes par habitant doivent être connus, positifs ou nuls à chaque âge")
    problems.raise_if_any()
    return list(zip(low.tolist(), high.tolist(), acts.tolist(), strict=True))
