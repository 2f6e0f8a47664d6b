from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from territory.access.uncertainty import triangular


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


@pytest.mark.parametrize("scale", [0.01, 1.0, 300.0])
def test_the_triangular_law_is_that_of_scipy_whatever_its_width(scale: float) -> None:
    quantile = np.linspace(0, 1, 21)
    found = [float(triangular(q, *(scale * np.array(x) for x in (1.0, 1.3, 2.0)))) for q in quantile]
    np.testing.assert_allclose(
        found, stats.triang.ppf(quantile, 0.3, loc=scale, scale=scale), atol=1e-9 * scale
    )
