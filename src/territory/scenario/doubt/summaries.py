"""What the draws of a study come down to: intervals, and the share of draws in which a class holds."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from territory.access.catchments.floating_catchment import APL_NAME
from territory.access.deserts import IN_DESERT, NOT_COMPUTABLE, OUT_OF_DESERT, class_labels
from territory.access.uncertainty import DOUBTFUL, SURE, triangular
from territory.scenario.doubt.random_errors import Doubt, Floats, GpPlan, ends_of
from territory.scenario.measures.deserts import PUBLISHED, lacking_lists
from territory.scenario.results import Results
from territory.scenario.zones import ALL_TERRITORY
from territory.study.state import State
from territory.study.words.indicators import DesertCriterion
from territory.tables.catalogue import WITHIN_SHARES

Statuses: TypeAlias = "dict[str, NDArray[np.int8]]"

# statuses as small numbers: a draw has hundreds of thousands of them
OUT, IN, UNKNOWN = np.int8(0), np.int8(1), np.int8(2)
_CODES = {OUT_OF_DESERT: OUT, IN_DESERT: IN, NOT_COMPUTABLE: UNKNOWN}


def of_times(baseline: Results, doubt: Doubt, times: Mapping[str, Floats], level: float) -> pd.DataFrame:
    """Return the interval of each time of the communes of the territory."""
    rows = _rows_inside(baseline.state, doubt)
    blocks = []
    for service, drawn in times.items():
        central = baseline.access.xs(service, level="service").reindex(doubt.communes[rows])
        values = drawn[rows]
        values = np.where(central["is_reachable"].isna().to_numpy()[:, None], np.nan, values)
        low, high = ends_of(values, level)
        found = pd.DataFrame(central[["travel_time_min"]], dtype=float).assign(low_min=low, high_min=high)
        blocks.append(under(found, {"commune_code": found.index, "service": [service]}))
    return together(blocks)


def of_coverage(baseline: Results, doubt: Doubt, times: Mapping[str, Floats], level: float) -> pd.DataFrame:
    """Return the interval of the share of inhabitants within each threshold of the closest services."""
    state = baseline.state
    if baseline.coverage.empty:
        return pd.DataFrame()
    names, hab = _zone_hab(state, doubt)
    # persons of each zone, as shares of it
    total = hab.sum(axis=1, keepdims=True)
    share = hab / np.where(total > 0, total, np.nan)
    blocks = []
    for service in baseline.coverage.index.get_level_values("service").unique():
        central = baseline.coverage.xs(service, level="service").reindex(names)
        for threshold in state.parameters.thresholds_min:
            low, high = ends_of(share @ (times[str(service)] <= threshold), level)
            known = central[WITHIN_SHARES.name(threshold_min=float(threshold))].to_numpy(float)
            table = pd.DataFrame({"share": known, "low_share": low, "high_share": high})
            keys = {"zone": names, "service": [str(service)], "threshold_min": [threshold]}
            blocks.append(under(table, keys))
    return pd.concat(blocks)


def of_needs(state: State, doubt: Doubt, level: float) -> pd.DataFrame:
    """Return the interval of each need by zone: all communes are at one quantile of their triangular law."""
    if state.demand.empty:
        return pd.DataFrame()
    # the very draws of a quantile: the same for every commune and public
    quantiles = np.sort(np.random.default_rng([doubt.seed, 5]).random(doubt.draws))
    places = [max(int(np.ceil(tail * doubt.draws)) - 1, 0) for tail in ((1 - level) / 2, (1 + level) / 2)]
    found = {}
    for public in state.demand.index.get_level_values("public").unique():
        rows = _at(state.demand, "public", str(public), doubt)
        # the triangular law between low, central and high; central without range
        mode = rows["demand"].to_numpy(np.float64)
        least, most = (
            rows[name].fillna(rows["demand"]).to_numpy(np.float64) for name in ("demand_low", "demand_high")
        )
        ends = np.minimum(least, mode), mode, np.maximum(most, mode)
        low, high = (triangular(quantiles[place], *ends) for place in places)
        for zone, here in _zones(state, doubt):
            known = rows["demand"].notna().to_numpy()
            found[zone, public] = {
                "demand": rows["demand"].to_numpy(float)[here & known].sum(),
                "low": low[here & known].sum(),
                "high": high[here & known].sum(),
                "kind": rows["kind"].dropna().iloc[0],
            }
    table = pd.DataFrame.from_dict(found, orient="index")
    return table.set_axis(pd.MultiIndex.from_tuples(found, names=["zone", "public"]))


def of_gp_access(
    baseline: Results, doubt: Doubt, drawn: Floats, plan: GpPlan | None, level: float
) -> pd.DataFrame:
    """Return the interval of the access to GPs of the communes of the territory."""
    if plan is None:
        return pd.DataFrame()
    rows = _rows_inside(baseline.state, doubt)
    codes = doubt.communes[rows]
    low, high = ends_of(drawn[rows], level)
    table = pd.DataFrame({"value": baseline.gp_access[plan.name].reindex(codes), "unit": plan.name})
    return table.assign(low=low, high=high).rename_axis("commune_code")


def draw_statuses(
    baseline: Results, doubt: Doubt, times: Mapping[str, Floats], gps: Floats, plan: GpPlan | None
) -> Statuses:
    """Return the status of every commune for each criterion in each draw, communes x draws."""
    found: Statuses = {}
    for scheme in baseline.state.parameters.deserts:
        for one in scheme.criterion:
            rows = _at(baseline.deserts, "criterion", one.id, doubt)
            if rows["figure_basis"].eq(PUBLISHED).any():
                # a published figure is the same in every draw
                codes = rows["status"].map(_CODES).to_numpy(np.int8)
                found[one.id] = np.repeat(codes[:, None], gps.shape[1], axis=1)
            elif one.is_of_gps and plan is not None and plan.name == APL_NAME:
                found[one.id] = np.where(gps < one.threshold, IN, OUT)
            elif one.measure == "time" and one.id in times:
                found[one.id] = _time_status(baseline.state, doubt, one, rows, times[one.id])
            else:
                found[one.id] = np.full(gps.shape, UNKNOWN)
    return found


def of_deserts(baseline: Results, doubt: Doubt, statuses: Statuses, sure_share: float) -> pd.DataFrame:
    """Return how often each commune keeps its status under each criterion."""
    inside = _rows_inside(baseline.state, doubt)
    blocks = []
    for criterion, drawn in statuses.items():
        rows = baseline.deserts.xs(criterion, level="criterion").reindex(doubt.communes[inside])
        codes = rows["status"].map(_CODES).to_numpy(np.int8)
        table = _stability(rows["status"], drawn[inside] == codes[:, None], sure_share, "status")
        blocks.append(under(table, {"commune_code": table.index, "criterion": [criterion]}))
    return together(blocks)


def of_classes(baseline: Results, doubt: Doubt, statuses: Statuses, sure_share: float) -> pd.DataFrame:
    """Return how often each commune keeps its class under each scheme."""
    inside = _rows_inside(baseline.state, doubt)
    blocks = []
    for scheme in baseline.state.parameters.deserts:
        drawn = np.stack([statuses[one.id][inside] for one in scheme.criterion])
        labels = class_labels(len(scheme.criterion))
        position = np.where((drawn == UNKNOWN).any(axis=0), len(labels) - 1, (drawn == IN).sum(axis=0))
        first = baseline.deserts.xs(scheme.criterion[0].id, level="criterion")
        classes = first["desert_class"].reindex(doubt.communes[inside])
        same = position == classes.map({label: n for n, label in enumerate(labels)}).to_numpy(int)[:, None]
        table = _stability(classes, same, sure_share, "class")
        blocks.append(under(table, {"commune_code": table.index, "scheme": [scheme.id]}))
    return together(blocks)


def of_population(baseline: Results, doubt: Doubt, statuses: Statuses, level: float) -> pd.DataFrame:
    """Return the interval of the inhabitants in the desert for each criterion, by zone."""
    names, hab = _zone_hab(baseline.state, doubt)
    blocks = []
    for criterion, drawn in statuses.items():
        central = baseline.deserts.xs(criterion, level="criterion")["status"].reindex(doubt.communes)
        people = hab @ central.eq(IN_DESERT).to_numpy(np.float64)
        # a draw in which a commune is unknown says nothing of the whole
        unknown = (hab > 0).astype(np.float64) @ (drawn == UNKNOWN) > 0
        low, high = ends_of(np.where(unknown, np.nan, hab @ (drawn == IN)), level)
        is_unknown = (hab > 0) @ central.eq(NOT_COMPUTABLE).to_numpy(np.float64) > 0
        found = {"population_hab": np.where(is_unknown, np.nan, people), "low_hab": low, "high_hab": high}
        blocks.append(under(pd.DataFrame(found), {"zone": names, "criterion": [criterion]}))
    return together(blocks)


def under(table: pd.DataFrame, keys: Mapping[str, Any]) -> pd.DataFrame:
    """Return a table whose index is the product of some keys, by name."""
    return table.set_axis(pd.MultiIndex.from_product(list(keys.values()), names=list(keys)))


def together(blocks: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Return blocks as one table, empty without any."""
    listed = [block for block in blocks if len(block)]
    return pd.concat(listed) if listed else pd.DataFrame()


def _time_status(
    state: State, doubt: Doubt, one: DesertCriterion, rows: pd.DataFrame, drawn: Floats
) -> NDArray[np.int8]:
    """Return the status of a criterion of time in each draw, by the rules of `territory.scenario.measures.deserts`."""
    near = drawn <= one.threshold
    beyond = UNKNOWN if lacking_lists(state, one) else IN
    status = np.where(near, OUT, beyond)
    if state.edge_time_min is not None:
        edge = state.edge_time_min.reindex(doubt.communes).le(one.threshold).to_numpy(bool)
        status = np.where(~near & edge[:, None], UNKNOWN, status)
    # a time that nobody knows is not drawn
    unknown = (rows["status"].eq(NOT_COMPUTABLE) & rows["reason"].eq("temps inconnu")).to_numpy(bool)
    status[unknown] = UNKNOWN
    return np.asarray(status, dtype=np.int8)


def _stability(
    central: "pd.Series[str]", same: NDArray[np.bool_], sure_share: float, what: str
) -> pd.DataFrame:
    """Return what a commune is without doubt on the inputs, and how often it stays so."""
    share = same.mean(axis=1)
    verdict = np.where(share >= sure_share, SURE, DOUBTFUL)
    known = ~central.eq(NOT_COMPUTABLE).to_numpy(bool)
    name = "desert_class" if what == "class" else what
    columns = {
        name: central,
        f"same_{what}_share": np.where(known, share, np.nan),
        "verdict": np.where(known, verdict, NOT_COMPUTABLE),
    }
    return pd.DataFrame(columns, index=central.index)


def _at(table: pd.DataFrame, level: str, key: str, doubt: Doubt) -> pd.DataFrame:
    """Return the rows of one key, every commune once."""
    return pd.DataFrame(table.xs(key, level=level)).reindex(doubt.communes)


def _rows_inside(state: State, doubt: Doubt) -> NDArray[np.intp]:
    """Return the positions of the communes of the territory."""
    return np.flatnonzero(doubt.communes.isin(list(state.parameters.territory_codes)))


def _zone_hab(state: State, doubt: Doubt) -> tuple[list[str], Floats]:
    """Return the zones, and the inhabitants of each commune in each of them (0 elsewhere)."""
    hab = state.communes["population"].reindex(doubt.communes).to_numpy(np.float64)
    placed = list(_zones(state, doubt))
    return [name for name, _ in placed], np.stack([np.where(rows, hab, 0.0) for _, rows in placed])


def _zones(state: State, doubt: Doubt) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Yield the whole territory, then each of its EPCI, with the communes that it holds."""
    inside = doubt.communes.isin(list(state.parameters.territory_codes))
    yield ALL_TERRITORY, inside
    epci = state.communes["epci_code"].reindex(doubt.communes)
    for zone in epci[inside].dropna().unique():
        yield str(zone), inside & epci.eq(zone).fillna(False).to_numpy(bool)
