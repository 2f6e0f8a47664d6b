"""What pictures, maps and the trial of the summary page show, with no person who may not be counted."""

import base64
import math
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from territory.access.uncertainty import HALF_WIDTHS_PER_SD, MAX_SD
from territory.errors import TerritoryWarning
from territory.network import estimate_model as model
from territory.release.observed_children import MEANS, Merged, of_service
from territory.result import StudyResult
from territory.scenario.doubt.random_errors import doubt_of
from territory.scenario.measures.places import sector_of, sector_reason
from territory.scenario.results import Comparison, Results
from territory.scenario.trial import Outcome
from territory.study.state import State, public_parameters
from territory.study.words.model import NewSite
from territory.supply import rows_serving, sites_serving


@dataclass(frozen=True, eq=False)
class ZoneCounts:
    """One service in one scenario by zone: numbers that are withheld are NaN, and flags say which."""

    zones: pd.DataFrame  # rows of `Comparison.zones`
    is_withheld: pd.DataFrame  # by zone: each effect, leaving and mean
    is_observed: bool  # children served are counted, not persons of the age received
    merged: Merged | None = None  # classes printed as one sum over the whole


def zone_counts(zones: pd.DataFrame, flags: pd.DataFrame | None, merged: Merged | None = None) -> ZoneCounts:
    """Take out of a comparison by zone what flags name; None for what is not of children served."""
    names = [str(name)[8:] for name in zones.columns if str(name).startswith("persons_")]
    withheld = pd.DataFrame(False, index=zones.index, columns=[*names, "mean"])
    if flags is None:
        return ZoneCounts(zones.copy(), withheld, False, merged)
    withheld = flags.reindex(index=zones.index, columns=withheld.columns, fill_value=True).astype(bool)
    of_flag = {f"persons_{name}": name for name in names} | {name: "mean" for name in MEANS if name in zones}
    shown = {column: zones[column].mask(withheld[flag]) for column, flag in of_flag.items()}
    return ZoneCounts(zones.assign(**shown), withheld, True, merged)


def interval_of(row: pd.Series, effect: str) -> tuple[float, float]:
    """Return the ends of the persons of an effect, in a row of a comparison; NaN where there are none."""
    if effect == "indistinct":
        # those whom gains and losses leave, at their most and at their least
        whole = float(row[[f"persons_{name}" for name in ("gain", "loss", effect)]].sum(skipna=False))
        (least, most), (few, many) = interval_of(row, "gain"), interval_of(row, "loss")
        # what sums leave of nobody is nobody
        ends = np.maximum(np.round([whole - most - many, whole - least - few], 6), 0.0)
        return float(ends[0]), float(ends[1])
    low, high = (float(row.get(f"persons_{effect}_{end}", math.nan)) for end in ("low", "high"))
    return low, high


@dataclass(frozen=True, eq=False)
class Situation:
    """Today or a scenario as a map shows it: times, sites and criteria of desert, which are public."""

    communes: gpd.GeoDataFrame  # of the territory
    thresholds_min: tuple[float, ...]
    access: pd.DataFrame  # `Results.access`
    deserts: pd.DataFrame  # `Results.deserts`
    sites: gpd.GeoDataFrame
    services: pd.DataFrame

    @classmethod
    def of(cls, results: Results) -> "Situation":
        """Return what may be shown of results, whatever children they count."""
        state = results.state
        inside = state.communes[state.communes.index.isin(state.parameters.territory_codes)]
        thresholds = tuple(state.parameters.thresholds_min)
        return cls(inside, thresholds, results.access, results.deserts, state.sites, state.services)


@dataclass(frozen=True, eq=False)
class Effects:
    """What a scenario changes as a map or a chart shows it."""

    scenario_id: str
    name: str
    services: tuple[str, ...]
    communes: pd.DataFrame  # `Comparison.communes`, but for persons
    by_zone: Callable[[str], ZoneCounts]  # of a service

    @classmethod
    def of(cls, comparison: Comparison, by_zone: Callable[[str], ZoneCounts] | None = None) -> "Effects":
        """Return what may be shown of a comparison; by itself, nothing of a service whose children are counted."""

        def alone(service: str) -> ZoneCounts:
            rows = of_service(comparison.communes, service)
            is_observed = bool(rows["persons_kind"].eq("observed").any())
            # no flag is no permission: sums are protected with all the others of their study, or not printed
            return zone_counts(of_service(comparison.zones, service), pd.DataFrame() if is_observed else None)

        communes = comparison.communes.drop(columns="persons")
        names = (comparison.scenario_id, comparison.name, comparison.services)
        return cls(*names, communes, by_zone or alone)


@dataclass(frozen=True, eq=False)
class Tried:
    """What a trial by hand gives; persons, means and places per person are None where children are counted."""

    site: NewSite | None
    today: "Situation"
    later: "Situation"
    effects: "Effects"
    figures: pd.Series | None
    coverage: pd.DataFrame
    capacity_per_1000: tuple[float, float]

    @classmethod
    def of(cls, outcome: Outcome) -> "Tried":
        """Return what may be shown of a trial: a panel protects no sum with those of the study."""
        is_observed = bool(outcome.baseline.persons["persons_kind"].eq("observed").any())
        return cls(
            outcome.site,
            Situation.of(outcome.baseline),
            Situation.of(outcome.results),
            Effects.of(outcome.comparison),
            None if is_observed else outcome.figures,
            outcome.coverage.iloc[:0] if is_observed else outcome.coverage,
            (float("nan"), float("nan")) if is_observed else outcome.capacity_per_1000,
        )


# beyond, a trial would no longer be answered at once, nor its page be light
MOST_COMMUNES = 1_500
_OF_WAYS = (
    "REFERENCE_DENSITY_HAB_KM2",
    "MINIMUM_DISTANCE_KM",
    "START_KM",
    "APPROACH_KM",
    "SLOWNESS_KM",
    "STREETS_KM",
    "DEFAULT_AREA_KM2",
)
_OF_PLACE = ("x_km", "y_km", "density_hab_km2", "area_km2", "slowness", "is_measured")


def why_no_trial(result: StudyResult) -> str:
    """Say why a page computes no trial, in French; empty when it can."""
    state = result.baseline.state
    instead = "essayez dans Jupyter (territory.plot.explore) ou avec un fichier d'étude"
    if len(state.communes) > MOST_COMMUNES:
        return f"l'étude a {len(state.communes)} communes, plus de {MOST_COMMUNES} ; {instead}"
    if result.times_method != "estimate" or "travel_time_spread_min" in state.travel_times:
        return (
            "les temps de cette étude viennent d'une carte routière, d'une table ou des carreaux des communes, que "
            f"la page n'a pas ; {instead}"
        )
    return "" if _tried(state) else "l'étude ne nomme aucun service dont les personnes se comptent par âge"


def trial_data(result: StudyResult) -> dict[str, Any]:
    """Return all that a trial is computed from; services whose children are observed, not estimated, are left out."""
    study, state, parameters = result.study, result.baseline.state, result.baseline.state.parameters
    doubt = doubt_of(state, seed=study.seed, options=study.uncertainty)
    communes, tried = state.communes.loc[doubt.communes], _tried(state)
    sites = state.sites.loc[list(dict.fromkeys(site for held in tried.values() for site in held))]
    with warnings.catch_warnings():
        # said when the study was computed
        warnings.simplefilter("ignore", TerritoryWarning)
        start, end = model.read_places(communes, sites, terrain=parameters.terrain)
    at = communes.index.get_indexer(pd.Index(end.commune_codes))
    return {
        "codes": list(doubt.communes),
        "places": [_packed(getattr(start, name)) for name in _OF_PLACE],
        "people": _packed(communes["population"]),
        "arrivals": doubt.epci.tolist(),
        "sites": {
            str(name): [int(at[i]), *(_number(getattr(end, column)[i]) for column in _OF_PLACE)]
            for i, name in enumerate(end.ids)
        },
        "services": [_service(result, doubt.communes, name, held) for name, held in tried.items()],
        "model": list(asdict(model.coefficients()).values()),
        "doubts": [list(asdict(model.doubt(known)).values()) for known in ("measured", "terrain")],
        "doubt_power": model.DOUBT_POWER,
        "ways": [*model.DENSITY_BOUNDS_HAB_KM2, *(getattr(model, name) for name in _OF_WAYS)],
        "is_measured": parameters.terrain is None,
        "cutoff": _number(state.travel_times.attrs.get("cutoff_min", math.nan)),
        "law": {
            # words of 32 bits, as `numpy.random.SeedSequence` reads them
            "seed": [study.seed >> bit & 0xFFFFFFFF for bit in range(0, max(study.seed.bit_length(), 1), 32)],
            "draws": doubt.draws,
            "interval": study.uncertainty.level,
            "parts": {**asdict(doubt.parts), "pair_share": doubt.parts.pair_share},
            "half_widths": HALF_WIDTHS_PER_SD,
            "most": MAX_SD,
            "told": parameters.told_level,
        },
        "limit": parameters.recruitment_max_min,
        "study": public_parameters(study, as_written=True),
    }


def _tried(state: State) -> dict[str, list[str]]:
    """Return the named services that may be tried, each with its sites."""
    held = {one.id: list(sites_serving(state.services, one.id)) for one in state.parameters.authorisations}
    return {
        name: sites
        for name, sites in held.items()
        if sites and not sector_reason(state, name) and state.children_served({name}) is None
    }


def _service(result: StudyResult, order: "pd.Index[str]", name: str, sites: list[str]) -> dict[str, Any]:
    """Return one service: its sites, its places, who is of its area whatever the time, and persons of its age."""
    state = result.baseline.state
    rows, sector = rows_serving(state.services, name), sector_of(state, name)
    return {
        "id": name,
        "sites": sites,
        "places": _number(float(rows["capacity"].iloc[0])) if len(rows) == 1 else None,
        "persons": _packed(result.baseline.persons["persons"].xs(name, level="service").reindex(order)),
        "sector": None if sector is None else sector.reindex(order).astype(int).tolist(),
    }


def _packed(values: Any) -> str:
    """Return numbers as base64, eight bytes each."""
    return base64.b64encode(np.asarray(values, dtype="<f8").tobytes()).decode()


def _number(value: float) -> float | None:
    """Return a number, None where it is unknown."""
    return None if math.isnan(value) else float(value)
