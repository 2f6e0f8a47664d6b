"""French text from numbers."""

from __future__ import annotations

import math
import re
import tomllib
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import territory.report
from territory.french import numbers, words

NB, NN = "\u00a0", "\u202f"


@pytest.mark.parametrize(
    "typed, printed",
    [
        ("Qui perd ? Qui gagne !", f"Qui perd{NN}? Qui gagne{NN}!"),
        ("a : b ; c", f"a{NB}: b{NN}; c"),
        ("le « mot »", f"le «{NB}mot{NB}»"),
        ("12 % de 1 260 enfants", f"12{NB}% de 1{NN}260{NB}enfants"),
        ("en RP 2021 153 communes", f"en RP 2021 153{NB}communes"),
        ("1 095 337 habitants", f"1{NN}095{NN}337{NB}habitants"),
        ("1 h 05", f"1{NB}h{NB}05"),
        ("https://exemple.fr/a?b=c;d", "https://exemple.fr/a?b=c;d"),
        ("12:30", "12:30"),
        ("l'IME d'Aups", "l’IME d’Aups"),
        ("dit 'mot'", "dit 'mot'"),
        ("n° 6", f"n°{NB}6"),
        ("± 7 min, < 11", f"±{NB}7{NB}min, <{NB}11"),
        ("Coeur du Var", "Cœur du Var"),
        ('# $x$ <script> @a \\n "q"', '# $x$ <script> @a \\n "q"'),
        ("", ""),
    ],
)
def test_typeset(typed: str, printed: str) -> None:
    assert words.typeset(typed) == printed


@given(st.text(alphabet="a 1:;!?«»'.\u00a0\u202fh%05n°"))
def test_typeset_twice_changes_nothing_more(text: str) -> None:
    once = words.typeset(text)
    assert words.typeset(once) == once


@given(st.text(alphabet='ab 12:;!?«»#$@\\<>"\n'))
def test_typeset_changes_spaces_only(text: str) -> None:
    def without(value: str) -> str:
        return "".join(value.split())

    assert without(words.typeset(text)) == without(text)


@pytest.mark.parametrize(
    "value, text",
    [
        (0, "0"),
        (999.5, f"1{NN}000"),
        (-1234, f"\u22121{NN}234"),
        (math.nan, "inconnu"),
        (2.5, "3"),
        (-0.4, "0"),
    ],
)
def test_integer(value: float, text: str) -> None:
    assert numbers.integer(value) == text


@pytest.mark.parametrize(
    "value, text",
    [(1234.56, f"1{NN}234,6"), (-0.04, "0,0"), (-5.25, "\u22125,2"), (math.nan, "inconnu")],
)
def test_decimal(value: float, text: str) -> None:
    assert numbers.decimal(value) == text


@pytest.mark.parametrize(
    "value, text",
    [
        (0.0, f"0{NB}min"),
        (0.4, "moins d'une minute"),
        (59.4, f"59{NB}min"),
        (59.6, f"1{NB}h"),
        (61, f"1{NB}h{NB}01"),
        (125, f"2{NB}h{NB}05"),
        (-12, f"\u221212{NB}min"),
        (math.inf, "hors d'atteinte"),
        (math.nan, "inconnu"),
    ],
)
def test_minutes(value: float, text: str) -> None:
    assert numbers.minutes(value) == text


@pytest.mark.parametrize(
    "value, text",
    [(0, f"0{NB}%"), (0.0001, f"moins de 1{NB}%"), (0.9999, f"plus de 99{NB}%"), (1, f"100{NB}%")],
)
def test_share(value: float, text: str) -> None:
    assert numbers.share(value) == text


@pytest.mark.parametrize(
    "number, text",
    [
        (0, "0 commune concernée"),
        (1, "1 commune concernée"),
        (1.5, "2 communes concernées"),
        (2, "2 communes concernées"),
    ],
)
def test_count_agrees(number: float, text: str) -> None:
    assert words.count(number, "commune concernée") == text


def test_count_irregular_plural_and_none() -> None:
    assert words.count(3, "hôpital", "hôpitaux") == "3 hôpitaux"
    assert words.count(0, "hôpital", "hôpitaux", none="aucun hôpital") == "aucun hôpital"


@given(st.floats(0, 1e6))
def test_persons_never_prints_one_to_ten(value: float) -> None:
    text = words.persons(value)
    if value == 0:
        assert text == "0"
    elif value < 11:
        assert text == "< 11"
    else:
        assert int(text.replace(NN, "")) >= 11


@given(st.floats(11, 1e6))
def test_rounding_stays_within_six_percent_above_one_hundred(value: float) -> None:
    rounded = numbers.round_estimate(value)
    assert abs(rounded - value) <= max(2.5, 0.051 * value)


def test_about_says_that_an_estimate_is_rounded() -> None:
    assert words.about(1256) == words.about(1264) == f"environ 1{NN}260"
    assert words.about(1260) == f"environ 1{NN}260"
    assert words.about(2) == "moins de 11"
    assert words.about(0) == "0"
    assert words.about(math.nan) == "un nombre inconnu de"


def test_between() -> None:
    assert words.between(2297, 1258) == f"entre 1{NN}260 et 2{NN}300"
    assert words.between(101, 102) == "environ 100"
    assert words.between(2, 50) == "au plus 50"
    assert words.between(2, 5) == "moins de 11"
    assert words.between(0, 0) == "0"
    assert words.between(math.nan, 5) == "un nombre inconnu de"


def test_change_says_the_doubt() -> None:
    assert words.change(-12) == f"12{NB}min de moins"
    assert words.change(7.6) == f"8{NB}min de plus"
    assert words.change(7.6, is_distinguishable=False) == words.INDISTINCT
    assert words.change(0.2) == words.INDISTINCT
    assert words.change(math.nan) == "inconnu"


def test_join() -> None:
    assert words.join([]) == ""
    assert words.join(["A"]) == "A"
    assert words.join(["A", "B"]) == "A et B"
    assert words.join(["A", "B", "C"], most=3) == "A, B et C"
    assert words.join(["A", "B", "C"], most=2) == "A, B et 1 autre"


@pytest.mark.parametrize(
    "name, of, at",
    [
        ("Le Muy", "du Muy", "au Muy"),
        ("Les Arcs", "des Arcs", "aux Arcs"),
        ("La Motte", "de La Motte", "à La Motte"),
        ("Aups", "d'Aups", "à Aups"),
        ("Évenos", "d'Évenos", "à Évenos"),
        ("Hyères", "d'Hyères", "à Hyères"),
        ("Hautmont", "de Hautmont", "à Hautmont"),
        ("L'Isle", "de L'Isle", "à L'Isle"),
    ],
)
def test_places(name: str, of: str, at: str) -> None:
    assert words.of_place(name) == of
    assert words.at_place(name) == at


@pytest.mark.parametrize(
    "name, phrase, short",
    [
        ("CA de la Provence Verte", "la communauté d'agglomération de la Provence Verte", "Provence Verte"),
        ("CC Provence Verdon", "la communauté de communes Provence Verdon", "Provence Verdon"),
        # the kind is not said twice
        ("CA Colmar Agglomération", "Colmar Agglomération", "Colmar"),
        ("CA Communauté Paris-Saclay", "Communauté Paris-Saclay", "Communauté Paris-Saclay"),
        (
            "CC de l'Agglomération Migennoise",
            "la communauté de communes de l'Agglomération Migennoise",
            "Agglomération Migennoise",
        ),
        ("CU d'Alençon", "la communauté urbaine d'Alençon", "Alençon"),
        (
            "Métropole d'Aix-Marseille-Provence",
            "la métropole d'Aix-Marseille-Provence",
            "Aix-Marseille-Provence",
        ),
        ("Eurométropole de Strasbourg", "l'eurométropole de Strasbourg", "Strasbourg"),
        ("Bordeaux Métropole", "Bordeaux Métropole", "Bordeaux Métropole"),
        ("CA", "CA", "CA"),
    ],
)
def test_epci(name: str, phrase: str, short: str) -> None:
    assert words.epci_phrase(name) == phrase
    assert words.epci_short(name) == short


@pytest.mark.parametrize(
    "name, said, of",
    [
        ("IME de Salernes", "l'IME de Salernes", "de l'IME de Salernes"),
        ("CMPP", "le CMPP", "du CMPP"),
        ("MAS des Pins", "la MAS des Pins", "de la MAS des Pins"),
        ("Hôpital de jour", "l'hôpital de jour", "de l'hôpital de jour"),
        ("Les Pins", "le service « Les Pins »", "du service « Les Pins »"),
    ],
)
def test_a_name_is_said_with_its_article(name: str, said: str, of: str) -> None:
    assert words.with_article(name) == said
    assert words.of_place(said) == of


def test_from_one_time_to_another() -> None:
    assert numbers.from_to(11, 41) == f"11 → 41{NB}min"
    assert numbers.from_to(42, 65) == f"42{NB}min → 1{NB}h{NB}05"
    assert numbers.from_to(math.nan, 5) == f"? → 5{NB}min"


def test_controls_are_not_printed() -> None:
    assert words.typeset("a\x07b\x00") == "ab"


def test_small_words_signs_and_names():
    assert [words.capital(text) for text in ("médecin généraliste", "")] == ["Médecin généraliste", ""]
    assert [numbers.signed(value) for value in (6.2, 0.1)] == ["+6", "0"]
    assert numbers.class_labels([15, 30]) == [
        f"jusqu'à 15{NB}min",
        f"plus de 15 à 30{NB}min",
        f"plus de 30{NB}min",
    ]
    assert [words.elide("de", name) for name in ("Aups", "Salernes", "Hyères")] == [
        "d'Aups",
        "de Salernes",
        "d'Hyères",
    ]
    assert words.elide("que", "il") == "qu'il"
    assert words.in_guillemets('CC Verdon "Sources"') == "CC Verdon « Sources »"
    assert sorted(["Toulon", "Évenos", "Le Muy"], key=words.alphabetical) == [
        "Évenos",
        "Le Muy",
        "Toulon",
    ]


def test_each_sentence_that_is_data_is_said_somewhere() -> None:
    folder = resources.files("territory.report.layout") / "templates/words.toml"
    held = tomllib.loads(folder.read_text("utf-8"))
    source = "".join(path.read_text("utf-8") for path in Path(territory.report.__path__[0]).rglob("*.py"))
    asked = set(re.findall(r'wording\(\s*"([a-z_.]+)"', source))
    assert asked == {f"{chapter}.{name}" for chapter, said in held.items() for name in said}
