"""Types of territory: communes that look alike in needs, access, age and density, and a sentence for each type."""

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from territory.access.pairs import Floats, Labels, unique_ids, warn
from territory.errors import ParameterError, Problems, TerritoryError, agree, counted, examples
from territory.french.numbers import decimal

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

# adjusted Rand index from which two partitions are usually called in good agreement (Steinley 2004,
# Psychological Methods 9, 386-396: moderate from 0.65, good from 0.80)
STABLE_FROM = 0.8
_DRAWS = 20
# standard deviations from the mean of the units at which a type is called apart
_APART = 0.5
_FAR_APART = 1.25


@dataclass(frozen=True, repr=False)
class TypologyResult:
    """Types found by `typology`, on the index of the features (T1 is the most numerous; NaN where one is unknown).

    `centres`: mean of each feature by type, in its own unit, and n_units. `scores`, by number of types: silhouette
    (-1 to 1), stability (mean adjusted Rand index over resamples, 1 = the same types each time), smallest (units in
    the smallest type), is_chosen. `reason` and `sentences` say in French why this number of types, and what each is.
    """

    types: "pd.Series[str]"
    centres: pd.DataFrame
    scores: pd.DataFrame
    reason: str
    sentences: "pd.Series[str]"

    def __repr__(self) -> str:
        chosen = self.scores[self.scores["is_chosen"]].iloc[0]
        return (
            f"TypologyResult({len(self.centres)} types of {int(self.types.notna().sum())} units; "
            f"silhouette {chosen['silhouette']:.2f}, stability {chosen['stability']:.2f})"
        )

    def _repr_html_(self) -> str:
        """Return the reason and the sentences for Jupyter."""
        lines = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in self.sentences)
        return f"<p>{html.escape(self.reason)}</p><ul>{lines}</ul>"


def typology(
    features: pd.DataFrame,
    *,
    labels: Mapping[str, str] | None = None,
    n_types: int | None = None,
    max_types: int = 8,
    log_columns: Sequence[str] = (),
    rng: np.random.Generator | None = None,
) -> TypologyResult:
    """Sort units into types by their features, and describe each type (docs/method/groupements.md).

    Parameters
    ----------
    features
        One row per unit (commune, EPCI), one column of numbers per feature: needs, access, age, density. A unit
        with an unknown feature gets no type, with a warning.
    labels
        What each column is in French, with its unit in brackets; None = the names of the columns.
    n_types, max_types
        Number of types wanted, None = chosen between 2 and the most looked at.
    log_columns
        Features to be compared by ratio and not by difference (densities, populations): all above 0.
    rng
        Source of luck; None = the same at each call.

    Returns
    -------
    TypologyResult
        Among the numbers of types that are stable (`STABLE_FROM`), the one with the best silhouette; where none
        is, the most stable, and `reason` says that the types are fragile.

    Raises
    ------
    ParameterError
        With everything that is wrong in the inputs.

    Notes
    -----
    Features are centred and reduced, then k-means with 10 starts (Lloyd 1982). Silhouette: Rousseeuw (1987). Stability:
    mean adjusted Rand index (Hubert and Arabie 1985) over 20 resamples of the units (Hennig 2007, Computational
    Statistics and Data Analysis 52, 258-271).

    Examples
    --------
    >>> table = pd.DataFrame({"time_min": [5, 6, 7, 5, 40, 42, 41, 43.0]}, index=list("ABCDEFGH"))
    >>> typology(table, labels={"time_min": "temps d'accès (min)"}, max_types=3).sentences["T2"]
    "Type T2 (4 unités) : temps d'accès (min) au-dessus de la moyenne (41,5 contre 23,6)."
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    words = _check(features, labels, n_types, max_types, log_columns)
    known = features.notna().all(axis=1)
    if not known.all():
        lost = counted(features.index[~known], "unité(s) sans type, faute d'une donnée")
        warn(f"{lost} : complétez les colonnes, ou retirez celle qui manque.")
    # sorted, so that the order of the rows changes nothing
    table = features[known].astype(np.float64).sort_index()
    logged = table.copy()
    logged[list(log_columns)] = np.log(logged[list(log_columns)])
    luck = np.random.default_rng(0) if rng is None else rng
    most = min(max_types, len(logged.drop_duplicates()) - 1)
    wanted = range(2, most + 1) if n_types is None else [n_types]
    # hundreds of tiny fits: threads would wait for each other, and add up in another order each time
    with threadpool_limits(1):
        tried = {count: _try(logged.to_numpy(), count, luck) for count in wanted}
    scores = pd.DataFrame({count: score for count, (_, score) in tried.items()}).T.rename_axis("n_types")
    chosen, reason = _choose(scores, n_types)
    scores["is_chosen"] = scores.index == chosen
    # renumbered from the most numerous, ties by the first unit
    found = tried[chosen][0]
    _, first, place, counts = np.unique(found, return_index=True, return_inverse=True, return_counts=True)
    codes = np.argsort(np.lexsort((first, -counts)))[place]
    types = pd.Series([f"T{code + 1}" for code in codes], index=table.index, dtype="str", name="type")
    centres = table.groupby(types.to_numpy()).mean().rename_axis("type")
    centres.insert(0, "n_units", types.value_counts().reindex(centres.index))
    sentences = _sentences(table, logged, types, centres, words)
    return TypologyResult(types.reindex(features.index), centres, scores, reason, sentences)


def _check(
    features: pd.DataFrame,
    labels: Mapping[str, str] | None,
    n_types: int | None,
    max_types: int,
    log_columns: Sequence[str],
) -> dict[str, str]:
    """Return the French name of each feature, or raise one error with all that is wrong."""
    problems = Problems("Typologie", ParameterError)
    try:
        unique_ids(features.index, "Unités")
    except TerritoryError as error:
        problems.add(str(error))
    if not len(features.columns):
        problems.add("aucune colonne à comparer")
    for column in features.columns:
        _check_column(features[column], str(column), column in log_columns, problems)
    stray = [column for column in [*log_columns, *(labels or {})] if column not in features.columns]
    problems.count(stray, "colonne(s) inconnue(s)")
    # a type needs more units than there are types
    usable = len(features.dropna().drop_duplicates())
    for name, value in (("n_types", n_types), ("max_types", max_types)):
        if value is not None and not value >= 2:
            problems.add(f"{name} = {value} : au moins 2 types sont attendus")
    if usable <= max(2, n_types or 2):
        few = agree(usable, "unité(s) différente(s)")
        problems.add(f"{few} et sans donnée manquante : trop peu pour des types")
    problems.raise_if_any()
    return {str(column): (labels or {}).get(column, str(column)) for column in features.columns}


def _check_column(values: "pd.Series[float]", name: str, is_log: bool, problems: Problems) -> None:
    if not pd.api.types.is_numeric_dtype(values.dtype):
        problems.add(f"colonne « {name} » : des nombres sont attendus")
    elif np.isinf(values).any():
        problems.add(f"colonne « {name} » : valeurs infinies ({examples(values.index[np.isinf(values)])})")
    elif values.nunique() < 2:
        problems.add(f"colonne « {name} » : la même valeur partout, elle ne distingue rien")
    elif is_log and (values <= 0).any():
        said = f"colonne « {name} » : valeurs nulles ou négatives ({examples(values.index[values <= 0])})"
        problems.add(f"{said}, sans rapport possible ; retirez-la de log_columns")


def _model(count: int, luck: np.random.Generator) -> "Pipeline":
    """Return scaling then clustering."""
    from sklearn.cluster import KMeans
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), KMeans(count, n_init=10, random_state=int(luck.integers(2**31))))


def _try(values: Floats, count: int, luck: np.random.Generator) -> tuple[np.ndarray, dict[str, float]]:
    """Return the type of each unit for one number of types, and its scores."""
    from sklearn.metrics import adjusted_rand_score, silhouette_score
    from sklearn.preprocessing import StandardScaler

    codes = _model(count, luck).fit_predict(values)
    agreement = []
    for _ in range(_DRAWS):
        drawn = values[luck.integers(len(values), size=len(values))]
        # a draw of very few distinct units has no such number of types
        if len(np.unique(drawn, axis=0)) > count:
            agreement.append(adjusted_rand_score(codes, _model(count, luck).fit(drawn).predict(values)))
    silhouette = -1.0
    if len(np.unique(codes)) > 1:
        silhouette = float(silhouette_score(StandardScaler().fit_transform(values), codes))
    return codes, {
        "silhouette": silhouette,
        "stability": float(np.mean(agreement)) if agreement else math.nan,
        "smallest": float(np.bincount(codes, minlength=count).min()),
    }


def _choose(scores: pd.DataFrame, n_types: int | None) -> tuple[int, str]:
    """Return the number of types, and why, in French."""
    counts = scores.index.to_numpy(dtype=np.int64)
    silhouette = scores["silhouette"].to_numpy(dtype=np.float64)
    stability = scores["stability"].to_numpy(dtype=np.float64)
    stable = stability >= STABLE_FROM
    if n_types is not None:
        best = int(np.flatnonzero(counts == n_types)[0])
        why = f"{n_types} types demandés"
    else:
        if stable.any():
            best = int(np.argmax(np.where(stable, silhouette, -np.inf)))
            why = f"silhouette la plus élevée parmi les nombres de types stables ({int(stable.sum())})"
        else:
            best = int(np.argmax(np.nan_to_num(stability, nan=-1.0)))
            threshold = _number(STABLE_FROM, 2)
            why = f"le nombre le plus stable, mais sous le seuil de {threshold}, donc des types fragiles"
        why = f"{counts[best]} types retenus entre {counts.min()} et {counts.max()} : {why}"
    return int(counts[best]), (
        f"{why} (silhouette {_number(float(silhouette[best]), 2)}, stabilité {_number(float(stability[best]), 2)} : "
        f"indice de Rand ajusté moyen sur {_DRAWS} rééchantillonnages)."
    )


def _sentences(
    table: pd.DataFrame, logged: pd.DataFrame, types: Labels, centres: pd.DataFrame, words: dict[str, str]
) -> "pd.Series[str]":
    """Return one sentence by type: what sets it apart from the mean of all units, farthest first."""
    apart = (logged.groupby(types.to_numpy()).mean() - logged.mean()) / logged.std(ddof=0)
    said = {}
    for name in centres.index:
        here = centres.loc[name]
        far = apart.loc[name].sort_values(ascending=False, kind="stable", key=np.abs)
        parts = [
            f"{words[str(column)]} {'très ' if abs(distance) >= _FAR_APART else ''}"
            f"{'au-dessus' if distance > 0 else 'au-dessous'} de la moyenne ({_number(float(here[column]))} contre "
            f"{_number(float(table[column].mean()))})"
            for column, distance in far[far.abs() >= _APART].items()
        ]
        count = int(here["n_units"])
        text = " ; ".join(parts) or "proche de la moyenne sur tous les indicateurs"
        said[name] = f"Type {name} ({count} unité{'s' if count > 1 else ''}) : {text}."
    return pd.Series(said, name="sentence").rename_axis("type")


def _number(value: float, decimals: int | None = None) -> str:
    """Return a number in French, with three significant figures unless decimals are given."""
    if math.isnan(value):
        return "inconnue"
    if decimals is None:
        decimals = max(0, 2 - math.floor(math.log10(abs(value)))) if value else 0
        decimals = min(decimals, 4)
    return decimal(value, decimals)
