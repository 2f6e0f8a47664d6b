"""What a computation and a comparison give, and the short tables in French that show them in Jupyter."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from territory.study.state import State

# of communes, which are public; persons are counted by the documents and tables of a run, where small counts and
# those that would give them back are withheld together
_CARD_EFFECTS = {
    "communes_gain": "trajet plus court",
    "communes_loss": "trajet plus long",
    "communes_indistinct": "sans différence visible",
    "communes_without": "sans ce service",
    "communes_leaving": "passent au-delà de la limite",
}


@dataclass(frozen=True)
class Results:
    """Everything that `compute` says of one state.

    Attributes
    ----------
    state
        The inputs.
    access : DataFrame indexed by (commune_code, service)
        measure (`named`: time to the site of an authorisation named in the study, `service` being its id;
        `closest`: time to the closest site of a service whose list is complete), to_id, travel_time_min,
        uncertainty_min, distance_km, is_reachable, edge_time_min (to the edge of the data) and
        could_be_closer_outside (a site beyond the edge could be closer than the closest one found).
    persons : DataFrame indexed by (commune_code, service)
        For each named authorisation: persons, and persons_kind: `age` (of the age received, estimated) or
        `observed` (children served, from the study's own file).
    coverage : DataFrame indexed by (zone, service)
        Inhabitants within each threshold of the closest site, by EPCI of the territory and in all.
    trips : DataFrame indexed by (commune_code, service, who)
        Minutes, kilometres, € and kg of CO2 in a year for one child of the commune, by the direct road and on
        board (the round factor's range): child, parent and staff are three accounts, never added up.
    places : DataFrame indexed by (commune_code, service)
        access_per_1000 and unmet_persons where places can be counted.
    place_reasons : DataFrame indexed by service
        Why they cannot, in French.
    edge : DataFrame indexed by service
        Communes and inhabitants of the territory whose closest site could be beyond the data.
    gp_access : DataFrame indexed by commune_code
        apl_consultations_per_hab, or else practitioners_per_100000_hab.
    deserts : DataFrame indexed by (commune_code, criterion)
        value, threshold, unit, status, distance, reason, desert_class.
    desert_shares : DataFrame indexed by (zone, scheme, desert_class)
        Inhabitants of each class and of each criterion, by EPCI, by département and in all.
    zoning : DataFrame indexed by territory_id
        Simulated zone of each territoire de vie-santé, without regulatory value; empty unless asked for and computable.
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
        """Return what was measured."""
        services = list(self.access.index.get_level_values("service").unique())
        return (
            f"Results({len(self.state.communes)} communes × {len(services)} services: {', '.join(services)})"
        )

    def _repr_html_(self) -> str:
        """Return the times of each service for Jupyter."""
        inside = self.access.index.get_level_values("commune_code").isin(
            self.state.parameters.territory_codes
        )
        rows = []
        for service, rows_of in self.access[inside].groupby(level="service", sort=False):
            kind = "lieu du service nommé" if rows_of["measure"].eq("named").all() else "lieu le plus proche"
            out = int((rows_of["is_reachable"] == False).fillna(False).sum())  # noqa: E712
            median = float(rows_of["travel_time_min"].median())
            rows.append([str(service), kind, _number(median), str(out)])
        count = len(self.state.parameters.territory_codes)
        head = ["Service", "Temps vers", "Temps médian des communes (min)", "Communes hors d'atteinte"]
        return _table(f"Résultats : {count} communes", head, rows)


@dataclass(frozen=True)
class Comparison:
    """A scenario against today, for the authorisations that move.

    Attributes
    ----------
    communes : DataFrame indexed by (commune_code, service)
        baseline_travel_time_min, scenario_travel_time_min, delta_travel_time_min, detectable_min,
        is_distinguishable, is_in_area (within the recruitment limit of today's site), is_in_scenario_area,
        persons, persons_kind, and effect: gain, loss or indistinct for those in the area today; entering for
        those that only the scenario brings within the limit; outside; unknown.
    zones : DataFrame indexed by (zone, service)
        By EPCI, and in all (`territory`): persons and communes of each effect, persons_leaving (losers who
        would be beyond the limit), mean minutes before and after of those in the area today, weighted by
        persons, and the commune that loses most.
    sensitivity : DataFrame indexed by (service, recruitment_max_min)
        The same persons under other recruitment limits.
    trips : DataFrame indexed by (zone, service, who)
        The accounts of travel of one child in a year: ``baseline_``, ``scenario_`` and ``delta_`` of each quantity of
        `Results.trips`, averaged over the persons of today's area.
    by_commune : DataFrame indexed by (commune_code, service)
        Table `comparison`: every service, those that do not move included (see
        `territory.scenario.comparison.compare`).
    deserts : DataFrame indexed by (commune_code, scheme)
        baseline_desert_class, scenario_desert_class, is_changed.
    counting, measuring
        Give `councils` and `measures`, which take half of the time and are not always wanted.
    """

    scenario_id: str
    name: str
    services: tuple[str, ...]
    communes: pd.DataFrame
    zones: pd.DataFrame
    sensitivity: pd.DataFrame
    trips: pd.DataFrame
    by_commune: pd.DataFrame
    deserts: pd.DataFrame
    counting: Callable[[], pd.DataFrame]
    measuring: Callable[[], pd.DataFrame]

    @cached_property
    def councils(self) -> pd.DataFrame:
        """Gainers, losers, worst loss of each council, by (service, level, zone); computed when first asked for."""
        return self.counting()

    @cached_property
    def measures(self) -> pd.DataFrame:
        """Every measure of every service, by (level, zone, service, measure); computed when first asked for."""
        return self.measuring()

    def named(self, scenario_id: str, name: str) -> Comparison:
        """Return the same comparison under the name of its scenario."""
        return replace(self, scenario_id=scenario_id, name=name)

    def __repr__(self) -> str:
        """Return the scenario and the authorisations that move."""
        return f"Comparison({self.scenario_id!r}, moved: {', '.join(self.services) or 'none'})"

    def _repr_html_(self) -> str:
        """Return in how many communes the trip becomes shorter or longer, for Jupyter; no person is counted."""
        zones = self.zones
        whole = zones[zones.index.get_level_values("zone") == "territory"].droplevel("zone")
        rows = [
            [
                str(service),
                *(str(int(row[column])) for column in _CARD_EFFECTS),
                _number(float(row["worst_loss_min"])),
            ]
            for service, row in whole.iterrows()
        ]
        title = f"Scénario {self.scenario_id} : {self.name}" if self.name else "Comparaison"
        head = ["Service déplacé", *_CARD_EFFECTS.values(), "plus grand allongement (min)"]
        note = "<p>Nombre de communes. Les personnes concernées sont dans le rapport et les tables de l'étude.</p>"
        return _table(title, head, rows) + note


def _table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table."""
    top = "".join(f"<th scope='col'>{html.escape(cell)}</th>" for cell in head)
    body = "".join(
        "<tr>"
        + f"<th scope='row' style='text-align:left'>{html.escape(first)}</th>"
        + "".join(f"<td>{html.escape(cell)}</td>" for cell in rest)
        + "</tr>"
        for first, *rest in rows
    )
    return f"<table><caption>{html.escape(title)}</caption><tr>{top}</tr>{body}</table>"


def _number(value: float) -> str:
    """Write minutes with one decimal."""
    return "inconnu" if math.isnan(value) else f"{value:.1f}".replace(".", ",")
