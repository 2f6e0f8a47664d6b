"""What a report needs to know of a result: names, places, who travels, and counts that may be printed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from territory import supply
from territory.french.words import at_place, epci_short, integer, join, of_place, persons, typeset
from territory.release.observed_children import EFFECTS, zone_flags
from territory.scenario.measures.compute import ALL_TERRITORY
from territory.tables.codes import CLOSEST_SERVICES, SERVICES

if TYPE_CHECKING:
    import geopandas as gpd

    from territory.result import StudyResult
    from territory.scenario import Results

SECRET = "secret statistique"
STAFF = frozenset({"staff"})
_FELT_SHARE = 0.1

# where an authorisation is exercised: one site, or a main one and its branches
Sites = tuple[str, ...]


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

    @property
    def is_branch(self) -> bool:
        """Tell whether today's sites stay, and others open."""
        return set(self.from_site or ()) < set(self.to_site or ()) and self.from_site is not None


@dataclass(frozen=True)
class Counts:
    """Persons and communes of one service in one scenario, by zone; persons withheld are NaN here."""

    persons: pd.DataFrame
    communes: pd.DataFrame
    zones: pd.DataFrame
    is_observed: bool
    is_withheld: pd.DataFrame
    is_mean_withheld: pd.Series

    def text(self, zone: str, effect: str) -> str:
        """Return a number of persons as it may be printed."""
        if bool(self.is_withheld.loc[zone, effect]):
            return SECRET
        value = float(self.persons[effect][zone])
        if self.is_observed and not math.isnan(value):
            return integer(value)
        return persons(value)


class Reading:
    """Names, places and printable counts of a result."""

    def __init__(self, result: StudyResult) -> None:
        self.result = result
        self.study = result.study
        self.baseline = result.baseline
        self.state = result.baseline.state
        self.communes = result.baseline.state.communes
        self.parameters = result.baseline.state.parameters
        self.named = {named.id: named for named in self.parameters.authorisations}
        self._counts: dict[tuple[str, str], Counts] = {}
        self._moves: dict[str, list[Move]] = {}
        self._sites: dict[tuple[int, str], Sites | None] = {}
        self._rows: dict[tuple[int, str], tuple[pd.DataFrame, pd.DataFrame]] = {}
        self._pivot: tuple[Move | None] | None = None

    @cached_property
    def territory(self) -> gpd.GeoDataFrame:
        """Communes that are counted, without the surroundings."""
        inside = self.communes.index.isin(self.parameters.territory_codes)
        found: gpd.GeoDataFrame = self.communes.loc[inside]
        return found

    @cached_property
    def zone_names(self) -> dict[str, str]:
        """Name of each EPCI by code, and of the whole."""
        table = self.communes.dropna(subset=["epci_code"]).drop_duplicates("epci_code")
        names = {
            str(code): str(name) for code, name in zip(table["epci_code"], table["epci_name"], strict=True)
        }
        return {**names, "": "Communes sans EPCI connu", ALL_TERRITORY: "Ensemble"}

    @cached_property
    def closest(self) -> list[str]:
        """Services whose closest site is known: those with a complete list."""
        measured = self.baseline.access
        found = measured.index[measured["measure"] == "closest"].get_level_values("service")
        return list(found.unique())

    def zone(self, code: str) -> str:
        """Return the short name of a zone."""
        return typeset(epci_short(self.zone_names.get(code, code)))

    def commune(self, code: str) -> str:
        """Return the name of a commune."""
        return typeset(str(self.communes["name"].get(code, code)))

    def label(self, service: str) -> str:
        """Return the name of a service in full."""
        if service in self.named:
            return str(self.named[service].label)
        return SERVICES.get(service, service.replace("_", " "))

    def closest_label(self, service: str) -> str:
        """Return the closest site of a service with its article ("l'hôpital le plus proche")."""
        label = self.label(service)
        return CLOSEST_SERVICES.get(service, f"le site le plus proche ({label})")

    def short(self, service: str) -> str:
        """Return the short name of a service."""
        named = self.named.get(service)
        return str(named.label_short or named.label) if named else self.label(service)

    def labels(self, services: tuple[str, ...]) -> str:
        """Return the short names of services as a list."""
        return join([self.short(service) for service in services])

    def who(self, service: str) -> frozenset[str]:
        """Return who travels for a service."""
        named = self.named.get(service)
        return frozenset(trip.who for trip in named.trip) if named else frozenset()

    def noun(self, service: str, *, is_observed: bool = False) -> str:
        """Return what is counted: never children served where only an age group is known."""
        kind = "enfants" if self._is_for_children(service) else "personnes"
        if is_observed:
            return f"{kind} accompagnés" if kind == "enfants" else f"{kind} accompagnées"
        return f"{kind} de l'âge concerné"

    def _is_for_children(self, service: str) -> bool:
        """Tell whether a service is for children, by the ages that it receives."""
        rows = self.state.services
        oldest = rows.loc[rows["authorisation_id"] == service, "age_max"]
        return oldest.empty or bool(oldest.fillna(20.0).max() <= 25.0)

    def site(self, results: Results, service: str) -> Sites | None:
        """Return the sites of a named service in some results; None when it is closed or not open yet."""
        key = (id(results), service)
        if key not in self._sites:
            self._sites[key] = tuple(supply.sites_serving(results.state.services, service)) or None
        return self._sites[key]

    def place(self, sites: Sites | None) -> str:
        """Return the commune of some sites."""
        if sites is None:
            return "fermé"
        return join(dict.fromkeys(self._commune_of(site) for site in sites))

    def _commune_of(self, site: str) -> str:
        """Return the commune of one site."""
        return self.commune(str(self.state.sites["commune_code"].get(site, "")))

    def site_name(self, site: str | None) -> str:
        """Return the name of one site."""
        return "–" if site is None else str(self.state.sites["name"].get(site, site))

    def at_site(self, sites: Sites | None) -> str:
        """Return "à" and the commune of some sites."""
        return join(dict.fromkeys(at_place(self._commune_of(site)) for site in sites or ()))

    def road(self, from_site: Sites | None, to_site: Sites | None) -> str:
        """Return from where to where ("de Salernes à Draguignan"), or where a service opens or closes."""
        if from_site is None or to_site is None:
            return (
                f"ouverture {self.at_site(to_site)}"
                if from_site is None
                else f"fermeture {self.at_site(from_site)}"
            )
        if from_site == to_site:
            return f"sans déménager, {self.at_site(to_site)}"
        if self.place(from_site) == self.place(to_site):
            return f"dans {self.place(from_site)}"
        if set(from_site) < set(to_site):
            added = tuple(site for site in to_site if site not in from_site)
            return f"reste {self.at_site(from_site)} et s'ouvre {self.at_site(added)}"
        start = join(dict.fromkeys(of_place(self._commune_of(site)) for site in from_site))
        return f"{start} {self.at_site(to_site)}"

    def times(self, results: Results, service: str) -> pd.DataFrame:
        """Return the access rows of one service by commune."""
        return self._of(results.access, service)

    def differences(self, scenario_id: str, service: str) -> pd.DataFrame:
        """Return the comparison of one service by commune."""
        return self._of(self.result.comparisons[scenario_id].communes, service)

    def moves(self, scenario_id: str) -> list[Move]:
        """Group the services of a scenario that move alike, in the order of the study file."""
        if scenario_id in self._moves:
            return self._moves[scenario_id]
        groups: dict[tuple[Any, ...], list[str]] = {}
        for service in self.result.comparisons[scenario_id].services:
            before = self.site(self.baseline, service)
            after = self.site(self.result.scenarios[scenario_id], service)
            who = self.who(service)
            counts = tuple(self.counts(scenario_id, service).persons.round(3).fillna(-1.0).to_numpy().ravel())
            key = (self.place(before), after, who, counts)
            groups.setdefault(key, []).append(service)
        found = []
        for (_, after, who, _), services in groups.items():
            found.append(
                Move(scenario_id, tuple(services), self.site(self.baseline, services[0]), after, who)
            )
        self._moves[scenario_id] = found
        return found

    def counts(self, scenario_id: str, service: str) -> Counts:
        """Return the persons of each effect by zone, small observed counts withheld."""
        if (scenario_id, service) not in self._counts:
            self._counts[scenario_id, service] = self._count(scenario_id, service)
        return self._counts[scenario_id, service]

    def _count(self, scenario_id: str, service: str) -> Counts:
        """Make what `counts` returns."""
        zones = self._zones(scenario_id, service)
        columns = {f"persons_{effect}": effect for effect in EFFECTS}
        table = (
            zones[[c for c in columns if c in zones]].rename(columns=columns).reindex(columns=list(EFFECTS))
        )
        communes = zones.rename(columns={f"communes_{effect}": effect for effect in EFFECTS})
        flags = zone_flags(self.result, scenario_id, service)
        withheld = pd.DataFrame(False, index=table.index, columns=table.columns)
        means = pd.Series(False, index=table.index)
        if flags is not None:
            withheld = flags.reindex(index=table.index, columns=table.columns).astype(bool)
            means = flags["mean"].reindex(table.index).astype(bool)
        return Counts(
            table.mask(withheld),
            communes.reindex(columns=list(EFFECTS)),
            zones,
            flags is not None,
            withheld,
            means,
        )

    def _zones(self, scenario_id: str, service: str) -> pd.DataFrame:
        """Return the rows by zone of one service."""
        return self._of(self.result.comparisons[scenario_id].zones, service)

    def counts_are_observed(self, service: str) -> bool:
        """Tell whether the children served are given by the study."""
        rows = self.baseline.persons
        kinds = rows.loc[rows.index.get_level_values("service") == service, "persons_kind"]
        return bool((kinds == "observed").any())

    def changes_between_scenarios(self) -> dict[str, list[str]]:
        """Return the services that some scenarios move and others do not, with the scenarios that do."""
        every = list(self.result.comparisons)
        found: dict[str, list[str]] = {}
        for service in self.named:
            # other roads to the same place are no move
            today = self.site(self.baseline, service)
            movers = [name for name in every if self.site(self.result.scenarios[name], service) != today]
            if movers and len(movers) < len(every):
                found[service] = movers
        return found

    def persons_outside(self, scenario_id: str, service: str, effect: str) -> float:
        """Return the persons of an effect who live outside the territory; NaN when they are observed."""
        if self.counts_are_observed(service):
            return math.nan
        rows = self.differences(scenario_id, service)
        outside = ~rows.index.isin(self.parameters.territory_codes)
        return float(rows.loc[outside & rows["effect"].eq(effect).to_numpy(), "persons"].sum())

    def _of(self, table: pd.DataFrame, service: str) -> pd.DataFrame:
        """Return the rows of one service, without its level; the tables of a result never change."""
        key = (id(table), service)
        if key not in self._rows:
            rows = table[table.index.get_level_values("service") == service]
            # the table is kept beside its rows: its identity is the key
            self._rows[key] = (table, rows.droplevel("service"))
        return self._rows[key][1]

    def vintage(self) -> str:
        """Return the census of the study ("RP 2021")."""
        return str(self.study.population).upper().replace("RP", "RP ")

    def pivot(self) -> Move | None:
        """Return the move that changes most for those who travel to the service; staff travel comes last."""
        if self._pivot is None:
            self._pivot = (self._find_pivot(),)
        return self._pivot[0]

    def _find_pivot(self) -> Move | None:
        """Find what `pivot` returns."""
        best: tuple[tuple[bool, bool, float, float], Move] | None = None
        told: set[str] = set()
        for scenario_id in self.result.comparisons:
            for move in self.moves(scenario_id):
                if told.issuperset(move.services):
                    # the first scenario that moves it is the project, the next ones its variants
                    continue
                told.update(move.services)
                rank = self._rank(move)
                if best is None or rank > best[0]:
                    best = (rank, move)
        return best[1] if best else None

    def is_felt(self, move: Move) -> bool:
        """Tell whether the difference can be told for more than a tenth of those within reach today."""
        return self._rank(move)[2] > _FELT_SHARE

    def _rank(self, move: Move) -> tuple[bool, bool, float, float]:
        """Return how much a move changes for those who travel to the service."""
        rows = self.differences(move.scenario_id, move.services[0])
        rows = rows[rows["effect"].isin(["gain", "loss", "indistinct"])]
        weights = rows["persons"] if rows["persons"].notna().all() else pd.Series(1.0, rows.index)
        felt = float(weights[rows["effect"].ne("indistinct")].sum())
        # a share: counts of children served and of an age group cannot be set against each other
        part = felt / float(weights.sum()) if weights.sum() > 0 else 0.0
        # an opening or a closure is said in one sentence; a move has gainers and losers to map
        return move.who != STAFF, move.lasts, part, felt


def read(result: StudyResult | Reading) -> Reading:
    """Return a result, read; what is read already is returned as it is, for several documents to share."""
    return result if isinstance(result, Reading) else Reading(result)
