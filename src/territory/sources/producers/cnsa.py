"""CNSA's prices of EHPAD, as points with a name."""

from __future__ import annotations

import html
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from territory.errors import ReadError, TerritoryWarning, agree, examples
from territory.sources.producers.ign import read_features

if TYPE_CHECKING:
    import geopandas as gpd

# the colours of the points; what they mean is read from the names: no Korian nor Orpea in another colour than the
# first, 354 of the 360 names of hospitals and 29 of the 32 names with the word « public » in the last
STATUS_COLOURS = {"#194689": "commercial", "#ad314c": "private_non_profit", "#55a9cd": "public"}

_TITLE = re.compile(r"<h3>(.*?)</h3>", re.DOTALL)
_TAG = re.compile(r"<[^>]+>")
_COLOUR = "statut_juridique_col"


def read_ehpad(path: str | Path) -> gpd.GeoDataFrame:
    """Read the EHPAD whose prices CNSA publishes, as points.

    Parameters
    ----------
    path
        GeoJSON in WGS 84 whose property `popup` holds the name between `<h3>` and `</h3>`.

    Returns
    -------
    GeoDataFrame
        In the order of the file: `name`, `legal_status` (commercial, private_non_profit or public, inferred from
        the colour of the point; None where the colour is absent or unknown), `geometry` (points, EPSG:4326).
        There is no FINESS number and no number of places in this file, and an EHPAD that declared no price is not
        in it. Public is not autonomous: the EHPAD of hospitals have the same colour.

    Raises
    ------
    ReadError
        If the file is no GeoJSON of points, or a point has no name.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "ehpad.geojson"
    >>> _ = path.write_text(
    ...     '{"type": "FeatureCollection", "features": [{"type": "Feature",'
    ...     '"properties": {"popup": "<h3>LES PINS</h3>"},'
    ...     '"geometry": {"type": "Point", "coordinates": [6.46, 43.53]}}]}'
    ... )
    >>> read_ehpad(path)["name"].to_list()
    ['LES PINS']
    >>> folder.cleanup()
    """
    import geopandas as gpd

    features = read_features(path)
    if "popup" not in features:
        raise ReadError(f"Fichier « {Path(path).name} » : propriété « popup » absente.")
    kept = features[features.geometry.notna() & (features.geom_type == "Point")]
    dropped = len(features) - len(kept)
    if dropped:
        warnings.warn(
            f"Fichier « {Path(path).name} » : {agree(dropped, 'EHPAD sans point laissé(s) de côté')}.",
            TerritoryWarning,
            stacklevel=2,
        )
    names = kept["popup"].map(_name)
    if (names == "").any():
        raise ReadError(
            f"Fichier « {Path(path).name} » : {int((names == '').sum())} EHPAD sans nom (balise <h3> absente)."
        )
    columns = {"name": names.to_numpy(), "legal_status": _statuses(kept, Path(path).name)}
    return gpd.GeoDataFrame(columns, geometry=kept.geometry.to_numpy(), crs=kept.crs)


def _statuses(features: gpd.GeoDataFrame, file_name: str) -> list[str | None]:
    """Return the status that the colour of each point stands for; a colour that is not known says nothing."""
    if _COLOUR not in features:
        return [None] * len(features)
    colours = features[_COLOUR].fillna("").astype(str).str.lower()
    strange = colours[(colours != "") & ~colours.isin(STATUS_COLOURS)]
    if len(strange):
        warnings.warn(
            f"Fichier « {file_name} » : {agree(len(strange), 'EHPAD de statut inconnu')}, pour une couleur "
            f"({examples(strange.unique())}) qui n'est pas celles de 2023.",
            TerritoryWarning,
            stacklevel=3,
        )
    return [STATUS_COLOURS.get(colour) for colour in colours]


def _name(popup: str) -> str:
    """Return the title of a pop-up, without tags."""
    found = _TITLE.search(popup)
    return " ".join(html.unescape(_TAG.sub(" ", found.group(1))).split()) if found else ""
