"""The budget of an establishment is in no file that is handed over, however the groups are drawn."""

from __future__ import annotations

import re
import zipfile
from importlib import resources
from pathlib import Path

import pandas as pd
import pytest

import territory
from territory.planning.grouping.answer import GroupingAnswer, answer_grouping
from territory.release import release
from territory.release.disclosure import SUPPRESSED
from territory.release.scenarios import release_budgets, release_comparison
from territory.report.documents.annex import technical_annex
from territory.report.documents.council import council_report
from territory.report.layout.document import to_data
from territory.result import StudyResult
from territory.study.own_tables import read_grouping_table
from tests import embedded, vallon
from tests.planning.test_answering_groups import PLACES_KM, asked, line_state
from tests.report.worlds import undrawn
from tests.texts import plain_text

ALONE = 60_111_111


def answered(folder: Path, budgets: dict[str, int], **changes: object) -> GroupingAnswer:
    path = folder / "ehpad.csv"
    rows = "".join(f"{site};{budget}\n" for site, budget in budgets.items())
    path.write_text(f"site_id;budget_eur\n{rows}", encoding="utf-8")
    question = asked(
        **{"size": "budget", "table": path.name, "statuses": ["public", "commercial"], **changes}
    )
    return answer_grouping(question, line_state(), table=read_grouping_table(path, sites=PLACES_KM))


BUDGETS = {"a": 3_000_000, "b": 4_000_000, "p": 5_000_000, "c": ALONE, "d": 2_000_000}


def test_a_group_that_may_not_be_printed_hides_the_smallest_and_the_largest(tmp_path: Path) -> None:
    answer = answered(tmp_path, BUDGETS, min_size=10_000_000, max_time_min=30)
    assert sorted(answer.groups["n_units"]) == [2, 3]
    released = release_budgets({"g": answer})["g"]
    assert sorted(released.fillna(0)) == [0, 12_000_000]
    table = release_comparison({"g": answer})
    row = table.loc[("g", "groups")]
    assert row["is_size_withheld"]
    assert row[["smallest_size", "largest_size", "balance"]].isna().all()
    assert not table.loc[("g", "join"), "is_size_withheld"]
    for shown in (repr(answer.result), answer.result._repr_html_(), answer._repr_html_()):
        assert not re.search(r"60[  .,]?111|12[  .,]?000", shown)


def test_sizes_that_may_all_be_printed_are(tmp_path: Path) -> None:
    answer = answered(tmp_path, {**BUDGETS, "c": 6_000_000}, min_size=20_000_000, max_time_min=100)
    row = release_comparison({"g": answer}).loc[("g", "groups")]
    assert row["smallest_size"] == row["largest_size"] == 20_000_000
    # sizes that are no budgets are nobody's secret
    members = answer_grouping(asked(max_time_min=30), line_state())
    row = release_comparison({"m": members}).loc[("m", "groups")]
    assert (row["smallest_size"], row["is_size_withheld"]) == (2, False)


def test_two_groupings_do_not_give_a_budget_back_by_difference(tmp_path: Path) -> None:
    five = answered(tmp_path, {**BUDGETS, "c": 6_000_000}, min_size=20_000_000, max_time_min=100)
    four = answered(
        tmp_path, {**BUDGETS, "c": 6_000_000}, min_size=14_000_000, max_time_min=100, excluded_site_ids=["c"]
    )
    # without the two, c is a subtraction away
    assert release_budgets({"four": four})["four"].notna().all()
    released = release_budgets({"five": five, "four": four})
    assert released["five"].notna().all() != released["four"].notna().all()


QUESTION = """
[[grouping]]
id = "b"
name = "Par budget"
service = "ehpad"
size = "budget"
table = "budgets.csv"
budget_threshold_eur = 25e6
max_time_min = 90
"""


def asked_of_the_var(folder: Path) -> tuple[Path, GroupingAnswer]:
    source = (resources.files("territory.datasets") / "studies" / "ehpad-gtsms.toml").read_text("utf-8")
    head = source.partition("[[grouping]]")[0].replace('id = "ehpad-gtsms"', 'id = "budgets"')
    question = 'min_size = 12e6\nexcluded_site_ids = ["ehpad-83069-du-ch-de-hyeres"]\n'
    path = folder / "etude.toml"
    path.write_text(head + QUESTION + question, encoding="utf-8")
    return path, embedded.lent("ehpad-gtsms").groupings["proximite"]


def asked_of_the_valley(folder: Path) -> tuple[Path, GroupingAnswer]:
    study = vallon.SMALL_STUDY.read_text("utf-8").replace('id = "petite"', 'id = "budgets"')
    known = vallon.lent().groupings["voisins"]
    path = vallon.copied(folder, f"{study}{QUESTION}min_size = 9e6\nsite_ids = {list(known.members.index)}\n")
    return path, known


@pytest.fixture(scope="module", params=["valley", pytest.param("var", marks=pytest.mark.slow)])
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> StudyResult:
    folder = tmp_path_factory.mktemp("budgets")
    study, known = (asked_of_the_var if request.param == "var" else asked_of_the_valley)(folder)
    members = known.members
    # the one that is farthest from the others is alone in its group: it is large enough
    far = str(members["drive_to_seat_min"].idxmax())
    budgets = [
        (site, ALONE if site == far else 3_000_000 + 1_000 * n) for n, site in enumerate(members.index)
    ]
    (folder / "budgets.csv").write_text(
        "site_id;budget_eur\n" + "".join(f"{site};{euros}\n" for site, euros in budgets), encoding="utf-8"
    )
    return territory.run_study(study, out_dir=folder)


def test_the_budget_of_a_group_of_one_is_in_no_file(written: StudyResult) -> None:
    groups = written.groupings["b"].groups
    alone = groups.index[groups["n_units"] == 1]
    assert groups.loc[alone, "budget_eur"].to_list() == [ALONE]
    folder = written.report_dir
    assert folder is not None
    secret = re.compile(rb"60[^0-9]{0,8}111[^0-9]{0,8}111|60[,.]1\d* ?M")
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        for content in contents(path):
            assert not secret.search(content), path.relative_to(folder)
    with undrawn():
        documents = (council_report(written), technical_annex(written))
    for document in documents:
        assert not secret.search(plain_text(to_data(document)[0]).encode())
    assert not re.search("60.?111", written._repr_html_() + written.groupings["b"].result._repr_html_())


def test_what_is_released_of_a_grouping_has_no_budget_but_those_of_its_groups(written: StudyResult) -> None:
    shown = release(written).groupings["b"]
    assert not {"size", "size_ratio"} & set(shown.groups)
    assert shown.members["budget_eur"].isna().all()
    alone = shown.groups["n_units"] == 1
    assert shown.groups.loc[alone, ["budget_eur", "meets_budget_threshold"]].isna().all(axis=None)
    assert shown.groups.loc[~alone, "budget_eur"].notna().any()
    assert not re.search("60.?111.?111", shown.groups.to_csv() + shown.members.to_csv())
    assert ALONE in release(written, edition="interne").groupings["b"].groups["budget_eur"].to_list()
    # sizes that are no budgets stay
    others = release(vallon.lent()).groupings["voisins"].groups
    assert others["size"].equals(vallon.lent().groupings["voisins"].groups["size"])


def contents(path: Path) -> list[bytes]:
    """Return what a file holds in clear; the texts of a PDF are drawn by number, and read in its document."""
    if path.suffix == ".xlsx":
        with zipfile.ZipFile(path) as book:
            return [book.read(name) for name in book.namelist()]
    if path.suffix == ".parquet":
        return [pd.read_parquet(path).to_csv().encode()]
    return [path.read_bytes()]


def test_what_is_told_of_the_withheld_group(written: StudyResult) -> None:
    assert written.report_dir is not None
    tables = written.report_dir / "tables"
    compared = pd.read_csv(tables / "groupements_comparaison.csv").set_index("option").loc["groups"]
    assert compared["smallest_size"] == compared["largest_size"] == SUPPRESSED
    assert pd.isna(compared["balance"])
    groups = pd.read_csv(tables / "groupement_b_groupes.csv")
    withheld = groups["n_units"] < 3
    assert (groups.loc[withheld, "budget_eur"] == SUPPRESSED).all()
    assert groups.loc[withheld, "meets_budget_threshold"].isna().all()
    assert not {"size", "size_ratio"} & set(groups)
    # the groups that may be printed are, with what they meet
    told = groups[~withheld]
    assert told["budget_eur"].astype(float).ge(9e6).all()
    assert told["meets_budget_threshold"].notna().all()
    with undrawn():
        document = plain_text(to_data(council_report(written))[0])
    assert SUPPRESSED in document
