"""The comparison of scenarios as tables that may leave the agency."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from territory.release.disclosure import SUPPRESSED, THRESHOLD, estimate_texts, is_small, withholds
from territory.scenario.comparison.scenarios_side_by_side import side_by_side
from territory.scenario.zones import ALL_TERRITORY

if TYPE_CHECKING:
    from territory.result import StudyResult

SMALL = f"< {THRESHOLD}"
KEYS = ["level", "zone", "service", "measure"]
# decimals that a unit can bear
DECIMALS = {
    "min": 1,
    "km": 1,
    "share": 4,
    "index": 4,
    "per_1000": 2,
    "persons": 0,
    "hab": 0,
    "eur": 0,
    "kg": 0,
}


def comparison_tables(result: StudyResult) -> dict[str, pd.DataFrame]:
    """Return the tables of the comparison that are handed over, by file name, small counts withheld."""
    if not result.comparisons:
        return {}
    found = {
        "comparaison_mesures": _measures(result),
        "comparaison_mesures_communes": _communes(result),
        "comparaison_conseils": _councils(result),
        "comparaison_deserts": _deserts(result),
        "scenarios_cote_a_cote": published_side_by_side(result, with_draws=True),
        "comptes_de_trajets": result.account_terms.reset_index(),
        "attentes": result.waits.reset_index(),
        "batiments": _buildings(result),
    }
    return {name: table for name, table in found.items() if len(table)}


def published_side_by_side(result: StudyResult, *, with_draws: bool = False) -> pd.DataFrame:
    """Return every scenario beside today as it may leave the agency: flat, one block of columns per scenario."""
    draws = result.draws if with_draws else None
    wide = result.side_by_side if draws is None else side_by_side(result.comparisons, draws=draws.comparisons)
    unit = wide["today", "unit"]
    secret = wide.index.get_level_values("service").isin(observed_services(result))
    blocks = {}
    values = {name: wide[name, "value"] for name in ("today", *result.comparisons)}
    small = {name: _is_small(column, unit) for name, column in values.items()}
    for name, column in values.items():
        hidden = small[name] | secret
        reason = pd.Series("", index=wide.index) if name == "today" else wide[name, "reason"]
        note = reason.mask(small[name], SMALL).mask(secret, SUPPRESSED)
        blocks[f"{name}_value"] = _rounded(column.mask(hidden), unit)
        if name != "today":
            # a difference would give a withheld side back
            delta = wide[name, "delta"].mask(hidden | small["today"])
            blocks[f"{name}_delta"] = _rounded(delta, unit)
            told = wide[name, "is_distinguishable"].mask(secret)
            blocks[f"{name}_is_distinguishable"] = told.astype("boolean")
            for column_name in wide[name].columns.difference(
                ["value", "delta", "is_distinguishable", "reason"]
            ):
                drawn = wide[name, column_name].mask(hidden | small["today"])
                is_delta = str(column_name).startswith("delta")
                blocks[f"{name}_{column_name}"] = _rounded(drawn, unit) if is_delta else drawn.round(3)
        blocks[f"{name}_note"] = note.astype("str")
    flat = pd.DataFrame({"unit": unit, **blocks}).reset_index()
    flat.insert(2, "zone_name", zone_names(result, flat["zone"]))
    return flat


def observed_services(result: StudyResult) -> Collection[str]:
    """Return the authorisations whose counts are of real children and withheld: none in the internal edition."""
    if not withholds():
        return set()
    persons = result.baseline.persons
    observed = persons.index[persons["persons_kind"] == "observed"]
    return set(observed.get_level_values("service"))


def zone_names(result: StudyResult, zones: pd.Series) -> list[str]:
    """Return the name of each zone: « Ensemble », an EPCI, a commune, a département by its code."""
    communes = result.baseline.state.communes
    known = dict(zip(communes["epci_code"], communes["epci_name"], strict=True))
    known |= {ALL_TERRITORY: "Ensemble", **communes["name"].to_dict()}
    known |= {code: f"Département {code}" for code in communes["departement_code"].unique()}
    return [str(known.get(zone, zone)) for zone in zones]


def _measures(result: StudyResult) -> pd.DataFrame:
    """Return every measure of every scenario, one under the other."""
    observed = observed_services(result)
    blocks = []
    for name, comparison in result.comparisons.items():
        table = comparison.measures.reset_index()
        secret = table["service"].isin(observed)
        small = {side: _is_small(table[side], table["unit"]) for side in ("baseline", "scenario")}
        either = small["baseline"] | small["scenario"]
        note = table["reason"].mask(either, SMALL).mask(secret, SUPPRESSED)
        values = {
            f"{side}_value": _rounded(table[side].mask(secret | small.get(side, either)), table["unit"])
            for side in ("baseline", "scenario", "delta")
        }
        told = table["is_distinguishable"].mask(secret).astype("boolean")
        extra = table.columns.difference(
            [*KEYS, "unit", "baseline", "scenario", "delta", "is_distinguishable", "reason"]
        )
        drawn = {column: table[column].mask(secret | either) for column in extra}
        flat = table[[*KEYS, "unit"]].assign(**values, is_distinguishable=told, **drawn, note=note)
        flat.insert(0, "scenario", name)
        flat.insert(3, "zone_name", zone_names(result, flat["zone"]))
        blocks.append(flat)
    return pd.concat(blocks, ignore_index=True)


def _communes(result: StudyResult) -> pd.DataFrame:
    """Return the measures of each commune and service where one of them changes."""
    observed = observed_services(result)
    blocks = []
    for name, comparison in result.comparisons.items():
        table = comparison.by_commune
        is_changed = table.filter(like="delta_").fillna(0.0).ne(0).any(axis=1)
        # beyond the largest threshold on both sides, nobody comes
        is_near = table[["baseline_within_min", "scenario_within_min"]].notna().any(axis=1)
        table = table[is_changed & is_near].reset_index()
        persons = [f"{side}_unmet_persons" for side in ("baseline", "scenario", "delta")]
        counts = table[persons]
        small = counts.apply(is_small)
        hidden = table["service"].isin(observed) | small.any(axis=1)
        # one side and the difference would give the other side back
        table[persons] = counts.mask(hidden)
        table["unmet_note"] = np.where(hidden & counts.notna().any(axis=1), SMALL, "")
        table = table.round({str(column): 1 for column in table if str(column).endswith("_min")})
        table.insert(0, "scenario", name)
        table.insert(2, "commune_name", zone_names(result, table["commune_code"]))
        blocks.append(table)
    return pd.concat(blocks, ignore_index=True)


def _councils(result: StudyResult) -> pd.DataFrame:
    """Return gainers and losers of every council, persons as texts."""
    observed = observed_services(result)
    blocks = []
    for name, comparison in result.comparisons.items():
        table = comparison.councils.reset_index()
        secret = table["service"].isin(observed)
        for column in [c for c in table.columns if c.startswith("persons_")]:
            table[column] = estimate_texts(table[column]).mask(secret, SUPPRESSED)
        table["worst_loss_min"] = table["worst_loss_min"].round(1)
        table.insert(0, "scenario", name)
        table.insert(4, "zone_name", zone_names(result, table["zone"]))
        blocks.append(table)
    return pd.concat(blocks, ignore_index=True)


def _deserts(result: StudyResult) -> pd.DataFrame:
    """Return the communes whose class of desert changes."""
    blocks = []
    for name, comparison in result.comparisons.items():
        changed = comparison.deserts[comparison.deserts["is_changed"]].reset_index()
        changed.insert(0, "scenario", name)
        changed.insert(2, "commune_name", zone_names(result, changed["commune_code"]))
        blocks.append(changed.drop(columns="is_changed"))
    return pd.concat(blocks, ignore_index=True)


def _buildings(result: StudyResult) -> pd.DataFrame:
    """Return what buildings cost in a year, to the euro; per child only where the children may be counted."""
    table = result.buildings.reset_index()
    if "children_accompanied" in table:
        # the cost and the cost per child give the children back
        small = table["children_accompanied"].lt(THRESHOLD) & withholds()
        secret = [str(name) for name in table if "child" in str(name)]
        table[secret] = table[secret].mask(small)
    yearly = [str(name) for name in table if str(name).startswith(("annuity_", "net_", "per_child_"))]
    return table.round(dict.fromkeys(yearly, 0))


def _is_small(values: pd.Series, unit: pd.Series) -> pd.Series:
    """Return where a count of persons is under the threshold without being 0."""
    return unit.eq("persons") & is_small(values)


def _rounded(values: pd.Series, unit: pd.Series) -> pd.Series:
    """Round each value to what its unit can bear."""
    digits = unit.map(DECIMALS).fillna(3).to_numpy(int)
    factor = 10.0**digits
    numbers = values.to_numpy(float)
    return pd.Series(np.floor(numbers * factor + 0.5) / factor, index=values.index)
