"""Maps of what planning gives: sites chosen, places allocated, groups, establishments and types of communes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd

from territory.access.allocation import Allocation
from territory.datasets.catalogue import open_dataset
from territory.errors import ParameterError
from territory.french.numbers import NBSP, decimal, integer, minutes, round_estimate
from territory.planning.grouping.groups import GroupingResult
from territory.planning.siting.result import NAMES, STATUSES, SitingResult
from territory.planning.typologies import TypologyResult
from territory.plot import style
from territory.plot.maps.categories import UNKNOWN, Category, numbers_from, shown, time_classes
from territory.plot.maps.choropleth import SHAPES, Panel, draw_map, extent_of
from territory.plot.maps.legend import Legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from territory.network.roads import RoadNetwork
    from territory.planning.grouping.answer import GroupingAnswer
    from territory.study.words.model import Study

# one colour by group or type, told apart by every eye (Okabe and Ito, 2008, without black), then hatched
GROUP_COLORS = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7")
GROUP_HATCHES = ("", "////", "....", "xxxx")
_LAND = Category("land", "territoire", style.OUTSIDE)
_OTHERS = Category("others", "non regroupés (contexte)", style.RULE)
_ON_LAND = 1.9
_SEAT, _SUPPORT = "s", "o"


def show_siting(siting: SitingResult, areas: gpd.GeoDataFrame, names: Mapping[str, str]) -> Figure:
    """Draw the time to the sites chosen, and where they are."""
    minutes = siting.travel_time_min.groupby(level=0, sort=False).first()
    areas = _known(areas, minutes.index, "temps")
    rows = minutes.reindex(areas.index)
    reachable = siting.assignment.groupby(level=0, sort=False).first().reindex(areas.index).notna()
    classes = time_classes(rows, is_reachable=reachable)
    chosen = [*siting.selected, *siting.fixed]
    marks = [str(number) for number in range(1, len(chosen) + 1)]
    shapes = [SHAPES[0] if name in siting.selected else SHAPES[1] for name in chosen]
    placed = [i for i, name in enumerate(chosen) if name in areas.index]
    points: Any = areas.loc[[chosen[i] for i in placed]].representative_point()
    sites = gpd.GeoDataFrame(
        {"mark": [marks[i] for i in placed], "shape": [shapes[i] for i in placed]},
        geometry=points.to_numpy(),
        crs=areas.crs,
    )
    said = f"{NAMES[siting.problem][0].capitalize()} : {decimal(siting.objective, 1)} {siting.unit}"
    legend = Legend(
        shown(classes.legend, classes.keys),
        "Temps vers le site retenu",
        sites=[(marks[i], shapes[i], names.get(chosen[i], chosen[i])) for i in placed],
        notes=[said, STATUSES[siting.status], "Rond : site à ouvrir ; carré : site existant."],
    )
    panel = Panel(areas, classes.keys, numbers=numbers_from(rows), sites=sites, zones=areas.get("epci_code"))
    return draw_map(panel, legend)


def show_allocation(allocation: Allocation, areas: gpd.GeoDataFrame) -> Figure:
    """Draw where persons without a place live, as proportional circles."""
    areas = _known(areas, allocation.unmet.index, "demande")
    unmet = allocation.unmet.reindex(areas.index)
    served = Category("served", "chacun a une place", style.SEQUENTIAL[1])
    lacking = Category("lacking", "des personnes sans place", style.LOSSES[0])
    found = np.select([unmet.isna(), unmet > 0], [UNKNOWN.key, lacking.key], default=served.key)
    keys = pd.Series(found, index=areas.index)
    circles = gpd.GeoDataFrame(
        {"value": unmet.fillna(0.0).to_numpy()},
        geometry=areas.representative_point().to_numpy(),
        crs=areas.crs,
    )
    largest = float(unmet.max())
    scale = [round_estimate(largest), round_estimate(largest / 4)] if largest > 0 else []
    legend = Legend(
        shown((served, lacking, UNKNOWN), keys),
        f"Personnes sans place à {integer(allocation.max_time_min)} min ou moins",
        circles=scale,
        notes=[
            f"Servies : {integer(round_estimate(allocation.served))}",
            f"Sans place : {integer(round_estimate(float(allocation.unmet.sum())))}",
            f"Places libres : {integer(float(allocation.free_places.sum()))}",
        ],
    )
    panel = Panel(areas, keys, circles=circles, zones=areas.get("epci_code"))
    return draw_map(panel, legend)


def show_groups(grouping: GroupingResult, areas: gpd.GeoDataFrame) -> Figure:
    """Draw groups of communes, or of establishments, each in its colour."""
    sizes = grouping.summary["size"]
    labels = {str(name): f"{name} (taille {integer(float(sizes[name]))})" for name in grouping.summary.index}
    said = "optimum prouvé" if grouping.status == "optimal" else "bonne solution, optimum non prouvé"
    note = f"Temps moyen vers le siège : {decimal(float(grouping.quality['mean_drive_to_seat_min']))} min"
    return _show_labels(grouping.groups, areas, labels, f"{len(labels)} groupes, {said}", [note])


def show_types(typology: TypologyResult, areas: gpd.GeoDataFrame) -> Figure:
    """Draw types of communes, each in its colour, with its sentence."""
    labels = {str(name): str(text) for name, text in typology.sentences.items()}
    return _show_labels(typology.types, areas, labels, "Types de communes", [])


def _show_labels(
    groups: pd.Series, areas: gpd.GeoDataFrame, labels: Mapping[str, str], title: str, notes: list[str]
) -> Figure:
    """Draw a partition; groups beyond the number of colours are told apart by hatches."""
    areas = _known(areas, groups.index, "unités")
    legend = [
        Category(
            name,
            labels.get(name, name),
            GROUP_COLORS[i % len(GROUP_COLORS)],
            GROUP_HATCHES[(i // len(GROUP_COLORS)) % len(GROUP_HATCHES)],
        )
        for i, name in enumerate(labels)
    ]
    keys = groups.reindex(areas.index).astype(object).where(lambda found: found.notna(), UNKNOWN.key)
    panel = Panel(areas, keys, zones=groups.reindex(areas.index))
    return draw_map(panel, Legend(shown((*legend, UNKNOWN), keys), title, notes=notes))


def _known(areas: gpd.GeoDataFrame, index: pd.Index, what: str) -> gpd.GeoDataFrame:
    """Return the areas that a result speaks of, or say that there are none."""
    kept = areas[areas.index.isin(index)]
    if kept.empty:
        raise ParameterError(
            f"Carte impossible : aucune commune de outlines ne porte un code de ce résultat ({what}) ; donnez "
            "les contours, ou les points, indexés par les mêmes codes."
        )
    return gpd.GeoDataFrame(kept, crs=areas.crs)


def show_establishments(
    answer: GroupingAnswer,
    outlines: gpd.GeoDataFrame,
) -> Figure:
    """Draw groups of establishments: each member joined to the seat of its group, the others as context."""
    land = gpd.GeoDataFrame(outlines[["geometry"]], crs=outlines.crs)
    crs: Any = land.crs
    members, context = answer.members.to_crs(crs), answer.context.to_crs(crs)
    groups = [str(name) for name in answer.groups.index]
    legend = [_LAND, _OTHERS, *(_category(place, name, answer) for place, name in enumerate(groups))]
    keys = pd.concat(
        [
            pd.Series(_LAND.key, index=land.index),
            pd.Series(_OTHERS.key, index=context.index),
            members["group"].astype(object),
        ]
    )
    every: Any = pd.concat([land, context[["geometry"]], members[["geometry"]]])
    sites, listed = _marks(answer, members)
    panel = Panel(
        gpd.GeoDataFrame(every, crs=land.crs),
        keys,
        zones=outlines.get("epci_code"),
        sites=sites,
        extent=extent_of(land),
    )
    figure = draw_map(
        panel,
        Legend(
            shown((legend[0], *legend[1:]), keys),
            answer.grouping.name,
            sites=listed,
            notes=_notes(answer),
        ),
    )
    _join(figure.axes[0], members)
    return figure


def _category(place: int, name: str, answer: GroupingAnswer) -> Category:
    """Return the legend of a group: its seat's commune and the number of its members."""
    row: Any = answer.groups.loc[name]
    count = int(row["n_units"])
    return Category(
        name,
        f"{place + 1} – {row['seat_commune']} : {integer(count)}{NBSP}membre{'s' if count > 1 else ''}",
        GROUP_COLORS[place % len(GROUP_COLORS)],
        GROUP_HATCHES[(place // len(GROUP_COLORS)) % len(GROUP_HATCHES)],
    )


def _notes(answer: GroupingAnswer) -> list[str]:
    """Return what must be known to read the map."""
    mean = float(answer.members["drive_to_seat_min"].mean())
    bases = [str(text) for text in answer.members["status_basis"].dropna().unique()]
    return [
        f"Route moyenne vers le siège : {minutes(mean)}.",
        "Un trait joint chaque membre au siège de son groupe ; le siège est un calcul, pas une désignation.",
        *([f"Statut : {' ; '.join(bases)}."] if bases else []),
    ]


def _marks(
    answer: GroupingAnswer, members: gpd.GeoDataFrame
) -> tuple[gpd.GeoDataFrame, list[tuple[str, str, str]]]:
    """Return the marks of the seats and of the support hospital, and what the legend says of them."""
    points, marks, listed = [], [], []
    for number, seat in enumerate(answer.groups["seat"], start=1):
        points.append(members.geometry.loc[seat])
        marks.append((str(number), _SEAT))
        listed.append((str(number), _SEAT, f"siège : {members.loc[seat, 'name']}"))
    crs: Any = members.crs
    for point in answer.support.to_crs(crs).geometry:
        points.append(point)
        marks.append(("H", _SUPPORT))
        listed.append(("H", _SUPPORT, f"établissement support du {answer.grouping.support_name}"))
    frame = {"mark": [mark for mark, _ in marks], "shape": [shape for _, shape in marks]}
    return gpd.GeoDataFrame(frame, geometry=points, crs=members.crs), listed


def _join(axes: Axes, members: gpd.GeoDataFrame) -> None:
    """Draw a line from each member to the seat of its group."""
    for _, rows in members.groupby("group"):
        seat = rows.geometry[rows["is_seat"].to_numpy()].iloc[0]
        for point in rows.geometry:
            axes.plot([point.x, seat.x], [point.y, seat.y], color=style.INK, linewidth=0.9, zorder=_ON_LAND)


# wider and darker where one drives faster: upper speed (km/h), colour, width (points)
_SPEEDS = (
    (35.0, "#9aa7b1", 0.5, "jusqu'à 35 km/h"),
    (60.0, "#5cbcc4", 0.8, "plus de 35 à 60 km/h"),
    (85.0, "#2273ac", 1.2, "plus de 60 à 85 km/h"),
    (np.inf, "#1f2f86", 1.8, "plus de 85 km/h"),
)
_WIDTH_CM = 14.0


def show_roads(network: RoadNetwork) -> Figure:
    """Draw every road, wider and darker where one drives faster."""
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
    """Draw the territory of a study, its EPCI in focus and the places that it names."""
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
    return draw_map(panel, legend)
