"""The content of a study file: everything that a planner may say, with its bounds."""

import datetime as dt
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, field_validator

from territory.datasets.files import DataFiles
from territory.study.own_tables import Location, OwnTables, Part, Persons, line_of
from territory.study.words import indicators
from territory.study.words.questions import Grouping, Siting
from territory.study.words.scenario import Scenario
from territory.tables.catalogue import html_table
from territory.tables.schemas import COMMUNE_CODE

Who = Literal["child", "parent", "staff"]
CapacityUnit = Literal["places", "file_active", "etp", "consultations_per_year", "seances_per_year"]
ReceptionMode = Literal["internat", "semi_internat", "ambulatoire", "milieu_ordinaire", "tous_modes"]
Slug = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
# the 96 départements that one road map joins, Corsica by its ferries; each overseas one is a study of its own
METROPOLITAN = (*(f"{code:02}" for code in range(1, 20)), "2A", "2B", *(str(code) for code in range(21, 96)))
ALL = "all"
# more than the thirteen of the largest région: then no single map nor report is made
MANY_DEPARTEMENTS = 20


def expand_departements(codes: Iterable[str]) -> tuple[str, ...]:
    """Return département codes, « all » standing for the 96 of metropolitan France."""
    listed = tuple(codes)
    return METROPOLITAN if ALL in listed else listed


class Territory(Part):
    """The territory whose communes are counted, and the EPCI at the centre of the question."""

    name: str
    departement_codes: tuple[str, ...] = Field(min_length=1)
    focus_epci_code: str | None = None
    focus_name: str = ""

    @field_validator("departement_codes")
    @classmethod
    def _expanded(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        """Take « all » for the 96 départements of metropolitan France."""
        return expand_departements(codes)


class Scale(Part):
    """How a study of many départements is cut into parts."""

    # most communes of a part; by default what `memory_mb` allows, one per thread or worker
    batch_size: int | None = Field(default=None, ge=1)
    memory_mb: float = Field(default=4_000, gt=0)
    # also keep road distances, which takes about twice as long
    with_distance: bool = False


class Transit(Part):
    """Timetables of public transport and a map of streets, for times without a car beside those by car."""

    gtfs: tuple[str, ...] = Field(min_length=1)
    date: dt.date
    # families are to be there at each minute of the hour before
    arrive_by: str = Field(default="09:00", pattern=r"^([01]?[0-9]|2[0-3]):[0-5][0-9]$")
    streets: str | None = None
    max_walk_min: float = Field(default=20, ge=0, le=60)


class Travel(Part):
    """How travel times are computed and up to where families may come."""

    terrain: str | None = None
    max_time_min: float = Field(default=120, gt=0)
    recruitment_max_min: float = Field(default=45, gt=0)
    recruitment_tests_min: tuple[float, ...] = (30, 60)
    thresholds_min: tuple[float, ...] = Field(default=(15, 30, 45, 60), min_length=1)
    # 30 min: the time within which 93 % of the children served by a SESSAD of PACA live (Cybergeo 2017, n° 804)
    equity_line_min: float = Field(default=30, gt=0)
    closest_services: tuple[str, ...] = ()
    transit: Transit | None = None

    def _faults(self) -> Iterator[str]:
        """Refuse a threshold that the table of times cannot answer."""
        asked = max(self.recruitment_max_min, *self.recruitment_tests_min, *self.thresholds_min)
        if asked > self.max_time_min:
            yield f"un seuil de {asked:g} min dépasse max_time_min = {self.max_time_min:g} min"


class Ages(Part):
    """A known total that the cut of age bands is scaled to, and the census nearest to its year."""

    age_max: float = Field(ge=0)
    total: Persons = Field(gt=0)
    year: int
    vintage: str
    source: str


class Need(Part):
    """Persons in need, by a rate with its range and source."""

    public: str = Field(pattern=Slug)
    label: str
    kind: Literal["prevalence", "rights", "orientation", "waiting", "population"]
    age_min: float = Field(ge=0)
    age_max: float = Field(ge=0)
    per_1000: float = Field(ge=0)
    low_per_1000: float | None = Field(default=None, ge=0)
    high_per_1000: float | None = Field(default=None, ge=0)
    known_total: Persons | None = None
    source: str
    caution: str = ""
    # the service whose places these persons ask for; read for the kinds orientation and waiting alone
    service: str | None = Field(default=None, pattern=Slug)

    def _faults(self) -> Iterator[str]:
        """Refuse a range that is not in order."""
        rates = [r for r in (self.low_per_1000, self.per_1000, self.high_per_1000) if r is not None]
        if rates != sorted(rates):
            yield "low_per_1000, per_1000 et high_per_1000 doivent être croissants"
        if self.age_min > self.age_max:
            yield "age_min dépasse age_max"


class TripRounds(Part):
    """How vehicles go round: seats and a limit on board for children, days and visits for professionals."""

    seats: int | None = Field(default=None, ge=1, le=60)
    max_ride_min: float | None = Field(default=None, gt=0)
    # other limits on board, to see what each one takes
    limits_min: tuple[Annotated[float, Field(gt=0)], ...] = Field(default=(), max_length=6)
    stop_min: float = Field(default=2, ge=0)
    attendants: int = Field(default=0, ge=0)
    driver_eur_per_hour: float | None = Field(default=None, ge=0)
    day_min: float | None = Field(default=None, gt=0)
    visit_min: float | None = Field(default=None, gt=0)
    visits_per_week: int = Field(default=1, ge=1, le=5)
    # an illustration, said to be one, in the place of the places
    children: int | None = Field(default=None, ge=1, le=500)
    draws: int = Field(default=10, ge=1, le=200)
    effort: int = Field(default=20, ge=1, le=5000)

    def lacking(self, who: str) -> str:
        """Return the keys without which the rounds of an account cannot be made."""
        needed = ("day_min", "visit_min") if who == "staff" else ("seats", "max_ride_min")
        return " et ".join(name for name in needed if getattr(self, name) is None)


class Trip(Part):
    """Who makes how many return trips a year for one child; an assumption until a source is given."""

    who: Who
    return_trips_per_year: float = Field(ge=0)
    round_factor_low: float = Field(default=1.0, ge=1)
    round_factor_high: float = Field(default=1.0, ge=1)
    # of a parent: how long a visit lasts, which is waited for on the spot unless going home and back is shorter
    visit_min: float | None = Field(default=None, ge=0)
    # a vehicle of [prices]; persons_on_board share what it costs and emits
    vehicle: str | None = None
    persons_on_board: float | None = Field(default=None, ge=1)
    paid_by: str = ""
    source: str = ""
    rounds: TripRounds | None = None

    def _faults(self) -> Iterator[str]:
        """Refuse a range that is not in order, and rounds without their rules."""
        if self.rounds is not None and self.who == "parent":
            yield "rounds ne se dit pas d'un parent : ce sont des tournées d'enfants ou de professionnels"
        elif self.rounds is not None and (lacking := self.rounds.lacking(self.who)):
            yield f"rounds : indiquez aussi {lacking}"
        elif self.rounds is not None and self.rounds.attendants >= (self.rounds.seats or 99):
            yield "rounds : les accompagnateurs prennent toutes les places (seats)"
        elif self.rounds is not None and self.rounds.limits_min and self.who != "child":
            yield "rounds.limits_min ne se dit que d'enfants : c'est leur temps à bord"
        if self.round_factor_low > self.round_factor_high:
            yield "round_factor_low dépasse round_factor_high"
        if self.visit_min is not None and self.who != "parent":
            yield "visit_min ne se dit que d'un parent : c'est lui qui attend"


# used where the study states no trip, by mode of reception; none for "tous modes d'accueil", which is never split
_TRIPS = indicators.DEFAULTS["trip"].items()
DEFAULT_TRIPS = {mode: tuple(Trip.model_validate(said) for said in trips) for mode, trips in _TRIPS}


class AgeShare(Part):
    """Part of the users of a service who have some completed ages, both included."""

    age_min: int = Field(ge=0)
    age_max: int = Field(ge=0)
    share: float = Field(ge=0)


class AgeProfile(Part):
    """How old the users of a service are, from a source; within a band, as many of each age."""

    band: tuple[AgeShare, ...] = Field(min_length=1)
    source: str = Field(min_length=1)
    year: int

    def _faults(self) -> Iterator[str]:
        """Refuse bands that are empty or overlap, and shares that are not parts of a whole."""
        ordered = sorted(self.band, key=lambda band: band.age_min)
        if any(band.age_min > band.age_max for band in ordered):
            yield "age_min dépasse age_max dans une tranche"
        if any(one.age_max >= other.age_min for one, other in pairwise(ordered)):
            yield "deux tranches d'âge se recouvrent"
        if abs(sum(band.share for band in self.band) - 1) > 0.011:
            yield "la somme des parts (share) doit faire 1, aux arrondis près"


class Authorisation(Part):
    """A service named in the question, followed wherever it moves."""

    id: str = Field(pattern=Slug)
    label: str
    label_short: str = ""
    # the body that holds it today, when it is known
    holder: str | None = None
    trip: tuple[Trip, ...] = ()
    # the communes or EPCI that it alone serves by law; () = no legal catchment, None = that of its kind
    sector: tuple[str, ...] | Literal["unknown"] | None = None
    sector_ask: str = ""
    age_profile: AgeProfile | None = None

    def _faults(self) -> Iterator[str]:
        """Refuse two trips of one account, and one vehicle counted for the child and for the parent."""
        if len({trip.who for trip in self.trip}) < len(self.trip):
            yield "un même compte (who) y figure deux fois : un mode d'accueil par autorisation"
        elif sum(trip.vehicle is not None for trip in self.trip if trip.who != "staff") > 1:
            yield "le véhicule est compté pour l'enfant ou pour le parent, pas pour les deux"


class NewSite(Part):
    """A site that no file holds yet; without coordinates it stands at the point of its commune."""

    id: str = Field(pattern=Slug)
    name: str
    commune_code: str = Field(pattern=COMMUNE_CODE)
    category_code: str | None = None
    operator_id: str | None = None
    longitude: float | None = Field(default=None, ge=-180, le=180)
    latitude: float | None = Field(default=None, ge=-90, le=90)
    source: str = "fichier d'étude"

    def _faults(self) -> Iterator[str]:
        """Refuse half a point."""
        if (self.longitude is None) != (self.latitude is None):
            yield "longitude et latitude vont ensemble"


class NewService(Part):
    """A service that the files lack, or that replaces the row they hold for the same site and service."""

    site_id: str
    service: str = Field(pattern=Slug)
    authorisation_id: str | None = None
    capacity: float | None = Field(default=None, ge=0)
    capacity_unit: CapacityUnit | None = None
    public: str | None = None
    age_min: float | None = Field(default=None, ge=0)
    age_max: float | None = Field(default=None, ge=0)
    reception_mode: ReceptionMode | None = None
    delivered_at_home: bool = False
    is_complete_list: bool = False


class Files(Part):
    """The planner's own tables, relative to the study file."""

    observed_origins: str | None = None
    # the workbook of `init --template`, filled: needs, origins, waits, places held, road, budgets
    answers: str | None = None
    distancier: str | None = None
    distancier_unit: Literal["min", "s"] = "min"
    roads: str | None = None
    # the zone of each commune in the arrêté of the ARS that is in force
    zoning_in_force: str | None = None
    # on the first page of each document (.svg, .png, .jpg)
    logo: str | None = Field(default=None, pattern=r"(?i)\.(svg|png|jpe?g)$")

    @property
    def origins(self) -> str | None:
        """The table of where the children served live, or the workbook that tells it."""
        return self.observed_origins or self.answers


class Unknown(Part):
    """What is not known, what hangs on it, and who can say."""

    question: str
    matters_for: str = ""
    ask: str


class Fact(Part):
    """A sentence of context with its source; printed as it is, beside the authorisation that it is about."""

    text: str
    source: str
    year: int | None = None
    about: str | None = None


class Study(Part):
    """A validated study; `territory.load_study` makes it from a TOML file."""

    schema_version: Literal[1] = 1
    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str = Field(min_length=1)
    question: str
    # who answers for the study, of when its data are, and what « aujourd'hui » means in it
    author: str = ""
    data_date: str = ""
    today: str = ""
    dataset: str = "var"
    data: DataFiles | None = None
    population: str = "rp2021"
    seed: int = 0
    territory: Territory
    travel: Travel = Travel()
    scale: Scale | None = None
    ages: Ages | None = None
    files: Files = Files()
    need: tuple[Need, ...] = ()
    site: tuple[NewSite, ...] = ()
    service: tuple[NewService, ...] = ()
    authorisation: tuple[Authorisation, ...] = ()
    scenario: tuple[Scenario, ...] = ()
    siting: tuple[Siting, ...] = ()
    grouping: tuple[Grouping, ...] = ()
    fact: tuple[Fact, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    prices: indicators.Prices = indicators.Prices()
    waiting: tuple[indicators.Waiting, ...] = ()
    building: tuple[indicators.Building, ...] = ()
    desert: tuple[indicators.DesertScheme, ...] = (indicators.DREES_SCHEME,)
    practitioners: indicators.Practitioners = indicators.Practitioners()
    zoning: indicators.Zoning | None = None
    uncertainty: indicators.Uncertainty = indicators.Uncertainty()
    path_step: tuple[indicators.PathStep, ...] = indicators.CHILD_PATH
    coordination: tuple[indicators.Coordination, ...] = indicators.COORDINATION
    # folder that the files of the study are relative to; not a key of the file
    folder: str = Field(default=".", exclude=True)
    _lines: dict[Location, int] = PrivateAttr(default_factory=dict)
    _tables: OwnTables = PrivateAttr(default_factory=OwnTables)

    def model_post_init(self, _: Any) -> None:
        """Look for the planner's tables beside the file."""
        self._tables = OwnTables(self.folder)

    @property
    def is_national(self) -> bool:
        """Whether the study is cut into parts: it says [scale], or has more départements than any région."""
        return self.scale is not None or len(self.territory.departement_codes) >= MANY_DEPARTEMENTS

    @property
    def own_tables(self) -> OwnTables:
        """Return the planner's tables, with those that the checks have read."""
        return self._tables

    def as_read(self, lines: dict[Location, int], tables: OwnTables) -> "Study":
        """Return the study with the lines of its file, so that what fails later names one, and the tables it read."""
        self._lines, self._tables = lines, tables
        return self

    def at(self, *place: str | int) -> str:
        """Return « ligne N : » for a place of the file, nothing when the study was not read from one."""
        return line_of(self._lines, place)

    def __repr__(self) -> str:
        scenarios = ", ".join(scenario.id for scenario in self.scenario) or "none"
        return f"Study({self.id!r}, population={self.population!r}, scenarios: {scenarios})"

    def _repr_html_(self) -> str:
        census = self.population.upper().replace("RP", "RP ")
        rows = {"Question": self.question, "Territoire": self.territory.name, "Population": census}
        rows |= {f"Scénario {scenario.id}": scenario.name for scenario in self.scenario}
        return html_table(rows, title=self.title)
