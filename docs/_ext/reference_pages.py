"""Write the reference from the code: a page for each part of the house, and one for the tables."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import Any

from territory.tables.catalogue import MEASURES, TABLES, columns_of
from territory.tables.declare import Column, Secrecy, Table
from territory.tables.schemas import CONTRACT

# a name that several parts offer is described in the first of these, and named in the others
DESCRIBED_FIRST = ("territory", "territory.scenario")
# in the order of a computation
MODULES = (
    "territory", "territory.sources", "territory.geography", "territory.datasets", "territory.study",
    "territory.network", "territory.transit", "territory.needs", "territory.supply", "territory.access",
    "territory.access.decay", "territory.access.deserts", "territory.access.zoning", "territory.access.equity",
    "territory.rounds",
    "territory.scenario", "territory.planning", "territory.plot", "territory.report",
    "territory.workflow", "territory.errors",
)  # fmt: skip


def write_pages(app: Any) -> None:
    """Write the generated pages before Sphinx reads the folder."""
    folder = Path(app.srcdir) / "reference" / "generated"
    folder.mkdir(parents=True, exist_ok=True)
    described: dict[int, str] = {}
    for name in sorted(MODULES, key=lambda name: name not in DESCRIBED_FIRST):
        _write(folder / f"{name}.rst", _module_page(name, described))
    _write(folder / "tables.md", _tables_page())


def _write(path: Path, text: str) -> None:
    """Leave a page as it is when it would say the same."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def _public_names(module: Any) -> list[str]:
    """Return what a module offers, itself or through lazy loading, submodules apart."""
    named = getattr(module, "__all__", None)
    if named is None:
        named = [
            name
            for name, value in vars(module).items()
            if getattr(value, "__module__", "") == module.__name__
        ]
    shown = [name for name in named if not name.startswith("_")]
    return [name for name in shown if not inspect.ismodule(getattr(module, name))]


def _module_page(name: str, described: dict[int, str]) -> str:
    """Return the page of a module: its purpose, then each public name; add these to what is described."""
    module = importlib.import_module(name)
    parts = [f"{name}\n{'=' * len(name)}\n", f"{inspect.getdoc(module)}\n"]
    for public in _public_names(module):
        value = getattr(module, public)
        target = f"{name}.{public}"
        elsewhere = described.setdefault(id(value), name) if callable(value) else name
        if elsewhere != name:
            parts.append(f"``{public}``: see :doc:`{elsewhere}`.\n")
        elif inspect.isclass(value):
            # a validated model's fields are its study-file keys: listed by its source, not one by one here
            parts.append(f".. autoclass:: {target}\n   :members:\n   :exclude-members: model_config\n")
        elif callable(value):
            parts.append(f".. autofunction:: {target}\n")
        else:
            parts.append(f".. autodata:: {target}\n   :no-value:\n")
    return "\n".join(parts)


def _tables_page() -> str:
    """Return the page of the tables, from the declarations that check them, label them and say what is secret."""
    parts = [
        "# Tables\n",
        "Every table and column is declared once in `territory.tables`: schemas, French headings, rounding, formats of "
        "the workbook, aliases of the GeoPackage, disclosure control and this page come from the declaration. Ids are "
        "text, NaN is unknown, minutes are everywhere.\n",
    ]
    checked = [TABLES[name] for name in CONTRACT]
    rest = [table for table in TABLES.values() if table.name not in CONTRACT]
    for title, tables in (
        ("Exchanged by the library, checked at the border", checked),
        ("Handed over by a run", [table for table in rest if table.is_handed]),
        ("Held by the objects of a run", [table for table in rest if not table.is_handed]),
    ):
        parts.append(f"## {title}\n")
        parts += [_table(table) for table in tables]
    parts.append("## Measures of a comparison\n\n| measure | unit | in memory | French |\n|---|---|---|---|")
    parts += [f"| {one.name} | {one.unit} | `{one.keyed.pattern}` | {one.fr_long} |" for one in MEASURES]
    return "\n".join(parts) + "\n"


def _table(table: Table) -> str:
    """Return what is said of a table."""
    columns, keys = columns_of(table.name), table.keys.split()
    lines = [
        f"### `{table.name}`\n\n{table.about}\n",
        "| column | type | unit | values | French | meaning | secrecy |\n|---|---|---|---|---|---|---|",
    ]
    for name, column in columns.items():
        lines.append(_row(f"**{name}** (key)" if name in keys else name, column, table))
    lines += [_row(f"`{keyed.pattern}`", keyed.column, table) for keyed in table.keyed]
    return "\n".join(lines) + "\n"


def _row(key: str, column: Column, table: Table) -> str:
    """Return the row of a column."""
    values = ", ".join(column.choices or column.codes)
    if column.minimum is not None or column.maximum is not None:
        low = "" if column.minimum is None else f"{column.minimum:g} ≤ "
        high = "" if column.maximum is None else f" ≤ {column.maximum:g}"
        values = f"{low}x{high}"
    notes = [
        note
        for note, named in (("may be NaN", table.nullable), ("may be absent", table.optional))
        if column.name in named.split()
    ]
    meaning = column.about + (f" ({', '.join(notes)})" if notes else "")
    secrecy = "" if column.secrecy is Secrecy.PUBLIC else column.secrecy.value
    return f"| {key} | {column.kind} | {column.unit.fr} | {values} | {column.fr} | {meaning} | {secrecy} |"


def setup(app: Any) -> dict[str, bool]:
    """Write the pages when Sphinx starts."""
    app.connect("builder-inited", write_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
