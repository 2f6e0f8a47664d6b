"""The folders of a run: what is handed over, each file put in its place when all are made, and the log."""

import json
import logging
import platform
import shutil
import sqlite3
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from territory import __version__, release, report
from territory.errors import OutputError, Problems, UnknownCodeError
from territory.files.safe_files import (
    UNFINISHED,
    digest_file,
    digests_of,
    flush_tree,
    hold,
    make_folder,
    publish,
    sweep,
    write_json,
)
from territory.geography.communes import plain
from territory.release.disclosure import PUBLIC, edition_name
from territory.study.own_tables import unknown_epci
from territory.study.words.model import Study
from territory.tables.schemas import plain_texts
from territory.workflow.inputs.manifest import (
    MANIFEST,
    TIMINGS,
    PrivateRecord,
    files_read,
    is_current,
    library_versions,
)

# slow to load: a run whose files are current does without
if TYPE_CHECKING:
    from territory.report.reading import Reading
    from territory.result import StudyResult
    from territory.workflow.inputs.prepare import Inputs

StepListener = Callable[[str], None]
JOURNAL = "journal.log"
BEFORE = "journal-precedent.log"

# the parent of the loggers of every module: nothing is attached to it but during a run
_library = logging.getLogger("territory")
_log = logging.getLogger(__name__)


@contextmanager
def journal(folder: Path) -> Iterator[None]:
    """Write in `journal.log` what is logged, warned and raised; a log that cannot be written stops nothing."""
    try:
        if (folder / JOURNAL).exists():
            (folder / JOURNAL).replace(folder / BEFORE)
        handler: logging.Handler = _Quiet(folder / JOURNAL, mode="w", encoding="utf-8")
    except OSError:
        handler = logging.NullHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s  %(message)s", datefmt="%Y-%m-%d %H:%M:%S"))
    with _attached(handler), _warnings_too():
        try:
            yield
        except BaseException as error:
            _log.exception("Arrêté : %s", type(error).__name__)
            raise


def note_choices(inputs: "Inputs") -> None:
    """Log what was decided before the measures: how times were found, and the answers to the questions."""
    state = inputs.state
    counts = len(state.communes), len(state.parameters.territory_codes), len(state.sites), len(state.services)
    _log.info("%d communes (dont %d du territoire), %d sites, %d services", *counts)
    _log.info("Méthode des temps : %s ; relief : %s", inputs.times_method, state.parameters.terrain)
    _log.info("Facteur des âges : %.4f", state.parameters.age_scale)
    for question, answer in (*inputs.siting.items(), *inputs.groupings.items()):
        _log.info("Question « %s » : %r", question, answer)


@contextmanager
def _attached(handler: logging.Handler) -> Iterator[None]:
    """Send what the library logs to a handler, and no more than before to those of the program around it."""
    level, propagates = _library.level, _library.propagate
    _library.propagate = propagates and _library.isEnabledFor(logging.INFO)
    _library.setLevel(logging.INFO)
    _library.addHandler(handler)
    try:
        yield
    finally:
        _library.removeHandler(handler)
        _library.setLevel(level)
        _library.propagate = propagates
        handler.close()


@contextmanager
def _warnings_too() -> Iterator[None]:
    """Log each warning that is shown; it is shown as before, and again where an earlier run already gave it."""
    with warnings.catch_warnings():
        show = warnings.showwarning

        def log_and_show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
            _log.warning("Avertissement : %s (%s)", message, category.__name__)
            show(message, category, *where, **more)

        warnings.showwarning = log_and_show
        yield


class _Quiet(logging.FileHandler):
    """A file that says nothing of a full disk."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Lose the line."""

    def close(self) -> None:
        """Close the file, whatever of it is written."""
        with suppress(OSError):
            super().close()


@contextmanager
def run_folders(
    study: Study,
    out_dir: Path | str,
    *,
    roads: Path | None,
    announce: Callable[[str], None],
    edition: str = PUBLIC,
) -> Iterator[tuple[Path, Path]]:
    """Give a run alone its `reports/<study>` and `data/processed/<study>`, swept, and log what it does."""
    began = time.perf_counter()
    report_dir = make_folder(Path(out_dir) / "reports" / edition_name(study.id, edition))
    kept_dir = make_folder(Path(out_dir) / "data" / "processed" / study.id)
    with hold(kept_dir, announce=announce):
        for folder in (report_dir, kept_dir):
            sweep(folder)
        with journal(kept_dir):
            libraries = ", ".join(f"{name} {version}" for name, version in library_versions().items())
            versions = __version__, platform.python_version(), platform.platform()
            _log.info("territory %s, Python %s, %s", *versions)
            _log.info("Bibliothèques : %s", libraries)
            of_file = study.id, study.schema_version, study.folder
            _log.info("Étude « %s » (schema_version %s), dossier %s", *of_file)
            _log.info("Données « %s », population %s, graine %s", study.dataset, study.population, study.seed)
            for name, path in files_read(study, roads=roads).items():
                size = f"{path.stat().st_size} octets" if path.is_file() else "absent"
                _log.info("Lu : %s (%s ; %s)", name, path, size)
            yield report_dir, kept_dir
            _log.info("Fini en %.1f s", time.perf_counter() - began)


class Clock:
    """Announce steps and time them."""

    def __init__(self, listener: StepListener) -> None:
        self._listener = listener
        self._steps: list[tuple[str, float]] = []

    def begin(self, step: str) -> None:
        """Start a step; the one before ends."""
        self.note_last()
        _log.info("%s…", step)
        self._steps.append((step, time.perf_counter()))
        self._listener(step)

    def note_last(self) -> None:
        """Log how long the step that ends took."""
        if self._steps:
            step, began = self._steps[-1]
            _log.info("%s : %.3f s", step, time.perf_counter() - began)

    def end(self) -> dict[str, float]:
        """Return the seconds of each step so far."""
        ends = [at for _, at in self._steps[1:]] + [time.perf_counter()]
        return {step: round(after - began, 3) for (step, began), after in zip(self._steps, ends, strict=True)}


STOPPED = "Écriture interrompue dans « {folder} » ({reason}) : les fichiers de la dernière étude réussie sont gardés ; "


def write_outputs(
    result: "StudyResult",
    report_dir: Path,
    *,
    log: Callable[[], dict[str, Any]],
    record: PrivateRecord,
    edition: str = PUBLIC,
) -> None:
    """Write what is handed over, unless it is already that of this run (secret inputs: see `record`)."""
    make_folder(report_dir)
    trouble = STOPPED + "libérez de la place ou choisissez un autre dossier avec --out."
    if is_current(report_dir, result.run_digest, record=record):
        again = "rapport, tables et cartes"
        _log.info("Repris, rien n'ayant changé : %s", again)
        done = log()
        with in_words(report_dir, trouble, reword=True):
            write_json(report_dir / TIMINGS, {**done, "reused": [*done["reused"], again]})
        return
    from territory.report.reading import Reading

    with beside(report_dir, trouble) as staging:
        with in_words(report_dir, trouble, reword=True):
            reading = Reading(release.release(result, edition=edition))
            _write_tables(reading, staging)
            _write_documents(reading, staging)
            digests = digests_of(staging)
            said = {**result.manifest, "edition": edition}
            manifest = {**said, "run_sha256": result.run_digest, "outputs_sha256": digests}
            write_json(staging / MANIFEST, manifest)
            write_json(staging / TIMINGS, log())
            flush_tree(staging)
        publish(staging, report_dir, last=MANIFEST)
        with in_words(record.folder, trouble, reword=True):
            record.write(digests)


@contextmanager
def in_words(folder: Path, message: str, *, reword: bool = False) -> Iterator[None]:
    """Turn what the disk refuses into one message; what was already put in words stays so unless it is to `reword`."""
    from pyogrio.errors import DataLayerError, DataSourceError, FeatureError

    try:
        yield
    except (OSError, sqlite3.Error, DataLayerError, DataSourceError, FeatureError) as error:
        if isinstance(error, OutputError) and not reword:
            raise
        first = error.__cause__ if isinstance(error, OutputError) and error.__cause__ else error
        reason = str(getattr(first, "strerror", None) or first)
        raise OutputError(message.replace("{folder}", str(folder)).replace("{reason}", reason)) from error


@contextmanager
def beside(folder: Path, message: str) -> Iterator[Path]:
    """Give a folder to write in beside the files of another, removed at the end: nothing is half-replaced."""
    with in_words(folder, message, reword=True):
        staging = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=folder))
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _write_tables(reading: "Reading", folder: Path) -> None:
    """Write the tables, and the layers for QGIS."""
    from territory.report.files.layers import write_layers
    from territory.report.files.writers import data_package, write_table

    released = reading.release
    (folder / "tables").mkdir()
    for name, table in released.tables.items():
        write_table(table, folder / "tables" / released.file_name(name))
    write_json(folder / released.file_name("datapackage.json"), data_package(released))
    write_layers(reading, folder / released.file_name("territoire.gpkg"))


def _write_documents(reading: "Reading", folder: Path) -> None:
    """Write the report, and the summary page and the workbook that go with it."""
    # they draw: a run whose files are current does without matplotlib
    from territory.report.documents.summary_page import summary_html
    from territory.report.files.workbook import full_sheets, reader_bytes, workbook_bytes
    from territory.report.files.writers import write_excel_csv

    name = reading.release.file_name
    # before the report: what lays it out keeps its memory
    (folder / name("tables.xlsx")).write_bytes(reader_bytes(reading.release.tables, reading))
    sheets = full_sheets(reading.release.tables, reading)
    (folder / name("tables_completes.xlsx")).write_bytes(workbook_bytes(sheets, reading))
    (folder / "excel").mkdir()
    for table, sheet in sheets.items():
        write_excel_csv(sheet, folder / "excel" / name(f"{table}.csv"))
    del sheets
    report.build_report(reading, folder / name("rapport.pdf"))
    beside = {
        "Rapport (PDF)": name("rapport.pdf"),
        "Classeur (Excel)": name("tables.xlsx"),
        "Toutes les tables (Excel)": name("tables_completes.xlsx"),
        "Carte (QGIS)": name("territoire.qgs"),
        "Couches (GeoPackage)": name("territoire.gpkg"),
    }
    page = summary_html(reading, beside=beside)
    (folder / name("resume.html")).write_text(page, encoding="utf-8", newline="\n")


REPORT, SHEETS = "rapport.pdf", "fiches"
# the file of each document that is asked for by itself, and how its making is announced
_ALONE = {
    "annex": ("annexe-technique.pdf", "Annexe technique"),
    "note": ("note.pdf", "Note d'une page"),
    "slides": ("presentation.pdf", "Présentation"),
}


@plain_texts
def write_documents(
    result: "StudyResult",
    *,
    document: str,
    epci: Sequence[str] = (),
    every_epci: bool = False,
    edition: str = PUBLIC,
    announce: Callable[[str], None] = lambda step: None,
) -> list[Path]:
    """Write a document of a run in its folder, and add it to the manifest."""
    folder = result.report_dir
    if folder is None:
        refused = "Cette étude n'a pas été écrite : relancez-la avec un dossier (out_dir=..., ou --out)."
        raise OutputError(refused)
    if document == "council":
        return [folder / edition_name(REPORT, edition)]
    from territory.report.reading import Reading

    reading = Reading(release.release(result, edition=edition))
    name, title = _ALONE.get(document, ("", ""))
    wanted = {name: ""} if name else _sheets(result, None if every_epci else epci)
    wanted = {edition_name(name, edition): code for name, code in wanted.items()}
    trouble = (
        "Le document ne peut pas être écrit dans « {folder} » ({reason}) : fermez-le s'il est ouvert, libérez de la "
        "place ou choisissez un autre dossier avec --out."
    )
    with beside(folder, trouble) as staging, in_words(folder, trouble):
        for name, code in wanted.items():
            announce(f"Fiche {_name(result, code)}" if code else title)
            (staging / name).parent.mkdir(exist_ok=True)
            report.build_report(reading, staging / name, document=document, epci=code or None)
        _put(staging, folder, list(wanted), result.run_digest)
    return [folder / name for name in wanted]


def _sheets(result: "StudyResult", asked: Sequence[str] | None) -> dict[str, str]:
    """Return the file of each sheet, of every EPCI without a list, and refuse at once an EPCI that is unknown."""
    from territory.report.documents.epci_sheet import sheet_codes

    known = sheet_codes(result)
    codes = known if asked is None else epci_named({code: _name(result, code) for code in known}, asked)
    names = {code: plain(_name(result, code).replace("œ", "oe").replace("Œ", "Oe")) for code in codes}
    return {f"{SHEETS}/fiche-{plain(code)}-{name[:60] or 'epci'}.pdf": code for code, name in names.items()}


def epci_named(known: Mapping[str, str], asked: Sequence[str]) -> list[str]:
    """Return the codes of EPCI given by code or by name, part of it when one alone has it, and refuse all others."""
    problems = Problems("--epci", UnknownCodeError)
    found: list[str] = []
    for said in asked:
        same = [code for code, name in known.items() if plain(said) in (plain(code), plain(name))]
        part = [code for code, name in known.items() if plain(said) and plain(said) in plain(name)]
        if len(same or part) == 1:
            found += same or part
        else:
            problems.add(unknown_epci(said, known))
    problems.raise_if_any()
    return list(dict.fromkeys(found))


def _name(result: "StudyResult", code: str) -> str:
    """Return the name of an EPCI."""
    communes = result.baseline.state.communes
    found = communes.loc[communes["epci_code"] == code, "epci_name"].dropna()
    return str(found.iloc[0]) if len(found) else code


def _put(staging: Path, folder: Path, names: Sequence[str], run_digest: str) -> None:
    """Move documents to their place, then let the manifest vouch for them."""
    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    if manifest.get("run_sha256") != run_digest:
        raise OutputError(
            f"Une autre exécution a remplacé l'étude de « {folder} » entre-temps : relancez la commande."
        )
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (staging / name).replace(folder / name)
        manifest["outputs_sha256"][name] = digest_file(folder / name)
    write_json(folder / MANIFEST, manifest)
