"""What scenarios do to the offer and the population, and what questions of siting and grouping answer, as tables."""

from collections.abc import Mapping

import pandas as pd

from territory import supply
from territory.planning.grouping.answer import GroupingAnswer, compare_groupings
from territory.planning.siting.answer import SitingAnswer
from territory.release.disclosure import protect_budgets, withholds
from territory.release.treatment import treat, unpivot
from territory.result import StudyResult
from territory.scenario.zones import ALL_TERRITORY
from territory.study.own_tables import authorisations_by_site
from territory.study.state import State
from territory.tables.catalogue import BEYOND
from territory.tables.declare import POOLING_TITLES, UNITS


def scenario_tables(result: StudyResult) -> dict[str, pd.DataFrame]:
    """Return the tables of changes and of siting, by file name; small counts are already withheld."""
    found = {
        "changements_scenarios": _acts(result),
        "offre_scenarios": _offer(result),
        "mutualisations": _poolings(result),
        "population_scenarios": _population(result),
    }
    beyond = []
    for name, answer in result.siting.items():
        table = ranking_table(answer)
        held = [column for column in table.columns if BEYOND.keys(str(column)) is not None]
        found[f"implantation_{name}"] = table.drop(columns=held)
        if held:
            beyond.append(unpivot(table[["siting", "to_id", "name", *held]], (BEYOND,)))
    found["implantations_seuils"] = pd.concat(beyond, ignore_index=True) if beyond else pd.DataFrame()
    return {name: table for name, table in found.items() if len(table)}


def ranking_table(answer: SitingAnswer) -> pd.DataFrame:
    """Return the candidates of a question, best first, with persons as they may be printed."""
    # observed counts could be told from one another, candidate by candidate; and thirty means over the same children,
    # at known times, are as many equations on their communes
    secret = pd.Series(answer.is_observed, index=answer.ranking.index)
    table = treat("SitingAnswer.ranking", answer.ranking, secret).reset_index()
    table.insert(0, "siting", answer.siting.id)
    return table


def _acts(result: StudyResult) -> pd.DataFrame:
    """Return everything that a scenario changes: one row for each act on an authorisation, or change of the world."""
    held_at = authorisations_by_site(result.baseline.state.services.reset_index())
    rows = []
    for scenario in result.study.scenario:
        for change in scenario.change:
            acts = [(one.authorisation, one.act, one.value) for one in change.acts(held_at)]
            # roads that are closed, slowed or drawn say which they are
            for name, act, value in acts or [("", change.type, getattr(change, "said", None) or None)]:
                said = "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
                rows.append((scenario.id, name, act, said))
    columns = ["scenario", "authorisation_id", "act", "act_value"]
    return pd.DataFrame(rows, columns=columns).drop_duplicates(ignore_index=True)


def _offer(result: StudyResult) -> pd.DataFrame:
    """Return each authorisation that a scenario changes, before and after."""
    before = _held(result.baseline.state)
    blocks = []
    for name, results in result.scenarios.items():
        after = _held(results.state)
        ids = before.index.union(after.index, sort=False)
        old, new = before.reindex(ids), after.reindex(ids)
        same = (old.eq(new).fillna(False).astype(bool) | (old.isna() & new.isna())).all(axis=1)
        both = pd.concat([old.add_prefix("baseline_"), new.add_prefix("scenario_")], axis=1)
        changed = both[~same].reset_index()
        changed.insert(0, "scenario", name)
        blocks.append(changed)
    return pd.concat(blocks, ignore_index=True) if blocks else pd.DataFrame()


def _held(state: State) -> pd.DataFrame:
    """Return sites, communes, places, holder and operator of each authorisation, its families' after a merger."""
    rows = state.services.reset_index().dropna(subset=["authorisation_id"])
    for column in (name for name in ("holder", "run_by", "serves") if name not in rows):
        rows[column] = pd.array([None] * len(rows), dtype="str")
    rows["holder"] = rows["holder"].fillna(rows["site_id"].map(state.sites["operator_id"]))
    rows["serves"] = rows["serves"].fillna(rows["authorisation_id"]).str.split()
    rows = rows.explode("serves")
    rows["commune"] = rows["site_id"].map(state.sites["commune_code"]).map(state.communes["name"])
    rows["authorisation"] = rows["authorisation_id"]
    told = ("authorisation", "site_id", "commune", "holder", "run_by", "capacity_unit")
    table = pd.DataFrame({name: _listed(rows[name], rows["serves"]) for name in told})
    table = table.rename_axis("authorisation_id")
    places = supply.places_by_authorisation(state.services)["places"].groupby(level="authorisation_id")
    # the total of an authorisation is known when that of each of its services is
    table["places"] = table["authorisation"].map(places.sum(min_count=1))
    return table


def _listed(values: pd.Series, keys: pd.Series) -> pd.Series:
    """Return the different values of each key as one text, nothing when none is known."""
    found: dict[str, dict[str, None]] = {str(key): {} for key in keys}
    for key, value in zip(keys, values.astype(object).where(values.notna(), None), strict=True):
        if value is not None:
            found[str(key)][str(value)] = None
    return pd.Series([", ".join(texts) or None for texts in found.values()], index=list(found))


def _poolings(result: StudyResult) -> pd.DataFrame:
    """Return what each groupement shares; an unknown share of staff time stays unknown."""
    rows = [
        {
            "scenario": name,
            "groupement": pooling.name,
            "members": ", ".join(pooling.member_ids),
            "site_id": pooling.site_id,
            "shared": ", ".join(pooling.shared),
            "moves_services": pooling.moves_services,
            "freed_staff_share": pooling.freed_staff_share,
        }
        for name, results in result.scenarios.items()
        for pooling in results.state.poolings
    ]
    return pd.DataFrame(rows).astype({"freed_staff_share": float}) if rows else pd.DataFrame()


def _population(result: StudyResult) -> pd.DataFrame:
    """Return inhabitants and needs by EPCI, before and after, for the scenarios that change them."""
    base = result.baseline.state
    blocks = []
    for name, results in result.scenarios.items():
        if results.state.population is base.population:
            continue
        sides = {"baseline_persons": _counted(base), "scenario_persons": _counted(results.state)}
        long = [
            table.rename_axis("zone").reset_index().melt("zone", var_name="what", value_name=side)
            for side, table in sides.items()
        ]
        table = long[0].merge(long[1], on=["zone", "what"], how="outer", sort=False)
        table.insert(0, "scenario", name)
        blocks.append(table)
    return treat("population_scenarios", pd.concat(blocks, ignore_index=True)) if blocks else pd.DataFrame()


def _counted(state: State) -> pd.DataFrame:
    """Return inhabitants and persons in need by EPCI of the territory, and in all."""
    inside = state.communes[state.communes.index.isin(state.parameters.territory_codes)]
    wide = pd.DataFrame({"population": inside["population"]})
    if len(state.demand):
        wide = wide.join(state.demand["demand"].unstack("public"))
    by_epci = wide.groupby(inside["epci_code"].fillna("")).sum(min_count=1)
    return pd.concat([wide.sum(min_count=1).to_frame(ALL_TERRITORY).T, by_epci])


def grouping_tables(result: StudyResult) -> dict[str, pd.DataFrame]:
    """Return the tables of the questions of grouping, by file name, budgets withheld as `release_budgets` says."""
    found: dict[str, pd.DataFrame] = {}
    budgets = release_budgets(result.groupings)
    for name, answer in result.groupings.items():
        stem = f"groupement_{name}"
        # a threshold that is met bounds the budget that is withheld
        withheld = answer.groups["budget_eur"].notna() & budgets[name].isna()
        groups = treat("GroupingAnswer.groups", answer.groups, withheld)
        if answer.grouping.size == "budget" and withholds():
            groups = groups.drop(columns=["size", "size_ratio"])
        found[f"{stem}_groupes"] = groups.reset_index()
        drop = ["geometry", "budget_eur"] if withholds() else ["geometry"]
        found[f"{stem}_membres"] = pd.DataFrame(answer.members.drop(columns=drop)).reset_index()
        found[f"{stem}_mutualisation"] = _pooling(answer)
    if result.groupings:
        table = release_comparison(result.groupings)
        withheld = table.pop("is_size_withheld")
        found["groupements_comparaison"] = treat("groupements_comparaison", table, withheld).reset_index()
        around = {name: pd.DataFrame(answer.context) for name, answer in result.groupings.items()}
        context = pd.concat(around, names=["alternative"]).drop(columns="geometry")
        found["groupements_contexte"] = context.reset_index()
    return found


def _pooling(answer: GroupingAnswer) -> pd.DataFrame:
    """Return what is shared, under the French titles that the study reads back."""
    table = answer.pooling.reset_index()
    member = table["member_id"]
    table["member_name"] = member.map(answer.members["name"])
    table["group"] = member.map(answer.members["group"])
    table["is_shared"] = table["is_shared"].map({True: "oui", False: "non"}).astype("str")
    times = [name for name in table.columns if str(name).endswith(("_min", "_hours_per_year"))]
    table = table.round(dict.fromkeys(times, UNITS["_min"].decimals))
    return table[[key for key in POOLING_TITLES if key in table]].rename(columns=dict(POOLING_TITLES))


def release_budgets(answers: Mapping[str, GroupingAnswer]) -> dict[str, pd.Series]:
    """Return the budgets of groups that may be printed, for all the groupings of a study together (`protect_budgets`).

    Two sums that are printed are of the same establishments or have none in common, the first question first: with
    « a, b, c » and « a, b, c, d », the budget of d would be a subtraction away.
    """
    if not withholds():
        return {name: answer.groups["budget_eur"] for name, answer in answers.items()}
    printed: set[frozenset[str]] = set()
    released = {}
    for name, answer in answers.items():
        sums = protect_budgets(answer.members["budget_eur"], answer.members["group"]).drop("Total")
        members = answer.members.groupby("group").groups
        for group in sums.index[sums.notna()]:
            mine = frozenset(map(str, members[group]))
            if all(mine == other or mine.isdisjoint(other) for other in printed):
                printed.add(mine)
            else:
                sums[group] = float("nan")
        released[name] = sums.reindex(answer.groups.index)
    return released


def release_comparison(answers: Mapping[str, GroupingAnswer]) -> pd.DataFrame:
    """Set groupings side by side, the sizes that would tell a withheld budget left out."""
    table: pd.DataFrame = compare_groupings(answers)
    released = release_budgets(answers)
    table["is_size_withheld"] = [
        option == "groups"
        and answers[name].grouping.size == "budget"
        and bool(released[name].isna().any())
        and withholds()
        for name, option in table.index
    ]
    sizes = ["smallest_size", "largest_size", "balance"]
    table[sizes] = table[sizes].mask(table["is_size_withheld"])
    return table
