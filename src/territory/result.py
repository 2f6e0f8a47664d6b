"""What a run of a study gives."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from territory.datasets.files import FilesDataset
from territory.datasets.var import VarDataset
from territory.planning.grouping.answer import GroupingAnswer
from territory.planning.siting.answer import SitingAnswer
from territory.scenario.doubt.children import LikelyChildren
from territory.scenario.doubt.draws import Draws
from territory.scenario.results import Comparison, Results
from territory.study.words.model import Study


@dataclass(frozen=True)
class NationalTables:
    """What a national study says, as `Results` does; and the equity of each measure, each person weighing the same."""

    access: pd.DataFrame
    coverage: pd.DataFrame
    edge: pd.DataFrame
    gp_access: pd.DataFrame
    deserts: pd.DataFrame
    desert_shares: pd.DataFrame
    equity: pd.DataFrame


@dataclass(frozen=True, eq=False)
class StudyResult:
    """A study, today's results, those of each scenario, and their comparison.

    `times_method` is `estimate` (crow-fly model), `roads` or `distancier`; `siting` and `groupings` hold the answer
    to each question by its id; `isochrones` what can be reached by road from each site of a named service, None
    without a road map; `without_car` the access, coverage and deserts of each situation (empty: today) without a car,
    None without a timetable; `report_dir` the files handed over, None when nothing was written. Two runs with the same
    `run_digest` (SHA-256 of the inputs, parameters and versions) give the same files.
    """

    study: Study
    dataset: VarDataset | FilesDataset
    baseline: Results
    scenarios: Mapping[str, Results]
    comparisons: Mapping[str, Comparison]
    times_method: str
    siting: Mapping[str, SitingAnswer] = field(default_factory=dict)
    groupings: Mapping[str, GroupingAnswer] = field(default_factory=dict)
    isochrones: gpd.GeoDataFrame | None = None
    without_car: Mapping[str, Results] | None = None
    manifest: Mapping[str, Any] = field(default_factory=dict)
    run_digest: str = ""
    report_dir: Path | None = None
    rounds_step: Callable[[], tuple[pd.DataFrame, ...]] | None = None

    @cached_property
    def rounds(self) -> tuple[pd.DataFrame, ...]:
        """Rounds today and after, one typical round, limits on board (see `territory.scenario.doubt.rounds`)."""
        return (pd.DataFrame(),) * 3 if self.rounds_step is None else self.rounds_step()

    @cached_property
    def draws(self) -> Draws | None:
        """The study drawn within its doubt, computed when first asked for; None when it asks for no draw."""
        from territory.scenario.doubt.draws import draw_results

        if self.study.uncertainty.draws == 0:
            return None
        results = self.baseline, self.scenarios, self.comparisons
        return draw_results(*results, seed=self.study.seed, options=self.study.uncertainty)

    @cached_property
    def children(self) -> LikelyChildren:
        """What scenarios do to the children likely served (see `territory.scenario.doubt.children`)."""
        from territory.scenario.doubt.children import likely_children

        given = (self.baseline, self.scenarios, self.comparisons)
        return likely_children(*given, seed=self.study.seed, options=self.study.uncertainty)

    @cached_property
    def side_by_side(self) -> pd.DataFrame:
        """Every scenario beside today, in one table."""
        from territory.scenario.comparison.compare import side_by_side

        return side_by_side(self.comparisons)

    @cached_property
    def reason_of(self) -> Callable[[str, str], str]:
        """Why nobody is counted for a service in a scenario (« secteur inconnu… »), empty where they are."""
        from territory.scenario.measures.places import sector_reason

        today, later = self.baseline.state, {name: one.state for name, one in self.scenarios.items()}
        known = cache(lambda service: sector_reason(today, service))
        return cache(lambda name, one: known(one) or sector_reason(later.get(name, today), one) or "")

    @cached_property
    def child_equipment(self) -> pd.DataFrame:
        """Places of each service of children beside the persons under 20 (see `territory.scenario.measures`)."""
        from territory.scenario.measures.places import child_equipment

        return child_equipment(self.baseline.state, self.dataset, self.study.data)

    @cached_property
    def account_terms(self) -> pd.DataFrame:
        """Under which terms each account of travel is counted."""
        from territory.scenario.accounts import account_terms

        return account_terms(self.baseline.state)

    @cached_property
    def waits(self) -> pd.DataFrame:
        """Waits by scenario and service, from observed counts alone."""
        from territory.scenario.accounts import waits

        today, given = self.baseline.state, self.study.waiting
        found = {name: waits(today, given, scenario=one.state) for name, one in self.scenarios.items()}
        return pd.concat(found or {"today": waits(today, given)}, names=["scenario"])

    @cached_property
    def buildings(self) -> pd.DataFrame:
        """What the building of each scenario costs in a year."""
        from territory.scenario.accounts import building_costs

        return building_costs(self.study.building, self.scenarios)

    def __repr__(self) -> str:
        written = f", written to {self.report_dir}" if self.report_dir else ""
        return f"StudyResult({self.study.id!r}, scenarios: {', '.join(self.scenarios) or 'none'}{written})"

    def _repr_html_(self) -> str:
        """Return the study's card and what each scenario changes, for Jupyter."""
        return "".join([self.study._repr_html_(), *(one._repr_html_() for one in self.comparisons.values())])
