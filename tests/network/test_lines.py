from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from territory.errors import NetworkError, ParameterError, TerritoryWarning
from territory.network.graph.speeds import speed_table
from territory.network.maps.line_layers import from_lines

ORIGIN = (950_000, 6_270_000)


def line(*corners):
    return shapely.LineString([(ORIGIN[0] + x, ORIGIN[1] + y) for x, y in corners])


def layer(rows, **columns):
    return gpd.GeoDataFrame(columns, geometry=[line(*row) for row in rows], crs=2154)


def point(x, y):
    return gpd.GeoDataFrame(index=["p"], geometry=[shapely.Point(ORIGIN[0] + x, ORIGIN[1] + y)], crs=2154)


def minutes(network, one, two, **options):
    return float(network.travel_time_matrix(point(*one), point(*two), **options)[0, 0])


def communes(density):
    box = shapely.box(ORIGIN[0] - 1e4, ORIGIN[1] - 1e4, ORIGIN[0] + 1e4, ORIGIN[1] + 1e4)
    return gpd.GeoDataFrame({"density_hab_km2": [float(density)]}, geometry=[box], crs=2154)


def test_any_layer_with_named_columns():
    lines = layer([[(0, 0), (0, 3000)], [(0, 3000), (3000, 3000)]], cat=["rapide", "lente"], km=[6.0, 3.0])
    network = from_lines(
        lines,
        columns={"road_class": "cat", "length": "km", "length_unit_m": 1000.0},
        speeds={"rapide": 60, "lente": 30},
    )
    # 6 km stated for 3 drawn, at 60 km/h, then 3 km at 30
    assert minutes(network, (0, 0), (3000, 3000)) == pytest.approx(6 + 6, rel=1e-4)
    assert minutes(network, (0, 1500), (0, 3000)) == pytest.approx(3, rel=1e-4)


def test_lines_meet_at_their_ends_only():
    lines = layer([[(0, 0), (2000, 0)], [(1000, -1000), (1000, 1000)]], c=["a", "a"])
    network = from_lines(lines, columns={"road_class": "c"}, speeds={"a": 60})
    assert np.isinf(minutes(network, (0, 0), (1000, 1000), islands=True))


def test_the_layer_of_ign_bd_topo_with_the_speeds_of_metric():
    lines = layer(
        [
            [(0, 0), (0, 2000)],
            [(0, 2000), (2000, 2000)],
            [(2000, 2000), (2000, 0)],
            [(0, 0), (2000, 0)],
            [(0, 0), (9, 9)],
        ],
        NATURE=[
            "Route à 1 chaussée",
            "Route à 2 chaussées",
            "Route à 1 chaussée",
            "Route empierrée",
            "Sentier",
        ],
        SENS=["Double sens", "Sens direct", "Sens inverse", "Double sens", "Sans objet"],
        ACCES_VL=["Libre", "Libre", "Libre", "Physiquement impossible", "Libre"],
    )
    network = from_lines(lines, columns="bd_topo", speeds=speed_table(), density=communes(100))
    # 2 km at 65, 2 km at 90
    assert minutes(network, (0, 0), (2000, 2000), islands=True) == pytest.approx(
        120 / 65 + 120 / 90, rel=1e-3
    )
    assert np.isinf(minutes(network, (2000, 2000), (0, 0), islands=True))
    assert np.isinf(minutes(network, (2000, 2000), (2000, 1), islands=True))
    dense = from_lines(lines, columns="bd_topo", speeds=speed_table(), density=communes(5000))
    assert minutes(dense, (0, 0), (2000, 2000), islands=True) == pytest.approx(120 / 20 + 120 / 30, rel=1e-3)
    assert "BD TOPO" in network.attribution


def test_newer_names_of_bd_topo():
    lines = layer([[(0, 0), (0, 2000)]], nature=["Type autoroutier"], sens_de_circulation=["Sens inverse"])
    network = from_lines(lines, columns="bd_topo", speeds=speed_table(), density=communes(100))
    assert network.roads.ways.direction.tolist() == [2]


def test_lengths_in_kilometres():
    lines = layer([[(0, 0), (0, 2000)]], c=["a"], km=[2.0])
    columns = {"road_class": "c", "length": "km", "length_unit_m": 1000.0}
    network = from_lines(lines, columns=columns, speeds={"a": 60})
    assert minutes(network, (0, 0), (0, 2000)) == pytest.approx(2, rel=1e-4)
    with pytest.raises(ParameterError, match=r"0\.001 fois"):
        from_lines(lines.assign(km=[0.002]), columns=columns, speeds={"a": 60})


def test_metric_needs_densities():
    lines = layer([[(0, 0), (0, 2000)]], NATURE=["Bretelle"])
    with pytest.raises(ParameterError, match="SENS"):
        from_lines(lines, columns="bd_topo", speeds=speed_table())
    with pytest.raises(ParameterError, match="density=communes"):
        from_lines(lines.assign(SENS="Double"), columns="bd_topo", speeds=speed_table())


def test_unknown_classes_are_counted_and_unknown_directions_refused():
    lines = layer(
        [[(0, 0), (0, 2000)]] * 3, NATURE=["Bretelle", "Voie lactée", "Escalier"], SENS=["Double"] * 3
    )
    with pytest.warns(TerritoryWarning, match=r"1 lignes d'une classe inconnue.*Voie lactée"):
        from_lines(lines, columns="bd_topo", speeds=speed_table(), density=communes(1))
    with pytest.raises(ParameterError, match=r"1 lignes ont un sens de circulation inconnu \(Oblique\)"):
        from_lines(
            lines.iloc[:1].assign(SENS="Oblique"),
            columns="bd_topo",
            speeds=speed_table(),
            density=communes(1),
        )


def test_layers_that_cannot_be_used():
    lines = layer([[(0, 0), (0, 2000)]], c=["a"])
    for bad, message in (
        (lines.iloc[:0], "aucune ligne"),
        (lines.set_crs(None, allow_override=True), "système de coordonnées absent"),
        (lines.set_geometry(lines.centroid), r"1 objet qui n'est pas une ligne \(0\)"),
        (lines.set_geometry([None], crs=2154), "1 objet sans géométrie"),
        (lines.assign(c=[None]), "aucune ligne d'une classe connue"),
    ):
        with pytest.raises(NetworkError, match=message):
            from_lines(bad, columns={"road_class": "c"}, speeds={"a": 60})
    with pytest.raises(ParameterError, match="Couche « osm » inconnue"):
        from_lines(lines, columns="osm", speeds={"a": 60})
    with pytest.raises(ParameterError, match="aucune colonne nommée d"):
        from_lines(lines, columns={"road_class": "d"}, speeds={"a": 60})
    with pytest.raises(ParameterError, match="Colonnes mal décrites"):
        from_lines(lines, columns={"classe": "c"}, speeds={"a": 60})
    with pytest.raises(ParameterError, match=r"d.au moins 1"):
        from_lines(lines, columns={"road_class": "c"}, speeds={"a": 0})
    with pytest.raises(ParameterError, match="1 classes de routes"):
        from_lines(layer([[(0, 0), (0, 9)]] * 2, c=["a", "b"]), columns={"road_class": "c"}, speeds={"a": 60})


def test_parts_of_a_multiline_are_roads_of_their_own():
    lines = layer([[(0, 0), (0, 1000)]], c=["a"])
    lines.geometry = [shapely.MultiLineString([line((0, 0), (0, 1000)), line((0, 1000), (0, 2000))])]
    network = from_lines(lines, columns={"road_class": "c"}, speeds={"a": 60})
    assert minutes(network, (0, 0), (0, 2000)) == pytest.approx(2, rel=1e-3)


@pytest.mark.parametrize("sense", [0, 7, -1])
def test_a_direction_that_is_none_is_refused_before_it_is_saved(sense):
    columns = {"road_class": "c", "direction": "d", "directions": {"D": 3, "R": sense}}
    lines = layer([[(0, 0), (0, 1000)], [(0, 1000), (0, 2000)]], c=["a", "a"], d=["D", "R"])
    with pytest.raises(ParameterError, match=f"{sense} n'est pas un sens"):
        from_lines(lines, columns=columns, speeds={"a": 60})
