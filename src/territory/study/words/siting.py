"""A question of siting, as the study file asks it; `territory.planning` answers it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from territory.study.words.changes import Code

# a candidate that is not a declared site stands at the point of its commune, under this id
CANDIDATE_PREFIX = "candidat-"


class Siting(BaseModel):
    """Where should sites be, among which communes, for whom and by which measure.

    Candidates are `candidates` (communes), the communes of `candidate_epci_codes`, and declared sites
    (`candidate_site_ids`); with `near_commune` the communes of the EPCI, or all of them without any EPCI, are those
    from which it is `near_max_min` or less away. Persons are those of the ages that the authorisations receive
    (children served where they are observed) within the recruitment limit of one of their sites of today, or the
    persons of the need `public`, in the whole territory; `demand_epci_codes` keeps those of some EPCI alone.
    `fixed_site_ids` exist already and stay; `fixed_service` adds every site of a service whose list is complete.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
    name: str
    summary: str = ""
    method: Literal["p_median", "maximal_coverage", "p_center", "set_cover"] = "p_median"
    p: int = Field(default=1, ge=1)
    candidates: tuple[Code, ...] = ()
    candidate_epci_codes: tuple[str, ...] = ()
    candidate_site_ids: tuple[str, ...] = ()
    near_commune: Code | None = None
    near_max_min: float | None = Field(default=None, gt=0)
    fixed_site_ids: tuple[str, ...] = ()
    fixed_service: str | None = None
    authorisation_ids: tuple[str, ...] = ()
    public: str | None = None
    demand_epci_codes: tuple[str, ...] = ()
    max_time_min: float | None = Field(default=None, gt=0)
    worst_time_max_min: float | None = Field(default=None, gt=0)
    beyond_min: tuple[float, ...] = (30, 45)

    @model_validator(mode="after")
    def _whole(self) -> Siting:
        """Refuse a question that lacks a part, or has one too many."""
        if (self.near_commune is None) != (self.near_max_min is None):
            raise ValueError("near_commune et near_max_min vont ensemble")
        named = (self.candidates, self.candidate_epci_codes, self.candidate_site_ids, self.near_commune)
        if not any(named):
            raise ValueError(
                "aucun candidat : donnez candidates, candidate_epci_codes, candidate_site_ids ou near_commune"
            )
        if bool(self.authorisation_ids) == bool(self.public):
            raise ValueError("donnez authorisation_ids ou public : l'un des deux dit de qui l'on parle")
        needs_time = self.method in ("maximal_coverage", "set_cover")
        if needs_time != (self.max_time_min is not None):
            raise ValueError(
                f"max_time_min {'est demandé' if needs_time else 'ne va pas'} avec {self.method}"
            )
        if self.method == "set_cover" and (self.p != 1 or self.worst_time_max_min is not None):
            raise ValueError("set_cover cherche lui-même le nombre de sites : ni p ni worst_time_max_min")
        return self

    def __repr__(self) -> str:
        """Return the id, the method and the number of sites."""
        return f"Siting({self.id!r}, {self.method}, p={self.p})"
