"""Sheets of workbooks as rows of text, without ever turning a code into a number; XML from outside is checked first."""

import datetime as dt
import io
import zipfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO, Any
from xml.etree.ElementTree import iterparse
from xml.parsers import expat

from territory.errors import ReadError, examples
from territory.sources.fetching.raw_folder import size_text
from territory.sources.text.refusals import fault

# a workbook that unpacks to more than this is not a table of communes
MAX_UNPACKED_BYTES = 1_500_000_000
# XML shrinks ten to twenty times
MAX_RATIO = 200
_RATIO_FROM_BYTES = 100_000_000
# Excel's own limit of rows; the cells of the largest official workbooks are under ten millions
MAX_ROWS = 1_048_576
MAX_CELLS = 50_000_000
_MAX_COLUMNS = 16_384
_CHUNK_BYTES = 1 << 14
_TOO_LARGE = (
    "ce n'est pas un tableau attendu ; supprimez les lignes et colonnes vides, ou enregistrez-le en CSV."
)
_XLSX, _XLS = b"PK", b"\xd0\xcf"
# the first file of an OpenDocument, never compressed, says what it is; what its cells hold beside numbers
_ODS = b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet"
_VALUES = ("date-value", "time-value", "boolean-value", "string-value")
WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".ods")


def read_workbook(content: bytes, path: Path, *, sheet: str | None = None) -> list[tuple[int, list[str]]]:
    """Return the rows of one sheet as (line number, cells of text)."""
    with _opened(content, path, " ; ouvrez-le et enregistrez-le de nouveau.") as (book, names):
        if not names:
            raise fault(path, "ce classeur n'a pas de feuille.")
        name = names[0] if sheet is None else sheet
        if name not in names:
            raise fault(path, f"feuille « {name} » absente ; feuilles présentes : {examples(names, most=8)}.")
        if isinstance(book, dict):
            rows = book[name]
        elif content.startswith(_XLSX):
            reader, sheets = book
            rows = _cells(reader, sheets[name], path)
        else:
            table = book.sheet_by_name(name)
            rows = [[_as_text(value) for value in table.row_values(row)] for row in range(table.nrows)]
    width = max((len(cells) for cells in rows), default=0)
    return [(line, cells + [""] * (width - len(cells))) for line, cells in enumerate(rows, start=1)]


def sheet_names(content: bytes, path: Path) -> list[str]:
    """Return the names of the sheets of a workbook, in its order."""
    with _opened(content, path, ".") as (_, names):
        return names


@contextmanager
def _opened(content: bytes, path: Path, advice: str) -> Iterator[tuple[Any, list[str]]]:
    """Open a workbook (Excel 97-2003 or newer, OpenDocument) and give its sheets; say why it cannot be read."""
    if not content.startswith((_XLSX, _XLS)):
        raise fault(path, f"ce n'est pas un classeur Excel, malgré son nom{advice}")
    try:
        if content[30:].startswith(_ODS):
            _check_package(content, path)
            tables = _open_document(content, path)
            yield tables, list(tables)
        elif content.startswith(_XLSX):
            from openpyxl.reader.excel import ExcelReader
            from openpyxl.styles.stylesheet import apply_stylesheet

            _check_package(content, path)
            # what `openpyxl.load_workbook` does, but for measuring the sheets, which reads them whole
            reader = ExcelReader(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
            with closing(reader.archive):
                reader.read_manifest()
                reader.read_strings()
                reader.read_workbook()
                apply_stylesheet(reader.archive, reader.wb)
                found = reader.parser.find_sheets()
                sheets = {one.name: kind.target for one, kind in found if "chartsheet" not in kind.Type}
                yield (reader, sheets), list(sheets)
        else:
            import xlrd

            # what xlrd has to say of an odd file goes nowhere
            book = xlrd.open_workbook(file_contents=content, on_demand=True, logfile=io.StringIO())
            yield book, list(book.sheet_names())
    except ReadError:
        raise
    except Exception as error:
        # a broken workbook breaks these libraries in ways that they do not list
        said = f"classeur illisible, tronqué ou protégé ({type(error).__name__}) ; téléchargez-le de nouveau"
        raise fault(path, f"{said}, ou enregistrez-le sans mot de passe.") from error


def _check_package(content: bytes, path: Path) -> None:
    """Refuse a workbook that unpacks to far more than it is, or whose XML declares entities."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
        unpacked = sum(member.file_size for member in members)
        is_bomb = unpacked > _RATIO_FROM_BYTES and unpacked > MAX_RATIO * len(content)
        if unpacked > MAX_UNPACKED_BYTES or is_bomb:
            sizes = f"{size_text(unpacked)} une fois décompressé pour {size_text(len(content))}"
            raise fault(path, f"{sizes}, refusé par prudence.")
        for member in members:
            if member.filename.lower().endswith((".xml", ".rels")):
                with archive.open(member) as part:
                    if declares_type(part):
                        said = "déclare des entités XML, ce qu'aucun classeur n'a ; refusé par prudence."
                        raise fault(path, f"« {member.filename} » {said}")


def _open_document(content: bytes, path: Path) -> dict[str, list[list[str]]]:
    """Return the rows of each sheet of an OpenDocument as text; what repeats to the edge of a sheet is empty."""
    sheets: dict[str, list[list[str]]] = {}
    rows: list[list[str]] = []
    cells: list[str] = []
    width = 0
    with zipfile.ZipFile(io.BytesIO(content)) as archive, archive.open("content.xml") as part:
        for _, element in iterparse(part):
            tag = element.tag.rpartition("}")[2]
            if tag not in ("table-cell", "covered-table-cell", "table-row", "table", "s"):
                continue
            said = {name.rpartition("}")[2]: value for name, value in element.items()}
            if tag == "table":
                sheets[said["name"]], rows = rows, []
            elif tag == "s":
                element.text = " " * int(said.get("c", 1))
            elif tag != "table-row":
                times = min(int(said.get("number-columns-repeated", 1)), _MAX_COLUMNS)
                cells += [_of_document(element, said)] * times
                element.clear()
            else:
                while cells and not cells[-1]:
                    cells.pop()
                times, width = min(int(said.get("number-rows-repeated", 1)), MAX_ROWS), max(width, len(cells))
                if cells and ((len(rows) + times) * width > MAX_CELLS or len(rows) + times > MAX_ROWS):
                    raise fault(path, f"plus de {len(rows)} lignes de {width} colonnes, {_TOO_LARGE}")
                rows += [cells] * times if len(rows) + times < MAX_ROWS else []
                cells = []
                element.clear()
    return sheets


def _of_document(element: Any, said: Mapping[str, str]) -> str:
    """Return the value of a cell of an OpenDocument, or else its text, without the notes on it."""
    if "value" in said:
        return _as_text(float(said["value"]))
    texts = ("".join(child.itertext()) for child in element if child.tag.endswith("}p"))
    told = next((said[name] for name in _VALUES if name in said), None)
    return told.removesuffix("T00:00:00") if told else "\n".join(texts)


def _cells(reader: Any, part_name: str, path: Path) -> list[list[str]]:
    """Return the rows of a sheet as text, as many as one can have, in a fifth of the time that openpyxl takes."""
    dates: Collection[int] = reader.wb._date_formats | reader.wb._timedelta_formats
    rows: list[list[str]] = []
    width = column = 0
    cells: dict[int, str] = {}
    with reader.archive.open(part_name) as part:
        for _, element in iterparse(part):
            tag = element.tag.rpartition("}")[2]
            if tag == "c":
                column = _column_of(element.get("r", "")) or column + 1
                cells[column] = _cell(reader, element, dates)
            elif tag == "row":
                width = max(width, *cells, 0)
                line = int(element.get("r", len(rows) + 1))
                if line > MAX_ROWS or width > _MAX_COLUMNS or line * width > MAX_CELLS:
                    raise fault(path, f"plus de {line - 1} lignes de {width} colonnes, {_TOO_LARGE}")
                rows += [[] for _ in range(line - 1 - len(rows))]
                rows.append([cells.get(place, "") for place in range(1, max(cells, default=0) + 1)])
                element.clear()
                cells, column = {}, 0
    return rows


def _column_of(reference: str) -> int:
    """Return the column of a cell from its name (AB12), 0 without one."""
    column = 0
    for letter in reference:
        if not letter.isalpha():
            break
        column = column * 26 + ord(letter) - 64
    return column


def _cell(reader: Any, element: Any, dates: Collection[int]) -> str:
    kind = element.get("t", "n")
    if kind == "inlineStr":
        return "".join(element.itertext())
    value = next((child.text for child in element if child.tag.endswith("}v")), None)
    if value is None:
        return ""
    if kind == "s":
        return str(reader.shared_strings[int(value)])
    if kind == "b":
        return str(bool(int(value)))
    if kind == "n":
        number = float(value)
        if int(element.get("s", 0)) in dates:
            from openpyxl.utils.datetime import from_excel

            try:
                return _as_text(from_excel(number, reader.wb.epoch))
            except (OverflowError, ValueError):
                # a date out of its bounds, which the readers name by its place
                return "#VALUE!"
        return _as_text(number)
    return str(value)


def _as_text(value: object) -> str:
    """Return a cell as text; a whole number has no decimals."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat()
    return str(value)


def declares_type(stream: IO[bytes]) -> bool:
    """Say whether an XML document begins with a document type, the only place where entities are declared."""
    seen: list[str] = []
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = lambda *_: seen.append("type")
    # no declaration may follow the first element: only what stands before it is read
    parser.StartElementHandler = lambda *_: seen.append("element")
    # what is no XML declares nothing: the reader that comes after says what is wrong with it; an encoding that does
    # not exist is a LookupError
    with suppress(expat.ExpatError, LookupError, ValueError):
        while not seen and (chunk := stream.read(_CHUNK_BYTES)):
            parser.Parse(chunk, False)
    return seen[:1] == ["type"]
