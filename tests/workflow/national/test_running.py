"""A study cut into parts says what it says when computed at once, on one process or several."""

from __future__ import annotations

import hashlib
import warnings
from itertools import combinations
from pathlib import Path

import numpy as np
import osmium
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import Delaunay

import territory
from territory.datasets import load_dataset
from territory.errors import StudyError, TerritoryWarning
from territory.scenario.measures.compute import compute
from territory.scenario.results import Results
from territory.study.words.model import METROPOLITAN, Scale, Study
from territory.workflow.inputs.manifest import Steps
from territory.workflow.inputs.prepare import prepare
from territory.workflow.national import run_national
from territory.workflow.national.run import NationalResult, NationalTables
from territory.workflow.national.schedulers import Threads
from tests import vallon
from tests.drawing import examples

HEAD = """id = "essai"
title = "Essai"
question = "Qui est loin ?"
[territory]
name = "Var"
departement_codes = ["83"]
[travel]
max_time_min = 60
closest_services = ["hopital", "urgences", "medecin_generaliste"]
[practitioners]
profile = "drees_2012"
[[need]]
public = "aeeh"
label = "AEEH"
kind = "rights"
age_min = 0
age_max = 19
per_1000 = 27.2
source = "essai"
"""


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A question about the whole of the Var."""
    path = tmp_path_factory.mktemp("study") / "essai.toml"
    path.write_text(HEAD, encoding="utf-8")
    return territory.load_study(path)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The same about the made-up territory."""
    head, data = HEAD, vallon.SMALL_STUDY.read_text("utf-8").partition("[data]")[2]
    head = head.replace('question = "Qui est loin ?"', 'question = "Qui est loin ?"\ndataset = "files"')
    head = head.replace(
        '["hopital", "urgences", "medecin_generaliste"]', '["pharmacie", "medecin_generaliste"]'
    )
    text = head.replace('"83"', '"03"') + f'[data]\ngeneral_practitioners = "medecins.csv"{data}'
    return territory.load_study(vallon.copied(tmp_path_factory.mktemp("study"), text))


@pytest.fixture(scope="module")
def small_whole(small: Study) -> Results:
    return at_once(small)


@pytest.fixture(scope="module")
def plain_whole(plain: Study) -> Results:
    return at_once(plain)


def at_once(study: Study) -> Results:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TerritoryWarning)
        return compute(prepare(study, steps=Steps(None)).state)


def _same(found: NationalTables, whole: Results, *, distances: bool = True) -> None:
    access = whole.access if distances else whole.access.drop(columns="distance_km")
    mine = found.access if distances else found.access.drop(columns="distance_km")
    pd.testing.assert_frame_equal(mine, access, check_exact=True, check_dtype=False)
    pd.testing.assert_frame_equal(found.gp_access, whole.gp_access, check_exact=True)
    pd.testing.assert_frame_equal(found.deserts, whole.deserts, check_exact=True, check_dtype=False)
    pd.testing.assert_frame_equal(found.desert_shares, whole.desert_shares, check_exact=True)
    pd.testing.assert_frame_equal(found.edge, whole.edge, check_exact=True)
    kept = found.coverage.loc[whole.coverage.index]
    pd.testing.assert_frame_equal(kept, whole.coverage, check_exact=True)


def _files(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix in (".parquet", ".csv")
    }


def check_parts(study: Study, whole: Results, out: Path, *, batch_size: int, threads: int) -> NationalResult:
    """Cut a study into parts, and hold what comes of them against the whole."""
    study = study.model_copy(update={"scale": Scale(batch_size=batch_size)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TerritoryWarning)
        result = run_national(study, out_dir=out, scheduler=Threads(threads))
    _same(result.tables, whole)
    assert {part.name.split("/")[0].split("=")[0] for part in result.times} == {"departement_code"}
    written = pd.read_parquet(result.report_dir / "tables" / "acces_communes.parquet")
    assert len(written) == len(whole.access)
    needs = pd.read_csv(result.report_dir / "tables" / "besoins_departements.csv", dtype="str")
    assert needs["departement_code"].tolist() == list(study.territory.departement_codes)
    return result


@pytest.mark.slow
@given(batch_size=st.integers(1, 25), threads=st.integers(1, 2))
@examples(2, 4)
def test_a_study_in_parts_is_the_study(
    batch_size: int,
    threads: int,
    small: Study,
    small_whole: Results,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    out = tmp_path_factory.mktemp("out")
    result = check_parts(small, small_whole, out, batch_size=batch_size, threads=threads)
    equity = result.tables.equity
    assert {"pharmacie_time_min", "practitioners_per_100000_hab"} <= set(equity.index)
    assert equity["gini"].between(0, 1).all()


@pytest.mark.slow
@given(batch_size=st.integers(15, 200), threads=st.integers(1, 2))
@examples(4, 4)
def test_the_var_in_parts_is_the_var(
    batch_size: int,
    threads: int,
    plain: Study,
    plain_whole: Results,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    out = tmp_path_factory.mktemp("out")
    check_parts(plain, plain_whole, out, batch_size=batch_size, threads=threads)


@pytest.mark.slow
def test_two_processes_give_the_same_bytes(plain: Study, tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    study = plain.model_copy(update={"scale": Scale(batch_size=60)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run_national(study, out_dir=tmp_path / "alone")
        run_national(study, out_dir=tmp_path / "shared", scheduler="local")
    assert _files(tmp_path / "alone" / "reports") == _files(tmp_path / "shared" / "reports")
    name = "data/processed/essai/times"
    assert _files(tmp_path / "alone" / name) == _files(tmp_path / "shared" / name)


@pytest.mark.slow
def test_by_road_and_again_without_the_map(plain: Study, tmp_path: Path) -> None:
    path = tmp_path / "var.osm.pbf"
    communes, sites = load_dataset("var").communes, load_dataset("var").sites
    triangles = Delaunay(np.column_stack([communes.geometry.x, communes.geometry.y])).simplices
    pairs = {tuple(sorted(one)) for triangle in triangles for one in combinations(triangle.tolist(), 2)}
    # a street to every site
    homes = communes.index.get_indexer(sites["commune_code"])
    pairs |= {(int(home), len(communes) + number) for number, home in enumerate(homes)}
    places = [*communes.geometry.to_crs(4326), *sites.geometry.to_crs(4326)]
    with osmium.SimpleWriter(str(path)) as writer:
        for number, point in enumerate(places, start=1):
            writer.add_node(osmium.osm.mutable.Node(id=number, location=(point.x, point.y)))
        for number, (a, b) in enumerate(sorted(pairs), start=1):
            tags = {"highway": "secondary", "maxspeed": "80"}
            writer.add_way(osmium.osm.mutable.Way(id=number, nodes=[a + 1, b + 1], tags=tags))
    study = plain.model_copy(update={"scale": Scale(batch_size=50, with_distance=True)})
    said: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TerritoryWarning)
        whole = compute(prepare(plain, steps=Steps(None), roads=path).state)
        first = run_national(study, out_dir=tmp_path, roads=path)
        again = run_national(study, out_dir=tmp_path, roads=path, on_step=said.append)
    _same(first.tables, whole)
    _same(again.tables, whole)
    # nothing was read nor computed again
    assert not any("carte routière" in step or "partie" in step for step in said)


def test_what_is_national(plain: Study) -> None:
    assert not plain.is_national
    assert plain.model_copy(update={"scale": Scale()}).is_national
    everywhere = plain.territory.model_validate({"name": "France", "departement_codes": ["all"]})
    assert everywhere.departement_codes == METROPOLITAN
    assert plain.model_copy(update={"territory": everywhere}).is_national


def test_scenarios_of_a_national_study_are_refused(tmp_path: Path) -> None:
    study = territory.load_study("draguignan").model_copy(update={"scale": Scale()})
    with pytest.raises(StudyError, match=r"\[\[scenario\]\], \[\[authorisation\]\]"):
        run_national(study, out_dir=tmp_path)
    assert not list(tmp_path.iterdir())
