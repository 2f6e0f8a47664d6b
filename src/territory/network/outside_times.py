"""Travel times from elsewhere, a distancier or a routing server, in the table of those of a road map."""

import math
import time
import warnings
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from territory import errors
from territory.network.graph.arrays import Floats
from territory.network.points import points_to_crs
from territory.sources.text.cells import to_numbers
from territory.sources.text.refusals import numbered
from territory.sources.text.tables import read_table
from territory.units import METRES_PER_KILOMETRE, SECONDS_PER_MINUTE

_UNITS_MIN = {"min": 1.0, "s": 1 / SECONDS_PER_MINUTE}
_LONG_NAMES = {
    "from_id": ("idsrc", "id_src", "from_id", "origine", "source", "id1"),
    "to_id": ("iddst", "id_dst", "to_id", "destination", "cible", "id2"),
    "travel_time_min": ("duree", "durée", "travel_time_min", "temps", "duration", "dist_min"),
    "distance_km": ("distance", "distance_km", "dist_km"),
}


def read_distancier(path: str | Path, *, unit: str = "min") -> pd.DataFrame:
    r"""Read a table of travel times that the agency already has.

    Parameters
    ----------
    path
        CSV file (comma, semicolon or tab), or Parquet: either long (idSrc, idDst, duree and perhaps distance) or
        a square matrix whose first column and header hold identifiers.
    unit
        ``min`` or ``s``: the file does not say it. An empty cell is an unknown time; distances are in km.

    Returns
    -------
    DataFrame
        from_id, to_id, travel_time_min, and distance_km where the file has distances; NaN = unknown. The
        attribute cutoff_min is NaN: an absent pair is out of reach.

    Raises
    ------
    ReadError, SchemaError
        If the file is empty or neither of the two forms; if times are negative or not numbers, or a pair comes twice.

    Examples
    --------
    >>> _ = Path("distancier.csv").write_text("idSrc;idDst;duree;distance\n83050;83121;1500;21,4\n")
    >>> read_distancier("distancier.csv", unit="s")[["travel_time_min", "distance_km"]].values.tolist()
    [[25.0, 21.4]]
    """
    if unit not in _UNITS_MIN:
        raise errors.ParameterError(f'Unité « {unit} » inconnue : indiquez unit="min" ou unit="s".')
    path = Path(path)
    if not path.exists():
        raise errors.MissingFileError(f"Distancier introuvable : « {path} » (vérifiez le chemin).")
    long = _as_long(_read_cells(path), path)
    problems = errors.Problems(f"Distancier « {path.name} »", errors.SchemaError)
    ids = {end: long[end].astype("str").fillna("").str.strip() for end in ("from_id", "to_id")}
    for end, codes in ids.items():
        # whole numbers of Parquet are read with decimals where a cell is empty
        ids[end] = codes.str.removesuffix(".0") if pd.api.types.is_float_dtype(long[end]) else codes
        empty = numbered(long.index[ids[end] == ""] + 2)
        problems.count(empty, "identifiant(s) vide(s)", of=f"colonne {end}")
    result = pd.DataFrame(ids)
    numbers = _numbers(long, path, problems)
    for name, factor in (("travel_time_min", _UNITS_MIN[unit]), ("distance_km", 1.0)):
        if name in numbers:
            result[name] = numbers[name] * factor
    doubled = result[result.duplicated(["from_id", "to_id"])]
    problems.count(doubled["from_id"] + " → " + doubled["to_id"], "paire(s) en double")
    problems.raise_if_any()
    result.attrs["cutoff_min"] = float("nan")
    return result


def _read_cells(path: Path) -> pd.DataFrame:
    """Read a file as text, whatever its encoding and separator."""
    if path.suffix.lower() != ".parquet":
        return read_table(path).reset_index(drop=True)
    # pandas lets any error of what a file says of its columns through
    said = f"Le distancier « {path.name} » est illisible ({{reason}})."
    with errors.retold(Exception, errors.ReadError, said):
        return pd.read_parquet(path)


def _as_long(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Return one row per pair, from a long table or a square matrix."""
    lowered = {str(name).strip().lower(): name for name in table.columns}
    found = {}
    for ours, theirs in _LONG_NAMES.items():
        name = next((lowered[one] for one in theirs if one in lowered), None)
        if name is not None:
            found[name] = ours
    if {"from_id", "to_id", "travel_time_min"} <= set(found.values()):
        return table[list(found)].rename(columns=found)
    rows, columns = table.iloc[:, 0].astype(str), table.columns[1:].astype(str)
    if len(columns) and len(rows) and set(rows) & set(columns):
        cells = table.iloc[:, 1:].to_numpy().ravel()
        from_id, to_id = np.repeat(rows.to_numpy(), len(columns)), np.tile(columns.to_numpy(), len(rows))
        return pd.DataFrame({"from_id": from_id, "to_id": to_id, "travel_time_min": cells})
    said = (
        f"Le distancier « {path.name} » n'est ni une table longue (idSrc, idDst, duree) ni une matrice carrée"
    )
    raise errors.ReadError(f"{said} d'identifiants (colonnes : {errors.examples(table.columns, most=6)}).")


def _numbers(table: pd.DataFrame, path: Path, problems: errors.Problems) -> pd.DataFrame:
    """Return the columns of numbers of a table, read as those of any other."""
    names = [name for name in ("travel_time_min", "distance_km") if name in table]
    # numbers of Parquet are numbers already
    typed = [name for name in names if pd.api.types.is_numeric_dtype(table[name])]
    text = table[names].astype(object).where(table[names].notna(), "").astype("str")
    written = [name for name in names if name not in typed]
    frame = to_numbers(text.set_axis(table.index + 2), written, path=path)
    frame = frame.set_axis(table.index).assign(**{name: table[name].astype(float) for name in typed})
    for name in names:
        wrong = frame.loc[(frame[name] < 0) | np.isinf(frame[name]), name]
        problems.count(wrong, f"valeur(s) négative(s) ou infinie(s) de {name}")
    return frame


_PROFILES = {"osrm": "driving", "valhalla": "auto"}
# both servers' own limits: 100 places for OSRM, 2,500 pairs for Valhalla
_PLACES_PER_SIDE = 50
_FIRST_PAUSE_S = 0.5
_Degrees = list[tuple[float, float]]


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
        Address of the server, to which the places of the points are sent.
    origins, destinations
        Points.
    engine
        ``osrm`` or ``valhalla``.
    with_distance
        Ask for distances too.
    timeout_s, retries
        Longest wait for one answer (s); how many more times a request that fails is sent.
    places_per_request
        At most so many origins, and so many destinations, in one request.

    Returns
    -------
    DataFrame
        from_id, to_id, travel_time_min and, if asked, distance_km. A pair for which the server finds no path is
        absent. The attribute cutoff_min is NaN.

    Raises
    ------
    MissingExtraError, NetworkError
        Without routingpy (extra ``servers``); if points cannot be used, or the server does not answer times.
    """
    if engine not in _PROFILES:
        raise errors.ParameterError(f"Moteur « {engine} » inconnu : choisissez {' ou '.join(_PROFILES)}.")
    if not 0 < timeout_s < math.inf or retries < 0 or places_per_request < 1:
        raise errors.ParameterError("timeout_s et places_per_request sont positifs, retries positif ou nul.")
    router = _router(url, engine, timeout_s)
    named = ((origins, "origines"), (destinations, "destinations"))
    degrees = [points_to_crs(points, "EPSG:4326", role=role) for points, role in named]
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
    from_id, to_id = (ends.index.astype(str).to_numpy() for ends in (origins, destinations))
    table = pd.DataFrame({"from_id": from_id[row], "to_id": to_id[column]})
    table["travel_time_min"] = seconds[row, column] / SECONDS_PER_MINUTE
    if with_distance:
        table["distance_km"] = metres[row, column] / METRES_PER_KILOMETRE
    table.attrs["cutoff_min"] = float("nan")
    return table


def _router(url: str, engine: str, timeout_s: float) -> Any:
    said = "Interroger un serveur demande la bibliothèque routingpy : installez territory[servers]."
    with errors.retold(ImportError, errors.MissingExtraError, said):
        from routingpy.routers import OSRM, Valhalla
    # one try at a time: retries, and what they say, are ours
    kind = OSRM if engine == "osrm" else Valhalla
    return kind(base_url=url.rstrip("/"), timeout=timeout_s, retry_timeout=1e-3, user_agent="territory")


def _ask(
    router: Any, engine: str, origins: _Degrees, destinations: _Degrees, *, retries: int, url: str
) -> Any:
    """Send one request, again if the server fails, and say in French what went wrong."""
    import requests
    from routingpy import exceptions

    busy = exceptions.Timeout, exceptions.RouterServerError, exceptions.OverQueryLimit
    places = [list(place) for place in (*origins, *destinations)]
    rows = list(range(len(origins)))
    columns = list(range(len(origins), len(places)))
    for attempt in range(retries + 1):
        try:
            with warnings.catch_warnings():
                # routingpy warns of each retry of its own
                warnings.simplefilter("ignore", UserWarning)
                return router.matrix(places, profile=_PROFILES[engine], sources=rows, destinations=columns)
        except (*busy, requests.RequestException) as error:
            if attempt == retries:
                raise errors.NetworkError(
                    f"Le serveur {url} n'a pas répondu après {errors.agree(attempt + 1, 'essai(s)')} "
                    f"({type(error).__name__} {error}) : vérifiez qu'il fonctionne, ou augmentez timeout_s."
                ) from error
            time.sleep(_FIRST_PAUSE_S * 2**attempt)
        except exceptions.RouterError as error:
            raise errors.NetworkError(f"Le serveur {url} refuse la demande ({error}).") from error
        except (exceptions.JSONParseError, LookupError, TypeError, ValueError, AttributeError) as error:
            what = f"{type(error).__name__} : {error}"
            raise errors.NetworkError(f"Le serveur {url} ne répond pas comme {engine} ({what}).") from error
    raise AssertionError


def _checked_cells(cells: Any, shape: tuple[int, ...], url: str) -> Floats:
    """Return the cells of an answer as numbers, NaN for no path, or say that they make no sense."""
    said = f"Le serveur {url} a répondu autre chose qu'une matrice de nombres ({{reason}})."
    with errors.retold((TypeError, ValueError), errors.NetworkError, said):
        # no path is None, which becomes NaN
        numbers = np.array(list(cells), dtype=np.float64)
    if numbers.shape != shape:
        said = f"une matrice {numbers.shape} au lieu de {shape}"
        raise errors.NetworkError(f"Le serveur {url} a répondu {said} : réduisez places_per_request.")
    if (numbers < 0).any() or np.isinf(numbers).any():
        raise errors.NetworkError(f"Le serveur {url} a répondu des temps ou distances négatifs ou infinis.")
    return numbers
