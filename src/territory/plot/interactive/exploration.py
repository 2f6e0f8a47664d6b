"""What `explore` gives: a map, the choice of what it shows, its legend, and the panel of a trial."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import ipywidgets
import pandas as pd

from territory.errors import ParameterError, TerritoryError
from territory.plot.interactive import views
from territory.plot.interactive.leaflet_map import CommuneMap, points_of
from territory.plot.interactive.panel import TrialPanel
from territory.plot.maps.choropleth import Panel, draw_map
from territory.plot.maps.legend import Legend, shown, time_classes
from territory.plot.style import to_png
from territory.release.gate import TODAY, Release
from territory.release.shown import Effects, Situation, Tried
from territory.supply import sites_of

if TYPE_CHECKING:
    from territory.network.roads import RoadNetwork
    from territory.planning.siting.result import SitingResult

NOW, TRIED, TRIED_TIMES = "Aujourd'hui : temps", "Essai : gains et pertes", "Essai : temps"
Maker = Callable[[], views.View]


class Exploration(ipywidgets.VBox):  # type: ignore[misc]
    """An interactive map that Jupyter displays."""

    def __init__(
        self,
        areas: gpd.GeoDataFrame,
        makers: Mapping[str, Maker],
        *,
        panel: TrialPanel | None = None,
        isochrones: gpd.GeoDataFrame | None = None,
        tiles: Any = None,
    ) -> None:
        self.areas, self.panel, self._isochrones = areas, panel, isochrones
        self.marker: Any = None
        self._makers = dict(makers)
        self.map = CommuneMap(areas, tiles=tiles)
        self._signs = {} if isochrones is None else self.map.add_isochrones(isochrones)
        look = {"layout": {"width": "auto"}, "style": {"description_width": "90px"}}
        self.shown = ipywidgets.Dropdown(options=list(self._makers), description="Carte", **look)
        self.legend = ipywidgets.HTML(layout=look["layout"])
        side = [self.shown, self.legend, *([panel.widget] if panel else []), self.map.look]
        self.shown.observe(lambda _: self.redraw(), "value")
        wide, narrow = {"flex": "1 1 60%", "min_width": "320px"}, {"flex": "0 0 340px", "overflow": "hidden"}
        left = ipywidgets.Box([self.map.widget], layout=ipywidgets.Layout(**wide))
        right = ipywidgets.VBox(side, layout=ipywidgets.Layout(padding="0 2px 0 12px", **narrow))
        row = ipywidgets.Layout(width="100%", align_items="flex-start")
        super().__init__([ipywidgets.HBox([left, right], layout=row)])
        self.redraw()

    def redraw(self) -> None:
        """Show again what is chosen."""
        try:
            view = self._makers[self.shown.value]()
        except TerritoryError as error:
            # every commune is then unknown, and the legend says why
            empty = pd.Series(dtype=str)
            view = views.View("Rien à montrer", empty, (), empty, str(error))
        self.map.paint(view)
        self.legend.value = views.legend_html(view, self._signs)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """Return the widget, and the picture that stands for it where widgets do not live."""
        bundle = super()._repr_mimebundle_(**options)
        data, *rest = bundle if isinstance(bundle, tuple) else (bundle,)
        data = {**data, "image/png": self.picture()}
        return (data, *rest) if rest else data

    def picture(self) -> bytes:
        """Return what is shown as a picture (PNG)."""
        view = self.map.view
        if view is None:
            return b""
        rings = self._isochrones
        if rings is not None:
            crs: Any = self.areas.crs
            rings = rings.sort_values("minutes").to_crs(crs)
            rings = rings.assign(label=[f"{value:g} min" for value in rings["minutes"]])
        panel = Panel(self.areas, view.keys, zones=self.areas.get("epci_code"), rings=rings)
        return to_png(draw_map(panel, Legend(view.legend, view.title, source=view.note)), dpi=110)

    def __repr__(self) -> str:
        """Return the communes and what is shown."""
        title = "" if self.map.view is None else self.map.view.title
        return f"Exploration({len(self.areas)} communes, {title!r})"


def areas_of(communes: gpd.GeoDataFrame | None, outlines: gpd.GeoDataFrame | None) -> gpd.GeoDataFrame:
    """Return communes with outlines where there are, points elsewhere, and their names."""
    columns = ["name", "population", "epci_code"]
    if outlines is None:
        if communes is None:
            raise ParameterError("Carte impossible : donnez communes= ou outlines=.")
        kept = [column for column in columns if column in communes]
        return gpd.GeoDataFrame(communes[[*kept, "geometry"]], crs=communes.crs)
    areas = outlines[["geometry"]].copy()
    for column in columns:
        if communes is not None and column in communes:
            areas[column] = communes[column].reindex(areas.index).to_numpy()
        elif column in outlines:
            areas[column] = outlines[column]
    if "name" not in areas:
        areas["name"] = areas.index.astype(str)
    return gpd.GeoDataFrame(areas, crs=outlines.crs)


def of_study(
    released: Release,
    *,
    service: str | None,
    outlines: gpd.GeoDataFrame | None,
    network: "RoadNetwork | None",
    **options: Any,
) -> Exploration:
    """Return the map of a study: today, each scenario, and a trial."""
    today = released.situation(TODAY)
    areas = _of_territory(today, released.outlines if outlines is None else outlines)
    labels = {one.id: one.label_short or one.label for one in released.study.authorisation}
    note = " ".join(filter(None, (released.mark, views.METHODS.get(released.times_method))))
    holder: dict[str, Exploration] = {}
    panel = None
    try:
        trial = released.trial(network)
        panel = TrialPanel(trial, released.study, labels, lambda outcome: _follow(holder.get("map"), outcome))
        if service in trial.services:
            panel.service.value = service
    except ParameterError as error:
        note = f"{note} {error}"
    first = service or str(today.access.index.get_level_values("service")[0])

    def chosen() -> str:
        return first if panel is None else str(panel.service.value)

    def times(situation: Situation) -> views.View:
        return views.times_view(situation, chosen(), label=labels.get(chosen(), chosen()), note=note)

    def changes(effects: Effects) -> views.View:
        return views.changes_view(effects, chosen(), label=labels.get(chosen(), chosen()), note=note)

    makers: dict[str, Maker] = {NOW: partial(times, today)}
    if panel is not None:
        makers[TRIED] = lambda: changes(_tried(panel).effects)
        makers[TRIED_TIMES] = lambda: times(_tried(panel).later)
    for name in released.scenarios:
        makers[f"Scénario {name} : gains et pertes"] = partial(changes, released.effects(name))
    makers |= _deserts(today)
    found = _built(areas, makers, panel, options)
    holder["map"] = found
    found.map.put_places(_places(today, chosen()))
    if panel is not None:
        panel.compute()
        if panel.place is not None:
            found.marker = found.map.add_marker(panel.place, panel.put_at)
    return found


def of_results(
    situation: Situation, *, service: str | None, outlines: gpd.GeoDataFrame | None, **options: Any
) -> Exploration:
    """Return the map of one computation: the time to each service."""
    areas = _of_territory(situation, outlines)
    services = [str(name) for name in situation.access.index.get_level_values("service").unique()]
    if service is not None and service not in services:
        raise ParameterError(f"Service inconnu « {service} » ; connus : {', '.join(services)}.")
    services.sort(key=lambda name: name != service)
    view = partial(views.times_view, situation)
    makers: dict[str, Maker] = {f"Temps : {name}": partial(view, name, label=name) for name in services}
    return _built(areas, makers | _deserts(situation), None, options)


def _deserts(situation: Situation) -> dict[str, Maker]:
    """Return one view by scheme of desert that the study asks for."""
    schemes = situation.deserts.groupby("scheme", sort=False)
    return {f"Déserts : {name}": partial(views.deserts_view, rows) for name, rows in schemes}


def of_comparison(
    effects: Effects, areas: gpd.GeoDataFrame, *, service: str | None, **options: Any
) -> Exploration:
    """Return the map of gains and losses of a scenario."""
    makers: dict[str, Maker] = {}
    for name in sorted(effects.services, key=lambda name: name != service):
        makers[f"Gains et pertes : {name}"] = partial(views.changes_view, effects, name, label=name)
    if not makers:
        raise ParameterError("Rien à explorer : ce scénario ne déplace aucun service.")
    return _built(areas, makers, None, options)


def of_siting(siting: "SitingResult", areas: gpd.GeoDataFrame, **options: Any) -> Exploration:
    """Return the map of the times to the sites chosen."""
    minutes = siting.travel_time_min.groupby(level=0).first()
    classes = time_classes(minutes)
    to = siting.assignment.groupby(level=0).first()
    texts = minutes.map("{:.0f} min, vers ".format) + to.astype(str).to_numpy()
    title = "Temps vers le site le plus proche (minutes)"
    view = views.View(title, classes.keys, shown(classes.legend, classes.keys), texts)
    found = _built(areas, {"Temps vers le site retenu": lambda: view}, None, options)
    chosen = [name for name in (*siting.selected, *siting.fixed) if name in areas.index]
    if chosen:
        points = areas.loc[chosen].assign(geometry=areas.loc[chosen].representative_point())
        found.map.put_places(points_of(points))
    return found


def of_isochrones(
    isochrones: gpd.GeoDataFrame,
    communes: gpd.GeoDataFrame | None,
    outlines: gpd.GeoDataFrame | None,
    *,
    tiles: Any,
) -> Exploration:
    """Return the map of isochrones, over communes where they are given."""
    empty = pd.Series(dtype=str)
    if communes is None and outlines is None:
        areas = gpd.GeoDataFrame(isochrones[["geometry"]].assign(name="Zone desservie"), crs=isochrones.crs)
        areas = areas.set_axis(areas.index.map(str))
    else:
        areas = areas_of(communes, outlines)
    view = views.View("Isochrones (minutes de route)", empty, (), empty)
    return _built(areas, {"Isochrones": lambda: view}, None, {"isochrones": isochrones, "tiles": tiles})


def _built(
    areas: gpd.GeoDataFrame, makers: dict[str, Maker], panel: TrialPanel | None, options: dict[str, Any]
) -> Exploration:
    """Return the map with the layers that the caller adds."""
    deserts = options.pop("deserts", None)
    if deserts is not None:
        makers["Critères de désert"] = lambda: views.deserts_view(deserts)
    return Exploration(areas, makers, panel=panel, **options)


def _of_territory(situation: Situation, outlines: gpd.GeoDataFrame | None) -> gpd.GeoDataFrame:
    """Return the communes of the territory, without the buffer."""
    inside = situation.communes
    return areas_of(inside, None if outlines is None else outlines[outlines.index.isin(inside.index)])


def _places(situation: Situation, service: str) -> gpd.GeoDataFrame:
    services = situation.services
    held = services[(services["authorisation_id"] == service).to_numpy()]
    ids = held.index.get_level_values("site_id") if len(held) else sites_of(services, service)
    return points_of(situation.sites[situation.sites.index.isin(ids)])


def _follow(exploration: Exploration | None, outcome: Tried | None) -> None:
    """Move the marker and colour the map after a trial."""
    if exploration is None or exploration.panel is None:
        return
    marker, place = exploration.marker, exploration.panel.place
    if outcome is not None:
        exploration.map.put_places(_places(outcome.today, str(exploration.panel.service.value)))
        if marker is not None:
            # a closure has no place
            marker.visible = place is not None
            exploration.map.move_marker(marker, place or marker.location[::-1])
    is_felt = outcome is None or str(exploration.panel.service.value) in outcome.effects.services
    # a trial shows what it changes, at once
    wanted = TRIED if is_felt else TRIED_TIMES
    if exploration.shown.value in (NOW, TRIED) and marker is not None and exploration.shown.value != wanted:
        exploration.shown.value = wanted
    else:
        exploration.redraw()


def _tried(panel: TrialPanel) -> Tried:
    """Return the trial, or say that it could not be computed."""
    if panel.outcome is None:
        raise ParameterError("L'essai n'a pas pu être calculé : voir le message à côté de la carte.")
    return panel.outcome
