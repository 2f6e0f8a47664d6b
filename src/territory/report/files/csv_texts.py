"""Texts of a CSV that a spreadsheet must not take for formulas."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

# what Excel and LibreOffice read as the beginning of a formula; a sign before a number, or alone, is none
_FORMULA = re.compile(r"\s*[=@]|\s*[+\-](?!\s*\Z|\s*[0-9]+(?:[.,][0-9]+)?\s*%?\s*\Z)|[\t\r]")


def without_formulas(table: pd.DataFrame) -> pd.DataFrame:
    r"""Return a table whose texts open as texts in a spreadsheet: an apostrophe goes before what begins a formula.

    A CSV cannot say that a cell is a text, so that a site named `=1+1` would be computed when the file is opened.
    Numbers, and texts that are one (« -3,5 »), are left as they are. Parquet, the workbook and the map layers hold
    texts as they are: they say what is one.

    References
    ----------
    OWASP, « CSV Injection ».

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"name": ["=cmd|'/C calc'!A0", "CMPP"], "delta": ["-3,5", "+2"], "time_min": [-1.0, 2.0]})
    >>> without_formulas(table).values.tolist()
    [["'=cmd|'/C calc'!A0", '-3,5', -1.0], ['CMPP', '+2', 2.0]]
    """
    from pandas.api.types import is_bool_dtype, is_datetime64_any_dtype, is_numeric_dtype

    changed = {}
    for name in table.columns:
        column = table[name]
        if is_numeric_dtype(column) or is_bool_dtype(column) or is_datetime64_any_dtype(column):
            continue
        written = {text: _as_text(text) for text in column.dropna().unique() if isinstance(text, str)}
        written = {text: safe for text, safe in written.items() if safe != text}
        if written:
            changed[name] = column.astype(object).map(lambda value, safe=written: safe.get(value, value))
    return table.assign(**changed) if changed else table


def _as_text(text: str) -> str:
    """Return a text that no spreadsheet computes, and that no reader cuts in two lines at a carriage return."""
    safe = f"'{text}" if _FORMULA.match(text) else text
    return safe.replace("\r\n", "\n").replace("\r", " ")
