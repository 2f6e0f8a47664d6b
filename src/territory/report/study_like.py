"""What a report reads of a run: the workflow makes it, and a report may not import the workflow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from territory.datasets.files import FilesDataset
    from territory.datasets.var import VarDataset
    from territory.scenario import Comparison, Results
    from territory.study import Study


class StudyLike(Protocol):
    """A study, today's results, those of each scenario, and their comparison."""

    @property
    def study(self) -> Study:
        """The study file."""

    @property
    def dataset(self) -> VarDataset | FilesDataset:
        """The dataset."""

    @property
    def baseline(self) -> Results:
        """Today."""

    @property
    def scenarios(self) -> Mapping[str, Results]:
        """Results of each scenario."""

    @property
    def comparisons(self) -> Mapping[str, Comparison]:
        """Comparison of each scenario with today."""

    @property
    def times_method(self) -> str:
        """How times were found."""

    @property
    def manifest(self) -> Mapping[str, Any]:
        """What the run read."""

    @property
    def run_digest(self) -> str:
        """Digest of the run."""
