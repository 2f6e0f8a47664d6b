"""The French names that declarations give to tables, columns, codes and measures."""

from __future__ import annotations

import pandas as pd
import pytest

from territory.errors import SchemaError
from territory.tables.catalogue import (
    KEYED,
    code_label,
    keyed_label,
    label_of,
    measure_label,
    read_measure,
    table_of,
)
from territory.tables.declare import Column, Keyed, lines_of
from territory.tables.schemas import validate


def test_labels() -> None:
    assert Column("worst_loss_min", "Perte la plus forte", "largest loss", "number").label == (
        "Perte la plus forte (min)"
    )
    assert table_of("implantation_plateforme").title == "Site plateforme"
    assert label_of("comparaison_communes", "delta_travel_time_min") == (
        "Temps de route, aller simple, écart (min)"
    )
    assert keyed_label(KEYED["territoire.gpkg temps"][0], {"service": "urgences"}) == (
        "Temps de route aujourd'hui, service d'urgences (min)"
    )
    codes = (("effect", "indistinct"), ("persons", "secret"), ("name", "Aups"))
    assert [code_label(*code) for code in codes] == ["sans différence visible", "secret statistique", "Aups"]


def test_names_that_hold_keys() -> None:
    share = Keyed("within_{threshold_min}_min_share", Column("within_share", "", ""))
    assert share.name(threshold_min=30.0) == "within_30_min_share"
    measure, keys = read_measure("within_30_min_persons")
    assert (measure.name, keys) == ("within_persons", {"threshold_min": "30"})
    assert measure_label("within_persons", {"threshold_min": 30.0}) == "À 30 min ou moins (pers.)"
    long = measure_label("year_vehicle_eur", {"who": "staff", "bound": "low"}, is_long=True)
    assert long == "route des professionnels, par an, véhicule (hypothèse basse)"


def test_wrong_values_are_said_in_french() -> None:
    times = pd.DataFrame({"from_id": ["83121"], "to_id": ["ime"], "travel_time_min": [-3.0]})
    with pytest.raises(SchemaError, match=r"« travel_time_min » : 1 valeur hors des bornes \[0 ; \+∞\] \(-3"):
        validate("travel_times", times)


def test_the_title_of_a_table_is_whole_on_its_sheet() -> None:
    # Excel keeps 31 letters of the name of a sheet
    long = [line["fr"] for line in lines_of("tables.csv", "territory.tables") if len(line["fr"]) > 31]
    assert long == []
