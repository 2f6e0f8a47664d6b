"""A process of its own: write what matters of an OpenStreetMap file to the standard output, as OPL.

It is run by its path and imports nothing of the package: a process that starts at once.
"""

from __future__ import annotations

import json
import sys

import osmium
from osmium import filter as osmium_filter


def main(path: str, tags: str) -> int:
    """Filter a map by tags (a list of pairs, as JSON); say on the standard error why it cannot be read."""
    wanted = osmium_filter.TagFilter(*map(tuple, json.loads(tags)))
    locations = osmium.NodeLocationsForWays(osmium.index.create_map("flex_mem"))
    # a node outside the extract is written without a location, and counted later
    locations.ignore_errors()
    try:
        with osmium.io.Reader(path) as reader:
            target = osmium.io.File("-", "opl,locations_on_ways=true,add_metadata=false")
            with osmium.SimpleWriter(target) as writer:
                osmium.apply(reader, locations, wanted, writer)
    except (RuntimeError, OSError, ValueError) as error:
        sys.stderr.write(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
