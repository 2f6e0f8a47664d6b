from __future__ import annotations

import re
from pathlib import Path

import pytest

from territory.errors import MissingFileError, StudyError
from territory.study import built_in_studies, load_study
from territory.study.load import key_lines
from territory.study.own_tables import line_of
from tests import vallon

GOOD = """\
id = "essai"
title = "Essai"
question = "Que se passe-t-il ?"

[territory]
name = "Var"
departement_codes = ["83"]

[[site]]
id = "nouveau"
name = "Nouveau site"
commune_code = "83050"

[[authorisation]]
id = "ime-salernes"
label = "IME de Salernes"

[[scenario]]
id = "A"
name = "L'IME déménage"

[[scenario.change]]
type = "move_site"
authorisation_ids = ["ime-salernes"]
to_site_id = "nouveau"
"""


def write(folder: Path, text: str, name: str = "essai.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def problems_of(folder: Path, text: str) -> str:
    with pytest.raises(StudyError) as caught:
        load_study(write(folder, text))
    return str(caught.value)


def line(text: str, start: str) -> int:
    return next(number for number, row in enumerate(text.splitlines(), 1) if row.startswith(start))


def test_built_in_study_is_valid() -> None:
    assert "draguignan" in built_in_studies()
    study = load_study("draguignan")
    assert [scenario.id for scenario in study.scenario] == ["A", "B", "C"]
    # only the IME tells A and B apart; C moves what B moves
    moves = [[c for c in s.change if c.type == "move_site"] for s in study.scenario]
    moved = [{a for c in listed for a in c.authorisation_ids} for listed in moves]
    assert moved[1] - moved[0] == {"ime-salernes"}
    assert moved[0] < moved[1] == moved[2]


def test_every_assumption_of_the_built_in_study_has_its_source() -> None:
    study = load_study("draguignan")
    for named in study.authorisation:
        for trip in named.trip:
            assert trip.source, named.id
            assert "[non vérifié]" in trip.source
    assert all(need.source for need in study.need)


def test_a_good_file_is_read(tmp_path: Path) -> None:
    study = load_study(write(tmp_path, GOOD))
    assert repr(study) == "Study('essai', population='rp2021', scenarios: A)"
    assert study.folder == str(tmp_path)


def test_all_problems_at_once_with_their_lines(tmp_path: Path) -> None:
    text = GOOD.replace('id = "essai"', 'id = "essai"\npopulaton = "rp2021"')
    text = text.replace('commune_code = "83050"', 'commune_code = "83999"')
    text = text.replace('to_site_id = "nouveau"', 'to_site_id = "ailleurs"')
    text += '\n[[service]]\nsite_id = "nouveau"\nservice = "ime"\ncapacity = -3\n'
    text += '\n[[site]]\nid = "nouveau"\nname = "Encore"\ncommune_code = "83121"\n'
    message = problems_of(tmp_path, text)
    assert message.startswith("Fichier d'étude « essai.toml » : 5 problèmes.")
    assert "ligne 2 : clé inconnue « populaton » (vouliez-vous dire « population » ?)" in message
    assert f"ligne {line(text, 'commune_code')} : commune inconnue « 83999 »" in message
    assert f"ligne {line(text, 'to_site_id')} : site inconnu « ailleurs »" in message
    assert (
        f"ligne {line(text, 'capacity')} : service.0.capacity : doit être au moins 0 (reçu : -3)" in message
    )
    assert "« nouveau » est déclaré 2 fois" in message


@pytest.mark.parametrize(
    "old, new, expected",
    [
        ('title = "Essai"\n', "", "title : clé obligatoire absente"),
        ('type = "move_site"', 'type = "deplacer"', "type de changement inconnu « deplacer »"),
        ('["ime-salernes"]', '["ime-de-salerne"]', "vouliez-vous dire ime-salernes"),
        ('departement_codes = ["83"]', 'departement_codes = "83"', "liste entre crochets"),
        ('id = "nouveau"', 'id = "ime-salernes"', "existe déjà dans les données"),
        ('question = "Que', 'population = "rp1999"\nquestion = "Que', "millésime inconnu « rp1999 »"),
        ('question = "Que', 'dataset = "gers"\nquestion = "Que', "jeu de données inconnu « gers »"),
        (
            'commune_code = "83050"',
            'commune_code = "83050"\nlongitude = 43.5\nlatitude = 6.4',
            "longitude et latitude sont-elles inversées ?",
        ),
        (
            'commune_code = "83050"',
            'commune_code = "83050"\nlongitude = 6.4',
            "longitude et latitude vont ensemble",
        ),
        (
            "[territory]",
            '[files]\nobserved_origins = "absent.csv"\n[territory]',
            "fichier absent : « absent.csv »",
        ),
        ("[territory]", "[travel]\nmax_time_min = 20\n[territory]", "dépasse max_time_min = 20 min"),
        ("[territory]", "[travel]\nmax_time_min = -1\n[territory]", "doit être plus grand que 0 (reçu : -1)"),
        ("[territory]", '[travel]\nclosest_services = ["creche"]\n[territory]', "service inconnu « creche »"),
    ],
)
def test_each_problem_is_said(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in GOOD
    assert expected in problems_of(tmp_path, GOOD.replace(old, new, 1))


def test_contradictory_moves_are_refused(tmp_path: Path) -> None:
    again = GOOD[GOOD.index("[[scenario.change]]") :].replace('"nouveau"', '"cmpp-draguignan"')
    assert "déplacée vers deux sites" in problems_of(tmp_path, GOOD + again)


def test_not_toml_and_not_utf8(tmp_path: Path) -> None:
    assert "pas du TOML valide" in problems_of(tmp_path, "id = ")
    path = tmp_path / "latin.toml"
    path.write_bytes('title = "Étude"'.encode("latin-1"))
    with pytest.raises(StudyError, match="UTF-8"):
        load_study(path)


def test_missing_file_names_the_built_in_studies() -> None:
    with pytest.raises(MissingFileError, match="draguignan"):
        load_study("nulle-part.toml")


@pytest.mark.parametrize(
    "encoding, separator", [("utf-8", ","), ("utf-8-sig", ";"), ("latin-1", ";"), ("utf-16", "\t")]
)
def test_own_table_of_origins_in_any_encoding(tmp_path: Path, encoding: str, separator: str) -> None:
    rows = [
        ("commune_code", "authorisation_id", "children", "remarque"),
        ("83050", "ime-salernes", "12", "à vérifier"),
    ]
    if separator == ",":
        rows[1] = ("83050", "ime-salernes", "12.0", "à vérifier")
    (tmp_path / "origines.csv").write_bytes("\n".join(separator.join(row) for row in rows).encode(encoding))
    text = GOOD.replace("[territory]", '[files]\nobserved_origins = "origines.csv"\n[territory]')
    assert load_study(write(tmp_path, text)).files.observed_origins == "origines.csv"


@pytest.mark.parametrize(
    "content",
    [
        b"commune_code;authorisation_id;children\n83050;ime-salernes;1,234\n",
        b"commune_code,authorisation_id,children\n83050,ime-salernes,douze\n",
        b"\x00\x01\x02\xff",
        b"",
    ],
    ids=["thousands or decimals", "words", "not a text", "empty"],
)
def test_own_table_that_cannot_be_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "origines.csv").write_bytes(content)
    text = GOOD.replace("[territory]", '[files]\nobserved_origins = "origines.csv"\n[territory]')
    message = problems_of(tmp_path, text)
    assert "origines.csv" in message
    assert f"ligne {line(text, 'observed_origins')} : " in message


def test_own_table_problems_come_with_those_of_the_study(tmp_path: Path) -> None:
    (tmp_path / "origines.csv").write_text(
        "commune_code,authorisation_id,children\n83050,ime-salernes,-2\n83050,cmpp-draguignan,4\n99999,ime-salernes,3\n",
        encoding="utf-8",
    )
    text = GOOD.replace("[territory]", '[files]\nobserved_origins = "origines.csv"\n[territory]')
    message = problems_of(tmp_path, text.replace('to_site_id = "nouveau"', 'to_site_id = "ailleurs"'))
    for expected in ("ligne 2 : 83050", "ligne 3 : 83050", "ligne 4 : 99999", "site inconnu « ailleurs »"):
        assert expected in message


def test_key_lines_number_the_items_of_arrays() -> None:
    text = 'a = 1\n[b]\nc = """\nd = 2\n"""\n'
    text += "[[e]]\nf = 1\n[[e.g]]\nh = 1\n[[e]]\nf = 2\n[[e.g]]\nh = 3\n[[e.g]]\nh = 4\n"
    lines = key_lines(text)
    assert lines[("a",)] == 1
    assert ("b", "d") not in lines
    assert lines[("e", 1, "g", 1, "h")] == 15
    assert line_of(lines, ("e", 0, "absent")) == "ligne 6 : "
    assert line_of(lines, ("nowhere",)) == ""


@pytest.mark.parametrize(
    "text",
    [
        'id = "x"\n',
        'id = "x"\n[territory]\n',
        'id = "x"\n[territory]\ndepartement_codes = 12\n',
        '[territory]\ndepartement_codes = ["83"]\n[[scenario]]\n[[scenario.change]]\n[[siting]]\n[[need]]\n',
        'territory = "83"\n',
    ],
)
def test_a_file_of_which_little_can_be_read_is_refused_in_words(tmp_path: Path, text: str) -> None:
    with pytest.raises(StudyError, match="clé obligatoire absente"):
        load_study(write(tmp_path, text))


@pytest.mark.parametrize(
    "line, mend",
    [
        ("max_time_min = 120,5", "max_time_min = 120.5"),
        ("title = Petite étude", 'title = "Petite étude"'),
        ('title = "Petite étude', 'title = "Petite étude"'),
        ('title = Petite étude"', 'title = "Petite étude"'),
        ("title = « Petite étude »", 'title = "Petite étude"'),
        ('roads = "C:\\Users\\x.osm.pbf"', "roads = 'C:\\Users\\x.osm.pbf'"),
        ('title : "Petite étude"', 'title = "Petite étude"'),
    ],
)
def test_slips_of_toml_are_said_in_french_with_their_mend(tmp_path: Path, line: str, mend: str) -> None:
    said = problems_of(tmp_path, f'id = "petite"\n{line}\npopulation = 2,5\n')
    assert "ligne 2 : " in said
    assert f"écrivez : {mend}" in said
    assert "ligne 3 : les décimales s'écrivent avec un point" in said


def test_french_words_and_near_names_are_understood_and_refused(tmp_path: Path) -> None:
    text = GOOD.replace('name = "Var"', 'nom = "Var"\nname = "Var"\nfocus_epci_code = "Dracénie"')
    text = text.replace('["83"]', '["83", "13", "99"]') + '\n[travel]\nterrain = "montagne"\n'
    text += '[[scenario]]\nid = "B"\nname = "B"\nchange = [{ type = "fermer" }]\n'
    text += (
        '[[service]]\nsite_id = "830000287"\nservice = "SESSAD"\ncapacity = 12.5\ncapacity_unit = "places"\n'
    )
    said = problems_of(tmp_path, text)
    for expected in (
        "clé inconnue « nom » (vouliez-vous dire « name » ?)",
        "vouliez-vous dire « close_site » ?",
        "département inconnu « 99 »",
        "ne tient que Var (83) en entier : pour Bouches-du-Rhône, « territory init 13 --from DOSSIER »",
        "EPCI inconnu « Dracénie » ; vouliez-vous dire CA Dracénie Provence Verdon Agglomération (248300493) ?",
        "terrain inconnu « montagne » ; vouliez-vous dire « mountain » ?",
        "un service s'écrit en minuscules (« sessad »)",
        "12.5 n'est pas un nombre entier de places",
    ):
        assert expected in said


def test_what_is_said_of_a_word_is_french_to_its_end_and_no_file_is_read_for_a_departement_of_nowhere(
    tmp_path: Path,
) -> None:
    text = re.sub(r'reception_mode = "\w+"', 'reception_mode = "mode"', vallon.text(), count=1)
    path = vallon.copied(tmp_path, text.replace('departement_codes = ["03"]', 'departement_codes = ["083"]'))
    with pytest.raises(StudyError) as caught:
        load_study(path)
    said = str(caught.value)
    assert "'milieu_ordinaire' ou 'tous_modes'" in said
    assert "département inconnu « 083 »" in said
    assert said.startswith("Fichier d'étude « vallon.toml » : 2 problèmes.")


def test_a_study_in_latin_1_has_its_line(tmp_path: Path) -> None:
    path = tmp_path / "etude.toml"
    path.write_bytes('id = "petite"\ntitle = "Étude"\n'.encode("latin-1"))
    with pytest.raises(StudyError, match=r"ligne 2 : « title = .*Latin-1"):
        load_study(path)


def test_official_files_are_told_by_their_first_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = vallon.SMALL_STUDY.read_text("utf-8").replace("focus_epci_code", "# focus_epci_code")
    study = vallon.copied(tmp_path, text)
    monkeypatch.setattr("territory.study.references.open_dataset", lambda *_, **__: pytest.fail("read"))
    assert load_study(study, whole=False).data is not None
    wrong = text.replace('cog = "cog.csv"', 'cog = "epci.csv"').replace(
        'epci = "epci.csv"', 'epci = "absent.csv"'
    )
    wrong = wrong.replace("[data]", '[data]\nehpad = "epci.csv"').replace('"rp2021"', '"rp1999"', 1)
    vallon.copied(tmp_path, wrong)
    with pytest.raises(StudyError) as refused:
        load_study(study, whole=False)
    for said in (
        "« epci.csv » semble être : composition communale des EPCI",
        "« epci » : fichier absent « absent.csv »",
        "comptés deux fois",
        "millésime inconnu « rp1999 »",
    ):
        assert said in str(refused.value)


@pytest.mark.parametrize("key", ["known_total = 12.5", "waiting = 12.5"])
def test_nobody_is_a_half(tmp_path: Path, key: str) -> None:
    section = "need" if "known" in key else "waiting"
    with pytest.raises(StudyError, match=r"un nombre entier est attendu \(reçu : 12.5\)"):
        load_study(write(tmp_path, f"{GOOD}\n[[{section}]]\n{key}\n"))
