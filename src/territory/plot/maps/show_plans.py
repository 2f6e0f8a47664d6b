"""Maps of what planning gives: sites chosen, places allocated, groups, establishments and types of communes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd

from territory.access.allocation import Allocation
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

    from territory.planning.grouping.answer import GroupingAnswer


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
    return draw_map([panel], legend)


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
    return draw_map([panel], legend)


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
    return draw_map([panel], Legend(shown((*legend, UNKNOWN), keys), title, notes=notes))


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
        [panel],
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
