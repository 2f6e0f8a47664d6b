"""Run a study: read, compute, compare, draw what is reached by road, ask without a car, write."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd

from territory.datasets.slots import SLOTS
from territory.errors import MissingFileError, StudyError, refuse
from territory.files.safe_files import digest_file, seen_from, write_json
from territory.release.disclosure import PUBLIC, check_edition
from territory.study.load import load_study
from territory.study.words.changes import ChangeSpeeds
from territory.study.words.model import Study, Transit
from territory.tables.schemas import plain_texts
from territory.workflow.handover import Clock, StepListener, note_choices, run_folders
from territory.workflow.inputs.manifest import (
    PLACES,
    TIMINGS,
    Steps,
    current_digest,
    describe_run,
    digest_of,
    private_record,
)

# slow to load: a run whose files are current does without
if TYPE_CHECKING:
    from territory.result import StudyResult
    from territory.scenario.results import Comparison, Results
    from territory.workflow.inputs.prepare import Inputs
    from territory.workflow.inputs.travel_times import RoadMap


@plain_texts
def run_study(
    study: Study | str | Path,
    *,
    out_dir: Path | str | None = None,
    roads: Path | str | None = None,
    population: str | None = None,
    edition: str = PUBLIC,
    on_step: StepListener | None = None,
) -> StudyResult:
    """Compute a study and, when a folder is given, write what is handed over.

    Parameters
    ----------
    study
        A study, the name of a built-in one, or the path of a TOML file.
    out_dir
        Folder in which `reports/<study>` and `data/processed/<study>` (long steps that a rerun gives back,
        `journal.log`) are written, at the end: a run that fails leaves those of before. None = nothing is.
    roads
        Road map (.osm.pbf) that replaces estimated times.
    population
        Census vintage that replaces the study's (`rp2017`).
    edition : {"publique", "interne"}
        The internal edition withholds no count, for those who are entitled to the study's own files: it is written in
        `reports/<study>-interne`, and each of its pages and file names says what it is.
    on_step
        Called with the French name of each step as it begins.

    Raises
    ------
    StudyError
        If the study is wrong, or the vintage unknown.
    OutputError
        If the folder cannot be written, or another run has held it for a minute.

    Examples
    --------
    >>> import territory
    >>> territory.run_study("draguignan")
    StudyResult('draguignan', scenarios: A, B, C)
    """
    clock = Clock(on_step or (lambda step: None))
    study, roads_path = _asked(study, clock, roads, population, edition)
    if out_dir is None:
        return _run(study, clock, roads_path, edition=edition)
    folders = run_folders(study, out_dir, roads=roads_path, edition=edition, announce=clock.begin)
    with folders as (report_dir, kept_dir):
        _note_places(study, kept_dir)
        result = _run(study, clock, roads_path, report_dir, kept_dir, edition)
        clock.note_last()
        return result


@plain_texts
def update_files(
    study: Study | str | Path,
    *,
    out_dir: Path | str,
    roads: Path | str | None = None,
    population: str | None = None,
    edition: str = PUBLIC,
    on_step: StepListener | None = None,
) -> tuple[Path, str]:
    """Write the files of a study as `run_study` does, and compute nothing where they are already those of its inputs.

    Returns the folder of the report and the digest of the run.
    """
    clock = Clock(on_step or (lambda step: None))
    study, roads_path = _asked(study, clock, roads, population, edition)
    folders = run_folders(study, out_dir, roads=roads_path, edition=edition, announce=clock.begin)
    with folders as (report_dir, kept_dir):
        _note_places(study, kept_dir)
        record = private_record(study, kept_dir, edition=edition)
        digest = current_digest(report_dir, study, roads=roads_path, record=record)
        if digest is None:
            digest = _run(study, clock, roads_path, report_dir, kept_dir, edition).run_digest
        else:
            clock.begin("Rien n'a changé : les fichiers en place sont ceux de ces données")
            # a log: a disk that refuses it takes nothing from the files
            with suppress(OSError):
                timings = _timings(study, report_dir, clock, ["rapport, tables et cartes"])
                write_json(report_dir / TIMINGS, timings)
        clock.note_last()
        return report_dir, digest


def _asked(
    study: Study | str | Path, clock: Clock, roads: Path | str | None, population: str | None, edition: str
) -> tuple[Study, Path | None]:
    """Return the study, on the census that is asked for, and the road map."""
    check_edition(edition)
    clock.begin("Lecture de l'étude et des données")
    study = study if isinstance(study, Study) else load_study(study)
    if population is not None:
        study = with_population(study, population)
    return study, None if roads is None else Path(roads)


def _run(
    study: Study,
    clock: Clock,
    roads_path: Path | None,
    report_dir: Path | None = None,
    kept_dir: Path | None = None,
    edition: str = PUBLIC,
) -> StudyResult:
    """Compute a study, and write it in folders that nobody else writes in."""
    from territory.result import StudyResult
    from territory.scenario.measures.compute import compute
    from territory.workflow.handover import write_outputs
    from territory.workflow.inputs.prepare import prepare
    from territory.workflow.inputs.questions import ANSWERED

    clock.begin("Temps de trajet et besoins")
    steps = Steps(kept_dir)
    # before the files are read: one that changes meanwhile is then found changed by the next run
    record = None if kept_dir is None else private_record(study, kept_dir, edition=edition)
    inputs = prepare(study, roads=roads_path, steps=steps)
    note_choices(inputs)
    clock.begin("Situation d'aujourd'hui")
    baseline = compute(inputs.state)
    scenarios, comparisons = _compared(inputs, baseline, clock, edition)
    reached, without_car = _reached(inputs, baseline, scenarios, clock, steps)
    manifest, digest = describe_run(study, inputs.times_method, roads=roads_path)
    # made once, and only when something asks for them
    rounds = cache(partial(_rounds, inputs, baseline, scenarios, steps, digest))
    comparisons = {name: replace(one, rounding=rounds) for name, one in comparisons.items()}
    # with what the field answered, and the scenarios as they were computed, at the sites that questions chose
    told = {"scenario": inputs.scenarios, **{key: getattr(inputs.study, key) for key in ANSWERED}}
    result = StudyResult(
        study=study.model_copy(update=told),
        dataset=inputs.dataset,
        baseline=baseline,
        scenarios=scenarios,
        comparisons=comparisons,
        times_method=inputs.times_method,
        siting=inputs.siting,
        groupings=inputs.groupings,
        isochrones=reached,
        without_car=without_car,
        manifest=manifest,
        run_digest=digest,
        rounds_step=rounds,
    )
    if report_dir is None or record is None:
        return result
    clock.begin("Rapport, tables et cartes")
    written = replace(result, report_dir=report_dir)
    log = partial(_timings, study, report_dir, clock, steps.reused)
    write_outputs(written, report_dir, record=record, edition=edition, log=log)
    return written


def _compared(
    inputs: Inputs, baseline: Results, clock: Clock, edition: str
) -> tuple[dict[str, Results], dict[str, Comparison]]:
    """Return each scenario and what it changes, by id; what no edition for everybody may print is refused."""
    from territory.release.observed_children import check_families
    from territory.scenario.changes.apply import apply
    from territory.scenario.comparison.compare import compare
    from territory.scenario.measures.compute import compute

    scenarios, comparisons = {}, {}
    for scenario in inputs.scenarios:
        clock.begin(f"Scénario {scenario.id}")
        scenarios[scenario.id] = compute(apply(inputs.state, scenario), today=baseline)
        check_families(scenarios, edition=edition)
        comparisons[scenario.id] = compare(baseline, scenarios[scenario.id]).named(scenario.id, scenario.name)
    return scenarios, comparisons


def _reached(
    inputs: Inputs, baseline: Results, scenarios: Mapping[str, Results], clock: Clock, steps: Steps
) -> tuple[gpd.GeoDataFrame | None, dict[str, Results] | None]:
    """Return what is reached by road around the sites, and times without a car, as far as the study has them."""
    if inputs.roads is not None:
        clock.begin("Isochrones")
    reached = isochrones(inputs, baseline, scenarios, steps=steps)
    if inputs.study.travel.transit is not None:
        clock.begin("Temps sans voiture")
    return reached, times_without_car(inputs, {TODAY: baseline, **scenarios}, steps=steps)


def _timings(study: Study, report_dir: Path, clock: Clock, reused: list[str]) -> dict[str, Any]:
    """Return how long each step took, what was reused, and where `territory diff` looks for the study's own files."""
    place = seen_from(report_dir, Path(study.folder)) or "."
    return {"seconds": clock.end(), "reused": reused, "study_folder": place}


def _note_places(study: Study, kept_dir: Path) -> None:
    """Keep in the agency where its official files are: the manifest, which is handed over, has their names alone."""
    said = {} if study.data is None else study.data.model_dump(mode="json", exclude_none=True)
    # a note: a disk that refuses it takes nothing from the files
    with suppress(OSError):
        write_json(kept_dir / PLACES, {slot.key: said[slot.key] for slot in SLOTS if slot.key in said})


def _rounds(
    inputs: Inputs, baseline: Results, scenarios: Mapping[str, Results], steps: Steps, digest: str
) -> tuple[pd.DataFrame, ...]:
    """Return the rounds of a run, which an unchanged run does not compute again."""
    from territory.scenario.doubt.rounds import draw_rounds

    study = inputs.study
    if inputs.legs is None or not any(trip.rounds for one in study.authorisation for trip in one.trip):
        return (pd.DataFrame(),) * 3
    legs, level = inputs.legs, study.uncertainty.level
    make = partial(draw_rounds, baseline, scenarios, legs, inputs.squares, seed=study.seed, level=level)
    return steps.run("tournées", digest, make)


def with_population(study: Study, vintage: str) -> Study:
    """Return the study on another census."""
    from territory.workflow.inputs.prepare import dataset_of

    known = dataset_of(study).vintages
    if vintage not in known:
        raise StudyError(f"Millésime de population inconnu « {vintage} » ; connus : {', '.join(known)}.")
    return study.model_copy(update={"population": vintage})


TODAY = ""
COLUMNS = ("scenario", "site_id", "minutes", "area_km2", "geometry")

# how many times are drawn: more outlines would hide one another
_MOST_TIMES = 3
# side of the squares on which times are computed: a quarter of a millimetre on a page that holds a département
_CELL_M = 250.0


def isochrones(
    inputs: Inputs, baseline: Results, scenarios: Mapping[str, Results], *, steps: Steps
) -> gpd.GeoDataFrame | None:
    """Return from where each site of a named service can be reached, today and in each scenario."""
    if inputs.roads is None:
        return None
    ways: dict[str, ChangeSpeeds | None] = {TODAY: None}
    for scenario in inputs.scenarios:
        changes = [change for change in scenario.change if isinstance(change, ChangeSpeeds)]
        # no map gives the times of a scenario that brings its own
        if all(change.roads_key for change in changes):
            # as for times, the last one holds
            ways[scenario.id] = changes[-1] if changes else None
    wanted = {name: _sites_of(baseline if name == TODAY else scenarios[name]) for name in ways}
    # each way of driving once: most scenarios drive as today
    alike: dict[str, list[str]] = {}
    for name, change in ways.items():
        alike.setdefault(change.roads_key if change else "", []).append(name)
    minutes = sorted(inputs.state.parameters.thresholds_min)[:_MOST_TIMES]
    blocks = []
    for names in alike.values():
        sites = sorted({site for name in names for site in wanted[name]})
        drawn = _drawn(inputs, sites, minutes, ways[names[0]], steps)
        blocks += [drawn[drawn["site_id"].isin(wanted[name])].assign(scenario=name) for name in names]
    every: Any = pd.concat(blocks, ignore_index=True)
    return gpd.GeoDataFrame(every[list(COLUMNS)], geometry="geometry", crs=inputs.state.communes.crs)


def _sites_of(results: Results) -> list[str]:
    """Return the sites of the named services in some results."""
    from territory import supply

    services = results.state.services
    named = [one.id for one in results.state.parameters.authorisations]
    return list(dict.fromkeys(site for name in named for site in supply.sites_serving(services, name)))


def _drawn(
    inputs: Inputs, sites: list[str], minutes: list[float], change: ChangeSpeeds | None, steps: Steps
) -> gpd.GeoDataFrame:
    """Return the isochrones of some sites under some speeds, those of sites at one place being drawn once."""
    roads: Any = inputs.roads
    communes = inputs.dataset.communes
    crs: Any = inputs.state.communes.crs
    points = inputs.state.sites.loc[sites, ["geometry"]]
    # two services of one address are at one place
    place = points.geometry.to_wkb(hex=True)
    once = gpd.GeoDataFrame(points[~place.duplicated()])
    around = communes[["density_hab_km2", "geometry"]] if change is not None else None
    key = digest_of(once, roads.digest(change), around, minutes, _CELL_M, str(crs))
    (table,) = steps.run("isochrones", key, partial(_make, roads, change, communes, once, minutes, crs))
    numbers = pd.Series(pd.factorize(place)[0], index=place.index)
    blocks = [table[table["place"] == rank].assign(site_id=str(site)) for site, rank in numbers.items()]
    if not blocks:
        return gpd.GeoDataFrame({name: [] for name in COLUMNS}, geometry="geometry", crs=crs)
    every = pd.concat(blocks, ignore_index=True)
    shapes = gpd.GeoSeries.from_wkb(every["wkb"], crs=crs)
    return gpd.GeoDataFrame(every.drop(columns=["place", "wkb"]), geometry=shapes, crs=crs)


def _make(
    roads: RoadMap,
    change: ChangeSpeeds | None,
    communes: gpd.GeoDataFrame,
    points: gpd.GeoDataFrame,
    minutes: list[float],
    crs: Any,
) -> tuple[pd.DataFrame]:
    """Return a table that can be kept: place (its rank), minutes, area_km2 and polygons as well-known binary."""
    numbered = points.set_axis([str(number) for number in range(len(points))], axis=0)
    if numbered.empty:
        return (pd.DataFrame({"place": [], "minutes": [], "area_km2": [], "wkb": []}),)
    network = roads.under(change, communes)
    drawn = network.isochrones(numbered, minutes=minutes, direction="to", cell_m=_CELL_M)
    table = pd.DataFrame(drawn[["minutes", "area_km2"]])
    table.insert(0, "place", drawn["from_id"].astype(int))
    return (table.assign(wkb=drawn.geometry.to_crs(crs).to_wkb()),)


_OF_COMMUNES = ("area_km2", "density_hab_km2", "slowness")
# raised whenever the same timetables give other times
_VERSION = 1


def times_without_car(
    inputs: Inputs, situations: Mapping[str, Results], *, steps: Steps
) -> dict[str, Results] | None:
    """Return each situation at its times without a car from the communes of the territory; None without a timetable."""
    asked = inputs.study.travel.transit
    if asked is None:
        return None
    from territory.scenario.measures.compute import without_car
    from territory.transit.search import MOST_S

    folder, limit = Path(inputs.study.folder), min(inputs.study.travel.max_time_min, MOST_S / 60)
    files = [folder / name for name in (*asked.gtfs, *([asked.streets] if asked.streets else []))]
    lost = [path.name for path in files if not path.is_file()]
    said = "fichier(s) de [travel.transit] introuvable(s)"
    advice = " ; donnez des GTFS en .zip, et les rues en .osm.pbf."
    refuse(lost, said, MissingFileError, of="Étude", advice=advice)
    digests = [digest_file(path) for path in files]
    inside = list(inputs.state.parameters.territory_codes)
    every, found = {}, {}
    for name, results in situations.items():
        state = results.state
        # what times inside a commune depend on
        communes = gpd.GeoDataFrame(state.communes.loc[inside].filter([*_OF_COMMUNES, "geometry"]))
        key = digest_of(_VERSION, digests, asked.model_dump(mode="json"), limit, communes, state.sites)
        # most scenarios move services between the sites of today
        if key not in found:
            made = partial(_made_without_car, asked, folder, limit, communes, state.sites)
            (found[key],) = steps.run("sans voiture", key, made)
            found[key].attrs["cutoff_min"] = limit
        every[name] = without_car(results, found[key])
    return every


def _made_without_car(
    asked: Transit, folder: Path, limit: float, communes: gpd.GeoDataFrame, sites: gpd.GeoDataFrame
) -> tuple[pd.DataFrame]:
    """Return the median times over the hour before, never 0 inside a commune whose site is only known to be in it."""
    from territory.network.maps.osm import read_osm
    from territory.transit.doors import WALK_KMH
    from territory.transit.gtfs import read_gtfs
    from territory.workflow.inputs.travel_times import raise_to, times_inside

    timetable = read_gtfs([folder / name for name in asked.gtfs], date=asked.date)
    streets = read_osm(folder / asked.streets, profile="foot") if asked.streets else None
    options: Any = {"max_time_min": limit, "max_walk_min": asked.max_walk_min}
    times = timetable.travel_times(communes, sites, streets=streets, arrive_by=asked.arrive_by, **options)
    times = times.astype({"from_id": "str", "to_id": "str"})
    least = times_inside(communes, sites, None)
    raise_to(times, least.assign(travel_time_min=least["distance_km"] / WALK_KMH * 60))
    return (times,)
