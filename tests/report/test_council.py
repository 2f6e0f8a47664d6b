"""The council report: of the embedded study, and of studies that lack nearly everything."""

from __future__ import annotations

import dataclasses
import io
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pikepdf
import pytest
from matplotlib.image import imread

from territory.errors import ParameterError, TerritoryWarning
from territory.release.observed_children import EFFECTS
from territory.report.chapters import pictures, questions, travel_accounts
from territory.report.documents.council import build_report, council_report
from territory.report.layout.document import (
    Beside,
    Bullets,
    DataTable,
    Document,
    Heading,
    Picture,
    _laid_out,
    compile_pdf,
    to_data,
)
from territory.report.reading import SECRET, read
from territory.result import StudyResult
from territory.scenario import apply, compare, compute
from territory.scenario.zones import ALL_TERRITORY
from territory.study.words.changes import CloseSite, OpenSite
from territory.study.words.scenario import Scenario
from tests import vallon
from tests.report import worlds
from tests.texts import plain_text

NB, NN = "\u00a0", "\u202f"
EVIL = '# $x_1$ <script>alert("é")</script> @ref *b* \\n [z] #import'


def rebuilt(
    result: StudyResult, *, scenarios: tuple[Scenario, ...] | None = None, **tables: object
) -> StudyResult:
    """Compute a study again with some of its tables, or its scenarios, changed."""
    state = dataclasses.replace(result.baseline.state, **tables)
    study = result.study if scenarios is None else result.study.model_copy(update={"scenario": scenarios})
    baseline = compute(state)
    after = {scenario.id: compute(apply(state, scenario)) for scenario in study.scenario}
    compared = {s.id: compare(baseline, after[s.id]).named(s.id, s.name) for s in study.scenario}
    return dataclasses.replace(result, study=study, baseline=baseline, scenarios=after, comparisons=compared)


@pytest.fixture(scope="module")
def small(made_up: StudyResult) -> StudyResult:
    """The made-up territory, with the scenario that changes most."""
    return rebuilt(made_up, scenarios=made_up.study.scenario[1:])


def text_of(document: Document) -> str:
    """Return every text of a document, with plain spaces."""
    return plain_text(to_data(document)[0]).replace(NB, " ").replace(NN, " ")


def said(result: StudyResult) -> str:
    """Return the text of the report; `test_documents` draws and lays out those of such studies."""
    with worlds.undrawn():
        return text_of(council_report(result))


def written(result: StudyResult, folder: Path) -> str:
    """Write the report, and return its text."""
    document = council_report(result)
    assert compile_pdf(document, folder / "r.pdf").stat().st_size > 10_000
    return text_of(document)


@pytest.fixture(scope="module")
def document(draguignan: StudyResult) -> Document:
    return council_report(draguignan)


def test_the_report_of_draguignan(document: Document, tmp_path: Path) -> None:
    path = compile_pdf(document, tmp_path / "r.pdf")
    assert path.stat().st_size < 3_000_000
    with pikepdf.open(path) as opened:
        assert 8 <= len(opened.pages) <= 14
        titles = [item.title for item in opened.open_outline().root]
    assert titles[0] == "La réponse"
    assert titles[-1] == "Sources"


def test_no_page_is_more_than_a_third_empty(document: Document) -> None:
    import typst

    with _laid_out(document) as (source, options):
        pages = typst.compile(source, format="png", ppi=30, **options)
    written = []
    for page in pages:
        image = imread(io.BytesIO(page), format="png")[..., :3].min(axis=2)
        # the foot of each page is 2 cm of 29.7
        body = image[: int(len(image) * (1 - 2.1 / 29.7))] < 0.8
        written.append(float(np.flatnonzero(body.any(axis=1))[-1]) / len(image))
    # the last page ends where the document does, after some lines at least
    assert min(written[:-1]) >= 2 / 3
    assert written[-1] >= 0.2


def test_first_page_says_what_sources_say_then_what_is_only_possible(document: Document) -> None:
    text = text_of(document)
    first = text[: text.index("Ce qui est comparé")]
    said = (
        "« Aujourd’hui » :",
        "Ce que disent les sources (scénario A).",
        "Possible, mais",
        "Sur 10 enfants",
    )
    places = [first.index(words) for words in said]
    assert places == sorted(places)
    assert "10 y ont le même trajet" in first
    assert "variantes essayées" in first
    assert "ce sont les professionnels qui vont vers l’enfant" in first
    assert "secteur inconnu" in first
    assert "promoteurs" not in first
    assert "« Sans différence visible » : différence trop petite" in first
    # counts of an age group are in tables
    assert not re.search(r"\d{2} \d{3}", first.partition("Environ")[0])
    for ask in ("MDPH", "CHI Fréjus", "IME de Salernes", "CMPP", "ARS"):
        assert ask in first


def test_losers_outside_the_focus_are_named(document: Document) -> None:
    text = text_of(document)
    for zone in ("Provence Verte", "Provence Verdon", "Lacs et Gorges du Verdon", "Cœur du Var"):
        assert zone in text


def test_numbers_of_the_text_are_those_of_the_tables(draguignan: StudyResult, document: Document) -> None:
    reading = read(draguignan)
    move = reading.pivot
    assert move is not None
    assert move.services == ("ime-salernes",)
    assert move.scenario_id == "B"
    zones = draguignan.comparisons["B"].zones
    loss = zones["persons_loss"][ALL_TERRITORY, "ime-salernes"]
    printed = reading.counts("B", "ime-salernes").text(ALL_TERRITORY, "loss").replace(NN, "")
    low, high = map(int, printed.split(" à "))
    assert low <= loss <= high
    options = [b for b in document.blocks if isinstance(b, DataTable) and "côte à côte" in b.caption]
    cells = {row[0]: row for row in options[0].rows}["Trajet plus long (jeunes)"]
    assert printed in [cell.replace(NN, "") for cell in cells]


def test_hours_of_a_year_are_as_doubtful_as_the_mean_trip(
    draguignan: StudyResult, document: Document
) -> None:
    """B changes the mean time to the IME by less than its doubt: so are the hours that are counted from it."""
    told = draguignan.comparisons["B"].zones["is_mean_distinguishable"]
    assert not told[(ALL_TERRITORY, "ime-salernes")]
    rows = [row for block in document.blocks if isinstance(block, DataTable) for row in block.rows]
    hours = {
        str(row[0]): row for row in rows if str(row[0]) in ("IME de Salernes", "Route d'un enfant, par an")
    }
    assert len(hours) == 2
    for row in hours.values():
        assert [cell for cell in map(str, row) if cell.endswith(f"h{NB}≈")], row


def test_staff_travel_never_leads(draguignan: StudyResult) -> None:
    reading = read(draguignan)
    staff = reading.counts("B", "sessad-autisme-salernes").persons["gain"][ALL_TERRITORY]
    assert staff > reading.counts("B", "ime-salernes").persons["gain"][ALL_TERRITORY]
    move = reading.pivot
    assert move is not None
    assert move.who == {"child"}


def test_no_count_of_one_to_ten_and_no_children_served(draguignan: StudyResult, document: Document) -> None:
    tables = [block for block in document.blocks if isinstance(block, DataTable)]
    gains = [table for table in tables if "Trajet plus court" in table.headers and "EPCI" in table.headers]
    assert gains
    for table in gains:
        for row in table.rows:
            for cell in row[1:5]:
                for end in cell.split(" à "):
                    assert end in ("0", "< 11") or int(end.replace(NN, "")) >= 11
    reading = read(draguignan)
    assert reading.noun("ime-salernes") == "jeunes de 3 à 20 ans"
    generated = text_of(document)
    for unknown in draguignan.study.unknown:
        for sentence in (unknown.question, unknown.matters_for):
            generated = generated.replace(sentence.replace("'", "’"), "")
    assert "enfants suivis" not in generated
    # of ten, never a number of an age group
    assert "enfants accompagnés" not in generated.replace("10 enfants accompagnés", "")


def test_every_picture_says_numbers(document: Document) -> None:
    pictures = [block for block in document.blocks if isinstance(block, Picture)]
    pictures += [block.picture for block in document.blocks if isinstance(block, Beside)]
    assert len(pictures) >= 5
    assert all(re.search(r"\d", picture.alt) and len(picture.alt) > 60 for picture in pictures)
    assert len({picture.alt for picture in pictures}) == len(pictures)


def test_without_scenario() -> None:
    text = said(dataclasses.replace(worlds.world("without_scenario"), groupings={}))
    assert "ne compare aucun scénario" in text
    assert "scénario A" not in text
    assert "Les temps de route aujourd’hui" in text


def test_communes_out_of_reach_are_counted_beside_the_farthest() -> None:
    there = SimpleNamespace(commune=lambda code: f"Commune {code}")
    times = pd.Series({"A": 10.0, "B": 30.0, "C": np.nan, "D": np.nan})
    assert travel_accounts.farthest(there, times[:2]) == "Commune B (30\u00a0min)"  # type: ignore[arg-type]
    said = travel_accounts.farthest(there, times)  # type: ignore[arg-type]
    assert said.endswith(" ; 2 autres hors d'atteinte ou de temps inconnu")


def test_places_without_an_age_or_a_public_are_said() -> None:
    index = pd.MultiIndex.from_tuples([("1", "ime"), ("2", "sessad"), ("3", "ime"), ("3", "ehpad")])
    services = pd.DataFrame(
        {"capacity": [30.0, 10, 99, 80], "capacity_unit": "places", "age_min": [6, np.nan, np.nan, np.nan]},
        index=index.set_names(["site_id", "service"]),
    ).assign(age_max=np.nan, public=["autisme", "autisme", None, None])
    sites = pd.DataFrame({"commune_code": ["A", "A", "Z"]}, index=["1", "2", "3"])
    there = SimpleNamespace(
        release=SimpleNamespace(services=services, sites=sites), territory=pd.DataFrame(index=["A"])
    )
    assert travel_accounts._unsaid_of_places(there) == [  # type: ignore[arg-type]
        "De ces places connues, la source ne dit pas l'âge accueilli pour 25\u00a0%."
    ]


def test_without_outlines_needs_sources_or_facts(small: StudyResult) -> None:
    study = small.study.model_copy(update={"need": (), "fact": (), "unknown": ()})
    dataset = SimpleNamespace(outlines=None)
    result = dataclasses.replace(small, study=study, dataset=dataset)  # type: ignore[arg-type]
    text = said(result)
    assert "Communes représentées par un point" in text
    # a legend says nothing of limits that are not drawn
    assert pictures._border_notes(read(result)) == []
    assert "Ce que l’on ne sait pas" not in text


@pytest.mark.slow
def test_one_commune() -> None:
    assert "La réponse" in said(worlds.world("one_commune"))


# with ages and inhabitants unknown as well, it is one of the studies of `test_documents`
@pytest.mark.slow
def test_all_times_unknown(small: StudyResult) -> None:
    state = small.baseline.state
    tables = {}
    for name in ("travel_times", "site_times"):
        table = getattr(state, name).copy()
        table["travel_time_min"] = np.nan
        table.attrs = dict(getattr(state, name).attrs)
        tables[name] = table
    with pytest.warns(TerritoryWarning):
        result = rebuilt(small, **tables)
    assert "nan" not in re.findall(r"[a-z]+", said(result).lower())


@pytest.mark.slow
def test_all_persons_unknown(small: StudyResult) -> None:
    services = small.baseline.state.services.assign(age_min=np.nan, age_max=np.nan)
    result = rebuilt(small, services=services)
    text = said(result)
    assert "un nombre inconnu de jeunes de l’âge reçu" in text
    assert "nan" not in re.findall(r"[a-z]+", text.lower())


@pytest.mark.parametrize("is_written", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_closed_and_opened_services(small: StudyResult, tmp_path: Path, is_written: bool) -> None:
    changes = Scenario(
        id="F",
        name="Le CMPP ferme",
        change=(
            CloseSite(authorisation_id=vallon.CMPP),
            CloseSite(authorisation_id=vallon.IME),
            OpenSite(
                site_id="plateforme",
                service="ime",
                authorisation_id="nouvel-ime",
                age_min=3,
                age_max=20,
            ),
        ),
    )
    result = rebuilt(small, scenarios=(changes,))
    text = written(result, tmp_path) if is_written else said(result)
    assert "fermerait à" in text
    assert "n’auraient plus ce service" in text
    assert "personne jeunes" not in text


def test_nothing_is_measured_towards_a_closed_service(small: StudyResult) -> None:
    closed = Scenario(id="ferme", name="ferme", change=(CloseSite(authorisation_id=vallon.IME),))
    result = rebuilt(small, scenarios=(*small.study.scenario, closed))
    reading = read(result)
    pivot = reading.pivot
    # a move has gainers and losers to map: a closure is said in a sentence
    assert pivot is not None
    assert pivot.to_site is not None
    with worlds.undrawn():
        blocks = council_report(result).blocks
    tables = [b for b in blocks if isinstance(b, DataTable) and "côte à côte" in b.caption]
    column = tables[0].headers.index("Scénario ferme")
    cells = {row[0]: row[column] for row in tables[0].rows}
    assert cells["Où il serait"] == "fermé"
    assert cells["Perte la plus forte"] == cells["Route d'un enfant, par an"] == "–"
    assert cells["Sans ce service (jeunes)"] != "–"
    named = [item for b in blocks if isinstance(b, Bullets) for item in b.items]
    assert any("fermeture à Hautbourg" in str(item) for item in named)


@pytest.mark.slow
def test_names_that_look_like_markup(small: StudyResult, tmp_path: Path) -> None:
    state = small.baseline.state
    communes = state.communes.assign(
        name=state.communes["name"] + " " + EVIL, epci_name=state.communes["epci_name"] + " " + EVIL
    )
    result = rebuilt(small, communes=communes)
    study = result.study.model_copy(update={"title": EVIL, "question": EVIL})
    result = dataclasses.replace(result, study=study)
    text = written(result, tmp_path)
    with pikepdf.open(tmp_path / "r.pdf") as opened:
        assert opened.open_metadata()["dc:title"] == EVIL
    assert f"Hautbourg {EVIL}" in text


def test_small_observed_counts_are_withheld_everywhere() -> None:
    result, reading = worlds.world("observed"), worlds.reading("observed")
    counts = reading.counts("B", vallon.IME)
    assert counts.is_observed
    assert reading.noun(vallon.IME, is_observed=True) == "enfants accompagnés"
    zones = result.comparisons["B"].zones.xs(vallon.IME, level="service").reindex(counts.zones.index)
    real = zones[[f"persons_{effect}" for effect in EFFECTS]].set_axis(list(EFFECTS), axis=1)
    small = (real > 0) & (real < 11)
    assert small.to_numpy().any()
    assert counts.is_withheld[list(EFFECTS)][small].fillna(0).to_numpy()[small.to_numpy()].all()
    assert counts.persons[small].isna().to_numpy()[small.to_numpy()].all()
    # a lone withheld number in a column would be the total minus the others
    for effect in EFFECTS:
        hidden = int(counts.is_withheld[effect].sum())
        assert hidden != 1
    text = said(result)
    assert SECRET in text
    assert "Si le périmètre change" not in text


def test_levels_of_titles(document: Document) -> None:
    levels = [block.level for block in document.blocks if isinstance(block, Heading)]
    assert levels[0] == 1
    assert set(levels) <= {1, 2}


def test_unknown_document(made_up: StudyResult, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="council"):
        build_report(made_up, tmp_path / "r.pdf", document="roman")


def test_questions_of_siting_say_who_is_counted_and_tell_nothing_apart_where_nothing_is(
    made_up: StudyResult,
) -> None:
    reading, answer = read(made_up), made_up.siting["ou"]
    ranking = answer.ranking.reset_index()
    (said, counted) = questions._in_words(
        reading, dataclasses.replace(answer, ranking=ranking), is_first=True
    )
    assert "pas un choix de site" in repr(said)
    assert "à 45 min ou moins d'un site d'aujourd'hui (" in counted.text.replace(NB, " ")
    assert "ensemble, d'où d'autres temps" in counted.text.replace("’", "'")
    assert "Communes comparées : à 30 min ou moins de Vallon-sur-Ombre." in counted.text.replace(NB, " ")
    # several are chosen, which any other one could replace
    ranking = ranking.assign(is_selected=ranking.index < 2, is_distinguishable=False)
    siting = answer.siting.model_copy(update={"method": "maximal_coverage", "max_time_min": 20.0, "p": 2})
    result = dataclasses.replace(answer.result, objective=0.75 * float(answer.demand.sum()))
    several = dataclasses.replace(answer, siting=siting, ranking=ranking, result=result)
    (said, counted) = questions._in_words(reading, several, is_first=False)
    rest = len(ranking) - 2
    assert "Le calcul retient 2 communes, sans départager lesquelles." in repr(said)
    assert f"sur la route moyenne : {rest} sur {rest}." in repr(said)
    assert "(75 %) à 20 min ou moins de l'une de ces communes" in counted.text.replace(NB, " ")
