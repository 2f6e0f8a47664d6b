"""Adding a scenario to a study file: what is there stays as it is, and what is written reads back.

It stands alone: a study file is written here and nowhere else.
"""

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import tomli_w
from pydantic import BaseModel

from territory.errors import OutputError, StudyError, retold
from territory.files.safe_files import write_whole
from territory.study.load import built_in_studies, built_in_text, parse_bytes
from territory.study.words.changes import StudyChange
from territory.study.words.model import NewSite, Study
from territory.study.words.scenario import Scenario

_ID = re.compile(r"(?m)^id\s*=.*$")


def save_scenario(
    scenario: Scenario, path: Path | str, *, sites: Sequence[NewSite] = (), based_on: str = "draguignan"
) -> Study:
    """Add a scenario at the end of a study file, or of a copy of another or of a built-in one, read back first."""
    path = Path(path)
    if path.suffix.lower() != ".toml":
        raise OutputError(f"« {path.name} » : un fichier d'étude finit par .toml ; indiquez mon-etude.toml.")
    old = path.read_bytes() if path.is_file() else _copy_of(based_on, path.stem)
    newline = "\r\n" if b"\r\n" in old else "\n"
    known = parse_bytes(old, path)
    # the same place under the same id is declared already; another one is refused as the file is read back
    new_sites = [site for site in sites if site not in known.site]
    text = scenario_toml(scenario, sites=new_sites).replace("\n", newline)
    new = old.rstrip() + (newline * 2 + text).encode("utf-8")
    if scenario.id in {one.id for one in known.scenario}:
        what = f"« {path.name} » : le scénario « {scenario.id} » y est déjà, et il n'est pas remplacé"
        raise StudyError(f"{what} ; choisissez un autre identifiant.")
    study = parse_bytes(new, path)
    said = f"« {path.name} » ne peut pas être écrit ({{reason}}) : choisissez un autre dossier."
    with retold(OSError, OutputError, said):
        write_whole(path, new)
    return study


def scenario_toml(scenario: Scenario, *, sites: Sequence[NewSite] = ()) -> str:
    """Write a scenario and its sites as the TOML of a study file, every text escaped."""
    written: dict[str, Any] = {"site": [_said(site) for site in sites]} if sites else {}
    changes = [_said(change) for change in scenario.change]
    written["scenario"] = [{**_said(scenario, leave_out={"change"}), "change": changes}]
    # halves of characters, which UTF-8 has not, become « ? »
    return tomli_w.dumps(written).encode("utf-8", "replace").decode("utf-8")


def _said(model: BaseModel, leave_out: Collection[str] = ()) -> dict[str, Any]:
    """Return what a part of a study file says beyond its defaults."""
    said = model.model_dump(exclude=set(leave_out), exclude_defaults=True, exclude_none=True)
    # the kind of a change is its default, and yet the file must say it
    return {"type": model.model_dump()["type"], **said} if isinstance(model, StudyChange) else said


def _copy_of(name: str, new_id: str) -> bytes:
    """Return the text of a built-in study under another id."""
    source = Path(name) if name.endswith(".toml") else None
    if name not in built_in_studies() and not (source and source.is_file()):
        said = f"« {name} » n'est pas une étude intégrée ({', '.join(built_in_studies())})"
        raise StudyError(f"{said} : indiquez le fichier de votre étude, le scénario y sera ajouté.")
    slug = re.sub(r"[^a-z0-9]+", "-", new_id.lower()).strip("-") or "essai"
    if slug in built_in_studies():
        advice = "donnez un autre nom au fichier (draguignan-essai.toml)"
        raise StudyError(f"« {slug} » est le nom d'une étude intégrée : {advice}.")
    text = source.read_text("utf-8") if source else built_in_text(name)
    return _ID.sub(f'id = "{slug}"', text, count=1).encode("utf-8")
