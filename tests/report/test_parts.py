from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.report.layout import document as pdf
from territory.report.layout.document import (
    Document,
    Paragraph,
    Part,
    fitted,
    in_order_of_leaving,
    shortest_needed,
)


@pytest.fixture(scope="module", autouse=True)
def _lines_for_pages():
    """A document has as many pages as paragraphs: no PDF is made."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pdf, "count_pages", lambda document: len(document.blocks))
        yield


def document_of(pages):
    return Document("Essai", dt.date(2024, 1, 1), [Paragraph(str(page)) for page in range(pages)])


def made_of(sizes, body=8):
    """Return what makes a document of a body and of parts of some sizes, without some of them."""
    return lambda out: document_of(body + sum(size for place, size in enumerate(sizes) if place not in out))


@given(st.lists(st.integers(1, 4), max_size=12), st.integers(8, 16))
def test_it_keeps_to_its_pages_whenever_it_can(sizes, most_pages):
    leaving = list(reversed(range(len(sizes))))
    pages = len(fitted(made_of(sizes), leaving, most_pages=most_pages).blocks)
    assert pages <= most_pages
    if 8 + sum(sizes) <= most_pages:
        assert pages == 8 + sum(sizes)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=12), st.integers(8, 16))
def test_no_more_leave_than_must(sizes, most_pages):
    leaving = list(reversed(range(len(sizes))))
    kept = [8 + sum(sizes[:n]) for n in range(len(sizes) + 1)]
    fits = fitted(made_of(sizes), leaving, most_pages=most_pages)
    assert len(fits.blocks) == max([pages for pages in kept if pages <= most_pages], default=8)


def test_without_any_room_all_that_may_leave_do():
    assert len(fitted(made_of([1, 1], body=20), [1, 0], most_pages=14).blocks) == 20


def test_the_highest_leaves_first_and_of_equals_the_last():
    listed = [Part([]), Part([], "b", 1), Part([], "c", 1), Part([], "d", 2)]
    assert in_order_of_leaving(listed) == [3, 2, 1]


def test_what_is_not_shown_is_not_drawn():
    drawn = []
    part = Part(lambda: drawn.append(1) or [Paragraph("carte")], "la carte")
    assert not drawn
    assert part.blocks is part.blocks
    assert drawn == [1]


def test_the_first_making_that_fits_is_taken():
    assert len(shortest_needed(lambda level: document_of(16 - level), 4, most_pages=14).blocks) == 14
    assert len(shortest_needed(lambda level: document_of(30 - level), 4, most_pages=14).blocks) == 26
