from __future__ import annotations

import pandas as pd
import pytest

from territory.release.comparison import comparison_tables, long_trips, released_measures
from territory.release.scenarios import scenario_tables
from territory.result import StudyResult
from territory.tables.catalogue import BY_NAME, KEYS
from territory.tables.schemas import validate
from tests import vallon


@pytest.fixture(scope="module")
def result(made_up: StudyResult) -> StudyResult:
    return made_up


def test_every_scenario_is_beside_today(result: StudyResult) -> None:
    table = released_measures(result)
    keys = ["scenario", "level", "zone", "service", "measure", "threshold_min", "criterion", "who", "bound"]
    assert not table.duplicated(keys).any()
    assert table["scenario"].unique().tolist() == list(result.comparisons)
    assert table.groupby("scenario").size().nunique() == 1
    # what a measure is of is a key of its rows, never a part of a name
    within = table[table["measure"] == "within_share"]
    assert set(within["threshold_min"]) == set(result.baseline.state.parameters.thresholds_min)
    accounts = table[table["measure"].str.startswith("year_")]
    assert set(accounts["who"]) <= {"child", "parent", "staff"}
    assert set(accounts["bound"]) == {"direct", "low", "high"}


def test_long_measures_say_what_the_wide_ones_say(result: StudyResult) -> None:
    table, wide = released_measures(result), result.side_by_side
    for name in result.comparisons:
        rows = table[table["scenario"] == name]
        names = [
            BY_NAME[row["measure"]].keyed.name(**{key: row[key] for key in KEYS if row[key] == row[key]})
            for row in rows.to_dict("records")
        ]
        assert names == wide.index.get_level_values("measure").tolist()
        shown = rows["scenario_value"].notna().to_numpy()
        expected = wide[name, "value"].to_numpy(float)[shown]
        assert rows["scenario_value"].to_numpy(float)[shown] == pytest.approx(expected, rel=1e-3, abs=0.6)


def test_accounts_of_travel_keep_their_values(result: StudyResult) -> None:
    for comparison in result.comparisons.values():
        long = long_trips(comparison.trips, comparison.zones)
        row = long[(long["measure"] == "year_vehicle_eur") & (long["bound"] == "high")]
        expected = comparison.trips["delta_year_vehicle_high_eur"]
        assert row["delta_value"].tolist() == pytest.approx(expected.tolist(), nan_ok=True)
        assert len(long) == 12 * len(comparison.trips)


def test_side_by_side_says_what_the_comparisons_say(result: StudyResult) -> None:
    table = result.side_by_side
    for name, comparison in result.comparisons.items():
        for side, column in (("scenario", "value"), ("delta", "delta")):
            pd.testing.assert_series_equal(
                table[name, column].reindex(comparison.measures.index),
                comparison.measures[side],
                check_names=False,
            )
        zones = comparison.zones["persons_loss"]
        for (zone, service), persons in zones.items():
            level = "territory" if zone == "territory" else "epci"
            assert table.loc[(level, zone, service, "persons_loss"), (name, "value")] == pytest.approx(
                persons
            )


def test_commune_table_keeps_the_contract(result: StudyResult) -> None:
    for comparison in result.comparisons.values():
        table = validate("comparison", comparison.by_commune)
        communes = comparison.communes
        pd.testing.assert_series_equal(
            table["delta_travel_time_min"].reindex(communes.index), communes["delta_travel_time_min"]
        )
        within = table["scenario_within_min"].dropna()
        assert (table["scenario_travel_time_min"].reindex(within.index) <= within).all()


def test_no_small_count_leaves(result: StudyResult, monkeypatch: pytest.MonkeyPatch) -> None:
    # no council of this study is that small: a higher threshold stands for smaller councils
    threshold = 800
    monkeypatch.setattr("territory.release.disclosure.THRESHOLD", threshold)
    long = comparison_tables(result)["comparaison_mesures"]
    counts = long[long["unit"] == "persons"]
    hidden = counts[(counts["note"] == "< 11") | (counts["baseline_note"] == "< 11")]
    assert len(hidden)
    # a difference would give the withheld side back
    assert hidden["delta_value"].isna().all()
    values = counts[["baseline_value", "scenario_value"]]
    assert ((values == 0) | (values >= threshold) | values.isna()).all(axis=None)


def test_observed_children_are_withheld(counted: StudyResult) -> None:
    tables = comparison_tables(counted)
    measures = tables["comparaison_mesures"]
    mine = measures[measures["service"] == vallon.IME]
    assert len(mine)
    assert mine.filter(regex="_value$").isna().all(axis=None)
    assert (mine.filter(regex="note$") == "secret").all(axis=None)
    councils = tables["comparaison_conseils"]
    counts = councils[councils["service"] == vallon.IME].filter(like="persons_")
    assert (counts == "secret").all(axis=None)


def test_what_nobody_gave_is_said_and_not_guessed(draguignan: StudyResult) -> None:
    found = comparison_tables(draguignan)
    assert found["attentes"]["note"].eq("non calculable, données à demander à la MDPH").all()
    terms = found["comptes_de_trajets"].set_index(["service", "who"])["missing"]
    assert "valeur d'une heure de professionnel" in terms["sessad-autisme-salernes", "staff"]
    assert "prix au km : transport collectif adapté" in terms["ime-salernes", "child"]
    assert terms["cmpp-draguignan", "child"] == ""
    building = found["batiments"].set_index("scenario").loc["B"]
    assert building["cost_eur"] == 9_134_682.60
    assert "loyers évités" in building["missing"]
    assert pd.isna(building["per_child_low_eur"])


def test_priced_trips_of_the_study(draguignan: StudyResult) -> None:
    trips = draguignan.comparisons["A"].trips.loc[("territory", "sessad-autisme-salernes", "staff")]
    kilometres = trips["baseline_year_low_km"]
    assert trips["baseline_year_vehicle_low_eur"] == pytest.approx(0.636 * kilometres)
    assert trips["baseline_year_co2_low_kg"] == pytest.approx(0.193 * kilometres)
    assert pd.isna(trips["baseline_year_staff_low_eur"])


def test_one_rule_gives_every_count(draguignan: StudyResult) -> None:
    """Draws, comparison, councils, limits and measures tell the same persons, and each interval holds them."""
    drawn, limit = draguignan.draws, draguignan.baseline.state.parameters.recruitment_max_min
    assert drawn is not None
    wide = draguignan.side_by_side
    for name, comparison in draguignan.comparisons.items():
        for service in comparison.services:
            zones = comparison.zones.xs(service, level="service")
            found = drawn.comparisons.loc[name].xs(service, level="service").reindex(zones.index)
            councils = comparison.councils.xs(service, level="service")
            whole = comparison.sensitivity.loc[(service, limit)]
            for effect, said, verdict in (("gain", "shorter", "plus court"), ("loss", "longer", "plus long")):
                count = zones[f"persons_{effect}"]
                pd.testing.assert_series_equal(found[f"persons_{said}"], count, check_names=False)
                if count.notna().all():
                    assert (found[f"persons_{said}_low"] <= count).all()
                    assert (count <= found[f"persons_{said}_high"]).all()
                assert whole[f"persons_{effect}"] == pytest.approx(count["territory"], nan_ok=True)
                top = councils.loc[("territory", "territory"), f"persons_{effect}"]
                assert top == pytest.approx(count["territory"], nan_ok=True)
                rows = comparison.communes.xs(service, level="service")
                moves = drawn.moves.loc[name].xs(service, level="service")
                told = set(moves.index[moves["verdict"] == verdict])
                inside = rows.index[rows["effect"] == effect]
                assert set(inside) <= told
                sign = -1 if effect == "gain" else 1
                # the interval of each commune leaves 0 out
                assert (sign * moves.loc[inside, ["low_min", "high_min"]] > 0).all(axis=None)
            mean = wide.loc[
                ("territory", "territory", service, "mean_time_min"), (name, "is_distinguishable")
            ]
            told_mean = zones.loc["territory", "is_mean_distinguishable"]
            assert (mean is pd.NA and told_mean is pd.NA) or mean == told_mean


def test_whatever_a_scenario_changes_is_listed(draguignan: StudyResult) -> None:
    acts = scenario_tables(draguignan)["changements_scenarios"]
    mine = acts[(acts["scenario"] == "C") & (acts["authorisation_id"] == "ime-salernes")]
    assert mine["act"].tolist() == ["moved", "branched"]
    assert mine["act_value"].tolist() == ["prisme-draguignan", ""]
