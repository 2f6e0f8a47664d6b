"""Commune codes."""

from __future__ import annotations

import pytest

from territory.errors import UnknownCodeError
from territory.geography import commune_of_arrondissement
from territory.geography.communes import departement_of


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
