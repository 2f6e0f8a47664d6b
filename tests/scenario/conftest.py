"""A world of three communes on a line and two sites, whose times are known by hand."""

from __future__ import annotations

from collections.abc import Iterator

import geopandas as gpd
import pandas as pd
import pytest

from territory.study.state import Parameters, State
from territory.study.words.model import Authorisation, Trip
from tests.scenario.lent import check_unchanged, lend


@pytest.fixture(scope="session")
def state() -> Iterator[State]:
    """Give the world, which nobody may change."""
    yield lend(line_state())
    check_unchanged()


def line_state() -> State:
    communes = gpd.GeoDataFrame(
        {
            "name": ["Ouest", "Milieu", "Est", "Loin"],
            "departement_code": ["83"] * 4,
            "epci_code": ["1", "1", "2", "2"],
            "epci_name": ["Un", "Un", "Deux", "Deux"],
            "population": [100.0, 200.0, 300.0, 400.0],
        },
        index=pd.Index(["83001", "83002", "83003", "83004"], name="commune_code"),
        geometry=gpd.points_from_xy([0, 10_000, 30_000, 90_000], [0, 0, 0, 0]),
        crs=2154,
    )
    bands = pd.DataFrame(
        {
            "commune_code": communes.index.repeat(2),
            "age_min": [0, 20] * 4,
            "age_max": [19, float("nan")] * 4,
            "population": [40.0, 60.0, 80.0, 120.0, 120.0, 180.0, 160.0, 240.0],
        }
    ).set_index(["commune_code", "age_min", "age_max"])
    sites = gpd.GeoDataFrame(
        {"name": ["Ouest", "Est"], "commune_code": ["83001", "83003"]},
        index=pd.Index(["west", "east"], name="site_id"),
        geometry=gpd.points_from_xy([0, 30_000], [0, 0]),
        crs=2154,
    )
    rows = [
        ("west", "ime", "ime-x", 20.0, "places", 0.0, 9.0, "semi_internat", False, False),
        ("west", "sessad", "sessad-x", 10.0, "places", 0.0, 19.0, "milieu_ordinaire", True, False),
        ("east", "urgences", None, float("nan"), None, float("nan"), float("nan"), None, False, True),
    ]
    names = ["site_id", "service", "authorisation_id", "capacity", "capacity_unit", "age_min", "age_max"]
    services = pd.DataFrame(rows, columns=[*names, "reception_mode", "delivered_at_home", "is_complete_list"])
    minutes = {"west": [5.0, 12.0, 33.0, 80.0], "east": [33.0, 21.0, 5.0, 50.0]}
    times = pd.DataFrame(
        [
            (code, site, time, time, 2.0)
            for site, column in minutes.items()
            for code, time in zip(communes.index, column, strict=True)
        ],
        columns=["from_id", "to_id", "travel_time_min", "distance_km", "uncertainty_min"],
    )
    times.attrs["cutoff_min"] = 120.0
    between = pd.DataFrame(
        {"from_id": ["west", "east"], "to_id": ["east", "west"], "travel_time_min": [33.0, 33.0]}
    )
    return State(
        communes=communes,
        population=bands,
        demand=pd.DataFrame(),
        sites=sites,
        services=services.set_index(["site_id", "service"]),
        travel_times=times,
        site_times=between,
        parameters=Parameters(
            authorisations=(
                Authorisation(
                    id="ime-x",
                    label="IME",
                    trip=(
                        Trip(
                            who="child", return_trips_per_year=100, round_factor_low=1, round_factor_high=1.5
                        ),
                    ),
                ),
                Authorisation(
                    id="sessad-x", label="SESSAD", trip=(Trip(who="staff", return_trips_per_year=40),)
                ),
            ),
            territory_codes=frozenset(communes.index),
            closest_services=("urgences", "ime"),
            thresholds_min=(15.0, 30.0),
            recruitment_max_min=45.0,
            recruitment_tests_min=(60.0,),
            age_scale=0.5,
        ),
    )
