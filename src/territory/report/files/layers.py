"""Map layers for QGIS and for analysts: GeoPackage with the styles of the report, GeoParquet, a project over it."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from matplotlib.colors import to_rgb

from territory.french.numbers import class_labels
from territory.french.words import typeset
from territory.plot import style
from territory.plot.maps.legend import UNKNOWN, Category, Classes, change_classes, shown, time_classes
from territory.plot.maps.show_plans import criterion_classes, met_classes
from territory.release.gate import TODAY
from territory.report.chapters.pictures import areas_of, breaks_of
from territory.report.files.writers import fill
from territory.report.reading import Reading
from territory.tables import catalogue
from territory.tables.declare import CODES, SERVICES, Keyed

# a GeoPackage dates its layers by the clock: this date, which means nothing, takes its place
FIXED_DATE = "2000-01-01T00:00:00.000Z"
# a version that the QGIS of an administration knows too
_FORMAT: dict[str, Any] = {"driver": "GPKG", "dataset_options": {"VERSION": "1.2"}}
# hatches and marks of the printed maps, as QGIS names them
_HATCHES = {"////": "b_diagonal", "....": "dense7", "xxxx": "diagonal_x", "||": "vertical"}
_MARKS = ("circle", "square", "triangle", "diamond", "pentagon", "star")
_MARK_COLORS = (style.RING, style.ACCENT, style.LOSS, *style.SEQUENTIAL[3:1:-1], style.OUT_OF_REACH_COLOR)
# bounds of the classes of persons in need, by commune and by EPCI
_PERSONS, _PERSONS_OF_EPCI = (10, 30, 100, 300), (100, 300, 1_000, 3_000)


@dataclass(frozen=True)
class Style:
    """How a layer may be drawn: a colour for each text of a column."""

    title: str
    column: str
    classes: Sequence[Category]  # the label is the text of the column; an empty one stands for all
    marks: Sequence[str] = _MARKS[:1]
    named: str = ""  # the column written on the map
    group: str = ""  # of the project, that of its layer without it


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer: its table, and its styles, the first of which is the one that it opens with."""

    name: str
    group: str  # of the project
    table: gpd.GeoDataFrame
    styles: list[Style]
    aliases: dict[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """French title."""
        return catalogue.table_of(f"territoire.gpkg {self.name}").title

    @property
    def is_filled(self) -> bool:
        """Whether its places are outlines."""
        return bool(self.table.geom_type.ne("Point").any())

    @cached_property
    def names(self) -> dict[str, str]:
        """French name of each column."""
        told, table = f"territoire.gpkg {self.name}", self.table
        columns = [str(one) for one in (*table.index.names, *table.columns) if one != table.geometry.name]
        return {one: self.aliases.get(one) or catalogue.label_of(told, one) for one in columns}

    @cached_property
    def xml(self) -> str:
        """The same as QGIS reads it: a style without them takes those of the file away."""
        return "".join(fill("qgis", "alias", column=one, name=name) for one, name in self.names.items())

    def add(self, keyed: Keyed, values: pd.Series, of: str, **keys: str) -> str:
        """Add a column whose name holds a key, in the order of the index of the layer; return its name."""
        name = keyed.name(**keys)
        self.table[name] = values.to_numpy()
        self.aliases[name] = typeset(f"{keyed.column.label} : {of}")
        return name

    def add_classes(self, found: Classes, title: str, keyed: Keyed, group: str = "", **keys: str) -> None:
        """Add the classes of a map of the report, as texts, and the style that draws them."""
        texts = found.keys.map({one.key: one.label for one in found.legend})
        column, legend = self.add(keyed, texts, title, **keys), shown(found.legend, found.keys)
        self.styles.append(Style(title, column, legend, group=group))


def map_layers(reading: Reading) -> list[Layer]:
    """Return the layers of a study, from what may be printed alone; those under others last."""
    areas = areas_of(reading)
    named = areas.join(reading.communes[["name", "epci_code", "epci_name"]])

    def over(name: str, group: str) -> Layer:
        return Layer(name, group, named.copy(), [])

    times = over("temps", "Temps de trajet aujourd'hui")
    for service in reading.services:
        rows = reading.times(TODAY, service).reindex(areas.index)
        minutes, label = rows["travel_time_min"], reading.label(service)
        times.add(catalogue.TODAY_TIME, minutes.round(1), label, service=service)
        found = time_classes(minutes, breaks=breaks_of(reading), is_reachable=rows["is_reachable"])
        times.add_classes(found, label, catalogue.SERVICE_CLASS, service=service)
    made, main = [_sites(reading), *_epci(reading, areas)], reading.pivot.services if reading.pivot else ()
    for scenario in reading.release.scenarios:
        moved = over(f"ecarts_{scenario}", f"Gains et pertes, scénario {scenario}")
        for move in sorted(reading.moves(scenario), key=lambda one: one.services != main):
            rows, label = reading.differences_of(move).reindex(areas.index), reading.labels(move.services)
            for keyed, side in zip(catalogue.MOVE_TIMES, ("baseline", "scenario", "delta"), strict=True):
                moved.add(keyed, rows[f"{side}_travel_time_min"].round(1), label, service=move.services[0])
            found = change_classes(rows["delta_travel_time_min"], rows["effect"])
            moved.add_classes(found, label, catalogue.SERVICE_CLASS, service=move.services[0])
        made.append(moved)
    needs, deserts = over("besoins", "Besoins"), over("deserts", "Déserts médicaux")
    _add_needs(needs, reading, "commune_code", _PERSONS)
    _add_deserts(deserts, reading)
    made += [layer for layer in (times, needs, deserts) if layer.styles]
    table, places = reading.release.tables["communes"].set_index("commune_code"), reading.communes.geometry
    drawn = Style("Points des communes", "commune_code", [Category("", "Communes", style.MUTED)])
    points = gpd.GeoDataFrame(table, geometry=places, crs=places.crs)
    return [*made, Layer("communes", "Repères", points, [drawn])]


def _epci(reading: Reading, areas: gpd.GeoDataFrame) -> Iterator[Layer]:
    """Yield the layer of EPCI, cut at the border of the territory, where there are outlines."""
    inside = reading.territory[reading.territory["epci_code"].notna()]
    outlines = areas[areas.geom_type.isin(["Polygon", "MultiPolygon"])].reindex(inside.index).geometry
    if outlines.isna().all():
        return
    grouped = inside.assign(geometry=outlines.to_numpy()).groupby("epci_code")
    table = grouped.agg(
        epci_name=("epci_name", "first"), population=("population", "sum"), commune_count=("name", "size")
    )
    shapes = [shapely.union_all(one.dropna().to_numpy()) for _, one in grouped["geometry"]]
    drawn = Style("Limites des EPCI", "epci_name", [Category("", "EPCI", "none")], named="epci_name")
    layer = Layer("epci", "Repères", gpd.GeoDataFrame(table, geometry=shapes, crs=areas.crs), [drawn])
    _add_needs(layer, reading, "epci_code", _PERSONS_OF_EPCI)
    yield layer


def _add_needs(layer: Layer, reading: Reading, key: str, bounds: Sequence[int]) -> None:
    """Add what may be printed of the persons in need of each public, and the classes of their number."""
    table = reading.release.tables.get({"commune_code": "besoins_communes"}.get(key, "besoins_epci"))
    if table is None:
        return
    for public in table["public"].unique():
        mine = table[table["public"].eq(public)].drop_duplicates(key).set_index(key)
        rows = mine.reindex(layer.table.index)
        label = {need.public: need.label for need in reading.study.need}.get(public, str(public))
        for keyed in catalogue.NEEDS[:3]:
            layer.add(keyed, rows[keyed.column.name], label, public=public)
        # « < 11 » is in the first class
        number = pd.to_numeric(rows["demand"].replace("< 11", "1"), errors="coerce")
        places = np.searchsorted(bounds, number.to_numpy(float))
        keys = pd.Series(places.astype(str), index=rows.index, dtype=object).mask(number.isna(), UNKNOWN.key)
        names = class_labels(list(bounds), unit="personnes")
        legend = [Category(str(i), text, style.SEQUENTIAL[i]) for i, text in enumerate(names)]
        told = f"{label}, par EPCI" if key == "epci_code" else label
        found = Classes(keys, (*legend, UNKNOWN))
        layer.add_classes(found, told, catalogue.NEEDS[3], "Besoins", public=public)


def _add_deserts(layer: Layer, reading: Reading) -> None:
    """Add the class of each rule of desert, then the side of each commune under each criterion, and its figure."""
    of_scheme, of_criterion, of_figure = catalogue.DESERTS
    for scheme in reading.study.desert:
        rows = reading.criterion(scheme.criterion[0].id)
        layer.add_classes(met_classes(rows["desert_class"]), scheme.label, of_scheme, scheme=scheme.id)
        for one in scheme.criterion if len(scheme.criterion) > 1 else ():
            rows = reading.criterion(one.id)
            layer.add_classes(criterion_classes(rows["status"]), one.label, of_criterion, criterion=one.id)
            layer.add(of_figure, rows["value"].round(2), one.label, criterion=one.id)


def _sites(reading: Reading) -> Layer:
    """Return the sites with what each offers in words, those of the study first."""
    tables, places = reading.release.tables, reading.release.sites
    services = tables["services"]
    # what has no name of its own is an acronym: cmpp, uema
    labels = services["service"].map(lambda one: SERVICES.get(one, str(one).replace("_", " ").upper()))
    units, known = services["capacity_unit"].map(CODES["units_of_capacity"]), services["capacity"].notna()
    sizes = " (" + services["capacity"].fillna(0).map("{:g} ".format) + units.astype(object).fillna("") + ")"
    said = labels + sizes.where(known, "")
    held = services["capacity"].where(services["capacity_unit"].eq("places"))
    told = said.groupby(services["site_id"]).agg(" ; ".join)
    table = tables["sites"].set_index("site_id")
    first, every = labels.groupby(services["site_id"]).first(), reading.communes["name"]
    offered = {
        "commune_name": every.reindex(table["commune_code"]).to_numpy(),
        "main_service": first.reindex(table.index).fillna("sans service connu").to_numpy(),
        "services": told.reindex(table.index).to_numpy(),
        "places": held.groupby(services["site_id"]).sum(min_count=1).reindex(table.index).to_numpy(),
    }
    at = places.geometry.reindex(table.index)
    found = gpd.GeoDataFrame(table.assign(**offered), geometry=at, crs=places.crs)
    is_closest = services["service"].isin(reading.closest)
    kinds = dict.fromkeys([*labels[~is_closest], *labels, *found["main_service"]])
    legend = [Category(kind, kind, _MARK_COLORS[(i + i // 6) % 6]) for i, kind in enumerate(kinds)]
    used = [one for one in legend if one.label in set(found["main_service"])]
    marks = [_MARKS[legend.index(one) % len(_MARKS)] for one in used]
    return Layer("sites", "Repères", found, [Style("Services", "main_service", used, marks)])


def write_layers(reading: Reading, path: Path) -> None:
    """Write a GeoPackage whose dates are fixed, with styles and French aliases, a QGIS project and GeoParquet files."""
    import pyogrio

    layers, title = map_layers(reading), f"{reading.study.title} {reading.release.mark}".strip()
    path.unlink(missing_ok=True)
    # what marks the internal edition is in the name of every file
    edition = path.stem.removeprefix("territoire")
    folder = path.with_name(f"couches{edition}")
    folder.mkdir()
    aliases, styles = [], []
    for layer in layers:
        flat = gpd.GeoDataFrame(layer.table.reset_index())
        catalogue.check_declared(f"territoire.gpkg {layer.name}", map(str, flat.columns))
        pyogrio.write_dataframe(flat, path, layer=layer.name, append=path.exists(), **_FORMAT)
        covered: dict[str, Any] = {"schema_version": "1.1.0", "write_covering_bbox": True}
        flat.to_parquet(folder / f"{layer.name}{edition}.parquet", index=False, **covered)
        aliases += [(layer.name, one, name) for one, name in layer.names.items()]
        for place, one in enumerate(layer.styles):
            drawn = fill("qgis", "style", RENDERER=_renderer(layer, one), ALIASES=layer.xml)
            styles.append((layer.name, one.title, drawn, place == 0, layer.title, FIXED_DATE))
    with closing(sqlite3.connect(path)) as database, database:
        about = [(layer.title, f"{layer.group}. {title}", layer.name) for layer in layers]
        database.executemany(
            "UPDATE gpkg_contents SET identifier = ?, description = ? WHERE table_name = ?", about
        )
        database.executescript(fill("qgis", "sql"))
        database.executemany(
            "INSERT OR IGNORE INTO gpkg_data_columns VALUES (?, ?, ?, NULL, NULL, NULL, NULL)", aliases
        )
        database.executemany(
            "INSERT INTO layer_styles VALUES (NULL, '', '', ?, 'geom', ?, ?, '', ?, ?, '', NULL, ?)", styles
        )
        database.execute("UPDATE gpkg_contents SET last_change = ?", (FIXED_DATE,))
    path.with_suffix(".qgs").write_text(_project(reading, layers, path.name), encoding="utf-8", newline="\n")


def _renderer(layer: Layer, one: Style) -> str:
    """Write the colours of a style."""
    kind = "fill" if layer.is_filled else "marker"
    classes, symbols = "", ""
    for place, shown_as in enumerate(one.classes):
        value = shown_as.label if shown_as.key else ""
        classes += fill("qgis", "class", value=value, label=typeset(shown_as.label), place=place)
        color = "0,0,0,0" if shown_as.color == "none" else _rgb(shown_as.color)
        hatch = _HATCHES.get(shown_as.hatch, "no")
        symbols += fill(
            "qgis",
            kind,
            place=place,
            color=color,
            hatch=hatch,
            ink=_rgb(shown_as.hatch_color),
            mark=one.marks[place % len(one.marks)],
            edge=_rgb(style.ZONE_BORDER if color == "0,0,0,0" else style.RULE),
            width=0.5 if color == "0,0,0,0" else 0.1,
            size=2.6 if len(one.classes) > 1 else 1.2,
        )
    written = fill("qgis", "names", column=one.named, color=_rgb(style.INK)) if one.named else ""
    return fill("qgis", "renderer", column=one.column, CLASSES=classes, SYMBOLS=symbols, NAMES=written)


def _rgb(color: str) -> str:
    """Return a colour as QGIS writes it."""
    return ",".join(str(round(255 * part)) for part in (*to_rgb(color), 1.0))


def _project(reading: Reading, layers: Sequence[Layer], file: str) -> str:
    """Write a project that opens every layer under every style, by groups; what moves most is seen first."""
    groups: dict[str, str] = {}
    drawn = ""
    projected: Any = reading.communes.crs
    crs = fill("qgis", "crs", code=projected.to_epsg())
    opened = f"ecarts_{reading.pivot.scenario_id}" if reading.pivot else "temps"
    first = next((one for one in layers if one.name == opened), layers[-1])
    for layer in layers:
        for place, one in enumerate(layer.styles):
            is_seen = place == 0 and layer.name in ("epci", first.name)
            texts = {
                "id": f"territoire_{layer.name}_{place}",
                "title": one.title,
                "source": f"./{file}|layername={layer.name}",
                "checked": "Qt::Checked" if is_seen else "Qt::Unchecked",
            }
            group = one.group or layer.group
            groups[group] = groups.get(group, "") + fill("qgis", "node", **texts)
            parts = {"CRS": crs, "RENDERER": _renderer(layer, one), "ALIASES": layer.xml}
            drawn += fill("qgis", "layer", **texts, **parts, kind="Polygon" if layer.is_filled else "Point")
    tree = "".join(fill("qgis", "group", name=name, NODES=nodes) for name, nodes in groups.items())
    box = dict(zip(("left", "bottom", "right", "top"), first.table.total_bounds, strict=True))
    return fill("qgis", "project", title=reading.study.title, TREE=tree, LAYERS=drawn, CRS=crs, **box)
