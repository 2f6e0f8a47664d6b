from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.access import equity
from territory.errors import ParameterError, TerritoryWarning
from tests.access import oracles

lists = st.lists(st.tuples(st.integers(0, 9).map(float), st.integers(0, 4)), min_size=1, max_size=7)


def columns(drawn: list) -> tuple[pd.Series, pd.Series, list[float]]:
    names = [f"C{n}" for n in range(len(drawn))]
    values, weights = (list(column) for column in zip(*drawn, strict=True))
    return (
        pd.Series(values, index=names),
        pd.Series(weights, index=names, dtype=float),
        oracles.persons(values, weights),
    )


@given(drawn=lists, seed=st.integers(0, 9))
def test_indices_equal_the_person_by_person_oracles_whatever_the_order(drawn: list, seed: int) -> None:
    values, weights, each = columns(drawn)
    shuffled = values.sample(frac=1, random_state=seed)
    assert equity.gini(shuffled, weights) == pytest.approx(oracles.gini(each), nan_ok=True)
    assert equity.palma_ratio(shuffled, weights) == pytest.approx(oracles.palma(each), nan_ok=True)
    assert equity.theil_t(shuffled, weights).total == pytest.approx(
        oracles.theil(each), nan_ok=True, abs=1e-12
    )
    for alpha in (0, 1, 2):
        for direction in ("below", "above"):
            got = equity.fgt_poverty(shuffled, weights, line=4, alpha=alpha, direction=direction)
            assert got == pytest.approx(oracles.fgt(each, 4, alpha, direction), nan_ok=True)


@given(drawn=lists, scale=st.floats(0.1, 100))
def test_units_and_the_size_of_the_crowd_change_nothing(drawn: list, scale: float) -> None:
    values, weights, _ = columns(drawn)
    for measure in (equity.gini, equity.palma_ratio, lambda x, w: equity.theil_t(x, w).total):
        base = measure(values, weights)
        assert measure(values * scale, weights) == pytest.approx(base, nan_ok=True, abs=1e-12)
        assert measure(values, weights * scale) == pytest.approx(base, nan_ok=True, abs=1e-12)


@given(drawn=lists, cut=st.integers(0, 7))
def test_theil_splits_exactly(drawn: list, cut: int) -> None:
    values, weights, _ = columns(drawn)
    groups = pd.Series(["a" if n < cut else "b" for n in range(len(values))], index=values.index)
    got = equity.theil_t(values, weights, groups=groups)
    if not math.isnan(got.total):
        assert got.between + got.within == pytest.approx(got.total, abs=1e-12)
        assert got.between >= -1e-12
        for name, inside in got.by_group.items():
            each = oracles.persons(
                values[groups == name].tolist(), weights[groups == name].astype(int).tolist()
            )
            assert inside == pytest.approx(oracles.theil(each), nan_ok=True, abs=1e-12)


@given(drawn=lists, ranks=st.lists(st.integers(0, 3), min_size=7, max_size=7))
def test_concentration_index_equals_the_oracle_with_ties(drawn: list, ranks: list[int]) -> None:
    values, weights, _ = columns(drawn)
    rank_by = pd.Series(ranks[: len(values)], index=values.index, dtype=float)
    each = [(x, rank) for x, w, rank in zip(values, weights, rank_by, strict=True) for _ in range(int(w))]
    expected = oracles.concentration(each)
    got = equity.concentration_index(values, rank_by, weights)
    assert got == pytest.approx(expected, nan_ok=True, abs=1e-12)
    if each:
        mean = sum(x for x, _ in each) / len(each)
        corrected = equity.concentration_index(
            values, rank_by, weights, correction="erreygers", bounds=(0, 9)
        )
        mirrored = equity.concentration_index(
            9 - values, rank_by, weights, correction="erreygers", bounds=(0, 9)
        )
        assert corrected == pytest.approx(0 if math.isnan(expected) else 4 * mean / 9 * expected, abs=1e-12)
        # what the correction is for: counting the other side only changes the sign
        assert mirrored == pytest.approx(-corrected, abs=1e-12)
        wagstaff = equity.concentration_index(values, rank_by, weights, correction="wagstaff", bounds=(0, 9))
        other = equity.concentration_index(9 - values, rank_by, weights, correction="wagstaff", bounds=(0, 9))
        if 0 < mean < 9:
            assert wagstaff == pytest.approx(expected / (1 - mean / 9), abs=1e-12)
            assert other == pytest.approx(-wagstaff, abs=1e-12)
        else:
            assert math.isnan(wagstaff)


def test_closed_forms() -> None:
    one_has_all = pd.Series([0.0] * 9 + [10.0])
    assert equity.gini(one_has_all) == pytest.approx(0.9)
    assert equity.theil_t(one_has_all).total == pytest.approx(math.log(10))
    assert equity.palma_ratio(one_has_all) == math.inf
    alike = pd.Series([3.0, 3.0, 3.0])
    assert equity.gini(alike) == 0
    assert equity.palma_ratio(alike) == pytest.approx(0.25)
    # by income, the poorest have the most; where nobody lives a rank may be unknown
    tens = pd.Series([4.0] * 4 + [2.0] * 5 + [1.0])
    income = pd.Series(range(10), dtype=float)
    assert equity.palma_ratio(tens, rank_by=income) == pytest.approx(1 / 16)
    empty, unknown = pd.Series([1.0] * 10 + [0.0]), pd.Series([*income, np.nan])
    more = pd.Series([*tens, 9.0])
    assert equity.palma_ratio(more, empty, rank_by=unknown) == pytest.approx(1 / 16)
    assert equity.concentration_index(more, unknown, empty) == equity.concentration_index(tens, income)
    with pytest.raises(ParameterError, match="1 commune de rang inconnu"):
        equity.palma_ratio(more, rank_by=unknown)
    assert equity.concentration_index(alike, pd.Series([1.0, 2.0, 3.0])) == pytest.approx(0)
    times = pd.Series([20.0, 30.0, 45.0, 60.0])
    assert [
        equity.fgt_poverty(times, line=30, direction="above", **given)
        for given in ({}, {"alpha": 1}, {"alpha": 2})
    ] == pytest.approx([0.5, (0.5 + 1) / 4, (0.25 + 1) / 4])


# numpy 2.5 says it of the peer
@pytest.mark.filterwarnings("ignore:Setting the shape on a NumPy array:DeprecationWarning")
def test_inequality_of_pysal_gives_the_same() -> None:
    peer = pytest.importorskip("inequality")
    values = np.random.default_rng(2).uniform(0.1, 9, 40)
    assert equity.gini(pd.Series(values)) == pytest.approx(peer.gini.Gini(values).g)
    groups = np.repeat(["a", "b", "c", "d"], 10)
    split = peer.theil.TheilD(values, groups)
    got = equity.theil_t(pd.Series(values), groups=pd.Series(groups))
    assert got.total == pytest.approx(float(np.squeeze(split.T)))
    assert got.between == pytest.approx(float(np.squeeze(split.bg)))
    assert got.within == pytest.approx(float(np.squeeze(split.wg)))


def test_unknown_values_are_left_out_with_the_number_of_persons() -> None:
    values = pd.Series({"A": 1.0, "B": 3.0, "C": math.nan})
    people = pd.Series({"A": 1.0, "B": 1.0, "C": 7.0})
    with pytest.warns(
        TerritoryWarning, match=r"1 commune à la valeur inconnue laissée .*\(C, 7 personnes\)"
    ) as caught:
        assert equity.gini(values, people) == pytest.approx(0.25)
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda x, w: equity.gini(-x, w), "Valeurs : 2 nombres négatifs"),
        (lambda x, w: equity.gini(x * math.inf, w), "coupure de la table"),
        (lambda x, w: equity.gini(x, w.drop("B")), r"1 commune sans effectif connu \(B\)"),
        (lambda x, w: equity.gini(x, -w), "Effectifs : 2 nombres négatifs"),
        (lambda x, w: equity.gini(x, pd.concat([w, w])), "en double"),
        (lambda x, w: equity.theil_t(x, w, groups=pd.Series({"A": "g"})), r"1 commune sans groupe"),
        (lambda x, w: equity.concentration_index(x, pd.Series({"A": 1.0}), w), "1 commune de rang inconnu"),
        (lambda x, w: equity.concentration_index(x, x, w, correction="wagstaff"), "bornes"),
        (lambda x, w: equity.concentration_index(x, x, w, bounds=(0, 1)), "bornes"),
        (lambda x, w: equity.concentration_index(x, x, w, correction="z", bounds=(0, 1)), "« z » inconnue"),
        (
            lambda x, w: equity.concentration_index(x, x, w, correction="wagstaff", bounds=(0, 1)),
            r"sortent des bornes \(0, 1\)",
        ),
        (lambda x, w: equity.fgt_poverty(x, w, line=0), "line = 0"),
        (lambda x, w: equity.fgt_poverty(x, w, line=1, alpha=3), "alpha = 3"),
        (lambda x, w: equity.fgt_poverty(x, w, line=1, direction="over"), "« over »"),
    ],
)
def test_bad_input_is_one_clear_error(call: object, message: str) -> None:
    values = pd.Series({"A": 1.0, "B": 3.0})
    with pytest.raises(ParameterError, match=message):
        call(values, pd.Series({"A": 1.0, "B": 1.0}))  # type: ignore[operator]


def test_reprs_are_short_and_in_french() -> None:
    values, groups = pd.Series([1.0, 3.0]), pd.Series(["a", "b"])
    assert (
        repr(equity.theil_t(values, groups=groups))
        == "Theil(0.1308 = 0.1308 entre + 0.0000 dans les groupes)"
    )
