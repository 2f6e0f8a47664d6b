"""What a study file says of its indicators: criteria of desert, access to GPs, draws within the doubt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from territory.sources.producers.finess.categories import CATEGORIES

SLUG = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
_SOURCE = "DREES, Les Dossiers de la DREES n° 17, mai 2017"


class _Model(BaseModel):
    """A part of a study file: no unknown key, nothing changed after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DesertCriterion(_Model):
    """One threshold: a commune beyond it is in the desert, at it not yet.

    `measure` is `time` (minutes to the closest site of any of `services`, desert above the threshold) or `apl`
    (consultations per standardised inhabitant and year, desert under it).
    """

    id: str = Field(pattern=SLUG)
    label: str
    measure: Literal["time", "apl"] = "time"
    services: tuple[str, ...] = ()
    threshold: float = Field(gt=0)
    source: str

    @model_validator(mode="after")
    def _whole(self) -> DesertCriterion:
        """Refuse a time to nothing, and services of an APL."""
        if self.measure == "time" and not self.services:
            raise ValueError("un critère de temps nomme ses services")
        if self.measure == "apl" and self.services:
            raise ValueError("l'APL est celle des généralistes : ce critère ne nomme pas de services")
        return self

    @property
    def unit(self) -> str:
        """Return the unit of the threshold."""
        return "min" if self.measure == "time" else "consultations_per_hab"


class DesertScheme(_Model):
    """Criteria that are counted together: no criterion met, one of three…, and so on."""

    id: str = Field(pattern=SLUG)
    label: str
    criterion: tuple[DesertCriterion, ...] = Field(min_length=1)


DREES_SCHEME = DesertScheme(
    id="desert_medical",
    label="Désert médical (critères de la DREES, 2017)",
    criterion=(
        DesertCriterion(
            id="apl",
            label="Moins de 2,5 consultations de généraliste par an et par habitant (APL)",
            measure="apl",
            threshold=2.5,
            source=_SOURCE,
        ),
        DesertCriterion(
            id="urgences",
            label="Plus de 30 min d'un service d'urgences ou d'un SMUR",
            services=("urgences", "smur"),
            threshold=30,
            source=_SOURCE,
        ),
        DesertCriterion(
            id="pharmacie",
            label="Plus de 10 min d'une pharmacie",
            services=("pharmacie",),
            threshold=10,
            source=_SOURCE,
        ),
    ),
)


class Practitioners(_Model):
    """Access to GPs: the weights of times, and the two tables without which it is no APL.

    `consumption` holds acts per inhabitant and year by age (columns age_min, age_max, acts_per_hab), `activity`
    consultations per year by site (columns site_id, consultations_per_year); both are relative to the study file.
    """

    service: str = "medecin_generaliste"
    profile: str = "drees_2012"
    other_profiles: tuple[str, ...] = ("drees_2015",)
    consumption: str | None = None
    mean_acts_per_hab: float | None = Field(default=None, gt=0)
    activity: str | None = None
    source: str = ""

    @model_validator(mode="after")
    def _whole(self) -> Practitioners:
        """Refuse half of an APL."""
        given = [self.consumption is not None, self.mean_acts_per_hab is not None, self.activity is not None]
        if any(given) and not all(given):
            raise ValueError(
                "une APL demande consumption (actes par âge), mean_acts_per_hab (leur moyenne de référence) et "
                "activity (consultations par site) ; sinon aucun des trois"
            )
        if self.consumption is not None and not self.source:
            raise ValueError("indiquez source : le producteur et l'année des tables de l'APL")
        return self


class Zoning(_Model):
    """The rule of medical zoning that is simulated, never a substitute for the arrêté in force.

    `territories` is the file of territoires de vie-santé (one row per commune), relative to the study file.
    """

    profile: str = "zonage_2017"
    territories: str
    zip_quota_hab: float | None = Field(default=None, ge=0)
    zac_quota_hab: float | None = Field(default=None, ge=0)


class Uncertainty(_Model):
    """How many times the study is drawn within its doubt, and how doubt is summarised.

    `shared_error` is the correlation of the errors of two times from one commune, `sure_share` the share of draws
    from which a class is sure.
    """

    draws: int = Field(default=500, ge=0, le=10_000)
    level: float = Field(default=0.9, gt=0, lt=1)
    shared_error: float = Field(default=0.5, ge=0, le=1)
    sure_share: float = Field(default=0.9, gt=0, lt=1)


def check_criteria(
    raw: dict[str, Any], services: Collection[str]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield criteria declared twice, beyond the longest time computed, or about a service that nobody knows.

    A service that the data lack is no error: its criterion is « non calculable ».
    """
    known = set(services) | {category.service for category in CATEGORIES.values()}
    known |= {name for one in DREES_SCHEME.criterion for name in one.services}
    travel = raw.get("travel") if isinstance(raw.get("travel"), dict) else {}
    longest = travel.get("max_time_min", 120) if isinstance(travel, dict) else 120
    ids: list[object] = []
    schemes = raw.get("desert", [])
    for number, scheme in enumerate(schemes if isinstance(schemes, list) else []):
        criteria = scheme.get("criterion", []) if isinstance(scheme, dict) else []
        for place, criterion in enumerate(criteria if isinstance(criteria, list) else []):
            if not isinstance(criterion, dict):
                continue
            at: tuple[str | int, ...] = ("desert", number, "criterion", place)
            ids.append(criterion.get("id"))
            threshold = criterion.get("threshold")
            is_time = criterion.get("measure", "time") == "time"
            limit = longest if isinstance(longest, int | float) else float("inf")
            if is_time and isinstance(threshold, int | float) and threshold > limit:
                said = f"un seuil de {threshold:g} min dépasse max_time_min = {limit:g} min"
                yield (*at, "threshold"), said
            named = criterion.get("services", [])
            for service in named if isinstance(named, list) else []:
                if service not in known:
                    yield (*at, "services"), f"service inconnu « {service} »{_close(str(service), known)}"
    for value, count in Counter(one for one in ids if isinstance(one, str)).items():
        if count > 1:
            yield ("desert",), f"le critère « {value} » est déclaré {count} fois : donnez-lui un autre id"


def check_indicator_files(raw: dict[str, Any], folder: Path) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield the files of indicators that are not beside the study file."""
    for section, key in (
        ("practitioners", "consumption"),
        ("practitioners", "activity"),
        ("zoning", "territories"),
    ):
        table = raw.get(section)
        value = table.get(key) if isinstance(table, dict) else None
        if isinstance(value, str) and not (folder / value).is_file():
            yield (section, key), f"fichier absent : « {value} » (cherché à côté du fichier d'étude)"


def _close(wrong: str, known: Collection[str]) -> str:
    """Return the known names that a wrong one looks like."""
    import difflib

    found = difflib.get_close_matches(wrong, sorted(known), n=3)
    return f" ; vouliez-vous dire {', '.join(f'« {one} »' for one in found)} ?" if found else ""
