from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.access import decay
from territory.errors import ParameterError

ALL = [
    decay.binary(30),
    decay.stepped({5: 1.0, 10: 0.3, 15: 0.1}),
    decay.linear(40),
    decay.exponential(0.05, max_time_min=60),
    decay.gaussian(15),
    decay.power(1.5, max_time_min=45),
    decay.logistic(30, spread_min=8),
]


@pytest.mark.parametrize("sigma, expected", [(1.0, 0.6065306597), (2.0, 0.88249690)])
def test_gaussian_gives_the_published_numbers_of_pysal(sigma: float, expected: float) -> None:
    assert float(decay.gaussian(sigma)(1.0)) == pytest.approx(expected, abs=5e-9)


def test_a_boundary_belongs_to_the_step_that_ends_there() -> None:
    weights = decay.stepped({15: 0.1, 5: 1.0, 10: 0.3})([0, 5, 5.001, 10, 10.001, 15, 15.001])
    assert weights.tolist() == [1, 1, 0.3, 0.3, 0.1, 0.1, 0]
    assert decay.binary(30)([30, np.nextafter(30, 31)]).tolist() == [1, 0]
    assert decay.gaussian(10, max_time_min=20)([20, 20.001])[1] == 0 < decay.gaussian(10, max_time_min=20)(20)


@pytest.mark.parametrize("made", ALL, ids=repr)
@given(times=st.lists(st.floats(0, 500), min_size=2, max_size=20))
def test_weights_lie_between_0_and_1_and_never_grow_with_time(made: decay.Decay, times: list[float]) -> None:
    weights = made(np.sort(times))
    assert ((weights >= 0) & (weights <= 1)).all()
    assert (np.diff(weights) <= 0).all()


@pytest.mark.parametrize("made", ALL, ids=repr)
def test_the_reach_is_the_longest_time_that_counts(made: decay.Decay) -> None:
    reach = made.reach_min  # type: ignore[attr-defined]
    if math.isfinite(reach):
        assert made(reach + 0.001) == 0
        assert made(reach - 0.001) > 0


@pytest.mark.parametrize("made", ALL, ids=repr)
def test_an_unknown_time_has_an_unknown_weight_and_decays_are_frozen(made: decay.Decay) -> None:
    assert np.isnan(made([1.0, np.nan])).tolist() == [False, True]
    assert len(repr(made)) < 70
    assert made == type(made)(**{f.name: getattr(made, f.name) for f in dataclasses.fields(made)})  # type: ignore[arg-type]
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.threshold_min = 3  # type: ignore[attr-defined]


def test_closed_forms() -> None:
    assert decay.linear(20)(5) == 0.75
    assert decay.exponential(math.log(2) / 30)(30) == pytest.approx(0.5)
    assert decay.power(2, min_time_min=5)([0, 5, 10]).tolist() == [1, 1, 0.25]
    assert decay.logistic(30, spread_min=5)(30) == 0.5
    # a logistic law of standard deviation s has its upper quartile at s*sqrt(3)/pi*ln(3) above its mean
    assert decay.logistic(30, spread_min=5)(30 + 5 * math.sqrt(3) / math.pi * math.log(3)) == pytest.approx(
        0.25
    )


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: decay.binary(0), "nombre positif"),
        (lambda: decay.binary(math.nan), "pas NaN"),
        (lambda: decay.gaussian(-1, max_time_min=-3), "2 problèmes"),
        (lambda: decay.stepped({}), "aucun palier"),
        (lambda: decay.stepped({5: 0.2, 10: 0.5}), "augmentent avec le temps"),
        (lambda: decay.stepped({5: 1.2}), "de 0 à 1"),
        (lambda: decay.by_name("gausienne"), "choisissez parmi binary, stepped"),
        (lambda: decay.by_name("gaussian", sigma=3), "argument inconnu « sigma » ; il manque sigma_min"),
    ],
)
def test_bad_parameters_say_what_is_expected(make: object, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        make()  # type: ignore[operator]
