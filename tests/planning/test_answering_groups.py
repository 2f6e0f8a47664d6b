"""Questions of grouping on a line of establishments where every answer is known."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri

from territory.errors import InfeasibleError, ParameterError, ReadError
from territory.planning.grouping.answer import answer_grouping, compare_groupings
from territory.study.own_tables import read_grouping_table, read_pooling_table
from territory.study.state import Parameters, State
from territory.study.words.questions import Grouping
from territory.tables.declare import POOLING_TITLES

# on a road, one minute a kilometre: two public pairs at both ends, a commercial one and an unknown one between
PLACES_KM = {"a": 0, "b": 10, "p": 25, "u": 30, "c": 60, "d": 64, "chu": 70, "away": 200}
STATUS = {"a": "public", "b": "public", "p": "commercial", "c": "public", "d": "public", "away": "public"}


def line_state(communes: dict[str, str] | None = None) -> State:
    sites = gpd.GeoDataFrame(
        {
            "name": [f"EHPAD {site}" for site in PLACES_KM],
            "category_code": "500",
            "commune_code": [f"8300{n}" for n in range(len(PLACES_KM))],
            "operator_id": pd.array([None] * len(PLACES_KM), dtype="str"),
            "point_precision": "address",
            "source": "essai",
            "legal_status": pd.array([STATUS.get(site) for site in PLACES_KM], dtype="str"),
        },
        geometry=gpd.points_from_xy([900_000 + 1000 * x for x in PLACES_KM.values()], [6_250_000] * 8),
        crs=2154,
        index=pd.Index(list(PLACES_KM), name="site_id"),
    )
    index = pd.MultiIndex.from_product([[s for s in PLACES_KM if s != "chu"], ["ehpad"]])
    index.names = ["site_id", "service"]
    services = pd.DataFrame(
        {"capacity": [80.0, 60, 90, 70, 50, np.nan, 40], "capacity_unit": "places"}, index=index
    )
    towns = gpd.GeoDataFrame(
        {
            "name": [f"Commune {site}" for site in PLACES_KM],
            "epci_code": ["E1", "E2", "E2", "E2", "E3", "E3", "E3", "E9"],
            "epci_name": ["Un", "Deux", "Deux", "Deux", "Trois", "Trois", "Trois", "Neuf"],
        },
        geometry=sites.geometry.to_numpy(),
        crs=2154,
        index=pd.Index(sites["commune_code"], name="commune_code"),
    )
    # an estimate is never 0, even from a site to itself: a seat is at home all the same
    pairs = [(m, n, float(abs(PLACES_KM[m] - PLACES_KM[n]) or 3)) for m in PLACES_KM for n in PLACES_KM]
    parameters = Parameters(
        authorisations=(),
        # « away » is beyond the border
        territory_codes=frozenset(towns.index[:-1]),
        closest_services=(),
        thresholds_min=(30,),
        recruitment_max_min=45,
        recruitment_tests_min=(),
    )
    empty = pd.DataFrame()
    return State(
        communes=towns,
        population=empty,
        demand=empty,
        sites=sites,
        services=services,
        travel_times=empty,
        site_times=pd.DataFrame(pairs, columns=["from_id", "to_id", "travel_time_min"]),
        parameters=parameters,
    )


def asked(**changes: object) -> Grouping:
    values = {"id": "g", "name": "Des paires", "service": "ehpad", "min_size": 2, "support_site_id": "chu"}
    return Grouping.model_validate(values | changes)


def test_pairs_at_both_ends_with_their_seats_drives_and_the_hospital_instead() -> None:
    answer = answer_grouping(asked(max_time_min=30), line_state())
    assert answer.members["group"].to_dict() == {"a": "G01", "b": "G01", "c": "G02", "d": "G02"}
    assert answer.members["drive_to_seat_min"].groupby(answer.members["group"]).max().to_list() == [10.0, 4.0]
    assert answer.members["drive_to_support_min"].to_dict() == {"a": 70.0, "b": 60.0, "c": 10.0, "d": 6.0}
    assert answer.groups["mean_drive_to_seat_min"].to_list() == [5.0, 2.0]
    delta = answer.members["delta_support_min"] + answer.members["drive_to_seat_min"]
    assert delta.equals(answer.members["drive_to_support_min"].rename(None))
    assert answer.groups["spread_km"].to_list() == [5.0, 2.0]
    told = answer.members["is_distinguishable"]
    assert told[["a", "b"]].all()
    # the seat itself is 0 min from itself, and the hospital 10 min at most: within the doubt of two such times
    near = answer.members.loc[["c", "d"]]
    # what is told reaches its detectable size, and is no chance of more than one in ten
    strict = near["detectable_min"] * ndtri(0.95) / ndtri(0.9)
    assert (near["is_distinguishable"] == (near["delta_support_min"].abs() >= strict)).all()
    # who is not grouped is context, with the reason; who lives beyond the border is neither
    assert answer.context["reason"].to_dict() == {"p": "hors du champ de la question", "u": "statut inconnu"}
    table = compare_groupings({"g": answer})
    assert table.loc[("g", "groups"), "mean_drive_min"] == pytest.approx((10 + 4) / 4)
    assert table.loc[("g", "join"), "mean_drive_min"] == pytest.approx((70 + 60 + 10 + 6) / 4)
    counted = table.loc[("g", "join"), ["n_closer", "n_farther", "n_indistinct"]]
    assert counted.sum() == 4
    assert counted["n_farther"] >= 2


def test_existing_groups_are_kept_whole() -> None:
    # b is of the EPCI of p and u: with every status, « Deux » is one block
    every = asked(statuses=["public", "commercial"], blocks="epci", max_time_min=100)
    answer = answer_grouping(every, line_state())
    assert answer.members.groupby("epci_code")["group"].nunique().eq(1).all()
    assert answer.members.loc["b", "group"] == answer.members.loc["p", "group"]


def test_places_and_budgets_are_counted_when_known_and_refused_when_not(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"1 établissement de taille inconnue \(d\)"):
        answer_grouping(asked(size="places", min_size=100), line_state())
    path = tmp_path / "ehpad.csv"
    path.write_text(
        "site_id;places;budget_eur;is_autonomous\na;;9000000;oui\nb;;4000000;oui\nc;;1;non\nd;45;12000000;\n",
        encoding="utf-8",
    )
    table = read_grouping_table(path, sites=PLACES_KM)
    question = asked(
        size="places", min_size=90, table=path.name, budget_threshold_eur=20_000_000, statuses=["public"]
    )
    answer = answer_grouping(question, line_state(), table=table)
    # c is not autonomous: context; a and b are 140 places, d cannot stand alone
    assert answer.context.loc["c", "reason"] == "non autonome selon la table"
    assert answer.groups["size"].to_list() == [185.0]
    assert answer.groups["budget_eur"].to_list() == [25_000_000.0]
    assert answer.groups["meets_budget_threshold"].to_list() == [True]
    unknown = answer_grouping(asked(budget_threshold_eur=25e6), line_state())
    assert unknown.groups["budget_eur"].isna().all()
    assert unknown.groups["meets_budget_threshold"].isna().all()


def test_what_cannot_be_met_says_who_cannot_be_grouped() -> None:
    with pytest.raises(InfeasibleError, match=r"2 unités sans assez de \w+ \(a, b\)"):
        answer_grouping(asked(max_time_min=5, min_size=2), line_state())
    with pytest.raises(ParameterError, match="aucun établissement"):
        answer_grouping(asked(statuses=["private_non_profit"]), line_state())


def test_the_table_of_shared_services_goes_round_through_the_directors_hands(tmp_path: Path) -> None:
    answer = answer_grouping(asked(max_time_min=30, pooled_services=["formation"]), line_state())
    empty = answer.pooling
    assert not answer.is_pooling_known
    assert empty["hours_today_per_year"].isna().all()
    assert set(empty["host_id"]) == set(answer.groups["seat"])
    # as a run writes it, then filled in
    sheet = empty.reset_index().rename(columns=dict(POOLING_TITLES))
    sheet["Partagé (oui ou non)"] = "oui"
    sheet["Heures par an aujourd'hui"] = 100
    sheet["Heures par an une fois partagé"] = "70,5"
    sheet["Allers-retours par an vers l'hôte"] = 12
    path = tmp_path / "mutualisation.csv"
    sheet.to_csv(path, index=False, sep=";")
    pooled = read_pooling_table(path, members=PLACES_KM)
    filled = answer_grouping(
        asked(max_time_min=30, pooled_services=["formation"], pooling_table=path.name),
        line_state(),
        pooled=pooled,
    )
    assert filled.is_pooling_known
    drive = filled.members["drive_to_seat_min"].reindex(filled.pooling.index.get_level_values("member_id"))
    expected = 29.5 - 2 * 12 * drive.to_numpy() / 60
    assert filled.pooling["net_hours_per_year"].to_numpy() == pytest.approx(expected)


def test_wrong_tables_say_every_line(tmp_path: Path) -> None:
    path = tmp_path / "ehpad.csv"
    path.write_text(
        "site_id;legal_status;is_autonomous\na;publique;peut-être\nz;public;oui\n", encoding="utf-8"
    )
    with pytest.raises(ReadError, match=r"site inconnu.*\n.*statut inconnu.*\n.*ni oui ni non") as error:
        read_grouping_table(path, sites=PLACES_KM)
    assert "ligne 2" in str(error.value)
    assert "ligne 3 : z" in str(error.value)
    path.write_text(
        "service;member_id;is_shared;host_id;hours_today_per_year;hours_pooled_per_year;trips_per_year\n"
        "formation;a;bof;z;-1;2;3\nformation;a;oui;b;1;2;3\n",
        encoding="utf-8",
    )
    with pytest.raises(ReadError, match="4 problèmes"):
        read_pooling_table(path, members=PLACES_KM)
