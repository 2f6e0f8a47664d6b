"""The planner's own tables beside a study file, and what every part of that file is and looks up."""

import difflib
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeVar, get_args

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from territory.errors import Problems, ReadError, StudyError, WrongTypeError, examples
from territory.geography.communes import plain
from territory.sources.field_answers import is_field_workbook, read_template
from territory.sources.text.cells import known_codes, to_numbers
from territory.sources.text.tables import read_table, require_columns
from territory.tables.declare import POOLING_TITLES

if TYPE_CHECKING:
    from pydantic._internal._model_construction import ModelMetaclass as _OfModels
else:
    _OfModels = type(BaseModel)

LegalStatus = Literal["public", "private_non_profit", "commercial"]
Table = TypeVar("Table", pd.DataFrame, "pd.Series[float]")

ORIGIN_COLUMNS = ("commune_code", "authorisation_id", "children")
# columns of each table that a change may name: those of text, then those of numbers
CHANGE_TABLES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "times_file": (("from_commune", "to_commune"), ("travel_time_min",)),
    "population_file": (("commune_code",), ("age_min", "age_max", "population")),
    "speeds_file": (
        ("road_class", "density", "period"),
        ("default_kmh", "legal_factor", "signal_s", "stop_s", "junction_s"),
    ),
}
# an empty cell has a meaning there: no upper bound, and a limit that is not used
_MAY_BE_EMPTY = frozenset({"age_max", "legal_factor"})
CONSUMPTION_COLUMNS = ("age_min", "age_max", "acts_per_hab")
ACTIVITY_COLUMNS = ("site_id", "consultations_per_year")
STATUSES: tuple[str, ...] = get_args(LegalStatus)
_FLAGS = dict.fromkeys(("oui", "true", "vrai", "1"), True)
_FLAGS |= dict.fromkeys(("non", "false", "faux", "0"), False)
_POOLING_ASKED = ("service", "member_id", "is_shared", "host_id")
_POOLING_NUMBERS = ("hours_today_per_year", "hours_pooled_per_year", "trips_per_year")


class OwnTables:
    """The tables of one study folder; a table that its checks have read serves the run, unless its file changed."""

    def __init__(self, folder: Path | str = ".") -> None:
        self.folder = Path(folder)
        self._read: dict[tuple[str, str, str | None], tuple[object, Any]] = {}

    # what was read says nothing of a study: two that are equal stay so
    def __eq__(self, other: object) -> bool:
        return isinstance(other, OwnTables)

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return OwnTables, (self.folder,)

    def has(self, name: str) -> bool:
        """Tell whether a file is there."""
        return (self.folder / name).is_file()

    def read(self, reader: Callable[..., Table], name: str, **known: Any) -> Table:
        """Return what one of the readers below makes of a file, read again only when it is no longer the same."""
        path, what = self.folder / name, (name, reader.__name__, known.get("key"))
        state = path.stat() if path.is_file() else None
        stamp = None if state is None else (state.st_mtime_ns, state.st_size)
        if what not in self._read or self._read[what][0] != stamp:
            self._read[what] = (stamp, reader(path, **known))
        table: Table = self._read[what][1]
        return table


def read_observed_origins(
    path: Path,
    *,
    communes: Collection[str],
    authorisations: Collection[str],
    holders: Mapping[Any, str] | None = None,
) -> pd.DataFrame:
    """Read where children served live, by commune and authorisation; `holders` serve the filled workbook of `init`."""
    if is_field_workbook(path):
        table = _origins_of_field(path, holders or {})
    else:
        table = _columns(path, ORIGIN_COLUMNS, ("children",))
        for name, known in (("commune_code", communes), ("authorisation_id", authorisations)):
            table[name] = known_codes(table[name], known, path=path)
    children, pair = table["children"], ["commune_code", "authorisation_id"]
    bad = {
        "commune inconnue": ~table["commune_code"].isin(communes),
        "autorisation inconnue": ~table["authorisation_id"].isin(authorisations),
        "nombre d'enfants absent, négatif ou décimal": ~(children.ge(0) & (children % 1).eq(0)),
        "ligne répétée (même commune, même autorisation)": table.duplicated(pair),
    }
    _bad_rows(table, bad, path).raise_if_any()
    return table[list(ORIGIN_COLUMNS)]


def _columns(path: Path, asked: Sequence[str], numbers: Sequence[str]) -> pd.DataFrame:
    """Return a table that has the columns asked for, some as numbers."""
    table = read_table(path)
    require_columns(table, asked, path=path)
    return to_numbers(table, list(numbers), path=path)


def _origins_of_field(path: Path, holders: Mapping[Any, str]) -> pd.DataFrame:
    """Return the children whom the field says that each service receives, ages together, by its first line."""
    answers = read_template(path)
    reception = answers.reception
    pairs = zip(reception["site_id"], reception["service"], strict=True)
    held = [holders.get(pair, f"{pair[1]} de {pair[0]}") for pair in pairs]
    table = reception[["commune_code", "children"]].assign(authorisation_id=held, line=reception.index)
    # a service that one site alone offers serves the children whom the MDPH says are served
    sites = pd.Series(dict.fromkeys(holders, 1)).groupby(level=1).sum() if holders else pd.Series(dtype=int)
    alone = {
        service: holder
        for (_, service), holder in holders.items()
        if sites[service] == 1 and holder not in held
    }
    served = answers.children[answers.children["service"].isin(alone)].dropna(subset="served")
    told = served.rename(columns={"served": "children"})[["commune_code", "children"]]
    told = told.assign(authorisation_id=served["service"].map(alone), line=served.index)
    table = pd.concat([table, told]) if len(told) else table
    grouped = table.groupby(["commune_code", "authorisation_id"], sort=False)
    summed = grouped.agg(children=("children", lambda counts: counts.sum(skipna=False)), line=("line", "min"))
    # a count kept secret is unknown, and said to be when the workbook is read
    return summed.dropna(subset="children").reset_index().set_index("line")[list(ORIGIN_COLUMNS)]


def _budgets_of_field(path: Path) -> pd.DataFrame:
    """Return the budget of the last year that the field gives of each establishment, as texts."""
    budgets = read_template(path).budgets.sort_values("year", kind="stable")
    return budgets.drop_duplicates("site_id", keep="last")[["site_id", "budget_eur"]].astype(str)


def read_change_table(path: Path, key: str, *, communes: Collection[str]) -> pd.DataFrame:
    """Read a table that a change of a scenario names."""
    ids, numbers = CHANGE_TABLES[key]
    table = _columns(path, (*ids, *numbers), numbers)[[*ids, *numbers]]
    for name in ids:
        if "commune" in name:
            table[name] = known_codes(table[name], communes, path=path)
    keys = [*ids, *(name for name in ("age_min",) if name in numbers)]
    bad = {f"ligne répétée (même {', '.join(keys)})": table.duplicated(keys)}
    for name in ids:
        if name.endswith(("commune", "commune_code")):
            bad[f"commune inconnue ({name})"] = ~table[name].isin(communes)
    for name in numbers:
        wrong = table[name].lt(0)
        bad[f"{name} absent ou négatif"] = wrong if name in _MAY_BE_EMPTY else wrong | table[name].isna()
    _bad_rows(table, bad, path).raise_if_any()
    return table


def read_consumption(path: Path) -> pd.DataFrame:
    """Read acts per inhabitant and year by age."""
    return _columns(path, CONSUMPTION_COLUMNS, CONSUMPTION_COLUMNS)[list(CONSUMPTION_COLUMNS)]


def read_activity(path: Path, *, sites: Collection[str]) -> "pd.Series[float]":
    """Read the consultations per year that GPs offer at each site."""
    table = _columns(path, ACTIVITY_COLUMNS, ACTIVITY_COLUMNS[1:])
    table["site_id"] = known_codes(table["site_id"], sites, path=path)
    bad = {
        "site inconnu": ~table["site_id"].isin(sites),
        "nombre de consultations absent ou négatif": ~table["consultations_per_year"].ge(0),
        "site répété": table["site_id"].duplicated(),
    }
    problems = _bad_rows(table[["site_id"]], bad, path)
    missing = sorted(set(sites) - set(table["site_id"]))
    advice = " : sans elle, l'accès des communes voisines serait sous-estimé"
    problems.count(missing, "site(s) de médecins sans activité", advice=advice)
    problems.raise_if_any()
    return table.set_index("site_id")["consultations_per_year"].astype(float)


def read_grouping_table(path: Path, *, sites: Collection[str]) -> pd.DataFrame:
    """Read what the planner knows of each establishment; the filled workbook of `init` gives the last budgets."""
    table = _budgets_of_field(path) if is_field_workbook(path) else read_table(path)
    require_columns(table, ("site_id",), path=path)
    table["site_id"] = known_codes(table["site_id"], sites, path=path)
    table = to_numbers(table, [name for name in ("places", "budget_eur") if name in table], path=path)
    columns = ["legal_status", "is_autonomous", "places", "budget_eur", "existing_group"]
    # an empty cell is unknown
    table = table.mask(table == "").reindex(columns=["site_id", *columns])
    flags = table["is_autonomous"].map(_flag)
    bad = {
        "site inconnu": ~table["site_id"].isin(sites),
        "établissement répété": table["site_id"].duplicated(),
        f"statut inconnu (connus : {', '.join(STATUSES)})": table["legal_status"].notna()
        & ~table["legal_status"].isin(STATUSES),
        "is_autonomous n'est ni oui ni non": table["is_autonomous"].notna() & flags.isna(),
        "places négatives": table["places"].lt(0),
        "budget négatif": table["budget_eur"].lt(0),
    }
    _bad_rows(table[["site_id"]], bad, path).raise_if_any()
    table["is_autonomous"] = flags.astype("boolean")
    return table.astype({"places": float, "budget_eur": float}).set_index("site_id")


def read_pooling_table(path: Path, *, members: Collection[str]) -> pd.DataFrame:
    """Read the table of shared services that a run writes, filled in by the members."""
    table = read_table(path)
    titles = {plain(french): key for key, french in POOLING_TITLES.items()}
    # a spreadsheet may have made apostrophes typographic
    named = {name: titles.get(plain(str(name).replace("’", "'")), name) for name in table.columns}
    table = table.rename(columns=named)
    require_columns(table, (*_POOLING_ASKED, *_POOLING_NUMBERS), path=path)
    table = to_numbers(table, _POOLING_NUMBERS, path=path)
    # an empty cell is unknown
    table = table.mask(table == "")
    flags = table["is_shared"].map(_flag)
    bad = {
        "membre inconnu": ~table["member_id"].isin(members),
        "hôte inconnu": table["host_id"].notna() & ~table["host_id"].isin(members),
        "ligne répétée (même service, même membre)": table.duplicated(["service", "member_id"]),
        "« partagé » n'est ni oui ni non": table["is_shared"].notna() & flags.isna(),
        **{f"{POOLING_TITLES[name]} : nombre négatif": table[name].lt(0) for name in _POOLING_NUMBERS},
    }
    _bad_rows(table[["service", "member_id"]], bad, path).raise_if_any()
    if "label" not in table:
        table["label"] = table["service"]
    table["is_shared"] = flags.astype("boolean")
    table = table.astype(dict.fromkeys(_POOLING_NUMBERS, float))
    columns = ["label", "is_shared", "host_id", *_POOLING_NUMBERS]
    return table.set_index(["service", "member_id"])[columns]


def _bad_rows(shown: pd.DataFrame, bad: "Mapping[str, pd.Series[bool]]", path: Path) -> Problems:
    """Report every kind of bad row, its count and the lines of the first ones."""
    problems = Problems(f"Fichier « {path.name} »", ReadError)
    for what, rows in bad.items():
        if rows.any():
            first = shown[rows].head(4).itertuples()
            lines = [f"ligne {line} : {', '.join(map(str, row))}" for line, *row in first]
            problems.add(f"{what}, {int(rows.sum())} fois ({examples(lines)})")
    return problems


def _flag(value: object) -> bool | None:
    """Return what oui and non mean, None for anything else."""
    return _FLAGS.get(str(value).strip().lower())


# where a problem is in the file (keys, and the number of each table of an array), and what is wrong
Location = tuple[str | int, ...]
Finding = tuple[Location, str]
Findings = Iterator[Finding]
# what is said of a file that is wrong, in the planner's language
_SAID = (resources.files("territory.study.words") / "faults.toml").read_text("utf-8")
FAULTS: Mapping[str, Mapping[str, str]] = tomllib.loads(_SAID)
# persons who are counted one by one: nobody is a half
Persons = Annotated[float, Field(ge=0, multiple_of=1, allow_inf_nan=False)]
_FEMININE = ("autorisation", "question d'implantation")


def in_words(detail: ErrorDetails) -> str:
    """Return what pydantic says of one key, in French."""
    context = {**detail.get("ctx", {}), "input": detail.get("input")}
    if "expected" in context:
        context["expected"] = str(context["expected"]).replace(" or ", " ou ")
    try:
        said = FAULTS["shape"].get(detail["type"], detail["msg"]).format(**context)
    except (KeyError, ValueError, IndexError):
        said = detail["msg"]
    known = FAULTS["synonyms"].get(plain(str(context.get("tag", context["input"]))))
    return said + (f" ; vouliez-vous dire « {known} » ?" if known and known in said else "")


class _InWords(_OfModels):
    """Makes a part of a study by hand, or says what is wrong with it as a study file would."""

    def __call__(cls: Any, *args: Any, **keys: Any) -> Any:  # noqa: N805
        if args:
            raise WrongTypeError(f"{cls.__name__}() : nommez les clés ({', '.join(cls.model_fields)}).")
        try:
            return type.__call__(cls, **keys)
        except ValidationError as error:
            problems = Problems(f"{cls.__name__}()", StudyError)
            for detail in error.errors():
                problems.add(f"{'.'.join(map(str, detail['loc']))} : {in_words(detail)}".removeprefix(" : "))
            problems.raise_if_any()
            raise


class Part(BaseModel, metaclass=_InWords):
    """A part of a study file: no unknown key, nothing changed after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def _faults(self) -> Iterator[str]:
        """Yield what is wrong between the keys."""
        yield from ()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        """Refuse keys that do not go together."""
        if faults := list(self._faults()):
            raise ValueError(" ; ".join(faults))
        return self


@dataclass(frozen=True)
class Known:
    """What the data and a study declare."""

    communes: pd.DataFrame
    sites: Collection[str]
    # those of the territory
    local_sites: pd.DataFrame
    # one row per service, those of the study in the place of those of the data (`SERVICE_COLUMNS` and `kind`)
    services: pd.DataFrame
    # those of the data alone
    offered: pd.DataFrame
    publics: Collection[str]
    # the needs that may be set against places
    placed: Collection[str]
    # the questions of siting, and whether each chooses a single site
    chosen_sites: Mapping[str, bool]
    max_time_min: float
    # all those that times must answer
    thresholds_min: Collection[float]
    has_observed_origins: bool
    tables: OwnTables

    @cached_property
    def held(self) -> set[str]:
        """Return the authorisations."""
        return set(self.services["authorisation_id"].dropna())

    @cached_property
    def held_at(self) -> dict[str, list[str]]:
        """Return the authorisations exercised at each site."""
        return authorisations_by_site(self.services)


def unknown(what: str, value: object, known: Iterable[Any]) -> str:
    """Return « site inconnu », with the names that look like it."""
    names = sorted(str(k) for k in known if k is not None)
    close = difflib.get_close_matches(str(value), names, n=3)
    near = f"vouliez-vous dire {examples(close)} ?" if close else ""
    hint = near or f"connus : {examples(names, most=8) or 'aucun'}"
    return f"{what} {'inconnue' if what in _FEMININE else 'inconnu'} « {value} » ; {hint}"


def unknown_epci(said: str, known: Mapping[str, str]) -> str:
    """Return « EPCI inconnu », with those whose name, or one word of it, looks like what is said."""
    wanted = plain(said)
    words = {word: code for code, name in known.items() for word in (plain(name), *plain(name).split("-"))}
    close = [words[word] for word in difflib.get_close_matches(wanted, words, n=3, cutoff=0.75)]
    close = [code for code, name in known.items() if wanted and wanted in plain(name)] or close
    listed = examples([f"{known[code]} ({code})" for code in dict.fromkeys(close or known)], most=8)
    hint = f"vouliez-vous dire {listed} ?" if close else f"connus : {listed}"
    return f"EPCI inconnu « {said} » ; {hint}"


def named_by(part: BaseModel, key: str) -> tuple[str, ...]:
    """Return the names that a key of a study file holds: several, one, or none."""
    value = getattr(part, key)
    return value if isinstance(value, tuple) else () if value is None else (value,)


def unknown_names(at: Location, what: str, names: Iterable[str | None], known: Collection[Any]) -> Findings:
    """Yield each name that is not known; one that could not be read is reported with the shape of the file."""
    for name in names:
        if name is not None and name not in known:
            yield at, unknown(what, name, known)


def absent_file(value: str) -> str:
    """Say that a file of the study is not there."""
    return f"fichier absent : « {value} » (cherché à côté du fichier d'étude)"


def line_of(lines: dict[Location, int], location: Location) -> str:
    """Return « ligne N : » for a location, or its nearest parent that stands in the file; empty without any."""
    parents = (location[:depth] for depth in range(len(location), 0, -1))
    return next((f"ligne {lines[path]} : " for path in parents if path in lines), "")


# two authorisations of one kind at one site are told apart by a mark and the id of the second: ime@ime-y
MARK = "@"


def kinds(names: "pd.Index[str]") -> "pd.Index[str]":
    """Return the kind of service of each name, without the mark of a second authorisation."""
    # few different services, and many rows
    codes, uniques = names.factorize()
    return pd.Index([str(name).partition(MARK)[0] for name in uniques], dtype=names.dtype).take(codes)


def kinds_of(services: pd.DataFrame) -> "pd.Index[str]":
    """Return the kind of service of each row of a table indexed by (site_id, service)."""
    return kinds(services.index.get_level_values("service"))


def complete_kinds(services: pd.DataFrame) -> set[str]:
    """Return the kinds of service of which every site in the territory is known."""
    complete = services["is_complete_list"].eq(True).fillna(False).groupby(kinds_of(services)).all()
    return set(complete.index[complete])


def sites_of_kinds(services: pd.DataFrame, wanted: Collection[str]) -> list[str]:
    """Return the sites that offer one of some kinds of service, sorted."""
    return sorted(set(services.index.get_level_values("site_id")[kinds_of(services).isin(list(wanted))]))


def authorisations_by_site(rows: pd.DataFrame) -> dict[str, list[str]]:
    """Return the authorisations exercised at each site, of rows with columns site_id and authorisation_id."""
    held = rows.dropna(subset=["authorisation_id"]).groupby("site_id")["authorisation_id"]
    return {str(site): list(dict.fromkeys(ids)) for site, ids in held}
