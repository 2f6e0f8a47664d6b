"""Networks from osmnx: a graph it downloaded or loaded, a GraphML file, or a download."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError
from shapely import MultiPolygon, Polygon

from territory.errors import MissingFileError, NetworkError, ParameterError, Problems, retold
from territory.network.graph.arrays import BACKWARD, FORWARD, RoadLines
from territory.network.maps import profiles
from territory.network.maps.osm import ATTRIBUTION
from territory.network.roads import RoadNetwork
from territory.sources.text.workbooks import declares_type

# directions are in the edges of the graph already
_NOT_TAGS = frozenset({"oneway", "junction", "oneway:motorcar", "oneway:motor_vehicle", "oneway:vehicle"})


def from_osmnx(graph: "nx.MultiDiGraph[Any] | str | Path", *, profile: str = "car") -> RoadNetwork:
    """Prepare a graph of osmnx for travel times.

    osmnx keeps no turn restrictions, and its simplified graphs keep signals only at junctions: `read_osm` on an
    .osm.pbf file knows more. Where a simplified edge merges several roads, it takes the class and the limit of
    the slowest, and is closed where one of them is.

    Parameters
    ----------
    graph
        Graph made by osmnx (nodes with x and y, edges with highway and oneway, a CRS), or the path of a GraphML
        file that osmnx saved.
    profile
        ``car``, the only one.

    Examples
    --------
    >>> import networkx as nx
    >>> graph = nx.MultiDiGraph(crs="EPSG:4326")
    >>> graph.add_nodes_from([(1, {"x": 6.4, "y": 43.5}), (2, {"x": 6.4, "y": 43.51})])
    >>> _ = graph.add_edge(1, 2, osmid=7, highway="primary", oneway=True)
    >>> from_osmnx(graph)
    <RoadNetwork « graphe osmnx » : 1,1 km, 2 carrefours, heures creuses>
    """
    _check_profile(profile)
    if isinstance(graph, str | Path):
        return RoadNetwork.from_road_lines(lines_of_graph(_load(Path(graph)), source=Path(graph).name))
    return RoadNetwork.from_road_lines(lines_of_graph(graph, source="graphe osmnx"))


def _check_profile(profile: str) -> None:
    """Refuse any profile but the only one that graphs of osmnx are read for."""
    if profile != "car":
        raise ParameterError(f"Profil « {profile} » inconnu : osmnx ne sert que « car » (voir read_osm).")


def _load(path: Path) -> "nx.MultiDiGraph[Any]":
    import osmnx

    if not path.exists():
        raise MissingFileError(f"Graphe routier introuvable : « {path} » (vérifiez le chemin).")
    with path.open("rb") as stream:
        if declares_type(stream):
            raise NetworkError(f"« {path.name} » déclare des entités XML, refusé par prudence.")
    # osmnx lets any error of its parsers through
    said = f"« {path.name} » n'est pas un graphe GraphML enregistré par osmnx ({{reason}})."
    with retold(Exception, NetworkError, said):
        return osmnx.load_graphml(path)


def lines_of_graph(graph: "nx.MultiDiGraph[Any]", *, source: str) -> RoadLines:
    """Turn a graph of osmnx into ways and nodes."""
    places = _places(graph)
    ids: list[Any] = []
    place: dict[Any, tuple[float, float]] = {}
    start, driven, way_id = [0], [], []
    for tail, head, edge, direction in _streets(graph):
        one = profiles.drive(_tags(edge))
        if one is None:
            continue
        driven.append(replace(one, direction=direction))
        way_id.append(_number_of(edge))
        inside = _inside(edge, places[tail])
        # a vertex inside a street has no identifier: it is told from all others by where it comes in the list
        steps = [tail, *((len(ids), position) for position in range(len(inside))), head]
        place.update(zip(steps, (places[tail], *inside, places[head]), strict=True))
        ids += steps
        start.append(len(ids))
    if not driven:
        raise NetworkError('Graphe osmnx sans aucune route ouverte aux voitures (network_type="drive").')
    number = {node: row for row, node in enumerate(place)}
    nodes = graph.nodes.values()
    texts = ({key: text for key, text in tags.items() if isinstance(text, str)} for tags in nodes)
    kinds, barriers = profiles.node_effects(zip(graph.nodes, texts, strict=True), profiles.PROFILES["car"])
    degrees = _to_degrees(np.array(list(place.values())), graph.graph["crs"])
    return RoadLines(
        ways=profiles.way_table(np.array(way_id, dtype=np.int64), driven, np.arange(len(driven))),
        start=np.array(start, dtype=np.int64),
        node=np.array([number[node] for node in ids], dtype=np.int32),
        lon=degrees[0],
        lat=degrees[1],
        length_m=np.full(len(driven), np.nan),
        kind_node=np.array([number[node] for node in kinds if node in number], dtype=np.int32),
        kind=np.array([kind for node, kind in kinds.items() if node in number], dtype=np.int8),
        barrier_node=np.array([number[node] for node in barriers if node in number], dtype=np.int32),
        source=source,
        attribution=ATTRIBUTION,
    )


def _places(graph: "nx.MultiDiGraph[Any]") -> dict[Any, tuple[float, float]]:
    """Return where nodes are, or say what the graph lacks."""
    problems = Problems("Graphe osmnx", NetworkError)
    if "crs" not in graph.graph:
        problems.add("système de coordonnées absent (graph.graph['crs'])")
    if graph.number_of_edges() == 0:
        problems.add("aucune arête")
    placed = {node: (data.get("x"), data.get("y")) for node, data in graph.nodes(data=True)}
    lost = [node for node, place in placed.items() if None in place]
    problems.count(lost, "nœud(s) sans coordonnées x et y")
    if graph.number_of_edges() and not any("highway" in data for _, _, data in graph.edges(data=True)):
        problems.add("aucune arête n'a d'attribut « highway »")
    problems.raise_if_any()
    return {node: (float(x), float(y)) for node, (x, y) in placed.items()}


def _streets(graph: "nx.MultiDiGraph[Any]") -> Iterator[tuple[Any, Any, Mapping[str, Any], int]]:
    """Yield each street once, with the directions in which its edges run."""
    waiting: dict[tuple[Any, ...], list[tuple[Any, Any, Mapping[str, Any]]]] = {}
    for tail, head, edge in graph.edges(data=True):
        if str(edge.get("oneway", False)).lower() in ("true", "yes", "1"):
            yield tail, head, edge, FORWARD
            continue
        osm_id = edge.get("osmid")
        name = str(sorted(map(str, osm_id)) if isinstance(osm_id, list) else osm_id)
        with retold(
            ValueError, NetworkError, f"Graphe osmnx : longueur illisible « {edge.get('length')} » (mètres)."
        ):
            length = round(float(edge.get("length") or 0.0), 1)
        partners = waiting.get((head, tail, name, length))
        if partners:
            yield *partners.pop(), FORWARD | BACKWARD
        else:
            waiting.setdefault((tail, head, name, length), []).append((tail, head, edge))
    # the other direction was cut off at the edge of the download
    for rest in waiting.values():
        for tail, head, edge in rest:
            yield tail, head, edge, FORWARD


def _tags(edge: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags of an edge; of merged roads, the slowest."""
    tags = {}
    for key, value in edge.items():
        if key in profiles.WAY_KEYS and key not in _NOT_TAGS and value is not None:
            said = [str(one) for one in (value if isinstance(value, list) else [value]) if one is not None]
            # a street of several roads is as closed as any of them
            worst = [one for one in said if profiles.access_of(one) in ("fermé", "desserte")]
            is_access = key.partition(":")[0] in profiles.PROFILES["car"].keys
            tags[key] = max(worst, key=profiles.access_of, default=said[0]) if is_access else ";".join(said)
    merged = edge.get("highway")
    if isinstance(merged, list):
        # a street that goes on as a footpath is no way through
        walked = [one for one in merged if one not in profiles.DRIVABLE]
        tags["highway"] = walked[0] if walked else max(merged, key=profiles.DRIVABLE.index)
    return tags


def _number_of(edge: Mapping[str, Any]) -> int:
    """Return the identifier of the first way of an edge, 0 if it has none."""
    osm_id: Any = edge.get("osmid")
    try:
        return int(osm_id[0] if isinstance(osm_id, list) else osm_id)
    except (TypeError, ValueError):
        return 0


def _inside(edge: Mapping[str, Any], tail: tuple[float, float]) -> list[tuple[float, float]]:
    """Return the vertices of an edge between its ends, from its tail."""
    if edge.get("geometry") is None:
        return []
    corners = [(float(x), float(y)) for x, y, *_ in edge["geometry"].coords]
    first, last = (np.hypot(corner[0] - tail[0], corner[1] - tail[1]) for corner in (corners[0], corners[-1]))
    return corners[1:-1] if first <= last else corners[-2:0:-1]


def _to_degrees(places: np.ndarray, crs: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return longitudes and latitudes, or say that the places are nowhere."""
    said = f"le système de coordonnées « {str(crs)[:40]} » est inconnu ; corrigez graph.graph['crs']."
    with retold(CRSError, NetworkError, f"Graphe osmnx : {said}"):
        source = CRS(crs)
    lon, lat = places.T
    if source != CRS("EPSG:4326"):
        lon, lat = Transformer.from_crs(source, CRS("EPSG:4326"), always_xy=True).transform(lon, lat)
    nowhere = ~((np.abs(lon) <= 180) & (np.abs(lat) <= 90))
    if nowhere.any():
        what = f"Graphe osmnx : des coordonnées ({int(nowhere.sum())}) ne sont pas celles d'un lieu"
        raise NetworkError(f"{what} ; vérifiez le système de coordonnées (graph.graph['crs']).")
    return lon, lat


def download(
    place_or_polygon: str | Polygon | MultiPolygon,
    *,
    profile: str = "car",
    cache_dir: str | Path | None = None,
) -> RoadNetwork:
    """Download the roads of a place through osmnx and prepare them.

    It asks the public Overpass server: for a département or more, use `read_osm` on an .osm.pbf extract, which also
    knows turn restrictions.

    Parameters
    ----------
    place_or_polygon
        Name of a place that Nominatim knows, or a polygon in degrees (WGS 84).
    profile
        ``car``, the only one.
    cache_dir
        Folder where osmnx keeps the answers of the server; osmnx's own setting by default.
    """
    import osmnx

    _check_profile(profile)
    options: dict[str, Any] = {
        "simplify": False,
        # islands are dealt with when points are placed
        "retain_all": True,
        "custom_filter": f'["highway"~"^({"|".join(profiles.DRIVABLE)})$"]',
    }
    ask: Any = osmnx.graph_from_polygon
    source, what = "osmnx", "ce polygone"
    if isinstance(place_or_polygon, str):
        ask, source, what = osmnx.graph_from_place, place_or_polygon, f"« {place_or_polygon} »"
    with _osmnx_settings(cache_dir):
        try:
            graph = ask(place_or_polygon, **options)
        # osmnx lets any error of its requests through
        except Exception as error:
            said = f"Le téléchargement des routes de {what} a échoué ({type(error).__name__} : {error})"
            advice = "vérifiez le nom et la connexion, ou lisez un extrait .osm.pbf avec read_osm"
            raise NetworkError(f"{said} : {advice}.") from error
    return RoadNetwork.from_road_lines(lines_of_graph(graph, source=source))


@contextmanager
def _osmnx_settings(cache_dir: str | Path | None) -> Iterator[None]:
    """Ask osmnx for the tags that the profile reads, and give its settings back afterwards."""
    import osmnx

    settings = osmnx.settings
    names = ("useful_tags_way", "useful_tags_node", "cache_folder", "use_cache")
    before = {name: getattr(settings, name) for name in names}
    settings.useful_tags_way = sorted({*before["useful_tags_way"], *profiles.WAY_KEYS})
    of_nodes = {*before["useful_tags_node"], "barrier", "access", "motor_vehicle", "locked"}
    settings.useful_tags_node = sorted(of_nodes)
    if cache_dir is not None:
        settings.cache_folder, settings.use_cache = str(cache_dir), True
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(settings, name, value)
