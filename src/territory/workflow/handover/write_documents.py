"""Documents that are written on demand beside those of a run: the sheets of EPCI and the technical annex."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path

from territory.errors import OutputError, UnknownCodeError
from territory.files.safe_files import UNFINISHED, digest_file, write_whole
from territory.release import release
from territory.release.disclosure import PUBLIC
from territory.release.gate import edition_name
from territory.report.documents.council import build_report
from territory.report.documents.epci_sheet import sheet_codes
from territory.report.reading import read
from territory.result import StudyResult
from territory.workflow.handover.write_run import MANIFEST

REPORT, ANNEX, SHEETS = "rapport.pdf", "annexe-technique.pdf", "fiches"


def write_documents(
    result: StudyResult,
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
        raise OutputError(
            "Cette étude n'a pas été écrite : relancez-la avec un dossier (out_dir=..., ou --out)."
        )
    if document == "council":
        return [folder / edition_name(REPORT, edition)]
    reading = read(release(result, edition=edition))
    wanted = (
        {ANNEX: ""} if document == "annex" else _sheets(result, sheet_codes(reading) if every_epci else epci)
    )
    wanted = {edition_name(name, edition): code for name, code in wanted.items()}
    try:
        staging = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=folder))
        try:
            for name, code in wanted.items():
                announce(f"Fiche {_name(result, code)}" if code else "Annexe technique")
                (staging / name).parent.mkdir(exist_ok=True)
                build_report(reading, staging / name, document=document, epci=code or None)
            _put(staging, folder, list(wanted), result.run_digest)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    except OSError as error:
        if isinstance(error, OutputError | UnknownCodeError):
            raise
        raise OutputError(
            f"Le document ne peut pas être écrit dans « {folder} » ({error.strerror or error}) : fermez-le s'il est "
            "ouvert, libérez de la place ou choisissez un autre dossier avec --out."
        ) from error
    return [folder / name for name in wanted]


def _sheets(result: StudyResult, codes: Sequence[str]) -> dict[str, str]:
    """Return the file of each sheet, and refuse at once an EPCI that is unknown."""
    known = sheet_codes(result)
    unknown = [code for code in codes if code not in known]
    if unknown:
        listed = ", ".join(f"{code} {_name(result, code)}" for code in known)
        raise UnknownCodeError(
            f"Aucune commune du territoire n'est dans l'EPCI « {', '.join(unknown)} » ; EPCI connus : {listed}."
        )
    return {f"{SHEETS}/fiche-{_plain(code)}-{_plain(_name(result, code))}.pdf": code for code in codes}


def _name(result: StudyResult, code: str) -> str:
    """Return the name of an EPCI."""
    communes = result.baseline.state.communes
    found = communes.loc[communes["epci_code"] == code, "epci_name"].dropna()
    return str(found.iloc[0]) if len(found) else code


def _plain(text: str) -> str:
    """Return a text that any disk takes in the name of a file."""
    letters = unicodedata.normalize("NFKD", text.replace("œ", "oe").replace("Œ", "Oe"))
    return (
        re.sub(r"[^a-z0-9]+", "-", letters.encode("ascii", "ignore").decode().lower()).strip("-")[:60]
        or "epci"
    )


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
    text = json.dumps(manifest, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    write_whole(folder / MANIFEST, text.encode())
