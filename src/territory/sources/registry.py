"""The registry of official data: what exists, in which vintages, where, under which licence.

`registry.csv` is append only, since studies name their vintages: a newer file is a row at the end, and
`superseded_by` of the older one, the only cell that may be filled later, names it.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from importlib import resources

from territory.errors import UnknownCodeError, examples


@dataclass(frozen=True, slots=True)
class Source:
    """One vintage of one dataset, as the registry describes it.

    `address_checked`: a public document confirms where its file is downloaded (`address`, empty: only `page` is
    known). `file_name` may be a pattern (`*`, `?`) where the producer's name changes; `members` are patterns of the
    files of an archive that readers want. `departements` is empty for the whole country.
    """

    dataset: str
    vintage: str
    producer: str
    title: str
    page: str
    address: str
    address_checked: bool
    file_name: str
    members: tuple[str, ...]
    format: str
    licence: str
    sha256: str
    reader_tried: bool
    departements: tuple[str, ...]
    added_on: date
    superseded_by: str
    note: str

    @property
    def key(self) -> str:
        """Dataset and vintage, as in the folder of raw data and in `superseded_by`."""
        return f"{self.dataset}/{self.vintage}"


def read_registry() -> tuple[Source, ...]:
    """Read the registry of official data that comes with the library, oldest addition first."""
    text = (resources.files("territory.sources") / "registry.csv").read_text("utf-8")
    return tuple(_source(row) for row in csv.DictReader(text.splitlines()))


def find(dataset: str, vintage: str | None = None, *, registry: Sequence[Source] | None = None) -> Source:
    """Return one vintage of a dataset, by default the one that no other supersedes.

    Parameters
    ----------
    dataset, vintage
        Its name (`cog-communes`; an unknown one is an `UnknownCodeError`); `rp2021`, `2024`, `2026-03` or `courant`.
    registry
        Sources to look into; the library's own by default.

    Examples
    --------
    >>> find("population-legale", "rp2021").file_name
    'ensemble.zip'
    """
    sources = read_registry() if registry is None else registry
    vintages = {source.vintage: source for source in sources if source.dataset == dataset}
    if not vintages:
        names = sorted({source.dataset for source in sources})
        close = get_close_matches(dataset, names, n=3)
        hint = f"vouliez-vous dire {examples(close)} ?" if close else f"connus : {examples(names, most=6)}."
        raise UnknownCodeError(
            f"Jeu de données « {dataset} » inconnu du registre : {hint} « territory data list » les donne tous."
        )
    if vintage is None:
        own = f"{dataset}/"
        return [source for source in vintages.values() if not source.superseded_by.startswith(own)][-1]
    if vintage not in vintages:
        raise UnknownCodeError(
            f"Millésime « {vintage} » inconnu du registre pour « {dataset} » ; il connaît : "
            f"{', '.join(sorted(vintages))}."
        )
    return vintages[vintage]


def _source(row: dict[str, str]) -> Source:
    """Return a row as an object."""
    typed = {
        "address_checked": row["address_checked"] == "yes",
        "reader_tried": row["reader_tried"] == "yes",
        "members": tuple(filter(None, row["members"].split("|"))),
        "departements": tuple(row["departements"].split()),
        "added_on": date.fromisoformat(row["added_on"]),
    }
    return Source(**{**row, **typed})  # type: ignore[arg-type]
