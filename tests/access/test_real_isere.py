"""The measures together on real times: Isère, 512 communes, OSRM times of July 2021, GPs of BPE (about 2017-18)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from territory.access import (
    allocate_places,
    coverage,
    decay,
    equity,
    floating_catchment_area,
    gp_headcount_access,
    mean_by,
    time_to_closest,
)
from territory.access.closest import persons_by_zone


@pytest.fixture(scope="module")
def isere(shared_data: Path) -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    """Times in minutes, inhabitants and GPs."""
    seconds = pd.read_csv(shared_data / "traveltimes/isere_osrm_matrix.csv", dtype={"id": str}).set_index(
        "id"
    )
    minutes = seconds.rename_axis("from_id").stack().rename("travel_time_min").div(60)
    times = minutes.rename_axis(["from_id", "to_id"]).reset_index()
    census = pd.read_csv(shared_data / "population/donnees_communes_rp2021.csv", sep=";", dtype={"COM": str})
    people = census.set_index("COM")["PMUN"].reindex(seconds.index).dropna().astype(float)
    gps = pd.read_csv(shared_data / "gps/bpe_d201_gp_per_commune.csv", dtype={"CODGEO": str})
    practising = gps.drop_duplicates("CODGEO").set_index("CODGEO")["NB_D201"].astype(float)
    return times, people, practising[practising.index.isin(seconds.index)]


def test_supply_is_conserved_and_the_mean_is_the_ratio(isere: tuple) -> None:
    times, people, gps = isere
    for method in ("e2sfca", "3sfca"):
        access = floating_catchment_area(
            times, people, gps, decay=decay.gaussian(15, max_time_min=45), method=method
        )
        assert (access * people).sum() == pytest.approx(gps.sum())
    access = gp_headcount_access(times, people, gps, profile="drees_2012")
    whole = pd.Series("Isère", index=people.index)
    mean = mean_by(access, people, whole)["Isère"]
    assert mean == pytest.approx(gps.sum() / people.sum() * 1e5)
    # France: 149 GPs per 100,000 inhabitants in 2022
    assert 70 < mean < 140
    assert 0.1 < equity.gini(access, people) < 0.6


def test_coverage_grows_and_meets_the_times(isere: tuple) -> None:
    times, people, gps = isere
    near = times[times["to_id"].isin(gps.index)]
    closest = time_to_closest(near, people.index)
    within = coverage(near, people, thresholds_min=(5, 10, 20, 60))
    shares = persons_by_zone(within, people, pd.Series("Isère", index=people.index))
    row = shares.filter(like="_share").iloc[0].to_numpy()
    assert (np.diff(row) >= 0).all()
    for threshold, share in zip((5, 10, 20, 60), row, strict=True):
        assert share == pytest.approx(people[closest["time_1_min"] <= threshold].sum() / people.sum())
    assert row[2] > 0.9


def test_allocation_is_never_worse_with_more_time_and_serves_all_that_flows_allow(isere: tuple) -> None:
    times, people, gps = isere
    needs = (people / 1000).round()
    places = pd.Series(np.floor(needs.sum() / 20), index=gps.sort_values().index[-20:])
    served = []
    for limit in (15, 30, 60):
        result = allocate_places(times, needs, places, max_time_min=limit)
        assert result.served + result.unmet.sum() == needs.sum()
        assert (result.flows["persons"] % 1 == 0).all()
        served.append(result.served)
    assert served == sorted(served)
