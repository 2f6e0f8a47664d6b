"""Every reader on the same corpus of broken files: a refusal in French that names the file, or a warning with a count.

Never a traceback, never a line counted twice or lost without a word.
"""

from __future__ import annotations

import json
import warnings
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory import sources
from territory.datasets.slots import SLOTS
from territory.errors import ReadError, TerritoryWarning
from territory.sources.producers.finess import extracts
from tests.sources.broken import CASES, ELSEWHERE, SAMPLES, Case, read_or_refuse, write

# one of each family: counts, bands, codes, dates, groups, points, a file without titles, a line per equipment, a grid
FAST = {
    "legal",
    "structure",
    "communes",
    "movements",
    "epci",
    "bpe points",
    "finess sites",
    "finess flat",
    "grid",
}


def all_in_slow(names: list[str]) -> list[Any]:
    """Keep one reader of each family for the fast suite; the slow one tries them all."""
    return [name if name in FAST else pytest.param(name, marks=pytest.mark.slow) for name in names]


TITLED = all_in_slow([name for name, case in CASES.items() if case.sample.titles_at == 0])
COUNTED = all_in_slow([name for name, case in CASES.items() if case.sample.number])


@pytest.fixture(params=all_in_slow(sorted(CASES)))
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


def test_the_good_file_is_read_without_a_word(tmp_path, case):
    path = write(tmp_path, case.sample)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(case.reader(path)) > 0  # type: ignore[arg-type]


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8-sig", "utf-16"])
def test_usual_encodings_and_line_ends_are_read(tmp_path, case, encoding):
    path = write(tmp_path, case.sample)
    path.write_bytes(path.read_text(encoding="utf-8").replace("\n", "\r\n").encode(encoding))
    assert len(case.reader(path)) > 0  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        b"\x00\x01\x02\x03",
        b"PK\x03\x04",
        b"<!DOCTYPE html><title>Maintenance</title>",
        b"\xff" * 50,
    ],
)
def test_what_is_no_table_is_refused(tmp_path, case, content):
    path = tmp_path / case.sample.name
    path.write_bytes(content)
    assert read_or_refuse(case.reader, path) != "read"


def test_a_file_without_data_is_refused(tmp_path, case):
    assert read_or_refuse(case.reader, write(tmp_path, case.sample, case.sample.lines[:1])) != "read"


def test_another_separator_is_refused(tmp_path, case):
    lines = [line.replace(";", "#") for line in case.sample.lines]
    assert read_or_refuse(case.reader, write(tmp_path, case.sample, lines)) != "read"


@pytest.mark.parametrize("name", TITLED)
def test_each_renamed_column_is_named(tmp_path, name):
    case = CASES[name]
    titles = case.sample.lines[0].split(";")
    for title in titles:
        if title in case.sample.optional:
            continue
        renamed = ["autre" if text == title else text for text in titles]
        said = read_or_refuse(
            case.reader, write(tmp_path, case.sample, [";".join(renamed), *case.sample.lines[1:]])
        )
        assert said != "read", title
        # the title itself, or the pattern that it follows
        assert (
            title in said
            or "« Pyy_POP »" in said
            or "absente" in said
            or "titres" in said
            or "colonne" in said
        )


@pytest.mark.parametrize("name", COUNTED)
def test_text_in_a_number_names_line_and_column(tmp_path, name):
    case = CASES[name]
    lines = [
        ";".join("beaucoup" if cell == case.sample.number else cell for cell in line.split(";"))
        for line in case.sample.lines
    ]
    assert lines != case.sample.lines
    said = read_or_refuse(case.reader, write(tmp_path, case.sample, lines))
    assert said != "read"
    assert "colonne «" in said
    assert "ligne" in said


def test_a_line_twice_is_refused_or_said(tmp_path, case):
    path = write(tmp_path, case.sample, [*case.sample.lines, case.sample.lines[-1]])
    if case.sample.repeats_are_right:
        assert len(case.reader(path)) >= len(case.sample.lines) - 2  # type: ignore[arg-type]
        return
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            case.reader(path)
        except ReadError as error:
            assert case.sample.name in str(error)  # noqa: PT017
            return
    assert any(issubclass(warning.category, TerritoryWarning) for warning in caught), "silently taken"


def test_an_uneven_line_is_refused(tmp_path, case):
    for line in (case.sample.lines[-1] + ";trop", case.sample.lines[-1].rsplit(";", 3)[0]):
        said = read_or_refuse(case.reader, write(tmp_path, case.sample, [*case.sample.lines[:-1], line]))
        assert said != "read"


def test_a_line_without_end_is_refused_before_it_fills_the_memory(tmp_path, case):
    lines = [*case.sample.lines[:-1], case.sample.lines[-1] + "x" * 2_000_000]
    assert read_or_refuse(case.reader, write(tmp_path, case.sample, lines)) != "read"


@given(data=st.data())
def test_no_altered_file_ends_in_a_traceback(tmp_path_factory, data):
    case = CASES[data.draw(st.sampled_from(sorted(CASES)))]
    path = write(tmp_path_factory.mktemp("corpus"), case.sample)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content)))
        length = data.draw(st.integers(0, 12))
        piece = data.draw(
            st.one_of(
                st.binary(max_size=6),
                st.sampled_from(
                    [b";", b'"', b"\n", b"-1", b"1e400", b"nan", b"\xc3", b"000", b"999999999999"]
                ),
            )
        )
        content[start : start + length] = piece
    path.write_bytes(bytes(content))
    read_or_refuse(case.reader, path)


FEATURE = {"type": "Feature", "properties": {"popup": "<h3>LES PINS</h3>", "code": "83050", "nom": "D"}}
LAYERS = {
    "ehpad": (sources.read_ehpad, {"type": "Point", "coordinates": [6.46, 43.53]}),
    "outlines": (
        sources.read_outlines,
        {"type": "Polygon", "coordinates": [[[6, 43], [7, 43], [7, 44], [6, 43]]]},
    ),
}


@given(data=st.data())
def test_no_altered_layer_ends_in_a_traceback(tmp_path_factory, data):
    reader, geometry = LAYERS[data.draw(st.sampled_from(sorted(LAYERS)))]
    path = tmp_path_factory.mktemp("couche") / "couche.geojson"
    collection = {"type": "FeatureCollection", "features": [FEATURE | {"geometry": geometry}]}
    content = bytearray(json.dumps(collection).encode())
    start = data.draw(st.integers(0, len(content)))
    piece = data.draw(
        st.one_of(st.binary(max_size=4), st.sampled_from([b"null", b"[]", b'"', b"1e400", b"-"]))
    )
    content[start : start + data.draw(st.integers(0, 8))] = piece
    path.write_bytes(bytes(content))
    read_or_refuse(reader, path)


def test_every_reader_has_a_sample_or_a_test_of_its_own():
    elsewhere = ELSEWHERE | {
        "read_registry": "in test_registry.py",
        "read_table": "in test_tabular.py",
        "read_template": "workbooks, in test_field_template.py",
    }
    readers = {name for name in sources.__all__ if name.startswith("read_")}
    assert readers == {case.sample.reader for case in CASES.values()} | set(elsewhere)
    assert len(extracts.EQUIPMENT) == 27


def test_every_reader_of_a_slot_has_a_sample():
    wanted = {reader.name for slot in SLOTS for reader in slot.readers} - set(ELSEWHERE)
    assert wanted <= {sample.reader for sample in SAMPLES.values()}
