"""What a scenario may change, as the study file says it: one class for each kind of change.

Each says what it does to which authorisation (`acts`), which sites and tables it names (`sites`, `tables`), what
contradicts it (`clashes`) and what is wrong in it (`check`). `territory.scenario.changes` carries it out.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import pandas as pd
from pydantic import Field, field_validator

from territory.errors import TerritoryError, counted
from territory.study import own_tables
from territory.study.own_tables import Findings, Known, Part, Persons, named_by
from territory.tables.schemas import COMMUNE_CODE

# what stands for the site that a question of siting has chosen: "siting:" and its id
SITING_PREFIX = "siting:"
FamilyRule = Literal["stay", "closest", "reallocated"]
Code = Annotated[str, Field(pattern=COMMUNE_CODE)]
# the authorisations exercised at each site
HeldAt = Mapping[str, Sequence[str]]


class Act(NamedTuple):
    """What a change does to an authorisation; `changes_place`: its families no longer find it where it was."""

    authorisation: str
    act: str
    value: Any = None
    changes_place: bool = False


class StudyChange(Part):
    """What every kind of change answers: a new kind is a class that overrides what concerns it."""

    # changes are made in this order, whatever that of the file: what comes is there before it moves
    order: ClassVar[int] = 0
    # keys that name a site: where a service comes from, and where it goes to
    site_keys: ClassVar[tuple[str, ...]] = ()
    table_keys: ClassVar[tuple[str, ...]] = ()

    @property
    def rank(self) -> int:
        """Return the place of this change among those of its kind."""
        return 0

    @property
    def closed_site(self) -> str | None:
        """Return the site that closes with everything it offers."""
        return None

    def acts(self, held_at: HeldAt) -> Iterator[Act]:
        """Yield what the change does to each authorisation."""
        yield from ()

    def sites(self) -> dict[str, str]:
        """Return the sites that the change names, by their key."""
        return {key: site for key in self.site_keys for site in named_by(self, key)}

    def receives(self) -> list[str]:
        """Return the sites that a service comes to."""
        return [site for key, site in self.sites().items() if key != "from_site_id"]

    def tables(self) -> dict[str, str]:
        """Return the planner's tables that the change names, by their key."""
        return {key: path for key in self.table_keys for path in named_by(self, key)}

    def clashes(self, earlier: "StudyChange") -> str:
        """Say why another change of the scenario overwrites this one; empty when it does not."""
        return ""

    def check(self, known: Known) -> Findings:
        """Yield what is wrong, the sites and authorisations that nobody declares apart: communes, and tables."""
        absent = [code for code in getattr(self, "communes", ()) if code not in known.communes.index]
        if absent:
            yield ("communes",), counted(absent, "commune(s) hors de la carte de l'étude")
        for key, value in self.tables().items():
            if not known.tables.has(value):
                yield (key,), own_tables.absent_file(value)
                continue
            try:
                known.tables.read(own_tables.read_change_table, value, key=key, communes=known.communes.index)
            except TerritoryError as error:
                yield (key,), str(error)


class OfferChange(StudyChange):
    """A change of the services and of their sites."""


class OpenSite(OfferChange):
    """A service opens at a declared site under a new authorisation (CASF L313-1)."""

    order: ClassVar[int] = 0
    site_keys: ClassVar[tuple[str, ...]] = ("site_id",)

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

    def acts(self, held_at: HeldAt) -> Iterator[Act]:
        """Open its authorisation."""
        yield Act(self.authorisation_id, "opened", self.capacity)


class TransferAuthorisation(OfferChange):
    """An authorisation passes to another body, a GCSMS say, or is run by it; sites and places stay as they are.

    Two different acts. `act = "transfer"`: the body becomes the holder, with the agreement of the authority
    (CASF L313-1, and L312-7 3° b for a GCSMS authorised in the place of its members). `act = "operation"`: the
    member remains the holder and the groupement runs the authorisation for it (CASF L312-7 3° b).
    """

    order: ClassVar[int] = 1

    type: Literal["transfer_authorisation"] = "transfer_authorisation"
    authorisation_ids: tuple[str, ...] = Field(min_length=1)
    to: str = Field(min_length=1)
    act: Literal["transfer", "operation"] = "transfer"

    def acts(self, held_at: HeldAt) -> Iterator[Act]:
        """Transfer each authorisation, or have it run."""
        act = "operated" if self.act == "operation" else "transferred"
        yield from (Act(name, act, self.to) for name in self.authorisation_ids)


class MoveSite(OfferChange):
    """Services move to another site under the same authorisations and with the same places (CASF L313-1).

    A change of premises is told to the authority that authorised; it creates no place. Give `authorisation_ids`
    to move some services of a site, or `from_site_id` to move all of them.
    """

    order: ClassVar[int] = 2
    site_keys: ClassVar[tuple[str, ...]] = ("from_site_id", "to_site_id")

    type: Literal["move_site"] = "move_site"
    authorisation_ids: tuple[str, ...] = ()
    from_site_id: str | None = None
    to_site_id: str

    def acts(self, held_at: HeldAt) -> Iterator[Act]:
        """Move the authorisations that are named, or all those of the site."""
        moved = self.authorisation_ids or held_at.get(self.from_site_id or "", ())
        yield from (Act(name, "moved", self.to_site_id, changes_place=True) for name in moved)

    def check(self, known: Known) -> Findings:
        """Refuse to move nothing."""
        if not self.authorisation_ids and self.from_site_id is None:
            yield (), "un déplacement nomme authorisation_ids ou from_site_id"


class MergeEstablishments(OfferChange):
    """One authorisation takes over the places of others (CASF L312-7 4°); their sites are kept or brought onto one.

    Places are added up, unknown when one of them is. Without `to_site_id` every site is kept and families stay
    at theirs; with it everything stands at that site.
    """

    order: ClassVar[int] = 3
    site_keys: ClassVar[tuple[str, ...]] = ("to_site_id",)

    type: Literal["merge_establishments"] = "merge_establishments"
    into_authorisation_id: str
    absorbed_ids: tuple[str, ...] = Field(min_length=1)
    to_site_id: str | None = None

    def acts(self, held_at: HeldAt) -> Iterator[Act]:
        """Absorb some authorisations into another; without a site to go to, each stays where it is."""
        is_moved = self.to_site_id is not None
        for name in self.absorbed_ids:
            yield Act(name, "absorbed", self.into_authorisation_id, changes_place=is_moved)
        yield Act(self.into_authorisation_id, "absorbing", self.to_site_id, changes_place=is_moved)


class PoolSites(OfferChange):
    """Members of a GCSMS share services and rooms on one site (CASF L312-7 3° a); no place is created.

    It moves no authorisation unless `moves_services` says so. `freed_staff_share` is the share of staff time that
    pooling frees (0 to 1); None or nan = unknown, and then no wait can be said to be shorter.
    """

    order: ClassVar[int] = 4
    site_keys: ClassVar[tuple[str, ...]] = ("site_id",)

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

    def acts(self, held_at: HeldAt) -> Iterator[Act]:
        """Pool the members, which moves them when the pooling says so."""
        for name in self.member_ids:
            if self.moves_services:
                yield Act(name, "moved", self.site_id, changes_place=True)
            else:
                yield Act(name, "pooled", self.name)


class OpenBranch(OfferChange):
    """An authorisation is exercised at one more site; its places stay the same in all (no new authorisation).

    `capacity` is the part of its places that goes to the branch; without it how they are shared is unknown.
    Each family goes to the closer of the authorisation's sites.
    """

    order: ClassVar[int] = 5
    site_keys: ClassVar[tuple[str, ...]] = ("site_id",)

    type: Literal["open_branch"] = "open_branch"
    authorisation_id: str
    site_id: str
    capacity: float | None = Field(default=None, ge=0)

    def acts(self, held_at: HeldAt) -> Iterator[Act]:
        """Give the authorisation one more site."""
        yield Act(self.authorisation_id, "branched", self.capacity)

    def check(self, known: Known) -> Findings:
        """Refuse a branch that takes more places than its authorisation has."""
        rows = known.services[known.services["authorisation_id"] == self.authorisation_id]
        total = pd.to_numeric(rows["capacity"], errors="coerce").sum(min_count=1)
        if self.capacity is not None and total < self.capacity:
            yield ("capacity",), f"l'antenne prendrait {self.capacity:g} places sur {total:g}"


class ChangeCapacity(OfferChange):
    """The capacity of an authorisation becomes another number, in its own unit (CASF L313-1)."""

    order: ClassVar[int] = 6

    type: Literal["change_capacity"] = "change_capacity"
    authorisation_id: str
    capacity: float = Field(ge=0)

    def acts(self, held_at: HeldAt) -> Iterator[Act]:
        """Resize the authorisation."""
        yield Act(self.authorisation_id, "resized", self.capacity)


class CloseSite(OfferChange):
    """A site closes with everything it offers, or a single authorisation of it ends (CASF L313-1)."""

    order: ClassVar[int] = 7
    site_keys: ClassVar[tuple[str, ...]] = ("site_id",)

    type: Literal["close_site"] = "close_site"
    site_id: str | None = None
    authorisation_id: str | None = None

    @property
    def closed_site(self) -> str | None:
        """Return the site, when all of it closes."""
        return None if self.authorisation_id else self.site_id

    def receives(self) -> list[str]:
        """Return no site."""
        return []

    def acts(self, held_at: HeldAt) -> Iterator[Act]:
        """Close one authorisation, or leave those of the site without it: what has moved away is not closed."""
        if self.authorisation_id is not None:
            yield Act(self.authorisation_id, "closed", changes_place=True)
        else:
            held = held_at.get(self.site_id or "", ())
            yield from (Act(name, "site_closed", self.site_id, changes_place=True) for name in held)

    def check(self, known: Known) -> Findings:
        """Refuse to close nothing."""
        if self.site_id is None and self.authorisation_id is None:
            yield (), "une fermeture nomme site_id ou authorisation_id"


class ChangeSpeeds(StudyChange):
    """Roads become faster or slower: a new road, a closed pass, peak hours.

    With a road map only: `period` or `speeds_file` (the whole map under other speeds), or works (`roads` by name or
    reference, `way_ids`, `polygon` and `month` together say what is closed, or slowed by `time_factor`; a road is
    drawn along `line` at `speed_kmh`). With any times: `time_factor` (when one end is in `communes` or in the `box`,
    everywhere without either), or `times_file` (from_commune, to_commune, travel_time_min, in the direction given).
    """

    order: ClassVar[int] = 8
    table_keys: ClassVar[tuple[str, ...]] = ("times_file", "speeds_file")

    type: Literal["change_speeds"] = "change_speeds"
    period: Literal["off_peak", "peak"] | None = None
    speeds_file: str | None = None
    time_factor: float | None = Field(default=None, gt=0)
    communes: tuple[Code, ...] = ()
    # west, south, east, north (degrees)
    box: tuple[float, float, float, float] | None = None
    times_file: str | None = None
    roads: tuple[str, ...] = ()
    way_ids: tuple[int, ...] = ()
    # corners as longitude and latitude (degrees)
    polygon: tuple[tuple[float, float], ...] = ()
    month: int | None = Field(default=None, ge=1, le=12)
    line: tuple[tuple[float, float], ...] = ()
    speed_kmh: float | None = Field(default=None, ge=5, le=160)
    source: str = ""

    def _faults(self) -> Iterator[str]:
        """Refuse a change that says nothing, or two things at once."""
        factor = None if self.works else self.time_factor
        ways = (self.period or self.speeds_file, self.works or None, factor, self.times_file)
        if sum(way is not None for way in ways) != 1:
            said = "donnez period ou speeds_file, ou des routes (roads, way_ids, polygon, month, line)"
            yield f"{said}, ou time_factor, ou times_file : un seul des quatre"
        if bool(self.line) != (self.speed_kmh is not None) or len(self.line) == 1:
            yield "line et speed_kmh vont ensemble : les points d'une route neuve et sa vitesse"
        if self.polygon and len(self.polygon) < 3:
            yield "polygon veut au moins trois sommets, [longitude, latitude]"
        if self.works and self.communes + tuple(self.box or ()):
            yield "communes et box ne vont pas avec des routes : donnez polygon"
        if (self.communes or self.box) and self.time_factor is None and not self.works:
            yield "communes et box ne vont qu'avec time_factor"
        if self.communes and self.box:
            yield "donnez communes ou box, pas les deux"
        if self.box and not (self.box[0] < self.box[2] and self.box[1] < self.box[3]):
            yield "box s'écrit [ouest, sud, est, nord], en degrés"

    @property
    def works(self) -> dict[str, Any]:
        """Return what is closed, slowed or drawn on the road map, empty if nothing is."""
        keys = ("roads", "way_ids", "polygon", "month", "line")
        return {key: getattr(self, key) for key in keys if getattr(self, key)}

    @property
    def roads_key(self) -> str:
        """Return what stands for the road map under these speeds, empty when the map is not weighted again."""
        if self.works:
            return repr((self.works, self.time_factor, self.speed_kmh))
        if self.period is None and self.speeds_file is None:
            return ""
        return f"{self.period or 'off_peak'}|{self.speeds_file or ''}"

    @property
    def said(self) -> str:
        """Return what happens to the roads of the map, in French; empty if it is neither works nor peak hours."""
        listed = [*self.roads, *(f"voie {way}" for way in self.way_ids)]
        meant = ", ".join(listed) or ("celles que ferme la saison" if self.month else "celles d'un secteur")
        happens = "fermées" if self.time_factor is None else f"temps × {self.time_factor:g}".replace(".", ",")
        told = [f"{meant} ({happens})"] if self.works.keys() - {"line"} else []
        if self.period == "peak":
            told = ["heures de pointe, aux vitesses supposées par METRIC (INSEE) et non mesurées"]
        return " ; ".join(told + ([f"une route neuve à {self.speed_kmh:g} km/h"] if self.line else []))

    @property
    def rank(self) -> int:
        """Return 0 for another table of speeds, 1 for a factor, 2 for given times: these have the last word."""
        return 0 if self.roads_key else (1 if self.time_factor is not None else 2)

    def clashes(self, earlier: StudyChange) -> str:
        """Refuse two tables of speeds, and two tables of times."""
        if not isinstance(earlier, ChangeSpeeds):
            return ""
        if self.roads_key and earlier.roads_key:
            return "deux tables de vitesses pour une même carte, ou des routes en deux fois : réunissez-les"
        return "deux fichiers de temps" if self.times_file and earlier.times_file else ""

    def check(self, known: Known) -> Findings:
        """Refuse communes and tables that cannot be used, and a factor under which the times kept say too little."""
        yield from super().check(known)
        factor, kept, highest = self.time_factor, known.max_time_min, max(known.thresholds_min)
        factor = None if self.works else factor
        if factor is not None and 0 < factor < 1 and kept * factor < highest:
            said = f"avec ce facteur, les temps gardés ({kept:g} min) ne répondent plus au seuil de {highest:g} min"
            yield ("time_factor",), f"{said} : portez max_time_min à {highest / factor:.0f}"


class NewPersons(Part):
    """Persons of an age range who come to live in a commune."""

    age_min: int = Field(ge=0)
    age_max: int = Field(ge=0)
    persons: Persons

    def _faults(self) -> Iterator[str]:
        """Refuse a range that is not in order."""
        if self.age_min > self.age_max:
            yield "age_min dépasse age_max"


class ChangePopulation(StudyChange):
    """The population changes, and needs follow it with the same rates.

    One of three: `growth_per_year` from `from_year` to `to_year`, everywhere or in `communes` (every age grows
    alike); `population_file` (columns commune_code, age_min, age_max, population: each commune it names is brought
    to these persons); `persons` by age range who come to live in the one commune of `communes` (new housing).
    """

    order: ClassVar[int] = 9
    table_keys: ClassVar[tuple[str, ...]] = ("population_file",)

    type: Literal["change_population"] = "change_population"
    growth_per_year: float | None = Field(default=None, gt=-1)
    from_year: int | None = None
    to_year: int | None = None
    communes: tuple[Code, ...] = ()
    population_file: str | None = None
    persons: tuple[NewPersons, ...] = ()
    source: str = ""

    def _faults(self) -> Iterator[str]:
        """Refuse a change that says nothing, two things at once, or half of one."""
        ways = (self.growth_per_year is not None, self.population_file is not None, bool(self.persons))
        if sum(ways) != 1:
            yield "donnez growth_per_year, population_file ou persons : un seul des trois"
        if ways[0] and (self.from_year is None or self.to_year is None):
            yield "growth_per_year demande from_year et to_year"
        if ways[1] and (self.communes or self.to_year is None):
            yield "population_file demande to_year, et nomme lui-même ses communes"
        if ways[2] and len(self.communes) != 1:
            yield "persons demande communes avec une seule commune"

    @property
    def rank(self) -> int:
        """Return 0 for a table, 1 for a growth, 2 for persons who arrive: they come last."""
        return 0 if self.population_file else (2 if self.persons else 1)

    def clashes(self, earlier: StudyChange) -> str:
        """Refuse two evolutions of one commune; who arrives is added to any."""
        if not isinstance(earlier, ChangePopulation) or self.persons or earlier.persons:
            return ""
        if self.communes and earlier.communes and not set(self.communes) & set(earlier.communes):
            return ""
        return "deux évolutions de la population se recouvrent : réunissez-les dans une seule table"


_OfOneSite = MoveSite | OpenSite | OpenBranch | CloseSite | ChangeCapacity | TransferAuthorisation
_OfSeveral = PoolSites | MergeEstablishments
Change = Annotated[_OfOneSite | _OfSeveral | ChangeSpeeds | ChangePopulation, Field(discriminator="type")]
