"""Copies of a dataset that is read once; alone because both the embedded and the official one are handed so."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, cast

Dataset = TypeVar("Dataset")


def with_own_tables(dataset: Dataset) -> Dataset:
    """Return a dataset whose tables may be changed without those of the next reader changing too.

    Examples
    --------
    >>> from territory.datasets import load_var
    >>> load_var().sites is load_var().sites
    False
    """
    assert is_dataclass(dataset)
    copies = {one.name: _copied(getattr(dataset, one.name)) for one in fields(dataset)}
    copied: Dataset = replace(cast(Any, dataset), **copies)
    return copied


def _copied(value: Any) -> Any:
    """Return a copy of a table, or of each table of a mapping; anything else is itself."""
    if isinstance(value, dict):
        return {key: _copied(table) for key, table in value.items()}
    import pandas as pd

    return value.copy() if isinstance(value, pd.DataFrame | pd.Series) else value
