"""`territory data`: what a planner types and reads."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from territory.cli import commands, main
from territory.sources import find
from territory.sources.fetching import raw_folder
from territory.sources.fetching.raw_folder import Source
from tests.sources.server import Site, serve, status, whole
from tests.sources.test_fetching import CSV, source, zipped


def run(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(["data", *arguments])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return int(stopped.value.code or 0), captured.out, captured.err


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Site]:
    """A server, its one dataset as the whole registry, and an empty current folder."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.chdir(tmp_path)
    with serve() as site:
        own: tuple[Source, ...] = (source(f"{site.address}/c.csv"),)
        monkeypatch.setattr(raw_folder, "read_registry", lambda: own)
        yield site


def test_help_is_in_french(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ((), ("list",), ("fetch",), ("check",)):
        code, out, _ = run(*arguments, "--help", capsys=capsys)
        assert code == 0
        assert "Usage : " in out
        assert "Options :" in out
        assert "Show this" not in out
        assert "[default" not in out


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("fetch",), "Argument absent : JEU."),
        (("fetch", "a", "b", "c"), "Argument en trop : c"),
        (("liste",), "Commande inconnue : « liste »."),
        (("check", "--force"), "Option inconnue : --force"),
    ],
)
def test_wrong_usage_is_2(arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(*arguments, capsys=capsys)
    assert code == 2
    assert words in err


def test_list_gives_the_newest_of_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, _ = run("list", "--departement", "2A", capsys=capsys)
    assert code == 0
    assert f"{find('population-legale').key} " in out
    assert "population-legale/rp2021" not in out
    assert "routes-corse/courant" in out
    assert "routes-bretagne" not in out
    _, every, _ = run("list", "--all", capsys=capsys)
    assert "population-legale/rp2021" in every
    assert "routes-bretagne" in every
    (tmp_path / "data" / "raw" / "cog-communes" / "2026").mkdir(parents=True)
    (tmp_path / "data" / "raw" / "cog-communes" / "2026" / "source.json").touch()
    _, out, _ = run("list", capsys=capsys)
    states = {line.split()[0]: line[46:60].strip() for line in out.splitlines()}
    assert states["cog-communes/2026"] == "présent"
    assert states["cog-mouvements/2026"] == "à télécharger"
    assert states["banatic-epci/2026"] == "à déposer"


def test_list_of_one_says_all_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run("list", "banatic-epci", capsys=capsys)
    assert code == 0
    for words in ("banatic-epci/2024", "banatic-epci/2026", "aucune adresse directe", "producteur : DGCL"):
        assert words in out
    code, _, err = run("list", "banatic", capsys=capsys)
    assert code == 1
    assert "vouliez-vous dire banatic-epci ?" in err


def test_fetch_then_check(site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site.on("/c.csv", whole(CSV))
    code, out, _ = run("fetch", "essai", capsys=capsys)
    assert code == 0
    assert out.startswith(
        "essai/2024 : 1 fichier, 9,5 ko, dans data/raw/essai/2024\nLicence : Licence Ouverte 2.0"
    )
    code, out, err = run("check", capsys=capsys)
    assert (code, out, err) == (0, "essai/2024 : 1 fichier, conforme\n", "")
    path = tmp_path / "data" / "raw" / "essai" / "2024" / "communes.csv"
    path.chmod(0o644)
    path.write_bytes(b"1")
    code, out, err = run("check", capsys=capsys)
    assert (code, out) == (1, "")
    assert "communes.csv : fichier modifié (1 octet au lieu de" in err
    assert "1 problème." in err
    code, _, err = run("fetch", "essai", capsys=capsys)
    assert code == 1
    assert "--force" in err
    assert run("fetch", "essai", "2024", "--force", capsys=capsys)[0] == 0
    assert run("check", capsys=capsys)[0] == 0


def test_a_long_fetch_says_where_it_is(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(commands.data, "_STEP_BYTES", 4000)
    site.on("/c.csv", whole(CSV * 20))
    _, _, err = run("fetch", "essai", capsys=capsys)
    assert "sur 190,0 ko…" in err


def test_a_failed_fetch_is_1_and_leaves_nothing(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site.on("/c.csv", status(404))
    code, out, err = run("fetch", "essai", capsys=capsys)
    assert (code, out) == (1, "")
    assert err.startswith("Erreur : communes.csv : fichier introuvable (HTTP 404")
    code, _, err = run("fetch", "essai", "1999", capsys=capsys)
    assert code == 1
    assert "« 1999 » inconnu" in err
    assert [path for path in (tmp_path / "data").rglob("*") if path.is_file()] == []
    code, out, _ = run("check", capsys=capsys)
    assert (code, out) == (0, "Aucune donnée dans data/raw.\n")


def test_fetch_from_a_folder_to_another(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "usb").mkdir()
    (tmp_path / "usb" / "communes.csv").write_bytes(CSV)
    code, _, _ = run("fetch", "essai", "--from", "usb", "--to", "brut", capsys=capsys)
    assert code == 0
    assert site.requests == []
    assert (tmp_path / "brut" / "essai" / "2024" / "communes.csv").read_bytes() == CSV
    code, out, _ = run("check", "--to", "brut", capsys=capsys)
    assert (code, out) == (0, "essai/2024 : 1 fichier, conforme\n")


def test_what_is_still_packed_is_said(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own = (source(site.on("/e.zip", whole(zipped(a__7z=b"7z"))), file_name="e.zip", format="zip"),)
    monkeypatch.setattr(raw_folder, "read_registry", lambda: own)
    code, _, err = run("fetch", "essai", capsys=capsys)
    assert code == 0
    assert "a.7z reste à décompresser" in err
    assert "territory data fetch essai 2024 --force --from DOSSIER" in err


def test_list_loads_nothing_heavy() -> None:
    listed = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "territory", "data", "list"],
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    loaded = {line.rsplit("|", 1)[-1].strip() for line in listed.splitlines()}
    assert loaded.isdisjoint({"numpy", "pandas", "geopandas", "requests", "pooch", "matplotlib"})
