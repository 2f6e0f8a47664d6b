"""Persons by age and persons in need: bands cut and projected, rates brought to a known total."""

import math
from typing import NamedTuple, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from territory.errors import ParameterError, Problems, SchemaError, agree, counted, examples, refuse
from territory.tables.schemas import DEMAND_KINDS

Floats: TypeAlias = NDArray[np.float64]
LEVELS = ("commune_code", "age_min", "age_max")


class Bands(NamedTuple):
    """Age bands as arrays, each [low, high[ in exact years: 0–24 ends at the 25th birthday."""

    codes: "pd.Series[str]"
    low: Floats
    high: Floats
    persons: Floats


def persons_by_age(population: pd.DataFrame, *, age_min: float, age_max: float) -> "pd.Series[float]":
    """Count the persons of an age range in each commune, whatever the age bands of the census table.

    Ages are completed years and both bounds are included: 3 to 20 means 18 years of birth. Inside a band persons
    are taken to be spread evenly over its years (docs/method/besoins.md).

    Parameters
    ----------
    population : DataFrame indexed by (commune_code, age_min, age_max), column `population` (hab)
        Disjoint bands, which may differ from one commune to the next; `age_max` NaN = no upper bound.
    age_min, age_max
        Youngest and oldest completed age (years), both included; `age_max` may be infinite.

    Returns
    -------
    Series
        Persons by commune code; NaN where a count is unknown or the bands do not cover the whole range.

    Raises
    ------
    ParameterError
        If the range is empty, or would cut a band that has no upper bound.
    SchemaError
        If two bands of a commune overlap, a band ends before it begins, or a count is negative or infinite.

    Examples
    --------
    >>> bands = pd.DataFrame({"commune_code": ["83050"], "age_min": [0], "age_max": [24], "population": [100.0]})
    >>> bands = bands.set_index(["commune_code", "age_min", "age_max"])
    >>> persons_by_age(bands, age_min=0, age_max=19).to_dict()
    {'83050': 80.0}
    """
    if not 0 <= age_min <= age_max:
        raise ParameterError(f"Tranche d'âge vide : de {age_min:g} à {age_max:g} ans.")
    codes, low, high, persons = read_bands(population)
    overlap = np.clip(np.minimum(high, age_max + 1) - np.maximum(low, age_min), 0, None)
    is_open = np.isinf(high)
    if np.any(is_open & (overlap > 0) & ((low < age_min) | math.isfinite(age_max))):
        said = "la dernière tranche de la population n'a pas de borne haute et ne peut pas être coupée"
        raise ParameterError(
            f"De {age_min:g} à {age_max:g} ans : {said} ; demandez des âges qui la laissent entière."
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
            "Population par âge : l'index (commune_code, age_min, age_max) et la colonne « population » sont attendus."
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
    order = np.lexsort((low, codes.to_numpy(str)))
    same = codes.to_numpy()[order][1:] == codes.to_numpy()[order][:-1]
    overlapping = same & (low[order][1:] < high[order][:-1])
    if overlapping.any():
        found = codes.to_numpy()[order][1:][overlapping]
        communes = f"{agree(len(set(found)), 'commune(s)')} ({examples(found)})"
        raise SchemaError(f"Population par âge : des tranches se recouvrent dans {communes}.")
    return Bands(codes, low, high, persons)


def grow_population(
    population: pd.DataFrame, *, rate_per_year: "float | pd.Series[float]", from_year: int, to_year: int
) -> pd.DataFrame:
    """Project a population by a yearly rate of growth, `P (1 + g)^n`: every age grows alike, no one grows older.

    It says what more of the same would be, not who will be there. `rate_per_year` (0.004 = 0.4 % a year) is the
    same everywhere or by commune code; NaN = unknown, and so is what it gives. An earlier `to_year` shrinks back.
    A rate that is -1 or less, infinite or absent is a `ParameterError`.
    """
    codes = read_bands(population).codes
    if isinstance(rate_per_year, pd.Series):
        absent = pd.Index(codes.unique()).difference(rate_per_year.index)
        refuse(absent, "commune(s) sans taux", of="Croissance")
        growth = rate_per_year.reindex(codes).to_numpy(float)
    else:
        growth = np.full(len(codes), float(rate_per_year))
    wrong = (growth <= -1) | np.isinf(growth)
    said, advice = "taux à -100 % par an ou moins, ou (infini|infinis)", " ; 0,4 % s'écrit 0.004."
    refuse(growth[wrong], said, of="Croissance", advice=advice)
    grown = population["population"] * (1 + growth) ** (to_year - from_year)
    return _labelled(population.assign(population=grown), to_year)


def project_population(
    population: pd.DataFrame, projected: pd.DataFrame, *, to_year: int, zones: "pd.Series[str]"
) -> pd.DataFrame:
    """Bring each age of each zone to a published projection, shared between communes as people live today.

    Bands of the census that straddle two projected bands are cut by the even spread of `persons_by_age`, so that the
    result adds up to the projection in each zone and band (docs/method/besoins.md).

    `projected` is indexed by (zone, age_min, age_max), column `population` (hab) in `to_year`; `age_max` inclusive,
    NaN = no upper bound; ages that it does not hold are left out. `zones` gives the zone of each commune: its
    département, or its own code. A commune without zone, a zone without projection or inhabitants of an age, an
    unknown count or a last band to be cut are a `ParameterError`; a table that is not what it should be, a
    `SchemaError`.
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
    cuts = {"zone": target.codes, "target": np.arange(len(target.low)), "from": target.low, "to": target.high}
    pieces = rows.merge(pd.DataFrame(cuts), on="zone").sort_values(["row", "from"], kind="stable")
    low: Floats = np.maximum(pieces["low"].to_numpy(float), pieces["from"].to_numpy(float))
    high: Floats = np.minimum(pieces["high"].to_numpy(float), pieces["to"].to_numpy(float))
    kept = low < high
    pieces, low, high = pieces[kept], low[kept], high[kept]
    is_open = np.isinf(pieces["high"].to_numpy(float))
    if np.any(is_open & ((low > pieces["low"]) | np.isfinite(high))):
        said = "la dernière tranche de la population n'a pas de borne haute et ne peut pas être coupée"
        raise ParameterError(f"Projection : {said} ; regroupez les derniers âges de la projection.")
    years: Floats = (pieces["high"] - pieces["low"]).to_numpy(float)
    share = np.where(is_open, 1.0, (high - low) / np.where(is_open, 1.0, years))
    taken = pieces["row"].to_numpy(int)
    cut = population.reset_index().iloc[taken].reset_index(drop=True)
    cut["age_min"] = low
    cut["age_max"] = np.where(np.isinf(high), math.nan, high - 1)
    cut["population"] = today.persons[taken] * share
    return cut.assign(zone=pieces["zone"].to_numpy(), target=pieces["target"].to_numpy())


def _check_present(cut: pd.DataFrame, present: "pd.Series[float]", target: Bands) -> None:
    """Raise when persons are projected where none of that age lives today, or where some are not counted."""
    problems = Problems("Projection", ParameterError)
    unknown = cut.loc[cut["population"].isna(), "commune_code"].unique()
    if len(unknown):
        problems.add(f"effectif d'aujourd'hui inconnu dans {counted(unknown, 'commune(s)')}")
    found = present.droplevel("zone").reindex(range(len(target.low))).to_numpy(float)
    empty = target.codes.isin(cut["zone"]).to_numpy() & (target.persons > 0) & ~(found > 0)
    if empty.any() and not len(unknown):
        bands = zip(target.codes[empty], target.low[empty], strict=True)
        shown = [f"{zone} dès {low:g} ans" for zone, low in bands]
        problems.add(f"personne aujourd'hui à des âges projetés ({examples(shown)})")
    problems.raise_if_any()


def _labelled(population: pd.DataFrame, year: int) -> pd.DataFrame:
    """Return the table with the year projected to written after its vintage."""
    vintage = population["vintage"].astype("str") if "vintage" in population else "population"
    return population.assign(vintage=vintage + f", projeté en {year}")


# only these kinds count persons who hold, or wait for, a place: the others never stand beside places
KINDS_COMPARABLE_WITH_PLACES = ("orientation", "waiting")
NAME = "standardised_population_hab"


def demand_from_rate(
    persons: "pd.Series[float]",
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
        raise ParameterError(f"Nature de besoin inconnue « {kind} » ; connues : {', '.join(DEMAND_KINDS)}.")
    known = [value for value in (low_per_1000, per_1000, high_per_1000) if not math.isnan(value)]
    if known != sorted(known) or not all(0 <= value <= 1000 for value in known):
        said = f"bas ({low_per_1000:g}), central ({per_1000:g}) et haut ({high_per_1000:g})"
        raise ParameterError(
            f"Taux de « {public} » : {said} doivent être compris entre 0 et 1 000 et croissants."
        )
    values = persons.to_numpy(float)
    of = f"Population de « {public} »"
    refuse(persons.index[(values < 0) | np.isinf(values)], "effectif(s) négatif(s) ou infini(s)", of=of)
    refuse(persons.index[persons.index.duplicated()].unique(), "commune(s) en double", of=of)
    index = pd.MultiIndex.from_product([persons.index, [public]], names=["commune_code", "public"])
    rates = {"demand": per_1000, "demand_low": low_per_1000, "demand_high": high_per_1000}
    demand = {name: values * rate / 1000 for name, rate in rates.items()}
    return pd.DataFrame({**demand, "kind": kind}, index=index)


def scale_to_total(counts: "pd.Series[float]", total: float) -> "pd.Series[float]":
    """Scale counts to a known total in their unit; NaN stays NaN, nothing to scale is a `ParameterError`."""
    if not (math.isfinite(total) and total >= 0):
        raise ParameterError(f"Un total connu est un nombre positif ou nul ; reçu : {total}.")
    refuse(counts.index[(counts < 0) | np.isinf(counts)], "effectif(s) négatif(s) ou infini(s)")
    present = float(counts.sum())
    if not present > 0:
        raise ParameterError(f"Rien à caler sur le total de {total:g} : les communes n'ont aucun effectif.")
    return counts * (total / present)


def standardised_population(
    population: pd.DataFrame, consumption: pd.DataFrame | None, *, reference: pd.DataFrame | float
) -> "pd.Series[float]":
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
        said = (
            "Population standardisée : il manque la table de consommation de soins par âge (colonnes age_min"
        )
        rest = "à fournir avec sa source. Sans elle, une accessibilité n'est pas une APL."
        raise ParameterError(f"{said}, age_max, acts_per_hab : actes par habitant et par an), {rest}")
    bands = _consumption_bands(consumption)
    weighted = _acts(population, bands)
    if isinstance(reference, pd.DataFrame):
        # ages of the reference are added up over all its communes
        counts = (persons_by_age(reference, age_min=low, age_max=high) for low, high, _ in bands)
        everyone = sum(count.sum(skipna=False) for count in counts)
        mean = float(_acts(reference, bands).sum() / everyone) if everyone > 0 else math.nan
    else:
        mean = float(reference)
    if not (math.isfinite(mean) and mean > 0):
        said = "Population standardisée : la consommation moyenne de référence"
        raise ParameterError(f"{said} ({mean:g} acte par habitant et par an) doit être connue et positive.")
    standardised = (weighted / mean).rename(NAME)
    standardised.attrs = {"unit": "habitants standardisés", "mean_acts_per_hab": mean}
    return standardised


def _acts(population: pd.DataFrame, bands: list[tuple[float, float, float]]) -> "pd.Series[float]":
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
