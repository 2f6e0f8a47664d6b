"""Official files brought into the folder of raw data: all of a vintage, checked and described, or nothing."""

import json
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import filelock

from territory.errors import DownloadError, MissingFileError, OutputError, ReadError, TerritoryError, examples
from territory.files.safe_files import digest_file, flush_tree, write_whole
from territory.sources.fetching import raw_folder
from territory.sources.fetching.archives import unpack
from territory.sources.fetching.download import Patience, Progress, download

_CATALOGUE = re.compile(r"/api/1/datasets/(?!r/)[^/]+/?$")
_MOST_BYTES = 20_000_000
# what readers cannot open packed; they read .xls.gz and .json.gz as they are
_UNPACKED = (".zip", ".csv.gz", ".geojson.gz")


@dataclass(frozen=True, slots=True)
class Resource:
    """One file that the catalogue knows; `digest` is `sha256:…` or `sha1:…`, None where it says none."""

    address: str
    file_name: str
    digest: str | None


def is_catalogue(address: str) -> bool:
    """Say whether an address is that of a dataset in the catalogue, not of a file."""
    return bool(_CATALOGUE.search(urlsplit(address).path))


def _resource(listed: dict[str, Any]) -> Resource:
    address = str(listed["url"])
    checksum = listed.get("checksum") or {}
    kind, value = str(checksum.get("type", "")).lower(), str(checksum.get("value", "")).lower()
    digest = f"{kind}:{value}" if kind in ("sha1", "sha256") and value else None
    return Resource(address, PurePosixPath(unquote(urlsplit(address).path)).name, digest)


def fetch(
    dataset: str,
    vintage: str | None = None,
    *,
    to: str | Path = raw_folder.RAW,
    taken_from: str | Path | None = None,
    force: bool = False,
    check: Callable[[raw_folder.Source, Sequence[Path]], str | None] | None = None,
    registry: Sequence[raw_folder.Source] | None = None,
    progress: Progress | None = None,
    patience: Patience | None = None,
) -> raw_folder.Stored:
    """Bring one vintage of a dataset into `<to>/<dataset>/<vintage>/`, read-only, with its `source.json`.

    Files are received and unpacked in a hidden folder beside, which takes its place once all is checked; a
    vintage that is there already, unchanged, is fetched again with `force` alone. `taken_from` is the file, or a folder
    that holds it: nothing is downloaded then. `check` says why the files brought are not those of the source;
    `progress` is called with the bytes received and the total. What cannot be brought, or is not what it should be, is
    a `DownloadError`, `ReadError`, `MissingFileError` or `OutputError`.
    """
    source = raw_folder.find(dataset, vintage, registry=registry)
    home = Path(to) / source.dataset / source.vintage
    try:
        with _lock(home):
            if home.exists() and not force:
                if problems := raw_folder.check_folder(home).problems:
                    known = f"{source.key} est déjà dans « {home.as_posix()} »"
                    raise OutputError(f"{known}, mais {examples(problems)} ; --force le remplace.")
                return raw_folder.read_stored(home)
            staging = home.with_name(f".{home.name}.part")
            if force and taken_from is None:
                # what an earlier try left may be of before the producer's change
                _remove(staging)
            staging.mkdir(exist_ok=True)
            _keep_parts(staging)
            try:
                files, address = _gather(source, staging, taken_from, progress, patience)
                brought = [staging / file.name for file in files]
                if check is not None and (wrong := check(source, brought)) is not None:
                    raise ReadError(f"{source.key} : {wrong}. Rien n'est gardé.")
                _describe(source, staging, files, address)
            except BaseException:
                _tidy(staging)
                raise
            _publish(staging, home)
        return raw_folder.read_stored(home)
    except OSError as error:
        if isinstance(error, TerritoryError):
            raise
        said = f"Écriture impossible dans « {home.as_posix()} » : {error.strerror or error}."
        raise OutputError(said) from error


def _gather(
    source: raw_folder.Source,
    staging: Path,
    taken_from: str | Path | None,
    progress: Progress | None,
    patience: Patience | None,
) -> tuple[list[raw_folder.StoredFile], str]:
    """Bring the files of a vintage together; return them, and the address they came from."""
    if taken_from is not None:
        names, address, origin = _copy(source, Path(taken_from), staging), source.address, "copied"
    else:
        remote = _remote(source, patience)
        names, address, origin = [remote.file_name], remote.address, "downloaded"
        download(address, staging, names[0], digest=remote.digest, progress=progress, patience=patience)
    files = []
    for name in names:
        files.append(raw_folder.describe_file(staging / name, staging, origin))
        if name.lower().endswith(_UNPACKED):
            unpacked = unpack(staging / name, staging)
            files += [raw_folder.describe_file(path, staging, "unpacked") for path in unpacked]
    if raw_folder.SOURCE_FILE in (file.name for file in files):
        said = f"l'archive contient un fichier « {raw_folder.SOURCE_FILE} », nom réservé."
        raise ReadError(f"{source.key} : {said}")
    return files, address


def _remote(source: raw_folder.Source, patience: Patience | None) -> Resource:
    """Return what to download: the file of the registry, or the newest one of a catalogue."""
    if not source.address:
        raise DownloadError(
            f"{source.key} : aucune adresse directe n'est connue. Ouvrez {source.page}, prenez le fichier "
            f"« {source.file_name} », puis : territory data fetch {source.dataset} {source.vintage} --from DOSSIER."
            + (f" {source.note}" if source.note else "")
        )
    if is_catalogue(source.address):
        with tempfile.TemporaryDirectory() as place:
            path = download(source.address, place, "catalogue.json", patience=patience)
            if (size := path.stat().st_size) > _MOST_BYTES:
                raise ReadError(f"Réponse du catalogue trop longue : {raw_folder.size_text(size)}.")
            try:
                resources = [_resource(one) for one in json.loads(path.read_text("utf-8"))["resources"]]
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                said = "n'a pas la forme attendue (liste « resources »)."
                raise ReadError(f"La réponse du catalogue data.gouv.fr {said}") from error
        matching = [resource for resource in resources if fnmatch(resource.file_name, source.file_name)]
        if not matching:
            names = examples(resource.file_name for resource in resources)
            raise DownloadError(
                f"Catalogue {source.address} : aucun fichier « {source.file_name} » (fichiers présents : "
                f"{names or 'aucun'}) ; le producteur a changé ses noms, prenez le fichier sur sa page, puis --from."
            )
        return max(matching, key=lambda resource: resource.file_name)
    return Resource(source.address, source.file_name, f"sha256:{source.sha256}" if source.sha256 else None)


def _copy(source: raw_folder.Source, taken_from: Path, staging: Path) -> list[str]:
    """Copy the wanted files of a folder, or the file itself; return their names."""
    paths = [taken_from] if taken_from.is_file() else _wanted(source, taken_from)
    for path in paths:
        raw_folder.check_type(path)
        target = staging / path.name
        target.unlink(missing_ok=True)
        shutil.copyfile(path, target)
        if source.sha256 and fnmatch(path.name, source.file_name) and digest_file(target) != source.sha256:
            said = "son empreinte n'est pas celle du registre ; il a été modifié ou remplacé"
            raise ReadError(f"Fichier « {path.name} » : {said}.")
    return [path.name for path in paths]


def _wanted(source: raw_folder.Source, folder: Path) -> list[Path]:
    """Return the files of a folder that are those of a source: the file published, else those inside it."""
    if not folder.is_dir():
        raise MissingFileError(f"{source.key} : « {folder} » n'est ni un fichier ni un dossier.")
    below = sorted(path for path in folder.rglob("*") if path.is_file())
    published = [path for path in below if fnmatch(path.name.lower(), source.file_name.lower())]
    found = []
    for pattern in source.members:
        found += [path for path in below if fnmatch(path.name.lower(), pattern.lower()) and path not in found]
    # an archive that cannot be opened here is of less use than what was taken out of it
    if published and not (found and source.format == "7z"):
        if len(published) > 1:
            raise MissingFileError(
                f"{source.key} : {len(published)} fichiers « {source.file_name} » dans « {folder} » "
                f"({examples(path.relative_to(folder).as_posix() for path in published)}) ; donnez le bon fichier."
            )
        return published
    if not found:
        wanted = ", ".join(f"« {name} »" for name in (source.file_name, *source.members))
        absent = f"aucun fichier {wanted} dans « {folder} » ({len(below)} fichiers)"
        raise MissingFileError(f"{source.key} : {absent} ; à prendre sur {source.page}.")
    names = [path.name.lower() for path in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise MissingFileError(f"{source.key} : plusieurs fichiers « {twice[0]} » dans « {folder} ».")
    return found


def _describe(
    source: raw_folder.Source, staging: Path, files: Sequence[raw_folder.StoredFile], address: str
) -> None:
    """Write `source.json`, after all the files it describes are safely on disk."""
    flush_tree(staging)
    said = {
        **{name: getattr(source, name) for name in ("dataset", "vintage", "title", "producer", "page")},
        "address": address,
        "licence": source.licence,
        "retrieved_on": datetime.now(UTC).isoformat(timespec="seconds"),
        "files": [asdict(file) for file in sorted(files, key=lambda file: file.name)],
    }
    text = json.dumps(said, ensure_ascii=False, indent=2) + "\n"
    write_whole(staging / raw_folder.SOURCE_FILE, text.encode("utf-8"))
    raw_folder.protect([*(staging / file.name for file in files), staging / raw_folder.SOURCE_FILE])


def _publish(staging: Path, home: Path) -> None:
    """Put the complete folder in its place; an older one stays until the new one is there."""
    old = home.with_name(f".{home.name}.old")
    _remove(old)
    if home.exists():
        home.rename(old)
    staging.rename(home)
    _remove(old)


@contextmanager
def _lock(home: Path) -> Iterator[None]:
    """Let one process at a time fetch a vintage, and mend what a sudden stop left."""
    home.parent.mkdir(parents=True, exist_ok=True)
    path = home.with_name(f".{home.name}.lock")
    try:
        with filelock.FileLock(path, timeout=0):
            try:
                old = home.with_name(f".{home.name}.old")
                if old.exists() and not home.exists():
                    old.rename(home)
                yield
            finally:
                # windows keeps an open file: it stays, empty, and does no harm
                with suppress(OSError):
                    path.unlink()
    except filelock.Timeout as error:
        said = "un autre téléchargement est en cours ; attendez sa fin."
        raise OutputError(f"{home.parent.name}/{home.name} : {said}") from error
    finally:
        with suppress(OSError):
            home.parent.rmdir()


def _tidy(staging: Path) -> None:
    """Keep of a failed try only what the next one can go on from."""
    _keep_parts(staging)
    if not any(path.stat().st_size for path in staging.glob("*.part")):
        _remove(staging)


def _keep_parts(staging: Path) -> None:
    """Remove all but a download that was not finished."""
    for path in staging.iterdir():
        if not path.name.endswith((".part", ".part.json")) or path.name.startswith(raw_folder.SOURCE_FILE):
            _remove(path)


def _remove(path: Path) -> None:
    """Remove a file or a folder, read-only files included."""
    for inner in (path, *path.rglob("*")) if path.exists() else ():
        inner.chmod(inner.stat().st_mode | stat.S_IWUSR)
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
