"""One call that opens an interactive map: layers, legend, words under the mouse, and a scenario tried by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd

from territory.errors import MissingExtraError, ParameterError
from territory.planning.siting.result import SitingResult
from territory.scenario.results import Comparison, Results

if TYPE_CHECKING:
    from territory.network.roads import RoadNetwork
    from territory.plot.interactive.exploration import Exploration


def explore(
    obj: Any,
    *,
    service: str | None = None,
    outlines: gpd.GeoDataFrame | None = None,
    communes: gpd.GeoDataFrame | None = None,
    isochrones: gpd.GeoDataFrame | None = None,
    deserts: pd.DataFrame | None = None,
    network: RoadNetwork | None = None,
    tiles: Any = None,
) -> Exploration:
    """Open an interactive map in Jupyter; it fetches nothing from outside unless tiles are asked for.

    Parameters
    ----------
    obj
        What `territory.run_study` gives (a map with a panel to try a scenario by hand), results of a
        computation, a comparison, the result of a siting, or isochrones (GeoDataFrame with `minutes`).
    service
        Service shown first.
    outlines
        GeoDataFrame of polygons by commune; the study's own without it.
    communes
        GeoDataFrame of communes (`name`, `population`, `epci_code`); needed beside a comparison or a siting.
    isochrones
        GeoDataFrame with `minutes`, shown over the communes.
    deserts
        What `territory.access.deserts.classify` gives, one more layer to choose.
    network
        Roads for the times of a scenario tried by hand, where the study's times are not estimated.
    tiles
        Background tiles: an ipyleaflet layer, or the address of a tile server.

    Returns
    -------
    Exploration
        Jupyter displays it; elsewhere (a page of HTML, a PDF) a picture stands for it.

    Raises
    ------
    MissingExtraError
        The libraries of notebooks are not installed.
    ParameterError
        The object is not drawable, or something that it needs is absent.

    Examples
    --------
    >>> import territory
    >>> explore(territory.run_study("draguignan"), service="ime-salernes")
    Exploration(153 communes, 'Temps de route vers : IME de Salernes (minutes)')
    """
    try:
        from territory.plot.interactive import exploration
    except ImportError as error:
        raise MissingExtraError(
            "La carte interactive a besoin des bibliothèques des notebooks : pip install 'territory[notebooks]', "
            "puis redémarrez le noyau."
        ) from error
    options: dict[str, Any] = {"isochrones": isochrones, "deserts": deserts, "tiles": tiles}
    if hasattr(obj, "baseline") and hasattr(obj, "comparisons"):
        return exploration.of_study(obj, service=service, outlines=outlines, network=network, **options)
    if isinstance(obj, Results):
        return exploration.of_results(obj, service=service, outlines=outlines, **options)
    if isinstance(obj, Comparison | SitingResult):
        if communes is None and outlines is None:
            raise ParameterError(
                "Carte impossible : cet objet ne dit pas où sont les communes ; donnez communes= "
                "(result.baseline.state.communes) ou outlines= (result.dataset.outlines)."
            )
        areas = exploration.areas_of(communes, outlines)
        if isinstance(obj, Comparison):
            return exploration.of_comparison(obj, areas, service=service, **options)
        return exploration.of_siting(obj, areas, **options)
    if isinstance(obj, gpd.GeoDataFrame) and "minutes" in obj:
        return exploration.of_isochrones(obj, communes, outlines, tiles=tiles)
    raise ParameterError(
        f"Rien à explorer pour un objet de type {type(obj).__name__} : donnez une étude calculée "
        "(territory.run_study), des résultats, une comparaison, une implantation ou des isochrones."
    )
