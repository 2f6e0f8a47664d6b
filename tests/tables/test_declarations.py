"""Every column that leaves, or that a reader sees in Jupyter, is declared once; nothing else is handed over."""

from __future__ import annotations

import re
from collections import Counter

import pandas as pd
import pytest

from territory.errors import ParameterError, UnknownCodeError
from territory.release.comparison import released_measures
from territory.release.treatment import handed, treat, unpivot
from territory.result import StudyResult
from territory.tables import catalogue
from territory.tables.catalogue import (
    COLUMNS,
    MEASURES,
    OWN,
    TABLES,
    columns_of,
    label_of,
    measure_label,
    read_measure,
    table_of,
    undeclared,
)
from territory.tables.declare import CODES, Column, lines_of
from tests.declared import check
from tests.report.worlds import few, world


@pytest.mark.slow
def test_every_column_of_the_var_is_declared(draguignan: StudyResult) -> None:
    check(draguignan)


def test_every_column_of_a_run_is_declared(made_up: StudyResult) -> None:
    check(made_up)
    compared = released_measures(made_up)
    assert undeclared("comparaison_mesures", compared.columns) == []


@pytest.mark.parametrize("name", few(among=["usual", "without_scenario", "all_unknown", "observed"]))
def test_every_column_of_odd_studies_is_declared(name: str) -> None:
    check(world(name))


def test_what_is_not_declared_is_not_handed_over() -> None:
    table = pd.DataFrame({"commune_code": ["83050"], "secret_column": [4.0]})
    with pytest.raises(UnknownCodeError, match="secret_column"):
        handed("communes", table)
    with pytest.raises(UnknownCodeError, match="Table non déclarée"):
        handed("une_table", table)


def test_small_counts_that_nobody_treated_are_not_handed_over() -> None:
    needs = pd.DataFrame({"epci_code": ["1", "2"], "public": "aeeh", "kind": "rights", "demand": [4.0, 30.0]})
    with pytest.raises(ParameterError, match="1 effectif"):
        handed("besoins_epci", needs)
    assert handed("besoins_epci", treat("besoins_epci", needs))["demand"].tolist() == ["< 11", "30"]


def test_secrecy_says_what_is_withheld() -> None:
    zones = pd.DataFrame(
        {"persons_gain": [30.0, 40.0], "baseline_mean_min": [12.0, 13.0], "worst_loss_min": 5.0}
    )
    treated = treat("Comparison.zones", zones, pd.Series([True, False]))
    assert treated["persons_gain"].tolist() == ["secret", "40"]
    assert treated["baseline_mean_min"].isna().tolist() == [True, False]
    # a time is public
    assert treated["worst_loss_min"].tolist() == [5.0, 5.0]
    groups = pd.DataFrame({"budget_eur": [3e6, 4e6], "n_units": [2, 3]})
    assert treat("GroupingAnswer.groups", groups, pd.Series([True, False]))["budget_eur"].tolist() == [
        "secret",
        "4000000",
    ]


def test_each_name_is_declared_once_and_found() -> None:
    for file in ("columns.csv", "tables.csv"):
        counted = Counter((line.get("table", ""), line["name"]) for line in lines_of(file))
        assert [name for name, times in counted.items() if times > 1] == []
    assert set(OWN) | set(catalogue.KEYED) <= set(TABLES)
    for line in lines_of("columns.csv"):
        assert not line["codes"] or line["codes"].lower() in CODES, line
        assert {line["is_fine"], line["is_label"]} <= {"yes", ""}, line
    for name, table in TABLES.items():
        assert table.about, name
        assert bool(table.fr) == table.is_handed, name
        for column in columns_of(name).values():
            assert column.fr, (name, column.name)
            assert column.about, (name, column.name)
    titles = [table.fr for table in TABLES.values() if table.is_handed and " " not in table.name]
    assert [title for title, times in Counter(titles).items() if times > 1] == ["Généralistes par commune"]


def test_no_name_of_a_handed_table_holds_a_key() -> None:
    for name, table in TABLES.items():
        if table.is_handed and not name.startswith("territoire.gpkg"):
            assert table.keyed == (), name
            assert not any(re.search(r"_\d{1,3}_", column) for column in columns_of(name)), name


def test_headings_end_with_the_unit() -> None:
    assert COLUMNS["detectable_min"].label == "Écart visible à partir de (min)"
    assert COLUMNS["density_hab_km2"].label == "Densité (hab./km²)"
    assert label_of("SitingAnswer.ranking", "persons_beyond_45_min") == "Personnes au-delà du seuil, 45 min"
    assert table_of("groupement_a_membres").title == "Membres a"


def test_measures_are_read_as_they_are_written() -> None:
    keys = {"threshold_min": 30.0, "criterion": "apl", "who": "staff", "bound": "low"}
    for measure in MEASURES:
        name = measure.keyed.name(**keys)
        found, held = read_measure(name)
        assert found is measure
        assert measure.keyed.name(**held) == name
        assert "{" not in measure_label(measure.name, held)
    assert measure_label("within_hab", {"threshold_min": 30.0}, is_long=True) == "habitants à 30 min ou moins"
    assert (
        measure_label("in_desert_hab", {"criterion": "urgences"}, is_long=True)
        == "habitants en désert (urgences)"
    )


def test_a_long_table_says_what_the_wide_one_says() -> None:
    wide = pd.DataFrame(
        {
            "zone": ["A", "B"],
            "demand_hab": [10.0, 20.0],
            "within_15_min_hab": [1.0, 2.0],
            "within_15_min_share": [0.1, 0.1],
            "within_7.5_min_hab": [0.0, 1.0],
            "within_7.5_min_share": [0.0, 0.05],
        }
    )
    long = unpivot(wide, catalogue.COVERAGE).set_index(["zone", "threshold_min"])
    assert long.loc[("B", 7.5), "within_share"] == 0.05
    assert long.loc[("A", 15.0), "within_hab"] == 1.0
    assert long["demand_hab"].tolist() == [10.0, 10.0, 20.0, 20.0]


def test_a_column_knows_its_unit_and_format() -> None:
    assert Column("year", "Année", "", "number", is_label=True).number_format == "plain"
    assert Column("low_share", "Bas", "", "number").number_format == "fine"
    assert Column("distance_km", "Distance", "", "number").decimals == 1
    assert Column("share_text", "", "").unit.suffix == ""
