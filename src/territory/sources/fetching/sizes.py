"""Sizes of files, as a reader of French says them."""

from __future__ import annotations


def size_text(count: int) -> str:
    """Return a number of bytes in words, to a tenth of its unit (1 ko = 1000 octets).

    Examples
    --------
    >>> size_text(1_032_385), size_text(1), size_text(999)
    ('1,0 Mo', '1 octet', '999 octets')
    """
    for unit, size in (("Go", 1e9), ("Mo", 1e6), ("ko", 1e3)):
        if count >= size:
            return f"{count / size:.1f} {unit}".replace(".", ",")
    return f"{count} octet{'s' if count > 1 else ''}"
