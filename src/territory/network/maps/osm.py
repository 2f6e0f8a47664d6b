"""Reading the roads of an OpenStreetMap file: another process filters it, and what passes is read as it comes."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np

from territory.errors import MissingFileError, NetworkError, TerritoryWarning, examples
from territory.network.graph.arrays import Bools, Floats, Int32, Ints, RoadLines, WayTable
from territory.network.maps import car_profile as car
from territory.network.maps.opl import OplWays, decode_tags, read_opl, renumber

if TYPE_CHECKING:
    from territory.network.roads import RoadNetwork

ATTRIBUTION = "© les contributeurs d'OpenStreetMap (ODbL)"
_SUFFIXES = (".osm.pbf", ".pbf", ".osm", ".osm.gz", ".osm.bz2")
# in .osm.pbf, where a map has nothing but roads; room for more than a département would be lost on a small machine
_BYTES_PER_NODE, _MOST_EXPECTED = 8, 1 << 22
_RESTRICTION_KEYS = ("restriction:motorcar", "restriction:motor_vehicle", "restriction")
_NO_TURN = frozenset({"no_left_turn", "no_right_turn", "no_straight_on", "no_u_turn", "no_entry", "no_exit"})
_ONLY_TURN = frozenset({"only_left_turn", "only_right_turn", "only_straight_on", "only_u_turn"})
_EXEMPTIONS = frozenset({"motorcar", "motor_vehicle", "vehicle"})


def read_osm(path: str | Path, *, profile: str = "car") -> RoadNetwork:
    """Read the roads of an OpenStreetMap file and prepare them for travel times.

    Parameters
    ----------
    path
        File .osm.pbf, .osm, .osm.gz or .osm.bz2; nodes come before ways, as in every published extract.
    profile
        ``car``, the only one.

    Returns
    -------
    RoadNetwork
        In the projection of the territory, with the library's speeds off-peak.

    Raises
    ------
    MissingFileError
        If there is no such file.
    NetworkError
        If the file is empty, truncated, not OpenStreetMap data, or without a road for cars.
    ParameterError
        If the profile is unknown.

    Warns
    -----
    TerritoryWarning
        With the number of nodes absent from the file, of unreadable speed limits, and of turn restrictions
        that were ignored because they point nowhere or pass through a way.

    Notes
    -----
    docs/method/routes.md says which tags are read and how. Memory grows with the roads, plus 16 bytes per
    node of the file while it is read; above 500 MB these are in a temporary file (``TMPDIR``).

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> text = '''<osm version="0.6">
    ... <node id="1" lat="43.50" lon="6.40"/><node id="2" lat="43.51" lon="6.40"/>
    ... <way id="1"><nd ref="1"/><nd ref="2"/><tag k="highway" v="primary"/></way></osm>'''
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "rue.osm")
    ...     _ = path.write_text(text)
    ...     read_osm(path)
    <RoadNetwork « rue.osm » : 1,1 km, 2 carrefours, heures creuses>
    """
    lines = read_lines(path, profile=profile)
    from territory.network.roads import RoadNetwork

    return RoadNetwork.from_road_lines(lines)


def read_lines(path: str | Path, *, profile: str = "car") -> RoadLines:
    """Read the ways of an OpenStreetMap file that a car may use, without preparing them."""
    car.check_profile(profile)
    path = Path(path)
    _check_file(path)
    with roads_as_opl(path) as stream:
        _load_what_follows()
        # the table of a large map grows as it is read
        expected = min(path.stat().st_size // _BYTES_PER_NODE, _MOST_EXPECTED)
        read = read_opl(stream, keys=car.WAY_KEYS, expected_nodes=expected)
    lines = _keep_drivable(read, path)
    _warn_of_missing_nodes(lines, path)
    return lines


def _check_file(path: Path) -> None:
    if not path.exists():
        raise MissingFileError(f"Carte routière introuvable : « {path} » (vérifiez le chemin).")
    if not path.name.lower().endswith(_SUFFIXES):
        raise NetworkError(
            f"« {path.name} » n'est pas une carte OpenStreetMap reconnue : extensions lues {', '.join(_SUFFIXES)}."
        )
    if path.stat().st_size == 0:
        raise NetworkError(f"La carte « {path.name} » est un fichier vide : téléchargez-la de nouveau.")


@cache
def _load_what_follows() -> None:
    """Load the libraries and the compiled code of what follows, while the other process looks for the first road.

    In a map, all nodes come before the first way: a tiny one goes all the way through in that time.
    """
    read_opl(io.BytesIO(b"w1 Thighway=road Nn1x6y43,n2x6y44"), keys=car.WAY_KEYS)
    _ = sample_network().graph


def _keep_drivable(read: OplWays, path: Path) -> RoadLines:
    """Keep the ways of the profile, and what matters of nodes and relations."""
    driven = [car.drive(tags) for tags in read.groups]
    kept = np.array([one is not None for one in driven], dtype=bool)[read.tag_group]
    if not kept.any():
        raise NetworkError(
            f"La carte « {path.name} » ne contient aucune route ouverte aux voitures : vérifiez qu'elle couvre le"
            " territoire et qu'elle n'a pas été filtrée."
        )
    counts = np.diff(read.start)
    node, row_of_node, (lon, lat) = _kept_nodes(read, np.repeat(kept, counts))
    ways = car.way_table(read.way_id[kept], driven, read.tag_group[kept])
    nodes = (line for line in read.others if line[0] == "n")
    relations = [line for line in read.others if line[0] == "r"]
    kinds, barriers = car.node_effects((_number(line), decode_tags(_field(line, "T"))) for line in nodes)
    kind_node = row_of_node(list(kinds))
    barrier_node = row_of_node(barriers)
    return RoadLines(
        ways=ways,
        start=np.concatenate([[0], np.cumsum(counts[kept])]),
        node=node,
        lon=lon,
        lat=lat,
        length_m=np.full(len(ways), np.nan),
        kind_node=kind_node[kind_node >= 0],
        kind=np.array(list(kinds.values()), dtype=np.int8)[kind_node >= 0],
        barrier_node=barrier_node[barrier_node >= 0],
        restrictions=_read_restrictions(relations, ways, row_of_node, path),
        source=path.name,
        attribution=ATTRIBUTION,
    )


def _kept_nodes(
    read: OplWays, kept_step: Bools
) -> tuple[Int32, Callable[[Sequence[int]], Int32], tuple[Floats, Floats]]:
    """Return the nodes of the steps that are kept, how to find one by its identifier (-1 if absent), and places."""
    lon, lat = read.nodes.places()
    node, row, used = renumber(read.node[kept_step], lon.size)

    def row_of_node(ids: Sequence[int]) -> Int32:
        number = read.nodes.find(np.array(ids, dtype=np.int64))
        return np.where(number >= 0, row[number], np.int32(-1))

    return node, row_of_node, (lon[used], lat[used])


def _number(line: str) -> int:
    """Return the identifier of the object of an OPL line."""
    return int(line[1:].split(" ", 1)[0])


def _field(line: str, letter: str) -> str:
    """Return a field of an OPL line, empty if it is absent."""
    return next((part[1:] for part in line.split(" ")[1:] if part.startswith(letter)), "")


def _read_restrictions(
    lines: list[str], ways: WayTable, row_of_node: Callable[[Sequence[int]], Int32], path: Path
) -> Ints:
    """Return the turn restrictions at a node as rows of `RoadLines.restrictions`."""
    if not lines:
        return np.empty((0, 4), dtype=np.int64)
    row_of = {way: row for row, way in enumerate(ways.way_id.tolist())}
    found: list[tuple[int, int, int, int]] = []
    through_ways, nowhere = 0, []
    for line in lines:
        is_only = _is_mandatory(decode_tags(_field(line, "T")))
        if is_only is None:
            continue
        members = [_member(text) for text in _field(line, "M").split(",") if text]
        left = [ref for kind, ref, role in members if (kind, role) == ("w", "from")]
        entered = [ref for kind, ref, role in members if (kind, role) == ("w", "to")]
        via = [ref for kind, ref, role in members if (kind, role) == ("n", "via")]
        if any((kind, role) == ("w", "via") for kind, _, role in members):
            through_ways += 1
            continue
        pairs = [
            (row_of[one], row_of[two]) for one in left for two in entered if one in row_of and two in row_of
        ]
        if len(via) != 1 or not pairs:
            nowhere.append(_number(line))
            continue
        found.extend((one, via[0], two, int(is_only)) for one, two in pairs)
    restrictions = np.array(found, dtype=np.int64).reshape(-1, 4)
    restrictions[:, 1] = row_of_node([row[1] for row in found])
    known = restrictions[:, 1] >= 0
    _warn_of_restrictions(path, through_ways, nowhere, int((~known).sum()))
    return restrictions[known]


def _is_mandatory(tags: Mapping[str, str]) -> bool | None:
    """Tell whether a restriction says where to go (True) or where not to (False); None: not for cars."""
    if _EXEMPTIONS & set(tags.get("except", "").split(";")):
        return None
    value = next((tags[key] for key in _RESTRICTION_KEYS if key in tags), "")
    return True if value in _ONLY_TURN else False if value in _NO_TURN else None


def _member(text: str) -> tuple[str, int, str]:
    """Read a member of a relation: its type, number and role."""
    number, _, role = text[1:].partition("@")
    return text[0], int(number), role


def _warn_of_restrictions(path: Path, through_ways: int, nowhere: list[int], unknown_nodes: int) -> None:
    closed = f"une voie absente de la carte ou fermée aux voitures (relations {examples(nowhere)})"
    ignored = {
        "passent par une voie et non par un nœud": through_ways,
        f"désignent {closed}": len(nowhere),
        "désignent un nœud absent": unknown_nodes,
    }
    reasons = [f"{count} {reason}" for reason, count in ignored.items() if count]
    if reasons:
        warnings.warn(
            f"Carte « {path.name} » : {sum(ignored.values())} interdictions de tourner ignorées"
            f" ({' ; '.join(reasons)}).",
            TerritoryWarning,
            stacklevel=4,
        )


def _warn_of_missing_nodes(lines: RoadLines, path: Path) -> None:
    missing = int(np.isnan(lines.lon).sum())
    if missing:
        warnings.warn(
            f"Carte « {path.name} » : {missing} nœuds de routes absents du fichier (extrait découpé) ; les routes"
            " s'y arrêtent.",
            TerritoryWarning,
            stacklevel=3,
        )


# what the system keeps of the filtered map between the two processes
_PIPE_BYTES = 1 << 20
# above, the places of the nodes are kept on disk: those of France would take more than ten gigabytes
_LARGE_BYTES = 500_000_000
# what libosmium says of a file that is not whole
_CUT = (
    "eof",
    "truncated",
    "unclosed",
    "no element found",
    "unexpected end",
    "gzip",
    "bzip2",
    "blob contains",
)
_MOST_ROADS = frozenset({"residential", "service", "unclassified", "track", "tertiary"})


@contextmanager
def roads_as_opl(path: Path) -> Iterator[IO[bytes]]:
    """Give what matters to cars as OPL, with the location of each node of a way, as another process finds it."""
    # tags are tried in this order: the classes of most roads come first
    classes = sorted(car.DRIVABLE, key=lambda road_class: road_class not in _MOST_ROADS)
    tags = {
        "way": [*(("highway", road_class) for road_class in classes), ("route", "ferry")],
        "node": car.NODE_TAGS,
        "relation": [("type", "restriction")],
    }
    # windows does not let a file be opened twice, nor removed while it is in use
    on_disk = path.stat().st_size > _LARGE_BYTES and sys.platform != "win32"
    script = Path(__file__).with_name("_osm_filter_process.py")
    command = [sys.executable, str(script), str(path), json.dumps(tags)]
    if on_disk:
        command.append(tempfile.gettempdir())
    # the same libraries, wherever this process found them
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        pipesize=_PIPE_BYTES,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            yield process.stdout
            reason = process.stderr.read().decode(errors="replace").strip()
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise NetworkError(_explain(path, process.returncode, reason.splitlines()[-1] if reason else ""))


def _explain(path: Path, returncode: int, reason: str) -> str:
    """Say in French why libosmium refused a file."""
    if returncode < 0:
        return (
            f"La lecture de la carte « {path.name} » a été interrompue (signal {-returncode}) : la mémoire ou le"
            f" dossier temporaire {tempfile.gettempdir()} est sans doute plein ; libérez de la place, ou indiquez un"
            " autre dossier par la variable TMPDIR."
        )
    lowered = reason.lower()
    if any(word in lowered for word in _CUT):
        return (
            f"La carte « {path.name} » est tronquée ou endommagée ({reason}) : téléchargez-la de nouveau et comparez"
            " sa taille à celle annoncée."
        )
    return f"« {path.name} » n'est pas une carte OpenStreetMap lisible ({reason}) : vérifiez le fichier."


def sample_network() -> RoadNetwork:
    """Return a network of a few imaginary streets near Draguignan.

    Returns
    -------
    RoadNetwork
        A primary road from (6.40, 43.50) to (6.40, 43.52), a residential street from its middle to
        (6.42, 43.51), and a lane that comes back to the south, one way.

    Examples
    --------
    >>> sample_network()
    <RoadNetwork « exemple » : 5,8 km, 4 carrefours, heures creuses>
    """
    from territory.network.roads import RoadNetwork

    places = [(6.40, 43.50), (6.40, 43.51), (6.40, 43.52), (6.42, 43.51)]
    streets = [
        ((0, 1, 2), {"highway": "primary", "maxspeed": "80"}),
        ((1, 3), {"highway": "residential"}),
        ((3, 0), {"highway": "unclassified", "oneway": "yes"}),
    ]
    steps = np.array([node for nodes, _ in streets for node in nodes], dtype=np.int32)
    lines = RoadLines(
        ways=car.way_table(np.arange(3), [car.drive(tags) for _, tags in streets], np.arange(3)),
        start=np.concatenate([[0], np.cumsum([len(nodes) for nodes, _ in streets])]),
        node=steps,
        lon=np.array([lon for lon, _ in places]),
        lat=np.array([lat for _, lat in places]),
        length_m=np.full(3, np.nan),
        source="exemple",
    )
    return RoadNetwork.from_road_lines(lines)
