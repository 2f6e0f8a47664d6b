"""APL of DREES with its dated profiles, and means by territoire de vie-santé (docs/method/acces-apl.md)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from territory.access.catchments.floating_catchment import floating_catchment_area
from territory.access.decay import Stepped, stepped
from territory.access.pairs import Mapper, Times, read_amounts, unique_ids, warn
from territory.errors import ParameterError, counted, refuse

APL_NAME = "apl_consultations_per_hab"
PER_HAB = 100_000
# the profile of the APL recast in 2015, with which DREES and the rule of zoning published their thresholds
RECAST_PROFILE = "drees_2015"
HEADCOUNT_NAME = "accessibilité aux généralistes (effectifs)"


@dataclass(frozen=True)
class AplProfile:
    """Weights of travel times under which an APL was published; verified if an official document states them."""

    name: str
    year: int
    decay: Stepped
    source: str
    is_verified: bool = True

    def __repr__(self) -> str:
        flag = "" if self.is_verified else ", non vérifié"
        return f"AplProfile({self.name}, {self.year}, {self.decay!r}{flag})"


APL_PROFILES = {
    "drees_2012": AplProfile(
        "drees_2012",
        2012,
        stepped({5: 1.0, 10: 0.3, 15: 0.1}),
        "DREES et IRDES, document de travail n° 124, décembre 2012 (bornes incluses par convention)",
    ),
    "drees_2015": AplProfile(
        "drees_2015",
        2015,
        stepped({10: 1.0, 15: 2 / 3, 20: 1 / 3}),
        "arrêté du 13 novembre 2017 (« décroissante entre 0 et 20 minutes ») ; paliers d'usage, non vérifiés",
        is_verified=False,
    ),
}


def apl(
    travel_times: Times,
    standardised_population: pd.Series[float],
    activity: pd.Series[float],
    *,
    profile: str | AplProfile,
    mapper: Mapper = map,
) -> pd.Series[float]:
    """Accessibilité potentielle localisée: consultations within reach per standardised inhabitant and year.

    Parameters
    ----------
    travel_times, mapper
        As for `time_to_closest`, between communes and communes (or sites) of practice.
    standardised_population
        Inhabitants weighted by their consumption of care by age (standardised hab), the buffer included.
    activity
        Consultations per year offered at each to_id: each GP of 65 at most, between 3,600 and 6,000 acts (DREES, 2018).
    profile
        Name in `APL_PROFILES`, or one of your own; no default, as the weights changed with the years.

    Returns
    -------
    Series
        Consultations per year and standardised inhabitant; attrs hold the profile and its source.

    Warns
    -----
    TerritoryWarning
        When the weights of the profile were not verified in an official document.

    Notes
    -----
    APL_i = sum_j w_ij A_j / sum_k w_kj P_k: an E2SFCA with A the activity and P the standardised population.
    Barlet, Coldefy, Collin and Lucas-Gabrielli (2012), DREES and IRDES, document de travail 124.

    Examples
    --------
    >>> times = pd.DataFrame({"from_id": ["A", "B"], "to_id": ["A", "A"], "travel_time_min": [3.0, 8.0]})
    >>> people, acts = pd.Series({"A": 1000.0, "B": 1000.0}), pd.Series({"A": 5200.0})
    >>> apl(times, people, acts, profile="drees_2012").round(6).to_dict()
    {'A': 4.0, 'B': 1.2}
    """
    chosen = _apl_profile(profile)
    access = floating_catchment_area(
        travel_times, standardised_population, activity, decay=chosen.decay, method="e2sfca", mapper=mapper
    )
    return _labelled(access, APL_NAME, chosen, "consultations par an et par habitant standardisé")


def gp_headcount_access(
    travel_times: Times,
    population: pd.Series[float],
    practitioners: pd.Series[float],
    *,
    profile: str | AplProfile,
    mapper: Mapper = map,
) -> pd.Series[float]:
    """Practitioners within reach per 100,000 inhabitants: what can be said without activity nor standardisation.

    It is not an APL, and the thresholds of the APL do not apply to it. Options as for `apl`; `practitioners` is their
    number at each to_id, `population` inhabitants by from_id (hab), those of the buffer included.
    """
    chosen = _apl_profile(profile)
    access = floating_catchment_area(
        travel_times, population, practitioners, decay=chosen.decay, method="e2sfca", mapper=mapper
    )
    return _labelled(access * PER_HAB, HEADCOUNT_NAME, chosen, "médecins pour 100 000 habitants")


def mean_by(
    values: pd.Series[float], weights_hab: pd.Series[float], groups: pd.Series[str]
) -> pd.Series[float]:
    """Mean of a measure over each zone, weighted by residents: the APL of a territoire de vie-santé.

    sum of P_i x_i / sum of P_i (DREES, foire aux questions on the APL, 25/05/2018); NaN where a commune with residents
    has an unknown value, or nobody lives in the zone. Communes without zone are left out, with a warning.
    """
    for name, table in (("Mesure", values), ("Résidents", weights_hab), ("Zones", groups)):
        unique_ids(table.index, name)
    refuse(values.index.difference(weights_hab.index), "commune(s) sans population", of="Résidents")
    residents = pd.Series(read_amounts(weights_hab, "Résidents"), index=weights_hab.index).reindex(
        values.index
    )
    zone = groups.reindex(values.index)
    if zone.isna().any():
        outside = zone.index[zone.isna()]
        warn(f"{counted(outside, 'commune(s) sans zone laissée(s) de côté')}.", stacklevel=3)
    # an unknown value where nobody lives weighs nothing
    mass = values.astype(np.float64).where(residents != 0, 0.0) * residents
    totals = pd.DataFrame({"mass": mass, "residents": residents}).groupby(zone, sort=False).sum(skipna=False)
    mean = totals["mass"].to_numpy() / totals["residents"].where(totals["residents"] > 0).to_numpy()
    found = pd.Series(mean, index=pd.Index(totals.index, name=None), name=values.name)
    # a mean of an APL is under the profile of the APL
    found.attrs = dict(values.attrs)
    return found


def refuse_other_profile(found: str | None, published_with: str | None, threshold: str) -> None:
    """Refuse a `threshold` published with one profile on an APL that says it was computed under another."""
    if found is None or published_with is None or found == published_with:
        return
    raise ParameterError(
        f"{threshold} a été publié avec le profil d'APL « {published_with} » : il ne s'applique pas à une APL calculée "
        f"avec « {found} ». Calculez-la avec « {published_with} », ou donnez un seuil publié avec « {found} »."
    )


def _apl_profile(profile: str | AplProfile) -> AplProfile:
    """Return a profile from its name; warn when its weights are not verified."""
    if isinstance(profile, str):
        if profile not in APL_PROFILES:
            raise ParameterError(
                f"Profil d'APL « {profile} » inconnu : choisissez parmi {', '.join(APL_PROFILES)}, ou donnez un "
                "AplProfile avec ses paliers, son année et sa source."
            )
        profile = APL_PROFILES[profile]
    if not profile.is_verified:
        warn(f"Profil d'APL « {profile.name} » : paliers non vérifiés ({profile.source}).")
    return profile


def _labelled(access: pd.Series[float], name: str, profile: AplProfile, unit: str) -> pd.Series[float]:
    """Return a result with its name, its unit and where its weights come from."""
    named = access.rename(name)
    named.attrs = {
        "unit": unit,
        "profile": profile.name,
        "source": profile.source,
        "is_verified": profile.is_verified,
    }
    return named
