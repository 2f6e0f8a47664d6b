"""From a document to an accessible PDF (PDF/UA-1 and PDF/A-2a), the same byte for byte at each run."""

from __future__ import annotations

import datetime as dt
import io
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from territory.errors import OutputError
from territory.files.safe_files import write_whole
from territory.plot.style import FONT_FILES, font_folder
from territory.report.layout.document import Block, Document, to_data

STANDARDS: list[Literal["a-2a", "ua-1"]] = ["a-2a", "ua-1"]

_TEMPLATES = ("report.typ", "blocks.typ", "theme.typ")


def compile_pdf(document: Document, path: Path | str) -> Path:
    """Write a document as a tagged PDF; a failure leaves an earlier report as it was.

    Texts reach the template as data (JSON), never as markup; nothing depends on the clock or the fonts of the machine.
    """
    target, content = Path(path), to_bytes(document)
    try:
        write_whole(target, content)
    except OSError as error:
        raise OutputError(
            f"Le rapport « {target} » ne peut pas être écrit ({error.strerror}) : fermez-le s'il est ouvert, libérez "
            "de la place ou choisissez un autre dossier."
        ) from error
    return target


def to_bytes(document: Document) -> bytes:
    """Compile a document to the bytes of its PDF."""
    import typst

    moment = dt.datetime.combine(document.date, dt.time(), tzinfo=dt.UTC)
    with _laid_out(document) as (source, options):
        written = typst.compile(
            source, pdf_standards=[*STANDARDS], timestamp=int(moment.timestamp()), **options
        )
    return _packed(bytes(written))


def _packed(content: bytes) -> bytes:
    """Compress what says how a PDF is read aloud, most of an annex; metadata stay in clear, as PDF/A wants them."""
    import pikepdf

    packed, mode = io.BytesIO(), pikepdf.ObjectStreamMode.generate
    with pikepdf.open(io.BytesIO(content)) as pdf:
        pdf.save(packed, object_stream_mode=mode, fix_metadata_version=False, deterministic_id=True)
    return packed.getvalue()


def count_pages(document: Document) -> int:
    """Return how many pages a document has, without writing its PDF."""
    import typst

    with _laid_out(document) as (source, options):
        # what is laid out here is not laid out again when the same document is compiled
        return int(json.loads(typst.query(source, "<pages>", field="value", one=True, **options)))


@cache
def _drawable() -> frozenset[str]:
    """Return the characters that every weight of the font holds."""
    from matplotlib.ft2font import FT2Font

    known = (set(FT2Font(str(font_folder() / name)).get_charmap()) for name in FONT_FILES)
    return frozenset(map(chr, set.intersection(*known)))


@contextmanager
def _laid_out(document: Document) -> Iterator[tuple[str, dict[str, Any]]]:
    """Write a document and all that it needs in a folder of its own; give the source and how to compile it."""
    import typst

    data, pictures = to_data(document)
    with tempfile.TemporaryDirectory(prefix="territory-") as folder:
        root = Path(folder)
        templates = resources.files("territory.report.layout") / "templates"
        for name in _TEMPLATES:
            (root / name).write_bytes((templates / name).read_bytes())
        written = json.dumps(data, ensure_ascii=False)
        # a sign that the font lacks would stop everything
        absent = {ord(sign): "?" for sign in set(written) - _drawable()}
        (root / "data.json").write_text(written.translate(absent), encoding="utf-8")
        for name, svg in pictures.items():
            (root / name).write_bytes(svg)
        fonts = root / "fonts"
        fonts.mkdir()
        # the package also ships other formats of the same font, and a folder has no order
        for name in FONT_FILES:
            shutil.copyfile(font_folder() / name, fonts / name)
        try:
            options = {"root": str(root), "font_paths": [str(fonts)], "ignore_system_fonts": True}
            yield str(root / _TEMPLATES[0]), options
        except typst.TypstError as error:
            raise OutputError(f"Le rapport « {document.title} » n'a pas pu être composé : {error}") from error


@dataclass(frozen=True)
class Part:
    """Blocks that stay together, in reading order, or what makes them: a picture that is not shown is not drawn."""

    made: Sequence[Block] | Callable[[], Sequence[Block]]
    title: str = ""  # what a reader is told when it is in the annex; without it the part never leaves
    leaves: int = 0  # the higher, the sooner it leaves; of equals, the last one first

    @cached_property
    def blocks(self) -> Sequence[Block]:
        """Content in reading order, made once."""
        return self.made() if callable(self.made) else self.made


def in_order_of_leaving(parts: Sequence[Part]) -> list[int]:
    """Return the places of the parts that may leave, the first to leave first."""
    places = [place for place, part in enumerate(parts) if part.title]
    return sorted(places, key=lambda place: (-parts[place].leaves, -place))


def fitted(
    make: Callable[[frozenset[int]], Document], leaving: Sequence[int], *, most_pages: int
) -> Document:
    """Return the fullest document that keeps to its pages: parts leave in their order, as few as can be."""
    low, high, tried = 0, len(leaving), 0
    fits: Document | None = None
    while low < high:
        # the whole first, which most studies have room for
        document = make(frozenset(leaving[:tried]))
        if count_pages(document) <= most_pages:
            high, fits = tried, document
        else:
            low = tried + 1
        tried = (low + high) // 2
    return fits if fits and low < len(leaving) else make(frozenset(leaving[:low]))


def shortest_needed(make: Callable[[int], Document], levels: int, *, most_pages: int) -> Document:
    """Return the first of several makings of a document, each shorter than the one before, that keeps to its pages."""
    for level in range(levels):
        document = make(level)
        if count_pages(document) <= most_pages:
            return document
    return make(levels)
