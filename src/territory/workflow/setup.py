"""Before the first run: a study file for any département, and what of the installation and the data is there."""

import json
import platform
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata, resources
from importlib.util import find_spec
from pathlib import Path

from territory import __version__
from territory.datasets.checks import PLACED
from territory.datasets.files import dataset_names, load_dataset
from territory.datasets.recognition import (
    Chosen,
    Found,
    choose,
    files_below,
    has_outlines,
    neighbours,
    recognised,
)
from territory.datasets.slots import SLOTS, Slot, slot_of
from territory.errors import MissingFileError, OutputError, ParameterError, StudyError, examples, retold
from territory.files.safe_files import write_whole
from territory.geography.communes import DEPARTEMENTS, find_departement, plain
from territory.sources.fetching.raw_folder import RAW, Source, read_registry
from territory.sources.field_workbook import write_template
from territory.study.load import built_in_studies, load_study
from territory.tables.declare import lines_of
from territory.workflow.inputs.prepare import dataset_of, services_of, sites_of

_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
# services of children that a register of all establishments lists whole
_REGISTERED = ("sessad", "ime", "itep", "camsp", "cmpp")
_PACKED = ("zip", "7z", "geojson.gz")


@dataclass(frozen=True)
class Started:
    """A study file just written or brought up to date, what was found for it, and what it still lacks."""

    path: Path
    # one line per slot: what it is, its file, its vintage
    found: tuple[str, ...]
    # how to have what is missing, and what each costs
    missing: tuple[str, ...]
    is_new: bool
    # whether all that a study cannot do without is there
    is_ready: bool
    looked_at: int


def start_study(
    departement: str,
    *,
    name: str = "",
    folder: Path = Path(),
    raw: Path = RAW,
    label: str = "",
    look_in: Sequence[Path] = (),
) -> Started:
    """Write the study file of a département from the files at hand (told by their content), or complete it."""
    code = find_departement(departement)
    label = label or DEPARTEMENTS[code].name
    name = name or plain(DEPARTEMENTS[code].name)
    if not _NAME.fullmatch(name):
        raise ParameterError(
            f"Nom d'étude inattendu « {name} » : minuscules, chiffres et tirets (haute-garonne)."
        )
    if absent := [place for place in look_in if not place.exists()]:
        raise MissingFileError(f"Dossier introuvable : « {examples(absent)} ».")
    path = folder / f"{name}.toml"
    paths = list(dict.fromkeys(files_below([place for place in (raw, *look_in) if place.exists()])))
    chosen = choose(recognised(paths), code)
    lines = {slot.key: _lines(slot, chosen.get(slot.key, ()), raw, folder) for slot in SLOTS}
    if path.is_file():
        text, is_new = completed(path.read_text("utf-8"), chosen, lines, folder, code=code), False
    else:
        text, is_new = _new_text(code, name, label, chosen, lines), True
    with retold(OSError, OutputError, f"« {path} » ne peut pas être écrit ({{reason}})."):
        write_whole(path, text.encode("utf-8"))
    missing = [slot for slot in SLOTS if slot.key not in chosen]
    advice = [_advice(slot) for slot in missing if slot.registry or slot.need != "optional"]
    if "points" in chosen and not has_outlines(chosen, code):
        advice.insert(0, _advice(slot_of("points"), _NO_OUTLINE))
    return Started(
        path,
        found=tuple(
            f"{slot.label} : {' ; '.join(_said(found, folder) for found in chosen[slot.key])}"
            for slot in SLOTS
            if slot.key in chosen
        ),
        missing=tuple(advice),
        is_new=is_new,
        is_ready=not any(slot.need == "always" for slot in missing) and bool(PLACED & chosen.keys()),
        looked_at=len(paths),
    )


def _new_text(code: str, name: str, label: str, chosen: Chosen, lines: Mapping[str, Sequence[str]]) -> str:
    """Return a new study file."""
    vintages = [found.vintage for found in chosen.get("populations", ())]
    newest = max(vintages, default=_newest(next(slot for slot in SLOTS if slot.by_vintage)).vintage)
    template = (resources.files("territory.workflow") / "new_study.toml").read_text("utf-8")
    return template.format(
        departement=code,
        name=name,
        label=label,
        vintage=newest,
        data="\n".join(line for block in lines.values() for line in block),
        **{key: ", ".join(map(_quoted, named)) for key, named in _listed(code, chosen).items()},
    )


def _listed(code: str, chosen: Chosen) -> dict[str, list[str]]:
    """Return the services whose closest site is looked for, and those of which every site is known."""
    told = {"general_practitioners": "medecin_generaliste", "emergencies": "urgences"}
    closest = [service for key, service in told.items() if key in chosen]
    registered = "finess" in chosen and all(chosen["finess"][0].covers(near) for near in neighbours(code))
    more = list(_REGISTERED) if registered else []
    return {"closest": closest + more, "complete": (["urgences"] if "emergencies" in chosen else []) + more}


def completed(
    text: str, chosen: Chosen, lines: Mapping[str, Sequence[str]], folder: Path, *, code: str
) -> str:
    """Return a study file with the files found since, where it names none or one that is no longer there."""
    wrong = "Le fichier d'étude n'est pas du TOML valide ({reason}) : corrigez-le d'abord."
    with retold(tomllib.TOMLDecodeError, StudyError, wrong):
        said = tomllib.loads(text).get("data", {})
    if "finess" in chosen.keys() - said.keys():
        # it has the EHPAD already, and the services of children
        text = re.sub(r"(?m)^(ehpad = )", r"# \1", text)
        for key, names in _listed(code, chosen).items():
            found = re.search(rf"(?m)^{key}_services = \[([^\]\n]*)\]", text)
            if found is not None and set(re.findall(r'"([^"]+)"', found[1])) <= set(names):
                text = text[: found.start(1)] + ", ".join(map(_quoted, names)) + text[found.end(1) :]
    for key in chosen:
        given = said.get(key)
        named = list(given.values()) if isinstance(given, dict) else given
        named = named if isinstance(named, list) else [named]
        if given is not None and all(isinstance(one, str) and (folder / one).is_file() for one in named):
            continue
        for line in reversed([line for line in lines[key] if not line.startswith("#")]):
            place = re.search(rf"^(?:# )?{line.partition(' = ')[0]} = .*$", text, re.MULTILINE)
            header = re.search(r"^\[data\]\n", text, re.MULTILINE)
            if place is not None:
                text = text[: place.start()] + line + text[place.end() :]
            elif header is not None:
                text = f"{text[: header.end()]}{line}\n{text[header.end() :]}"
    return text


def _said(found: Found, folder: Path) -> str:
    """Return the file of a slot with its vintage, in words."""
    if found.archive is not None:
        return f"{found.path.name}, à sortir de l'archive {found.archive.name}"
    where = sorted(found.departements or ())
    of_some = f", {examples(where)}" if 0 < len(where) < 20 else ""
    return f"{_seen_from(folder, found.path)}{f' ({found.vintage}{of_some})' if found.vintage else of_some}"


_NO_OUTLINE = "ni surface ni densité (les temps en supposent), ni EHPAD de la CNSA, et des cartes par points"


def _advice(slot: Slot, without: str = "") -> str:
    """Say how to have the file of a slot, and what is lost without it."""
    without = without or slot.without
    if not slot.registry:
        return f"{slot.label} : à déposer vous-même ; sans lui : {without}"
    source = _newest(slot)
    fetch = f"territory data fetch {source.dataset} {source.vintage}"
    by_hand = f"« {source.file_name} » à prendre sur {source.address or source.page}"
    return f"{slot.label} : {fetch}, ou {by_hand} ; sans lui : {without}"


def _newest(slot: Slot) -> Source:
    """Return the newest vintage of the first dataset that brings the file of a slot."""
    return [source for source in read_registry() if source.dataset == slot.registry[0]][-1]


def write_study_template(study: str | Path, path: Path) -> Path:
    """Write the workbook in which the MDPH and operators tell what only they know of a study."""
    loaded = load_study(study)
    data = dataset_of(loaded)
    inside = data.communes[data.communes["departement_code"].isin(loaded.territory.departement_codes)]
    named = {authorisation.id for authorisation in loaded.authorisation}
    services = services_of(loaded, data)
    services = services[services["authorisation_id"].isin(named)] if named else services
    return write_template(path, inside, services, sites=sites_of(loaded, data, data.communes))


def _seen_from(folder: Path, file: Path) -> str:
    """Return the path of a file as a study in this folder names it: from the folder, when it lies inside, or whole."""
    whole, base = file.absolute(), folder.absolute()
    return (whole.relative_to(base) if whole.is_relative_to(base) else whole).as_posix()


def _lines(slot: Slot, found: Sequence[Found], raw: Path, folder: Path) -> list[str]:
    """Return the lines of `[data]` for one slot, commented out when the study can do without a file not there yet."""
    lines = [f"# {slot.comment} ; sans lui : {slot.without}"]
    named = [one for one in found if one.archive is None]
    paths = [_seen_from(folder, one.path) for one in named]
    if not paths and not slot.registry:
        return [*lines, f'# {slot.key} = "…"']
    source = _newest(slot) if slot.registry else None
    expected = "" if source is None else _seen_from(folder, raw / source.key / _plain_name(source))
    if slot.by_vintage:
        assert source is not None
        by_vintage = dict(zip((one.vintage for one in named), paths, strict=True))
        by_vintage = by_vintage or {source.vintage: expected}
        years = {one.vintage: one.cog_year for one in named}
        each = ", ".join(f"{vintage} = {_quoted(path)}" for vintage, path in by_vintage.items())
        # a census is published in the communes of two years later
        cog = ", ".join(f"{one} = {years.get(one) or int(one[2:6]) + 2}" for one in by_vintage)
        return [*lines, f"{slot.key} = {{ {each} }}", f"population_cog_years = {{ {cog} }}"]
    comment = "# " if not paths and slot.need == "optional" else ""
    listed = ", ".join(map(_quoted, paths or [expected]))
    lines.append(f"{comment}{slot.key} = {f'[{listed}]' if len(paths) > 1 else listed}")
    if slot.key == "cog":
        assert source is not None
        lines.append(f"cog_year = {(named[0].vintage if named else '') or source.vintage[:4]}")
    return lines


def _quoted(path: str) -> str:
    """Return a path as TOML writes it."""
    return json.dumps(path, ensure_ascii=False)


def _plain_name(source: Source) -> str:
    """Return the name of a file as readers take it: out of its archive."""
    if source.format in _PACKED:
        exact = [member for member in source.members if not set(member) & set("*?")]
        return exact[0] if exact else source.file_name.removesuffix(".gz")
    return source.file_name


# what is imported from each library: what every study needs, then what each option adds
_LIBRARIES = [*lines_of("libraries.csv", "territory.workflow")]
NEEDED = [line["library"] for line in _LIBRARIES if not line["option"]]


def diagnose(raw: Path = RAW) -> tuple[bool, list[str]]:
    """Return whether a study can run, and a report of one line per fact; `raw` is the folder of official files."""
    lines = [f"territory {__version__} · Python {platform.python_version()} · {platform.system()}"]
    missing = [name for name in NEEDED if find_spec(name) is None]
    lines += [f"  {name} {metadata.version(name)}" for name in NEEDED if name not in missing]
    lines += [f"  ABSENT : {name} → python -m pip install -c constraints.txt ." for name in missing]
    for extra in dict.fromkeys(line["option"] for line in _LIBRARIES if line["option"]):
        names = [line["library"] for line in _LIBRARIES if line["option"] == extra]
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
    lines += ["Tables que vous donnez vous-même, par leur clé dans le fichier d'étude :", *own_files()]
    roads = "Carte routière : aucune n'est intégrée ; sans --roads FICHIER.osm.pbf, les temps sont estimés."
    return True, [*lines, roads]


def own_files() -> list[str]:
    """Return one line for each table that only the planner has: its key, what it is, what is lost without it."""
    return [
        f"  {line['key']:<25} {line['comment']} ; sans lui : {line['without']}"
        for line in lines_of("files.csv", "territory.study")
        if line["comment"]
    ]


def _presence(slot: Slot, raw: Path) -> str:
    """Say which vintage of a file is there, or how to have it and what is lost without it."""
    known = [source for source in read_registry() if source.dataset in slot.registry]
    there = [source.key for source in known if (raw / source.key / "source.json").is_file()]
    if there:
        return f"présent : {', '.join(there)}"
    how = f"territory data fetch {slot.registry[0]}" if slot.registry else "à déposer vous-même"
    return f"absent → {how} ; sans lui : {slot.without}"
