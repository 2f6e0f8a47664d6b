"""Whether files are those that a study or the registry takes them for, before any is read whole."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from territory.datasets.recognition import DATED, YEAR, matching_readers, recognised, words_of
from territory.datasets.slots import Reader, Slot, absent, slot_of, slots_fed_by
from territory.errors import TerritoryError
from territory.geography.communes import DEPARTEMENTS
from territory.sources.fetching.raw_folder import Source

# the slots of which one at least gives sites
PLACED = frozenset({"finess", "emergencies", "ehpad", "general_practitioners", "pharmacies"})


def clashes(keys: Iterable[str], years: Mapping[str, int], cog_year: int) -> Iterator[str]:
    """Yield which files of a section do not go together, or lack another; `years` are those of the censuses."""
    given = {key.partition(".")[0] for key in keys}
    if "finess_equipment" in given and "finess" not in given:
        yield "« finess_equipment » dit les places des sites de « finess » : donnez-le aussi"
    if {"ehpad", "finess"} <= given:
        yield "« ehpad » : « finess » a déjà les EHPAD, comptés deux fois sinon ; gardez l'un ou l'autre"
    if not given & PLACED:
        yield "aucun site : donnez « finess » ou « general_practitioners » dans [data]"
    for vintage, year in years.items():
        if year != cog_year and "movements" not in given:
            yield (
                f"populations.{vintage} est dans la géographie de {year} et l'étude dans celle de {cog_year} : "
                "donnez le fichier « movements » des mouvements de communes"
            )


def wrong_heads(paths: Mapping[str, str], folder: Path) -> Iterator[tuple[str, str]]:
    """Yield what is absent of `[data]`, or of another slot by its first lines (read whole where nothing tells)."""
    for key, name in paths.items():
        slot, path = slot_of(key), folder / name
        if not path.is_file():
            yield key, absent(key, name)
            continue
        matching: list[tuple[Slot, Reader]] = []
        # a broken file breaks those who open it in ways that they do not list: its reader says how
        with suppress(Exception):
            matching = matching_readers(words_of(path))
        if any(other.key == slot.key for other, _ in matching):
            continue
        try:
            slot.read(path)
        except TerritoryError as error:
            seems = f"« {path.name} » semble être : {matching[0][0].label}" if matching else str(error)
            yield key, f"« {key} » : {seems}"


def mismatch(source: Source, paths: Sequence[Path], *, raw: Path) -> str | None:
    """Return why files are not those of a source of the registry, from what they hold; nothing when they may be."""
    if source.format == "osm.pbf":
        return next((said for path in paths if (said := _elsewhere(source, path)) is not None), None)
    keys = {slot.key for slot in slots_fed_by(source.dataset)}
    movements = sorted((raw / "cog-mouvements").rglob("*.csv"))[-1:]
    found = [one for one in recognised([*paths, *movements]) if one.path in paths or one.archive in paths]
    right = [one for one in found if keys & {slot.key for slot in one.slots}]
    if found and keys and not right:
        said = f"{found[0].slots[0].label} {found[0].vintage}".strip()
        return f"« {found[0].path.name} » semble être : {said} ; attendu : {source.title}"
    for one in right:
        is_census = one.slots[0].by_vintage
        told = f"rp{one.cog_year - 2}" if is_census and one.cog_year else str(one.cog_year or one.vintage)
        year = YEAR.search(told.removeprefix("rp"))
        asked = YEAR.search(source.vintage.removeprefix("rp"))
        if year and asked and year[0] != asked[0] and one.slots[0].key in DATED:
            return f"« {one.path.name} » semble être de {told} ; attendu : {source.vintage} ({source.title})"
    return None


def _elsewhere(source: Source, path: Path) -> str | None:
    """Return why a road map is not that of the départements of a source, from the box that it says it fills."""
    import osmium

    try:
        box = osmium.io.Reader(str(path)).header().box()
    except RuntimeError:
        return None
    if not box.valid():
        return None
    for code in source.departements:
        west, south, east, north = DEPARTEMENTS[code].box
        if not box.contains(osmium.osm.Location((west + east) / 2, (south + north) / 2)):
            return f"« {path.name} » ne couvre pas {DEPARTEMENTS[code].name} ; attendu : {source.title}"
    return None
