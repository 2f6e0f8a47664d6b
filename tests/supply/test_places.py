from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.datasets import load_var
from territory.errors import ParameterError, SchemaError, UnknownCodeError
from territory.supply import (
    complete_services,
    equipment_rate,
    places_by_authorisation,
    places_by_site,
    places_by_zone,
)
from tests.supply import oracles


def table(*rows: tuple, complete: bool = True) -> pd.DataFrame:
    names = ["site_id", "service", "authorisation_id", "capacity", "capacity_scope"]
    frame = pd.DataFrame(rows, columns=names)
    frame["capacity"] = frame["capacity"].astype(float)
    frame["authorisation_id"] = frame["authorisation_id"].astype("str")
    frame["capacity_scope"] = frame["capacity_scope"].astype("str")
    frame = frame.assign(capacity_unit="places", is_complete_list=complete)
    return frame.set_index(["site_id", "service"])


def test_leo_lagrange_and_mauveou_share_100_places_once() -> None:
    data = load_var()
    alone = places_by_site(data.services).loc[[("ime-leo-lagrange", "ime"), ("ime-mauveou", "ime")]]
    assert alone["places"].isna().all()
    assert alone["reason"].str.contains("partagées entre 2 sites").all()
    # 100 written on both rows is still 100
    written = data.services.assign(capacity_scope=None)
    rows = written.index.get_level_values("site_id").isin(["ime-leo-lagrange", "ime-mauveou"])
    written.loc[rows, "capacity"] = 100.0
    written.loc[rows, "capacity_scope"] = "authorisation"
    counted = places_by_authorisation(written).loc[("ime-presence", "ime")]
    assert (counted["places"], counted["sites"], counted["reason"]) == (100.0, 2, "")
    assert places_by_site(written)["places"][rows].isna().all()
    # both in La Seyne-sur-Mer, with the 90 places of Folke Bernadotte; and the list is partial
    zones = data.sites["commune_code"]
    found = places_by_zone(written, zones, service="ime").loc["83126"]
    assert found["known_places"] == 190.0
    assert math.isnan(found["places"])
    assert "pas complète" in found["reason"]
    known = written.assign(is_complete_list=True)
    assert places_by_zone(known, zones, service="ime").loc["83126", "places"] == 190.0


def test_a_rate_of_equipment_is_there_only_where_places_are_known() -> None:
    rows = (("a", "ime", "x", 90, None), ("b", "ime", "y", math.nan, None), ("c", "ime", "z", 10, None))
    zones = pd.Series({"a": "Est", "b": "Ouest", "c": "Est"})
    persons = pd.Series({"Ouest": 1_000.0, "Est": 20_000.0, "Vide": 500.0, "Personne": 0.0})
    found = equipment_rate(table(*rows), zones, persons, service="ime")
    assert found.index.to_list() == persons.index.to_list()
    # 1000 x 100 / 20,000; a complete list without a site is no place; nobody is no rate
    assert found["places_per_1000"].fillna(-1).to_list() == [-1, 5.0, 0.0, -1]
    assert found["site_count"].to_list() == [1, 2, 0, 0]
    assert found["known_places"].to_list() == [0, 100, 0, 0]
    assert found.loc["Ouest", "reason"] == "places inconnues"
    partial = equipment_rate(table(*rows, complete=False), zones, persons, service="ime")
    assert partial[["places", "places_per_1000"]].isna().all(axis=None)
    assert partial["known_places"].to_list() == [0, 100, 0, 0]
    assert partial["reason"].str.contains("pas complète").all()


def test_without_scope_shared_places_are_unknown_rather_than_doubled() -> None:
    services = table(("a", "ime", "x", 100, None), ("b", "ime", "x", 100, None), ("c", "ime", "y", 30, None))
    counted = places_by_authorisation(services)
    assert math.isnan(counted.loc[("x", "ime"), "places"])
    assert "capacity_scope" in counted.loc[("x", "ime"), "reason"]
    assert counted.loc[("y", "ime"), "places"] == 30.0


def test_an_authorisation_over_two_zones() -> None:
    zones = pd.Series({"a": "Est", "b": "Ouest", "c": "Est"})
    shared = table(
        ("a", "ime", "x", 100, "authorisation"),
        ("b", "ime", "x", 100, "authorisation"),
        ("c", "ime", "y", 30, "site"),
    )
    found = places_by_zone(shared, zones, service="ime")
    assert found["places"].isna().all()
    assert found["known_places"].to_dict() == {"Est": 30.0, "Ouest": 0.0}
    assert found["reason"].str.contains("autre zone").all()
    whole = places_by_zone(shared, zones.map(lambda _: "Var"), service="ime")
    assert whole["places"].to_dict() == {"Var": 130.0}
    # what FINESS states site by site is known in each zone
    own = table(("a", "ime", "x", 60, "site"), ("b", "ime", "x", 40, "site"))
    assert places_by_zone(own, zones, service="ime")["places"].to_dict() == {"Est": 60.0, "Ouest": 40.0}


WORLD = st.lists(
    st.tuples(
        st.sampled_from(["x", "y", "z"]),
        st.integers(1, 60).map(float),
        st.sampled_from(["site", "authorisation"]),
        st.sampled_from(["Est", "Ouest"]),
    ),
    min_size=1,
    max_size=6,
)


@given(world=WORLD, order=st.randoms(use_true_random=False))
def test_zones_match_the_oracle_in_any_order(world: list, order: object) -> None:
    # one scope, and one capacity where it is that of the whole, per authorisation
    scope = {authorisation: said for authorisation, _, said, _ in world}
    whole = {authorisation: capacity for authorisation, capacity, _, _ in world}
    rows = [
        (f"s{k}", name, whole[name] if scope[name] == "authorisation" else capacity, scope[name])
        for k, (name, capacity, _, _) in enumerate(world)
    ]
    zones = {f"s{k}": zone for k, (_, _, _, zone) in enumerate(world)}
    order.shuffle(rows)
    services = table(*((site, "ime", name, capacity, said) for site, name, capacity, said in rows))
    found = places_by_zone(services, pd.Series(zones), service="ime")
    for zone in found.index:
        assert found.loc[zone, "places"] == pytest.approx(oracles.zone_places(rows, zones, zone), nan_ok=True)
        assert (found.loc[zone, "reason"] == "") == (not math.isnan(found.loc[zone, "places"]))
    # the whole territory counts each authorisation once
    everywhere = places_by_zone(services, pd.Series(dict.fromkeys(zones, "tout")), service="ime")
    assert everywhere.loc["tout", "places"] == places_by_authorisation(services)["places"].sum()
    assert found["known_places"].sum() <= everywhere.loc["tout", "places"] + 1e-9


def test_a_zone_without_site_has_no_places_under_a_complete_list_alone() -> None:
    zones = pd.Series({"a": "Est"})
    of = pd.Index(["Ouest", "Est"])
    complete = places_by_zone(table(("a", "ime", "x", 60, "site")), zones, service="ime", of=of)
    assert complete["places"].to_dict() == {"Ouest": 0.0, "Est": 60.0}
    partial = places_by_zone(
        table(("a", "ime", "x", 60, "site"), complete=False), zones, service="ime", of=of
    )
    assert partial["places"].isna().all()
    assert partial["known_places"].to_dict() == {"Ouest": 0.0, "Est": 60.0}
    assert partial["reason"].str.contains("pas complète").all()


def test_a_list_that_nobody_says_whole_is_not() -> None:
    told = pd.array([True, None], dtype="boolean")
    rows = table(("a", "ime", "x", 10, None), ("b", "ime", "y", 5, None))
    zones, persons = pd.Series({"a": "Est", "b": "Est"}), pd.Series({"Est": 1000.0})
    for listed in (told, told.astype(object)):
        said = rows.assign(is_complete_list=listed)
        assert complete_services(said) == []
        assert equipment_rate(said, zones, persons, service="ime")["places_per_1000"].isna().all()


def test_file_active_is_never_places() -> None:
    services = table(
        ("a", "cmpp", "x", 300, "site"), ("a", "hdj_ij", "y", 12, "site"), ("a", "ime", "z", 5, "site")
    )
    counted = places_by_authorisation(services)
    assert counted["places"].isna().to_list() == [True, True, False]
    assert counted["reason"].to_list()[:2] == ["se compte en file active, jamais en places"] * 2
    assert places_by_site(services)["places"].isna().to_list() == [True, True, False]
    for service in ("cmpp", "hdj_ij"):
        with pytest.raises(ParameterError, match="file active"):
            places_by_zone(services, pd.Series({"a": "Est"}), service=service)


def test_other_units_are_no_places() -> None:
    services = table(("a", "infirmiers", "x", 7, "site"), ("b", "ime", "y", 7, "site"))
    services["capacity_unit"] = ["etp", None]
    assert places_by_site(services)["places"].isna().all()
    assert places_by_authorisation(services)["reason"].str.contains("unité").all()


def test_unknown_places_stay_unknown_with_their_reason() -> None:
    services = table(("a", "ime", "x", math.nan, "site"), ("b", "ime", "y", 4, "site"))
    assert places_by_site(services)["reason"].to_list() == ["places inconnues", ""]
    found = places_by_zone(services, pd.Series({"a": "Est", "b": "Est"}), service="ime")
    assert math.isnan(found.loc["Est", "places"])
    assert found.loc["Est", "known_places"] == 4.0
    assert found.loc["Est", "reason"] == "places inconnues"


def test_a_row_without_authorisation_stands_alone() -> None:
    services = table(("a", "ime", None, 3, None), ("b", "ime", None, 4, None))
    assert places_by_authorisation(services)["places"].to_dict() == {("a", "ime"): 3.0, ("b", "ime"): 4.0}
    assert places_by_zone(services, pd.Series({"a": "Est", "b": "Est"}), service="ime")[
        "places"
    ].to_list() == [7.0]


def test_two_authorisations_at_one_site_add_up() -> None:
    services = table(("a", "ime@x", "x", 3, "site"), ("a", "ime@y", "y", 4, "site"))
    assert places_by_zone(services, pd.Series({"a": "Est"}), service="ime")["places"].to_list() == [7.0]


def test_sites_that_disagree_on_the_whole_are_refused() -> None:
    services = table(("c", "ime", "y", 30, "authorisation"), ("d", "ime", "y", 40, "authorisation"))
    with pytest.raises(SchemaError, match="« y » : ses sites disent 30 et 40"):
        places_by_authorisation(services)


def test_wrong_services_are_refused() -> None:
    with pytest.raises(SchemaError, match="négative"):
        places_by_site(table(("a", "ime", "x", -6, "site")))
    with pytest.raises(SchemaError, match="partout"):
        places_by_site(table(("a", "ime", "x", 6, "partout")))
    services = table(("a", "ime", "x", 6, "site"))
    with pytest.raises(UnknownCodeError, match="sessad"):
        places_by_zone(services, pd.Series({"a": "Est"}), service="sessad")
    with pytest.raises(UnknownCodeError, match="sans zone"):
        places_by_zone(services, pd.Series({"b": "Est"}), service="ime")
