from __future__ import annotations

import networkx as nx
import numpy as np
import osmnx
import pytest
import shapely

from territory.errors import MissingFileError, NetworkError, ParameterError
from territory.network.maps import osmnx_io
from territory.network.maps.osmnx_io import download, from_osmnx
from territory.network.maps.profiles import DRIVABLE
from tests.network.small_maps import metres, points

PLACES = {1: (6.40, 43.50), 2: (6.40, 43.51), 3: (6.41, 43.51), 4: (6.42, 43.52)}


def graph_of(*edges, nodes=None, crs="EPSG:4326"):
    graph = nx.MultiDiGraph(crs=crs)
    for node, (x, y) in PLACES.items():
        graph.add_node(node, x=x, y=y, **(nodes or {}).get(node, {}))
    for tail, head, data in edges:
        graph.add_edge(tail, head, **{"osmid": 1, "highway": "primary", "oneway": False, **data})
    return graph


def seconds(network, one, two):
    return float(network.travel_time_matrix(points(a=PLACES[one]), points(b=PLACES[two]))[0, 0] * 60)


def plain(network):
    return network.with_speeds(
        network.speeds.assign(default_kmh=36.0, legal_factor=np.nan, signal_s=0.0, stop_s=0.0, junction_s=0.0)
    )


def test_both_directions_of_a_street_make_one_road():
    graph = graph_of((1, 2, {}), (2, 1, {"reversed": True}), (2, 3, {}), (3, 2, {"reversed": True}))
    network = plain(from_osmnx(graph))
    assert network.roads.n_chains == 1
    assert (
        seconds(network, 1, 3)
        == seconds(network, 3, 1)
        == pytest.approx(metres(PLACES[1], PLACES[2], PLACES[3]) / 10, abs=0.05)
    )
    # a point inside the street may go both ways
    middle = points(m=(6.40, 43.505))
    for end in (1, 2):
        got = network.travel_time_matrix(middle, points(e=PLACES[end]))[0, 0] * 60
        assert got == pytest.approx(metres((6.40, 43.505), PLACES[end]) / 10, abs=0.05)


def test_one_way_streets_and_streets_cut_at_the_edge_run_as_their_edges():
    graph = graph_of((1, 2, {"oneway": True}), (2, 3, {}), (3, 1, {}))
    network = plain(from_osmnx(graph))
    assert seconds(network, 1, 2) == pytest.approx(metres(PLACES[1], PLACES[2]) / 10, abs=0.05)
    assert seconds(network, 2, 1) == pytest.approx(metres(PLACES[2], PLACES[3], PLACES[1]) / 10, abs=0.05)


def test_geometry_is_followed_from_the_tail_whatever_its_order():
    corner = (6.43, 43.505)
    line = shapely.LineString([PLACES[1], corner, PLACES[2]])
    for geometry in (line, line.reverse()):
        network = plain(from_osmnx(graph_of((1, 2, {"geometry": geometry, "oneway": True}))))
        assert network.length_km == pytest.approx(metres(PLACES[1], corner, PLACES[2]) / 1000, rel=1e-5)


def test_merged_edges_take_the_slowest_class_and_limit():
    data = {"highway": ["primary", "residential"], "maxspeed": ["50", "30"], "osmid": [5, 6]}
    network = from_osmnx(graph_of((1, 2, data), (2, 1, {**data, "osmid": [6, 5]})))
    assert network.roads.ways.class_names == ("residential",)
    assert network.roads.ways.maxspeed_forward_kmh.tolist() == [30.0]
    assert network.roads.n_chains == 1
    with pytest.raises(NetworkError, match="aucune route ouverte"):
        from_osmnx(graph_of((1, 2, {"highway": ["service", "footway"]})))


def test_what_cars_may_not_use_and_what_nodes_do():
    edges = [(1, 2, {}), (2, 1, {}), (2, 3, {"access": "private"}), (3, 4, {"highway": "footway"})]
    network = from_osmnx(
        graph_of(*edges, nodes={2: {"highway": "traffic_signals"}, 1: {"barrier": "bollard"}})
    )
    assert network.length_km == pytest.approx(metres(PLACES[1], PLACES[2]) / 1000, rel=1e-5)
    assert network.roads.vertex_kind.max() == 3


def test_a_projected_graph_gives_the_same_network():
    edges = [(1, 2, {}), (2, 1, {}), (2, 3, {}), (3, 2, {})]
    graph = graph_of(*edges)
    projected = osmnx.project_graph(graph)
    assert seconds(from_osmnx(projected), 1, 3) == pytest.approx(seconds(from_osmnx(graph), 1, 3), abs=0.01)


def test_graphs_that_cannot_be_used(tmp_path):
    with pytest.raises(MissingFileError):
        from_osmnx(tmp_path / "absent.graphml")
    (tmp_path / "page.graphml").write_text("<html/>")
    with pytest.raises(NetworkError, match=r"pas un graphe GraphML"):
        from_osmnx(tmp_path / "page.graphml")
    with pytest.raises(ParameterError, match="Profil"):
        from_osmnx(graph_of((1, 2, {})), profile="bike")
    empty = nx.MultiDiGraph()
    empty.add_node(1)
    with pytest.raises(NetworkError) as caught:
        from_osmnx(empty)
    assert str(caught.value).count("\n") == 3
    with pytest.raises(NetworkError, match="aucune route ouverte"):
        from_osmnx(graph_of((1, 2, {"highway": "footway"})))
    with pytest.raises(NetworkError, match="longueur illisible « abc »"):
        from_osmnx(graph_of((1, 2, {"length": "abc"})))


def test_a_saved_graph_is_read(tmp_path):
    graph = graph_of((1, 2, {"maxspeed": "50"}), (2, 1, {"maxspeed": "50"}))
    osmnx.save_graphml(graph, tmp_path / "rues.graphml")
    network = from_osmnx(tmp_path / "rues.graphml")
    assert repr(network).startswith("<RoadNetwork « rues.graphml »")
    assert seconds(network, 1, 2) == seconds(from_osmnx(graph), 1, 2)


@pytest.mark.slow
def test_a_real_graph(shared_data):
    network = from_osmnx(shared_data / "roads" / "saint_germain_en_laye_osmnx.graphml")
    graph = osmnx.load_graphml(shared_data / "roads" / "saint_germain_en_laye_osmnx.graphml")
    closed = ("private", "no", "customers", "destination", "delivery")
    open_edges = [
        data
        for _, _, data in graph.edges(data=True)
        if data["highway"] in DRIVABLE and data["highway"] != "track" and data.get("access") not in closed
    ]
    length_m = sum(data["length"] / (1 if data["oneway"] else 2) for data in open_edges)
    # merged edges, and streets open to residents, are more than that
    assert length_m / 1000 <= network.length_km < 1.15 * length_m / 1000
    # a quarter of the streets are across the forest, in another part
    assert 0.7 < network.topology.is_main.mean() < 0.8
    a, b = points(a=(2.0937, 48.8989)), points(b=(2.0680, 48.8996))
    there, back = network.travel_time_matrix(a, b)[0, 0], network.travel_time_matrix(b, a)[0, 0]
    assert 2 < there < 10
    assert 2 < back < 10


def test_a_download_goes_through_osmnx_and_leaves_its_settings_alone(monkeypatch, tmp_path):
    asked = {}

    def graph_from_place(name, **options):
        asked.update(
            options, name=name, tags=list(osmnx.settings.useful_tags_way), cache=osmnx.settings.cache_folder
        )
        return graph_of((1, 2, {}), (2, 1, {}))

    before = list(osmnx.settings.useful_tags_way), osmnx.settings.cache_folder
    monkeypatch.setattr(osmnx, "graph_from_place", graph_from_place)
    network = download("Draguignan, Var", cache_dir=tmp_path)
    assert repr(network).startswith("<RoadNetwork « Draguignan, Var »")
    assert asked["name"] == "Draguignan, Var"
    assert "motor_vehicle" in asked["tags"]
    assert asked["cache"] == str(tmp_path)
    assert not asked["simplify"]
    assert "unclassified" in asked["custom_filter"]
    assert before == (list(osmnx.settings.useful_tags_way), osmnx.settings.cache_folder)

    def fail(*_, **__):
        raise ConnectionError("hors ligne")

    monkeypatch.setattr(osmnx, "graph_from_polygon", fail)
    with pytest.raises(NetworkError, match=r"ce polygone a échoué .*hors ligne"):
        download(shapely.box(6, 43, 7, 44))
    monkeypatch.setattr(osmnx, "graph_from_place", fail)
    with pytest.raises(NetworkError, match="« Nulle part »"):
        download("Nulle part")
    assert osmnx_io.ATTRIBUTION in network.attribution


@pytest.mark.parametrize(
    ("crs", "place", "said"),
    [
        ("EPWG:4326", (6.4, 43.5), "« EPWG:4326 » est inconnu"),
        ("EPSG:4326", (646.0, 43.5), "ne sont pas celles d'un lieu"),
    ],
)
def test_a_graph_that_is_nowhere_is_refused(crs, place, said):
    graph = nx.MultiDiGraph(crs=crs)
    graph.add_node(1, x=place[0], y=place[1])
    graph.add_node(2, x=6.4, y=43.51)
    graph.add_edge(1, 2, osmid=7, highway="primary", oneway=False)
    with pytest.raises(NetworkError, match=said):
        from_osmnx(graph)
