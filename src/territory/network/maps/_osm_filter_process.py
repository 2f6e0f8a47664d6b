"""A process of its own, importing nothing of the package to start at once: filter an OpenStreetMap file to OPL."""

import bz2
import gzip
import json
import re
import sys
import tempfile
from typing import Any

import osmium
from osmium import filter as osmium_filter


def main(path: str, tags: str, suffix: str, mode: str, folder: str = "") -> int:
    """Filter a map by tags; `any_order` reads what an editor writes, in memory, `one_pass` wants nodes before ways."""
    wanted = {kind: [tuple(tag) for tag in some] for kind, some in json.loads(tags).items()}
    try:
        # the suffix in small letters: libosmium knows no other
        file = osmium.io.File(path, suffix)
        if mode == "any_order":
            return _write_any_order(file, path, wanted)
        with osmium.io.Reader(file) as reader:
            if reader.header().has_multiple_object_versions:
                sys.stderr.write("history file")
                return 1
            locations = osmium.NodeLocationsForWays(_places_of_nodes(folder))
            # a node outside the extract is written without a location, and counted later
            locations.ignore_errors()
            # before nodes are located, and after: most objects fail the first, cheap test
            before = [_only("way", osmium_filter.KeyFilter(*sorted({key for key, _ in wanted["way"]})))]
            before.append(_only("way", osmium_filter.TagFilter(*wanted["way"])))
            after = [_only("node", osmium_filter.EmptyTagFilter())]
            after += [_only(kind, osmium_filter.TagFilter(*wanted[kind])) for kind in ("node", "relation")]
            target = osmium.io.File("-", "opl,locations_on_ways=true,add_metadata=version")
            with osmium.SimpleWriter(target) as writer:
                osmium.apply(reader, *before, locations, *after, writer)
    except (RuntimeError, OSError, ValueError) as error:
        sys.stderr.write(str(error))
        return 1
    return 0


# what JOSM writes of an object that is to be deleted
_DELETED = re.compile(rb"<(node|way|relation)\b(?=[^>]*\bid=['\"](-?\d+))[^>]*\baction=['\"]delete['\"]")


def _write_any_order(file: Any, path: str, wanted: dict[str, Any]) -> int:
    """Write the last version of what is not deleted: first where nodes are, then ways, whatever the order."""
    deleted = {(found[1][:1].decode(), int(found[2])) for found in _DELETED.finditer(_bytes_of(path))}
    last: dict[tuple[str, int], tuple[int, bool]] = {}
    places: dict[int, tuple[float, float]] = {}
    lines: dict[tuple[str, int], str] = {}
    n_doubled = 0
    one: Any
    for one in osmium.FileProcessor(file):
        kind, key = one.type_str(), (one.type_str(), one.id)
        n_doubled += key in lines and kind == "w"
        if key in last and one.version < last[key][0]:
            continue
        last[key] = one.version, one.visible and key not in deleted
        lines.pop(key, None)
        if not last[key][1]:
            continue
        if kind == "n" and one.location.valid():
            places[one.id] = one.location.lon, one.location.lat
        tags = dict(one.tags)
        kinds = {"n": "node", "w": "way", "r": "relation"}
        if any(tags.get(name) == value for name, value in wanted.get(kinds.get(kind, ""), ())):
            lines[key] = f"v{one.version} T" + ",".join(f"{_escape(k)}={_escape(v)}" for k, v in tags.items())
            if kind == "r":
                lines[key] += " M" + ",".join(f"{m.type}{m.ref}@{_escape(m.role)}" for m in one.members)
            if kind == "w":
                lines[key] += " N" + ",".join(f"n{node.ref}" for node in one.nodes)

    def located(text: str) -> str:
        lon, lat = places.get(int(text), ("", ""))
        return f"n{text}x{lon}y{lat}"

    # for the account: how many ways were there already
    sys.stdout.write(f"c{n_doubled}\n")
    order = sorted(lines, key=lambda key: "nwr".index(key[0]))
    for kind, number in order:
        line = lines[kind, number]
        if kind == "w":
            head, _, nodes = line.rpartition(" N")
            line = f"{head} N" + ",".join(located(one[1:]) for one in nodes.split(",") if one)
        sys.stdout.write(f"{kind}{number} {line}\n")
    return 0


def _bytes_of(path: str) -> bytes:
    """Return the text of an XML file, packed or not; nothing of a binary one."""
    openers: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open, ".pbf": None}
    opener = openers.get(path[path.rfind(".") :].lower(), open)
    if opener is None:
        return b""
    with opener(path, "rb") as stream:
        content: bytes = stream.read()
    return content


def _escape(text: str) -> str:
    return re.sub(r"[^\w.:;+/()-]", lambda found: f"%{ord(found[0]):x}%", text)


def _places_of_nodes(folder: str) -> Any:
    """Return an index of places; its file has no name any more, so that nothing is left of it whatever happens."""
    if not folder:
        return osmium.index.create_map("flex_mem")
    with tempfile.NamedTemporaryFile(dir=folder, prefix="territory-nodes-") as file:
        return osmium.index.create_map(f"sparse_file_array,{file.name}")


def _only(kind: str, one: Any) -> Any:
    """Return a filter that lets all other kinds of objects pass."""
    one.enable_for(getattr(osmium.osm, kind.upper()))
    return one


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
