"""Travel times from a routing server, OSRM or Valhalla, in the table of those of a road map."""

from __future__ import annotations

import time
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from territory.errors import (
    MissingExtraError,
    NetworkError,
    ParameterError,
)
from territory.network.points import points_to_crs
from territory.units import METRES_PER_KILOMETRE, SECONDS_PER_MINUTE

if TYPE_CHECKING:
    import geopandas as gpd

_PROFILES = {"osrm": "driving", "valhalla": "auto"}
# both servers' own limits: 100 places for OSRM, 2,500 pairs for Valhalla
_PLACES_PER_SIDE = 50
_FIRST_PAUSE_S = 0.5


def query_server(
    url: str,
    origins: gpd.GeoDataFrame,
    destinations: gpd.GeoDataFrame,
    *,
    engine: str = "osrm",
    with_distance: bool = False,
    timeout_s: float = 30.0,
    retries: int = 3,
    places_per_request: int = _PLACES_PER_SIDE,
) -> pd.DataFrame:
    """Ask an OSRM or Valhalla server for travel times, some points at a time.

    Parameters
    ----------
    url
        Address of the server.
    origins, destinations
        Points with a CRS; their index holds their identifiers. Their places are sent to the server.
    engine
        ``osrm`` or ``valhalla``.
    with_distance
        Ask for distances too.
    timeout_s
        Longest wait for one answer (s).
    retries
        How many more times a request is sent when the server fails or does not answer.
    places_per_request
        At most so many origins, and so many destinations, in one request.

    Returns
    -------
    DataFrame
        from_id, to_id, travel_time_min and, if asked, distance_km. A pair for which the server finds no path is
        absent. The attribute cutoff_min is NaN.

    Raises
    ------
    MissingExtraError
        Without routingpy (extra ``servers``).
    NetworkError
        If points cannot be used, or the server does not answer, or answers what is no matrix of times.
    ParameterError
        If an option is out of range.
    """
    if engine not in _PROFILES:
        raise ParameterError(f"Moteur « {engine} » inconnu : choisissez {' ou '.join(_PROFILES)}.")
    if timeout_s <= 0 or retries < 0 or places_per_request < 1:
        raise ParameterError(
            "timeout_s et places_per_request doivent être au-dessus de zéro, retries positif ou nul."
        )
    router = _router(url, engine, timeout_s)
    degrees = [points_to_crs(points, "EPSG:4326", role=role) for points, role in (
        (origins, "origines"), (destinations, "destinations"))]  # fmt: skip
    places = [list(zip(points.geometry.x, points.geometry.y, strict=True)) for points in degrees]
    seconds = np.full((len(origins), len(destinations)), np.nan)
    metres = np.full_like(seconds, np.nan)
    for first in range(0, len(origins), places_per_request):
        for second in range(0, len(destinations), places_per_request):
            block = slice(first, first + places_per_request), slice(second, second + places_per_request)
            answer = _ask(router, engine, places[0][block[0]], places[1][block[1]], retries=retries, url=url)
            shape = seconds[block].shape
            seconds[block] = _checked_cells(answer.durations, shape, url)
            if with_distance:
                metres[block] = _checked_cells(answer.distances, shape, url)
    row, column = np.nonzero(~np.isnan(seconds))
    table = pd.DataFrame(
        {
            "from_id": origins.index.astype(str).to_numpy()[row],
            "to_id": destinations.index.astype(str).to_numpy()[column],
            "travel_time_min": seconds[row, column] / SECONDS_PER_MINUTE,
        }
    )
    if with_distance:
        table["distance_km"] = metres[row, column] / METRES_PER_KILOMETRE
    table.attrs["cutoff_min"] = float("nan")
    return table


def _router(url: str, engine: str, timeout_s: float) -> Any:
    try:
        from routingpy.routers import OSRM, Valhalla
    except ImportError as error:
        raise MissingExtraError(
            "Interroger un serveur demande la bibliothèque routingpy : installez territory[servers]."
        ) from error
    # one try at a time: retries, and what they say, are ours
    options = {
        "base_url": url.rstrip("/"),
        "timeout": timeout_s,
        "retry_timeout": 1e-3,
        "user_agent": "territory",
    }
    return (OSRM if engine == "osrm" else Valhalla)(**options)


def _ask(
    router: Any,
    engine: str,
    origins: list[tuple[float, float]],
    destinations: list[tuple[float, float]],
    *,
    retries: int,
    url: str,
) -> Any:
    """Send one request, again if the server fails, and say in French what went wrong."""
    import requests
    from routingpy import exceptions

    passing = (
        exceptions.Timeout,
        exceptions.RouterServerError,
        exceptions.OverQueryLimit,
        requests.RequestException,
    )
    places = [list(place) for place in (*origins, *destinations)]
    rows = list(range(len(origins)))
    columns = list(range(len(origins), len(places)))
    for attempt in range(retries + 1):
        try:
            with warnings.catch_warnings():
                # routingpy warns of each retry of its own
                warnings.simplefilter("ignore", UserWarning)
                return router.matrix(places, profile=_PROFILES[engine], sources=rows, destinations=columns)
        except passing as error:
            if attempt == retries:
                raise NetworkError(
                    f"Le serveur {url} n'a pas répondu après {attempt + 1} essais ({type(error).__name__} {error}) :"
                    " vérifiez qu'il fonctionne, ou augmentez timeout_s."
                ) from error
            time.sleep(_FIRST_PAUSE_S * 2**attempt)
        except exceptions.RouterError as error:
            raise NetworkError(f"Le serveur {url} refuse la demande ({error}).") from error
        except (
            exceptions.JSONParseError,
            KeyError,
            TypeError,
            ValueError,
            IndexError,
            AttributeError,
        ) as error:
            raise NetworkError(
                f"Le serveur {url} ne répond pas comme {engine} ({type(error).__name__} : {error})."
            ) from error
    raise AssertionError


def _checked_cells(cells: Any, shape: tuple[int, ...], url: str) -> NDArray[np.float64]:
    """Return the cells of an answer as numbers, NaN for no path, or say that they make no sense."""
    try:
        numbers = np.array(
            [[np.nan if cell is None else float(cell) for cell in row] for row in cells], dtype=np.float64
        )
    except (TypeError, ValueError) as error:
        raise NetworkError(
            f"Le serveur {url} a répondu autre chose qu'une matrice de nombres ({error})."
        ) from error
    if numbers.shape != shape:
        raise NetworkError(
            f"Le serveur {url} a répondu une matrice {numbers.shape} au lieu de {shape} : réduisez places_per_request."
        )
    if (numbers < 0).any() or np.isinf(numbers).any():
        raise NetworkError(f"Le serveur {url} a répondu des temps ou distances négatifs ou infinis.")
    return numbers
