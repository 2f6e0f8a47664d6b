"""A document as data, every text typeset on its way out; and its accessible PDF, the same byte for byte."""

import datetime as dt
import io
import json
import re
import shutil
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from typing import Any, Literal, TypeAlias

from territory.errors import OutputError, ParameterError
from territory.files.safe_files import write_whole
from territory.french.words import typeset
from territory.plot.style import FONT_FILES, drawable, font_folder

# a paragraph is a text, or runs of text of which some are strong
Run = tuple[str, Literal["plain", "strong"]]
Text = str | Sequence[str | Run]
Side = Literal["left", "right"]

_RUN = "territory-run-sha256:"
_DIGEST = re.compile(_RUN.encode() + rb"([0-9a-f]{64})(?![0-9a-f])")


@cache
def _words() -> dict[str, dict[str, str]]:
    """Return the sentences of documents that no rule makes, by chapter."""
    file = resources.files("territory.report.layout") / "templates/words.toml"
    return tomllib.loads(file.read_text("utf-8"))


def wording(key: str, **said: object) -> str:
    """Return a sentence of a document by its chapter and its name (`method.doubt`), with what is said in it."""
    chapter, name = key.split(".")
    return _words()[chapter][name].format(**said)


def strong(text: str) -> Run:
    """Mark a part of a paragraph as strong."""
    return (text, "strong")


@dataclass(frozen=True)
class Heading:
    """A title inside the document; levels 1 and 2 become bookmarks."""

    text: str
    level: int = 1
    new_page: bool = False


@dataclass(frozen=True)
class Paragraph:
    """A paragraph; `lead` for the few that must be read first, `small` for notes; `is_kept` with what follows."""

    text: Text
    kind: Literal["body", "lead", "small"] = "body"
    is_kept: bool = False


@dataclass(frozen=True)
class Bullets:
    """A list."""

    items: Sequence[Text]
    kind: Literal["body", "small"] = "body"


@dataclass(frozen=True)
class KeyFigures:
    """Large numbers side by side: number, what it counts, what it depends on."""

    figures: Sequence[tuple[str, str, str]]


@dataclass(frozen=True)
class Callout:
    """A box that stands out."""

    title: str
    items: Sequence[Text]
    tone: Literal["unknown", "note", "warning"] = "note"


@dataclass(frozen=True)
class Picture:
    """A map or a chart as SVG, with what it shows in words for those who do not see it."""

    svg: bytes
    alt: str
    caption: str
    kind: Literal["Carte", "Figure"] = "Carte"
    source: str = ""


@dataclass(frozen=True)
class Beside:
    """A narrow picture on the right of some blocks."""

    blocks: "Sequence[Block]"
    picture: Picture


@dataclass(frozen=True)
class DataTable:
    """A table with one line of headers, that is repeated on each page."""

    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str
    align: Sequence[Side] = ()  # left or right for each column; numbers go right
    widths: Sequence[float] = ()  # share of the width for each column; 0 is as wide as its text
    strong_rows: Sequence[int] = ()
    note: str = ""
    may_split: bool = False  # on two pages rather than after half an empty one; a long table always may


Block: TypeAlias = "Heading | Paragraph | Bullets | KeyFigures | Callout | Picture | Beside | DataTable"


@dataclass(frozen=True)
class Document:
    """A whole document; title, subtitle and kicker are the head of its first page."""

    title: str
    date: dt.date  # of the data, never of the day
    blocks: "Sequence[Block]"
    subtitle: str = ""
    kicker: str = ""
    footer: str = ""  # at the foot of each page
    keywords: Sequence[str] = ()
    run_digest: str = ""  # kept in the properties of the PDF
    mark: str = ""  # who may not have it, said on each page
    author: str = ""
    logo: tuple[str, bytes] | None = None  # its kind (svg, png, jpg) and its content
    form: Literal["report", "slides"] = "report"


# what declares a column: its title, its side (< left, > right) and its share of the width
_COLUMN = re.compile(r"(?P<title>.*?)\s*(?P<side>[<>])\s*(?P<width>[\d.]+)")


def table(
    columns: str | Iterable[str], rows: Sequence[Sequence[str]], caption: str, **options: Any
) -> DataTable:
    """Return a table whose columns are declared one by one, between bars (« Commune <1.5 | Temps >1 »)."""
    every = columns.split(" | ") if isinstance(columns, str) else columns
    declared = [found for found in map(_COLUMN.fullmatch, every) if found]
    return DataTable(
        [found["title"] for found in declared],
        rows,
        caption,
        align=["left" if found["side"] == "<" else "right" for found in declared],
        widths=[float(found["width"]) for found in declared],
        **options,
    )


def run_keyword(run_digest: str) -> str:
    """Return the keyword that holds the digest of a run: PDF/A keeps keywords readable in its metadata."""
    return f"{_RUN}{run_digest}" if run_digest else ""


def read_digest(content: bytes) -> str | None:
    """Return the digest of the run that a PDF says it comes from."""
    found = _DIGEST.search(content)
    return found.group(1).decode() if found else None


def to_data(document: Document) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Turn a document into plain data for the template, and its pictures by file name."""
    pictures: dict[str, bytes] = {}
    blocks = []
    level = 0
    for block in document.blocks:
        if isinstance(block, Heading):
            if not 1 <= block.level <= level + 1:
                raise ParameterError(f"Titre « {block.text} » : le niveau {block.level} saute un niveau.")
            level = block.level
        blocks.append(_block(block, pictures))
    texts = ("title", "subtitle", "kicker", "footer", "mark", "author")
    data: dict[str, Any] = {name: typeset(getattr(document, name)) for name in texts}
    data |= {"form": document.form, "logo": "", "logo-alt": ""}
    if document.logo is not None:
        data["logo-alt"] = typeset(f"Logo : {document.author or document.title}")
        data["logo"] = f"logo.{document.logo[0]}"
        pictures[data["logo"]] = document.logo[1]
    run = run_keyword(document.run_digest)
    data["keywords"] = [*map(typeset, document.keywords), *([run] if run else [])]
    data["date"] = [document.date.year, document.date.month, document.date.day]
    return {**data, "blocks": blocks}, pictures


def _block(block: "Block", pictures: dict[str, bytes]) -> dict[str, Any]:
    """Turn one block into plain data."""
    match block:
        case Heading():
            said: dict[str, Any] = {"text": typeset(block.text), "level": block.level}
            return {"type": "heading", **said, "break": block.new_page}
        case Paragraph():
            said = {"runs": _runs(block.text), "kind": block.kind, "keep": block.is_kept}
            return {"type": "paragraph", **said}
        case Bullets():
            return {"type": "bullets", "items": [_runs(item) for item in block.items], "kind": block.kind}
        case KeyFigures():
            names = ("value", "label", "note")
            figures = [dict(zip(names, map(typeset, figure), strict=True)) for figure in block.figures]
            return {"type": "key_figures", "figures": figures}
        case Callout():
            items = [_runs(item) for item in block.items]
            return {"type": "callout", "title": typeset(block.title), "items": items, "tone": block.tone}
        case Picture():
            return _picture(block, pictures)
        case Beside():
            left = [_block(one, pictures) for one in block.blocks]
            return {"type": "beside", "blocks": left, "picture": _picture(block.picture, pictures)}
        case DataTable():
            return _table(block)


def _runs(text: Text) -> list[dict[str, Any]]:
    """Turn a paragraph into runs; spacing is applied across their borders."""
    return [{"text": words, "strong": kind == "strong"} for words, kind in to_runs(text)]


def to_runs(text: Text) -> list[Run]:
    """Turn a paragraph into runs with French spacing, which is applied across their borders."""
    found = [text] if isinstance(text, str) else text
    runs: list[Run] = [(part, "plain") if isinstance(part, str) else part for part in found]
    # an empty run would stand between a space and the sign that it belongs to
    runs = [run for run in runs if run[0]]
    words = [text for text, _ in runs]
    for i in range(1, len(words)):
        # a space that starts a run ends the one before it, where the rules can see both sides
        start = len(words[i]) - len(words[i].lstrip(" "))
        words[i - 1], words[i] = words[i - 1] + words[i][:start], words[i][start:]
    made: list[Run] = []
    for i, (_, kind) in enumerate(runs):
        # each with what follows it in mind: a space before « ? » may end the run before
        after, whole = typeset("".join(words[i + 1 :])), typeset("".join(words[i:]))
        made.append((whole.removesuffix(after), kind))
    return made


def _picture(block: Picture, pictures: dict[str, bytes]) -> dict[str, Any]:
    """Turn a picture into plain data; its file is named by its place."""
    if not block.alt.strip():
        raise ParameterError(f"La figure « {block.caption} » n'a pas de texte de remplacement.")
    name = f"figure-{len(pictures) + 1:02d}.svg"
    pictures[name] = block.svg
    texts = {key: typeset(getattr(block, key)) for key in ("alt", "caption", "source")}
    return {"type": "picture", "file": name, "kind": block.kind, **texts}


def _table(block: DataTable) -> dict[str, Any]:
    """Turn a table into plain data."""
    columns = len(block.headers)
    if any(len(row) != columns for row in block.rows):
        raise ParameterError(f"Le tableau « {block.caption} » a des lignes de longueurs différentes.")
    align = list(block.align) or ["left"] + ["right"] * (columns - 1)
    widths = list(block.widths) or [1.0] + [0.0] * (columns - 1)
    if len(align) != columns or len(widths) != columns:
        raise ParameterError(
            f"Le tableau « {block.caption} » a {columns} colonnes : alignements ou largeurs en trop."
        )
    said = {"caption": typeset(block.caption), "note": typeset(block.note), "splits": block.may_split}
    look = {"align": align, "widths": widths, "strong": list(block.strong_rows)}
    rows = [[typeset(cell) for cell in row] for row in block.rows]
    return {"type": "table", "headers": [*map(typeset, block.headers)], "rows": rows, **said, **look}


STANDARDS: list[Literal["a-2a", "ua-1"]] = ["a-2a", "ua-1"]

_TEMPLATES = ("report.typ", "blocks.typ", "theme.typ")


def compile_pdf(document: Document, path: Path | str) -> Path:
    """Write a document as a tagged PDF; a failure leaves an earlier report as it was."""
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

    moment = int(dt.datetime.combine(document.date, dt.time(), tzinfo=dt.UTC).timestamp())
    with _laid_out(document) as (source, options):
        written = typst.compile(source, pdf_standards=[*STANDARDS], timestamp=moment, **options)
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
        written = {"data.json": json.dumps(data, ensure_ascii=False)}
        written |= {name: svg.decode() for name, svg in pictures.items()}
        for name, text in written.items():
            # a sign that the font lacks would stop everything
            (root / name).write_text(drawable(text), encoding="utf-8", newline="")
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

    made: "Sequence[Block] | Callable[[], Sequence[Block]]"
    title: str = ""  # what a reader is told when it is in the annex; without it the part never leaves
    leaves: int = 0  # the higher, the sooner it leaves; of equals, the last one first

    @cached_property
    def blocks(self) -> "Sequence[Block]":
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
