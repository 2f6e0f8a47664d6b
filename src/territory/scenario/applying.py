"""Apply a scenario to a copy of the inputs; the baseline is left untouched."""

from __future__ import annotations

from dataclasses import replace
from functools import singledispatch

import pandas as pd

from territory.errors import Problems, StudyError, examples
from territory.study.changes import Change, ChangeCapacity, CloseSite, MoveSite, OpenSite, Scenario
from territory.study.state import State


def apply(state: State, scenario: Scenario) -> State:
    """Return the state as the scenario would make it.

    Travel times are not recomputed: those of `state` go to every site that a scenario may use.

    Parameters
    ----------
    state
        Today's inputs, unchanged.
    scenario
        Its changes are applied in their order.

    Returns
    -------
    State
        A copy with other services.

    Raises
    ------
    StudyError
        With every change that cannot be made: unknown site or authorisation, a service that would stand
        twice at one site.

    Examples
    --------
    >>> from territory.scenario import CloseSite, Scenario
    >>> closing = Scenario(id="C", name="Fermeture", change=(CloseSite(authorisation_id="ime-salernes"),))
    >>> closing
    Scenario('C', 1 change)
    """
    problems = Problems(f"Scénario « {scenario.id} »", StudyError)
    services = state.services
    for change in scenario.change:
        services = _change(change, services, state, problems)
    problems.raise_if_any()
    return replace(state, services=services)


@singledispatch
def _change(change: Change, services: pd.DataFrame, state: State, problems: Problems) -> pd.DataFrame:
    """Return the services after one change, or report why it cannot be made."""
    raise TypeError(f"not a change: {change!r}")


@_change.register
def _move(change: MoveSite, services: pd.DataFrame, state: State, problems: Problems) -> pd.DataFrame:
    """Give another site to some authorisations; places, ages and mode stay as they are."""
    rows = services.reset_index()
    moved = rows["authorisation_id"].isin(change.authorisation_ids)
    _report_unknown("autorisations", change.authorisation_ids, rows["authorisation_id"], problems)
    if change.from_site_id is not None:
        from_site = rows["site_id"] == change.from_site_id
        if not from_site.any():
            problems.add(f"le site « {change.from_site_id} » n'offre aucun service à déplacer")
        moved = from_site if not change.authorisation_ids else moved & from_site
    _report_unknown("sites", [change.to_site_id], pd.Series(state.sites.index), problems)
    # two authorisations of one kind may stand at one site: they stay two rows, told apart by a suffix
    rows.loc[moved, "site_id"] = change.to_site_id
    clash = rows.duplicated(["site_id", "service"], keep=False) & moved
    rows.loc[clash, "service"] = rows["service"] + "@" + rows["authorisation_id"].fillna("")
    if rows.duplicated(["site_id", "service"]).any():
        problems.add(f"un même service se trouverait deux fois sur le site « {change.to_site_id} »")
    return rows.set_index(["site_id", "service"])


@_change.register
def _open(change: OpenSite, services: pd.DataFrame, state: State, problems: Problems) -> pd.DataFrame:
    """Add a service under a new authorisation."""
    _report_unknown("sites", [change.site_id], pd.Series(state.sites.index), problems)
    key = (change.site_id, change.service)
    if key in services.index:
        problems.add(f"le service « {change.service} » existe déjà sur le site « {change.site_id} »")
        return services
    if (services["authorisation_id"] == change.authorisation_id).any():
        problems.add(
            f"l'autorisation « {change.authorisation_id} » existe déjà : déplacez-la, ou nommez-en une autre"
        )
        return services
    values = change.model_dump(exclude={"type", "site_id", "service"})
    # a service joins a list that is as complete as it was
    listed = services[services.index.get_level_values("service") == change.service]["is_complete_list"]
    values["is_complete_list"] = bool(len(listed) and listed.all())
    row = pd.DataFrame([values], index=pd.MultiIndex.from_tuples([key], names=["site_id", "service"]))
    row = row.reindex(columns=services.columns).astype(services.dtypes.to_dict())
    return pd.concat([services, row])


@_change.register
def _close(change: CloseSite, services: pd.DataFrame, state: State, problems: Problems) -> pd.DataFrame:
    """Drop what a site offers, or one authorisation."""
    at_site = services.index.get_level_values("site_id") == change.site_id
    held = (services["authorisation_id"] == change.authorisation_id).to_numpy()
    closed = at_site & held if change.site_id and change.authorisation_id else at_site | held
    if not closed.any():
        problems.add(f"rien à fermer : « {change.site_id or change.authorisation_id} » n'offre aucun service")
    return services[~closed]


@_change.register
def _resize(change: ChangeCapacity, services: pd.DataFrame, state: State, problems: Problems) -> pd.DataFrame:
    """Set the capacity of an authorisation that stands at one site."""
    held = services["authorisation_id"] == change.authorisation_id
    _report_unknown("autorisations", [change.authorisation_id], services["authorisation_id"], problems)
    if held.sum() > 1:
        problems.add(
            f"l'autorisation « {change.authorisation_id} » est exercée sur {held.sum()} sites : sa capacité est "
            "celle de l'ensemble, elle n'est pas attribuée à l'un d'eux"
        )
        return services
    changed = services.copy()
    changed.loc[held, "capacity"] = change.capacity
    return changed


def _report_unknown(what: str, asked: object, known: pd.Series, problems: Problems) -> None:
    """Report ids that no table holds."""
    unknown = sorted(set(asked) - set(known.dropna()))  # type: ignore[call-overload]
    if unknown:
        problems.add(f"{what} sans ligne dans les données : {examples(unknown)}")
