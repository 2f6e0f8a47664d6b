from __future__ import annotations

import math

import pandas as pd
import pytest

from territory.errors import ParameterError, TerritoryWarning
from territory.supply import gp_activity


def test_activity_rules_of_gps() -> None:
    acts = pd.Series([0.0, 3600, 4000, 6000, 6001, 5000, 5000])
    ages = pd.Series([40.0, 40, 40, 40, 40, 65, 65.5])
    assert gp_activity(acts, age_years=ages).tolist() == [3600, 3600, 4000, 6000, 6000, 5000, 0]
    assert gp_activity(acts, age_years=None).iloc[-1] == 5000
    with pytest.warns(TerritoryWarning, match=r"2 médecins"):
        got = gp_activity(pd.Series([math.nan, 4000]), age_years=pd.Series([50, math.nan]))
    assert got.isna().all()
    with pytest.raises(ParameterError, match="index"):
        gp_activity(acts, age_years=ages.iloc[::-1])
    with pytest.raises(ParameterError, match="plancher"):
        gp_activity(acts, age_years=None, floor=7000)
    with pytest.raises(ParameterError, match="négative"):
        gp_activity(-acts, age_years=None)
