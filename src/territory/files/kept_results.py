"""Tables kept on disk between runs: Parquet and its digests, believed only when every byte is as it was written.

No pickle: a folder of results may come from somebody else, and opening it must not run what it holds.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from territory.files.safe_files import UNFINISHED, flush_folder, flush_tree

if TYPE_CHECKING:
    import pandas as pd

HEADER = "step.json"
FORMAT = "territory-step"
# raised whenever a file means something else than before
VERSION = 1


def keep(folder: Path, name: str, key: str, tables: tuple[pd.DataFrame, ...]) -> None:
    """Write the tables of a step, all of them or nothing."""
    place = _place(folder, name, key)
    staging = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=folder))
    try:
        files = []
        for number, table in enumerate(tables):
            content = io.BytesIO()
            table.to_parquet(content, engine="pyarrow")
            (staging / f"{number}.parquet").write_bytes(content.getbuffer())
            files.append(hashlib.sha256(content.getbuffer()).hexdigest())
        header = {"format": FORMAT, "version": VERSION, "name": name, "key": key, "tables_sha256": files}
        (staging / HEADER).write_text(
            json.dumps(header, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
        )
        flush_tree(staging)
        staging.chmod(0o755)
        if place.exists():
            # it was found damaged, or it would have been given back
            shutil.rmtree(place)
        staging.replace(place)
        flush_folder(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def kept(folder: Path, name: str, key: str) -> tuple[pd.DataFrame, ...] | None:
    """Return the tables of a step, or None when they are not there whole and unchanged.

    Examples
    --------
    >>> import pandas as pd
    >>> with tempfile.TemporaryDirectory() as place:
    ...     keep(Path(place), "essai", "0" * 64, (pd.DataFrame({"a": [1]}),))
    ...     kept(Path(place), "essai", "0" * 64)[0]["a"].to_list(), kept(Path(place), "essai", "1" * 64)
    ([1], None)
    """
    import pandas as pd

    place = _place(folder, name, key)
    try:
        header: dict[str, Any] = json.loads((place / HEADER).read_text("utf-8"))
        stated = {part: header[part] for part in ("format", "version", "name", "key")}
        if stated != {"format": FORMAT, "version": VERSION, "name": name, "key": key}:
            return None
        found = []
        for number, digest in enumerate(header["tables_sha256"]):
            content = (place / f"{number}.parquet").read_bytes()
            if hashlib.sha256(content).hexdigest() != digest:
                return None
            found.append(pd.read_parquet(io.BytesIO(content), engine="pyarrow"))
        return tuple(found)
    except Exception:
        # whatever is wrong with what was kept, and Parquet has many ways, computing it again is right
        return None


def _place(folder: Path, name: str, key: str) -> Path:
    """Return the folder of a step."""
    return folder / f"{re.sub(r'[^a-z0-9]+', '-', name.lower())}-{key[:32]}"
