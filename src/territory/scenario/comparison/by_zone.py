"""Places and deserts of two results, by zone and by commune: what is set side by side, never recomputed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from territory.access.deserts import NOT_COMPUTABLE
from territory.scenario.measures.places import kind_of
from territory.scenario.zones import ALL_TERRITORY, SIDES, zone_levels
from territory.tables.measures import BY_NAME

if TYPE_CHECKING:
    from territory.scenario.results import Results

PLACE_MEASURES = {"access_per_1000": "per_1000", "unmet_persons": "persons"}
COMMUNE_MEASURES = ("travel_time_min", "within_min", *PLACE_MEASURES)


def compare_communes(baseline: Results, scenario: Results, differences: pd.DataFrame) -> pd.DataFrame:
    """Set the measures of every commune and service side by side: the contract table `comparison`."""
    thresholds = np.array([*sorted(baseline.state.parameters.thresholds_min), np.nan])
    places = _sides(baseline, scenario, lambda results: _places_of(results, differences.index))
    values: dict[str, dict[str, np.ndarray]] = {name: {} for name in COMMUNE_MEASURES}
    for side in SIDES:
        times = differences[f"{side}_travel_time_min"].to_numpy(float)
        values["travel_time_min"][side] = times
        rank = np.searchsorted(thresholds[:-1], times)
        values["within_min"][side] = np.where(np.isnan(times), np.nan, thresholds[rank])
        for name in PLACE_MEASURES:
            values[name][side] = places[side][name].to_numpy(float)
    columns: dict[str, np.ndarray] = {}
    for name, sides in values.items():
        columns |= {f"{side}_{name}": sides[side] for side in SIDES}
        columns[f"delta_{name}"] = sides["scenario"] - sides["baseline"]
    told = differences["is_distinguishable"].to_numpy(bool)
    return pd.DataFrame({**columns, "is_distinguishable": told}, index=differences.index)


def place_rows(baseline: Results, scenario: Results) -> pd.DataFrame:
    """Gather access to places (mean weighted by persons) and persons without a place (sum) by zone."""
    index = baseline.places.index.union(scenario.places.index, sort=False)
    if index.empty:
        return pd.DataFrame()
    places = _sides(baseline, scenario, lambda results: results.places.reindex(index))
    table = pd.concat([places[side].add_prefix(f"{side}_") for side in SIDES], axis=1)
    table["persons"] = _persons_of_kind(baseline, index)
    parameters = baseline.state.parameters
    is_local = index.get_level_values("commune_code").isin(parameters.territory_codes)
    named = {authorisation.id for authorisation in parameters.authorisations}
    is_named = index.get_level_values("service").isin(named)
    zones = zone_levels(table[is_local | is_named], baseline.state.communes)
    rows = pd.concat([_gather(zones, name) for name in PLACE_MEASURES], ignore_index=True)
    rows["reason"] = _place_reasons(rows, baseline, scenario)
    is_known = rows[list(SIDES)].notna().any(axis=1)
    # what is nowhere known is said once, for the whole
    return rows[is_known | rows["level"].eq("territory")].reset_index(drop=True)


def desert_rows(baseline: Results, scenario: Results) -> pd.DataFrame:
    """Gather the inhabitants beyond each criterion of desert by zone."""
    blocks = []
    departements = set(baseline.state.communes["departement_code"])
    for scheme in baseline.state.parameters.deserts:
        for criterion in scheme.criterion:
            inhabitants = _sides(baseline, scenario, partial(_inhabitants, scheme.id, criterion.id))
            table = pd.DataFrame({side: counted["value"] for side, counted in inhabitants.items()})
            unknown = pd.concat([counted["unknown"] for counted in inhabitants.values()], axis=1).max(axis=1)
            zones = table.index.to_series()
            levels = np.where(zones.isin(departements), "departement", "epci")
            blocks.append(
                table.assign(
                    level=np.where(zones == ALL_TERRITORY, ALL_TERRITORY, levels),
                    zone=zones,
                    service=scheme.id,
                    measure=BY_NAME["in_desert_hab"].keyed.name(criterion=criterion.id),
                    unit="hab",
                    reason=[
                        f"{count:.0f} habitants : {NOT_COMPUTABLE}" if count else "" for count in unknown
                    ],
                )
            )
    return pd.concat(blocks, ignore_index=True) if blocks else pd.DataFrame()


def compare_deserts(baseline: Results, scenario: Results) -> pd.DataFrame:
    """Set the class of each commune of the territory beside its class in the scenario."""
    classes = _sides(baseline, scenario, _desert_classes)
    table = pd.concat(list(classes.values()), axis=1, keys=[f"{side}_desert_class" for side in SIDES])
    codes = table.index.get_level_values("commune_code")
    table = table[codes.isin(baseline.state.parameters.territory_codes)]
    changed: pd.DataFrame = table.assign(
        is_changed=table["baseline_desert_class"].ne(table["scenario_desert_class"])
    )
    return changed


def _sides(baseline: Results, scenario: Results, read: Callable[[Results], Any]) -> dict[str, Any]:
    """Return what is read of each result, by its side."""
    return {side: read(results) for side, results in zip(SIDES, (baseline, scenario), strict=True)}


def _places_of(results: Results, index: pd.Index) -> pd.DataFrame:
    """Return the measures of places by commune and service: those of the authorisation, or else of its kind."""
    services = index.get_level_values("service")
    named = [authorisation.id for authorisation in results.state.parameters.authorisations]
    kinds = {name: kind_of(results.state.services, name) or name for name in named}
    of_kind = pd.MultiIndex.from_arrays(
        [index.get_level_values("commune_code"), services.map(lambda name: kinds.get(name, name))]
    )
    own: pd.DataFrame = results.places.reindex(index)
    return own.fillna(results.places.reindex(of_kind).set_axis(index))


def _gather(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return one measure of places by zone."""
    keys = [rows[key] for key in ("level", "zone", "service")]
    values = rows[[f"{side}_{name}" for side in SIDES]].set_axis(list(SIDES), axis=1)
    if name == "unmet_persons":
        total = values.groupby(keys, sort=False).sum(skipna=False)
    else:
        weights = rows["persons"]
        mass = values.mul(weights, axis=0).where(weights.ne(0), 0.0)
        persons = weights.groupby(keys, sort=False).sum(skipna=False)
        total = mass.groupby(keys, sort=False).sum(skipna=False).div(persons.where(persons > 0), axis=0)
    return total.reset_index().assign(measure=name, unit=PLACE_MEASURES[name])


def _persons_of_kind(results: Results, index: pd.Index) -> np.ndarray:
    """Return the persons of the age received: those of the first authorisation of each kind."""
    of_kind: dict[str, str] = {}
    for authorisation in results.state.parameters.authorisations:
        of_kind.setdefault(authorisation.id, authorisation.id)
        of_kind.setdefault(kind_of(results.state.services, authorisation.id) or "", authorisation.id)
    services = index.get_level_values("service").map(of_kind)
    keys = pd.MultiIndex.from_arrays([index.get_level_values("commune_code"), services])
    return results.persons["persons"].reindex(keys).to_numpy(float)


def _place_reasons(table: pd.DataFrame, baseline: Results, scenario: Results) -> list[str]:
    """Return why each value is unknown on one side at least."""
    columns = table["measure"].map({"access_per_1000": "access_reason", "unmet_persons": "unmet_reason"})
    keys = pd.MultiIndex.from_arrays([table["service"], columns])

    def reasons(results: Results) -> pd.Series[str]:
        known = results.place_reasons.reset_index().melt("service", var_name="column", value_name="reason")
        return (
            known.set_index(["service", "column"])["reason"].reindex(keys).fillna("aucun service de ce côté")
        )

    sides = [
        np.where(table[side].isna(), why, "") for side, why in _sides(baseline, scenario, reasons).items()
    ]
    return [" ; ".join(dict.fromkeys(text for text in both if text)) for both in zip(*sides, strict=True)]


def _inhabitants(scheme: str, criterion: str, results: Results) -> pd.DataFrame:
    """Return inhabitants in the desert, and those for whom it cannot be said, by zone."""
    shares = results.desert_shares["population_hab"].xs(scheme, level="scheme").unstack("desert_class")
    unknown = shares[f"{criterion} : {NOT_COMPUTABLE}"]
    classes = [name for name in shares if str(name).endswith(NOT_COMPUTABLE) or "critère" in str(name)]
    everybody = shares[[name for name in classes if " : " not in str(name)]].sum(axis=1, skipna=False)
    return pd.DataFrame({"value": shares[criterion].where(unknown < everybody), "unknown": unknown})


def _desert_classes(results: Results) -> pd.Series[str]:
    """Return the class of each commune under each scheme."""
    if results.deserts.empty:
        index = pd.MultiIndex.from_arrays([[], []], names=["commune_code", "scheme"])
        return pd.Series(dtype="str", index=index)
    rows = results.deserts.reset_index("criterion", drop=True).set_index("scheme", append=True)[
        "desert_class"
    ]
    return rows[~rows.index.duplicated()]
