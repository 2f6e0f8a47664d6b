"""The gate: what was not released has no path to a document, and the internal edition says what it is everywhere."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pikepdf
import pytest

from territory.errors import ParameterError
from territory.release import comparison, observed_children, release
from territory.release.comparison import (
    _are_all_printed,
    _with_merges,
    children_tables,
    long_trips,
    publish_trips,
)
from territory.release.disclosure import (
    INTERNAL,
    PUBLIC,
    _next_to_withhold,
    estimate_texts,
    printing,
    withholds,
)
from territory.release.gate import INTERNAL_MARK
from territory.release.observed_children import MERGES, Merged, ObservedCounts, zone_flags
from territory.release.shown import interval_of
from territory.report.documents.council import council_report
from territory.report.documents.summary_page import summary_html
from territory.report.files.workbook import reader_bytes
from territory.report.layout.document import Document, Heading, to_bytes, to_data
from territory.report.reading import Reading
from tests import vallon
from tests.report.worlds import small, undrawn, world
from tests.texts import plain_text

SERVICE = vallon.IME
SECRET_COUNTS = {"03906": 4.0, "03907": 3.0}


def test_communes_that_keep_their_measures_have_no_row_and_a_year_follows_the_mean_trip() -> None:
    tables = release(vallon.lent()).tables
    deltas = tables["comparaison_mesures_communes"].filter(like="delta_")
    assert (deltas.notna() & deltas.ne(0)).any(axis=1).all()
    accounts = tables["comparaison_trajets"]
    is_told = accounts["is_distinguishable"].notna()
    assert is_told.equals(accounts["unit"].eq("min"))


def test_a_year_that_is_withheld_on_one_side_is_not_told_to_change() -> None:
    keys = pd.MultiIndex.from_product(
        [["e1", "e2", "e3"], ["ime"], ["child"]], names=["zone", "service", "who"]
    )
    trips = pd.DataFrame(
        {
            "baseline_year_low_min": [600.0, np.nan, 600.0], "scenario_year_low_min": [900.0, 900.0, np.nan],
            "delta_year_low_min": [300.0, np.nan, np.nan],
        },
        index=keys,
    )  # fmt: skip
    told = pd.array([True, True, False], dtype="boolean")
    zones = pd.DataFrame({"is_mean_distinguishable": told}, index=keys.droplevel("who"))
    found = long_trips(trips, zones)
    assert found["measure"].nunique() == 1
    assert found["unit"].eq("min").all()
    assert found["is_distinguishable"].tolist() == [True, pd.NA, pd.NA]


def test_variants_of_children_observed_are_withheld_where_one_of_their_classes_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    result = vallon.lent()
    free = children_tables(result)
    monkeypatch.setattr(comparison, "observed_services", lambda _: {SERVICE})
    classes = ["gain", "loss", "indistinct", "without"]
    printed = pd.DataFrame(False, index=["territory"], columns=[*classes, "leaving", "mean"])
    # what is withheld of means, or of those who leave, is no class of children
    flags = printed.assign(mean=True, leaving=True)
    monkeypatch.setattr(comparison, "zone_flags", lambda *_: flags)
    for name, table in children_tables(result).items():
        pd.testing.assert_frame_equal(table, free[name])
    flags = printed.assign(without=True)
    found = children_tables(result)["enfants_trajets"]
    mine = found["service"].eq(SERVICE)
    assert mine.any()
    assert found.loc[mine, "reason"].eq("secret statistique").all()
    pd.testing.assert_frame_equal(found[~mine], free["enfants_trajets"][~mine], check_dtype=False)
    monkeypatch.setattr(comparison, "zone_flags", lambda *_: None)
    pd.testing.assert_frame_equal(children_tables(result)["enfants_trajets"], free["enfants_trajets"])


@pytest.mark.parametrize(
    "goes_round, is_printed, is_secret", [(True, False, True), (True, True, False), (False, False, False)]
)
def test_a_year_on_the_road_of_rounds_is_that_of_all_the_children(
    monkeypatch: pytest.MonkeyPatch, goes_round: bool, is_printed: bool, is_secret: bool
) -> None:
    result = vallon.lent()
    name, compared = next((name, one) for name, one in result.comparisons.items() if SERVICE in one.services)
    zones = compared.trips.index.get_level_values("zone").unique()
    flags = pd.DataFrame({"mean": False}, index=zones)
    monkeypatch.setattr(
        comparison, "zone_flags", lambda _, __, service: flags if service == SERVICE else None
    )
    monkeypatch.setattr(comparison, "_are_all_printed", lambda *_: is_printed)
    rounds = ({"service": [SERVICE] if goes_round else ["another"]},)
    given: Any = SimpleNamespace(comparisons=result.comparisons, rounds=rounds)
    table = publish_trips(given, name)
    is_mine = table.index.get_level_values("service") == SERVICE
    assert is_mine.any()
    values = table.filter(regex="^(baseline|scenario|delta)_year")
    assert values[is_mine].isna().all(axis=None) == is_secret
    assert values[~is_mine].notna().any(axis=None) == compared.trips[~is_mine].notna().any(axis=None)


def test_answers_that_weigh_children_served_stay_in_the_agency() -> None:
    result = vallon.lent()
    answers = dict(result.siting)
    assert answers
    assert not any(one.is_observed for one in answers.values())
    name = next(iter(answers))
    # the study weighs children served in its first question
    weighed = replace(result)
    weighed.__dict__["siting"] = answers | {name: replace(answers[name], is_observed=True)}
    assert release(result).siting.keys() == answers.keys()
    assert release(weighed).siting.keys() == answers.keys() - {name}
    assert release(weighed, edition=INTERNAL).siting.keys() == answers.keys()


def test_what_is_withheld_beside_a_cell_opens_as_few_lines_as_can_be() -> None:
    # a total, then: cells 1 and 2 could hide cell 0; cell 1 is in a line that has a cell withheld already
    system = np.array([[1, 1, 1, 0, 0], [0, 1, 0, 1, 0], [0, 0, 1, 0, 1]], dtype=float)
    unknown = np.array([True, False, False, True, False])
    values = np.array([5.0, 9.0, 3.0, 1.0, 4.0])
    assert _next_to_withhold(values, system, np.array([0]), unknown, np.zeros(5)) == 1


def test_a_release_has_no_way_to_the_children_served() -> None:
    released = release(world("observed"))
    assert released.origins(SERVICE) is not None
    for name in (name for name in dir(type(released)) if not name.startswith("_")):
        value = getattr(released, name)
        assert not isinstance(value, type(world("observed")))
        # no table of children by commune: where there are persons, they are texts or unknown
        for table in value.values() if isinstance(value, dict) else [value]:
            if isinstance(table, pd.DataFrame):
                assert "children" not in table.columns, name
    assert not hasattr(released, "result")
    assert not hasattr(released, "observed_origins")


def test_what_is_released_of_a_service_holds_no_small_count() -> None:
    released = release(world("observed"))
    (scenario,) = released.scenarios
    assert released.differences(scenario, SERVICE)["persons"].isna().all()
    assert released.persons("", SERVICE).isna().all()
    # nor would rounds, which are made from every count, those of communes beyond the area of today included
    assert not _are_all_printed(world("observed"), SERVICE)
    assert released.sensitivity(scenario, SERVICE).empty
    told = set(released.side_by_side.index.get_level_values("service"))
    assert told
    assert SERVICE not in told
    # times are public: a mean over few children is an equation on where they live
    means = released.zones_table(scenario).xs(SERVICE, level="service").filter(like="_mean_min")
    assert means.isna().all(axis=None)
    origins = released.origins(SERVICE)
    assert origins is not None
    assert origins.communes[list(SECRET_COUNTS)].isna().all()
    zones = released.zone_counts(scenario, SERVICE).zones.filter(like="persons_")
    assert not (zones.gt(0) & zones.lt(11)).to_numpy().any()


def test_a_study_without_rounds_releases_three_empty_tables() -> None:
    released = release(small())
    assert [len(table) for table in released.rounds] == [0, 0, 0]
    # a name stands beside its code
    first = list(released.tables["comparaison_mesures_communes"].columns[:4])
    assert first == ["scenario", "commune_code", "commune_name", "service"]


def test_one_child_is_withheld_and_printed_in_the_internal_edition_alone() -> None:
    shown = release(world("one_child"), edition=INTERNAL).origins(SERVICE)
    assert shown is not None
    assert shown.communes.to_dict() == {"03901": 1.0}
    public = release(world("one_child")).origins(SERVICE)
    assert public is not None
    assert public.communes.isna().all()


def test_the_study_of_a_release_says_no_count_of_its_file() -> None:
    study = release(world("observed")).study
    assert study.waiting == ()
    assert all(row.children_accompanied is None for row in study.building)


def test_the_public_edition_is_the_default_and_comes_back() -> None:
    assert release(world("observed")).edition == PUBLIC
    with printing(INTERNAL):
        assert not withholds()
        assert estimate_texts(pd.Series([3.0])).tolist() == ["3"]
    assert withholds()
    assert estimate_texts(pd.Series([3.0])).tolist() == ["< 11"]
    with pytest.raises(ParameterError, match="Édition inconnue « secrète »"):
        release(world("observed"), edition="secrète")


def drawn(document: Document) -> list[int]:
    """Return how many things are drawn on each page."""
    with pikepdf.open(io.BytesIO(to_bytes(document))) as pdf:
        return [len(pikepdf.parse_content_stream(page)) for page in pdf.pages]


def test_a_mark_is_on_every_page() -> None:
    date = dt.date(2024, 1, 1)
    pages = [Heading("Une page"), *[Heading("Une autre", new_page=True)] * 3]
    bare, marked = (
        drawn(Document("Essai", date, pages, footer="Essai", mark=mark)) for mark in ("", INTERNAL_MARK)
    )
    assert len(bare) == len(marked) == 4
    # above, and below
    assert all(more >= less + 6 for less, more in zip(bare, marked, strict=True))


def test_the_internal_edition_prints_all_and_says_so() -> None:
    reading = Reading(release(world("observed"), edition=INTERNAL))
    printed = reading.release.tables["comparaison_communes"]
    printed = printed[printed["service"] == SERVICE].set_index("commune_code")["persons"]
    assert printed[list(SECRET_COUNTS)].tolist() == ["4", "3"]
    assert not printed.eq("secret").any()
    with undrawn():
        text = plain_text(to_data(council_report(reading))[0])
    assert INTERNAL_MARK.split(" – ")[0] in text
    assert "secret statistique" not in text
    page = summary_html(reading)
    assert page.index('class="edition"') < page.index("<header>")
    with zipfile.ZipFile(io.BytesIO(reader_bytes(reading.release.tables, reading))) as book:
        sheets = [name for name in book.namelist() if name.startswith("xl/worksheets/")]
        assert all(b"<oddHeader>" in book.read(name) for name in sheets)
        assert b"INTERNE" in book.read("xl/worksheets/sheet1.xml")
    assert reading.release.file_name("rapport.pdf") == "rapport-interne.pdf"


def test_the_public_edition_has_no_mark() -> None:
    reading = Reading(release(world("observed")))
    with undrawn():
        assert "INTERNE" not in plain_text(to_data(council_report(reading))[0])
    assert "INTERNE" not in summary_html(reading)


def test_a_message_that_follows_from_what_is_printed_is_printed() -> None:
    # the case of the review: 52 children, 21 gain, 27 lose, 4 cannot be told; another scenario counts 31 together
    gain = {f"g{i}": n for i, n in enumerate([12, 5, 4])}
    loss = {f"l{i}": n for i, n in enumerate([11, 6, 5, 3, 2])}
    same = {f"s{i}": n for i, n in enumerate([2, 1, 1])}
    children = pd.Series({**gain, **loss, **same}, dtype=float)
    classes = [frozenset(part) for part in (gain, loss, same)]
    others = classes[1] | classes[2]
    counted = ObservedCounts(
        children,
        [(classes[0], 7), (classes[1], 6), (classes[2], 5), (others, 8)],
        offered=classes,
    )
    assert not counted.is_withheld(children.index)
    assert [counted.is_withheld(part) for part in (*classes, others)] == [False, True, True, False]
    assert (counted.sum_of(classes[0]), counted.sum_of(others)) == (21, 31)
    assert MERGES[0] == ("loss", "indistinct")


def test_names_of_the_internal_edition() -> None:
    assert release(world("usual"), edition=INTERNAL).file_name("territoire.gpkg") == "territoire-interne.gpkg"


def test_those_who_are_left_are_what_gains_and_losses_leave_and_never_a_rest_of_sums() -> None:
    row = pd.Series({"persons_gain": 0.1, "persons_loss": 0.2, "persons_indistinct": 10.0})
    ends = {"gain_low": 0.0, "gain_high": 2.0, "loss_low": 0.0, "loss_high": 3.0}
    bounds = pd.Series({f"persons_{end}": value for end, value in ends.items()})
    assert interval_of(pd.concat([row, bounds]), "indistinct") == pytest.approx((5.3, 10.3))
    # 0.1 + 0.2 is not 0.3 to the last digit
    none = pd.concat([row * [1, 1, 0], bounds * 0 + [0.1, 0.1, 0.2, 0.2]])
    assert interval_of(none, "indistinct") == (0.0, 0.0)
    assert interval_of(row, "gain") == pytest.approx((float("nan"),) * 2, nan_ok=True)


def test_the_flags_of_a_zone_are_those_of_its_own_communes(monkeypatch: pytest.MonkeyPatch) -> None:
    effects = pd.Series(
        {"a1": "loss", "a2": "gain", "a3": "loss", "b1": "loss", "b2": "loss", "b3": "indistinct"}
    )
    today, later = np.array([1, 1, 0, 1, 1, 0], bool), np.array([1, 1, 0, 0, 1, 1], bool)
    # what is withheld of some communes is said by their names
    counted = SimpleNamespace(
        is_withheld=lambda codes: set(codes), is_mean_safe=lambda codes: "a1" in set(codes)
    )
    communes = pd.DataFrame({"epci_code": [code[0] for code in effects.index]}, index=effects.index)
    monkeypatch.setattr(observed_children, "observed_counts", lambda *_: counted)
    monkeypatch.setattr(observed_children, "_effects_under", lambda *_: (effects, today, later))
    result: Any = SimpleNamespace(baseline=SimpleNamespace(state=SimpleNamespace(communes=communes)))
    flags = zone_flags(result, "A", SERVICE)
    assert flags is not None
    assert flags.index.tolist() == ["territory", "a", "b"]
    assert flags["loss"].tolist() == [{"a1", "a3", "b1", "b2"}, {"a1", "a3"}, {"b1", "b2"}]
    assert flags["gain"].tolist() == [{"a2"}, {"a2"}, set()]
    assert flags["leaving"].tolist() == [{"a3", "b1"}, {"a3"}, {"b1"}]
    assert flags["mean"].tolist() == [False, False, True]


def test_classes_printed_as_one_sum_are_said_in_the_table() -> None:
    index = pd.MultiIndex.from_tuples(
        [("territory", "A"), ("e1", "A"), ("territory", "B")], names=["zone", "service"]
    )
    table = pd.DataFrame({"persons_gain": [21.0, 3.0, 40.0]}, index=index)
    assert _with_merges(table, {}) is table
    told = _with_merges(table, {("territory", "A"): Merged(("loss", "indistinct"), 31.0)})
    assert told["persons_merged"].tolist() == ["31", "", ""]
    assert told["merged_effects"].tolist() == ["loss+indistinct", "", ""]
