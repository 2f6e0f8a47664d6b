"""The tables that everything exchanges, checked at the border: their pandera schemas come from the declarations."""

import math
import numbers
import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import pandas as pd

from territory.errors import Problems, SchemaError, TerritoryError, UnknownCodeError, counted, examples
from territory.tables.catalogue import COLUMNS, TABLES, column_of, columns_of, label_of, table_of
from territory.tables.declare import CAPACITY_UNITS, CODES, COMMUNE_CODE, DEMAND_KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandera.pandas as pa

    from territory.tables.declare import Column

__all__ = ["CAPACITY_UNITS", "COMMUNE_CODE", "CONTRACT", "DEMAND_KINDS"]
__all__ += ["data_schema", "plain_texts", "schema", "validate"]

AS_NUMBERS = (
    "des codes en texte sont attendus. Un code lu comme un nombre perd son zéro initial (1001 au lieu de 01001), et la "
    "Corse n'en a pas (2A004) : relisez le fichier avec dtype=str, ou écrivez codes.astype(str).str.zfill(5)."
)
# arguments named as the declared table that they are, and columns that are codes
_TABLES = frozenset({"communes", "outlines", "population", "services", "sites"})
_CODES = frozenset({"commune_code", "departement_code", "epci_code"})
NOTHING: Any = object()

FrameT = TypeVar("FrameT", bound="pd.DataFrame")

# tables of one study are small, and there are hundreds: a fifth of the time less with texts as objects than as arrays
# of Arrow, which the tables of a whole country keep
plain_texts = pd.option_context("mode.string_storage", "python")

# tables that are validated when they come in (DESIGN.md, 4)
CONTRACT = (
    *("communes", "outlines", "population", "demand", "sites", "services"),
    *("travel_times", "access", "comparison"),
)


def validate(name: str, frame: FrameT, *, subject: str = "") -> FrameT:
    """Check a table against its schema and return it unchanged."""
    import pandera.errors

    if name not in CONTRACT:
        raise UnknownCodeError(f"Table inconnue « {name} » ; tables connues : {', '.join(CONTRACT)}.")
    label = f"Table « {name} »" + (f" ({subject})" if subject else "")
    problems = Problems(label, SchemaError)
    _check_index(name, frame, problems)
    problems.raise_if_any()
    try:
        schema(name).validate(frame.reset_index() if TABLES[name].keys else frame, lazy=True)
    except pandera.errors.SchemaErrors as error:
        _explain(columns_of(name), error.failure_cases, problems)
    problems.raise_if_any()
    return frame


@cache
def schema(name: str) -> "pa.DataFrameSchema":
    """Return the pandera schema of a table of the contract, whose index is checked as columns."""
    # pandera takes a second to import: never at import of the library
    import pandera.pandas as pa

    nullable, optional = (set(text.split()) for text in (TABLES[name].nullable, TABLES[name].optional))
    columns = {}
    for key, column in columns_of(name).items():
        is_needed, may_lack = key not in optional, key in nullable
        columns[key] = pa.Column(None, _checks(column), nullable=may_lack, required=is_needed)
    return pa.DataFrameSchema(columns, name=name)


def _checks(column: "Column") -> list[Any]:
    """Return the pandera checks of a column, each named by what it asks for."""
    import pandera.pandas as pa

    def is_number(values: pd.Series) -> bool:
        # an index level where everything is unknown has no type of its own
        return values.empty or bool(pd.api.types.is_numeric_dtype(values.dtype))

    def is_flag(values: pd.Series) -> bool:
        return bool(pd.api.types.is_bool_dtype(values.dtype))

    def is_bounded(values: pd.Series) -> pd.Series:
        # text where numbers are expected is reported by is_number alone
        if not is_number(values):
            return pd.Series(True, index=values.index)
        low = -float("inf") if column.minimum is None else column.minimum
        high = float("inf") if column.maximum is None else column.maximum
        return values.between(low, high)

    checks: list[Any] = []
    if column.kind == "number":
        checks += [pa.Check(is_number, error="number"), pa.Check(is_bounded, error="bounds")]
    if column.kind == "flag":
        checks.append(pa.Check(is_flag, error="flag"))
    if column.choices:
        checks.append(pa.Check.isin(column.choices, error="choices"))
    if column.pattern:
        checks.append(pa.Check.str_matches(column.pattern, error="pattern"))
    return checks


def _check_index(name: str, frame: pd.DataFrame, problems: Problems) -> None:
    """Report index levels that are not those of the table, and duplicated keys."""
    expected = TABLES[name].keys.split()
    if not expected:
        return
    if list(frame.index.names) != expected:
        problems.add(f"l'index devrait être ({', '.join(expected)}), il est {tuple(frame.index.names)}")
        return
    duplicated = frame.index[frame.index.duplicated()]
    problems.count(duplicated, "clé(s) en double")


def _explain(columns: "dict[str, Column]", cases: pd.DataFrame, problems: Problems) -> None:
    """Turn pandera's failure cases into French lines, one per column and check."""
    for (name, check), group in cases.groupby(["column", "check"], sort=False, dropna=False):
        if check == "column_in_dataframe":
            for missing in group["failure_case"]:
                problems.add(f"colonne absente : « {missing} » ({columns[missing].label})")
            continue
        count = len(group)
        column = columns[str(name)]
        if check in ("number", "flag"):
            kind = "des nombres sont attendus" if check == "number" else "des vrai ou faux sont attendus"
            problems.add(f"colonne « {name} » : {kind}")
            continue
        low = "-∞" if column.minimum is None else f"{column.minimum:g}"
        high = "+∞" if column.maximum is None else f"{column.maximum:g}"
        said = {
            "bounds": f"hors des bornes [{low} ; {high}]",
            "choices": f"hors de la liste ({', '.join(column.choices)})",
            "pattern": "dont la forme n'est pas celle attendue",
        }.get(str(check), f"manquante{_s(count)}")
        has_examples = str(check) in ("bounds", "choices", "pattern")
        shown = f" ({examples(group['failure_case'])})" if has_examples else ""
        problems.add(f"colonne « {name} » : {count} valeur{_s(count)} {said}{shown}")


def _s(count: int) -> str:
    """Return the mark of the French plural."""
    return "s" if count > 1 else ""


def data_schema(name: str, table: pd.DataFrame, *, missing: "Sequence[str]") -> dict[str, Any]:
    """Return what a table handed over holds, as others read it (Frictionless Data, Table Schema 1)."""
    keys = table_of(name).table.keys.split()
    said: dict[str, Any] = {
        "fields": [_field(name, str(column), table[column]) for column in table.columns],
        "missingValues": list(missing),
    }
    # a key that may be empty is none there
    if keys and set(keys) <= set(table.columns) and not table[keys].isin(missing).to_numpy().any():
        said["primaryKey"] = keys if table[keys].notna().to_numpy().all() else []
    return {key: value for key, value in said.items() if value}


def _field(name: str, column: str, values: pd.Series) -> dict[str, Any]:
    """Return one field; numbers of which some are withheld stay numbers, what stands in their place being missing."""
    one = column_of(name, column)
    kind = {"number": "number", "flag": "boolean"}.get(one.kind, "string")
    said: dict[str, Any] = {
        "name": column,
        "title": label_of(name, column),
        "type": "integer" if kind == "number" and values.dtype.kind in "iu" else kind,
        "description": one.fr_about or one.label,
        "unit": one.unit.fr,
        "constraints": {} if one.minimum is None else {"minimum": one.minimum},
    }
    if kind == "boolean":
        said |= {"trueValues": ["True"], "falseValues": ["False"]}
    if one.codes:
        said["categories"] = [{"value": code, "label": label} for code, label in one.codes.items()]
    return {key: value for key, value in said.items() if value}


def number(value: Any) -> Any:
    """Return a number, which is neither a flag nor a text."""
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return value if is_number else NOTHING


def flag(value: Any) -> Any:
    """Return true or false."""
    return bool(value) if type(value).__name__ in ("bool", "bool_") else NOTHING


def as_numbers(values: Any) -> Any:
    """Return a series of numbers, NaN where unknown; raise for texts and the like."""
    if pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_complex_dtype(values.dtype):
        return values
    known = values.dropna()
    wrong = known if values.dtype != object else [one for one in known if number(one) is NOTHING]
    if len(wrong):
        is_text = any(isinstance(one, str) for one in wrong)
        advice = " : convertissez avec pandas.to_numeric(…)" if is_text else ""
        raise SchemaError(f"des nombres sont attendus, pas {examples(map(said, wrong))}{advice}.")
    return pd.to_numeric(values.astype(object).where(values.notna(), math.nan)).astype("float64")


def said(value: object) -> str:
    """Say in French what a value is."""
    if value is None or isinstance(value, (bool, numbers.Number)):
        return str(value)
    if isinstance(value, str):
        return f"le texte « {value[:40]} »"
    return CODES["given"].get(type(value).__name__, f"un objet de type {type(value).__name__}")


def as_declared(table: Any, name: str) -> Any:
    """Return a table with its keys as index and its numbers as numbers; raise for codes that have become numbers."""
    keys = TABLES[name].keys.split() if name in _TABLES else []
    if keys and isinstance(table.index, pd.RangeIndex) and set(keys) <= set(table.columns):
        table = table.set_index(keys)
    if len(keys) > 1 and list(table.index.names) != keys:
        raise SchemaError(f"index attendu ({', '.join(keys)}) : écrivez table.set_index({keys}).")
    if table.columns.has_duplicates:
        raise SchemaError(f"{counted(table.columns[table.columns.duplicated()], 'colonne(s) en double')}.")
    for level in map(table.index.get_level_values, _CODES.intersection(table.index.names)):
        if len(level) and (pd.api.types.is_numeric_dtype(level.dtype) or level.hasnans):
            raise SchemaError(f"index « {level.name} », {'code vide' if level.hasnans else AS_NUMBERS}")
    for label in (label for label in table.columns if isinstance(label, str)):
        kind, column = COLUMNS[label].kind if label in COLUMNS else "", table[label]
        try:
            if kind == "number":
                amounts = as_numbers(column)
                table = table if amounts is column else table.assign(**{label: amounts})
            elif (
                kind == "flag"
                and not pd.api.types.is_bool_dtype(column.dtype)
                and any(flag(one) is NOTHING for one in column.dropna())
            ):
                raise SchemaError(f"des vrai ou faux sont attendus, pas {examples(column)}.")
            elif label in _CODES and pd.api.types.is_numeric_dtype(column.dtype) and column.notna().any():
                raise SchemaError(AS_NUMBERS)
        except SchemaError as refusal:
            raise SchemaError(f"colonne « {label} », {refusal}") from None
    return table


def explain_column(error: KeyError, arguments: Mapping[str, Any]) -> None:
    """Raise in words where what failed is that a table has no such column."""
    asked = re.findall(r"[A-Za-z]\w*", str(error.args[0])) if error.args else []
    for name, table in arguments.items():
        if isinstance(error, TerritoryError) or not hasattr(table, "columns"):
            continue
        own = (*table.columns, *table.index.names)
        missing = [one for one in asked if one not in own and (one in COLUMNS or len(asked) == 1)]
        if missing:
            known = examples(table.columns, most=12) or "aucune"
            absent = f"{name} : colonne absente ({', '.join(missing)})"
            raise SchemaError(f"{absent}. Celles de la table : {known}.") from error
