"""What a run of a study gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from territory.datasets.files import FilesDataset
    from territory.datasets.var import VarDataset
    from territory.scenario.results import Comparison, Results
    from territory.study.model import Study


@dataclass(frozen=True)
class StudyResult:
    """A study, today's results, those of each scenario, and their comparison.

    Attributes
    ----------
    times_method
        `estimate` (crow-fly model), `roads` or `distancier`.
    run_digest
        SHA-256 of the inputs, parameters and versions: two runs with the same digest give the same files.
    report_dir
        Folder of the files handed over, None when nothing was written.
    """

    study: Study
    dataset: VarDataset | FilesDataset
    baseline: Results
    scenarios: Mapping[str, Results]
    comparisons: Mapping[str, Comparison]
    times_method: str
    manifest: Mapping[str, Any] = field(default_factory=dict)
    run_digest: str = ""
    report_dir: Path | None = None

    def __repr__(self) -> str:
        """Return the study, its scenarios and where the files are."""
        written = f", written to {self.report_dir}" if self.report_dir else ""
        return f"StudyResult({self.study.id!r}, scenarios: {', '.join(self.scenarios) or 'none'}{written})"

    def _repr_html_(self) -> str:
        """Return the study's card for Jupyter."""
        return self.study._repr_html_()
