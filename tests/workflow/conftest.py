"""A run that the tests of several modules read."""

from __future__ import annotations

import pytest

import territory
from territory.result import StudyResult
from tests import vallon


@pytest.fixture(scope="session")
def counted(tmp_path_factory: pytest.TempPathFactory) -> StudyResult:
    """Results of the made-up territory where the IME has counted its children: 40, 4 and 25."""
    folder = tmp_path_factory.mktemp("counted")
    rows = [f"{code},{vallon.IME},{count}" for code, count in (("03901", 40), ("03906", 4), ("03902", 25))]
    (folder / "origines.csv").write_text(
        "\n".join(["commune_code,authorisation_id,children", *rows]), encoding="utf-8"
    )
    text = vallon.text().replace('id = "vallon"', 'id = "observee"', 1)
    text = text.replace("[files]\n", '[files]\nobserved_origins = "origines.csv"\n', 1)
    study = vallon.copied(folder, text)
    return territory.run_study(study)
