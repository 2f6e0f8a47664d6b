"""Reading the roads of an OpenStreetMap file: another process filters it, and what passes is read as it comes."""

import bz2
import gzip
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO, Any

import numpy as np

from territory.errors import MissingFileError, NetworkError, warn
from territory.network.engine.compiling import compile_beside
from territory.network.engine.hierarchy import perfect
from territory.network.graph.arrays import Bools, Floats, Int32, RoadLines
from territory.network.maps import profiles
from territory.network.maps.opl import OplWays, decode_tags, read_opl, renumber
from territory.network.maps.turn_relations import RESTRICTED, TurnRelations, field_of, number_of
from territory.network.roads import RoadNetwork
from territory.tables.declare import lines_of

ATTRIBUTION = "© les contributeurs d'OpenStreetMap (ODbL)"
# suffix, and the format of libosmium
_FORMATS = {
    ".pbf": "pbf", ".osm": "osm", ".osm.xml": "osm", ".osm.gz": "osm.gz", ".osm.xml.gz": "osm.gz",
    ".osm.bz2": "osm.bz2", ".osm.xml.bz2": "osm.bz2",
}  # fmt: skip
# in .osm.pbf, where a map has nothing but roads; room for more than a département would be lost on a small machine
_BYTES_PER_NODE, _MOST_EXPECTED = 8, 1 << 22  # pragma: no mutate
_HISTORY = "history file"
_NO_NODE = "nœuds de routes absents du fichier, où les routes s'arrêtent"
_DOUBLED = "voies en double, dont la dernière version est gardée"


def read_osm(path: str | Path, *, profile: str = "car") -> RoadNetwork:
    """Read the roads of an OpenStreetMap file and prepare them for travel times (docs/method/routes.md).

    A warning counts what was left aside, by kind; `RoadNetwork.asides` keeps it. Memory grows with the roads, plus 16
    bytes per node of the file while it is read; above 500 MB these are in a temporary file (``TMPDIR``).

    Parameters
    ----------
    path
        File .osm.pbf, .osm, .osm.gz or .osm.bz2, as published or as an editor such as JOSM saves it.
    profile
        ``car``, ``bicycle`` or ``foot``.

    Examples
    --------
    >>> nodes = '<node id="1" lat="43.50" lon="6.40"/><node id="2" lat="43.51" lon="6.40"/>'
    >>> way = '<way id="1"><nd ref="1"/><nd ref="2"/><tag k="highway" v="primary"/></way>'
    >>> _ = Path("rue.osm").write_text(f'<osm version="0.6">{nodes}{way}</osm>')
    >>> read_osm("rue.osm")
    <RoadNetwork « rue.osm » : 1,1 km, 2 carrefours, heures creuses>
    """
    network = RoadNetwork.from_road_lines(read_lines(path, profile=profile))
    if network.roads.asides:
        one = {line["many"]: line["one"] for line in lines_of("asides.csv", "territory.network.maps")}
        listed = " ; ".join(
            f"{count} {kind if count > 1 else one[kind]}" for kind, count in network.roads.asides
        )
        warn(f"Carte « {network.roads.source} », laissé de côté : {listed}.")
    return network


def read_lines(path: str | Path, *, profile: str = "car") -> RoadLines:
    """Read the ways of an OpenStreetMap file that a profile may use, without preparing them."""
    used, path = profiles.profile_of(profile), Path(path)
    if not path.exists():
        raise MissingFileError(f"Carte routière introuvable : « {path} » (vérifiez le chemin).")
    if path.is_dir():
        raise NetworkError(f"La carte routière « {path} » est un dossier : donnez le fichier .osm.pbf.")
    if not _format_of(path):
        known = ", ".join(_FORMATS)
        raise NetworkError(f"« {path.name} » n'est pas une carte OpenStreetMap : extensions lues {known}.")
    if path.stat().st_size == 0:
        raise NetworkError(f"La carte « {path.name} » est un fichier vide : téléchargez-la de nouveau.")
    compile_beside(perfect)
    any_order = _is_edited(path)
    lines = _read(path, used, any_order)
    if not any_order and _may_be_disordered(lines, path):
        lines = _read(path, used, True)
    if np.isnan(lines.lon).all():
        raise NetworkError(f"Carte « {path.name} » : aucun nœud des routes n'a de place.")
    return lines


def _read(path: Path, profile: profiles.Profile, any_order: bool) -> RoadLines:
    with roads_as_opl(path, profile, any_order) as stream:
        _load_what_follows()
        # the table of a large map grows as it is read
        expected = min(path.stat().st_size // _BYTES_PER_NODE, _MOST_EXPECTED)
        names = frozenset({"name", "ref"})
        read = read_opl(stream, keys=profiles.WAY_KEYS, name_keys=names, expected_nodes=expected)
    return _keep_drivable(read, path, profile)


def _format_of(path: Path) -> str:
    """Return the format that a suffix stands for, empty if it is none of a map."""
    name = path.name.lower()
    return next((_FORMATS[one] for one in sorted(_FORMATS, key=len, reverse=True) if name.endswith(one)), "")


# what an editor writes and a published extract has not: new objects, deleted ones, older versions
_EDITED = re.compile(rb"""\baction=['"]delete|\bvisible=['"]false|\b(?:id|ref)=['"]-""")


def _is_edited(path: Path) -> bool:
    """Tell whether a map in XML was changed by an editor."""
    openers: dict[str, Any] = {"osm": open, "osm.gz": gzip.open, "osm.bz2": bz2.open}
    opener = openers.get(_format_of(path))
    if opener is None:
        return False
    try:
        with opener(path, "rb") as stream:
            before = b""
            while block := stream.read(1 << 22):
                if _EDITED.search(before + block):
                    return True
                before = block[-32:]
    except (OSError, EOFError, zlib.error):
        # what is wrong with the file, libosmium says better
        return False
    return False


def _may_be_disordered(lines: RoadLines, path: Path) -> bool:
    """Tell whether nodes seem to be absent because they come after the ways, or have been read several times."""
    counts = dict(lines.asides)
    if _DOUBLED not in counts and _NO_NODE not in counts:
        return False
    import osmium

    with osmium.io.Reader(osmium.io.File(str(path), _format_of(path))) as reader:
        return bool(reader.header().get("sorting") != "Type_then_ID")


@cache
def _load_what_follows() -> None:
    """Load the libraries and compiled code of what follows, while the other process goes through the nodes."""
    read_opl(io.BytesIO(b"w1 Thighway=road Nn1x6y43,n2x6y44"), keys=profiles.WAY_KEYS)
    _ = sample_network().graph


def _keep_drivable(read: OplWays, path: Path, profile: profiles.Profile) -> RoadLines:
    """Keep the ways of the profile, and what matters of nodes and relations."""
    driven = [profiles.judge(tags, profile) for tags in read.groups]
    last = _last_versions(read)
    kept = np.array([one.direction > 0 for one in driven], dtype=bool)[read.tag_group] & last
    if not kept.any():
        whom = {"car": "aux voitures", "bicycle": "aux vélos", "foot": "aux piétons"}[profile.name]
        advice = "vérifiez qu'elle couvre le territoire et qu'elle n'a pas été filtrée"
        raise NetworkError(f"La carte « {path.name} » ne contient aucune route ouverte {whom} : {advice}.")
    counts = np.diff(read.start)
    node, row_of_node, (lon, lat) = _kept_nodes(read, np.repeat(kept, counts))
    asides = profiles.count_asides(driven, read.tag_group[last])
    texts = (f"{tags.get('ref', '')}\t{tags.get('name', '')}" for tags in read.name_groups)
    named = [" ".join(text.split("\n")).strip("\t") if text.strip() else "" for text in texts] or [""]
    names, rows = np.unique(named, return_inverse=True)
    name = rows[read.name_group[kept]].astype(np.int32)
    ways = profiles.way_table(read.way_id[kept], driven, read.tag_group[kept], name=name)
    nodes = (line for line in read.others if line[0] == "n")
    relations = [line for line in read.others if line[0] == "r"]
    tagged = ((number_of(line), decode_tags(field_of(line, "T"))) for line in nodes)
    kinds, barriers = profiles.node_effects(tagged, profile)
    kind_node, barrier_node = row_of_node(list(kinds)), row_of_node(barriers)
    start = np.concatenate([[0], np.cumsum(counts[kept])])
    restrictions = TurnRelations(ways, (start, node), row_of_node, profile, asides).read(relations)
    asides[_DOUBLED] += int((~last).sum()) + sum(int(line[1:]) for line in read.others if line[0] == "c")
    asides[_NO_NODE] += int(np.isnan(lon).sum())
    return RoadLines(
        ways=ways,
        start=start,
        node=node,
        lon=lon,
        lat=lat,
        length_m=np.full(len(ways), np.nan),
        kind_node=kind_node[kind_node >= 0],
        kind=np.array(list(kinds.values()), dtype=np.int8)[kind_node >= 0],
        barrier_node=barrier_node[barrier_node >= 0],
        restrictions=restrictions,
        names=tuple(names.tolist()),
        asides=tuple((kind, count) for kind, count in asides.items() if count),
        profile=profile.name,
        source=path.name,
        attribution=ATTRIBUTION,
    )


def _last_versions(read: OplWays) -> Bools:
    """Tell which ways are the last version of their identifier: the highest, of equal ones the last in the file."""
    order = np.lexsort([np.arange(read.way_id.size), read.version, read.way_id])
    last = np.ones(read.way_id.size, dtype=bool)
    last[order[:-1]] = np.diff(read.way_id[order]) > 0
    return last


def _kept_nodes(
    read: OplWays, kept_step: Bools
) -> tuple[Int32, Callable[[Sequence[int]], Int32], tuple[Floats, Floats]]:
    """Return the nodes of the steps that are kept, how to find one by its identifier (-1 if absent), and places."""
    lon, lat = read.nodes.places()
    if kept_step.all():
        return read.node, lambda ids: read.nodes.find(np.array(ids, dtype=np.int64)), (lon, lat)
    node, row, used = renumber(read.node[kept_step], lon.size)

    def row_of_node(ids: Sequence[int]) -> Int32:
        number = read.nodes.find(np.array(ids, dtype=np.int64))
        return np.where(number >= 0, row[number], np.int32(-1))

    return node, row_of_node, (lon[used], lat[used])


# what the system keeps of the filtered map between the two processes
_PIPE_BYTES = 1 << 20
# above, the places of the nodes are kept on disk: those of France would take more than ten gigabytes
_LARGE_BYTES = 500_000_000
# what libosmium says of a file that is not whole
_CUT = re.compile("eof|truncated|unclosed|no element found|unexpected end|gzip|bzip2|blob contains")
_MOST_ROADS = frozenset({"residential", "service", "unclassified", "track", "tertiary"})


@contextmanager
def roads_as_opl(path: Path, profile: profiles.Profile, any_order: bool) -> Iterator[IO[bytes]]:
    """Give what matters to a profile as OPL, with the location of each node of a way, as another process finds it."""
    # tags are tried in this order: the classes of most roads come first
    classes = sorted(profile.ways, key=lambda road_class: road_class not in _MOST_ROADS)
    own = RESTRICTED[profile.name]
    tags = {
        "way": [*(("highway", one) for one in classes), *(("route", one) for one in profiles.CROSSINGS)],
        "node": profiles.NODE_TAGS,
        "relation": [("type", "restriction"), *(("type", f"restriction:{key}") for key in own)],
    }
    # windows does not let a file be opened twice, nor removed while it is in use
    on_disk = path.stat().st_size > _LARGE_BYTES and sys.platform != "win32"
    script = Path(__file__).with_name("_osm_filter_process.py")
    mode = "any_order" if any_order else "one_pass"
    command = [sys.executable, str(script), str(path), json.dumps(tags), _format_of(path), mode]
    if on_disk:
        command.append(tempfile.gettempdir())
    # the same libraries, wherever this process found them
    libraries = os.pathsep.join(filter(None, sys.path))
    environment = {**os.environ, "PYTHONPATH": libraries, "PYTHONIOENCODING": "utf-8"}
    pipes: Any = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes, env=environment, pipesize=_PIPE_BYTES) as process:
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
    if reason == _HISTORY:
        said = f"« {path.name} » est un historique, qui garde toutes les versions de chaque objet"
        return f"{said} : prenez un extrait ordinaire, ou tirez-en un état (osmium time-filter)."
    if returncode < 0:
        said = f"La lecture de la carte « {path.name} » a été interrompue (signal {-returncode})"
        full = f"la mémoire ou le dossier temporaire {tempfile.gettempdir()} est sans doute plein"
        return f"{said} : {full} ; libérez de la place, ou indiquez un autre dossier par la variable TMPDIR."
    if _CUT.search(reason.lower()):
        advice = "téléchargez-la de nouveau et comparez sa taille à celle annoncée"
        return f"La carte « {path.name} » est tronquée ou endommagée ({reason}) : {advice}."
    return f"« {path.name} » n'est pas une carte OpenStreetMap lisible ({reason}) : vérifiez le fichier."


def sample_network() -> RoadNetwork:
    """Return a network of a few imaginary streets near Draguignan, from (6.40, 43.50) to (6.42, 43.52).

    Examples
    --------
    >>> sample_network()
    <RoadNetwork « exemple » : 5,8 km, 4 carrefours, heures creuses>
    """
    places = [(6.40, 43.50), (6.40, 43.51), (6.40, 43.52), (6.42, 43.51)]
    streets = [
        ((0, 1, 2), {"highway": "primary", "maxspeed": "80"}),
        ((1, 3), {"highway": "residential"}),
        ((3, 0), {"highway": "unclassified", "oneway": "yes"}),
    ]
    steps = np.array([node for nodes, _ in streets for node in nodes], dtype=np.int32)
    lines = RoadLines(
        ways=profiles.way_table(np.arange(3), [profiles.drive(tags) for _, tags in streets], np.arange(3)),
        start=np.concatenate([[0], np.cumsum([len(nodes) for nodes, _ in streets])]),
        node=steps,
        lon=np.array([lon for lon, _ in places]),
        lat=np.array([lat for _, lat in places]),
        length_m=np.full(3, np.nan),
        source="exemple",
    )
    return RoadNetwork.from_road_lines(lines)
