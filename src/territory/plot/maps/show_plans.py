"""Maps of what planning and draws give: sites, places allocated, groups and types of communes, doubtful deserts."""

from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from territory.access.allocation import Allocation
from territory.access.deserts import IN_DESERT, NOT_COMPUTABLE, class_labels
from territory.access.uncertainty import SURE
from territory.errors import ParameterError, examples
from territory.french.numbers import NBSP, decimal, integer, minutes, round_estimate
from territory.network.roads import RoadNetwork
from territory.planning.grouping.answer import GroupingAnswer
from territory.planning.grouping.groups import GroupingResult
from territory.planning.siting.result import NAMES, STATUSES, SitingResult
from territory.planning.typologies import TypologyResult
from territory.plot import style
from territory.plot.maps.choropleth import SHAPES, Panel, draw_map, extent_of
from territory.plot.maps.legend import UNKNOWN, Category, Classes, Legend, numbers_from, shown, time_classes
from territory.scenario.doubt.draws import Draws

# one colour by group or type, told apart by every eye (Okabe and Ito, 2008, without black), then hatched
GROUP_COLORS = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7")
GROUP_HATCHES = ("", "////", "....", "xxxx")
_LAND = Category("land", "territoire", style.OUTSIDE)
_OTHERS = Category("others", "non regroupés (contexte)", style.RULE)
_ON_LAND = 1.9


def show_siting(found: Any, areas: gpd.GeoDataFrame, names: Mapping[str, str]) -> Figure:
    """Draw the time to the sites chosen, and where they are: an answer knows the commune of its candidates."""
    siting: SitingResult = getattr(found, "result", found)
    ranking = getattr(found, "ranking", pd.DataFrame(columns=["commune_code", "name"]))
    communes, names = ranking["commune_code"].to_dict(), {**ranking["name"], **names}
    minutes = siting.travel_time_min.groupby(level=0, sort=False).first()
    areas = _known(areas, minutes.index, "temps")
    rows = minutes.reindex(areas.index)
    reachable = siting.assignment.groupby(level=0, sort=False).first().reindex(areas.index).notna()
    classes = time_classes(rows, is_reachable=reachable)
    chosen = [one for one in (*siting.selected, *siting.fixed) if communes.get(one, one) in areas.index]
    marks = [(str(n), SHAPES[name not in siting.selected], name) for n, name in enumerate(chosen, start=1)]
    points: Any = areas.loc[[communes.get(name, name) for name in chosen]].representative_point()
    sites = _marked(marks, points.to_numpy(), areas.crs)
    said = NAMES[siting.problem].capitalize()
    if not siting.is_observed:
        said += f" : {decimal(siting.objective, 1)} {siting.unit}"
    legend = Legend(
        shown(classes.legend, classes.keys),
        "Temps vers le site retenu",
        sites=[(mark, shape, names.get(name, name)) for mark, shape, name in marks],
        notes=[said, STATUSES[siting.status], "Rond : site à ouvrir ; carré : site existant."],
    )
    panel = Panel(areas, classes.keys, numbers=numbers_from(rows), sites=sites, zones=areas.get("epci_code"))
    return draw_map(panel, legend)


def _marked(marks: Sequence[tuple[str, str, str]], points: Any, crs: Any) -> gpd.GeoDataFrame:
    """Return points with their mark and their shape."""
    columns = {"mark": [mark for mark, _, _ in marks], "shape": [shape for _, shape, _ in marks]}
    return gpd.GeoDataFrame(columns, geometry=points, crs=crs)


def show_allocation(allocation: Allocation, areas: gpd.GeoDataFrame) -> Figure:
    """Draw where persons without a place live, as proportional circles."""
    areas = _known(areas, allocation.unmet.index, "demande")
    unmet = allocation.unmet.reindex(areas.index)
    served = Category("served", "chacun a une place", style.SEQUENTIAL[1])
    lacking = Category("lacking", "des personnes sans place", style.LOSSES[0])
    found = np.select([unmet.isna(), unmet > 0], [UNKNOWN.key, lacking.key], default=served.key)
    keys = pd.Series(found, index=areas.index)
    points = areas.representative_point().to_numpy()
    circles = gpd.GeoDataFrame({"value": unmet.fillna(0.0).to_numpy()}, geometry=points, crs=areas.crs)
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
    return draw_map(Panel(areas, keys, circles=circles, zones=areas.get("epci_code")), legend)


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
    known = _known(areas, groups.index, "unités")
    # outlines that the result does not name are land under its points
    land = areas[
        ~areas.index.isin(groups.index) & (areas.geom_type != "Point") & known.geom_type.eq("Point").all()
    ]
    drawn: Any = pd.concat([land, known])
    legend = [*[_group(i, name, labels[name]) for i, name in enumerate(labels)], _LAND, UNKNOWN]
    keys = groups.reindex(drawn.index).astype(object).where(lambda found: found.notna(), UNKNOWN.key)
    keys = keys.mask(drawn.index.isin(land.index), _LAND.key)
    panel = Panel(drawn, keys, zones=groups.reindex(drawn.index))
    return draw_map(panel, Legend(shown(legend, keys), title, notes=notes))


def _group(place: int, name: str, label: str) -> Category:
    """Return the look of a group: a colour, and a hatch once all colours are taken."""
    round_, color = divmod(place, len(GROUP_COLORS))
    return Category(name, label, GROUP_COLORS[color], GROUP_HATCHES[round_ % len(GROUP_HATCHES)])


def _known(areas: gpd.GeoDataFrame, index: pd.Index, what: str) -> gpd.GeoDataFrame:
    """Return the areas that a result speaks of, or say that there are none."""
    kept = areas[areas.index.isin(index)]
    if kept.empty:
        said = f"Carte impossible : aucune commune de outlines ne porte un code de ce résultat ({what})"
        raise ParameterError(f"{said} ; donnez les contours, ou les points, indexés par les mêmes codes.")
    return gpd.GeoDataFrame(kept, crs=areas.crs)


def show_establishments(answer: GroupingAnswer, outlines: gpd.GeoDataFrame) -> Figure:
    """Draw groups of establishments: each member joined to the seat of its group, the others as context."""
    land = gpd.GeoDataFrame(outlines[["geometry"]], crs=outlines.crs)
    crs: Any = land.crs
    members, context = answer.members.to_crs(crs), answer.context.to_crs(crs)
    groups = []
    for place, (name, row) in enumerate(answer.groups.iterrows()):
        size = int(row["n_units"])
        said = f"{integer(size)}{NBSP}membre{'s' if size > 1 else ''}"
        groups.append(_group(place, str(name), f"{place + 1} – {row['seat_commune']} : {said}"))
    legend = [_LAND, _OTHERS, *groups]
    around = [pd.Series(_LAND.key, index=land.index), pd.Series(_OTHERS.key, index=context.index)]
    keys = pd.concat([*around, members["group"].astype(object)])
    every: Any = pd.concat([land, context[["geometry"]], members[["geometry"]]])
    seats, support = answer.groups["seat"], answer.support.to_crs(crs).geometry
    names = enumerate(members.loc[list(seats), "name"], start=1)
    listed = [(str(number), "s", f"siège : {name}") for number, name in names]
    listed += [("H", "o", f"établissement support du {answer.grouping.support_name}") for _ in support]
    sites = _marked(listed, [*members.geometry.loc[list(seats)], *support], crs)
    bases = [str(text) for text in answer.members["status_basis"].dropna().unique()]
    notes = [
        f"Route moyenne vers le siège : {minutes(float(answer.members['drive_to_seat_min'].mean()))}.",
        "Un trait joint chaque membre au siège de son groupe ; le siège est un calcul, pas une désignation.",
        *([f"Statut : {' ; '.join(bases)}."] if bases else []),
    ]
    zones, extent = outlines.get("epci_code"), extent_of(land)
    panel = Panel(gpd.GeoDataFrame(every, crs=land.crs), keys, zones=zones, sites=sites, extent=extent)
    named = Legend(shown(legend, keys), answer.grouping.name, sites=listed, notes=notes)
    figure = draw_map(panel, named)
    look: dict[str, Any] = {"color": style.INK, "linewidth": 0.9, "zorder": _ON_LAND}
    for _, rows in members.groupby("group"):
        seat = rows.geometry[rows["is_seat"].to_numpy()].iloc[0]
        for point in rows.geometry:
            figure.axes[0].plot([point.x, seat.x], [point.y, seat.y], **look)
    return figure


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
    segments = np.stack([np.column_stack([roads.x[at], roads.y[at]]) for at in (first, first + 1)], axis=1)
    # the faster of the two directions of each hop
    length, move = roads.hop_length_m.astype(float), network.hop_times.move.astype(float)
    spent = np.where(move > 0, move, np.inf).min(axis=0)
    speeds = np.divide(3600 * length, spent, out=np.zeros_like(length), where=np.isfinite(spent))[first]
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
                look: dict[str, Any] = {"colors": color, "linewidths": width, "capstyle": "round"}
                lines = LineCollection(list(segments[kept]), label=label, **look)
                axes.add_collection(lines, autolim=False)
            low = high
        title = f"Réseau routier « {roads.source} » : {decimal(network.length_km)} km, vitesses retenues"
        source = f"Source : {network.attribution or roads.source}"
        figure.text(0.03, 0.93, title, fontsize=9, weight="semibold")
        axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=4, fontsize=7.5, frameon=False)
        figure.text(0.03, 0.02, source, fontsize=6.5, color=style.MUTED)
    return figure


# the side is in the colour, the doubt in the hatch: a grey print keeps both
DOUBT_HATCH = "////"
IN_SURE = Category("in_sure", "en désert, sûr", style.LOSSES[2])
IN_DOUBT = Category("in_doubt", "en désert, douteux", style.LOSSES[1], DOUBT_HATCH, style.INK)
OUT_DOUBT = Category("out_doubt", "hors désert, douteux", style.GAINS[0], DOUBT_HATCH, style.MUTED)
OUT_SURE = Category("out_sure", "hors désert, sûr", style.GAINS[0])
NO_VERDICT = UNKNOWN._replace(label="non calculable")
CATEGORIES = (IN_SURE, IN_DOUBT, OUT_DOUBT, OUT_SURE, NO_VERDICT)


def doubt_classes(deserts: pd.DataFrame) -> Classes:
    """Sort communes by their side of a criterion and by how sure it is."""
    side = deserts["status"].eq(IN_DESERT).map({True: "in", False: "out"})
    doubt = deserts["verdict"].eq(SURE).map({True: "sure", False: "doubt"})
    keys = (side + "_" + doubt).astype(object)
    # a commune without a row is as unknown as one that the data say nothing of
    unknown = deserts["status"].isna() | deserts["status"].eq(NOT_COMPUTABLE)
    return Classes(keys.mask(unknown, NO_VERDICT.key), CATEGORIES)


def doubt_map(
    draws: Draws, outlines: gpd.GeoDataFrame, *, criterion: str, title: str = "", **look: Any
) -> Figure:
    """Draw where a criterion of desert is met for sure, and where the doubt on times could change it."""
    known = [] if draws.deserts.empty else list(draws.deserts.index.get_level_values("criterion").unique())
    if criterion not in known:
        listed = examples(known, most=10) or "aucun"
        raise ParameterError(f"Critère de désert inconnu « {criterion} » ; connus : {listed}.")
    rows = pd.DataFrame(draws.deserts.xs(criterion, level="criterion")).reindex(outlines.index)
    classes = doubt_classes(rows)
    doubtful = classes.keys.isin([IN_DOUBT.key, OUT_DOUBT.key])
    # rounded down: a doubtful share never reads as one that is sure
    numbers = np.floor(rows["same_status_share"] * 100).map("{:.0f}".format).where(doubtful, "")
    share = f"{round(100 * draws.sure_share)}{NBSP}%"
    notes = (
        f"Sûr : même côté du seuil dans au moins {share} des {draws.count} tirages, qui changent les temps dans leur "
        "doute.",
        "Nombre : cette part, en %, là où c'est douteux.",
    )
    title = title or f"Désert « {criterion} »"
    return class_map(classes, outlines, title=title, notes=notes, numbers=numbers, **look)


def class_map(
    found: Classes, outlines: Any, *, title: str, notes: Any = (), max_height_cm: float = 22.0, **panel: Any
) -> Figure:
    """Draw classes of communes, with what a panel may have besides: the side of a criterion, how many are met."""
    drawn = Panel(gpd.GeoDataFrame(outlines[["geometry"]]), found.keys.reindex(outlines.index), **panel)
    legend = Legend(shown(found.legend, found.keys), title, notes=notes)
    return draw_map(drawn, legend, max_height_cm=max_height_cm)


def met_classes(classes: "pd.Series[str]") -> Classes:
    """Sort communes by how many criteria of a rule of desert they meet."""
    found = classes.fillna(NOT_COMPUTABLE).astype(str)
    count = max((int(label.split()[-1]) for label in found if label[0].isdigit()), default=1)
    colours = (style.GAINS[0], *style.LOSSES[-count:])
    labels = enumerate(class_labels(count)[:-1])
    legend = [Category(label, label, colours[min(met, len(colours) - 1)]) for met, label in labels]
    return Classes(found.astype(object).replace(NOT_COMPUTABLE, UNKNOWN.key), (*legend, NO_VERDICT))


def criterion_classes(status: "pd.Series[str]") -> Classes:
    """Sort communes by their side of one criterion of desert."""
    keys = status.fillna(NOT_COMPUTABLE).map({IN_DESERT: IN_SURE.key, NOT_COMPUTABLE: UNKNOWN.key})
    inside, outside = IN_SURE._replace(label=IN_DESERT), OUT_SURE._replace(label="hors désert")
    return Classes(keys.fillna(OUT_SURE.key).astype(object), (inside, outside, NO_VERDICT))


def show_draws(draws: Draws, criterion: str | None, outlines: Any, names: Mapping[str, str]) -> Figure:
    """Draw one criterion, the first that can be computed without it."""
    if outlines is None:
        advice = "donnez outlines= (result.dataset.outlines, ou des points indexés par les mêmes codes)"
        raise ParameterError(f"Carte impossible : les tirages ne disent pas où sont les communes ; {advice}.")
    if draws.deserts.empty:
        raise ParameterError("Rien à dessiner : cette étude n'a aucun critère de désert.")
    is_unknown = draws.deserts["status"].eq(NOT_COMPUTABLE)
    chosen = criterion or str(draws.deserts.index.get_level_values("criterion")[int(is_unknown.argmin())])
    return doubt_map(draws, outlines, criterion=chosen, title=names.get(chosen, ""))
