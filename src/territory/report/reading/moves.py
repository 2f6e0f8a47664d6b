"""What a scenario moves, and who gains and loses by it, in numbers and words that may be printed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from territory.french.numbers import integer
from territory.french.words import persons
from territory.release.gate import Sites, ZoneCounts
from territory.release.observed_children import EFFECTS
from territory.scenario.zones import ALL_TERRITORY

SECRET = "secret statistique"
STAFF = frozenset({"staff"})
# what stands in a cell for a class that is counted with another
WITH_OTHERS = "avec les autres"


@dataclass(frozen=True)
class Move:
    """Services that a scenario moves alike: same places before and after, same travellers, same persons."""

    scenario_id: str
    services: tuple[str, ...]
    from_site: Sites | None
    to_site: Sites | None
    who: frozenset[str]

    @property
    def is_in_place(self) -> bool:
        """Tell whether nothing moves: the roads change, or where families go."""
        return self.from_site == self.to_site

    @property
    def lasts(self) -> bool:
        """Tell whether the service is there before and after: it neither opens nor closes."""
        return self.from_site is not None and self.to_site is not None

    @property
    def is_branch(self) -> bool:
        """Tell whether today's sites stay, and others open."""
        return set(self.from_site or ()) < set(self.to_site or ()) and self.from_site is not None


@dataclass(frozen=True, eq=False)
class Counts:
    """Persons and communes of one service in one scenario, by zone; what is withheld is NaN here."""

    released: ZoneCounts

    @property
    def zones(self) -> pd.DataFrame:
        """Every number by zone."""
        return self.released.zones

    @property
    def is_observed(self) -> bool:
        """Whether children served are counted."""
        return self.released.is_observed

    @cached_property
    def persons(self) -> pd.DataFrame:
        """Persons of each effect by zone."""
        return (
            self.zones.filter(like="persons_").rename(columns=lambda name: name[8:]).reindex(columns=EFFECTS)
        )

    @cached_property
    def communes(self) -> pd.DataFrame:
        """Communes of each effect by zone."""
        return (
            self.zones.filter(like="communes_").rename(columns=lambda name: name[9:]).reindex(columns=EFFECTS)
        )

    def text(self, zone: str, effect: str) -> str:
        """Return a number of persons as it may be printed."""
        if bool(self.released.is_withheld.loc[zone, effect]):
            return SECRET
        value = float(self.persons[effect][zone])
        if self.is_observed and not math.isnan(value):
            return integer(value)
        return persons(value)

    def cell(self, zone: str, effect: str) -> str:
        """Return a number as a table prints it: classes that are counted together are so under the first of them."""
        merged = self.merged
        if zone != ALL_TERRITORY or effect not in merged:
            return self.text(zone, effect)
        return f"{self.merged_text} autres" if effect == merged[0] else WITH_OTHERS

    @property
    def merged(self) -> tuple[str, ...]:
        """Classes of which one sum alone is printed, over the whole."""
        return self.released.merged.effects if self.released.merged else ()

    @property
    def merged_text(self) -> str:
        """The sum of these classes."""
        return integer(self.released.merged.persons) if self.released.merged else ""
