"""Travel times of a whole country, by road or estimated, written part by part on one machine or several."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from territory.errors import ParameterError, StudyError
from territory.files.safe_files import digest_file, hold, make_folder
from territory.network.estimate import estimate_travel_times
from territory.network.od_search import RoadSearch, load_search
from territory.network.roads import search_roads
from territory.study.words.model import Study
from territory.workflow.inputs.manifest import code_digest, digest_of
from territory.workflow.inputs.travel_times import raise_to, times_inside
from territory.workflow.national.parts import TimesFolder, TimesPart, begin, plan_parts, write_part
from territory.workflow.national.schedulers import Cluster, Threads

# most that one pair of a part takes while it is found, sorted and written (bytes)
_BYTES_PER_PAIR = 128
_SEARCH_FOLDER = "search"
_TIMES_FOLDER = "times"


def write_travel_times(
    search: "Search",
    folder: str | Path,
    *,
    groups: "pd.Series[str] | None" = None,
    batch_size: int | None = None,
    memory_mb: float = 4_000,
    least: pd.DataFrame | None = None,
    scheduler: Threads | Cluster | None = None,
    announce: Callable[[int, int], None] | None = None,
) -> TimesFolder:
    """Write travel times to partitioned Parquet, some origins at a time.

    A part is written beside and put in its place: a run that is stopped costs the parts in the making alone. Run
    again, it makes those that are missing. The files are the same, byte for byte, whatever the scheduler.

    Parameters
    ----------
    search
        Origins and destinations: `territory.network.search_roads`.
    folder
        Folder of the run, on a disk that every worker sees: sub-folders `times`, and `search` for the workers.
    groups
        Group of each origin, by its identifier, never two in one part; its name is that of the sub-folders.
    batch_size, memory_mb
        Most origins of a part; by default, those of the memory (MB) that it may take if all is within reach.
    least
        Least times (from_id, to_id, travel_time_min, optionally distance_km), in whole milliseconds by road:
        a shorter time is raised to them.
    scheduler
        What runs the parts, from `open_scheduler`; threads of this process by default.
    announce
        Called with the number of parts made and their total as they come.

    Raises
    ------
    ParameterError
        If groups lack an origin, or the memory is too small for one.
    OutputError, ClusterError
        If the folder cannot be written, or another run holds it; if the workers fail.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from territory.network import sample_network, search_roads
    >>> points = gpd.GeoDataFrame(geometry=gpd.points_from_xy([6.4] * 3, [43.5, 43.51, 43.52]), crs=4326)
    >>> search = search_roads(sample_network(), points, points, max_time_min=30)
    >>> [len(part()) for part in write_travel_times(search, "times", batch_size=2)]
    [6, 3]
    """
    folder = Path(folder).resolve()
    ids = search.from_ids
    own = pd.Series("all", index=ids, name="batch") if groups is None else groups.reindex(ids)
    if own.isna().any():
        raise ParameterError(f"Groupes : {int(own.isna().sum())} des {len(ids)} origines n'en ont pas.")
    size = batch_size or batch_size_within(memory_mb, len(search.to_ids))
    digest = search.digest() if least is None else digest_of(search.digest(), least)
    times, rows = plan_parts(make_folder(folder / _TIMES_FOLDER), digest, own, size)
    with hold(times.folder, announce=lambda said: None):
        _make_parts(search, times, rows, folder, least, scheduler or Threads(), announce)
    return times


def _make_parts(
    search: "Search",
    times: TimesFolder,
    rows: list[NDArray[np.int64]],
    folder: Path,
    least: pd.DataFrame | None,
    runner: Threads | Cluster,
    announce: Callable[[int, int], None] | None,
) -> None:
    """Make the parts that are missing in a folder that this run holds."""
    to_make, ids = begin(times), search.from_ids
    if not to_make:
        return
    threads = runner.threads_of(len(to_make))
    jobs = []
    for place in to_make:
        floors = None if least is None else least[least["from_id"].isin(ids[rows[place]])]
        jobs.append((times[place], rows[place], floors))
    done = len(times) - len(jobs)
    source, in_ms = _source(search, folder, runner), isinstance(search, RoadSearch)
    make = partial(_make, source=source, in_ms=in_ms, threads=threads)
    for number, _ in enumerate(runner.map(make, jobs), start=1):
        if announce is not None:
            announce(done + number, len(times))


def batch_size_within(memory_mb: float, n_destinations: int) -> int:
    """Return how many origins a part may have, were each to reach every destination."""
    size = int(memory_mb * 1e6 / (_BYTES_PER_PAIR * max(1, n_destinations)))
    if size < 1:
        needed = _BYTES_PER_PAIR * n_destinations / 1e6
        raise ParameterError(
            f"memory_mb={memory_mb:g} : il faut au moins {needed:.0f} Mo pour une origine et {n_destinations} sites."
        )
    return size


# a part to make, its origins and the least times that it may hold
_Job: TypeAlias = tuple[TimesPart, NDArray[np.int64], "pd.DataFrame | None"]


def _make(job: _Job, *, source: "Search | Path", in_ms: bool, threads: int) -> int:
    """Make one part; it may be made twice, by two machines at once, with the same result."""
    part, rows, least = job
    if part.is_whole():
        # another worker made it before it was lost
        return 0
    search = _mapped(source) if isinstance(source, Path) else source
    table = search.travel_times(rows, threads=threads)
    if least is not None:
        raise_to(table, least)
    return write_part(part, table, in_ms=in_ms)


@lru_cache(maxsize=1)
def _mapped(folder: Path) -> RoadSearch:
    """Return the search of a folder, mapped into memory once per process."""
    return load_search(folder, verify=False)


def _source(
    search: "RoadSearch | EstimateSearch", folder: Path, runner: Threads | Cluster
) -> "RoadSearch | EstimateSearch | Path":
    """Return what a part is made from: the search itself, or the folder where other processes find it."""
    if isinstance(runner, Threads) or not isinstance(search, RoadSearch):
        return search
    place = folder / _SEARCH_FOLDER / search.digest()[:32]
    if not place.is_dir():
        # what was prepared for other inputs takes a gigabyte for a country
        shutil.rmtree(place.parent, ignore_errors=True)
        search.save(place)
    runner.check_shared(place)
    return place


_COLUMNS = ["density_hab_km2", "area_km2", "slowness", "geometry"]


@dataclass(frozen=True, eq=False)
class EstimateSearch:
    """Estimated times, asked part by part like those of a road map."""

    communes: gpd.GeoDataFrame
    sites: gpd.GeoDataFrame
    terrain: str | None
    max_time_min: float

    @property
    def from_ids(self) -> pd.Index:
        """Codes of the communes."""
        return self.communes.index

    @property
    def to_ids(self) -> pd.Index:
        """Identifiers of the sites."""
        return self.sites.index

    def travel_times(self, rows: NDArray[np.int64], *, threads: int | None = None) -> pd.DataFrame:
        """Return the times of some communes; they depend on nothing but the two places."""
        table = estimate_travel_times(
            self.communes.iloc[rows], self.sites, terrain=self.terrain, max_time_min=self.max_time_min
        )
        return table.assign(to_id=table["to_id"].cat.remove_unused_categories())

    def digest(self) -> str:
        """Return a digest of all that the times depend on."""
        places = self.communes.filter(_COLUMNS), self.sites.filter(["commune_code", *_COLUMNS])
        return digest_of(*places, self.terrain, self.max_time_min, code_digest())


# what times are asked of
Search: TypeAlias = RoadSearch | EstimateSearch


def ask_times(
    study: Study,
    communes: gpd.GeoDataFrame,
    sites: gpd.GeoDataFrame,
    *,
    roads: Path | None,
    kept_dir: Path,
    announce: Callable[[str], None],
) -> "tuple[Search, pd.DataFrame | None, str]":
    """Place communes and sites on the study's roads, read and prepared once, or prepare their estimate."""
    if study.files.distancier:
        said = "Une étude nationale se calcule sur une carte routière ou par estimation"
        raise StudyError(f"{said} : retirez « distancier » de [files], ou étudiez moins de départements.")
    limit, terrain = study.travel.max_time_min, study.travel.terrain
    path = roads or (Path(study.folder) / study.files.roads if study.files.roads else None)
    if path is None:
        return EstimateSearch(communes, sites, terrain, limit), None, "estimate"
    with_distance = study.scale is not None and study.scale.with_distance
    ends = communes.filter(_COLUMNS), sites.filter(["commune_code", "point_precision", *_COLUMNS])
    key = digest_of(*ends, limit, with_distance, digest_file(path), code_digest())
    least = times_inside(communes, sites, terrain)
    place = kept_dir / "recherches" / key[:32]
    if place.is_dir():
        return load_search(place), least, "roads"
    announce("Lecture et préparation de la carte routière")
    from territory.network.maps.osm import read_osm

    network = read_osm(path)
    # many origins are worth the order of the map, which is kept for the next study on it
    network.prepare(cache=kept_dir / "ordre-des-routes")
    search = search_roads(network, communes, sites, max_time_min=limit, with_distance=with_distance)
    search.save(place)
    return search, least, "roads"
