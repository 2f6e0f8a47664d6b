"""What is wrong in scenarios and questions of siting, all said at once and each with its line."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from territory.study import load_study
from territory.study.own_tables import read_change_table
from territory.study.words.changes import Change
from territory.study.words.questions import Siting
from tests.study.test_load import GOOD, line, problems_of, write

SITING = """
[[siting]]
id = "q"
name = "Où ?"
candidates = ["83050", "83086"]
authorisation_ids = ["ime-salernes"]
"""
CHANGE = '\n[[scenario.change]]\ntype = "{}"\n'


def with_change(kind: str, said: str, *, before: str = "") -> str:
    return GOOD.replace("[[scenario]]", before + "[[scenario]]") + CHANGE.format(kind) + said + "\n"


def test_every_change_and_a_siting_are_read(tmp_path: Path) -> None:
    text = GOOD + SITING
    text += '[[scenario]]\nid = "B"\nname = "Tout"\nfamilies = "stay"\n'
    for kind, said in {
        "open_site": 'site_id = "nouveau"\nservice = "camsp"\nauthorisation_id = "camsp-neuf"',
        "open_branch": 'authorisation_id = "cmpp-draguignan"\nsite_id = "ime-salernes"',
        "close_site": 'authorisation_id = "cmp-trans"',
        "change_capacity": 'authorisation_id = "hdj-trans"\ncapacity = 12',
        "transfer_authorisation": 'authorisation_ids = ["sessad-pro-salernes"]\nto = "GCSMS"\nact = "operation"',
        "pool_sites": 'name = "GCSMS"\nmember_ids = ["ime-salernes", "cmpp-draguignan"]\nsite_id = "nouveau"\n'
        'shared = ["transport"]\nfreed_staff_share = nan',
        "merge_establishments": 'into_authorisation_id = "sessad-autisme-salernes"\n'
        'absorbed_ids = ["sessad-bel-estello"]',
        "change_speeds": "time_factor = 1.2\nbox = [6.3, 43.4, 6.6, 43.6]",
        "change_population": "growth_per_year = 0.004\nfrom_year = 2021\nto_year = 2030",
        "move_site": 'authorisation_ids = ["ime-salernes"]\nto_site_id = "siting:q"',
    }.items():
        text += CHANGE.format(kind) + said + "\n"
    study = load_study(write(tmp_path, text))
    assert len(study.scenario[1].change) == 10
    assert study.siting[0].p == 1
    assert study.at("siting", 0) == f"ligne {line(text, '[[siting]]')} : "


def test_all_problems_of_scenarios_at_once(tmp_path: Path) -> None:
    text = GOOD + CHANGE.format("close_site") + 'authorisation_id = "ime-salernes"\n'
    text += CHANGE.format("change_capacity") + 'authorisation_id = "ime-de-nulle-part"\ncapacity = -1\n'
    text += (
        CHANGE.format("change_population")
        + 'growth_per_year = 0.1\nfrom_year = 2021\nto_year = 2022\ncommunes = ["13001"]\n'
    )
    text += SITING.replace('"83086"', '"75056"').replace('"ime-salernes"', '"ime-salerne"')
    message = problems_of(tmp_path, text)
    lines = text.splitlines()
    closing = lines.index('type = "close_site"')
    assert f"ligne {closing} : « ime-salernes » est déplacée et fermée" in message
    assert f"ligne {line(text, 'capacity = -1')} : " in message
    assert "autorisation inconnue « ime-de-nulle-part »" in message
    assert f"ligne {line(text, 'candidates')} : 1 commune hors de la carte de l'étude (75056)" in message
    assert "vouliez-vous dire ime-salernes" in message
    assert message.count("\n- ") >= 5


@pytest.mark.parametrize(
    "kind, said, expected",
    [
        (
            "move_site",
            'authorisation_ids = ["cmp-trans"]\nto_site_id = "siting:q"',
            "question d'implantation inconnue « q »",
        ),
        (
            "open_branch",
            'authorisation_id = "ime-bel-estello"\nsite_id = "nouveau"\ncapacity = 120',
            "120 places sur 100",
        ),
        ("change_speeds", "time_factor = 0.4", "max_time_min à 150"),
        ("change_speeds", 'times_file = "absent.csv"', "fichier absent : « absent.csv »"),
        ("change_speeds", 'time_factor = 2\ncommunes = ["75056"]', "hors de la carte"),
        (
            "pool_sites",
            'name = "G"\nmember_ids = ["ime-salernes", "x"]\nsite_id = "nouveau"\nshared = ["y"]',
            "inconnue « x »",
        ),
        ("transfer_authorisation", 'authorisation_ids = ["x"]\nto = "G"', "autorisation inconnue « x »"),
        (
            "merge_establishments",
            'into_authorisation_id = "x"\nabsorbed_ids = ["cmp-trans"]',
            "inconnue « x »",
        ),
        ("change_population", "growth_per_year = 0.1", "from_year et to_year"),
    ],
)
def test_each_change_that_cannot_be_made_has_its_line(
    tmp_path: Path, kind: str, said: str, expected: str
) -> None:
    text = with_change(kind, said)
    message = problems_of(tmp_path, text)
    assert expected in message
    rows = text.splitlines()
    number = len(rows) - rows[::-1].index(f'type = "{kind}"') - 1
    told = [int(row.split()[2]) for row in message.splitlines() if row.startswith("- ligne")]
    assert all(number <= at <= number + 7 for at in told)
    assert told


@pytest.mark.parametrize(
    "old, new, expected",
    [
        ('authorisation_ids = ["ime-salernes"]\n', 'public = "x"\n', "besoin inconnu « x »"),
        ('candidates = ["83050", "83086"]\n', "", "aucun candidat"),
        ('candidates = ["83050", "83086"]', 'candidate_epci_codes = ["1"]', "EPCI inconnu « 1 »"),
        ('candidates = ["83050", "83086"]', 'near_commune = "83050"', "vont ensemble"),
        ('name = "Où ?"', 'name = "Où ?"\nmethod = "set_cover"', "max_time_min est demandé"),
        ('name = "Où ?"', 'name = "Où ?"\nmax_time_min = 30', "max_time_min ne va pas"),
        ('name = "Où ?"', 'name = "Où ?"\nworst_time_max_min = 300', "dépasse les temps gardés"),
        ('name = "Où ?"', 'name = "Où ?"\nfixed_site_ids = ["x"]', "site inconnu « x »"),
        ('name = "Où ?"', 'name = "Où ?"\nmethod = "p_mediane"', "n'est pas permis"),
        ('name = "Où ?"', 'name = "Où ?"\np = 0', "au moins 1"),
    ],
)
def test_each_question_of_siting_that_cannot_be_asked(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    assert old in SITING
    assert expected in problems_of(tmp_path, GOOD + SITING.replace(old, new, 1))


def test_a_question_that_chooses_several_sites_names_no_single_one(tmp_path: Path) -> None:
    text = GOOD.replace('to_site_id = "nouveau"', 'to_site_id = "siting:q"')
    assert "plusieurs sites" in problems_of(
        tmp_path, text + SITING.replace("candidates", "p = 2\ncandidates", 1)
    )


def test_families_elsewhere_need_data(tmp_path: Path) -> None:
    closest = GOOD.replace('name = "L\'IME déménage"', 'name = "L\'IME déménage"\nfamilies = "closest"')
    message = problems_of(tmp_path, closest)
    assert f"ligne {line(closest, 'families')} : " in message
    assert "liste complète" in message
    shared = problems_of(tmp_path, closest.replace('"closest"', '"reallocated"'))
    assert "capacité de chaque site" in shared
    assert "orientation ou waiting" in shared


CAMSP = """
[[service]]
site_id = "nouveau"
service = "camsp"
authorisation_id = "camsp-x"
is_complete_list = true
"""
CAMSP_MOVES = (
    CAMSP
    + """
[[scenario]]
id = "B"
name = "Le CAMSP déménage"
families = "closest"
"""
    + CHANGE.format("move_site")
    + 'authorisation_ids = ["camsp-x"]\nto_site_id = "ime-salernes"\n'
)
POOLED = 'name = "GCSMS"\nmember_ids = ["cmpp-draguignan", "ime-salernes"]\nsite_id = "nouveau"\n'
POOLED += 'shared = ["transport"]\n'
MERGED = 'into_authorisation_id = "ime-salernes"\nabsorbed_ids = ["cmpp-draguignan"]\n'


@pytest.mark.parametrize(
    "kind, said, moved",
    [
        ("pool_sites", POOLED + "moves_services = false\n", POOLED + "moves_services = true\n"),
        ("merge_establishments", MERGED, MERGED + 'to_site_id = "nouveau"\n'),
    ],
)
def test_only_families_whose_place_changes_need_a_complete_list(
    tmp_path: Path, kind: str, said: str, moved: str
) -> None:
    study = load_study(write(tmp_path, GOOD + CAMSP_MOVES + CHANGE.format(kind) + said))
    assert study.scenario[1].families == "closest"
    message = problems_of(tmp_path, GOOD + CAMSP_MOVES + CHANGE.format(kind) + moved)
    assert "liste complète" in message
    assert "cmpp, ime" in message


def test_a_file_that_is_wrong_in_one_place_is_checked_in_the_others(tmp_path: Path) -> None:
    text = GOOD.replace('to_site_id = "nouveau"', 'to_site = "nouveau"')
    text += '\n[[scenario.change]]\ntype = "deplacer"\n' + CHANGE.format("close_site")
    text += 'authorisation_id = "ime-de-nulle-part"\nraison = 3\n'
    text += '\n[[site]]\nid = "autre"\ncommune_code = 83050\nlongitude = 143.2\nlatitude = 43.5\n'
    message = problems_of(tmp_path, text)
    for expected in (
        "clé inconnue « to_site »",
        "type de changement inconnu « deplacer »",
        "clé inconnue « raison »",
        "autorisation inconnue « ime-de-nulle-part »",
        "hors du territoire",
    ):
        assert expected in message
    at = line(text, 'authorisation_id = "ime-de-nulle-part"') - 1
    assert f"ligne {at - 1} : autorisation inconnue" in message or f"ligne {at} : autorisation" in message


@pytest.mark.parametrize(
    "key, content, expected",
    [
        (
            "times_file",
            "from_commune,to_commune,travel_time_min\n83050,83121,-4\n",
            "travel_time_min absent ou négatif",
        ),
        (
            "times_file",
            "from_commune,to_commune,travel_time_min\n83050,75056,4\n",
            "commune inconnue (to_commune)",
        ),
        (
            "times_file",
            "from_commune;to_commune;travel_time_min\n83050;83121;4\n83050;83121;5\n",
            "ligne répétée",
        ),
        ("times_file", "de,vers,minutes\n83050,83121,4\n", "from_commune"),
        ("population_file", "commune_code,age_min,age_max,population\n83050,0,19,\n", "population absent"),
    ],
)
def test_tables_of_changes_are_checked(tmp_path: Path, key: str, content: str, expected: str) -> None:
    (tmp_path / "table.csv").write_text(content, encoding="utf-8")
    kind = {"times_file": "change_speeds", "population_file": "change_population"}[key]
    text = with_change(
        kind, f'{key} = "table.csv"' + ("\nto_year = 2040" if kind == "change_population" else "")
    )
    message = problems_of(tmp_path, text)
    assert expected in message
    assert f"ligne {line(text, key)} : " in message


def test_each_change_and_question_of_the_example_can_be_copied() -> None:
    text = (Path(__file__).parents[2] / "studies" / "exemple.toml").read_text("utf-8")
    blocks = text[text.index("# --- ") :].split("# [[")[1:]
    kinds = set()
    for block in blocks:
        # another way of saying the same comes after "# …"; keys start where a comment is TOML
        rows = [row.removeprefix("# ") for row in block.split("# … ou")[0].splitlines()[1:]]
        values = tomllib.loads("\n".join(row for row in rows if re.match(r"[a-z_]+ = ", row)))
        if block.startswith("siting"):
            del values["public"]
            assert Siting(**values).p == 1
        else:
            kinds.add(TypeAdapter(Change).validate_python(values).type)
    assert len(kinds) == 9


def test_open_bounds_are_empty_cells(tmp_path: Path) -> None:
    path = tmp_path / "omphale.csv"
    path.write_text(
        "commune_code;age_min;age_max;population\n83050;0;19;9000,5\n83050;20;;30000\n", encoding="utf-8"
    )
    table = read_change_table(path, "population_file", communes=["83050"])
    assert table["age_max"].isna().tolist() == [False, True]
    assert table["population"].tolist() == [9000.5, 30000.0]
