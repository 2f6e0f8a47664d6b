"""What a study file says of money and queues: prices of travel, a building, children who wait."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Slug = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
Year = Annotated[int, Field(ge=1900, le=2100)]


class _Model(BaseModel):
    """A part of a study file: no unknown key, nothing changed after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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
