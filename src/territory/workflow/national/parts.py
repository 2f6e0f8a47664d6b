"""Travel times in a folder of Parquet files: one per département or batch of it, each whole or absent.

::

    _plan.json                                  the digest of what the times depend on, and the list of the parts
    departement_code=83/part-0000.parquet       from_id, to_id, travel_time_ms: every pair of some origins

Times by road are whole milliseconds on disk (a third of the size, three times as fast), estimated ones minutes; both
are read as minutes. Each file says in its footer which times it holds: one written for other inputs, or that a power
cut truncated, is never taken for what it is not.
"""

import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from territory.errors import MissingFileError, OutputError, ReadError, agree, examples, retold
from territory.files.safe_files import UNFINISHED, write_whole
from territory.units import MILLISECONDS_PER_MINUTE

FORMAT = "territory-travel-times"
# raised whenever a file means something else than before
VERSION = 1
# readers of partitioned Parquet pass over names that begin so
PLAN = "_plan.json"
_FOOTER = b"territory"
_MILLISECONDS = "travel_time_ms"


@dataclass(frozen=True)
class TimesPart:
    """One file of travel times: every pair of some origins, under the digest of what they depend on."""

    path: Path
    name: str
    digest: str
    origin_count: int

    def __call__(self) -> pd.DataFrame:
        """Return the travel times, identifiers as categories, attribute `cutoff_min` (min)."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            with pq.ParquetFile(self.path, page_checksum_verification=True) as file:
                said = _footer_of(file)
                # one thread: parts are read side by side
                table = file.read(use_threads=False)
        except (OSError, pa.ArrowException) as error:
            raise ReadError(f"{self._trouble('illisible')} ({error}).") from error
        if said.get("digest") != self.digest:
            raise ReadError(f"{self._trouble('faite pour d’autres données')}.")
        frame: pd.DataFrame = table.to_pandas()
        if _MILLISECONDS in frame:
            minutes = frame.pop(_MILLISECONDS) / MILLISECONDS_PER_MINUTE
            frame.insert(2, "travel_time_min", minutes)
        frame.attrs["cutoff_min"] = float(said["cutoff_min"])
        return frame

    def is_whole(self) -> bool:
        """Tell whether the file is there, whole, and holds the times of these very inputs."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            with pq.ParquetFile(self.path) as file:
                return _footer_of(file).get("digest") == self.digest
        except (OSError, pa.ArrowException):
            return False

    def _trouble(self, what: str) -> str:
        """Return what is wrong, and what to do."""
        return (
            f"Temps de trajet, partie « {self.name} » : {what}. Supprimez ce fichier et relancez la même commande : "
            "seules les parties absentes sont calculées"
        )


class TimesFolder(Sequence[TimesPart]):
    """The parts of a table of travel times, in their order; what `territory.access.streamed` goes through."""

    def __init__(self, folder: Path, digest: str, parts: Sequence[TimesPart]) -> None:
        self.folder = folder
        self.digest = digest
        self._parts = tuple(parts)

    def __len__(self) -> int:
        return len(self._parts)

    def __getitem__(self, place: Any) -> Any:
        return self._parts[place]

    def __repr__(self) -> str:
        origins = sum(part.origin_count for part in self._parts)
        return f"TimesFolder({len(self._parts)} parts, {origins} origins, {self.digest[:8]})"

    def missing(self) -> list[TimesPart]:
        """Return the parts that are not written yet, or not for these inputs."""
        return [part for part in self._parts if not part.is_whole()]


def open_times(folder: str | Path) -> TimesFolder:
    """Open the folder of travel times that `write_travel_times` wrote.

    Raises
    ------
    MissingFileError, ReadError
        If there is no such folder, or the run was stopped before its last part; if its plan cannot be read.
    """
    folder = Path(folder)
    if not (folder / PLAN).is_file():
        raise MissingFileError(f"Pas de temps de trajet dans « {folder} » : {PLAN} n'y est pas.")
    wrong = (OSError, ValueError, KeyError, TypeError, RecursionError)
    with retold(wrong, ReadError, f"« {folder / PLAN} » est illisible ({{reason}}) : relancez le calcul."):
        plan = json.loads((folder / PLAN).read_text("utf-8"))
        if (plan["format"], plan["version"]) != (FORMAT, VERSION):
            raise ValueError(f"format {plan['format']} {plan['version']}")
        parts = [
            TimesPart(folder / one["name"], str(one["name"]), str(one["digest"]), int(one["origin_count"]))
            for one in plan["parts"]
        ]
        found = TimesFolder(folder, str(plan["digest"]), parts)
    missing = found.missing()
    if missing:
        raise MissingFileError(
            f"« {folder} » : {agree(len(missing), 'partie(s)')} sur {len(parts)} à écrire encore "
            f"({examples(part.name for part in missing)}) : relancez la même commande, qui les calculera."
        )
    return found


def plan_parts(
    folder: Path, digest: str, groups: "pd.Series[str]", batch_size: int
) -> tuple[TimesFolder, list[NDArray[np.int64]]]:
    """Return the parts that origins are cut into, group by group, and the rows of each."""
    parts, rows = [], []
    for group in sorted(groups.unique()):
        here = np.flatnonzero((groups == group).to_numpy())
        # batches of about the same size: a last one of a few origins costs nearly as much as a whole one
        for number, batch in enumerate(np.array_split(here, -(-len(here) // batch_size))):
            name = f"{groups.name}={group}/part-{number:04}.parquet"
            own = hashlib.sha256(f"{VERSION} {digest} {name}".encode() + batch.astype("<i8").tobytes())
            parts.append(TimesPart(folder / name, name, own.hexdigest(), len(batch)))
            rows.append(batch)
    return TimesFolder(folder, digest, parts), rows


def begin(times: TimesFolder) -> list[int]:
    """Write the plan of a folder, remove parts of other inputs, return the places of those to make."""
    plan = {
        "format": FORMAT,
        "version": VERSION,
        "digest": times.digest,
        "parts": [
            {"name": part.name, "digest": part.digest, "origin_count": part.origin_count} for part in times
        ],
    }
    said = f"Temps de trajet : « {times.folder} » ne peut pas être écrit ({{reason}}), choisissez un autre dossier."
    with retold(OSError, OutputError, said):
        to_make = [place for place, part in enumerate(times) if not part.is_whole()]
        whole = {part.path for part in times} - {times[place].path for place in to_make}
        for path in times.folder.rglob("*"):
            is_ours = path.suffix == ".parquet" or path.name.startswith(UNFINISHED)
            if is_ours and path not in whole:
                path.unlink()
        for part in times:
            part.path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(times.folder / PLAN, json.dumps(plan, indent=1).encode())
    return to_make


def write_part(part: TimesPart, table: pd.DataFrame, *, in_ms: bool) -> int:
    """Write one part, whole or not at all, and return its number of pairs."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    said = json.dumps({"digest": part.digest, "cutoff_min": table.attrs["cutoff_min"]}, sort_keys=True)
    if in_ms:
        # whole milliseconds, from which the same minutes are read again
        minutes = table["travel_time_min"].to_numpy()
        whole = np.rint(minutes * MILLISECONDS_PER_MINUTE).astype(np.int32)
        if not np.array_equal(whole / MILLISECONDS_PER_MINUTE, minutes):
            raise AssertionError("times by road are whole milliseconds")
        table = table.drop(columns="travel_time_min")
        table.insert(2, _MILLISECONDS, whole)
    content = pa.Table.from_pandas(table, preserve_index=False)
    content = content.replace_schema_metadata({_FOOTER: said})
    numbers = [name for name in content.column_names if name not in ("from_id", "to_id")]
    stream = io.BytesIO()
    pq.write_table(
        content,
        stream,
        compression="lz4",
        use_dictionary=["from_id", "to_id"],
        column_encoding=dict.fromkeys(numbers, "BYTE_STREAM_SPLIT"),
        write_page_checksum=True,
    )
    trouble = (
        f"La partie « {part.name} » des temps de trajet ne peut pas être écrite ({{reason}}) : libérez de la place, "
        "puis relancez la même commande ; les parties déjà écrites sont gardées."
    )
    with retold(OSError, OutputError, trouble):
        write_whole(part.path, stream.getvalue())
    return len(table)


def _footer_of(file: Any) -> dict[str, Any]:
    """Return what a file says of itself."""
    metadata = file.schema_arrow.metadata or {}
    try:
        said: dict[str, Any] = json.loads(metadata.get(_FOOTER, b"{}"))
    except (ValueError, RecursionError):
        return {}
    return said
