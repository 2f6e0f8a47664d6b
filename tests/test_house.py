"""The house stays small and plain: what reviewers would otherwise have to count."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
from functools import cache
from pathlib import Path

import pytest
from packaging.version import Version

import territory

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "src" / "territory").rglob("*.py"))
TEXTS = [
    path
    for pattern in ("*.md", "*.toml", "*.txt", "*.cff", "Makefile")
    for path in [*ROOT.glob(pattern), *(ROOT / "docs").rglob(pattern), *(ROOT / "studies").glob(pattern)]
    if path.is_file()
]

PUBLIC = {
    "territory": ("load_study", "run_study", "Study", "StudyResult", "TerritoryError"),
    "territory.network": (
        "RoadNetwork",
        "download",
        "estimate_travel_times",
        "from_lines",
        "from_osmnx",
        "query_server",
        "read_distancier",
        "read_osm",
        "search_roads",
        "stream_travel_times",
    ),
    "territory.access.streamed": ("apl", "coverage", "floating_catchment_area", "time_to_closest"),
    "territory.workflow.national": ("open_scheduler", "open_times", "run_national", "write_travel_times"),
    "territory.geography": ("to_cog",),
    "territory.access": (
        "allocate_places",
        "apl",
        "coverage",
        "floating_catchment_area",
        "gravity",
        "spatial_availability",
        "time_to_closest",
    ),
    "territory.access.decay": ("binary", "exponential", "gaussian", "linear", "logistic", "power", "stepped"),
    "territory.access.deserts": ("classify",),
    "territory.access.zoning": ("simulate",),
    "territory.access.equity": ("concentration_index", "fgt_poverty", "gini", "palma_ratio", "theil_t"),
    "territory.scenario": (
        "ChangeCapacity",
        "ChangePopulation",
        "ChangeSpeeds",
        "CloseSite",
        "MergeEstablishments",
        "MoveSite",
        "OpenBranch",
        "OpenSite",
        "PoolSites",
        "Scenario",
        "TransferAuthorisation",
        "apply",
        "compare",
        "compute",
    ),
    "territory.rounds": ("collective_rounds", "ride_limit_curve", "staff_rounds"),
    "territory.planning": (
        "answer_siting",
        "maximal_coverage",
        "p_center",
        "p_median",
        "pooling",
        "rank_candidates",
        "set_cover",
        "territorial_groups",
        "typology",
    ),
    "territory.plot": ("explore", "show"),
    "territory.transit": ("Timetable", "read_gtfs"),
    "territory.report": ("build_report",),
}


MOST_CODE_LINES, MOST_BODY_LINES = 300, 50
# a module below that, of use to one other alone, says why it is not a part of it
FEWEST_CODE_LINES = 60
STANDS_ALONE = re.compile(r"\b(?:alone|apart|by itself|on its own)\b")
# the library as a whole
MOST_LINES, MOST_MODULES = 50_000, 250


def name_of(path: Path) -> str:
    """Return the dotted name of a module."""
    parts = path.relative_to(ROOT / "src").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def parsed(text: str) -> ast.Module:
    """Return the tree of a text, made once for the tests that walk it."""
    return ast.parse(text)


@cache
def code_lines(text: str) -> int:
    """Count the lines that hold code: neither blank, nor comment, nor docstring."""
    said: set[int] = set()
    held = {
        number
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.lstrip().startswith("#")
    }
    for node in ast.walk(parsed(text)):
        # what looks like a comment or a blank line inside a text of several lines is a part of it
        if isinstance(node, ast.JoinedStr) or (
            isinstance(node, ast.Constant) and isinstance(node.value, str)
        ):
            held |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            value = getattr(first, "value", None) if isinstance(first, ast.Expr) else None
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                said |= set(range(value.lineno, (value.end_lineno or value.lineno) + 1))
    return len(held - said)


def imported_by(path: Path) -> set[str]:
    """Return the modules of the library that a module names in an import, wherever it stands."""
    package = name_of(path) if path.name == "__init__.py" else name_of(path).rpartition(".")[0]
    found: set[str] = set()
    for node in ast.walk(parsed(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            found |= {source, *(f"{source}.{name.name}" for name in node.names)}
    return found


@pytest.mark.parametrize(
    "text, count",
    [
        ("", 0),
        ('"""Says."""\n\n# why\nx = 1\n', 1),
        ('def f():\n    """Say.\n\n    More.\n    """\n    return (\n        1  # one\n    )\n', 4),
        ('x = """\na\n\nb"""\n', 4),
    ],
)
def test_lines_of_code_are_neither_docstrings_nor_comments(text: str, count: int) -> None:
    assert code_lines(text) == count


def test_public_names_exist_and_say_what_they_are() -> None:
    absent = [
        f"{module}.{name}"
        for module, names in PUBLIC.items()
        for name in names
        if not getattr(getattr(importlib.import_module(module), name, None), "__doc__", None)
    ]
    assert absent == []


def test_modules_stay_small() -> None:
    counts = {name_of(path): code_lines(path.read_text("utf-8")) for path in MODULES}
    assert {name: count for name, count in counts.items() if count > MOST_CODE_LINES} == {}


def test_functions_stay_small() -> None:
    long = []
    for path in MODULES:
        for node in ast.walk(parsed(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                if body and (body[-1].end_lineno or 0) - body[0].lineno >= MOST_BODY_LINES:
                    long.append(f"{name_of(path)}.{node.name}, line {node.lineno}")
    assert long == []


def test_a_small_module_of_use_to_one_other_says_why_it_stands_alone() -> None:
    imports = {name_of(path): imported_by(path) for path in MODULES}
    offenders = []
    for path in MODULES:
        name, text = name_of(path), path.read_text("utf-8")
        if path.name in ("__init__.py", "__main__.py") or code_lines(text) >= FEWEST_CODE_LINES:
            continue
        users = [other for other, found in imports.items() if name in found and other != name]
        said = " ".join((ast.get_docstring(parsed(text)) or "").splitlines()[:3])
        if len(users) == 1 and not STANDS_ALONE.search(said):
            offenders.append(f"{name} (only {users[0]})")
    assert offenders == []


def test_the_library_stays_small() -> None:
    assert sum(path.read_text("utf-8").count("\n") for path in MODULES) < MOST_LINES


def test_the_house_has_few_rooms() -> None:
    assert len(MODULES) <= MOST_MODULES


def test_no_path_of_a_machine_and_nothing_left_to_do() -> None:
    for path in [*MODULES, *TEXTS]:
        text = path.read_text("utf-8")
        assert not re.search(r"(?<![\w.])/(?:work|home|Users|root)/", text), path
        if path.suffix == ".py":
            assert not re.search(r"\b(?:TODO|FIXME|XXX)\b", text), path


def test_what_was_to_leave_by_this_version_has_left() -> None:
    for path in MODULES:
        for version in re.findall(r'removed_in="([^"]+)"', path.read_text("utf-8")):
            assert Version(version) > Version(territory.__version__), path
            # what planners and scripts write is taken away by a major version alone, or a minor one before 1.0
            assert Version(version).micro == 0, path


def test_requirements_hold_no_address() -> None:
    for path in [*ROOT.glob("*.txt"), *(ROOT / "benchmarks").glob("*.txt")]:
        assert "://" not in path.read_text("utf-8"), path


def test_what_tools_and_pages_import_exists() -> None:
    # neither is run by the fast suite, and a module that moves takes them along
    asked = set()
    for pattern in ("tools/*.py", "benchmarks/*.py", "notebooks/.texte/*.py", "docs/guide/*.md", "*.md"):
        for path in ROOT.glob(pattern):
            found = re.findall(r"^ *from (territory[\w.]*) import (\w[\w, ]*)", path.read_text("utf-8"), re.M)
            asked |= {(path.name, room, name.strip()) for room, names in found for name in names.split(",")}
    missing = []
    for where, room, name in sorted(asked):
        module, plain = importlib.import_module(room), name.split(" as ")[0]
        is_room = hasattr(module, "__path__") and importlib.util.find_spec(f"{room}.{plain}")
        if not hasattr(module, plain) and not is_room:
            missing.append((where, room, plain))
    assert missing == []
