"""Medical zoning simulated from an APL under a dated profile, never a substitute for the arrêté in force."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from territory.access.catchments.floating_catchment import APL_NAME, RECAST_PROFILE, refuse_other_profile
from territory.access.pairs import Floats, read_amounts
from territory.errors import ParameterError, Problems, examples
from territory.tables.arguments import accepting

__all__ = ["DISCLAIMER", "ZONES", "ZONING_PROFILES", "ZoningProfile", "simulate"]

DISCLAIMER = "simulation sans valeur réglementaire"

ZIP_A = "ZIP (zone A)"
ZIP_B = "ZIP (zone B)"
ZAC = "ZAC"
VIGILANCE = "zone de vigilance"
POOL = "vivier (non départagé)"
OUTSIDE = "hors vivier"
UNKNOWN = "non calculable"
ZONES = (ZIP_A, ZIP_B, ZAC, VIGILANCE, POOL, OUTSIDE, UNKNOWN)


@dataclass(frozen=True)
class ZoningProfile:
    """Thresholds of a zoning rule, with its date and its source.

    `zip_max`: highest APL that is zone A by right (consultations per hab, inclusive); `pool_max`: highest APL of
    the vivier (inclusive); `apl_profile`: profile of the APL that they were published with (None = tied to none).
    """

    name: str
    year: int
    zip_max: float
    pool_max: float
    source: str
    apl_profile: str | None = None


ZONING_PROFILES = {
    "zonage_2017": ZoningProfile("zonage_2017", 2017, 2.5, 4.0, "arrêté du 13 novembre 2017", RECAST_PROFILE)
}


@accepting
def simulate(
    apl: "pd.Series[float]",
    population_hab: "pd.Series[float]",
    *,
    profile: str | ZoningProfile,
    zip_quota_hab: float | None = None,
    zac_quota_hab: float | None = None,
) -> pd.DataFrame:
    """Simulate the zone of each territoire de vie-santé; the zone in force is the arrêté of the ARS, read as data.

    Parameters
    ----------
    apl
        APL by territoire de vie-santé (consultations per hab). NaN = unknown. Its attribute `profile` must be that of
        the thresholds.
    population_hab
        Inhabitants of each territory (hab).
    profile
        Name in `ZONING_PROFILES` ("zonage_2017"), or a `ZoningProfile` with the parameters of a later rule.
    zip_quota_hab, zac_quota_hab
        Inhabitants that the region may put in zone B, then in ZAC, from the vivier. None: the vivier is left undivided.

    Returns
    -------
    DataFrame
        region, population_hab, apl_consultations_per_hab, zone (one of `ZONES`),
        distance_to_zip_consultations_per_hab (APL minus the threshold of zone A) and mention, which is always
        « simulation sans valeur réglementaire ».

    Raises
    ------
    ParameterError
        If the profile is unknown, the series is not an APL or one under another profile, or a population or a quota
        is missing or negative.

    Notes
    -----
    zonage_2017: APL <= 2.5 is zone A; 2.5 < APL <= 4 is the vivier, taken by growing APL (then by code) while the quota
    holds; above 4 is outside. ARS rank the vivier with criteria of their own: docs/method/acces-zonage.md.

    Examples
    --------
    >>> apl = pd.Series({"T1": 2.5, "T2": 4.1}, name="apl_consultations_per_hab")
    >>> simulate(apl, pd.Series({"T1": 900.0, "T2": 800.0}), profile="zonage_2017")["zone"].to_dict()
    {'T1': 'ZIP (zone A)', 'T2': 'hors vivier'}
    """
    rule = _profile(profile)
    if apl.name not in (None, "apl", APL_NAME):
        said = f"« {apl.name} » n'est pas une APL : ses seuils ne s'y appliquent pas"
        raise ParameterError(f"{said} (il faut une population standardisée par l'âge et une activité).")
    threshold = f"Zonage simulé : ce que fixe « {rule.name} »"
    refuse_other_profile(apl.attrs.get("profile"), rule.apl_profile, threshold)
    table = _table(apl, population_hab)
    values, people = table[APL_NAME].to_numpy(), table["population_hab"].to_numpy()
    zone = np.full(len(table), OUTSIDE, dtype=object)
    pool = (values > rule.zip_max) & (values <= rule.pool_max)
    zone[pool] = POOL
    zone[values <= rule.zip_max] = ZIP_A
    zone[np.isnan(values)] = UNKNOWN
    rows = np.flatnonzero(pool)
    # by growing APL, then by code
    queue = rows[np.lexsort((table.index[rows].argsort().argsort(), values[rows]))]
    if zip_quota_hab is not None:
        taken = _take(queue, people, zip_quota_hab, "zip_quota_hab")
        zone[queue[:taken]] = ZIP_B
        queue = queue[taken:]
    if zac_quota_hab is not None:
        taken = _take(queue, people, zac_quota_hab, "zac_quota_hab")
        zone[queue[:taken]] = ZAC
        zone[queue[taken:]] = VIGILANCE
    table["zone"] = pd.Categorical(zone, categories=list(ZONES))
    table["distance_to_zip_consultations_per_hab"] = values - rule.zip_max
    table["mention"] = DISCLAIMER
    table.attrs = {"mention": DISCLAIMER, "profile": rule.name, "year": rule.year, "source": rule.source}
    return table


def _profile(profile: str | ZoningProfile) -> ZoningProfile:
    if isinstance(profile, ZoningProfile):
        return profile
    if profile not in ZONING_PROFILES:
        said = f"Profil de zonage « {profile} » inconnu : choisissez parmi {', '.join(ZONING_PROFILES)}"
        raise ParameterError(f"{said}, ou donnez un ZoningProfile avec les seuils lus dans l'arrêté.")
    return ZONING_PROFILES[profile]


def _table(apl: "pd.Series[float]", population_hab: "pd.Series[float]") -> pd.DataFrame:
    """Return one row per territory, or raise for all that is missing."""
    problems = Problems("Zonage simulé", ParameterError)
    problems.count(apl.index[population_hab.reindex(apl.index).isna()], "territoire(s) sans population")
    if apl.index.has_duplicates:
        problems.add(f"territoires en double ({examples(apl.index[apl.index.duplicated()].unique())})")
    problems.raise_if_any()
    persons = read_amounts(population_hab.reindex(apl.index), "Population")
    columns = {"region": "région", "population_hab": persons, APL_NAME: read_amounts(apl, "APL")}
    return pd.DataFrame(columns, index=apl.index)


def _take(queue: NDArray[np.intp], people: Floats, quota_hab: float, name: str) -> int:
    """Return how many territories of the queue hold in the quota."""
    if not (math.isfinite(quota_hab) and quota_hab >= 0):
        raise ParameterError(f"{name} = {quota_hab} : un nombre d'habitants est attendu.")
    return int(np.searchsorted(np.cumsum(people[queue]), quota_hab, side="right"))
