from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from territory.scenario import CloseSite, MoveSite, Scenario, apply, compare
from territory.scenario.measures.places import (
    NO_LIST,
    NO_OBSERVED,
    NO_ORIENTATION,
    NO_SERVED,
    NO_TIMES,
    count_places,
)
from territory.study.state import Rate, State
from territory.study.words.model import Need
from tests.scenario.lent import compute


def known(state: State, *, kind: str | None = None) -> State:
    """Return a world where every IME is known, and where a need of this kind asks for their places."""
    services = state.services.copy()
    services.loc[("west", "ime"), "is_complete_list"] = True
    rates = ()
    demand = state.demand
    if kind is not None:
        need = Need(
            public="p", label="P", kind=kind, age_min=0, age_max=9, per_1000=1, source="MDPH", service="ime"
        )
        rates = (Rate(need),)
        demand = pd.DataFrame(
            {
                "commune_code": state.communes.index,
                "public": "p",
                "demand": [4.0, 8.0, 16.0, 2.0],
                "kind": kind,
            }
        ).set_index(["commune_code", "public"])
    return replace(state, services=services, demand=demand, parameters=replace(state.parameters, rates=rates))


def unmet(state: State, service: str = "ime") -> tuple[list[float], str]:
    places, reasons = count_places(state)
    return places["unmet_persons"].xs(service, level="service").tolist(), reasons.loc[service, "unmet_reason"]


def test_places_within_reach_by_hand(state: State) -> None:
    places, reasons = count_places(known(state))
    found = places["access_per_1000"].xs("ime", level="service")
    # 20 places for the 10 + 20 + 30 persons within 45 min
    assert found.tolist() == pytest.approx([1000 * 20 / 60] * 3 + [0.0])
    assert reasons.loc["ime", "access_reason"] == ""


@pytest.mark.parametrize(
    "break_it, reason",
    [
        (lambda s: s, NO_LIST),
        (
            lambda s: replace(known(s), parameters=replace(s.parameters, closest_services=("urgences",))),
            NO_TIMES,
        ),
        (
            lambda s: replace(known(s), services=known(s).services.assign(capacity=np.nan)),
            "1 site sans places connues",
        ),
        (
            lambda s: replace(known(s), services=known(s).services.assign(capacity_unit="file_active")),
            "1 site sans places connues",
        ),
        (
            lambda s: replace(known(s), services=known(s).services.assign(age_max=np.nan)),
            "âges reçus inconnus",
        ),
    ],
)
def test_what_cannot_be_counted_says_why(state: State, break_it: object, reason: str) -> None:
    places, reasons = count_places(break_it(state))  # type: ignore[operator]
    assert places["access_per_1000"].xs("ime", level="service").isna().all()
    assert reasons.loc["ime", "access_reason"].startswith(reason)


def test_prevalence_never_stands_beside_places(state: State) -> None:
    for kind in (None, "prevalence", "rights", "population"):
        values, reason = unmet(known(state, kind=kind))
        assert np.isnan(values).all()
        assert reason == NO_ORIENTATION


def test_orientations_fill_the_places_by_hand(state: State) -> None:
    values, reason = unmet(known(state, kind="orientation"))
    # 28 orientations within 45 min for 20 places, and 2 beyond
    assert sum(values) == pytest.approx(10.0)
    assert values[3] == 2.0
    assert reason == ""


def test_waiting_list_needs_the_children_served(state: State) -> None:
    world = known(state, kind="waiting")
    assert unmet(world)[1] == NO_SERVED
    served = pd.DataFrame({"commune_code": ["83001"], "authorisation_id": ["ime-x"], "children": [15.0]})
    values, reason = unmet(replace(world, observed_origins=served))
    # 15 served and 30 waiting, 2 of them out of reach, for 20 places
    assert (sum(values), reason) == (pytest.approx(25.0), "")


def test_children_served_who_would_find_no_place(state: State) -> None:
    assert unmet(state, "ime-x")[1] == NO_OBSERVED
    served = pd.DataFrame(
        {"commune_code": ["83001", "83004"], "authorisation_id": ["ime-x"] * 2, "children": [25.0, 4.0]}
    )
    world = replace(state, observed_origins=served)
    values, reason = unmet(world, "ime-x")
    assert (values, reason) == ([5.0, 0.0, 0.0, 4.0], "")
    closed = apply(world, Scenario(id="F", name="F", change=(CloseSite(authorisation_id="ime-x"),)))
    assert sum(unmet(closed, "ime-x")[0]) == 29.0


def test_access_is_compared_by_zone(state: State) -> None:
    world = known(state)
    move = Scenario(id="S", name="S", change=(MoveSite(authorisation_ids=("ime-x",), to_site_id="east"),))
    measures = compare(compute(world), compute(apply(world, move))).measures
    found = measures.loc[("territory", "territory", "ime", "access_per_1000")]
    # everybody's share of 20 places, averaged over all 100 persons, conserves them
    assert found["baseline"] == found["scenario"] == pytest.approx(1000 * 20 / 100)
    # nothing says what the doubt on times does to it
    west = measures.loc[("epci", "1", "ime", "access_per_1000")]
    assert west["baseline"] == pytest.approx(1000 * 20 / 60)
