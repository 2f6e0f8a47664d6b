"""What the command line shows of a warning: its sentence, without the path and the line of code that gave it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import typer

from territory.errors import TerritoryWarning


@contextmanager
def in_sentences() -> Iterator[None]:
    """Show the warnings of the block as sentences."""
    with warnings.catch_warnings():
        warnings.showwarning = _show
        yield


def _show(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Print one warning; that of a library that the run uses keeps its kind, which is all that tells it apart."""
    kind = "" if issubclass(category, TerritoryWarning) else f"{category.__name__} : "
    typer.echo(f"Attention : {kind}{message}", err=True)
