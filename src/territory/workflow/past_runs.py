"""Runs already made: read back, compared two by two, their documents verified."""

import datetime as dt
import hashlib
import itertools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np
import pandas as pd
from pydantic import ValidationError

from territory.errors import MissingFileError, Problems, ReadError, StudyError, examples, retold, warn
from territory.files.safe_files import make_folder
from territory.release.comparison import changes_table, release_changes
from territory.report.documents.run_difference import difference_document
from territory.report.files.writers import write_csv
from territory.report.layout.document import compile_pdf, read_digest
from territory.scenario.changes.apply import apply
from territory.scenario.comparison.compare import compare
from territory.scenario.measures.compute import compute
from territory.scenario.zones import ALL_TERRITORY
from territory.study.load import migrate, paths_outside
from territory.study.state import UNPUBLISHED, State
from territory.study.words.model import Study
from territory.study.words.scenario import Scenario
from territory.tables.catalogue import check_declared
from territory.tables.declare import SERVICES
from territory.workflow.inputs.manifest import (
    MANIFEST,
    PLACES,
    TIMINGS,
    Steps,
    describe_run,
    digest_of_manifest,
    private_record,
)
from territory.workflow.inputs.prepare import Inputs, dataset_of, prepare

KEYS = ["indicator", "place", "service"]
CAUSES = ("population", "supply", "times", "parameters")
# a difference under this is a rounding, in the unit of any indicator
SMALLEST = 1e-6


@dataclass(frozen=True)
class RunDifference:
    """What differs between two runs: each change with the parts that add up to it, and the thresholds crossed."""

    study_a: Study
    study_b: Study
    changes: pd.DataFrame
    crossings: pd.DataFrame

    def __repr__(self) -> str:
        return f"RunDifference({len(self.changes)} changes, {len(self.crossings)} threshold crossings)"


def diff_runs(run_a: Path | str, run_b: Path | str) -> RunDifference:
    """Compare two runs, and share each change out along one path: population, sites and services, times, parameters.

    Both are prepared again from their manifests, whose digests must still be those of the data.
    """
    inputs = [_prepare_again(Path(run)) for run in (run_a, run_b)]
    a, b = (found.state for found in inputs)
    different = a.communes.index.symmetric_difference(b.communes.index)
    if len(different):
        raise StudyError(
            f"Les deux études n'ont pas les mêmes communes : {len(different)} ne sont que dans l'une "
            f"({examples(different)}). Portez-les au même code officiel géographique (territory.geography.to_cog)."
        )
    peopled = replace(
        a,
        communes=b.communes,
        population=b.population,
        demand=b.demand,
        observed_origins=b.observed_origins,
        parameters=replace(a.parameters, age_scale=b.parameters.age_scale),
    )
    both = pd.concat([a.travel_times, b.travel_times]).drop_duplicates(["from_id", "to_id"])
    both.attrs = dict(a.travel_times.attrs)
    between = pd.concat([a.site_times, b.site_times]).drop_duplicates(["from_id", "to_id"])
    between.attrs = dict(a.site_times.attrs)
    served = replace(peopled, sites=b.sites, services=b.services, travel_times=both, site_times=between)
    path = [a, peopled, served, replace(served, travel_times=b.travel_times, site_times=b.site_times), b]
    scenarios = [inputs[0].scenarios] * 3 + [inputs[1].scenarios] * 2
    values = [indicators(path[0], scenarios[0])]
    for before, after in itertools.pairwise(zip(path, scenarios, strict=True)):
        # a step that changes nothing gives the same numbers: most pairs of runs differ by one cause
        values.append(values[-1] if _is_same(before, after) else indicators(*after))
    crossed = _crossings(a, b, values[0], values[-1])
    return RunDifference(inputs[0].study, inputs[1].study, _changes(values), crossed)


def write_difference(difference: RunDifference, folder: Path) -> list[Path]:
    """Write the changes and the crossings as CSV, and the section that says them as PDF."""
    make_folder(folder)
    a, b = difference.study_a, difference.study_b
    communes = dataset_of(b).communes
    inside = communes["departement_code"].isin(b.territory.departement_codes)
    names = {ALL_TERRITORY: "Ensemble"}
    for codes, said in ((communes["epci_code"], communes["epci_name"]), (communes.index, communes["name"])):
        names.update({str(code): str(name) for code, name in zip(codes, said, strict=True)})
    names.update({named.id: named.label_short or named.label for named in b.authorisation})
    names.update({**{need.public: need.label for need in b.need}, **SERVICES})
    # the surroundings are computed, but the council is told of its own communes and of the EPCI
    around = set(communes.index[~inside])
    released = release_changes(difference.changes)
    told = released[~released.index.get_level_values("place").isin(around)]
    runs = [f"{study.id}, population {study.population.upper().replace('RP', 'RP ')}" for study in (a, b)]
    years = [int(year) for study in (a, b) for year in re.findall(r"\d{4}", study.population)]
    document = difference_document(
        told,
        difference.crossings[~difference.crossings["commune_code"].isin(around)],
        names,
        title=b.title,
        runs=(runs[0], runs[1]),
        date=dt.date(max(years, default=2000), 1, 1),
    )
    paths = [folder / name for name in ("differences.pdf", "differences.csv", "seuils.csv")]
    compile_pdf(document, paths[0])
    for table, path in zip((changes_table(released), difference.crossings), paths[1:], strict=True):
        check_declared(path.stem, map(str, table.columns))
        write_csv(table.round(1), path)
    return paths


def indicators(state: State, scenarios: tuple[Scenario, ...]) -> pd.Series:
    """Return the numbers that two runs can be compared on; not of children served, whose protection it would undo."""
    baseline = compute(state)
    observed = state.observed_origins
    counted = set() if observed is None else set(map(str, observed["authorisation_id"]))
    population = state.communes["population"]
    whole = pd.MultiIndex.from_product([population.index, [""]])
    persons = baseline.persons[baseline.persons["persons_kind"].ne("observed")]
    found = [
        _long(pd.Series(population.to_numpy(float), index=whole), "population_hab"),
        _long(state.demand["demand"], "demand_persons"),
        _long(persons["persons"], "persons_concerned"),
        _long(baseline.access["travel_time_min"], "travel_time_min"),
    ]
    shares = [str(column) for column in baseline.coverage.columns if str(column).endswith("_share")]
    found += [_long(baseline.coverage[column], column) for column in shares]
    for scenario in scenarios:
        zones = compare(baseline, compute(apply(state, scenario), today=baseline)).zones
        zones = zones[~zones.index.get_level_values("service").isin(counted)]
        effects = () if zones.empty else ("gain", "loss", "indistinct", "entering")
        found += [_long(zones[f"persons_{name}"], f"persons_{name}_{scenario.id}") for name in effects]
    every: pd.Series = pd.concat(found)
    return every


def _is_same(one: Any, other: Any) -> bool:
    """Tell whether two inputs of a computation are the same, tables to the last bit."""
    if one is other:
        return True
    if isinstance(one, pd.DataFrame | pd.Series):
        return bool(one.equals(other)) and type(one) is type(other) and _is_same(one.attrs, other.attrs)
    if is_dataclass(one):
        names = [name.name for name in fields(one)]
        return type(one) is type(other) and all(_is_same(getattr(one, n), getattr(other, n)) for n in names)
    if isinstance(one, tuple):
        return isinstance(other, tuple) and len(one) == len(other) and all(map(_is_same, one, other))
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(_is_same(value, other[key]) for key, value in one.items())
    return bool(one == other or (one != one and other != other))


def _long(values: pd.Series, indicator: str) -> pd.Series:
    """Return values indexed by place and service under the name of their indicator."""
    places, services = (values.index.get_level_values(level) for level in (0, 1))
    index = pd.MultiIndex.from_arrays([[indicator] * len(values), places, services], names=KEYS)
    return pd.Series(values.to_numpy(float), index=index)


def _changes(values: list[pd.Series]) -> pd.DataFrame:
    """Return what changed between the ends of a path, and the part of each step."""
    keys = values[0].index.union(values[-1].index, sort=False)
    table = pd.DataFrame({"value_a": values[0].reindex(keys), "value_b": values[-1].reindex(keys)})
    table["delta"] = table["value_b"] - table["value_a"]
    for cause, before, after in zip(CAUSES, values[:-1], values[1:], strict=True):
        table[f"from_{cause}"] = after.reindex(keys) - before.reindex(keys)
    appeared = table["value_a"].isna() != table["value_b"].isna()
    table = table[table["delta"].abs().gt(SMALLEST) | appeared]
    size = table["delta"].abs().fillna(np.inf)
    order = pd.DataFrame({"indicator": table.index.get_level_values("indicator"), "size": -size.to_numpy()})
    order["key"] = ["|".join(map(str, key)) for key in table.index]
    return table.iloc[order.sort_values(["indicator", "size", "key"]).index]


def _crossings(a: State, b: State, values_a: pd.Series, values_b: pd.Series) -> pd.DataFrame:
    """Return the communes whose time passed a threshold, in or out (thresholds are inclusive)."""
    times = [values.xs("travel_time_min", level="indicator") for values in (values_a, values_b)]
    table = pd.DataFrame({"time_a_min": times[0], "time_b_min": times[1].reindex(times[0].index)})
    found = []
    for threshold in sorted({*a.parameters.thresholds_min, *b.parameters.thresholds_min}):
        was, is_now = table["time_a_min"].le(threshold), table["time_b_min"].le(threshold)
        crossed = table[was != is_now].assign(threshold_min=threshold)
        found.append(crossed.assign(direction=np.where(is_now[was != is_now], "within", "beyond")))
    crossings = pd.concat(found).rename_axis(["commune_code", "service"]).reset_index()
    return crossings.sort_values(["service", "threshold_min", "commune_code"], ignore_index=True)


def _prepare_again(folder: Path) -> Inputs:
    """Prepare a run from its manifest, and refuse when its data are no longer those of then."""
    study, digests = past_study(folder)
    inputs = prepare(study, steps=Steps(None))
    now, _ = describe_run(study, inputs.times_method, roads=None)
    problems = Problems(f"Étude de « {folder} »", StudyError)
    replaced = [name for name, digest in digests.items() if now["inputs_sha256"].get(name) != digest]
    record = private_record(study, _kept_beside(folder, study.id))
    written = _read_json(folder / MANIFEST).get("outputs_sha256")
    outputs = written if isinstance(written, dict) else {}
    changed = record.changed(outputs) if UNPUBLISHED in digests.values() else []
    for name in [*replaced, *(changed or [])]:
        said = "n'est plus le fichier d'alors : relancez cette étude, ou rendez-lui ce fichier"
        problems.add(f"« {name} » {said}")
    problems.raise_if_any()
    if changed is None:
        said = "rien ne dit si les fichiers dont l'empreinte n'est pas publiée sont encore ceux d'alors"
        reason = "le dossier data/processed de ce calcul n'est pas à côté"
        warn(f"Étude de « {folder} » : {said} ({reason}) ; ils sont lus comme ils sont.")
    return inputs


def past_study(folder: Path) -> tuple[Study, dict[str, str]]:
    """Return the study of a run and the digests of the files that it read."""
    if not (folder / MANIFEST).is_file():
        raise MissingFileError(
            f"« {folder} » n'est pas le dossier d'une étude : « {MANIFEST} » y est absent."
        )
    manifest = _read_json(folder / MANIFEST)
    noted = _read_json(folder / TIMINGS) if (folder / TIMINGS).is_file() else {}
    place = noted.get("study_folder", ".")
    parameters, digests = manifest.get("parameters"), manifest.get("inputs_sha256")
    problem = f"« {folder / MANIFEST} » n'est pas celui d'une étude de cette version : relancez l'étude"
    if not isinstance(parameters, dict) or not isinstance(digests, dict) or not isinstance(place, str):
        raise ReadError(f"{problem}.")
    try:
        parameters = migrate(parameters)
        places = _kept_beside(folder, str(parameters.get("id"))) / PLACES
        if isinstance(data := parameters.get("data"), dict) and places.is_file():
            parameters = {**parameters, "data": {**data, **_read_json(places)}}
    except StudyError as error:
        raise ReadError(f"« {folder / MANIFEST} » : {error}") from error
    for _, message in paths_outside(parameters):
        raise ReadError(f"{problem} ({message}).")
    if PurePosixPath(place).is_absolute() or PureWindowsPath(place).anchor:
        raise ReadError(f"« {folder / TIMINGS} » : « {place[:80]} » n'est pas un chemin relatif.")
    try:
        return Study.model_validate({**parameters, "folder": str(folder / place)}), digests
    except ValidationError as error:
        raise ReadError(f"{problem} ({error.error_count()} clés refusées).") from error


def _kept_beside(folder: Path, study: str) -> Path:
    """Return the folder of `data/processed` beside that of a report."""
    return folder.parent.parent / "data" / "processed" / study


def _read_json(path: Path) -> dict[str, Any]:
    """Return the content of a JSON file that holds names and values."""
    said = f"« {path} » est illisible ({{reason}}) : relancez l'étude."
    with retold((OSError, ValueError, RecursionError), ReadError, said):
        content = json.loads(path.read_text("utf-8"))
    if not isinstance(content, dict):
        raise ReadError(f"« {path} » n'a pas la forme attendue : relancez l'étude.")
    return content


# a manifest is a few tens of kilobytes; a report a few megabytes
_MOST_BYTES = 200_000_000


@dataclass(frozen=True)
class CheckedDocument:
    """What `check_document` found: the digest of the PDF's run, and what is wrong, in French."""

    path: Path
    manifest: Path
    run_digest: str | None
    problems: tuple[str, ...]

    @property
    def is_right(self) -> bool:
        """True when the document is the one of the run."""
        return not self.problems


def check_document(path: Path, *, manifest: Path | None = None) -> CheckedDocument:
    """Compare a PDF with the manifest of its run."""
    content = _read(path, what="document")
    if not content.startswith(b"%PDF-"):
        raise ReadError(f"« {path.name} » n'est pas un PDF.")
    place = manifest or _manifest_beside(path)
    try:
        said: dict[str, Any] = json.loads(_read(place, what="manifeste").decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise ReadError(f"Le manifeste « {place} » n'est pas un fichier JSON lisible.") from error
    outputs = said.get("outputs_sha256") if isinstance(said, dict) else None
    if not isinstance(outputs, dict) or not isinstance(said.get("run_sha256"), str):
        raise ReadError(f"« {place} » n'est pas le manifeste d'une étude (run_sha256, outputs_sha256).")
    digest = read_digest(content)
    return CheckedDocument(path, place, digest, tuple(_problems(path, content, digest, place, said)))


def _read(path: Path, *, what: str) -> bytes:
    """Return the bytes of a file."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ReadError(f"« {path} » est trop gros pour être un {what} de territory.")
        return path.read_bytes()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise MissingFileError(f"Le {what} « {path} » n'existe pas.") from error
    except OSError as error:
        raise ReadError(f"Le {what} « {path} » ne peut pas être lu ({error.strerror}).") from error


def _manifest_beside(path: Path) -> Path:
    """Return where the manifest of a document is."""
    beside = [folder / MANIFEST for folder in (path.parent, path.resolve().parent.parent)]
    for place in beside:
        if place.is_file():
            return place
    raise MissingFileError(
        f"Aucun « {MANIFEST} » près de « {path} » : donnez celui de l'étude avec --manifest FICHIER."
    )


def _problems(
    path: Path, content: bytes, digest: str | None, place: Path, said: dict[str, Any]
) -> Iterator[str]:
    """Say when the manifest was changed, when the PDF names no run or another one, or is not a file of the run."""
    run, outputs = said["run_sha256"], said["outputs_sha256"]
    if digest_of_manifest(said) != run:
        what = f"ce que « {place.name} » dit des entrées et des paramètres"
        yield f"le manifeste a été modifié : {what} n'a plus l'empreinte qu'il annonce ({run[:16]}…)"
    if digest is None:
        why = "il n'a pas été produit par territory, ou ses métadonnées ont été enlevées"
        yield f"« {path.name} » ne porte aucune empreinte : {why}"
    elif digest != run:
        both = f"son empreinte est {digest[:16]}…, celle du manifeste est {run[:16]}…"
        yield f"« {path.name} » vient d'un autre calcul : {both}"
    if hashlib.sha256(content).hexdigest() not in outputs.values():
        if any(name.rpartition("/")[2] == path.name for name in outputs):
            yield f"le fichier a été modifié : « {path.name} » n'est plus celui que le manifeste décrit"
        else:
            yield f"le manifeste ne connaît pas « {path.name} » : son contenu ne peut pas être vérifié"
