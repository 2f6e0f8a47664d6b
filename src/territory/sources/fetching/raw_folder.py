"""What official data exists, in which vintages; the folder of raw data, and whether it is still the same."""

import json
import re
import stat
import struct
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from territory.errors import ReadError, UnknownCodeError, agree, examples
from territory.files.safe_files import digest_file, stays_inside
from territory.tables.declare import declared, lines_of


@dataclass(frozen=True, slots=True)
class Source:
    """One vintage of one dataset, as the registry describes it.

    `address_checked`: a public document confirms where its file is downloaded (`address`, empty: only `page` is
    known). `file_name` may be a pattern (`*`, `?`) where the producer's name changes; `members` are patterns of the
    files of an archive that readers want. `departements` is empty for the whole country.
    """

    dataset: str
    vintage: str
    producer: str
    title: str
    page: str
    address: str
    address_checked: bool
    file_name: str
    members: tuple[str, ...]
    format: str
    licence: str
    sha256: str
    reader_tried: bool
    departements: tuple[str, ...]
    added_on: date
    superseded_by: str
    note: str

    @property
    def key(self) -> str:
        """Dataset and vintage, as in the folder of raw data and in `superseded_by`."""
        return f"{self.dataset}/{self.vintage}"


@cache
def read_registry() -> tuple[Source, ...]:
    """Read the registry of official data that comes with the library, oldest addition first."""
    return tuple(map(_source, lines_of("registry.csv", "territory.sources")))


def find(dataset: str, vintage: str | None = None, *, registry: Sequence[Source] | None = None) -> Source:
    """Return one vintage of a dataset, by default the one that no other supersedes.

    Parameters
    ----------
    dataset, vintage
        Its name (`cog-communes`; an unknown one is an `UnknownCodeError`); `rp2021`, `2024`, `2026-03` or `courant`.
    registry
        Sources to look into; the library's own by default.

    Examples
    --------
    >>> find("population-legale", "rp2021").file_name
    'ensemble.zip'
    """
    sources = read_registry() if registry is None else registry
    vintages = {source.vintage: source for source in sources if source.dataset == dataset}
    if not vintages:
        names = sorted({source.dataset for source in sources})
        close = get_close_matches(dataset, names, n=3)
        hint = f"vouliez-vous dire {examples(close)} ?" if close else f"connus : {examples(names, most=6)}."
        hint += " « territory data list » les donne tous."
        raise UnknownCodeError(f"Jeu de données « {dataset} » inconnu du registre : {hint}")
    if vintage is None:
        own = f"{dataset}/"
        return [source for source in vintages.values() if not source.superseded_by.startswith(own)][-1]
    if vintage not in vintages:
        said = f"Millésime « {vintage} » inconnu du registre pour « {dataset} »"
        raise UnknownCodeError(f"{said} ; il connaît : {', '.join(sorted(vintages))}.")
    return vintages[vintage]


def _source(row: dict[str, str]) -> Source:
    members = tuple(filter(None, row["members"].split("|")))
    return declared(Source, row, members=members, added_on=date.fromisoformat(row["added_on"]))


RAW = Path("data/raw")
SOURCE_FILE = "source.json"
_ALLOWED = {"README.md", ".DS_Store", "Thumbs.db", "desktop.ini"}


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file as it was when it was stored; `origin` is downloaded, copied or unpacked."""

    name: str
    size_bytes: int
    sha256: str
    origin: str


@dataclass(frozen=True, slots=True)
class Stored:
    """One vintage of a dataset on disk, as its `source.json` says."""

    folder: Path
    key: str
    address: str
    retrieved_on: str
    licence: str
    files: tuple[StoredFile, ...]

    @property
    def paths(self) -> list[Path]:
        """The files, with their folder."""
        return [self.folder / file.name for file in self.files]

    @property
    def packed(self) -> list[str]:
        """Names of the archives that were left as they are: another tool has to open them."""
        left = {"unpacked": (".7z", ".zip")}
        return [file.name for file in self.files if file.name.lower().endswith(left.get(file.origin, ".7z"))]


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found in one folder: `problems` is empty when all is as it was stored."""

    key: str
    file_count: int
    problems: tuple[str, ...]


def describe_file(path: Path, folder: Path, origin: str) -> StoredFile:
    """Return what is worth writing down of a file: name within its folder, size, digest, origin."""
    return StoredFile(path.relative_to(folder).as_posix(), path.stat().st_size, digest_file(path), origin)


def read_stored(folder: str | Path) -> Stored:
    """Return what the `source.json` of a folder says; the files themselves are not looked at."""
    folder = Path(folder)
    path = folder / SOURCE_FILE
    try:
        said: dict[str, Any] = json.loads(path.read_text("utf-8"))
        files = tuple(StoredFile(**file) for file in said["files"])
        key = f"{said['dataset']}/{said['vintage']}"
        stored = Stored(folder, key, said["address"], said["retrieved_on"], said["licence"], files)
    except FileNotFoundError as error:
        raise ReadError(
            f"Dossier « {folder.as_posix()} » sans {SOURCE_FILE} : on ne sait pas d'où viennent ses fichiers ; "
            "déposez-les par « territory data fetch … --from »."
        ) from error
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ReadError(f"Fichier « {path.as_posix()} » illisible ; reprenez ce jeu avec --force.") from error
    outside = [file.name for file in files if not stays_inside(file.name)]
    if outside:
        raise ReadError(f"Fichier « {path.as_posix()} » : « {outside[0]} » est hors du dossier.")
    return stored


def check_stored(raw: str | Path = RAW) -> list[Checked]:
    """Compare every stored file with the digest written when it was stored, one line for each folder of a vintage."""
    raw = Path(raw)
    if not raw.is_dir():
        return []
    checked = []
    stray = [path for path in _entries(raw) if not path.is_dir()]
    for dataset in (path for path in _entries(raw) if path.is_dir()):
        stray += [path for path in _entries(dataset) if not path.is_dir()]
        checked += [check_folder(folder) for folder in _entries(dataset) if folder.is_dir()]
        for part in sorted(dataset.glob(".*.part")):
            received = size_text(sum(path.stat().st_size for path in part.glob("*.part")))
            said = f"téléchargement inachevé ({received}) : relancez « territory data fetch »"
            vintage = part.name.removeprefix(".").removesuffix(".part")
            checked.append(Checked(f"{dataset.name}/{vintage}", 0, (said,)))
    if stray:
        problems = tuple(f"{path.relative_to(raw).as_posix()} : fichier en trop" for path in stray)
        checked.append(Checked(raw.as_posix(), len(stray), problems))
    return checked


def protect(paths: Iterable[Path]) -> None:
    """Make files read-only."""
    for path in paths:
        path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))


def check_folder(folder: Path) -> Checked:
    """Compare the files of one vintage with its `source.json`."""
    key = f"{folder.parent.name}/{folder.name}"
    try:
        stored = read_stored(folder)
    except ReadError as error:
        return Checked(key, 0, (str(error),))
    problems = [] if stored.key == key else [f"{SOURCE_FILE} est celui de {stored.key} : dossier déplacé ?"]
    for file in stored.files:
        path = folder / file.name
        size = path.stat().st_size if path.is_file() else None
        if size is None:
            problems.append(f"{file.name} : fichier manquant")
        elif size != file.size_bytes:
            was = f"({agree(size, 'octet(s)')} au lieu de {file.size_bytes})"
            problems.append(f"{file.name} : fichier modifié {was}")
        elif digest_file(path) != file.sha256:
            problems.append(f"{file.name} : fichier modifié (même taille, autre empreinte)")
    known = {file.name for file in stored.files} | {SOURCE_FILE}
    present = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())
    extra = [name for name in present if name not in known and PurePosixPath(name).name not in _ALLOWED]
    problems += [f"{name} : fichier en trop" for name in extra]
    return Checked(key, len(stored.files), tuple(problems))


def _entries(folder: Path) -> list[Path]:
    """Return what a folder holds, by name, without what systems and this library put there."""
    shown = (path for path in folder.iterdir() if not path.name.startswith("."))
    return sorted(path for path in shown if path.name not in _ALLOWED)


_START_BYTES = 4096
_HTML = re.compile(rb"\s*(<!--.*?-->\s*)*<(!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_SIGNATURES = {
    "zip": b"PK",
    "xlsx": b"PK\x03\x04",
    "xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    "gz": b"\x1f\x8b",
    "7z": b"7z\xbc\xaf\x27\x1c",
    "gpkg": b"SQLite format 3\x00",
    "parquet": b"PAR1",
}
_TEXTS = ("csv", "txt", "json", "geojson")
_NAMES = {_SIGNATURES[kind]: kind for kind in ("xlsx", "xls", "gz", "7z", "gpkg", "parquet")}


def format_of(name: str) -> str:
    """Return the format that the end of a file's name tells, in lower case."""
    return name.lower().rpartition(".")[2]


def check_type(path: Path, *, name: str | None = None) -> None:
    """Refuse a file that is empty, is a web page, or is not of the form that its name says."""
    name = name or path.name
    with path.open("rb") as file:
        start = file.read(_START_BYTES)
    if fault := _fault(path, format_of(name), start):
        raise ReadError(f"Fichier « {name} » : {fault}")


def _fault(path: Path, kind: str, start: bytes) -> str | None:
    """Return why a file is not of the kind that is expected, if it is not."""
    if not start:
        return "il est vide ; reprenez-le chez son producteur."
    if _HTML.match(start.removeprefix(b"\xef\xbb\xbf")):
        said = f"c'est une page web (HTML), pas un fichier {kind} : le site demande sans doute une connexion"
        return f"{said}, est en maintenance, ou a déplacé le fichier ; ouvrez sa page."
    if kind in _TEXTS:
        found = next((other for signature, other in _NAMES.items() if start.startswith(signature)), None)
        return f"c'est un fichier {found}, pas un fichier {kind}." if found else None
    if kind == "pbf":
        return None if b"OSMHeader" in start[:64] else "ce n'est pas une carte OpenStreetMap (.osm.pbf)."
    signature = _SIGNATURES.get(kind)
    if signature is not None and not start.startswith(signature):
        return f"ce n'est pas un fichier {kind}."
    if not _reaches_its_end(path, kind, start):
        return f"le fichier {kind} est coupé : sa fin manque ; reprenez-le chez son producteur."
    return None


def _reaches_its_end(path: Path, kind: str, start: bytes) -> bool:
    """Say whether the end that a form announces is there."""
    if kind in ("zip", "xlsx"):
        return zipfile.is_zipfile(path)
    if kind == "7z":
        if len(start) < 32:
            return False
        offset, length = struct.unpack_from("<QQ", start, 12)
        return path.stat().st_size >= 32 + int(offset) + int(length)
    if kind == "parquet":
        with path.open("rb") as file:
            file.seek(-4, 2)
            return file.read() == b"PAR1"
    return True


def size_text(count: int) -> str:
    """Return a number of bytes in words, to a tenth of its unit (1 ko = 1000 octets)."""
    for unit, size in (("Go", 1e9), ("Mo", 1e6), ("ko", 1e3)):
        if count >= size:
            return f"{count / size:.1f} {unit}".replace(".", ",")
    return f"{count} octet{'s' if count > 1 else ''}"
