"""What is installed, which data are there, and how to get what is missing."""

from __future__ import annotations

import platform
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from territory import __version__
from territory.datasets.catalogue import dataset_names, load_dataset
from territory.datasets.slots import SLOTS, Slot
from territory.sources.fetching.raw_folder import RAW
from territory.sources.registry import read_registry
from territory.study.load import built_in_studies

NEEDED = (
    "geopandas",
    "matplotlib",
    "numba",
    "osmium",
    "osmnx",
    "pandas",
    "pandera",
    "scipy",
    "shapely",
    "typst",
)
EXTRAS = {
    "notebooks": ("jupyterlab", "papermill", "jupytext"),
    "servers": ("routingpy",),
    "scale": ("distributed",),
}


def diagnose(raw: Path = RAW) -> tuple[bool, list[str]]:
    """Return whether a study can run, and a report of one line per fact; `raw` is the folder of official files.

    Examples
    --------
    >>> healthy, lines = diagnose()
    >>> healthy
    True
    """
    lines = [f"territory {__version__} · Python {platform.python_version()} · {platform.system()}"]
    missing = [name for name in NEEDED if find_spec(name) is None]
    lines += [f"  {name} {metadata.version(name)}" for name in NEEDED if name not in missing]
    lines += [f"  ABSENT : {name} → python -m pip install -c constraints.txt ." for name in missing]
    for extra, names in EXTRAS.items():
        absent = [name for name in names if find_spec(name) is None]
        said = "installé" if not absent else f"absent → python -m pip install -c constraints.txt '.[{extra}]'"
        lines.append(f"  option [{extra}] : {said}")
    if missing:
        return False, lines
    for name in dataset_names():
        data = load_dataset(name)
        vintages = ", ".join(data.vintages)
        lines.append(f"Données intégrées « {name} » : {len(data.communes)} communes, populations {vintages}")
    lines.append(f"Études intégrées : {', '.join(built_in_studies())}")
    lines.append(f"Fichiers officiels d'un autre département, dans {raw.as_posix()} :")
    lines += [f"  {slot.key:<22} {_presence(slot, raw)}" for slot in SLOTS]
    lines.append(
        "Carte routière : aucune n'est intégrée ; sans --roads FICHIER.osm.pbf, les temps sont estimés."
    )
    return True, lines


def _presence(slot: Slot, raw: Path) -> str:
    """Say which vintage of a file is there, or how to have it and what is lost without it."""
    known = [source for source in read_registry() if source.dataset in slot.registry]
    there = [source.key for source in known if (raw / source.key / "source.json").is_file()]
    if there:
        return f"présent : {', '.join(there)}"
    how = f"territory data fetch {slot.registry[0]}" if slot.registry else "à déposer vous-même"
    return f"absent → {how} ; sans lui : {slot.without}"
