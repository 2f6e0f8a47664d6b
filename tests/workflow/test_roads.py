"""A study on a road map: one that the test writes, a road from each commune to its neighbours."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import osmium
import pikepdf
import pytest
from scipy.spatial import Delaunay

import territory
from territory import supply
from territory.datasets import load_dataset
from territory.errors import MissingFileError, NetworkError
from territory.network.graph.speeds import speed_table
from territory.result import StudyResult
from territory.study import load_study
from tests.study.test_load import GOOD, write


@pytest.fixture(scope="module")
def road_map(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("roads") / "var.osm.pbf"
    communes = load_dataset("var").communes
    metres = np.column_stack([communes.geometry.x, communes.geometry.y])
    degrees = communes.geometry.to_crs(4326)
    triangles = Delaunay(metres).simplices
    pairs = {tuple(sorted((a, b))) for t in triangles for a, b in ((t[0], t[1]), (t[1], t[2]), (t[0], t[2]))}
    # a road to each site too: some stand far from the straight lines between communes
    sites = load_dataset("var").sites
    at = communes.index.get_indexer(sites["commune_code"])
    pairs |= {(int(place), len(degrees) + number) for number, place in enumerate(at) if place >= 0}
    points = [*degrees, *sites.geometry.to_crs(4326)]
    with osmium.SimpleWriter(str(path)) as writer:
        for number, point in enumerate(points, start=1):
            writer.add_node(osmium.osm.mutable.Node(id=number, location=(point.x, point.y)))
        for number, (a, b) in enumerate(sorted(pairs), start=1):
            tags = {"highway": "secondary", "maxspeed": "80"}
            writer.add_way(osmium.osm.mutable.Way(id=number, nodes=[int(a) + 1, int(b) + 1], tags=tags))
    return path


@pytest.mark.slow
def test_study_on_a_road_map(road_map: Path, tmp_path: Path, draguignan: StudyResult) -> None:
    result = territory.run_study("draguignan", roads=road_map, out_dir=tmp_path)
    assert result.times_method == "roads"
    access = result.baseline.access
    # a straight road at some 60 to 80 km/h between Salernes and Draguignan, 18 km apart
    assert 12 <= access.loc[("83121", "cmpp-draguignan"), "travel_time_min"] <= 30
    assert access.loc[("83050", "cmpp-draguignan"), "travel_time_min"] > 0
    assert result.comparisons["B"].zones.loc[("248300493", "ime-salernes"), "persons_gain"] > 0
    assert result.run_digest != draguignan.run_digest
    assert any(key.startswith("roads: var.osm.pbf") for key in result.manifest["inputs_sha256"])
    check_isochrones(result)
    assert draguignan.isochrones is None
    with pikepdf.open(tmp_path / "reports" / "draguignan" / "rapport.pdf") as pdf:
        assert 8 <= len(pdf.pages) <= 14
        captions = [str(one.get("/Alt", "")) for one in pdf.objects if isinstance(one, pikepdf.Dictionary)]
    assert any("sochrone" in alt for alt in captions)


def check_isochrones(result: StudyResult) -> None:
    """Hold the outlines against the times of the tables, which are computed to points and without any outline."""
    drawn = result.isochrones
    assert drawn is not None
    assert set(drawn["scenario"]) == {"", "A", "B", "C"}
    assert drawn.geometry.is_valid.all()
    for (_, _), rows in drawn.groupby(["scenario", "site_id"]):
        assert rows["minutes"].tolist() == [15, 30, 45]
        shapes = rows.geometry.tolist()
        assert all(larger.buffer(1).covers(smaller) for smaller, larger in pairwise(shapes))
    communes = result.baseline.state.communes
    for name, results in {"": result.baseline, "B": result.scenarios["B"]}.items():
        times = results.access.xs("ime-salernes", level="service")["travel_time_min"].reindex(communes.index)
        (site,) = supply.sites_serving(results.state.services, "ime-salernes")
        rows = drawn[drawn["scenario"].eq(name) & drawn["site_id"].eq(site)].set_index("minutes")
        for bound in (15, 30, 45):
            inside = communes.within(rows.geometry[bound])
            # the time inside the commune of the site itself is that of its area; outlines are true to a square
            sure = (times - bound).abs().gt(1.5) & times.notna() & times.gt(5)
            assert sure.sum() > 100
            assert (inside == times.le(bound))[sure].mean() > 0.97


@pytest.mark.slow
def test_speeds_of_the_map_change_in_a_scenario(road_map: Path, tmp_path: Path) -> None:
    slow = speed_table()
    slow[["default_kmh", "legal_factor"]] /= 2
    slow.to_csv(tmp_path / "lent.csv", index=False)
    text = GOOD
    works = "polygon = [[5.6, 42.9], [7.2, 42.9], [7.2, 44.0], [5.6, 44.0]]\ntime_factor = 2.0"
    ways = {"slow": 'speeds_file = "lent.csv"', "peak": 'period = "peak"', "works": works}
    for name, said in ways.items():
        text += f'\n[[scenario]]\nid = "{name}"\nname = "{name}"\n[[scenario.change]]\ntype = "change_speeds"\n{said}\n'
    result = territory.run_study(load_study(write(tmp_path, text)), roads=road_map)
    times = {
        name: one.access["travel_time_min"].xs("ime-salernes", level="service")
        for name, one in result.scenarios.items()
    }
    today = result.baseline.access["travel_time_min"].xs("ime-salernes", level="service")
    reached = today.notna() & times["slow"].notna() & (today > 20)
    # half the speed on the road, and as long as before inside a commune, at its junctions and off the road
    assert (times["slow"] / today)[reached].between(1.4, 2.001).all()
    assert (times["works"] / today)[reached].between(1.4, 2.001).all()
    assert ((times["peak"] >= today - 1e-9) | times["peak"].isna()).all()
    assert "ime-salernes" in result.comparisons["slow"].services
    assert result.isochrones is not None
    area = result.isochrones.groupby(["scenario", "minutes"])["area_km2"].sum().unstack("minutes")
    assert (area.loc["slow"] < 0.6 * area.loc[""]).all()
    assert (area.loc["peak"] <= area.loc[""] + 1e-9).all()
    assert "scenario.speeds_file: lent.csv" in result.manifest["inputs_sha256"]


def test_a_map_of_elsewhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ailleurs.osm.pbf"
    with osmium.SimpleWriter(str(path)) as writer:
        for number, x in enumerate((2.30, 2.31), start=1):
            writer.add_node(osmium.osm.mutable.Node(id=number, location=(x, 48.85)))
        writer.add_way(osmium.osm.mutable.Way(id=1, nodes=[1, 2], tags={"highway": "primary"}))
    with pytest.raises(NetworkError, match="km"):
        territory.run_study("draguignan", roads=path)


def test_a_map_that_is_not_there_is_said_before_anything_is_read(tmp_path: Path) -> None:
    for path, said in ((tmp_path / "nulle-part.osm.pbf", "n'existe pas"), (tmp_path, "est un dossier")):
        with pytest.raises(MissingFileError, match=said):
            territory.run_study("draguignan", roads=path, out_dir=tmp_path / "out")
