"""Where each French territory lies: its official projection and a box that holds it, a little wider than the land.

Metropolitan France goes from Ouessant (5.2° W) to the east of Corsica (9.6° E), and from the Lavezzi (41.3° N) to
Bray-Dunes (51.1° N), so a place at 10.5° E is not in it.
"""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

METROPOLITAN = "metropole"


class Territory(NamedTuple):
    """Projected system (EPSG) and bounds in degrees (west, south, east, north), a little wider than the land."""

    epsg: int
    west: float
    south: float
    east: float
    north: float

    def holds(self, longitude: "Floats", latitude: "Floats") -> "NDArray[np.bool_]":
        """Tell which places lie in the box; false without coordinates."""
        inside: NDArray[np.bool_] = (longitude >= self.west) & (longitude <= self.east)
        return inside & (latitude >= self.south) & (latitude <= self.north)


# décret n° 2000-1276 du 26 décembre 2000, as changed by the décret n° 2019-165 du 5 mars 2019
TERRITORIES: dict[str, Territory] = {
    METROPOLITAN: Territory(2154, -5.6, 41.2, 9.8, 51.3),
    "971": Territory(5490, -61.95, 15.7, -60.9, 16.7),
    "972": Territory(5490, -61.35, 14.3, -60.7, 15.0),
    "973": Territory(2972, -54.8, 2.0, -51.4, 6.0),
    "974": Territory(2975, 55.1, -21.5, 55.95, -20.7),
    "975": Territory(4467, -56.6, 46.6, -56.0, 47.3),
    "976": Territory(4471, 44.9, -13.1, 45.4, -12.5),
    "977": Territory(5490, -63.0, 17.8, -62.7, 18.05),
    "978": Territory(5490, -63.25, 17.95, -62.9, 18.2),
}
# territories that one agency looks after together: a study may hold places of several of them
TOGETHER = (("971", "977", "978"), *((key,) for key in TERRITORIES if key not in ("971", "977", "978")))


def territory_of(commune_code: str) -> Territory | None:
    """Return the territory of a commune, or nothing where no official projection is known (986 to 988)."""
    if commune_code[:2] in ("97", "98"):
        return TERRITORIES.get(commune_code[:3])
    return TERRITORIES[METROPOLITAN]


def is_inside(
    commune_codes: "NDArray[np.object_]", longitude: "Floats", latitude: "Floats"
) -> "NDArray[np.bool_]":
    """Tell which points lie in the box of the territory of their commune; false without coordinates."""
    import numpy as np

    inside = np.zeros(len(commune_codes), dtype=bool)
    own = [code[:3] if code[:2] in ("97", "98") else METROPOLITAN for code in commune_codes]
    keys = np.array(own, dtype=object)
    for key in set(keys):
        mine = keys == key
        box = TERRITORIES.get(key)
        if box is None:
            # nothing to compare with: the coordinates are taken as they are
            inside[mine] = np.isfinite(longitude[mine])
            continue
        inside[mine] = box.holds(longitude[mine], latitude[mine])
    return inside
