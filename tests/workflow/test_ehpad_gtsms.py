"""The built-in study of public EHPAD: does the Var look like the Var, and is what is inferred said to be?"""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pandas as pd
import pytest

import territory
from territory.plot import show
from territory.plot.style import to_svg
from territory.release.handed_tables import tables
from territory.report.documents.council import council_report
from territory.report.layout.document import to_data
from territory.result import StudyResult
from tests.declared import check
from tests.embedded import lent
from tests.report.worlds import undrawn
from tests.texts import plain_text

GOLDEN = Path(__file__).with_name("golden_groupings.csv")


# the two alternatives that are found in three seconds; `make slow` asks the study whole
QUICK = ("proximite", "epci")


@pytest.fixture(scope="module", params=["quick", pytest.param("whole", marks=pytest.mark.slow)])
def found(request: pytest.FixtureRequest) -> StudyResult:
    if request.param == "whole":
        return lent("ehpad-gtsms")
    study = territory.load_study("ehpad-gtsms")
    asked = tuple(question for question in study.grouping if question.id in QUICK)
    return territory.run_study(study.model_copy(update={"grouping": asked}))


@pytest.fixture(scope="module")
def handed(found: StudyResult) -> dict[str, pd.DataFrame]:
    return tables(found)


def read(handed: dict[str, pd.DataFrame], name: str) -> pd.DataFrame:
    """Read a table as its reader does, from its CSV."""
    return pd.read_csv(StringIO(handed[name].to_csv(index=False)))


def test_public_ehpad_alone_are_grouped_and_the_others_are_context(found: StudyResult) -> None:
    for answer in found.groupings.values():
        assert len(answer.members) == 20
        assert (answer.members["legal_status"] == "public").all()
        assert answer.members["status_basis"].str.contains("déduit").all()
        assert answer.context["legal_status"].value_counts().to_dict() == {
            "commercial": 54,
            "private_non_profit": 20,
            "public": 1,
        }
        assert answer.context.loc["ehpad-83069-du-ch-de-hyeres", "reason"] == "retiré par l'étude"
        # nothing open says places nor budgets: unknown, and said unknown
        assert answer.groups["budget_eur"].isna().all()
        assert answer.groups["meets_budget_threshold"].isna().all()
        assert answer.result.status == "optimal"


def test_neighbours_of_the_var_are_together(found: StudyResult) -> None:
    members = found.groupings["proximite"].members
    towns = members.groupby("group")["commune_name"].agg(set)
    assert {"Cogolin", "Grimaud", "La Croix-Valmer"} in list(towns)
    assert {"Fréjus", "Saint-Raphaël", "Puget-sur-Argens", "Seillans"} in list(towns)
    assert {"Carcès", "Cotignac", "Rians"} in list(towns)
    # Toulon is minutes away from its own hospital, Seillans more than an hour
    to_support = members.set_index("commune_name")["drive_to_support_min"]
    assert to_support["Toulon"] < 10 < 60 < to_support["Seillans"]
    epci = found.groupings["epci"].members
    assert epci.groupby("epci_code")["group"].nunique().eq(1).all()


def test_alternatives_stand_side_by_side_as_they_did(
    found: StudyResult, handed: dict[str, pd.DataFrame]
) -> None:
    table = read(handed, "groupements_comparaison")
    expected = pd.read_csv(GOLDEN)
    expected = expected[expected["alternative"].isin(list(found.groupings))].reset_index(drop=True)
    pd.testing.assert_frame_equal(table, expected, atol=0.11, check_dtype=False)
    groups = table[table["option"] == "groups"].set_index("alternative")
    # fewer groups, more road
    assert groups["n_groups"].is_monotonic_decreasing
    assert groups["mean_drive_min"].is_monotonic_increasing


def test_the_table_to_fill_in_is_french_and_supposes_nothing(
    found: StudyResult, handed: dict[str, pd.DataFrame]
) -> None:
    table = read(handed, "groupement_proximite_mutualisation")
    assert table["Service à partager"].nunique() == 9
    assert len(table) == 9 * 20
    asked = ["Partagé (oui ou non)", "Heures par an aujourd'hui", "Allers-retours par an vers l'hôte"]
    assert table[asked].isna().all(axis=None)
    assert table["Trajet vers l'hôte (min)"].notna().all()
    assert "budget_eur" not in read(handed, "groupement_proximite_membres")
    assert len(read(handed, "groupements_contexte")) == 75 * len(found.groupings)


@pytest.mark.slow
def test_the_report_builds(tmp_path: Path) -> None:
    written = territory.run_study("ehpad-gtsms", out_dir=tmp_path)
    assert written.report_dir is not None
    assert (written.report_dir / "rapport.pdf").read_bytes().startswith(b"%PDF-")


def test_the_report_says_and_draws_the_groups(found: StudyResult) -> None:
    with undrawn():
        council = to_data(council_report(found))[0]
    said = plain_text(council)
    assert "6 groupes de 3 à 5 établissements" in said.replace("\u00a0", " ")
    assert "déduit de la couleur" in said
    picture = to_svg(show(found.groupings["proximite"], outlines=found.dataset.outlines)).decode()
    assert "siège" in picture
    assert "déduit de la couleur" in picture


def test_every_column_is_declared(found: StudyResult) -> None:
    check(found)
