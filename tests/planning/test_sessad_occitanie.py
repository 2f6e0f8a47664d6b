"""The figures that `docs/method/sessad.md` prints, computed again from the real SESSAD of Occitanie."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "method" / "sessad.md"


def figure(sentence: str) -> float:
    """Return the first number of the page that follows a sentence, as a French reader sees it."""
    found = re.search(re.escape(sentence) + r"\D*?([\d  ]+(?:,\d+)?)", PAGE.read_text("utf-8"))
    assert found, sentence
    return float(re.sub(r"[\s ]", "", found[1]).replace(",", "."))


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "sessad_occitanie", ROOT / "benchmarks" / "sessad_occitanie.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # dataclasses look their module up
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_the_page_prints_what_occitanie_gives(shared_data: Path, script: ModuleType) -> None:
    region = script.read_region(shared_data)
    minutes = script.closest(region)
    assert (len(region.communes), len(region.sites)) == (4_453, figure("SESSAD de l'extrait :"))
    assert region.children.sum() == pytest.approx(figure("Moins de 20 ans :"), abs=60)
    mean = float(np.average(minutes["minutes"], weights=minutes["children"]))
    assert mean == pytest.approx(figure("Route moyenne vers le plus proche :"), abs=0.06)
    within = script.shares(minutes, 30.0)
    assert 100 * within["central"] == pytest.approx(figure("À 30 min ou moins d'un SESSAD :"), abs=0.06)
    assert within["low"] < within["central"] < within["high"]
    far = minutes["minutes"] > 30
    assert far.sum() == figure("Communes à plus de 30 min :")
    hours = script.hours_per_week(mean)
    assert hours[10] == pytest.approx(figure("Dix allers-retours par semaine :"), abs=0.06)
    assert hours[10] == pytest.approx(20 * mean / 60)
    # Lozère, Gers and Aveyron are the far ones
    lost = minutes["children"].where(far, 0).groupby(region.communes["departement_code"]).sum()
    share = lost / minutes["children"].groupby(region.communes["departement_code"]).sum()
    assert set(share.nlargest(3).index) == {"48", "32", "12"}
    places = script.new_places(region, minutes, (5,), is_whole=False)
    assert places.loc[5, "status"] == "optimal"
    assert 100 * float(places.loc[5, "within_30_share"]) == pytest.approx(
        figure("Cinq lieux de plus :"), abs=0.06
    )
    assert float(places.loc[5, "mean_min"]) < mean
