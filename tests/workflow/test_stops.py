"""A run stopped anywhere goes on from what is whole and gives the bytes of an undisturbed one."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from territory.errors import OutputError
from territory.files import safe_files
from territory.workflow.inputs.manifest import MANIFEST, is_current
from territory.workflow.run import run_study
from tests import vallon
from tests.workflow import runs

# the fast tests stop a small study; the thirty kills, the embedded one
STUDY = vallon.SMALL_STUDY
REPORTS = Path("reports") / "petite"
EMBEDDED = "draguignan"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an undisturbed run."""
    base = tmp_path_factory.mktemp("undisturbed")
    run_study(STUDY, out_dir=base)
    return base


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """Return the folder of an undisturbed run of the embedded study, and how long it worked (s)."""
    base = tmp_path_factory.mktemp("embedded")
    return base, runs.timed(EMBEDDED, base)


def check_end(base: Path, undisturbed: Path, study: str | Path = STUDY) -> None:
    """Finish a run that was stopped and compare it with an undisturbed one."""
    run_study(study, out_dir=base)
    expected = runs.digests(undisturbed / "reports")
    assert expected
    assert runs.digests(base / "reports") == expected
    assert not [path for path in base.rglob("*") if path.name.startswith(".en-cours-")]


@pytest.mark.slow
def test_three_kills_in_a_row(undisturbed: Path, tmp_path: Path) -> None:
    duration_s = runs.timed(STUDY, tmp_path / "timed")
    stopped = [
        runs.kill_at(STUDY, tmp_path / "killed", at) for at in runs.moments(3, 0.9 * duration_s, seed=9)
    ]
    assert any(stopped)
    check_end(tmp_path / "killed", undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(30))
def test_thirty_kills(embedded: tuple[Path, float], tmp_path: Path, number: int) -> None:
    whole, duration_s = embedded
    was_running = runs.kill_at(EMBEDDED, tmp_path, runs.moments(30, duration_s, seed=30)[number])
    # what is vouched for is whole, whenever the run was stopped
    reports = tmp_path / "reports" / EMBEDDED
    if (reports / MANIFEST).exists():
        assert is_current(reports, json.loads((reports / MANIFEST).read_text("utf-8"))["run_sha256"])
    else:
        assert was_running
    check_end(tmp_path, whole, EMBEDDED)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a folder on a disk of its own, in memory, that a run overflows."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    command = [mount or "", "-t", "tmpfs", "-o", "size=150k", "tmpfs", str(folder)]
    if mount is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk asks for the rights of the administrator of Linux")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.slow
def test_full_disk(undisturbed: Path, small_disk: Path) -> None:
    status, said = runs.start(STUDY, small_disk).end()
    assert status == 1
    assert "libérez de la place" in said
    assert "No space left" in said or "os error 28" in said or "full" in said
    assert not (small_disk / REPORTS / MANIFEST).exists()
    subprocess.run(["mount", "-o", "remount,size=60m", str(small_disk)], check=True)
    check_end(small_disk, undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("size_k", range(100, 2000, 200))
def test_disk_full_at_any_file(undisturbed: Path, small_disk: Path, size_k: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size_k}k", str(small_disk)], check=True)
    status, said = runs.start(STUDY, small_disk).end()
    if status == 0:
        assert runs.digests(small_disk / REPORTS) == runs.digests(undisturbed / REPORTS)
    else:
        assert "refus :" in said
        assert not (small_disk / REPORTS / MANIFEST).exists()


@pytest.mark.slow
def test_files_that_may_not_grow(tmp_path: Path) -> None:
    """Stand in for a full disk where none can be mounted: the system refuses files above a size."""
    pytest.importorskip("resource")
    script = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY));"
        f"exec({runs.PROGRAM!r})"
    )
    command = [sys.executable, "-c", script, str(STUDY), str(tmp_path), "0", ""]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 1, done.stderr
    assert "refus :" in done.stdout
    assert "libérez de la place" in done.stdout
    assert not (tmp_path / REPORTS / MANIFEST).exists()


def without_rights_of_root() -> tuple[str, ...]:
    """Return the command that takes from root the right to write where it may not, or skip."""
    if os.name == "nt":
        pytest.skip("folders of Windows have other rights")
    if os.geteuid() != 0:
        return ()
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("root writes everywhere, and setpriv is not there to prevent it")
    return (setpriv, "--bounding-set", "-dac_override,-dac_read_search")


@pytest.mark.slow
@pytest.mark.parametrize("step", ["Situation d'aujourd'hui", "Rapport, tables et cartes"])
def test_right_to_write_is_revoked_midway(undisturbed: Path, tmp_path: Path, step: str) -> None:
    command = without_rights_of_root()
    reports = tmp_path / REPORTS
    shutil.copytree(undisturbed / REPORTS, reports)
    (reports / "rapport.pdf").write_bytes(b"%PDF- d'avant")
    before = runs.digests(reports)
    run = runs.start(STUDY, tmp_path, pause=step, command=command)
    run.wait_for(step)
    reports.chmod(0o500)
    run.go_on()
    status, said = run.end()
    reports.chmod(0o755)
    assert status == 1, said
    assert "Permission" in said
    assert "--out" in said
    assert {
        name: digest for name, digest in runs.digests(reports).items() if "en-cours" not in name
    } == before
    check_end(tmp_path, undisturbed)


NEW = {"a.csv": "1 neuf", "tables/b.csv": "2 neuf", "tables/c.csv": "3 neuf"}
OLD = {"a.csv": "1", "tables/b.csv": "2", "tables/d.csv": "4"}


def fill(folder: Path, files: dict[str, str]) -> Path:
    """Write files and the manifest that vouches for them."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    digests = runs.digests(folder)
    content = {"run_sha256": repr(sorted(files.items())), "outputs_sha256": digests}
    (folder / MANIFEST).write_text(json.dumps(content), "utf-8")
    return folder


def texts(folder: Path) -> dict[str, str]:
    """Return the files of a folder that are not hidden."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_text("utf-8") for name, path in found.items() if not name.startswith(".")}


def test_publishing_replaces_a_whole_run_and_nothing_else(tmp_path: Path) -> None:
    folder = fill(tmp_path / "reports", OLD)
    (folder / "notes.txt").write_text("à garder", "utf-8")
    staging = fill(folder / ".en-cours-x", NEW)
    expected = {**texts(staging), "notes.txt": "à garder"}
    safe_files.publish(staging, folder, last=MANIFEST)
    assert texts(folder) == expected


def test_a_file_that_somebody_changed_is_not_removed(tmp_path: Path) -> None:
    folder = fill(tmp_path / "reports", OLD)
    (folder / "tables" / "d.csv").write_text("corrigé à la main", "utf-8")
    safe_files.publish(fill(folder / ".en-cours-x", NEW), folder, last=MANIFEST)
    assert (folder / "tables" / "d.csv").read_text("utf-8") == "corrigé à la main"


def test_a_manifest_from_elsewhere_removes_nothing_outside(tmp_path: Path) -> None:
    folder = fill(tmp_path / "reports", OLD)
    outside = tmp_path / "autre.txt"
    outside.write_text("à garder", "utf-8")
    digest = runs.digests(tmp_path)["autre.txt"]
    hostile = {"outputs_sha256": {"../autre.txt": digest, str(outside): digest, "": digest}}
    (folder / MANIFEST).write_text(json.dumps(hostile), "utf-8")
    safe_files.publish(fill(folder / ".en-cours-x", NEW), folder, last=MANIFEST)
    assert outside.exists()


@pytest.mark.parametrize("is_killed", [True, False])
def test_publishing_stopped_at_each_move(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_killed: bool
) -> None:
    """A refusal puts everything back; a kill leaves no manifest, or a whole run."""
    real = Path.replace
    # 3 files and the manifest leave (one is not made again), 4 come
    for allowed in range(9):
        folder = fill(tmp_path / f"reports-{allowed}", OLD)
        staging = fill(folder / ".en-cours-x", NEW)
        before, after = texts(folder), texts(staging)
        left = [allowed]

        def replace(path: Path, target: Path, left: list[int] = left) -> Path:
            left[0] -= 1
            if left[0] == -1 and not is_killed:
                raise OSError(errno.EACCES, "Permission denied")
            if left[0] < 0 and is_killed:
                raise KeyboardInterrupt
            return real(path, target)

        with monkeypatch.context() as patched:
            patched.setattr(Path, "replace", replace)
            try:
                safe_files.publish(staging, folder, last=MANIFEST)
                outcome = "published"
            except OutputError:
                outcome = "refused"
            except KeyboardInterrupt:
                outcome = "killed"
        if allowed == 8:
            assert outcome == "published"
        if outcome == "published":
            assert texts(folder) == after
        elif outcome == "refused" or (folder / MANIFEST).exists():
            assert texts(folder) == before


def test_refusal_to_put_back_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = fill(tmp_path / "reports", OLD)
    staging = fill(folder / ".en-cours-x", NEW)
    real, count = Path.replace, iter(range(99))

    def replace(path: Path, target: Path) -> Path:
        if next(count) >= 5:
            raise OSError(errno.EIO, "Input/output error")
        return real(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", replace)
        with pytest.raises(OutputError, match=r"mêle deux études, et manifest\.json y est absent"):
            safe_files.publish(staging, folder, last=MANIFEST)
    assert not (folder / MANIFEST).exists()
