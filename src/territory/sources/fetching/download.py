"""One file over HTTP: tried again, resumed, checked, and never half there under its own name."""

import hashlib
import http.client
import json
import os
import shutil
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from territory import __version__
from territory.errors import DownloadError, OutputError, ParameterError, TerritoryError
from territory.sources.fetching.raw_folder import check_type, size_text

Progress = Callable[[int, int | None], None]
Answer = http.client.HTTPResponse

_CHUNK_BYTES = 1 << 16
_WORTH_A_NEW_START_BYTES = 5_000_000
_MOST_REDIRECTIONS = 10
_LONGEST_WAIT_S = 60.0
# the server, or something between it and us, may do better next time
_PASSING = {408: "délai dépassé", 425: "trop tôt", 429: "trop de demandes", 500: "panne du serveur"}
_PASSING |= {502: "panne d'un relais", 503: "service indisponible", 504: "relais sans réponse"}
_LASTING = {401: "accès réservé", 403: "accès refusé", 404: "fichier introuvable", 410: "fichier retiré"}
_LASTING |= dict.fromkeys(range(300, 400), "redirections sans fin")


@dataclass(frozen=True, slots=True)
class Patience:
    """The longest silence, or time under `least_bytes` (s), tries in a row, and the wait between, doubled each time."""

    timeout_s: float = 30.0
    tries: int = 5
    wait_s: float = 1.0
    least_bytes: int = 1024
    most_bytes: int = 30_000_000_000

    @property
    def silence(self) -> str:
        """The longest silence, in words."""
        return f"{self.timeout_s:g} s".replace(".", ",")


@dataclass(slots=True)
class _Known:
    """What the server said of the file whose first bytes are on disk."""

    address: str
    etag: str | None = None
    last_modified: str | None = None
    total: int | None = None

    @property
    def validator(self) -> str | None:
        """Return what proves to the server that we speak of the same file; a weak tag does not."""
        strong = self.etag is not None and not self.etag.startswith("W/")
        return self.etag if strong else self.last_modified


class _PassingTrouble(Exception):  # noqa: N818
    """A try failed in a way that another may not."""

    def __init__(self, reason: str, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


def download(
    address: str,
    folder: str | Path,
    file_name: str,
    *,
    digest: str | None = None,
    progress: Progress | None = None,
    patience: Patience | None = None,
) -> Path:
    """Bring a file into a folder, as `<file_name>.part` until it is whole and checked; a later call goes on from it.

    `digest` is the expected one, `sha256:…` or `sha1:…`; `progress` is called with the bytes received and the total.
    """
    if not address.startswith(("http://", "https://")):
        raise ParameterError(f"Adresse « {address} » : elle doit commencer par https:// ou http://.")
    folder = Path(folder)
    path = folder / file_name
    if path.is_file() and _is_expected(path, digest):
        return path
    folder.mkdir(parents=True, exist_ok=True)
    received = _Transfer(address, path, progress, patience or Patience()).bring()
    if not _is_expected(received, digest):
        received.unlink()
        said = f"{file_name} : l'empreinte du fichier reçu n'est pas celle attendue ({digest})"
        advice = "le producteur l'a remplacé, ou il a été altéré en route. Rien n'est gardé"
        raise DownloadError(f"{said} ; {advice}.")
    received.replace(path)
    return path


def _is_expected(path: Path, digest: str | None) -> bool:
    """Say whether a file has the digest that is expected of it, if one is."""
    if digest is None:
        return True
    kind, _, value = digest.partition(":")
    with path.open("rb") as file:
        return hashlib.file_digest(file, kind).hexdigest() == value.lower()


class _Transfer:
    """One file coming from one address, tried and resumed until it is whole."""

    def __init__(self, address: str, path: Path, progress: Progress | None, patience: Patience) -> None:
        self.address = address
        self.part = path.with_name(f"{path.name}.part")
        self.notes = self.part.with_name(f"{self.part.name}.json")
        self.name = path.name
        self.progress = progress or (lambda done, total: None)
        self.patience = patience
        opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.ProxyHandler(),
            urllib.request.UnknownHandler(),
            urllib.request.HTTPHandler(),
            urllib.request.HTTPSHandler(),
            urllib.request.HTTPDefaultErrorHandler(),
            urllib.request.HTTPErrorProcessor(),
            _Redirections(),
        ):
            opener.add_handler(handler)
        self.opener = opener

    def bring(self) -> Path:
        """Try until the file is there, check its form, and return it under its passing name."""
        failures = 0
        best = self._have()
        while True:
            try:
                self._try()
                break
            except _PassingTrouble as trouble:
                have = self._have()
                failures = 1 if have >= best + _WORTH_A_NEW_START_BYTES else failures + 1
                best = max(best, have)
                if failures >= self.patience.tries:
                    raise DownloadError(self._give_up(trouble)) from trouble
                wait_s = min(self.patience.wait_s * 2 ** (failures - 1), _LONGEST_WAIT_S)
                time.sleep(max(wait_s, trouble.wait_s))
        try:
            check_type(self.part, name=self.name)
        except TerritoryError:
            self._forget()
            raise
        self.notes.unlink(missing_ok=True)
        return self.part

    def _try(self) -> None:
        """Make one request and write what it brings after what is there."""
        known = self._known()
        have = self._have() if known else 0
        if known and have and have == known.total:
            return
        headers = {"Accept-Encoding": "identity", "User-Agent": f"territory/{__version__}"}
        if known and known.validator and have:
            headers |= {"Range": f"bytes={have}-", "If-Range": known.validator}
        request = urllib.request.Request(self.address, headers=headers)
        with self._trouble_in_words(), self.opener.open(request, timeout=self.patience.timeout_s) as answer:
            if answer.status == 206 and not (known and have and _continues(answer, known, have)):
                self._forget()
                raise _PassingTrouble("le fichier a changé entre deux essais")
            if answer.status != 206:
                have = 0
                known = self._note(answer)
            assert known is not None
            self._check_room(known.total, have)
            with self.part.open("ab" if have else "wb") as file:
                self._receive(answer, file, have, known.total)
        have = self._have()
        if known.total is not None and have != known.total:
            if have > known.total:
                self._forget()
            raise _PassingTrouble(f"transfert coupé à {size_text(have)} sur {size_text(known.total)}")

    def _receive(self, answer: Answer, file: IO[bytes], have: int, total: int | None) -> None:
        """Write what comes, and stop when too little comes."""
        since, came = time.monotonic(), 0
        while chunk := answer.read1(_CHUNK_BYTES):
            file.write(chunk)
            have += len(chunk)
            came += len(chunk)
            self.progress(have, total)
            if have > self.patience.most_bytes:
                raise DownloadError(f"{self.name} : plus de {size_text(self.patience.most_bytes)}, abandon.")
            if time.monotonic() - since > self.patience.timeout_s:
                if came < self.patience.least_bytes:
                    raise _PassingTrouble(f"{size_text(came)} en {self.patience.silence}")
                since, came = time.monotonic(), 0
        file.flush()
        os.fsync(file.fileno())

    @contextmanager
    def _trouble_in_words(self) -> Iterator[None]:
        """Sort what goes wrong into what may pass and what will not."""
        try:
            yield
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416:
                self._forget()
                raise _PassingTrouble("la suite demandée n'existe plus") from error
            if error.code in _PASSING:
                wait = error.headers.get("Retry-After", "")
                wait_s = min(float(wait), _LONGEST_WAIT_S) if wait.isdigit() else 0.0
                raise _PassingTrouble(f"{_PASSING[error.code]} (HTTP {error.code})", wait_s) from error
            said = _LASTING.get(error.code, "refus du serveur")
            raise DownloadError(
                f"{self.name} : {said} (HTTP {error.code}, {error.url}) ; ouvrez la page du producteur pour voir où "
                "il est à présent."
            ) from error
        except urllib.error.URLError as error:
            if isinstance(error.reason, ssl.SSLCertVerificationError):
                raise DownloadError(
                    f"{self.name} : le certificat du serveur n'est pas reconnu ({error.reason.verify_message}) ; "
                    "derrière un filtre d'entreprise, demandez son certificat au service informatique, ou prenez "
                    "le fichier avec un navigateur puis --from."
                ) from error
            raise _PassingTrouble(f"serveur injoignable ({error.reason})") from error
        except TimeoutError as error:
            raise _PassingTrouble(f"silence de {self.patience.silence}") from error
        except (http.client.HTTPException, ConnectionError, ssl.SSLError) as error:
            raise _PassingTrouble(f"connexion coupée ({type(error).__name__})") from error

    def _give_up(self, trouble: _PassingTrouble) -> str:
        """Say that enough tries were made, and what is kept."""
        have = self._have()
        kept = f" Ce qui est reçu ({size_text(have)}) est gardé : relancez pour reprendre." if have else ""
        tries = f"{self.patience.tries} essais sans succès, le dernier : {trouble}.{kept}"
        return f"{self.name} : {tries} Sans connexion, prenez le fichier avec un navigateur, puis --from."

    def _check_room(self, total: int | None, have: int) -> None:
        free = shutil.disk_usage(self.part.parent).free
        if total is not None and total - have > free:
            needed = f"{size_text(total - have)} à recevoir"
            raise OutputError(f"{self.name} : {needed}, place libre sur ce disque : {size_text(free)}.")
        if total is not None and total > self.patience.most_bytes:
            most = size_text(self.patience.most_bytes)
            raise DownloadError(f"{self.name} : {size_text(total)} annoncés, {most} au plus.")

    def _note(self, answer: Answer) -> _Known:
        """Write down which file is being received, before its first byte."""
        self._forget()
        length = answer.headers.get("Content-Length", "")
        total = int(length) if length.isdigit() else None
        known = _Known(self.address, answer.headers.get("ETag"), answer.headers.get("Last-Modified"), total)
        self.notes.write_text(json.dumps(asdict(known)), "utf-8")
        return known

    def _known(self) -> _Known | None:
        """Return what was written down of the same address, if it can be read."""
        try:
            known = _Known(**json.loads(self.notes.read_text("utf-8")))
        except (OSError, ValueError, TypeError, RecursionError):
            return None
        return known if known.address == self.address else None

    def _have(self) -> int:
        return self.part.stat().st_size if self.part.is_file() else 0

    def _forget(self) -> None:
        """Start from nothing."""
        self.part.unlink(missing_ok=True)
        self.notes.unlink(missing_ok=True)


class _Redirections(urllib.request.HTTPRedirectHandler):
    """Follow a few redirections, never from a protected address to an open one."""

    max_redirections = _MOST_REDIRECTIONS
    max_repeats = 2

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """Return the next request."""
        if req.full_url.startswith("https:") and not newurl.startswith("https:"):
            said = f"{req.full_url} renvoie vers une adresse non protégée ({newurl}) : refusé"
            raise DownloadError(f"{said} ; prenez le fichier avec un navigateur, puis --from.")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _continues(answer: Answer, known: _Known, have: int) -> bool:
    """Say whether a partial answer is the rest of the file whose start is on disk."""
    place, _, total = answer.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
    said = {"etag": answer.headers.get("ETag"), "last_modified": answer.headers.get("Last-Modified")}
    is_rest = place.startswith(f"{have}-") and total in ("*", str(known.total))
    return is_rest and all(value in (None, getattr(known, name)) for name, value in said.items())
