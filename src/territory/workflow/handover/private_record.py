"""Which secret inputs made the files of a run: kept beside its steps, never with what is handed over.

The manifest says nothing of a secret file but that it was read, so that two runs that differ in it alone bear the same
digest. This record, which stays in `data/processed`, tells them apart.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from territory.files.safe_files import digest_file, write_whole
from territory.release.disclosure import PUBLIC
from territory.release.gate import edition_name
from territory.study.secrecy import is_public, secret_parameters
from territory.workflow.inputs.manifest import own_files

if TYPE_CHECKING:
    from territory.study.words.model import Study

RECORD = "entrees-secretes.json"


@dataclass(frozen=True, repr=False)
class PrivateRecord:
    """The secret inputs of a run, and the folder where their digests are kept.

    Attributes
    ----------
    folder
        `data/processed/<study>`.
    inputs
        Digest of each secret input, by its name.
    name
        Name of the record: one for each edition.
    """

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
            text = json.dumps(said, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
            write_whole(self.folder / self.name, text.encode())


def private_record(study: Study, folder: Path, *, edition: str = PUBLIC) -> PrivateRecord:
    """Return the secret inputs of a study as they are now."""
    inputs = {
        f"{name} ({value})": digest_file(Path(study.folder) / value)
        for name, value in own_files(study)
        if not is_public(name)
    }
    for name, values in secret_parameters(study).items():
        inputs[name] = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
    return PrivateRecord(folder, inputs, edition_name(RECORD, edition))


def _read(path: Path) -> tuple[dict[str, str], dict[str, str]] | None:
    """Return the inputs and the outputs of a record; None when it is absent or cannot be understood."""
    try:
        said = json.loads(path.read_text("utf-8"))
        return dict(said["inputs_sha256"]), dict(said["outputs_sha256"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
