from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.access import apl, mean_by
from territory.access.catchments.floating_catchment import HEADCOUNT_NAME
from territory.access.zoning import DISCLAIMER, ZONING_PROFILES, ZoningProfile, simulate
from territory.errors import ParameterError
from tests.access import oracles

territories = st.lists(
    st.tuples(st.sampled_from([0.5, 2.5, 2.51, 3.0, 3.0, 4.0, 4.01, 6.0]), st.integers(1, 9)),
    min_size=1,
    max_size=8,
)


@given(drawn=territories, zip_quota=st.integers(0, 20), zac_quota=st.integers(0, 20), seed=st.integers(0, 9))
def test_zones_equal_the_oracle_whatever_the_order(
    drawn: list, zip_quota: int, zac_quota: int, seed: int
) -> None:
    rows = [(f"T{n}", apl, float(people)) for n, (apl, people) in enumerate(drawn)]
    table = (
        pd.DataFrame(rows, columns=["code", "apl", "people"])
        .set_index("code")
        .sample(frac=1, random_state=seed)
    )
    got = simulate(
        table["apl"], table["people"], profile="zonage_2017", zip_quota_hab=zip_quota, zac_quota_hab=zac_quota
    )
    assert list(got.index) == list(table.index)
    assert got["zone"].to_dict() == oracles.zones(rows, zip_quota, zac_quota)
    assert got["zone"].eq("ZIP (zone B)").mul(table["people"]).sum() <= zip_quota


def test_every_row_says_that_it_is_a_simulation() -> None:
    got = simulate(pd.Series({"T": 2.0}), pd.Series({"T": 10.0}), profile="zonage_2017")
    assert DISCLAIMER == "simulation sans valeur réglementaire"
    assert got["mention"].tolist() == [DISCLAIMER]
    assert got.attrs["mention"] == DISCLAIMER
    assert got["distance_to_zip_consultations_per_hab"].tolist() == [-0.5]


def test_without_quotas_the_vivier_is_left_undivided_and_unknown_stays_unknown() -> None:
    apl = pd.Series({"A": 2.5, "B": 4.0, "C": 4.0001, "D": math.nan})
    got = simulate(apl, pd.Series(10.0, index=apl.index), profile="zonage_2017")
    assert got["zone"].tolist() == ["ZIP (zone A)", "vivier (non départagé)", "hors vivier", "non calculable"]


def test_what_if_more_supply_lifts_a_territory_out() -> None:
    people = pd.Series({"A": 10.0})
    before = simulate(pd.Series({"A": 2.4}), people, profile="zonage_2017")
    after = simulate(pd.Series({"A": 2.4}) * 1.1, people, profile="zonage_2017")
    assert [before["zone"].iloc[0], after["zone"].iloc[0]] == ["ZIP (zone A)", "vivier (non départagé)"]


def test_a_later_rule_is_a_profile_of_parameters() -> None:
    later = ZoningProfile("essai", 2030, 3.0, 3.5, "annexe lue par l'agence")
    got = simulate(pd.Series({"A": 2.9, "B": 3.6}), pd.Series({"A": 1.0, "B": 1.0}), profile=later)
    assert got["zone"].tolist() == ["ZIP (zone A)", "hors vivier"]
    assert got.attrs["year"] == 2030
    rule = ZONING_PROFILES["zonage_2017"]
    assert (rule.zip_max, rule.pool_max) == (2.5, 4.0)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"profile": "zonage_2031"}, "« zonage_2031 » inconnu"),
        ({"population_hab": pd.Series({"A": 1.0})}, r"1 territoire sans population \(B\)"),
        ({"zip_quota_hab": -1}, "zip_quota_hab = -1"),
        ({"apl": pd.Series({"A": 2.0, "B": 5.0}, name=HEADCOUNT_NAME)}, "n'est pas une APL"),
        ({"apl": pd.Series([2.0, 5.0], index=["A", "A"])}, "en double"),
        ({"apl": pd.Series({"A": -2.0, "B": 5.0})}, "APL : 1 valeur"),
    ],
)
def test_bad_input_is_one_clear_error(changes: dict, message: str) -> None:
    good = {
        "apl": pd.Series({"A": 2.0, "B": 5.0}),
        "population_hab": pd.Series({"A": 1.0, "B": 1.0}),
        "profile": "zonage_2017",
    }
    with pytest.raises(ParameterError, match=message):
        simulate(**(good | changes))


@pytest.mark.filterwarnings("ignore:.*paliers non vérifiés:territory.errors.TerritoryWarning")
def test_an_apl_of_other_weights_is_refused_whole_or_as_a_mean() -> None:
    # two communes 12 and 4 min away from one site: "ZIP A" and "hors vivier" by the weights of 2012
    times = pd.DataFrame({"from_id": ["A", "B"], "to_id": ["S", "S"], "travel_time_min": [12.0, 4.0]})
    people, acts = pd.Series({"A": 1000.0, "B": 1000.0}), pd.Series({"S": 4500.0})
    old, recast = (apl(times, people, acts, profile=name) for name in ("drees_2012", "drees_2015"))
    one_zone = pd.Series({"A": "T", "B": "T"})
    for wrong in (old, mean_by(old, people, one_zone)):
        with pytest.raises(ParameterError, match=r"publié avec le profil d'APL « drees_2015 »"):
            simulate(wrong, people.set_axis(["A", "B"]), profile="zonage_2017")
    assert simulate(recast, people, profile="zonage_2017")["zone"].tolist() == [
        "ZIP (zone A)",
        "vivier (non départagé)",
    ]
    mine = ZoningProfile("essai", 2030, 2.0, 3.0, "essai", "drees_2012")
    assert simulate(old, people, profile=mine)["zone"].tolist() == ["ZIP (zone A)", "hors vivier"]
