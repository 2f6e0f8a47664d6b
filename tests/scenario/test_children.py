"""Children likely served: closed-form worlds, a loop person by person, sectors, children observed, and draws."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.access import decay
from territory.scenario import CloseSite, MoveSite, Scenario, apply, compare
from territory.scenario.doubt.children import (
    CLASSES,
    LikelyChildren,
    _classes,
    _drawn_classes,
    _drawn_counts,
    _weights,
    findings_of,
    likely_children,
    out_of_ten,
)
from territory.study.state import State
from territory.study.words.indicators import Uncertainty
from territory.study.words.model import AgeProfile, AgeShare
from tests.scenario.lent import compared, compute

MOVE = MoveSite(authorisation_ids=("ime-x",), to_site_id="east")
NO_DRAW = Uncertainty(draws=0)


def children(state: State, change: object = MOVE, options: Uncertainty = NO_DRAW) -> LikelyChildren:
    later, comparison = compared(state, Scenario(id="M", name="", change=(change,)))
    return likely_children(compute(state), {"M": later}, {"M": comparison}, seed=3, options=options)


def with_authorisation(state: State, **keys: object) -> State:
    first, *rest = state.parameters.authorisations
    named = (first.model_copy(update=keys), *rest)
    return replace(state, parameters=replace(state.parameters, authorisations=named))


def row(found: LikelyChildren, variant: str) -> pd.Series:
    return found.variants.loc[("M", "ime-x", variant)]


def shares(found: LikelyChildren, variant: str) -> list[float]:
    return [round(float(row(found, variant)[f"{name}_share"]), 9) for name in CLASSES]


def test_each_variant_weighs_persons_by_hand(state: State) -> None:
    """Persons 10, 20, 30, 40 at 5, 12, 33 and 80 min; west loses 28 min, the middle 9, the east gains 28."""
    found = children(state)
    told = compared(state, Scenario(id="M", name="", change=(MOVE,)))[1].communes
    assert told["effect"].tolist() == ["loss", "loss", "gain", "outside"]
    assert shares(found, "flat_30") == [0, 1, 0, 0, 0]
    assert shares(found, "flat_45") == [0.5, 0.5, 0, 0, 0]
    weights = [10 * 2 ** (-5 / 10), 20 * 2 ** (-12 / 10), 30 * 2 ** (-33 / 10)]
    expected = weights[2] / sum(weights)
    assert shares(found, "halving_10") == [round(expected, 9), round(1 - expected, 9), 0, 0, 0]
    # 20 places are known; of no other site of the kind is anything listed
    assert (row(found, "flat_45")["children_count"], row(found, "flat_45")["shorter_children"]) == (20, 10)
    assert not found.variants["is_illustrative"].any()
    assert not any(name.endswith("_shared") for name in found.variants.index.get_level_values("variant"))
    assert found.variants.index[found.variants["is_headline"]].tolist() == [("M", "ime-x", "flat_45")]
    origins = found.origins.loc["ime-x"]
    assert origins["children_share"].to_dict() == {"1": 0.5, "2": 0.5}


def test_a_rival_at_the_same_time_takes_half(state: State) -> None:
    rival = state.services.loc[[("west", "ime")]].assign(authorisation_id="ime-y")
    rival.index = pd.MultiIndex.from_tuples([("east", "ime")], names=["site_id", "service"])
    world = replace(state, services=pd.concat([state.services, rival]))
    found = children(world, CloseSite(authorisation_id="ime-x"))
    near = row(found, "flat_45_shared")
    assert (near["competitor_count"], bool(near["is_complete_list"])) == (1, False)
    # everybody is within 45 min of both: half each, so that the shares of zones do not change
    assert found.origins.loc["ime-x", "children_share"].to_dict() == {"1": 0.5, "2": 0.5}
    assert near["without_share"] == 1
    assert near["without_of_10"] == 10


def test_a_closure_leaves_all_without(state: State) -> None:
    found = children(state, CloseSite(authorisation_id="ime-x"), Uncertainty(draws=30))
    assert set(found.variants["without_of_10"]) == {10}
    assert (found.variants["without_children_low"] == 20).all()
    assert found.findings.loc[("M", "ime-x", "some_without"), "holds"] == "always"
    assert found.findings.loc[("M", "ime-x", "some_longer"), "holds"] == "never"


def test_unknown_places_are_an_illustration_and_unknown_ages_a_reason(state: State) -> None:
    bare = children(replace(state, services=state.services.assign(capacity=math.nan)))
    assert (row(bare, "flat_45")["children_count"], bool(row(bare, "flat_45")["is_illustrative"])) == (
        50,
        True,
    )
    # one place of two that nobody knows
    other = state.services.loc[[("west", "ime")]].assign(capacity=math.nan)
    other.index = pd.MultiIndex.from_tuples([("east", "ime")], names=["site_id", "service"])
    half = children(replace(state, services=pd.concat([state.services, other])))
    assert bool(row(half, "flat_45")["is_illustrative"])
    ageless = children(replace(state, services=state.services.assign(age_max=math.nan)))
    (only,) = ageless.variants["reason"]
    assert only.startswith("âges reçus inconnus")
    assert ageless.variants.filter(regex="_share|_of_10").isna().all(axis=None)
    assert ageless.findings["holds"].eq("unknown").all()


def test_children_observed_stand_for_every_law_whatever_the_time(state: State) -> None:
    observed = pd.DataFrame(
        {"commune_code": ["83002", "83004"], "authorisation_id": ["ime-x"] * 2, "children": [6.0, 14.0]}
    )
    world = replace(state, observed_origins=observed)
    baseline, later = compute(world), compute(apply(world, Scenario(id="M", name="", change=(MOVE,))))
    comparison = compare(baseline, later)
    # 80 min away, and served all the same: 30 min less
    assert comparison.communes.loc[("83004", "ime-x"), "effect"] == "gain"
    assert comparison.zones.loc[("territory", "ime-x"), ["persons_gain", "persons_loss"]].tolist() == [14, 6]
    assert comparison.sensitivity["persons_gain"].eq(14).all()
    found = children(world, options=Uncertainty(draws=20))
    assert shares(found, "observed") == [0.7, 0.3, 0, 0, 0]
    assert row(found, "observed")[["shorter_of_10", "longer_of_10", "children_count"]].tolist() == [7, 3, 20]
    assert found.variants.filter(regex="_(low|high)$").isna().all(axis=None)
    assert len(found.variants) == 1
    assert found.origins.empty


def test_a_sector_counts_those_inside_alone_whatever_the_time(state: State) -> None:
    world = with_authorisation(state, sector=("2",))
    comparison = compare(compute(world), compute(apply(world, Scenario(id="M", name="", change=(MOVE,)))))
    assert comparison.communes["effect"].tolist() == ["outside", "outside", "gain", "gain"]
    assert comparison.communes["persons"].tolist() == [0, 0, 30, 40]
    assert shares(children(world), "sector") == [1, 0, 0, 0, 0]


@pytest.mark.parametrize(
    "kind, sector, counted", [("ime", "unknown", False), ("cmp_ij", None, False), ("cmp_ij", (), True)]
)
def test_an_unknown_sector_counts_nobody(state: State, kind: str, sector: object, counted: bool) -> None:
    names = state.services.index.to_frame(index=False).replace({"service": {"ime": kind}})
    services = state.services.set_axis(pd.MultiIndex.from_frame(names))
    world = with_authorisation(replace(state, services=services), sector=sector, sector_ask="l'hôpital")
    later = compute(apply(world, Scenario(id="M", name="", change=(MOVE,))))
    comparison = compare(compute(world), later)
    counts = comparison.zones.filter(like="persons_").loc[("territory", "ime-x")]
    assert counts.notna().all() == counted
    assert counts.isna().all() != counted
    # minutes stay known
    assert comparison.communes["delta_travel_time_min"].notna().all()
    found = children(world, options=Uncertainty(draws=10))
    if not counted:
        assert set(found.variants["reason"]) == {"secteur inconnu (à demander : l'hôpital)"}


def test_an_age_profile_weighs_ages_as_users_are(state: State) -> None:
    profile = AgeProfile(band=(AgeShare(age_min=5, age_max=9, share=1.0),), source="essai", year=2020)
    first = children(with_authorisation(state, age_profile=profile))
    assert shares(first, "flat_45") == shares(children(state), "flat_45")
    population = state.population.copy()
    population.iloc[0] = 400.0
    older = children(with_authorisation(replace(state, population=population), age_profile=profile))
    # 400 young in the west, 80 and 120 elsewhere within reach
    assert shares(older, "flat_45")[0] == pytest.approx(120 / 600)


def test_draws_hold_the_expected_number_and_are_those_of_the_seed(state: State) -> None:
    options = Uncertainty(draws=40)
    found, again = children(state, options=options), children(state, options=options)
    pd.testing.assert_frame_equal(found.variants, again.variants, check_exact=True)
    for name in CLASSES:
        low, high = found.variants[f"{name}_children_low"], found.variants[f"{name}_children_high"]
        assert (low <= found.variants[f"{name}_children"]).all()
        assert (found.variants[f"{name}_children"] <= high).all()
    exact = state.travel_times.assign(uncertainty_min=0.0)
    exact.attrs = state.travel_times.attrs
    sure = children(replace(state, travel_times=exact), options=Uncertainty(draws=2000))
    # times without doubt: half of 20 children, so that a binomial law says the interval
    near = row(sure, "flat_45")
    assert [near["shorter_children_low"], near["shorter_children_high"]] == pytest.approx([6, 14], abs=1)


def test_an_interval_holds_a_number_that_is_hardly_ever_drawn(state: State) -> None:
    population = state.population.copy()
    population.iloc[[0, 2]] = 0.1
    rare = row(children(replace(state, population=population), options=Uncertainty(draws=40)), "flat_45")
    few = rare["longer_share"] * rare["children_count"]
    # of 20 children, less than one in a hundred draws holds one
    assert 0 < few < 0.1
    assert rare["longer_children_low"] == 0
    assert rare["longer_children_high"] == pytest.approx(few)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6).filter(lambda parts: sum(parts) > 0))
def test_ten_children_are_ten(parts: list[float]) -> None:
    exact = np.array(parts) / sum(parts)
    found = out_of_ten(exact.tolist())
    assert sum(found) == 10
    assert (np.abs(np.array(found) - 10 * exact) < 1 + 1e-6).all()


def test_the_largest_remainder_is_rounded_up() -> None:
    assert out_of_ten([0.51, 0.26, 0.23]) == [5, 3, 2]
    assert out_of_ten([0.25, 0.25, 0.5]) == [3, 2, 5]
    assert out_of_ten([0.51, 0.26, 0.23], total=100) == [51, 26, 23]


def test_a_finding_holds_from_one_child_in_ten_and_most_from_half() -> None:
    shares = {"shorter": [0.1, 0.2, 0.09], "longer": [0.0, 0.3, 0.19], "same": [0.5, 0.5, 0.6]}
    shares |= {"without": [0.4, 0.0, 0.12], "unknown": [0.0, 0.0, 0.0]}
    columns = {f"{name}_share": shares[name] for name in CLASSES}
    columns |= {f"{name}_of_10": [round(10 * one) for one in shares[name]] for name in CLASSES}
    keys = [("S", "ime", str(n)) for n in range(3)]
    variants = pd.DataFrame(
        columns, index=pd.MultiIndex.from_tuples(keys, names=["scenario", "service", "variant"])
    )
    found = findings_of(variants).droplevel(["scenario", "service"])
    expected = {
        "some_shorter": ("sometimes", 2), "some_longer": ("sometimes", 2), "more_shorter": ("sometimes", 1),
        "more_longer": ("sometimes", 2), "mostly_same": ("always", 3), "some_without": ("sometimes", 2),
    }  # fmt: skip
    for name, (holds, count) in expected.items():
        assert (found.loc[name, "holds"], found.loc[name, "true_count"]) == (holds, count), name
    assert found.loc["more_longer", ["low_of_10", "high_of_10"]].tolist() == [-1, 1]
    unknown = findings_of(variants.assign(same_share=[0.5, np.nan, 0.6])).droplevel(["scenario", "service"])
    assert unknown.loc["mostly_same", "holds"] == "unknown"
    assert unknown.loc["some_longer", "holds"] == "sometimes"


def test_what_holds_in_all_variants_and_what_hangs_on_one(state: State) -> None:
    findings = findings_of(children(state).variants).loc[("M", "ime-x")]
    # within 30 min nobody gains; within 45 half do
    assert findings.loc["some_longer", ["holds", "true_count", "variant_count"]].tolist() == ["always", 6, 6]
    assert findings.loc["some_shorter", "holds"] == "sometimes"
    assert findings.loc["more_shorter", "holds"] == "never"
    assert findings.loc["more_longer", "holds"] == "sometimes"
    assert findings.loc["some_shorter", ["low_of_10", "high_of_10"]].tolist() == [0, 5]


def test_children_are_drawn_however_few_persons_weigh_them() -> None:
    near, far = np.array([[True, True], [False, False]]), np.array([[False, False], [True, True]])
    minutes = np.array([[10.0, 12.0], [50.0, 55.0]])
    drawn = _drawn_counts(np.array([0.1, 0.3]), None, minutes, (near, far), 8, [1])
    assert drawn is not None
    assert drawn.sum(axis=0).tolist() == [8.0] * drawn.shape[1]
    assert drawn[0].mean() == pytest.approx(2, abs=0.3)
    assert _drawn_counts(np.zeros(2), None, minutes, (near, far), 8, [1]) is None
    # nor when nobody comes in one of the draws alone
    apart = np.array([[10.0, 50.0], [50.0, 60.0]])
    assert _drawn_counts(np.ones(2), decay.binary(30), apart, (near, far), 8, [1]) is None


def test_a_commune_is_of_one_class_and_what_nobody_told_apart_is_the_same() -> None:
    rows = pd.DataFrame(
        {
            "delta_travel_time_min": [-9.0, 9.0, -9.0, 9.0, math.nan, math.nan, math.nan, 0.0],
            "is_distinguishable": pd.array([True, True, pd.NA, False, pd.NA, pd.NA, pd.NA, True], "boolean"),
            "baseline_travel_time_min": [20.0, 20.0, 20.0, 20.0, math.nan, 20.0, 20.0, 20.0],
            "scenario_travel_time_min": [11.0, 29.0, 11.0, 29.0, 20.0, math.nan, math.nan, 20.0],
            "effect": ["gain", "loss", "indistinct", "outside", "gain", "without", "unknown", "indistinct"],
        }
    )
    found = _classes(rows)
    assert (found.sum(axis=0) == 1).all()
    # shorter, longer, same, without, rest
    assert found.argmax(axis=0).tolist() == [0, 1, 2, 2, 0, 3, 4, 2]


def test_the_classes_of_a_draw_are_those_of_its_change_bounds_included() -> None:
    none, out = np.nan, np.inf
    today = np.array([[20.0], [20.0], [20.0], [20.0], [20.0], [out], [20.0], [out], [none], [20.0]])
    later = np.array([[15.0], [25.0], [15.1], [24.9], [20.0], [30.0], [out], [out], [20.0], [none]])
    size = pd.Series([5.0] * 10)
    found = np.stack(_drawn_classes(today, later, size))[:, :, 0].T
    # shorter, longer, neither, left without, unknown
    expected = [0, 1, 2, 2, 2, 0, 3, 2, 4, 4]
    assert found.sum(axis=1).tolist() == [1] * 10
    assert found.argmax(axis=1).tolist() == expected
    # without doubt, what does not change is neither
    assert np.stack(_drawn_classes(today[4:5], later[4:5], size[4:5] * 0))[:, 0, 0].argmax() == 2


def test_no_persons_weigh_nothing_whatever_the_time() -> None:
    fixed, minutes = np.array([0.0, 1.0, 2.0]), np.array([np.nan, 10.0, 40.0])
    law = decay.binary(30)
    assert _weights(fixed, law, minutes).tolist() == [0.0, 1.0, 0.0]
    assert _weights(fixed, None, minutes) is fixed
