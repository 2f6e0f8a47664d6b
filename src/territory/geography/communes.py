"""Commune codes, the point that stands for a commune, and its official projection."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple

from territory.errors import ParameterError, UnknownCodeError, agree, examples, refuse, warn
from territory.sources.text import cells
from territory.sources.text.cells import commune_of_arrondissement
from territory.tables.declare import COMMUNE_CODE, lines_of
from territory.territories import METROPOLITAN, TERRITORIES

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

_CODE = re.compile(COMMUNE_CODE)


class Departement(NamedTuple):
    """Name of a département and a box that holds its communes (degrees)."""

    name: str
    box: tuple[float, float, float, float]

    def is_near(self, other: Departement, *, margin: float = 0.6) -> bool:
        """Tell whether two boxes are less than a margin apart (degrees: 45 km and more)."""
        west, south, east, north = other.box
        return (
            self.box[0] <= east + margin
            and west <= self.box[2] + margin
            and self.box[1] <= north + margin
            and south <= self.box[3] + margin
        )


# names of INSEE; boxes of a point in each commune (annuaire service-public.fr and IGN, Licence Ouverte)
DEPARTEMENTS: Mapping[str, Departement] = {
    line["code"]: Departement(
        line["name"], (float(line["west"]), float(line["south"]), float(line["east"]), float(line["north"]))
    )
    for line in lines_of("departements.csv", "territory.geography")
}


def find_departement(said: str) -> str:
    """Return the code of a département from its code, without its zero too, or from its name.

    Examples
    --------
    >>> find_departement("1"), find_departement("isere"), find_departement("2a")
    ('01', '38', '2A')
    """
    code = cells.pad_code(said, cells.DEPARTEMENTS)
    if code in DEPARTEMENTS:
        return code
    names = {plain(one.name): code for code, one in DEPARTEMENTS.items()}
    if plain(said) in names:
        return names[plain(said)]
    close = get_close_matches(plain(said), names, n=1, cutoff=0.7)
    hint = f" ; vouliez-vous dire {DEPARTEMENTS[names[close[0]]].name} ({names[close[0]]}) ?" if close else ""
    raise UnknownCodeError(f"Département inconnu « {said} »{hint} Exemples : 31, 2A, 974, Isère.")


def plain(name: str) -> str:
    """Return a name in small letters without accents, its words joined by hyphens, as the name of a file has it."""
    bare = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return "-".join(re.findall(r"[a-z0-9]+", bare))


def departement_of(commune_code: str) -> str:
    """Return the département of a commune code.

    Parameters
    ----------
    commune_code
        Official code of five characters.

    Returns
    -------
    str
        Two characters in metropolitan France (`2A` and `2B` in Corsica), three overseas (`971` to `989`).

    Raises
    ------
    UnknownCodeError
        If this is no commune code.

    Examples
    --------
    >>> [departement_of(code) for code in ("83050", "2A004", "97411", "01001")]
    ['83', '2A', '974', '01']
    """
    if not _CODE.fullmatch(commune_code):
        raise UnknownCodeError(
            f"« {commune_code} » n'est pas un code de commune : cinq caractères sont attendus (83050, 2A004)."
        )
    return commune_code[:3] if commune_code[:2] in ("97", "98") else commune_code[:2]


def pad_codes(codes: pd.Series) -> pd.Series:
    """Give back the leading zero that spreadsheets take from commune codes.

    Parameters
    ----------
    codes
        Codes as text or whole numbers: `1004` becomes `01004`, `2a004` becomes `2A004`.

    Returns
    -------
    Series
        Text of five characters, same index.

    Raises
    ------
    UnknownCodeError
        With three of the values that cannot be commune codes.

    Examples
    --------
    >>> import pandas as pd
    >>> pad_codes(pd.Series(["1004", "83050", "2a004"])).to_list()
    ['01004', '83050', '2A004']
    """
    text = cells.pad_codes(codes)
    wrong = codes[~text.str.fullmatch(COMMUNE_CODE)]
    if len(wrong):
        raise UnknownCodeError(
            f"{agree(len(wrong), f'valeur(s) sur {len(codes)} {cells.COMMUNES.said}')} ({examples(wrong)}) : "
            f"{cells.COMMUNES.hint}."
        )
    return text


def check_codes(codes: Iterable[str], known: Iterable[str], *, cog_year: int) -> None:
    """Refuse commune codes that a COG year does not hold.

    Parameters
    ----------
    codes
        Codes to check.
    known
        Codes of the year.
    cog_year
        Year of the official geographic code that `known` comes from.

    Raises
    ------
    UnknownCodeError
        With how many codes are unknown, three of them, and what to do.

    Examples
    --------
    >>> check_codes(["14118", "14119"], ["14118"], cog_year=2024)
    Traceback (most recent call last):
    territory.errors.UnknownCodeError: 1 des 2 codes de commune est inconnu du COG 2024 (14119) : ...
    """
    asked = list(dict.fromkeys(codes))
    unknown = sorted(set(asked) - set(known))
    if unknown:
        verb = "sont inconnus" if len(unknown) > 1 else "est inconnu"
        raise UnknownCodeError(
            f"{len(unknown)} des {len(asked)} codes de commune {verb} du COG {cog_year} ({examples(unknown)}) : "
            "s'ils sont d'une autre année, indiquez-la (par exemple cog_year=2017) pour les convertir."
        )


def merge_arrondissements(table: pd.DataFrame, *, weights: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Add up the arrondissements of Paris, Lyon and Marseille into their communes.

    Parameters
    ----------
    table
        Indexed by `commune_code`, one line per code. A commune that is there next to its own
        arrondissements is refused: it would be counted twice.
    weights
        For each share or rate, the column of counts that weighs it; the other columns of numbers are
        counts and add up, those of text are dropped for the merged communes.

    Returns
    -------
    DataFrame
        Same columns, the merged communes last; a count that one arrondissement does not know is NaN.

    Raises
    ------
    ParameterError
        If a commune is there together with its arrondissements.

    Examples
    --------
    >>> import pandas as pd
    >>> parts = pd.DataFrame({"population": [40.0, 60.0, 5.0]}, index=["13201", "13202", "83001"])
    >>> merge_arrondissements(parts)["population"].to_dict()
    {'83001': 5.0, '13055': 100.0}
    """
    import pandas as pd

    weights = dict(weights or {})
    target = pd.Series([commune_of_arrondissement(str(code)) for code in table.index], index=table.index)
    is_part = (target != table.index).to_numpy()
    if not is_part.any():
        return table.copy()
    parts, whole = table[is_part], table[~is_part]
    both = sorted(set(target[is_part]) & set(whole.index))
    if both:
        raise ParameterError(
            f"Communes présentes en même temps que leurs arrondissements ({examples(both)}) : gardez l'un ou l'autre."
        )
    groups = target[is_part].to_numpy()
    merged = pd.DataFrame(index=pd.Index(sorted(set(groups)), name=table.index.name))
    for column in table.columns:
        values = parts[column]
        if not pd.api.types.is_numeric_dtype(values.dtype):
            continue
        if column in weights:
            weight = parts[weights[column]]
            total = weight.groupby(groups).sum(min_count=1)
            merged[column] = (values * weight).groupby(groups).agg(
                lambda cells: cells.sum(skipna=False)
            ) / total
        else:
            merged[column] = values.groupby(groups).agg(lambda cells: cells.sum(skipna=False))
    return pd.concat([whole, merged.reindex(columns=table.columns)])


def inside_points(outlines: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """Give each commune one point, on its largest part.

    The point is the centroid of the largest part (an island never speaks for a mainland) where it falls
    inside, and otherwise a point that shapely guarantees inside. It stands for the territory of the
    commune, not for its town: prefer the chef-lieu, or points weighted by people, where they are known.

    Parameters
    ----------
    outlines
        Polygons in projected coordinates, on land.

    Returns
    -------
    GeoSeries
        Points, same index and coordinate system.

    Raises
    ------
    ParameterError
        If the coordinates are longitudes and latitudes.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import MultiPolygon, box
    >>> land = MultiPolygon([box(0, 0, 10, 10), box(90, 0, 91, 1)])
    >>> inside_points(gpd.GeoDataFrame(geometry=[land], crs=2154)).to_wkt()[0]
    'POINT (5 5)'
    """
    import geopandas as gpd

    _require_metres(outlines)
    largest = [
        max(getattr(shape, "geoms", [shape]), key=lambda part: part.area) for shape in outlines.geometry
    ]
    shapes = gpd.GeoSeries(largest, index=outlines.index, crs=outlines.crs)
    centroids = shapes.centroid
    return centroids.where(shapes.contains(centroids), shapes.representative_point())


def locate(points: gpd.GeoSeries, outlines: gpd.GeoDataFrame, *, max_distance_m: float = 500.0) -> pd.Series:
    """Find the commune of each point.

    A point that is in no outline (a simplified coast, a pier) goes to the nearest commune within
    `max_distance_m`, with a warning; a point on a border goes to the commune first in the table.

    Parameters
    ----------
    points
        Points in the coordinate system of the outlines.
    outlines
        Polygons in projected coordinates, indexed by `commune_code`.
    max_distance_m
        How far a point may be from its commune (m).

    Returns
    -------
    Series
        Commune code of each point, same index; missing for a point farther than that.

    Raises
    ------
    ParameterError
        If the coordinates are longitudes and latitudes, or the two coordinate systems differ.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import Point, box
    >>> communes = gpd.GeoDataFrame({"commune_code": ["83050"]}, geometry=[box(0, 0, 9, 9)], crs=2154)
    >>> locate(gpd.GeoSeries([Point(1, 1), Point(9999, 0)], crs=2154), communes.set_index("commune_code")).to_list()
    ['83050', None]
    """
    import pandas as pd

    _require_metres(outlines)
    if points.crs != outlines.crs:
        raise ParameterError("Les points et les contours ne sont pas dans le même système de coordonnées.")
    codes = outlines.index.to_numpy(dtype=object)
    found = pd.Series([None] * len(points), index=points.index, dtype=object, name="commune_code")
    position, shape = outlines.sindex.query(points, predicate="intersects")
    # the first outline wins on a border
    for point, polygon in sorted(zip(position, shape, strict=True), reverse=True):
        found.iloc[point] = codes[polygon]
    lost = found.isna().to_numpy()
    if lost.any():
        asked, nearest = outlines.sindex.nearest(points[lost], return_all=False, max_distance=max_distance_m)
        found.iloc[lost.nonzero()[0][asked]] = codes[nearest]
        if len(asked):
            said = agree(len(asked), "point(s) hors de tout contour rattaché(s)")
            warn(f"{said} à la commune la plus proche, à moins de {max_distance_m:g} m.", stacklevel=3)
    return found


def check_points(points: gpd.GeoSeries, outlines: gpd.GeoDataFrame) -> None:
    """Refuse points that are not inside the outline of their own commune.

    Parameters
    ----------
    points
        Points indexed by commune code.
    outlines
        Polygons indexed by `commune_code`, same coordinate system.

    Raises
    ------
    UnknownCodeError
        If a point has no outline.
    ParameterError
        With the communes whose point is outside.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import Point, box
    >>> communes = gpd.GeoDataFrame(geometry=[box(0, 0, 9, 9)], index=["83069"], crs=2154)
    >>> check_points(gpd.GeoSeries([Point(50, 50)], index=["83069"], crs=2154), communes)
    Traceback (most recent call last):
    territory.errors.ParameterError: 1 point hors de sa commune (83069).
    """
    refuse(points.index.difference(outlines.index), "commune(s) sans contour", UnknownCodeError)
    shapes = outlines.loc[points.index].geometry
    refuse(points.index[~shapes.contains(points)], "point(s) hors de (sa commune|leur commune)")


def _require_metres(outlines: gpd.GeoDataFrame) -> None:
    """Refuse longitudes and latitudes, in which areas and distances mean nothing."""
    if outlines.crs is None or not outlines.crs.is_projected:
        raise ParameterError(
            "Coordonnées projetées attendues (EPSG:2154 en métropole) : convertissez les contours avec to_crs()."
        )


METROPOLITAN_FRANCE = TERRITORIES[METROPOLITAN].epsg
_OVERSEAS = {code: territory.epsg for code, territory in TERRITORIES.items() if code != METROPOLITAN}


def projected_epsg(departement_code: str) -> int:
    """Return the EPSG code of the official projected system of a département or overseas territory.

    Parameters
    ----------
    departement_code
        Code of the département (`83`, `2A`, `974`).

    Returns
    -------
    int
        EPSG code: RGF93 / Lambert-93 in metropolitan France, UTM overseas. Coordinates are in metres.

    Raises
    ------
    UnknownCodeError
        If no official system is known for this territory.

    References
    ----------
    Décret n° 2000-1276 du 26 décembre 2000, as changed by the décret n° 2019-165 du 5 mars 2019.

    Examples
    --------
    >>> projected_epsg("83"), projected_epsg("974")
    (2154, 2975)
    """
    if departement_code in _OVERSEAS:
        return _OVERSEAS[departement_code]
    if departement_code in ("2A", "2B") or (departement_code.isdigit() and 1 <= int(departement_code) <= 95):
        return METROPOLITAN_FRANCE
    raise UnknownCodeError(
        f"Aucune projection officielle connue pour le territoire « {departement_code} » "
        f"(connus : 01 à 95, 2A, 2B, {', '.join(_OVERSEAS)})."
    )


def projected_epsg_of_commune(commune_code: str) -> int:
    """Return the EPSG code of the official projected system where a commune is.

    Parameters
    ----------
    commune_code
        Official code of the commune.

    Returns
    -------
    int
        EPSG code (see `projected_epsg`).

    Raises
    ------
    UnknownCodeError
        If the code is no commune code, or its territory has no known system.

    Examples
    --------
    >>> projected_epsg_of_commune("97209")
    5490
    """
    return projected_epsg(departement_of(commune_code))
