"""Children served: an attacker who holds every published table, and all that is public, finds no small count."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from territory.errors import ParameterError
from territory.release import release
from territory.release.disclosure import SUPPRESSED
from territory.release.handed_tables import tables
from territory.release.observed_children import ObservedCounts, observed_counts, zone_flags
from territory.release.treatment import treat
from territory.result import StudyResult
from territory.scenario import apply, compare, compute
from territory.scenario.zones import ALL_TERRITORY
from tests import vallon

EFFECTS = ("gain", "loss", "indistinct", "entering", "unknown")


def ime(result: StudyResult) -> str:
    """The establishment whose children are counted, in the Var or in the made-up territory."""
    return vallon.IME if result.study.id == "vallon" else "ime-salernes"


def served(
    result: StudyResult, counts: dict[str, int], *, limit: float = 45, tests: tuple[float, ...] = (30, 60)
) -> StudyResult:
    """Give the children served by the IME, by commune, under a recruitment limit."""
    rows = pd.DataFrame(
        {"authorisation_id": ime(result), "commune_code": list(counts), "children": list(counts.values())}
    )
    parameters = dataclasses.replace(
        result.baseline.state.parameters, recruitment_max_min=limit, recruitment_tests_min=tests
    )
    state = dataclasses.replace(result.baseline.state, observed_origins=rows, parameters=parameters)
    baseline = compute(state)
    after = {scenario.id: compute(apply(state, scenario)) for scenario in result.study.scenario}
    compared = {s.id: compare(baseline, after[s.id]).named(s.id, s.name) for s in result.study.scenario}
    return dataclasses.replace(result, baseline=baseline, scenarios=after, comparisons=compared)


def drawn(result: StudyResult, seed: int) -> dict[str, int]:
    """Draw where some children live: many small communes, a few large ones, around Salernes and beyond."""
    random = np.random.default_rng(seed)
    times = result.baseline.access.xs(ime(result), level="service")["travel_time_min"]
    near = times[times < 70].index.to_numpy()
    codes = random.choice(near, size=min(25, 3 * len(near) // 4), replace=False)
    counts = random.integers(1, 25, len(codes))
    return {str(code): int(count) for code, count in zip(codes, counts, strict=True)}


Line = tuple[frozenset[str], float]


def read(result: StudyResult) -> list[Line]:
    """Read the published tables as their reader would: sums over communes that anybody can list."""
    published = tables(result)
    names = published["comparaison_communes"]
    lines: list[Line] = []
    for scenario, mine in names[names["service"] == ime(result)].groupby("scenario"):
        mine = mine.set_index("commune_code")
        lines += sums_of({frozenset([str(code)]): text for code, text in mine["persons"].items()})
        zones = published["comparaison_zones"]
        zones = zones[(zones["scenario"] == scenario) & (zones["service"] == ime(result))].set_index("zone")
        epci = mine["epci_code"].fillna("")
        for zone, row in zones.iterrows():
            inside = mine if zone == ALL_TERRITORY else mine[epci == zone]
            found = {frozenset(inside.index[inside["effect"] == e]): row[f"persons_{e}"] for e in EFFECTS}
            if str(row.get("persons_merged", "")).isdecimal():
                together = inside["effect"].isin(row["merged_effects"].split("+"))
                lines += sums_of({frozenset(inside.index[together]): row["persons_merged"]})
            leaving = inside.index[inside["effect"].eq("loss") & ~inside["is_in_scenario_area"]]
            lines += [*sums_of(found), *sums_of({frozenset(leaving): row["persons_leaving"]})]
        limits = published["comparaison_sensibilite"]
        limits = limits[(limits["scenario"] == scenario) & (limits["service"] == ime(result))]
        for row in limits.to_dict("records"):
            # published times are rounded: an attacker who can do better knows them whole
            times = result.comparisons[str(scenario)].communes.xs(ime(result), level="service")
            effects = effects_under(times, float(row["recruitment_max_min"]))
            lines += sums_of({frozenset(times.index[effects == e]): row[f"persons_{e}"] for e in EFFECTS})
            if str(row.get("persons_merged", "")).isdecimal():
                together = np.isin(effects, row["merged_effects"].split("+"))
                lines += sums_of({frozenset(times.index[together]): row["persons_merged"]})
    return lines


def effects_under(rows: pd.DataFrame, limit: float) -> np.ndarray:
    """Work out who is in each effect under another limit, from the published times."""
    # no limit of time stands
    served = rows["is_served"].astype("boolean").fillna(False).astype(bool)
    today, later = ((rows[f"{side}_travel_time_min"] <= limit) | served for side in ("baseline", "scenario"))
    told, shorter = rows["is_distinguishable"].astype(bool), rows["delta_travel_time_min"] < 0
    return np.select(
        [~(today | later), ~today, ~told, shorter], ["outside", "entering", "indistinct", "gain"], "loss"
    )


def sums_of(found: dict[frozenset[str], object]) -> list[Line]:
    """Keep what is printed."""
    return [(members, float(str(text))) for members, text in found.items() if text not in (SUPPRESSED, "")]


def ranges(
    lines: list[Line], unknown: list[str], wanted: list[frozenset[str]], veiled: frozenset[str] = frozenset()
) -> list[tuple[float, float]]:
    """Find the lowest and highest sum that a reader can believe for some groups of communes (whole numbers).

    The reader knows that a withheld commune that is not veiled sends somebody: 0 would have been printed.
    """
    unknown = sorted({*unknown, *veiled})
    bounds = [(0 if code in veiled else 1, None) for code in unknown]
    places = {code: i for i, code in enumerate(unknown)}
    rows = [(members, value) for members, value in lines if members & set(unknown)]
    matrix = np.zeros((len(rows), len(unknown)))
    for i, (members, _) in enumerate(rows):
        matrix[i, [places[code] for code in members if code in places]] = 1
    values = np.array([value for _, value in rows])
    # villages that are in the same sums make one unknown: whole numbers from 0 add up to any whole number from 0
    asked, kept = set().union(*wanted), {}
    for i, code in enumerate(unknown):
        is_one = code in asked or code not in veiled
        kept.setdefault(code if is_one else matrix[:, i].tobytes(), i)
    chosen = sorted(kept.values())
    unknown, bounds, matrix = [unknown[i] for i in chosen], [bounds[i] for i in chosen], matrix[:, chosen]
    found = []
    for members in wanted:
        goal = np.array([float(code in members) for code in unknown])
        ends = []
        for sign in (1, -1):
            solved = linprog(
                sign * goal,
                A_eq=matrix if len(rows) else None,
                b_eq=values if len(rows) else None,
                bounds=bounds,
                # with villages the whole numbers take minutes to search: the range that fractions allow contains theirs
                integrality=0 if veiled else 1,
            )
            ends.append(np.inf if solved.status in (3, 4) else float(solved.x @ goal))
        found.append((ends[0], ends[1]))
    return found


def attack(
    lines: list[Line],
    truth: dict[str, int],
    groups: list[frozenset[str]],
    veiled: frozenset[str] = frozenset(),
) -> list[str]:
    """Return the small counts that the published lines give back, or narrow to a range under the threshold."""
    small = [g for g in groups if 0 < sum(truth.get(code, 0) for code in g) < 11]
    intervals = ranges(lines, sorted(code for code, count in truth.items() if count), small, veiled)
    return [
        f"{sorted(group)}: {low:g} to {high:g}"
        for group, (low, high) in zip(small, intervals, strict=True)
        if high - low < 11
    ]


def groups_of(result: StudyResult, truth: dict[str, int]) -> list[frozenset[str]]:
    """List what must stay unknown: each commune, and each EPCI split by effect."""
    communes = [frozenset([code]) for code in truth]
    epci = result.baseline.state.communes["epci_code"].fillna("").reindex(list(truth))
    rows = result.comparisons["B"].communes.xs(ime(result), level="service")["effect"].reindex(list(truth))
    cells = pd.Series(list(truth), index=list(truth)).groupby([epci, rows]).agg(frozenset)
    return [*communes, *cells]


def veil(result: StudyResult) -> frozenset[str]:
    """List the villages of which nobody may know whether they send a child."""
    found = observed_counts(result, ime(result))
    assert found is not None
    return found.veiled


@pytest.fixture(scope="module")
def with_b(draguignan: StudyResult) -> StudyResult:
    """The built-in study with the scenario that moves the IME alone: the others add lines, and time."""
    return dataclasses.replace(
        draguignan, study=draguignan.study.model_copy(update={"scenario": draguignan.study.scenario[1:2]})
    )


@pytest.fixture(scope="module")
def small_b(made_up: StudyResult) -> StudyResult:
    """The made-up territory with the same scenario: it has no draws."""
    study = made_up.study.model_copy(update={"scenario": made_up.study.scenario[1:2]})
    return dataclasses.replace(made_up, study=study)


@pytest.fixture(scope="module")
def quick_b(with_b: StudyResult) -> StudyResult:
    """The same without draws, whose intervals no test that asks for it reads: a quarter of the time."""
    uncertainty = with_b.study.uncertainty.model_copy(update={"draws": 0})
    study = with_b.study.model_copy(update={"uncertainty": uncertainty})
    return dataclasses.replace(with_b, study=study)


@pytest.mark.parametrize(
    ("study", "seed"),
    [
        ("small_b", 0),
        *(pytest.param("small_b", seed, marks=pytest.mark.slow) for seed in (1, 2)),
        pytest.param("quick_b", 0, marks=pytest.mark.slow),
        *(pytest.param("draguignan", seed, marks=pytest.mark.slow) for seed in range(4)),
    ],
)
def test_tables_of_a_study_give_no_small_count_back(
    study: str, seed: int, request: pytest.FixtureRequest
) -> None:
    whole: StudyResult = request.getfixturevalue(study)
    truth = drawn(whole, seed)
    result = served(whole, truth)
    lines = read(result)
    assert attack(lines, truth, groups_of(result, truth), veil(result)) == []
    # something is still printed, or the test proves nothing
    assert any(value > 0 for _, value in lines)


@pytest.mark.slow
@pytest.mark.parametrize("study", ["with_b", pytest.param("draguignan", marks=pytest.mark.slow)])
def test_two_recruitment_limits_give_no_small_count_back(study: str, request: pytest.FixtureRequest) -> None:
    result: StudyResult = request.getfixturevalue(study)
    truth = drawn(result, 7)
    first = served(result, truth, limit=45, tests=(30, 60))
    second = served(result, truth, limit=30, tests=(45, 60))
    assert attack([*read(first), *read(second)], truth, groups_of(first, truth), veil(first)) == []


def test_the_attack_finds_what_careless_tables_tell(small_b: StudyResult) -> None:
    truth = drawn(small_b, 1)
    result = served(small_b, truth)
    careless = [(frozenset([code]), float(n)) for code, n in truth.items() if n >= 11]
    careless.append((frozenset(truth), float(sum(truth.values()))))
    epci = result.baseline.state.communes["epci_code"].fillna("").reindex(list(truth))
    careless += [
        (frozenset(codes.index), float(sum(truth[c] for c in codes.index))) for _, codes in epci.groupby(epci)
    ]
    assert attack(careless, truth, groups_of(result, truth))


@pytest.mark.slow
def test_two_worlds_that_differ_in_withheld_counts_alone_are_published_alike(with_b: StudyResult) -> None:
    # two communes that no published sum tells apart: a child of the one could as well be of the other, and no
    # mean, share, rank or interval of any table may say which
    first = {"83050": 31, "83007": 23, "83143": 6, "83097": 4, "83116": 15, "83121": 15, "83018": 12}
    second = {**first, "83143": 7, "83097": 3}
    counted = observed_counts(served(with_b, first), ime(with_b))
    assert counted is not None
    assert all(("83143" in members) == ("83097" in members) for members in counted._sums if len(members) > 1)
    assert counted.is_withheld(["83143"])
    assert counted.is_withheld(["83097"])
    published = [tables(served(with_b, truth)) for truth in (first, second)]
    assert published[0].keys() == published[1].keys()
    different = [name for name in published[0] if not published[0][name].equals(published[1][name])]
    assert different == []


@pytest.mark.slow
def test_nobody_learns_whether_a_village_sends_a_child(quick_b: StudyResult) -> None:
    # 73 and 138 young people of the age received, as the report on method has them; Draguignan has thousands
    truth = {"83050": 31, "83121": 14, "83060": 1, "83128": 2, "83007": 23}
    result = served(quick_b, truth)
    veiled = veil(result)
    assert {"83060", "83128"} <= veiled
    assert not {"83050", "83007"} & veiled
    printed = release(result).communes_table("B").xs(ime(result), level="service")
    # one word for those that send a child and those that send none
    assert printed.loc[printed.index.isin(veiled), "persons"].eq(SUPPRESSED).all()
    assert printed.loc[~printed.index.isin(veiled), "persons"].eq("0").any()
    lines, some = (
        read(result),
        [frozenset([code]) for code in ["83060", "83128", *sorted(veiled - set(truth))[::40]]],
    )
    for low, high in ranges(lines, sorted(truth), some, veiled):
        assert low == 0
        assert high >= 11


def test_a_sum_says_no_more_than_its_villages() -> None:
    # with b veiled, a and the total would say whether b sends somebody
    for count in (0, 3):
        protected = ObservedCounts(pd.Series({"a": 20.0, "b": count, "c": 30.0}), [], veiled=["b"])
        assert protected.is_withheld(["b"])
        assert not protected.is_withheld(["a", "b", "c"])
        assert protected.is_withheld(["a"]) or protected.is_withheld(["c"])
        assert not protected.is_mean_safe(["a", "b"])
    # a zone of villages alone says no 0
    alone = ObservedCounts(pd.Series({"a": 20.0}), [(frozenset("bc"), 2)], veiled=["b", "c"])
    assert alone.is_withheld(["b", "c"])
    assert alone.is_withheld(["c"])


def test_waits_of_few_children_are_withheld() -> None:
    waits = pd.DataFrame(
        {
            "waiting": [7.0, 30.0, 30.0, np.nan],
            "exits_per_year": [20.0, 4.0, 15.0, np.nan],
            "wait_months": [4.2, 90.0, 24.0, np.nan],
            "scenario_wait_months": [4.2, 90.0, 24.0, np.nan],
        }
    )
    printed = treat("attentes", waits)
    assert printed["waiting"].tolist() == [SUPPRESSED, "30", "30", ""]
    assert printed["exits_per_year"].tolist() == ["20", SUPPRESSED, "15", ""]
    assert printed["wait_months"].isna().tolist() == [True, True, False, True]


@pytest.mark.slow
def test_means_that_would_tell_where_children_live_are_withheld(quick_b: StudyResult) -> None:
    truth = {"83050": 31, "83121": 4, "83007": 23, "83023": 18, "83116": 3}
    result = served(quick_b, truth)
    released = release(result)
    zones = released.zones_table("B").xs(ime(result), level="service")
    flags = zone_flags(result, "B", ime(result))
    assert flags is not None
    assert flags["mean"][ALL_TERRITORY]
    assert zones["baseline_mean_min"][flags["mean"].reindex(zones.index)].isna().all()
    trips = released.trips_table("B").xs((ALL_TERRITORY, ime(result)), level=("zone", "service"))
    assert trips.filter(like="baseline_").isna().all(axis=None)
    large = served(quick_b, {"83050": 31, "83121": 40})
    flags = zone_flags(large, "B", ime(large))
    assert flags is not None
    # a veiled village in a zone is an unknown of its mean
    epci = large.baseline.state.communes["epci_code"]
    near = large.comparisons["B"].communes.xs(ime(large), level="service")["is_in_area"]
    is_veiled = epci.index.isin(veil(large)) & near.reindex(epci.index).fillna(False).to_numpy(bool)
    with_village = set(epci[is_veiled])
    assert flags["mean"].drop([ALL_TERRITORY, *with_village], errors="ignore").eq(False).all()
    assert flags["mean"][list(with_village & set(flags.index))].all()


@given(st.lists(st.integers(0, 14), min_size=1, max_size=5), st.data())
def test_any_sums_of_any_communes(counts: list[int], data: st.DataObject) -> None:
    codes = [f"c{i}" for i in range(len(counts))]
    truth = dict(zip(codes, counts, strict=True))
    subsets = data.draw(st.lists(st.frozensets(st.sampled_from(codes), min_size=1), max_size=6))
    protected = ObservedCounts(pd.Series(truth, dtype=float), [(s, 2) for s in subsets])
    asked = [*subsets, *(frozenset([code]) for code in codes), frozenset(codes)]
    lines = [(s, float(sum(truth[c] for c in s))) for s in asked if not protected.is_withheld(s)]
    assert attack(lines, truth, asked) == []


def test_a_sum_that_was_not_protected_cannot_be_printed() -> None:
    protected = ObservedCounts(pd.Series({"a": 20.0, "b": 30.0, "c": 40.0}), [])
    assert not protected.is_withheld(["a"])
    assert not protected.is_withheld(["absent"])
    with pytest.raises(ParameterError, match="pas été protégée"):
        protected.is_withheld(["a", "b"])


def test_services_that_are_not_counted_have_nothing_to_withhold(made_up: StudyResult) -> None:
    assert observed_counts(made_up, ime(made_up)) is None
    assert zone_flags(made_up, "B", ime(made_up)) is None
