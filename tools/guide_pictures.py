"""Make the pictures of documents that the guide shows, from the built-in study as it is now.

``python tools/guide_pictures.py`` runs the study and writes one PNG per page named here in docs/images.
"""

from __future__ import annotations

import io
from pathlib import Path

import typst
from PIL import Image

import territory
from territory.report.documents.council import council_report, note, slides
from territory.report.documents.epci_sheet import epci_sheet
from territory.report.layout.document import Document, _laid_out

IMAGES = Path(__file__).parents[1] / "docs" / "images"
DRACENIE = "248300493"
PPI = 96
# pages that docs/guide/lire-le-rapport.md shows
SHOWN = {"rapport": (1, 5, 6), "note": (1,), "presentation": (3,), "fiche": (1,)}


def pages(document: Document) -> list[bytes]:
    """Give each page of a document as a PNG."""
    with _laid_out(document) as (source, options):
        made = typst.compile(source, format="png", ppi=PPI, **options)
    return [bytes(page) for page in made] if isinstance(made, list) else [bytes(made)]


def main() -> None:
    """Run the study and write the pictures."""
    from territory.report.reading import read

    result = territory.run_study("draguignan")
    reading = read(result)
    documents = {
        "rapport": council_report(reading),
        "note": note(reading),
        "presentation": slides(reading),
        "fiche": epci_sheet(reading, DRACENIE),
    }
    for name, numbers in SHOWN.items():
        made = pages(documents[name])
        for number in numbers:
            # sixty-four colours are enough for a page, and a third of the bytes
            page = Image.open(io.BytesIO(made[number - 1])).convert("RGB").quantize(64)
            page.save(IMAGES / f"{name}-{number}.png", optimize=True)


if __name__ == "__main__":
    main()
