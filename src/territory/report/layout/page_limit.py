"""Parts of a document, of which some go to the annex when the document would be longer than it may be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from territory.report.layout.document import Block, Document
from territory.report.layout.pdf import count_pages

# parts that find no room before the others are no longer tried: each trial lays the document out
_MOST_REFUSED = 3
# with more parts that may leave, most of them will: they are drawn one by one, while there is room
_MANY = 8


@dataclass(frozen=True)
class Part:
    """Blocks that stay together.

    Attributes
    ----------
    made
        Content in reading order, or what makes it: a picture that is not shown is not drawn.
    title
        What a reader is told of it when it is in the annex ("la carte de ..."); without it the part never leaves.
    leaves
        The higher, the sooner the part leaves; of equals, the last one leaves first.
    """

    made: Sequence[Block] | Callable[[], Sequence[Block]]
    title: str = ""
    leaves: int = 0

    @cached_property
    def blocks(self) -> Sequence[Block]:
        """Content in reading order, made once."""
        return self.made() if callable(self.made) else self.made


def in_order_of_leaving(parts: Sequence[Part]) -> list[int]:
    """Return the places of the parts that may leave, the first to leave first.

    Examples
    --------
    >>> in_order_of_leaving([Part([]), Part([], "b", 1), Part([], "c", 1), Part([], "d", 2)])
    [3, 2, 1]
    """
    places = [place for place, part in enumerate(parts) if part.title]
    return sorted(places, key=lambda place: (-parts[place].leaves, -place))


def fitted(
    make: Callable[[frozenset[int]], Document], leaving: Sequence[int], *, most_pages: int
) -> Document:
    """Return the fullest document that keeps to its pages: parts leave in their order, as few as can be."""
    whole = make(frozenset()) if len(leaving) <= _MANY else None
    if whole is not None and (not leaving or count_pages(whole) <= most_pages):
        return whole
    out = frozenset(leaving)
    best = make(out)
    refused = 0
    # the part that would leave last comes back first; pages have room at their foot: one that is refused is passed
    for place in reversed(leaving):
        fuller = make(out - {place})
        if count_pages(fuller) <= most_pages:
            out, best = out - {place}, fuller
        else:
            refused += 1
        if refused == _MOST_REFUSED:
            break
    return best


def shortest_needed(make: Callable[[int], Document], levels: int, *, most_pages: int) -> Document:
    """Return the first of several makings of a document, each shorter than the one before, that keeps to its pages."""
    for level in range(levels):
        document = make(level)
        if count_pages(document) <= most_pages:
            return document
    return make(levels)
