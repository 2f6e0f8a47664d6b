"""From establishments of FINESS, in any of its forms, to the table `sites`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from territory.errors import Problems, ReadError, agree, examples
from territory.sources.text.refusals import warn_of
from territory.territories import is_inside

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

FINESS_NUMBER = r"\d[0-9A-Z]\d{7}"
WGS84 = 4326
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
    import numpy as np
    import pandas as pd
    from pyproj import Transformer
    from pyproj.exceptions import CRSError

    result = pd.DataFrame({"longitude": np.nan, "latitude": np.nan}, index=points.index)
    named = points["projection"].map({text: projection_of(text) for text in points["projection"].unique()})
    unknown = named.isna()
    for epsg, rows in points.groupby(named):
        try:
            transformer = Transformer.from_crs(int(epsg), WGS84, always_xy=True)
        except CRSError:
            unknown |= named == epsg
            continue
        longitude, latitude = transformer.transform(rows["x"].to_numpy(), rows["y"].to_numpy())
        result.loc[rows.index, "longitude"] = longitude
        result.loc[rows.index, "latitude"] = latitude
    names = points.loc[unknown, "projection"].unique()
    warn_of(path, int(unknown.sum()), "point(s) dont la projection est inconnue", names)
    return result.replace([np.inf, -np.inf], np.nan)


def as_sites(
    rows: pd.DataFrame, *, source: str, path: str | Path, communes: gpd.GeoDataFrame | None = None
) -> gpd.GeoDataFrame:
    """Make the table `sites`, with a point for each site, and say which have none."""
    import geopandas as gpd
    import numpy as np
    import pandas as pd

    _check(rows, path)
    longitude, latitude = rows["longitude"].to_numpy(float), rows["latitude"].to_numpy(float)
    inside = is_inside(rows["commune_code"].to_numpy(dtype=object), longitude, latitude)
    _warn_outside(rows, np.isfinite(longitude) & ~inside, path)
    points = gpd.GeoSeries(gpd.points_from_xy(longitude, latitude), index=rows.index, crs=WGS84)
    points = points.where(inside)
    kept = rows.drop(columns=["longitude", "latitude"]).assign(
        category_code=rows["category_code"].replace("", None),
        operator_id=rows["operator_id"].replace("", None),
        point_precision=pd.Series(np.where(inside, "address", "commune"), index=rows.index, dtype="str"),
        source=source,
    )
    if communes is not None:
        known = communes.to_crs(WGS84).geometry
        borrowed = gpd.GeoSeries(rows["commune_code"].map(known.to_dict()), crs=WGS84)
        points = points.where(inside, borrowed)
    sites = gpd.GeoDataFrame(kept, geometry=points, crs=WGS84)
    located = sites.geometry.notna() & ~sites.geometry.is_empty
    _warn_left_out(sites, ~located, path, has_communes=communes is not None)
    return sites[located].set_index("site_id")


def _check(rows: pd.DataFrame, path: str | Path) -> None:
    """Report numbers and codes that are none, and sites that appear twice."""
    from territory.tables.schemas import COMMUNE_CODE

    problems = Problems(f"Fichier « {Path(path).name} »", ReadError)
    bad = {
        "site_id": (~rows["site_id"].str.fullmatch(FINESS_NUMBER), "numéro(s) FINESS mal formé(s)"),
        "commune_code": (
            ~rows["commune_code"].str.fullmatch(COMMUNE_CODE),
            "code(s) de commune mal formé(s)",
        ),
    }
    for name, (wrong, said) in bad.items():
        if wrong.any():
            shown = examples(
                f"ligne {line} : « {value} »" for line, value in rows.loc[wrong, name].head(4).items()
            )
            problems.add(f"{agree(int(wrong.sum()), said)} ({shown})")
    twice = rows["site_id"][rows["site_id"].duplicated()]
    if len(twice):
        shown = examples(f"ligne {line} : {number}" for line, number in twice.head(4).items())
        problems.add(f"{agree(len(twice), 'établissement(s) en double')} ({shown})")
    problems.raise_if_any()


def _warn_outside(rows: pd.DataFrame, outside: Any, path: str | Path) -> None:
    """Say how many points are nowhere near their territory."""
    wrong = rows.loc[outside, "site_id"]
    said = "établissement(s) aux coordonnées hors de (son|leur) territoire"
    warn_of(path, len(wrong), said, wrong, advice=" ; tenues pour inconnues")


def _warn_left_out(sites: gpd.GeoDataFrame, lost: pd.Series, path: str | Path, *, has_communes: bool) -> None:
    """Say how many sites have no point, and how many took the one of their commune."""
    borrowed = int(((sites["point_precision"] == "commune") & ~lost).sum())
    warn_of(path, borrowed, "établissement(s) sans coordonnées placé(s) au point de (sa|leur) commune")
    said = "établissement(s) sans coordonnées laissé(s) de côté"
    advice = "" if has_communes else " ; donnez communes= pour les placer au point de leur commune"
    warn_of(path, int(lost.sum()), said, sites.loc[lost, "site_id"], advice=advice)
