from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from territory.access.deserts import DREES_2017
from territory.datasets.slots import published_figures
from territory.errors import ParameterError
from territory.scenario import CloseSite, Scenario, apply
from territory.scenario.measures.deserts import standardised_hab, why_no_apl
from territory.study.state import State
from territory.study.words.indicators import (
    DREES_SCHEME,
    RECAST_PROFILE,
    DesertCriterion,
    DesertScheme,
    Practitioners,
    Zoning,
)
from tests.scenario.lent import compute

UNVERIFIED = pytest.mark.filterwarnings("ignore:.*paliers non vérifiés:territory.errors.TerritoryWarning")
OUEST, MILIEU, EST, LOIN = "83001", "83002", "83003", "83004"


def with_service(state: State, site: str, service: str, *, complete: bool = True, **columns: object) -> State:
    row = dict.fromkeys(state.services.columns, pd.NA) | {"delivered_at_home": False} | columns
    row["is_complete_list"] = complete
    index = pd.MultiIndex.from_tuples([(site, service)], names=["site_id", "service"])
    added = pd.DataFrame([row], index=index).astype(state.services.dtypes.to_dict(), errors="ignore")
    added["capacity"] = pd.to_numeric(added["capacity"], errors="coerce")
    return replace(state, services=pd.concat([state.services, added]))


def with_scheme(state: State, *criteria: DesertCriterion) -> State:
    scheme = DesertScheme(id="essai", label="Essai", criterion=criteria)
    return replace(state, parameters=replace(state.parameters, deserts=(scheme,)))


def by_time(service: str, threshold: float, *more: str) -> DesertCriterion:
    return DesertCriterion(
        id=service, label=service, services=(service, *more), threshold=threshold, source="essai"
    )


def with_gps(state: State, acts: float = 6000.0, *, profile: str = RECAST_PROFILE) -> State:
    counted = with_service(
        state, "west", "medecin_generaliste", capacity=acts, capacity_unit="consultations_per_year"
    )
    flat = pd.DataFrame({"age_min": [0.0], "age_max": [np.nan], "acts_per_hab": [3.0]})
    given = Practitioners(
        profile=profile, consumption="c.csv", mean_acts_per_hab=3.0, activity="a.csv", source="essai"
    )
    return replace(counted, gp_consumption=flat, parameters=replace(counted.parameters, practitioners=given))


def test_the_default_scheme_is_the_one_of_drees() -> None:
    mine = {one.id: (one.threshold, one.source) for one in DREES_SCHEME.criterion}
    assert mine == {rule.name: (rule.threshold, rule.source) for rule in DREES_2017}
    assert {one.profile for one in DREES_SCHEME.criterion if one.measure == "apl"} == {DREES_2017[0].profile}


def test_what_an_apl_lacks_is_said(state: State) -> None:
    acts = {"capacity": 6000.0, "capacity_unit": "consultations_per_year"}
    heads = {"capacity": 1.0, "capacity_unit": "headcount"}

    def lacking(given: State, *rows: dict[str, object]) -> str:
        known = given
        for place, row in enumerate(rows):
            known = with_service(known, ("west", "east")[place], "medecin_generaliste", **row)
        return why_no_apl(known)

    bare = replace(with_gps(state), services=state.services)
    assert lacking(bare, acts, acts) == ""
    assert lacking(bare, acts, heads).startswith("activité des généralistes inconnue")
    assert lacking(bare, acts, acts | {"capacity": np.nan}).startswith("activité inconnue pour une partie")
    assert lacking(bare).startswith("liste des généralistes absente")
    assert lacking(replace(bare, gp_consumption=None), acts).startswith("consommation de soins")


def test_a_threshold_may_be_as_far_as_times_are_known_and_no_farther(state: State) -> None:
    assert len(compute(with_scheme(state, by_time("urgences", 120.0))).deserts)
    with pytest.raises(ParameterError, match=r"seuil de 121 min dépasse la coupure .*120 min"):
        compute(with_scheme(state, by_time("urgences", 121.0)))


def test_persons_are_weighted_by_care_where_both_of_its_parts_are_known(state: State) -> None:
    known = with_gps(state)
    assert standardised_hab(known) is not None
    assert standardised_hab(replace(known, gp_consumption=None)) is None
    terms = known.parameters.practitioners.model_copy(update={"mean_acts_per_hab": None})
    assert standardised_hab(replace(known, parameters=replace(known.parameters, practitioners=terms))) is None


def test_a_threshold_of_time_is_within(state: State) -> None:
    def statuses(minutes: float) -> list[str]:
        # no list of the second kind: within the threshold of the first is enough
        table = compute(with_scheme(state, by_time("urgences", minutes, "smur"))).deserts
        return table.xs("urgences", level="criterion")["status"].tolist()

    # 33, 21, 5 and 50 min
    assert statuses(33.0) == ["hors désert"] * 3 + ["non calculable"]
    assert statuses(32.9) == ["non calculable", "hors désert", "hors désert", "non calculable"]


def test_what_the_data_lack_is_never_passed(state: State) -> None:
    table = compute(state).deserts
    urgences = table.xs("urgences", level="criterion")
    # 33, 21, 5 and 50 min: within 30 min of a known emergency service is enough, beyond it a SMUR could be closer
    assert urgences["status"].tolist() == ["non calculable", "hors désert", "hors désert", "non calculable"]
    assert urgences["value"].tolist() == [33.0, 21.0, 5.0, 50.0]
    assert urgences.loc[OUEST, "reason"] == "aucune liste de « smur » dans les données"
    assert urgences.loc[MILIEU, "reason"] == ""
    for name in ("apl", "pharmacie"):
        rows = table.xs(name, level="criterion")
        assert rows["status"].eq("non calculable").all()
        assert rows["reason"].ne("").all()
        assert rows["distance"].isna().all()
    assert table["desert_class"].eq("non calculable").all()


def test_a_partial_list_is_not_computable_even_close_by(state: State) -> None:
    table = compute(with_scheme(state, by_time("ime", 30))).deserts.xs("ime", level="criterion")
    assert table["status"].eq("non calculable").all()
    assert table["reason"].eq("liste partielle de « ime »").all()


def test_any_service_of_a_criterion_is_enough(state: State) -> None:
    both = with_scheme(with_service(state, "west", "smur"), by_time("urgences", 30, "smur"))
    rows = compute(both).deserts.xs("urgences", level="criterion")
    assert rows["value"].tolist() == [5.0, 12.0, 5.0, 50.0]
    assert rows["status"].tolist() == ["hors désert", "hors désert", "hors désert", "en désert"]
    assert rows["distance"].tolist() == [25.0, 18.0, 25.0, -20.0]
    assert rows["desert_class"].tolist() == ["aucun critère"] * 3 + ["1 critère sur 1"]


def test_the_threshold_itself_is_outside_and_out_of_reach_is_inside(state: State) -> None:
    times = state.travel_times[
        ~((state.travel_times["from_id"] == LOIN) & (state.travel_times["to_id"] == "east"))
    ]
    times.attrs = state.travel_times.attrs
    rows = compute(with_scheme(replace(state, travel_times=times), by_time("urgences", 33))).deserts
    rows = rows.xs("urgences", level="criterion")
    assert rows["status"].tolist() == ["hors désert", "hors désert", "hors désert", "en désert"]
    assert rows.loc[OUEST, "distance"] == 0
    assert rows.loc[LOIN, "distance"] == -np.inf


def test_shares_count_everyone_once(state: State) -> None:
    results = compute(with_scheme(state, by_time("urgences", 30)))
    whole = results.desert_shares.xs("territory", level="zone").droplevel("scheme")
    assert whole.loc["aucun critère", "population_hab"] == 500
    assert whole.loc["1 critère sur 1", "population_hab"] == 500
    assert whole.loc["urgences", "population_share"] == 0.5
    zones = results.desert_shares.droplevel("scheme")
    assert zones.loc[("1", "1 critère sur 1"), "population_share"] == pytest.approx(100 / 300)
    assert zones.loc[("83", "urgences"), "commune_count"] == 2
    classes = ["aucun critère", "1 critère sur 1", "non calculable"]
    for zone, people in (("territory", 1000), ("83", 1000), ("1", 300), ("2", 700)):
        assert zones.loc[zone].loc[classes, "population_hab"].sum() == people


def test_an_unknown_population_makes_its_zone_unknown(state: State) -> None:
    communes = state.communes.copy()
    communes.loc[OUEST, "population"] = np.nan
    shares = compute(with_scheme(replace(state, communes=communes), by_time("urgences", 30))).desert_shares
    zones = shares.droplevel("scheme")["population_share"]
    assert zones.loc[("1", "aucun critère")] != zones.loc[("1", "aucun critère")]
    assert zones.loc[("2", "aucun critère")] == pytest.approx(300 / 700)


def test_a_threshold_beyond_the_table_is_refused(state: State) -> None:
    with pytest.raises(ParameterError, match="dépasse la coupure"):
        compute(with_scheme(state, by_time("urgences", 130)))


def test_where_the_data_stop_a_desert_is_not_sure(state: State) -> None:
    asked = with_scheme(state, by_time("urgences", 30))
    edge = pd.Series([40.0, 40.0, 40.0, 20.0], index=state.communes.index)
    results = compute(replace(asked, edge_time_min=edge))
    rows = results.deserts.xs("urgences", level="criterion")
    # Ouest is 33 min from the emergency service and 40 from the edge; Loin 50 and 20
    assert rows["status"].tolist() == ["en désert", "hors désert", "hors désert", "non calculable"]
    assert "au bord des données" in rows.loc[LOIN, "reason"]
    flags = results.access["could_be_closer_outside"]
    assert flags.xs("urgences", level="service").tolist() == [False, False, False, True]
    assert not flags.xs("ime-x", level="service").any()
    assert results.edge.loc["urgences"].tolist() == [1, 400.0, 0]


def test_nobody_knows_where_the_data_stop(state: State) -> None:
    results = compute(state)
    assert results.access.xs("urgences", level="service")["could_be_closer_outside"].isna().all()
    assert results.edge.loc["urgences", "unknown_count"] == 4


@UNVERIFIED
def test_an_apl_needs_age_and_activity(state: State) -> None:
    heads = with_service(state, "west", "medecin_generaliste", capacity=2.0, capacity_unit="headcount")
    assert compute(heads).gp_access.isna().all(axis=None)
    named = replace(heads.parameters, practitioners=Practitioners(profile="drees_2012"))
    counted = compute(replace(heads, parameters=named))
    # 100 + 0.1 x 200 inhabitants share 2 GPs
    assert counted.gp_access["practitioners_per_100000_hab"].round(6).tolist() == pytest.approx(
        [100_000 * 2 / 120, 10_000 * 2 / 120, 0, 0]
    )
    assert counted.gp_access["apl_consultations_per_hab"].isna().all()
    assert "effectifs" in counted.deserts.xs("apl", level="criterion")["reason"].iloc[0]
    results = compute(with_gps(state))
    # 100 + 2/3 x 200 inhabitants share 6,000 consultations
    shared = 6000 / (100 + 400 / 3)
    apl = results.gp_access["apl_consultations_per_hab"].tolist()
    assert apl == pytest.approx([shared, shared * 2 / 3, 0.0, 0.0])
    assert results.gp_access["practitioners_per_100000_hab"].isna().all()
    status = results.deserts.xs("apl", level="criterion")["status"].tolist()
    assert status == ["hors désert", "hors désert", "en désert", "en désert"]


def test_the_weights_of_2012_never_meet_the_thresholds_of_2017(state: State) -> None:
    old = with_gps(state, profile="drees_2012")
    with pytest.raises(ParameterError, match=r"« apl » : le seuil de 2,5 a été publié avec .*« drees_2015 »"):
        compute(old)
    rule = Zoning(territories="tvs.csv")
    tvs = pd.Series(["T1", "T1", "T2", "T2"], index=state.communes.index)
    zoned = replace(with_scheme(old, by_time("urgences", 30)), care_territories=tvs)
    with pytest.raises(ParameterError, match=r"« zonage_2017 » a été publié avec .*« drees_2015 »"):
        compute(replace(zoned, parameters=replace(zoned.parameters, zoning=rule)))
    own = DesertCriterion(
        id="apl", label="APL", measure="apl", profile="drees_2012", threshold=6, source="essai"
    )
    status = compute(with_scheme(old, own)).deserts["status"].tolist()
    assert status == ["hors désert", "en désert", "en désert", "en désert"]


@UNVERIFIED
def test_a_change_of_supply_moves_the_simulated_zoning(state: State) -> None:
    base = with_gps(state, acts=240.0)
    rule = Zoning(territories="tvs.csv", zip_quota_hab=0.0, zac_quota_hab=1000.0)
    tvs = pd.Series(["T1", "T1", "T2", "T2"], index=state.communes.index)
    asked = replace(base, care_territories=tvs, parameters=replace(base.parameters, zoning=rule))
    today = compute(asked).zoning
    # APL 1.03 at Ouest and 2/3 of it at Milieu, mean 0.8 over 300 inhabitants
    shared = 240 / (100 + 400 / 3)
    assert today.loc["T1", "apl_consultations_per_hab"] == pytest.approx(shared * (100 + 400 / 3) / 300)
    assert today["zone"].tolist() == ["ZIP (zone A)", "ZIP (zone A)"]
    more = asked.services.copy()
    more.loc[("west", "medecin_generaliste"), "capacity"] = 1000.0
    later = compute(replace(asked, services=more)).zoning
    assert later.loc["T1", "zone"] == "ZAC"
    assert later["mention"].eq("simulation sans valeur réglementaire").all()
    assert compute(base).zoning.empty


def published(state: State, **figures: dict[int, list[float]]) -> State:
    tables = {
        name: pd.DataFrame(years, index=state.communes.index, dtype=float) for name, years in figures.items()
    }
    return replace(state, published=published_figures(tables, state.communes.index))


def test_a_published_figure_decides_and_the_estimate_is_said_beside(state: State) -> None:
    # the threshold is outside, an unknown figure is not computable, the newest year is read
    known = published(
        state,
        urgences_smur={2013: [0.0] * 4, 2019: [30.0, 31.0, 0.0, np.nan]},
        apl={2023: [2.49, 2.5, 8.0, 1.0]},
    )
    table = compute(known).deserts
    rows = table.xs("urgences", level="criterion")
    assert rows["status"].tolist() == ["hors désert", "en désert", "hors désert", "non calculable"]
    assert rows["distance"].tolist()[:3] == [0.0, -1.0, 30.0]
    assert rows.loc[LOIN, "reason"] == "aucun chiffre publié pour cette commune"
    assert rows["figure_basis"].eq("publié").all()
    assert rows["year"].eq(2019).all()
    assert rows["estimated_value"].tolist() == [33.0, 21.0, 5.0, 50.0]
    assert rows["estimate_gap"].tolist()[:3] == [3.0, -10.0, 5.0]
    apl = table.xs("apl", level="criterion")
    assert apl["status"].tolist() == ["en désert", "hors désert", "hors désert", "en désert"]
    assert apl["estimated_value"].isna().all()
    pharmacy = table.xs("pharmacie", level="criterion")
    assert pharmacy["figure_basis"].eq("estimé").all()
    assert pharmacy["year"].isna().all()


def test_without_a_published_figure_the_criterion_is_estimated(state: State) -> None:
    assert compute(state).deserts["figure_basis"].eq("estimé").all()
    other = compute(published(state, apl={2023: [3.0] * 4})).deserts.xs("urgences", level="criterion")
    assert other["figure_basis"].eq("estimé").all()
    own = with_scheme(published(state, urgences_smur={2019: [60.0] * 4}), by_time("urgences", 30))
    # a criterion that names no published figure reads none
    assert compute(own).deserts["value"].tolist() == [33.0, 21.0, 5.0, 50.0]


def test_a_published_apl_is_recast_and_its_threshold_too(state: State) -> None:
    old = DesertCriterion(
        id="apl",
        label="APL",
        measure="apl",
        profile="drees_2012",
        threshold=6,
        source="essai",
        published="apl",
    )
    asked = with_scheme(published(state, apl={2023: [3.0] * 4}), old)
    with pytest.raises(ParameterError, match=r"« drees_2012 ».*« drees_2015 »"):
        compute(asked)


def test_a_scenario_never_passes_a_published_figure_for_its_own(state: State) -> None:
    known = published(state, urgences_smur={2019: [30.0, 31.0, 0.0, 50.0]}, apl={2023: [3.0] * 4})
    still = apply(known, Scenario(id="I", name="IME", change=(CloseSite(authorisation_id="ime-x"),)))
    assert still.published is known.published
    far = compute(still).deserts.xs("urgences", level="criterion")
    assert far["status"].tolist() == ["hors désert", "en désert", "hors désert", "en désert"]
    closing = CloseSite(authorisation_id="urgences-est")
    held = known.services.copy()
    held.loc[("east", "urgences"), "authorisation_id"] = "urgences-est"
    closed = apply(replace(known, services=held), Scenario(id="U", name="Urgences", change=(closing,)))
    rows = compute(closed).deserts
    lost = rows.xs("urgences", level="criterion")
    assert lost["status"].eq("non calculable").all()
    assert lost["reason"].eq("le scénario change ce que le chiffre publié mesure").all()
    assert rows.xs("apl", level="criterion")["status"].eq("hors désert").all()
