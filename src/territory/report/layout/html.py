"""Blocks of a document as HTML: every text is escaped, French spacing is the same as in the PDF."""

from __future__ import annotations

import html
from collections.abc import Sequence

from territory.french.words import typeset
from territory.report.layout.document import (
    Block,
    Bullets,
    Callout,
    DataTable,
    Heading,
    KeyFigures,
    Paragraph,
    Picture,
    Text,
    to_runs,
)


def text(value: str) -> str:
    """Return a text as HTML: typeset, then escaped."""
    return html.escape(typeset(value), quote=True)


def blocks_html(blocks: Sequence[Block]) -> str:
    """Return blocks as HTML; titles begin at level 2, the page has the first."""
    return "\n".join(filter(None, map(_block, blocks)))


def _block(block: Block) -> str:
    """Return one block."""
    match block:
        case Heading():
            return f"<h{block.level + 1}>{text(block.text)}</h{block.level + 1}>"
        case Paragraph():
            kind = f' class="{block.kind}"' if block.kind != "body" else ""
            return f"<p{kind}>{_runs(block.text)}</p>"
        case Bullets():
            return f"<ul>{''.join(f'<li>{_runs(item)}</li>' for item in block.items)}</ul>"
        case KeyFigures():
            figures = (map(text, figure) for figure in block.figures)
            items = "".join(
                f"<li><strong>{value}</strong> <span>{label}</span> <small>{note}</small></li>"
                for value, label, note in figures
            )
            return f'<ul class="figures">{items}</ul>'
        case Callout():
            items = "".join(f"<li>{_runs(item)}</li>" for item in block.items)
            return f'<section class="box {block.tone}"><h3>{text(block.title)}</h3><ul>{items}</ul></section>'
        case DataTable():
            return table_html(block)
        case Picture():
            return ""


def table_html(table: DataTable) -> str:
    """Return a table with its caption, its titles and the title of each line."""
    align = list(table.align) or ["left"] + ["right"] * (len(table.headers) - 1)
    heads = "".join(
        f'<th scope="col" class="{side}">{text(head)}</th>'
        for head, side in zip(table.headers, align, strict=True)
    )
    rows = []
    for place, row in enumerate(table.rows):
        cells = [f'<th scope="row">{text(row[0])}</th>']
        cells += [
            f'<td class="{side}">{text(cell)}</td>' for cell, side in zip(row[1:], align[1:], strict=True)
        ]
        strong = ' class="total"' if place in table.strong_rows else ""
        rows.append(f"<tr{strong}>{''.join(cells)}</tr>")
    note = f'<p class="small">{text(table.note)}</p>' if table.note else ""
    name = text(table.caption)
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{name}"><table>'
        f"<caption><span>{name}</span></caption><thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>{note}"
    )


def _runs(value: Text) -> str:
    """Return a paragraph's runs."""
    parts = []
    for words, kind in to_runs(value):
        safe = html.escape(words, quote=True)
        parts.append(f"<strong>{safe}</strong>" if kind == "strong" else safe)
    return "".join(parts)
