"""Where the children served come from: a map of flows and its table, only where the study gives their origins."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from territory.french.numbers import integer
from territory.french.words import count, join
from territory.plot import style
from territory.plot.maps.categories import Category
from territory.plot.maps.choropleth import Panel, draw_map
from territory.plot.maps.legend import Legend
from territory.release.gate import TODAY, Origins
from territory.release.observed_children import PRESENCE_FLOOR
from territory.report.chapters import pictures
from territory.report.layout.document import Block, Heading, Paragraph, Picture, table
from territory.report.layout.pdf import Part
from territory.report.reading import SECRET, Reading

_PRINTED = Category("printed", "effectif publié (nombre)", style.SEQUENTIAL[1])
_WITHHELD = Category("withheld", "effectif non publié", style.UNKNOWN_COLOR, style.INDISTINCT_HATCH)
_NOBODY = Category("nobody", "aucun enfant accompagné", style.OUTSIDE)


def flows(reading: Reading) -> list[Part]:
    """Return the flows of children to each service whose origins are observed; all but the first may leave."""
    parts: list[Part] = []
    for service in reading.named:
        origins = reading.release.origins(service)
        if origins is not None:
            head = [] if parts else [Heading("D'où viennent les enfants accompagnés", new_page=True)]
            title = f"les communes d'origine, {reading.short(service)}" if parts else ""
            parts.append(Part([*head, *_one(reading, service, origins)], title, leaves=24))
    return parts


def _one(reading: Reading, service: str, origins: Origins) -> list[Block]:
    """Return the map and the table of one service."""
    printed = origins.communes.dropna()
    hidden = len(origins.communes) - len(printed)
    noun = reading.noun(service, is_observed=True)
    text = (
        f"« {reading.label(service)} » : {noun}, par commune d'origine."
        if hidden == 0
        else f"« {reading.label(service)} » : {noun}, par commune d'origine. {count(len(printed), 'commune')} "
        f"{'a un effectif publié' if len(printed) == 1 else 'ont un effectif publié'} ; {count(hidden, 'commune')} "
        f"{'a un effectif' if hidden == 1 else 'ont des effectifs'} que le secret statistique retire. Une commune de "
        f"moins de {PRESENCE_FLOOR} personnes de l'âge accueilli est de celles-là, qu'un enfant en vienne ou non."
    )
    return [Paragraph(text), _map(reading, service, origins, printed), *_table(reading, origins)]


def _map(reading: Reading, service: str, origins: Origins, printed: pd.Series) -> Picture:
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
    legend = Legend(
        (_PRINTED, _WITHHELD, _NOBODY),
        "Enfants accompagnés",
        [(str(i), "o", reading.site_name(site)) for i, site in enumerate(sites, start=1)],
        ["Trait : aussi large que l'effectif est grand."],
    )
    names = [f"{reading.commune(str(code))} {integer(float(value))}" for code, value in inside.items()]
    said = f"Effectifs publiés : {join(names)}." if names else "Aucun effectif de commune n'est publié (0)."
    return Picture(
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
    # a service in the commune itself is no flow
    long = np.array([line.length > 1.0 for line in lines], dtype=bool)
    drawn = gpd.GeoDataFrame({"value": printed.to_numpy(float)}, geometry=lines, crs=reading.communes.crs)
    return gpd.GeoDataFrame(drawn[long])


def _table(reading: Reading, origins: Origins) -> list[Block]:
    """Return the children of each EPCI, and those of its communes that may be printed."""
    epci = reading.communes["epci_code"].fillna("").astype(str).reindex(origins.communes.index)
    rows, silent = [], 0
    for zone in sorted(epci.unique(), key=lambda code: (reading.zone(str(code)), str(code))):
        communes = origins.communes[epci == zone]
        shown = communes.dropna()
        named = [
            f"{reading.commune(str(code))} {integer(float(children))}" for code, children in shown.items()
        ]
        hidden = len(communes) - len(shown)
        total = _total(float(origins.zones[zone]))
        if total == SECRET and shown.empty:
            silent += 1
            continue
        if hidden:
            named.append(
                count(
                    hidden,
                    "autre commune" if len(shown) else "commune",
                    "autres communes" if len(shown) else None,
                )
            )
        rows.append([reading.zone(str(zone)), total, join(named)])
    if silent:
        rows.append(
            [f"{silent} {'EPCI' if not rows else 'autres EPCI' if silent > 1 else 'autre EPCI'}", SECRET, ""]
        )
    rows.append(["Ensemble", _total(origins.total), ""])
    return [
        table(
            "EPCI <1.6 | Enfants accompagnés >1.2 | Communes <3",
            rows,
            "Enfants accompagnés par EPCI d'origine.",
            strong_rows=[len(rows) - 1],
        )
    ]


def _total(children: float) -> str:
    """Write a sum of children, or that it is secret."""
    return SECRET if np.isnan(children) else integer(children)
