"""What goes with the council report in the same folder: the summary page and the workbook."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from territory.report.documents.summary_page import summary_html
from territory.report.files.workbook import workbook_bytes
from territory.report.reading.run_reading import Reading, read
from territory.result import StudyResult

if TYPE_CHECKING:
    import pandas as pd

SUMMARY, WORKBOOK = "resume.html", "tables.xlsx"


def write_companions(result: StudyResult | Reading, tables: Mapping[str, pd.DataFrame], folder: Path) -> None:
    """Write the summary page and the workbook of a study."""
    reading = read(result)
    (folder / SUMMARY).write_text(summary_html(reading), encoding="utf-8", newline="\n")
    (folder / WORKBOOK).write_bytes(workbook_bytes(tables, reading))
