"""The two doors: one call that draws what the library gives, one that opens an interactive map of it."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from territory.access.allocation import Allocation
from territory.datasets.files import open_dataset
from territory.datasets.var import load_var
from territory.errors import MissingExtraError, ParameterError, examples
from territory.french.numbers import class_labels
from territory.french.words import persons
from territory.network.roads import RoadNetwork
from territory.planning.grouping.answer import GroupingAnswer
from territory.planning.grouping.groups import GroupingResult
from territory.planning.siting.result import SitingResult
from territory.planning.typologies import TypologyResult
from territory.plot import style
from territory.plot.charts import gainers_and_losers
from territory.plot.interactive.views import METHODS
from territory.plot.maps import show_plans as plans
from territory.plot.maps.choropleth import SHAPES, Panel, draw_map
from territory.plot.maps.legend import UNKNOWN, Category, Legend, numbers_from, shown, time_classes
from territory.release.disclosure import SUPPRESSED
from territory.release.gate import TODAY, Release, showable
from territory.release.shown import Effects, Situation
from territory.scenario.doubt.draws import Draws
from territory.scenario.zones import ALL_TERRITORY
from territory.study.words.model import Study
from territory.tables.arguments import as_frame
from territory.tables.catalogue import COLUMNS
from territory.tables.declare import Secrecy

if TYPE_CHECKING:
    from territory.plot.interactive.exploration import Exploration


def show(
    obj: Any,
    *,
    service: str | None = None,
    scenario: str | None = None,
    outlines: gpd.GeoDataFrame | None = None,
    names: Mapping[str, str] | None = None,
) -> Figure:
    """Draw what the library gives, as far as it may be printed.

    Parameters
    ----------
    obj
        Results of a computation or of a study (released or not): a map of travel times; a study with `scenario`:
        gainers and losers, those that may be printed. A comparison by itself: the same, all withheld where children
        served are counted. A study file, a road network, a siting (or its answer), an allocation of places, groups or
        types of communes: a map. The draws of a study: sure and doubtful deserts. A GeoDataFrame, or a table with a
        column or an index of communes: a map of one of its columns.
    service
        Service to draw, criterion of desert (draws), or column of a table; the first one without it.
    scenario
        Scenario of a study whose gainers and losers are drawn.
    outlines
        GeoDataFrame of polygons, or points, by commune. Results draw points without it; sitings, allocations,
        groups, types and draws need it. Polygons that groups of points do not name are drawn under them.
    names
        Name of each zone by code (comparisons), of each site (sitings) or criterion (draws) by id.

    Raises
    ------
    ParameterError
        The object is not drawable, the service is unknown, or outlines are needed.

    Examples
    --------
    >>> import territory
    >>> result = territory.run_study("draguignan")
    >>> show(result.baseline, service="ime-salernes", outlines=result.dataset.outlines).get_size_inches()[0].round(1)
    np.float64(6.7)
    """
    obj = showable(obj)
    if isinstance(obj, Situation):
        return _show_times(obj, service, outlines)
    if isinstance(obj, Effects):
        return _show_effects(obj, service, names or {})
    if isinstance(obj, Release):
        return _show_release(obj, service, scenario, outlines)
    if isinstance(obj, Study):
        return _show_study(obj)
    if isinstance(obj, RoadNetwork):
        return plans.show_roads(obj)
    if isinstance(obj, Draws):
        return plans.show_draws(obj, service, outlines, names or {})
    if (table := as_frame(obj)) is not None:
        return _show_table(table, service, outlines)
    return _show_plan(obj, outlines, names or {})


def _show_study(study: Study) -> Figure:
    """Draw the territory of a study, its EPCI in focus and the places that it names."""
    codes, folder = study.territory.departement_codes, Path(study.folder)
    data: Any = open_dataset(study.dataset, study.data, departements=codes, folder=folder)
    communes = data.communes[data.communes["departement_code"].isin(codes)]
    areas = communes[["geometry"]] if data.outlines is None else data.outlines
    focus = communes.index[communes["epci_code"] == study.territory.focus_epci_code]
    land = Category("land", study.territory.name, "#eef2f4")
    centre = Category("focus", study.territory.focus_name or "EPCI au centre de l'étude", style.SEQUENTIAL[1])
    keys = pd.Series(np.where(areas.index.isin(focus), centre.key, land.key), index=areas.index)
    named = {one.id: one.label_short or one.label for one in study.authorisation}
    held = data.services[data.services["authorisation_id"].isin(list(named))]
    today = data.sites.loc[held.index.get_level_values("site_id")]
    labels = [f"{named[name]} (aujourd'hui)" for name in held["authorisation_id"]]
    points = today.to_crs(areas.crs).geometry.to_numpy()
    places = gpd.GeoDataFrame({"label": labels, "shape": SHAPES[0]}, geometry=points, crs=areas.crs)
    declared = [site for site in study.site if site.commune_code in data.communes.index]
    columns = {"label": [f"{site.name} (prévu)" for site in declared], "shape": SHAPES[1]}
    points = data.communes.geometry.reindex([site.commune_code for site in declared]).to_numpy()
    planned = gpd.GeoDataFrame(columns, geometry=points, crs=data.communes.crs).to_crs(areas.crs)
    every: Any = pd.concat([places, planned], ignore_index=True)
    every["mark"] = [str(number) for number in range(1, len(every) + 1)]
    sites = list(every[["mark", "shape", "label"]].itertuples(index=False, name=None))
    notes = ["Un lieu prévu est au point de sa commune."] if declared else []
    legend = Legend([centre, land] if len(focus) else [land], study.title, sites=sites, notes=notes)
    panel = Panel(areas, keys, zones=data.communes["epci_code"], focus=focus, sites=gpd.GeoDataFrame(every))
    return draw_map(panel, legend)


def _show_table(obj: Any, column: str | None, outlines: gpd.GeoDataFrame | None) -> Figure:
    """Draw one column of a table by commune: numbers in five classes of equal size, texts in their order if any."""
    areas = obj
    keys = [name for name in ("commune_code", "from_id") if name in (*obj.columns, *obj.index.names)]
    if not isinstance(obj, gpd.GeoDataFrame) or (keys and outlines is not None):
        if not keys:
            raise ParameterError("Carte impossible : ni géométrie, ni colonne ou index commune_code.")
        table = obj.reset_index().drop_duplicates(keys[0]).set_index(keys[0])
        places = load_var().outlines if outlines is None else outlines
        areas = places[["geometry"]].join(table.drop(columns="geometry", errors="ignore"), how="inner")
        if areas.empty:
            given = examples(table.index)
            raise ParameterError(f"Aucune commune de la table ({given}) n'a de contour : donnez outlines=.")
    if areas.crs is None or areas.empty:
        raise ParameterError("Carte impossible : table vide, ou sans système de coordonnées (set_crs).")
    names = [str(name) for name in areas.columns if name not in (areas.geometry.name, "index")]
    numbers = [name for name in names if pd.api.types.is_numeric_dtype(areas[name].dtype)]
    chosen = _chosen(column, [*numbers, *names]) if names or column else ""
    declared = COLUMNS.get(chosen)
    if declared and declared.secrecy not in (Secrecy.PUBLIC, Secrecy.ESTIMATE):
        raise ParameterError(f"« {chosen} » tient à des personnes ou à de l'argent : voyez le rapport.")
    values: Any = areas[chosen] if chosen else pd.Series("contour", index=areas.index)
    title = declared.label if declared else chosen
    if chosen in numbers and not pd.api.types.is_bool_dtype(values.dtype):
        cuts = values[np.isfinite(values.astype(float))].quantile([0.2, 0.4, 0.6, 0.8])
        bounds = sorted({float(f"{cut:.2g}") for cut in cuts.dropna()}) or [0.0]
        classes = time_classes(values, breaks=bounds)
        labels = class_labels(bounds, unit=declared.unit.fr if declared else "")
        ranks = [one._replace(label=label) for one, label in zip(classes.legend, labels, strict=False)]
        legend = [*ranks, *classes.legend[len(ranks) :]]
        return draw_map(Panel(areas, classes.keys), Legend(shown(legend, classes.keys), title))
    texts = values.dropna().astype(str)
    is_ordered = isinstance(values.dtype, pd.CategoricalDtype) and values.dtype.ordered
    every = values.cat.categories.astype(str) if is_ordered else texts.value_counts().index
    kinds = list(every[: len(style.SEQUENTIAL)])
    legend = [Category(kind, kind, style.SEQUENTIAL[i]) for i, kind in enumerate(kinds)]
    other = Category("", "autre", style.OUTSIDE)
    shades = texts.where(texts.isin(kinds), other.key).reindex(areas.index, fill_value=UNKNOWN.key)
    used = [one for one in (*legend, other, UNKNOWN) if shades.eq(one.key).any()]
    return draw_map(Panel(areas, shades), Legend(used, title))


def _show_plan(obj: Any, outlines: gpd.GeoDataFrame | None, names: Mapping[str, str]) -> Figure:
    """Draw what planning gives (of an answer its result): it knows codes and not places."""
    drawn: dict[type, Any] = {
        SitingResult: partial(plans.show_siting, names=names),
        Allocation: plans.show_allocation,
        GroupingAnswer: plans.show_establishments,
        GroupingResult: plans.show_groups,
        TypologyResult: plans.show_types,
    }
    draw = drawn.get(type(obj)) or drawn.get(type(getattr(obj, "result", None)))
    if draw is None:
        said = "une étude, result.baseline, result.comparisons[...], un réseau routier, une implantation"
        kind = f"Rien à dessiner pour un objet de type {type(obj).__name__}"
        raise ParameterError(
            f"{kind} : donnez {said}, une affectation, des groupes ou des types de communes."
        )
    if outlines is None:
        said = f"Carte impossible : {type(obj).__name__} ne dit pas où sont les communes ; donnez outlines="
        raise ParameterError(f"{said} (result.dataset.outlines, ou des points indexés par les mêmes codes).")
    figure: Figure = draw(obj, outlines)
    return figure


def _show_release(
    released: Release, service: str | None, scenario: str | None, outlines: gpd.GeoDataFrame | None
) -> Figure:
    """Draw the times of a study, or what a scenario changes, with the names that it gives."""
    if scenario is not None and scenario not in released.scenarios:
        known = examples(released.scenarios, most=10) or "aucun"
        raise ParameterError(f"Scénario inconnu « {scenario} » ; connus : {known}.")
    if scenario is not None:
        named = released.communes.dropna(subset="epci_code")
        names = dict(zip(named["epci_code"], named["epci_name"], strict=True))
        figure = _show_effects(released.effects(scenario), service, names)
    else:
        labels = {one.id: one.label_short or one.label for one in released.study.authorisation}
        areas = released.outlines if outlines is None else outlines
        source = METHODS.get(released.times_method, "")
        figure = _show_times(released.situation(TODAY), service, areas, labels=labels, source=source)
    if released.mark:
        figure.text(0.01, 0.995, released.mark, va="top", fontsize=7.5, color=style.LOSS)
    return figure


def _chosen(service: str | None, known: list[str]) -> str:
    if not known:
        raise ParameterError("Rien à dessiner : aucun service dans ce résultat.")
    if service is not None and service not in known:
        raise ParameterError(f"Service inconnu « {service} » ; connus : {examples(known, most=10)}.")
    return service or known[0]


def _show_times(
    situation: Situation,
    service: str | None,
    outlines: gpd.GeoDataFrame | None,
    *,
    labels: Mapping[str, str] | None = None,
    source: str = "",
) -> Figure:
    """Draw the time from every commune of the territory."""
    chosen = _chosen(service, list(map(str, situation.access.index.get_level_values("service").unique())))
    inside = situation.communes
    areas = inside[["geometry"]] if outlines is None else outlines[outlines.index.isin(inside.index)]
    rows = situation.access.xs(chosen, level="service").reindex(areas.index)
    breaks = sorted(situation.thresholds_min)[:4]
    classes = time_classes(rows["travel_time_min"], breaks=breaks, is_reachable=rows["is_reachable"])
    numbers, zones = numbers_from(rows["travel_time_min"]), inside["epci_code"]
    panel = Panel(gpd.GeoDataFrame(areas), classes.keys, numbers=numbers, zones=zones)
    title = f"Temps de route (minutes) vers : {(labels or {}).get(chosen, chosen)}"
    return draw_map(panel, Legend(shown(classes.legend, classes.keys), title, source=source))


def _show_effects(effects: Effects, service: str | None, names: Mapping[str, str]) -> Figure:
    """Draw gainers and losers by zone, saying which numbers are withheld."""
    counts = effects.by_zone(_chosen(service, list(effects.services)))
    zones = counts.zones[counts.zones.index != ALL_TERRITORY]
    kinds = ["gain", "loss", "indistinct"]
    touched = zones[[f"persons_{kind}" for kind in kinds]].ne(0.0).any(axis=1)
    table = zones[touched].sort_values("persons_loss", ascending=False, kind="stable")
    for kind in kinds:
        texts = table[f"persons_{kind}"].map(persons)
        table[f"text_{kind}"] = texts.mask(counts.is_withheld[kind].reindex(table.index), SUPPRESSED)
    noun = "enfants accompagnés" if counts.is_observed else "enfants"
    return gainers_and_losers(table.rename(index=lambda zone: names.get(str(zone), str(zone))), noun=noun)


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
) -> "Exploration":
    """Open an interactive map in Jupyter (elsewhere, a picture); it fetches nothing from outside without tiles.

    Parameters
    ----------
    obj
        What `territory.run_study` gives (a map with a panel to try a scenario by hand), results of a
        computation, a comparison, the result of a siting, or isochrones (GeoDataFrame with `minutes`).
    service
        Service shown first.
    outlines, communes
        GeoDataFrames by commune: polygons, the study's own without them; `name`, `population` and `epci_code`,
        needed beside a comparison or a siting.
    isochrones, deserts
        GeoDataFrame with `minutes`, over the communes; what `territory.access.deserts.classify` gives, as a layer.
    network
        Roads for the times of a scenario tried by hand, where the study's times are not estimated.
    tiles
        Background tiles: an ipyleaflet layer, or the address of a tile server.

    Raises
    ------
    MissingExtraError, ParameterError
        The libraries of notebooks are not installed; the object is not drawable, or what it needs is absent.

    Examples
    --------
    >>> import territory
    >>> explore(territory.run_study("draguignan"), service="ime-salernes")
    Exploration(153 communes, 'Temps de route vers : IME de Salernes (minutes)')
    """
    try:
        from territory.plot.interactive import exploration
    except ImportError as error:
        said = "La carte interactive a besoin des bibliothèques des notebooks"
        advice = "pip install 'territory[notebooks]', puis redémarrez le noyau"
        raise MissingExtraError(f"{said} : {advice}.") from error
    options: dict[str, Any] = {"isochrones": isochrones, "deserts": deserts, "tiles": tiles}
    obj = showable(obj)
    if isinstance(obj, Release):
        return exploration.of_study(obj, service=service, outlines=outlines, network=network, **options)
    if isinstance(obj, Situation):
        return exploration.of_results(obj, service=service, outlines=outlines, **options)
    if isinstance(obj, Effects | SitingResult):
        if communes is None and outlines is None:
            raise ParameterError(
                "Carte impossible : cet objet ne dit pas où sont les communes ; donnez communes= "
                "(result.baseline.state.communes) ou outlines= (result.dataset.outlines)."
            )
        areas = exploration.areas_of(communes, outlines)
        if isinstance(obj, Effects):
            return exploration.of_comparison(obj, areas, service=service, **options)
        return exploration.of_siting(obj, areas, **options)
    if isinstance(obj, gpd.GeoDataFrame) and "minutes" in obj:
        return exploration.of_isochrones(obj, communes, outlines, tiles=tiles)
    raise ParameterError(
        f"Rien à explorer pour un objet de type {type(obj).__name__} : donnez une étude calculée "
        "(territory.run_study), des résultats, une comparaison, une implantation ou des isochrones."
    )
