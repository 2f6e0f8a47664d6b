"""What a scenario may change, as the study file says it; `territory.scenario` knows what each one does."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Model(BaseModel):
    """A part of a study file: no unknown key, nothing changed after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class MoveSite(_Model):
    """Services move to another site under the same authorisations and with the same places (CASF L312-7).

    Give `authorisation_ids` to move some services of a site, or `from_site_id` to move all of them.
    """

    type: Literal["move_site"] = "move_site"
    authorisation_ids: tuple[str, ...] = ()
    from_site_id: str | None = None
    to_site_id: str


class OpenSite(_Model):
    """A service opens at a declared site under a new authorisation."""

    type: Literal["open_site"] = "open_site"
    site_id: str
    service: str
    authorisation_id: str
    capacity: float | None = Field(default=None, ge=0)
    capacity_unit: str | None = None
    age_min: float | None = Field(default=None, ge=0)
    age_max: float | None = Field(default=None, ge=0)
    reception_mode: str | None = None
    delivered_at_home: bool = False


class CloseSite(_Model):
    """A site closes with everything it offers, or a single authorisation of it ends."""

    type: Literal["close_site"] = "close_site"
    site_id: str | None = None
    authorisation_id: str | None = None


class ChangeCapacity(_Model):
    """The capacity of an authorisation becomes another number, in its own unit."""

    type: Literal["change_capacity"] = "change_capacity"
    authorisation_id: str
    capacity: float = Field(ge=0)


Change = Annotated[MoveSite | OpenSite | CloseSite | ChangeCapacity, Field(discriminator="type")]


class Scenario(_Model):
    """A named list of changes to today's services."""

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
    name: str
    summary: str = ""
    change: tuple[Change, ...] = Field(min_length=1)

    def __repr__(self) -> str:
        """Return the id and the number of changes."""
        return f"Scenario({self.id!r}, {len(self.change)} change{'s' if len(self.change) > 1 else ''})"
