from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

from territory.errors import NetworkError, ParameterError, TerritoryWarning
from territory.network.graph.speeds import (
    IMPLAUSIBLE,
    UNREADABLE,
    band_of_density,
    read_maxspeed,
    speed_table,
)
from territory.network.maps.osm import read_osm, sample_network
from tests.network.small_maps import metres, points, write_osm


@pytest.mark.parametrize(
    "text, kmh",
    [
        ("50", 50), ("50.5", 50.5), ("50 km/h", 50), ("30 mph", 48.28032), ("30mph", 48.28032), ("10 knots", 18.52),
        ("FR:urban", 50), ("FR:rural", 80), ("FR:motorway", 130), ("FR:30", 30), ("FR:zone30", 30), ("AD:urban", 50),
        ("walk", 6), ("50;70", 50), ("70; 50", 50), ("signals;90", 90), ("vite;90", 90), ("50,5", 50.5), ("50/30", 30),
        ("50\u00a0", 50), ("30 KM/H", 30), ("zone:30", 30), ("fr:urban", 50), ("50|30", 30), ("5", 5), ("160", 160),
    ],
)  # fmt: skip
def test_limits_are_read(text, kmh):
    limit, fault = read_maxspeed(text, "secondary")
    assert limit == pytest.approx(kmh)
    assert fault == ""


@pytest.mark.parametrize(
    "text, fault",
    [
        ("", ""),
        ("signals", ""),
        ("variable", ""),
        ("vite", UNREADABLE),
        ("-50", UNREADABLE),
        ("0", IMPLAUSIBLE),
        ("0.01", IMPLAUSIBLE),
        ("900", IMPLAUSIBLE),
        ("none", IMPLAUSIBLE),
    ],
)
def test_limits_that_say_nothing(text, fault):
    limit, found = read_maxspeed(text, "secondary")
    assert np.isnan(limit)
    assert found == fault


def test_only_motorways_have_no_limit():
    assert [read_maxspeed("none", one)[0] for one in ("motorway", "trunk")] == [130, 130]
    for one in ("motorway_link", "primary", "residential", "living_street", "ferry"):
        assert np.isnan(read_maxspeed("none", one)[0])


def test_metric_speeds_are_those_published():
    # DREES, comparaison des distanciers, 2021: under 500, 500 to 4,000, above 4,000 hab/km²
    published = {
        "metric_motorway": (120, 100, 60), "metric_dual_express": (100, 90, 40), "metric_dual": (90, 60, 30),
        "metric_single": (65, 40, 20), "metric_track": (20, 20, 20), "metric_ramp": (60, 60, 60),
        "metric_ferry": (13, 13, 13),
    }  # fmt: skip
    table = speed_table().set_index(["road_class", "period", "density"])["default_kmh"].sort_index()
    for name, speeds in published.items():
        assert table[name, "off_peak"].loc[["low", "medium", "high"]].tolist() == list(speeds)
        if name != "metric_ferry":
            peak = table[name, "peak"].loc[["low", "medium", "high"]]
            np.testing.assert_allclose(peak, np.array(speeds) * (1, 0.8, 0.6))


def test_density_bands_and_their_bounds():
    assert band_of_density(np.array([0, 499.9, 500, 4000, 4000.1, np.nan])).tolist() == [1, 1, 2, 2, 3, 0]


def one_time(network, a=(6.40, 43.50), b=(6.40, 43.51)):
    return network.travel_time_matrix(points(a=a), points(b=b))[0, 0]


def test_a_time_is_length_over_speed_plus_the_wait_at_the_junction():
    row = speed_table().query("road_class == 'primary' and density == 'any' and period == 'off_peak'").iloc[0]
    length = metres((6.40, 43.50), (6.40, 43.51))
    expected = length / (80 * row.legal_factor / 3.6) / 60 + row.junction_s / 60
    assert one_time(sample_network()) == pytest.approx(expected, abs=2e-5)


def test_a_planner_may_replace_the_table():
    network = sample_network()
    table = network.speeds
    table.loc[table["road_class"] == "primary", ["legal_factor", "default_kmh", "junction_s"]] = [
        np.nan,
        36.0,
        0.0,
    ]
    length = metres((6.40, 43.50), (6.40, 43.51))
    assert one_time(network.with_speeds(table)) == pytest.approx(length / 10 / 60, abs=2e-5)
    assert one_time(network) < length / 10 / 60


def test_the_peak_needs_densities_and_slows_dense_communes_only():
    network = sample_network()
    with pytest.raises(ParameterError, match="with_density"):
        network.with_speeds(speed_table(), period="peak")
    communes = gpd.GeoDataFrame(
        {"density_hab_km2": [5000.0]}, index=["83050"], geometry=[box(6.3, 43.4, 6.5, 43.6)], crs=4326
    )
    dense = network.with_density(communes)
    assert one_time(dense) == one_time(network)
    row = speed_table().query("road_class == 'primary' and density == 'any' and period == 'off_peak'").iloc[0]
    wait = row.junction_s / 60
    peak = one_time(dense.with_speeds(speed_table(), period="peak"))
    assert peak - wait == pytest.approx((one_time(network) - wait) / 0.6, rel=1e-3)
    rural = network.with_density(communes.assign(density_hab_km2=50.0))
    assert one_time(rural.with_speeds(speed_table(), period="peak")) == one_time(network)


def test_the_middle_of_a_way_says_its_density(tmp_path):
    line = {node: (6.40 + node / 100, 43.50) for node in range(5)}
    other = {node + 5: (x, y + 0.01) for node, (x, y) in line.items()}
    ways = {1: (list(line), {"highway": "primary"}), 2: (list(other), {"highway": "primary"})}
    network = read_osm(write_osm(tmp_path / "a.osm", line | other, ways))
    communes = gpd.GeoDataFrame(
        {"density_hab_km2": [50.0, 5000.0, 50.0]},
        geometry=[box(6.39, 43.4, 6.415, 43.6), box(6.415, 43.4, 6.425, 43.6), box(6.425, 43.4, 6.45, 43.6)],
        crs=4326,
    )
    bands = network.with_density(communes).roads.ways.density_band
    assert bands.tolist() == band_of_density(np.array([5000.0] * len(bands))).tolist()


def test_a_class_that_the_table_leaves_out_is_not_put_down_to_density():
    network, table = sample_network(), speed_table()
    held = [network.roads.ways.class_names[row] for row in np.unique(network.roads.ways.road_class)]
    assert len(held) > 1
    for name in held:
        with pytest.raises(ParameterError, match=f"ne dit rien.*{name}"):
            network.with_speeds(table[table["road_class"] != name], period="peak")
    communes = gpd.GeoDataFrame(
        {"density_hab_km2": [50.0]}, index=["83050"], geometry=[box(6.3, 43.4, 6.5, 43.6)], crs=4326
    )
    for gone in (table["road_class"] == held[0], table["road_class"].isin(held)):
        with pytest.raises(ParameterError, match=f"ne dit rien.*{held[0]}"):
            network.with_density(communes).with_speeds(
                table[~(gone & (table["density"] == "low"))], period="peak"
            )


def test_roads_outside_every_commune_are_counted():
    far = gpd.GeoDataFrame({"density_hab_km2": [50.0]}, geometry=[box(0, 40, 1, 41)], crs=4326)
    with pytest.warns(TerritoryWarning, match="3 des 3 routes"):
        sample_network().with_density(far)
    with pytest.raises(NetworkError, match="densite"):
        sample_network().with_density(far, column="densite")
    with pytest.raises(NetworkError, match="système de coordonnées absent"):
        sample_network().with_density(far.set_crs(None, allow_override=True))


@pytest.mark.parametrize(
    "change, message",
    [
        ({"default_kmh": 0.0}, "default_kmh.*d'au moins 1.*primary / any : 0"),
        ({"default_kmh": -5.0}, "d.au moins 1"),
        ({"default_kmh": np.nan}, "d.au moins 1"),
        ({"legal_factor": -1.0}, "legal_factor"),
        ({"junction_s": -1.0}, "junction_s.*positif ou nul"),
        ({"density": "dense"}, r"1 densité inconnue \(dense\)"),
    ],
)
def test_a_wrong_table_is_refused(change, message):
    table = speed_table()
    table.loc[(table["road_class"] == "primary") & (table["density"] == "any"), list(change)] = list(
        change.values()
    )
    with pytest.raises(ParameterError, match=message):
        sample_network().with_speeds(table)


def test_a_table_with_holes_or_doubles_is_refused():
    table = speed_table()
    with pytest.raises(ParameterError, match=r"1 classes de routes.*primary"):
        sample_network().with_speeds(table[table["road_class"] != "primary"])
    with pytest.raises(ParameterError, match="en double"):
        sample_network().with_speeds(pd.concat([table, table.iloc[[0]]]))
    with pytest.raises(ParameterError, match=r"Table des vitesses : 1 colonne absente \(legal_factor\)"):
        sample_network().with_speeds(table.drop(columns="legal_factor"))
    with pytest.raises(ParameterError, match="Période"):
        sample_network().with_speeds(table, period="nuit")
    with pytest.raises(ParameterError, match="ne sont pas des nombres"):
        sample_network().with_speeds(table.assign(default_kmh="vite"))


def test_a_table_without_a_class_says_which_class_and_not_density():
    table = speed_table()
    with pytest.raises(ParameterError, match=r"1 classes de routes de la carte \(residential\)"):
        sample_network().with_speeds(table[table["road_class"] != "residential"])
