"""Archives opened without letting them write outside their folder, nor fill the disk."""

import errno
import gzip
import lzma
import stat
import struct
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import IO, cast

from territory.errors import MissingFileError, OutputError, ParameterError, Problems, ReadError
from territory.sources.fetching.raw_folder import check_type, format_of, size_text

MAX_BYTES = 30_000_000_000
MAX_FILES = 10_000
MAX_RATIO = 250
# below this size, a large ratio is a small file of zeros, not a bomb
_RATIO_FROM_BYTES = 100_000_000
_CHUNK_BYTES = 1 << 20
# ways in which reading an archive fails when its bytes are not what they should
_DAMAGES = (zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError, struct.error, ValueError)
# what disks take for one step of a path (bytes)
_LONGEST_NAME = 255
# names that Windows gives to devices, whatever their suffix
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}


def unpack(
    archive: str | Path,
    folder: str | Path,
    *,
    max_bytes: int = MAX_BYTES,
    max_ratio: float = MAX_RATIO,
    max_files: int = MAX_FILES,
) -> list[Path]:
    """Unpack a zip or a gz into a folder, all of it or nothing; return the files written, sorted.

    Names are checked before anything is written: no absolute path, no `..`, no link, no device, no name twice (case
    and accents apart), nothing that is already there. Sizes are checked as announced, then as written.
    """
    archive, folder = Path(archive), Path(folder)
    kind = format_of(archive.name)
    if kind not in ("zip", "gz"):
        raise ParameterError(
            f"Archive « {archive.name} » : seuls .zip et .gz sont décompressés ici ; décompressez-la avec un autre "
            "outil (7-Zip), puis donnez le dossier obtenu."
        )
    if not archive.is_file():
        raise MissingFileError(f"Archive introuvable : {archive}.")
    check_type(archive)
    folder.mkdir(parents=True, exist_ok=True)
    limit = _Limit(archive, max_bytes, max_ratio)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".unpack-") as place:
        inside = Path(place)
        try:
            if kind == "zip":
                _unpack_zip(archive, inside, limit, max_files)
            else:
                with gzip.open(archive) as packed:
                    _write(cast(IO[bytes], packed), inside / (archive.name[:-3] or "sans-nom"), limit)
        except ReadError:
            raise
        except (*_DAMAGES, NotImplementedError, OSError) as error:
            # bz2 says a damage as an OSError without number, an impossible place in the file is EINVAL; a full
            # disk is neither
            if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
                raise
            said = f"Archive « {archive.name} » endommagée ou illisible ({error})"
            raise ReadError(f"{said} ; reprenez-la chez son producteur.") from error
        return _move_out(inside, folder, archive)


class _Limit:
    """How many bytes may still be written."""

    def __init__(self, archive: Path, max_bytes: int, max_ratio: float) -> None:
        self.archive = archive
        ratio_bytes = int(max(_RATIO_FROM_BYTES, archive.stat().st_size * max_ratio))
        self.bytes = min(max_bytes, ratio_bytes)
        self.spent = 0

    def spend(self, count: int) -> None:
        """Count bytes written, and stop at the limit."""
        self.spent += count
        self.check(self.spent)

    def check(self, count: int) -> None:
        """Refuse a total above the limit."""
        if count > self.bytes:
            raise ReadError(
                f"Archive « {self.archive.name} » refusée : décompressée, elle dépasse {size_text(self.bytes)} pour "
                f"{size_text(self.archive.stat().st_size)} compressés ; c'est sans doute un fichier piégé."
            )


def _unpack_zip(archive: Path, inside: Path, limit: _Limit, max_files: int) -> None:
    """Write every file of a zip, once all names and announced sizes are known to be harmless."""
    with zipfile.ZipFile(archive) as opened:
        members = [member for member in opened.infolist() if not _is_folder(member)]
        if len(members) > max_files:
            said = f"{len(members)} fichiers, {max_files} au plus."
            raise ReadError(f"Archive « {archive.name} » refusée : {said}")
        _check_members(archive, opened.infolist())
        limit.check(sum(member.file_size for member in members))
        for member in members:
            target = inside.joinpath(*_parts(member.filename))
            target.parent.mkdir(parents=True, exist_ok=True)
            with opened.open(member) as packed:
                _write(packed, target, limit)


def _check_members(archive: Path, members: Iterable[zipfile.ZipInfo]) -> None:
    """Raise one error with every name that must not be written."""
    problems = Problems(f"Archive « {archive.name} » refusée", ReadError)
    seen: dict[str, str] = {}
    for member in members:
        name = member.filename
        if fault := _name_fault(name):
            problems.add(f"« {name} » {fault}")
            continue
        if member.flag_bits & 0x1:
            problems.add(f"« {name} » est protégé par un mot de passe")
        mode = member.external_attr >> 16
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
            problems.add(f"« {name} » est un lien ou un fichier spécial")
        if _is_folder(member):
            continue
        # disks of Windows and macOS see one name where zip has two
        plain = unicodedata.normalize("NFC", "/".join(_parts(name))).casefold()
        if plain in seen:
            problems.add(f"« {name} » y est plusieurs fois (casse et accents mis à part)")
        seen[plain] = name
    for plain in seen:
        for above in map(str, PurePosixPath(plain).parents):
            if above in seen:
                problems.add(f"« {seen[above]} » y est à la fois un fichier et un dossier")
    problems.raise_if_any()


def _name_fault(name: str) -> str | None:
    """Return why a name must not be written, if it must not."""
    parts = name.replace("\\", "/").split("/")
    longest = max(len(part.encode("utf-8", "surrogatepass")) for part in parts)
    faults = {
        "est un chemin absolu": name.startswith(("/", "\\")) or ":" in name,
        "sort de son dossier": ".." in parts,
        "n'est pas un nom de fichier": not _parts(name) or any(ord(character) < 32 for character in name),
        "contient une barre oblique inverse": "\\" in name,
        "est un nom réservé par Windows": any(one.split(".")[0].strip().lower() in _DEVICES for one in parts),
        "est un nom trop long": longest > _LONGEST_NAME,
        "finit par un point ou une espace": any(part.endswith((" ", ".")) for part in _parts(name)),
    }
    return next((said for said, is_so in faults.items() if is_so), None)


def _is_folder(member: zipfile.ZipInfo) -> bool:
    """Say whether a member is a folder; the library's own test fails on an empty name."""
    return member.filename.endswith("/")


def _parts(name: str) -> tuple[str, ...]:
    """Return the steps of a name inside an archive."""
    return tuple(part for part in PurePosixPath(name).parts if part != ".")


def _write(packed: IO[bytes], target: Path, limit: _Limit) -> None:
    with target.open("xb") as file:
        while chunk := packed.read(_CHUNK_BYTES):
            limit.spend(len(chunk))
            file.write(chunk)


def _move_out(inside: Path, folder: Path, archive: Path) -> list[Path]:
    """Move what was unpacked to its place; what is already there is kept."""
    entries = sorted(inside.iterdir())
    taken = [entry.name for entry in entries if (folder / entry.name).exists()]
    if taken:
        raise OutputError(f"Archive « {archive.name} » : « {taken[0]} » est déjà là ; déplacez-le d'abord.")
    for entry in entries:
        entry.rename(folder / entry.name)
    roots = [folder / entry.name for entry in entries]
    return sorted(path for root in roots for path in (root, *root.rglob("*")) if path.is_file())
