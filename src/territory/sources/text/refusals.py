"""What is said of a file that is refused, or of which something is left out."""

from collections.abc import Collection, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pandas as pd

from territory.errors import Caught, Problems, ReadError, agree, examples, retold, warn


def problems_of(path: str | Path) -> Problems:
    """Return the list of what is wrong in a file, to be said at once."""
    return Problems(f"Fichier « {Path(path).name} »", ReadError)


def fault(path: str | Path, said: str, *, place: str = "", present: Iterable[Any] | None = None) -> ReadError:
    """Return the refusal of a file, in the words that they all begin with; `present` are the columns that it has."""
    shown = "" if present is None else f" ; colonnes présentes : {examples(present, most=8)}."
    return ReadError(f"Fichier « {Path(path).name} »{place} : {said}{shown}")


def told_of(path: str | Path, caught: Caught, said: str) -> AbstractContextManager[None]:
    """Refuse a file in the place of what is caught in the block, as `retold` does."""
    return retold(caught, ReadError, str(fault(path, said)))


def refuse(path: str | Path, shown: Collection[Any], said: str, *, place: str = "", advice: str = "") -> None:
    """Refuse a file when something is wrong in it; `said` counts what is shown, as `agree` does."""
    if len(shown):
        raise fault(path, f"{agree(len(shown), said)} ({examples(shown)}){advice}.", place=place)


def numbered(lines: Iterable[object]) -> list[str]:
    """Return lines as a message names them."""
    return [f"ligne {line}" for line in lines]


def quoted(cells: pd.Series) -> list[str]:
    """Return cells as a message shows them, each with its line."""
    return [f"ligne {line} : « {text} »" for line, text in cells.items()]


def refuse_repeated(codes: pd.Series | pd.Index, said: str, *, path: str | Path, place: str = "") -> None:
    """Refuse a file where a code is there more than once; `said` counts them, as `agree` does."""
    twice = codes[codes.duplicated()]
    # a series knows the line of each
    lines = getattr(twice, "items", None)
    shown = list(twice) if lines is None else [f"ligne {line} : {code}" for line, code in lines()]
    refuse(path, shown, said, place=place)


def warn_of(
    path: str | Path, count: int, said: str, shown: Iterable[Any] = (), *, place: str = "", advice: str = ""
) -> None:
    """Say how many lines of a file are left out or doubtful, with three of them; nothing when there are none."""
    if count:
        some = examples(shown)
        what = f"{agree(count, said)}{f' ({some})' if some else ''}{advice}."
        warn(f"Fichier « {Path(path).name} »{place} : {what}")


def cut_archive(path: Path) -> ReadError:
    """Return the refusal of a compressed file that was cut."""
    return fault(path, "archive illisible ou tronquée ; téléchargez-la de nouveau.")
