"""Before the first run: a study file for any département, and what of the installation and the data is there."""

from __future__ import annotations

import fnmatch
import platform
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata, resources
from importlib.util import find_spec
from pathlib import Path

from territory import __version__
from territory.datasets.files import dataset_names, load_dataset
from territory.datasets.slots import SLOTS, Slot
from territory.errors import OutputError, ParameterError
from territory.sources.fetching.raw_folder import RAW
from territory.sources.field_workbook import write_template
from territory.sources.registry import Source, read_registry
from territory.study.load import built_in_studies, load_study
from territory.workflow.inputs.prepare import dataset_of

_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_DEPARTEMENT = re.compile(r"\d{2}|2A|2B|97\d")
_PACKED = ("zip", "7z", "geojson.gz")
# files that a study can do without, and that a first one is better with
_OFFERED = ("finess", "finess_equipment", "general_practitioners")


@dataclass(frozen=True)
class Started:
    """A study file just written, and the commands that bring what it still lacks."""

    path: Path
    missing: tuple[str, ...]


def start_study(departement: str, *, name: str, folder: Path, raw: Path, label: str = "") -> Started:
    """Write a study file for a département."""
    if not _DEPARTEMENT.fullmatch(departement):
        raise ParameterError(f"Code de département inattendu « {departement} » : par exemple 31, 2A ou 974.")
    if not _NAME.fullmatch(name):
        raise ParameterError(
            f"Nom d'étude inattendu « {name} » : minuscules, chiffres et tirets (haute-garonne)."
        )
    path = folder / f"{name}.toml"
    files = [(slot, *_choose(slot, raw)) for slot in SLOTS if slot.registry]
    missing = tuple(
        f"territory data fetch {source.dataset} {source.vintage}"
        # where to look for a file whose address nobody has confirmed
        + ("" if source.address else f"   (pas d'adresse connue : {source.page}, puis --from FICHIER)")
        for slot, source, file in files
        if file is None and (slot.need != "optional" or slot.key in _OFFERED)
    )
    lines = [line for slot, source, file in files for line in _lines(slot, source, file, raw, folder)]
    vintage = next((source.vintage for slot, source, _ in files if slot.by_vintage), "")
    has_practitioners = any(slot.key == "general_practitioners" and file for slot, _, file in files)
    text = (
        (resources.files("territory.workflow") / "new_study.toml")
        .read_text("utf-8")
        .format(
            departement=departement,
            name=name,
            label=label or f"Département {departement}",
            vintage=vintage,
            data="\n".join(lines),
            closest='"medecin_generaliste"' if has_practitioners else "",
        )
    )
    try:
        with path.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError as error:
        raise OutputError(
            f"« {path} » existe déjà : donnez un autre nom avec --name, ou effacez-le."
        ) from error
    except OSError as error:
        raise OutputError(f"« {path} » ne peut pas être écrit ({error.strerror}).") from error
    return Started(path, missing)


def write_study_template(study: str | Path, path: Path) -> Path:
    """Write the workbook in which the MDPH and operators tell what only they know of a study."""
    loaded = load_study(study)
    data = dataset_of(loaded)
    inside = data.communes[data.communes["departement_code"].isin(loaded.territory.departement_codes)]
    named = {authorisation.id for authorisation in loaded.authorisation}
    services = data.services[data.services["authorisation_id"].isin(named)] if named else data.services
    return write_template(path, inside, services, sites=data.sites)


def _seen_from(folder: Path, file: Path) -> str:
    """Return the path of a file as a study in this folder may name it: from the folder, when it lies inside."""
    whole, base = file.absolute(), folder.absolute()
    return (whole.relative_to(base) if whole.is_relative_to(base) else file).as_posix()


def _lines(slot: Slot, source: Source, file: Path | None, raw: Path, folder: Path) -> Iterator[str]:
    """Return the lines of `[data]` for one slot, commented out when the study can do without a file not there yet."""
    place = _seen_from(folder, file or raw / source.key / _plain_name(source))
    yield f"# {slot.comment} ; sans lui : {slot.without}"
    if slot.by_vintage:
        vintage = source.vintage
        yield f'{slot.key} = {{ {vintage} = "{place}" }}'
        # a census is published in the communes of two years later
        yield f"population_cog_years = {{ {vintage} = {int(vintage[2:6]) + 2} }}"
    else:
        commented = "# " if file is None and slot.need == "optional" else ""
        yield f'{commented}{slot.key} = "{place}"'
    if slot.key == "cog":
        yield f"cog_year = {source.vintage[:4]}"


def _choose(slot: Slot, raw: Path) -> tuple[Source, Path | None]:
    """Return the newest vintage on disk of the first dataset of a slot that has one, or what to fetch first."""
    registry = read_registry()
    for dataset in slot.registry:
        for source in reversed([source for source in registry if source.dataset == dataset]):
            file = _file_of(source, raw, slot)
            if file is not None:
                return source, file
    return [source for source in registry if source.dataset == slot.registry[0]][-1], None


def _file_of(source: Source, raw: Path, slot: Slot) -> Path | None:
    """Return the file of a vintage that a slot takes, when it is on disk."""
    patterns = source.members
    if not patterns or source.format not in _PACKED:
        # never the archive itself, which lies beside what was taken out of it
        patterns = (*patterns, _plain_name(source))
    for path in sorted((raw / source.key).rglob("*")):
        named = slot.takes(path.name) and any(fnmatch.fnmatch(path.name, pattern) for pattern in patterns)
        if named and path.is_file() and path.name != "source.json":
            return path
    return None


def _plain_name(source: Source) -> str:
    """Return the name of a file as readers take it: out of its archive."""
    if source.format in _PACKED:
        exact = [member for member in source.members if not set(member) & set("*?")]
        return exact[0] if exact else source.file_name.removesuffix(".gz")
    return source.file_name


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
    """Return whether a study can run, and a report of one line per fact; `raw` is the folder of official files."""
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
    roads = "Carte routière : aucune n'est intégrée ; sans --roads FICHIER.osm.pbf, les temps sont estimés."
    return True, [*lines, roads]


def _presence(slot: Slot, raw: Path) -> str:
    """Say which vintage of a file is there, or how to have it and what is lost without it."""
    known = [source for source in read_registry() if source.dataset in slot.registry]
    there = [source.key for source in known if (raw / source.key / "source.json").is_file()]
    if there:
        return f"présent : {', '.join(there)}"
    how = f"territory data fetch {slot.registry[0]}" if slot.registry else "à déposer vous-même"
    return f"absent → {how} ; sans lui : {slot.without}"
