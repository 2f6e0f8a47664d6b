"""The map of sure and doubtful deserts: what holds whatever the draw, what does not, what cannot be computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd

from territory.access.deserts import NOT_COMPUTABLE, class_labels
from territory.access.uncertainty import SURE
from territory.errors import ParameterError, examples
from territory.french.numbers import NBSP
from territory.plot import style
from territory.plot.maps.categories import Category, Classes
from territory.plot.maps.choropleth import Panel, draw_map
from territory.plot.maps.legend import Legend
from territory.scenario.doubt.draws import Draws
from territory.scenario.measures.deserts import IN_DESERT

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# the side is in the colour, the doubt in the hatch: a grey print keeps both
DOUBT_HATCH = "////"
IN_SURE = Category("in_sure", "en désert, sûr", style.LOSSES[2])
IN_DOUBT = Category("in_doubt", "en désert, douteux", style.LOSSES[1], DOUBT_HATCH, style.INK)
OUT_DOUBT = Category("out_doubt", "hors désert, douteux", style.GAINS[0], DOUBT_HATCH, style.MUTED)
OUT_SURE = Category("out_sure", "hors désert, sûr", style.GAINS[0])
UNKNOWN = Category("unknown", "non calculable", style.UNKNOWN_COLOR, style.UNKNOWN_HATCH)
CATEGORIES = (IN_SURE, IN_DOUBT, OUT_DOUBT, OUT_SURE, UNKNOWN)


def doubt_classes(deserts: pd.DataFrame) -> Classes:
    """Sort communes by their side of a criterion and by how sure it is.

    Examples
    --------
    >>> rows = pd.DataFrame({"status": ["en désert", "hors désert"], "verdict": ["sûr", "douteux"]})
    >>> doubt_classes(rows).keys.tolist()
    ['in_sure', 'out_doubt']
    """
    side = deserts["status"].eq(IN_DESERT).map({True: "in", False: "out"})
    doubt = deserts["verdict"].eq(SURE).map({True: "sure", False: "doubt"})
    keys = (side + "_" + doubt).astype(object)
    # a commune without a row is as unknown as one that the data say nothing of
    unknown = deserts["status"].isna() | deserts["status"].eq(NOT_COMPUTABLE)
    return Classes(keys.mask(unknown, UNKNOWN.key), CATEGORIES)


def doubt_map(
    draws: Draws,
    outlines: gpd.GeoDataFrame,
    *,
    criterion: str,
    title: str = "",
    zones: pd.Series | None = None,
    max_height_cm: float = 22.0,
) -> Figure:
    """Draw where a criterion of desert is met for sure, and where the doubt on times could change it.

    Examples
    --------
    >>> import territory
    >>> result = territory.run_study("draguignan")
    >>> figure = doubt_map(result.draws, result.dataset.outlines, criterion="urgences_sans_smur")
    >>> figure.get_size_inches()[0].round(1)
    np.float64(6.7)
    """
    known = [] if draws.deserts.empty else list(draws.deserts.index.get_level_values("criterion").unique())
    if criterion not in known:
        raise ParameterError(
            f"Critère de désert inconnu « {criterion} » ; connus : {examples(known, most=10) or 'aucun'}."
        )
    rows = pd.DataFrame(draws.deserts.xs(criterion, level="criterion")).reindex(outlines.index)
    classes = doubt_classes(rows)
    doubtful = classes.keys.isin([IN_DOUBT.key, OUT_DOUBT.key])
    # rounded down: a doubtful share never reads as one that is sure
    numbers = np.floor(rows["same_status_share"] * 100).map("{:.0f}".format).where(doubtful, "")
    used = set(classes.keys)
    legend = [one for one in classes.legend if one.key in used or one.key != UNKNOWN.key]
    share = f"{round(100 * draws.sure_share)}{NBSP}%"
    notes = (
        f"Sûr : même côté du seuil dans au moins {share} des {draws.count} tirages, qui changent les temps dans leur "
        "doute.",
        "Nombre : cette part, en %, là où c'est douteux.",
    )
    panel = Panel(gpd.GeoDataFrame(outlines[["geometry"]]), classes.keys, numbers=numbers, zones=zones)
    named = Legend(tuple(legend), title or f"Désert « {criterion} »", notes=notes)
    return draw_map([panel], named, max_height_cm=max_height_cm)


def class_map(
    classes: pd.Series[str],
    outlines: gpd.GeoDataFrame,
    *,
    title: str,
    notes: tuple[str, ...] = (),
    zones: pd.Series | None = None,
    max_height_cm: float = 22.0,
) -> Figure:
    """Draw how many criteria of a rule of desert each commune meets; `classes` are those of `access.deserts.classify`.

    Examples
    --------
    >>> import territory
    >>> result = territory.run_study("draguignan")
    >>> rows = result.baseline.deserts.xs("apl", level="criterion")
    >>> figure = class_map(rows["desert_class"], result.dataset.outlines, title="Critères remplis")
    >>> figure.get_size_inches()[0].round(1)
    np.float64(6.7)
    """
    found = classes.reindex(outlines.index).fillna(NOT_COMPUTABLE).astype(str)
    count = max((int(label.split()[-1]) for label in found if label[0].isdigit()), default=1)
    labels = class_labels(count)
    colours = (style.GAINS[0], *style.LOSSES[-count:])
    legend = [
        Category(label, label, colours[min(met, len(colours) - 1)]) for met, label in enumerate(labels[:-1])
    ]
    if found.eq(NOT_COMPUTABLE).any():
        legend.append(UNKNOWN._replace(key=NOT_COMPUTABLE))
    panel = Panel(gpd.GeoDataFrame(outlines[["geometry"]]), found.astype(object), zones=zones)
    return draw_map([panel], Legend(tuple(legend), title, notes=notes), max_height_cm=max_height_cm)


def show_draws(draws: Draws, criterion: str | None, outlines: gpd.GeoDataFrame | None) -> Figure:
    """Draw one criterion, the first that can be computed without it."""
    if outlines is None:
        raise ParameterError(
            "Carte impossible : les tirages ne disent pas où sont les communes ; donnez outlines= "
            "(result.dataset.outlines, ou des points indexés par les mêmes codes)."
        )
    if draws.deserts.empty:
        raise ParameterError("Rien à dessiner : cette étude n'a aucun critère de désert.")
    computed = draws.deserts[draws.deserts["status"].ne(NOT_COMPUTABLE)]
    in_order = (computed if len(computed) else draws.deserts).index.get_level_values("criterion")
    return doubt_map(draws, outlines, criterion=criterion or str(in_order[0]))
