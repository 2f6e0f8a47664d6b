"""Equipment of FINESS as services: what each line stands for, strata of places, and the table `services`."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from territory import errors
from territory.geography.communes import plain
from territory.sources.producers.finess import extracts
from territory.sources.producers.finess.extracts import CATEGORIES, Category
from territory.study.words.questions import CANDIDATE_PREFIX
from territory.tables.declare import declared, lines_of

TEMPORARY = "_temporaire"
_IN_HOMES = "16"


@dataclass(frozen=True)
class Activity:
    """A FINESS type of activity: the labels it goes by and its mode of reception (None = none of the five)."""

    labels: tuple[str, ...]
    reception_mode: str | None
    is_temporary: bool = False


# types of activity (ANS, TRE_R209, 2026), with the labels of older extracts; two modes in one code that FINESS
# does not tell apart are « tous modes », a class of its own
ACTIVITIES = {
    line["activity"]: declared(
        Activity, line, labels=tuple(filter(None, (line["label"], line["older_label"])))
    )
    for line in lines_of("activities.csv", "territory.supply")
}


def classify_equipment(
    category: "pd.Series[str]", activity: "pd.Series[str]", *, categories: Mapping[str, Category] = CATEGORIES
) -> pd.DataFrame:
    """Say what each line of FINESS equipment is: its service, mode and unit of capacity, and whether it is at home.

    « Prestation en milieu ordinaire » is a SESSAD in the children's categories of `SESSAD_TYPE_CATEGORIES`,
    an IME's as well as a SESSAD's; in all others (home help, home nursing, SAVS, child protection) it stays
    the service of its category. Temporary reception is a service apart (`ime_temporaire`): its places are not
    open to an orientation. None = a category, an activity or a unit that is unknown.
    """
    if not category.index.equals(activity.index):
        raise errors.ParameterError("Catégories et activités FINESS : les deux index diffèrent.")
    pairs = pd.DataFrame({"category": category.astype("str"), "activity": activity.astype("str")})
    pairs["activity"] = pairs["activity"].replace("", np.nan)
    # a file has some hundred distinct pairs, whatever its length
    distinct = pairs.drop_duplicates().reset_index(drop=True)
    given = [activity if isinstance(activity, str) else "" for activity in distinct["activity"]]
    codes = [one.zfill(2) if one.zfill(2) in ACTIVITIES else _CODES.get(plain(one)) for one in given]
    said = pd.DataFrame(
        [_classify(cat, code, categories) for cat, code in zip(distinct["category"], codes, strict=True)],
        columns=["service", "reception_mode", "capacity_unit", "delivered_at_home", "is_sessad_type"],
    )
    for name in ("service", "reception_mode", "capacity_unit"):
        said[name] = said[name].astype("str")
    found = pairs.merge(pd.concat([distinct, said], axis=1), on=["category", "activity"], how="left")
    without = found["service"].notna() & found["activity"].notna() & found["reception_mode"].isna()
    if without.any():
        errors.warn(
            f"FINESS : {errors.agree(int(without.sum()), 'ligne(s)')} d'un type d'activité sans mode d'accueil connu "
            f"({errors.examples(found.loc[without, 'activity'].unique())}) ; leur mode est laissé inconnu."
        )
    return found.set_index(category.index).drop(columns=["category", "activity"])


def _classify(
    category: object, code: object, categories: Mapping[str, Category]
) -> tuple[str | None, str | None, str | None, bool, bool]:
    """Return service, mode, unit, delivered at home and SESSAD type of one category and activity."""
    kept = categories.get(str(category)) if isinstance(category, str) else None
    done = ACTIVITIES.get(code) if isinstance(code, str) else None
    if kept is None:
        return None, done.reception_mode if done else None, None, False, False
    is_sessad = code == _IN_HOMES and category in extracts.SESSAD_TYPE_CATEGORIES
    service = "sessad" if is_sessad else kept.service
    if done is not None and done.is_temporary:
        service += TEMPORARY
    mode = done.reception_mode if done else None
    if kept.is_ambulatory:
        mode = "ambulatoire" if mode != "milieu_ordinaire" else mode
    # a day place of a SESSAD is at its site
    at_home = code == _IN_HOMES or (kept.is_at_home and mode is None)
    return service, mode, kept.capacity_unit, at_home, is_sessad


# accents, capitals and punctuation vary between extracts
_CODES = {plain(label): code for code, activity in ACTIVITIES.items() for label in activity.labels}


# ages of the authorisation where FINESS has none: usage in the field, flagged "default" wherever they are used
DEFAULT_AGES: dict[str, tuple[float, float]] = {
    "camsp": (0, 6),
    "cmpp": (0, 20),
    "sessad": (0, 20),
    "ime": (3, 20),
    "itep": (3, 20),
}
_STRATUM = (
    *("site_id", "service", "authorisation_id", "reception_mode", "public", "age_min", "age_max"),
    *("ages_origin", "capacity_unit", "delivered_at_home"),
)
_COLUMNS = {
    "authorised": ("capautot", "ageminiaut", "agemaxiaut", "indsupaut"),
    "installed": ("capinstot", "ageminiinst", "agemaxiinst", "indsupinst"),
}


def strata_from_equipment(
    equipment: pd.DataFrame, *, capacity: Literal["authorised", "installed"]
) -> pd.DataFrame:
    """Count places by site, service, authorisation, public, ages and mode, from the equipment lines of FINESS.

    Columns of `equipment` (`etalab-cs1400105`): `nofinesset`, `ta`, `client` (codes as text), `capautot` or
    `capinstot` (places; NaN = unknown), and `categetab`, joined from the establishments; if present, `de`, ages
    (years), `indsupinst`, `indsupaut` ("O" = deleted), `dateautor`, and an `authorisation_id` of your own. Lines that
    differ by their public alone are the same places, counted once, open to several publics (codes separated by
    spaces). CAMSP, CMPP, CMP and the like have the unit file_active and an unknown capacity: FINESS does not hold it.
    """
    places, *ages, deleted = _COLUMNS[capacity]
    _check(equipment, places)
    rows = _without_deleted(equipment, capacity, deleted).reset_index(drop=True)
    rows = pd.concat([rows, classify_equipment(rows["categetab"], rows["ta"])], axis=1)
    unknown = rows["service"].isna()
    if unknown.any():
        of = sorted(rows.loc[unknown, "categetab"].dropna().unique())
        lines = errors.agree(int(unknown.sum()), "ligne(s) non comptée(s)")
        errors.warn(f"FINESS : {lines}, de {errors.counted(of, 'catégorie(s) sans service ici')}.")
    rows = rows[~unknown].copy()
    rows = _with_ages(rows, *ages)
    rows["capacity"] = rows[places].astype(float).where(rows["capacity_unit"] == "places")
    rows = _merge_publics(rows)
    own = rows["nofinesset"] + ":" + rows["service"].str.removesuffix(TEMPORARY)
    given = rows.get("authorisation_id", pd.Series(index=rows.index, dtype="str"))
    rows["authorisation_id"] = given.fillna(own)
    rows = rows.rename(columns={"nofinesset": "site_id"})
    summed = rows.groupby(list(_STRATUM), sort=False, dropna=False)["capacity"].sum(skipna=False)
    strata = summed.reset_index().assign(capacity_scope="site")
    for name in ("reception_mode", "public", "capacity_unit"):
        # grouping a column where nothing is known takes its type away
        strata[name] = strata[name].astype("str")
    return strata[[*_STRATUM[:8], "capacity", *_STRATUM[8:], "capacity_scope"]]


def services_from_strata(strata: pd.DataFrame, *, complete: Collection[str]) -> pd.DataFrame:
    """Gather strata into the table `services`: one row per site and service, what is unknown in one stratum being NaN.

    `complete` names the services of which every site of the territory is in the table: FINESS is complete for those
    that it registers once the extract holds the whole territory and its surroundings; it is for the caller to say.
    Two authorisations of one service at one site are two rows, told apart by « @authorisation ».
    """
    absent = [name for name in (*_STRATUM, "capacity", "capacity_scope") if name not in strata.columns]
    errors.refuse(absent, "colonne(s) absente(s)", errors.SchemaError, of="Strates de l'offre")
    keys = ["site_id", "service", "authorisation_id"]
    grouped = strata.groupby(keys, sort=False, dropna=False)
    rank = grouped.ngroup()
    first = ~rank.duplicated()
    services = strata.loc[first, [*keys, "capacity_unit", "capacity_scope"]].reset_index(drop=True)
    services["capacity"] = grouped["capacity"].sum(skipna=False).to_numpy()
    services["age_min"] = grouped["age_min"].min(skipna=False).to_numpy()
    services["age_max"] = grouped["age_max"].max(skipna=False).to_numpy()
    services["public"] = _publics_by(strata["public"], rank).array
    for name in ("ages_origin", "reception_mode"):
        # the only value of several rows, or nothing
        kinds = grouped[name].nunique(dropna=False).to_numpy()
        services[name] = strata.loc[first, name].where(kinds == 1).astype("str").to_numpy()
    known = strata.dropna(subset="reception_mode")
    modes = known.groupby([*keys, "reception_mode"], sort=False, dropna=False)["capacity"]
    counts = modes.sum(skipna=False).reset_index()
    said = counts["reception_mode"].astype("str") + ":" + counts["capacity"].map("{:g}".format).astype("str")
    by_mode = said.groupby([counts[name] for name in keys], sort=False, dropna=False).agg(" ".join)
    rows = pd.MultiIndex.from_frame(services[keys])
    services["capacity_by_mode"] = by_mode.reindex(rows).astype("str").to_numpy()
    at_home = grouped["delivered_at_home"]
    # one day place in a SESSAD does not stop its staff from driving; one home session does not make a CMPP drive
    goes_home = services["service"].str.removesuffix(TEMPORARY).isin(extracts.HOME_SERVICES).to_numpy()
    services["delivered_at_home"] = np.where(goes_home, at_home.any().to_numpy(), at_home.all().to_numpy())
    services["is_complete_list"] = services["service"].isin(set(complete))
    clash = services.duplicated(["site_id", "service"], keep=False)
    services.loc[clash, "service"] += "@" + services.loc[clash, "authorisation_id"]
    return services.set_index(["site_id", "service"])


def with_equipment(
    services: pd.DataFrame,
    equipment: pd.DataFrame,
    *,
    capacity: Literal["authorised", "installed"],
    complete: Collection[str] = (),
) -> pd.DataFrame:
    """Give services known by the category of their site the places, ages, publics and modes of FINESS.

    A service that a site offers beside that of its category (a SESSAD in an IME) is added after the others; `complete`
    names those of which every site of the territory is known. What the equipment does not say stays unknown.
    """
    ours = services_from_strata(strata_from_equipment(equipment, capacity=capacity), complete=complete)
    filled = services.copy()
    both = filled.index.intersection(ours.index)
    for name in {"ages_origin", "capacity_by_mode"}.difference(filled):
        filled[name] = pd.array([None] * len(filled), dtype="str")
    for name in ("capacity", *_STRATUM[3:8], "capacity_by_mode"):
        filled.loc[both, name] = ours.loc[both, name].astype(filled[name].dtype)
    known_sites = services.index.get_level_values("site_id").unique()
    added = ours[~ours.index.isin(filled.index)]
    added = added[added.index.get_level_values("site_id").isin(known_sites)].reindex(columns=filled.columns)
    for name in filled.columns:
        added[name] = added[name].astype(filled[name].dtype)
    return pd.concat([filled, added]) if len(added) else filled


def _check(equipment: pd.DataFrame, places: str) -> None:
    """Report absent columns, capacities that are none and deletion marks that say nothing."""
    problems = errors.Problems("Équipements FINESS", errors.SchemaError)
    for name in ("nofinesset", "categetab", "ta", "client", places):
        if name not in equipment.columns:
            problems.add(f"colonne absente : « {name} »")
        elif name != places and pd.api.types.is_numeric_dtype(equipment[name].dtype):
            problems.add(f"colonne « {name} » : du texte est attendu, les zéros de tête sont perdus")
    if places in equipment.columns:
        counts = equipment[places]
        if not pd.api.types.is_numeric_dtype(counts.dtype):
            problems.add(f"colonne « {places} » : des nombres sont attendus")
        elif (counts < 0).any() or np.isinf(counts.to_numpy(float, na_value=np.nan)).any():
            wrong = equipment.loc[(counts < 0) | (counts == np.inf)]
            problems.count(wrong.get("nofinesset", wrong.index), "capacité(s) négative(s) ou infinie(s)")
    for name in ("indsupinst", "indsupaut"):
        marks = set(equipment[name].dropna().unique()) - {"N", "O", ""} if name in equipment else set()
        if marks:
            shown = errors.examples(sorted(map(str, marks)))
            problems.add(f"colonne « {name} » : N ou O sont attendus ({shown})")
    problems.raise_if_any()


def _without_deleted(equipment: pd.DataFrame, capacity: str, mark: str) -> pd.DataFrame:
    """Leave out deleted lines, and lines that are not installed when installed places are asked for."""
    gone = pd.Series(False, index=equipment.index)
    if "indsupinst" in equipment:
        # an authorisation that is not installed yet has no mark of installation
        gone |= equipment["indsupinst"] != "N" if capacity == "installed" else equipment["indsupinst"] == "O"
    if mark in equipment:
        gone |= equipment[mark] == "O"
    if gone.any():
        said = "ligne(s) supprimée(s) ou non installée(s), laissée(s) de côté"
        errors.warn(f"FINESS : {errors.agree(int(gone.sum()), said)}.")
    return equipment[~gone]


def _with_ages(rows: pd.DataFrame, youngest: str, oldest: str) -> pd.DataFrame:
    """Return ages of the authorisation, or usual ones that are flagged as such."""
    nothing = pd.Series(np.nan, index=rows.index)
    low = rows[youngest].astype(float) if youngest in rows else nothing
    high = rows[oldest].astype(float) if oldest in rows else nothing
    impossible = (low > high) | (low < 0)
    if impossible.any():
        lines = errors.counted(rows.loc[impossible, "nofinesset"], "ligne(s) aux âges impossibles")
        errors.warn(f"FINESS : {lines}, traités comme inconnus.")
    known = low.notna() & high.notna() & ~impossible
    service = rows["service"].str.removesuffix(TEMPORARY)
    usual = service.isin(DEFAULT_AGES)
    rows["age_min"] = low.where(known, service.map({name: ages[0] for name, ages in DEFAULT_AGES.items()}))
    rows["age_max"] = high.where(known, service.map({name: ages[1] for name, ages in DEFAULT_AGES.items()}))
    origin = np.select([known, usual], ["source", "default"], "unknown")
    return rows.assign(ages_origin=pd.Series(origin, index=rows.index, dtype="str"))


def _merge_publics(rows: pd.DataFrame) -> pd.DataFrame:
    """Make one row of the lines that describe the same places for several publics."""
    rows = rows.assign(public=rows["client"].astype("str"))
    same = ("nofinesset", "service", "authorisation_id", "de", "ta", "age_min", "age_max", "dateautor")
    columns = [name for name in (*same, "capinstot", "capautot") if name in rows.columns]
    key = rows.groupby(columns, sort=False, dropna=False).ngroup()
    merged = rows[~key.duplicated()].copy()
    merged["public"] = _publics_by(rows["public"], key).reindex(key[merged.index]).to_numpy()
    if len(merged) < len(rows):
        twice = key[key.duplicated()].unique()
        once = f"{merged['capacity'].sum():g} places au lieu de {rows['capacity'].sum():g}"
        said = (
            f"{len(twice)} sont répétés, le plus souvent pour plusieurs publics, et comptés une fois ({once})"
        )
        errors.warn(f"FINESS : {len(rows)} lignes pour {len(merged)} ensembles de places : {said}.")
    return merged


def _publics_by(publics: "pd.Series[str]", key: "pd.Series[int]") -> "pd.Series[str]":
    """Return by key every public of its rows once, sorted, separated by spaces; missing when none is known."""
    codes = publics.str.split().explode()
    pairs = pd.DataFrame({"key": key.reindex(codes.index), "code": codes}).drop_duplicates()
    joined = pairs.dropna().sort_values("code").groupby("key")["code"].agg(" ".join)
    return joined.reindex(key.unique()).astype("str")


def complete_services(services: pd.DataFrame) -> list[str]:
    """List the services of which every site in the territory is known (column `is_complete_list`).

    A "closest site", a desert or an unmet need has a meaning for these alone: absent from a partial list
    never reads absent from the territory.

    Examples
    --------
    >>> index = pd.MultiIndex.from_tuples([("a", "urgences"), ("b", "ime")], names=["site_id", "service"])
    >>> complete_services(pd.DataFrame({"is_complete_list": [True, False]}, index=index))
    ['urgences']
    """
    complete = services["is_complete_list"].eq(True).fillna(False).groupby(level="service").all()
    return sorted(complete.index[complete])


def sites_of(services: pd.DataFrame, service: str) -> pd.Index:
    """Return the ids of the sites that offer a service, sorted; `UnknownCodeError` when no site does."""
    offered = services.index.get_level_values("service")
    if service not in offered:
        known = errors.examples(sorted(set(offered)))
        raise errors.UnknownCodeError(f"Aucun site n'offre « {service} » ; services connus : {known}.")
    return services.index[offered == service].get_level_values("site_id").unique().sort_values()


def rows_serving(services: pd.DataFrame, authorisation_id: str) -> pd.DataFrame:
    """Return the services that receive the families of an authorisation (`serves` after a merger), none once closed."""
    received = services["authorisation_id"]
    if "serves" in services:
        received = services["serves"].fillna(received)
    # few different lists, and many rows; what is unknown has the place -1, the last
    places, lists = received.factorize()
    serves = [*(authorisation_id in str(names).split() for names in lists), False]
    found: pd.DataFrame = services[np.array(serves)[places]]
    return found


def sites_serving(services: pd.DataFrame, authorisation_id: str) -> list[str]:
    """Return the sites where the families of an authorisation are received, its main site first, none once closed.

    Sites that do not receive the same ages are an `UnknownCodeError`: the closer one may not be for the child.
    """
    rows = rows_serving(services, authorisation_id)
    sites = [str(site) for site in dict.fromkeys(rows.index.get_level_values("site_id"))]
    if len(sites) > 1 and len(rows[["age_min", "age_max"]].drop_duplicates()) > 1:
        said = (
            f"Autorisation « {authorisation_id} » exercée sur {len(sites)} sites ({errors.examples(sites)})"
        )
        advice = "nommez chacun d'eux par une autorisation"
        raise errors.UnknownCodeError(f"{said} qui ne reçoivent pas les mêmes âges : {advice}.")
    return sites


def is_candidate(sites: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    """Return which sites are only communes where something could be."""
    return np.asarray(sites.index.astype("str").str.startswith(CANDIDATE_PREFIX), dtype=bool)
