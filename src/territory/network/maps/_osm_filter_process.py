"""A process of its own: write what matters of an OpenStreetMap file to the standard output, as OPL.

It is run by its path and imports nothing of the package: a process that starts at once.
"""

from __future__ import annotations

import json
import sys
import tempfile
from typing import Any

import osmium
from osmium import filter as osmium_filter


def main(path: str, tags: str, folder: str = "") -> int:
    """Filter a map by tags, as JSON by kind of object; say on the standard error why it cannot be read.

    The places of nodes are in memory, or in a file of the folder that is named.
    """
    locations = osmium.NodeLocationsForWays(_places_of_nodes(folder))
    # a node outside the extract is written without a location, and counted later
    locations.ignore_errors()
    wanted = {kind: [tuple(tag) for tag in some] for kind, some in json.loads(tags).items()}
    way_keys = sorted({key for key, _ in wanted["way"]})
    # before nodes are located, and after: most objects fail the first, cheap test
    before = [_only("way", osmium_filter.KeyFilter(*way_keys))]
    before.append(_only("way", osmium_filter.TagFilter(*wanted["way"])))
    after = [_only("node", osmium_filter.EmptyTagFilter())]
    after += [_only(kind, osmium_filter.TagFilter(*wanted[kind])) for kind in ("node", "relation")]
    try:
        with osmium.io.Reader(path) as reader:
            target = osmium.io.File("-", "opl,locations_on_ways=true,add_metadata=false")
            with osmium.SimpleWriter(target) as writer:
                osmium.apply(reader, *before, locations, *after, writer)
    except (RuntimeError, OSError, ValueError) as error:
        sys.stderr.write(str(error))
        return 1
    return 0


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
