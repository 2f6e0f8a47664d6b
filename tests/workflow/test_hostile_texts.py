"""A study whose every text is an attack: what is handed over shows them, and runs none."""

from __future__ import annotations

import csv
import re
import zipfile
from pathlib import Path

import pytest

import territory
from tests import vallon

ATTACKS = [
    "=cmd|' /C calc'!A0",
    '<script>alert(1)</script><img src=x onerror=alert(2)>"',
    '#import "/etc/passwd": x #panic("typst")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
]
STUDY = """
id = "hostile"
title = {html}
question = {typst}
dataset = "files"
population = "rp2021"
[territory]
name = {html}
departement_codes = ["03"]
[travel]
closest_services = ["pharmacie"]
[uncertainty]
draws = 0
[data]
cog = "cog.csv"
points = "contours.geojson"
populations = {{ rp2021 = "population_2021.csv" }}
ages = "ages.csv"
epci = "epci.csv"
finess = "finess.csv"
complete_services = ["pharmacie"]
[[site]]
id = "nouveau"
name = {formula}
commune_code = "03901"
source = {html}
[[site]]
id = "autre"
name = {html}
commune_code = "03906"
source = {typst}
[[service]]
site_id = "autre"
service = "ime"
authorisation_id = "ime-x"
[[authorisation]]
id = "ime-x"
label = {formula}
label_short = {at}
[[scenario]]
id = "A"
name = {html}
summary = {typst}
[[scenario.change]]
type = "move_site"
authorisation_ids = ["ime-x"]
to_site_id = "nouveau"
[[fact]]
text = {typst}
source = {formula}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("hostile")
    formula, html, typst, at = (f"'''{text}'''" for text in ATTACKS)
    # a literal of TOML ends at three quotes
    formula, at = (f'"{text}"' for text in (ATTACKS[0], ATTACKS[3]))
    text = STUDY.format(formula=formula, html=html, typst=typst, at=at)
    result = territory.run_study(vallon.copied(base, text, name="etude.toml"), out_dir=base)
    assert result.report_dir is not None
    return result.report_dir


@pytest.mark.slow
def test_no_cell_of_a_csv_is_a_formula(folder: Path) -> None:
    seen = 0
    for path in sorted((folder / "tables").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as stream:
            is_french = path.parent.name == "excel"
            for row in csv.reader(stream, delimiter=";" if is_french else ","):
                for cell in row:
                    seen += ATTACKS[0] in cell
                    # a code that a spreadsheet would change is a constant there
                    if not (is_french and re.fullmatch('="[0-9A-Za-z]+"', cell)):
                        assert not re.match(
                            r"\s*[=@]|\s*[+-](?!\s*$|\s*[\d.,]+(?:e[+-]\d+)?\s*%?\s*$)", cell
                        ), path.name
    assert seen


def test_no_cell_of_the_workbook_is_a_formula(folder: Path) -> None:
    for path in folder.rglob("*.xlsx"):
        with zipfile.ZipFile(path) as book:
            parts = [book.read(name) for name in book.namelist() if name.endswith(".xml")]
        assert not [part for part in parts if b"<f>" in part or b"<f " in part]
        assert not [part for part in parts if b"<script" in part]


def test_no_text_is_markup_of_a_page(folder: Path) -> None:
    pages = list(folder.rglob("*.html"))
    for page in pages:
        text = page.read_text("utf-8")
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert "alert(1)" in text, "the title is still shown"


def test_the_report_is_composed(folder: Path) -> None:
    assert (folder / "rapport.pdf").read_bytes().startswith(b"%PDF-")


def test_cards_of_jupyter_escape_texts(folder: Path) -> None:
    study = territory.load_study(folder.parent.parent / "etude.toml")
    card = study._repr_html_()
    assert "<script>" not in card
    assert "<img" not in card
