"""Reading a study file: its version, the line of each key, what can be read of it, every problem at once."""

import copy
import difflib
import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from territory import __version__
from territory.errors import MissingFileError, Problems, StudyError, TerritoryWarning, warn_deprecated
from territory.geography.communes import plain
from territory.study.own_tables import FAULTS, Findings, Location, OwnTables, in_words, line_of
from territory.study.words.model import Study
from territory.tables.declare import lines_of


def built_in_studies() -> list[str]:
    """List the names of the studies that come with the library."""
    folder = resources.files("territory.datasets") / "studies"
    names = (entry.name for entry in folder.iterdir())
    return sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml"))


def load_study(name_or_path: str | Path, *, whole: bool = True) -> Study:
    """Read and check a study: no unknown key, and every commune, site, authorisation and file it names exists.

    Parameters
    ----------
    name_or_path
        Name of a built-in study (`draguignan`), or path of a TOML file.
    whole
        Read the official files of `[data]` to their end, rather than their first lines when the study names nothing of
        them.

    Raises
    ------
    MissingFileError, StudyError
        If there is none; with every problem of the file, its line and what to do.

    Examples
    --------
    >>> load_study("draguignan").title
    'La plateforme de Draguignan (PRISME)'
    """
    name = str(name_or_path)
    if name in built_in_studies():
        return parse_study(built_in_text(name), subject=f"Étude intégrée « {name} »", folder=Path())
    path = Path(name_or_path)
    if not path.is_file():
        raise MissingFileError(
            f"Étude introuvable : « {name} » n'est ni un fichier ni une étude intégrée "
            f"({', '.join(built_in_studies())}). Indiquez le chemin d'un fichier .toml."
        )
    return parse_bytes(path.read_bytes(), path, whole=whole)


def parse_bytes(content: bytes, path: Path, *, whole: bool = True) -> Study:
    """Return the study that a file holds, or would hold."""
    subject = f"Fichier d'étude « {path.name} »"
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        said = content.splitlines()[line - 1].decode("cp1252", "replace").strip()
        said = f"« {said[:60]} » n'est pas de l'UTF-8 (Latin-1 ?)"
        raise StudyError(f"{subject} : ligne {line} : {said} ; enregistrez le fichier en UTF-8.") from error
    return parse_study(text, subject=subject, folder=path.resolve().parent, whole=whole)


def built_in_text(name: str) -> str:
    """Return the text of a built-in study."""
    return (resources.files("territory.datasets") / "studies" / f"{name}.toml").read_text("utf-8")


def parse_study(text: str, *, subject: str, folder: Path, whole: bool = True) -> Study:
    """Return the study of a TOML text, or one error with all its problems."""
    from territory.study.references import check_references

    problems = Problems(subject, StudyError)
    try:
        raw = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        for message in slips_of(text):
            problems.add(message)
        if not problems:
            number = re.search(r"line (\d+)", str(error))
            where = f"ligne {number[1]} : " if number else ""
            problems.add(f"{where}ce n'est pas du TOML valide ({error})")
        problems.raise_if_any()
        raise AssertionError("a text that is no TOML always has a problem to report") from error
    lines = key_lines(text)
    try:
        raw = migrate(raw)
    except StudyError as error:
        raise StudyError(f"{subject} : {line_of(lines, ('schema_version',))}{error}") from error
    # nothing that the file names is opened before it is known to be beside it
    for location, message in [*paths_outside(raw), *_undrawable(raw)]:
        problems.add(line_of(lines, location) + message)
    problems.raise_if_any()
    study: Study | None = None
    raw.pop("folder", None)
    try:
        study = Study.model_validate({**raw, "folder": str(folder)})
    except ValidationError as error:
        for detail in error.errors():
            problems.add(_explain(detail, lines))
    tables = OwnTables(folder)
    read = study or readable(Study, raw)
    # without a territory, which is reported with the shape of the file, there is nothing to hold the rest against
    if read.territory and read.territory.departement_codes:
        for location, message in check_references(read, tables, whole=whole):
            problems.add(line_of(lines, location) + message)
    problems.raise_if_any()
    if study is None:
        raise AssertionError("a study that did not validate always has a problem to report")
    return study.as_read(lines, tables)


def _explain(detail: ErrorDetails, lines: dict[Location, int]) -> str:
    """Turn one pydantic error into a French line with its place."""
    location = tuple(part for part in detail["loc"] if part not in _tags())
    key = ".".join(str(part) for part in location)
    if detail["type"] == "extra_forbidden":
        return f"{line_of(lines, location)}clé inconnue « {location[-1]} »{_suggestion(str(location[-1]))}"
    said = in_words(detail)
    return f"{line_of(lines, location)}{key} : {said}" if key else f"{line_of(lines, location)}{said}"


@cache
def _tags() -> frozenset[str]:
    """Return the tags of unions, the kinds of changes: they stand in the location of an error but not in the file."""
    properties = (one.get("properties", {}) for one in Study.model_json_schema()["$defs"].values())
    return frozenset(keys["type"]["const"] for keys in properties if "type" in keys)


# what is typed for TOML, and the mend; a line is one of these when it is no TOML by itself, and the mend is
_KEYED = r"^(\s*[\w\".-]+\s*=\s*)"
_SLIPS = (
    (rf"{_KEYED}([+-]?\d+),(\d+)\s*(?:#.*)?$", r"\1\2.\3", "les décimales s'écrivent avec un point"),
    (rf"{_KEYED}[«“]\s*([^»”\"]*?)\s*[»”]\s*$", r'\1"\2"', "les guillemets sont droits"),
    (rf"{_KEYED}\"([^\"]*\\[^\"]*)\"\s*$", r"\1'\2'", "un texte à barres inverses se met entre apostrophes"),
    (rf"{_KEYED}\"([^\"]*)$", r'\1"\2"', "il manque le guillemet de fin"),
    (rf"{_KEYED}([^\"'\[{{#\s][^\"'\[{{#]*?)\"?\s*$", r'\1"\2"', "un texte se met entre guillemets droits"),
    (r"^(\s*[\w-]+)\s*:\s*(.+)$", r"\1 = \2", "une clé et sa valeur sont séparées par ="),
)


def slips_of(text: str) -> Iterator[str]:
    """Yield each line of a text that is no TOML for a reason that planners meet, with its mend."""
    for number, line in enumerate(text.splitlines(), start=1):
        if _is_toml(line):
            continue
        for pattern, mend, said in _SLIPS:
            mended = re.sub(pattern, mend, line)
            if mended != line and _is_toml(mended):
                yield f"ligne {number} : {said} ; écrivez : {mended.strip()}"
                break


def _is_toml(line: str) -> bool:
    """Tell whether a line is TOML by itself."""
    try:
        tomllib.loads(line)
    except (tomllib.TOMLDecodeError, RecursionError):
        return False
    return True


def _suggestion(wrong: str) -> str:
    """Return the known key that a wrong one looks like."""
    schema = Study.model_json_schema()
    known = {key for one in (schema, *schema["$defs"].values()) for key in one.get("properties", {})}
    french = FAULTS["synonyms"].get(plain(wrong))
    close = [french] if french in known else difflib.get_close_matches(wrong, sorted(known), n=1)
    return f" (vouliez-vous dire « {close[0]} » ?)" if close else ""


Model = TypeVar("Model", bound=BaseModel)

_HEADER = re.compile(r"^\s*(\[\[?)\s*([A-Za-z0-9_.\-\" ]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"^\s*([A-Za-z0-9_\-]+|\"[^\"]+\")\s*=")

# a root, a share of Windows, a disk, an address, a step up: none is a place beside the study file
_LEAVES = re.compile(r"\A(?:[/\\]|[a-z]:\S|file:)|(?:\A|[/\\])\.\.(?:[/\\]|\Z)", re.IGNORECASE)
# keys that name a file beside the study; official files of [data] may lie anywhere, on a shared drive for instance
_PATH_KEYS = {line["key"].rpartition(".")[2] for line in lines_of("files.csv", "territory.study")}


@dataclass(frozen=True)
class Step:
    """How the content of a file becomes that of the next version, and the release that no longer does it."""

    # it is given a copy, and leaves `schema_version` to `migrate`
    change: Callable[[dict[str, Any]], dict[str, Any]]
    removed_in: str


# by the version that a step starts from; there has been one version so far
STEPS: dict[int, Step] = {}


def migrate(raw: dict[str, Any], *, steps: Mapping[int, Step] = STEPS) -> dict[str, Any]:
    """Return the content of a study file in the form of today."""
    version, newest = raw.get("schema_version", 1), 1 + len(steps)
    # what is not a version at all is refused with the other keys, in their words
    if not isinstance(version, int) or isinstance(version, bool) or version < 1 or version == newest:
        return raw
    if version > newest:
        said = f"schema_version {version} : ce fichier vient d'une version plus récente de territory"
        read = f"territory {__version__} lit les fichiers jusqu'à schema_version {newest}"
        advice = "Mettez territory à jour, ou demandez à qui l'a écrit une copie pour cette version."
        raise StudyError(f"{said} ; {read}. {advice}")
    moved = copy.deepcopy(raw)
    for number in range(version, newest):
        moved = {**steps[number].change(moved), "schema_version": number + 1}
    old, until = f"Fichier d'étude, schema_version = {version}", steps[version].removed_in
    instead = f"schema_version = {newest}, avec les clés de docs/guide/fichier-d-etude.md"
    warn_deprecated(old, instead=instead, removed_in=until, category=TerritoryWarning)
    return moved


def key_lines(text: str) -> dict[Location, int]:
    """Map each table and key of a TOML text to its line number, counted from 1."""
    lines: dict[Location, int] = {}
    counts: dict[Location, int] = {}
    table: Location = ()
    in_string = False
    for number, line in enumerate(text.splitlines(), start=1):
        # keys are not looked for inside a multi-line string
        if in_string or line.count('"""') % 2:
            in_string = in_string != bool(line.count('"""') % 2)
            if not in_string or line.count('"""') == 0:
                continue
        if header := _HEADER.match(line):
            table = _open_table(header[2].split("."), counts, is_array=header[1] == "[[")
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            lines[(*table, key[1].strip('"'))] = number
    return lines


def _open_table(names: list[str], counts: dict[Location, int], *, is_array: bool) -> Location:
    """Return the path of a table header, numbering the items of arrays of tables."""
    path: Location = ()
    for depth, name in enumerate(part.strip().strip('"') for part in names):
        path = (*path, name)
        last = depth == len(names) - 1
        if last and is_array:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def paths_outside(raw: Any, place: Location = ()) -> Findings:
    """Yield each file of a raw study that is outside its folder, those of `[data]` left aside."""
    for where, text in _texts(raw, place):
        # the file itself, or one of a list of files
        if _PATH_KEYS.intersection(where[-2:]) and where[0] != "data" and _LEAVES.search(text):
            yield (
                where,
                f"« {text[:80]} » est hors du dossier de l'étude : placez le fichier dans ce dossier (ou un raccourci "
                "qui y mène), et donnez son chemin à partir du fichier d'étude, sans « .. »",
            )


def _undrawable(raw: Any) -> Findings:
    """Yield each text that holds a character which no page can show: a control, or one that is none."""
    for where, text in _texts(raw):
        wrong = {c for c in text if c not in "\n\t" and unicodedata.category(c) in ("Cc", "Cn", "Co", "Cs")}
        if wrong:
            named = ", ".join(f"U+{ord(character):04X}" for character in sorted(wrong))
            yield where, f"caractère que l'on ne peut pas imprimer ({named}) : retirez-le"


def _texts(raw: Any, place: Location = ()) -> Iterator[tuple[Location, str]]:
    """Yield the texts of a raw study, with their place."""
    if isinstance(raw, str):
        yield place, raw
    elif isinstance(raw, dict | list | tuple):
        items: Any = raw.items() if isinstance(raw, dict) else enumerate(raw)
        for key, value in items:
            yield from _texts(value, (*place, key))


def readable(model: type[Model], raw: Any) -> Model:
    """Return what a table of the file says, its wrong keys left out: None, or their default, stands for them."""
    table = raw if isinstance(raw, dict) else {}
    try:
        return model.model_validate(table)
    except (ValidationError, RecursionError):
        values = {name: _readable_value(field, name, table) for name, field in model.model_fields.items()}
        return model.model_construct(**values)


def _readable_value(field: FieldInfo, key: str, table: dict[str, Any]) -> Any:
    """Return the value of one key, what stands for it when it is absent or wrong."""
    if key not in table:
        return _blank(field)
    annotation, value = field.annotation, table[key]
    models = _models_in(annotation)
    if models and isinstance(value, list | tuple):
        return tuple(readable(_model_of(models, item), item) for item in value)
    if models and isinstance(value, dict):
        return readable(_model_of(models, value), value)
    alone: Any = Annotated[annotation, *field.metadata] if field.metadata else annotation
    try:
        return TypeAdapter(alone).validate_python(value)
    except ValidationError:
        return _blank(field)


def _blank(field: FieldInfo) -> Any:
    """Return what stands for a key that is absent or wrong."""
    if not field.is_required():
        return field.get_default(call_default_factory=True)
    return () if get_origin(field.annotation) is tuple else None


def _models_in(annotation: Any) -> tuple[type[BaseModel], ...]:
    """Return the tables that an annotation names, however deep."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return (annotation,)
    return tuple(model for part in get_args(annotation) for model in _models_in(part))


def _model_of(models: Sequence[type[BaseModel]], item: Any) -> type[BaseModel]:
    """Return the one of some tables that an item says it is, what they have in common when it does not."""
    kind = item.get("type") if isinstance(item, dict) else None
    for model in models:
        if len(models) == 1 or model.model_fields["type"].default == kind:
            return model
    return next(base for base in models[0].__mro__[1:] if all(issubclass(model, base) for model in models))
