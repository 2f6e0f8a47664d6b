"""The embedded dataset: what it must hold, what it must not pretend, and that it is rebuilt byte for byte."""

from __future__ import annotations

import csv
import importlib.util
import re
import subprocess
import sys
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely

from territory.datasets import VarDataset, dataset_names, load_dataset, load_var
from territory.errors import ParameterError, UnknownCodeError
from territory.geography import projected_epsg
from territory.needs import persons_by_age
from territory.sources import read_finess_plus_equipment
from territory.study.load import load_study
from territory.tables import schemas
from territory.tables.catalogue import TABLES

FOLDER = resources.files("territory.datasets") / "var"
PRISME = [
    "cmpp-draguignan",
    "ime-salernes",
    "sessad-autisme-salernes",
    "sessad-pro-salernes",
    "cmp-trans",
    "hdj-trans",
]


@pytest.fixture(scope="module")
def var() -> VarDataset:
    return load_var()


@pytest.fixture(scope="module")
def home(var):
    return var.communes[var.communes["in_territory"]]


def test_tables_follow_the_contract(var):
    for name in ("communes", "outlines", "sites", "services"):
        schemas.validate(name, getattr(var, name))
        assert getattr(var, name).index.is_monotonic_increasing or name in ("sites", "services")
    assert list(var.published.columns) == TABLES["published"].columns.split()
    assert list(var.published.index.names) == TABLES["published"].keys.split()
    for vintage in var.vintages:
        schemas.validate("population", var.population(vintage))


def test_the_var_has_its_communes_its_people_and_its_epci(var, home):
    assert len(home) == 153
    assert set(home["departement_code"]) == {"83"}
    assert home["population"].sum() == 1_095_337
    assert var.population("rp2017").loc[home.index, "population"].sum() == 1_058_740
    assert var.population("rp2016").loc[home.index, "population"].sum() == 1_055_821
    assert len(var.epci) == 14 == home["epci_code"].nunique()
    dracenie = home[home["epci_code"] == "248300493"]
    assert (len(dracenie), dracenie["population"].sum()) == (23, 110_632)
    assert home["general_practitioners"].sum() == 1_136
    # two of the 14 have their seat elsewhere, and only part of their communes here
    elsewhere = var.epci[var.epci["departement_code"] != "83"]
    assert elsewhere["departement_code"].to_list() == ["04", "13"]
    assert (elsewhere["communes_in_territory"] < elsewhere["communes"]).all()
    assert var.epci["population_in_territory"].sum() == 1_095_337


def test_epci_of_communes_and_table_of_epci_agree(var, home):
    found = home.groupby("epci_code")["population"].agg(["size", "sum"])
    assert found["size"].to_dict() == var.epci["communes_in_territory"].to_dict()
    assert found["sum"].to_dict() == var.epci["population_in_territory"].to_dict()


def test_points_are_inside_their_outline_and_hyeres_is_not_an_island(var, home):
    outlines = var.outlines.geometry
    inside = outlines.contains(home.geometry.loc[outlines.index])
    assert inside.all(), list(outlines.index[~inside])
    # the file puts these two mairies 15 and 8 km away, in other communes: a point inside stands for them
    assert list(home.index[home["point_kind"] == "inside"]) == ["83052", "83092"]
    assert home["point_kind"].isin(["chef_lieu", "inside"]).all()
    mainland = max(outlines["83069"].geoms, key=lambda part: part.area)
    assert mainland.contains(home.geometry["83069"])
    # the town hall of Hyères is at 6.13° E, 43.12° N: within a few kilometres
    point = home.geometry.to_crs(4326)["83069"]
    assert (point.x, point.y) == pytest.approx((6.13, 43.12), abs=0.03)


def test_outlines_are_those_of_the_var_valid_and_share_their_borders(var, home):
    assert set(var.outlines.index) == set(home.index)
    assert var.outlines.is_valid.all()
    assert shapely.coverage_is_valid(var.outlines.to_crs(4326).geometry.to_numpy())
    drawn = var.outlines.to_crs(3035).area / 1e6
    np.testing.assert_allclose(drawn, home.loc[drawn.index, "area_km2"], rtol=0.06)
    # INSEE gives 5,973 km² of land; simplified contours of 2018 are within 1.5 %
    assert home["area_km2"].sum() == pytest.approx(5973, rel=0.015)


def test_coordinates_are_in_the_official_system(var):
    for name in ("communes", "outlines", "sites"):
        assert getattr(var, name).crs.to_epsg() == projected_epsg("83")


def test_the_surroundings_reach_45_km_and_no_further(var, home):
    around = var.communes[~var.communes["in_territory"]]
    distance = around.distance(var.outlines.union_all()) / 1000
    # a commune is chosen by a point inside it, and stands at its mairie
    assert distance.max() <= 47
    assert set(around["departement_code"]) == {"04", "06", "13", "84"}
    # the towns to which people of the border go
    for code in ("04112", "06029", "06069", "06088", "13001", "13005", "13055", "84089"):
        assert code in around.index
    # Marseille counts once, with all its arrondissements
    assert var.communes.loc["13055", "population"] > 860_000
    assert not var.communes.index.str.match(r"132\d\d").any()


def test_nothing_is_missing_that_should_be_known(var):
    assert not var.communes.isna().any().any()
    assert (var.communes["population"] > 0).all()
    density = var.communes["population"] / var.communes["area_km2"]
    np.testing.assert_allclose(var.communes["density_hab_km2"], density)


def test_what_drees_publishes_is_there_for_every_commune_of_the_var(var, home):
    figures = var.published["value"].unstack(["figure", "year"])
    assert set(figures) == {("urgences_smur", 2019), ("apl", 2015), ("apl", 2023)}
    mine = figures.loc[home.index]
    assert mine.notna().all(axis=None)
    # Marseille alone is not published as a whole
    assert list(figures.index[figures.isna().any(axis=1)]) == ["13055"]
    minutes = mine["urgences_smur", 2019]
    assert (round(minutes.mean(), 1), minutes.max()) == (25.1, 65)
    at_zero = {"83023", "83050", "83061", "83065", "83069", "83070", "83090", "83126", "83137"}
    assert set(minutes.index[minutes == 0]) == at_zero
    assert (minutes > 30).sum() == 43
    assert (mine["apl", 2023] < 2.5).sum() == 46
    assert (mine["apl", 2015] < 2.5).sum() == 35
    assert mine.loc["83002", ("apl", 2023)] == 0
    assert home["pharmacies"].sum() == 413
    assert (home["pharmacies"] > 0).sum() == 92
    assert set(var.published["source"]) == {
        "DREES, accessibilité potentielle localisée aux médecins généralistes, 2015",
        "DREES, accessibilité potentielle localisée aux médecins généralistes, 2023",
        "DREES, diagnostic d'accès aux soins urgents (distancier METRIC, de chef-lieu à chef-lieu), 2019",
    }


# ages


def test_bands_add_up_exactly_to_the_legal_population(var):
    raw = pd.read_csv(FOLDER / "communes.csv", dtype={"commune_code": str}).set_index("commune_code")
    for vintage in var.vintages:
        bands = var.population(vintage)
        totals = bands.groupby(level="commune_code", sort=False)["population"].sum()
        assert (totals == raw[f"population_{vintage}"]).all()
        assert set(bands["vintage"]) == {vintage}


def test_bands_cover_all_ages_once_and_follow_the_published_shares(var):
    bands = var.population()
    shapes = bands.reset_index().groupby("commune_code", sort=False)
    kinds = {tuple(zip(group["age_min"], group["age_max"].fillna(-1), strict=True)) for _, group in shapes}
    assert kinds == {((0, 24), (25, 64), (65, -1)), ((0, 14), (15, 24), (25, 64), (65, -1))}
    under_25 = persons_by_age(bands, age_min=0, age_max=24) / var.communes["population"]
    raw = pd.read_csv(FOLDER / "communes.csv", dtype={"commune_code": str}).set_index("commune_code")
    # a published share is rounded to 0.1 point, and the three to a sum of one
    assert (under_25 - raw["under_25_share"]).abs().max() < 0.001
    finer = raw.index[raw["young_0_14_rp2018"].notna()]
    young = persons_by_age(bands.loc[finer], age_min=0, age_max=14) / var.communes.loc[finer, "population"]
    expected = raw.loc[finer, "young_0_14_rp2018"] / raw.loc[finer, "young_total_rp2018"]
    assert (young - expected).abs().max() < 1e-4
    assert (raw.loc[finer, "young_total_rp2018"] > 1_900).all()


def test_the_uniform_cut_is_near_the_known_number_of_young_people(var, home):
    under_20 = persons_by_age(var.population().loc[home.index], age_min=0, age_max=19).sum()
    is_known = var.figures["key"].eq("population_under_20") & var.figures["territory"].eq("83")
    known = var.figures[is_known].iloc[0]
    assert (known["value"], known["year"]) == (222_951, 2021)
    assert "INSEE" in known["source"]
    # a published total has no range; one deduced from the rounded rate of AEEH would be 1 % too high
    assert pd.isna(known["low"])
    assert known["value"] < 6125 / 0.02725
    # shares of 2020 cut evenly: within two children in a thousand of what INSEE counted in 2021
    assert under_20 == pytest.approx(known["value"], rel=0.002)


def test_an_unknown_vintage_lists_those_that_are_there(var):
    with pytest.raises(ParameterError, match=r"« rp1999 » ; connus : rp2021, rp2017, rp2016"):
        var.population("rp1999")


# sites and services


def test_the_sites_of_the_plateforme_are_named_and_their_capacity_is_not_invented(var):
    services = var.services.reset_index().set_index("authorisation_id")
    assert set(PRISME) <= set(services.index)
    for name in PRISME:
        assert pd.isna(services.loc[name, "capacity"])
        assert services.loc[name, "doubt"]
        assert services.loc[name, "ages_origin"] == "default"
    home_visits = services.loc[PRISME, "delivered_at_home"]
    assert home_visits[home_visits].index.to_list() == ["sessad-autisme-salernes", "sessad-pro-salernes"]
    where = var.sites["commune_code"]
    assert [where[name] for name in PRISME] == ["83050", "83121", "83121", "83121", "83141", "83141"]


def test_no_capacity_is_known_but_those_that_a_document_states(var):
    known = var.services["capacity"].dropna().drop("medecin_generaliste", level="service")
    assert known.to_dict() == {
        ("ime-folke-bernadotte", "ime"): 90,
        ("sessad-folke-bernadotte", "sessad"): 30,
        ("ime-bel-estello", "ime"): 100,
        ("sessad-bel-estello", "sessad"): 30,
    }
    # the total of two sites goes to neither, and both run under one authorisation
    presence = var.services[var.services["authorisation_id"] == "ime-presence"]
    assert len(presence) == 2
    assert presence["capacity"].isna().all()


def test_ages_of_establishments_are_those_of_their_sources(var):
    told = var.services[var.services["ages_origin"] == "source"]
    told = told[told.index.get_level_values("service").isin(["ime", "sessad"])]
    ages = told.droplevel("service")[["age_min", "age_max"]]
    assert {site: (row["age_min"], row["age_max"]) for site, row in ages.iterrows()} == {
        "ime-folke-bernadotte": (10, 20),
        "sessad-folke-bernadotte": (10, 25),
        "ime-leo-lagrange": (4, 14),
        "ime-mauveou": (14, 20),
        "ime-bel-estello": (6, 20),
        "sessad-bel-estello": (6, 20),
    }
    # 45 children at the start of a school year are no places
    assert "45 enfants" in var.services.loc[("ime-leo-lagrange", "ime"), "doubt"]
    children = var.figures.set_index("key").loc["ime_leo_lagrange_children"]
    assert (children["value"], children["year"]) == (45, 2022)


def test_establishments_of_children_each_have_a_source_and_a_doubt(var, home):
    known = var.services.xs("ime", level="service")
    assert {"ime-la-capelle", "ime-la-fregate"} <= set(known.index)
    assert var.sites.loc["ime-la-capelle", "commune_code"] == "83054"
    assert var.sites.loc["ime-la-fregate", "commune_code"] == "83137"
    for name in ("ime-la-capelle", "ime-la-fregate"):
        assert pd.isna(known.loc[name, "capacity"])
        assert known.loc[name, "ages_origin"] == "default"
        assert len(var.sites.loc[name, "doubt"]) > 40
    assert known["doubt"].notna().all()


def test_the_list_stands_beside_what_bpe_2013_counted(var, home):
    counted = var.offer_2013
    assert counted.sum().to_dict() == {"establishments": 33, "services": 29}
    assert (counted > 0).sum().to_dict() == {"establishments": 20, "services": 17}
    assert counted.loc["83121"].to_list() == [2, 1]
    assert counted.loc["83050"].to_list() == [0, 2]
    assert set(counted.index) <= set(home.index)
    listed = var.services.index.get_level_values("service")
    said = var.completeness["reason"]
    assert f"compte {(listed == 'ime').sum()} IME" in said["ime"]
    assert "33 établissements" in said["ime"]
    assert "20 communes" in said["ime"]
    assert f"compte {listed.isin(['sessad', 'cmpp']).sum()} SESSAD et CMPP" in said["sessad"]
    assert "29 services" in said["sessad"]
    assert "17 communes" in said["sessad"]


@pytest.mark.filterwarnings("ignore::territory.errors.TerritoryWarning")
def test_places_of_the_sample_of_finess_plus_are_those_embedded(var, shared_data):
    folder = shared_data / "care_sites" / "finess_plus_sample_2026"
    lines = read_finess_plus_equipment(folder / "finess-activites-mensuel-202607-echantillon_json.gz")
    numbers = {
        "830100202": ("ime-folke-bernadotte", "ime"),
        "830003828": ("sessad-folke-bernadotte", "sessad"),
    }
    for number, place in numbers.items():
        rows, row = lines[lines["nofinesset"] == number], var.services.loc[place]
        assert rows["capautot"].sum() == rows["capinstot"].sum() == row["capacity"]
        assert (rows["ageminiaut"].min(), rows["agemaxiaut"].max()) == (row["age_min"], row["age_max"])
        assert number in var.sites.loc[place[0], "source"]


def test_lists_say_whether_they_are_complete_and_why(var):
    complete = var.services.groupby("service")["is_complete_list"].agg(["min", "max"])
    assert (complete["min"] == complete["max"]).all()
    assert sorted(complete.index[complete["min"]]) == [
        "hopital",
        "medecin_generaliste",
        "pharmacie",
        "urgences",
    ]
    assert set(complete.index) == set(var.completeness.index)
    assert (var.completeness["reason"].str.len() > 10).all()
    assert var.completeness["is_complete_list"].to_dict() == complete["min"].to_dict()


def test_services_of_the_var_are_as_many_as_their_sources_say(var, home):
    inside = var.sites["commune_code"].isin(home.index)
    counts = (
        var.services[inside.loc[var.services.index.get_level_values("site_id")].to_numpy()]
        .groupby("service")
        .size()
    )
    assert counts[["ehpad", "urgences", "hopital", "psychiatrie_ij", "medecin_generaliste"]].to_list() == [
        95,
        9,
        19,
        4,
        112,
    ]
    draguignan = var.sites.index[var.sites["commune_code"] == "83050"]
    assert ("830000287", "urgences") in var.services.index
    assert "830000287" in draguignan


def test_every_service_has_its_site_and_every_site_its_commune(var):
    assert set(var.services.index.get_level_values("site_id")) == set(var.sites.index)
    assert set(var.sites["commune_code"]) <= set(var.communes.index)
    placed = var.sites[var.sites["point_precision"] == "commune"]
    expected = var.communes.geometry.loc[placed["commune_code"]]
    assert placed.geometry.geom_equals(expected, align=False).all()


def test_ehpad_points_are_near_the_commune_they_are_said_to_be_in(var, home):
    ehpad = var.sites[(var.sites["category_code"] == "500") & var.sites["commune_code"].isin(home.index)]
    own = var.outlines.geometry.loc[ehpad["commune_code"]]
    assert ehpad.geometry.distance(own, align=False).max() < 300
    assert var.services.xs("ehpad", level="service")["capacity"].isna().all()


def test_statuses_of_ehpad_are_inferred_and_said_to_be(var, home):
    ehpad = var.sites[(var.sites["category_code"] == "500") & var.sites["commune_code"].isin(home.index)]
    counts = ehpad["legal_status"].value_counts()
    assert counts.to_dict() == {"commercial": 54, "public": 21, "private_non_profit": 20}
    assert ehpad["doubt"].str.contains("statut déduit").all()
    # the names do not contradict the colours
    names = ehpad["name"].str.upper()
    assert (ehpad.loc[names.str.contains(r"\bPUBLIC\b| CH DE "), "legal_status"] == "public").all()
    assert (ehpad.loc[names.str.contains("KORIAN|ORPEA"), "legal_status"] == "commercial").all()
    assert var.sites.loc[var.sites["category_code"] != "500", "legal_status"].isna().all()


def test_child_psychiatry_is_that_of_establishments(var):
    row = var.child_psychiatry.loc["830000311"]
    assert row[["day_places", "beds", "consultation_centres", "active_file"]].to_list() == [37, 8, 3, 2698]
    assert var.child_psychiatry["commune_code"].isin(var.communes.index).all()
    local = var.child_psychiatry[var.child_psychiatry["commune_code"].str.startswith("83")]
    assert local["day_places"].to_dict() == {
        "830000311": 37,
        "830000345": 12,
        "830000600": 48,
        "830100608": 24,
    }


def test_every_file_and_every_figure_has_a_source(var):
    files = {path.name for path in FOLDER.iterdir()} - {"completeness.csv", "services.csv", "sources.csv"}
    assert files == set(var.sources["file"])
    assert not var.sources[["producer", "title", "vintage", "licence"]].isna().any().any()
    assert not var.figures[["key", "value", "unit", "territory", "year", "source"]].isna().any().any()
    assert var.sites["source"].notna().all()
    assert not var.sources["licence"].str.contains("ODbL").any()


# the package


def test_names_of_datasets():
    assert dataset_names() == ("var",)
    assert load_dataset("var").name == "var"
    with pytest.raises(UnknownCodeError, match="« gers » ; jeux connus : var"):
        load_dataset("gers")


def test_a_loaded_dataset_may_be_changed_without_touching_the_next(var):
    first = load_var()
    first.communes.loc["83050", "population"] = 0
    assert load_var().communes.loc["83050", "population"] == var.communes.loc["83050", "population"] > 0


def test_the_dataset_is_small_and_plain():
    sizes = {path.name: len(path.read_bytes()) for path in FOLDER.iterdir()}
    assert sum(sizes.values()) < 600_000
    for path in FOLDER.iterdir():
        content = path.read_bytes()
        assert content.endswith(b"\n")
        assert b"\r" not in content
        content.decode("utf-8")


def test_importing_the_package_loads_no_heavy_library():
    code = (
        "import sys, territory.datasets; print(sorted({'pandas', 'geopandas', 'shapely'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_its_short_forms_say_what_it_holds(var):
    assert repr(var).startswith("VarDataset(153 communes, 392 around, 14 epci")
    assert ">545</td>" in var._repr_html_()
    assert ">Lignes</th>" in var._repr_html_()


@pytest.mark.slow
def test_the_tool_rebuilds_the_same_bytes(shared_data, monkeypatch):
    path = Path(__file__).parents[2] / "tools" / "build_var_dataset.py"
    # it imports its neighbour
    monkeypatch.syspath_prepend(path.parent)
    spec = importlib.util.spec_from_file_location("build_var_dataset", path)
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    with pytest.warns(match="laissées de côté|ligne répétée"):
        files = tool.build(shared_data)
    assert set(files) == {item.name for item in FOLDER.iterdir()}
    for name, text in files.items():
        assert (FOLDER / name).read_text("utf-8") == text, name


def test_the_title_of_the_study_says_the_years_of_its_sources():
    study = load_study("draguignan")
    with (FOLDER / "sources.csv").open(encoding="utf-8") as lines:
        years = re.findall(r"\b20\d\d\b", " ".join(row["vintage"] for row in csv.DictReader(lines)))
    assert re.findall(r"\d{4}", study.data_date) == [min(years), max(years)]
