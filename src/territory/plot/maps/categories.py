"""Classes of a map: which commune has which colour and hatch, under which name in the legend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from territory.errors import ParameterError
from territory.french.numbers import NBSP, class_labels, integer
from territory.plot import style


class Category(NamedTuple):
    """One entry of a legend."""

    key: str
    label: str
    color: str
    hatch: str = ""
    hatch_color: str = style.HATCH_INK


class Classes(NamedTuple):
    """The category of each commune (Series of keys) and the legend, in order."""

    keys: pd.Series
    legend: tuple[Category, ...]


# bounds of the classes of changes (minutes)
_CHANGES = (10.0, 20.0)

INDISTINCT = Category("indistinct", "écart non distinguable", style.INDISTINCT, style.INDISTINCT_HATCH)
UNKNOWN = Category("unknown", "inconnu", style.UNKNOWN_COLOR, style.UNKNOWN_HATCH)
OUT_OF_REACH = Category("out_of_reach", "hors d'atteinte", style.OUT_OF_REACH_COLOR, style.OUT_OF_REACH_HATCH)
ENTERING = Category("entering", "passerait à portée (non compté comme gain)", style.ENTERING, "....")
WITHOUT = Category("without", "sans ce service", style.OUT_OF_REACH_COLOR, style.OUT_OF_REACH_HATCH)
OUTSIDE = Category("outside", "hors du périmètre de recrutement", style.OUTSIDE)


def time_classes(
    values: pd.Series, *, breaks: Sequence[float] = (15, 30, 45, 60), is_reachable: pd.Series | None = None
) -> Classes:
    """Sort travel times into classes with inclusive upper bounds; unknown and out of reach are classes of their own."""
    bounds = [float(bound) for bound in breaks]
    if not bounds or sorted(set(bounds)) != bounds or len(bounds) >= len(style.SEQUENTIAL):
        raise ParameterError(
            f"Bornes de classes {list(breaks)} : donnez une à quatre bornes croissantes, en minutes."
        )
    places = np.searchsorted(np.asarray(bounds), values.to_numpy(dtype=float), side="left")
    keys = pd.Series([f"class{place}" for place in places], index=values.index, dtype=object)
    unreachable = pd.Series(False, index=values.index)
    if is_reachable is not None:
        unreachable = is_reachable.reindex(values.index).eq(False).fillna(False).astype(bool)
    keys[values.isna()] = UNKNOWN.key
    keys[unreachable | np.isinf(values.astype(float))] = OUT_OF_REACH.key
    steps = np.linspace(0, len(style.SEQUENTIAL) - 1, len(bounds) + 1).round().astype(int)
    legend = [
        Category(f"class{i}", label, style.SEQUENTIAL[steps[i]])
        for i, label in enumerate(class_labels(bounds))
    ]
    return Classes(keys, (*legend, OUT_OF_REACH, UNKNOWN))


def change_classes(delta: pd.Series, effect: pd.Series) -> Classes:
    """Sort changes of travel time into symmetric classes, apart from those that cannot be told from no change."""
    places = np.searchsorted(_CHANGES, delta.abs().fillna(np.inf).to_numpy(dtype=float), side="left")
    sides = effect.reindex(delta.index).fillna(UNKNOWN.key).astype(str)
    named = zip(sides, places, strict=True)
    found = [f"{side}{place}" if side in ("gain", "loss") else side for side, place in named]
    keys = pd.Series(found, index=delta.index, dtype=object)
    low, high = map(integer, _CHANGES)
    sizes = (f"jusqu'à {low}{NBSP}min", f"plus de {low} à {high}{NBSP}min", f"plus de {high}{NBSP}min")
    gains = [Category(f"gain{i}", f"gain : {sizes[i]}", style.GAINS[i]) for i in (2, 1, 0)]
    # a grey print cannot tell blue from orange: losses are hatched too
    looks = zip(style.LOSSES, style.LOSS_HATCH_INKS, strict=True)
    losses = [
        Category(f"loss{i}", f"perte : {sizes[i]}", color, style.LOSS_HATCH, ink)
        for i, (color, ink) in enumerate(looks)
    ]
    return Classes(keys, (*gains, INDISTINCT, *losses, WITHOUT, ENTERING, OUTSIDE, UNKNOWN))


def numbers_from(values: pd.Series) -> pd.Series:
    """Return whole numbers as texts for a map, empty where unknown."""

    def written(value: float) -> str:
        return str(int(np.floor(value + 0.5))) if np.isfinite(value) else ""

    return values.astype(float).map(written)


def shown(legend: Sequence[Category], *keys: pd.Series) -> tuple[Category, ...]:
    """Leave out of a legend the special categories (out of reach, unknown, outside) that no map shows.

    Ordinary classes stay, used or not, so that compared maps keep the same legend.
    """
    used = {str(key) for series in keys for key in series.unique()}
    special = {UNKNOWN.key, OUT_OF_REACH.key, WITHOUT.key, ENTERING.key, OUTSIDE.key}
    return tuple(category for category in legend if category.key in used or category.key not in special)
