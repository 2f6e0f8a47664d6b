"""Run a study of a whole country: parts of times, then the measures over them, the competition for GPs first."""

import warnings
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from territory.access import streamed
from territory.access.catchments.floating_catchment import APL_NAME
from territory.access.equity import gini, palma_ratio, theil_t
from territory.access.streamed import Mapper
from territory.errors import StudyError, TerritoryWarning
from territory.files.safe_files import digests_of, flush_tree, publish, write_json
from territory.release.handed_tables import national_tables
from territory.report.files.writers import write_table
from territory.result import NationalTables
from territory.scenario.measures.compute import access_table, closest_services, covered, covered_by_zone
from territory.scenario.measures.deserts import (
    HEADCOUNT_COLUMN,
    count_edge,
    desert_shares,
    deserts,
    gp_access,
)
from territory.study.load import load_study
from territory.study.state import State, StudyTables
from territory.study.words.model import MANY_DEPARTEMENTS, Scale, Study
from territory.workflow.handover import (
    STOPPED,
    Clock,
    StepListener,
    beside,
    in_words,
    note_choices,
    run_folders,
)
from territory.workflow.inputs.manifest import MANIFEST, describe_run
from territory.workflow.inputs.prepare import Inputs, places_of, state_of
from territory.workflow.inputs.travel_times import ROADS_DOUBT_MIN, no_times
from territory.workflow.national.parts import TimesFolder, TimesPart
from territory.workflow.national.schedulers import Cluster, Threads, open_scheduler
from territory.workflow.national.write_parts import ask_times, write_travel_times


@dataclass(frozen=True)
class NationalResult:
    """A study of a country, its travel times in parts and the tables over them; one digest, one set of files."""

    inputs: Inputs
    times: TimesFolder
    tables: NationalTables
    report_dir: Path
    manifest: dict[str, Any] = field(default_factory=dict)
    run_digest: str = ""

    def __repr__(self) -> str:
        return f"NationalResult({self.inputs.study.id!r}, {self.times!r}, written to {self.report_dir})"


def run_national(
    study: Study | str | Path,
    *,
    out_dir: Path | str,
    roads: Path | str | None = None,
    scheduler: str | Threads | Cluster = "none",
    on_step: StepListener | None = None,
) -> NationalResult:
    """Compute a study of many départements with bounded memory, on one machine or several.

    Times are written part by part, and every table is computed over the parts. A run that is stopped goes on
    from the parts that are whole. The files are the same whatever the scheduler.

    Parameters
    ----------
    study, out_dir, roads, on_step
        As for `territory.run_study`; section [scale] of the study says how much memory a part may take, and every
        worker must see the folder.
    scheduler
        A name for `open_scheduler`, or what it gives.

    Raises
    ------
    StudyError
        If the study asks for what is not computed part by part: scenarios, named authorisations, siting.
    OutputError, ClusterError
        As `write_travel_times`.
    """
    announce = Clock(on_step or (lambda step: None)).begin
    announce("Lecture de l'étude et des données")
    study = study if isinstance(study, Study) else load_study(study)
    _check(study)
    roads_path = None if roads is None else Path(roads)
    with run_folders(study, out_dir, roads=roads_path, announce=announce) as (report_dir, kept_dir):
        places = places_of(study, roads=roads_path)
        method = "estimate" if places.roads is None else "roads"
        state = state_of(places, no_times(method, cutoff_min=study.travel.max_time_min))
        inputs = Inputs(places.study, places.dataset, state, method, roads=places.roads)
        note_choices(inputs)
        ends, scale = (places.weighed, places.sites), study.scale or Scale()
        search, least, method = ask_times(
            study, *ends, roads=roads_path, kept_dir=kept_dir, announce=announce
        )
        opened = open_scheduler(scheduler) if isinstance(scheduler, str) else nullcontext(scheduler)
        with opened as runner:
            announce("Temps de trajet")
            times = write_travel_times(
                search,
                kept_dir,
                groups=inputs.dataset.communes["departement_code"],
                batch_size=scale.batch_size,
                memory_mb=scale.memory_mb,
                least=least,
                scheduler=runner,
                announce=lambda done, total: announce(f"Temps de trajet, partie {done} sur {total}"),
            )
            tables = compute_parts(state, times, method=method, mapper=runner.map, announce=announce)
        manifest, digest = describe_run(study, method, roads=roads_path)
        announce("Tables")
        write_national(inputs, tables, report_dir, manifest=manifest, run_digest=digest)
        return NationalResult(inputs, times, tables, report_dir, manifest, digest)


def _check(study: Study) -> None:
    """Refuse what is not computed part by part, rather than leave it out."""
    asked = {
        "[[scenario]]": study.scenario,
        "[[authorisation]]": study.authorisation,
        "[[siting]]": study.siting,
        "[zoning]": study.zoning,
    }
    refused = [name for name, value in asked.items() if value]
    if refused:
        raise StudyError(
            f"L'étude « {study.id} » est nationale ([scale], ou {MANY_DEPARTEMENTS} départements et plus) : "
            f"{', '.join(refused)} n'y sont pas calculés. Retirez-les, ou faites-en l'étude d'une région sans [scale]."
        )


def write_national(
    inputs: Inputs, tables: NationalTables, report_dir: Path, *, manifest: dict[str, Any], run_digest: str
) -> None:
    """Write the tables of a national study and its manifest."""
    trouble = STOPPED + "libérez de la place, puis relancez la même commande."
    with beside(report_dir, trouble) as staging, in_words(report_dir, trouble):
        (staging / "tables").mkdir()
        for name, table in national_tables(inputs.state, inputs.dataset.sources, tables).items():
            write_table(table, staging / "tables" / name)
        written = {"run_sha256": run_digest, "outputs_sha256": digests_of(staging)}
        write_json(staging / MANIFEST, {**manifest, **written})
        flush_tree(staging)
        publish(staging, report_dir, last=MANIFEST)


def compute_parts(
    state: State,
    times: TimesFolder,
    *,
    method: str,
    mapper: Mapper = map,
    announce: Callable[[str], None] = lambda step: None,
) -> NationalTables:
    """Compute a state whose travel times are in parts."""
    announce("Accès aux généralistes")
    measures = SimpleNamespace(
        apl=partial(streamed.apl, mapper=mapper),
        gp_headcount_access=partial(streamed.gp_headcount_access, mapper=mapper),
    )
    gps = gp_access(state, measures=measures, times=times)
    announce("Temps, couverture et déserts")
    # what the measures of a part read alone: it is sent to every worker
    light = replace(state, population=state.population.iloc[:0], tables=StudyTables())
    codes = state.communes.index
    blocks = list(mapper(partial(_measure, state=light, gps=gps, method=method), times))
    alone = codes.difference([code for block in blocks for code in block.codes], sort=False)
    if len(alone):
        # communes that reach nothing are in no part
        blocks.append(_measure_table(state.travel_times.iloc[:0], alone, state=light, gps=gps))
    table = _ordered([block.access for block in blocks], codes, "service")
    classes = _ordered([block.deserts for block in blocks], codes, "criterion")
    within = {
        service: pd.concat([block.coverage[service] for block in blocks]).reindex(codes)
        for service in closest_services(state)
    }
    announce("Zones et équité")
    inside = state.communes[codes.isin(state.parameters.territory_codes)]
    return NationalTables(
        access=table,
        coverage=covered_by_zone(inside, within, ["epci_code", "departement_code"]),
        edge=count_edge(table, state),
        gp_access=gps,
        deserts=classes,
        desert_shares=desert_shares(classes, state),
        equity=equity_table(state, table, gps),
    )


@dataclass(frozen=True)
class _Block:
    """The results of the communes of one part."""

    codes: pd.Index
    access: pd.DataFrame
    deserts: pd.DataFrame
    coverage: dict[str, pd.DataFrame]


def _measure(part: TimesPart, *, state: State, gps: pd.DataFrame, method: str) -> _Block:
    """Return the results of the communes of one part."""
    table = part()
    if method == "roads":
        table["uncertainty_min"] = ROADS_DOUBT_MIN
    codes = state.communes.index
    return _measure_table(table, codes[codes.isin(table["from_id"].unique())], state=state, gps=gps)


def _measure_table(table: pd.DataFrame, codes: pd.Index, *, state: State, gps: pd.DataFrame) -> _Block:
    """Return the results of some communes, whose times are these."""
    here = replace(state, communes=state.communes.loc[codes], travel_times=table)
    with warnings.catch_warnings():
        # the same words for every part: unknown times are counted in the tables
        warnings.simplefilter("ignore", TerritoryWarning)
        within = covered(here, here.communes["population"])
        return _Block(codes, access_table(here), deserts(here, gps.loc[codes]), within)


def _ordered(blocks: Sequence[pd.DataFrame], codes: pd.Index, level: str) -> pd.DataFrame:
    """Return the rows of all parts in the order of one computation: by key, then by commune or the reverse."""
    table = pd.concat(blocks)
    place = codes.get_indexer(table.index.get_level_values("commune_code"))
    keys = table.index.get_level_values(level)
    number = pd.Index(keys.unique()).get_indexer(keys)
    # `access` comes service after service, `deserts` commune after commune
    return table.iloc[np.lexsort([place, number] if level == "service" else [number, place])]


def equity_table(state: State, table: pd.DataFrame, gps: pd.DataFrame) -> pd.DataFrame:
    """Return how unequal each measure is between the inhabitants of the territory."""
    communes = state.communes[state.communes.index.isin(state.parameters.territory_codes)]
    people = communes["population"]
    measured = {
        f"{service}_time_min": rows.droplevel("service")["travel_time_min"]
        for service, rows in table.groupby(level="service", sort=False)
    }
    measured |= {name: gps[name] for name in (APL_NAME, HEADCOUNT_COLUMN)}
    rows: dict[str, dict[str, Any]] = {}
    for name, values in measured.items():
        here = values.reindex(communes.index)
        known = here.notna() & people.notna()
        if not known.any():
            continue
        x, w = here[known], people[known]
        parts = theil_t(x, w, groups=communes["departement_code"][known])
        rows[name] = {
            "commune_count": int(known.sum()),
            "population_hab": float(w.sum()),
            "gini": gini(x, w),
            "palma_ratio": palma_ratio(x, w),
            "theil_t": parts.total,
            "theil_between": parts.between,
            "theil_within": parts.within,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("measure")
