"""What a scenario may change, as the study file says it; `territory.scenario` knows what each one does."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from territory.tables.schemas import COMMUNE_CODE

# what stands for the site that a question of siting has chosen: "siting:" and its id
SITING_PREFIX = "siting:"
FamilyRule = Literal["stay", "closest", "reallocated"]
Code = Annotated[str, Field(pattern=COMMUNE_CODE)]


class _Model(BaseModel):
    """A part of a study file: no unknown key, nothing changed after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class MoveSite(_Model):
    """Services move to another site under the same authorisations and with the same places (CASF L313-1).

    A change of premises is told to the authority that authorised; it creates no place. Give `authorisation_ids`
    to move some services of a site, or `from_site_id` to move all of them.
    """

    type: Literal["move_site"] = "move_site"
    authorisation_ids: tuple[str, ...] = ()
    from_site_id: str | None = None
    to_site_id: str


class OpenSite(_Model):
    """A service opens at a declared site under a new authorisation (CASF L313-1)."""

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


class OpenBranch(_Model):
    """An authorisation is exercised at one more site; its places stay the same in all (no new authorisation).

    `capacity` is the part of its places that goes to the branch; without it how they are shared is unknown.
    Each family goes to the closer of the authorisation's sites.
    """

    type: Literal["open_branch"] = "open_branch"
    authorisation_id: str
    site_id: str
    capacity: float | None = Field(default=None, ge=0)


class CloseSite(_Model):
    """A site closes with everything it offers, or a single authorisation of it ends (CASF L313-1)."""

    type: Literal["close_site"] = "close_site"
    site_id: str | None = None
    authorisation_id: str | None = None


class ChangeCapacity(_Model):
    """The capacity of an authorisation becomes another number, in its own unit (CASF L313-1)."""

    type: Literal["change_capacity"] = "change_capacity"
    authorisation_id: str
    capacity: float = Field(ge=0)


class TransferAuthorisation(_Model):
    """An authorisation passes to another body, a GCSMS say, or is run by it; sites and places stay as they are.

    Two different acts. `act = "transfer"`: the body becomes the holder, with the agreement of the authority
    (CASF L313-1, and L312-7 3° b for a GCSMS authorised in the place of its members). `act = "operation"`: the
    member remains the holder and the groupement runs the authorisation for it (CASF L312-7 3° b).
    """

    type: Literal["transfer_authorisation"] = "transfer_authorisation"
    authorisation_ids: tuple[str, ...] = Field(min_length=1)
    to: str = Field(min_length=1)
    act: Literal["transfer", "operation"] = "transfer"


class PoolSites(_Model):
    """Members of a GCSMS share services and rooms on one site (CASF L312-7 3° a); no place is created.

    It moves no authorisation unless `moves_services` says so. `freed_staff_share` is the share of staff time that
    pooling frees (0 to 1); None or nan = unknown, and then no wait can be said to be shorter.
    """

    type: Literal["pool_sites"] = "pool_sites"
    name: str
    member_ids: tuple[str, ...] = Field(min_length=2)
    site_id: str
    shared: tuple[str, ...] = Field(min_length=1)
    moves_services: bool = False
    freed_staff_share: float | None = Field(default=None, ge=0, le=1)

    @field_validator("freed_staff_share", mode="before")
    @classmethod
    def _unknown(cls, value: object) -> object:
        """Read nan as unknown: a number that is not equal to itself would make two equal studies differ."""
        return None if isinstance(value, float) and math.isnan(value) else value


class MergeEstablishments(_Model):
    """One authorisation takes over the places of others (CASF L312-7 4°); their sites are kept or brought onto one.

    Places are added up, unknown when one of them is. Without `to_site_id` every site is kept and families stay
    at theirs; with it everything stands at that site.
    """

    type: Literal["merge_establishments"] = "merge_establishments"
    into_authorisation_id: str
    absorbed_ids: tuple[str, ...] = Field(min_length=1)
    to_site_id: str | None = None


class ChangeSpeeds(_Model):
    """Roads become faster or slower: a new road, a closed pass, peak hours.

    Either `period` or `speeds_file` (with a road map only: the whole map under another table of speeds), or
    `time_factor` (times are multiplied by it when one of their ends is in `communes` or in the `box`, everywhere
    without either), or `times_file` (columns from_commune, to_commune, travel_time_min: these times replace those
    between the two communes, in the direction given). A factor and a file of times are for any kind of times.
    """

    type: Literal["change_speeds"] = "change_speeds"
    period: Literal["off_peak", "peak"] | None = None
    speeds_file: str | None = None
    time_factor: float | None = Field(default=None, gt=0)
    communes: tuple[Code, ...] = ()
    # west, south, east, north (degrees)
    box: tuple[float, float, float, float] | None = None
    times_file: str | None = None
    source: str = ""

    @model_validator(mode="after")
    def _one_way(self) -> ChangeSpeeds:
        """Refuse a change that says nothing, or two things at once."""
        ways = (self.period or self.speeds_file, self.time_factor, self.times_file)
        if sum(way is not None for way in ways) != 1:
            raise ValueError(
                "donnez period ou speeds_file, ou time_factor, ou times_file : un seul des trois"
            )
        if (self.communes or self.box) and self.time_factor is None:
            raise ValueError("communes et box ne vont qu'avec time_factor")
        if self.communes and self.box:
            raise ValueError("donnez communes ou box, pas les deux")
        if self.box and not (self.box[0] < self.box[2] and self.box[1] < self.box[3]):
            raise ValueError("box s'écrit [ouest, sud, est, nord], en degrés")
        return self

    @property
    def roads_key(self) -> str:
        """Return what stands for the road map under these speeds, empty when the map is not weighted again."""
        if self.period is None and self.speeds_file is None:
            return ""
        return f"{self.period or 'off_peak'}|{self.speeds_file or ''}"


class NewPersons(_Model):
    """Persons of an age range who come to live in a commune."""

    age_min: int = Field(ge=0)
    age_max: int = Field(ge=0)
    persons: float = Field(ge=0)

    @model_validator(mode="after")
    def _ordered(self) -> NewPersons:
        """Refuse a range that is not in order."""
        if self.age_min > self.age_max:
            raise ValueError("age_min dépasse age_max")
        return self


class ChangePopulation(_Model):
    """The population changes, and needs follow it with the same rates.

    One of three: `growth_per_year` from `from_year` to `to_year`, everywhere or in `communes` (every age grows
    alike); `population_file` (columns commune_code, age_min, age_max, population: each commune it names is brought
    to these persons); `persons` by age range who come to live in the one commune of `communes` (new housing).
    """

    type: Literal["change_population"] = "change_population"
    growth_per_year: float | None = Field(default=None, gt=-1)
    from_year: int | None = None
    to_year: int | None = None
    communes: tuple[Code, ...] = ()
    population_file: str | None = None
    persons: tuple[NewPersons, ...] = ()
    source: str = ""

    @model_validator(mode="after")
    def _one_way(self) -> ChangePopulation:
        """Refuse a change that says nothing, two things at once, or half of one."""
        ways = (self.growth_per_year is not None, self.population_file is not None, bool(self.persons))
        if sum(ways) != 1:
            raise ValueError("donnez growth_per_year, population_file ou persons : un seul des trois")
        if ways[0] and (self.from_year is None or self.to_year is None):
            raise ValueError("growth_per_year demande from_year et to_year")
        if ways[1] and (self.communes or self.to_year is None):
            raise ValueError("population_file demande to_year, et nomme lui-même ses communes")
        if ways[2] and len(self.communes) != 1:
            raise ValueError("persons demande communes avec une seule commune")
        return self


Change = Annotated[
    MoveSite
    | OpenSite
    | OpenBranch
    | CloseSite
    | ChangeCapacity
    | TransferAuthorisation
    | PoolSites
    | MergeEstablishments
    | ChangeSpeeds
    | ChangePopulation,
    Field(discriminator="type"),
]


class Scenario(_Model):
    """A named list of changes to today's situation, in any order.

    `families` says where the families of a service that moves, closes or merges go: `stay` (they follow their
    authorisation), `closest` (each commune goes to the closest site of the same service, whose list must be
    complete) or `reallocated` (under capacity, from observed origins or from a need of kind orientation or
    waiting: `families_need` names it when there are several).
    """

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
    name: str
    summary: str = ""
    families: FamilyRule = "stay"
    families_need: str | None = None
    change: tuple[Change, ...] = Field(min_length=1)

    def __repr__(self) -> str:
        """Return the id and the number of changes."""
        return f"Scenario({self.id!r}, {len(self.change)} change{'s' if len(self.change) > 1 else ''})"
