"""Déserts: DREES's criteria scheme, for primary care and for any other service.

A criterion compares one measure with one threshold. Where its data are missing, or its list of sites is known
to be partial, it is « non calculable »: never passed, never failed.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from territory.access.catchments.floating_catchment import APL_NAME, RECAST_PROFILE, refuse_other_profile
from territory.access.pairs import Bools, Floats, check_names, read_amounts
from territory.errors import ParameterError, Problems, SchemaError, refuse
from territory.tables.arguments import accepting

__all__ = ["DREES_2017", "NOT_COMPUTABLE", "Criterion", "class_labels", "classify", "population_by_class"]

NOT_COMPUTABLE = "non calculable"
IN_DESERT, OUT_OF_DESERT = "en désert", "hors désert"
DIRECTIONS = ("below", "above")


@dataclass(frozen=True)
class Criterion:
    """One criterion of desert: one measure against one threshold, at which a commune is still outside.

    `direction` is "below" (desert under the threshold: an access) or "above" (over it: a time); `unit` is put at the
    end of the name of the distance; `reachable_column` is False where no site is within reach: there an "above"
    criterion is met; `source` says where the threshold comes from, with its year; `profile` is that of the APL that
    it was published with (None = tied to none).
    """

    name: str
    column: str
    threshold: float
    direction: str
    unit: str
    reachable_column: str | None = None
    source: str = ""
    profile: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be compared."""
        problems = Problems(f"Critère « {self.name} »", ParameterError)
        if self.direction not in DIRECTIONS:
            problems.add(f"sens « {self.direction} » inconnu : choisissez parmi {', '.join(DIRECTIONS)}")
        if not (math.isfinite(self.threshold) and self.threshold > 0):
            problems.add(f"seuil {self.threshold} : un nombre positif est attendu")
        if self.reachable_column is not None and self.direction != "above":
            problems.add("reachable_column n'a de sens que pour un temps (direction « above »)")
        problems.raise_if_any()


_SOURCE = "DREES, Les Dossiers de la DREES n° 17, mai 2017"

DREES_2017 = (
    Criterion("apl", APL_NAME, 2.5, "below", "consultations_per_hab", source=_SOURCE, profile=RECAST_PROFILE),
    Criterion(
        "urgences", "urgences_smur_time_min", 30.0, "above", "min", "urgences_smur_is_reachable", _SOURCE
    ),
    Criterion("pharmacie", "pharmacie_time_min", 10.0, "above", "min", "pharmacie_is_reachable", _SOURCE),
)


@accepting
def classify(access: pd.DataFrame, *, criteria: Sequence[Criterion]) -> pd.DataFrame:
    """Class each commune by the number of desert criteria that it meets.

    Parameters
    ----------
    access
        One row per commune, the columns that the criteria read. NaN = unknown; a column that is absent, as where a
        list of sites is partial, makes its criterion « non calculable » everywhere. `attrs["profile"]` says the profile
        of its APL.
    criteria
        Criteria, for example `DREES_2017`.

    Returns
    -------
    DataFrame
        For each criterion: `<name>_is_met` (True = on the side of the desert, <NA> = non calculable) and
        `<name>_distance_<unit>` (negative on the side of the desert, minus infinity out of reach). Then criteria_met
        (among those known), criteria_known, desert_class (« non calculable » as soon as one criterion is).

    Raises
    ------
    ParameterError
        If there is no criterion, a name comes twice, a column is not a number, or the APL was computed under another
        profile than the one that its threshold was published with.

    Notes
    -----
    DREES, Dossier n° 17, May 2017: APL under 2.5, more than 30 min from an emergency service or SMUR, more than
    10 min from a pharmacy. A commune at the threshold is outside the desert.

    Examples
    --------
    >>> access = pd.DataFrame({"time_min": [12.0, 45.0, float("nan")]}, index=["A", "B", "C"])
    >>> rule = Criterion("camsp", "time_min", 45.0, "above", "min")
    >>> classify(access, criteria=[rule])["desert_class"].to_list()
    ['aucun critère', 'aucun critère', 'non calculable']
    """
    names = [criterion.name for criterion in criteria]
    check_names("Critères de désert", names, "aucun critère : donnez par exemple DREES_2017")
    columns: dict[str, object] = {}
    met = np.zeros(len(access), dtype=np.int64)
    known = np.zeros(len(access), dtype=np.int64)
    for criterion in criteria:
        said = f"Critère « {criterion.name} » : le seuil de {criterion.threshold:g}".replace(".", ",")
        refuse_other_profile(access.attrs.get("profile"), criterion.profile, said)
        distance = _distance(access, criterion)
        is_known = ~np.isnan(distance)
        is_met = is_known & (distance < 0)
        columns[f"{criterion.name}_is_met"] = pd.arrays.BooleanArray(is_met, ~is_known)
        columns[f"{criterion.name}_distance_{criterion.unit}"] = distance
        met += is_met
        known += is_known
    columns["criteria_met"] = met
    columns["criteria_known"] = known
    labels = np.array(class_labels(len(criteria)), dtype=object)
    position = np.where(known == len(criteria), met, len(criteria) + 1)
    columns["desert_class"] = pd.Categorical(labels[position], categories=labels, ordered=False)
    return pd.DataFrame(columns, index=access.index)


@accepting
def population_by_class(classes: pd.DataFrame, population_hab: "pd.Series[float]") -> pd.DataFrame:
    """Count inhabitants in each class, and on the side of the desert for each criterion.

    Columns population_hab, population_share (of all the communes) and commune_count, from the result of `classify`; an
    absent, unknown or negative population is a `ParameterError`.

    Examples
    --------
    >>> rule = Criterion("camsp", "time_min", 45.0, "above", "min")
    >>> classes = classify(pd.DataFrame({"time_min": [12.0, 50.0]}, index=["A", "B"]), criteria=[rule])
    >>> population_by_class(classes, pd.Series({"A": 300.0, "B": 100.0}))["population_share"].to_list()
    [0.75, 0.25, 0.0, 0.25, 0.0]
    """
    refuse(classes.index.difference(population_hab.index), "commune(s) absente(s)", of="Population")
    here = population_hab.reindex(classes.index)
    people = read_amounts(here, "Population")
    advice = " : la part de chaque classe ne se calcule pas."
    refuse(here.index[np.isnan(people)], "commune(s) de population inconnue", of="Population", advice=advice)
    masks = class_masks(classes)
    counts = count_by_class(masks, people, np.ones(len(people), dtype=np.bool_))
    return pd.DataFrame(counts, index=list(masks))


def class_masks(classes: pd.DataFrame) -> dict[str, Bools]:
    """Return which communes are in each class, then on the side of the desert for each criterion, then unknown."""
    if not isinstance(classes.get("desert_class", classes).dtypes, pd.CategoricalDtype):
        raise SchemaError("Classes : le résultat de territory.access.deserts.classify est attendu.")
    desert = classes["desert_class"]
    masks = {str(label): (desert == label).to_numpy(dtype=np.bool_) for label in desert.cat.categories}
    for column in classes.columns[classes.columns.str.endswith("_is_met")]:
        name = column.removesuffix("_is_met")
        masks[name] = classes[column].eq(True).fillna(False).to_numpy(dtype=np.bool_)
        masks[f"{name} : {NOT_COMPUTABLE}"] = classes[column].isna().to_numpy()
    return masks


def count_by_class(masks: Mapping[str, Bools], people: Floats, here: Bools) -> dict[str, list[float]]:
    """Count the inhabitants of one zone (`here`) in each class, in the order of the masks of `class_masks`."""
    total = float(people[here].sum())
    counted = [float(people[here & mask].sum()) for mask in masks.values()]
    return {
        "population_hab": counted,
        "population_share": [count / total if total else math.nan for count in counted],
        "commune_count": [int((here & mask).sum()) for mask in masks.values()],
    }


@accepting
def class_labels(count: int) -> list[str]:
    """Return the names of the classes of a scheme, by number of criteria met, then the unknown one."""
    met = [f"{n} critère{'s' if n > 1 else ''} sur {count}" for n in range(1, count + 1)]
    return ["aucun critère", *met, NOT_COMPUTABLE]


def _distance(access: pd.DataFrame, criterion: Criterion) -> Floats:
    """Return the distance to the threshold, positive outside the desert, NaN where it cannot be known."""
    if criterion.column not in access.columns:
        return np.full(len(access), np.nan)
    column = access[criterion.column]
    if not pd.api.types.is_numeric_dtype(column.dtype):
        raise ParameterError(f"Critère « {criterion.name} » : {criterion.column} n'est pas faite de nombres.")
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    sides = (values, criterion.threshold) if criterion.direction == "below" else (criterion.threshold, values)
    distance = np.asarray(np.subtract(*sides), dtype=np.float64)
    if criterion.reachable_column in access.columns:
        # out of reach is further than any threshold
        out_of_reach = (access[criterion.reachable_column] == False).fillna(False)  # noqa: E712
        distance[out_of_reach.to_numpy(dtype=np.bool_)] = -np.inf
    return distance
