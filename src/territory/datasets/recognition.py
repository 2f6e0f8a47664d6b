"""What a file is, told from its beginning: the slot that it feeds, its vintage, the départements that it speaks of."""

import csv
import gzip
import html
import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import IO

from territory.datasets.slots import FEWEST_SITES, SLOTS, Reader, Slot
from territory.errors import TerritoryError
from territory.geography.communes import DEPARTEMENTS, departement_of, is_commune, lives_of, steps_of
from territory.sources.producers.finess.extracts import commune_of
from territory.sources.text.cells import pad_code
from territory.sources.text.tables import decode, guess_separator, open_bytes
from territory.sources.text.workbooks import WORKBOOKS
from territory.tables.schemas import COMMUNE_CODE

_HEAD_BYTES = 1 << 16
# properties of the first shape may stand after its geometry
_SHAPE_BYTES = 1 << 20
# above it a table is taken for a national one, not read to its end
_MOST_BYTES = 25_000_000
_MOST_JSON_BYTES = 200_000_000
_SUFFIXES = (".csv", ".txt", *WORKBOOKS, ".json", ".geojson", ".gpkg", ".shp", ".gz", ".zip")
YEAR = re.compile(r"(?<!\d)(?:19|20)\d{2}(?!\d)")
_RELEASED = re.compile(r"(?<!\d)(20\d{2})[-_]?(0[1-9]|1[0-2])(?!\d)")
_CODES = re.compile(r"com(insee)?|codgeo|depcom|(code[_ ])?insee|commune_code|code commune( insee)?")
# differences of codes with a year that a file may have and still be of it (Mayotte, the islands of Overseas)
_MOST_OFF = 20
_FULL = re.compile(COMMUNE_CODE)
_OF_FINESS = re.compile(r"9[A-J]\d{3}")
# files whose content or name says their year for sure
DATED = ("populations", "cog", "movements", "emergencies", "hospitals", "ages")
_PROPERTY = re.compile(r'"properties"\s*:\s*(\{[^{}]*\})')
_SHAPE_CODE = re.compile(
    rb'"(?:code|INSEE_COM|insee_com|code_insee|codgeo|cogCommune)"\s*:\s*"?(\d[0-9AB]\d{3}|\d{4})"?\s*[,}]'
)
_STRINGS = re.compile(r"<(?:t|text:p)(?: [^>]*)?>([^<]*)</(?:t|text:p)>")


@dataclass(frozen=True)
class Found:
    """A file that some slots can be fed with, and what its content says of it; None is no département in particular."""

    path: Path
    slots: tuple[Slot, ...]
    reader: Reader
    # census, year or month; empty when nothing says it
    vintage: str = ""
    departements: frozenset[str] | None = None
    # commune codes that it holds
    codes: frozenset[str] = frozenset()
    # year of the commune codes, when movements of communes tell it
    cog_year: int | None = None
    # the archive that it lies in: to be unpacked
    archive: Path | None = None

    def covers(self, departement: str) -> bool:
        """Tell whether the file may speak of a département."""
        return self.departements is None or departement in self.departements


def files_below(folders: Iterable[Path]) -> Iterator[Path]:
    """Return the files that might be recognised, in folders however deep, hidden ones left aside."""
    for folder in folders:
        if folder.is_file():
            yield folder
            continue
        for path in sorted(folder.rglob("*")):
            hidden = any(part.startswith((".", "~$")) for part in path.relative_to(folder).parts)
            if not hidden and path.suffix.lower() in _SUFFIXES and path.is_file():
                yield path


def recognise(path: Path) -> Found | None:
    """Return what a file is, nothing when no reader of a slot would take it."""
    try:
        if path.suffix.lower() == ".zip" and not _is_shapefile(path):
            return _in_archive(path)
        words = words_of(path)
        with open_bytes(path) as file:
            matching = _with_types(matching_readers(words), file)
    except Exception:
        # a broken file breaks those who open it in ways that they do not list: it is none of ours
        return None
    if not matching:
        return None
    slots = tuple(slot for slot, _ in matching)
    reader = matching[0][1]
    counted = _codes_of(path)
    vintage = _vintage(slots[0], reader, path, words)
    if not counted:
        return Found(path, slots, reader, vintage)
    lines: Counter[str] = Counter()
    for code, count in counted.items():
        lines[departement_of(code)] += count
    # a sample of FINESS has a few establishments of each département: it speaks of none
    least = FEWEST_SITES if slots[0].key == "finess" else 1
    departements = frozenset(code for code, count in lines.items() if count >= least)
    return Found(path, slots, reader, vintage, departements, frozenset(counted))


Chosen = dict[str, tuple[Found, ...]]


def recognised(paths: Iterable[Path]) -> list[Found]:
    """Return what files are, those whose year of commune codes can be told from movements of communes with it."""
    found = [one for one in map(recognise, paths) if one is not None]
    movements = [one for one in found if one.slots[0].key == "movements" and one.archive is None]
    if not movements:
        return found
    newest = max(movements, key=lambda one: one.vintage)
    try:
        table = newest.slots[0].read(newest.path)
    except TerritoryError:
        return found
    lives, last = lives_of(steps_of(table)), int(table["date"].max().year)
    alive = {}
    for year in range(2010, last + 1):
        alive[year] = frozenset(code for code, life in lives.items() if code and is_commune(life, year))
    return [_dated(one, frozenset(lives) - {""}, alive) for one in found]


def choose(found: Sequence[Found], departement: str) -> Chosen:
    """Return the files of each slot for a département: the newest of the first dataset; all censuses, all outlines."""
    chosen: Chosen = {}
    for slot in SLOTS:
        order = {reader.name: rank for rank, reader in enumerate(slot.readers)}
        here = [one for one in found if any(other.key == slot.key for other in one.slots)]
        # what is still packed serves when nothing else does
        here = [one for one in here if one.archive is None] or here
        if slot.in_several:
            chosen[slot.key] = _places_of(here, departement)
        elif slot.by_vintage:
            named = {one.vintage: one for one in here if one.vintage and one.covers(departement)}
            chosen[slot.key] = tuple(named[vintage] for vintage in sorted(named, reverse=True))
        else:
            here = [one for one in here if one.covers(departement)]
            here.sort(key=lambda one: (one.vintage, -order[one.reader.name]))
            chosen[slot.key] = tuple(here[-1:])
    # the SAE places emergencies that FINESS does not, and the list of EHPAD, whose points are told their commune by
    # outlines, stands in for the one of FINESS
    if chosen["finess"] or not has_outlines(chosen, departement):
        chosen["ehpad"] = ()
    # places of the edition of the establishments: their numbers are the same
    is_plus = [one.reader.name.startswith("read_finess_plus") for one in chosen["finess"]]
    places = [one for one in found if one.slots[0].key == "finess_equipment" and one.covers(departement)]
    places = [one for one in places if [one.reader.name.startswith("read_finess_plus")] == is_plus]
    chosen["finess_equipment"] = tuple(sorted(places, key=lambda one: one.vintage)[-1:])
    if not chosen["finess"]:
        # nothing else would place them
        chosen["emergencies"] = chosen["emergencies"] if chosen["hospitals"] else ()
    return {key: files for key, files in chosen.items() if files}


def has_outlines(chosen: Chosen, departement: str) -> bool:
    """Tell whether the communes of a département have outlines, and not points alone."""
    points = chosen.get("points", ())
    return any(one.reader.name == "read_outlines" and one.covers(departement) for one in points)


def neighbours(departement: str) -> list[str]:
    """Return a département and those around it, by their boxes."""
    own = DEPARTEMENTS[departement]
    return [code for code, other in DEPARTEMENTS.items() if own.is_near(other)]


def _places_of(found: Sequence[Found], departement: str) -> tuple[Found, ...]:
    """Return the outlines of a département, those that add départements around it, then points for what they lack."""
    near = set(neighbours(departement))
    outlines = [one for one in found if one.reader.name == "read_outlines"]
    # the finest first: outlines of the département alone, then the largest file
    outlines.sort(
        key=lambda one: (not one.covers(departement), len(one.departements or ()), -one.path.stat().st_size)
    )
    chosen: list[Found] = []
    held: set[str] = set()
    for one in outlines:
        new = (near if one.departements is None else one.departements & near) - held
        if new:
            chosen.append(one)
            held |= new
    tables = [one for one in found if one.reader.name != "read_outlines" and one.covers(departement)]
    return (*chosen, *sorted(tables, key=lambda one: -len(one.codes))[:1])


def _dated(found: Found, told: frozenset[str], alive: Mapping[int, frozenset[str]]) -> Found:
    """Return a file with the year of its commune codes, told from those that changed: two years after a census."""
    key = found.slots[0].key
    if key not in ("populations", "cog") or found.archive is not None or not found.codes:
        return found
    codes = found.codes
    near = {code for code in told if found.covers(departement_of(code))}
    off = {year: len((codes_then & near) ^ (codes & near)) for year, codes_then in alive.items()}
    # codes of one département may be those of several years: only the name tells then
    best = [year for year, count in off.items() if count == min(off.values())]
    if len(best) > 1 or off[best[0]] > _MOST_OFF:
        return found
    said = f"rp{best[0] - 2}" if key == "populations" else str(best[0])
    return replace(found, cog_year=best[0], vintage=found.vintage or said)


def matching_readers(words: Sequence[str]) -> list[tuple[Slot, Reader]]:
    """Return the readers whose titles are all among the words of a file, those that ask most first."""
    plain = "\n".join(" ".join(word.split()).casefold() for word in dict.fromkeys(words))
    found = []
    for slot in SLOTS:
        for reader in slot.readers:
            if reader.titles and all(re.search(f"(?m)^(?:{title})$", plain) for title in reader.titles):
                found.append((slot, reader))
                break
    most = max((len(reader.titles) for _, reader in found), default=0)
    names = {reader.name for _, reader in found if len(reader.titles) == most}
    return [(slot, reader) for slot, reader in found if reader.name in names]


def _with_types(matching: list[tuple[Slot, Reader]], file: IO[bytes]) -> list[tuple[Slot, Reader]]:
    """Leave out the slots of types of equipment that a file of all types has not: their codes change with the years."""
    codes = {slot.key: [code.encode() for code in slot.types] for slot, r in matching if "typequ" in r.titles}
    lacking, last = set(codes), b""
    while lacking and (block := file.read(_SHAPE_BYTES)):
        text = last + block
        for code in {code for key in lacking for code in codes[key] if code in text}:
            # a whole cell: a road is called D282 too
            if re.search(rb"""[;,\t|"]%b[;,\t|"]""" % code, text):
                lacking -= {key for key in lacking if code in codes[key]}
        # a cell may be cut by the end of a block
        last = block[-8:]
    return [(slot, reader) for slot, reader in matching if slot.key not in lacking]


def words_of(path: Path) -> list[str]:
    """Return the titles of a table, the properties of shapes, the keys of a JSON, or the first cells of a workbook."""
    name = path.name.lower().removesuffix(".gz")
    if name.endswith((".gpkg", ".shp", ".zip")):
        import pyogrio

        return ["#shapes", *map(str, pyogrio.read_info(path)["fields"])]
    if name.endswith(WORKBOOKS):
        return _workbook_words(path)
    with open_bytes(path) as file:
        head = file.read(_SHAPE_BYTES if name.endswith("json") else _HEAD_BYTES)
    if name.endswith("json"):
        text = head.decode("utf-8-sig", "replace")
        # what stands before the shapes has properties too (the coordinate system)
        if (properties := _PROPERTY.search(text, max(text.find('"features"'), 0))) is not None:
            with suppress(ValueError):
                return ["#shapes", *json.loads(properties[1])]
        return ["#json", *re.findall(r'"(\w+)"\s*:', text)]
    return _text_words(head, path)


def _text_words(head: bytes, path: Path) -> list[str]:
    """Return the cells of the first lines of a text."""
    lines = [line for line in _decoded(head, path).splitlines()[:60] if line.strip()]
    separator = guess_separator("\n".join(lines), path, skips=True)
    rows = [[cell.strip().strip('"') for cell in line.split(separator)] for line in lines[:15]]
    # files of FINESS without titles are told by their first cells
    kinds = dict.fromkeys(line.partition(separator)[0] for line in lines)
    return (
        [f"#first {';'.join(rows[0][:2])}", *kinds, *(cell for row in rows for cell in row)] if rows else []
    )


def _decoded(head: bytes, path: Path) -> str:
    """Return the beginning of a text, cut at the end of a line."""
    return decode(head[: head.rfind(b"\n") + 1] or head, path)


def _workbook_words(path: Path) -> list[str]:
    """Return the names of the sheets and the first texts of a workbook, without reading its sheets."""
    with open_bytes(path) as file:
        start = file.read(4)
    if start == b"PK\x03\x04":
        with zipfile.ZipFile(path) as book:
            parts = {name for name in book.namelist() if name.endswith(".xml")}
            first = "xl/workbook.xml" if "xl/workbook.xml" in parts else "content.xml"
            sheets = re.findall(r'<(?:sheet|table:table) [^>]*name="([^"]*)"', _part(book, first))
            words = [f"#sheet {name}" for name in sheets]
            # texts are numbered as they are met: those of the titles come first
            for name in ("xl/sharedStrings.xml", "xl/worksheets/sheet1.xml", "content.xml"):
                if name in parts:
                    words += _STRINGS.findall(_part(book, name))[:400]
        return words
    import xlrd

    content = gzip.decompress(path.read_bytes()) if path.suffix.lower() == ".gz" else path.read_bytes()
    book = xlrd.open_workbook(file_contents=content, on_demand=True, logfile=io.StringIO())
    words = [f"#sheet {name}" for name in book.sheet_names()]
    # the first sheet is short, and says the year
    sheet = book.sheet_by_index(0)
    words += [str(cell) for row in range(min(sheet.nrows, 15)) for cell in sheet.row_values(row)]
    return words


def _part(book: zipfile.ZipFile, name: str) -> str:
    """Return the beginning of a part of a workbook."""
    with book.open(name) as part:
        return html.unescape(part.read(_HEAD_BYTES).decode("utf-8", "ignore"))


def _codes_of(path: Path) -> Counter[str]:
    """Return the commune codes of a table or of shapes, none where they cannot be told at once."""
    name = path.name.lower()
    if name.endswith((".geojson", ".json", "json.gz")) and path.stat().st_size <= _MOST_BYTES:
        with open_bytes(path) as file:
            found = _SHAPE_CODE.findall(file.read(_MOST_JSON_BYTES))
        return _codes(code.decode() for code in found)
    if not name.endswith((".csv", ".txt", ".csv.gz")) or path.stat().st_size > _MOST_BYTES:
        return Counter()
    with open_bytes(path) as file:
        text = _decoded(file.read(), path)
    lines = text.splitlines()
    separator = guess_separator("\n".join(lines[:60]), path, skips=True)
    rows = csv.reader(lines, delimiter=separator)
    for titles in rows:
        places = [n for n, title in enumerate(titles) if _CODES.fullmatch(title.strip().casefold())]
        if places:
            # cutting a plain text at its separators, up to the codes, is several times faster
            last, left = max(places) + 1, lines[rows.line_num :]
            kept = list(rows) if '"' in text else [line.split(separator, last)[:last] for line in left]
            # of « DEPCOM; COM », the one that holds codes
            columns = ([row[place] for row in kept if len(row) > place] for place in places)
            return max((_codes(column) for column in columns), key=len)
    return Counter()


def _codes(cells: Iterable[str]) -> Counter[str]:
    """Return the cells that are commune codes, and how many times each is there."""
    found: Counter[str] = Counter()
    for cell, count in Counter(cells).items():
        if code := _code_of(cell):
            found[code] += count
    return found


# the files of a folder have the same codes
@lru_cache(maxsize=1 << 17)
def _code_of(cell: str) -> str:
    """Return the commune code that a cell holds, nothing where it is none."""
    # overseas, the départements of FINESS: 9B201 is 97201
    code = commune_of(cell[:2], cell[2:]) if _OF_FINESS.fullmatch(cell) else cell
    code = code if _FULL.fullmatch(code) else pad_code(code)
    return code if _FULL.fullmatch(code) else ""


def _vintage(slot: Slot, reader: Reader, path: Path, words: Sequence[str]) -> str:
    """Return the vintage that titles say, or else the first lines, the name of the file or those of its folders."""
    named = " ".join(path.with_suffix("").parts[-3:])
    if slot.by_vintage:
        said = re.findall(r"référence statistique : 1er janvier (\d{4})", " ".join(words))
        said = said or re.findall(r"rp((?:19|20)\d{2})", named)
        return f"rp{said[-1]}" if said else ""
    if slot.table == "sites" and (found := _RELEASED.search(f"{' '.join(words)} {path.name}")):
        return f"{found[1]}-{found[2]}"
    own = [word for word in words if re.fullmatch("|".join(reader.titles), word.casefold())]
    others = [word for word in words if not _FULL.fullmatch(word)]
    for text in (" ".join(own), path.stem, " ".join(others), named):
        if years := YEAR.findall(re.sub(r"[a-zA-Z_](?=(?:19|20)\d{2})", " ", text)):
            return str(max(years))
    return ""


def _is_shapefile(path: Path) -> bool:
    """Tell whether an archive holds a layer of shapes, which is read as it is."""
    with suppress(zipfile.BadZipFile, OSError):
        return any(name.lower().endswith((".shp", ".gpkg")) for name in zipfile.ZipFile(path).namelist())
    return False


def _in_archive(path: Path) -> Found | None:
    """Return the first file of an archive that is recognised, by its titles."""
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.lower().endswith((".csv", ".txt")):
                with archive.open(name) as file:
                    words = _text_words(file.read(_HEAD_BYTES), path)
                with archive.open(name) as file:
                    matching = _with_types(matching_readers(words), file)
                if matching:
                    slots, reader = tuple(slot for slot, _ in matching), matching[0][1]
                    vintage = _vintage(slots[0], reader, path, words)
                    return Found(Path(name), slots, reader, vintage, archive=path)
    return None
