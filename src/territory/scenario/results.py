"""What a computation and a comparison give."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from territory.study.state import State


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
        uncertainty_min, distance_km, is_reachable.
    persons : DataFrame indexed by (commune_code, service)
        For each named authorisation: persons, and persons_kind: `age` (persons of the age received,
        estimated) or `observed` (children served, from the study's own file).
    coverage : DataFrame indexed by (zone, service)
        Inhabitants within each threshold of the closest site, by EPCI of the territory and in all.
    trips : DataFrame indexed by (commune_code, service, who)
        Minutes on the road in a year for one child of the commune, low and high (the round factor's range),
        and kilometres of direct road: child, parent and staff are three accounts, never added up.
    """

    state: State
    access: pd.DataFrame
    persons: pd.DataFrame
    coverage: pd.DataFrame
    trips: pd.DataFrame

    def __repr__(self) -> str:
        """Return what was measured."""
        services = list(self.access.index.get_level_values("service").unique())
        return (
            f"Results({len(self.state.communes)} communes × {len(services)} services: {', '.join(services)})"
        )


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
        Minutes a year for one child, before and after, low and high, averaged over the persons concerned.
    """

    scenario_id: str
    name: str
    services: tuple[str, ...]
    communes: pd.DataFrame
    zones: pd.DataFrame
    sensitivity: pd.DataFrame
    trips: pd.DataFrame

    def named(self, scenario_id: str, name: str) -> Comparison:
        """Return the same comparison under the name of its scenario."""
        return replace(self, scenario_id=scenario_id, name=name)

    def __repr__(self) -> str:
        """Return the scenario and the authorisations that move."""
        return f"Comparison({self.scenario_id!r}, moved: {', '.join(self.services) or 'none'})"

    def _repr_html_(self) -> Any:
        """Return the table by zone for Jupyter."""
        return self.zones.to_html(float_format=lambda value: f"{value:.1f}".replace(".", ","), notebook=True)
