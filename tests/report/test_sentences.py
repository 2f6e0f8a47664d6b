"""The French of every document of odd studies, read one sentence a line."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from territory.french.words import typeset
from territory.report.documents.council import council_report, note, slides
from territory.report.documents.epci_sheet import epci_sheet, sheet_codes
from territory.report.layout.document import (
    Beside,
    Block,
    Bullets,
    Callout,
    DataTable,
    Document,
    KeyFigures,
    Paragraph,
    Picture,
    Text,
    to_runs,
)
from tests.report.worlds import WORLDS, few, reading, undrawn, world

# a name that is an attack has signs that no sentence has
READABLE = few("one_child", "all_unknown", among=[name for name in WORLDS if name != "markup"])
# what no planner should read, and why
WRONG = {
    r"\b(?:nan|None|NaT|inf)\b": "a word of a computer",
    r"[ \u00a0\u202f]{2}": "two spaces",
    r"[ \u00a0\u202f][.,)]": "a space before a point, a comma or a bracket",
    r"\(\s*\)|\(\s|« »": "empty brackets, or a space after one",
    r"[.;:,] ?[.;,]": "two points in a row",
    r"(?<![\d\u202f,])[01] (?:communes|jeunes|autres|enfants|habitants|services)\b": "a plural for one",
    r"\b(?:[2-9]|\d\d+) (?:commune|autre|enfant|habitant|service|scénario)\b": "a singular for several",
    r"\b(?:[dD]e|[lLjJ]e|[qQ]ue|[nNsS]e|[lL]a) (?=[aeiouyéèêàâîôAEIOUÉÈ](?![\u00a0 ]))": "an elision that is missing",
    r"\b(?:de|à) les? (?=[A-ZÉ])": "a contraction that is missing",
    r"non distinguable|à portée|un peu plus de|âge concerné|personne, ou presque": "a word that was given up",
    r"pour (?:secret statistique|inconnu)|secret statistique (?:jeunes|enfants)": "a mark that stands for a number",
    r"\b(\w{3,}) \1\b": "a word said twice",
}


@cache
def documents(name: str) -> list[Document]:
    """Give what a council reads of one of the worlds, in its longest form and without its pictures."""
    read = reading(name)
    with undrawn():
        made = [make(read) for make in (council_report, note, slides)]
        return [*made, epci_sheet(read, sheet_codes(world(name))[0])]


def plain(text: Text) -> str:
    return "".join(words for words, _ in to_runs(text)).strip()


def texts(block: Block) -> Iterator[str]:
    """Give the sentences of a block: what is not a cell nor a title."""
    match block:
        case Paragraph():
            yield plain(block.text)
        case Bullets() | Callout():
            yield from map(plain, block.items)
        case DataTable():
            yield from map(typeset, (block.caption, block.note))
        case Picture():
            yield from map(typeset, (block.caption, block.alt))
        case Beside():
            for part in (*block.blocks, block.picture):
                yield from texts(part)
        case KeyFigures():
            yield from (" ".join(figure) for figure in block.figures)


@pytest.mark.parametrize("name", READABLE)
def test_every_sentence_is_french(name: str, tmp_path: Path) -> None:
    lines: dict[str, None] = {}
    for document in documents(name):
        for block in document.blocks:
            lines.update(dict.fromkeys(line for line in texts(block) if line))
    # to be read aloud: one sentence a line
    folder = Path(os.environ.get("TERRITORY_WRITE_SENTENCES", tmp_path))
    (folder / f"{name}.txt").write_text("\n".join(lines) + "\n", "utf-8")
    own = " ".join(str(value) for value in world(name).study.model_dump().values())
    found = [
        f"{why} : {line[max(0, hit.start() - 30) : hit.end() + 30]}"
        for pattern, why in WRONG.items()
        for line in lines
        for hit in re.finditer(pattern, line)
        if hit[0].replace("\u2019", "'") not in own
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", READABLE)
def test_no_row_is_made_of_dashes(name: str) -> None:
    tables = [b for document in documents(name) for b in document.blocks if isinstance(b, DataTable)]
    empty = [
        (table.caption, row)
        for table in tables
        for row in table.rows
        if len(row) > 2 and set(row[1:]) <= {"–", "?", "", "? → ?"}
    ]
    assert not empty, empty


@pytest.mark.parametrize("name", READABLE)
def test_a_sentence_ends(name: str) -> None:
    for document in documents(name):
        for block in document.blocks:
            # what is listed in small type are names and sources
            if isinstance(block, Paragraph | Callout) or (
                isinstance(block, Bullets) and block.kind == "body"
            ):
                for line in texts(block):
                    # a digest ends the last line
                    assert re.search(r"[.!?:»…]$|[0-9a-f]{64}$", line), line
