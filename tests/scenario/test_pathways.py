from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from territory.datasets.files import Region
from territory.release.handed_tables import places_within
from territory.scenario.measures.deserts import child_care_access, professions_access
from territory.scenario.measures.places import (
    child_equipment,
    child_path,
    coordination,
    ehpad_care,
    recruitment,
)
from territory.study.state import State
from territory.study.words.indicators import Coordination, PathStep
from territory.supply.places import with_references
from tests.scenario.test_deserts import with_service


def asking(state: State, **fields: object) -> State:
    return replace(state, parameters=replace(state.parameters, **fields))


def test_a_path_says_present_absent_or_unknown_and_whom_to_ask(state: State) -> None:
    steps = (
        PathStep(label="urgences", services=("urgences",), ask="SAE"),
        PathStep(label="ime", services=("ime",), ask="ARS"),
        PathStep(label="uema", services=("uema", "ueea"), ask="Rectorat"),
    )
    view = child_path(asking(state, path_steps=steps))
    assert view.loc[("2", "urgences"), "status"] == "présent"
    # a complete list without a site in the EPCI
    assert view.loc[("1", "urgences"), "status"] == "absent"
    # 20 and 40 children of 33 and 21 min
    assert view.loc[("1", "urgences"), "mean_time_min"] == pytest.approx((40 * 33 + 80 * 21) / 120)
    assert view.loc[("1", "urgences"), "ask"] == ""
    # a partial list: a known site is present, another EPCI is unknown and never absent
    assert view.loc[("1", "ime"), "status"] == "présent"
    assert view.loc[("2", "ime"), "status"] == "inconnu"
    assert view.loc[("2", "ime"), "ask"] == "ARS"
    assert view.xs("uema", level="step")["status"].eq("inconnu").all()
    assert view.xs("uema", level="step")["ask"].eq("Rectorat").all()
    assert view.xs("ime", level="step")["mean_time_min"].isna().all()


def test_places_of_children_beside_those_under_20(state: State) -> None:
    whole = replace(state, services=state.services.assign(is_complete_list=True))
    table = child_equipment(whole).xs("ensemble", level="reception_mode")
    # half of 40 and 80, of 120 and 160: the scale of the study
    under_20 = table.xs("ime", level="service")["young_hab"]
    assert under_20.to_dict() == {"territory": 200, "1": 60, "2": 140}
    assert table["places_per_1000"].to_dict() == pytest.approx(
        {
            ("territory", "sessad"): 1000 * 10 / 200,
            ("1", "sessad"): 1000 * 10 / 60,
            ("2", "sessad"): 0,
            ("territory", "ime"): 1000 * 20 / 200,
            ("1", "ime"): 1000 * 20 / 60,
            ("2", "ime"): 0,
        }
    )
    # a partial list has no rate anywhere, and a lower bound on places
    partial = child_equipment(state).xs("ensemble", level="reception_mode")
    assert partial["places_per_1000"].isna().all()
    assert partial["known_places"].to_list() == [10, 10, 0, 20, 20, 0]
    # one commune of unknown ages, and the rates that count it are unknown
    some = whole.population.copy()
    some.loc["83002", "population"] = np.nan
    found = child_equipment(replace(whole, population=some))["places_per_1000"]
    found = found.xs(("ime", "ensemble"), level=("service", "reception_mode"))
    assert found.isna().to_dict() == {"territory": True, "1": True, "2": False}
    # the places that FINESS tells are counted in a study that names no establishment; without any, nothing is
    unnamed = asking(whole, authorisations=())
    pd.testing.assert_frame_equal(child_equipment(unnamed).xs("ensemble", level="reception_mode"), table)
    assert child_equipment(replace(unnamed, services=whole.services.assign(capacity=np.nan))).empty


def test_places_by_mode_and_the_region_and_the_published_rate_of_the_same_year(state: State) -> None:
    """An IME of 20 places, 12 in day care; the région has one more, of 100, for 1,000 young persons."""
    services = state.services.assign(is_complete_list=True, capacity_by_mode=np.nan).astype(
        {"capacity_by_mode": "str"}
    )
    is_ime = services.index.get_level_values("service") == "ime"
    services.loc[is_ime, "capacity_by_mode"] = "internat:8 semi_internat:12"
    services.loc[is_ime, "reception_mode"] = np.nan
    population = pd.DataFrame(
        {"population": [1000.0]},
        index=pd.MultiIndex.from_tuples([("01001", 0.0, 19.0)], names=["commune_code", "age_min", "age_max"]),
    )
    lines = pd.DataFrame(
        {"nofinesset": "z", "categetab": "183", "ta": "13", "client": "117", "capinstot": 100.0}, index=[0]
    )
    far = services[is_ime].rename(index={services[is_ime].index[0][0]: "z"}).drop(columns="capacity_by_mode")
    region = Region(
        "Région", far.assign(capacity=np.nan, authorisation_id="z:ime", public=None), lines, population
    )
    data = SimpleNamespace(region=region, references=None, places_year=2023)
    files = SimpleNamespace(finess_capacity="installed", complete_services=("ime",))
    table = child_equipment(replace(state, services=services), data, files)
    table = table.xs("ime", level="service", drop_level=False)
    assert table["known_places"].xs("territory", level="zone").droplevel("service").to_dict() == {
        "ensemble": 20,
        "internat": 8,
        "semi_internat": 12,
    }
    assert table.loc[("territory", "ime", "semi_internat"), "places_per_1000"] == 1000 * 12 / 200
    assert table.loc[("Région", "ime", "ensemble"), "places_per_1000"] == 100
    assert table.loc[("territory", "ime", "ensemble"), "reference_per_1000"] == 4.7
    assert table.loc[("territory", "ime", "ensemble"), "reference"] == "France, 2023 (handidonnees.fr)"
    # of another year, nothing is set beside; a given one is believed
    assert with_references(table, year=2026)["reference_per_1000"].isna().all()
    given = pd.DataFrame(
        {"service": ["ime"], "places_per_1000": [5.0], "year": [2026.0], "zone": "France", "source": "x"}
    )
    rates = child_equipment(replace(state, services=services))
    told = with_references(rates, given, year=2026)["reference_per_1000"].dropna()
    assert set(told) == {5.0}
    assert set(told.index.get_level_values("reception_mode")) == {"ensemble"}


def test_professionals_of_the_path_are_counted_for_the_children_around(state: State) -> None:
    world = with_service(state, "west", "orthophoniste", capacity=3.0, capacity_unit="headcount")
    world = with_service(world, "east", "orthophoniste", capacity=1.0, capacity_unit="headcount")
    found = child_care_access(world).xs("orthophoniste", level="service")["professionals_per_100000_young"]
    # of 40, 80, 120 and 160 children, those at 30 min or less of the west (5, 12, 33, 80), of the east (33, 21, 5, 50)
    west, east = 3 / (40 + 80), 1 / (80 + 120)
    expected = [100_000 * one for one in (west, west + east, east, 0.0)]
    assert found.to_list() == pytest.approx(expected)
    # a partial list, or professionals that nobody counted, say nothing
    partial = with_service(
        state, "west", "orthophoniste", complete=False, capacity=3.0, capacity_unit="headcount"
    )
    assert child_care_access(partial).empty
    unknown = with_service(state, "west", "psychologue", capacity_unit="headcount")
    assert child_care_access(unknown).empty
    assert child_care_access(state).empty


def test_other_professionals_are_counted_for_all_inhabitants_around(state: State) -> None:
    world = with_service(state, "west", "infirmier", capacity=3.0, capacity_unit="headcount")
    world = with_service(world, "east", "infirmier", capacity=1.0, capacity_unit="headcount")
    found = professions_access(world).xs("infirmier", level="service")["practitioners_per_100000_hab"]
    first, second, third, _ = world.communes["population"].to_list()
    west, east = 3 / (first + second), 1 / (second + third)
    assert found.to_list() == pytest.approx([100_000 * one for one in (west, west + east, east, 0.0)])
    assert professions_access(with_service(state, "west", "infirmier", capacity_unit="headcount")).empty
    # one site where nobody counted them, or counted something else
    uncounted = world.services.copy()
    uncounted.loc[("east", "infirmier"), "capacity"] = np.nan
    assert professions_access(replace(world, services=uncounted)).empty
    uncounted.loc[("east", "infirmier"), ["capacity", "capacity_unit"]] = [1.0, "places"]
    assert professions_access(replace(world, services=uncounted)).empty
    assert child_care_access(world).empty


def test_structures_of_the_path_are_counted_in_sites(state: State) -> None:
    world = with_service(with_service(state, "west", "cmpp"), "east", "cmpp")
    found = child_care_access(world).xs("cmpp", level="service")
    # the west is 5, 12, 33 and 80 min away, the east 33, 21, 5 and 50
    assert found["site_count"].to_list() == [1.0, 2.0, 1.0, 0.0]
    assert found["professionals_per_100000_young"].isna().all()
    # 30 minutes are near; a site whose time is not known may be
    times = world.travel_times.assign(
        travel_time_min=world.travel_times["travel_time_min"].replace({33.0: 30.0, 12.0: np.nan})
    )
    times.attrs = world.travel_times.attrs
    changed = child_care_access(replace(world, travel_times=times)).xs("cmpp", level="service")["site_count"]
    assert changed.fillna(-1).to_list() == [2.0, -1.0, 2.0, 0.0]
    assert child_care_access(with_service(state, "west", "cmpp", complete=False)).empty


def test_places_within_30_and_45_minutes_both_included(state: State) -> None:
    closest = asking(state, closest_services=("ime", "urgences"))
    table = places_within(closest)
    assert set(table.index.get_level_values("service")) == {"ime"}
    times = state.travel_times.astype({"from_id": "str", "to_id": "str"}).set_index(["from_id", "to_id"])
    rows = state.services.xs("ime", level="service")["capacity"]
    for (commune, _, bound), places in table["places"].items():
        near = [site for site in rows.index if times["travel_time_min"].get((commune, site), np.inf) <= bound]
        assert places == rows[near].sum()
    # a partial list: at least
    assert table["is_at_least"].all()
    assert not places_within(replace(closest, services=closest.services.assign(is_complete_list=True)))[
        "is_at_least"
    ].any()


def test_nothing_says_that_neighbours_cooperate(state: State) -> None:
    view = child_path(state)
    assert not any("coop" in column or "partner" in column for column in view.columns)


def test_gps_around_an_ehpad(state: State) -> None:
    world = with_service(state, "west", "medecin_generaliste", capacity=3.0, capacity_unit="headcount")
    world = with_service(world, "east", "ehpad", complete=False, capacity=60.0, capacity_unit="places")
    sites = world.sites.copy()
    # GPs stand in Milieu, 21 min from the EHPAD
    sites.loc["west", "commune_code"] = "83002"
    care = ehpad_care(replace(world, sites=sites)).xs("east", level="site_id")
    assert care["gp_count"].eq(0).all()
    assert care["time_from_closest_gp_min"].eq(21).all()
    assert np.isinf(care["residents_per_gp"]).all()
    # a partial list of EHPAD: who shares the GPs is unknown
    assert care["shared_residents_per_gp"].isna().all()
    assert care.loc["Service d'urgences", "status"] == "présent"
    assert care.loc["Service d'urgences", "time_min"] == 5
    assert care.loc["Équipe mobile de gériatrie", "status"] == "inconnu"
    assert care.loc["Équipe mobile de gériatrie", "ask"] != ""
    assert ehpad_care(state).empty


def test_unknown_residents_leave_ratios_unknown_and_gps_counted(state: State) -> None:
    world = with_service(state, "east", "medecin_generaliste", capacity=3.0, capacity_unit="headcount")
    care = ehpad_care(with_service(world, "east", "ehpad"))
    assert care["gp_count"].eq(3).all()
    assert care[["residents_per_gp", "shared_residents_per_gp"]].isna().all(axis=None)


def test_coordination_is_counted_when_its_list_is_complete(state: State) -> None:
    communes = state.communes.assign(area_km2=[10.0, 20.0, 30.0, 40.0])
    kinds = (
        Coordination(label="DAC", service="dac", too_far_min=45, ask="ARS"),
        Coordination(label="CLIC", service="clic", ask="Département"),
    )
    world = asking(with_service(replace(state, communes=communes), "east", "dac"), coordination=kinds)
    table = coordination(world)
    dac = table.loc[("DAC", "east")]
    assert dac[["population_hab", "area_km2", "edge_time_min"]].tolist() == [1000.0, 100.0, 50.0]
    assert bool(dac["is_too_large"])
    assert dac["status"] == "calculé"
    clic = table.loc[("CLIC", "")]
    assert clic["status"] == "inconnu"
    assert clic["ask"] == "Département"
    assert pd.isna(clic["population_hab"])
    partial = coordination(
        asking(
            with_service(replace(state, communes=communes), "east", "dac", complete=False), coordination=kinds
        )
    )
    assert partial.loc[("DAC", "east"), "status"] == "inconnu"
    assert pd.isna(partial.loc[("DAC", "east"), "edge_time_min"])


def test_recruitment_comes_from_observed_origins_alone(state: State) -> None:
    by_site, by_zone = recruitment(state)
    assert by_site.empty
    assert by_zone.empty
    observed = pd.DataFrame(
        {
            "commune_code": ["83001", "83003", "83001"],
            "authorisation_id": ["ime-x", "ime-x", "sessad-x"],
            "children": [30.0, 10.0, 20.0],
        }
    )
    by_site, by_zone = recruitment(replace(state, observed_origins=observed))
    assert by_site.loc["ime-x"].tolist() == ["1", 40.0, 30.0, 0.75]
    assert by_site.loc["sessad-x", "endo_recruitment_share"] == 1
    assert by_zone.loc["1"].tolist() == [50.0, 50.0, 1.0]
    assert by_zone.loc["2"].tolist() == [10.0, 0.0, 0.0]
