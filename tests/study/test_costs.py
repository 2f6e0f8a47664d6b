from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest

from territory.errors import StudyError
from territory.study import load_study

BUILT_IN = resources.files("territory.datasets") / "studies" / "draguignan.toml"


def study(tmp_path: Path, addition: str, **replaced: str) -> Path:
    text = BUILT_IN.read_text("utf-8")
    for old, new in replaced.items():
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "etude.toml"
    path.write_text(text + "\n" + addition, encoding="utf-8")
    return path


def test_built_in_study_states_its_prices_and_their_sources() -> None:
    built_in = load_study("draguignan")
    car = built_in.prices.of("voiture")
    assert car is not None
    assert car.eur_per_km == 0.636
    assert "arrêté du 27 mars 2023" in car.eur_source
    assert car.co2_year == 2023
    # what nobody has said stays unknown
    assert built_in.prices.staff_hour is None
    assert built_in.waiting == ()


def test_built_in_building_is_that_of_the_town() -> None:
    (building,) = load_study("draguignan").building
    assert building.cost_eur == 9_134_682.60
    assert building.subsidies_eur == pytest.approx((1_826_936.52, 3_653_873.04))
    assert building.children_accompanied is None
    assert building.rents_avoided_eur is None


def test_a_study_gives_its_own_prices_and_waits(tmp_path: Path) -> None:
    path = study(
        tmp_path,
        "[prices.staff_hour]\neur_per_hour = 31.5\nsource = 'budget 2024'\nyear = 2024\n"
        "[[waiting]]\nauthorisation = 'cmpp-draguignan'\nwaiting = 40\nexits_per_year = 60\nyear = 2024\n"
        "source = 'CMPP'\n",
    )
    read = load_study(path)
    assert read.prices.staff_hour is not None
    assert read.waiting[0].exits_per_year == 60


@pytest.mark.parametrize(
    "addition, expected",
    [
        ("[[prices.vehicle]]\nid = 'voiture'\nlabel = 'x'\n", "le véhicule « voiture » est déclaré 2 fois"),
        (
            "[[prices.vehicle]]\nid = 'taxi'\nlabel = 'x'\neur_per_km = 1\n",
            "un prix demande eur_source et eur_year",
        ),
        ("[[prices.vehicle]]\nid = 'taxi'\nlabel = 'x'\neur_per_km = -1\n", "doit être au moins 0"),
        ("[prices.staff_hour]\neur_per_hour = 30\nyear = 2024\n", "clé obligatoire absente"),
        (
            "[[waiting]]\nauthorisation = 'cmp'\nwaiting = 1\nexits_per_year = 1\nyear = 2024\nsource = 's'\n",
            "autorisation « cmp » sans section [[authorisation]]",
        ),
        (
            "[[waiting]]\nauthorisation = 'cmp-trans'\nwaiting = 1\nexits_per_year = 1\nyear = 2024\nsource = 's'\n"
            * 2,
            "l'attente de « cmp-trans » est donnée 2 fois",
        ),
        (
            "[[waiting]]\nauthorisation = 'cmp-trans'\nwaiting = -1\nexits_per_year = 1\nyear = 2024\nsource = 's'\n",
            "doit être au moins 0",
        ),
        (
            "[[building]]\nlabel = 'x'\nscenarios = ['Z']\ncost_eur = 1\nsource = 's'\nyear = 2024\n",
            "scénario inconnu « Z »",
        ),
        (
            "[[building]]\nlabel = 'x'\nscenarios = ['A']\ncost_eur = 1\nsource = 's'\nyear = 2024\n",
            "deux bâtiments pour « A »",
        ),
    ],
)
def test_wrong_costs_are_reported_with_their_line(tmp_path: Path, addition: str, expected: str) -> None:
    path = study(tmp_path, addition)
    with pytest.raises(StudyError) as raised:
        load_study(path)
    message = str(raised.value)
    assert expected in message
    first = BUILT_IN.read_text("utf-8").count("\n") + 1
    numbers = [
        int(part.split()[1])
        for part in message.splitlines()
        if part.startswith("- ligne ")
        for part in [part[2:]]
    ]
    assert any(number > first for number in numbers)


def test_vehicle_of_a_trip_is_declared(tmp_path: Path) -> None:
    path = study(tmp_path, "", **{'vehicle = "transport_adapte"': 'vehicle = "minibus"'})
    with pytest.raises(StudyError, match="véhicule inconnu « minibus »"):
        load_study(path)


def test_prices_waits_and_building_of_the_example_read(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "studies" / "exemple.toml").read_text("utf-8")
    head, _, tail = text.partition("# --- ")[0].partition("# Prix, attente, bâtiment")
    keys = re.compile(r"^# (?=\[|[a-z0-9_]+ = )", re.MULTILINE)
    (tmp_path / "etude.toml").write_text(head + keys.sub("", "# " + tail), encoding="utf-8")
    read = load_study(tmp_path / "etude.toml")
    assert read.prices.of("minibus") is not None
    assert read.prices.staff_hour is not None
    assert (len(read.waiting), len(read.building)) == (1, 1)
