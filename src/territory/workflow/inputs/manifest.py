"""What a run read, with which parameters and versions; the same for two runs of the same inputs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from territory import __version__
from territory.files.safe_files import digest_file
from territory.study.secrecy import UNPUBLISHED, is_public, public_parameters, secret_parameters
from territory.workflow.step_cache import code_digest, library_versions

if TYPE_CHECKING:
    from territory.study.words.model import Study
    from territory.workflow.inputs.prepare import Inputs


def describe_run(inputs: Inputs, *, roads: Path | None) -> tuple[dict[str, Any], str]:
    """Return the manifest of a run and its digest, before anything is written.

    No date, no path of the machine and no duration enters it: two runs of the same inputs have the same
    manifest. Durations go to `timings.json`. Of a secret input the manifest says that it was read and nothing
    else: neither its digest nor that of the run depends on what it holds (see `territory.study.secrecy`).
    """
    study = inputs.study
    files = _dataset_files(study.dataset) if study.data is None else {}
    for name, value in own_files(study):
        files[name] = digest_file(Path(study.folder) / value) if is_public(name) else UNPUBLISHED
    if roads is not None:
        files[f"roads: {roads.name}"] = digest_file(roads)
    manifest = {
        "study": study.id,
        "parameters": public_parameters(study),
        "parameters_unpublished": sorted(secret_parameters(study)),
        "times_method": inputs.times_method,
        "seed": study.seed,
        "inputs_sha256": files,
        "code_sha256": code_digest(),
        "versions": {
            "territory": __version__,
            **library_versions(),
        },
    }
    return manifest, digest_of_manifest(manifest)


def files_read(study: Study, *, roads: Path | None) -> dict[str, Path]:
    """Return the files that a study names, by what the manifest calls them; an embedded dataset names none."""
    files = {name: Path(study.folder) / value for name, value in own_files(study)}
    return files if roads is None else {**files, f"roads: {roads.name}": roads}


def own_files(study: Study) -> Iterator[tuple[str, str]]:
    """Yield the files that a study file names: how the manifest calls each, and its path in the study.

    Examples of names: `files.distancier: temps.csv`, `data.population: rp2021.csv`.
    """
    named = [] if study.data is None else [(f"data.{key}", path) for key, path in study.data.paths().items()]
    named += [
        (f"files.{key}", value)
        for key, value in study.files.model_dump(exclude={"distancier_unit"}).items()
        if value is not None
    ]
    for scenario in study.scenario:
        for change in scenario.change:
            named += [(f"scenario.{key}", path) for key, path in change.tables().items()]
    for grouping in study.grouping:
        named += [(f"grouping.{key}", path) for key, path in grouping.tables().items()]
    for key, value in named:
        yield f"{key}: {Path(value).name}", value


# what a manifest says of the files that were written, and not of the run that made them
_OF_THE_FILES = ("edition", "run_sha256", "outputs_sha256")


def digest_of_manifest(manifest: Mapping[str, Any]) -> str:
    """Return the digest of what a manifest says of the inputs; what it says of the outputs is left out.

    Examples
    --------
    >>> digest_of_manifest({"study": "a"}) == digest_of_manifest({"study": "a", "outputs_sha256": {}})
    True
    """
    inputs = {key: value for key, value in manifest.items() if key not in _OF_THE_FILES}
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
