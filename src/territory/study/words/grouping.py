"""A question of grouping, as the study file asks it; `territory.planning` answers it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

LegalStatus = Literal["public", "private_non_profit", "commercial"]
SLUG = r"^[A-Za-z0-9][A-Za-z0-9_-]*$"
# under which these services are shared when the study does not say: the codes of `territory.planning.pooling`
POOLED_SERVICES = (
    "ressources_humaines",
    "numerique",
    "qualite_risques",
    "ethique",
    "coordination_medicale",
    "formation",
    "evaluation_externe",
    "locaux_equipements",
    "transport",
)


class Grouping(BaseModel):
    """Which establishments would form groups of neighbours, how large, and how far apart.

    The establishments are the sites of the territory that offer `service` and have one of `statuses`, or those of
    `site_ids` alone; `excluded_site_ids` are left out. The others of the same service are context. A `table` of the
    planner's own (columns site_id, then any of legal_status, is_autonomous, places, budget_eur, existing_group)
    completes what the data do not hold: an establishment that it says is not autonomous is context too.

    `min_size` counts members, places or euros of budget, as `size` says; places and budgets come from the data or
    the table and must all be known. `blocks` are existing groups that are never split. `support_site_id` is the
    hospital that supports the groupement hospitalier de territoire: joining it is the alternative.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=SLUG)
    name: str
    summary: str = ""
    service: str
    statuses: tuple[LegalStatus, ...] = ("public",)
    site_ids: tuple[str, ...] = ()
    excluded_site_ids: tuple[str, ...] = ()
    table: str | None = None
    size: Literal["members", "places", "budget"] = "members"
    min_size: float = Field(gt=0)
    n_groups: int | None = Field(default=None, ge=1)
    max_time_min: float | None = Field(default=None, gt=0)
    blocks: Literal["none", "epci", "table"] = "none"
    # told of each group where budgets are known, without constraining the groups
    budget_threshold_eur: float | None = Field(default=None, gt=0)
    support_site_id: str | None = None
    support_name: str = "GHT"
    pooled_services: tuple[str, ...] = POOLED_SERVICES
    pooling_table: str | None = None

    @model_validator(mode="after")
    def _whole(self) -> Grouping:
        """Refuse a question that lacks a part."""
        if not self.statuses and not self.site_ids:
            raise ValueError("donnez statuses ou site_ids : l'un des deux dit qui peut être membre")
        if self.size == "budget" and self.table is None:
            raise ValueError(
                "size = « budget » demande table : aucun fichier ouvert ne donne le budget des établissements"
            )
        if self.blocks == "table" and self.table is None:
            raise ValueError("blocks = « table » demande table, avec une colonne existing_group")
        if self.size == "members" and self.min_size != int(self.min_size):
            raise ValueError(f"min_size = {self.min_size:g} : un nombre entier de membres est attendu")
        return self

    def __repr__(self) -> str:
        """Return the id, who is grouped and the least size."""
        return f"Grouping({self.id!r}, {self.service}, at least {self.min_size:g} {self.size})"
