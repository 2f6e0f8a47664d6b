from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from territory.errors import ParameterError, TerritoryWarning
from territory.sources.producers.finess.extracts import (
    CATEGORIES,
    FILE_ACTIVE_SERVICES,
    SESSAD_TYPE_CATEGORIES,
    Category,
)
from territory.supply.equipment import ACTIVITIES, classify_equipment
from territory.tables.declare import CAPACITY_UNITS, CODES


def classify(*pairs: tuple[str | None, str | None], **options: object) -> pd.DataFrame:
    frame = pd.DataFrame(pairs, columns=["category", "activity"], dtype="str")
    return classify_equipment(frame["category"], frame["activity"], **options)


def test_what_is_said_fits_the_table_of_services() -> None:
    assert {a.reception_mode for a in ACTIVITIES.values()} - {None} == set(CODES["reception_modes"])
    assert {c.capacity_unit for c in CATEGORIES.values()} - {None} <= set(CAPACITY_UNITS)
    assert {
        c.service for c in CATEGORIES.values() if c.capacity_unit == "file_active"
    } <= FILE_ACTIVE_SERVICES
    assert set(CATEGORIES) >= SESSAD_TYPE_CATEGORIES
    assert sorted(SESSAD_TYPE_CATEGORIES) == ["182", "183", "186", "188", "192", "194", "195", "196", "377"]


def test_ordinary_settings_are_a_sessad_in_the_categories_of_children_alone() -> None:
    for category in CATEGORIES:
        found = classify((category, "16")).iloc[0]
        assert found["is_sessad_type"] == (category in SESSAD_TYPE_CATEGORIES), category
        assert (found["service"] == "sessad") == (category in SESSAD_TYPE_CATEGORIES), category
        assert found["reception_mode"] == "milieu_ordinaire"
        assert found["delivered_at_home"]
    assert {"189", "190", "354", "446", "460"}.isdisjoint(SESSAD_TYPE_CATEGORIES)


def test_every_mode_is_a_class_of_its_own() -> None:
    found = classify(("183", "43"), ("183", "46"), ("183", "48"), ("183", "11"), ("183", "13"))
    assert found["reception_mode"].to_list() == ["tous_modes"] * 3 + ["internat", "semi_internat"]
    assert found["service"].unique().tolist() == ["ime"]


def test_file_active_is_never_places() -> None:
    found = classify(("189", "47"), ("190", "19"), ("156", None), ("183", "13"))
    assert found["capacity_unit"].to_list() == ["file_active"] * 3 + ["places"]
    assert found["reception_mode"].to_list() == ["ambulatoire"] * 3 + ["semi_internat"]


def test_temporary_reception_is_a_service_apart() -> None:
    found = classify(("183", "44"), ("500", "40"))
    assert found["service"].to_list() == ["ime_temporaire", "ehpad_temporaire"]


def test_a_day_place_of_a_sessad_is_at_its_site() -> None:
    assert classify(("182", "16"), ("182", "21"), ("182", None))["delivered_at_home"].to_list() == [
        True,
        False,
        True,
    ]


@pytest.mark.parametrize(
    "label",
    [
        "16",
        "Prestation en milieu ordinaire",
        "PRESTATION EN MILIEU ORDINAIRE",
        "Prestations sur le lieu de vie (non compris placement familial)",
    ],
)
def test_codes_and_labels_of_all_extracts_are_the_same(label: str) -> None:
    assert classify(("183", label))["service"].to_list() == ["sessad"]


def test_a_lost_zero_is_found() -> None:
    assert (
        classify(("101", "7"), categories={"101": Category("hopital", None)})["reception_mode"][0]
        == "ambulatoire"
    )


def test_an_activity_without_mode_is_counted_in_a_warning() -> None:
    with pytest.warns(TerritoryWarning, match=r"2 lignes.*Placement Famille d'Accueil, Télépathie"):
        found = classify(
            ("183", "Placement Famille d'Accueil"), ("183", "Télépathie"), ("183", None), ("999", "?")
        )
    assert found["reception_mode"].isna().all()
    assert found["service"].isna().to_list() == [False] * 3 + [True]


def test_a_category_of_ones_own() -> None:
    found = classify(("177", "11"), categories={**CATEGORIES, "177": Category("mecs")})
    assert found["service"].to_list() == ["mecs"]


def test_two_indexes_are_refused() -> None:
    with pytest.raises(ParameterError, match="index"):
        classify_equipment(pd.Series(["183"]), pd.Series(["13"], index=[4]))


def test_order_and_index_are_kept() -> None:
    found = classify_equipment(pd.Series(["183", "500"], index=[7, 3]), pd.Series(["13", "11"], index=[7, 3]))
    assert list(found.index) == [7, 3]
    assert found["service"].to_list() == ["ime", "ehpad"]


@pytest.mark.filterwarnings("ignore:FINESS.*75 lignes:territory.errors.TerritoryWarning")
def test_occitanie_2026(shared_data: Path) -> None:
    table = pd.read_csv(shared_data / "care_sites" / "finess_occitanie_2026.csv", dtype=str)
    found = classify_equipment(table["categetab"], table["libta_equipement"])
    at_home = found["reception_mode"] == "milieu_ordinaire"
    assert at_home.sum() == 2204
    by_category = table.loc[at_home, "categetab"].value_counts()
    expected = {"460": 1039, "354": 330, "446": 102, "177": 100, "182": 292, "183": 38, "186": 13}
    assert by_category[list(expected)].to_dict() == expected
    sessad = table.loc[found["is_sessad_type"], "categetab"].value_counts().to_dict()
    # nine lines more in the categories of sensory and motor deficiency, and in the experimental one
    assert sessad == {"182": 292, "183": 38, "186": 13, "194": 4, "377": 4, "192": 3, "196": 1}
    # some of the lines of category 182 are no SESSAD's
    assert ((table["categetab"] == "182") & ~found["is_sessad_type"]).sum() == 25
