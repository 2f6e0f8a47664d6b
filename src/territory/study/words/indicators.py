"""What a study file says of its indicators: deserts, access to GPs, doubt, paths, prices, buildings and queues."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Slug = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
Year = Annotated[int, Field(ge=1900, le=2100)]
# the profile of the APL recast in 2015, with which the thresholds of 2.5 and 4 were published
RECAST_PROFILE = "drees_2015"
_SOURCE = "DREES, Les Dossiers de la DREES n° 17, mai 2017"


class _Model(BaseModel):
    """A part of a study file: no unknown key, nothing changed after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DesertCriterion(_Model):
    """One threshold: a commune beyond it is in the desert, at it not yet.

    `measure` is `time` (minutes to the closest site of any of `services`, desert above the threshold) or `apl`
    (consultations per standardised inhabitant and year, desert under it). The threshold of an APL was published
    with a `profile`, and is refused on another one. `published` names the figure of a producer that decides where
    the data have it (`urgences_smur`, `apl`); what is computed is then shown beside it.
    """

    id: Slug
    label: str
    measure: Literal["time", "apl"] = "time"
    services: tuple[str, ...] = ()
    threshold: float = Field(gt=0)
    source: str
    profile: str = RECAST_PROFILE
    published: Literal["urgences_smur", "apl"] | None = None

    @model_validator(mode="after")
    def _whole(self) -> DesertCriterion:
        """Refuse a time to nothing, and services of an APL."""
        if self.measure == "time" and not self.services:
            raise ValueError("un critère de temps nomme ses services")
        if self.measure == "apl" and self.services:
            raise ValueError("l'APL est celle des généralistes : ce critère ne nomme pas de services")
        if self.published is not None and (self.published == "apl") != (self.measure == "apl"):
            raise ValueError(f"« {self.published} » n'est pas un chiffre de la mesure « {self.measure} »")
        return self

    @property
    def unit(self) -> str:
        """Return the unit of the threshold."""
        return "min" if self.measure == "time" else "consultations_per_hab"


class DesertScheme(_Model):
    """Criteria that are counted together: no criterion met, one of three…, and so on."""

    id: Slug
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
            published="apl",
        ),
        DesertCriterion(
            id="urgences",
            label="Plus de 30 min d'un service d'urgences ou d'un SMUR",
            services=("urgences", "smur"),
            threshold=30,
            source=_SOURCE,
            published="urgences_smur",
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
    No `profile` is taken by default: without one, neither an APL nor practitioners per inhabitant are computed.
    `other_profiles` are drawn beside it, to see what the weights change.
    """

    service: str = "medecin_generaliste"
    profile: str | None = None
    other_profiles: tuple[str, ...] = ()
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
        if self.profile is None and (any(given) or self.other_profiles):
            raise ValueError(
                "nommez profile, les poids des temps (drees_2012 ou drees_2015) : aucun par défaut"
            )
        return self

    def other_than(self, profile: str) -> tuple[str, ...]:
        """Return the profiles of the APL of this study that are not a given one; none when it computes no APL."""
        named = () if self.activity is None else (self.profile, *self.other_profiles)
        return tuple(name for name in named if name is not None and name != profile)


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


class PathStep(_Model):
    """One step of a path: any of the services is it; who can say what the data lack."""

    label: str
    services: tuple[str, ...] = Field(min_length=1)
    ask: str


class Coordination(_Model):
    """A kind of structure that coordinates, and the time from its edge above which its territory is too large.

    There is no published threshold: `too_far_min` is a hypothesis of the study.
    """

    label: str
    service: str
    too_far_min: float = Field(default=60, gt=0)
    ask: str


CHILD_PATH = (
    PathStep(label="Repérage et action précoce", services=("camsp",), ask="ARS (FINESS)"),
    PathStep(
        label="Diagnostic : plateforme de coordination (PCO) ou centre ressources autisme (CRA)",
        services=("pco", "cra"),
        ask="ARS (décret n° 2021-383) ; CRA de la région",
    ),
    PathStep(
        label="Soin : CMPP, CMP, hôpital de jour",
        services=("cmpp", "cmp_ij", "hdj_ij"),
        ask="ARS (FINESS) ; établissements de psychiatrie",
    ),
    PathStep(
        label="École : unités d'enseignement autisme (UEMA, UEEA)",
        services=("uema", "ueea"),
        ask="Rectorat ; ARS",
    ),
    PathStep(
        label="Établissement ou service : IME, SESSAD, ITEP, IEM, polyhandicap",
        services=("ime", "sessad", "itep", "iem", "eeap"),
        ask="ARS (FINESS)",
    ),
    PathStep(
        label="Sortie à l'âge adulte : ESAT, foyers, MAS, SAVS, SAMSAH",
        services=(
            "esat",
            "foyer_hebergement",
            "foyer_vie",
            "mas",
            "fam",
            "eam",
            "eanm",
            "savs",
            "samsah",
        ),
        ask="ARS et conseil départemental (FINESS)",
    ),
)

COORDINATION = (
    Coordination(label="Dispositif d'appui à la coordination (DAC)", service="dac", ask="ARS"),
    Coordination(
        label="Centre local d'information et de coordination (CLIC)",
        service="clic",
        ask="Conseil départemental",
    ),
    Coordination(
        label="Maison départementale des personnes handicapées (MDPH)",
        service="mdph",
        ask="MDPH du département",
    ),
    Coordination(
        label="Communauté professionnelle territoriale de santé (CPTS)",
        service="cpts",
        ask="ARS ; Assurance maladie",
    ),
)


class Vehicle(_Model):
    """What one kilometre of a vehicle costs and emits; what is not given stays unknown.

    `eur_per_trip` is a fixed price of each one-way trip, which pays for its first `included_km` (a taxi's).
    """

    id: Slug
    label: str
    eur_per_km: Amount | None = None
    eur_per_trip: Amount = 0.0
    included_km: Amount = 0.0
    eur_source: str = ""
    eur_year: Year | None = None
    co2_kg_per_km: Amount | None = None
    co2_source: str = ""
    co2_year: Year | None = None

    @model_validator(mode="after")
    def _sourced(self) -> Vehicle:
        """Refuse a figure without its source and year."""
        wrong = []
        if (self.eur_per_km is not None or self.eur_per_trip) and not (self.eur_source and self.eur_year):
            wrong.append("un prix demande eur_source et eur_year")
        if self.co2_kg_per_km is not None and not (self.co2_source and self.co2_year):
            wrong.append("co2_kg_per_km demande co2_source et co2_year")
        if wrong:
            raise ValueError(" ; ".join(wrong))
        return self


class StaffHour(_Model):
    """Value of one hour of a professional on the road, charges included."""

    eur_per_hour: Amount
    source: str = Field(min_length=1)
    year: Year


class Prices(_Model):
    """Prices that the accounts of travel are counted with; a price that is absent leaves its column unknown."""

    staff_hour: StaffHour | None = None
    vehicle: tuple[Vehicle, ...] = ()

    def of(self, vehicle_id: str | None) -> Vehicle | None:
        """Return a vehicle by its id, None when it is not declared."""
        return next((vehicle for vehicle in self.vehicle if vehicle.id == vehicle_id), None)


class Waiting(_Model):
    """Children who were seen to wait for a service, and how many leave it in a year."""

    authorisation: Slug
    waiting: Amount
    exits_per_year: Amount
    year: Year
    source: str = Field(min_length=1)


class Building(_Model):
    """A building's cost, who helps to pay it, and over how long it is counted.

    Subsidies are a range, in euros or as a share of the cost. Rents are per year: those that the services no
    longer pay, and those that they would pay.
    """

    label: str
    # the scenarios that need it; none named = every scenario without one of its own
    scenarios: tuple[str, ...] = ()
    cost_eur: Amount
    source: str = Field(min_length=1)
    year: Year
    subsidies_low_eur: Amount | None = None
    subsidies_high_eur: Amount | None = None
    subsidies_low_share: Share | None = None
    subsidies_high_share: Share | None = None
    rents_avoided_eur: Amount | None = None
    rents_paid_eur: Amount | None = None
    years: float | None = Field(default=None, gt=0, le=200)
    discount_rate_share: Share | None = None
    children_accompanied: float | None = Field(default=None, gt=0)
    assumptions: str = ""

    @model_validator(mode="after")
    def _ordered(self) -> Building:
        """Refuse half a range, one that is not in order, two ways at once, or more than the cost."""
        wrong = []
        for unit in ("eur", "share"):
            low, high = (getattr(self, f"subsidies_{side}_{unit}") for side in ("low", "high"))
            if (low is None) != (high is None):
                wrong.append(f"subsidies_low_{unit} et subsidies_high_{unit} vont ensemble")
            elif low is not None and low > high:
                wrong.append(f"subsidies_low_{unit} dépasse subsidies_high_{unit}")
        if self.subsidies_low_eur is not None and self.subsidies_low_share is not None:
            wrong.append("donnez les subventions en euros ou en part du coût, pas les deux")
        if self.subsidies_high_eur is not None and self.subsidies_high_eur > self.cost_eur:
            wrong.append("subsidies_high_eur dépasse cost_eur")
        if wrong:
            raise ValueError(" ; ".join(wrong))
        return self

    @property
    def subsidies_eur(self) -> tuple[float, float]:
        """Return the range of subsidies in euros, not a number when unknown."""
        if self.subsidies_low_share is not None and self.subsidies_high_share is not None:
            return self.cost_eur * self.subsidies_low_share, self.cost_eur * self.subsidies_high_share
        if self.subsidies_low_eur is not None and self.subsidies_high_eur is not None:
            return self.subsidies_low_eur, self.subsidies_high_eur
        return float("nan"), float("nan")
