"""What a study file says of its indicators: deserts, access to GPs, doubt, paths, prices, buildings and queues."""

import tomllib
from collections.abc import Iterator
from importlib import resources
from typing import Annotated, Literal

from pydantic import Field

from territory.study.own_tables import Part, Persons

Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Slug = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
Year = Annotated[int, Field(ge=1900, le=2100)]
Figure = Literal["urgences_smur", "apl", "apl_kinesitherapeutes", "apl_infirmiers", "apl_sages_femmes"]
# the profile of the APL recast in 2015, with which the thresholds of 2.5 and 4 were published
RECAST_PROFILE = "drees_2015"


class DesertCriterion(Part):
    """One threshold: a commune beyond it is in the desert, at it not yet."""

    id: Slug
    label: str
    # minutes to the closest site of any of `services` (desert above), or consultations per inhabitant (desert under)
    measure: Literal["time", "apl"] = "time"
    services: tuple[str, ...] = ()
    threshold: float = Field(gt=0)
    source: str
    # of an APL: the profile that the threshold was published with, refused on another one
    profile: str = RECAST_PROFILE
    # the figure of a producer that decides where the data have it; what is computed is shown beside it
    published: Figure | None = None

    def _faults(self) -> Iterator[str]:
        """Refuse a time to nothing, and services of an APL."""
        if self.measure == "time" and not self.services:
            yield "un critère de temps nomme ses services"
        if self.measure == "apl" and self.services:
            yield "un critère sur une APL ne nomme pas de services"
        if self.published is not None and self.published.startswith("apl") != (self.measure == "apl"):
            yield f"« {self.published} » n'est pas un chiffre de la mesure « {self.measure} »"

    @property
    def unit(self) -> str:
        """Return the unit of the threshold."""
        if self.measure == "apl":
            return "consultations_per_hab" if self.is_of_gps else "etp_per_100000_hab"
        return "min"

    @property
    def is_of_gps(self) -> bool:
        """Tell whether it is about the APL of GPs: that of other professions is published, and not computed here."""
        return self.measure == "apl" and self.published in (None, "apl")


class DesertScheme(Part):
    """Criteria that are counted together: no criterion met, one of three…, and so on."""

    id: Slug
    label: str
    criterion: tuple[DesertCriterion, ...] = Field(min_length=1)


class Practitioners(Part):
    """Access to GPs: the weights of times, and the two tables without which it is no APL."""

    service: str = "medecin_generaliste"
    # none by default: without one, neither an APL nor practitioners per inhabitant are computed
    profile: str | None = None
    # drawn beside it, to see what the weights change
    other_profiles: tuple[str, ...] = ()
    # acts per inhabitant and year by age, and consultations per year by site: files beside the study
    consumption: str | None = None
    mean_acts_per_hab: float | None = Field(default=None, gt=0)
    activity: str | None = None
    source: str = ""

    def _faults(self) -> Iterator[str]:
        """Refuse half of an APL."""
        given = {self.consumption is not None, self.mean_acts_per_hab is not None, self.activity is not None}
        if len(given) > 1:
            yield (
                "une APL demande consumption (actes par âge), mean_acts_per_hab (leur moyenne de référence) et "
                "activity (consultations par site) ; sinon aucun des trois"
            )
        elif self.consumption is not None and not self.source:
            yield "indiquez source : le producteur et l'année des tables de l'APL"
        elif self.profile is None and (any(given) or self.other_profiles):
            yield "nommez profile, les poids des temps (drees_2012 ou drees_2015) : aucun par défaut"

    def other_than(self, profile: str) -> tuple[str, ...]:
        """Return the profiles of the APL of this study that are not a given one; none when it computes no APL."""
        named = () if self.activity is None else (self.profile, *self.other_profiles)
        return tuple(name for name in named if name is not None and name != profile)


class Zoning(Part):
    """The rule of medical zoning that is simulated, never a substitute for the arrêté in force."""

    profile: str = "zonage_2017"
    # the file of territoires de vie-santé, one row per commune
    territories: str
    zip_quota_hab: float | None = Field(default=None, ge=0)
    zac_quota_hab: float | None = Field(default=None, ge=0)


class Uncertainty(Part):
    """How many times the study is drawn within its doubt, and how doubt is summarised."""

    draws: int = Field(default=500, ge=0, le=10_000)
    level: float = Field(default=0.9, gt=0, lt=1)
    # correlation of the errors of two times from one commune; without it, the one measured on real times
    shared_error: float | None = Field(default=None, ge=0, le=1)
    # share of the draws from which a class is sure
    sure_share: float = Field(default=0.9, gt=0, lt=1)


class PathStep(Part):
    """One step of a path: any of the services is it; who can say what the data lack."""

    label: str
    services: tuple[str, ...] = Field(min_length=1)
    ask: str


class Coordination(Part):
    """A kind of structure that coordinates, and the time from its edge above which its territory is too large."""

    label: str
    service: str
    # no threshold is published: a hypothesis of the study
    too_far_min: float = Field(default=60, gt=0)
    ask: str


class Vehicle(Part):
    """What one kilometre of a vehicle costs and emits; what is not given stays unknown."""

    id: Slug
    label: str
    eur_per_km: Amount | None = None
    # a fixed price of each one-way trip, which pays for its first `included_km` (a taxi's)
    eur_per_trip: Amount = 0.0
    included_km: Amount = 0.0
    eur_source: str = ""
    eur_year: Year | None = None
    co2_kg_per_km: Amount | None = None
    co2_source: str = ""
    co2_year: Year | None = None

    def _faults(self) -> Iterator[str]:
        """Refuse a figure without its source and year."""
        if (self.eur_per_km is not None or self.eur_per_trip) and not (self.eur_source and self.eur_year):
            yield "un prix demande eur_source et eur_year"
        if self.co2_kg_per_km is not None and not (self.co2_source and self.co2_year):
            yield "co2_kg_per_km demande co2_source et co2_year"


class StaffHour(Part):
    """Value of one hour of a professional on the road, charges included."""

    eur_per_hour: Amount
    source: str = Field(min_length=1)
    year: Year


class Prices(Part):
    """Prices that the accounts of travel are counted with; a price that is absent leaves its column unknown."""

    staff_hour: StaffHour | None = None
    vehicle: tuple[Vehicle, ...] = ()

    def of(self, vehicle_id: str | None) -> Vehicle | None:
        """Return a vehicle by its id, None when it is not declared."""
        return next((vehicle for vehicle in self.vehicle if vehicle.id == vehicle_id), None)


class Waiting(Part):
    """Children who were seen to wait for a service, and how many leave it in a year."""

    authorisation: Slug
    waiting: Persons
    exits_per_year: Amount
    year: Year
    source: str = Field(min_length=1)


class Building(Part):
    """A building's cost, who helps to pay it, and over how long it is counted."""

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
    # per year
    rents_avoided_eur: Amount | None = None
    rents_paid_eur: Amount | None = None
    years: float | None = Field(default=None, gt=0, le=200)
    discount_rate_share: Share | None = None
    children_accompanied: float | None = Field(default=None, gt=0)
    assumptions: str = ""

    def _faults(self) -> Iterator[str]:
        """Refuse half a range, one that is not in order, two ways at once, or more than the cost."""
        for unit in ("eur", "share"):
            low, high = (getattr(self, f"subsidies_{side}_{unit}") for side in ("low", "high"))
            if (low is None) != (high is None):
                yield f"subsidies_low_{unit} et subsidies_high_{unit} vont ensemble"
            elif low is not None and low > high:
                yield f"subsidies_low_{unit} dépasse subsidies_high_{unit}"
        if self.subsidies_low_eur is not None and self.subsidies_low_share is not None:
            yield "donnez les subventions en euros ou en part du coût, pas les deux"
        if self.subsidies_high_eur is not None and self.subsidies_high_eur > self.cost_eur:
            yield "subsidies_high_eur dépasse cost_eur"

    @property
    def subsidies_eur(self) -> tuple[float, float]:
        """Return the range of subsidies in euros, not a number when unknown."""
        if self.subsidies_low_share is not None and self.subsidies_high_share is not None:
            return self.cost_eur * self.subsidies_low_share, self.cost_eur * self.subsidies_high_share
        if self.subsidies_low_eur is not None and self.subsidies_high_eur is not None:
            return self.subsidies_low_eur, self.subsidies_high_eur
        return float("nan"), float("nan")


DEFAULTS = tomllib.loads((resources.files("territory.study.words") / "defaults.toml").read_text("utf-8"))
(DREES_SCHEME,) = (DesertScheme.model_validate(said) for said in DEFAULTS["desert"])
CHILD_PATH = tuple(PathStep.model_validate(said) for said in DEFAULTS["path_step"])
COORDINATION = tuple(Coordination.model_validate(said) for said in DEFAULTS["coordination"])
