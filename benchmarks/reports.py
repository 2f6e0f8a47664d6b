"""Measure what is written once a study is computed: council report, files of a run, a sheet per EPCI, annex.

    python benchmarks/reports.py --runs 3 [--scenarios 8] [--roads MAP.osm.pbf]

One process; travel times, scenarios and draws are computed before the clock starts. Each figure is the median of the
runs, the first run among them: it also loads the libraries that draw.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pikepdf
from eight_scenarios import study_text

import territory
from territory import report
from territory.release import release
from territory.report.documents.epci_sheet import sheet_codes
from territory.report.documents.summary_page import summary_html
from territory.report.files.workbook import full_sheets, reader_bytes, workbook_bytes
from territory.report.reading import read
from territory.result import StudyResult

MOST_MB = 3.0
BARS_S = {"council": 4.0, "sheets": 40.0}


def documents(result: StudyResult, folder: Path) -> dict[str, Callable[[], object]]:
    """Return what writes each document."""

    def sheets() -> None:
        reading = read(result)
        for epci in sheet_codes(result):
            report.build_report(reading, folder / f"fiche-{epci}.pdf", document="sheet", epci=epci)

    def workbooks() -> None:
        tables, reading = release(result).tables, read(result)
        reader_bytes(tables, reading)
        workbook_bytes(full_sheets(tables, reading), reading)

    return {
        "council": lambda: report.build_report(read(result), folder / "rapport.pdf"),
        "annex": lambda: report.build_report(read(result), folder / "annexe.pdf", document="annex"),
        "sheets": sheets,
        "page": lambda: summary_html(read(result)),
        "workbooks": workbooks,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--scenarios", type=int, choices=(4, 8), default=4)
    parser.add_argument("--roads", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        study = folder / "etude.toml"
        embedded = resources.files("territory.datasets") / "studies" / "draguignan.toml"
        study.write_text(
            study_text() if options.scenarios == 8 else embedded.read_text("utf-8"), encoding="utf-8"
        )
        result = territory.run_study(study, roads=options.roads)
        _ = result.draws
        for what, write in documents(result, folder).items():
            seconds = []
            for _ in range(options.runs):
                began = time.perf_counter()
                write()
                seconds.append(time.perf_counter() - began)
            bar = f"(bar {BARS_S[what]:g} s)" if what in BARS_S else ""
            print(f"{what:12} {statistics.median(seconds):6.2f} s  first {seconds[0]:6.2f} s  {bar}")
        for path in sorted(folder.glob("*.pdf")):
            with pikepdf.open(path) as pdf:
                size = path.stat().st_size / 1e6
                print(
                    f"{path.name:24} {len(pdf.pages):3d} pages {size:6.2f} MB{'' if size < MOST_MB else '  OVER'}"
                )


if __name__ == "__main__":
    main()
