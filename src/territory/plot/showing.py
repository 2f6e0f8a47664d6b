"""One call that draws what the library gives: times of a computation, gainers and losers of a comparison."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import geopandas as gpd

from territory.errors import ParameterError, examples
from territory.plot.categories import numbers_from, shown, time_classes
from territory.plot.charts import gainers_and_losers
from territory.plot.legend import Legend
from territory.plot.maps import Panel, draw_map
from territory.scenario.computing import ALL_TERRITORY
from territory.scenario.results import Comparison, Results

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def show(
    obj: Results | Comparison,
    *,
    service: str | None = None,
    outlines: gpd.GeoDataFrame | None = None,
    names: Mapping[str, str] | None = None,
) -> Figure:
    """Draw a result: a map of travel times, or the gainers and losers of a scenario.

    Parameters
    ----------
    obj
        What `territory.scenario.compute` or `territory.scenario.compare` gives.
    service
        Service to draw; the first one without it.
    outlines
        GeoDataFrame of polygons by commune; communes are points without it (results only).
    names
        Name of each zone by code (comparisons only).

    Returns
    -------
    Figure
        Jupyter displays it; `territory.plot.style.to_svg` writes it.

    Raises
    ------
    ParameterError
        The object is not drawable, or the service is unknown.

    Examples
    --------
    >>> import territory
    >>> result = territory.run_study("draguignan")
    >>> show(result.baseline, service="ime-salernes", outlines=result.dataset.outlines).get_size_inches()[0].round(1)
    np.float64(6.7)
    """
    if isinstance(obj, Results):
        return _show_times(obj, service, outlines)
    if isinstance(obj, Comparison):
        return _show_effects(obj, service, names or {})
    raise ParameterError(
        f"Rien à dessiner pour un objet de type {type(obj).__name__} : donnez les résultats d'un calcul "
        "(result.baseline) ou une comparaison (result.comparisons[...])."
    )


def _chosen(service: str | None, known: list[str]) -> str:
    """Return the service to draw."""
    if not known:
        raise ParameterError("Rien à dessiner : aucun service dans ce résultat.")
    if service is not None and service not in known:
        raise ParameterError(f"Service inconnu « {service} » ; connus : {examples(known, most=10)}.")
    return service or known[0]


def _show_times(results: Results, service: str | None, outlines: gpd.GeoDataFrame | None) -> Figure:
    """Draw the time from every commune of the territory."""
    chosen = _chosen(
        service, [str(name) for name in results.access.index.get_level_values("service").unique()]
    )
    communes = results.state.communes
    inside = communes[communes.index.isin(results.state.parameters.territory_codes)]
    areas = inside[["geometry"]] if outlines is None else outlines[outlines.index.isin(inside.index)]
    rows = results.access.xs(chosen, level="service").reindex(areas.index)
    breaks = sorted(results.state.parameters.thresholds_min)[:4]
    classes = time_classes(rows["travel_time_min"], breaks=breaks, is_reachable=rows["is_reachable"])
    panel = Panel(
        gpd.GeoDataFrame(areas),
        classes.keys,
        numbers=numbers_from(rows["travel_time_min"]),
        zones=communes["epci_code"],
    )
    return draw_map([panel], Legend(shown(classes.legend, classes.keys), f"Temps de route vers « {chosen} »"))


def _show_effects(comparison: Comparison, service: str | None, names: Mapping[str, str]) -> Figure:
    """Draw gainers and losers by zone."""
    chosen = _chosen(service, list(comparison.services))
    rows = comparison.zones
    is_zone = rows.index.get_level_values("zone") != ALL_TERRITORY
    zones = rows[is_zone & (rows.index.get_level_values("service") == chosen)].droplevel("service")
    touched = zones[["persons_gain", "persons_loss", "persons_indistinct"]].ne(0.0).any(axis=1)
    table = zones[touched].sort_values("persons_loss", ascending=False, kind="stable")
    return gainers_and_losers(
        table.set_axis([names.get(str(zone), str(zone)) for zone in table.index], axis=0)
    )
