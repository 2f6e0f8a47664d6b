"""The vectorised draws of a study against loops over the very same random numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.access import decay
from territory.errors import SchemaError
from territory.network import estimate_model
from territory.network.estimate_model import ErrorParts
from territory.result import StudyResult
from territory.scenario import MoveSite, OpenSite, Scenario, apply, compare
from territory.scenario.doubt import draws, random_errors
from territory.scenario.doubt.draws import (
    INDISTINCT,
    LONGER,
    SHORTER,
    WITHOUT,
    Draws,
    _communes,
    _mean_by_zone,
    draw_results,
)
from territory.scenario.doubt.random_errors import (
    Doubt,
    GpSums,
    Pairs,
    correlation_of,
    doubt_of,
    draw_other_site,
    draw_site,
    drawn_blocks,
    ends_of,
    may_be_closest,
    narrowest_of,
    plan_gp_draws,
    read_pairs,
)
from territory.scenario.doubt.summaries import (
    DOUBTFUL,
    IN,
    NOT_COMPUTABLE,
    OUT,
    SURE,
    UNKNOWN,
    class_labels,
    of_classes,
    of_coverage,
    of_needs,
)
from territory.study.state import State
from territory.study.words.indicators import Practitioners, Uncertainty
from tests.scenario.lent import compared, compute, lend
from tests.scenario.test_deserts import by_time, with_scheme, with_service

FEW = Uncertainty(draws=60)
MOVE = Scenario(
    id="M", name="Déménagement", change=(MoveSite(authorisation_ids=("ime-x",), to_site_id="east"),)
)


def test_what_is_told_of_a_commune_has_the_sense_of_its_change() -> None:
    rows = pd.DataFrame(
        {
            "delta_travel_time_min": [-0.5, 0.5, 0.5, np.nan, np.nan, 0.0],
            "detectable_min": [0.1, 0.1, 3.0, 3.0, 3.0, 0.0],
            "is_distinguishable": [True, True, False, False, False, True],
            "effect": ["gain", "loss", "indistinct", "without", "unknown", "indistinct"],
        }
    )
    delta = np.array(
        [
            [-1.0, -0.2, 0.0, 0.3],
            [0.1, 0.2, 0.3, 0.4],
            [0.0] * 4,
            [np.nan] * 4,
            [0.1, 0.2, np.nan, 0.3],
            [0.0] * 4,
        ]
    )
    found = _communes(rows, delta, 0.8)
    assert found["verdict"].tolist() == [SHORTER, LONGER, INDISTINCT, WITHOUT, draws.UNKNOWN, INDISTINCT]
    np.testing.assert_array_equal(found["better_share"], [0.5, 0.0, 0.0, np.nan, np.nan, 0.0])
    np.testing.assert_array_equal(found["worse_share"], [0.25, 1.0, 0.0, np.nan, np.nan, 0.0])
    # the half-width of 80 % is the detectable size itself
    np.testing.assert_allclose(found["low_min"][:3], [-0.6, 0.4, -2.5])
    np.testing.assert_allclose(found["high_min"][:3], [-0.4, 0.6, 3.5])


def test_the_mean_of_a_zone_is_drawn_over_those_of_the_area_whose_change_is_known() -> None:
    rows = pd.DataFrame(
        {
            "delta_travel_time_min": [-10.0, 5.0, 40.0, np.nan], "detectable_min": [4.0, 4.0, 1.0, np.nan],
            "is_distinguishable": [True, True, True, False], "effect": ["gain", "loss", "outside", "unknown"],
            "is_in_area": [True, True, False, True], "is_in_scenario_area": [True, True, False, False],
            "persons": [30.0, 10.0, 500.0, 500.0], "verdict": [SHORTER, LONGER, LONGER, draws.UNKNOWN],
            "baseline_travel_time_min": [20.0, 20.0, 50.0, np.nan],
            "scenario_travel_time_min": [10.0, 25.0, 90.0, 10.0],
        },
        index=pd.Index(["a", "b", "c", "d"], name="commune_code"),
    )  # fmt: skip
    delta = np.array([[-12.0, -10.0, -8.0], [3.0, 5.0, 7.0], [40.0] * 3, [np.nan] * 3])
    placed = rows.assign(zone="e1", row=np.arange(4))
    lone = rows.iloc[:1].assign(zone="e2", row=0)
    both = _mean_by_zone(rows, delta, pd.concat([placed, lone]), 0.8)
    assert both.loc["e2", ["delta_mean_min", "persons_shorter", "persons_longer"]].tolist() == [-10, 30, 0]
    found = both.loc["e1"]
    assert found["delta_mean_min"] == pytest.approx((-10 * 30 + 5 * 10) / 40)
    assert found["detectable_min"] == pytest.approx(4.0)
    assert (found["low_min"], found["high_min"]) == (pytest.approx(-8.25), pytest.approx(-4.25))
    assert (found["better_share"], found["worse_share"]) == (1.0, 0.0)
    assert found["verdict"] == SHORTER
    assert (found["persons_shorter"], found["persons_longer"], found["persons_unknown"]) == (30, 10, 500)


def test_a_class_that_a_draw_cannot_tell_is_none_of_the_classes() -> None:
    communes = pd.Index(["a", "b", "c"])
    labels = class_labels(2)
    criteria = [SimpleNamespace(id=one) for one in ("x", "y")]
    rows = pd.DataFrame(
        {"desert_class": [labels[2], labels[0], labels[-1]]},
        index=pd.MultiIndex.from_product([communes, ["x"]], names=["commune_code", "criterion"]),
    )
    scheme = SimpleNamespace(id="s", criterion=criteria)
    parameters = SimpleNamespace(deserts=[scheme], territory_codes=list(communes))
    baseline: Any = SimpleNamespace(state=SimpleNamespace(parameters=parameters), deserts=rows)
    doubt: Any = SimpleNamespace(communes=communes)
    # in the third draw the first commune is not known under one of the criteria
    statuses = {"x": np.array([[IN, IN, IN, OUT], [OUT] * 4, [UNKNOWN] * 4], dtype=np.int8)}
    statuses["y"] = np.array([[IN, IN, UNKNOWN, IN], [OUT, OUT, OUT, IN], [UNKNOWN] * 4], dtype=np.int8)
    found = of_classes(baseline, doubt, statuses, 0.7)
    np.testing.assert_array_equal(found["same_class_share"], [0.5, 0.75, np.nan])
    assert found["verdict"].tolist() == [DOUBTFUL, SURE, NOT_COMPUTABLE]
    # as often as is asked is enough
    at_bound = of_classes(baseline, doubt, statuses, 0.75)["verdict"]
    assert at_bound.tolist() == [DOUBTFUL, SURE, NOT_COMPUTABLE]


def test_the_correlation_of_two_errors_is_that_of_their_difference() -> None:
    half = random_errors.HALF_WIDTHS_PER_SD
    sd_a, sd_b = np.array([3.0, 3.0, 3.0, 1.0, 1.0, 0.0, 2.0]), np.array([3.0, 4.0, 4.0, 10.0, 1.0, 5.0, 2.0])
    apart = half * np.array([0.0, 5.0, 7.0, 0.0, 90.0, 5.0, np.nan])
    # the same error, none in common, opposite ones, the closest there are, and none that is known
    expected = [1.0, 0.0, -1.0, 1.0, -1.0, 0.0, 0.0]
    np.testing.assert_allclose(correlation_of(sd_a, sd_b, apart), expected, atol=1e-12)


def drawn(state: State, *, options: Uncertainty = FEW, seed: int = 7) -> Draws:
    later, comparison = compared(state, MOVE)
    return draw_results(compute(state), {"M": later}, {"M": comparison}, seed=seed, options=options)


@pytest.fixture(scope="module")
def world(state: State) -> State:
    """The world with GPs at both sites, a desert criterion, needs, and two emergency sites that compete."""
    demand = pd.DataFrame(
        {"demand": [4.0, 8.0], "demand_low": [2.0, 8.0], "demand_high": [8.0, np.nan], "kind": "prevalence"},
        index=pd.MultiIndex.from_tuples(
            [("83001", "autisme"), ("83003", "autisme")], names=["commune_code", "public"]
        ),
    )
    with_gps = with_service(state, "west", "medecin_generaliste", capacity=2.0, capacity_unit="headcount")
    with_gps = with_service(with_gps, "east", "medecin_generaliste", capacity=3.0, capacity_unit="headcount")
    with_gps = with_service(with_gps, "west", "urgences")
    asked = with_scheme(with_gps, by_time("urgences", 12))
    profiles = Practitioners(profile="drees_2012", other_profiles=("drees_2015",))
    return lend(replace(asked, demand=demand, parameters=replace(asked.parameters, practitioners=profiles)))


PARTS = ErrorParts(0.15, 0.2, 0.1, 0.25, 0.4)
EPCI = np.array([0, 0, 1, 1])


def doubt_with(world: State, seed: int, draws: int, parts: ErrorParts = PARTS) -> Doubt:
    return Doubt(pd.Index(sorted(world.communes.index), dtype=object), seed, draws, parts, EPCI)


@pytest.fixture(autouse=True)
def _known_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shares that are far from one another, whatever the fitted ones are."""
    monkeypatch.setattr(random_errors, "error_parts", lambda _: PARTS)


def standard_error(territory: float, commune: float, numbers: Iterable[float]) -> float:
    """The standard error of a time, in plain numbers."""
    site, arrival, own = numbers
    z = math.sqrt(0.15) * territory + math.sqrt(0.2) * commune + math.sqrt(0.1) * site
    return max(min(z + math.sqrt(0.25) * arrival + math.sqrt(0.3) * own, 2.5), -2.5)


def times_of(doubt: Doubt, pairs: Pairs) -> list[list[float]]:
    """The drawn times of pairs, pairs x draws, in plain numbers."""
    blocks = [numbers for _, numbers in doubt.of_pairs(pairs.commune, pairs.site)]
    site, arrival, own = (np.concatenate(tables, axis=1) for tables in zip(*blocks, strict=True))
    territory, commune = doubt.of_territory()[0], doubt.of_communes()
    found = []
    for row in range(len(pairs.minutes)):
        numbers = zip(site[row], arrival[row], own[row], strict=True)
        errors = [
            standard_error(territory[n], commune[pairs.commune[row], n], each)
            for n, each in enumerate(numbers)
        ]
        found.append([max(pairs.minutes[row] + pairs.sd_min[row] * error, 0.0) for error in errors])
    return found


def test_blocks_equal_a_loop_over_the_same_numbers(world: State) -> None:
    doubt = doubt_with(world, 3, 70)
    pairs = read_pairs(world.travel_times, doubt.communes, ["east", "west"])
    got = np.concatenate([times for _, times in drawn_blocks(doubt, pairs)], axis=1)
    np.testing.assert_allclose(got, times_of(doubt, pairs))


def test_two_errors_share_what_they_have_in_common(world: State) -> None:
    """By closed form: the territory; its commune; its site; the way into a site from one EPCI."""
    doubt = doubt_with(world, 1, 40_000)
    pairs = read_pairs(world.travel_times.assign(travel_time_min=200.0), doubt.communes, ["east", "west"])
    drawn_times = np.concatenate([times for _, times in drawn_blocks(doubt, pairs)], axis=1)
    here = pd.Series(["s"] * 4, index=doubt.communes)
    named, _ = draw_site(doubt, np.full(4, 200.0), np.full(4, 2.0), here)
    closest = np.corrcoef(drawn_times)
    for row in range(8):
        for other in range(row):
            same_site = pairs.site[row] == pairs.site[other]
            same_epci = EPCI[pairs.commune[row]] == EPCI[pairs.commune[other]]
            shared = 0.15 + 0.2 * (pairs.commune[row] == pairs.commune[other])
            shared += 0.1 * same_site + 0.25 * (same_site and same_epci)
            assert closest[row, other] == pytest.approx(shared, abs=0.02)
    to_one_site = np.corrcoef(named)
    assert to_one_site[0, 1] == pytest.approx(0.5, abs=0.02)
    assert to_one_site[0, 2] == pytest.approx(0.25, abs=0.02)
    # times of one commune to two named sites
    there, _ = draw_site(doubt, np.full(4, 200.0), np.full(4, 2.0), here.replace("s", "t"))
    assert np.corrcoef(named[0], there[0])[0, 1] == pytest.approx(0.35, abs=0.02)
    assert np.corrcoef(named[0], there[1])[0, 1] == pytest.approx(0.15, abs=0.02)


def test_a_shared_error_that_is_given_is_that_of_two_times_of_a_commune(world: State) -> None:
    for shared, territory in ((0.5, 0.15), (0.1, 0.1), (0.0, 0.0), (1.0, 0.15)):
        parts = PARTS.with_shared_error(shared)
        assert parts.territory_share == territory
        assert parts.territory_share + parts.commune_share == pytest.approx(shared)
        ends = parts.site_share + parts.arrival_share + parts.pair_share
        assert ends == pytest.approx(1 - shared)
        assert parts.site_share == pytest.approx(0.1 * (1 - shared) / 0.65)
    assert doubt_of(world, seed=1, options=Uncertainty(shared_error=0.5)).parts == PARTS.with_shared_error(
        0.5
    )
    assert doubt_of(world, seed=1, options=Uncertainty()).parts == PARTS


def test_a_commune_without_an_epci_shares_no_way_in(world: State) -> None:
    communes = world.communes.assign(epci_code=pd.array(["1", None, "83002", None], dtype="string"))
    groups = doubt_of(replace(world, communes=communes), seed=1, options=FEW).epci
    assert len(set(groups)) == 4


def test_the_mean_change_of_a_zone_has_the_width_of_its_closed_form(state: State) -> None:
    """Var = sum of w_i w_j ((r - 1)² sd² cov(e_i, e_j) + (1 - r²) sd² cov(u_i, u_j)): u is the road not shared."""
    minutes = {"west": [22.0, 27.0, 32.0, 80.0], "east": [25.0, 30.0, 35.0, 83.0]}
    times = state.travel_times.copy()
    times["travel_time_min"] = [*minutes["west"], *minutes["east"]]
    times["uncertainty_min"] = 4.0
    times.attrs = state.travel_times.attrs
    between = state.site_times.assign(travel_time_min=4.0)
    near = replace(state, travel_times=times, site_times=between)
    later = compute(apply(near, MOVE))
    comparison = compare(compute(near), later)
    drawn_zones = (
        draw_results(
            compute(near), {"M": later}, {"M": comparison}, seed=3, options=Uncertainty(draws=10_000)
        )
        .comparisons.xs("ime-x", level="service")
        .loc["M"]
    )
    rows = comparison.communes.xs("ime-x", level="service").loc[["83001", "83002", "83003"]]
    sd = 4.0 / 1.2815515655446004
    size = rows["detectable_min"].to_numpy()
    r = 1 - (size / 1.2815515655446004) ** 2 / (2 * sd**2)
    assert (r < 0.95).all()
    assert (r > 0.3).all()
    same_epci = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]])
    own = np.eye(3)
    cov_e = 0.15 + 0.1 + 0.25 * same_epci + (0.2 + 0.3) * own
    cov_u = 0.4 + 0.6 * (0.25 * same_epci + 0.3 * own) / 0.55
    cov = sd**2 * (np.outer(r - 1, r - 1) * cov_e + np.sqrt(np.outer(1 - r**2, 1 - r**2)) * cov_u)
    for zone, codes in (("territory", [0, 1, 2]), ("1", [0, 1]), ("2", [2])):
        persons = rows["persons"].to_numpy()[codes]
        weights = persons / persons.sum()
        expected = math.sqrt(weights @ cov[np.ix_(codes, codes)] @ weights)
        found = drawn_zones.loc[zone]
        half_width = (found["high_min"] - found["low_min"]) / 2 / 1.6448536269514722
        assert half_width == pytest.approx(expected, rel=0.04)


def test_a_draw_at_the_threshold_is_within_it_and_an_unknown_commune_has_no_catchment(world: State) -> None:
    doubt, baseline = doubt_with(world, 7, 3), compute(world)
    services = baseline.coverage.index.get_level_values("service").unique()
    times = {str(name): np.full((len(doubt.communes), 3), 15.0) for name in services}
    found = of_coverage(baseline, doubt, times, 0.8).xs(15.0, level="threshold_min")
    assert found[["low_share", "high_share"]].eq(1.0).all(axis=None)
    people = world.communes.copy()
    people.iloc[0, people.columns.get_loc("population")] = np.nan
    assert plan_gp_draws(world, doubt) is not None
    assert plan_gp_draws(replace(world, communes=people), doubt) is None


def test_closest_times_coverage_and_deserts_equal_a_loop(world: State) -> None:
    result = drawn(world)
    doubt = doubt_with(world, 7, 60)
    every = read_pairs(world.travel_times, doubt.communes, ["east", "west"])
    plan = plan_gp_draws(world, doubt)
    asked = np.ones(4, dtype=bool)
    # the rows that the study keeps are those that its own selection names
    used = np.union1d(plan.rows(every, asked), may_be_closest(every, asked))
    pairs = every.take(used)
    times = times_of(doubt, pairs)
    closest = [
        [
            min(times[row][number] for row in range(len(used)) if pairs.commune[row] == place)
            for number in range(60)
        ]
        for place in range(4)
    ]
    hab = world.communes["population"].to_list()
    for place, code in enumerate(doubt.communes):
        ordered = sorted(closest[place])
        row = result.times.loc[(code, "urgences")]
        assert row["low_min"] == pytest.approx(ordered[math.ceil(0.05 * 60) - 1])
        assert row["high_min"] == pytest.approx(ordered[math.ceil(0.95 * 60) - 1])
        is_desert = [time > 12 for time in closest[place]]
        central = result.deserts.loc[(code, "urgences")]
        same = sum(one == (central["status"] == "en désert") for one in is_desert) / 60
        assert central["same_status_share"] == pytest.approx(same)
        assert central["verdict"] == ("sûr" if same >= 0.9 else "douteux")
        assert result.desert_classes.loc[(code, "essai"), "same_class_share"] == pytest.approx(same)
    shares = sorted(
        sum(hab[place] for place in range(4) if closest[place][number] <= 15) / 1000 for number in range(60)
    )
    covered = result.coverage.loc[("territory", "urgences", 15.0)]
    assert covered["low_share"] == pytest.approx(shares[2])
    assert covered["high_share"] == pytest.approx(shares[56])
    people = sorted(
        sum(hab[place] for place in range(4) if closest[place][number] > 12) for number in range(60)
    )
    deserted = result.desert_population.loc[("territory", "urgences")]
    assert [deserted["low_hab"], deserted["high_hab"]] == pytest.approx([people[2], people[56]])


def test_where_the_data_stop_a_draw_beyond_the_threshold_says_nothing(world: State) -> None:
    # all are 10 min from the edge: the last one alone is beyond 12 min of the service
    edge = pd.Series(10.0, index=world.communes.index)
    exact = world.travel_times.assign(uncertainty_min=0.0)
    exact.attrs = world.travel_times.attrs
    found = drawn(replace(world, travel_times=exact, edge_time_min=edge)).deserts
    rows = found.xs("urgences", level="criterion")
    assert rows["verdict"].tolist() == ["sûr", "sûr", "sûr", "non calculable"]
    assert rows["same_status_share"].tolist()[:3] == [1.0, 1.0, 1.0]


def test_catchments_equal_a_loop_under_the_decay_of_each_draw(world: State) -> None:
    doubt = doubt_with(world, 5, 30)
    plan = plan_gp_draws(world, doubt)
    assert set(plan.which) == {0, 1}
    every = read_pairs(world.travel_times, doubt.communes, ["east", "west"])
    pairs = every.take(plan.rows(every, np.ones(4, dtype=bool)))
    (block, times), *_ = drawn_blocks(doubt, pairs)
    got = GpSums(plan, pairs).access(times, block)
    steps = (decay.stepped({5: 1.0, 10: 0.3, 15: 0.1}), decay.stepped({10: 1.0, 15: 2 / 3, 20: 1 / 3}))
    for number in range(30):
        weight = steps[plan.which[number]]
        asked = [0.0, 0.0]
        for row in range(len(pairs.minutes)):
            asked[pairs.site[row]] += float(weight(times[row, number])) * plan.people[pairs.commune[row]]
        for place in range(4):
            expected = sum(
                float(weight(times[row, number])) * (3.0, 2.0)[pairs.site[row]] / asked[pairs.site[row]]
                for row in range(len(pairs.minutes))
                if pairs.commune[row] == place and asked[pairs.site[row]] > 0
            )
            assert got[place, number] == pytest.approx(100_000 * expected)


def test_the_interval_is_that_of_the_measures(world: State) -> None:
    values = np.random.default_rng(0).normal(size=(6, 137))
    values[3, 5] = np.nan
    values[4, :20] = np.inf
    for level in (0.5, 0.8, 0.9, 0.95):
        shares = [round(137 * share, 9) for share in ((1 - level) / 2, (1 + level) / 2)]
        for end, share in zip(ends_of(values, level), shares, strict=True):
            expected = [sorted(row)[max(math.ceil(share) - 1, 0)] for row in values]
            expected[3] = math.nan
            np.testing.assert_array_equal(end, expected)


def test_ends_are_observed_values_and_unknown_as_soon_as_one_is() -> None:
    low, high = ends_of(np.array([[1.0, 2.0, math.inf], [1.0, math.nan, 3.0]]), 0.9)
    assert [low[0], high[0]] == [1.0, math.inf]
    assert np.isnan([low[1], high[1]]).all()
    many = np.random.default_rng(1).normal(size=(5, 40))
    expected = np.quantile(many, (0.1, 0.9), axis=1, method="inverted_cdf")
    np.testing.assert_array_equal(ends_of(many, 0.8), expected)


@given(st.lists(st.integers(0, 6), min_size=1, max_size=40), st.sampled_from([0.5, 0.8, 0.9, 1.0]))
def test_the_narrowest_interval_holds_its_share_and_none_narrower_does(
    counts: list[int], level: float
) -> None:
    (low,), (high,) = narrowest_of(np.array([counts], float), level)
    needed = math.ceil(round(level * len(counts), 9))
    tried = {(a, b): sum(a <= count <= b for count in counts) for a in counts for b in counts if a <= b}
    widths = [b - a for (a, b), held in tried.items() if held >= needed]
    assert tried[low, high] >= needed
    assert high - low == min(widths)
    # of several, the lowest
    assert low == min(a for (a, b), held in tried.items() if held >= needed and b - a == high - low)


def test_a_drawn_time_is_never_below_nothing() -> None:
    given: Any = SimpleNamespace(
        draws=4, of_territory=lambda: np.zeros((1, 4)), of_communes=lambda: np.zeros((2, 4)),
        of_pairs=lambda commune, site: [(slice(0, 4), ())],
        mixed=lambda territory, commune, *own: np.array([[-9.0, 0.0, 1.0, 2.0]] * 2),
    )  # fmt: skip
    ids = pd.Index(["west", "east"])
    pairs = Pairs(np.arange(2), np.arange(2), np.array([0.25, 4.0]), np.array([0.5, 1.0]), ids)
    ((block, times),) = drawn_blocks(given, pairs)
    assert block == slice(0, 4)
    assert times.tolist() == [[0.0, 0.25, 0.75, 1.25], [0.0, 4.0, 5.0, 6.0]]


def test_what_is_left_of_sums_does_not_choose_an_interval() -> None:
    far = np.array([[0.0, 5.0, 5.0, 5.0, 9.0]])
    assert [float(end[0]) for end in narrowest_of(far, 0.6)] == [5.0, 5.0]
    nearly = np.array([[-1e-9, 1.0, 1.0, 2.0, 2.0]])
    assert [float(end[0]) for end in narrowest_of(nearly, 0.6)] == [-1e-9, 1.0]


def test_no_part_is_surer_than_the_whole(draguignan: StudyResult) -> None:
    assert draguignan.draws is not None
    table = draguignan.draws.comparisons.reset_index("zone")
    whole = table[table["zone"] == "territory"].drop(columns="zone")
    for name in ("persons_shorter_low", "persons_longer_low"):
        assert not (table[name] > whole[name].reindex(table.index) + 1e-6).any()
        assert table[name].notna().any()


def test_what_no_commune_could_see_and_what_homes_alone_tell_are_not_told(draguignan: StudyResult) -> None:
    keys = ["level", "zone", "service"]
    rows = draguignan.side_by_side.xs(("territory", "territory", "ime-salernes"), level=keys)
    # 40.8 to 40.4 minutes, and a ride that the draws of homes shorten while no mean time is told apart
    for measure, name, delta in (("time_p90_min", "C", -0.37), ("child_round_mean_ride_min", "B", -4.52)):
        row = rows.loc[measure]
        assert row[name, "delta"] == pytest.approx(delta, abs=0.02)
        assert not row[name, "is_distinguishable"]
    assert not rows.loc["mean_time_min"]["B", "is_distinguishable"]
    assert rows.loc["mean_time_min"]["C", "is_distinguishable"]


def test_a_card_counts_no_commune_of_an_unknown_sector(draguignan: StudyResult) -> None:
    table, _, note = draguignan.comparisons["B"]._repr_html_().rpartition("<p>")
    assert "Secteur inconnu, communes non comptées" in note.replace("\N{NO-BREAK SPACE}", " ")
    for name in ("CMP de Trans", "Hôpital de jour de Trans"):
        assert name not in table
        assert name in note


def test_a_scenario_equals_a_loop_and_shares_the_error_of_today(world: State) -> None:
    result = drawn(world)
    doubt = doubt_with(world, 7, 60)
    comparison = compared(world, MOVE)[1].communes.xs("ime-x", level="service")
    territory, commune = doubt.of_territory()[0], doubt.of_communes()
    first, other = (
        [np.broadcast_to(table, (4, 60)) for table in doubt.of_site(site, is_new=is_new)]
        for site, is_new in (("west", False), ("east", True))
    )
    west, east, sd = [5.0, 12.0, 33.0, 80.0], [33.0, 21.0, 5.0, 50.0], 2.0 / 1.2815515655446004
    deltas = {}
    for place, code in enumerate(doubt.communes):
        size = comparison.loc[code, "detectable_min"]
        share = (2 * sd**2 - (size / 1.2815515655446004) ** 2) / (2 * sd**2)
        share = max(min(share, 1.0), -1.0)
        deltas[code] = []
        for number in range(60):
            here = [table[place, number] for table in first]
            error = standard_error(territory[number], commune[place, number], here)
            site, arrival, own = (table[place, number] for table in other)
            road = math.sqrt(0.4) * site + math.sqrt(0.6 * 25 / 55) * arrival + math.sqrt(0.6 * 30 / 55) * own
            later = share * error + math.sqrt(1 - share**2) * road
            later = max(min(later, 2.5), -2.5)
            today, then = max(west[place] + sd * error, 0.0), max(east[place] + sd * later, 0.0)
            deltas[code].append(then - today)
    for code in ("83001", "83002", "83003"):
        row = result.moves.loc[("M", code, "ime-x")]
        # the law of the draws, in closed form
        half = comparison.loc[code, "detectable_min"] * 1.6448536269514722 / 1.2815515655446004
        change = comparison.loc[code, "delta_travel_time_min"]
        assert [row["low_min"], row["high_min"]] == pytest.approx([change - half, change + half])
        assert row["better_share"] == pytest.approx(sum(one < 0 for one in deltas[code]) / 60)
        assert row["worse_share"] == pytest.approx(sum(one > 0 for one in deltas[code]) / 60)
    # persons in today's area: 10, 20 and 30 (half the 0-9, scaled by a half)
    weights = comparison["persons"].where(comparison["is_in_area"], 0.0)
    means = sorted(
        sum(weights[code] * deltas[code][number] for code in deltas) / weights.sum() for number in range(60)
    )
    zone = result.comparisons.loc[("M", "territory", "ime-x")]
    assert [zone["low_min"], zone["high_min"]] == pytest.approx([means[2], means[56]])
    assert zone["better_share"] == pytest.approx(sum(mean < 0 for mean in means) / 60)
    assert zone["worse_share"] == pytest.approx(sum(mean > 0 for mean in means) / 60)
    for name, sign in (("shorter", -1), ("longer", 1)):
        counts = sorted(
            sum(
                weights[code]
                for code in deltas
                if sign * deltas[code][number] >= comparison.loc[code, "detectable_min"]
            )
            for number in range(60)
        )
        interval_of = [zone[f"persons_{name}_{end}"] for end in ("low", "high")]
        counted = zone[f"persons_{name}"]
        assert interval_of == pytest.approx([min(counts[2], counted), max(counts[56], counted)])
    told = [zone[f"persons_{name}"] for name in ("shorter", "longer", "doubtful", "without", "unknown")]
    assert sum(told) == pytest.approx(weights.sum())


def test_no_doubt_no_width(world: State) -> None:
    exact = world.travel_times.assign(uncertainty_min=0.0)
    exact.attrs = world.travel_times.attrs
    needs = world.demand.assign(demand_low=world.demand["demand"], demand_high=world.demand["demand"])
    options = Uncertainty(draws=20)
    one_decay = world.parameters.practitioners.model_copy(update={"other_profiles": ()})
    sure = replace(
        world, travel_times=exact, demand=needs, parameters=replace(world.parameters, practitioners=one_decay)
    )
    result = drawn(sure, options=options)
    reached = result.times["travel_time_min"].notna()
    for side in ("low_min", "high_min"):
        assert (result.times.loc[reached, side] == result.times.loc[reached, "travel_time_min"]).all()
    for side in ("low_share", "high_share"):
        np.testing.assert_allclose(result.coverage[side], result.coverage["share"], rtol=1e-12)
    assert (result.needs["low"] == result.needs["high"]).all()
    np.testing.assert_allclose(result.gp_access["low"], result.gp_access["value"])
    np.testing.assert_allclose(result.gp_access["high"], result.gp_access["value"])
    assert result.deserts["verdict"].eq("sûr").all()
    assert (result.desert_population["low_hab"] == result.desert_population["high_hab"]).all()
    zone = result.comparisons.xs("territory", level="zone").iloc[0]
    assert zone["low_min"] == zone["high_min"] == pytest.approx(zone["delta_mean_min"])
    assert zone["better_share"] in (0.0, 1.0)


def test_the_difference_has_the_doubt_that_its_detectable_size_says() -> None:
    doubt = Doubt(pd.Index(["a", "b", "c"], dtype=object), 1, 20_000, PARTS, np.array([0, 0, 1]))
    sd = np.full(3, 6.0)
    detectable = np.array([0.0, 5.0, 10.0])
    here = pd.Series(["s", "s", "s"], index=doubt.communes)
    today, error = draw_site(doubt, np.full(3, 60.0), sd, here)
    there = pd.Series(["t", "t", "t"], index=doubt.communes)
    later = draw_other_site(doubt, error, np.full(3, 50.0), sd, there, correlation_of(sd, sd, detectable))
    half_widths = np.quantile(np.abs(later - today + 10.0), 0.8, axis=1)
    assert half_widths == pytest.approx(detectable, abs=0.25)


def test_a_move_onto_the_same_place_changes_nothing_in_any_draw(world: State) -> None:
    doubt = doubt_with(world, 1, 200)
    here = pd.Series(["west"] * 4, index=doubt.communes)
    minutes, sd = np.array([5.0, 12.0, 33.0, 80.0]), np.full(4, 3.0)
    today, error = draw_site(doubt, minutes, sd, here)
    same = draw_other_site(doubt, error, minutes, sd, here.replace("west", "next"), np.ones(4))
    np.testing.assert_array_equal(today, same)


def test_under_the_detectable_size_nothing_is_told_apart(state: State) -> None:
    times = state.travel_times.copy()
    near = times["to_id"].eq("east")
    times.loc[near, "travel_time_min"] = (
        times.loc[times["to_id"] == "west", "travel_time_min"].to_numpy() + 1.0
    )
    times.attrs = state.travel_times.attrs
    zone = drawn(replace(state, travel_times=times)).comparisons.loc[("M", "territory", "ime-x")]
    assert zone["delta_mean_min"] == pytest.approx(1.0)
    assert zone["detectable_min"] > 1
    assert zone["verdict"] == "non distinguable"


def test_needs_are_drawn_together_between_low_and_high(world: State) -> None:
    rows = drawn(world, options=Uncertainty(draws=4000)).needs
    # a commune without range stays at its central value
    assert rows.loc[("2", "autisme"), ["low", "high"]].tolist() == [8.0, 8.0]
    # triangular from 2 to 8 with mode 4: quantiles of 5 and 95 % in closed form
    low, high = 2 + math.sqrt(0.05 * 6 * 2), 8 - math.sqrt(0.05 * 6 * 4)
    assert rows.loc[("1", "autisme"), ["low", "high"]].tolist() == pytest.approx([low, high], abs=0.1)
    assert rows.loc[("territory", "autisme"), "demand"] == 12.0


def test_the_ends_of_a_need_are_two_of_the_quantiles_drawn(world: State) -> None:
    drawn_once = np.sort(np.random.default_rng([7, 5]).random(10))
    rows = of_needs(world, doubt_with(world, 7, 10), 0.8)
    # the first and the ninth of ten hold eight of them; triangular from 2 to 8 with mode 4
    low, high = drawn_once[0], drawn_once[8]
    assert low < 1 / 3 < high
    expected = [2 + math.sqrt(low * 6 * 2), 8 - math.sqrt((1 - high) * 6 * 4)]
    assert rows.loc[("1", "autisme"), ["low", "high"]].tolist() == pytest.approx(expected)
    assert rows.loc[("territory", "autisme"), "kind"] == "prevalence"


def test_same_seed_same_bytes_whatever_the_order_of_rows(world: State) -> None:
    first, again = drawn(world), drawn(world)
    order = np.random.default_rng(2).permutation(len(world.travel_times))
    mixed = world.travel_times.iloc[order]
    mixed.attrs = world.travel_times.attrs
    shuffled = drawn(replace(world, travel_times=mixed))
    other = drawn(world, seed=8)
    for name in ("times", "coverage", "needs", "gp_access", "deserts", "comparisons", "moves"):
        table = getattr(first, name)
        pd.testing.assert_frame_equal(table, getattr(again, name), check_exact=True)
        pd.testing.assert_frame_equal(table, getattr(shuffled, name), check_exact=True)
    assert not first.times.equals(other.times)


def test_another_scenario_changes_no_draw(world: State) -> None:
    baseline = compute(world)
    opening = Scenario(
        id="O",
        name="Ouverture",
        change=(OpenSite(site_id="west", service="cmpp", authorisation_id="cmpp-x", age_min=0, age_max=20),),
    )
    both = {"M": compute(apply(world, MOVE)), "O": compute(apply(world, opening))}
    compared = {name: compare(baseline, later) for name, later in both.items()}
    two = draw_results(baseline, both, compared, seed=7, options=FEW)
    alone = drawn(world)
    pd.testing.assert_frame_equal(two.comparisons.loc[["M"]], alone.comparisons, check_exact=True)
    pd.testing.assert_frame_equal(two.times, alone.times, check_exact=True)


def test_what_cannot_be_computed_has_no_verdict(state: State) -> None:
    rows = drawn(state).deserts
    assert rows.xs("pharmacie", level="criterion")["verdict"].eq("non calculable").all()
    assert rows.xs("pharmacie", level="criterion")["same_status_share"].isna().all()
    # 33 min today: not computable for want of a list of SMUR, whatever the draws
    assert rows.loc[("83001", "urgences"), "verdict"] == "non calculable"


def test_times_without_doubt_are_refused(state: State) -> None:
    bare = state.travel_times.drop(columns="uncertainty_min")
    bare.attrs = state.travel_times.attrs
    with pytest.raises(SchemaError, match="uncertainty_min"):
        drawn(replace(state, travel_times=bare))


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 4), st.integers(0, 60), st.integers(0, 30)),
        min_size=1,
        max_size=12,
        unique_by=lambda row: row[:2],
    ),
    errors=st.lists(st.floats(-2.5, 2.5), min_size=12, max_size=12),
)
def test_a_pair_left_out_is_never_the_closest(rows: list[tuple], errors: list[float]) -> None:
    table = pd.DataFrame(
        [(f"C{c}", f"S{s}", float(t), float(u)) for c, s, t, u in rows],
        columns=["from_id", "to_id", "travel_time_min", "uncertainty_min"],
    )
    communes = pd.Index(["C0", "C1", "C2"], dtype=object)
    pairs = read_pairs(table, communes, [f"S{n}" for n in range(5)])
    kept = may_be_closest(pairs, np.ones(3, dtype=bool))
    times = np.maximum(pairs.minutes + pairs.sd_min * np.array(errors[: len(pairs.minutes)]), 0.0)
    for place in range(3):
        mine = pairs.commune == place
        if mine.any():
            assert times[mine].min() == times[kept][pairs.commune[kept] == place].min()
    # nor is anything kept of a commune that is not asked about
    asked = np.array([True, False, True])
    np.testing.assert_array_equal(may_be_closest(pairs, asked), kept[asked[pairs.commune[kept]]])


def test_the_page_says_the_fitted_parts() -> None:
    page = (Path(__file__).parents[2] / "docs" / "method" / "acces-incertitude.md").read_text(
        encoding="utf-8"
    )
    for known in ("measured", "terrain"):
        parts = estimate_model.error_parts(known)
        shares = [*asdict(parts).values(), parts.pair_share]
        assert sum(shares) - parts.new_site_share == pytest.approx(1.0)
        for share in shares:
            assert f"{100 * share:.1f} %".replace(".", ",") in page
