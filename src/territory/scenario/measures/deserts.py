"""Access to professionals and deserts of one state, and where a site beyond the data could change a result."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from territory import access, needs
from territory.access import deserts as criteria
from territory.access.catchments.floating_catchment import APL_NAME, RECAST_PROFILE, refuse_other_profile
from territory.access.closest import closer_outside
from territory.access.decay import binary
from territory.access.deserts import IN_DESERT, NOT_COMPUTABLE, OUT_OF_DESERT, Criterion
from territory.access.pairs import read_amounts
from territory.access.zoning import simulate
from territory.errors import ParameterError
from territory.scenario.measures.places import CHILD_AGE_MAX, SUPPORT_MAX_MIN
from territory.scenario.zones import ALL_TERRITORY, no_rows
from territory.study.own_tables import complete_kinds, kinds_of, sites_of_kinds
from territory.study.state import State
from territory.study.words.indicators import DesertCriterion, DesertScheme

PUBLISHED, ESTIMATED = "publié", "estimé"
NOT_PUBLISHED = "aucun chiffre publié pour cette commune"
OUTDATED = "le scénario change ce que le chiffre publié mesure"
AT_THE_EDGE = "au bord des données : un site qu'elles n'ont pas pourrait être plus proche"


def deserts(state: State, gps: pd.DataFrame) -> pd.DataFrame:
    """Class every commune under each criterion of the study."""
    blocks = [_scheme(state, gps, scheme) for scheme in state.parameters.deserts]
    return pd.concat(blocks) if blocks else no_rows(["commune_code", "criterion"], (), ["scheme"])


def desert_shares(table: pd.DataFrame, state: State) -> pd.DataFrame:
    """Count the inhabitants of each class and of each criterion, by EPCI, by département and in all."""
    communes = state.communes[state.communes.index.isin(state.parameters.territory_codes)]
    whole = pd.Series(ALL_TERRITORY, index=communes.index)
    unknown = communes["population"].isna().to_numpy()
    people = read_amounts(communes["population"].fillna(0.0), "Population")
    found: dict[str, list[Any]] = {}
    for scheme in state.parameters.deserts:
        masks = criteria.class_masks(_wide(table[table["scheme"] == scheme.id], scheme, communes.index))
        for zones in (whole, communes["departement_code"], communes["epci_code"]):
            for zone in zones.dropna().unique():
                here = (zones == zone).to_numpy(bool)
                counted: dict[str, list[Any]] = dict(criteria.count_by_class(masks, people, here))
                if unknown[here].any():
                    counted |= dict.fromkeys(["population_hab", "population_share"], [np.nan] * len(masks))
                keys = {"zone": [zone] * len(masks), "scheme": [scheme.id] * len(masks)}
                for name, values in {**keys, "desert_class": list(masks), **counted}.items():
                    found.setdefault(name, []).extend(values)
    return pd.DataFrame(found).set_index(["zone", "scheme", "desert_class"]) if found else pd.DataFrame()


def flag_edge(table: pd.DataFrame, state: State) -> pd.DataFrame:
    """Add `could_be_closer_outside` to a table of access: the edge of the data is closer than what was found."""
    codes = table.index.get_level_values("commune_code")
    if state.edge_time_min is None:
        unknown = pd.Series(pd.NA, index=table.index, dtype="boolean")
        return table.assign(edge_time_min=np.nan, could_be_closer_outside=unknown)
    edge = pd.Series(state.edge_time_min.reindex(codes).to_numpy(float), index=table.index)
    flag = closer_outside(table["travel_time_min"], edge, table["is_reachable"])
    flag[(table["measure"] == "named").to_numpy()] = False
    return table.assign(edge_time_min=edge, could_be_closer_outside=flag)


def count_edge(table: pd.DataFrame, state: State) -> pd.DataFrame:
    """Count the communes and inhabitants of the territory whose closest site could be beyond the data."""
    rows = table[(table["measure"] == "closest").to_numpy()]
    rows = rows[rows.index.get_level_values("commune_code").isin(state.parameters.territory_codes)]
    people = state.communes["population"].reindex(rows.index.get_level_values("commune_code")).to_numpy(float)
    flag = rows["could_be_closer_outside"]
    columns = {
        "commune_count": flag.fillna(False).astype(int),
        "population_hab": np.where(flag.fillna(False), people, 0.0),
        "unknown_count": flag.isna().astype(int),
    }
    counted = pd.DataFrame(columns, index=rows.index)
    return counted.groupby(level="service", sort=False).sum(skipna=False)


def _scheme(state: State, gps: pd.DataFrame, scheme: DesertScheme) -> pd.DataFrame:
    """Return the rows of one scheme, commune by commune."""
    read: dict[str, Any] = {}
    reasons, beside, blocks = {}, {}, []
    for one in scheme.criterion:
        values, reachable, reason = _values(state, gps, one)
        figures, estimated = published_figures(state, one), values
        if figures is not None:
            values, reachable = figures["value"], pd.Series(pd.NA, index=values.index, dtype="boolean")
            reason = pd.Series("", index=values.index, dtype="str").mask(values.isna(), figures["reason"])
        read[one.id] = values
        beside[one.id] = _beside(figures, estimated)
        # the measure is shown whatever its status; what is not computable is hidden from the classes alone
        read[f"{one.id}_read"] = values.where(reason == "")
        read[f"{one.id}_reachable"] = reachable.mask((reason != "").to_numpy())
        reasons[one.id] = reason
    wide = pd.DataFrame(read)
    for one in scheme.criterion:
        if one.is_of_gps:
            # the profile that the APL is read under: that of DREES, or that of the study
            own = None if why_no_apl(state) else state.parameters.practitioners.profile
            found = own if published_figures(state, one) is None else RECAST_PROFILE
            named = f"Critère « {one.id} » : le seuil de {one.threshold:g}".replace(".", ",")
            refuse_other_profile(found, one.profile, named)
    classes = criteria.classify(wide, criteria=[_criterion(one) for one in scheme.criterion])
    for one in scheme.criterion:
        met = classes[f"{one.id}_is_met"]
        status = np.where(met.isna(), NOT_COMPUTABLE, np.where(met.fillna(False), IN_DESERT, OUT_OF_DESERT))
        reason = reasons[one.id].where(met.isna().to_numpy(), "")
        columns = {
            "criterion": one.id,
            "scheme": scheme.id,
            "value": wide[one.id],
            "threshold": one.threshold,
            "unit": one.unit,
            "status": status,
            "distance": classes[f"{one.id}_distance_{one.unit}"],
            "reason": reason.mask((met.isna() & (reason == "")).to_numpy(), "temps inconnu"),
            "criteria_met": classes["criteria_met"],
            "criteria_known": classes["criteria_known"],
            "desert_class": classes["desert_class"].astype("str"),
            **beside[one.id],
        }
        blocks.append(pd.DataFrame(columns))
    table = pd.concat(blocks).rename_axis("commune_code").set_index("criterion", append=True)
    ids = pd.Index([one.id for one in scheme.criterion])
    return table.reindex(pd.MultiIndex.from_product([wide.index, ids], names=["commune_code", "criterion"]))


def published_figures(state: State, one: DesertCriterion) -> pd.DataFrame | None:
    """Return the newest published figure of a criterion: value, year, and why a commune has none; None without any."""
    if state.published is None or one.published is None:
        return None
    rows = state.published[state.published.index.get_level_values("figure") == one.published]
    if rows.empty:
        return None
    year = int(rows.index.get_level_values("year").max())
    newest = rows.xs((one.published, year), level=("figure", "year")).reindex(state.communes.index)
    known = newest["value"].astype(float)
    reason = OUTDATED if newest["value"].isna().all() else NOT_PUBLISHED
    return pd.DataFrame({"value": known, "year": year, "reason": reason})


def _beside(figures: pd.DataFrame | None, estimated: "pd.Series[float]") -> dict[str, Any]:
    """Return where a value comes from, and the estimate beside a published one with their difference."""
    if figures is None:
        return {"figure_basis": ESTIMATED, "year": np.nan, "estimated_value": np.nan, "estimate_gap": np.nan}
    return {
        "figure_basis": PUBLISHED,
        "year": figures["year"].astype(float),
        "estimated_value": estimated,
        "estimate_gap": estimated - figures["value"],
    }


def _criterion(one: DesertCriterion) -> Criterion:
    """Return the criterion as `classify` takes it."""
    is_time = one.measure == "time"
    return Criterion(
        name=one.id,
        column=f"{one.id}_read",
        threshold=one.threshold,
        direction="above" if is_time else "below",
        unit=one.unit,
        reachable_column=f"{one.id}_reachable" if is_time else None,
        source=one.source,
    )


def _values(
    state: State, gps: pd.DataFrame, one: DesertCriterion
) -> "tuple[pd.Series[float], pd.Series[bool], pd.Series[str]]":
    """Return the measure of a criterion, whether a site is within reach, and why it says nothing (empty = it does)."""
    index = state.communes.index
    no_reach = pd.Series(pd.NA, index=index, dtype="boolean")
    if one.measure == "apl" and not one.is_of_gps:
        return pd.Series(np.nan, index=index), no_reach, pd.Series(NOT_PUBLISHED, index=index, dtype="str")
    if one.is_of_gps:
        return gps[APL_NAME], no_reach, pd.Series(why_no_apl(state), index=index, dtype="str")
    cutoff = state.travel_times.attrs.get("cutoff_min", math.nan)
    if cutoff is not None and one.threshold > cutoff:
        raise ParameterError(
            f"Critère « {one.id} » : le seuil de {one.threshold:g} min dépasse la coupure de la table des temps "
            f"({cutoff:g} min)."
        )
    complete = complete_kinds(state.services)
    listed = [name for name in one.services if name in complete]
    lacking = lacking_lists(state, one)
    if not listed:
        return pd.Series(np.nan, index=index), no_reach, pd.Series(lacking, index=index, dtype="str")
    best = access.time_to_closest(state.times_to(sites_of_kinds(state.services, listed)), index)
    minutes, reachable = best["time_1_min"], best["is_reachable"]
    near = minutes.le(one.threshold)
    # a complete list within the threshold is enough; beyond it, what is not listed could be closer
    reason = pd.Series("", index=index, dtype="str").mask(~near, lacking)
    if state.edge_time_min is not None:
        edge = state.edge_time_min.reindex(index)
        reason = reason.mask(~near & edge.le(one.threshold) & (reason == ""), AT_THE_EDGE)
    return minutes, reachable, reason


def lacking_lists(state: State, one: DesertCriterion) -> str:
    """Say which lists of a criterion are absent or partial, in French; empty when none is."""
    known, complete = set(kinds_of(state.services)), complete_kinds(state.services)
    said = [f"aucune liste de « {name} » dans les données" for name in one.services if name not in known]
    said += [f"liste partielle de « {name} »" for name in one.services if name in known - complete]
    return " ; ".join(said)


def _wide(rows: pd.DataFrame, scheme: DesertScheme, communes: "pd.Index[str]") -> pd.DataFrame:
    """Return the classes of one scheme as `population_by_class` takes them, for some communes."""
    columns: dict[str, object] = {}
    for one in scheme.criterion:
        status = rows.xs(one.id, level="criterion")["status"].reindex(communes)
        met, unknown = status.eq(IN_DESERT).to_numpy(bool), status.eq(NOT_COMPUTABLE).to_numpy(bool)
        columns[f"{one.id}_is_met"] = pd.arrays.BooleanArray(met, unknown)
    count = len(scheme.criterion)
    first = rows.xs(scheme.criterion[0].id, level="criterion")["desert_class"].reindex(communes)
    columns["desert_class"] = pd.Categorical(first, categories=criteria.class_labels(count))
    return pd.DataFrame(columns, index=communes)


HEADCOUNT_COLUMN = "practitioners_per_100000_hab"


def gp_access(state: State, *, measures: Any = access, times: Any = None) -> pd.DataFrame:
    """Compute the access to GPs of every commune, those of the surroundings competing too."""
    empty = pd.Series(np.nan, index=state.communes.index)
    where = state.travel_times if times is None else times
    rows = _practitioners(state)
    profile = state.parameters.practitioners.profile
    found = {APL_NAME: empty, HEADCOUNT_COLUMN: empty}
    if rows is not None and profile is not None:
        offered = rows["capacity"].groupby(level="site_id").sum(min_count=1)
        people = standardised_hab(state)
        if not why_no_apl(state) and people is not None:
            found[APL_NAME] = measures.apl(where, people, offered, profile=profile)
        elif rows["capacity_unit"].eq("headcount").all():
            found[HEADCOUNT_COLUMN] = measures.gp_headcount_access(
                where, state.communes["population"], offered, profile=profile
            )
    return pd.DataFrame(found, index=state.communes.index)


# professions of the path of children that the BPE counts in persons, and structures, of which FINESS gives the sites
CHILD_PROFESSIONS = ("orthophoniste", "psychomotricien", "psychologue", "psychiatre")
CHILD_STRUCTURES = ("camsp", "cmpp", "cmp_ij")
CHILD_CARE_COLUMNS = ["professionals_per_100000_young", "site_count"]
# others that the BPE counts, for everybody
PROFESSIONS = ("kinesitherapeute", "infirmier", "sage_femme")
PER_100_000 = 100_000.0


def child_care_access(state: State) -> pd.DataFrame:
    """Count the professionals and the structures of the path within 30 minutes, by (commune_code, service).

    Professionals: 2SFCA, binary decay, per 100,000 persons under 20. No APL: a head count without activity, and they
    see adults too. Structures: sites alone, since nothing that was read says how many work there.
    """
    children = needs.persons_by_age(state.population, age_min=0, age_max=CHILD_AGE_MAX)
    shared = _professionals(state, CHILD_PROFESSIONS, children.reindex(state.communes.index))
    found = {kind: near.to_frame(CHILD_CARE_COLUMNS[0]) for kind, near in shared.items()}
    complete = complete_kinds(state.services)
    for kind in (kind for kind in CHILD_STRUCTURES if kind in complete):
        times = state.times_to(_of_kind(state, kind).index.unique("site_id"))
        minutes = times["travel_time_min"]
        # a site whose time is unknown may be near
        here = minutes.le(SUPPORT_MAX_MIN).astype(float).where(minutes.notna())
        sites = here.groupby(times["from_id"].astype("str")).sum(min_count=1, skipna=False)
        found[kind] = sites.reindex(_inside(state), fill_value=0.0).to_frame(CHILD_CARE_COLUMNS[1])
    return _by_kind(found, CHILD_CARE_COLUMNS)


def professions_access(state: State) -> pd.DataFrame:
    """Count other professionals within 30 minutes per 100,000 inhabitants, by (commune_code, service): no APL."""
    found = _professionals(state, PROFESSIONS, state.communes["population"])
    return _by_kind(
        {kind: near.to_frame(HEADCOUNT_COLUMN) for kind, near in found.items()}, [HEADCOUNT_COLUMN]
    )


def _inside(state: State) -> "pd.Index[str]":
    return state.communes.index[state.communes.index.isin(state.parameters.territory_codes)]


def _of_kind(state: State, kind: str) -> pd.DataFrame:
    return state.services[kinds_of(state.services) == kind]


def _professionals(
    state: State, kinds: Sequence[str], people: "pd.Series[float]"
) -> "dict[str, pd.Series[float]]":
    """Share the professionals of complete lists, counted in persons, among people within 30 minutes."""
    found, complete = {}, complete_kinds(state.services)
    for kind in kinds:
        rows = _of_kind(state, kind)
        if (
            kind in complete
            and rows["capacity_unit"].eq("headcount").all()
            and rows["capacity"].notna().all()
        ):
            heads = rows["capacity"].groupby(level="site_id").sum()
            times = state.times_to(heads.index)
            near = access.floating_catchment_area(times, people, heads, decay=binary(SUPPORT_MAX_MIN))
            found[kind] = near[_inside(state)] * PER_100_000
    return found


def _by_kind(found: Mapping[str, pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    """Stack the tables of kinds of service, whose columns may differ, by (commune_code, service)."""
    if not found:
        return no_rows(["commune_code", "service"], columns)
    tables = {kind: table.reindex(columns=columns).astype(float) for kind, table in found.items()}
    return pd.concat(tables, names=["service", "commune_code"]).swaplevel()


def why_no_apl(state: State) -> str:
    """Return what an APL of this state lacks, in French; empty when it can be computed."""
    rows = _practitioners(state)
    if rows is None:
        return "liste des généralistes absente ou partielle"
    if not rows["capacity_unit"].eq("consultations_per_year").all():
        return "activité des généralistes inconnue : des effectifs ne font pas une APL"
    if rows["capacity"].isna().any():
        return "activité inconnue pour une partie des généralistes"
    if state.gp_consumption is None or state.parameters.practitioners.mean_acts_per_hab is None:
        return "consommation de soins par âge inconnue : la population n'est pas standardisée"
    return "aucun profil d'APL n'est nommé" if state.parameters.practitioners.profile is None else ""


def standardised_hab(state: State) -> "pd.Series[float] | None":
    """Return inhabitants weighted by the care of their age, None without the table of consumption."""
    mean = state.parameters.practitioners.mean_acts_per_hab
    if state.gp_consumption is None or mean is None:
        return None
    people = needs.standardised_population(state.population, state.gp_consumption, reference=mean)
    found: pd.Series[float] = people.reindex(state.communes.index)
    return found


def zoning(state: State, gps: pd.DataFrame) -> pd.DataFrame:
    """Simulate the medical zoning of each territoire de vie-santé under the supply of this state."""
    rule = state.parameters.zoning
    if rule is None or state.care_territories is None or why_no_apl(state):
        return pd.DataFrame()
    where = state.care_territories[state.communes.index.isin(state.parameters.territory_codes)].dropna()
    # a territoire de vie-santé is taken whole, its communes of the next département included
    mine = state.care_territories.isin(where.unique()).to_numpy()
    hab = state.communes["population"][mine]
    mean = access.mean_by(gps[APL_NAME][mine], hab, state.care_territories[mine])
    people = hab.groupby(state.care_territories[mine].to_numpy(), sort=False).sum().reindex(mean.index)
    mean = mean.rename(APL_NAME)
    mean.attrs["profile"] = state.parameters.practitioners.profile
    table = simulate(
        mean, people, profile=rule.profile, zip_quota_hab=rule.zip_quota_hab, zac_quota_hab=rule.zac_quota_hab
    )
    return table.rename_axis("territory_id")


def _practitioners(state: State) -> pd.DataFrame | None:
    """Return the services of GPs, None when their list is absent or partial."""
    service = state.parameters.practitioners.service
    if service not in complete_kinds(state.services):
        return None
    return state.services[kinds_of(state.services) == service]
