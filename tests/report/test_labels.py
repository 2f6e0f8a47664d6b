"""French names of columns and codes: none is left in code."""

from __future__ import annotations

import re

from territory.release.handed_tables import tables
from territory.tables.labels import column_label, value_label
from tests.report.worlds import world

ENGLISH = re.compile(
    r"(?i)\b(?:travel|time|gain|loss|baseline|scenario_|share|closest|outside|commune_|value|label|site_|low|high|reason)\b"
)


def test_every_column_of_every_table_has_a_french_name() -> None:
    for name, table in tables(world("usual")).items():
        labels = [column_label(str(column)) for column in table.columns]
        assert len(set(labels)) == len(labels), (name, sorted(labels))
        for column, label in zip(table.columns, labels, strict=True):
            assert not ENGLISH.search(label), (name, column, label)
            assert "_" not in label


def test_units_are_said() -> None:
    assert column_label("detectable_min") == "Écart visible à partir de (min)"
    assert column_label("density_hab_km2") == "Densité (hab./km²)"
    assert column_label("scenario_year_co2_high_kg") == "CO₂ par an, haut, scénario (kg)"
    assert column_label("persons_beyond_45_min") == "Personnes à plus de 45 min"


def test_codes_and_names() -> None:
    assert value_label("within_30_min_hab") == "habitants à 30 min ou moins"
    assert value_label("beyond_30_min_share") == "part des personnes au-delà de 30 min"
    assert value_label("in_desert_urgences_hab") == "habitants en désert (urgences)"
    assert value_label("un nom") == "un nom"
