"""Floating catchment areas, gravity, spatial availability and the APL of DREES (docs/method/acces-apl.md).

What sites are asked for can be made on parts of a table and added up; what reaches the origins comes then.
Notation of the formulas: D_i demand of origin i, S_j supply of site j, t_ij travel time, w_ij = decay(t_ij).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from territory.access import pairs as od
from territory.access.catchments.exact_sums import ExactSums, weighted_sums
from territory.access.decay import Binary, Decay, Stepped, stepped
from territory.access.pairs import Bools, Floats, Ids, Mapper, Pairs, Part, Places, Seen, Times, Values, warn
from territory.errors import ParameterError, agree, counted, examples, refuse

METHODS = ("2sfca", "e2sfca", "m2sfca", "3sfca", "bfca")


def floating_catchment_area(
    travel_times: Times,
    demand: pd.Series[float],
    supply: pd.Series[float],
    *,
    decay: Decay,
    method: str = "2sfca",
    mapper: Mapper = map,
) -> pd.Series[float]:
    """Supply within reach of each origin, per person who competes for it.

    Parameters
    ----------
    travel_times, mapper
        As for `time_to_closest`; parts are gone through twice.
    demand
        Persons by origin, indexed by from_id: all who compete, those of the buffer included. NaN = unknown.
    supply
        Places, full-time equivalents or acts by site, indexed by to_id; other sites are left out. NaN = unknown.
    decay
        Weight of a time, from `territory.access.decay` or any function of an array of minutes.
    method
        "2sfca" (with a graded decay it is "e2sfca", and the result is named so), "e2sfca", "m2sfca", "3sfca", "bfca".

    Returns
    -------
    Series
        Units of supply per unit of demand, on the index of `demand`; 0 where nothing is within reach, NaN where
        something unknown (a time, a demand, a capacity) takes part in the answer.

    Warns
    -----
    TerritoryWarning
        With the number of sites whose supply goes to nobody, no demand being within reach (0, not infinite).

    Notes
    -----
    - 2SFCA, E2SFCA: A_i = sum_j w_ij S_j / sum_k w_kj D_k. Supply is conserved: sum of D_i A_i = sum of S_j.
    - M2SFCA: A_i = sum_j w_ij² S_j / sum_k w_kj D_k: places far from everyone are partly lost.
    - 3SFCA: A_i = sum_j g_ij w_ij S_j / sum_k g_kj w_kj D_k, g_ij = w_ij / sum_m w_im. Supply is conserved.
    - BFCA: A_i = sum_j v_ij S_j / sum_k u_kj D_k, u_ij = w_ij / sum_m w_im, v_ij = w_ij / sum_k w_kj.

    In 3SFCA and BFCA, a site with no supply is not a choice. Luo and Wang (2003); Luo and Qi (2009); Delamater (2013);
    Wan, Zou and Sternberg (2012); Paez, Higgins and Vivona (2019): docs/method/acces-2sfca.md.

    Examples
    --------
    >>> from territory.access import decay
    >>> times = pd.DataFrame({"from_id": ["A", "B"], "to_id": ["S", "S"], "travel_time_min": [10.0, 20.0]})
    >>> demand, places = pd.Series({"A": 100.0, "B": 300.0}), pd.Series({"S": 20.0})
    >>> floating_catchment_area(times, demand, places, decay=decay.binary(30)).to_dict()
    {'A': 0.05, 'B': 0.05}
    """
    if method not in METHODS:
        raise ParameterError(f"Méthode « {method} » inconnue : choisissez parmi {', '.join(METHODS)}.")
    persons = od.read_amounts(demand, "Demande")
    places = od.read_amounts(supply, "Offre")
    if isinstance(travel_times, pd.DataFrame):
        pairs, weights = _catchments(travel_times, demand.index, supply.index, decay)
        access = _two_steps(method, pairs, weights, persons, places)
        is_graded, unknown_times = _is_graded(decay, weights), int(np.isnan(weights).sum())
    else:
        steps = _PartSteps(demand.index, supply.index, persons, places, decay, method)
        asked, is_graded, unknown_times = steps.ask_all(travel_times, mapper)
        ratios, lost = _ratios(asked["demand"], places)
        _warn_nobody(supply.index[lost])
        access = np.zeros(len(persons))
        answer = partial(steps.answer, ratios=ratios, column=asked.get("weights"))
        for origins, values in mapper(answer, travel_times):
            access[origins] = values
    _warn_unknown(access, demand.index, unknown_times, persons, places)
    name = "e2sfca" if method == "2sfca" and is_graded else method
    return pd.Series(access, index=demand.index, name=name)


def gravity(
    travel_times: pd.DataFrame, origins: Iterable[str], supply: pd.Series[float], *, decay: Decay
) -> pd.Series[float]:
    """Supply within reach of each origin, as if nobody else asked for it: A_i = sum_j w_ij S_j.

    Hansen (1959), Journal of the American Institute of Planners 25, 73-76.

    Parameters
    ----------
    travel_times, supply, decay
        As for `floating_catchment_area`.
    origins
        Ids to answer for, as an index of from_id.

    Returns
    -------
    Series
        Units of supply, weighted by time; 0 where nothing is within reach, NaN where something unknown takes part.

    Examples
    --------
    >>> from territory.access import decay
    >>> times = pd.DataFrame({"from_id": ["A", "A"], "to_id": ["S", "T"], "travel_time_min": [0.0, 10.0]})
    >>> gravity(times, ["A"], pd.Series({"S": 5.0, "T": 10.0}), decay=decay.linear(20)).to_dict()
    {'A': 10.0}
    """
    places = od.read_amounts(supply, "Offre")
    pairs, weights = _catchments(travel_times, origins, supply.index, decay)
    access = weighted_sums(pairs.origin, pairs.site, weights, places, len(pairs.origins))
    _warn_unknown(access, pairs.origins, int(np.isnan(weights).sum()), np.zeros(len(pairs.origins)), places)
    return pd.Series(access, index=pairs.origins, name="gravity")


def spatial_availability(
    travel_times: pd.DataFrame, demand: pd.Series[float], supply: pd.Series[float], *, decay: Decay
) -> pd.Series[float]:
    """Share all the supply out among the origins, in proportion to demand and nearness.

    V_i = sum_j S_j D_i w_ij / sum_k D_k w_kj. Soukhov, Paez, Higgins and Mohamed (2023), PLOS ONE 18(1), e0278468.

    Parameters
    ----------
    travel_times, demand, supply, decay
        As for `floating_catchment_area`.

    Returns
    -------
    Series
        Units of supply that fall to each origin (not per person), which add up to the supply of the sites that
        somebody reaches. Divided by demand, it is E2SFCA.

    Examples
    --------
    >>> from territory.access import decay
    >>> times = pd.DataFrame({"from_id": ["A", "B"], "to_id": ["S", "S"], "travel_time_min": [10.0, 20.0]})
    >>> people, places = pd.Series({"A": 1.0, "B": 3.0}), pd.Series({"S": 8.0})
    >>> spatial_availability(times, people, places, decay=decay.binary(30)).to_dict()
    {'A': 2.0, 'B': 6.0}
    """
    persons = od.read_amounts(demand, "Demande")
    places = od.read_amounts(supply, "Offre")
    pairs, weights = _catchments(travel_times, demand.index, supply.index, decay)
    ratio = _two_steps("2sfca", pairs, weights, persons, places)
    # a known 0 wins over an unknown
    available = np.where((ratio == 0) | (persons == 0), 0.0, ratio * persons)
    _warn_unknown(available, pairs.origins, int(np.isnan(weights).sum()), persons, places)
    return pd.Series(available, index=demand.index, name="spatial_availability")


def choice_shares(
    travel_times: pd.DataFrame, origins: Iterable[str], attraction: pd.Series[float], *, decay: Decay
) -> pd.DataFrame:
    """Share each origin among the sites within its reach, by their attraction and their nearness (Huff).

    `P_ij = A_j w_ij / sum_k A_k w_ik`, A_j the attraction (places, or 1 for each; only ratios count), w_ij the decay:
    Huff (1964), Journal of Marketing 28(3), 34-38. It says where those who come would go, not whether they come.
    Shares add up to 1, or to 0 where no site is within reach; NaN where a time or an attraction that they need is
    unknown.
    """
    drawn = od.read_amounts(attraction, "Attraction")
    pairs, weights = _catchments(travel_times, origins, attraction.index, decay)
    pull = np.zeros((len(pairs.origins), len(pairs.sites)))
    # a known 0 wins over an unknown
    known = np.where((weights == 0) | (drawn[pairs.site] == 0), 0.0, weights * drawn[pairs.site])
    pull[pairs.origin, pairs.site] = known
    # as a share of the strongest first: sums of the weakest weights stay numbers
    pull = pull / np.where((most := pull.max(axis=1, keepdims=True, initial=0.0)) == 0, 1.0, most)
    total = pull.sum(axis=1, keepdims=True)
    shares = pull / np.where(total == 0, 1.0, total)
    return pd.DataFrame(shares, index=pairs.origins, columns=pairs.sites)


def _catchments(
    travel_times: pd.DataFrame, origins: Iterable[str], sites: Iterable[str], decay: Decay
) -> tuple[Pairs, Floats]:
    """Return the pairs with their weights."""
    pairs = od.read_pairs(travel_times, origins=origins, sites=sites)
    return pairs, pairs.weights(decay)


def _is_graded(decay: Decay, weights: Floats) -> bool:
    """Return whether some weights lie between 0 and 1."""
    return not isinstance(decay, Binary) and bool(((weights > 0) & (weights < 1)).any())


def _two_steps(method: str, pairs: Pairs, weights: Floats, persons: Floats, places: Floats) -> Floats:
    """Return what reaches each origin; warn for sites whose supply goes to nobody."""
    size = len(pairs.sites)
    asked = {}
    for name, (terms, amounts) in _asked(method, pairs, weights, persons, places).items():
        asked[name] = weighted_sums(pairs.site, pairs.origin, terms, amounts, size)
    ratios, lost = _ratios(asked["demand"], places)
    _warn_nobody(pairs.sites[lost])
    return _answer(method, pairs, weights, places, ratios, asked.get("weights"))


def _warn_nobody(sites: Ids) -> None:
    """Warn for sites whose supply goes to nobody."""
    if len(sites):
        said = counted(sites, "site(s) sans aucune demande à portée")
        warn(f"{said} : leur offre ne revient à personne et compte pour 0.")


def _warn_unknown(access: Floats, origins: Ids, unknown_times: int, persons: Floats, places: Floats) -> None:
    """Warn for origins whose access is unknown, with what made it so."""
    unknown = np.isnan(access)
    if unknown.any():
        counts = unknown_times, np.isnan(persons).sum(), np.isnan(places).sum()
        causes = zip(("temps", "demande(s)", "capacité(s)"), counts, strict=True)
        why = ", ".join(agree(int(count), what) for what, count in causes if count)
        said = f"Accessibilité inconnue pour {agree(int(unknown.sum()), 'origine(s)')} sur {len(access)}"
        warn(f"{said} ({examples(origins[unknown])}) : valeurs inconnues en entrée : {why}.")


def _asked(
    method: str, pairs: Pairs, weights: Floats, persons: Floats, places: Floats
) -> dict[str, tuple[Floats, Floats]]:
    """Return what adds up by site, as a weight by pair and an amount by origin: demand and, for "bfca", weights."""
    if method not in ("3sfca", "bfca"):
        return {"demand": (weights, persons)}
    shares = _choices(pairs, weights, places)
    if method == "3sfca":
        return {"demand": (shares * weights, persons)}
    return {"demand": (shares, persons), "weights": (weights, np.ones(len(pairs.origins)))}


def _ratios(demand: Floats, places: Floats) -> tuple[Floats, Bools]:
    """Return supply per person of each site, 0 where nobody asks for it, and where that loses some supply."""
    nobody = demand == 0
    ratios: Floats = np.where(nobody | (places == 0), 0.0, places / np.where(nobody, 1.0, demand))
    return ratios, nobody & (places > 0)


def _answer(
    method: str, pairs: Pairs, weights: Floats, places: Floats, ratios: Floats, column: Floats | None
) -> Floats:
    """Return what reaches each origin; the column is the sum of the weights of each site, for "bfca" alone."""
    given = weights
    if method == "m2sfca":
        given = weights * weights
    elif method == "3sfca":
        given = _choices(pairs, weights, places) * weights
    elif column is not None:
        given = weights / np.where(column == 0, 1.0, column)[pairs.site]
    return weighted_sums(pairs.origin, pairs.site, given, ratios, len(pairs.origins))


def _choices(pairs: Pairs, weights: Floats, places: Floats) -> Floats:
    """Return the share of each origin that chooses each site, among the sites that have supply."""
    is_choice = (places != 0).astype(np.float64)
    total = weighted_sums(pairs.origin, pairs.site, weights, is_choice, len(pairs.origins))
    offered = np.where(is_choice[pairs.site] == 0, 0.0, weights)
    return offered / np.where(total == 0, 1.0, total)[pairs.origin]


@dataclass(frozen=True)
class _PartSteps:
    """The two steps of a catchment measure, for one part; sent to whatever runs the map."""

    origins: Ids
    sites: Ids
    persons: Floats
    places: Floats
    decay: Decay
    method: str

    def ask_all(self, parts: Sequence[Part], mapper: Mapper) -> tuple[dict[str, Floats], bool, int]:
        """Return what all parts ask of each site, whether weights are graded, how many times are unknown."""
        totals = {"demand": ExactSums.zeros(len(self.sites))}
        seen, is_graded, unknown_times = Seen(self.origins), False, 0
        for origins, sites, asked, graded, unknown in mapper(self.ask, parts):
            seen.add(origins)
            for name, sums in asked.items():
                totals.setdefault(name, ExactSums.zeros(len(self.sites))).add_at(sums, sites)
            is_graded |= graded
            unknown_times += unknown
        seen.check()
        return {name: sums.values() for name, sums in totals.items()}, is_graded, unknown_times

    def ask(self, part: Part) -> tuple[Places, Places, dict[str, ExactSums], bool, int]:
        """Return what a part asks of which sites, whether weights are graded, how many times are unknown."""
        origins, sites, pairs = self._pairs(part)
        weights = pairs.weights(self.decay)
        asked = {}
        given = weights, self.persons[origins], self.places[sites]
        for name, (terms, amounts) in _asked(self.method, pairs, *given).items():
            asked[name] = ExactSums.zeros(len(sites))
            asked[name].add(pairs.site, pairs.origin, terms, amounts)
        return origins, sites, asked, _is_graded(self.decay, weights), int(np.isnan(weights).sum())

    def answer(self, part: Part, *, ratios: Floats, column: Floats | None) -> tuple[Places, Floats]:
        """Return what reaches which origins."""
        origins, sites, pairs = self._pairs(part)
        here, weights = (None if column is None else column[sites]), pairs.weights(self.decay)
        return origins, _answer(self.method, pairs, weights, self.places[sites], ratios[sites], here)

    def _pairs(self, part: Part) -> tuple[Places, Places, Pairs]:
        """Return the origins and the sites that a part names, by place, and its pairs."""
        table = od.read_part(part)
        origins = od.places_of(table["from_id"], self.origins)
        sites = od.places_of(table["to_id"], self.sites)
        ids = self.origins[origins], self.sites[sites]
        return origins, sites, od.read_pairs(table, origins=ids[0], sites=ids[1], is_part=True)


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


_IRDES = "DREES et IRDES, document de travail n° 124, décembre 2012 (bornes incluses par convention)"
_DECREE = (
    "arrêté du 13 novembre 2017 (« décroissante entre 0 et 20 minutes ») ; paliers d'usage, non vérifiés"
)
_RECAST = stepped({10: 1.0, 15: 2 / 3, 20: 1 / 3})
APL_PROFILES = {
    "drees_2012": AplProfile("drees_2012", 2012, stepped({5: 1.0, 10: 0.3, 15: 0.1}), _IRDES),
    "drees_2015": AplProfile("drees_2015", 2015, _RECAST, _DECREE, is_verified=False),
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
    access = _under_profile(travel_times, standardised_population, activity, profile, mapper)
    access.attrs["unit"] = "consultations par an et par habitant standardisé"
    return access.rename(APL_NAME)


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
    access = _under_profile(travel_times, population, practitioners, profile, mapper)
    access.attrs["unit"] = "médecins pour 100 000 habitants"
    return (access * PER_HAB).rename(HEADCOUNT_NAME)


def mean_by(
    values: pd.Series[float], weights_hab: pd.Series[float], groups: pd.Series[str]
) -> pd.Series[float]:
    """Mean of a measure over each zone, weighted by residents: the APL of a territoire de vie-santé.

    sum of P_i x_i / sum of P_i (DREES, foire aux questions on the APL, 25/05/2018); NaN where a commune with residents
    has an unknown value, or nobody lives in the zone. Communes without zone are left out, with a warning.
    """
    for name, table in (("Mesure", values), ("Résidents", weights_hab), ("Zones", groups)):
        od.unique_ids(table.index, name)
    refuse(values.index.difference(weights_hab.index), "commune(s) sans population", of="Résidents")
    hab = od.read_amounts(weights_hab, "Résidents")
    residents = pd.Series(hab, index=weights_hab.index).reindex(values.index)
    zone = groups.reindex(values.index)
    if zone.isna().any():
        outside = zone.index[zone.isna()]
        warn(f"{counted(outside, 'commune(s) sans zone laissée(s) de côté')}.")
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


def _under_profile(
    times: Times, persons: Values, offer: Values, profile: str | AplProfile, mapper: Mapper
) -> pd.Series[float]:
    """Return the access under a profile, with where its weights come from; warn when they are not verified."""
    if isinstance(profile, str):
        if profile not in APL_PROFILES:
            said = f"Profil d'APL « {profile} » inconnu : choisissez parmi {', '.join(APL_PROFILES)}"
            raise ParameterError(f"{said}, ou donnez un AplProfile avec ses paliers, son année et sa source.")
        profile = APL_PROFILES[profile]
    if not profile.is_verified:
        warn(f"Profil d'APL « {profile.name} » : paliers non vérifiés ({profile.source}).")
    decay = profile.decay
    access = floating_catchment_area(times, persons, offer, decay=decay, method="e2sfca", mapper=mapper)
    access.attrs = {"profile": profile.name, "source": profile.source, "is_verified": profile.is_verified}
    return access
