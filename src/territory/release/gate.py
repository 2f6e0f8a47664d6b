"""What of a study may be printed: everything that a document, a table or a picture reads comes out of here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import geopandas as gpd
import numpy as np
import pandas as pd

from territory import supply
from territory.needs import persons_by_age
        names = [str(name)[8:] for name in zones.columns if str(name).startswith("persons_")]
        withheld = pd.DataFrame(False, index=zones.index, columns=[*names, "mean"])
        if flags is not None:
            withheld = flags.reindex(index=zones.index, columns=withheld.columns).fillna(True).astype(bool)
        of_flag = {f"persons_{name}": name for name in names}
        of_flag |= {str(name): "mean" for name in zones.filter(regex="_(mean|p90)_min$|^is_mean")}
        shown = {column: zones[column].mask(withheld[flag]) for column, flag in of_flag.items()}
        return ZoneCounts(zones.assign(**shown), withheld, flags is not None, merged)

    def communes_table(self, scenario_id: str) -> pd.DataFrame:
        """Return the comparison by commune, persons as texts."""
        with printing(self.edition):
            return publish_communes(self._result, scenario_id)

    def zones_table(self, scenario_id: str) -> pd.DataFrame:
        """Return the comparison by zone, persons as texts."""
        with printing(self.edition):
            return publish_zones(self._result, scenario_id)

    def trips_table(self, scenario_id: str) -> pd.DataFrame:
        """Return the year's road by zone."""
        return self._trips[scenario_id]

    @cached_property
    def _trips(self) -> dict[str, pd.DataFrame]:
        """The year's road by zone in each scenario, which the report reads cell by cell."""
        with printing(self.edition):
            return {name: publish_trips(self._result, name) for name in self.scenarios}

    def sensitivity(self, scenario_id: str, service: str) -> pd.DataFrame:
        """Return gains and losses under other recruitment limits; no row where children served are counted."""
        rows = of_service(self._result.comparisons[scenario_id].sensitivity, service)
        return rows.iloc[:0] if self._is_secret(service) else rows

    def origins(self, service: str) -> Origins | None:
        """Return where the children served by a service come from; None when the study does not count them."""
        counted = observed_counts(self._result, service)
        if counted is None or not counted.children.sum() > 0:
            return None
        # veiled villages are listed because nobody may know which ones are 0
        children = counted.children[counted.children > 0] if self.is_internal else counted.children
        epci = self.communes["epci_code"].fillna("").astype(str).reindex(children.index)

        def told(codes: pd.Index) -> float:
            return math.nan if counted.is_withheld(codes) else float(children[codes].sum())

        with printing(self.edition):
            communes = pd.Series([told(pd.Index([code])) for code in children.index], index=children.index)
            zones = {str(zone): told(codes.index) for zone, codes in epci.groupby(epci)}
            return Origins(communes.astype(float), pd.Series(zones, dtype=float), told(children.index))

    def _is_secret(self, service: str) -> bool:
        """Tell whether what is counted for a service is withheld."""
        return self.is_observed(service) and not self.is_internal

    def _without_secrets(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return a table without the services whose children served are counted."""
        services = table.index.get_level_values("service")
        secret = [service for service in services.unique() if self._is_secret(str(service))]
        return table[~services.isin(secret)]

    # questions

    @cached_property
    def side_by_side(self) -> pd.DataFrame:
        """Every measure of every scenario beside today, but for services whose children served are counted."""
        return self._without_secrets(self._result.side_by_side)

    @cached_property
    def measures(self) -> pd.DataFrame:
        """The table `comparaison_mesures`, without the intervals that draws give."""
        with printing(self.edition):
            return handed("comparaison_mesures", released_measures(self._result))

    @cached_property
    def draws(self) -> Draws | None:
        """The study drawn within its doubt, but for services whose children served are counted."""
        draws = self._result.draws
        if draws is None or draws.comparisons.empty:
            return draws
        return replace(draws, comparisons=self._without_secrets(draws.comparisons))

    @cached_property
    def siting(self) -> dict[str, SitingAnswer]:
        """Answers to questions of siting, but those that weigh children served."""
        return {
            name: answer
            for name, answer in self._result.siting.items()
            if self.is_internal or not answer.is_observed
        }

    @cached_property
    def groupings(self) -> dict[str, GroupingAnswer]:
        """Answers to questions of grouping, without the budgets of establishments and those that tell one."""
        answers = self._result.groupings
        if self.is_internal:
            return dict(answers)
        budgets = release_budgets(answers)
        return {name: _without_budgets(answer, budgets[name]) for name, answer in answers.items()}

    @cached_property
    def are_budgets_known(self) -> bool:
        """Whether the first question of grouping has the budget of every establishment that it groups."""
        first = next(iter(self._result.groupings.values()), None)
        return first is None or bool(first.members["budget_eur"].notna().all())

    @cached_property
    def grouping_comparison(self) -> pd.DataFrame:
        """Groupings side by side; no row in a study that asks for none."""
        if not self._result.groupings:
            return pd.DataFrame()
        with printing(self.edition):
            return release_comparison(self._result.groupings)

    # what is handed over

    @cached_property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables that are handed over, by file name."""
        with printing(self.edition):
            return tables(self._result)

    @cached_property
    def layers(self) -> dict[str, gpd.GeoDataFrame]:
        """The layers of the GeoPackage."""
        with printing(self.edition):
            return layers(self._result)


def release(result: StudyResult | Release, *, edition: str = PUBLIC) -> Release:
    """Return what may be printed of the results of a study; every document and table is made from this alone.

    Parameters
    ----------
    result
        What `territory.run_study` gives; what is released already is returned as it is.
    edition : {"publique", "interne"}
        The internal edition withholds nothing, for those who are entitled to the study's own files: each page and each
        file of it says so.

    Returns
    -------
    Release

    Raises
    ------
    ParameterError
        The edition is unknown.

    Examples
    --------
    >>> import territory
    >>> territory.release.release(territory.run_study("draguignan"))
    Release('draguignan', édition publique)
    """
    if isinstance(result, Release):
        return result
    with printing(edition):
        return Release(result, edition)


def showable(found: Any) -> Any:
    """Return what a picture may show of anything: a study and what it computes as released, the rest as it is."""
    if isinstance(found, Results):
        return Situation.of(found)
    if isinstance(found, Comparison):
        return Effects.of(found)
    return release(found) if isinstance(found, StudyResult) else found


def edition_name(name: str, edition: str) -> str:
    """Return the name of a file or of a folder in an edition: the internal one is in every name."""
    if edition != INTERNAL:
        return name
    stem, dot, kind = name.rpartition(".")
    return f"{stem}-{INTERNAL}.{kind}" if dot else f"{name}-{INTERNAL}"


def _without_budgets(answer: GroupingAnswer, printed: pd.Series) -> GroupingAnswer:
    """Return a grouping whose establishments have no budget, and whose groups have those that may be printed."""
    groups = answer.groups.assign(
        budget_eur=printed,
        meets_budget_threshold=answer.groups["meets_budget_threshold"].mask(printed.isna()),
    )
    if answer.grouping.size == "budget":
        groups = groups.drop(columns=["size", "size_ratio"], errors="ignore")
    members = gpd.GeoDataFrame(answer.members.assign(budget_eur=np.nan))
    return replace(answer, groups=groups, members=members)
