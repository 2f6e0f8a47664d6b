"""The registry of official data: what exists, in which vintages, where, under which licence.

`registry.csv` is append only: a row is never taken out nor rewritten, since studies name their vintages. When a
producer issues a newer file, a row is added at the end and `superseded_by` of the older one, the only cell that
may be filled later, names it.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from importlib import resources
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

from territory.errors import MissingFileError, Problems, ReadError, UnknownCodeError, examples

COLUMNS = (
    *("dataset", "vintage", "producer", "title", "page", "address", "address_checked", "file_name"),
    *("members", "format", "licence", "sha256", "reader_tried", "departements", "added_on"),
    *("superseded_by", "note"),
)
LICENCES = ("Licence Ouverte 2.0", "ODbL 1.0", "non précisée")
FORMATS = ("csv", "xls", "xlsx", "geojson", "geojson.gz", "json.gz", "osm.pbf", "zip", "7z")
_REQUIRED = ("producer", "title", "file_name")
_FORMS = {
    "dataset": re.compile(r"[a-z0-9]+(-[a-z0-9]+)*"),
    # a census, a year, a month, or what the producer replaces in place; then the producer's own corrections
    "vintage": re.compile(r"(rp\d{4}|\d{4}(-(0[1-9]|1[0-2]))?|courant)(-v[2-9])?"),
    "sha256": re.compile(r"([0-9a-f]{64})?"),
}
_YES_NO = ("yes", "no")
_CHOICES = {
    "format": FORMATS,
    "licence": LICENCES,
    "address_checked": _YES_NO,
    "reader_tried": _YES_NO,
}


@dataclass(frozen=True, slots=True)
class Source:
    """One vintage of one dataset, as the registry describes it.

    `address` is where its file is downloaded (empty: only `page` is known), `address_checked` whether a public
    document confirms it. `file_name` may be a pattern (`*`, `?`) where the producer's name changes; `members`
    are patterns of the files of an archive that readers want. `reader_tried` says whether the reader was tried
    on a real file of this vintage. `departements` is empty for the whole country.
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


def read_registry(path: str | Path | None = None) -> tuple[Source, ...]:
    """Read the registry of official data, and check all of it.

    Parameters
    ----------
    path
        CSV of the same columns; without it, the registry that comes with the library.

    Returns
    -------
    tuple of Source
        In the order of the file, oldest addition first.

    Raises
    ------
    ReadError
        With every problem: a column absent, a row twice, a vintage, a date, an address, a format or a licence
        that is none, additions out of order, a successor that is not in the registry or is older.
    MissingFileError
        If there is no such file.

    Examples
    --------
    >>> [source.vintage for source in read_registry() if source.dataset == "cog-communes"]
    ['2024', '2025', '2026']
    """
    name, text = _text(path)
    problems = Problems(f"Registre « {name} »", ReadError)
    reader = csv.reader(text.splitlines())
    if tuple(next(reader, [])) != COLUMNS:
        problems.add(f"ligne 1 : les colonnes attendues sont {', '.join(COLUMNS)}")
        problems.raise_if_any()
    sources = []
    for cells in reader:
        line = reader.line_num
        if len(cells) != len(COLUMNS):
            problems.add(f"ligne {line} : {len(cells)} cellules au lieu de {len(COLUMNS)}")
            continue
        row = dict(zip(COLUMNS, cells, strict=True))
        faults = _faults(row)
        for fault in faults:
            problems.add(f"ligne {line} ({row['dataset']}/{row['vintage']}) : {fault}")
        if not faults:
            sources.append(_source(row))
    problems.raise_if_any()
    _check_together(sources, problems)
    problems.raise_if_any()
    return tuple(sources)


def find(dataset: str, vintage: str | None = None, *, registry: Sequence[Source] | None = None) -> Source:
    """Return one vintage of a dataset, the newest one by default.

    Parameters
    ----------
    dataset
        Name of the dataset, `cog-communes` for instance.
    vintage
        `rp2021`, `2024`, `2026-03` or `courant`; without it, the one that no other of this dataset supersedes.
    registry
        Sources to look into; the library's own by default.

    Returns
    -------
    Source
        What the registry says of it.

    Raises
    ------
    UnknownCodeError
        If the registry has no such dataset or vintage; close names are proposed.

    Examples
    --------
    >>> find("population-legale", "rp2021").file_name
    'ensemble.zip'
    >>> find("cog-comunes")
    Traceback (most recent call last):
    territory.errors.UnknownCodeError: Jeu de données « cog-comunes » inconnu du registre : vouliez-vous dire ...
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
        return [source for source in vintages.values() if not source.superseded_by.startswith(f"{dataset}/")][
            -1
        ]
    if vintage not in vintages:
        raise UnknownCodeError(
            f"Millésime « {vintage} » inconnu du registre pour « {dataset} » ; il connaît : "
            f"{', '.join(sorted(vintages))}."
        )
    return vintages[vintage]


def _text(path: str | Path | None) -> tuple[str, str]:
    """Return the name and the text of a registry."""
    if path is None:
        name = "registry.csv"
        return name, (resources.files("territory.sources") / name).read_text("utf-8")
    path = Path(path)
    try:
        return path.name, path.read_text("utf-8-sig")
    except FileNotFoundError as error:
        raise MissingFileError(f"Registre introuvable : {path}.") from error
    except UnicodeDecodeError as error:
        raise ReadError(f"Registre « {path.name} » illisible en UTF-8 ; enregistrez-le en UTF-8.") from error


def _source(row: dict[str, str]) -> Source:
    """Return a checked row as an object."""
    typed = {
        "address_checked": row["address_checked"] == "yes",
        "reader_tried": row["reader_tried"] == "yes",
        "members": tuple(filter(None, row["members"].split("|"))),
        "departements": tuple(row["departements"].split()),
        "added_on": date.fromisoformat(row["added_on"]),
    }
    return Source(**{**row, **typed})  # type: ignore[arg-type]


def _faults(row: dict[str, str]) -> list[str]:
    """Return what is wrong with one row by itself."""
    faults = [f"« {name} » est vide" for name in _REQUIRED if not row[name].strip()]
    faults += [
        f"« {name} » ({row[name]}) n'est pas de la forme attendue"
        for name, pattern in _FORMS.items()
        if not pattern.fullmatch(row[name])
    ]
    faults += [
        f"« {name} » ({row[name]}) : choix possibles, {', '.join(allowed)}"
        for name, allowed in _CHOICES.items()
        if row[name] not in allowed
    ]
    faults += [
        f"« {name} » ({row[name]}) n'est pas une adresse https"
        for name in ("page", "address")
        if (row[name] or name == "page") and not _is_https(row[name])
    ]
    if not row["address"] and row["address_checked"] == "yes":
        faults.append("« address_checked » vaut yes sans adresse")
    if row["file_name"] != Path(row["file_name"]).name:
        faults.append(f"« file_name » ({row['file_name']}) n'est pas un simple nom de fichier")
    try:
        date.fromisoformat(row["added_on"])
    except ValueError:
        faults.append(f"« added_on » ({row['added_on']}) n'est pas une date AAAA-MM-JJ")
    return faults


def _check_together(sources: Sequence[Source], problems: Problems) -> None:
    """Add what is wrong between rows: doubles, order of additions, successors."""
    keys = {source.key: source for source in sources}
    order = {source.key: rank for rank, source in enumerate(sources)}
    if len(keys) < len(sources):
        counts = Counter(source.key for source in sources)
        problems.add(f"lignes en double : {examples(sorted(key for key in counts if counts[key] > 1))}")
    for before, after in pairwise(sources):
        if after.added_on < before.added_on:
            late = "avant la ligne qui précède ; on ajoute à la fin"
            problems.add(f"{after.key} : ajouté le {after.added_on}, {late}")
    for source in sources:
        name = source.superseded_by
        if name and name not in keys:
            problems.add(f"{source.key} : son remplaçant « {name} » n'est pas dans le registre")
        elif name and order[name] <= order[source.key]:
            problems.add(f"{source.key} : son remplaçant « {name} » est plus ancien dans le registre")


def _is_https(address: str) -> bool:
    """Say whether an address is a complete https one."""
    try:
        parts = urlsplit(address)
    except ValueError:
        # brackets that hold no address
        return False
    return parts.scheme == "https" and bool(parts.hostname) and " " not in address
