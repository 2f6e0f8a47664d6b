"""The official projected coordinate system of each French territory."""

from __future__ import annotations

from territory.errors import UnknownCodeError
from territory.geography.codes import departement_of
from territory.territories import METROPOLITAN, TERRITORIES

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
