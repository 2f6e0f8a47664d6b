"""One bibliography: what the pages cite is in it, and nothing is in it that nobody names."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
ENTRIES = {
    key: line
    for line in (ROOT / "docs" / "bibliography.bib").read_text("utf-8").splitlines()
    for key in re.findall(r"^@(?!comment)\w+\{(\w+),", line)
}
CITED = {
    key
    for path in (ROOT / "docs").rglob("*.md")
    for keys in re.findall(r"\{cite:\w+\}`([^`]+)`", path.read_text("utf-8"))
    for key in keys.split(",")
}


def test_what_is_cited_is_in_the_bibliography() -> None:
    assert CITED
    assert set(ENTRIES) >= CITED


def test_keys_are_an_author_and_a_year() -> None:
    for key, line in ENTRIES.items():
        year = re.search(r"year = \{(\d{4})\}", line)
        assert year, key
        assert key.endswith(year.group(1)), key


def test_every_work_is_cited_by_a_page_or_named_by_a_docstring() -> None:
    code = "\n".join(path.read_text("utf-8") for path in (ROOT / "src").rglob("*.py"))
    for key in set(ENTRIES) - CITED:
        author = re.search(r"author = \{(?:\w\. )?([^,}]+?)(?:,| and|\})", ENTRIES[key])
        assert author, key
        # the year stands a few authors further
        assert re.search(rf"{author.group(1)}(?s:.){{0,90}}{key[-4:]}", code), key


def test_no_page_writes_a_reference_out_again() -> None:
    for path in (ROOT / "docs" / "method").glob("*.md"):
        text = path.read_text("utf-8")
        assert not re.search(
            r"\*(?:PLOS ONE|Health & Place|Operations Research|Econometrica|IJGIS)\*", text
        ), path
