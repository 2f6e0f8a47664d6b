from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.errors import OutputError
from territory.files.safe_files import HEADER, keep, kept
from territory.workflow.inputs import manifest
from territory.workflow.inputs.manifest import Steps, digest_of
from tests import vallon

KEY = digest_of("essai")


def table() -> pd.DataFrame:
    """Return a table of every kind of column that a step keeps."""
    frame = pd.DataFrame(
        {
            "from_id": pd.Categorical(["83050", "83121", "83050"], categories=["83121", "83050", "83001"]),
            "to_id": pd.array(["a", None, "é"], dtype="str"),
            "travel_time_min": np.array([0.1, np.nan, np.inf]),
            "distance_km": np.array([1, 2, 3], dtype="float32"),
            "count": [1, 2, 3],
            "is_known": [True, False, True],
        },
        index=[7, 3, 5],
    )
    frame.attrs["cutoff_min"] = float("nan")
    return frame


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_tables_come_back_as_they_were(tmp_path: Path) -> None:
    plain = table()[["travel_time_min", "count"]].reset_index(drop=True).iloc[:0]
    keep(tmp_path, "temps de trajet", KEY, (table(), plain))
    found = kept(tmp_path, "temps de trajet", KEY)
    assert found is not None
    for one, expected in zip(found, (table(), plain), strict=True):
        pd.testing.assert_frame_equal(one, expected, check_exact=True)
        assert np.isnan(one.attrs["cutoff_min"])
    assert kept(tmp_path, "temps de trajet", digest_of("autre")) is None
    assert kept(tmp_path, "autre étape", KEY) is None


@pytest.mark.parametrize("name", [vallon.STUDY, pytest.param("draguignan", marks=pytest.mark.slow)])
def test_real_steps_come_back_as_they_were(name: str | Path, tmp_path: Path) -> None:
    from territory.study.load import load_study
    from territory.workflow.inputs.prepare import prepare

    study = load_study(name)
    plain = prepare(study, steps=Steps(None))
    for _ in range(2):
        again = prepare(study, steps=Steps(tmp_path))
        for one, other in (
            (plain.state.travel_times, again.state.travel_times),
            (plain.state.site_times, again.state.site_times),
        ):
            pd.testing.assert_frame_equal(one, other, check_exact=True)
            assert repr(one.attrs) == repr(other.attrs)


@given(st.data())
def test_no_damage_is_taken_for_the_step(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("kept")
    keep(folder, "essai", KEY, (table(),))
    path = data.draw(st.sampled_from(files(folder)))
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    how = data.draw(st.sampled_from(["cut", "flip", "zeros", "remove"]))
    if how == "cut":
        path.write_bytes(content[:place])
    elif how == "remove":
        path.unlink()
    else:
        content[place] = content[place] ^ 1 if how == "flip" else 0
        path.write_bytes(content)
    found = kept(folder, "essai", KEY)
    if found is not None:
        # a blank of the header, or a byte that was zero already
        pd.testing.assert_frame_equal(found[0], table(), check_exact=True)


def test_damaged_steps_are_made_again(tmp_path: Path) -> None:
    keep(tmp_path, "essai", KEY, (table(),))
    for path in files(tmp_path):
        path.write_bytes(path.read_bytes()[:20])
    made: list[int] = []

    def make() -> tuple[pd.DataFrame, ...]:
        made.append(1)
        return (table(),)

    for expected in ([], ["essai"]):
        run = Steps(tmp_path)
        pd.testing.assert_frame_equal(run.run("essai", KEY, make)[0], table())
        assert run.reused == expected
    assert made == [1]


class Bomb:
    """What an attacker would put in a pickle."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (pytest.fail, ("a pickle was opened",))


def test_pickles_in_a_folder_from_elsewhere_are_not_opened(tmp_path: Path) -> None:
    keep(tmp_path, "essai", KEY, (table(),))
    place = next(path for path in tmp_path.iterdir() if path.is_dir())
    bomb = pickle.dumps(Bomb())
    (place / "0.parquet").write_bytes(bomb)
    header = json.loads((place / HEADER).read_text("utf-8"))
    import hashlib

    header["tables_sha256"] = [hashlib.sha256(bomb).hexdigest()]
    (place / HEADER).write_text(json.dumps(header), "utf-8")
    assert kept(tmp_path, "essai", KEY) is None


def test_a_disk_that_forgets_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest, "keep", lambda *_: None)
    with pytest.raises(OutputError, match="n'est pas relue"):
        Steps(tmp_path).run("essai", KEY, lambda: (table(),))


def test_a_disk_that_refuses_is_said(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="libérez de la place"):
        Steps(tmp_path / "absent").run("essai", KEY, lambda: (table(),))
