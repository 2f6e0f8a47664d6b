"""What the summary page needs to compute a trial as Python does: places, persons of an age, and the law of errors."""

from __future__ import annotations

import base64
import math
import warnings
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from territory.access.uncertainty import HALF_WIDTHS_PER_SD, MAX_SD
from territory.errors import TerritoryWarning
from territory.network import estimate_model as model
from territory.scenario.doubt.random_errors import doubt_of
from territory.scenario.measures.places import sector_of, sector_reason
from territory.study.secrecy import public_parameters
from territory.supply import rows_serving, sites_serving

if TYPE_CHECKING:
    from collections.abc import Mapping

    from territory.result import StudyResult
    from territory.study.state import State

# beyond, a trial would no longer be answered at once, nor its page be light
MOST_COMMUNES = 1_500


def why_no_trial(result: StudyResult) -> str:
    """Say why a page computes no trial, in French; empty when it can."""
    state = result.baseline.state
    if len(state.communes) > MOST_COMMUNES:
        return (
            f"l'étude a {len(state.communes)} communes, la page n'en calcule que {MOST_COMMUNES} au plus ; "
            "essayez dans Jupyter (territory.plot.explore) ou avec un fichier d'étude"
        )
    if result.times_method != "estimate" or "travel_time_spread_min" in state.travel_times:
        return (
            "les temps de cette étude viennent d'une carte routière, d'une table ou des carreaux des communes, que "
            "la page n'a pas ; essayez dans Jupyter (territory.plot.explore) ou avec un fichier d'étude"
        )
    return "" if _tried(state) else "l'étude ne nomme aucun service dont les personnes se comptent par âge"


def trial_data(result: StudyResult) -> dict[str, Any]:
    """Return all that a trial is computed from, arrays as base64 in the order of the codes of communes.

    Persons are estimates of an age, from the census: services whose children are observed are left out.
    """
    state, parameters = result.baseline.state, result.baseline.state.parameters
    doubt = doubt_of(state, seed=result.study.seed, options=result.study.uncertainty)
    communes = state.communes.loc[doubt.communes]
    tried = _tried(state)
    sites = state.sites.loc[list(dict.fromkeys(site for held in tried.values() for site in held))]
    with warnings.catch_warnings():
        # said when the study was computed
        warnings.simplefilter("ignore", TerritoryWarning)
        start, end, _ = model.read_places(communes, sites, terrain=parameters.terrain)
    least, most = (list(asdict(model.doubt(known)).values()) for known in ("measured", "terrain"))
    columns = ("x_km", "y_km", "density_hab_km2", "area_km2", "slowness", "is_measured")
    at = communes.index.get_indexer(pd.Index(end.commune_codes))
    return {
        "codes": list(doubt.communes),
        "places": [packed(getattr(start, name)) for name in columns],
        "people": packed(communes["population"]),
        "arrivals": doubt.epci.tolist(),
        "sites": {
            str(name): [int(at[i]), *(_number(getattr(end, column)[i]) for column in columns)]
            for i, name in enumerate(end.ids)
        },
        "services": [_service(result, name, held) for name, held in tried.items()],
        "model": list(asdict(model.coefficients()).values()),
        "doubts": [least, most],
        "ways": {
            "bounds": model.DENSITY_BOUNDS_HAB_KM2,
            "reference": model.REFERENCE_DENSITY_HAB_KM2,
            "least_km": model.MINIMUM_DISTANCE_KM,
            "felt_km": (model.APPROACH_KM, model.STREETS_KM),
            "area_km2": model.DEFAULT_AREA_KM2,
            "is_measured": parameters.terrain is None,
            "cutoff": _number(state.travel_times.attrs.get("cutoff_min", math.nan)),
        },
        "law": {
            "seed": [result.study.seed >> 32 * i & 0xFFFFFFFF for i in range(_words(result.study.seed))],
            "draws": doubt.draws,
            "interval": result.study.uncertainty.level,
            "parts": {**asdict(doubt.parts), "pair_share": doubt.parts.pair_share},
            "half_widths": HALF_WIDTHS_PER_SD,
            "most": MAX_SD,
            "told": parameters.told_level,
        },
        "limit": parameters.recruitment_max_min,
        "study": public_parameters(result.study, as_written=True),
    }


def _tried(state: State) -> Mapping[str, list[str]]:
    """Return the named services that may be tried, each with its sites."""
    held = {one.id: sites_serving(state.services, one.id) for one in state.parameters.authorisations}
    return {
        name: list(sites)
        for name, sites in held.items()
        if sites and not sector_reason(state, name) and state.children_served({name}) is None
    }


def _service(result: StudyResult, name: str, sites: list[str]) -> dict[str, Any]:
    """Return one service: its sites, its places, who is of its area whatever the time, and persons of its age."""
    state = result.baseline.state
    rows, order = rows_serving(state.services, name), sorted(state.communes.index)
    sector = sector_of(state, name)
    capacity = float(rows["capacity"].iloc[0]) if len(rows) == 1 else math.nan
    return {
        "id": name,
        "sites": sites,
        "places": _number(capacity),
        "persons": packed(result.baseline.persons["persons"].xs(name, level="service").reindex(order)),
        "sector": None if sector is None else sector.reindex(order).astype(int).tolist(),
    }


def packed(values: Any) -> str:
    """Return numbers as base64, eight bytes each."""
    return base64.b64encode(np.asarray(values, dtype="<f8").tobytes()).decode()


def _number(value: float) -> float | None:
    """Return a number, None where it is unknown."""
    return None if math.isnan(value) else float(value)


def _words(seed: int) -> int:
    """Return how many words of 32 bits a seed takes, as `numpy.random.SeedSequence` reads it."""
    return max(1, -(-seed.bit_length() // 32))
