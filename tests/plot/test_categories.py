"""Classes of maps."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from territory.errors import ParameterError
from territory.plot.maps.legend import change_classes, time_classes


def test_bounds_belong_to_the_class_below() -> None:
    values = pd.Series([0.0, 15.0, 15.001, 60.0, 61.0, math.nan, math.inf], index=list("abcdefg"))
    classes = time_classes(values)
    assert classes.keys.tolist() == [
        "class0",
        "class0",
        "class1",
        "class3",
        "class4",
        "unknown",
        "out_of_reach",
    ]
    assert classes.keys.index.equals(values.index)
    assert {*classes.keys} <= {category.key for category in classes.legend}


def test_unreachable_is_not_unknown() -> None:
    values = pd.Series([math.nan, math.nan, 10.0], index=list("abc"))
    reach = pd.Series([False, None, True], index=list("abc"), dtype="boolean")
    assert time_classes(values, is_reachable=reach).keys.tolist() == ["out_of_reach", "unknown", "class0"]


@pytest.mark.parametrize("breaks", [[], [30, 15], [15, 15], [1, 2, 3, 4, 5]])
def test_wrong_bounds(breaks: list[float]) -> None:
    with pytest.raises(ParameterError, match="croissantes"):
        time_classes(pd.Series([1.0]), breaks=breaks)


def test_changes() -> None:
    delta = pd.Series([-25.0, -10.0, 12.0, 3.0, math.nan, 1.0, math.nan])
    effect = pd.Series(["gain", "gain", "loss", "indistinct", "unknown", "outside", "loss"])
    classes = change_classes(delta, effect)
    assert classes.keys.tolist() == ["gain2", "gain0", "loss1", "indistinct", "unknown", "outside", "loss2"]
    assert {*classes.keys} <= {category.key for category in classes.legend}


def test_compared_maps_share_their_legend() -> None:
    before = time_classes(pd.Series([1.0, 2.0]))
    after = time_classes(pd.Series([100.0, 200.0]))
    assert before.legend == after.legend
