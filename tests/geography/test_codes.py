"""Commune codes."""

from __future__ import annotations

import pytest

from territory.errors import UnknownCodeError
from territory.geography import commune_of_arrondissement
from territory.geography.communes import DEPARTEMENTS, Departement, departement_of, find_departement


@pytest.mark.parametrize(
    "code, expected", [("01001", "01"), ("2A004", "2A"), ("97411", "974"), ("98818", "988"), ("95018", "95")]
)
def test_departement_of_a_commune(code, expected):
    assert departement_of(code) == expected


@pytest.mark.parametrize("code", ["", "1001", "2C004", "830500", "83O50", "2a004"])
def test_what_is_no_code_is_refused(code):
    with pytest.raises(UnknownCodeError, match="n'est pas un code de commune"):
        departement_of(code)


def test_arrondissements_have_a_commune_and_others_are_themselves():
    expected = {
        "75101": "75056",
        "75120": "75056",
        "69389": "69123",
        "13216": "13055",
        "13217": "13217",
        "2A004": "2A004",
    }
    assert {code: commune_of_arrondissement(code) for code in expected} == expected


@pytest.mark.parametrize(
    "said, code",
    [("83", "83"), ("4", "04"), ("2a", "2A"), ("974", "974"), ("isere", "38"), ("Côte-d'Or", "21")],
)
def test_a_departement_is_found_by_its_code_and_by_its_name(said, code):
    assert find_departement(said) == code


@pytest.mark.parametrize(
    "said, hint", [("isre", "Isère \\(38\\)"), ("96", "« 96 »\\. Exemples"), ("zzzz", "»\\. Exemples")]
)
def test_an_unknown_departement_is_refused_with_the_closest_name(said, hint):
    with pytest.raises(UnknownCodeError, match=hint):
        find_departement(said)


def test_departements_are_near_when_their_boxes_are_on_both_sides():
    here = Departement("here", (5.0, 43.0, 6.0, 44.0))
    beside = {"touching": (6.0, 43.0, 7.0, 44.0), "at the margin": (6.5, 44.5, 7.0, 45.0)}
    apart = {"east": (6.7, 43.0, 7.0, 44.0), "north": (5.0, 44.7, 6.0, 45.0), "south": (5.0, 41.0, 6.0, 42.3)}
    assert {name for name, box in (beside | apart).items() if here.is_near(Departement(name, box))} == set(
        beside
    )
    assert all(
        Departement(name, box).is_near(here) == (name in beside) for name, box in (beside | apart).items()
    )
    assert {code for code, one in DEPARTEMENTS.items() if DEPARTEMENTS["83"].is_near(one)} >= {
        "04",
        "06",
        "13",
        "84",
    }
