"""A study file before it is validated: its version, the line of each key, its paths, what can be read of it."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from territory import __version__
from territory.deprecation import warn_deprecated
from territory.errors import StudyError, TerritoryWarning
from territory.study.known import Finding, Location

Model = TypeVar("Model", bound=BaseModel)

_HEADER = re.compile(r"^\s*(\[\[?)\s*([A-Za-z0-9_.\-\" ]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"^\s*([A-Za-z0-9_\-]+|\"[^\"]+\")\s*=")

# a root, a share of Windows, a disk, an address: none is a place beside the study file
_ELSEWHERE = re.compile(r"[/\\]|[A-Za-z]:\S|file:", re.IGNORECASE)
# sentences are longer than any path that is worth refusing
_LONGEST_PATH = 1000


@dataclass(frozen=True)
class Step:
    """How the content of a file becomes that of the next version, and the release that no longer does it.

    `change` is given a copy, and leaves `schema_version` to `migrate`.
    """

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
        raise StudyError(
            f"schema_version {version} : ce fichier vient d'une version plus récente de territory ; territory "
            f"{__version__} lit les fichiers jusqu'à schema_version {newest}. Mettez territory à jour, ou demandez à "
            "qui l'a écrit une copie pour cette version."
        )
    moved = copy.deepcopy(raw)
    for number in range(version, newest):
        moved = {**steps[number].change(moved), "schema_version": number + 1}
    warn_deprecated(
        f"Fichier d'étude, schema_version = {version}",
        instead=f"schema_version = {newest}, avec les clés de docs/guide/fichier-d-etude.md",
        removed_in=steps[version].removed_in,
        category=TerritoryWarning,
    )
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


def line_of(lines: dict[Location, int], location: Sequence[str | int]) -> int | None:
    """Return the line of a location, or of its nearest parent that stands in the file."""
    path = tuple(location)
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return None


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


def paths_outside(raw: Any, place: Location = ()) -> Iterator[Finding]:
    """Yield each text of a raw study that, read as a path, leaves the folder of the study."""
    if isinstance(raw, dict):
        for key, value in raw.items():
            yield from paths_outside(value, (*place, str(key)))
    elif isinstance(raw, list | tuple):
        for number, value in enumerate(raw):
            yield from paths_outside(value, (*place, number))
    elif isinstance(raw, str) and _leaves(raw):
        yield (
            place,
            f"« {raw[:80]} » est hors du dossier de l'étude : placez le fichier dans ce dossier (ou un raccourci qui y "
            "mène), et donnez son chemin à partir du fichier d'étude, sans « .. »",
        )


def _leaves(text: str) -> bool:
    """Say whether a text is a path that leaves its folder."""
    if len(text) > _LONGEST_PATH:
        return False
    return bool(_ELSEWHERE.match(text)) or ".." in re.split(r"[/\\]", text)


def readable(model: type[Model], raw: Any) -> Model:
    """Return what a table of the file says, its wrong keys left out: None, or their default, stands for them."""
    table = raw if isinstance(raw, dict) else {}
    try:
        return model.model_validate(table)
    except (ValidationError, RecursionError):
        fields = model.model_fields.items()
        values = {
            name: _readable_value(field, table[name]) if name in table else _blank(field)
            for name, field in fields
        }
        return model.model_construct(**values)


def _readable_value(field: FieldInfo, value: Any) -> Any:
    """Return the value of one key, what stands for it when it is wrong."""
    models = _models_in(field.annotation)
    if models and isinstance(value, list | tuple):
        return tuple(readable(_model_of(models, item), item) for item in value)
    if models and isinstance(value, dict):
        return readable(_model_of(models, value), value)
    try:
        return _adapter(field.annotation, tuple(field.metadata)).validate_python(value)
    except ValidationError:
        return _blank(field)


def _blank(field: FieldInfo) -> Any:
    """Return what stands for a key that is absent or wrong."""
    if not field.is_required():
        return field.get_default(call_default_factory=True)
    return () if get_origin(field.annotation) is tuple else None


def _adapter(annotation: Any, metadata: tuple[Any, ...]) -> TypeAdapter[Any]:
    """Return what validates one key alone."""
    return TypeAdapter(Annotated[annotation, *metadata] if metadata else annotation)


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
