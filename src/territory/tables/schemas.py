"""The tables that everything exchanges: one declaration per column, from which checks and pages come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from territory.errors import Problems, SchemaError, UnknownCodeError, examples

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pa

FrameT = TypeVar("FrameT", bound="pd.DataFrame")

# [0-9] and not a digit of any script, which would look right and belong to no commune
COMMUNE_CODE = r"^(?:[0-9]{2}|2A|2B)[0-9]{3}$"
POINT_KINDS = ("chef_lieu", "weighted", "inside")
DEMAND_KINDS = ("prevalence", "rights", "orientation", "waiting", "population")
CAPACITY_UNITS = ("places", "file_active", "etp", "headcount", "consultations_per_year", "seances_per_year")
RECEPTION_MODES = ("internat", "semi_internat", "ambulatoire", "milieu_ordinaire", "tous_modes")


@dataclass(frozen=True)
class Column:
    """One column of a table: its type, its unit and what it means.

    `kind` is text, number, flag or geometry; `optional` columns may be absent, `nullable` ones may
    hold unknown values (NaN, never 0).
    """

    kind: str
    description: str
    unit: str = ""
    nullable: bool = False
    optional: bool = False
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    pattern: str = ""


@dataclass(frozen=True)
class Table:
    """A table of the contract: its index levels, its columns, and whether its index is unique."""

    description: str
    index: Mapping[str, Column]
    columns: Mapping[str, Column]


_COMMUNE = Column("text", "official code of the commune (INSEE)", pattern=COMMUNE_CODE)
_SITE = Column("text", "site: FINESS number of the establishment where there is one")
_SERVICE = Column("text", "service, as a short code (ime, sessad, urgences, …)")
_AGE_MIN = Column("number", "youngest age, in completed years", unit="years", minimum=0)
_AGE_MAX = Column(
    "number",
    "oldest age in completed years, inclusive; NaN = no upper bound",
    unit="years",
    nullable=True,
    minimum=0,
)

TABLES: dict[str, Table] = {
    "communes": Table(
        "The communes of a study, each with one point that stands for where its people live.",
        {"commune_code": _COMMUNE},
        {
            "name": Column("text", "name of the commune"),
            "departement_code": Column(
                "text", "département", pattern=r"^(?:[0-9]{2}|2A|2B|97[0-9]|98[0-9])$"
            ),
            "epci_code": Column("text", "SIREN of the EPCI", nullable=True),
            "epci_name": Column("text", "name of the EPCI", nullable=True),
            "population": Column("number", "legal population", unit="hab", nullable=True, minimum=0),
            "area_km2": Column("number", "area", unit="km2", minimum=0),
            "density_hab_km2": Column("number", "density", unit="hab/km2", nullable=True, minimum=0),
            "point_kind": Column("text", "how the point was chosen", choices=POINT_KINDS),
            "geometry": Column("geometry", "one point, inside the commune and on land"),
        },
    ),
    "outlines": Table(
        "Polygons of communes, for maps only; generalised or not.",
        {"commune_code": _COMMUNE},
        {"geometry": Column("geometry", "polygon or multipolygon")},
    ),
    "population": Table(
        "Persons by age band and commune.",
        {"commune_code": _COMMUNE, "age_min": _AGE_MIN, "age_max": _AGE_MAX},
        {
            "population": Column("number", "persons", unit="hab", nullable=True, minimum=0),
            "vintage": Column("text", "census the count comes from"),
        },
    ),
    "demand": Table(
        "Persons in need by commune and public; the kind says what may be set against places.",
        {"commune_code": _COMMUNE, "public": Column("text", "public (autisme, aeeh, …)")},
        {
            "demand": Column("number", "central value", unit="persons", nullable=True, minimum=0),
            "demand_low": Column("number", "low value", unit="persons", nullable=True, minimum=0),
            "demand_high": Column("number", "high value", unit="persons", nullable=True, minimum=0),
            "kind": Column("text", "what is counted", choices=DEMAND_KINDS),
        },
    ),
    "sites": Table(
        "Care sites.",
        {"site_id": _SITE},
        {
            "name": Column("text", "name of the site"),
            "category_code": Column("text", "FINESS category", nullable=True),
            "commune_code": _COMMUNE,
            "operator_id": Column("text", "FINESS number of the legal entity", nullable=True),
            "point_precision": Column("text", "what the point stands for", choices=("address", "commune")),
            "source": Column("text", "producer and vintage"),
            "geometry": Column("geometry", "one point"),
        },
    ),
    "services": Table(
        "What each site offers, one row per site and service.",
        {"site_id": _SITE, "service": _SERVICE},
        {
            "authorisation_id": Column("text", "authorisation under which the service runs", nullable=True),
            "capacity": Column("number", "capacity; NaN = unknown", nullable=True, minimum=0),
            "capacity_unit": Column("text", "unit of the capacity", nullable=True, choices=CAPACITY_UNITS),
            "public": Column("text", "public received", nullable=True),
            "age_min": Column("number", "youngest age received", unit="years", nullable=True, minimum=0),
            "age_max": Column(
                "number", "oldest age received, inclusive", unit="years", nullable=True, minimum=0
            ),
            "reception_mode": Column("text", "mode of reception", nullable=True, choices=RECEPTION_MODES),
            "delivered_at_home": Column("flag", "true when the professional travels to the person"),
            "eligible_communes": Column(
                "text", "codes the service is open to, separated by spaces", nullable=True, optional=True
            ),
            "is_complete_list": Column(
                "flag", "true when every site of this service in the territory is known"
            ),
            "capacity_scope": Column(
                "text",
                "whose capacity it is: that of the site alone, or that of the authorisation at all its sites",
                nullable=True,
                optional=True,
            ),
            "holder": Column("text", "body that holds the authorisation", nullable=True, optional=True),
            "run_by": Column(
                "text", "body that runs the authorisation for its holder", nullable=True, optional=True
            ),
            "serves": Column(
                "text",
                "authorisations whose families the row receives, after a merger, separated by spaces",
                nullable=True,
                optional=True,
            ),
        },
    ),
    "travel_times": Table(
        "Travel times; an absent pair is over the cutoff, or out of reach when there is none; NaN = unknown.",
        {},
        {
            "from_id": Column("text", "origin"),
            "to_id": Column("text", "destination"),
            "travel_time_min": Column("number", "travel time", unit="min", nullable=True, minimum=0),
            "distance_km": Column(
                "number", "road distance", unit="km", nullable=True, optional=True, minimum=0
            ),
            "uncertainty_min": Column(
                "number",
                "half-width of the doubt on the time",
                unit="min",
                nullable=True,
                optional=True,
                minimum=0,
            ),
        },
    ),
    "access": Table(
        "Access of each commune to each service; one column per measure, its unit last in its name.",
        {"commune_code": _COMMUNE, "service": _SERVICE},
        {
            "is_reachable": Column(
                "flag", "false when no site can be reached; unknown times are NaN, not false"
            )
        },
    ),
    "comparison": Table(
        "Access of each commune to each service today and in a scenario.",
        {"commune_code": _COMMUNE, "service": _SERVICE},
        {
            "baseline_travel_time_min": Column("number", "time today", unit="min", nullable=True, minimum=0),
            "scenario_travel_time_min": Column(
                "number", "time in the scenario", unit="min", nullable=True, minimum=0
            ),
            "delta_travel_time_min": Column("number", "scenario minus today", unit="min", nullable=True),
            **{
                f"{side}_{name}": Column("number", f"{text}, {said}", unit=unit, nullable=True, optional=True)
                for name, text, unit in (
                    ("within_min", "smallest threshold of the study that the time is within", "min"),
                    (
                        "access_per_1000",
                        "places within reach for 1,000 persons of the age received",
                        "per 1000",
                    ),
                    ("unmet_persons", "persons without a place", "persons"),
                )
                for side, said in (
                    ("baseline", "today"),
                    ("scenario", "in the scenario"),
                    ("delta", "difference"),
                )
            },
            "is_distinguishable": Column("flag", "false when the difference is under the doubt on it"),
        },
    ),
}


def validate(name: str, frame: FrameT, *, subject: str = "") -> FrameT:
    """Check a table against its schema and return it unchanged.

    Examples
    --------
    >>> import pandas as pd
    >>> times = pd.DataFrame({"from_id": ["83121"], "to_id": ["ime"], "travel_time_min": [-3.0]})
    >>> validate("travel_times", times)
    Traceback (most recent call last):
    territory.errors.SchemaError: Table « travel_times » : 1 problème.
    - colonne « travel_time_min » : 1 valeur hors des bornes [0 ; +∞] (-3.0)
    """
    import pandera.errors

    if name not in TABLES:
        raise UnknownCodeError(f"Table inconnue « {name} » ; tables connues : {', '.join(TABLES)}.")
    label = f"Table « {name} »" + (f" ({subject})" if subject else "")
    problems = Problems(label, SchemaError)
    _check_index(name, frame, problems)
    problems.raise_if_any()
    try:
        schema(name).validate(frame.reset_index() if TABLES[name].index else frame, lazy=True)
    except pandera.errors.SchemaErrors as error:
        _explain(TABLES[name], error.failure_cases, problems)
    problems.raise_if_any()
    return frame


@cache
def schema(name: str) -> pa.DataFrameSchema:
    """Return the pandera schema of a table of `TABLES`, whose index is checked as columns."""
    # pandera takes a second to import: never at import of the library
    import pandera.pandas as pa

    table = TABLES[name]
    return pa.DataFrameSchema(
        {
            key: pa.Column(None, _checks(column), nullable=column.nullable, required=not column.optional)
            for key, column in {**table.index, **table.columns}.items()
        },
        name=name,
    )


def _checks(column: Column) -> list[Any]:
    """Return the pandera checks of a column, each named by what it asks for."""
    import pandas as pd
    import pandera.pandas as pa

    def is_number(values: pd.Series) -> bool:
        # an index level where everything is unknown has no type of its own
        return values.empty or bool(pd.api.types.is_numeric_dtype(values.dtype))

    def is_flag(values: pd.Series) -> bool:
        return bool(pd.api.types.is_bool_dtype(values.dtype))

    def is_bounded(values: pd.Series) -> pd.Series:
        # text where numbers are expected is reported by is_number alone
        if not is_number(values):
            return pd.Series(True, index=values.index)
        low = -float("inf") if column.minimum is None else column.minimum
        high = float("inf") if column.maximum is None else column.maximum
        return values.between(low, high)

    checks: list[Any] = []
    if column.kind == "number":
        checks += [pa.Check(is_number, error="number"), pa.Check(is_bounded, error="bounds")]
    if column.kind == "flag":
        checks.append(pa.Check(is_flag, error="flag"))
    if column.choices:
        checks.append(pa.Check.isin(column.choices, error="choices"))
    if column.pattern:
        checks.append(pa.Check.str_matches(column.pattern, error="pattern"))
    return checks


def _check_index(name: str, frame: pd.DataFrame, problems: Problems) -> None:
    """Report index levels that are not those of the table, and duplicated keys."""
    expected = list(TABLES[name].index)
    if not expected:
        return
    if list(frame.index.names) != expected:
        problems.add(f"l'index devrait être ({', '.join(expected)}), il est {tuple(frame.index.names)}")
        return
    duplicated = frame.index[frame.index.duplicated()]
    if len(duplicated):
        problems.add(f"{len(duplicated)} clé{_s(len(duplicated))} en double ({examples(duplicated)})")


def _explain(table: Table, cases: pd.DataFrame, problems: Problems) -> None:
    """Turn pandera's failure cases into French lines, one per column and check."""
    columns = {**table.index, **table.columns}
    for (name, check), group in cases.groupby(["column", "check"], sort=False, dropna=False):
        if check == "column_in_dataframe":
            for missing in group["failure_case"]:
                problems.add(f"colonne absente : « {missing} » ({columns[missing].description})")
            continue
        count = len(group)
        column = columns[str(name)]
        if check in ("number", "flag"):
            kind = "des nombres sont attendus" if check == "number" else "des vrai ou faux sont attendus"
            problems.add(f"colonne « {name} » : {kind}")
            continue
        low = "-∞" if column.minimum is None else f"{column.minimum:g}"
        high = "+∞" if column.maximum is None else f"{column.maximum:g}"
        said = {
            "bounds": f"hors des bornes [{low} ; {high}]",
            "choices": f"hors de la liste ({', '.join(column.choices)})",
            "pattern": "dont la forme n'est pas celle attendue",
        }.get(str(check), f"manquante{_s(count)}")
        shown = (
            f" ({examples(group['failure_case'])})" if str(check) in ("bounds", "choices", "pattern") else ""
        )
        problems.add(f"colonne « {name} » : {count} valeur{_s(count)} {said}{shown}")


def _s(count: int) -> str:
    """Return the mark of the French plural."""
    return "s" if count > 1 else ""
