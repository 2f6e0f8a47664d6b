"""Commune codes, the point that stands for a commune, and its official projection."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from difflib import get_close_matches
from typing import NamedTuple

import geopandas as gpd

from territory.errors import ParameterError, UnknownCodeError
from territory.sources.text import cells
from territory.sources.text.cells import commune_of_arrondissement as commune_of_arrondissement
from territory.tables.declare import COMMUNE_CODE, lines_of
from territory.territories import METROPOLITAN, TERRITORIES

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
    """Return the code of a département from its code, without its zero too, or from its name."""
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
    """Return the département of a commune code (`2A`, `2B`, `971` to `989` too); `UnknownCodeError` where none."""
    if not _CODE.fullmatch(commune_code):
        raise UnknownCodeError(
            f"« {commune_code} » n'est pas un code de commune : cinq caractères sont attendus (83050, 2A004)."
        )
    return commune_code[:3] if commune_code[:2] in ("97", "98") else commune_code[:2]


def inside_points(outlines: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """Give each commune the centroid of its largest part (an island never speaks for a mainland), or a point inside.

    It stands for the territory of the commune, not for its town: prefer the chef-lieu, or points weighted by people,
    where they are known. Outlines are in projected coordinates, on land.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import MultiPolygon, box
    >>> land = MultiPolygon([box(0, 0, 10, 10), box(90, 0, 91, 1)])
    >>> inside_points(gpd.GeoDataFrame(geometry=[land], crs=2154)).to_wkt()[0]
    'POINT (5 5)'
    """
    import geopandas as gpd

    if outlines.crs is None or not outlines.crs.is_projected:
        raise ParameterError(
            "Coordonnées projetées attendues (EPSG:2154 en métropole) : convertissez les contours avec to_crs()."
        )
    largest = [
        max(getattr(shape, "geoms", [shape]), key=lambda part: part.area) for shape in outlines.geometry
    ]
    shapes = gpd.GeoSeries(largest, index=outlines.index, crs=outlines.crs)
    centroids = shapes.centroid
    return centroids.where(shapes.contains(centroids), shapes.representative_point())


METROPOLITAN_FRANCE = TERRITORIES[METROPOLITAN].epsg
_OVERSEAS = {code: territory.epsg for code, territory in TERRITORIES.items() if code != METROPOLITAN}


def projected_epsg(departement_code: str) -> int:
    """Return the EPSG code of the official projected system (metres) of a département or overseas territory.

    RGF93 / Lambert-93 in metropolitan France, UTM overseas (décret n° 2000-1276 of 26 December 2000, as
    changed by the décret n° 2019-165 of 5 March 2019); another territory is an `UnknownCodeError`.
    """
    if departement_code in _OVERSEAS:
        return _OVERSEAS[departement_code]
    if departement_code in ("2A", "2B") or (departement_code.isdigit() and 1 <= int(departement_code) <= 95):
        return METROPOLITAN_FRANCE
    raise UnknownCodeError(
        f"Aucune projection officielle connue pour le territoire « {departement_code} » "
        f"(connus : 01 à 95, 2A, 2B, {', '.join(_OVERSEAS)})."
    )
