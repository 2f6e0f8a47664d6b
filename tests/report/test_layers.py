"""The layers as QGIS and analysts open them: styles, aliases, classes of the report, project, GeoParquet."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree as ET

import geopandas as gpd
import pandas as pd
import pyarrow.parquet as pq
import pyogrio
import pytest

from territory.plot import style
from territory.plot.maps.legend import change_classes
from territory.report.files.layers import write_layers
from tests import vallon
from tests.report.worlds import few, reading

WORLDS = ("usual", "markup", "without_outlines", "all_unknown", "observed", "one_commune", "without_scenario")
_FOLDER = TemporaryDirectory()


@cache
def written(name: str) -> Path:
    """Write the layers of a made-up study once."""
    path = Path(_FOLDER.name) / name / "territoire.gpkg"
    path.parent.mkdir()
    write_layers(reading(name), path)
    return path


def rows(path: Path, sql: str) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(sql).fetchall()


def styles(path: Path) -> Iterator[tuple[str, str, ET.Element, bool]]:
    for layer, name, qml, default in rows(
        path, "SELECT f_table_name, styleName, styleQML, useAsDefault FROM layer_styles ORDER BY id"
    ):
        yield layer, name, ET.fromstring(qml), bool(default)


@pytest.mark.parametrize("name", few("markup", among=WORLDS))
def test_each_style_draws_every_value_of_a_column_that_is_there(name: str) -> None:
    path = written(name)
    tables = {
        layer: gpd.read_file(path, layer=layer)
        for layer in pyogrio.list_layers(path)[:, 0]
        if layer != "layer_styles"
    }
    opened: dict[str, int] = {}
    for layer, _, qml, default in styles(path):
        opened[layer] = opened.get(layer, 0) + default
        renderer = qml.find("renderer-v2")
        assert renderer is not None
        column = renderer.attrib["attr"]
        classes = [one.attrib["value"] for one in renderer.iter("category")]
        # an empty value stands for all the others
        assert set(tables[layer][column].astype(str)) <= set(classes) or classes == [""]
        symbols = {one.attrib["name"] for one in renderer.iter("symbol")}
        assert {one.attrib["symbol"] for one in renderer.iter("category")} == symbols
        assert {one.attrib["field"] for one in qml.iter("alias")} == set(tables[layer].columns) - {"geometry"}
    assert opened == dict.fromkeys(tables, 1)
    assert {str(table.crs.to_epsg()) for table in tables.values()} == {"2154"}


def test_classes_and_colours_are_those_of_the_report() -> None:
    read = reading("usual")
    move = read.moves("B")[0]
    found = read.differences_of(move)
    told = change_classes(found["delta_travel_time_min"], found["effect"])
    table = gpd.read_file(written("usual"), layer="ecarts_B").set_index("commune_code")
    labels = {one.key: one.label for one in told.legend}
    column = f"class_{move.services[0]}"
    assert table[column].to_dict() == told.keys.reindex(table.index).map(labels).to_dict()
    _, _, qml, _ = next(one for one in styles(written("usual")) if one[0] == "ecarts_B")
    colors = {one.label: one.color for one in told.legend}
    fills = {one.attrib["name"]: one for one in qml.iter("symbol")}
    for one in qml.iter("category"):
        color = fills[one.attrib["symbol"]].findall("layer/Option/Option[@name='color']")[0].attrib["value"]
        red, green, blue = (int(part) for part in color.split(",")[:3])
        assert f"#{red:02x}{green:02x}{blue:02x}" == colors[one.attrib["value"]]
    assert style.GAINS[2] in colors.values()


def test_layers_and_columns_have_french_names() -> None:
    path = written("usual")
    about = dict(rows(path, "SELECT table_name, identifier FROM gpkg_contents WHERE data_type = 'features'"))
    assert about["temps"] == "Temps de trajet"
    assert about["ecarts_B"] == "Écarts, scénario B"
    assert {"sites", "epci", "besoins", "communes"} <= set(about)
    aliases = rows(path, "SELECT table_name, column_name, name FROM gpkg_data_columns")
    assert all(alias and "_" not in alias for _, _, alias in aliases)
    assert (
        "temps",
        f"baseline_{vallon.IME}_min",
        f"Temps de route aujourd’hui (min)\xa0: {reading('usual').label(vallon.IME)}",
    ) in aliases


def test_needs_are_those_that_may_be_printed() -> None:
    table = gpd.read_file(written("usual"), layer="besoins")
    said = table.filter(regex="^demand_").to_numpy().ravel()
    assert "< 11" in said
    assert all(text in ("0", "< 11") or int(text) >= 11 for text in said)
    # the layers of a study that counts children say what those of another say
    observed = written("observed")
    for layer in ("epci", "temps", "besoins", "sites"):
        one, other = (gpd.read_file(path, layer=layer) for path in (written("usual"), observed))
        pd.testing.assert_frame_equal(pd.DataFrame(one), pd.DataFrame(other))


def test_sites_say_their_services_and_places() -> None:
    table = gpd.read_file(written("usual"), layer="sites").set_index("site_id")
    services = reading("usual").release.services
    places = services[services["capacity_unit"].eq("places") & services["capacity"].notna()]
    site = places.index[0][0]
    assert table.loc[site, "places"] == places.xs(site)["capacity"].sum()
    assert f"{places['capacity'].iloc[0]:g} places" in table.loc[site, "services"]


@pytest.mark.parametrize("name", few("markup", among=WORLDS))
def test_the_project_opens_the_layers_by_groups(name: str) -> None:
    path = written(name)
    tree = ET.parse(path.with_suffix(".qgs")).getroot()
    layers = {one.findtext("id"): one for one in tree.iter("maplayer")}
    nodes = {one.attrib["id"]: one for one in tree.iter("layer-tree-layer")}
    assert set(layers) == set(nodes)
    # QGIS gives another id to what has a short one, and then finds no node for it
    assert min(map(len, layers)) > 10
    known = {layer for layer, *_ in styles(path)}
    for key, layer in layers.items():
        file, _, inside = str(layer.findtext("datasource")).partition("|layername=")
        assert file == "./territoire.gpkg"
        assert inside in known
        assert nodes[key].attrib["name"] == layer.findtext("layername")
    assert sum(node.attrib["checked"] == "Qt::Checked" for node in nodes.values()) in (1, 2)
    assert {group.attrib["name"] for group in tree.iter("layer-tree-group") if group.attrib} >= {"Repères"}


def test_geoparquet_is_read_back() -> None:
    path = written("usual")
    files = sorted((path.parent / "couches").iterdir())
    assert {one.stem for one in files} == {layer for layer, *_ in styles(path)}
    for file in files:
        table, layer = gpd.read_parquet(file), gpd.read_file(path, layer=file.stem)
        assert table.crs == layer.crs
        assert table.geometry.geom_equals(layer.geometry, align=False).all()
        assert (
            table.drop(columns="geometry").columns.tolist() == layer.drop(columns="geometry").columns.tolist()
        )
        geo = pq.read_schema(file).metadata[b"geo"].decode()
        assert '"version": "1.1.0"' in geo
        assert '"covering"' in geo
        # the box of each row is what readers filter by
        assert len(gpd.read_parquet(file, bbox=tuple(table.total_bounds))) == len(table)
