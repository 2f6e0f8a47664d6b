"""What the tables of two studies that differ by where one child lives say of the village that sends it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from territory.errors import StudyError
from territory.release import release
from territory.release.observed_children import PRESENCE_FLOOR, check_families
from territory.result import StudyResult
from territory.study.state import Families
from territory.workflow.run import run_study
from tests import vallon

IME, TOWN_IME = vallon.IME, "ime-vallon"
# a second IME, in the town, that scenario Z closes
CLOSING = f"""
[[service]]
site_id = "plateforme"
service = "ime"
authorisation_id = "{TOWN_IME}"
capacity = 72
capacity_unit = "places"
age_min = 3
age_max = 20
reception_mode = "semi_internat"
is_complete_list = true
[[authorisation]]
id = "{TOWN_IME}"
label = "IME de Vallon"
[[scenario]]
id = "Z"
name = "Fermer l'IME de Vallon"
families = "FAMILIES"
[[scenario.change]]
type = "close_site"
authorisation_id = "{TOWN_IME}"
"""
WAITING = """
[[need]]
public = "attente"
label = "Enfants en attente d'une place"
kind = "waiting"
service = "ime"
age_min = 3
age_max = 20
per_1000 = 60
source = "Exemple"
"""


def study(
    folder: Path, children: Sequence[tuple[str, str, int]], *, families: str = "stay", more: str = ""
) -> StudyResult:
    origins = pd.DataFrame(children, columns=["commune_code", "authorisation_id", "children"])
    text = vallon.text().replace("[files]\n", '[files]\nobserved_origins = "origines.csv"\n', 1)
    text = text.replace('"medecin_generaliste"]', '"medecin_generaliste", "ime"]', 1)
    text = text.replace('complete_services = ["pharmacie"]', 'complete_services = ["pharmacie", "ime"]', 1)
    text = text.replace(
        'service = "ime"\nauthorisation_id', 'service = "ime"\nis_complete_list = true\nauthorisation_id'
    )
    # scenario B alone of those of the valley, and none of its questions
    head, _, rest = text.partition('[[scenario]]\nid = "A"')
    moved = rest[rest.index("[[scenario]]") : rest.index("[[siting]]")]
    path = vallon.copied(folder, head + moved + CLOSING.replace("FAMILIES", families) + more)
    origins.to_csv(folder / "origines.csv", index=False)
    return run_study(path)


def test_no_row_and_no_verdict_tells_which_village_sends_a_child(tmp_path: Path) -> None:
    common = [("03906", IME, 40), ("03901", IME, 30), ("03901", TOWN_IME, 30)]
    # 03914 is the only village of its EPCI that a 0 does not show; 03908 is a village of another
    worlds = [
        release(
            study(tmp_path / village, [*common, (village, IME, 1), (village, TOWN_IME, 1)], more=WAITING)
        ).tables
        for village in ("03914", "03908")
    ]
    assert worlds[0].keys() == worlds[1].keys()
    for name, one in worlds[0].items():
        other = worlds[1][name]
        assert one.shape == other.shape, name
        if not name.startswith(("comparaison_zones", "comparaison_sensibilite", "enfants")):
            pd.testing.assert_frame_equal(one, other, obj=name)
    zones = worlds[0]["endo_recrutement_zones"]
    assert set(zones["zone"]) == {vallon.FOCUS, vallon.PLATEAU, vallon.RIVERS}
    told = worlds[0]["comparaison_mesures_communes"].query("service == @TOWN_IME")
    assert set(told["unmet_note"]) == {"secret"}
    # a need that holds the children served gives none of them back
    assert worlds[0]["comparaison_mesures_communes"].filter(like="unmet_persons").isna().all(axis=None)
    kind = worlds[0]["comparaison_mesures"].query("service == 'ime' and measure == 'unmet_persons'")
    assert len(kind)
    assert kind[["baseline_value", "scenario_value", "delta_value"]].isna().all(axis=None)
    assert set(kind["note"]) == {"secret"}


def test_the_villages_that_never_say_are_those_of_the_threat_model() -> None:
    told = (Path(__file__).parents[2] / "SECURITY.md").read_text("utf-8")
    assert f"a village with fewer than {PRESENCE_FLOOR} persons of the age" in told


@pytest.mark.parametrize(
    "rule, need, is_kept_in",
    [("reallocated", None, True), ("reallocated", "attente", False), ("closest", None, False)],
)
def test_only_families_placed_from_where_children_live_stay_in_the_agency(
    rule: Any, need: str | None, is_kept_in: bool
) -> None:
    state = SimpleNamespace(observed_origins=pd.DataFrame(), families={IME: Families(rule, ("ime",), need)})
    results: Any = {"Z": SimpleNamespace(state=state)}
    check_families(results, edition="interne")
    with pytest.raises(StudyError, match=IME) if is_kept_in else nullcontext():
        check_families(results, edition="publique")


def test_times_made_of_where_children_live_stay_in_the_agency(tmp_path: Path) -> None:
    children = [("03906", IME, 40), ("03903", TOWN_IME, 3)]
    with pytest.raises(StudyError, match=r"scénario Z .*\(ime-vallon\).*--edition interne"):
        study(tmp_path, children, families="reallocated")
    result = run_study(tmp_path / "vallon.toml", edition="interne")
    with pytest.raises(StudyError, match="aux enfants observés"):
        release(result)
    assert release(result, edition="interne").moved("Z") == (TOWN_IME,)
