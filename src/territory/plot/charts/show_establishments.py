"""The map of an answer to a question of grouping: members joined to their seat, the others around."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd

from territory.french.numbers import NBSP, integer, minutes
from territory.plot import style
from territory.plot.charts.show_plans import GROUP_COLORS, GROUP_HATCHES
from territory.plot.maps.categories import Category, shown
from territory.plot.maps.choropleth import Panel, draw_map, extent_of
from territory.plot.maps.legend import Legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from territory.planning.answers.grouping_answer import GroupingAnswer

_LAND = Category("land", "territoire", style.OUTSIDE)
_OTHERS = Category("others", "non regroupés (contexte)", style.RULE)
_ON_LAND = 1.9
_SEAT, _SUPPORT = "s", "o"


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
