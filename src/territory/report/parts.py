"""Parts of a document, of which some go to the annex when the document would be longer than it may be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from territory.report.document import Block, Document
from territory.report.pdf import count_pages


@dataclass(frozen=True)
class Part:
    """Blocks that stay together.

    Attributes
    ----------
    blocks
        Content in reading order.
    title
        What a reader is told of it when it is in the annex ("la carte de ..."); without it the part never leaves.
    leaves
        The higher, the sooner the part leaves; of equals, the last one leaves first.
    """

    blocks: Sequence[Block]
    title: str = ""
    leaves: int = 0


def in_order_of_leaving(parts: Sequence[Part]) -> list[int]:
    """Return the places of the parts that may leave, the first to leave first.

    Parameters
    ----------
    parts
        Parts of a document, in reading order.

    Examples
    --------
    >>> in_order_of_leaving([Part([]), Part([], "b", 1), Part([], "c", 1), Part([], "d", 2)])
    [3, 2, 1]
    """
    places = [place for place, part in enumerate(parts) if part.title and part.blocks]
    return sorted(places, key=lambda place: (-parts[place].leaves, -place))


def fitted(
    make: Callable[[frozenset[int]], Document], leaving: Sequence[int], *, most_pages: int
) -> Document:
    """Return the fullest document that keeps to its pages: parts leave in their order, as few as can be.

    Parameters
    ----------
    make
        Gives the document without some parts.
    leaving
        Parts that may leave, the first to leave first.
    most_pages
        Bound on the pages.

    Returns
    -------
    Document
        Whole when it fits; without any of the parts that may leave when even that is too long.
    """

    def fits(document: Document) -> bool:
        return count_pages(document) <= most_pages

    whole = make(frozenset())
    if not leaving or fits(whole):
        return whole
    # a document is shorter with each part that leaves: half of the possible lengths at each trial
    low, high = 1, len(leaving)
    while low < high:
        middle = (low + high) // 2
        if fits(make(frozenset(leaving[:middle]))):
            high = middle
        else:
            low = middle + 1
    out = frozenset(leaving[:high])
    best = make(out)
    # pages are not filled to the last line: a part that left before the last one may still have room
    for place in reversed(leaving[: high - 1]):
        fuller = make(out - {place})
        if fits(fuller):
            out, best = out - {place}, fuller
    return best


def shortest_needed(make: Callable[[int], Document], levels: int, *, most_pages: int) -> Document:
    """Return the first of several makings of a document, each shorter than the one before, that keeps to its pages.

    Parameters
    ----------
    make
        Gives the document at a level, 0 the fullest.
    levels
        The last level, which is returned when none fits.
    most_pages
        Bound on the pages.
    """
    for level in range(levels):
        document = make(level)
        if count_pages(document) <= most_pages:
            return document
    return make(levels)
