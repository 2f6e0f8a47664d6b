"""What a run read, with which parameters and versions; results of long steps kept under the digest of those."""

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata, resources
from pathlib import Path
from typing import Any

import pandas as pd

from territory import __version__
from territory.errors import OutputError, retold
from territory.files.safe_files import digest_file, keep, kept, write_json
from territory.release.disclosure import PUBLIC, edition_name
from territory.study.state import UNPUBLISHED, is_public, public_parameters, secret_parameters
from territory.study.words.model import Study

_log = logging.getLogger(__name__)


LIBRARIES = ("geopandas", "matplotlib", "numpy", "pandas", "pyproj", "scipy", "shapely", "typst")


class Steps:
    """Run a step, or give back its result when nothing that it depends on has changed; `reused` names the latter."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.reused: list[str] = []

    def run(
        self, name: str, key: str, make: Callable[[], tuple[pd.DataFrame, ...]]
    ) -> tuple[pd.DataFrame, ...]:
        """Return the tables of `make()`, from disk when it was run under this key, code and libraries."""
        if self.folder is None:
            return make()
        key = digest_of(key, code_digest(), sorted(library_versions().items()))
        found = kept(self.folder, name, key)
        if found is not None:
            self.reused.append(name)
            _log.info("Repris, rien n'ayant changé : %s", name)
            return found
        _log.info("À calculer : %s", name)
        said = (
            f"L'étape « {name} » ne peut pas être gardée dans « {self.folder} » ({{reason}}) : libérez de la place ou "
            "choisissez un autre dossier avec --out ; ce qui était écrit n'a pas changé."
        )
        with retold(OSError, OutputError, said):
            keep(self.folder, name, key, make())
        written = kept(self.folder, name, key)
        if written is None:
            raise OutputError(
                f"L'étape « {name} » n'est pas relue dans « {self.folder} » comme elle a été écrite : ce disque "
                "n'est pas sûr ; choisissez un autre dossier avec --out."
            )
        return written


def digest_of(*parts: object) -> str:
    """Return a digest of tables, texts and numbers; equal content gives an equal digest, whatever its layout."""
    total = hashlib.sha256()
    for part in parts:
        total.update(_content(part))
        total.update(b"\x1f")
    return total.hexdigest()


@cache
def code_digest() -> str:
    """Return the digest of the library's code and data: no version gives back the result of another."""
    folder = Path(str(resources.files("territory")))
    kinds = (".py", ".csv", ".toml", ".typ", ".css", ".js", ".xml")
    files = sorted(path for path in folder.rglob("*") if path.suffix in kinds)
    return digest_of(*(path.read_bytes() for path in files))


def library_versions() -> dict[str, str]:
    """Return the versions of the libraries that a figure of the report may depend on."""
    return {name: metadata.version(name) for name in LIBRARIES}


def _content(part: object) -> bytes:
    """Return bytes that stand for a value; for a table, its names, index and values, points as well-known binary."""
    if not isinstance(part, pd.DataFrame):
        return part if isinstance(part, bytes) else repr(part).encode()
    plain = pd.DataFrame(part)
    for name in part.columns:
        if hasattr(part[name], "to_wkb"):
            plain[name] = part[name].to_wkb()
    return repr(list(plain.columns)).encode() + pd.util.hash_pandas_object(plain).to_numpy().tobytes()


def describe_run(study: Study, times_method: str, *, roads: Path | None) -> tuple[dict[str, Any], str]:
    """Return the manifest of a run and its digest: no date, path or duration, nothing of what secret inputs hold."""
    files = {}
    if study.data is None:
        name, folder = study.dataset, resources.files("territory.datasets") / study.dataset
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
            if entry.is_file():
                files[f"dataset: {name}/{entry.name}"] = hashlib.sha256(entry.read_bytes()).hexdigest()
    for name, value in own_files(study):
        files[name] = digest_file(Path(study.folder) / value) if is_public(name) else UNPUBLISHED
    if roads is not None:
        files[f"roads: {roads.name}"] = digest_file(roads)
    manifest = {
        "study": study.id,
        "parameters": public_parameters(study),
        "parameters_unpublished": sorted(secret_parameters(study)),
        "times_method": times_method,
        "seed": study.seed,
        "inputs_sha256": files,
        "code_sha256": code_digest(),
        "versions": {"territory": __version__, **library_versions()},
    }
    return manifest, digest_of_manifest(manifest)


def current_digest(
    report_dir: Path, study: Study, *, roads: Path | None, record: "PrivateRecord"
) -> str | None:
    """Return the digest of a run whose files are already in a folder, whole and unchanged; None where they are not."""
    try:
        # the way of finding times follows from the rest: had it changed, so would the digest
        method = json.loads((report_dir / MANIFEST).read_text("utf-8"))["times_method"]
        _, digest = describe_run(study, method, roads=roads)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return digest if is_current(report_dir, digest, record=record) else None


def files_read(study: Study, *, roads: Path | None) -> dict[str, Path]:
    """Return the files that a study names, by what the manifest calls them; an embedded dataset names none."""
    files = {name: Path(study.folder) / value for name, value in own_files(study)}
    return files if roads is None else {**files, f"roads: {roads.name}": roads}


def own_files(study: Study) -> Iterator[tuple[str, str]]:
    """Yield each file that a study names: `files.distancier: temps.csv`, say, and its path in the study."""
    named = [] if study.data is None else [(f"data.{key}", path) for key, path in study.data.paths().items()]
    files = study.files.model_dump(exclude={"distancier_unit"}, exclude_none=True)
    named += [(f"files.{key}", value) for key, value in files.items()]
    if transit := study.travel.transit:
        named += [("travel.transit.gtfs", path) for path in transit.gtfs]
        named += [("travel.transit.streets", transit.streets)] if transit.streets else []
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
    """Return the digest of what a manifest says of the inputs; what it says of the outputs is left out."""
    inputs = {key: value for key, value in manifest.items() if key not in _OF_THE_FILES}
    return hashlib.sha256(json.dumps(inputs, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


MANIFEST, TIMINGS = "manifest.json", "timings.json"
# in the folder that stays in the agency: secret inputs, and where its official files are
RECORD, PLACES = "entrees-secretes.json", "emplacements.json"


@dataclass(frozen=True, repr=False)
class PrivateRecord:
    """The secret inputs of a run, by name with their digests, and the folder and the file where these are kept."""

    folder: Path
    inputs: Mapping[str, str]
    name: str = RECORD

    def __repr__(self) -> str:
        """Return how many inputs are secret, and nothing that tells them."""
        return f"PrivateRecord({len(self.inputs)} secret inputs)"

    def vouches_for(self, outputs: Mapping[str, str]) -> bool:
        """Tell whether some files are known to come from these very secret inputs."""
        if not self.inputs:
            return True
        known = _read(self.folder / self.name)
        return known is not None and known[0] == dict(self.inputs) and known[1].items() <= outputs.items()

    def changed(self, outputs: Mapping[str, str]) -> list[str] | None:
        """Return the names of the secret inputs that are no longer those of some files."""
        known = _read(self.folder / self.name)
        if known is None or not known[1].items() <= outputs.items():
            return None
        return [name for name, digest in self.inputs.items() if known[0].get(name) != digest]

    def write(self, outputs: Mapping[str, str]) -> None:
        """Keep the digests of the inputs and of the files that they made; nothing without a secret input."""
        if self.inputs:
            said = {"inputs_sha256": dict(self.inputs), "outputs_sha256": dict(outputs)}
            write_json(self.folder / self.name, said)


def private_record(study: Study, folder: Path, *, edition: str = PUBLIC) -> PrivateRecord:
    """Return the secret inputs of a study as they are now."""
    secret = [(name, value) for name, value in own_files(study) if not is_public(name)]
    inputs = {f"{name} ({value})": digest_file(Path(study.folder) / value) for name, value in secret}
    for name, values in secret_parameters(study).items():
        inputs[name] = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
    return PrivateRecord(folder, inputs, edition_name(RECORD, edition))


def is_current(report_dir: Path, run_digest: str, *, record: PrivateRecord | None = None) -> bool:
    """Tell whether a folder already holds the files of this very run, whole and unchanged."""
    try:
        manifest = json.loads((report_dir / MANIFEST).read_text("utf-8"))
        expected = manifest["outputs_sha256"]
        if manifest["run_sha256"] != run_digest or not (record is None or record.vouches_for(expected)):
            return False
        return all(digest_file(report_dir / name) == digest for name, digest in expected.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False


def _read(path: Path) -> tuple[dict[str, str], dict[str, str]] | None:
    """Return the inputs and the outputs of a record; None when it is absent or cannot be understood."""
    try:
        said = json.loads(path.read_text("utf-8"))
        return dict(said["inputs_sha256"]), dict(said["outputs_sha256"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
