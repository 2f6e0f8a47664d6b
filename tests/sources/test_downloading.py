"""Downloads against a server that behaves well, badly, and differently each time."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest

from territory.errors import DownloadError, OutputError, ParameterError, ReadError
from territory.sources.fetching.download import Patience, download
from tests.sources.server import (
    Site,
    cut,
    dripping,
    raw,
    serve,
    stalled,
    status,
    whole,
    without_ranges,
)

QUICK = Patience(timeout_s=0.5, tries=3, wait_s=0.001)
BODY = b"COM;PMUN\n" + b"".join(b"%05d;%d\n" % (n, 7 * n) for n in range(20_000))
# as long as the first, so that a mixture of both has the right length
OTHER = BODY.replace(b";", b",")
NAME = "communes.csv"


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serve() as site:
        yield site


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def get(address: str, folder: Path, **options: object) -> bytes:
    return download(address, folder, NAME, patience=QUICK, **options).read_bytes()  # type: ignore[arg-type]


def test_a_good_server_is_asked_once_and_progress_is_told(site: Site, tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    address = site.on("/a.csv", whole(BODY))
    assert get(address, tmp_path, progress=lambda done, total: told.append((done, total))) == BODY
    assert names(tmp_path) == [NAME]
    assert told[-1] == (len(BODY), len(BODY))
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    (headers,) = site.asked("/a.csv")
    assert headers["accept-encoding"] == "identity"
    assert "range" not in headers


def test_a_cut_file_is_resumed_where_it_stopped(site: Site, tmp_path: Path) -> None:
    address = site.on("/a.csv", cut(BODY, 50_000, ETag='"v1"'), whole(BODY, ETag='"v1"'))
    assert get(address, tmp_path) == BODY
    first, second = site.asked("/a.csv")
    assert "range" not in first
    assert (second["range"], second["if-range"]) == ("bytes=50000-", '"v1"')
    assert names(tmp_path) == [NAME]


def test_a_file_dated_only_is_resumed_too(site: Site, tmp_path: Path) -> None:
    date = "Sat, 21 Nov 2026 10:00:00 GMT"
    address = site.on("/a.csv", cut(BODY, 50_000, Last_Modified=date), whole(BODY, Last_Modified=date))
    assert get(address, tmp_path) == BODY
    assert site.asked("/a.csv")[1]["if-range"] == date


@pytest.mark.parametrize("headers", [{}, {"ETag": 'W/"v1"'}])
def test_without_proof_that_the_file_is_the_same_it_is_started_again(
    headers: dict[str, str], site: Site, tmp_path: Path
) -> None:
    address = site.on("/a.csv", cut(BODY, 50_000, **headers), whole(OTHER, **headers))
    assert get(address, tmp_path) == OTHER
    assert "range" not in site.asked("/a.csv")[1]


def test_a_later_call_goes_on_from_an_earlier_one(site: Site, tmp_path: Path) -> None:
    address = site.on("/a.csv", cut(BODY, 50_000, ETag='"v1"'), *[status(503)] * 2)
    with pytest.raises(DownloadError, match=r"3 essais sans succès.*HTTP 503.*\(50,0 ko\) est gardé"):
        get(address, tmp_path)
    assert names(tmp_path) == [f"{NAME}.part", f"{NAME}.part.json"]
    site.on("/a.csv", whole(BODY, ETag='"v1"'))
    assert get(address, tmp_path) == BODY
    assert site.asked("/a.csv")[-1]["range"] == "bytes=50000-"


def test_what_is_kept_of_another_address_is_not_mixed_in(site: Site, tmp_path: Path) -> None:
    address = site.on("/a.csv", cut(BODY, 50_000, ETag='"v1"'))
    with pytest.raises(DownloadError):
        get(address, tmp_path)
    assert get(site.on("/b.csv", whole(OTHER, ETag='"v1"')), tmp_path) == OTHER
    assert "range" not in site.asked("/b.csv")[0]


@pytest.mark.parametrize("notes", ["", "{", '{"address": 3}', "[]", '{"unknown": 1}'])
def test_unreadable_notes_are_not_believed(notes: str, site: Site, tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.part").write_bytes(b"from somewhere else")
    (tmp_path / f"{NAME}.part.json").write_text(notes)
    assert get(site.on("/a.csv", whole(BODY, ETag='"v1"')), tmp_path) == BODY


def test_a_file_that_changes_between_tries_is_started_again(site: Site, tmp_path: Path) -> None:
    address = site.on("/a.csv", cut(BODY, 50_000, ETag='"v1"'), whole(OTHER, ETag='"v2"'))
    assert get(address, tmp_path) == OTHER


def test_a_server_that_resumes_another_file_is_not_believed(site: Site, tmp_path: Path) -> None:
    def rest(tag: str, start: int, total: int) -> dict[str, str]:
        return {"ETag": tag, "Content-Range": f"bytes {start}-{total - 1}/{total}"}

    lies = [
        raw(206, OTHER[50_000:], rest('"v2"', 50_000, len(OTHER))),
        raw(206, OTHER[10:], rest('"v1"', 10, len(OTHER))),
        raw(206, OTHER[50_000:], rest('"v1"', 50_000, len(OTHER) + 5)),
    ]
    for lie in lies:
        address = site.on("/a.csv", cut(BODY, 50_000, ETag='"v1"'), lie, whole(OTHER, ETag='"v2"'))
        assert get(address, tmp_path / str(lies.index(lie))) == OTHER


def test_a_server_that_refuses_ranges_sends_all_again(site: Site, tmp_path: Path) -> None:
    address = site.on("/a.csv", cut(BODY, 50_000, ETag='"v1"'), without_ranges(BODY, ETag='"v1"'))
    assert get(address, tmp_path) == BODY
    site.on("/b.csv", cut(BODY, 50_000, ETag='"v1"'), status(416), whole(BODY, ETag='"v1"'))
    assert get(site.address + "/b.csv", tmp_path / "b") == BODY


def test_silence_is_a_failure_then_the_rest_is_asked(site: Site, tmp_path: Path) -> None:
    address = site.on("/a.csv", stalled(BODY, 50_000, 3, ETag='"v1"'), whole(BODY, ETag='"v1"'))
    assert get(address, tmp_path) == BODY
    assert site.asked("/a.csv")[1]["range"] == "bytes=50000-"
    address = site.on("/b.csv", stalled(BODY, 50_000, 1))
    with pytest.raises(DownloadError, match="silence de 0,2 s"):
        download(address, tmp_path / "b", NAME, patience=Patience(timeout_s=0.2, tries=2, wait_s=0.001))
    assert NAME not in names(tmp_path / "b")


def test_a_drip_is_silence_too(site: Site, tmp_path: Path) -> None:
    address = site.on("/a.csv", dripping(BODY, 5))
    patience = Patience(timeout_s=0.2, tries=2, wait_s=0.001, least_bytes=1000)
    with pytest.raises(DownloadError, match="octets en 0,2 s"):
        download(address, tmp_path, NAME, patience=patience)
    assert NAME not in names(tmp_path)


def test_always_cut_is_never_complete(site: Site, tmp_path: Path) -> None:
    address = site.on("/a.csv", cut(BODY, 50_000))
    with pytest.raises(DownloadError, match="transfert coupé à 50,0 ko sur"):
        get(address, tmp_path)
    assert len(site.asked("/a.csv")) == 3
    assert NAME not in names(tmp_path)


def test_progress_that_is_worth_it_gives_new_tries(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("territory.sources.fetching.download._WORTH_A_NEW_START_BYTES", 1000)

    def slice_only(handler: object) -> None:
        start = int(handler.headers.get("Range", "bytes=0-")[6:-1])  # type: ignore[attr-defined]
        body = BODY[start : start + 20_000]
        said = {"ETag": '"v1"', "Content-Range": f"bytes {start}-{len(BODY) - 1}/{len(BODY)}"}
        handler.send(206 if start else 200, body, said, length=len(BODY) - start)  # type: ignore[attr-defined]

    address = site.on("/a.csv", slice_only)
    assert get(address, tmp_path) == BODY
    assert len(site.asked("/a.csv")) > QUICK.tries


def test_troubles_that_pass(site: Site, tmp_path: Path) -> None:
    address = site.on("/a.csv", status(500), status(429, Retry_After="0"), whole(BODY))
    assert get(address, tmp_path) == BODY
    assert len(site.asked("/a.csv")) == 3


@pytest.mark.parametrize("code, words", [(404, "fichier introuvable"), (403, "accès refusé"), (418, "refus")])
def test_refusals_are_not_tried_again(code: int, words: str, site: Site, tmp_path: Path) -> None:
    address = site.on("/a.csv", status(code, b"<html>"))
    with pytest.raises(DownloadError, match=f"{words}.*HTTP {code}"):
        get(address, tmp_path)
    assert len(site.asked("/a.csv")) == 1
    assert names(tmp_path) == []


def test_redirections_are_followed_but_not_for_ever(site: Site, tmp_path: Path) -> None:
    address = site.on("/a.csv", status(302, Location="/b.csv"))
    site.on("/b.csv", status(307, Location="/c.csv"))
    site.on("/c.csv", cut(BODY, 50_000, ETag='"v1"'), whole(BODY, ETag='"v1"'))
    assert get(address, tmp_path) == BODY
    assert site.asked("/c.csv")[1]["range"] == "bytes=50000-"
    loop = site.on("/x", status(302, Location="/y"))
    site.on("/y", status(302, Location="/x"))
    with pytest.raises(DownloadError, match="redirections sans fin"):
        get(loop, tmp_path / "loop")
    long = site.on("/0", status(302, Location="/1"))
    for step in range(1, 30):
        site.on(f"/{step}", status(302, Location=f"/{step + 1}"))
    with pytest.raises(DownloadError, match="redirections sans fin"):
        get(long, tmp_path / "long")
    assert len(site.requests) < 30


@pytest.mark.parametrize("elsewhere", ["file:///etc/hostname", "ftp://127.0.0.1/a.csv"])
def test_redirections_lead_to_http_only(elsewhere: str, site: Site, tmp_path: Path) -> None:
    with pytest.raises(DownloadError):
        get(site.on("/a.csv", status(302, Location=elsewhere)), tmp_path)
    assert NAME not in names(tmp_path)


def test_a_protected_address_does_not_lead_to_an_open_one() -> None:
    from urllib.request import Request

    from territory.sources.fetching.download import _Redirections

    with pytest.raises(DownloadError, match="adresse non protégée"):
        _Redirections().redirect_request(
            Request("https://exemple.fr/a"), None, 302, "Found", {}, "http://exemple.fr/a"
        )


@pytest.mark.parametrize(
    "page",
    [b"<!DOCTYPE html><title>Maintenance</title>", b"\xef\xbb\xbf\n  <html lang='fr'>", b"<!-- a --> <HTML>"],
)
@pytest.mark.parametrize("name", ["communes.csv", "ensemble.zip", "paca.osm.pbf", "table.xlsx", "a.json.gz"])
def test_a_web_page_with_status_200_is_refused(page: bytes, name: str, site: Site, tmp_path: Path) -> None:
    address = site.on("/a", whole(page, Content_Type="text/html"))
    with pytest.raises(ReadError, match=rf"« {name} » : c'est une page web"):
        download(address, tmp_path, name, patience=QUICK)
    assert len(site.asked("/a")) == 1
    assert names(tmp_path) == []


def test_an_empty_file_is_refused(site: Site, tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="il est vide"):
        get(site.on("/a.csv", whole(b"")), tmp_path)
    assert names(tmp_path) == []


def test_the_digest_is_checked_and_nothing_is_kept(site: Site, tmp_path: Path) -> None:
    address = site.on("/a.csv", whole(BODY))
    right = hashlib.sha256(BODY).hexdigest()
    assert get(address, tmp_path, digest=f"sha256:{right}") == BODY
    with pytest.raises(DownloadError, match="empreinte"):
        get(address, tmp_path / "b", digest=f"sha256:{'0' * 64}")
    assert names(tmp_path / "b") == []
    with pytest.raises(DownloadError, match="empreinte"):
        get(address, tmp_path / "b", digest=f"sha1:{hashlib.sha1(OTHER).hexdigest()}")


def test_a_cut_file_without_announced_length_is_seen_by_its_digest(site: Site, tmp_path: Path) -> None:
    address = site.on("/a.csv", raw(200, BODY[:-100], {}, length=-1))
    assert get(address, tmp_path) == BODY[:-100]
    with pytest.raises(DownloadError, match="empreinte"):
        get(address, tmp_path / "b", digest=f"sha256:{hashlib.sha256(BODY).hexdigest()}")


def test_too_much_is_refused(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = Patience(timeout_s=0.5, tries=2, wait_s=0.001, most_bytes=1000)
    announced = site.on("/a.csv", whole(BODY))
    with pytest.raises(DownloadError, match="annoncés, 1,0 ko au plus"):
        download(announced, tmp_path, NAME, patience=small)
    unannounced = site.on("/b.csv", raw(200, BODY, {}, length=-1))
    with pytest.raises(DownloadError, match="plus de 1,0 ko"):
        download(unannounced, tmp_path, NAME, patience=small)
    Usage = namedtuple("Usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10, 9, 1))
    with pytest.raises(OutputError, match="place libre sur ce disque : 1 octet"):
        get(announced, tmp_path / "full")


def test_nobody_there(tmp_path: Path) -> None:
    with serve() as site:
        address = site.address
    with pytest.raises(DownloadError, match="injoignable"):
        get(f"{address}/a.csv", tmp_path)
    with pytest.raises(ParameterError, match="https"):
        get("file:///etc/hostname", tmp_path)
    assert names(tmp_path) == []


def test_what_is_complete_under_its_temporary_name_is_not_asked_again(site: Site, tmp_path: Path) -> None:
    address = site.on("/a.csv", status(500))
    (tmp_path / f"{NAME}.part").write_bytes(BODY)
    notes = {"address": address, "etag": '"v1"', "last_modified": None, "total": len(BODY)}
    (tmp_path / f"{NAME}.part.json").write_text(json.dumps(notes))
    assert get(address, tmp_path) == BODY
    assert site.requests == []


def test_the_name_appears_only_when_the_bytes_are_on_disk(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda number: (seen.append(names(tmp_path)), real(number))[1])
    get(site.on("/a.csv", whole(BODY)), tmp_path)
    assert seen
    assert all(NAME not in listed for listed in seen)
