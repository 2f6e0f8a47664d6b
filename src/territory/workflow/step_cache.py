"""Results of long steps, kept on disk under the digest of what they were computed from."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from functools import cache
from importlib import metadata, resources
from pathlib import Path

import pandas as pd

from territory.errors import OutputError
from territory.files.safe_files import keep, kept

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
        try:
            keep(self.folder, name, key, make())
        except OSError as error:
            raise OutputError(
                f"L'étape « {name} » ne peut pas être gardée dans « {self.folder} » ({error.strerror or error}) : "
                "libérez de la place ou choisissez un autre dossier avec --out ; ce qui était écrit n'a pas changé."
            ) from error
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
    files = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix in (".py", ".csv", ".toml", ".typ", ".css", ".js", ".xml")
    )
    return digest_of(*(path.read_bytes() for path in files))


def library_versions() -> dict[str, str]:
    """Return the versions of the libraries that a figure of the report may depend on."""
    return {name: metadata.version(name) for name in LIBRARIES}


def _content(part: object) -> bytes:
    """Return bytes that stand for a value; for a table, its names, index and values, points as well-known binary."""
    import pandas as pd

    if not isinstance(part, pd.DataFrame):
        return part if isinstance(part, bytes) else repr(part).encode()
    plain = pd.DataFrame(part)
    for name in part.columns:
        if hasattr(part[name], "to_wkb"):
            plain[name] = part[name].to_wkb()
    return repr(list(plain.columns)).encode() + pd.util.hash_pandas_object(plain).to_numpy().tobytes()
