"""The embedded datasets by name."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from territory.datasets.files import DataFiles, FilesDataset, load_files
from territory.datasets.var import with_own_tables
from territory.errors import ParameterError, UnknownCodeError

if TYPE_CHECKING:
    from territory.datasets.var import VarDataset

_NAMES = ("var",)
# the name under which a study asks for the files of its own [data] section
FILES = "files"


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


def open_dataset(
    name: str, files: DataFiles | None, *, departements: Collection[str], folder: Path
) -> VarDataset | FilesDataset:
    """Return the dataset of a study: an embedded one, or the official files that it lists.

    Parameters
    ----------
    name
        One of `dataset_names()`, or `files`.
    files
        Section `[data]` of the study, needed for `files`.
    departements
        Départements of the territory.
    folder
        Folder that the files are relative to.

    Returns
    -------
    VarDataset or FilesDataset
        The files are read once for the checks and the run; each call returns tables that may be changed.

    Raises
    ------
    ParameterError
        If `files` is asked for without any.
    ReadError, UnknownCodeError
        As `load_files` and `load_dataset`.

    Examples
    --------
    >>> open_dataset("var", None, departements=["83"], folder=Path())
    VarDataset(153 communes, 392 around, 14 epci, ...)
    """
    if name != FILES:
        return load_dataset(name)
    if files is None:
        raise ParameterError("dataset = « files » demande une section [data] avec les fichiers de l'étude.")
    stamps = tuple(
        (key, path, (folder / path).stat().st_mtime_ns if (folder / path).is_file() else 0)
        for key, path in files.paths().items()
    )
    return with_own_tables(_open_files(files.model_dump_json(), tuple(sorted(departements)), folder, stamps))


@lru_cache(maxsize=2)
def _open_files(section: str, departements: tuple[str, ...], folder: Path, stamps: object) -> FilesDataset:
    """Read files once, as long as they do not change."""
    return load_files(DataFiles.model_validate_json(section), departements=departements, folder=folder)
