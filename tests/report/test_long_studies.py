"""The longest study that a council may get: eight scenarios of eight kinds, two questions of siting, every theme."""

from __future__ import annotations

from pathlib import Path

import pikepdf
import pytest
from benchmarks.eight_scenarios import study_text

import territory
from territory import report
from territory.report.reading import read


@pytest.mark.slow
def test_eight_scenarios_keep_to_the_pages_and_the_size(tmp_path: Path) -> None:
    (tmp_path / "huit.toml").write_text(study_text(), encoding="utf-8")
    reading = read(territory.run_study(tmp_path / "huit.toml"))
    for document, least, most in (("council", 8, 14), ("annex", 15, 80)):
        path = report.build_report(reading, tmp_path / f"{document}.pdf", document=document)
        assert path.stat().st_size < 3_000_000
        with pikepdf.open(path) as opened:
            assert least <= len(opened.pages) <= most
