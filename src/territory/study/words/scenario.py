"""A scenario of a study file: its changes, what contradicts itself in them, and where families would go."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import pandas as pd
from pydantic import Field

from territory.errors import counted, examples
from territory.study import own_tables
from territory.study.words.changes import SITING_PREFIX, Act, Change, FamilyRule, HeldAt, StudyChange

# two acts that cannot both be said of one authorisation, and acts that contradict themselves with two values
_EXCLUSIVE = {frozenset(acts.split()): said for acts, said in own_tables.FAULTS["exclusive"].items()}
_TWICE = own_tables.FAULTS["twice"]


class Scenario(own_tables.Part):
    """A named list of changes to today's situation, in any order.

    `families` says where the families of a service that moves, closes or merges go: `stay` (with their
    authorisation), `closest` (the closest site of the same service, whose list must be complete) or `reallocated`
    (under capacity, from observed origins or from the need `families_need`, of kind orientation or waiting).
    `supported_by` is the document that says the scenario; a report then says of the others that no document states
    them.
    """

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
    name: str
    summary: str = ""
    supported_by: str = ""
    families: FamilyRule = "stay"
    families_need: str | None = None
    change: tuple[Change, ...] = Field(min_length=1)

    def __repr__(self) -> str:
        return f"Scenario({self.id!r}, {len(self.change)} change{'s' if len(self.change) > 1 else ''})"

    def acts(self, held_at: HeldAt) -> list[Act]:
        """Return what every change does to each authorisation; a name that could not be read is left out."""
        acts = (act for change in self.change for act in change.acts(held_at))
        return [act for act in acts if act.authorisation is not None]

    def displaced(self, held_at: HeldAt) -> list[str]:
        """Return the authorisations whose families no longer find them where they were, each once."""
        return list(dict.fromkeys(act.authorisation for act in self.acts(held_at) if act.changes_place))

    def sites(self, services: pd.DataFrame) -> set[str]:
        """Return the sites that the scenario needs times to: those it names, and those where families may go."""
        ids = services.index.get_level_values("site_id")
        flat = pd.DataFrame({"site_id": ids, "authorisation_id": services["authorisation_id"].to_numpy()})
        named = {site for change in self.change for site in change.sites().values()}
        concerned = {act.authorisation for act in self.acts(own_tables.authorisations_by_site(flat))}
        touched = services["authorisation_id"].isin(concerned).to_numpy() | ids.isin(named)
        needed = named | set(ids[touched])
        if self.families != "stay":
            needed |= set(own_tables.sites_of_kinds(services, set(own_tables.kinds_of(services)[touched])))
        return needed

    def check(self, known: own_tables.Known) -> own_tables.Findings:
        """Yield what its changes name and nobody declares, what contradicts itself, and families with nowhere to go."""
        held = known.held | {act.authorisation for act in self.acts(known.held_at) if act.act == "opened"}
        for number, change in enumerate(self.change):
            place: own_tables.Location = ("change", number)
            for key, site in change.sites().items():
                yield from (((*place, key), wrong) for wrong in _wrong_site(site, key, known))
            named = [act.authorisation for act in change.acts(known.held_at)]
            yield from own_tables.unknown_names(place, "autorisation", named, held)
            yield from (((*place, *key), wrong) for key, wrong in change.check(known))
        for number, wrong in contradictions(self.change, known.held_at):
            yield ("change", number), wrong
        if self.families != "stay":
            displaced = known.services["authorisation_id"].isin(self.displaced(known.held_at))
            sought = known.services["kind"].isin(set(known.services.loc[displaced, "kind"]))
            rows = known.services[sought]
            lacking = _no_closest(rows) if self.families == "closest" else self._no_place(rows, known)
            yield from lacking

    def _no_place(self, rows: pd.DataFrame, known: own_tables.Known) -> own_tables.Findings:
        """Yield what is lacking to share places among families."""
        lacking = rows.loc[pd.to_numeric(rows["capacity"], errors="coerce").isna(), "site_id"]
        if len(lacking):
            advice = f"inconnue pour {counted(lacking, 'site(s)')} : donnez-la dans un [[service]]"
            yield (("families",), f"réaffecter demande la capacité de chaque site du service ; {advice}")
        if not known.has_observed_origins and not known.placed:
            yield (
                ("families",),
                "réaffecter demande les origines observées des enfants (files.observed_origins) ou un [[need]] de "
                "nature orientation ou waiting, à demander à la MDPH : une prévalence ne se compare pas à des places",
            )
        yield from own_tables.unknown_names(("families_need",), "besoin", (self.families_need,), known.placed)


def contradictions(changes: Sequence[StudyChange], held_at: HeldAt) -> Iterator[tuple[int, str]]:
    """Yield each contradiction between changes of one scenario, with the number of the later change."""
    made: dict[str, list[tuple[int, Act]]] = defaultdict(list)
    for number, change in enumerate(changes):
        for act in change.acts(held_at):
            clashes = (_clash(act, other) for earlier, other in made[act.authorisation] if earlier != number)
            if clash := next(filter(None, clashes), ""):
                yield number, f"« {act.authorisation} » est {clash}"
            made[act.authorisation].append((number, act))
    closed = {change.closed_site for change in changes} - {None}
    for number, change in enumerate(changes):
        for site in change.receives():
            if site in closed:
                yield number, f"le site « {site} » reçoit un service et ferme dans le même scénario"
    for number, change in enumerate(changes):
        if clash := next(filter(None, (change.clashes(earlier) for earlier in changes[:number])), ""):
            yield number, clash


def _clash(act: Act, other: Act) -> str:
    """Say why two acts on one authorisation contradict each other; empty when they do not."""
    if act.act == other.act:
        differs = act.value != other.value or act.act == "opened"
        return _TWICE.get(act.act, "") if differs else ""
    if {act.act, other.act} == {"moved", "absorbing"} and None not in (act.value, other.value):
        return "déplacée vers un site, et fusionnée sur un autre" if act.value != other.value else ""
    return _EXCLUSIVE.get(frozenset({act.act, other.act}), "")


def _wrong_site(site: str, key: str, known: own_tables.Known) -> Iterator[str]:
    """Say that nobody declares a site, or that a question of siting chooses no single one."""
    if not site.startswith(SITING_PREFIX):
        if site not in known.sites:
            yield own_tables.unknown("site", site, known.sites)
        return
    name = site.removeprefix(SITING_PREFIX)
    if name not in known.chosen_sites:
        yield own_tables.unknown("question d'implantation", name, known.chosen_sites)
    elif key == "from_site_id":
        yield "un service ne peut pas partir d'un site que le calcul choisit"
    if not known.chosen_sites.get(name, True):
        yield f"« {site} » peut choisir plusieurs sites : un scénario n'en reçoit qu'un (p = 1)"


def _no_closest(rows: pd.DataFrame) -> own_tables.Findings:
    """Yield the services whose closest site nobody can tell."""
    partial = sorted(set(rows.loc[~rows["is_complete_list"].fillna(False).astype(bool), "kind"]))
    if partial:
        said = "le site le plus proche n'a de sens que pour une liste complète"
        advice = 'complétez-la (is_complete_list), ou gardez families = "stay"'
        yield ("families",), f"{said}, or celle de {examples(partial)} est partielle : {advice}"
