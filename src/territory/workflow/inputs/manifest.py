"""What a run read, with which parameters and versions; the same for two runs of the same inputs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from importlib import metadata, resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from territory.files.safe_files import digest_file
from territory.study.own_tables import CHANGE_TABLES
from territory.workflow.inputs.for_groupings import grouping_files
from territory.workflow.step_cache import code_digest

if TYPE_CHECKING:
    from territory.workflow.inputs.prepare import Inputs

# the libraries that a figure of the report may depend on
LIBRARIES = ("geopandas", "matplotlib", "numpy", "pandas", "pyproj", "scipy", "shapely", "typst")


def describe_run(inputs: Inputs, *, roads: Path | None) -> tuple[dict[str, Any], str]:
    """Return the manifest of a run and its digest, before anything is written.

    No date, no path of the machine and no duration enters it: two runs of the same inputs have the same
    manifest. Durations go to `timings.json`.
    """
    study = inputs.study
    if study.data is None:
        files = _dataset_files(study.dataset)
    else:
        paths = study.data.paths().items()
        files = {
            f"data.{key}: {Path(path).name}": digest_file(Path(study.folder) / path) for key, path in paths
        }
    for key, value in study.files.model_dump().items():
        if value is not None and key != "distancier_unit":
            files[f"files.{key}: {Path(value).name}"] = digest_file(Path(study.folder) / value)
    for scenario in study.scenario:
        for change in scenario.change:
            for key in CHANGE_TABLES:
                value = getattr(change, key, None)
                if value is not None:
                    files[f"scenario.{key}: {Path(value).name}"] = digest_file(Path(study.folder) / value)
    files |= {name: digest_file(path) for name, path in grouping_files(study)}
    if roads is not None:
        files[f"roads: {roads.name}"] = digest_file(roads)
    manifest = {
        "study": study.id,
        "parameters": study.model_dump(mode="json", exclude_none=True),
        "times_method": inputs.times_method,
        "seed": study.seed,
        "inputs_sha256": files,
        "code_sha256": code_digest(),
        "versions": {
            "territory": metadata.version("territory"),
            **{n: metadata.version(n) for n in LIBRARIES},
        },
    }
    return manifest, digest_of_manifest(manifest)


def digest_of_manifest(manifest: Mapping[str, Any]) -> str:
    """Return the digest of what a manifest says of the inputs; what it says of the outputs is left out.

    Examples
    --------
    >>> digest_of_manifest({"study": "a"}) == digest_of_manifest({"study": "a", "outputs_sha256": {}})
    True
    """
    inputs = {key: value for key, value in manifest.items() if key not in ("run_sha256", "outputs_sha256")}
    text = json.dumps(inputs, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _dataset_files(name: str) -> dict[str, str]:
    """Return the digest of each file of an embedded dataset."""
    folder = resources.files("territory.datasets") / name
    return {
        f"dataset: {name}/{entry.name}": hashlib.sha256(entry.read_bytes()).hexdigest()
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.is_file()
    }
