"""Arrays kept in a folder come back as they were, or are refused with every file that changed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from territory.errors import Problems, ReadError
from territory.files.safe_files import read_arrays, read_header, save_arrays

ARRAYS = {
    "whole": np.arange(5, dtype=np.int32),
    "grid": np.arange(6.0).reshape(2, 3),
    "empty": np.empty((0, 2), dtype=np.int64),
    "names": np.array(["é", "bc"]),
}
KIND = {"header_name": "essai.json", "form": "essai", "version": 3}
HEADER = {"format": "essai", "version": 3, "source": "café"}


def read(folder: Path, *, verify: bool = True) -> dict[str, np.ndarray]:
    header = read_header(folder, **KIND)
    return read_arrays(folder, header, problems=Problems("Essai", ReadError), verify=verify)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_arrays(tmp_path / "kept", ARRAYS, HEADER, header_name="essai.json", what="un essai")
    return tmp_path / "kept"


def test_arrays_come_back_mapped_and_nothing_is_left_beside(folder: Path) -> None:
    back = read(folder)
    assert list(back) == list(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(back[name], array)
        assert back[name].dtype == array.dtype
    assert isinstance(back["grid"], np.memmap)
    assert [path.name for path in folder.parent.iterdir()] == ["kept"]


def test_a_folder_is_replaced_whole(folder: Path) -> None:
    save_arrays(folder, {"other": np.ones(2)}, HEADER, header_name="essai.json", what="un essai")
    assert sorted(path.name for path in folder.iterdir()) == ["essai.json", "other.npy"]


def test_a_folder_that_cannot_be_written_is_as_it_was(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(ValueError, match="allow_pickle"):
        save_arrays(folder, {"bad": np.array([{}])}, HEADER, header_name="essai.json", what="un essai")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == ["kept"]


def test_all_changed_files_are_named_at_once(folder: Path) -> None:
    (folder / "grid.npy").write_bytes((folder / "grid.npy").read_bytes()[:-1] + b"x")
    (folder / "whole.npy").unlink()
    with pytest.raises(
        ReadError, match=r"2 problèmes.\n- fichier whole.npy absent\n- fichier grid.npy modifié"
    ):
        read(folder)
    np.save(folder / "whole.npy", np.arange(4))
    with pytest.raises(ReadError, match=r"whole.npy : type ou taille inattendus"):
        read(folder, verify=False)


def test_a_name_never_leads_out_of_the_folder(folder: Path) -> None:
    header = read_header(folder, **KIND)
    np.save(folder.parent / "outside.npy", np.ones(1))
    header["files"] = {"../outside": {"dtype": "<f8", "shape": [1], "sha256": ""}}
    with pytest.raises(ReadError, match="absent"):
        read_arrays(folder, header, problems=Problems("Essai", ReadError), verify=False)


def test_a_header_is_one_and_says_whether_it_was_changed(folder: Path) -> None:
    path = folder / "essai.json"
    header = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**header, "source": "autre"}), encoding="utf-8")
    with pytest.raises(ValueError, match="modifié"):
        read_header(folder, **KIND)
    for text in ("[]", "{}", "[" * 100_000, "non"):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=r"essai.json|Expecting"):
            read_header(folder, **KIND)
