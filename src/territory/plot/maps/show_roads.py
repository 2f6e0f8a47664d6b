"""Pictures of a road network and of a study before any computation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd

from territory.datasets.catalogue import open_dataset
from territory.french.numbers import decimal
from territory.plot import style
from territory.plot.maps.categories import Category
from territory.plot.maps.choropleth import SHAPES, Panel, draw_map
from territory.plot.maps.legend import Legend

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from territory.network.roads import RoadNetwork
    from territory.study.words.model import Study

# wider and darker where one drives faster: upper speed (km/h), colour, width (points)
_SPEEDS = (
    (35.0, "#9aa7b1", 0.5, "jusqu'à 35 km/h"),
    (60.0, "#5cbcc4", 0.8, "plus de 35 à 60 km/h"),
    (85.0, "#2273ac", 1.2, "plus de 60 à 85 km/h"),
    (np.inf, "#1f2f86", 1.8, "plus de 85 km/h"),
)
_WIDTH_CM = 14.0


def show_roads(network: RoadNetwork) -> Figure:
    """Draw every road, wider and darker where one drives faster.

    Examples
    --------
    >>> from territory.network import sample_network
    >>> len(show_roads(sample_network()).axes)
    1
    """
    from matplotlib.collections import LineCollection

    roads = network.roads
    first = np.flatnonzero(~roads.void_hops())
    segments = np.stack(
        [
            np.column_stack([roads.x[first], roads.y[first]]),
            np.column_stack([roads.x[first + 1], roads.y[first + 1]]),
        ],
        axis=1,
    )
    speeds = _speeds_kmh(network)[first]
    left, right = float(roads.x.min()), float(roads.x.max())
    bottom, top = float(roads.y.min()), float(roads.y.max())
    pad = 0.04 * max(right - left, top - bottom, 1.0)
    ratio = (top - bottom + 2 * pad) / (right - left + 2 * pad)
    with style.style():
        figure = style.new_figure(_WIDTH_CM, min(_WIDTH_CM * ratio, 18.0) + 1.6)
        axes = figure.add_axes((0.02, 0.06, 0.96, 0.80))
        axes.set_xlim(left - pad, right + pad)
        axes.set_ylim(bottom - pad, top + pad)
        axes.set_aspect("equal")
        axes.set_axis_off()
        low = 0.0
        for high, color, width, label in _SPEEDS:
            kept = (speeds > low) & (speeds <= high)
            if kept.any():
                lines = LineCollection(
                    list(segments[kept]), colors=color, linewidths=width, capstyle="round", label=label
                )
                axes.add_collection(lines, autolim=False)
            low = high
        figure.text(
            0.03,
            0.93,
            f"Réseau routier « {roads.source} » : {decimal(network.length_km)} km, vitesses retenues",
            fontsize=9,
            weight="semibold",
        )
        axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=4, fontsize=7.5, frameon=False)
        figure.text(
            0.03, 0.02, f"Source : {network.attribution or roads.source}", fontsize=6.5, color=style.MUTED
        )
    return figure


def _speeds_kmh(network: RoadNetwork) -> Any:
    """Return the speed on each hop (km/h), the faster of its two directions."""
    length = network.roads.hop_length_m.astype(float)
    move = network.hop_times.move.astype(float)
    spent = np.where(move > 0, move, np.inf).min(axis=0)
    return np.divide(3600 * length, spent, out=np.zeros_like(length), where=np.isfinite(spent))


def show_study(study: Study) -> Figure:
    """Draw the territory of a study, its EPCI in focus and the places that it names.

    Examples
    --------
    >>> import territory
    >>> len(show_study(territory.load_study("draguignan")).axes)
    2
    """
    from pathlib import Path

    data: Any = open_dataset(
        study.dataset, study.data, departements=study.territory.departement_codes, folder=Path(study.folder)
    )
    inside = data.communes["departement_code"].isin(study.territory.departement_codes)
    communes = data.communes[inside]
    areas = communes[["geometry"]] if data.outlines is None else data.outlines
    focus = communes.index[communes["epci_code"] == study.territory.focus_epci_code]
    land = Category("land", study.territory.name, "#eef2f4")
    centre = Category("focus", study.territory.focus_name or "EPCI au centre de l'étude", style.SEQUENTIAL[1])
    keys = pd.Series(np.where(areas.index.isin(focus), centre.key, land.key), index=areas.index)
    named = {one.id: one.label_short or one.label for one in study.authorisation}
    held = data.services[data.services["authorisation_id"].isin(list(named))]
    today = data.sites.loc[held.index.get_level_values("site_id")]
    labels = [f"{named[name]} (aujourd'hui)" for name in held["authorisation_id"]]
    places = gpd.GeoDataFrame(
        {"label": labels, "shape": SHAPES[0]},
        geometry=today.to_crs(areas.crs).geometry.to_numpy(),
        crs=areas.crs,
    )
    declared = [site for site in study.site if site.commune_code in data.communes.index]
    planned = gpd.GeoDataFrame(
        {"label": [f"{site.name} (prévu)" for site in declared], "shape": SHAPES[1]},
        geometry=data.communes.geometry.reindex([site.commune_code for site in declared]).to_numpy(),
        crs=data.communes.crs,
    ).to_crs(areas.crs)
    every: Any = pd.concat([places, planned], ignore_index=True)
    every["mark"] = [str(number) for number in range(1, len(every) + 1)]
    legend = Legend(
        [centre, land] if len(focus) else [land],
        study.title,
        sites=list(every[["mark", "shape", "label"]].itertuples(index=False, name=None)),
        notes=["Un lieu prévu est au point de sa commune."] if declared else [],
    )
    panel = Panel(areas, keys, zones=data.communes["epci_code"], focus=focus, sites=gpd.GeoDataFrame(every))
    return draw_map([panel], legend)
