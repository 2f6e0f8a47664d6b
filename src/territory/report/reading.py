"""What a report needs to know of a result: names, places, who travels, and counts that may be printed."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd

from territory.french import words as french
from territory.french.numbers import from_to, integer, minutes
from territory.release.gate import TODAY, Release, Sites, release
from territory.release.observed_children import EFFECTS
from territory.release.shown import ZoneCounts, interval_of
from territory.report.layout.document import Block, Document
from territory.result import StudyResult
from territory.scenario.zones import ALL_TERRITORY
from territory.tables.declare import SERVICES

Readable: TypeAlias = "StudyResult | Release | Reading"

_FELT_SHARE = 0.1
_YEAR = re.compile(r"\b(?:19|20)\d{2}\b")
# a document needs a date: this one, when nothing in the data has a year
_NO_YEAR = 2000


class Reading:
    """Names, places and printable counts of a release."""

    def __init__(self, released: Release) -> None:
        self.release = released
        self.study = released.study
        self.communes = released.communes
        self.parameters = released.parameters
        self.closest = released.closest
        self.named = {named.id: named for named in self.parameters.authorisations}
        # of a situation (today is ``""``) and a service, asked again and again
        self.site: Callable[[str, str], Sites | None] = cache(released.sites_of)
        self.times: Callable[[str, str], pd.DataFrame] = cache(released.times)
        self.differences: Callable[[str, str], pd.DataFrame] = cache(released.differences)
        self.counts: Callable[[str, str], Counts] = cache(lambda *key: Counts(released.zone_counts(*key)))
        self.criterion: Callable[[str], pd.DataFrame] = cache(
            lambda name: pd.DataFrame(released.deserts.xs(name, level="criterion")).reindex(
                self.territory.index
            )
        )
        # of desert, in the order of the study
        self.criteria = [one for scheme in self.study.desert for one in scheme.criterion]
        # the services of a scenario that move alike, in the order of the study file
        self.moves: Callable[[str], list[Move]] = cache(self._moves)

    def __repr__(self) -> str:
        return f"Reading({self.release!r})"

    @cached_property
    def territory(self) -> gpd.GeoDataFrame:
        """Communes that are counted, without the surroundings."""
        inside = self.communes.index.isin(self.parameters.territory_codes)
        found: gpd.GeoDataFrame = self.communes.loc[inside]
        return found

    @cached_property
    def zone_names(self) -> dict[str, str]:
        """Name of each EPCI by code, and of the whole."""
        known = self.communes.dropna(subset=["epci_code"]).drop_duplicates("epci_code")
        names = dict(zip(known["epci_code"].astype(str), known["epci_name"].astype(str), strict=True))
        return {**names, "": "Communes sans EPCI connu", ALL_TERRITORY: "Ensemble"}

    @property
    def services(self) -> list[str]:
        """Named services, then those whose closest site is known."""
        return [*self.named, *self.closest]

    @cached_property
    def emergency_hours(self) -> str:
        """What is to be said wherever emergency departments are counted: they are, whatever their hours."""
        known = self.release.emergency_hours
        said = [
            f"{self.commune(str(row.commune_code))} : {str(row.opening_note).rstrip('.')} ({row.opening_source})."
            for row in known.itertuples()
        ]
        lead = "Les services d'urgences sont comptés comme s'ils étaient toujours ouverts."
        rest, others = "Leurs horaires n'y sont pas.", "Les horaires des autres ne sont pas dans les données."
        return french.typeset(" ".join([lead, *said, others if said else rest]))

    def zone(self, code: str) -> str:
        """Return the short name of a zone."""
        return french.typeset(french.epci_short(self.zone_names.get(code, code)))

    def commune(self, code: str) -> str:
        """Return the name of a commune."""
        return french.typeset(str(self.communes["name"].get(code, code)))

    def label(self, service: str) -> str:
        """Return the name of a service in full."""
        if service in self.named:
            return str(self.named[service].label)
        return SERVICES.get(service, service.replace("_", " "))

    def short(self, service: str) -> str:
        """Return the short name of a service."""
        named = self.named.get(service)
        return str(named.label_short or named.label) if named else self.label(service)

    def labels(self, services: tuple[str, ...]) -> str:
        """Return the short names of services as a list."""
        return french.join([self.short(service) for service in services])

    def who(self, service: str) -> frozenset[str]:
        """Return who travels for a service."""
        named = self.named.get(service)
        return frozenset(trip.who for trip in named.trip) if named else frozenset()

    def the(self, services: Sequence[str]) -> str:
        """Return the short names of services in a sentence, each with its article."""
        return french.join([french.with_article(self.short(service)) for service in services])

    def noun(self, *services: str, is_observed: bool = False) -> str:
        """Return what is counted: an age group by its ages, never children served where they are not known."""
        rows = self.release.services
        ages = rows.loc[rows["authorisation_id"].isin(services), ["age_min", "age_max"]]
        low, high = float(ages["age_min"].min()), float(ages["age_max"].max())
        return french.of_ages(low, high, is_observed=is_observed)

    def children(self, scenario_id: str, service: str) -> pd.Series | None:
        """Return what the children likely served would see, under the variant to quote; None when it is not known."""
        rows = self._of_children("enfants_trajets", scenario_id, service)
        found = rows[rows["is_headline"].astype(bool)] if len(rows) else rows
        return None if found.empty or pd.isna(found["shorter_share"].iloc[0]) else found.iloc[0]

    def findings(self, scenario_id: str, service: str) -> pd.DataFrame:
        """Return what stays true under every variant of who the children are."""
        rows = self._of_children("enfants_constats", scenario_id, service)
        return rows.set_index("finding") if len(rows) else rows

    def _of_children(self, table: str, scenario_id: str, service: str) -> pd.DataFrame:
        """Return the rows of a service in a scenario; no row when nothing is known of its children."""
        rows = self.release.children.get(table, pd.DataFrame())
        return rows[rows["scenario"].eq(scenario_id) & rows["service"].eq(service)] if len(rows) else rows

    def noun_of(self, move: Move) -> str:
        """Return what is counted for a move."""
        return self.noun(move.services[0], is_observed=self.counts_of(move).is_observed)

    def counts_of(self, move: Move) -> Counts:
        """Return the persons of each effect of a move by zone."""
        return self.counts(move.scenario_id, move.services[0])

    def worst(self, scenario_id: str, service: str, zone: str = ALL_TERRITORY) -> tuple[str, float] | None:
        """Return the commune of a zone whose trip gets longest, and by how much; None where none does."""
        code = self.counts(scenario_id, service).zones["worst_loss_commune"][zone]
        if not isinstance(code, str):
            return None
        return self.commune(code), float(whole_change(self.differences(scenario_id, service).loc[code]))

    def means(self, found: Counts, zone: str) -> str:
        """Return the mean time of a zone before and after, marked when no difference can be seen."""
        row: Any = found.zones.loc[zone]
        sides = [float(row[f"{side}_mean_min"]) for side in ("baseline", "scenario")]
        if any(map(math.isnan, sides)):
            return "inconnu"
        told = row.get("is_mean_distinguishable", True)
        return from_to(*sides) + ("" if told is not pd.NA and bool(told) else " ≈")

    def differences_of(self, move: Move) -> pd.DataFrame:
        """Return the comparison by commune under a move."""
        return self.differences(move.scenario_id, move.services[0])

    @cached_property
    def limit(self) -> str:
        """Time within which a service is supposed to recruit."""
        return minutes(self.parameters.recruitment_max_min)

    def document(self, blocks: Sequence[Block], *, words: Sequence[str] = (), **texts: Any) -> Document:
        """Return a document of the study, with what all of them say: their date, their run and their edition."""
        told: dict[str, Any] = {
            "title": self.study.title,
            "subtitle": self.subtitle,
            "footer": self.footer(),
            "keywords": [*words, self.study.territory.name],
            "run_digest": self.release.run_digest,
            "mark": self.release.mark,
            "author": self.study.author,
        }
        return Document(**told | texts, date=self.date, blocks=blocks, logo=self.logo)

    @cached_property
    def logo(self) -> tuple[str, bytes] | None:
        """Return the kind and the content of the picture that the study puts on its documents."""
        if self.study.files.logo is None:
            return None
        path = Path(self.study.folder) / self.study.files.logo
        return path.suffix[1:].lower(), path.read_bytes()

    @cached_property
    def subtitle(self) -> str:
        """Return what a document says under its title: the territory, and of when its data are."""
        dated = f" · données : {self.study.data_date}" if self.study.data_date else ""
        return f"Territoire : {self.study.territory.name} · population {self.vintage()}{dated}"

    def footer(self, *words: str) -> str:
        """Return the foot of each page: the study, and who is counted, where and when."""
        move = self.pivot
        who = [f"{self.noun_of(move)} à {self.limit} ou moins du site"] if move is not None else []
        return " · ".join([self.study.title, *words, *who, f"population {self.vintage()}"])

    def place(self, sites: Sites | None) -> str:
        """Return the commune of some sites."""
        if sites is None:
            return "fermé"
        return french.join(dict.fromkeys(self._commune_of(site) for site in sites))

    def _commune_of(self, site: str) -> str:
        """Return the commune of one site."""
        return self.commune(str(self.release.sites["commune_code"].get(site, "")))

    def site_name(self, site: str | None) -> str:
        """Return the name of one site."""
        return "–" if site is None else str(self.release.sites["name"].get(site, site))

    def at_site(self, sites: Sites | None) -> str:
        """Return "à" and the commune of some sites."""
        return french.join(dict.fromkeys(french.at_place(self._commune_of(site)) for site in sites or ()))

    def is_on_one_point(self, move: Move) -> bool:
        """Tell whether a service moves between sites that stand at the same point: no time can change."""
        points = [
            {self.release.sites.geometry[site].coords[0] for site in held if site in self.release.sites.index}
            for held in (move.from_site or (), move.to_site or ())
        ]
        return move.lasts and not move.is_in_place and len(points[0] | points[1]) == 1

    def road(self, from_site: Sites | None, to_site: Sites | None) -> str:
        """Return from where to where ("de Salernes à Draguignan"), or where a service opens or closes."""
        if from_site is None:
            return f"ouverture {self.at_site(to_site)}"
        if to_site is None:
            return f"fermeture {self.at_site(from_site)}"
        if from_site == to_site:
            return f"sans déménager, {self.at_site(to_site)}"
        if self.place(from_site) == self.place(to_site):
            return f"dans {self.place(from_site)}"
        if set(from_site) < set(to_site):
            added = tuple(site for site in to_site if site not in from_site)
            return f"reste {self.at_site(from_site)} et s'ouvre {self.at_site(added)}"
        start = french.join(dict.fromkeys(french.of_place(self._commune_of(site)) for site in from_site))
        return f"{start} {self.at_site(to_site)}"

    @cached_property
    def every_move(self) -> list[Move]:
        """Moves of all the scenarios, in order."""
        return [move for scenario_id in self.release.scenarios for move in self.moves(scenario_id)]

    def _moves(self, scenario_id: str) -> list[Move]:
        """Group the services of a scenario that move alike."""
        groups: dict[tuple[Any, ...], list[str]] = {}
        for service in self.release.moved(scenario_id):
            before, after = (self.site(situation, service) for situation in (TODAY, scenario_id))
            counts = tuple(self.counts(scenario_id, service).persons.round(3).fillna(-1.0).to_numpy().ravel())
            key = (self.place(before), after, self.who(service), counts)
            groups.setdefault(key, []).append(service)
        return [
            Move(scenario_id, tuple(services), self.site(TODAY, services[0]), after, who)
            for (_, after, who, _), services in groups.items()
        ]

    @cached_property
    def date(self) -> dt.date:
        """Date of the newest data (1 January of its year): a report has no date of its own."""
        table = self.release.sources
        told: Any = [] if table is None or "vintage" not in table else table["vintage"]
        years = _YEAR.findall(" ".join([*map(str, told), re.sub(r"\D", " ", self.study.population)]))
        return dt.date(max(map(int, years), default=_NO_YEAR), 1, 1)

    def vintage(self) -> str:
        """Return the census of the study ("RP 2021")."""
        return str(self.study.population).upper().replace("RP", "RP ")

    @cached_property
    def pivot(self) -> Move | None:
        """The move that changes most for those who travel to the service; staff travel comes last."""
        told: set[str] = set()
        first: list[Move] = []
        for move in self.every_move:
            # the first scenario that moves it is the project, the next ones its variants
            if not told.issuperset(move.services):
                told.update(move.services)
                first.append(move)
        return max(first, key=self._rank, default=None)

    def is_felt(self, move: Move) -> bool:
        """Tell whether the difference can be told for more than a tenth of those within reach today."""
        return self._rank(move)[2] > _FELT_SHARE

    def _rank(self, move: Move) -> tuple[bool, bool, float, float]:
        """Return how much a move changes for those who travel to the service."""
        found = self.counts_of(move)
        kinds = ["gain", "loss", "indistinct"]
        persons = found.persons.reindex([ALL_TERRITORY])[kinds]
        table = found.communes if persons.isna().to_numpy().any() else found.persons
        weights = table.reindex([ALL_TERRITORY])[kinds].iloc[0].fillna(0.0).astype(float)
        # a share: counts of children served and of an age group cannot be set against each other
        felt = float(weights[["gain", "loss"]].sum())
        part = felt / float(weights.sum()) if weights.sum() > 0 else 0.0
        # an opening or a closure is said in one sentence; a move has gainers and losers to map
        return move.who != STAFF, move.lasts, part, felt


def read(result: Readable) -> Reading:
    """Return a release, read; results are released at this door, and what is read already is returned as it is."""
    return result if isinstance(result, Reading) else Reading(release(result))


def whole_change(rows: Any) -> Any:
    """Return the change of times as a reader subtracts them, who sees whole minutes."""
    before, after = (np.floor(rows[f"{side}_travel_time_min"] + 0.5) for side in ("baseline", "scenario"))
    return after - before


SECRET, UNKNOWN = "secret statistique", "Ce que l'on ne sait pas, et à qui le demander"
STAFF = frozenset({"staff"})
# what stands in a cell for a class that is counted with another
WITH_OTHERS = "avec les autres"


@dataclass(frozen=True)
class Move:
    """Services that a scenario moves alike: same places before and after, same travellers, same persons."""

    scenario_id: str
    services: tuple[str, ...]
    from_site: Sites | None
    to_site: Sites | None
    who: frozenset[str]

    @property
    def is_in_place(self) -> bool:
        """Tell whether nothing moves: the roads change, or where families go."""
        return self.from_site == self.to_site

    @property
    def lasts(self) -> bool:
        """Tell whether the service is there before and after: it neither opens nor closes."""
        return self.from_site is not None and self.to_site is not None


class Counts:
    """Persons and communes of one service in one scenario, by zone; what is withheld is NaN here."""

    def __init__(self, released: ZoneCounts) -> None:
        self.zones, self.is_observed = released.zones, released.is_observed
        self.is_withheld = released.is_withheld
        if ALL_TERRITORY not in self.zones.index:
            # nobody lives near: none of each effect, in all
            counted = self.zones.columns.str.startswith(("persons_", "communes_"))
            self.zones.loc[ALL_TERRITORY, self.zones.columns[counted]] = 0.0
            self.is_withheld.loc[ALL_TERRITORY] = False
        # classes of which one sum alone is printed, over the whole, and that sum
        self.merged = released.merged.effects if released.merged else ()
        self.merged_text = integer(released.merged.persons) if released.merged else ""
        wanted = {what: [f"{what}_{effect}" for effect in EFFECTS] for what in ("persons", "communes")}
        self.persons, self.communes = (
            self.zones.reindex(columns=names).set_axis(EFFECTS, axis=1) for names in wanted.values()
        )

    def text(self, zone: str, effect: str) -> str:
        """Return a number of persons as it may be printed."""
        if bool(self.is_withheld.loc[zone, effect]):
            return SECRET
        value = float(self.persons[effect][zone])
        if self.is_observed and not math.isnan(value):
            return integer(value)
        return french.ranged(value, *self.interval(zone, effect))

    def interval(self, zone: str, effect: str) -> tuple[float, float]:
        """Return the ends of what the doubt on times makes of a count; NaN where it has none."""
        return (
            (math.nan, math.nan) if self.is_observed else interval_of(pd.Series(self.zones.loc[zone]), effect)
        )

    def cell(self, zone: str, effect: str) -> str:
        """Return a number as a table prints it: classes that are counted together are so under the first of them."""
        if zone != ALL_TERRITORY or effect not in self.merged:
            return self.text(zone, effect)
        return f"{self.merged_text} autres" if effect == self.merged[0] else WITH_OTHERS
