"""Tables carried across years of the official geographic code."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory import sources
from territory.errors import ParameterError, TerritoryWarning, UnknownCodeError
from territory.geography import commune_of_arrondissement, to_cog
from territory.geography.communes import is_commune, links_between, lives_of, steps_of
from tests.geography.oracles_cog import World


def history(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
    """Return movements from (type of movement, date, before, after); a code may carry COMD before it."""
    bounds = [("10", "2000-01-02", "99999", "99999"), ("10", "2030-01-01", "99999", "99999")]
    table = []
    for kind, date, before, after in (*bounds, *rows):
        row = {"movement_code": kind, "date": pd.Timestamp(date)}
        for side, text in (("before", before), ("after", after)):
            row[f"type_{side}"] = "COMD" if text.startswith("COMD ") else "COM"
            row[f"code_{side}"] = text.removeprefix("COMD ")
        table.append(row)
    return pd.DataFrame(table)


def counts(**values: float) -> pd.DataFrame:
    return pd.DataFrame({"n": {code.removeprefix("c"): value for code, value in values.items()}}, dtype=float)


def carried(
    table: pd.DataFrame, movements: pd.DataFrame, years: tuple[int, int], **options: object
) -> dict[str, float]:
    return to_cog(table, movements, from_year=years[0], to_year=years[1], **options)["n"].to_dict()


MERGER = history(("32", "2010-06-01", "01001", "01001"), ("32", "2010-06-01", "01002", "01001"))


def test_a_code_that_is_created_is_a_commune_from_that_day():
    split = steps_of(history(("21", "2010-06-01", "01001", "01001"), ("21", "2010-06-01", "01001", "01002")))
    lives = lives_of(split)
    assert [is_commune(lives["01002"], year) for year in (2009, 2010, 2011)] == [False, False, True]
    assert all(is_commune(lives["01001"], year) for year in (2009, 2010, 2011))


def test_a_year_means_its_first_of_january():
    table = counts(c01001=3, c01002=4, c83050=5)
    assert carried(table, MERGER, (2010, 2010)) == {"01001": 3, "01002": 4, "83050": 5}
    assert carried(table, MERGER, (2010, 2011)) == {"01001": 7, "83050": 5}
    on_the_day = history(("32", "2011-01-01", "01001", "01001"), ("32", "2011-01-01", "01002", "01001"))
    assert carried(table, on_the_day, (2010, 2011)) == {"01001": 7, "83050": 5}
    with pytest.raises(UnknownCodeError):
        carried(table, on_the_day, (2011, 2012))
    # the day after, and a month later, it is not yet done
    for date in ("2011-01-02", "2011-02-01"):
        later = history(("32", date, "01001", "01001"), ("32", date, "01002", "01001"))
        assert carried(table, later, (2010, 2011)) == {"01001": 3, "01002": 4, "83050": 5}
        assert carried(table, later, (2011, 2012)) == {"01001": 7, "83050": 5}


def test_going_back_needs_weights_and_uses_them():
    table = counts(c01001=10)
    with pytest.raises(
        ParameterError,
        match=r"1 commune est devenue plusieurs \(01001 devient 01001, 01002\) : donnez weights=",
    ):
        carried(table, MERGER, (2012, 2009))
    weights = pd.Series({"01001": 30, "01002": 10})
    assert carried(table, MERGER, (2012, 2009), weights=weights) == {"01001": 7.5, "01002": 2.5}
    with pytest.raises(ParameterError, match=r"1 commune dont weights= ne donne pas la population \(01002\)"):
        carried(table, MERGER, (2012, 2009), weights=weights[:1])
    with pytest.raises(ParameterError, match="nul pour tout ce que deviennent 01001"):
        carried(table, MERGER, (2012, 2009), weights=weights * 0)


def test_chains_over_decades_and_changes_of_departement():
    chain = history(
        ("41", "2005-01-01", "20001", "2A001"),
        ("32", "2010-06-01", "2A001", "2A002"),
        ("32", "2010-06-01", "2A002", "2A002"),
        ("50", "2020-03-01", "2A002", "2A009"),
    )
    assert carried(counts(c20001=1, c2A002=2), chain, (2001, 2025)) == {"2A009": 3}


def test_a_merger_on_the_day_of_a_change_of_departement_comes_after_it():
    rows = history(
        ("32", "2018-01-01", "44225", "44180"),
        ("32", "2018-01-01", "44180", "44180"),
        ("41", "2018-01-01", "49144", "44225"),
    )
    assert carried(counts(c49144=1, c44180=2), rows, (2017, 2018)) == {"44180": 3}
    weights = pd.Series({"49144": 1, "44180": 3})
    assert carried(counts(c44180=8), rows, (2018, 2017), weights=weights) == {"44180": 6, "49144": 2}


def test_a_commune_that_leaves_takes_its_own_figures_back_without_weights():
    rows = history(
        *[("32", "2010-01-01", code, "01001") for code in ("01001", "01002", "01003")],
        ("21", "2020-01-01", "01001", "01001"),
        ("21", "2020-01-01", "01001", "01002"),
        ("21", "2020-01-01", "COMD 01002", "01002"),
    )
    table = counts(c01001=1, c01002=2, c01003=4)
    assert carried(table, rows, (2009, 2025)) == {"01001": 5, "01002": 2}
    with pytest.raises(ParameterError, match="01001 devient 01001, 01002"):
        carried(counts(c01001=7), rows, (2015, 2025))


def test_a_whole_that_gives_its_code_to_a_part_goes_on_under_the_new_code():
    # Les Hauts-Talican, 60054, gave its code back to Beaumont-les-Nonains in 2024
    rows = history(
        *[("32", "2018-01-01", code, "60054") for code in ("60054", "60455", "60694")],
        ("21", "2024-01-01", "60054", "60054"),
        ("21", "2024-01-01", "COMD 60054", "60054"),
        ("21", "2024-01-01", "60054", "60694"),
    )
    assert carried(counts(c60054=1, c60455=2, c60694=4), rows, (2017, 2025)) == {"60054": 1, "60694": 6}


def test_a_creation_takes_from_each_commune_it_was_carved_from():
    rows = history(
        ("20", "2010-01-02", "38422", "38422"),
        ("20", "2010-01-02", "38422", "38567"),
        ("20", "2010-01-02", "38478", "38478"),
        ("20", "2010-01-02", "38478", "38567"),
    )
    weights = pd.Series({"38422": 90, "38478": 40, "38567": 10})
    moved = carried(counts(c38422=100, c38478=50), rows, (2010, 2011), weights=weights)
    assert moved == pytest.approx({"38422": 90, "38567": 20, "38478": 40})
    assert sum(moved.values()) == 150


def test_a_suppression_shares_a_commune_between_its_neighbours():
    kept = [("30", "2010-05-01", code, code) for code in ("08203", "08454")]
    rows = history(*kept, *[("30", "2010-05-01", "08227", code) for code in ("08203", "08454")])
    weights = pd.Series({"08203": 1, "08454": 3})
    assert carried(counts(c08227=8, c08203=1, c08454=0), rows, (2010, 2011), weights=weights) == {
        "08203": 3,
        "08454": 6,
    }


def test_shares_are_averaged_and_never_added():
    table = pd.DataFrame({"population": [100, 300], "under_25_share": [0.5, 0.1]}, index=["01001", "01002"])
    with pytest.raises(ParameterError, match=r"under_25_share : une part ou un taux ne s'additionne pas"):
        to_cog(table, MERGER, from_year=2010, to_year=2011)
    averages = {"under_25_share": "population"}
    moved = to_cog(table, MERGER, from_year=2010, to_year=2011, averages=averages)
    assert moved.loc["01001"].to_list() == pytest.approx([400, 0.2])
    back = to_cog(moved, MERGER, from_year=2011, to_year=2010, averages=averages, weights=table["population"])
    assert back["under_25_share"].to_list() == pytest.approx([0.2, 0.2])
    with pytest.raises(ParameterError, match=r"absente de la table \(menages\)"):
        to_cog(table, MERGER, from_year=2010, to_year=2011, averages={"under_25_share": "menages"})


def test_codes_that_lost_their_zero_and_flat_tables_are_read_or_refused() -> None:
    years = {"from_year": 2010, "to_year": 2011}
    for index in ([1001, 1002], ["1001", "1002"], None):
        with pytest.raises(ParameterError, match=r"2 lignes dont l'index n'est pas .* dtype=str"):
            to_cog(pd.DataFrame({"n": [250, 80]}, index=index), MERGER, **years)
    flat = pd.DataFrame({"commune_code": ["01001", "01002"], "n": [250, 80]})
    assert to_cog(flat, MERGER, **years)["n"].to_dict() == {"01001": 330.0}


@pytest.mark.parametrize(
    "name",
    ["density", "densite", "income_eur", "revenu_median", "taux_chomage", "apl_gp", "indice_age", "salaires"],
)
def test_densities_and_incomes_are_not_added(name: str) -> None:
    table = pd.DataFrame({name: [100.0, 300.0]}, index=["01001", "01002"])
    with pytest.raises(ParameterError, match=f"{name} : une part ou un taux ne s'additionne pas"):
        to_cog(table, MERGER, from_year=2010, to_year=2011)


def test_a_share_of_nobody_weighs_nothing_and_an_unknown_one_is_unknown():
    table = pd.DataFrame({"n": [100.0, 0.0], "a_share": [0.5, None]}, index=["01001", "01002"])
    averages = {"a_share": "n"}
    assert to_cog(table, MERGER, from_year=2010, to_year=2011, averages=averages)["a_share"].to_list() == [
        0.5
    ]
    table["n"] = [100.0, 1.0]
    assert to_cog(table, MERGER, from_year=2010, to_year=2011, averages=averages)["a_share"].isna().all()


def test_an_unknown_count_makes_the_sum_unknown_and_leaves_others_alone():
    moved = carried(counts(c01001=1, c01002=np.nan, c83050=5), MERGER, (2010, 2011))
    assert np.isnan(moved["01001"])
    assert moved["83050"] == 5


def test_codes_of_another_year_are_listed_with_the_year_they_are_of():
    with pytest.raises(UnknownCodeError) as caught:
        carried(counts(c01002=1, c83050=5), MERGER, (2015, 2020))
    message = str(caught.value)
    assert "1 des 2 codes n'est pas une commune du COG 2015 (01002)" in message
    assert "indiquez from_year=2010" in message
    # the nearest year, before or after
    late = history(("21", "2012-06-01", "01001", "01001"), ("21", "2012-06-01", "01001", "01002"))
    with pytest.raises(UnknownCodeError, match="from_year=2013 "):
        carried(counts(c01002=1, c83050=5), late, (2010, 2020))
    known_since = history(
        *(("32", "2002-06-01", code, "02001") for code in ("02001", "02002")),
        *(("32", "2010-06-01", code, "01001") for code in ("01001", "01002")),
    )
    with pytest.raises(UnknownCodeError, match="from_year=2010 "):
        carried(counts(c01002=1, c83050=5), known_since, (2015, 2020))


def test_codes_that_never_were_are_refused_when_the_list_is_given():
    table = counts(c83050=1, c83999=5)
    assert carried(table, MERGER, (2015, 2020)) == {"83050": 1, "83999": 5}
    with pytest.raises(UnknownCodeError, match=r"\(83999\) : vérifiez l'année"):
        carried(table, MERGER, (2015, 2020), known=["83050", "01001"])


def test_what_cannot_be_carried_is_said():
    table = counts(c01001=1, c01002=2)
    with pytest.warns(TerritoryWarning, match=r"1 colonne de texte laissée de côté \(name\)"):
        moved = to_cog(table.assign(name="A"), MERGER, from_year=2010, to_year=2011)
    assert list(moved.columns) == ["n"]
    with pytest.raises(ParameterError, match="en double dans la table"):
        carried(pd.concat([table, table]), MERGER, (2010, 2011))
    with pytest.raises(ParameterError, match=r"\(1950, 2031\) : il va de 2000 à 2030"):
        carried(table, MERGER, (1950, 2031))
    with pytest.raises(ParameterError, match="historique des communes est vide"):
        carried(table, MERGER[:0], (2010, 2011))


def test_an_unknown_type_of_movement_warns_and_is_followed():
    rows = history(("99", "2010-06-01", "01002", "01001"), ("99", "2010-06-01", "01001", "01001"))
    with pytest.warns(TerritoryWarning, match=r"2 mouvements d'un type inconnu \(99\)"):
        assert carried(counts(c01001=1, c01002=2), rows, (2010, 2011)) == {"01001": 3}


# invented histories


WORLDS = st.builds(World, st.integers(3, 9), st.integers(0, 10**6))


@given(WORLDS, st.data())
def test_figures_of_the_first_year_end_where_their_villages_are(world, data):
    world.live(12)
    to_year = data.draw(st.integers(2000, 2012))
    table = world.population(2000).to_frame("n")
    # the codes that changes gave up come back under another name: only mergers and re-establishments are certain
    moved = to_cog(
        table, world.movements(), from_year=2000, to_year=to_year, weights=world.population(to_year) + 1
    )
    expected = world.population(to_year)
    assert set(moved.index) == set(expected.index)
    assert moved["n"].sum() == expected.sum()
    if not any(str(code).startswith("2A") for state in world.states.values() for code in state):
        assert moved["n"].to_dict() == expected.to_dict()


@given(WORLDS, st.data())
def test_any_pair_of_years_keeps_the_total_and_reaches_every_commune(world, data):
    world.live(12)
    years = data.draw(st.tuples(st.integers(2000, 2012), st.integers(2000, 2012)))
    table = world.population(years[0]).to_frame("n")
    weights = world.population(years[1]) + 1
    movements = world.movements()
    moved = to_cog(table, movements, from_year=years[0], to_year=years[1], weights=weights)
    assert set(moved.index) == set(weights.index)
    assert moved["n"].sum() == table["n"].sum()
    assert (moved["n"] >= 0).all()
    shuffled = to_cog(
        table[::-1], movements[::-1], from_year=years[0], to_year=years[1], weights=weights[::-1]
    )
    pd.testing.assert_frame_equal(shuffled.loc[moved.index], moved)


# the real history


class RealHistory:
    """INSEE's file, and the communes of each year that follow from it."""

    def __init__(self, folder: Path) -> None:
        self.movements = sources.read_cog_movements(folder / "cog" / "v_mvt_commune_2024.csv")
        self.now = set(sources.read_cog_communes(folder / "cog" / "v_commune_2024.csv").index)
        self.steps = steps_of(self.movements)
        self.lives = lives_of(self.steps)

    @cache  # noqa: B019
    def communes(self, year: int) -> frozenset[str]:
        changed = {code for code, life in self.lives.items() if is_commune(life, year)}
        return frozenset((self.now - set(self.lives)) | changed)

    def check_links(self, first: int, last: int) -> None:
        """Check that every commune of a year, and nothing else, comes from those of another."""
        links = links_between(self.steps, from_year=first, to_year=last)
        before, after = self.communes(first), self.communes(last)
        assert set(links) <= before, (first, last)
        assert {target for code in before for target in links.get(code, (code,))} == after, (first, last)

    def check_counts(self, first: int, last: int) -> None:
        """Check that nobody is lost between two years."""
        drawn = np.random.default_rng(first * 10_000 + last)
        before, after = sorted(self.communes(first)), sorted(self.communes(last))
        table = pd.DataFrame({"n": drawn.integers(0, 5000, len(before))}, index=before)
        weights = pd.Series(drawn.integers(1, 5000, len(after)), index=after)
        moved = to_cog(table, self.movements, from_year=first, to_year=last, weights=weights, known=self.now)
        assert set(moved.index) == set(after), (first, last)
        assert moved["n"].sum() == table["n"].sum(), (first, last)
        assert (moved["n"] >= 0).all()


@pytest.fixture(scope="module")
def real(shared_data):
    return RealHistory(shared_data)


@pytest.mark.slow
def test_the_communes_of_the_file_are_those_of_the_official_list_and_of_the_census(real, shared_data):
    assert real.communes(2024) == real.now
    for name, year in (("communes_rp2017.csv", 2019), ("ensemble_rp2016.xls.gz", 2018)):
        census = sources.read_legal_population(shared_data / "population" / name)
        # the census files have neither Mayotte nor, for Lyon, Marseille and Paris, anything but arrondissements
        listed = {code for code in real.communes(year) if not code.startswith("976")}
        assert listed == {commune_of_arrondissement(code) for code in census.index}


@pytest.mark.slow
def test_every_year_since_1968_reaches_2024_and_back(real):
    for year in range(1968, 2025):
        real.check_links(year, 2024)
        real.check_links(2024, year)
    for year in range(1968, 2024, 9):
        real.check_counts(year, 2024)
        real.check_counts(2024, year)


@pytest.mark.slow
def test_a_hundred_pairs_of_years_lose_nobody(real):
    drawn = random.Random(1968)
    for _ in range(100):
        real.check_counts(*drawn.sample(range(1968, 2025), 2))


@pytest.mark.slow
def test_all_pairs_of_years_reach_every_commune(real):
    for first in range(1968, 2025):
        for last in range(1968, 2025):
            real.check_links(first, last)


def test_a_real_merger_that_came_undone_needs_no_weights(real):
    codes = ["85030", "85084", "85165", "85212"]
    table = pd.DataFrame({"n": 1.0}, index=codes)
    moved = to_cog(table, real.movements, from_year=2015, to_year=2024)
    # Boulogne stayed in Essarts-en-Bocage, L'Oie and Sainte-Florence left it in 2024
    assert moved["n"].to_dict() == {"85084": 2, "85165": 1, "85212": 1}


@pytest.mark.slow
def test_the_real_populations_of_rp_2016_fit_the_communes_of_rp_2021(real, shared_data):
    def census(name: str) -> pd.DataFrame:
        table = sources.read_legal_population(shared_data / "population" / name)
        return table.drop(columns="name").groupby(commune_of_arrondissement).sum()

    older, newer = census("ensemble_rp2016.xls.gz"), census("donnees_communes_rp2021.csv")
    # RP 2021, in force in 2024, is told in the communes of 1 January 2023
    assert set(newer.index) == {code for code in real.communes(2023) if not code.startswith("976")}
    years = {"from_year": 2018, "to_year": 2023}
    # Sannerville left Saline in 2020, and no census counted it apart before
    with pytest.raises(ParameterError, match="14712 devient 14666, 14712"):
        to_cog(older, real.movements, **years)
    moved = to_cog(older, real.movements, **years, weights=newer["population"])
    assert set(moved.index) == set(newer.index)
    assert (moved.sum() == older.sum()).all()
    # five years of growth (Bezannes 2.4, La Cavalerie 2.0), not another commune's people
    growth = newer["population"] / moved.loc[newer.index, "population"]
    assert growth[newer["population"] > 2000].between(0.6, 2.5).all()
