"""A study on the table of times that an agency already has."""

from __future__ import annotations

from pathlib import Path

import pytest

import territory
from territory.datasets import load_dataset
from territory.errors import TerritoryWarning
from territory.result import StudyResult

# the whole study of the Var
pytestmark = pytest.mark.slow

UNKNOWN, CUT_OFF = "83139", "83044"


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> StudyResult:
    folder = tmp_path_factory.mktemp("agence")
    codes = [code for code in load_dataset("var").communes.index if code != UNKNOWN]
    centres = ("83050", "83121", "83141")
    rows = ["idSrc;idDst;duree;distance"]
    rows += [
        f"{code};{centre};{600 + 3 * number},0;{10 + number / 10:.1f}".replace(".", ",")
        for number, code in enumerate(codes)
        for centre in centres
        if code != centre and (code, centre) != (CUT_OFF, "83121")
    ]
    (folder / "distancier.csv").write_text("\n".join(rows), encoding="utf-8")
    source = Path(territory.__file__).parent / "datasets" / "studies" / "draguignan.toml"
    text = source.read_text("utf-8").replace('"hopital", "urgences", "medecin_generaliste", "ehpad"', "")
    files = '\n[files]\ndistancier = "distancier.csv"\ndistancier_unit = "s"\n'
    (folder / "etude.toml").write_text(text + files, encoding="utf-8")
    # the table names three of the candidate communes, and not Tourtour
    left_out = r"Implantation « plateforme » : .* candidats écartés"
    with (
        pytest.warns(TerritoryWarning, match=r"\d temps inconnu"),
        pytest.warns(TerritoryWarning, match="Accessibilité inconnue"),
        pytest.warns(TerritoryWarning, match=left_out),
        pytest.warns(TerritoryWarning, match="plateforme-dracenie"),
        pytest.warns(TerritoryWarning, match=rf"aucun temps depuis 1 commune sur 545 \({UNKNOWN}\)"),
    ):
        return territory.run_study(folder / "etude.toml")


def test_times_are_those_of_the_table(result: StudyResult) -> None:
    codes = [code for code in load_dataset("var").communes.index if code != UNKNOWN]
    access = result.baseline.access
    assert result.times_method == "distancier"
    expected = (600 + 3 * codes.index("83061")) / 60
    assert access.loc[("83061", "ime-salernes"), "travel_time_min"] == pytest.approx(expected)
    assert access.loc[("83061", "ime-salernes"), "uncertainty_min"] == 5.0


def test_inside_a_commune_is_never_0(result: StudyResult) -> None:
    assert result.baseline.access.loc[("83050", "cmpp-draguignan"), "travel_time_min"] > 0


def test_unknown_is_not_out_of_reach(result: StudyResult) -> None:
    reachable = result.baseline.access["is_reachable"]
    assert reachable[(UNKNOWN, "ime-salernes")] is not False
    assert reachable.isna()[(UNKNOWN, "ime-salernes")]
    assert not reachable[(CUT_OFF, "ime-salernes")]
    effects = result.comparisons["B"].communes.xs("ime-salernes", level="service")["effect"]
    assert effects[UNKNOWN] == "unknown"


def test_two_sites_of_one_commune_are_0_apart(result: StudyResult) -> None:
    zones = result.comparisons["A"].zones
    assert zones.loc[("territory", "cmpp-draguignan"), ["persons_gain", "persons_loss"]].sum() == 0


def test_a_question_of_siting_is_asked_of_the_places_of_the_table(result: StudyResult) -> None:
    ranking = result.siting["plateforme"].ranking
    assert set(ranking["commune_code"]) <= {"83050", "83121", "83141"}
    assert UNKNOWN not in result.siting["plateforme"].demand.index
