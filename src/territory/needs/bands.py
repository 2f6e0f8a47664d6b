"""From what a census offers (wide columns, grid squares, shares, a finer cut) to disjoint age bands."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from territory.errors import ParameterError, Problems, SchemaError, TerritoryWarning, agree, examples
from territory.needs.ages import LEVELS, Floats, read_bands

# a producer rounds its shares: further from one than this, a share is missing or counted twice
SHARES_TOLERANCE = 0.02


def population_from_columns(
    table: pd.DataFrame,
    columns: Mapping[str, tuple[float, float]],
    *,
    vintage: str,
    unknown_age: str | None = None,
) -> pd.DataFrame:
    """Turn one column per age band into the table `population`: census files, IRIS, grid squares.

    Rows of one commune are added up (squares, IRIS), and so are columns of one band (men and women).

    Parameters
    ----------
    table : DataFrame with a column, or an index level, `commune_code`
        One row per commune, IRIS or grid square; one column of persons (hab) per age band.
    columns
        Ages of each column, both included: `{"Ind_0_3": (0, 3), "Ind_80p": (80, math.inf)}`. The bands are to
        be disjoint; to use a total that cuts across them (persons under 20), see `cut_bands`.
    vintage
        Written in the column `vintage`.
    unknown_age
        Column of the persons of unknown age (Filosofi's `Ind_inc`), spread over the bands of their commune as
        its other persons are, with a warning that counts them; left out without it.

    Returns
    -------
    DataFrame
        Table `population`: communes in the order of the table, then bands by age. NaN where one of the rows is
        unknown.

    Raises
    ------
    SchemaError
        If a column is absent, or a count is negative.
    ParameterError
        If bands overlap or are empty, or persons of unknown age live where nobody's age is known.

    Warns
    -----
    TerritoryWarning
        With the number of persons whose age is unknown.

    Examples
    --------
    >>> squares = pd.DataFrame({"commune_code": ["83050"] * 2, "Ind_0_3": [2.0, 3.0], "Ind_4_5": [1.0, 0.0]})
    >>> ages = {"Ind_0_3": (0, 3), "Ind_4_5": (4, 5)}
    >>> population_from_columns(squares, ages, vintage="2019")["population"].to_list()
    [5.0, 1.0]
    """
    rows = table.reset_index() if "commune_code" in table.index.names else table
    wanted = ["commune_code", *columns, *([unknown_age] if unknown_age else [])]
    absent = [name for name in wanted if name not in rows.columns]
    if absent:
        raise SchemaError(
            f"Population par âge : {agree(len(absent), 'colonne(s) absente(s)')} ({examples(absent)})."
        )
    _check_bands(list(dict.fromkeys(columns.values())))
    # an unknown square makes its commune unknown, never smaller
    summed = rows.groupby("commune_code", sort=False)[wanted[1:]].sum(skipna=False)
    negative = [name for name in wanted[1:] if (rows[name] < 0).any()]
    if negative:
        raise SchemaError(f"Population par âge : effectifs négatifs dans {examples(negative)}.")
    bands = {
        band: [name for name in columns if columns[name] == band] for band in sorted(set(columns.values()))
    }
    wide = pd.DataFrame({band: summed[names].sum(axis=1, skipna=False) for band, names in bands.items()})
    if unknown_age:
        wide = _spread_unknown(wide, summed[unknown_age])
    return _long(wide, vintage)


def population_from_shares(total: pd.Series[float], shares: pd.DataFrame, *, vintage: str) -> pd.DataFrame:
    r"""Share out a total between age bands: :math:`P_{ik} = P_i \, s_{ik} / \sum_l s_{il}`.

    Shares are rounded by their producer, so they are first made to add up to one: bands add up to the total.

    Parameters
    ----------
    total : Series indexed by commune code
        Persons (hab).
    shares : DataFrame with the same index
        One column per band, named by its ages `(age_min, age_max)`, both included; shares from 0 to 1.
    vintage
        Written in the column `vintage`.

    Returns
    -------
    DataFrame
        Table `population`, communes in the order of `total`; NaN where the total or a share is unknown.

    Raises
    ------
    ParameterError
        If bands overlap, shares are outside 0 to 1 or add up to something else than 1 (2 % of tolerance: a
        table in per cent is refused), a total is negative, or a commune has no shares.

    Examples
    --------
    >>> shares = pd.DataFrame([[0.25, 0.75]], index=["83050"], columns=[(0, 24), (25, np.inf)])
    >>> population_from_shares(pd.Series({"83050": 400.0}), shares, vintage="rp2021")["population"].to_list()
    [100.0, 300.0]
    """
    ages: list[Any] = list(shares.columns)
    bands = [(float(low), float(high)) for low, high in ages]
    _check_bands(bands)
    problems = Problems("Parts par âge", ParameterError)
    absent = total.index.difference(shares.index)
    if len(absent):
        problems.add(f"{agree(len(absent), 'commune(s) sans parts')} ({examples(absent)})")
    values = shares.reindex(total.index).to_numpy(float)
    sums = values.sum(axis=1)
    outside = ((values < 0) | (values > 1)).any(axis=1)
    # a comparison with NaN is false: unknown shares stay unknown
    uneven = np.abs(sums - 1) > SHARES_TOLERANCE
    for label, wrong in (
        ("des parts hors de [0 ; 1] (en % ? divisez par 100)", outside),
        ("des parts dont la somme n'est pas 1", uneven & ~outside),
        ("un total négatif", total.to_numpy(float) < 0),
    ):
        if np.any(wrong):
            found = total.index[np.flatnonzero(wrong)]
            problems.add(f"{agree(len(found), 'commune(s) (a|ont)')} {label} ({examples(found)})")
    problems.raise_if_any()
    shared = total.to_numpy(float)[:, None] * values / sums[:, None]
    wide = pd.DataFrame(dict(zip(bands, shared.T, strict=True)), index=total.index)
    return _long(wide[sorted(bands)], vintage)


def cut_bands(population: pd.DataFrame, persons_under: pd.Series[float], *, age: float) -> pd.DataFrame:
    """Cut the band that straddles an age, from the known number of persons under that age.

    INSEE's files of communes have 0–14 and 15–29, and beside them men and women aged 0–19: cut at 20, they give
    0–14, 15–19 and 20–29 without any rule of even spread.

    Parameters
    ----------
    population : DataFrame
        Table `population` (see `persons_by_age`), bands from age 0.
    persons_under : Series indexed by commune code
        Persons (hab) younger than `age`; a commune that is absent or NaN keeps its bands.
    age
        Age (years) at which to cut: 20 for persons aged 0 to 19.

    Returns
    -------
    DataFrame
        Table `population` with one more band where one was cut; totals are unchanged.

    Raises
    ------
    ParameterError
        If the persons under the age are fewer than the bands below it, or more than these and the band that is
        cut: the two counts are not of one vintage.

    Examples
    --------
    >>> bands = pd.DataFrame(
    ...     {"commune_code": ["83050"] * 2, "age_min": [0.0, 15], "age_max": [14.0, 29], "population": [60.0, 50],
    ...      "vintage": "rp2021"}).set_index(["commune_code", "age_min", "age_max"])
    >>> cut_bands(bands, pd.Series({"83050": 85.0}), age=20)["population"].to_list()
    [60.0, 25.0, 25.0]
    """
    codes, low, high, persons = read_bands(population)
    below = pd.Series(np.where(high <= age, persons, 0.0)).groupby(codes.to_numpy()).sum(min_count=1)
    known = pd.Series(persons_under).reindex(codes).to_numpy(float)
    straddles = (low < age) & (age < high) & ~np.isnan(known)
    young = known - below.reindex(codes).to_numpy(float)
    # counts of a census are weighted: they may differ by rounding
    slack = 1e-6 * np.maximum(known, 1)
    wrong = straddles & ((young < -slack) | (young > persons + slack))
    if wrong.any():
        raise ParameterError(
            f"Moins de {age:g} ans : dans {agree(int(wrong.sum()), 'commune(s)')} ({examples(codes[wrong])}) "
            "l'effectif ne "
            "tient pas entre les tranches voisines ; les deux tables sont-elles du même millésime ?"
        )
    if not straddles.any():
        return population
    young = np.clip(young, 0, persons)
    rows = population.reset_index()
    lower = rows[straddles].assign(age_max=age - 1.0, population=young[straddles])
    upper = rows[straddles].assign(age_min=float(age), population=(persons - young)[straddles])
    # a stable sort on the position of the band keeps communes and ages in their order
    cut = pd.concat([rows[~straddles], lower, upper]).sort_index(kind="stable")
    return cut.set_index(list(LEVELS))


def _check_bands(bands: list[tuple[float, float]]) -> None:
    """Raise when bands are empty or overlap."""
    empty = [band for band in bands if not 0 <= band[0] <= band[1]]
    ordered = sorted(bands)
    overlapping = [(a, b) for a, b in pairwise(ordered) if b[0] <= a[1]]
    if not bands or empty or overlapping:
        shown = [
            f"{low:g}–{high:g}" for low, high in empty or [band for pair in overlapping for band in pair]
        ]
        raise ParameterError(
            f"Tranches d'âge vides ou qui se recouvrent ({examples(shown)}) : chaque âge est compté une fois."
        )


def _spread_unknown(wide: pd.DataFrame, unknown: pd.Series[float]) -> pd.DataFrame:
    """Spread persons of unknown age as the other persons of their commune."""
    known = wide.sum(axis=1, skipna=False)
    lost = unknown.index[(unknown > 0) & (known == 0)]
    if len(lost):
        raise ParameterError(
            f"{agree(len(lost), 'commune(s)')} où tous les habitants sont d'âge inconnu ({examples(lost)}) : "
            "retirez-les, ou "
            "donnez leurs âges."
        )
    if (unknown > 0).any():
        warnings.warn(
            f"{agree(round(unknown.sum()), 'personne(s) sans âge connu répartie(s) comme les autres')}, dans "
            f"{agree(int((unknown > 0).sum()), 'commune(s)')}.",
            TerritoryWarning,
            stacklevel=3,
        )
    factor: Floats = np.where(known > 0, (known + unknown) / known.where(known > 0), 1.0)
    return wide.mul(pd.Series(factor, index=wide.index).where(known.notna() & unknown.notna()), axis=0)


def _long(wide: pd.DataFrame, vintage: str) -> pd.DataFrame:
    """Return the table `population` from one column per band, named by its ages."""
    bands: list[Any] = list(wide.columns)
    index = pd.MultiIndex.from_arrays(
        [
            np.repeat(wide.index.to_numpy(), len(bands)),
            np.tile([float(low) for low, _ in bands], len(wide)),
            np.tile([float(high) if np.isfinite(high) else np.nan for _, high in bands], len(wide)),
        ],
        names=LEVELS,
    )
    return pd.DataFrame({"population": wide.to_numpy(float).ravel(), "vintage": vintage}, index=index)
