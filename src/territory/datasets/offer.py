"""Sites and services of a territory from official files: FINESS, emergencies, EHPAD, general practitioners."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import geopandas as gpd
import pandas as pd

from territory.datasets.joins import CommuneMap
from territory.datasets.slots import SLOTS, Slot
from territory.errors import ReadError, agree, examples, warn
from territory.sources.producers.finess.extracts import CATEGORIES

EMERGENCIES = "urgences"
EHPAD = "ehpad"

Offer = tuple["gpd.GeoDataFrame", "pd.DataFrame"]


def offer_of(
    tables: Mapping[str, Any],
    communes: gpd.GeoDataFrame,
    outlines: gpd.GeoDataFrame | None,
    commune_map: CommuneMap,
    *,
    complete: Collection[str],
) -> Offer:
    """Return the sites and services of the communes kept; a list is complete when the study says so."""
    pairs: list[Offer] = []
    finess = None
    if "finess" in tables:
        finess = sites_within(tables["finess"], communes, commune_map)
        pairs.append((finess, category_services(finess)))
    if "emergencies" in tables:
        hospitals = tables.get("hospitals")
        pairs.append(emergency_sites(tables["emergencies"], finess, hospitals, communes, commune_map))
    if "ehpad" in tables:
        pairs.append(ehpad_sites(tables["ehpad"], communes, outlines))
    counted = [slot for slot in SLOTS if slot.service and slot.key in communes]
    pairs += [counted_sites(communes, slot) for slot in counted]
    sites = gpd.GeoDataFrame(pd.concat([sites for sites, _ in pairs]), crs=communes.crs)
    services = pd.concat([services for _, services in pairs])
    known = {*complete, *(slot.service for slot in counted)}
    services["is_complete_list"] = services.index.get_level_values("service").isin(known)
    return sites, services


def sites_within(
    sites: gpd.GeoDataFrame, communes: gpd.GeoDataFrame, commune_map: CommuneMap
) -> gpd.GeoDataFrame:
    """Return the sites of the communes of the study, each under the code of today."""
    sites = sites.assign(commune_code=commune_map.places("finess", sites["commune_code"]))
    crs: Any = communes.crs
    return sites[sites["commune_code"].isin(communes.index)].to_crs(crs)


def category_services(sites: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return one service per site, that of its FINESS category if it has one; places, publics and ages stay unknown."""
    kept = sites[sites["category_code"].isin(CATEGORIES)]
    offered = [CATEGORIES[code] for code in kept["category_code"]]
    names, units = [kind.service for kind in offered], [kind.capacity_unit for kind in offered]
    at_home = [kind.is_at_home for kind in offered]
    return _services(kept.index, names, authorisations=kept.index, units=units, at_home=at_home)


def counted_sites(communes: gpd.GeoDataFrame, slot: Slot) -> Offer:
    """Return one site, at its point, per commune that has some of what a slot counts, with how many they are."""
    some = communes[communes[slot.key] > 0]
    ids = [f"{slot.prefix or slot.service}-{code}" for code in some.index]
    names = [f"{slot.site_name}, {commune}" for commune in some["name"]]
    source = "Base permanente des équipements (INSEE)"
    sites = _sites(ids, names, some.index, some.geometry, source=source)
    # of a pharmacy, there is one: not how many places it has
    units = ["headcount" if slot.is_headcount else None] * len(some)
    capacity = some[slot.key].to_numpy(float) if slot.is_headcount else float("nan")
    return sites, _services(sites.index, [slot.service] * len(some), units=units, capacity=capacity)


def emergency_sites(
    emergencies: pd.DataFrame,
    finess: gpd.GeoDataFrame | None,
    hospitals: pd.DataFrame | None,
    communes: gpd.GeoDataFrame,
    commune_map: CommuneMap,
) -> Offer:
    """Return the emergency departments that FINESS has not, at its point or at the SAE's commune; count the others."""
    if finess is None and hospitals is None:
        raise ReadError("« emergencies » n'a ni point ni commune : donnez aussi « finess » ou « hospitals ».")
    known = emergencies.index[:0] if finess is None else emergencies.index.intersection(finess.index)
    others = emergencies.drop(index=known)
    codes = pd.Series(None, index=others.index, dtype="str")
    if hospitals is not None:
        codes = hospitals["commune_code"].reindex(others.index)
        lost = codes.index[codes.isna()]
        if len(lost):
            said = agree(len(lost), "service(s) d'urgences sans commune laissé(s) de côté")
            warn(f"SAE : {said} ({examples(lost)}).")
    codes = commune_map.places("emergencies", codes)
    codes = codes[codes.isin(communes.index)]
    others, points = others.loc[codes.index], communes.geometry.loc[codes]
    source, operators = "Statistique annuelle des établissements (DREES)", others["operator_id"]
    sites = _sites(codes.index, others["name"], codes, points, source=source, operators=operators)
    ids = known.append(sites.index)
    return sites, _services(ids, [EMERGENCIES] * len(ids), authorisations=ids)


def ehpad_sites(
    ehpad: gpd.GeoDataFrame, communes: gpd.GeoDataFrame, outlines: gpd.GeoDataFrame | None
) -> Offer:
    """Return the EHPAD that CNSA places, each in the commune whose outline holds it; places stay unknown."""
    if outlines is None:
        raise ReadError("« ehpad » n'a que des points : donnez des contours de communes dans « points ».")
    around = outlines[outlines.index.isin(communes.index)][["geometry"]]
    crs: Any = around.crs
    placed = gpd.sjoin(ehpad.to_crs(crs), around, predicate="within")
    # a point on the line between two communes is in the first
    placed = placed[~placed.index.duplicated()]
    ids, codes = [f"ehpad-{number}" for number in placed.index], placed["commune_code"]
    said: Any = {"source": "Prix des EHPAD (CNSA)", "category": "500", "precision": "address"}
    sites = _sites(ids, placed["name"], codes, placed.geometry, **said)
    return sites, _services(sites.index, [EHPAD] * len(sites), units=["places"] * len(sites))


def _sites(
    ids: Sequence[str] | pd.Index,
    names: Sequence[str] | pd.Series,
    communes: pd.Index | pd.Series,
    points: Any,
    *,
    source: str,
    category: str | None = None,
    operators: pd.Series | None = None,
    precision: str = "commune",
) -> gpd.GeoDataFrame:
    """Return the table `sites` of what a file gives, in the projection of its points."""
    nobody = [None] * len(ids)
    table = {
        "name": list(names),
        "category_code": pd.array([category] * len(ids), dtype="str"),
        "commune_code": list(communes),
        "operator_id": pd.array(nobody if operators is None else list(operators), dtype="str"),
        "point_precision": precision,
        "source": source,
    }
    index = pd.Index(list(ids), name="site_id", dtype="str")
    return gpd.GeoDataFrame(table, index=index, geometry=points.to_numpy(), crs=points.crs)


def _services(
    ids: pd.Index,
    names: Sequence[str],
    *,
    authorisations: pd.Index | None = None,
    units: Sequence[str | None] | None = None,
    capacity: object = float("nan"),
    at_home: Sequence[bool] | bool = False,
) -> pd.DataFrame:
    """Return the table `services` of what a file gives; what it does not say is unknown."""
    nothing, keys = [None] * len(ids), [ids, pd.Index(list(names), dtype="str")]
    services = pd.DataFrame(
        {
            "authorisation_id": nothing if authorisations is None else list(authorisations),
            "capacity": capacity,
            "capacity_unit": nothing if units is None else list(units),
            "public": nothing,
            "age_min": float("nan"),
            "age_max": float("nan"),
            "reception_mode": nothing,
            "delivered_at_home": at_home,
        },
        index=pd.MultiIndex.from_arrays(keys, names=["site_id", "service"]),
    )
    texts = ["authorisation_id", "capacity_unit", "public", "reception_mode"]
    return services.astype(dict.fromkeys(texts, "str"))
