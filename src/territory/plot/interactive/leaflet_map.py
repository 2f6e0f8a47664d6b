"""The interactive map itself: communes, borders, places and names, with no tile server."""

import html
import json
import math
from collections.abc import Callable
from typing import Any

import geopandas as gpd
import ipyleaflet
import ipywidgets
import numpy as np
import shapely

from territory.errors import ParameterError
from territory.plot import style
from territory.plot.interactive.views import View, border_of

# bottom to top; only communes and places answer to the mouse
PANES = {
    "communes": {"zIndex": 350},
    "zones": {"zIndex": 410, "pointerEvents": "none"},
    "isochrones": {"zIndex": 420, "pointerEvents": "none"},
    "places": {"zIndex": 450},
    "names": {"zIndex": 460, "pointerEvents": "none"},
}
HINT = "Survolez une commune."
_AROUND = ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (1, 1), (-1, 1), (1, -1))
# below this size on screen (pixels), details of an outline do not show
_DETAIL_SHARE = 1 / 1500
_TILE_PX, _SIZE_PX = 256, (600, 640)
_MOST_NAMES = 14
# the marker without Leaflet's white square, and water instead of its grey
STYLE = (
    "<style>.territory-map .leaflet-container, .territory-map.leaflet-container, .territory-map > "
    ".leaflet-container {background: #dfebf2} .territory-map .leaflet-div-icon {background: none; border: none}"
    "</style>"
)
_PIN = (
    "<svg width='30' height='40' viewBox='0 0 30 40'><path d='M15 39C6 26 1 21 1 14a14 14 0 0 1 28 0c0 7-5 12-14 "
    f"25z' fill='{style.LOSS}' stroke='#fff' stroke-width='2'/><circle cx='15' cy='14' r='5' fill='#fff'/></svg>"
)


class CommuneMap:
    """A Leaflet map of communes whose colours change."""

    def __init__(self, areas: gpd.GeoDataFrame, *, tiles: Any = None) -> None:
        if areas.empty:
            raise ParameterError("Carte impossible : aucune commune à montrer.")
        self._areas = _simplified(areas).to_crs(4326)
        self.names = areas["name"].astype(str).to_dict()
        self._template = json.loads(self._areas[["geometry"]].to_json(drop_id=False))
        # to a metre: what travels to the browser at each change stays small
        for feature in self._template["features"]:
            shape = shapely.set_precision(shapely.geometry.shape(feature["geometry"]), 1e-5, mode="pointwise")
            feature["geometry"] = json.loads(shapely.to_geojson(shape))
        empty, hover = {"type": "FeatureCollection", "features": []}, {"weight": 2.5, "color": style.INK}
        look = {"hover_style": {**hover, "dashArray": ""}, "point_style": {"radius": 6}}
        self.communes = ipyleaflet.GeoJSON(data=empty, name="Communes", pane="communes", **look)
        self.info = ipywidgets.HTML(_box(HINT))
        self.look = ipywidgets.HTML(STYLE, layout=ipywidgets.Layout(display="none"))
        ground = ipyleaflet.TileLayer(url=tiles, base=True) if isinstance(tiles, str) else tiles
        layers: list[Any] = [] if tiles is None else [ground]
        layers.append(self.communes)
        if "epci_code" in areas and _are_outlines(areas):
            zones = areas[["geometry"]].assign(zone=areas["epci_code"].fillna(""))
            borders = _simplified(zones).dissolve("zone").to_crs(4326)
            line = {"color": style.ZONE_BORDER, "weight": 1.6, "fill": False, "opacity": 0.85}
            layers.append(_layer(borders.boundary, "Limites des EPCI", "zones", line))
        layers.append(_names(areas))
        bounds = self._areas.total_bounds
        self.widget = ipyleaflet.Map(
            layers=tuple(layers),
            panes=PANES,
            center=(float(bounds[1] + bounds[3]) / 2, float(bounds[0] + bounds[2]) / 2),
            zoom=_zoom(bounds),
            zoom_snap=0.25,
            zoom_delta=0.5,
            scroll_wheel_zoom=True,
            attribution_control=tiles is not None,
            layout=ipywidgets.Layout(height=f"{_SIZE_PX[1]}px", width="100%"),
        )
        self.widget.add_class("territory-map")
        self.widget.add(ipyleaflet.WidgetControl(widget=self.info, position="bottomleft"))
        self.widget.add(ipyleaflet.LayersControl(position="topright"))
        self.widget.add(ipyleaflet.ScaleControl(position="bottomright", imperial=False))
        self.view: View | None = None
        # the commune that the box describes
        self._hovered = ""
        self._places: Any = None
        self._is_moving = False
        self.communes.on_hover(self._say_commune)

    def paint(self, view: View) -> None:
        """Colour the communes as a view says; a commune that the view does not know is unknown."""
        self.view = view
        colors = {category.key: category.color for category in view.legend}
        keys = view.keys.reindex(self._areas.index).to_dict()
        features = []
        for feature in self._template["features"]:
            key = str(keys[feature["id"]])
            line, dash = border_of(key)
            fill = {"fillColor": colors.get(key, style.UNKNOWN_COLOR), "fillOpacity": 0.95}
            look = {"color": line, "weight": 0.7, "dashArray": dash, **fill}
            # nothing shared with what was shown before, or the widget would see no change
            features.append({**feature, "properties": {"style": look}})
        self.communes.data = {"type": "FeatureCollection", "features": features}
        if self._hovered:
            self._say_commune({"id": self._hovered})

    def put_places(self, places: gpd.GeoDataFrame) -> None:
        """Show places (column `label`) as black discs, instead of those of before."""
        data = json.loads(places.to_crs(4326)[["label", "geometry"]].to_json(drop_id=False))
        line, fill = {"color": style.PAPER, "weight": 1.5}, {"fillColor": style.INK, "fillOpacity": 1.0}
        disc = {"radius": 6, **line, **fill}
        layer = ipyleaflet.GeoJSON(data=data, name="Lieux", pane="places", point_style=disc)
        layer.on_hover(self._say_place)
        if self._places is None:
            self.widget.add(layer)
        else:
            self.widget.substitute(self._places, layer)
        self._places = layer

    def add_isochrones(self, isochrones: gpd.GeoDataFrame) -> dict[str, str]:
        """Add the areas within some minutes (column `minutes`); return the colour of each for the legend."""
        if "minutes" not in isochrones:
            raise ParameterError("Isochrones : la colonne « minutes » manque (voir network.isochrones).")
        limits = sorted({float(value) for value in isochrones["minutes"]}, reverse=True)
        colors = {}
        for i, limit in enumerate(limits):
            color = style.SEQUENTIAL[min(1 + i, len(style.SEQUENTIAL) - 1)]
            label = f"Isochrone {limit:g} min"
            rows = isochrones.loc[isochrones["minutes"] == limit, ["geometry"]].to_crs(4326)
            look = {"color": style.INK, "weight": 1, "fillColor": color, "fillOpacity": 0.35}
            self.widget.add(_layer(rows, label, "isochrones", look))
            colors[label] = color
        return colors

    def add_marker(self, place: tuple[float, float], moved: Callable[[float, float], None]) -> Any:
        """Add a marker that can be dragged; `moved` is called with its longitude and latitude."""
        icon = ipyleaflet.DivIcon(html=_PIN, icon_size=[30, 40], icon_anchor=[15, 38])
        name = "Nouveau lieu"
        marker = ipyleaflet.Marker(location=place[::-1], draggable=True, icon=icon, title=name, name=name)

        def dragged(change: dict[str, Any]) -> None:
            # the marker also follows a commune that is chosen, which is no drag
            if not self._is_moving:
                moved(change["new"][1], change["new"][0])

        marker.observe(dragged, "location")
        self.widget.add(marker)
        return marker

    def move_marker(self, marker: Any, place: tuple[float, float]) -> None:
        """Move a marker without calling what a drag calls."""
        self._is_moving = True
        marker.location = (place[1], place[0])
        self._is_moving = False

    def _say_commune(self, feature: dict[str, Any], **_: Any) -> None:
        """Write what is known of the commune under the mouse."""
        self._hovered = code = str(feature.get("id"))
        said = "" if self.view is None else str(self.view.texts.get(code, "inconnu"))
        self.info.value = _box(f"<b>{html.escape(self.names.get(code, code))}</b><br>{said}")

    def _say_place(self, feature: dict[str, Any], **_: Any) -> None:
        """Write the name of the place under the mouse."""
        self._hovered = ""
        self.info.value = _box(html.escape(str(feature["properties"].get("label", ""))))


def _box(text: str) -> str:
    """Return the box under the map in which the commune under the mouse is described."""
    return (
        f"<div style='background:#fff;color:{style.INK};padding:4px 9px;font-size:13px;line-height:1.35;"
        f"border-radius:3px;max-width:340px'>{text}</div>"
    )


def _are_outlines(areas: gpd.GeoDataFrame) -> bool:
    return bool(areas.geom_type.isin(["Polygon", "MultiPolygon"]).all())


def _simplified(areas: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return outlines without the details that no screen shows, still touching each other."""
    if not _are_outlines(areas) or areas.crs is None or areas.crs.is_geographic:
        return areas
    left, bottom, right, top = areas.total_bounds
    detail = max(right - left, top - bottom) * _DETAIL_SHARE
    geometry = shapely.coverage_simplify(areas.geometry.to_numpy(), detail)
    return areas.set_geometry(gpd.GeoSeries(geometry, index=areas.index, crs=areas.crs))


def _layer(shapes: Any, name: str, pane: str, look: dict[str, Any]) -> Any:
    return ipyleaflet.GeoJSON(data=json.loads(shapes.to_json()), name=name, pane=pane, style=look)


def _names(areas: gpd.GeoDataFrame) -> Any:
    """Return the names of the largest communes, far enough from each other, as a layer."""
    left, bottom, right, top = areas.total_bounds
    apart = max(right - left, top - bottom) / 11
    inside = areas.geometry.representative_point()
    order = np.arange(len(areas))
    if "population" in areas:
        order = np.argsort(-areas["population"].fillna(0).to_numpy(), kind="stable")
    kept: list[int] = []
    for place in order:
        if all(inside.iloc[place].distance(inside.iloc[other]) > apart for other in kept):
            kept.append(int(place))
        if len(kept) == _MOST_NAMES:
            break
    points = gpd.GeoSeries(inside.iloc[kept]).to_crs(4326).get_coordinates().to_numpy().tolist()
    halo = ",".join(f"{x}px {y}px 2px #fff" for x, y in _AROUND)
    marks = []
    for name, (x, y) in zip(areas["name"].iloc[kept], points, strict=True):
        text = (
            f"<div style='position:absolute;transform:translate(-50%,-50%);white-space:nowrap;font-size:12px;"
            f"font-weight:600;color:{style.INK};text-shadow:{halo};pointer-events:none'>"
            f"{html.escape(str(name))}</div>"
        )
        icon = ipyleaflet.DivIcon(html=text, icon_size=[0, 0], icon_anchor=[0, 0])
        look = {"icon": icon, "pane": "names", "title": str(name)}
        marks.append(ipyleaflet.Marker(location=(y, x), draggable=False, **look))
    return ipyleaflet.LayerGroup(layers=tuple(marks), name="Noms")


def _zoom(bounds: np.ndarray) -> float:
    """Return the zoom at which everything is seen (Web Mercator), by quarters."""
    west, south, east, north = (float(value) for value in bounds)
    mercator = [math.log(math.tan(math.pi / 4 + math.radians(y) / 2)) for y in (south, north)]
    wide = max(east - west, 0.02) / 360
    high = max(mercator[1] - mercator[0], 0.0003) / (2 * math.pi)
    zoom = min(math.log2(side / _TILE_PX / part) for side, part in zip(_SIZE_PX, (wide, high), strict=True))
    return max(1.0, math.floor(4 * (zoom - 0.05)) / 4)


def points_of(sites: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return sites as places of the map: one point and one label each."""
    return gpd.GeoDataFrame(sites[["geometry"]].assign(label=sites["name"]), crs=sites.crs)
