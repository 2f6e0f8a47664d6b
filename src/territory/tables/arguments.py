"""What public functions accept: tables of other libraries become pandas ones, a wrong type is refused in words.

What a function expects is what its annotations say, as they are written: nothing is imported to read them.
"""

import functools
import inspect
import math
import os
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ParamSpec, TypeVar

import pandas as pd

from territory.errors import Problems, SchemaError, WrongTypeError, counted, examples
from territory.tables.declare import CODES
from territory.tables.schemas import (
    AS_NUMBERS,
    NOTHING,
    as_declared,
    as_numbers,
    explain_column,
    flag,
    number,
    said,
)

P = ParamSpec("P")
R = TypeVar("R")

# names that stand for other types in annotations; « ... » is what may come in a row, without codes
_ALIASES = {
    "Times": "pd.DataFrame | Sequence[Part]",
    "Readable": "StudyResult | Release",
    "Floats": "ArrayLike",
    "Bools": "ArrayLike",
    "Values": "pd.Series[float, ...]",
    "Labels": "pd.Series[str, ...]",
}
_SEVERAL = frozenset({"Iterable", "Sequence", "Collection", "tuple", "Index"})
_CALLED = frozenset({"Callable", "Decay", "Mapper", "Progress"})


def accepting(function: Callable[P, R]) -> Callable[P, R]:
    """Return a function that takes all that its annotations can mean, and refuses the rest in words."""
    signature, called = inspect.signature(function), function.__name__

    @functools.wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        bound, problems = _bound(called, signature, args, kwargs), Problems(f"{called}()", WrongTypeError)
        given, found = bound.arguments, dict(bound.arguments)
        for name, value in given.items():
            parameter = signature.parameters[name]
            if value is not parameter.default and parameter.kind is not parameter.VAR_KEYWORD:
                try:
                    found[name] = _accepted(value, _written(parameter.annotation), name, parameter.default)
                except SchemaError as refusal:
                    problems.add(f"{name} : {refusal}")
        if not problems:
            _align(given, found, problems)
        if len(problems.messages) == 1:
            raise WrongTypeError(f"{called}(), {problems.messages[0]}")
        problems.raise_if_any()
        bound.arguments.update(found)
        try:
            return function(*bound.args, **bound.kwargs)
        except KeyError as error:
            explain_column(error, found)
            raise

    return checked


def _bound(
    called: str, signature: inspect.Signature, args: Any, options: dict[str, Any]
) -> inspect.BoundArguments:
    """Return the arguments by name; raise if one is missing, or is none of the function's."""
    try:
        return signature.bind(*args, **options)
    except TypeError:
        known = [name for name in signature.parameters if name != "self"]
        needed = [name for name in known if signature.parameters[name].default is signature.empty]
        in_a_row = max(len(args) - ("self" in signature.parameters), 0)
        missing = [name for name in needed[in_a_row:] if name not in options]
        problems = [f"argument inconnu « {name} »" for name in options if name not in known]
        problems += [f"il manque {', '.join(missing)}"] if missing else []
        said = f"{called}() : {' ; '.join(problems) or 'arguments en trop'}. Arguments"
        raise WrongTypeError(f"{said} : {', '.join(known) or 'aucun'}.") from None


def _written(annotation: Any) -> str:
    """Return an annotation as text, whether its module keeps them so or not."""
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return "ArrayLike" if "_SupportsArray" in text else text


@functools.cache
def _kinds(annotation: str) -> tuple[tuple[str, str], ...]:
    """Return the types that an annotation says, one by one: its name without its room, and what it holds."""
    found, depth = [""], 0
    for letter in annotation:
        depth += (letter in "[(") - (letter in "])")
        found = [*found, ""] if letter == "|" and not depth else [*found[:-1], found[-1] + letter]
    kinds: list[tuple[str, str]] = []
    for kind in map(str.strip, found):
        head, _, inside = kind.partition("[")
        own = (head.rpartition(".")[2].replace("GeoSeries", "GeoDataFrame"), inside.removesuffix("]"))
        kinds += _kinds(_ALIASES[kind]) if kind in _ALIASES else [own]
    return tuple(kinds)


def _accepted(value: Any, annotation: str, name: str, default: Any) -> Any:
    """Return what an argument means; raise if it means nothing that the function expects."""
    kinds = _kinds(annotation)
    heads = [head for head, _ in kinds]
    if "_empty" in annotation or "Any" in heads or (value is None and "None" in heads):
        return value
    refusals = []
    for head, inside in kinds:
        try:
            found = _read(value, head, inside)
            is_nan = head == "float" and found is not NOTHING and math.isnan(found)
            if is_nan and not (isinstance(default, float) and math.isnan(default)):
                raise SchemaError("un nombre est attendu, pas NaN (une valeur inconnue).")
            if head in ("DataFrame", "GeoDataFrame") and found is not NOTHING:
                found = as_declared(found, name)
        except SchemaError as refusal:
            refusals.append(str(refusal))
            continue
        if found is not NOTHING:
            return found
    expected = " ou ".join(dict.fromkeys(_expected(*kind, name) for kind in kinds if kind[0] != "None"))
    raise SchemaError(refusals[0] if refusals else f"{expected} (attendu), pas {said(value)}.")


def _read(value: Any, head: str, inside: str = "") -> Any:
    """Return a value as one kind, or nothing where it is no such thing."""
    if head in _READERS:
        return _READERS[head](value)
    if head == "Series":
        return _series(value, inside)
    if head == "Mapping":
        return _mapping(value, inside)
    if head in _SEVERAL:
        return _items(value, head, inside)
    if head == "Literal":
        return value if isinstance(value, str) and repr(value) in inside else NOTHING
    if head in _CALLED:
        return value if callable(value) and (value is map or not isinstance(value, type)) else NOTHING
    return value if any(base.__name__ == head for base in type(value).__mro__) else NOTHING


def _integer(value: Any) -> Any:
    is_whole = number(value) is not NOTHING and math.isfinite(value) and value == int(value)
    return int(value) if is_whole else NOTHING


def _frame(value: Any) -> Any:
    """Return a table as a pandas one, in its order and with its index."""
    if isinstance(value, pd.DataFrame):
        return value
    if isinstance(value, type):
        return NOTHING
    if isinstance(value, Mapping):
        sizes = {len(column) if _is_list(column) else -1 for column in value.values()}
        return pd.DataFrame(dict(value)) if len(sizes) == 1 and -1 not in sizes else NOTHING
    if hasattr(value, "collect") and hasattr(value, "collect_schema"):
        value = value.collect()
    if hasattr(value, "__arrow_c_stream__") and hasattr(value, "columns"):
        import pyarrow as pa

        # polars, Arrow, DuckDB; what pandas wrote in an Arrow table brings its index back
        return pa.table(value).to_pandas()
    return value.to_pandas() if hasattr(value, "to_pandas") and hasattr(value, "columns") else NOTHING


def as_frame(value: Any) -> pd.DataFrame | None:
    """Return a table of any library as a pandas one, None for anything else."""
    return None if (found := _frame(value)) is NOTHING else found


def _geoframe(value: Any) -> Any:
    import geopandas as gpd

    if isinstance(value, gpd.GeoSeries):
        return gpd.GeoDataFrame(geometry=value)
    if isinstance(value, gpd.GeoDataFrame):
        return value if value.active_geometry_name is not None else NOTHING
    return gpd.GeoDataFrame.from_arrow(value) if "geoarrow" in str(getattr(value, "schema", "")) else NOTHING


def _series(value: Any, inside: str) -> Any:
    """Return values by code; a list alone does not say whose they are, unless places are enough."""
    found = value
    if isinstance(value, Mapping) and not any(map(_is_list, value.values())):
        found = pd.Series(dict(value), dtype=None if value else object)
    elif not isinstance(value, pd.Series):
        found = _frame(value)
        if found is not NOTHING and found.shape[1] == 2 and isinstance(found.index, pd.RangeIndex):
            found = found.set_index(found.columns[0])
        if found is not NOTHING:
            found = found.iloc[:, 0] if found.shape[1] == 1 else NOTHING
        elif inside.endswith("...") and _is_list(value):
            found = pd.Series(_listed(value))
    if found is NOTHING:
        return NOTHING
    if found.index.has_duplicates:
        raise SchemaError(f"{counted(found.index[found.index.duplicated()].unique(), 'code(s) en double')}.")
    return as_numbers(found) if inside.startswith("float") else found


def _items(value: Any, head: str, inside: str) -> Any:
    """Return a list of texts, of numbers or of objects; one text or number alone is a list of one."""
    kind = inside.partition(",")[0].strip()
    if kind in _READERS and _READERS[kind](value) is not NOTHING:
        value = [value]
    if not _is_list(value) or hasattr(value, "nlevels"):
        # an index keeps its type, and what it holds is looked at with what it is compared to
        return value if hasattr(value, "nlevels") else NOTHING
    listed = _listed(value)
    if kind.startswith("tuple"):
        wrong = [one for one in listed if not _is_list(one) or len(list(one)) != 2]
    elif kind == "str":
        wrong = [one for one in listed if not isinstance(one, str)]
        if wrong and all(number(one) is not NOTHING for one in wrong):
            raise SchemaError(f"{examples(wrong)} : {AS_NUMBERS}")
    else:
        parts = _kinds("DataFrame" if kind == "Part" else kind)
        is_free = kind in ("", "Any")
        wrong = [
            one
            for one in listed
            if all(_read(one, *part) is NOTHING for part in parts)
            and not (is_free or (kind == "Part" and callable(one)))
        ]
    if wrong:
        raise SchemaError(f"{_expected(head, inside, '')} est attendue, pas {said(wrong[0])}.")
    return pd.Index(listed) if head == "Index" else tuple(listed) if head == "tuple" else listed


def _array(value: Any) -> Any:
    """Return a number, or numbers in a row."""
    import numpy as np

    if number(value) is not NOTHING or flag(value) is not NOTHING:
        return value
    if not _is_list(value):
        return NOTHING
    if not hasattr(value, "reshape") and not hasattr(value, "reindex"):
        listed = _listed(value)
        value = np.asarray(listed if not any(map(_is_list, listed)) else [None])
    if getattr(value.dtype, "kind", "O") not in "biuf":
        raise SchemaError("des nombres en une seule suite sont attendus.")
    return value


def _mapping(value: Any, inside: str) -> Any:
    if hasattr(value, "to_dict") and hasattr(value, "index") and not hasattr(value, "columns"):
        value = value.to_dict()
    if not isinstance(value, Mapping):
        return NOTHING
    for kind, held in zip(inside.split(", "), (value, value.values()), strict=False):
        wrong = [one for one in held if kind in _READERS and _READERS[kind](one) is NOTHING]
        if wrong:
            raise SchemaError(f"un dictionnaire de {kind} est attendu, pas {said(wrong[0])}.")
    return value


_READERS: dict[str, Callable[[Any], Any]] = {
    "DataFrame": _frame,
    "GeoDataFrame": _geoframe,
    "float": number,
    "int": _integer,
    "bool": flag,
    "str": lambda value: value if isinstance(value, str) else NOTHING,
    "Path": lambda value: value if isinstance(value, os.PathLike) else NOTHING,
    "ArrayLike": _array,
    "None": lambda value: value if value is None else NOTHING,
}


def _align(given: Mapping[str, Any], found: dict[str, Any], problems: Problems) -> None:
    """Give what came in a row, beside values that have codes, the codes of those."""
    series = [k for k, value in found.items() if hasattr(value, "reindex") and not hasattr(value, "columns")]
    in_a_row = [name for name in series if _is_list(given[name]) and not hasattr(given[name], "reindex")]
    # the first that has codes, or else the first of all
    first = next((found[name] for name in sorted(series, key=in_a_row.__contains__)), None)
    for name in in_a_row:
        if first is not None and len(found[name]) == len(first):
            found[name] = found[name].set_axis(first.index)
        elif first is not None:
            counts = f"{len(found[name])} valeurs pour {len(first)}"
            problems.add(f"{name} : {counts}, il en faut autant, dans le même ordre.")


def _is_list(value: Any) -> bool:
    """Tell whether a value holds several, in order."""
    alone = isinstance(value, (str, bytes, Mapping, type)) or hasattr(value, "columns")
    return isinstance(value, Iterable) and not alone


def _listed(value: Any) -> list[Any]:
    """Return the values of a list, an array, a series of any library or a generator."""
    listed = getattr(value, "to_list", None) or getattr(value, "tolist", None)
    return [one.as_py() if hasattr(one, "as_py") else one for one in (listed() if listed else value)]


def _expected(head: str, inside: str, name: str) -> str:
    """Say in French what a type is."""
    if head == "float":
        return "un nombre de minutes" if name.endswith("_min") else "un nombre"
    if head in _SEVERAL:
        what = {"str": "textes", "float": "nombres", "int": "nombres entiers", "tuple[Hashable": "couples"}
        return f"une liste de {what.get(inside.partition(',')[0], 'tels objets')}"
    if head == "Literal":
        return " ou ".join(re.findall(r"'([^']*)'", inside))
    return CODES["expected"].get(head, f"un objet de type {head}")
