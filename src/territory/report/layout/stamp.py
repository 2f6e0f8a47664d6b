"""The digest of a run inside its PDF, where `territory check` reads it back."""

from __future__ import annotations

import re

# stored among the keywords of the PDF, which PDF/A keeps readable in its metadata
PREFIX = "territory-run-sha256:"
_MARK = re.compile(rb"territory-run-sha256:([0-9a-f]{64})(?![0-9a-f])")


def mark(run_digest: str) -> str:
    """Return the keyword that holds the digest of a run.

    Examples
    --------
    >>> mark("ab" * 32)[:24], mark("")
    ('territory-run-sha256:aba', '')
    """
    return f"{PREFIX}{run_digest}" if run_digest else ""


def read_digest(content: bytes) -> str | None:
    """Return the digest of the run that a PDF says it comes from.

    Examples
    --------
    >>> read_digest(b"<pdf:Keywords>" + mark("0" * 64).encode() + b"</pdf:Keywords>") == "0" * 64
    True
    >>> read_digest(b"%PDF-1.7") is None
    True
    """
    found = _MARK.search(content)
    return found.group(1).decode() if found else None
