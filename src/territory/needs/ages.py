"""The population by age: tables of age bands made, cut and projected, and persons of any range of ages."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from territory.errors import ParameterError, Problems, SchemaError, agree, counted, examples, refuse, warn

Floats: TypeAlias = NDArray[np.float64]
LEVELS = ("commune_code", "age_min", "age_max")
# a producer rounds its shares: further from one than this, a share is missing or counted twice
SHARES_TOLERANCE = 0.02


class Bands(NamedTuple):
    """Age bands as arrays, each [low, high[ in exact years: 0–24 ends at the 25th birthday."""

    codes: pd.Series[str]
    low: Floats
    high: Floats
    persons: Floats


def persons_by_age(population: pd.DataFrame, *, age_min: float, age_max: float) -> pd.Series[float]:
    r"""Count the persons of an age range in each commune, whatever the age bands of the census table.

    Ages are completed years and both bounds are included: 3 to 20 means 18 years of birth. Inside a band
    persons are taken to be spread evenly over its years,

    .. math:: P_i(a, b) = \sum_k P_{ik} \, |[a, b] \cap k| / |k|

    Parameters
    ----------
    population : DataFrame indexed by (commune_code, age_min, age_max), column `population` (hab)
        Disjoint bands, single years of age included; they may differ from one commune to the next.
        `age_max` NaN = no upper bound.
    age_min, age_max
        Youngest and oldest completed age (years), both included; `age_max` may be infinite.

    Returns
    -------
    Series
        Persons, indexed by commune code in the order of the table. NaN where a count is unknown or where
        the bands of the commune do not cover the whole range.

    Raises
    ------
    ParameterError
        If the range is empty, or would cut a band that has no upper bound.
    SchemaError
        If two bands of a commune overlap, a band ends before it begins, or a count is negative or infinite.

    Examples
    --------
    >>> bands = pd.DataFrame(
    ...     {"commune_code": ["83050"] * 2, "age_min": [0, 25], "age_max": [24, np.nan], "population": [100.0, 300]}
    ... ).set_index(["commune_code", "age_min", "age_max"])
    >>> persons_by_age(bands, age_min=0, age_max=19)["83050"]
    np.float64(80.0)
    """
    if not 0 <= age_min <= age_max:
        raise ParameterError(f"Tranche d'âge vide : de {age_min:g} à {age_max:g} ans.")
    codes, low, high, persons = read_bands(population)
    overlap = np.clip(np.minimum(high, age_max + 1) - np.maximum(low, age_min), 0, None)
    is_open = np.isinf(high)
    if np.any(is_open & (overlap > 0) & ((low < age_min) | math.isfinite(age_max))):
        raise ParameterError(
            f"De {age_min:g} à {age_max:g} ans : la dernière tranche de la population n'a pas de borne haute et "
            "ne peut pas être coupée ; demandez des âges qui la laissent entière."
        )
    with np.errstate(invalid="ignore"):
        share = np.where(is_open, overlap > 0, overlap / (high - low))
    # a band that is not asked for may be unknown
    counted = np.where(overlap > 0, persons * share, 0.0)
    pieces = pd.DataFrame({"persons": counted, "years": overlap, "is_unknown": np.isnan(counted)})
    by_commune = pieces.groupby(codes.to_numpy(), sort=False).sum()
    # ages that are not whole years may add up to a hair less
    is_whole = by_commune["years"] >= age_max + 1 - age_min - 1e-9
    known: pd.Series[float] = by_commune["persons"].where(is_whole & (by_commune["is_unknown"] == 0))
    return known.rename_axis("commune_code")


def read_bands(population: pd.DataFrame) -> Bands:
    """Return the bands of a table `population` as arrays; raise on bands or counts that cannot be."""
    missing = set(LEVELS) - set(population.index.names)
    if missing or "population" not in population.columns:
        raise SchemaError(
            "Population par âge : l'index (commune_code, age_min, age_max) et la colonne « population » sont "
            "attendus."
        )
    rows = population.reset_index()
    codes = rows["commune_code"].astype("str")
    low: Floats = rows["age_min"].to_numpy(float)
    high = np.asarray(rows["age_max"].astype(float).fillna(np.inf), np.float64) + 1
    persons: Floats = rows["population"].to_numpy(float, na_value=np.nan)
    problems = Problems("Population par âge", SchemaError)
    for label, wrong in (
        ("tranche(s) dont l'âge minimal est absent ou négatif", ~(low >= 0)),
        ("tranche(s) qui (finit|finissent) avant de commencer", high <= low),
        ("effectif(s) négatif(s) ou infini(s)", (persons < 0) | np.isinf(persons)),
    ):
        problems.count(codes[wrong], label)
    problems.raise_if_any()
    _check_disjoint(codes, low, high)
    return Bands(codes, low, high, persons)


def _check_disjoint(codes: pd.Series[str], low: Floats, high: Floats) -> None:
    """Raise when two bands of one commune overlap: persons would be counted twice."""
    order = np.lexsort((low, codes.to_numpy(str)))
    same = codes.to_numpy()[order][1:] == codes.to_numpy()[order][:-1]
    overlapping = same & (low[order][1:] < high[order][:-1])
    if overlapping.any():
        found = codes.to_numpy()[order][1:][overlapping]
        communes = f"{agree(len(set(found)), 'commune(s)')} ({examples(found)})"
        raise SchemaError(f"Population par âge : des tranches se recouvrent dans {communes}.")


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
    refuse(absent, "colonne(s) absente(s)", SchemaError, of="Population par âge")
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
    problems.count(absent, "commune(s) sans parts")
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
        problems.count(total.index[np.flatnonzero(wrong)], f"commune(s) (a|ont) {label}")
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
        said = "l'effectif ne tient pas entre les tranches voisines ; les deux tables sont-elles du même millésime ?"
        raise ParameterError(f"Moins de {age:g} ans : dans {counted(codes[wrong], 'commune(s)')} {said}")
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
    said = "commune(s) où tous les habitants sont d'âge inconnu"
    refuse(lost, said, advice=" : retirez-les, ou donnez leurs âges.")
    if (unknown > 0).any():
        persons = agree(round(unknown.sum()), "personne(s) sans âge connu répartie(s) comme les autres")
        communes = agree(int((unknown > 0).sum()), "commune(s)")
        warn(f"{persons}, dans {communes}.")
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


def grow_population(
    population: pd.DataFrame,
    *,
    rate_per_year: float | pd.Series[float],
    from_year: int,
    to_year: int,
) -> pd.DataFrame:
    r"""Project a population by a yearly rate of growth: :math:`P_{ik}' = P_{ik} (1 + g_i)^n`.

    Every age grows alike: no one grows older. It says what more of the same would be, not who will be there.

    Parameters
    ----------
    population : DataFrame
        Table `population` (see `persons_by_age`).
    rate_per_year
        Growth per year (0.004 = 0.4 % a year), the same everywhere or by commune code; NaN = unknown.
    from_year, to_year
        Year of the counts and year projected to; an earlier year shrinks back.

    Returns
    -------
    DataFrame
        The table, its `vintage` followed by the year projected to; NaN where the rate is unknown.

    Raises
    ------
    ParameterError
        If a rate is -1 or less or infinite, or a commune has none.

    Examples
    --------
    >>> bands = pd.DataFrame(
    ...     {"commune_code": ["83050"], "age_min": [0], "age_max": [19], "population": [1000.0], "vintage": "rp2021"}
    ... ).set_index(["commune_code", "age_min", "age_max"])
    >>> later = grow_population(bands, rate_per_year=0.1, from_year=2021, to_year=2023)
    >>> float(later["population"].iloc[0].round(6)), later["vintage"].iloc[0]
    (1210.0, 'rp2021, projeté en 2023')
    """
    codes = read_bands(population).codes
    if isinstance(rate_per_year, pd.Series):
        absent = pd.Index(codes.unique()).difference(rate_per_year.index)
        refuse(absent, "commune(s) sans taux", of="Croissance")
        growth = rate_per_year.reindex(codes).to_numpy(float)
    else:
        growth = np.full(len(codes), float(rate_per_year))
    wrong = (growth <= -1) | np.isinf(growth)
    if wrong.any():
        raise ParameterError(
            f"Croissance : {int(wrong.sum())} taux à -100 % par an ou moins, ou infinis "
            f"({examples(growth[wrong])}) ; 0,4 % s'écrit 0.004."
        )
    return _labelled(
        population.assign(population=population["population"] * (1 + growth) ** (to_year - from_year)),
        to_year,
    )


def project_population(
    population: pd.DataFrame,
    projected: pd.DataFrame,
    *,
    to_year: int,
    zones: pd.Series[str],
) -> pd.DataFrame:
    r"""Bring each age of each zone to a published projection, shared between communes as people live today.

    .. math:: P_{ia}' = P_{ia} \, T_{zb} / \sum_{j \in z} P_{jb}, \quad a \in b, \; i \in z

    Bands of the census that straddle two projected bands are cut by the even spread of `persons_by_age`, so that
    the result adds up to the projection in each zone and band.

    Parameters
    ----------
    population : DataFrame
        Table `population`: today's persons by commune and age.
    projected : DataFrame indexed by (zone, age_min, age_max), column `population` (hab)
        Persons in the year `to_year`; `age_max` inclusive, NaN = no upper bound. Ages that it does not hold are
        not returned.
    to_year
        Year of the projection, written after the vintage.
    zones : Series indexed by commune code
        Zone of each commune: its département, say. With the commune's own code as zone, the table gives the
        projection of each commune.

    Returns
    -------
    DataFrame
        Table `population` with bands cut at the bounds of the projection; NaN where today's count is unknown.

    Raises
    ------
    ParameterError
        If a commune has no zone, a zone has no projection or no inhabitants of an age to be projected, a count
        of its communes is unknown, or the last band would have to be cut.
    SchemaError
        If either table is not what its description says.

    Examples
    --------
    >>> ages = ["commune_code", "age_min", "age_max"]
    >>> today = pd.DataFrame(
    ...     {"commune_code": ["83050", "83121"], "age_min": [0, 0], "age_max": [19, 19], "population": [60.0, 40.0],
    ...      "vintage": "rp2021"}).set_index(ages)
    >>> later = pd.DataFrame({"zone": ["83"], "age_min": [0], "age_max": [19], "population": [110.0]})
    >>> zones = pd.Series({"83050": "83", "83121": "83"})
    >>> project_population(today, later.set_index(["zone", *ages[1:]]), to_year=2040, zones=zones)[
    ...     "population"].to_list()
    [66.0, 44.0]
    """
    if list(projected.index.names) != ["zone", "age_min", "age_max"]:
        raise SchemaError("Projection : l'index (zone, age_min, age_max) est attendu.")
    today = read_bands(population)
    target = read_bands(projected.rename_axis(list(LEVELS)))
    zone_of = pd.Series(zones).reindex(today.codes).astype("str")
    problems = Problems("Projection", ParameterError)
    outside = pd.Index(today.codes.to_numpy()[zone_of.isna().to_numpy()]).unique()
    problems.count(outside, "commune(s) sans zone")
    absent = pd.Index(zone_of.dropna().unique()).difference(pd.Index(target.codes))
    problems.count(absent, "zone(s) sans projection")
    unknown = target.codes[np.isnan(target.persons)].unique()
    if len(unknown):
        problems.add(f"effectif projeté inconnu dans {counted(unknown, 'zone(s)')}")
    problems.raise_if_any()
    cut = _cut_at(population, today, zone_of.to_numpy(str), target)
    present = cut.groupby(["zone", "target"], sort=False)["population"].sum(min_count=1)
    _check_present(cut, present, target)
    wanted = pd.Series(target.persons).reindex(cut["target"]).to_numpy(float)
    living = present.reindex(pd.MultiIndex.from_frame(cut[["zone", "target"]])).to_numpy(float)
    # nobody stays nobody where nobody is projected
    factor = np.divide(wanted, living, out=np.zeros(len(cut)), where=living > 0)
    cut["population"] = cut["population"].to_numpy(float) * factor
    return _labelled(cut.drop(columns=["zone", "target"]).set_index(list(LEVELS)), to_year)


def _cut_at(population: pd.DataFrame, today: Bands, zone: np.ndarray, target: Bands) -> pd.DataFrame:
    """Return today's bands cut at the bounds of the projected ones, each with the projected band it is in."""
    rows = pd.DataFrame({"row": np.arange(len(zone)), "zone": zone, "low": today.low, "high": today.high})
    bands = pd.DataFrame(
        {"zone": target.codes, "target": np.arange(len(target.low)), "from": target.low, "to": target.high}
    )
    pieces = rows.merge(bands, on="zone").sort_values(["row", "from"], kind="stable")
    low: Floats = np.maximum(pieces["low"].to_numpy(float), pieces["from"].to_numpy(float))
    high: Floats = np.minimum(pieces["high"].to_numpy(float), pieces["to"].to_numpy(float))
    kept = low < high
    pieces, low, high = pieces[kept], low[kept], high[kept]
    is_open = np.isinf(pieces["high"].to_numpy(float))
    if np.any(is_open & ((low > pieces["low"]) | np.isfinite(high))):
        raise ParameterError(
            "Projection : la dernière tranche de la population n'a pas de borne haute et ne peut pas être coupée ; "
            "regroupez les derniers âges de la projection."
        )
    years: Floats = (pieces["high"] - pieces["low"]).to_numpy(float)
    share = np.where(is_open, 1.0, (high - low) / np.where(is_open, 1.0, years))
    taken = pieces["row"].to_numpy(int)
    cut = population.reset_index().iloc[taken].reset_index(drop=True)
    cut["age_min"] = low
    cut["age_max"] = np.where(np.isinf(high), math.nan, high - 1)
    cut["population"] = today.persons[taken] * share
    return cut.assign(zone=pieces["zone"].to_numpy(), target=pieces["target"].to_numpy())


def _check_present(cut: pd.DataFrame, present: pd.Series[float], target: Bands) -> None:
    """Raise when persons are projected where none of that age lives today, or where some are not counted."""
    problems = Problems("Projection", ParameterError)
    unknown = cut.loc[cut["population"].isna(), "commune_code"].unique()
    if len(unknown):
        problems.add(f"effectif d'aujourd'hui inconnu dans {counted(unknown, 'commune(s)')}")
    found = present.droplevel("zone").reindex(range(len(target.low))).to_numpy(float)
    used = target.codes.isin(cut["zone"]).to_numpy()
    empty = used & (target.persons > 0) & ~(found > 0)
    if empty.any() and not len(unknown):
        shown = [
            f"{zone} dès {low:g} ans"
            for zone, low in zip(target.codes[empty], target.low[empty], strict=True)
        ]
        problems.add(f"personne aujourd'hui à des âges projetés ({examples(shown)})")
    problems.raise_if_any()


def _labelled(population: pd.DataFrame, year: int) -> pd.DataFrame:
    """Return the table with the year projected to written after its vintage."""
    vintage = population["vintage"].astype("str") if "vintage" in population else "population"
    return population.assign(vintage=vintage + f", projeté en {year}")
