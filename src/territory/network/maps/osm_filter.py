"""What matters to cars in an OpenStreetMap file, as another process finds it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from territory.errors import NetworkError
from territory.network.maps import car_profile as car

__all__ = ["roads_as_opl"]

# what the system keeps of the filtered map between the two processes
_PIPE_BYTES = 1 << 20
# above, the places of the nodes are kept on disk: those of France would take more than ten gigabytes
_LARGE_BYTES = 500_000_000
_MOST_ROADS = frozenset({"residential", "service", "unclassified", "track", "tertiary"})


@contextmanager
def roads_as_opl(path: Path) -> Iterator[IO[bytes]]:
    """Give what matters to cars as OPL, with the location of each node of a way, as another process finds it.

    The map is filtered on one core while what passes is read on the other; memory that C++ may ask for a
    damaged file is not this process's.
    """
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
    command = [
        sys.executable,
        str(script),
        str(path),
        json.dumps(tags),
        *([tempfile.gettempdir()] if on_disk else []),
    ]
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
    cut = (
        "eof",
        "truncated",
        "unclosed",
        "no element found",
        "unexpected end",
        "gzip",
        "bzip2",
        "blob contains",
    )
    if any(word in lowered for word in cut):
        return (
            f"La carte « {path.name} » est tronquée ou endommagée ({reason}) : téléchargez-la de nouveau et comparez"
            " sa taille à celle annoncée."
        )
    return f"« {path.name} » n'est pas une carte OpenStreetMap lisible ({reason}) : vérifiez le fichier."
