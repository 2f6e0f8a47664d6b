"""Reading a study file: every problem at once, each with its line."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from territory.errors import MissingFileError, Problems, StudyError
from territory.study.known import Location
from territory.study.own_tables import OwnTables
from territory.study.raw_study import key_lines, line_of, migrate, paths_outside, readable
from territory.study.words.model import Study

# what pydantic says, in the planner's language; {ctx} values come from pydantic
_MESSAGES = {
    "missing": "clé obligatoire absente",
    "greater_than_equal": "doit être au moins {ge:g} (reçu : {input})",
    "greater_than": "doit être plus grand que {gt:g} (reçu : {input})",
    "less_than_equal": "doit être au plus {le:g} (reçu : {input})",
    "less_than": "doit être plus petit que {lt:g} (reçu : {input})",
    "string_pattern_mismatch": "« {input} » n'a pas la forme attendue",
    "string_type": "du texte entre guillemets est attendu (reçu : {input})",
    "float_type": "un nombre est attendu (reçu : {input})",
    "float_parsing": "un nombre est attendu (reçu : {input})",
    "int_type": "un nombre entier est attendu (reçu : {input})",
    "int_parsing": "un nombre entier est attendu (reçu : {input})",
    "bool_parsing": "true ou false est attendu (reçu : {input})",
    "literal_error": "« {input} » n'est pas permis ; valeurs possibles : {expected}",
    "union_tag_invalid": "type de changement inconnu « {tag} » ; types possibles : {expected_tags}",
    "union_tag_not_found": "la clé « type » du changement est absente",
    "too_short": "au moins {min_length} élément attendu",
    "tuple_type": "une liste entre crochets est attendue (reçu : {input})",
    "model_type": "une table est attendue (reçu : {input})",
    "value_error": "{error}",
}


def built_in_studies() -> list[str]:
    """List the names of the studies that come with the library.

    Examples
    --------
    >>> "draguignan" in built_in_studies()
    True
    """
    folder = resources.files("territory.datasets") / "studies"
    return sorted(
        entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")
    )


def load_study(name_or_path: str | Path) -> Study:
    """Read and check a study.

    Parameters
    ----------
    name_or_path
        Name of a built-in study (`draguignan`), or path of a TOML file.

    Returns
    -------
    Study
        Validated: no unknown key, every commune, site and authorisation it names exists, every file it
        names is there.

    Raises
    ------
    MissingFileError
        If no built-in study has this name and no file is there.
    StudyError
        With every problem of the file, its line and what to do.

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
    return parse_bytes(path.read_bytes(), path)


def parse_bytes(content: bytes, path: Path) -> Study:
    """Return the study that a file holds, or would hold."""
    subject = f"Fichier d'étude « {path.name} »"
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise StudyError(
            f"{subject} : l'octet {error.start + 1} n'est pas de l'UTF-8 ; enregistrez le fichier en UTF-8."
        ) from error
    return parse_study(text, subject=subject, folder=path.resolve().parent)


def built_in_text(name: str) -> str:
    """Return the text of a built-in study."""
    return (resources.files("territory.datasets") / "studies" / f"{name}.toml").read_text("utf-8")


def parse_study(text: str, *, subject: str, folder: Path) -> Study:
    """Return the study of a TOML text, or one error with all its problems."""
    from territory.study.references import check_references

    problems = Problems(subject, StudyError)
    try:
        raw = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise StudyError(f"{subject} : ce n'est pas du TOML valide ({error}).") from error
    lines = key_lines(text)
    try:
        raw = migrate(raw)
    except StudyError as error:
        raise StudyError(f"{subject} : {_at(lines, ('schema_version',))}{error}") from error
    # nothing that the file names is opened before it is known to be beside it
    for location, message in paths_outside(raw):
        problems.add(_at(lines, location) + message)
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
        for location, message in check_references(read, tables):
            problems.add(_at(lines, location) + message)
    problems.raise_if_any()
    if study is None:
        raise AssertionError("a study that did not validate always has a problem to report")
    return study.as_read(lines, tables)


def _explain(detail: ErrorDetails, lines: dict[Location, int]) -> str:
    """Turn one pydantic error into a French line with its place."""
    # tags of unions stand in the location but not in the file
    location = tuple(part for part in detail["loc"] if part not in _tags())
    key = ".".join(str(part) for part in location)
    if detail["type"] == "extra_forbidden":
        return f"{_at(lines, location)}clé inconnue « {location[-1]} »{_suggestion(str(location[-1]))}"
    context = {**detail.get("ctx", {}), "input": detail.get("input")}
    message = _MESSAGES.get(detail["type"], detail["msg"])
    try:
        said = message.format(**context)
    except (KeyError, ValueError, IndexError):
        said = detail["msg"]
    return f"{_at(lines, location)}{key} : {said}" if key else f"{_at(lines, location)}{said}"


def _at(lines: dict[Location, int], location: Location) -> str:
    """Return « ligne N : » when the place is known."""
    number = line_of(lines, location)
    return f"ligne {number} : " if number else ""


def _suggestion(wrong: str) -> str:
    """Return the known key that a wrong one looks like."""
    close = difflib.get_close_matches(wrong, sorted(set(_known_keys(Study.model_json_schema()))), n=1)
    return f" (vouliez-vous dire « {close[0]} » ?)" if close else ""


def _known_keys(schema: Any) -> Iterator[str]:
    """Yield every key that a study file may hold."""
    for definition in (schema, *schema.get("$defs", {}).values()):
        yield from definition.get("properties", {})


def _tags() -> set[str]:
    """Return the names of change types, which pydantic adds to the location of their errors."""
    definitions = Study.model_json_schema()["$defs"].values()
    return {d["properties"]["type"]["const"] for d in definitions if "type" in d.get("properties", {})}
