"""What is installed elsewhere: the lock and the licences agree with the project, and a wheel runs by itself."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import territory

ROOT = Path(__file__).parent.parent
LOCK = (ROOT / "requirements.lock").read_text("utf-8")
CONSTRAINTS = (ROOT / "constraints.txt").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def versions(text: str) -> dict[str, str]:
    """Return the version of each pinned distribution."""
    found = re.findall(r"(?m)^([A-Za-z0-9._-]+)==([^\s;\\]+)", text)
    return {str(canonicalize_name(name)): version for name, version in found}


def test_the_lock_holds_every_dependency_within_its_bounds() -> None:
    locked = versions(LOCK)
    for line in PROJECT["dependencies"]:
        wanted = Requirement(line)
        assert locked[str(canonicalize_name(wanted.name))] in wanted.specifier, line


def test_the_lock_and_the_constraints_agree() -> None:
    pinned = versions(CONSTRAINTS)
    assert {name: one for name, one in versions(LOCK).items() if pinned.get(name, one) != one} == {}


def test_every_line_of_the_lock_has_digests_and_no_address() -> None:
    entries = re.split(r"(?m)^(?=[A-Za-z0-9])", LOCK)[1:]
    assert len(entries) == len(versions(LOCK))
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", entry) for entry in entries)
    assert "://" not in LOCK


def test_every_locked_distribution_has_a_licence() -> None:
    rows = re.findall(
        r"(?m)^\| ([^|]+) \| [^|]+ \| ([^|]+) \|", (ROOT / "docs" / "licences.md").read_text("utf-8")
    )
    stated = {str(canonicalize_name(name)): licence for name, licence in rows}
    # colorama (BSD-3-Clause) is installed on Windows alone
    assert set(versions(LOCK)) - set(stated) <= {"colorama"}
    assert not [name for name, licence in stated.items() if re.search(r"AGPL|SSPL|not stated", licence)]


def test_the_version_is_written_once() -> None:
    assert PROJECT["dynamic"] == ["version"]
    assert "version" not in PROJECT
    cited = re.findall(r"(?m)^version: (.+)$", (ROOT / "CITATION.cff").read_text("utf-8"))
    assert cited == [territory.__version__]
    # the newest section of the changelog is that of this version, below what is not released yet
    sections = re.findall(r"(?m)^## \[([^]]+)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"))
    assert sections[:2] == ["Unreleased", territory.__version__]


def test_every_public_name_is_there_without_the_extras() -> None:
    extras = [Requirement(line).name for key in ("notebooks", "servers", "scale") for line in EXTRAS[key]]
    absent = [*(name.replace("-", "_") for name in extras), "IPython", "nbformat", "dask"]
    asked = (
        f"import sys; sys.modules.update(dict.fromkeys({absent}))\nimport territory\n"
        "for room in territory.__all__:\n"
        "    found = getattr(territory, room)\n"
        "    for name in getattr(found, '__all__', ()):\n"
        "        getattr(found, name)\n"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=False)
    assert done.stderr == ""


def test_types_are_shipped() -> None:
    assert (Path(territory.__file__).parent / "py.typed").is_file()


def test_pre_commit_runs_what_make_lint_runs() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    linted = re.search(r"(?m)^lint:.*\n((?:\t.*\n)+)", makefile)
    assert linted
    hooks = (ROOT / ".pre-commit-config.yaml").read_text("utf-8")
    commands = re.findall(r"(?m)^ +entry: \.venv/bin/(.+)$", hooks)
    assert commands == re.findall(r"\$\(BIN\)/(.+)", linted.group(1))
    assert "repo: local" in hooks
    assert "://" not in hooks


def run(*command: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command away from this checkout and its environment."""
    environment = {
        name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")
    }
    return subprocess.run(
        [*map(str, command)], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_wheel_and_sdist_install_in_an_empty_environment(tmp_path: Path) -> None:
    assert run(sys.executable, "-m", "venv", tmp_path / "build").returncode == 0
    builder = tmp_path / "build" / ("Scripts" if os.name == "nt" else "bin") / "python"
    if run(builder, "-m", "pip", "install", "--quiet", "build").returncode:
        pytest.skip("no index of packages can be reached from here")
    built = run(builder, "-m", "build", "--outdir", tmp_path / "dist", ROOT)
    assert built.returncode == 0, built.stderr[-2000:]
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    (sdist,) = (tmp_path / "dist").glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert any(name.endswith("datasets/studies/draguignan.toml") for name in names)
    assert any(name.endswith("LICENSE") for name in names)
    assert "territory/py.typed" in names
    assert not [name for name in names if name.startswith("tests")]
    with tarfile.open(sdist) as archive:
        assert any(name.endswith("/pyproject.toml") for name in archive.getnames())
    assert run(sys.executable, "-m", "venv", tmp_path / "empty").returncode == 0
    python = tmp_path / "empty" / builder.parent.name / "python"
    locked = run(
        python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", ROOT / "requirements.lock"
    )
    assert locked.returncode == 0, locked.stderr[-2000:]
    # the sdist first: it builds the same wheel by itself
    for package in (sdist, wheel):
        installed = run(python, "-m", "pip", "install", "--quiet", "--no-deps", "--force-reinstall", package)
        assert installed.returncode == 0, installed.stderr[-2000:]
    assert run(python, "-m", "pip", "check").returncode == 0
    done = run(python, "-m", "territory", "run", "draguignan", "--out", tmp_path, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "reports" / "draguignan" / "rapport.pdf").read_bytes().startswith(b"%PDF-")
