"""Results of long steps, kept on disk under the digest of what they were computed from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")


class Steps:
    """Run a step, or give back its result when nothing that it depends on has changed.

    Parameters
    ----------
    folder
        Where results are kept (joblib's format; safe to delete at any time); None keeps nothing.

    Attributes
    ----------
    reused
        Names of the steps that were not computed again.
    """

    def __init__(self, folder: Path | None) -> None:
        import joblib

        self._memory = joblib.Memory(folder, verbose=0)
        self._cached = self._memory.cache(_run, ignore=["make"]) if folder else _run
        self.reused: list[str] = []

    def run(self, name: str, key: str, make: Callable[[], T]) -> T:
        """Return `make()`, from disk when the step was already run under this key."""
        known = getattr(self._cached, "check_call_in_cache", None)
        if known is not None and known(name, key, make):
            self.reused.append(name)
        result: T = self._cached(name, key, make)
        return result


def digest_of(*parts: object) -> str:
    """Return a digest of tables, texts and numbers; equal content gives an equal digest, whatever its layout.

    Examples
    --------
    >>> digest_of("mixed", 120.0) == digest_of("mixed", 120.0)
    True
    """
    total = hashlib.sha256()
    for part in parts:
        total.update(_content(part))
        total.update(b"\x1f")
    return total.hexdigest()


def code_digest(package: str = "territory") -> str:
    """Return the digest of the code of a package: another version never gives back an older one's result."""
    folder = Path(str(resources.files(package)))
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".py", ".csv", ".toml", ".typ"))
    return digest_of(*(path.read_bytes() for path in files))


def _run(name: str, key: str, make: Callable[[], Any]) -> Any:
    """Run a step; joblib keeps the result under its name and key alone."""
    return make()


def _content(part: object) -> bytes:
    """Return bytes that stand for a value."""
    import pandas as pd

    if isinstance(part, bytes):
        return part
    if isinstance(part, pd.DataFrame):
        return _table_content(part)
    return repr(part).encode()


def _table_content(table: pd.DataFrame) -> bytes:
    """Return bytes that stand for a table: its names, index and values, points as well-known binary."""
    import pandas as pd

    plain = pd.DataFrame(table)
    for name in table.columns:
        if hasattr(table[name], "to_wkb"):
            plain[name] = table[name].to_wkb()
    return repr(list(plain.columns)).encode() + pd.util.hash_pandas_object(plain).to_numpy().tobytes()
