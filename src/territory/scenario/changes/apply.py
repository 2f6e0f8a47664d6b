"""Apply a scenario to a copy of the inputs, which stay untouched, and what each change of the offer does to it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from territory.errors import Problems, StudyError, examples, warn
from territory.scenario.changes.draft import Draft, carry_out, close_rows, demand_of, in_order
from territory.study.own_tables import authorisations_by_site, kinds_of
from territory.study.state import Families, State
from territory.study.words import changes
from territory.study.words.scenario import Scenario, contradictions

# services whose change makes a published figure that of another day; an APL also follows the population
_FIGURE_SERVICES = {"urgences_smur": ["urgences", "smur"], "apl": ["medecin_generaliste"]}


def apply(state: State, scenario: Scenario) -> State:
    """Return the state as the scenario would make it: a copy, in which what no change touches is the same object.

    Travel times are not computed again: those of `state` go to every site that a scenario may use. The order of
    the changes in the file does not matter: openings come first, closings last.

    Parameters
    ----------
    state
        Today's inputs, unchanged.
    scenario
        Its changes, and where families go.

    Raises
    ------
    StudyError
        With every change that cannot be made: unknown site or authorisation, two changes that contradict each
        other, a service that would stand twice at one site, speeds of a road map where there is none.

    Examples
    --------
    >>> from territory.scenario import CloseSite, Scenario
    >>> Scenario(id="C", name="Fermeture", change=(CloseSite(authorisation_id="ime-salernes"),))
    Scenario('C', 1 change)
    """
    problems = Problems(f"Scénario « {scenario.id} »", StudyError)
    held_at = authorisations_by_site(state.services.reset_index())
    for _, wrong in contradictions(scenario.change, held_at):
        problems.add(wrong)
    problems.raise_if_any()
    draft = Draft(state, problems)
    # of two changes of one kind, neither hangs on the other once contradictions are refused
    for change in sorted(scenario.change, key=lambda change: (change.order, change.rank)):
        carry_out(change, draft)
    problems.raise_if_any()
    families = {}
    if scenario.families != "stay":
        # those who do not follow an authorisation that changes place
        names = state.services["authorisation_id"].to_numpy()
        for name in scenario.displaced(held_at):
            if sought := tuple(dict.fromkeys(kinds_of(state.services[names == name]))):
                families[name] = Families(scenario.families, sought, scenario.families_need)
    changed = replace(
        state,
        travel_times=draft.travel_times,
        site_times=draft.site_times,
        families=families,
        poolings=tuple(change for change in scenario.change if isinstance(change, changes.PoolSites)),
    )
    if any(isinstance(change, changes.OfferChange) for change in scenario.change):
        changed = replace(changed, services=close_rows(draft.rows, state.services))
    if draft.population is not state.population:
        # other inhabitants: needs follow with the same rates
        population, communes = in_order(draft.population, state.population), state.communes.copy()
        counted = population.groupby(level="commune_code", sort=False)["population"].sum(min_count=1)
        communes["population"] = counted.reindex(communes.index).to_numpy(float)
        if "area_km2" in communes:
            communes["density_hab_km2"] = communes["population"] / communes["area_km2"]
        demand = demand_of(population, state.parameters)
        changed = replace(changed, communes=communes, population=population, demand=demand)
    return replace(changed, published=_still_published(state, changed))


# psychiatry is authorised under the code de la santé publique, not the CASF
_PSYCHIATRY = frozenset({"cmp", "cmp_ij", "hdj", "hdj_ij", "cattp"})


@carry_out.register
def _open(change: changes.OpenSite, draft: Draft) -> None:
    """Add a service under a new authorisation."""
    rows = draft.rows
    draft.report_nowhere(change.site_id)
    if ((rows["site_id"] == change.site_id) & (rows["service"] == change.service)).any():
        draft.problems.add(f"le service « {change.service} » existe déjà sur le site « {change.site_id} »")
        return
    if (rows["authorisation_id"] == change.authorisation_id).any():
        draft.problems.add(
            f"l'autorisation « {change.authorisation_id} » existe déjà : déplacez-la, ou nommez-en une autre"
        )
        return
    values = change.model_dump(exclude={"type"})
    # a service joins a list that is as complete as it was
    listed = rows.loc[rows["service"] == change.service, "is_complete_list"]
    values |= {"is_complete_list": bool(len(listed) and listed.all()), "label": change.service}
    draft.rows = _with_row(rows, values)


@carry_out.register
def _transfer(change: changes.TransferAuthorisation, draft: Draft) -> None:
    """Name another holder, or another body that runs the authorisation for its holder."""
    rows = draft.rows
    draft.report_unheld(change.authorisation_ids)
    passed = rows["authorisation_id"].isin(change.authorisation_ids)
    hospital = rows.loc[passed & rows["service"].isin(_PSYCHIATRY), "authorisation_id"]
    if len(hospital):
        warn(
            f"{examples(hospital)} : la psychiatrie est autorisée au titre du code de la santé publique ; un "
            "groupement médico-social ne peut pas, à ce titre, en devenir titulaire. À vérifier avec l'ARS."
        )
    rows = rows.copy()
    rows.loc[passed, "holder" if change.act == "transfer" else "run_by"] = change.to
    draft.rows = rows


@carry_out.register
def _move(change: changes.MoveSite, draft: Draft) -> None:
    """Give another site to some authorisations; places, ages and mode stay as they are."""
    rows = draft.rows
    moved = rows["authorisation_id"].isin(change.authorisation_ids)
    draft.report_unheld(change.authorisation_ids)
    if change.from_site_id is not None:
        from_site = rows["site_id"] == change.from_site_id
        if not from_site.any():
            draft.problems.add(f"le site « {change.from_site_id} » n'offre aucun service à déplacer")
        moved = from_site if not change.authorisation_ids else moved & from_site
    draft.rows = _sent(rows, moved, change.to_site_id, draft)


@carry_out.register
def _merge(change: changes.MergeEstablishments, draft: Draft) -> None:
    """Put the services of some authorisations under another; their families are remembered."""
    rows = draft.rows
    every = (change.into_authorisation_id, *change.absorbed_ids)
    draft.report_unheld(every)
    into = rows["authorisation_id"] == change.into_authorisation_id
    absorbed = rows["authorisation_id"].isin(change.absorbed_ids)
    if not into.any() or not absorbed.any():
        return
    rows = rows.copy()
    rows["serves"] = rows["serves"].mask((into | absorbed) & rows["serves"].isna(), rows["authorisation_id"])
    # places that were those of one site stay those of that site, under one authorisation for several
    alone = ~rows.duplicated(["authorisation_id", "service"], keep=False) & rows["capacity_scope"].isna()
    rows.loc[(into | absorbed) & alone, "capacity_scope"] = "site"
    rows.loc[absorbed, "authorisation_id"] = change.into_authorisation_id
    for column in ("holder", "run_by"):
        rows.loc[absorbed, column] = rows.loc[into, column].iloc[0]
    rows["is_touched"] |= absorbed
    if change.to_site_id is None:
        draft.rows = _gathered(rows, draft.problems)
    else:
        draft.rows = _sent(rows, into | absorbed, change.to_site_id, draft)


@carry_out.register
def _pool(change: changes.PoolSites, draft: Draft) -> None:
    """Bring the members' services to the shared site, if the pooling says so."""
    rows = draft.rows
    draft.report_unheld(change.member_ids)
    draft.report_nowhere(change.site_id)
    if change.moves_services:
        draft.rows = _sent(rows, rows["authorisation_id"].isin(change.member_ids), change.site_id, draft)


@carry_out.register
def _branch(change: changes.OpenBranch, draft: Draft) -> None:
    """Exercise an authorisation at one more site; its places stay the same in all."""
    rows = draft.rows
    draft.report_unheld([change.authorisation_id])
    draft.report_nowhere(change.site_id)
    held = rows[rows["authorisation_id"] == change.authorisation_id]
    main = held.drop_duplicates("service")
    if (held["site_id"] == change.site_id).any():
        draft.problems.add(f"« {change.authorisation_id} » est déjà exercée sur le site « {change.site_id} »")
        return
    if change.capacity is not None and len(held) != 1:
        said = f"« {change.authorisation_id} » a {len(held)} lignes de service"
        advice = "la capacité de son antenne ne peut pas être retirée à l'une d'elles ; laissez-la inconnue"
        draft.problems.add(f"{said} : {advice}")
        return
    rows = rows.copy()
    for row in main.to_dict("records"):
        values = {str(key): value for key, value in row.items()}
        values |= {"site_id": change.site_id, "label": row["service"]}
        if change.capacity is None:
            # whose places these are: those of the authorisation at all its sites
            values["capacity_scope"] = "authorisation"
            rows.loc[held.index, "capacity_scope"] = "authorisation"
        else:
            left = row["capacity"] - change.capacity
            if left < 0:
                taken = f"l'antenne de « {change.authorisation_id} » prendrait {change.capacity:g} places"
                draft.problems.add(f"{taken} sur {row['capacity']:g}")
            # those held by young adults and children from elsewhere stay where they are, as far as places stay
            gone = max(0.0, np.nan_to_num(row.get("held_places", 0.0)) - left)
            values |= {"capacity": change.capacity, "capacity_scope": "site", "held_places": gone}
            rows.loc[held.index, ["capacity", "capacity_scope"]] = [left, "site"]
            if gone:
                rows.loc[held.index, "held_places"] = left
        rows = _with_row(rows, values)
    draft.rows = rows


@carry_out.register
def _resize(change: changes.ChangeCapacity, draft: Draft) -> None:
    """Set the capacity of an authorisation that stands at one site."""
    rows = draft.rows
    held = rows["authorisation_id"] == change.authorisation_id
    draft.report_unheld([change.authorisation_id])
    if held.sum() > 1:
        draft.problems.add(
            f"l'autorisation « {change.authorisation_id} » est exercée sur {held.sum()} sites : sa capacité est "
            "celle de l'ensemble, elle n'est pas attribuée à l'un d'eux"
        )
        return
    draft.rows = rows.assign(capacity=rows["capacity"].mask(held, change.capacity))


@carry_out.register
def _close(change: changes.CloseSite, draft: Draft) -> None:
    """Drop what a site offers, or one authorisation."""
    rows = draft.rows
    at_site = rows["site_id"] == change.site_id
    held = rows["authorisation_id"] == change.authorisation_id
    closed = at_site & held if change.site_id and change.authorisation_id else at_site | held
    if not closed.any():
        named = change.site_id or change.authorisation_id
        draft.problems.add(f"rien à fermer : « {named} » n'offre aucun service")
    draft.rows = rows[~closed]


def _sent(rows: pd.DataFrame, moved: "pd.Series[bool]", site_id: str, draft: Draft) -> pd.DataFrame:
    """Return the rows with some of them at another site."""
    draft.report_nowhere(site_id)
    rows = rows.copy()
    rows.loc[moved, "site_id"] = site_id
    rows["is_touched"] |= moved
    return _gathered(rows, draft.problems)


def _with_row(rows: pd.DataFrame, values: dict[str, Any]) -> pd.DataFrame:
    """Return the rows and one more, marked as touched."""
    row = pd.DataFrame([values | {"is_touched": True}], index=[rows.index.max() + 1 if len(rows) else 0])
    return pd.concat([rows, row.reindex(columns=rows.columns).astype(rows.dtypes.to_dict())])


def _gathered(rows: pd.DataFrame, problems: Problems) -> pd.DataFrame:
    """Make one row of those of one service and one authorisation at one site; places add up."""
    keys = ["site_id", "service", "authorisation_id"]
    twice = rows.duplicated(keys, keep=False) & rows["authorisation_id"].notna()
    groups = rows[twice].groupby(keys, sort=False)
    rows = rows.copy()
    for key, group in groups:
        if not group["is_touched"].any():
            continue
        units = group["capacity_unit"].dropna().unique()
        if len(units) > 1:
            problems.add(
                f"« {key[2]} » réunirait sur un site des capacités de deux unités ({examples(units)}) : "
                "elles ne s'additionnent pas"
            )
        first = group.index[0]
        for column, value in _sum_of(group).items():
            rows.loc[first, column] = value
        rows = rows.drop(index=group.index[1:])
    return rows


def _sum_of(group: pd.DataFrame) -> dict[str, Any]:
    """Return the values of several rows of one authorisation at one site, unknown where one is unknown."""
    is_shared = bool(group["capacity_scope"].eq("authorisation").all())
    capacity = group["capacity"].max() if is_shared else group["capacity"].sum(skipna=False)
    served = group["serves"].fillna(group["authorisation_id"])
    sums: dict[str, Any] = {
        "capacity": capacity,
        "age_min": group["age_min"].min(skipna=False),
        "age_max": group["age_max"].max(skipna=False),
        "delivered_at_home": bool(group["delivered_at_home"].all()),
        "is_complete_list": bool(group["is_complete_list"].eq(True).fillna(False).all()),
        "serves": " ".join(dict.fromkeys(" ".join(served).split())),
        "is_touched": True,
    }
    for column in ("public", "reception_mode", "capacity_unit", "capacity_scope"):
        if column in group:
            values = group[column].unique()
            sums[column] = values[0] if len(values) == 1 else np.nan
    if "held_places" in group:
        sums["held_places"] = group["held_places"].sum(min_count=1)
    if "eligible_communes" in group:
        lists = group["eligible_communes"]
        codes = sorted(set(" ".join(lists.fillna("")).split()))
        sums["eligible_communes"] = np.nan if lists.isna().any() else " ".join(codes)
    return sums


def _still_published(before: State, after: State) -> pd.DataFrame | None:
    """Return the published figures that still hold in another state; those whose ground has moved are unknown."""
    figures = before.published
    if figures is None:
        return None
    moved = after.travel_times is not before.travel_times
    people = after.population is not before.population
    table, named = figures, figures.index.get_level_values("figure")
    for figure, services in _FIGURE_SERVICES.items():
        mine, theirs = (one.services[kinds_of(one.services).isin(services)] for one in (before, after))
        shared = mine.columns.intersection(theirs.columns)
        same = mine[shared].equals(theirs[shared])
        if (moved or not same or (figure == "apl" and people)) and (named == figure).any():
            table = table.assign(value=table["value"].mask(named == figure))
    return table
