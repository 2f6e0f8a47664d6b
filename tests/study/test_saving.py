"""A scenario added to a study file reads back, and changes nothing else."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.errors import OutputError, StudyError
from territory.study import MoveSite, NewSite, Scenario, load_study
from territory.study.save import save_scenario, scenario_toml

SITE = NewSite(id="site-essai", name="Lieu", commune_code="83069", longitude=6.128, latitude=43.12)


def moving(scenario_id: str = "essai", name: str = "Essai") -> Scenario:
    change = MoveSite(authorisation_ids=("ime-salernes",), to_site_id="site-essai")
    return Scenario(id=scenario_id, name=name, change=(change,))


@given(name=st.text(min_size=1), summary=st.text())
def test_any_text_is_escaped(name: str, summary: str) -> None:
    scenario = Scenario(id="x", name=name, summary=summary, change=moving().change)
    read = tomllib.loads(scenario_toml(scenario, sites=[SITE]))
    clean = [text.encode("utf-8", "replace").decode("utf-8") for text in (name, summary)]
    assert [read["scenario"][0]["name"], read["scenario"][0].get("summary", "")] == clean
    assert NewSite.model_validate(read["site"][0]) == SITE
    assert read["scenario"][0]["change"][0]["authorisation_ids"] == ["ime-salernes"]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_the_file_keeps_what_it_held(tmp_path: Path, newline: str) -> None:
    path = tmp_path / "mon-etude.toml"
    first = save_scenario(moving(), path, sites=[SITE])
    assert [one.id for one in first.scenario][-1] == "essai"
    path.write_bytes(path.read_text("utf-8").replace("\n", newline).encode("utf-8"))
    before = path.read_bytes()
    study = save_scenario(
        Scenario(id="essai2", name="Suite", change=moving().change), path, based_on="sans importance"
    )
    assert path.read_bytes().startswith(before.rstrip())
    assert load_study(path) == study
    assert study.scenario[-1].id == "essai2"
    assert study.scenario[:-1] == first.scenario
    assert list(tmp_path.iterdir()) == [path]


def test_an_id_that_is_taken_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "mon-etude.toml"
    save_scenario(moving(), path, sites=[SITE])
    before = path.read_bytes()
    with pytest.raises(StudyError, match="n'est pas remplacé"):
        save_scenario(moving(), path, sites=[SITE])
    other = SITE.model_copy(update={"commune_code": "83086"})
    with pytest.raises(StudyError, match="déclaré 2 fois"):
        save_scenario(moving("autre"), path, sites=[other])
    assert path.read_bytes() == before
    # the same place is declared once
    assert len(save_scenario(moving("autre", "Autre"), path, sites=[SITE]).site) == len(load_study(path).site)


def test_what_cannot_be_saved_is_said(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"\.toml"):
        save_scenario(moving(), tmp_path / "etude.txt", sites=[SITE])
    with pytest.raises(OutputError, match="ne peut pas être écrit"):
        save_scenario(moving(), tmp_path / "absent" / "etude.toml", sites=[SITE])
    with pytest.raises(StudyError, match="étude intégrée"):
        save_scenario(moving(), tmp_path / "draguignan.toml", sites=[SITE])
    with pytest.raises(StudyError, match="n'est pas une étude intégrée"):
        save_scenario(moving(), tmp_path / "etude.toml", sites=[SITE], based_on="mon-etude")
    with pytest.raises(StudyError, match="site inconnu"):
        save_scenario(moving(), tmp_path / "etude.toml")
    (tmp_path / "latin.toml").write_bytes('title = "été"'.encode("latin-1"))
    with pytest.raises(StudyError, match="UTF-8"):
        save_scenario(moving(), tmp_path / "latin.toml", sites=[SITE])
