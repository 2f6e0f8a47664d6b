"""A state in the making: what changes work on, what those of speeds and of population do, and the needs that follow."""

from collections.abc import Iterable
from functools import singledispatch
from typing import Any

import numpy as np
import pandas as pd

from territory import needs
from territory.errors import ParameterError, Problems, TerritoryError, examples, warn
from territory.scenario.zones import no_rows
from territory.study.own_tables import kinds
from territory.study.state import Parameters, Rate, State
from territory.study.words.changes import ChangePopulation, ChangeSpeeds, NewPersons
from territory.study.words.model import Need

_ADDED = ("holder", "run_by", "serves", "capacity_scope")


class Draft:
    """The tables that the changes of a scenario work on, services in flat rows, and the problems they meet."""

    def __init__(self, today: State, problems: Problems) -> None:
        self.today, self.problems = today, problems
        rows = today.services.reset_index()
        rows["label"] = rows["service"].astype("str")
        rows["service"] = kinds(pd.Index(rows["label"]))
        for name in _ADDED:
            if name not in rows:
                rows[name] = pd.array([None] * len(rows), dtype="str")
        self.rows, self.population = rows.assign(is_touched=False), today.population
        self.travel_times, self.site_times = today.travel_times, today.site_times

    def report_unknown(self, what: str, asked: Iterable[str], known: Iterable[Any]) -> None:
        """Report ids that no table holds."""
        unknown = sorted(set(asked) - set(known))
        if unknown:
            self.problems.add(f"{what} sans ligne dans les données : {examples(unknown)}")

    def report_unheld(self, authorisations: Iterable[str]) -> None:
        """Report authorisations without a row."""
        self.report_unknown("autorisations", authorisations, self.rows["authorisation_id"])

    def report_nowhere(self, site_id: str) -> None:
        """Report a site that is not in the table of sites."""
        self.report_unknown("sites", [site_id], self.today.sites.index)


@singledispatch
def carry_out(change: Any, draft: Draft) -> None:
    """Make one change in a draft, or report why it cannot be made; each kind registers how."""
    raise TypeError(f"nobody carries out {change!r}")


def close_rows(rows: pd.DataFrame, services: pd.DataFrame) -> pd.DataFrame:
    """Return the rows as services in today's order, then new ones by id; a second authorisation keeps a mark."""
    rows = rows.assign(place=rows.index)
    today = rows["place"] < len(services)
    new = rows[~today].sort_values(["site_id", "service", "authorisation_id"], kind="stable")
    rows = pd.concat([rows[today].sort_values("place"), new])
    kept = rows[~rows["is_touched"]]
    names = dict(zip(kept["place"], kept["label"], strict=True))
    taken = set(zip(kept["site_id"], kept["label"], strict=True))
    touched = rows[rows["is_touched"]].sort_values(["authorisation_id", "service"], kind="stable")
    for row in touched[["place", "site_id", "service", "authorisation_id"]].to_numpy().tolist():
        place, site, label, authorisation = row
        if (site, label) in taken:
            label = f"{label}@{authorisation}"
        taken.add((site, label))
        names[place] = label
    table = rows.assign(service=rows["place"].map(names).astype("str"))
    table = table.drop(columns=["label", "is_touched", "place"])
    for column in _ADDED:
        if column not in services and table[column].isna().all():
            table = table.drop(columns=column)
    table = table.astype({key: kind for key, kind in services.dtypes.items() if key in table})
    return table.set_index(["site_id", "service"])


@carry_out.register
def _change_speeds(change: ChangeSpeeds, draft: Draft) -> None:
    """Put other travel times in the place of today's: another table of speeds, a factor, or given times."""
    both = (draft.travel_times, draft.site_times)
    communes = pd.Series(draft.today.communes.index, index=draft.today.communes.index)
    commune_of = pd.concat([communes, draft.today.sites["commune_code"]])
    if change.roads_key:
        weighted = draft.today.tables.road_times.get(change.roads_key)
        if weighted is None:
            draft.problems.add(
                "period, speeds_file et les routes nommées changent une carte routière : ces temps ne viennent pas "
                "d'une carte (donnez --roads, ou time_factor, ou times_file)"
            )
            return
        both = weighted
    elif change.time_factor is not None:
        draft.report_unknown("communes", change.communes, communes.index)
        codes = set(change.communes) or set(commune_of)
        if change.box is not None:
            west, south, east, north = change.box
            points = draft.today.communes.geometry.to_crs(4326)
            near = points.x.between(west, east) & points.y.between(south, north)
            codes = set(draft.today.communes.index[near])
            if not codes:
                draft.problems.add(
                    f"aucune commune de l'étude dans box={list(change.box)} (ouest, sud, est, nord)"
                )
        # the places, communes and sites, that the factor is about
        inside = set(commune_of.index[commune_of.isin(codes)])
        both = (_slowed(both[0], change, inside), _slowed(both[1], change, inside))
    else:
        given = draft.today.tables.files.get(str(change.times_file))
        if given is None:
            draft.problems.add(f"table des temps « {change.times_file} » non lue")
            return
        both = (_given(both[0], given, commune_of), _given(both[1], given, commune_of))
    draft.travel_times, draft.site_times = both


@carry_out.register
def _change_population(change: ChangePopulation, draft: Draft) -> None:
    """Bring in other inhabitants: a table, a growth, or persons who arrive."""
    try:
        if change.population_file:
            draft.population = _projected(change, draft)
        elif change.growth_per_year is not None:
            codes = draft.population.index.get_level_values("commune_code").unique()
            # every commune is in the table of rates: those that are not named do not grow
            rates = pd.Series(change.growth_per_year, index=codes, dtype=float)
            draft.report_unknown("communes", change.communes, codes)
            if change.communes:
                rates[~rates.index.isin(change.communes)] = 0.0
            draft.population = needs.grow_population(
                draft.population,
                rate_per_year=rates,
                from_year=int(change.from_year or 0),
                to_year=int(change.to_year or 0),
            )
        else:
            for arriving in change.persons:
                draft.population = _with_persons(draft.population, change.communes[0], arriving)
    except TerritoryError as error:
        draft.problems.add(str(error))


def in_order(population: pd.DataFrame, today: pd.DataFrame) -> pd.DataFrame:
    """Return the population with its communes in today's order, each from the youngest to the oldest."""
    codes = today.index.get_level_values("commune_code").unique()
    rank = codes.get_indexer(population.index.get_level_values("commune_code"))
    return pd.DataFrame(population.iloc[np.lexsort((population.index.get_level_values("age_min"), rank))])


def _slowed(times: pd.DataFrame, change: ChangeSpeeds, inside: set[str]) -> pd.DataFrame:
    """Multiply the times of pairs with an end in the area; those over the cutoff leave; a factor under 1 lowers it."""
    factor = float(change.time_factor or 1.0)
    concerned = times["from_id"].isin(inside) | times["to_id"].isin(inside)
    minutes = times["travel_time_min"]
    slowed = times.assign(travel_time_min=minutes.where(~concerned, minutes * factor))
    if "uncertainty_min" in slowed:
        # a trip that is made faster on paper is not better known
        doubt = slowed["uncertainty_min"]
        slowed["uncertainty_min"] = doubt.where(~concerned, doubt * max(1.0, factor))
    cutoff = float(times.attrs.get("cutoff_min", np.nan)) * min(1.0, factor)
    slowed = slowed[~slowed["travel_time_min"].gt(cutoff)].reset_index(drop=True)
    slowed.attrs = {**times.attrs, "cutoff_min": cutoff}
    return slowed


def _given(times: pd.DataFrame, given: pd.DataFrame, commune_of: pd.Series) -> pd.DataFrame:
    """Replace the times of the pairs of communes that a table names, adding those that were over the cutoff."""
    cutoff = float(times.attrs.get("cutoff_min", np.nan))
    named = given.set_index(["from_commune", "to_commune"])["travel_time_min"]
    origins = pd.Index(times["from_id"].astype("str").unique())
    ends = pd.Index(times["to_id"].astype("str").unique())
    here = named.index.to_frame(index=False)
    new = here.merge(_places(origins, commune_of, "from"), on="from_commune")
    new = new.merge(_places(ends, commune_of, "to"), on="to_commune")
    keys = pd.MultiIndex.from_frame(new[["from_commune", "to_commune"]])
    new = new[["from_id", "to_id"]].assign(travel_time_min=named.reindex(keys).to_numpy(float))
    plain = times.astype({"from_id": "str", "to_id": "str"})
    old = plain.set_index(["from_id", "to_id"])
    new = new.join(old.drop(columns="travel_time_min"), on=["from_id", "to_id"])
    replaced = old.index.isin(pd.MultiIndex.from_frame(new[["from_id", "to_id"]]))
    both = pd.concat([plain[~replaced], new[~new["travel_time_min"].gt(cutoff)]], ignore_index=True)
    both = both.reindex(columns=times.columns)
    both.attrs = dict(times.attrs)
    return both


def _places(ids: pd.Index, commune_of: pd.Series, side: str) -> pd.DataFrame:
    """Return ids with their commune, as columns of one side."""
    return pd.DataFrame({f"{side}_id": ids, f"{side}_commune": commune_of.reindex(ids).to_numpy()})


def _projected(change: ChangePopulation, draft: Draft) -> pd.DataFrame:
    """Bring the communes of a table to the persons that it gives; the others stay."""
    population = draft.population
    given = draft.today.tables.files.get(str(change.population_file))
    if given is None:
        draft.problems.add(f"table de population « {change.population_file} » non lue")
        return population
    target = given.rename(columns={"commune_code": "zone"}).set_index(["zone", "age_min", "age_max"])
    codes = pd.Index(given["commune_code"].unique())
    absent = codes.difference(draft.today.communes.index)
    if len(absent):
        draft.problems.add(f"table « {change.population_file} » : communes inconnues ({examples(absent)})")
        return population
    named = population.index.get_level_values("commune_code").isin(codes)
    later = needs.project_population(
        population[named],
        target,
        to_year=int(change.to_year or 0),
        zones=pd.Series(codes.to_numpy(), index=codes),
    )
    whole: pd.DataFrame = pd.concat([population[~named], later])
    return whole


def _with_persons(population: pd.DataFrame, commune: str, arriving: NewPersons) -> pd.DataFrame:
    """Add persons of an age range to a commune, its bands cut at the bounds of that range."""
    mine = population.index.get_level_values("commune_code") == commune
    rows = population[mine].reset_index().astype({"population": float})
    if rows.empty:
        raise ParameterError(f"commune inconnue « {commune} » dans la population")
    first, last = arriving.age_min, arriving.age_max + 1
    for bound in (first, last):
        rows = _cut(rows, float(bound))
    low = rows["age_min"].to_numpy(float)
    high = rows["age_max"].to_numpy(float) + 1
    # the last band has no upper bound: whoever is above its lower one is in it
    high = np.where(np.isnan(high), np.maximum(last, low), high)
    years: np.ndarray = np.clip(np.minimum(high, last) - np.maximum(low, first), 0, None)
    if not np.isclose(years.sum(), last - first):
        said = (
            f"des arrivées de {first:g} à {last - 1:g} ans ne tiennent pas dans les tranches de « {commune} »"
        )
        raise ParameterError(
            f"{said}, de {low.min():g} à {high.max() - 1:g} ans : donnez des âges qui y tiennent"
        )
    rows["population"] += arriving.persons * years / (last - first)
    return pd.concat([population[~mine], rows.set_index(population.index.names)])


def _cut(rows: pd.DataFrame, bound: float) -> pd.DataFrame:
    """Cut the band of a commune that a bound falls into, its persons spread evenly; the last one stays whole."""
    crosses = (rows["age_min"] < bound) & (rows["age_max"] + 1 > bound)
    if not crosses.any():
        return rows
    band = rows[crosses].iloc[0]
    share = (bound - band["age_min"]) / (band["age_max"] + 1 - band["age_min"])
    young = band.to_dict() | {"age_max": bound - 1, "population": band["population"] * share}
    old = band.to_dict() | {"age_min": bound, "population": band["population"] * (1 - share)}
    pieces = pd.DataFrame([young, old]).astype(rows.dtypes.drop("population").to_dict())
    place = int(np.flatnonzero(crosses)[0])
    return pd.concat([rows.iloc[:place], pieces, rows.iloc[place + 1 :]])


def demand_of(population: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    """Count the persons in need of the territory (table `demand`): the rates are the study's, whatever the census."""
    blocks = [_demand(rate, population, parameters) for rate in parameters.rates]
    numbers = ("demand", "demand_low", "demand_high")
    return pd.concat(blocks) if blocks else no_rows(["commune_code", "public"], numbers, ["kind"])


def rate_of(need: Need, reference: pd.DataFrame, parameters: Parameters) -> Rate:
    """Return a need with the factor that brings it to its known total in the census of its year; another keeps it."""
    if need.known_total is None:
        return Rate(need)
    rated = _demand(Rate(need), reference, parameters)
    # a rate without a range has nothing that its total could be out of
    low, high = (float(rated[name].sum(skipna=False)) for name in ("demand_low", "demand_high"))
    if need.known_total < low or need.known_total > high:
        warn(
            f"Besoin « {need.public} » : le total observé ({need.known_total:g}) sort de ce que donnent les taux "
            f"({low:.0f} à {high:.0f}) : la fourchette est étendue jusqu'à lui. Vérifiez âges, taux et année."
        )
    scaled = needs.scale_to_total(rated["demand"], need.known_total)
    return Rate(need, float(scaled.sum() / rated["demand"].sum()))


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
    # a known total may lie outside what the rates give: the range then reaches it
    demand["demand_low"] = demand[["demand_low", "demand"]].min(axis=1, skipna=False)
    demand["demand_high"] = demand[["demand_high", "demand"]].max(axis=1, skipna=False)
    return demand
