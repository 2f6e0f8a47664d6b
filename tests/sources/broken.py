"""Broken files for readers: what each reader must refuse in French, naming the file, or say that it left out."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

from territory.errors import ParameterError, ReadError, TerritoryWarning


def read_or_refuse(reader: Callable[[Path], object], path: Path) -> str:
    """Read a file; return "read" or the message of the refusal. Anything else than those two fails the test."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            reader(path)
            outcome = "read"
        except ReadError as error:
            outcome = str(error)
        except ParameterError as error:
            outcome = str(error)
    strange = [warning for warning in caught if not issubclass(warning.category, TerritoryWarning)]
    if strange:
        raise AssertionError(f"unexpected warning: {strange[0].message}")
    if outcome != "read" and path.name not in outcome:
        raise AssertionError(f"the file is not named: {outcome}")
    return outcome
