"""What pictures and maps show: one situation, or what a scenario changes, with no person who may not be counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import geopandas as gpd
import pandas as pd

from territory.release.observed_children import MEANS, Merged, of_service
from territory.scenario.results import Comparison, Results
from territory.scenario.trial import Outcome
from territory.study.words.model import NewSite


@dataclass(frozen=True, eq=False)
class ZoneCounts:
    """One service in one scenario by zone: numbers that are withheld are NaN, and flags say which."""

    zones: pd.DataFrame  # rows of `Comparison.zones`
    is_withheld: pd.DataFrame  # by zone: each effect, leaving and mean
    is_observed: bool  # children served are counted, not persons of the age received
    merged: Merged | None = None  # classes printed as one sum over the whole


def zone_counts(zones: pd.DataFrame, flags: pd.DataFrame | None, merged: Merged | None = None) -> ZoneCounts:
    """Take out of a comparison by zone what flags name; None for what is not of children served."""
    names = [str(name)[8:] for name in zones.columns if str(name).startswith("persons_")]
    withheld = pd.DataFrame(False, index=zones.index, columns=[*names, "mean"])
    if flags is not None:
        withheld = flags.reindex(index=zones.index, columns=withheld.columns, fill_value=True).astype(bool)
    of_flag = {f"persons_{name}": name for name in names} | {name: "mean" for name in MEANS if name in zones}
    shown = {column: zones[column].mask(withheld[flag]) for column, flag in of_flag.items()}
    return ZoneCounts(zones.assign(**shown), withheld, flags is not None, merged)


@dataclass(frozen=True, eq=False)
class Situation:
    """Today or a scenario as a map shows it: times, sites and criteria of desert, which are public."""

    communes: gpd.GeoDataFrame  # of the territory
    thresholds_min: tuple[float, ...]
    access: pd.DataFrame  # `Results.access`
    deserts: pd.DataFrame  # `Results.deserts`
    sites: gpd.GeoDataFrame
    services: pd.DataFrame

    @classmethod
    def of(cls, results: Results) -> Situation:
        """Return what may be shown of results, whatever children they count."""
        state = results.state
        inside = state.communes[state.communes.index.isin(state.parameters.territory_codes)]
        thresholds = tuple(state.parameters.thresholds_min)
        return cls(inside, thresholds, results.access, results.deserts, state.sites, state.services)


@dataclass(frozen=True, eq=False)
class Effects:
    """What a scenario changes as a map or a chart shows it."""

    scenario_id: str
    name: str
    services: tuple[str, ...]
    communes: pd.DataFrame  # `Comparison.communes`, but for persons
    by_zone: Callable[[str], ZoneCounts]  # of a service

    @classmethod
    def of(cls, comparison: Comparison, by_zone: Callable[[str], ZoneCounts] | None = None) -> Effects:
        """Return what may be shown of a comparison; by itself, nothing of a service whose children are counted."""

        def alone(service: str) -> ZoneCounts:
            rows = of_service(comparison.communes, service)
            is_observed = bool(rows["persons_kind"].eq("observed").any())
            # no flag is no permission: sums are protected with all the others of their study, or not printed
            return zone_counts(of_service(comparison.zones, service), pd.DataFrame() if is_observed else None)

        communes = comparison.communes.drop(columns="persons")
        names = (comparison.scenario_id, comparison.name, comparison.services)
        return cls(*names, communes, by_zone or alone)


@dataclass(frozen=True, eq=False)
class Tried:
    """What a trial by hand gives; persons, means and places per person are None where children are counted."""

    site: NewSite
    today: Situation
    later: Situation
    effects: Effects
    figures: pd.Series | None
    coverage: pd.DataFrame
    capacity_per_1000: tuple[float, float]

    @classmethod
    def of(cls, outcome: Outcome) -> Tried:
        """Return what may be shown of a trial: a panel protects no sum with those of the study."""
        is_observed = bool(outcome.baseline.persons["persons_kind"].eq("observed").any())
        return cls(
            outcome.site,
            Situation.of(outcome.baseline),
            Situation.of(outcome.results),
            Effects.of(outcome.comparison),
            None if is_observed else outcome.figures,
            outcome.coverage.iloc[:0] if is_observed else outcome.coverage,
            (float("nan"), float("nan")) if is_observed else outcome.capacity_per_1000,
        )
