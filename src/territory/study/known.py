"""What every part of a study file is, and the names that its checks look up: all that data and study declare."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from typing import Annotated, Any, Self

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, model_validator

from territory.errors import examples
from territory.geography.communes import plain
from territory.study.own_tables import OwnTables

# where a problem is in the file (keys, and the number of each table of an array), and what is wrong
Location = tuple[str | int, ...]
Finding = tuple[Location, str]
# what is said of a file that is wrong, in the planner's language
FAULTS: Mapping[str, Mapping[str, str]] = tomllib.loads(
    (resources.files("territory.study.words") / "faults.toml").read_text("utf-8")
)
# persons who are counted one by one: nobody is a half
Persons = Annotated[float, Field(ge=0, multiple_of=1, allow_inf_nan=False)]
_FEMININE = ("autorisation", "question d'implantation")
SERVICE_COLUMNS = ["site_id", "service", "authorisation_id", "capacity", "capacity_unit", "is_complete_list"]


class Part(BaseModel):
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


def unknown_names(
    place: Location, what: str, names: Iterable[str | None], known: Collection[Any]
) -> Iterator[Finding]:
    """Yield each name that is not known; one that could not be read is reported with the shape of the file."""
    for name in names:
        if name is not None and name not in known:
            yield place, unknown(what, name, known)


def absent_file(value: str) -> str:
    """Say that a file of the study is not there."""
    return f"fichier absent : « {value} » (cherché à côté du fichier d'étude)"


def line_of(lines: dict[Location, int], location: Sequence[str | int]) -> int | None:
    """Return the line of a location, or of its nearest parent that stands in the file."""
    path = tuple(location)
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return None


# two authorisations of one kind at one site are told apart by a mark and the id of the second: ime@ime-y
MARK = "@"


def kinds(names: pd.Index[str]) -> pd.Index[str]:
    """Return the kind of service of each name, without the mark of a second authorisation."""
    # few different services, and many rows
    codes, uniques = names.factorize()
    return pd.Index([str(name).partition(MARK)[0] for name in uniques], dtype=names.dtype).take(codes)


def kinds_of(services: pd.DataFrame) -> pd.Index[str]:
    """Return the kind of service of each row of a table indexed by (site_id, service)."""
    return kinds(services.index.get_level_values("service"))


def complete_kinds(services: pd.DataFrame) -> set[str]:
    """Return the kinds of service of which every site in the territory is known."""
    complete = services["is_complete_list"].astype(bool).groupby(kinds_of(services)).all()
    return set(complete.index[complete])


def sites_of_kinds(services: pd.DataFrame, wanted: Collection[str]) -> list[str]:
    """Return the sites that offer one of some kinds of service, sorted."""
    offered = kinds_of(services).isin(list(wanted))
    return sorted(set(services.index.get_level_values("site_id")[offered]))


def authorisations_by_site(rows: pd.DataFrame) -> dict[str, list[str]]:
    """Return the authorisations exercised at each site, of rows with columns site_id and authorisation_id."""
    held = rows.dropna(subset=["authorisation_id"]).groupby("site_id")["authorisation_id"]
    return {str(site): list(dict.fromkeys(ids)) for site, ids in held}
