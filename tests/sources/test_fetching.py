"""Bringing a vintage into the folder of raw data: all of it, checked and described, or nothing."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

import territory.sources.fetching.fetch as module
from territory.errors import DownloadError, MissingFileError, OutputError, ReadError
from territory.files.safe_files import UNFINISHED
from territory.sources import fetch, read_registry
from territory.sources.fetching.download import Patience
from territory.sources.fetching.raw_folder import Source, check_stored, read_stored
from tests.sources.server import Site, cut, serve, status, whole

QUICK = Patience(timeout_s=0.5, tries=2, wait_s=0.001)
CSV = b"COM;PMUN\n01001;776\n" * 500


def zipped(**files: bytes) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(name.replace("__", "."), body)
    return memory.getvalue()


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serve() as site:
        yield site


def source(address: str = "", **changes: object) -> Source:
    plain = Source(
        dataset="essai",
        vintage="2024",
        producer="INSEE",
        title="Essai",
        page="https://www.insee.fr/fr/",
        address=address,
        address_checked=bool(address),
        file_name="communes.csv",
        members=(),
        format="csv",
        licence="Licence Ouverte 2.0",
        sha256="",
        reader_tried=False,
        departements=(),
        added_on=date(2026, 11, 21),
        superseded_by="",
        note="",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def everything(folder: Path) -> list[str]:
    """Every file and folder, hidden ones included."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_a_file_lands_read_only_with_its_description(site: Site, tmp_path: Path) -> None:
    address = site.on("/c.csv", whole(CSV))
    before = datetime.now(UTC).replace(microsecond=0)
    stored = fetch("essai", to=tmp_path, registry=[source(address)], patience=QUICK)
    folder = tmp_path / "essai" / "2024"
    assert everything(tmp_path) == [
        "essai",
        "essai/2024",
        "essai/2024/communes.csv",
        "essai/2024/source.json",
    ]
    assert stored == read_stored(folder)
    assert [path.read_bytes() for path in stored.paths] == [CSV]
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) & 0o222 == 0
    said = json.loads((folder / "source.json").read_text("utf-8"))
    assert before <= datetime.fromisoformat(said.pop("retrieved_on")) <= datetime.now(UTC)
    digest = hashlib.sha256(CSV).hexdigest()
    assert said == {
        "dataset": "essai",
        "vintage": "2024",
        "title": "Essai",
        "producer": "INSEE",
        "page": "https://www.insee.fr/fr/",
        "address": address,
        "licence": "Licence Ouverte 2.0",
        "files": [{"name": "communes.csv", "size_bytes": len(CSV), "sha256": digest, "origin": "downloaded"}],
    }
    assert str(tmp_path) not in json.dumps(said)


def test_what_is_there_is_not_fetched_again_unless_forced(site: Site, tmp_path: Path) -> None:
    registry = [source(site.on("/c.csv", whole(CSV), whole(CSV + b"01002;1\n")))]
    first = fetch("essai", to=tmp_path, registry=registry, patience=QUICK)
    assert fetch("essai", to=tmp_path, registry=registry, patience=QUICK) == first
    assert len(site.requests) == 1
    second = fetch("essai", to=tmp_path, registry=registry, patience=QUICK, force=True)
    assert second.files[0].size_bytes == len(CSV) + 8
    assert everything(tmp_path / "essai") == ["2024", "2024/communes.csv", "2024/source.json"]


def test_what_was_changed_is_not_taken_for_what_was_fetched(site: Site, tmp_path: Path) -> None:
    registry = [source(site.on("/c.csv", whole(CSV)))]
    (path,) = fetch("essai", to=tmp_path, registry=registry, patience=QUICK).paths
    path.chmod(0o644)
    path.write_bytes(CSV.replace(b"776", b"777"))
    with pytest.raises(OutputError, match=r"autre empreinte.*--force"):
        fetch("essai", to=tmp_path, registry=registry, patience=QUICK)
    fetch("essai", to=tmp_path, registry=registry, patience=QUICK, force=True)
    assert path.read_bytes() == CSV


def test_a_failed_renewal_keeps_what_is_there(site: Site, tmp_path: Path) -> None:
    registry = [source(site.on("/c.csv", whole(CSV), status(404)))]
    fetch("essai", to=tmp_path, registry=registry, patience=QUICK)
    before = everything(tmp_path)
    with pytest.raises(DownloadError):
        fetch("essai", to=tmp_path, registry=registry, patience=QUICK, force=True)
    assert everything(tmp_path) == before
    assert all(not checked.problems for checked in check_stored(tmp_path))


@pytest.mark.parametrize(
    "answer, error",
    [
        (status(404), DownloadError),
        (status(302, Location="/c.csv"), DownloadError),
        (whole(b"<!doctype html><p>Maintenance"), ReadError),
        (whole(b""), ReadError),
        (whole(zipped(a__csv=b"1")), ReadError),
    ],
)
def test_a_failure_leaves_nothing(answer: object, error: type[Exception], site: Site, tmp_path: Path) -> None:
    address = site.on("/c.csv", answer)  # type: ignore[arg-type]
    with pytest.raises(error):
        fetch("essai", to=tmp_path, registry=[source(address)], patience=QUICK)
    assert everything(tmp_path) == []


def test_a_truncated_file_is_kept_hidden_and_resumed(site: Site, tmp_path: Path) -> None:
    address = site.on("/c.csv", cut(CSV, 4000, ETag='"1"'), status(503))
    with pytest.raises(DownloadError, match=r"\(4,0 ko\) est gardé"):
        fetch("essai", to=tmp_path, registry=[source(address)], patience=QUICK)
    assert everything(tmp_path) == [
        "essai",
        "essai/.2024.part",
        "essai/.2024.part/communes.csv.part",
        "essai/.2024.part/communes.csv.part.json",
    ]
    (checked,) = check_stored(tmp_path)
    assert (checked.key, checked.problems[0][:24]) == ("essai/2024", "téléchargement inachevé ")
    site.on("/c.csv", whole(CSV, ETag='"1"'))
    stored = fetch("essai", to=tmp_path, registry=[source(address)], patience=QUICK)
    assert stored.paths[0].read_bytes() == CSV
    assert site.asked("/c.csv")[-1]["range"] == "bytes=4000-"
    assert everything(tmp_path / "essai") == ["2024", "2024/communes.csv", "2024/source.json"]


def test_forced_is_from_the_start(site: Site, tmp_path: Path) -> None:
    address = site.on("/c.csv", cut(CSV, 4000, ETag='"1"'), status(503))
    with pytest.raises(DownloadError):
        fetch("essai", to=tmp_path, registry=[source(address)], patience=QUICK)
    site.on("/c.csv", whole(CSV, ETag='"1"'))
    fetch("essai", to=tmp_path, registry=[source(address)], patience=QUICK, force=True)
    assert "range" not in site.asked("/c.csv")[-1]


def test_an_archive_is_unpacked_beside_itself(site: Site, tmp_path: Path) -> None:
    address = site.on("/e.zip", whole(zipped(donnees_communes__csv=CSV, inner__7z=b"7z")))
    stored = fetch(
        "essai",
        to=tmp_path,
        registry=[source(address, file_name="ensemble.zip", format="zip")],
        patience=QUICK,
    )
    assert [(file.name, file.origin) for file in stored.files] == [
        ("donnees_communes.csv", "unpacked"),
        ("ensemble.zip", "downloaded"),
        ("inner.7z", "unpacked"),
    ]
    assert stored.packed == ["inner.7z"]
    assert stored.paths[0].read_bytes() == CSV


@pytest.mark.parametrize(
    "content", [zipped(**{"../a__csv": b"1"}), zipped(source__json=b"{}"), zipped(a__csv=CSV)[:-30]]
)
def test_a_bad_archive_leaves_nothing(content: bytes, site: Site, tmp_path: Path) -> None:
    address = site.on("/e.zip", whole(content))
    registry = [source(address, file_name="ensemble.zip", format="zip")]
    with pytest.raises(ReadError):
        fetch("essai", to=tmp_path, registry=registry, patience=QUICK)
    assert everything(tmp_path) == []


def test_the_digest_of_the_registry_is_asked_for(site: Site, tmp_path: Path) -> None:
    digest = hashlib.sha256(CSV).hexdigest()
    registry = [source(site.on("/c.csv", whole(CSV)), sha256=digest)]
    fetch("essai", to=tmp_path / "a", registry=registry, patience=QUICK)
    site.on("/c.csv", whole(CSV + b"x"))
    with pytest.raises(DownloadError, match="empreinte"):
        fetch("essai", to=tmp_path / "b", registry=registry, patience=QUICK)
    mine = tmp_path / "mine" / "communes.csv"
    mine.parent.mkdir()
    mine.write_bytes(CSV + b"x")
    with pytest.raises(ReadError, match="empreinte"):
        fetch("essai", to=tmp_path / "b", registry=registry, taken_from=mine.parent)
    assert not (tmp_path / "b").exists() or everything(tmp_path / "b") == []


def test_files_on_disk_are_taken_without_any_request(site: Site, tmp_path: Path) -> None:
    folder = tmp_path / "cle-usb" / "insee"
    folder.mkdir(parents=True)
    (folder / "Ensemble.ZIP").write_bytes(zipped(donnees_communes__csv=CSV))
    (folder / "autre.csv").write_bytes(b"a")
    registry = [source(f"{site.address}/e.zip", file_name="ensemble.zip", format="zip")]
    stored = fetch("essai", to=tmp_path / "raw", registry=registry, taken_from=tmp_path / "cle-usb")
    assert [(file.name, file.origin) for file in stored.files] == [
        ("Ensemble.ZIP", "copied"),
        ("donnees_communes.csv", "unpacked"),
    ]
    assert site.requests == []
    # the original is left as it was
    assert stat.S_IMODE((folder / "Ensemble.ZIP").stat().st_mode) & 0o200
    assert "cle-usb" not in (stored.folder / "source.json").read_text("utf-8")


def test_files_taken_out_of_an_archive_do_as_well(tmp_path: Path) -> None:
    folder = tmp_path / "SAE 2023" / "Bases CSV"
    folder.mkdir(parents=True)
    for name in ("ID_2023r.csv", "PSY_2023r.csv", "MCO_2023r.csv"):
        (folder / name).write_bytes(CSV)
    (tmp_path / "SAE 2023" / "sae.7z").write_bytes(b"7z\xbc\xaf\x27\x1c\0\4" + b"\0" * 24)
    registry = [
        source(file_name="sae.7z", format="7z", members=("ID_2023r.csv", "psy_*.csv", "URGENCES_P_*.csv"))
    ]
    stored = fetch("essai", to=tmp_path / "raw", registry=registry, taken_from=tmp_path / "SAE 2023")
    assert [file.name for file in stored.files] == ["ID_2023r.csv", "PSY_2023r.csv"]
    (folder / "ID_2023r.csv").unlink()
    (folder / "PSY_2023r.csv").unlink()
    stored = fetch("essai", to=tmp_path / "raw2", registry=registry, taken_from=tmp_path / "SAE 2023")
    assert stored.packed == ["sae.7z"]


def test_one_file_may_be_named(tmp_path: Path) -> None:
    path = tmp_path / "téléchargé le 3 mars.csv"
    path.write_bytes(CSV)
    stored = fetch("essai", to=tmp_path / "raw", registry=[source()], taken_from=path)
    assert [file.name for file in stored.files] == [path.name]


def test_files_that_are_not_there_or_not_what_they_say(tmp_path: Path) -> None:
    folder = tmp_path / "from"
    folder.mkdir()
    registry = [source(members=("v_*.csv",))]

    def refused(error: type[Exception], words: str) -> None:
        with pytest.raises(error, match=words):
            fetch("essai", to=tmp_path / "raw", registry=registry, taken_from=folder)
        assert not (tmp_path / "raw" / "essai").exists()

    refused(MissingFileError, r"aucun fichier « communes\.csv », « v_\*\.csv »")
    for place in ("a", "b"):
        (folder / place).mkdir()
        (folder / place / "v_1.csv").write_bytes(CSV)
    refused(MissingFileError, r"plusieurs fichiers « v_1\.csv »")
    for place in ("a", "b"):
        (folder / place / "communes.csv").write_bytes(CSV)
    refused(MissingFileError, r"2 fichiers « communes\.csv ».*a/communes\.csv, b/communes\.csv")
    shutil.rmtree(folder / "b")
    (folder / "a" / "communes.csv").write_bytes(b"<html>")
    refused(ReadError, "page web")
    shutil.rmtree(folder)
    refused(MissingFileError, "ni un fichier ni un dossier")


def test_without_address_the_page_is_said(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"Ouvrez https://www\.insee\.fr/fr/.*essai 2024 --from DOSSIER"):
        fetch("essai", to=tmp_path, registry=[source()])
    assert everything(tmp_path) == []


def catalogue(site: Site, *named: str, body: bytes = CSV) -> list[dict[str, object]]:
    checksum = {"type": "sha1", "value": hashlib.sha1(body).hexdigest()}
    return [{"title": "x", "url": site.on(f"/r/{name}", whole(body)), "checksum": checksum} for name in named]


def test_the_newest_file_of_a_catalogue_is_taken(site: Site, tmp_path: Path) -> None:
    names = ("structures-mensuel-202608.csv", "structures-mensuel-202609.csv", "structures-journalier-9.csv")
    answer = json.dumps({"resources": catalogue(site, *names)}).encode()
    address = site.on("/api/1/datasets/finess-structures-1/", whole(answer))
    registry = [source(address, file_name="structures-mensuel-??????.csv", vintage="courant")]
    stored = fetch("essai", to=tmp_path, registry=registry, patience=QUICK)
    assert [file.name for file in stored.files] == ["structures-mensuel-202609.csv"]
    assert stored.address == f"{site.address}/r/structures-mensuel-202609.csv"
    site.on("/r/structures-mensuel-202609.csv", whole(CSV + b"x"))
    with pytest.raises(DownloadError, match="empreinte"):
        fetch("essai", to=tmp_path, registry=registry, patience=QUICK, force=True)


@pytest.mark.parametrize(
    "answer, error, words",
    [
        (b'{"resources": []}', DownloadError, "fichiers présents : aucun"),
        (b'{"resources": [{"url": "https://x/..%2F..%2Fa.csv"}]}', DownloadError, "aucun fichier"),
        (b'{"resources": [3]}', ReadError, "forme attendue"),
        (b"[]", ReadError, "forme attendue"),
        (b"{", ReadError, "forme attendue"),
        (b"<html>", ReadError, "page web"),
    ],
)
def test_a_catalogue_that_answers_something_else(
    answer: bytes, error: type[Exception], words: str, site: Site, tmp_path: Path
) -> None:
    address = site.on("/api/1/datasets/x", whole(answer))
    with pytest.raises(error, match=words):
        fetch("essai", to=tmp_path, registry=[source(address, file_name="b*.csv")], patience=QUICK)
    assert everything(tmp_path) == []


@pytest.mark.parametrize("moment", ["_describe", "protect", "_publish"])
def test_a_sudden_stop_leaves_nothing_that_looks_complete(
    moment: str, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = site.on("/e.zip", whole(zipped(a__csv=CSV)))
    registry = [source(address, file_name="ensemble.zip", format="zip")]

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    # a kill leaves no time to tidy up
    with monkeypatch.context() as patched:
        patched.setattr(module.raw_folder if moment == "protect" else module, moment, stop)
        patched.setattr(module, "_tidy", lambda _: None)
        with pytest.raises(KeyboardInterrupt):
            fetch("essai", to=tmp_path, registry=registry, patience=QUICK)
    assert not (tmp_path / "essai" / "2024").exists()
    assert all(checked.problems for checked in check_stored(tmp_path))
    fetch("essai", to=tmp_path, registry=registry, patience=QUICK)
    assert everything(tmp_path / "essai") == ["2024", "2024/a.csv", "2024/ensemble.zip", "2024/source.json"]


def test_a_stop_between_the_two_renames_is_mended(site: Site, tmp_path: Path) -> None:
    registry = [source(site.on("/c.csv", whole(CSV)))]
    fetch("essai", to=tmp_path, registry=registry, patience=QUICK)
    home = tmp_path / "essai" / "2024"
    home.rename(home.with_name(".2024.old"))
    assert fetch("essai", to=tmp_path, registry=registry, patience=QUICK).folder == home
    assert len(site.requests) == 1


def test_one_at_a_time(site: Site, tmp_path: Path) -> None:
    registry = [source(site.on("/c.csv", whole(CSV)))]
    with (
        module._lock(tmp_path / "essai" / "2024"),
        pytest.raises(OutputError, match="un autre téléchargement est en cours"),
    ):
        fetch("essai", to=tmp_path, registry=registry, patience=QUICK)
    fetch("essai", to=tmp_path, registry=registry, patience=QUICK)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "raw").write_bytes(b"a file")
    (tmp_path / "communes.csv").write_bytes(CSV)
    with pytest.raises(OutputError, match="Écriture impossible"):
        fetch("essai", to=tmp_path / "raw", registry=[source()], taken_from=tmp_path)


def test_source_json_comes_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "communes.csv").write_bytes(CSV)
    order: list[str] = []
    real = os.fsync

    def watch(number: int) -> None:
        order.append(Path(f"/proc/self/fd/{number}").readlink().name)
        real(number)

    if not Path("/proc/self/fd").exists():
        pytest.skip("no /proc on this system")
    monkeypatch.setattr(os, "fsync", watch)
    fetch("essai", to=tmp_path / "raw", registry=[source()], taken_from=tmp_path)
    # the description is written beside under a passing name, after what it describes
    assert order[0] == "communes.csv"
    assert [name.startswith(UNFINISHED) for name in order].index(True) > 0
    assert sum(name.startswith(UNFINISHED) for name in order) == 1


def test_check_finds_what_is_missing_changed_or_in_excess(site: Site, tmp_path: Path) -> None:
    address = site.on("/e.zip", whole(zipped(a__csv=b"1;2", b__csv=b"3;4", c__csv=b"5;6")))
    registry = [source(address, file_name="ensemble.zip", format="zip")]
    home = fetch("essai", to=tmp_path, registry=registry, patience=QUICK).folder
    assert [checked.problems for checked in check_stored(tmp_path)] == [()]
    (tmp_path / "README.md").write_text("allowed")
    for name in ("a.csv", "b.csv", "c.csv"):
        (home / name).chmod(0o644)
    (home / "a.csv").write_bytes(b"1;2;3")
    (home / "b.csv").write_bytes(b"3;5")
    (home / "c.csv").unlink()
    (home / "sub").mkdir()
    (home / "sub" / "d.csv").write_bytes(b"")
    (tmp_path / "essai" / "perdu.csv").write_bytes(b"")
    (tmp_path / "perdu.csv").write_bytes(b"")
    (tmp_path / "autre" / "2020").mkdir(parents=True)
    (tmp_path / "essai" / "2023").mkdir()
    shutil.copy(home / "source.json", tmp_path / "essai" / "2023" / "source.json")
    found = {checked.key: checked.problems for checked in check_stored(tmp_path)}
    assert found.pop("essai/2024") == (
        "a.csv : fichier modifié (5 octets au lieu de 3)",
        "b.csv : fichier modifié (même taille, autre empreinte)",
        "c.csv : fichier manquant",
        "sub/d.csv : fichier en trop",
    )
    assert "sans source.json" in found.pop("autre/2020")[0]
    assert "est celui de essai/2024" in found.pop("essai/2023")[0]
    assert found.pop(tmp_path.as_posix()) == (
        "perdu.csv : fichier en trop",
        "essai/perdu.csv : fichier en trop",
    )
    assert found == {}


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "illisible"),
        ("[]", "illisible"),
        ('{"files": [{"name": "a"}]}', "illisible"),
        (
            '{"dataset": "a", "vintage": "b", "address": "", "retrieved_on": "", "licence": "", "files": '
            '[{"name": "../../x", "size_bytes": 1, "sha256": "", "origin": ""}]}',
            "hors du dossier",
        ),
    ],
)
def test_a_description_that_is_none(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "source.json").write_text(text)
    with pytest.raises(ReadError, match=words):
        read_stored(tmp_path)


@pytest.mark.parametrize("key", [source.key for source in read_registry() if source.reader_tried])
def test_real_files_are_taken_from_a_folder(key: str, shared_data: Path, tmp_path: Path) -> None:
    stored = fetch(*key.split("/"), to=tmp_path, taken_from=shared_data)
    assert stored.files
    assert [checked.problems for checked in check_stored(tmp_path)] == [()]
