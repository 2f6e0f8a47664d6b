"""The embedded datasets by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from territory.errors import UnknownCodeError

if TYPE_CHECKING:
    from territory.datasets.var import VarDataset

_NAMES = ("var",)


def dataset_names() -> tuple[str, ...]:
    """Return the names of the datasets inside the package.

    Returns
    -------
    tuple of str
        Names that `load_dataset` knows.

    Examples
    --------
    >>> dataset_names()
    ('var',)
    """
    return _NAMES


def load_dataset(name: str) -> VarDataset:
    """Load an embedded dataset by its name.

    Parameters
    ----------
    name
        One of `dataset_names()`.

    Returns
    -------
    VarDataset
        The tables of the dataset.

    Raises
    ------
    UnknownCodeError
        If there is no dataset of this name.

    Examples
    --------
    >>> load_dataset("gers")
    Traceback (most recent call last):
    territory.errors.UnknownCodeError: Jeu de données inconnu « gers » ; jeux connus : var.
    """
    if name not in _NAMES:
        raise UnknownCodeError(f"Jeu de données inconnu « {name} » ; jeux connus : {', '.join(_NAMES)}.")
    from territory.datasets.var import load_var

    return load_var()
