"""Archives: everything that must not be written is not, whatever their names say."""

from __future__ import annotations

import gzip
import io
import os
import stat
import string
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.errors import MissingFileError, OutputError, ParameterError, ReadError, TerritoryError
from territory.sources.fetching.archives import unpack


def make_zip(path: Path, files: list[tuple[str, bytes]], *, mode: int = 0) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files:
            # the library that writes would repair the names that the test wants
            info = zipfile.ZipInfo("x")
            info.filename = name
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, body)
    return path


def everything(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_a_zip_is_unpacked_with_its_folders(tmp_path: Path) -> None:
    archive = make_zip(
        tmp_path / "a.zip", [("sae/ID_2023r.csv", b"a"), ("./lisez moi.txt", b"b"), ("vide/", b"")]
    )
    folder = tmp_path / "in"
    assert unpack(archive, folder) == [folder / "lisez moi.txt", folder / "sae" / "ID_2023r.csv"]
    assert everything(folder) == {"sae/ID_2023r.csv": b"a", "lisez moi.txt": b"b"}


def test_a_gz_is_unpacked_under_its_name(tmp_path: Path) -> None:
    archive = tmp_path / "communes-5m.geojson.gz"
    archive.write_bytes(gzip.compress(b'{"type": "FeatureCollection"}'))
    (path,) = unpack(archive, tmp_path / "in")
    assert (path.name, path.read_bytes()) == ("communes-5m.geojson", b'{"type": "FeatureCollection"}')


@pytest.mark.parametrize(
    "name, words",
    [
        ("../dehors.csv", "sort de son dossier"),
        ("a/../../dehors.csv", "sort de son dossier"),
        ("..\\dehors.csv", "sort de son dossier"),
        ("/etc/dehors.csv", "chemin absolu"),
        ("\\\\serveur\\dehors.csv", "chemin absolu"),
        ("C:\\dehors.csv", "chemin absolu"),
        ("C:dehors.csv", "chemin absolu"),
        ("a\\b.csv", "barre oblique inverse"),
        ("CON", "réservé par Windows"),
        ("a/nul.csv", "réservé par Windows"),
        ("fin. ", "finit par"),
        ("a./b", "finit par"),
        ("a\nb", "n'est pas un nom de fichier"),
        (".", "n'est pas un nom de fichier"),
    ],
)
def test_names_that_are_refused(name: str, words: str, tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", [("bon.csv", b"a"), (name, b"b")])
    with pytest.raises(ReadError, match=words):
        unpack(archive, tmp_path / "in" / "side")
    # not even the good ones are written
    assert everything(tmp_path) == {"a.zip": archive.read_bytes()}


def test_every_problem_is_said_at_once(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", [("../a", b""), ("/b", b""), ("c", b""), ("C", b""), ("C/d", b"")])
    with pytest.raises(ReadError, match="4 problèmes") as raised:
        unpack(archive, tmp_path / "in")
    assert "« C » y est plusieurs fois" in str(raised.value)
    assert "à la fois un fichier et un dossier" in str(raised.value)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_the_same_name_twice_is_refused(tmp_path: Path) -> None:
    for number, pair in enumerate(
        [("a.csv", "a.csv"), ("é.csv", "e\N{COMBINING ACUTE ACCENT}.csv"), ("a", "./a")]
    ):
        archive = make_zip(tmp_path / f"{number}.zip", [(pair[0], b"1"), (pair[1], b"2")])
        with pytest.raises(ReadError, match="plusieurs fois"):
            unpack(archive, tmp_path / "in")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
def test_links_and_devices_are_refused(kind: int, tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", [("lien", b"/etc/passwd")], mode=kind | 0o777)
    with pytest.raises(ReadError, match="lien ou un fichier spécial"):
        unpack(archive, tmp_path / "in")


def test_a_password_is_said(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", [("a.csv", b"secret")])
    content = bytearray(archive.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    archive.write_bytes(content)
    with pytest.raises(ReadError, match="mot de passe"):
        unpack(archive, tmp_path / "in")


def test_what_is_there_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "b.csv").write_bytes(b"mine")
    archive = make_zip(tmp_path / "a.zip", [("a.csv", b"1"), ("b.csv", b"2")])
    with pytest.raises(OutputError, match=r"« b\.csv » est déjà"):
        unpack(archive, folder)
    assert everything(folder) == {"b.csv": b"mine"}


def test_a_bomb_is_refused_as_announced_and_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zeros = b"\0" * 3_000_000
    honest = make_zip(tmp_path / "honest.zip", [("a", zeros), ("b", zeros)])
    with pytest.raises(ReadError, match="elle dépasse 5,0 Mo"):
        unpack(honest, tmp_path / "in", max_bytes=5_000_000)
    monkeypatch.setattr("territory.sources.fetching.archives._RATIO_FROM_BYTES", 1_000_000)
    with pytest.raises(ReadError, match="fichier piégé"):
        unpack(honest, tmp_path / "in")
    packed = tmp_path / "zeros.csv.gz"
    packed.write_bytes(gzip.compress(zeros))
    with pytest.raises(ReadError, match="fichier piégé"):
        unpack(packed, tmp_path / "in")
    assert everything(tmp_path / "in") == {}
    # a zip that announces less than it holds: its own check stops it
    content = bytearray(honest.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", content, content.index(signature) + offset, 10)
    liar = tmp_path / "liar.zip"
    liar.write_bytes(content)
    with pytest.raises(ReadError):
        unpack(liar, tmp_path / "in", max_ratio=10_000)
    assert everything(tmp_path / "in") == {}


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", [(f"{n}.csv", b"") for n in range(12)])
    with pytest.raises(ReadError, match="12 fichiers, 10 au plus"):
        unpack(archive, tmp_path / "in", max_files=10)


@pytest.mark.parametrize("keep", [0.3, 0.9])
@pytest.mark.parametrize("kind", ["zip", "gz"])
def test_a_cut_archive_leaves_nothing(kind: str, keep: float, tmp_path: Path) -> None:
    body = os.urandom(50_000)
    archive = tmp_path / f"a.csv.{kind}"
    if kind == "zip":
        make_zip(archive, [("a.csv", body)])
    else:
        archive.write_bytes(gzip.compress(body))
    archive.write_bytes(archive.read_bytes()[: int(len(body) * keep)])
    with pytest.raises(ReadError, match=r"coupé|endommagée"):
        unpack(archive, tmp_path / "in")
    assert not (tmp_path / "in").exists() or everything(tmp_path / "in") == {}


def test_a_changed_byte_is_seen(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", [("a.csv", os.urandom(1000))])
    content = bytearray(archive.read_bytes())
    content[500] ^= 0xFF
    archive.write_bytes(content)
    with pytest.raises(ReadError, match="endommagée"):
        unpack(archive, tmp_path / "in")


def test_other_archives_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="7-Zip"):
        unpack(tmp_path / "sae.7z", tmp_path)
    with pytest.raises(MissingFileError):
        unpack(tmp_path / "absente.zip", tmp_path)


_steps = st.sampled_from(["..", ".", "", "a", "b", "C:", "nul", "é", "a ", "..."]) | st.text(
    string.printable, max_size=6
)
_names = st.lists(_steps, min_size=1, max_size=5).flatmap(
    lambda steps: st.sampled_from(["/", "\\", "//"]).map(lambda mark: mark.join(steps))
)


@given(names=st.lists(_names, min_size=1, max_size=4), mode=st.sampled_from([0, 0o100644, 0o120777, 0o40755]))
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_no_name_writes_outside(
    names: list[str], mode: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("names")
    archive = make_zip(place / "a.zip", [(name, b"body") for name in names], mode=mode)
    packed = archive.read_bytes()
    folder = place / "x" / "y"
    try:
        written = unpack(archive, folder)
    except TerritoryError:
        written = []
    inside = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.exists() else []
    assert inside == written
    assert not any(path.is_symlink() for path in place.rglob("*"))
    assert {path for path in place.rglob("*") if path.is_file()} == {archive, *written}
    assert archive.read_bytes() == packed


@given(data=st.data())
def test_any_damage_is_an_error_or_changes_nothing(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("damage")
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", b"COM;PMUN\n01001;776\n" * 20)
        archive.writestr("b/c.csv", b"x")
    content = bytearray(memory.getvalue())
    for position in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=4)):
        content[position] = data.draw(st.integers(0, 255))
    path = place / "a.zip"
    path.write_bytes(content)
    try:
        unpack(path, place / "in")
    except TerritoryError:
        assert not (place / "in").exists() or everything(place / "in") == {}
    assert {one.name for one in place.iterdir()} <= {"a.zip", "in"}
