"""The house stays small and plain: what reviewers would otherwise have to count."""

from __future__ import annotations

import ast
import importlib
import re
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
    "territory.report": ("build_report",),
}


@pytest.mark.parametrize(
    "module, name", [(module, name) for module, names in PUBLIC.items() for name in names]
)
def test_public_name_exists(module: str, name: str) -> None:
    assert getattr(importlib.import_module(module), name).__doc__


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_modules_and_functions_stay_small(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.count("\n") < 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            if body:
                assert (body[-1].end_lineno or 0) - body[0].lineno < 50, (
                    f"{path.name}:{node.lineno} {node.name}"
                )


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
