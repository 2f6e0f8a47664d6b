from __future__ import annotations

import math
import warnings
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.errors import SchemaError, TerritoryWarning
from territory.sources.producers.finess.extracts import read_finess_equipment
from territory.supply import places_by_zone
from territory.supply.equipment import services_from_strata, strata_from_equipment
from territory.tables.schemas import validate
from tests.supply import oracles

REPEATED = "ignore:.*ensembles de places.*:territory.errors.TerritoryWarning"


def lines(*rows: dict) -> pd.DataFrame:
    base = {
        "nofinesset": "830000001",
        "categetab": "183",
        "de": "844",
        "ta": "13",
        "client": "117",
        "capautot": 20.0,
    }
    frame = pd.DataFrame([{**base, **row} for row in rows])
    return frame.astype({"capautot": float})


def services(*rows: dict, **options: object) -> pd.DataFrame:
    return services_from_strata(
        strata_from_equipment(lines(*rows), capacity="authorised", **options), complete=["ime"]
    )


ONE_LINE = st.fixed_dictionaries(
    {
        "nofinesset": st.sampled_from(["830000001", "830000002", "830000003"]),
        "categetab": st.sampled_from(["182", "183", "186", "354", "446", "500", "189", "190"]),
        "de": st.sampled_from(["844", "657"]),
        "ta": st.sampled_from(["11", "13", "16", "21", "40", "44", "46"]),
        "client": st.sampled_from(["117", "437", "500"]),
        "capautot": st.one_of(st.none(), st.integers(0, 60).map(float)),
    }
)


@pytest.mark.filterwarnings(REPEATED)
@given(rows=st.lists(ONE_LINE, min_size=1, max_size=12), seed=st.integers(0, 9))
def test_matches_counting_line_by_line(rows: list[dict], seed: int) -> None:
    # an establishment has one category
    category = {row["nofinesset"]: row["categetab"] for row in rows}
    rows = [{**row, "categetab": category[row["nofinesset"]]} for row in rows]
    table = lines(*rows).sample(frac=1, random_state=seed)
    strata = strata_from_equipment(table, capacity="authorised")
    found = services_from_strata(strata, complete=[])
    validate("services", found)
    assert found["capacity"].to_dict() == pytest.approx(oracles.places(rows), nan_ok=True)
    assert found["public"].to_dict() == oracles.publics(rows)
    # no place is lost or doubled between strata and services
    assert found["capacity"].sum(skipna=False) == pytest.approx(
        strata["capacity"].sum(skipna=False), nan_ok=True
    )


def test_a_place_open_to_several_publics_counts_once_and_says_so() -> None:
    with pytest.warns(TerritoryWarning, match="20 places au lieu de 40"):
        found = services({"client": "437"}, {"client": "117"})
    assert found["capacity"].to_list() == [20.0]
    assert found["public"].to_list() == ["117 437"]


def test_two_publics_with_their_own_places_add_up() -> None:
    assert services({"client": "437", "capautot": 12.0}, {})["capacity"].to_list() == [32.0]


def test_authorised_and_installed_places_differ() -> None:
    table = lines({}, {"ta": "11", "capautot": 10.0}).assign(capinstot=[18.0, math.nan], indsupinst=["N", ""])
    authorised = strata_from_equipment(table, capacity="authorised")
    assert authorised["capacity"].sum() == 30.0
    with pytest.warns(TerritoryWarning, match="1 ligne"):
        installed = strata_from_equipment(table, capacity="installed")
    assert installed["capacity"].to_list() == [18.0]


def test_deleted_lines_are_counted_and_left_out() -> None:
    table = lines({}, {"ta": "11"}, {"ta": "46"}).assign(
        indsupinst=["N", "O", "N"], indsupaut=["N", "N", "O"]
    )
    with pytest.warns(TerritoryWarning, match="2 lignes supprimées"):
        strata = strata_from_equipment(table, capacity="authorised")
    assert strata["reception_mode"].to_list() == ["semi_internat"]


def test_unknown_places_are_not_zero() -> None:
    found = services({}, {"ta": "11", "capautot": math.nan})
    assert math.isnan(found["capacity"].iloc[0])


def test_a_cmpp_has_no_places_even_where_the_file_has_a_number() -> None:
    found = services({"categetab": "189", "ta": "47", "capautot": 300.0})
    assert found["capacity_unit"].to_list() == ["file_active"]
    assert found["capacity"].isna().all()
    assert found["reception_mode"].to_list() == ["ambulatoire"]


def test_an_ime_with_home_services_is_also_a_sessad() -> None:
    found = services({}, {"ta": "16", "capautot": 12.0}, {"ta": "11", "capautot": 5.0})
    assert found["capacity"].to_dict() == {("830000001", "ime"): 25.0, ("830000001", "sessad"): 12.0}
    assert found["delivered_at_home"].to_list() == [False, True]
    assert found["reception_mode"].to_list()[1] == "milieu_ordinaire"
    assert pd.isna(found["reception_mode"].iloc[0])
    assert found["is_complete_list"].to_list() == [True, False]


def test_one_day_place_does_not_make_a_sessad_stay_at_home() -> None:
    sessad = {"categetab": "182"}
    found = services({**sessad, "ta": "16"}, {**sessad, "ta": "21", "capautot": 2.0})
    assert found["delivered_at_home"].to_list() == [True]
    cmpp = {"categetab": "189"}
    assert services({**cmpp, "ta": "16"}, {**cmpp, "ta": "47"})["delivered_at_home"].to_list() == [False]


def test_ages_come_from_the_authorisation_or_are_flagged() -> None:
    table = lines({}, {"ta": "11"}, {"categetab": "195", "nofinesset": "830000002"})
    table = table.assign(ageminiaut=[6.0, math.nan, math.nan], agemaxiaut=[14.0, math.nan, 20.0])
    strata = strata_from_equipment(table, capacity="authorised")
    assert strata["ages_origin"].to_list() == ["source", "default", "unknown"]
    assert strata["age_min"].to_list()[:2] == [6.0, 3.0]
    assert strata["age_max"].to_list()[:2] == [14.0, 20.0]
    assert math.isnan(strata["age_max"].iloc[2])
    found = services_from_strata(strata, complete=[])
    assert found.loc[("830000001", "ime"), ["age_min", "age_max"]].to_list() == [3.0, 20.0]
    assert pd.isna(found.loc[("830000001", "ime"), "ages_origin"])


def test_impossible_ages_are_said() -> None:
    with pytest.warns(TerritoryWarning, match="âges impossibles"):
        strata = strata_from_equipment(
            lines({}).assign(ageminiaut=20.0, agemaxiaut=3.0), capacity="authorised"
        )
    assert strata["ages_origin"].to_list() == ["default"]


def test_a_category_that_is_no_service_here_is_counted() -> None:
    with pytest.warns(TerritoryWarning, match="1 ligne non comptée, de 1 catégorie.*177"):
        found = services({}, {"categetab": "177", "nofinesset": "830000002"})
    assert len(found) == 1


def test_two_authorisations_at_one_site_are_two_rows() -> None:
    found = services({"authorisation_id": "x"}, {"authorisation_id": "y", "capautot": 5.0})
    assert found["capacity"].to_dict() == {("830000001", "ime@x"): 20.0, ("830000001", "ime@y"): 5.0}


def test_sites_of_one_authorisation_keep_their_own_places() -> None:
    found = services(
        {"authorisation_id": "x"}, {"authorisation_id": "x", "nofinesset": "830000002", "capautot": 5.0}
    )
    assert found["authorisation_id"].to_list() == ["x", "x"]
    assert found["capacity_scope"].to_list() == ["site", "site"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"capautot": [-1.0]}, r"1 capacité négative ou infinie \(830000001\)"),
        ({"capautot": [math.inf]}, "infinie"),
        ({"capautot": ["vingt"]}, "nombres"),
        ({"ta": [13]}, "zéros de tête"),
        ({"indsupinst": ["oui"]}, "N ou O"),
    ],
)
def test_wrong_lines_are_refused(changes: dict, said: str) -> None:
    with pytest.raises(SchemaError, match=said):
        strata_from_equipment(lines({}).assign(**changes), capacity="authorised")


def test_every_problem_is_reported_at_once() -> None:
    wrong = lines({"capautot": -1.0}).drop(columns="client").assign(indsupaut="X")
    with pytest.raises(SchemaError, match="3 problèmes"):
        strata_from_equipment(wrong, capacity="authorised")
    with pytest.raises(SchemaError, match="capinstot"):
        strata_from_equipment(lines({}), capacity="installed")
    with pytest.raises(SchemaError, match="reception_mode"):
        services_from_strata(pd.DataFrame({"site_id": ["a"]}), complete=[])


def test_no_line_left_is_an_empty_table() -> None:
    with pytest.warns(TerritoryWarning):
        strata = strata_from_equipment(lines({"categetab": "177"}), capacity="authorised")
    assert strata.empty
    assert services_from_strata(strata, complete=[]).empty


def test_from_the_file_of_finess_to_the_places_of_a_zone(tmp_path: Path) -> None:
    path = tmp_path / "cs1400105.csv"
    path.write_text(
        "nofinesset;de;ta;client;capinstot;indsupinst;capautot;indsupaut;ageminiaut;agemaxiaut\n"
        "830000001;844;13;117;40;N;45;N;6;14\n"
        "830000001;844;13;437;40;N;45;N;6;14\n"
        "830000001;844;16;437;12;N;12;N;6;20\n"
        "830000002;844;11;500;;N;;N;;\n"
        "830000003;320;47;010;300;N;300;N;0;20\n"
        "830000004;358;16;700;60;N;60;N;60;\n"
    )
    categories = {f"83000000{k}": code for k, code in enumerate(("183", "188", "189", "354"), start=1)}
    lines_read = read_finess_equipment(path)
    lines_read["categetab"] = lines_read["nofinesset"].map(categories)
    with pytest.warns(TerritoryWarning, match="117 places au lieu de 162"):
        strata = strata_from_equipment(lines_read, capacity="authorised")
    found = services_from_strata(strata, complete=["ime", "sessad", "eeap"])
    validate("services", found)
    assert found["capacity"].to_dict() == pytest.approx(
        {
            ("830000001", "ime"): 45.0,
            ("830000001", "sessad"): 12.0,
            ("830000002", "eeap"): math.nan,
            ("830000003", "cmpp"): math.nan,
            ("830000004", "ssiad"): 60.0,
        },
        nan_ok=True,
    )
    assert found.loc[("830000001", "ime"), ["public", "age_min", "age_max"]].to_list() == [
        "117 437",
        6.0,
        14.0,
    ]
    zones = pd.Series("Var", index=list(categories))
    assert places_by_zone(found, zones, service="ime")["places"].to_list() == [45.0]
    assert places_by_zone(found, zones, service="eeap")["reason"].to_list() == ["places inconnues"]


def test_occitanie_2026_sites(shared_data: Path) -> None:
    table = pd.read_csv(shared_data / "care_sites" / "finess_occitanie_2026.csv", dtype=str)
    table = table.rename(columns={"numero finess etablissement": "nofinesset", "libta_equipement": "ta"})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TerritoryWarning)
        strata = strata_from_equipment(
            table.assign(client=pd.Series(index=table.index, dtype="str"), capautot=math.nan),
            capacity="authorised",
        )
    found = services_from_strata(strata, complete=["sessad"])
    validate("services", found)
    offered = found.index.get_level_values("service")
    # every site of category 182 offers a SESSAD, and some IME, ITEP and others do too
    of_182 = set(table.loc[table["categetab"] == "182", "nofinesset"])
    sessad = set(found.index[offered == "sessad"].get_level_values("site_id"))
    assert len(of_182) == 224
    assert of_182 < sessad
    # the file holds no places
    assert found["capacity"].isna().all()
