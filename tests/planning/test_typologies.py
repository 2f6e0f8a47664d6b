from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score, silhouette_score

from territory.errors import ParameterError, TerritoryWarning
from territory.planning import typology


def clouds(n: int = 30, seed: int = 1) -> tuple[pd.DataFrame, np.ndarray]:
    """Three well-parted kinds of communes, and which is which."""
    rng = np.random.default_rng(seed)
    centres = np.array([[10.0, 2000.0], [45.0, 40.0], [20.0, 300.0]])
    kind = np.repeat([0, 1, 2], [2 * n, n, n // 2])
    values = centres[kind] * np.exp(rng.normal(0, 0.08, (len(kind), 2)))
    index = [f"83{k:03d}" for k in range(len(kind))]
    return pd.DataFrame(values, columns=["time_min", "density_hab_km2"], index=index), kind


LABELS = {"time_min": "temps d'accès (min)", "density_hab_km2": "densité (hab/km²)"}


def test_kinds_that_exist_are_found_and_counted() -> None:
    features, kind = clouds()
    got = typology(features, labels=LABELS, log_columns=["time_min", "density_hab_km2"], max_types=6)
    assert adjusted_rand_score(kind, got.types) == 1.0
    assert got.centres["n_units"].tolist() == [60, 30, 15]
    assert got.scores.loc[3, "is_chosen"]
    assert got.scores.loc[3, "stability"] == pytest.approx(1.0)
    assert got.reason.startswith("3 types retenus entre 2 et 6 : silhouette la plus élevée")


def test_scores_are_those_of_the_library() -> None:
    features, _ = clouds()
    got = typology(features, n_types=2)
    scaled = (features - features.mean()) / features.std(ddof=0)
    assert got.scores.loc[2, "silhouette"] == pytest.approx(silhouette_score(scaled, got.types))
    assert got.reason.startswith("2 types demandés (silhouette 0,")


def test_each_type_has_a_sentence_that_says_its_figures() -> None:
    features, _ = clouds()
    got = typology(features, labels=LABELS, log_columns=["density_hab_km2"], n_types=3)
    mean = features["time_min"].mean()
    text = got.sentences["T2"]
    assert text.startswith("Type T2 (30 unités) : ")
    assert "temps d'accès (min) très au-dessus de la moyenne (44,5 contre" in text
    assert f"contre {mean:.1f}".replace(".", ",") in text
    assert "densité (hab/km²) très au-dessous de la moyenne" in text
    assert got.centres.loc["T2", "time_min"] == pytest.approx(features["time_min"].iloc[60:90].mean())


@pytest.mark.slow
def test_what_has_no_kinds_is_called_fragile() -> None:
    rng = np.random.default_rng(0)
    features = pd.DataFrame(rng.random((60, 6)), columns=list("abcdef"))
    got = typology(features, max_types=5)
    assert (got.scores["stability"] < 0.8).all()
    assert "donc des types fragiles" in got.reason


@pytest.mark.slow
def test_neither_the_order_of_rows_nor_the_unit_changes_a_type() -> None:
    features, _ = clouds()
    first = typology(features, max_types=4)
    mixed = features.sample(frac=1, random_state=4).assign(time_min=lambda table: table["time_min"] * 60)
    second = typology(mixed, max_types=4)
    assert list(second.types.index) == list(mixed.index)
    pd.testing.assert_series_equal(first.types, second.types.reindex(features.index))


def test_a_unit_without_a_figure_has_no_type_and_is_counted() -> None:
    features, _ = clouds()
    features.iloc[0, 0] = math.nan
    with pytest.warns(TerritoryWarning, match=r"1 unité sans type, faute d'une donnée \(83000\)"):
        got = typology(features, max_types=3)
    assert got.types.isna().sum() == 1
    assert list(got.types.index) == list(features.index)


def test_all_that_is_wrong_comes_in_one_error() -> None:
    features, _ = clouds()
    wrong = features.assign(flat=1.0, text="x", zero=0.0).iloc[:3]
    wrong.iloc[0, 0] = math.inf
    with pytest.raises(ParameterError) as caught:
        typology(wrong, n_types=1, labels={"unknown": "?"}, log_columns=["zero"])
    for part in (
        "n_types = 1",
        "1 colonne inconnue (unknown)",
        "« flat » : la même valeur partout",
        "« text » : des nombres",
        "« time_min » : valeurs infinies",
    ):
        assert part in str(caught.value)
    with pytest.raises(ParameterError, match="nulles ou négatives"):
        typology(features - 20, log_columns=["time_min"])
    with pytest.raises(ParameterError, match="trop peu pour des types"):
        typology(features.iloc[:2])


def test_a_result_shows_itself_escaped() -> None:
    features, _ = clouds()
    got = typology(features, labels={"time_min": "<b>temps</b>"}, n_types=3)
    assert repr(got).startswith("TypologyResult(3 types of 105 units; silhouette 0.")
    assert "<b>" not in got._repr_html_()
