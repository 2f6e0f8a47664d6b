from __future__ import annotations

import math
from collections.abc import Iterator

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import Point, box

from territory.errors import InfeasibleError, ParameterError, TerritoryWarning
from territory.planning import territorial_groups
from territory.planning.grouping import regions
from tests.drawing import examples


def grid(rows: int, columns: int) -> gpd.GeoDataFrame:
    """Squares of 1 km side by side."""
    cells = {f"U{r}{c}": box(c, r, c + 1, r + 1) for r in range(rows) for c in range(columns)}
    boxes = gpd.GeoSeries(cells).scale(1000, 1000, origin=(0, 0))
    return gpd.GeoDataFrame(geometry=boxes, crs=2154)


def drives(units: gpd.GeoDataFrame, factor: float = 10.0) -> pd.DataFrame:
    """Minutes as the crow flies between centres, 10 min per km, 2 min at home."""
    centre = units.geometry.centroid
    x, y = centre.x.to_numpy(), centre.y.to_numpy()
    minutes = factor * np.hypot(x[:, None] - x, y[:, None] - y) / 1000
    np.fill_diagonal(minutes, 2.0)
    ids = units.index.to_numpy()
    return pd.DataFrame(
        {
            "from_id": np.repeat(ids, len(ids)),
            "to_id": np.tile(ids, len(ids)),
            "travel_time_min": minutes.ravel(),
        }
    )


def partitions(items: list[str]) -> Iterator[list[list[str]]]:
    """Every way to split a list."""
    if not items:
        yield []
        return
    first, *rest = items
    for smaller in partitions(rest):
        for place, group in enumerate(smaller):
            yield [*smaller[:place], [first, *group], *smaller[place + 1 :]]
        yield [[first], *smaller]


def best(
    units: gpd.GeoDataFrame,
    times: pd.DataFrame,
    size: pd.Series,
    min_size: float,
    limit: float,
    n: int | None,
) -> tuple[int, float] | None:
    """Most groups, then least drive to the seats, by trying every partition."""
    touching = nx.Graph()
    touching.add_nodes_from(units.index)
    for a in units.index:
        for b in units.index:
            shared = units.geometry[a].intersection(units.geometry[b])
            if a < b and shared.length > 0:
                touching.add_edge(a, b)
    minutes = times.set_index(["from_id", "to_id"])["travel_time_min"]
    found = []
    for groups in partitions(list(units.index)):
        if n is not None and len(groups) != n:
            continue
        fits = all(
            size[group].sum() >= min_size
            and nx.is_connected(touching.subgraph(group))
            and all(a == b or minutes[a, b] <= limit for a in group for b in group)
            for group in groups
        )
        if fits:
            drive = sum(min(sum(minutes[a, seat] for a in group) for seat in group) for group in groups)
            found.append((-len(groups), drive))
    return min(found, default=None)


@examples(5, 40)
@given(
    sizes=st.lists(st.integers(1, 9), min_size=6, max_size=6),
    min_size=st.integers(4, 16),
    limit=st.sampled_from([10.5, 15.0, 21.0, math.inf]),
    n=st.sampled_from([None, 2]),
)
def test_equals_every_partition_tried(sizes: list[int], min_size: int, limit: float, n: int | None) -> None:
    units = grid(2, 3)
    times, size = drives(units), pd.Series(sizes, index=units.index, dtype=float)
    expected = best(units, times, size, min_size, limit, n)
    options = {"min_size": min_size, "max_time_min": None if math.isinf(limit) else limit, "n_groups": n}
    if expected is None:
        with pytest.raises(InfeasibleError):
            territorial_groups(units, times, size, **options)
        return
    got = territorial_groups(units, times, size, **options)
    assert got.status == "optimal"
    assert len(got.summary) == -expected[0]
    drive = (got.summary["mean_drive_to_seat_min"] * got.summary["n_units"]).sum()
    assert drive == pytest.approx(expected[1])


def check_rules(
    units: gpd.GeoDataFrame,
    size: pd.Series,
    groups: pd.Series,
    min_size: float,
    limit: float,
    blocks: pd.Series,
) -> None:
    """Assert that groups are in one piece, large enough, close enough, and that blocks are whole."""
    times = drives(units).set_index(["from_id", "to_id"])["travel_time_min"]
    assert list(groups.index) == list(units.index)
    assert (size.groupby(groups).sum() >= min_size).all()
    for _, members in groups.groupby(groups):
        piece = units.geometry[members.index].union_all()
        assert piece.geom_type == "Polygon"
        for a in members.index:
            for b in members.index:
                same_block = blocks.get(a) is not None and blocks.get(a) == blocks.get(b)
                assert a == b or same_block or times[a, b] <= limit
    assert (groups[blocks.index].groupby(blocks).nunique() == 1).all()


@examples(2, 20)
@given(seed=st.integers(0, 999), limit=st.sampled_from([25.0, 40.0]))
@pytest.mark.slow
def test_many_units_are_grouped_within_the_rules(seed: int, limit: float) -> None:
    units = grid(6, 6)
    rng = np.random.default_rng(seed)
    size = pd.Series(rng.integers(1, 10, len(units)).astype(float), index=units.index)
    blocks = pd.Series({"U00": "EPCI", "U01": "EPCI", "U11": "EPCI", "U44": "GHT", "U45": "GHT"})
    try:
        got = territorial_groups(units, drives(units), size, min_size=12, max_time_min=limit, blocks=blocks)
    except InfeasibleError:
        return
    check_rules(units, size, got.groups, 12, limit, blocks)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
def test_the_search_without_a_full_list_comes_close_to_the_optimum(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    units = grid(3, 4)
    rng = np.random.default_rng(seed)
    size = pd.Series(rng.integers(1, 10, len(units)).astype(float), index=units.index)
    exact = territorial_groups(units, drives(units), size, min_size=10)
    assert exact.status == "optimal"
    monkeypatch.setattr(regions, "MOST_VISITED", 5)
    found = territorial_groups(units, drives(units), size, min_size=10)
    assert found.status == "heuristic"
    check_rules(units, size, found.groups, 10, math.inf, pd.Series(dtype=object))
    assert len(found.summary) == len(exact.summary)
    assert found.quality["mean_drive_to_seat_min"] >= exact.quality["mean_drive_to_seat_min"] - 1e-9
    assert found.quality["mean_drive_to_seat_min"] <= 1.1 * exact.quality["mean_drive_to_seat_min"]


@pytest.mark.parametrize("n_groups", [2, 3])
def test_the_search_without_a_full_list_gives_the_number_of_groups_that_is_asked(
    monkeypatch: pytest.MonkeyPatch, n_groups: int
) -> None:
    units = grid(3, 3)
    size = pd.Series(np.random.default_rng(n_groups).integers(1, 10, len(units)) + 0.0, index=units.index)
    exact = territorial_groups(units, drives(units), size, min_size=10, n_groups=n_groups)
    monkeypatch.setattr(regions, "MOST_VISITED", 5)
    found = territorial_groups(units, drives(units), size, min_size=10, n_groups=n_groups)
    assert (exact.status, found.status) == ("optimal", "heuristic")
    check_rules(units, size, found.groups, 10, math.inf, pd.Series(dtype=object))
    assert len(found.summary) == len(exact.summary) == n_groups


@pytest.mark.slow
def test_at_least_as_many_groups_as_spopt_on_equal_squares() -> None:
    units = grid(7, 7)
    size = pd.Series(1.0, index=units.index)
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    got = territorial_groups(units, drives(units), size, min_size=4)
    # 49 squares by 4 give 12 groups, with one square over
    assert len(got.summary) >= 11
    # nobody else's luck was touched
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_nothing_depends_on_the_order_of_the_rows() -> None:
    units = grid(3, 4)
    rng = np.random.default_rng(3)
    size = pd.Series(rng.integers(1, 10, len(units)).astype(float), index=units.index)
    times = drives(units)
    first = territorial_groups(units, times, size, min_size=14)
    mixed = units.sample(frac=1, random_state=1)
    second = territorial_groups(
        mixed, times.sample(frac=1, random_state=2), size.sample(frac=1, random_state=3), min_size=14
    )
    assert list(second.groups.index) == list(mixed.index)
    pd.testing.assert_series_equal(first.groups, second.groups.reindex(units.index))


def test_establishments_are_points() -> None:
    points = {
        "A": Point(0, 0),
        "B": Point(1000, 0),
        "C": Point(5000, 0),
        "D": Point(6000, 0),
        "E": Point(6000, 0),
    }
    units = gpd.GeoDataFrame(geometry=gpd.GeoSeries(points), crs=2154)
    budget = pd.Series({"A": 14e6, "B": 12e6, "C": 9e6, "D": 9e6, "E": 8e6})
    got = territorial_groups(units, drives(units), budget, min_size=25e6, max_time_min=20)
    assert got.groups.to_dict() == {"A": "G01", "B": "G01", "C": "G02", "D": "G02", "E": "G02"}
    assert got.summary["compactness"].isna().all()
    assert got.summary.loc["G02", "seat"] in {"D", "E"}


def test_figures_of_a_group() -> None:
    units = grid(1, 4)
    size = pd.Series({"U00": 60.0, "U01": 50.0, "U02": 30.0, "U03": 80.0})
    got = territorial_groups(units, drives(units), size, min_size=100)
    row = got.summary.loc["G01"]
    assert (row["n_units"], row["size"], row["size_ratio"], row["seat"]) == (2, 110, 1.0, "U00")
    assert row["mean_drive_to_seat_min"] == pytest.approx((10 + 2) / 2)
    assert row["worst_drive_between_min"] == 10
    assert row["compactness"] == pytest.approx(4 * math.pi * 2 / 36)
    assert got.quality["balance"] == 1.0
    assert repr(got) == "GroupingResult(2 groups of 4 units; 2 to 2 units each, optimal)"
    assert "optimum prouvé" in got._repr_html_()


def test_an_existing_group_with_markup_in_its_name_is_escaped() -> None:
    units = grid(1, 2)
    got = territorial_groups(
        units, drives(units), pd.Series(9.0, units.index), min_size=5, blocks=pd.Series({"U00": "<b>x"})
    )
    assert "<b>x" not in got._repr_html_()
    assert got.summary["blocks"].tolist() == ["<b>x", ""]


def test_an_existing_group_too_long_is_kept_and_said() -> None:
    units = grid(1, 4)
    size = pd.Series(10.0, index=units.index)
    blocks = pd.Series({"U00": "GHT", "U01": "GHT", "U02": "GHT"})
    with pytest.warns(TerritoryWarning, match=r"1 groupe existant dépasse déjà 15 min .*GHT"):
        got = territorial_groups(units, drives(units), size, min_size=10, max_time_min=15, blocks=blocks)
    assert got.groups.tolist() == ["G01", "G01", "G01", "G02"]


def test_who_cannot_be_grouped_is_named() -> None:
    units = grid(1, 4)
    size = pd.Series({"U00": 9.0, "U01": 9.0, "U02": 9.0, "U03": 1.0})
    with pytest.raises(InfeasibleError, match=r"il manque 12"):
        territorial_groups(units, drives(units), size, min_size=20, n_groups=2)
    far = drives(units)
    far.loc[(far["from_id"] == "U03") != (far["to_id"] == "U03"), "travel_time_min"] = 99.0
    with pytest.raises(
        InfeasibleError, match=r"1 unité sans assez de voisines \(U03\) .* pour un groupe de 5"
    ):
        territorial_groups(units, far, size, min_size=5, max_time_min=30)
    with pytest.raises(InfeasibleError, match="Aucun découpage en 3 groupes"):
        territorial_groups(
            units,
            drives(units),
            size,
            min_size=9,
            n_groups=3,
            max_time_min=5000,
            blocks=pd.Series({"U00": "a", "U01": "a"}),
        )


def test_all_that_is_wrong_comes_in_one_error() -> None:
    units = grid(1, 2)
    with pytest.raises(ParameterError) as caught:
        territorial_groups(
            units.set_crs(None, allow_override=True),
            drives(units),
            pd.Series(dtype=float),
            min_size=-1,
            n_groups=0,
        )
    for part in ("système de coordonnées", "min_size = -1", "n_groups = 0"):
        assert part in str(caught.value)
    with pytest.raises(ParameterError, match=r"1 unité sans valeur connue de size \(U01\)"):
        territorial_groups(units, drives(units), pd.Series({"U00": 1.0}), min_size=1)
    with pytest.raises(ParameterError, match=r"1 unité inconnue dans blocks \(Z\)"):
        territorial_groups(
            units, drives(units), pd.Series(1.0, units.index), min_size=1, blocks=pd.Series({"Z": "a"})
        )


def test_unknown_drives_are_counted_and_not_used() -> None:
    units = grid(1, 2)
    times = drives(units)
    times.loc[times["from_id"] != times["to_id"], "travel_time_min"] = math.nan
    with pytest.warns(TerritoryWarning, match="2 temps inconnus"):
        got = territorial_groups(units, times, pd.Series(5.0, units.index), min_size=5)
    assert got.groups.nunique() == 2


# libpysal compiles for four seconds
@pytest.mark.slow
def test_points_have_the_neighbours_that_libpysal_gives() -> None:
    from libpysal.graph import Graph

    from territory.planning.grouping.inputs import _gabriel

    rng = np.random.default_rng(5)
    points = gpd.GeoSeries(gpd.points_from_xy(rng.random(40), rng.random(40)), crs=2154)
    peer = Graph.build_triangulation(points, method="gabriel", bandwidth=np.inf, kernel="boxcar")
    pairs = peer.adjacency[peer.adjacency > 0].index
    expected = np.zeros((40, 40), dtype=bool)
    expected[pairs.get_level_values(0), pairs.get_level_values(1)] = True
    np.testing.assert_array_equal(_gabriel(points), expected)
