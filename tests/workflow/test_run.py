from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest

import territory
from territory.errors import OutputError, StudyError, TerritoryError
from territory.release.handed_tables import tables
from territory.result import StudyResult
from territory.tables.schemas import plain_texts
from tests import vallon
from tests.workflow.runs import without_documents

GOLDEN = Path(__file__).with_name("golden_zones.csv")
# how a run keeps and replaces files does not depend on what the study asks: a small one shows it sooner
SMALL = vallon.SMALL_STUDY


@pytest.fixture(scope="module")
def result(draguignan: StudyResult) -> StudyResult:
    return draguignan


@pytest.fixture(scope="module")
def written() -> Path:
    folder = vallon.written().report_dir
    assert folder is not None
    assert folder.parts[-2:] == ("reports", "vallon")
    return folder


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> StudyResult:
    return territory.run_study(SMALL, out_dir=tmp_path_factory.mktemp("small"))


def copy_of(result: StudyResult, base: Path) -> Path:
    """Copy the folder of a run under another one; return where."""
    assert result.report_dir is not None
    return Path(shutil.copytree(result.report_dir, base / "reports" / result.study.id))


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def time_min(result: StudyResult, commune: str, service: str) -> float:
    return float(result.baseline.access.loc[(commune, service), "travel_time_min"])


def test_the_var_looks_like_the_var(result: StudyResult) -> None:
    assert 20 <= time_min(result, "83121", "cmpp-draguignan") <= 40  # Salernes to Draguignan
    assert 50 <= time_min(result, "83137", "cmpp-draguignan") <= 75  # Toulon to Draguignan
    assert 10 < time_min(result, "83050", "cmp-trans") < 12  # Draguignan to Trans: 11 by the DREES
    assert 0 < time_min(result, "83050", "cmpp-draguignan") < 10  # inside one commune, never 0
    hospital = result.baseline.access.xs("hopital", level="service")["travel_time_min"]
    inside = hospital[hospital.index.isin(result.baseline.state.parameters.territory_codes)]
    # the Haut-Var is far from everything: Comps-sur-Artuby, Vérignon, Le Bourguet
    assert inside[["83044", "83147", "83020"]].min() > 30
    assert inside.loc["83050"] < 10


def test_ages_are_scaled_to_the_known_total(result: StudyResult) -> None:
    assert result.baseline.state.parameters.age_scale == pytest.approx(1, abs=0.05)
    demand = result.baseline.state.demand.groupby("public")["demand"].sum()
    assert demand["aeeh"] == pytest.approx(6125)
    low_high = result.baseline.state.demand.groupby("public")[["demand_low", "demand_high"]].sum()
    assert (low_high["demand_low"] < demand).all()
    assert (demand < low_high["demand_high"]).all()


def test_scenario_a_moves_no_child_daily(result: StudyResult) -> None:
    assert "ime-salernes" not in result.comparisons["A"].services
    assert "ime-salernes" in result.comparisons["B"].services


def test_cmpp_is_already_there_and_trans_is_ten_minutes_away(result: StudyResult) -> None:
    zones = result.comparisons["A"].zones
    assert zones.loc[("territory", "cmpp-draguignan"), ["persons_gain", "persons_loss"]].sum() == 0
    cmp = zones.loc[("territory", "cmp-trans")]
    # eleven minutes are under the doubt for all communes together but one; and nobody is counted without the sector
    assert (cmp["communes_gain"], cmp["communes_loss"]) == (0, 1)
    assert cmp.filter(like="persons_").isna().all()


def test_who_may_lose_is_mostly_outside_the_dracenie(result: StudyResult) -> None:
    zones = result.comparisons["B"].zones.xs("ime-salernes", level="service")
    dracenie = zones.loc["248300493"]
    assert dracenie["persons_gain"] > 10 * dracenie["persons_loss"]
    assert zones.loc["200068104", "persons_loss"] > dracenie["persons_loss"]
    assert zones["persons_loss"].drop("territory").sum() == pytest.approx(
        zones.loc["territory", "persons_loss"]
    )


def test_partial_lists_have_no_closest_site(result: StudyResult) -> None:
    services = set(result.baseline.access.index.get_level_values("service"))
    assert "ehpad" in result.study.travel.closest_services
    assert "ehpad" not in services
    assert {"hopital", "urgences", "medecin_generaliste"} <= services


@plain_texts
def test_golden_zones(result: StudyResult) -> None:
    """A change here is a change of what a council reads: say in the commit which of the two is truer, and why."""
    zones = pd.concat({name: found.zones for name, found in result.comparisons.items()}, names=["scenario"])
    kept = zones.filter(regex="^(persons_|baseline_mean|scenario_mean)").round(3)
    if os.environ.get("TERRITORY_WRITE_GOLDEN"):
        kept.to_csv(GOLDEN, lineterminator="\n")
    expected = pd.read_csv(GOLDEN, dtype={"zone": str}).set_index(["scenario", "zone", "service"])
    pd.testing.assert_frame_equal(kept, expected, check_dtype=False, rtol=1e-6, atol=2e-3)


def test_two_runs_give_the_same_bytes(small: StudyResult, tmp_path: Path) -> None:
    assert small.report_dir is not None
    check_same_bytes(SMALL, small.report_dir, tmp_path)


@pytest.mark.slow
def test_two_runs_with_scenarios_give_the_same_bytes(written: Path, tmp_path: Path) -> None:
    check_same_bytes(vallon.STUDY, written, tmp_path)


def check_same_bytes(study: Path, first: Path, folder: Path) -> None:
    """Run a study again, and hold its files against those of the first run."""
    # map layers are dated to the second by their format: let the clock move on
    time.sleep(1.1)
    again = territory.run_study(study, out_dir=folder)
    assert again.report_dir is not None
    one, other = digests(first), digests(again.report_dir)
    assert {name for name in one if one[name] != other.get(name)} == {"timings.json"}
    assert set(one) == set(other)


@pytest.mark.slow
def test_two_runs_of_the_var_give_the_same_bytes_whatever_the_processor(tmp_path: Path) -> None:
    # numpy without the widest instructions of this processor: those of another
    for name, disabled in (("a", ""), ("b", "X86_V3 X86_V4 AVX512_ICL")):
        time.sleep(1.1)
        command = [sys.executable, "-m", "territory", "run", "draguignan", "--out", str(tmp_path / name)]
        environment = {**os.environ, "NPY_DISABLE_CPU_FEATURES": disabled}
        subprocess.run(command, env=environment, check=True, capture_output=True)
    one, other = (digests(tmp_path / name / "reports" / "draguignan") for name in ("a", "b"))
    assert {name for name in one if one[name] != other.get(name)} == {"timings.json"}
    assert set(one) == set(other)


def test_manifest_vouches_for_every_file(written: Path) -> None:
    manifest = json.loads((written / "manifest.json").read_text("utf-8"))
    found = digests(written)
    assert manifest["outputs_sha256"].items() <= found.items()
    assert set(found) - set(manifest["outputs_sha256"]) == {"manifest.json", "timings.json"}
    assert str(Path.home()) not in json.dumps(manifest)


def test_the_files_of_a_run_are_these(written: Path) -> None:
    documents = {"rapport.pdf", "resume.html", "tables.xlsx", "tables_completes.xlsx"}
    described = {"datapackage.json", "manifest.json", "timings.json"}
    folders = {"tables", "excel", "couches"}
    found = {path.name for path in written.iterdir()}
    assert found == documents | described | folders | {"territoire.gpkg", "territoire.qgs"}
    names = {path.stem for path in (written / "tables").glob("*.csv")}
    assert {path.stem for path in (written / "excel").iterdir()} == names
    layers = {"communes", "temps", "ecarts_A", "ecarts_B", "besoins", "deserts", "epci", "sites"}
    assert {path.stem for path in (written / "couches").iterdir()} == layers
    package = json.loads((written / "datapackage.json").read_text("utf-8"))
    assert {one["path"] for one in package["resources"]} == {f"tables/{name}.csv" for name in names}


def test_small_estimates_are_not_printed(written: Path) -> None:
    needs = pd.read_parquet(written / "tables" / "besoins_communes.parquet")
    texts = needs[["demand", "demand_low", "demand_high"]].to_numpy().ravel()
    assert (texts == "< 11").any()
    assert all(text in ("", "0", "< 11") or int(text) >= 11 for text in texts)
    for path in sorted((written / "tables").glob("comparaison_*.csv")):
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        columns = [name for name in table if name.startswith("persons") and name != "persons_kind"]
        for text in table[columns].to_numpy().ravel():
            assert text in ("", "0", "< 11") or int(text) >= 11, path.name


def test_csv_and_parquet_say_the_same(written: Path) -> None:
    for path in sorted((written / "tables").glob("*.parquet")):
        table = pd.read_parquet(path)
        csv = pd.read_csv(path.with_suffix(".csv"), dtype=str, keep_default_na=False)
        assert list(table.columns) == list(csv.columns)
        assert len(table) == len(csv)


@pytest.mark.slow
def test_another_census_changes_persons_and_not_times(made_up: StudyResult) -> None:
    older = territory.run_study(vallon.STUDY, population="rp2017")
    assert older.study.population == "rp2017"
    now = made_up.baseline.state.communes["population"].sum()
    assert older.baseline.state.communes["population"].sum() != now
    minutes = [one.baseline.access["travel_time_min"] for one in (older, made_up)]
    pd.testing.assert_series_equal(*minutes)
    assert older.run_digest != made_up.run_digest
    with pytest.raises(StudyError, match="rp2021"):
        territory.run_study("draguignan", population="rp1999")


def test_steps_are_not_computed_twice(tmp_path: Path) -> None:
    logs = []
    for population in (None, "rp2017", None):
        with without_documents():
            territory.run_study(SMALL, out_dir=tmp_path, population=population)
        log = json.loads((tmp_path / "reports" / "petite" / "timings.json").read_text("utf-8"))
        logs.append(log["reused"])
    assert logs == [[], ["temps de trajet"], ["temps de trajet"]]


def test_unchanged_run_leaves_its_files_and_mends_those_that_changed(
    small: StudyResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copy_of(small, tmp_path)
    before = digests(folder)
    with monkeypatch.context() as patched:
        patched.setattr("territory.report.build_report", lambda *_: pytest.fail("written again"))
        territory.run_study(SMALL, out_dir=tmp_path)
    after = digests(folder)
    assert {name for name in before if before[name] != after[name]} == {"timings.json"}
    log = json.loads((folder / "timings.json").read_text("utf-8"))
    assert "rapport, tables et cartes" in log["reused"]
    (folder / "tables" / "acces_communes.csv").write_text("abîmé", encoding="utf-8")
    territory.run_study(SMALL, out_dir=tmp_path)
    assert digests(folder)["tables/acces_communes.csv"] == before["tables/acces_communes.csv"]


def test_damaged_step_is_computed_again(small: StudyResult, tmp_path: Path) -> None:
    with without_documents():
        territory.run_study(SMALL, population="rp2017", out_dir=tmp_path)
    kept = list((tmp_path / "data" / "processed").rglob("*.parquet"))
    assert kept
    for path in kept:
        path.write_bytes(path.read_bytes()[:100])
    with without_documents():
        again = territory.run_study(SMALL, out_dir=tmp_path)
    pd.testing.assert_frame_equal(again.baseline.access, small.baseline.access)


def test_failed_run_leaves_the_report_before(
    small: StudyResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copy_of(small, tmp_path)
    (folder / "notes du chargé de mission.txt").write_text("à garder", encoding="utf-8")
    before = digests(folder)

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("territory.report.build_report", fail)
    with pytest.raises(OutputError, match="sont gardés"):
        territory.run_study(SMALL, population="rp2017", out_dir=tmp_path)
    assert digests(folder) == before
    assert not [path for path in folder.rglob("*") if path.name.startswith(".")]


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="--out"):
        territory.run_study("draguignan", out_dir=tmp_path / "planner")


def test_out_dir_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "planner").write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match="choisissez-en un autre"):
        territory.run_study("draguignan", out_dir=tmp_path / "planner")


def test_observed_origins_replace_ages_and_small_counts_are_withheld(counted: StudyResult) -> None:
    zones = counted.comparisons["B"].zones.xs(vallon.IME, level="service")
    assert zones.filter(regex="^persons_(gain|loss|indistinct|entering)$").loc["territory"].sum() == 69
    written = StringIO(tables(counted)["comparaison_communes"].to_csv(index=False))
    communes = pd.read_csv(written, dtype=str, keep_default_na=False)
    ime = communes[(communes["service"] == vallon.IME) & (communes["scenario"] == "B")]
    printed = ime.set_index("commune_code")["persons"]
    # villages say one word, whether they send a child or not; so do large counts, or the total would give 4 back
    assert printed[["03906", *vallon.TINY]].eq("secret").all()
    assert printed[printed != "secret"].eq("0").all()
    assert not ({"4", "25", "40", "69"} & set(communes["persons"]))


@pytest.mark.slow
def test_one_large_count_of_the_var_is_withheld_with_the_small_one(tmp_path: Path) -> None:
    rows = ["83050,ime-salernes,40", "83121,ime-salernes,4", "83007,ime-salernes,25"]
    (tmp_path / "origines.csv").write_text(
        "\n".join(["commune_code,authorisation_id,children", *rows]), encoding="utf-8"
    )
    source = Path(territory.__file__).parent / "datasets" / "studies" / "draguignan.toml"
    (tmp_path / "etude.toml").write_text(
        source.read_text("utf-8") + '\n[files]\nobserved_origins = "origines.csv"\n', encoding="utf-8"
    )
    result = territory.run_study(tmp_path / "etude.toml", out_dir=tmp_path)
    assert result.report_dir is not None
    communes = pd.read_csv(
        result.report_dir / "tables" / "comparaison_communes.csv", dtype=str, keep_default_na=False
    )
    ime = communes[(communes["service"] == "ime-salernes") & (communes["scenario"] == "B")]
    told = ime[ime["commune_code"].isin(["83050", "83121", "83007"])]
    # beside their total, the commune of the 40 who gain would say that no village around sends a child
    assert told["persons"].eq("secret").all()
    zones = pd.read_csv(
        result.report_dir / "tables" / "comparaison_zones.csv", dtype=str, keep_default_na=False
    )
    whole = zones[
        zones["service"].eq("ime-salernes") & zones["scenario"].eq("B") & zones["zone"].eq("territory")
    ]
    assert whole[["persons_gain", "persons_loss"]].to_numpy().tolist() == [["40", "secret"]]
    assert not ({"4", "25", "29"} & set(ime["persons"]))


def test_errors_are_of_one_tree() -> None:
    with pytest.raises(TerritoryError):
        territory.run_study("nulle-part")


@pytest.mark.slow
def test_nothing_but_the_order_of_lines_depends_on_the_order_of_lines(tmp_path: Path) -> None:
    folder = vallon.copied(tmp_path / "mele").parent
    for path in folder.glob("*.csv"):
        head, *rows = path.read_text("utf-8").splitlines()
        random.Random(20261130).shuffle(rows)
        path.write_text("\n".join([head, *rows]) + "\n", "utf-8")
    vallon.copied(tmp_path / "droit")
    lines: dict[str, dict[str, list[str]]] = {}
    for name in ("droit", "mele"):
        territory.run_study(tmp_path / name / "vallon.toml", out_dir=tmp_path / name / "out")
        written = (tmp_path / name / "out").rglob("tables/*.csv")
        lines[name] = {path.name: sorted(path.read_text("utf-8").splitlines()) for path in written}
    assert len(lines["droit"]) > 30
    assert lines["mele"] == lines["droit"]
