"""What a computation and a comparison give, and the short tables in French that show them in Jupyter."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import pandas as pd

from territory.french.words import capital, typeset
from territory.study.state import State
from territory.tables.catalogue import html_table
from territory.tables.declare import CODES, SERVICES

# of communes, which are public; persons are counted by the documents and tables of a run, where small counts and
# those that would give them back are withheld together
_CARD_EFFECTS = CODES["card_effects"]


@dataclass(frozen=True)
class Results:
    """Everything that `compute` says of one state (`state`, its inputs), in tables declared in `territory.tables`.

    In `access` a time is that to the site of an authorisation named in the study (measure `named`) or to the closest
    site of a service whose list is complete (`closest`); `could_be_closer_outside`: a site beyond the edge of the
    data could be. `persons` are children served where they are observed, else persons of the age received. `trips`
    has three accounts (child, parent, staff), for one child in a year, never added up. `zoning` is a simulation
    without regulatory value.
    """

    state: State
    access: pd.DataFrame
    persons: pd.DataFrame
    coverage: pd.DataFrame
    trips: pd.DataFrame
    places: pd.DataFrame
    place_reasons: pd.DataFrame
    edge: pd.DataFrame
    gp_access: pd.DataFrame
    deserts: pd.DataFrame
    desert_shares: pd.DataFrame
    zoning: pd.DataFrame

    def __repr__(self) -> str:
        names = list(self.access.index.get_level_values("service").unique())
        return f"Results({len(self.state.communes)} communes × {len(names)} services: {', '.join(names)})"

    def _repr_html_(self) -> str:
        """Return the times of each service for Jupyter."""
        asked, rows = self.state.parameters, []
        inside = self.access.index.get_level_values("commune_code").isin(asked.territory_codes)
        names = {**SERVICES, **{one.id: one.label_short or one.label for one in asked.authorisations}}
        for service, rows_of in self.access[inside].groupby(level="service", sort=False):
            kind = "lieu du service nommé" if rows_of["measure"].eq("named").all() else "lieu le plus proche"
            out = int((rows_of["is_reachable"] == False).fillna(False).sum())  # noqa: E712
            median = float(rows_of["travel_time_min"].median())
            rows.append([capital(names.get(str(service), str(service))), kind, median, out])
        head = ["Service", "Temps vers", "Temps médian des communes (min)", "Communes hors d'atteinte"]
        title = f"Résultats : {len(asked.territory_codes)} communes"
        return html_table(pd.DataFrame(rows, columns=head), title=title)


class _Later(cached_property[pd.DataFrame]):
    """A table of a comparison that is made when first asked for."""

    def __init__(self, said: str) -> None:
        super().__init__(lambda found: found.making[self.attrname]())
        self.__doc__ = said


@dataclass(frozen=True)
class Comparison:
    """A scenario against today, for the authorisations that move, in tables declared in `territory.tables`.

    `effect` is gain, loss, indistinct or without for those in the area of today's site, entering for those that only
    the scenario brings within the limit, outside, or unknown; losers beyond the limit are also counted as leaving.
    `trips` averages the accounts of one child over today's area (over the rounds of those that go round, `rounds`).
    All but `communes` and `zones` is made when first asked for.
    """

    scenario_id: str
    name: str
    services: tuple[str, ...]
    communes: pd.DataFrame
    zones: pd.DataFrame
    names: Mapping[str, str]
    # how each table that is made when asked for is made
    making: Mapping[str, Callable[[], pd.DataFrame]]
    accounting: Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame]
    rounding: Callable[[], tuple[pd.DataFrame, ...]] | None = None

    sensitivity = _Later("The same counts under other limits, by (service, recruitment_max_min).")
    direct_trips = _Later("The accounts of travel of one child, without rounds, by zone, service and who.")
    by_commune = _Later("Times and places of every commune and service.")
    deserts = _Later("The class of each commune under each scheme, today and in the scenario.")
    councils = _Later("Gainers, losers, worst loss of each council, by (service, level, zone).")
    measures = _Later("Every measure of every service, by (level, zone, service, measure).")

    @cached_property
    def rounds(self) -> pd.DataFrame:
        """What rounds are today and in the scenario, by zone, service, who and measure; no row without any."""
        every = pd.DataFrame() if self.rounding is None else self.rounding()[0]
        return every if every.empty else every[every["scenario"] == self.scenario_id].drop(columns="scenario")

    @cached_property
    def trips(self) -> pd.DataFrame:
        """The accounts of travel of one child, by zone, service and who."""
        return self.accounting(self.direct_trips, self.rounds)

    def named(self, scenario_id: str, name: str) -> "Comparison":
        """Return the same comparison under the name of its scenario."""
        return replace(self, scenario_id=scenario_id, name=name)

    def __repr__(self) -> str:
        return f"Comparison({self.scenario_id!r}, moved: {', '.join(self.services) or 'none'})"

    def _repr_html_(self) -> str:
        """Return in how many communes the trip becomes shorter or longer, for Jupyter; no person is counted."""
        zones = self.zones
        whole = zones[zones.index.get_level_values("zone") == "territory"].droplevel("zone")
        # the communes of a sector that nobody knows are not counted: the report counts nobody there either
        unknown, rows = whole["persons_gain"].isna(), []
        for service, row in whole[~unknown].iterrows():
            counts = (int(row[column]) for column in _CARD_EFFECTS)
            rows.append([self.names.get(str(service), str(service)), *counts, float(row["worst_loss_min"])])
        title = f"Scénario {self.scenario_id} : {self.name}" if self.name else "Comparaison"
        head = ["Service déplacé", *_CARD_EFFECTS.values(), "plus grand allongement (min)"]
        note = "Nombre de communes. Les personnes concernées sont dans le rapport et les tables de l'étude."
        if unknown.any():
            of = ", ".join(self.names.get(str(one), str(one)) for one in whole.index[unknown])
            note += f" Secteur inconnu, communes non comptées : {of}."
        return f"{html_table(pd.DataFrame(rows, columns=head), title=title)}<p>{typeset(note)}</p>"
