"""Who is concerned: needs of each public by EPCI with their range, and where the children served come from."""

import math
from collections.abc import Iterable

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from territory.french.numbers import integer
from territory.french.words import between, capital, count, join, persons, ranged
from territory.plot import style
from territory.plot.charts import needs_with_range
from territory.plot.maps.choropleth import Panel, draw_map
from territory.plot.maps.legend import Category, Legend
from territory.release.gate import TODAY, Origins
from territory.release.observed_children import PRESENCE_FLOOR
from territory.report.chapters import pictures
from territory.report.chapters.moves import zone_name
from territory.report.layout import document as doc
from territory.report.reading import SECRET, Reading
from territory.scenario.zones import ALL_TERRITORY
from territory.tables.declare import CODES

_THRESHOLD = 11
_TALL = 14
_KINDS = CODES["need_kinds"]
_COMPARABLE = ("orientation", "waiting")
_NO_PLACES = doc.wording("needs.no_places")


def needs(reading: Reading) -> list[doc.Block]:
    """Return the needs of each public by EPCI with their range and their cautions."""
    stated = reading.study.need
    if not stated or reading.release.demand.empty:
        return []
    blocks: list[doc.Block] = [doc.Heading("Combien de personnes sont concernées ?")]
    if not any(need.kind in _COMPARABLE for need in stated):
        blocks.append(doc.Callout("Ces nombres ne se comparent pas à des places", [_NO_PLACES], "warning"))
    tables = {need.public: _by_zone(reading, need.public) for need in stated}
    for need in stated:
        low, central, high = map(float, tables[need.public].loc[ALL_TERRITORY])
        total = f"{between(low, high)}, estimation centrale {persons(central)}"
        if math.isnan(central):
            total = "nombre inconnu"
        if need.known_total is not None:
            total = f"{integer(need.known_total)}, total observé"
        caution = f"{need.caution} " if need.caution else ""
        text = f"{reading.study.territory.name} : {total} ({_KINDS[need.kind]}). {caution}Source : {need.source}."
        blocks += [doc.Heading(need.label, 2), doc.Paragraph(text)]
    first = stated[0]
    zones = tables[first.public].drop(ALL_TERRITORY)
    shown: list[doc.Block] = [_chart(reading, first.label, zones)] if len(zones) else []
    shown.append(_table(reading, tables))
    # a tall chart leaves a page half empty before it, where a table runs on
    return [*blocks, *(reversed(shown) if len(zones) > _TALL else shown)]


def _by_zone(reading: Reading, public: str) -> pd.DataFrame:
    """Return low, central and high by zone of the territory, the largest first, and the whole."""
    rows = reading.release.demand
    rows = rows[rows.index.get_level_values("public") == public].droplevel("public")
    rows = rows[["demand_low", "demand", "demand_high"]].set_axis(["low", "central", "high"], axis=1)
    rows = rows.reindex(reading.territory.index)
    grouped: pd.DataFrame = rows.groupby(reading.territory["epci_code"].fillna("")).sum(min_count=1)
    grouped = grouped.sort_values("central", ascending=False, kind="stable")
    grouped.loc[ALL_TERRITORY] = rows.sum(min_count=1)
    return grouped


def _table(reading: Reading, tables: dict[str, pd.DataFrame]) -> doc.DataTable:
    """Return every public by EPCI; an observed total replaces the sum of its estimates."""
    known = {need.public: need.known_total for need in reading.study.need}
    rows = []
    for zone in next(iter(tables.values())).index:
        cells = []
        for public, found in tables.items():
            low, central, high = map(float, found.loc[zone])
            total = known[public] if zone == ALL_TERRITORY else None
            estimated = [persons(central), range_text(low, high)]
            cells += estimated if total is None else [integer(total), "observé"]
        rows.append([zone_name(reading, str(zone)), *cells])
    return doc.table(
        ["EPCI <2", *need_heads(tables)],
        rows,
        "Personnes concernées par EPCI : estimation centrale et fourchette.",
        strong_rows=[len(rows) - 1],
        note="Estimations arrondies ; « < 11 » : moins de onze personnes. Communes du territoire seulement.",
    )


def need_heads(publics: Iterable[str], *, wide: float = 1.2) -> list[str]:
    """Declare the two columns of each public: its central estimate and its range."""
    names = [public.upper() if len(public) < 5 else public.capitalize() for public in publics]
    return [head for name in names for head in (f"{name} >0.8", f"de … à … >{wide}")]


def range_text(low: float, high: float) -> str:
    """Write a range in a cell, "< 11" when nothing more can be printed."""
    said = persons(high) if low <= high < _THRESHOLD else ranged(low if math.isnan(low) else high, low, high)
    return "11 ou moins" if said.endswith(" à 11") else said


def _chart(reading: Reading, label: str, needs: pd.DataFrame) -> doc.Picture:
    """Draw the needs of a public by zone with their range."""
    named = needs.set_axis([reading.zone(str(zone)) for zone in needs.index], axis=0)
    parts = [
        f"{name} : {persons(central)}{f' ({range_text(low, high)})' if central >= _THRESHOLD else ''}"
        for name, (low, central, high) in zip(named.index, named.to_numpy(dtype=float).tolist(), strict=True)
    ]
    axis = "personnes, estimation centrale (losange) et fourchette (barre)"
    alt = f"Graphique par EPCI, {label}. {' ; '.join(parts)}."
    drawn = style.to_svg(needs_with_range(named, label=axis))
    return doc.Picture(drawn, alt, f"{label}, par EPCI.", "Figure")


_PRINTED = Category("printed", "effectif publié (nombre)", style.SEQUENTIAL[1])
_WITHHELD = Category("withheld", "effectif non publié", style.UNKNOWN_COLOR, style.INDISTINCT_HATCH)
_NOBODY = Category("nobody", "aucun enfant accompagné", style.OUTSIDE)


def flows(reading: Reading) -> list[doc.Part]:
    """Return the flows of children to each service whose origins are observed; all but the first may leave."""
    parts: list[doc.Part] = []
    for service in reading.named:
        origins = reading.release.origins(service)
        if origins is not None:
            head = [] if parts else [doc.Heading("D'où viennent les enfants accompagnés", new_page=True)]
            title = f"les communes d'origine, {reading.short(service)}" if parts else ""
            parts.append(doc.Part([*head, *_one(reading, service, origins)], title, leaves=24))
    return parts


def _one(reading: Reading, service: str, origins: Origins) -> list[doc.Block]:
    """Return the map and the table of one service."""
    printed = origins.communes.dropna()
    hidden = len(origins.communes) - len(printed)
    noun = reading.noun(service, is_observed=True)
    text = f"{capital(reading.the([service]))} : {noun}, par commune d'origine."
    if hidden:
        has = "ont" if len(printed) > 1 else "a" if len(printed) else "n'a"
        told = count(len(printed), "commune", none="aucune commune")
        kept = f"{count(hidden, 'commune')} {'a un effectif' if hidden == 1 else 'ont des effectifs'}"
        text += doc.wording("needs.origins", printed=told, has=has, hidden=kept, floor=PRESENCE_FLOOR)
    drawn = _origins_map(reading, service, origins, printed)
    return [doc.Paragraph(text), drawn, _origins_table(reading, origins)]


def _origins_map(reading: Reading, service: str, origins: Origins, printed: pd.Series) -> doc.Picture:
    """Draw the flows that may be printed."""
    areas = pictures.areas_of(reading)
    keys = pd.Series(_NOBODY.key, index=areas.index, dtype=object)
    keys[keys.index.isin(origins.communes.index)] = _WITHHELD.key
    keys[keys.index.isin(printed.index)] = _PRINTED.key
    sites = reading.site(TODAY, service) or ()
    inside = printed[printed.index.isin(areas.index)]
    panel = Panel(
        areas,
        keys,
        numbers=inside.map(integer).astype(object).reindex(areas.index).fillna(""),
        zones=reading.communes["epci_code"],
        sites=pictures.marks(reading, [(site, "o") for site in sites]),
        flows=_lines(reading, sites[0], inside) if sites else None,
        focus=pictures.focus_of(reading),
    )
    marked = [(str(i), "o", reading.site_name(site)) for i, site in enumerate(sites, start=1)]
    note = "Trait : aussi large que l'effectif est grand."
    legend = Legend((_PRINTED, _WITHHELD, _NOBODY), "Enfants accompagnés", marked, [note])
    names = [f"{reading.commune(str(code))} {integer(float(value))}" for code, value in inside.items()]
    said = f"Effectifs publiés : {join(names)}." if names else "Aucun effectif de commune n'est publié (0)."
    return doc.Picture(
        style.to_svg(draw_map(panel, legend, max_height_cm=10.5)),
        alt=f"Carte des communes d'origine, {reading.label(service)}. {said}",
        caption=f"Communes d'origine des enfants accompagnés : {reading.short(service)}.",
        source=pictures.map_source(reading),
    )


def _lines(reading: Reading, site: str, printed: pd.Series) -> gpd.GeoDataFrame:
    """Return a line from each commune to the site."""
    end = reading.release.sites.geometry[site]
    starts = reading.communes.geometry.reindex(printed.index)
    lines = [shapely.LineString([*p.coords, *end.coords]) for p in starts]
    drawn = gpd.GeoDataFrame({"value": printed.to_numpy(float)}, geometry=lines, crs=reading.communes.crs)
    # a service in the commune itself is no flow
    return gpd.GeoDataFrame(drawn[drawn.length > 1.0])


def _origins_table(reading: Reading, origins: Origins) -> doc.DataTable:
    """Return the children of each EPCI, and those of its communes that may be printed."""
    epci = reading.communes["epci_code"].fillna("").astype(str).reindex(origins.communes.index)
    rows, silent = [], 0
    for zone in sorted(epci.unique(), key=lambda code: (reading.zone(str(code)), str(code))):
        communes = origins.communes[epci == zone]
        shown = communes.dropna()
        named = [f"{reading.commune(str(code))} {integer(float(n))}" for code, n in shown.items()]
        hidden = len(communes) - len(shown)
        total = _total(float(origins.zones[zone]))
        if total == SECRET and shown.empty:
            silent += 1
            continue
        if hidden:
            words = ("autre commune", "autres communes") if named else ("commune", None)
            named.append(count(hidden, *words))
        rows.append([reading.zone(str(zone)), total, join(named)])
    if silent:
        which = "EPCI" if not rows else "autres EPCI" if silent > 1 else "autre EPCI"
        rows.append([f"{silent} {which}", SECRET, ""])
    rows.append(["Ensemble", _total(origins.total), ""])
    columns = "EPCI <1.6 | Enfants accompagnés >1.2 | Communes <3"
    caption = "Enfants accompagnés par EPCI d'origine."
    return doc.table(columns, rows, caption, strong_rows=[len(rows) - 1])


def _total(children: float) -> str:
    """Write a sum of children, or that it is secret."""
    return SECRET if np.isnan(children) else integer(children)
