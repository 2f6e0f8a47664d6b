"""Persons in need by a rate, brought to a known total, and inhabitants weighted by the care that they consume."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from territory.errors import ParameterError, Problems, examples, refuse
from territory.needs.ages import persons_by_age
from territory.tables.schemas import DEMAND_KINDS

# only these kinds count persons who hold, or wait for, a place: the others never stand beside places
KINDS_COMPARABLE_WITH_PLACES = ("orientation", "waiting")
NAME = "standardised_population_hab"


def demand_from_rate(
    persons: pd.Series[float],
    *,
    public: str,
    kind: str,
    per_1000: float,
    low_per_1000: float = math.nan,
    high_per_1000: float = math.nan,
) -> pd.DataFrame:
    """Turn persons of the age concerned into persons in need (table `demand`), by a rate and its range per 1,000.

    `kind` says what is counted: prevalence, rights, orientation, waiting or population; only orientations and
    waiting children may be set against places. A rate outside 0 to 1,000 or out of order, a commune twice, persons
    that are negative or infinite are a `ParameterError`.
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
    of = f"Population de « {public} »"
    refuse(persons.index[(values < 0) | np.isinf(values)], "effectif(s) négatif(s) ou infini(s)", of=of)
    refuse(persons.index[persons.index.duplicated()].unique(), "commune(s) en double", of=of)
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


def _is_ordered(low: float, central: float, high: float) -> bool:
    """Tell whether the known values of a rate go up from 0 to 1,000."""
    known = [value for value in (low, central, high) if not math.isnan(value)]
    return known == sorted(known) and all(0 <= value <= 1000 for value in known)


def scale_to_total(counts: pd.Series[float], total: float) -> pd.Series[float]:
    """Scale counts to a known total in their unit; NaN stays NaN, nothing to scale is a `ParameterError`."""
    if not (math.isfinite(total) and total >= 0):
        raise ParameterError(f"Un total connu est un nombre positif ou nul ; reçu : {total}.")
    if (counts < 0).any():
        raise ParameterError(f"Des effectifs sont négatifs ({examples(counts.index[counts < 0])}).")
    present = float(counts.sum())
    if not present > 0:
        raise ParameterError(f"Rien à caler sur le total de {total:g} : les communes n'ont aucun effectif.")
    return counts * (total / present)


def standardised_population(
    population: pd.DataFrame, consumption: pd.DataFrame | None, *, reference: pd.DataFrame | float
) -> pd.Series[float]:
    """Weight inhabitants by the care that their age consumes (hab): the ages of the reference keep the number.

    `P_i = sum_a P_ia c_a / mean`, of Barlet, Coldefy, Collin and Lucas-Gabrielli (2012), DREES and IRDES, document de
    travail 124 (docs/method/besoins.md).

    `consumption` has the acts of GPs per inhabitant and year (`acts_per_hab`) by `age_min` and `age_max` (years, both
    included), from age 0 to no upper bound (NaN): there is no built-in table. `reference` is a table `population`
    (the whole of France for DREES), or its mean number of acts, which `attrs["mean_acts_per_hab"]` of the result
    holds. Ages that leave a gap, overlap or have an upper bound, acts that are negative or unknown, no table or no
    mean above zero are a `ParameterError`.
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
