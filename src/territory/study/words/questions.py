"""The questions that a study file may ask of a territory; `territory.planning` answers them."""

from collections.abc import Iterator
from typing import Literal

import pandas as pd
from pydantic import Field

from territory.errors import ParameterError, TerritoryError, agree, counted, examples
from territory.study import own_tables
from territory.study.words.changes import Code
from territory.tables.declare import CODES

# a candidate that is not a declared site stands at the point of its commune, under this id
CANDIDATE_PREFIX = "candidat-"
SLUG = r"^[A-Za-z0-9][A-Za-z0-9_-]*$"
# what is shared when the study does not say
POOLED_SERVICES = tuple(CODES["shared_services"])
_UNKNOWN_SIZES = {"members": "nombre inconnu", "places": "places inconnues", "budget": "budget inconnu"}


class Siting(own_tables.Part):
    """Where should sites be, among which communes, for whom and by which measure.

    Candidates are `candidates` (communes), those of `candidate_epci_codes`, and declared sites
    (`candidate_site_ids`); with `near_commune` those from which it is `near_max_min` or less away. Persons are those
    of the ages that the authorisations receive (children served where they are observed) within the recruitment limit
    of one of their sites of today, or the persons of the need `public`, everywhere or in `demand_epci_codes`.
    `fixed_site_ids` exist already and stay; `fixed_service` adds every site of a service whose list is complete.
    """

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

    def _faults(self) -> Iterator[str]:
        """Refuse a question that lacks a part, or has one too many."""
        if (self.near_commune is None) != (self.near_max_min is None):
            yield "near_commune et near_max_min vont ensemble"
        named = (self.candidates, self.candidate_epci_codes, self.candidate_site_ids, self.near_commune)
        if not any(named):
            yield "aucun candidat : donnez candidates, candidate_epci_codes, candidate_site_ids ou near_commune"
        if bool(self.authorisation_ids) == bool(self.public):
            yield "donnez authorisation_ids ou public : l'un des deux dit de qui l'on parle"
        needs_time = self.method in ("maximal_coverage", "set_cover")
        if needs_time != (self.max_time_min is not None):
            yield f"max_time_min {'est demandé' if needs_time else 'ne va pas'} avec {self.method}"
        if self.method == "set_cover" and (self.p != 1 or self.worst_time_max_min is not None):
            yield "set_cover cherche lui-même le nombre de sites : ni p ni worst_time_max_min"

    def __repr__(self) -> str:
        return f"Siting({self.id!r}, {self.method}, p={self.p})"

    @property
    def chooses_one_site(self) -> bool:
        """Tell whether a scenario may name the site that is chosen."""
        return self.p == 1 and self.method != "set_cover"

    def sites(self, services: pd.DataFrame) -> set[str]:
        """Return the sites that the question needs times to, the communes it looks at apart."""
        held = services["authorisation_id"].isin(self.authorisation_ids).to_numpy()
        today = services.index.get_level_values("site_id")[held]
        return {*self.candidate_site_ids, *self.fixed_site_ids, *today}

    def check(self, known: own_tables.Known) -> own_tables.Findings:
        """Yield candidates, sites, authorisations and publics that nobody declares, and times beyond those kept."""
        for key, codes in (("candidates", self.candidates), ("near_commune", (self.near_commune,))):
            absent = [code for code in codes if code is not None and code not in known.communes.index]
            if absent:
                yield (key,), counted(absent, "commune(s) hors de la carte de l'étude")
        epci = set(known.communes["epci_code"].dropna())
        for keys, what, names in (
            (("candidate_epci_codes", "demand_epci_codes"), "EPCI", epci),
            (("candidate_site_ids", "fixed_site_ids"), "site", known.sites),
            (("authorisation_ids",), "autorisation", known.held),
            (("fixed_service",), "service", set(known.services["kind"])),
        ):
            for key in keys:
                yield from own_tables.unknown_names((key,), what, own_tables.named_by(self, key), names)
        listed = known.services[known.services["kind"] == self.fixed_service]
        if len(listed) and not listed["is_complete_list"].eq(True).all():
            yield (
                ("fixed_service",),
                f"la liste des sites de « {self.fixed_service} » n'est pas complète : ceux qui manquent passeraient "
                "pour absents ; donnez un fichier FINESS dans [data] et le service dans complete_services, ou nommez "
                "fixed_site_ids",
            )
        yield from own_tables.unknown_names(("public",), "besoin", (self.public,), known.publics)
        kept = f"max_time_min = {known.max_time_min:g} min dans [travel]"
        for key in ("max_time_min", "worst_time_max_min", "near_max_min"):
            asked = getattr(self, key)
            if asked is not None and asked > known.max_time_min:
                yield (key,), f"{asked:g} min dépasse les temps gardés : {kept}"


class Grouping(own_tables.Part):
    """Which establishments would form groups of neighbours, how large, and how far apart.

    They are the sites that offer `service` and have one of `statuses`, or `site_ids` alone, less `excluded_site_ids`;
    the others of the service are context. A `table` of the planner's own (site_id, then any of legal_status,
    is_autonomous, places, budget_eur, existing_group) completes the data: one that it says is not autonomous is
    context too. `min_size` counts members, places or euros of budget, as `size` says, which must all be known.
    `blocks` are existing groups never split. `support_site_id` is the hospital of the groupement hospitalier de
    territoire: joining it is the alternative.
    """

    id: str = Field(pattern=SLUG)
    name: str
    summary: str = ""
    service: str
    statuses: tuple[own_tables.LegalStatus, ...] = ("public",)
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

    def _faults(self) -> Iterator[str]:
        """Refuse a question that lacks a part."""
        if not self.statuses and not self.site_ids:
            yield "donnez statuses ou site_ids : l'un des deux dit qui peut être membre"
        if self.size == "budget" and self.table is None:
            yield "size = « budget » demande table : aucun fichier ouvert ne donne le budget des établissements"
        if self.blocks == "table" and self.table is None:
            yield "blocks = « table » demande table, avec une colonne existing_group"
        if self.size == "members" and self.min_size != int(self.min_size):
            yield f"min_size = {self.min_size:g} : un nombre entier de membres est attendu"

    def __repr__(self) -> str:
        return f"Grouping({self.id!r}, {self.service}, at least {self.min_size:g} {self.size})"

    def sites(self, services: pd.DataFrame) -> set[str]:
        """Return the sites between which the question needs times."""
        offered = services.index.get_level_values("service") == self.service
        support = set() if self.support_site_id is None else {self.support_site_id}
        return set(services.index.get_level_values("site_id")[offered]) | support

    def tables(self) -> dict[str, str]:
        """Return the planner's tables that the question names, by their key."""
        return {key: path for key in ("table", "pooling_table") for path in own_tables.named_by(self, key)}

    def check(self, known: own_tables.Known) -> own_tables.Findings:
        """Yield sites and services that nobody declares, tables that cannot be read, and sizes out of reach."""
        services = set(known.services["service"])
        yield from own_tables.unknown_names(("service",), "service", (self.service,), services)
        for key in ("site_ids", "excluded_site_ids", "support_site_id"):
            yield from own_tables.unknown_names((key,), "site", own_tables.named_by(self, key), known.sites)
        shared = self.pooled_services
        yield from own_tables.unknown_names(("pooled_services",), "service partagé", shared, POOLED_SERVICES)
        if self.service in services:
            yield from self._check_members(known)

    def _check_members(self, known: own_tables.Known) -> own_tables.Findings:
        """Yield tables that cannot be read, and nobody to group."""
        offering = known.services.loc[known.services["service"] == self.service, "site_id"]
        around = known.local_sites[known.local_sites.index.isin(offering)]
        table: pd.DataFrame | None = None
        for key, name in self.tables().items():
            if not known.tables.has(name):
                yield (key,), own_tables.absent_file(name)
                return
            try:
                if key == "table":
                    table = known.tables.read(own_tables.read_grouping_table, name, sites=around.index)
                else:
                    known.tables.read(own_tables.read_pooling_table, name, members=around.index)
            except TerritoryError as error:
                yield (key,), str(error)
                return
        try:
            members = eligible(self, around, table)
        except TerritoryError as error:
            yield ("statuses",), str(error)
            return
        if len(members):
            yield from self._check_size(known, members, table)
        else:
            yield (), "aucun établissement à regrouper : vérifiez statuses, site_ids et excluded_site_ids"

    def _check_size(
        self, known: own_tables.Known, members: "pd.Index[str]", table: pd.DataFrame | None
    ) -> own_tables.Findings:
        """Yield a size that is not known for each member, or that all of them together do not reach."""
        amounts = sizes(self.size, members, self.service, known.offered, table)
        lacking = members[amounts.isna().to_numpy()]
        total, number = float(amounts.sum()), self.n_groups or 1
        if len(lacking):
            count = f"{agree(len(lacking), 'établissement(s)')} sur {len(members)} ({examples(lacking)})"
            advice = "complétez table, ou comptez les membres (size = « members »)"
            yield ("size",), f"{_UNKNOWN_SIZES[self.size]} pour {count} : {advice}"
        elif self.min_size is not None and total < self.min_size * number:
            said = f"{self.min_size:g} par groupe ne peut pas être atteint : les {len(members)} établissements font"
            yield ("min_size",), f"{said} {total:g} en tout, pour {agree(number, 'groupe(s)')}"


def statuses_of(sites: pd.DataFrame, table: pd.DataFrame | None) -> "pd.Series[str]":
    """Return the status of each site: that of the planner's table, else that of the data, else unknown."""
    known = sites["legal_status"] if "legal_status" in sites else pd.Series(None, index=sites.index)
    known = known.astype("str")
    return known if table is None else table["legal_status"].astype("str").reindex(sites.index).fillna(known)


def eligible(asked: Grouping, sites: pd.DataFrame, table: pd.DataFrame | None) -> "pd.Index[str]":
    """Return the establishments that a question groups, in the order of `sites`."""
    if asked.site_ids:
        chosen = sites.index.isin(list(asked.site_ids))
    else:
        known = statuses_of(sites, table)
        if known.isna().all():
            said = f"aucun statut connu pour les {len(sites)} établissements du service : donnez table"
            raise ParameterError(f"{said}, avec une colonne legal_status, ou nommez-les dans site_ids")
        chosen = known.isin(list(asked.statuses or ("public",))).to_numpy()
    kept = chosen & ~sites.index.isin(list(asked.excluded_site_ids))
    if table is not None:
        kept &= ~sites.index.isin(table.index[table["is_autonomous"].eq(False).fillna(False)])
    return sites.index[kept]


def sizes(
    size: str, members: "pd.Index[str]", service: str, services: pd.DataFrame, table: pd.DataFrame | None
) -> "pd.Series[float]":
    """Return the size of each establishment: 1, its places or its budget (eur), NaN where no file says."""
    if size == "members":
        return pd.Series(1.0, index=members, name=size)
    column = {"places": "places", "budget": "budget_eur"}[size]
    found = pd.Series(float("nan"), index=members) if table is None else table[column].reindex(members)
    if size == "places":
        rows = services[services["capacity_unit"].eq("places").to_numpy()]
        rows = rows[rows.index.get_level_values("service") == service]
        found = found.fillna(rows.groupby(level="site_id")["capacity"].sum(min_count=1).reindex(members))
    return found.astype(float).rename(size)
