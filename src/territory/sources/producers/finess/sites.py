"""From establishments of FINESS, in any of its forms, to the table `sites`, and what their categories are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from territory.sources.producers.ign import in_degrees
from territory.sources.text.cells import FINESS, commune_of_arrondissement
from territory.sources.text.refusals import problems_of, quoted, warn_of
from territory.tables.declare import COMMUNE_CODE, lines_of
from territory.territories import is_inside

WGS84 = 4326
# no commune of metropolitan France reaches that far from its centre
FAR_KM = 20
_DEGREE_KM = 111.2
# places of FINESS in the old files; the newer ones write the EPSG code itself
_PROJECTIONS = {
    "L93_METROPOLE": 2154,
    "LAMBERT_93": 2154,
    "UTM_N20": 5490,
    "UTM_N21": 4467,
    "UTM_N22": 2972,
    "UTM_S38": 4471,
    "UTM_S40": 2975,
}
_EPSG = re.compile(r"EPSG:(\d{4,5})")
_UTM = re.compile(r"WGS ?84 ?/ ?UTM zone (\d{1,2})([NS])", re.IGNORECASE)
# FINESS still files these two under Guadeloupe; INSEE gave them codes of their own in 2008
_NORTHERN_ISLANDS = {"97123": "97701", "97127": "97801"}


def commune_of(departement: str, commune: str) -> str:
    """Return the commune code of INSEE from the two columns of FINESS."""
    departement, commune = departement.strip().upper(), commune.strip().zfill(3)
    if not departement or commune == "000":
        return ""
    if re.fullmatch(r"9[A-F]", departement):
        departement = "97"
    elif re.fullmatch(r"9[G-Z]|98\d?", departement):
        departement = "98"
    elif re.fullmatch(r"97\d", departement):
        departement = "97"
    code = departement.zfill(2) + commune
    return _NORTHERN_ISLANDS.get(code, code)


def projection_of(source: str) -> int | None:
    """Return the EPSG code that the column `sourcecoordet` of FINESS names, or nothing."""
    found = _EPSG.search(source)
    if found:
        return int(found[1])
    found = _UTM.search(source)
    if found:
        return (32600 if found[2].upper() == "N" else 32700) + int(found[1])
    return next((epsg for name, epsg in _PROJECTIONS.items() if name in source.upper()), None)


def to_degrees(points: pd.DataFrame, *, path: str | Path) -> pd.DataFrame:
    """Turn projected coordinates into degrees, each in the projection that its line names."""
    named = points["projection"].map({text: projection_of(text) for text in points["projection"].unique()})
    result = in_degrees(points, named)
    unknown = result["longitude"].isna()
    names = points.loc[unknown, "projection"].unique()
    warn_of(path, int(unknown.sum()), "point(s) dont la projection est inconnue", names)
    return result.replace([np.inf, -np.inf], np.nan)


def as_sites(
    rows: pd.DataFrame, *, source: str, path: str | Path, communes: gpd.GeoDataFrame | None = None
) -> gpd.GeoDataFrame:
    """Make the table `sites`, with a point for each site, and say which have none."""
    problems = problems_of(path)
    ids, codes = rows["site_id"], rows["commune_code"]
    problems.count(quoted(ids[~ids.str.fullmatch(FINESS.form)]), "numéro(s) FINESS mal formé(s)")
    problems.count(quoted(codes[~codes.str.fullmatch(COMMUNE_CODE)]), "code(s) de commune mal formé(s)")
    twice = [f"ligne {line} : {number}" for line, number in ids[ids.duplicated()].items()]
    problems.count(twice, "établissement(s) en double")
    problems.raise_if_any()
    # coordinates outside the territory of their commune (at sea, in another hemisphere) are no coordinates
    longitude, latitude = rows["longitude"].to_numpy(float), rows["latitude"].to_numpy(float)
    inside = is_inside(codes.to_numpy(dtype=object), longitude, latitude)
    outside = ids[np.isfinite(longitude) & ~inside]
    said = "établissement(s) aux coordonnées hors de (son|leur) territoire"
    warn_of(path, len(outside), said, outside, advice=" ; tenues pour inconnues")
    points = gpd.GeoSeries(gpd.points_from_xy(longitude, latitude), index=rows.index, crs=WGS84)
    points = points.where(inside)
    kept = rows.drop(columns=["longitude", "latitude"]).assign(
        category_code=rows["category_code"].replace("", None),
        operator_id=rows["operator_id"].replace("", None),
        point_precision=pd.Series(np.where(inside, "address", "commune"), index=rows.index, dtype="str"),
        source=source,
    )
    far = np.zeros(len(rows), dtype=bool)
    if communes is not None:
        known = communes.to_crs(WGS84).geometry
        own = gpd.GeoSeries(codes.map(commune_of_arrondissement).map(known.to_dict()), crs=WGS84)
        # plane distances would do no better at this scale
        north_km = (points.y - own.y).to_numpy(float) * _DEGREE_KM
        east_km = (points.x - own.x).to_numpy(float) * _DEGREE_KM * np.cos(np.radians(own.y.to_numpy(float)))
        far = np.hypot(north_km, east_km) > FAR_KM
        said = f"établissement(s) à plus de {FAR_KM} km de (sa|leur) commune"
        warn_of(path, int(far.sum()), said, ids[far], advice=" ; placés au point de la commune")
        inside = inside & ~far
        kept["point_precision"] = np.where(inside, "address", "commune")
        points = points.where(inside, own)
    sites = gpd.GeoDataFrame(kept, geometry=points, crs=WGS84)
    located = sites.geometry.notna() & ~sites.geometry.is_empty
    borrowed = int((located & ~inside & ~far).sum())
    warn_of(path, borrowed, "établissement(s) sans coordonnées placé(s) au point de (sa|leur) commune")
    advice = " ; donnez communes= pour les placer au point de leur commune" if communes is None else ""
    said = "établissement(s) sans coordonnées laissé(s) de côté"
    warn_of(path, int((~located).sum()), said, ids[~located], advice=advice)
    return sites[located].set_index("site_id")


@dataclass(frozen=True)
class Category:
    """A FINESS category: its service, the unit of its capacity (None = it has none), and where it works."""

    service: str
    capacity_unit: str | None = "places"
    is_ambulatory: bool = False
    is_at_home: bool = False


# categories of FINESS; file active: no CDAPH decision and no places (IGAS 2018-005R)
CATEGORIES = {
    line["category"]: Category(
        line["service"],
        line["capacity_unit"] or None,
        is_ambulatory=line["is_ambulatory"] == "yes",
        is_at_home=line["is_at_home"] == "yes",
    )
    for line in lines_of("categories.csv", "territory.sources.producers.finess")
}

# children's categories in which « prestation en milieu ordinaire » means what a SESSAD does
SESSAD_TYPE_CATEGORIES = frozenset({"182", "183", "186", "188", "192", "194", "195", "196", "377"})

# services of children that are counted in places
CHILD_SERVICES = tuple(
    category.service for code, category in CATEGORIES.items() if code in SESSAD_TYPE_CATEGORIES
)

# services whose staff go to the person
HOME_SERVICES = frozenset(category.service for category in CATEGORIES.values() if category.is_at_home)

# whatever unit a table gives them, these are followed in persons, never in places
FILE_ACTIVE_SERVICES = frozenset(
    {"camsp", "cmpp", "bapu", "cmp", "cmp_ij", "cattp", "cattp_ij", "hdj", "hdj_ij"}
)
