from __future__ import annotations

import math

import pandas as pd
import pytest

from territory.access import recruitment_by_site, recruitment_by_zone
from territory.errors import ParameterError, SchemaError

SERVED = pd.DataFrame(
    {
        "from_id": ["A", "B", "C", "A", "C"],
        "to_id": ["T", "S", "S", "S", "U"],
        "persons": [3.0, 1.0, 4.0, 5.0, 0.0],
    }
)
COMMUNES = pd.Series({"A": "x", "B": "x", "C": "y"})
SITES = pd.Series({"S": "x", "T": "y", "U": "y"})


def test_shares_from_both_sides() -> None:
    sites = recruitment_by_site(SERVED, COMMUNES, SITES)
    assert sites["endo_recruitment_share"].iloc[:2].to_dict() == {"T": 0.0, "S": 0.6}
    assert math.isnan(sites.loc["U", "endo_recruitment_share"])
    zones = recruitment_by_zone(SERVED, COMMUNES, SITES)
    assert zones["served_in_zone_share"].to_dict() == {"x": 6 / 9, "y": 0.0}
    # the persons served at home are the same, seen from either side
    assert sites["persons_from_zone"].sum() == zones["persons_served_in_zone"].sum() == 6
    assert sites["persons"].sum() == zones["persons"].sum() == 13


def test_bad_input_is_one_clear_error() -> None:
    with pytest.raises(SchemaError, match="il manque persons"):
        recruitment_by_site(SERVED.drop(columns="persons"), COMMUNES, SITES)
    with pytest.raises(ParameterError, match=r"1 commune sans zone \(C\)"):
        recruitment_by_site(SERVED, COMMUNES.drop("C"), SITES)
    with pytest.raises(ParameterError, match=r"1 site sans zone \(S\)"):
        recruitment_by_zone(SERVED, COMMUNES, SITES.drop("S"))
    with pytest.raises(ParameterError, match="1 effectif"):
        recruitment_by_zone(SERVED.assign(persons=[math.nan, 1, 1, 1, 1]), COMMUNES, SITES)
    with pytest.raises(ParameterError, match="négative"):
        recruitment_by_zone(SERVED.assign(persons=-1.0), COMMUNES, SITES)
