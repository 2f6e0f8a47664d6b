from __future__ import annotations

import math

import numpy as np
import pytest

from territory.access.uncertainty import drawn_quantiles, triangular


def test_quantiles_are_observed_values_and_unknown_as_soon_as_one_is() -> None:
    drawn = np.array([[1.0, 2.0, math.inf], [1.0, math.nan, 3.0]])
    low, median, high = drawn_quantiles(drawn, (0.05, 0.5, 0.95))
    assert [low[0], median[0], high[0]] == [1.0, 2.0, math.inf]
    assert np.isnan([low[1], median[1], high[1]]).all()
    many = np.random.default_rng(1).normal(size=(5, 40))
    shares = (0.1, 0.25, 0.5, 0.9)
    expected = np.quantile(many, shares, axis=1, method="inverted_cdf")
    np.testing.assert_array_equal(drawn_quantiles(many, shares), expected)


def test_the_triangular_law_has_its_bounds_its_mode_and_its_mean() -> None:
    low, mode, high = (np.array([x, 10 * x, 7.0]) for x in (5.6, 8.0, 10.2))
    low[2] = mode[2] = high[2] = 7.0
    drawn = np.array([triangular(quantile, low, mode, high) for quantile in (np.arange(4000) + 0.5) / 4000])
    assert (drawn >= low).all()
    assert (drawn <= high).all()
    assert drawn[:, 0].mean() == pytest.approx((5.6 + 8 + 10.2) / 3, abs=1e-3)
    assert (drawn[:, 0] <= 8).mean() == pytest.approx(2.4 / 4.6, abs=1e-3)
    np.testing.assert_allclose(drawn[:, 1], 10 * drawn[:, 0])
    assert (drawn[:, 2] == 7).all()
