"""The summary page: one HTML file that needs nothing from outside, with a map to zoom and a table to sort."""

import base64
import hashlib
import html
import json
import math
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from string import Template
from typing import Any
from urllib.parse import quote

import geopandas as gpd
import numpy as np
import pandas as pd

from territory.french.numbers import integer, signed
from territory.french.words import ALIKE, INTERVALS, alphabetical, typeset
from territory.plot.maps.legend import Category, change_classes, time_classes
from territory.report.chapters import first_page, journeys, method, moves, pictures
from territory.report.chapters.maps import BESIDE
from territory.report.documents import summary_map
from territory.report.documents.annex import title_of
from territory.report.layout import document as doc
from territory.report.reading import Move, Readable, Reading, read
from territory.scenario.zones import ALL_TERRITORY
from territory.tables.catalogue import code_label

# the parts of the script, in the order in which they are joined
_SCRIPTS = ("words", "draws", "times", "rule", "trial", "state", "map", "table", "main")
_COLUMNS = ("Commune", "EPCI", "Habitants", "Aujourd'hui", "Scénario", "Écart", "Personnes concernées")


def summary_html(result: Readable, *, beside: Mapping[str, str] | None = None) -> str:
    """Return the summary page of a study, with links to the files that are beside it (name of each by its title)."""
    reading = read(result)
    study, css = reading.study, _template("resume.css")
    modules = "".join(_template(f"page/{name}.js") for name in _SCRIPTS)
    script = f'"use strict";\n(function () {{\n{modules}}})();\n'
    drawn, communes = _map(reading)
    mark, move = reading.release.mark, reading.pivot
    by_epci: list[doc.Block] = []
    if move is not None and (zones := moves.ordered_zones(reading, move)):
        effects = moves.effects_table(reading, move, zones)
        by_epci = [doc.Heading("Qui gagne, qui perd, EPCI par EPCI"), effects]
    links = [
        f'<a href="{html.escape(quote(file))}">{text(title)}</a>' for title, file in (beside or {}).items()
    ]
    # forbid every address, and every script but ours: it sets styles on a few elements, never from data, and draws a
    # picture to download from the page itself
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    allowed = f"style-src 'unsafe-inline'; script-src 'sha256-{digest}'; img-src data:"
    policy = f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"
    told = [study.author, f"données de {study.data_date or reading.date.year}"]
    parts = [
        "<!DOCTYPE html>",
        '<html lang="fr"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>{text(f'{mark} · {study.title}' if mark else study.title)}</title>",
        f"<style>{css}{_template('edition.css') if mark else ''}</style></head><body>",
        *([f'<p class="edition" role="note">{text(mark)}</p>'] if mark else []),
        '<a class="skip" href="#contenu">Aller au contenu</a>',
        f"<header><p>Résumé · {text(study.territory.name)} · population {text(reading.vintage())}</p>",
        f"<h1>{text(study.title)}</h1><p>{text(' · '.join(filter(None, told)))}</p></header>",
        *([f'<nav aria-label="Autres fichiers">{" ".join(links)}</nav>'] if links else []),
        '<main id="contenu">',
        blocks_html(first_page.first_page(reading)),
        drawn,
        blocks_html([*by_epci, *moves.all_moves(reading, level=1), *journeys.without_car(reading)]),
        # communes last: on a narrow screen their table is far longer than all the rest
        communes,
        f"</main><footer>{_template('page/about.html')}{blocks_html(method.digest_line(reading))}</footer>",
    ]
    if drawn:
        parts.append(f"<script>{script}</script>")
    return "\n".join([*parts, "</body></html>\n"])


def _template(name: str) -> str:
    """Return a file of the page as it is."""
    return (resources.files("territory.report.layout") / "templates" / name).read_text("utf-8")


@cache
def _map(reading: Reading) -> tuple[str, str]:
    """Return the trial and the map; the table of communes with the data of all."""
    areas = pictures.areas_of(reading)
    layers = list(summary_map.layers(reading, areas.index)) if len(areas) else []
    if not layers:
        return "", ""
    paths, size, place = summary_map.shapes(areas)
    zones = reading.communes["epci_code"].reindex(areas.index).fillna("").astype(str)
    data = _data(reading, areas, layers, place) | {"view": [0, 0, *size]}
    communes, order, trial = (data[name] for name in ("communes", "order", "trial"))
    is_tried = isinstance(trial, dict)
    # no page can take it for markup
    data |= {"trial": trial if is_tried else None}
    written = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    safe = written.translate({ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"})
    title = text(layers[0]["name"])
    drawn = Template(_template("page/map.html")).substitute(
        width=f"{size[0]:g}",
        height=f"{size[1]:g}",
        title=title,
        areas="".join(f'<path class="commune" data-i="{i}" d="{path}"/>' for i, path in enumerate(paths)),
        borders=summary_map.borders(areas, zones, place),
        source=text(pictures.map_source(reading)),
    )
    table = Template(_template("page/communes.html")).substitute(
        caption=title,
        heads="".join(
            f'<th scope="col"><button type="button">{text(head)}</button></th>' for head in _COLUMNS
        ),
        rows="".join(_row(i, communes[i], layers[0]["rows"][i]) for i in order),
        data=safe,
    )
    if not is_tried:
        return f'<p class="small">{text(f"Aucun essai dans cette page : {trial}.")}</p>{drawn}', table
    return f"{_template('page/form.html')}{drawn}{_template('page/tables.html')}", table


def _data(
    reading: Reading, areas: gpd.GeoDataFrame, layers: list[dict[str, Any]], place: Any
) -> dict[str, Any]:
    """Return what the script reads; a trial that there is not is a text."""
    for layer in layers:
        points = [reading.release.sites.geometry[site].coords[0] for site, _ in layer["sites"]]
        xy = place(np.array(points).reshape(-1, 2)).tolist()
        layer["sites"] = [[typeset(label), *at] for (_, label), at in zip(layer["sites"], xy, strict=True)]
        layer["rings"] = summary_map.ring_paths(layer["rings"], place)
    far, (start, end) = 100_000.0, place(np.array([[0.0, 0.0], [100_000.0, 0.0]]))[:, 0].tolist()
    zones = reading.communes["epci_code"].reindex(areas.index).fillna("").astype(str)
    people = reading.territory[["name", "population"]].reindex(areas.index)
    communes = [
        [typeset(str(name)), reading.zone(zone), None if math.isnan(count) else round(count)]
        for name, zone, count in zip(people["name"], zones, people["population"], strict=True)
    ]
    order = sorted(range(len(communes)), key=lambda i: alphabetical(str(communes[i][0])))
    none = pd.Series(dtype=float)
    changes = change_classes(none, pd.Series(dtype=object)).legend
    classes = (*changes, *time_classes(none, breaks=pictures.breaks_of(reading)).legend)
    return {
        "communes": communes,
        "order": order,
        "codes": list(areas.index),
        "at": place(reading.territory.loc[areas.index].get_coordinates().to_numpy()).tolist(),
        "layers": layers,
        "fills": {one.key: (one.color, one.hatch[:1], one.hatch_color) for one in classes},
        # how many metres one unit of the map is
        "metres": round(far / (end - start), 3) if end > start else 1.0,
        "trial": trial_of(reading, place, changes),
    }


def _row(i: int, commune: list[Any], found: list[str]) -> str:
    """Return one commune in their table: as under the first layer, so that it can be read without scripts."""
    name, zone, people = commune
    cells = [zone, "inconnu" if people is None else integer(people), *found]
    rest = "".join(
        f'<td class="{"left" if head == "EPCI" else "right"}" data-l="{text(head)}">{text(cell)}</td>'
        for head, cell in zip(_COLUMNS[1:], cells, strict=True)
    )
    return f'<tr data-i="{i}"><th scope="row">{text(name)}</th>{rest}</tr>'


def text(value: str) -> str:
    """Return a text as HTML: typeset, then escaped."""
    return html.escape(typeset(value), quote=True)


def blocks_html(blocks: Sequence[doc.Block]) -> str:
    """Return blocks as HTML; titles begin at level 2, the page has the first."""
    return "\n".join(filter(None, map(_block, blocks)))


def _block(block: doc.Block) -> str:
    """Return one block."""
    match block:
        case doc.Heading():
            return f"<h{block.level + 1}>{text(block.text)}</h{block.level + 1}>"
        case doc.Paragraph():
            kind = f' class="{block.kind}"' if block.kind != "body" else ""
            return f"<p{kind}>{_runs(block.text)}</p>"
        case doc.Bullets():
            return f"<ul>{''.join(f'<li>{_runs(item)}</li>' for item in block.items)}</ul>"
        case doc.KeyFigures():
            figures = (map(text, figure) for figure in block.figures)
            items = "".join(
                f"<li><strong>{value}</strong> <span>{label}</span> <small>{note}</small></li>"
                for value, label, note in figures
            )
            return f'<ul class="figures">{items}</ul>'
        case doc.Callout():
            items = "".join(f"<li>{_runs(item)}</li>" for item in block.items)
            return f'<section class="box {block.tone}"><h3>{text(block.title)}</h3><ul>{items}</ul></section>'
        case doc.DataTable():
            return table_html(block)
        case doc.Beside():
            # the page has a map of its own
            return blocks_html(block.blocks)
        case doc.Picture():
            return ""


def table_html(table: doc.DataTable) -> str:
    """Return a table with its caption, its titles and the title of each line."""
    align = list(table.align) or ["left"] + ["right"] * (len(table.headers) - 1)
    columns = zip(table.headers, align, strict=True)
    heads = "".join(f'<th scope="col" class="{side}">{text(head)}</th>' for head, side in columns)
    rows = []
    for place, row in enumerate(table.rows):
        cells = [f'<th scope="row">{text(row[0])}</th>']
        cells += [
            f'<td class="{side}" data-l="{text(head)}">{text(cell)}</td>'
            for cell, side, head in zip(row[1:], align[1:], table.headers[1:], strict=True)
        ]
        strong = ' class="total"' if place in table.strong_rows else ""
        rows.append(f"<tr{strong}>{''.join(cells)}</tr>")
    note = f'<p class="small">{text(table.note)}</p>' if table.note else ""
    name = text(table.caption)
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{name}"><table>'
        f"<caption><span>{name}</span></caption><thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>{note}"
    )


def _runs(value: doc.Text) -> str:
    """Return a paragraph's runs."""
    parts = []
    for words, kind in doc.to_runs(value):
        safe = html.escape(words, quote=True)
        parts.append(f"<strong>{safe}</strong>" if kind == "strong" else safe)
    return "".join(parts)


_EFFECTS = ("gain", "loss", "indistinct", "without", "entering")


def trial_of(reading: Reading, place: Any, legend: Sequence[Category]) -> dict[str, Any] | str:
    """Return what the page computes a trial from, or why it computes none; `place` puts points on its map."""
    held = reading.release.page_trial()
    if isinstance(held, str):
        return typeset(held)
    communes, sites = reading.communes.loc[held["codes"]], reading.release.sites.loc[list(held["sites"])]
    zones = communes["epci_code"].fillna("").astype(str)
    at = place(sites.get_coordinates().to_numpy()).tolist()
    return held | {
        "services": [service | _words(reading, service["id"]) for service in held["services"]],
        "names": [typeset(str(name)) for name in communes["name"]],
        "points": place(communes.get_coordinates().to_numpy()).tolist(),
        "zone": list(zones),
        "zones": {code: typeset(moves.zone_name(reading, code)) for code in sorted(zones.unique())},
        "focus": reading.study.territory.focus_epci_code or "",
        "siteNames": {
            site: [typeset(reading.site_name(site)), reading.commune(str(sites["commune_code"][site])), *xy]
            for site, xy in zip(held["sites"], at, strict=True)
        },
        "legend": [(one.key, typeset(one.label)) for one in legend],
        "heads": {effect: typeset(moves.EFFECT_HEADS[effect]) for effect in _EFFECTS},
        "beside": BESIDE | {"unknown": code_label("effect", "unknown")},
        "intervals": typeset(INTERVALS),
        "alike": typeset(ALIKE),
    }


def _words(reading: Reading, service: str) -> dict[str, Any]:
    """Return the names of a service, who is counted, and what each scenario of the study does to it."""
    rows = reading.release.services
    units = rows.loc[rows["authorisation_id"] == service, "capacity_unit"].dropna().unique()
    return {
        "name": typeset(reading.label(service)),
        "the": typeset(reading.the([service])),
        "noun": typeset(reading.noun(service)),
        "unit": code_label("capacity_unit", str(units[0])) if len(units) == 1 else "",
        "scenarios": [_beside(reading, move) for move in reading.every_move if service in move.services],
    }


def _beside(reading: Reading, move: Move) -> list[str]:
    """Return a scenario of the study as the trial is told: who gains, who loses, mean times and the largest loss."""
    found, worst = reading.counts_of(move), reading.worst(move.scenario_id, move.services[0])
    title = title_of(reading, move, [move.scenario_id])
    cells = [found.cell(ALL_TERRITORY, effect) for effect in _EFFECTS]
    last = f"{worst[0]} ({signed(worst[1])} min)" if worst else "aucune"
    return [typeset(cell) for cell in (title, *cells, reading.means(found, ALL_TERRITORY), last)]
