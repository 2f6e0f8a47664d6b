"""From a document to an accessible PDF (PDF/UA-1 and PDF/A-2a), the same byte for byte at each run."""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from territory.errors import OutputError
from territory.plot.style import FONT_FILES, font_folder
from territory.report.layout.document import Document, to_data

STANDARDS: list[Literal["a-2a", "ua-1"]] = ["a-2a", "ua-1"]

_TEMPLATES = ("report.typ", "blocks.typ", "theme.typ")


def compile_pdf(document: Document, path: Path | str) -> Path:
    """Write a document as a tagged PDF that any reader, human or machine, can follow.

    Texts reach the template as data (JSON), never as markup: a name with `#`, `$`, `@`, quotes or tags prints as
    it is typed. Nothing depends on the clock, on the fonts of the machine or on the name of the temporary folder.
    The file is made beside its place and then renamed: a failure leaves an earlier report as it was.

    References
    ----------
    ISO 14289-1:2014 (PDF/UA-1); ISO 19005-2:2011 (PDF/A-2).

    Examples
    --------
    >>> from territory.report.layout.document import Paragraph
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     document = Document("Essai", dt.date(2024, 1, 1), [Paragraph("Bonjour.")])
    ...     compile_pdf(document, Path(folder) / "essai.pdf").read_bytes()[:5]
    b'%PDF-'
    """
    target = Path(path)
    content = to_bytes(document)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.stem}-", suffix=".pdf", dir=target.parent)
    except OSError as error:
        raise OutputError(
            f"Le rapport « {target} » ne peut pas être écrit ({error.strerror}) : choisissez un autre "
            "dossier."
        ) from error
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        # the temporary file is private: a report is made to be read
        beside.chmod(0o644)
        beside.replace(target)
    except OSError as error:
        raise OutputError(
            f"Le rapport « {target} » ne peut pas être écrit ({error.strerror}) : fermez-le s'il est ouvert, "
            "libérez de la place ou choisissez un autre dossier."
        ) from error
    finally:
        beside.unlink(missing_ok=True)
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
    """Compress what says how a PDF is read aloud, which the compiler writes in clear: most of an annex, cell by cell.

    The identifier comes from the content, not from the clock; the metadata stay in clear, as PDF/A wants them.
    """
    import pikepdf

    packed = io.BytesIO()
    with pikepdf.open(io.BytesIO(content)) as pdf:
        pdf.save(
            packed,
            object_stream_mode=pikepdf.ObjectStreamMode.generate,
            fix_metadata_version=False,
            deterministic_id=True,
        )
    return packed.getvalue()


def count_pages(document: Document) -> int:
    """Return how many pages a document has, without writing its PDF."""
    import typst

    with _laid_out(document) as (source, options):
        # what is laid out here is not laid out again when the same document is compiled
        return int(json.loads(typst.query(source, "<pages>", field="value", one=True, **options)))


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
        (root / "data.json").write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
        for name, svg in pictures.items():
            (root / name).write_bytes(svg)
        fonts = root / "fonts"
        fonts.mkdir()
        # the package also ships other formats of the same font, and a folder has no order
        for name in FONT_FILES:
            shutil.copyfile(font_folder() / name, fonts / name)
        try:
            yield (
                str(root / _TEMPLATES[0]),
                {"root": str(root), "font_paths": [str(fonts)], "ignore_system_fonts": True},
            )
        except typst.TypstError as error:
            raise OutputError(f"Le rapport « {document.title} » n'a pas pu être composé : {error}") from error
