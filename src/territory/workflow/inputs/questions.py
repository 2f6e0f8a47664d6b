"""What the questions of a study ask of its data: scenarios, siting, grouping, indicators."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import geopandas as gpd
import pandas as pd

from territory.access.closest import edge_communes
from territory.errors import InfeasibleError, ParameterError, Problems, StudyError, agree, counted, warn
from territory.french.words import capital, join
from territory.needs import persons_by_age
from territory.network.estimate import estimate_travel_times
from territory.planning.grouping.answer import GroupingAnswer, answer_grouping
from territory.planning.siting.answer import SitingAnswer, answer_siting, candidate_communes
from territory.release.disclosure import THRESHOLD
from territory.sources.field_answers import FieldAnswers, read_template
from territory.sources.field_workbook import SAID
from territory.sources.producers.insee.communes import read_care_territories, read_zoning
from territory.study.own_tables import (
    kinds_of,
    read_activity,
    read_change_table,
    read_grouping_table,
    read_pooling_table,
)
from territory.study.state import State
from territory.study.words.changes import SITING_PREFIX, ChangeSpeeds, StudyChange
from territory.study.words.indicators import Waiting
from territory.study.words.model import Fact, Need, Study, Unknown
from territory.study.words.questions import CANDIDATE_PREFIX, Grouping, Siting
from territory.study.words.scenario import Scenario
from territory.supply import complete_services
from territory.supply.equipment import DEFAULT_AGES
from territory.tables.declare import SERVICES

# what the filled workbook of the field adds to a study, and who is named there
ANSWERED = ("need", "waiting", "fact", "unknown")
_NAMED = {"authorisation": "id", "waiting": "authorisation"}
Question = TypeVar("Question", Siting, Grouping)
Answer = TypeVar("Answer")


def with_candidates(study: Study, sites: gpd.GeoDataFrame, communes: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the sites and, for each commune that a question of siting looks at, a candidate at its point."""
    codes = dict.fromkeys(code for siting in study.siting for code in candidate_communes(siting, communes))
    if not codes:
        return sites
    chosen, crs = communes.loc[list(codes)], cast("Any", communes.crs)
    unknown = pd.array([None] * len(chosen), dtype="str")
    columns = {
        "name": ("Point de la commune de " + chosen["name"]).to_numpy(),
        "category_code": unknown,
        "commune_code": chosen.index.to_numpy(),
        "operator_id": unknown,
        "point_precision": "commune",
        "source": "fichier d'étude : commune candidate",
    }
    ids = pd.Index(CANDIDATE_PREFIX + chosen.index, name="site_id")
    candidates = gpd.GeoDataFrame(columns, geometry=chosen.geometry.to_numpy(), crs=crs, index=ids)
    both: Any = pd.concat([sites.to_crs(crs), candidates])
    return gpd.GeoDataFrame(both, crs=crs)


def with_fixed_services(study: Study, services: pd.DataFrame) -> Study:
    """Return the study whose questions of siting name every site of the services that they keep."""
    if all(siting.fixed_service is None for siting in study.siting):
        return study
    ids, kinds = services.index.get_level_values("site_id"), kinds_of(services)

    def named(siting: Siting) -> Siting:
        fixed = (*siting.fixed_site_ids, *ids[kinds == siting.fixed_service])
        return siting.model_copy(update={"fixed_site_ids": tuple(dict.fromkeys(fixed))})

    return study.model_copy(update={"siting": tuple(named(siting) for siting in study.siting)})


def with_holders(study: Study, services: pd.DataFrame) -> pd.DataFrame:
    """Return the services with the bodies that hold their authorisations, where the study names one."""
    holders = {named.id: named.holder for named in study.authorisation if named.holder}
    if not holders:
        return services
    return services.assign(holder=services["authorisation_id"].map(holders).astype("str"))


def with_answers(
    study: Study, services: pd.DataFrame, population: pd.DataFrame
) -> tuple[Study, pd.DataFrame]:
    """Return a study with what the field answers of needs, waits, services and gaps; services with the places held."""
    if study.files.answers is None:
        return study, services
    known = {"communes": population.index.unique("commune_code"), "sites": services.index.unique("site_id")}
    found = read_template(Path(study.folder) / study.files.answers, **known)
    activity = found.activity.set_index(["site_id", "service"])
    held = activity[["creton_places", "outside_places"]].sum(axis=1)
    # a small count taken off a capacity that is public would be found again in every place within reach
    held = held.where(held >= THRESHOLD).reindex(services.index)
    named, waited = ({getattr(one, key) for one in getattr(study, part)} for part, key in _NAMED.items())
    ask = found.organisation or "MDPH et gestionnaires"
    told = {
        "need": _oriented(found, population),
        "waiting": [one for one in _waiting(found, services) if one.authorisation in named - waited],
        "fact": [one for one in _said_of(activity, services, found.source) if one.about in named],
        "unknown": [
            Unknown(question=f"Classeur du terrain, feuille « {sheet} » : {said}", ask=ask)
            for sheet, said in found.unanswered.items()
        ],
    }
    update = {key: (*getattr(study, key), *more) for key, more in told.items()}
    return study.model_copy(update=update), services.assign(held_places=held)


def _oriented(found: FieldAnswers, population: pd.DataFrame) -> Iterator[Need]:
    """Yield the orientations to each service as a need with a known total, where it may be printed."""
    for service, rows in found.children.groupby("service"):
        total, lost = float(rows["orientations"].sum()), int(rows["orientations"].isna().sum())
        said = (rows["age_min"].min(), rows["age_max"].max())
        usual = DEFAULT_AGES.get(str(service), (0.0, 20.0))
        ages = {"age_min": usual[0] if math.isnan(said[0]) else said[0]}
        ages |= {"age_max": usual[1] if math.isnan(said[1]) else said[1]}
        persons = float(persons_by_age(population, **ages).sum())
        if THRESHOLD <= total < persons:
            names = {"public": f"orientations_{service}", "service": service, "kind": "orientation"}
            label = f"Orientations en {SERVICES.get(str(service), service)}"
            names |= {"label": label, "source": found.source}
            least = agree(lost, "effectif(s) (manque|manquent) ou (reste secret|restent secrets).")
            counts = {"per_1000": 1000 * total / persons, "known_total": total}
            caution = f"Un minimum : {least}" if lost else ""
            yield Need.model_validate({**names, **ages, **counts, "caution": caution})


def _waiting(found: FieldAnswers, services: pd.DataFrame) -> Iterator[Waiting]:
    """Yield the wait for each service that one authorisation alone offers, where its exits of the year are told."""
    waited = found.children.groupby("service")["waiting"].sum(min_count=1).dropna()
    exits = found.activity.groupby("service")["exits_per_year"].sum(min_count=1)
    for service, count in waited.items():
        held = set(services["authorisation_id"][kinds_of(services) == service].dropna())
        left = float(exits.get(str(service), math.nan))
        if len(held) == 1 and found.situation_date is not None and left >= 0:
            counts = {"waiting": count, "exits_per_year": left, "year": found.situation_date.year}
            yield Waiting.model_validate({"authorisation": held.pop(), "source": found.source, **counts})


def _said_of(activity: pd.DataFrame, services: pd.DataFrame, source: str) -> Iterator[Fact]:
    """Yield what the field says of the service of each authorisation; a small count of persons stays unsaid."""
    for pair, row in activity.iterrows():
        known = {name: row[name] for name in SAID if row[name] >= (THRESHOLD if name == "file_active" else 0)}
        said = [SAID[name].format(value=f"{value:g}".replace(".", ",")) for name, value in known.items()]
        if said:
            about = services["authorisation_id"].get(pair)
            yield Fact(text=f"{capital(join(said))} ({source}).", source=source, about=about)


def change_tables(study: Study, communes: "pd.Index[str]") -> dict[str, pd.DataFrame]:
    """Return the planner's tables that changes name, by their path in the study file."""
    return {
        name: study.own_tables.read(read_change_table, name, key=key, communes=communes)
        for change in _changes(study)
        for key, name in change.tables().items()
    }


def other_speeds(study: Study) -> list[ChangeSpeeds]:
    """Return the changes that weigh the road map again, each way once."""
    speeds = {change.roads_key: change for change in _changes(study) if isinstance(change, ChangeSpeeds)}
    return [change for key, change in speeds.items() if key]


def check_speeds(study: Study, *, has_roads: bool) -> None:
    """Raise when a scenario changes the speeds of a road map and times do not come from one."""
    problems = Problems(f"Étude « {study.id} »", StudyError)
    for number, scenario in enumerate(study.scenario):
        for rank, change in enumerate(scenario.change):
            if isinstance(change, ChangeSpeeds) and change.roads_key and not has_roads:
                said = "period, speeds_file et les routes nommées changent une carte routière, absente de cette étude"
                advice = "donnez --roads ou files.roads, ou dites le changement par time_factor ou times_file"
                problems.add(f"{study.at('scenario', number, 'change', rank)}{said} : {advice}")
    problems.raise_if_any()


def _answers(
    study: Study, key: str, noun: str, questions: Sequence[Question], answer: Callable[[Question], Answer]
) -> dict[str, Answer]:
    """Answer every question of one kind, or raise one error with all those that have no answer."""
    problems = Problems(f"Étude « {study.id} »", StudyError)
    answers = {}
    for number, question in enumerate(questions):
        try:
            answers[question.id] = answer(question)
        except (InfeasibleError, ParameterError) as error:
            problems.add(f"{study.at(key, number)}{noun} « {question.id} » : {error}")
    problems.raise_if_any()
    return answers


def answer_sitings(study: Study, state: State) -> dict[str, SitingAnswer]:
    """Answer every question of siting of a study."""
    return _answers(study, "siting", "implantation", study.siting, lambda one: answer_siting(one, state))


def answer_groupings(study: Study, state: State) -> dict[str, GroupingAnswer]:
    """Answer every question of grouping of a study, with the planner's own tables."""

    def answer(grouping: Grouping) -> GroupingAnswer:
        own, ids = study.own_tables, state.sites.index
        named = grouping.table or study.files.answers
        table = None if named is None else own.read(read_grouping_table, named, sites=ids)
        filled = grouping.pooling_table
        pooled = None if filled is None else own.read(read_pooling_table, filled, members=ids)
        return answer_grouping(grouping, state, table=table, pooled=pooled)

    return _answers(study, "grouping", "groupement", study.grouping, answer)


def settled(scenario: Scenario, answers: Mapping[str, SitingAnswer]) -> Scenario:
    """Return a scenario at the sites that questions chose, `{siting:<id>}` in its texts being the commune's name."""

    def chosen(change: StudyChange) -> dict[str, str]:
        return {
            key: answers[site.removeprefix(SITING_PREFIX)].result.selected[0]
            for key, site in change.sites().items()
            if site.startswith(SITING_PREFIX)
        }

    texts = {"name": scenario.name, "summary": scenario.summary}
    for name, answer in answers.items():
        communes = ", ".join(answer.ranking.loc[answer.ranking["is_selected"], "name"])
        texts = {key: text.replace(f"{{{SITING_PREFIX}{name}}}", communes) for key, text in texts.items()}
    changes = tuple(change.model_copy(update=chosen(change)) for change in scenario.change)
    return scenario.model_copy(update={"change": changes, **texts})


def _changes(study: Study) -> Iterator[StudyChange]:
    """Yield every change of every scenario."""
    for scenario in study.scenario:
        yield from scenario.change


# the embedded dataset and those of `territory init` hold the communes up to there
BUFFER_KM = 45.0
EHPAD = "ehpad"


def indicator_sites(
    study: Study, services: pd.DataFrame, sites: gpd.GeoDataFrame, communes: gpd.GeoDataFrame
) -> set[str]:
    """Return the sites of the criteria, of the path, of coordination, and the EHPAD of the territory."""
    named = services.index.get_level_values("service")
    complete = set(complete_services(services))
    criteria = [criterion for scheme in study.desert for criterion in scheme.criterion]
    wanted = {name for criterion in criteria for name in criterion.services} & complete
    wanted |= {name for step in study.path_step for name in step.services}
    wanted |= {structure.service for structure in study.coordination}
    if any(criterion.is_of_gps for criterion in criteria):
        wanted |= {study.practitioners.service} & complete
    ids = services.index.get_level_values("site_id")
    inside = communes.index[communes["departement_code"].isin(study.territory.departement_codes)]
    at_home = sites.index[sites["commune_code"].isin(inside)]
    return set(ids[named.isin(wanted)]) | set(ids[named == EHPAD].intersection(at_home))


def edge_times(study: Study, communes: gpd.GeoDataFrame) -> "pd.Series[float]":
    """Return the estimated time to the edge of the data (min): how far they go, whatever the study's own times are."""
    is_edge = edge_communes(
        communes.geometry.x.to_numpy(float),
        communes.geometry.y.to_numpy(float),
        communes["departement_code"].isin(study.territory.departement_codes).to_numpy(),
        buffer_km=BUFFER_KM if study.data is None else study.data.buffer_km,
    )
    times = estimate_travel_times(communes, communes[is_edge], terrain=study.travel.terrain)
    closest = times.groupby("from_id", observed=False)["travel_time_min"].min()
    return closest.reindex(communes.index).astype(float).rename("edge_time_min")


def with_activity(study: Study, services: pd.DataFrame) -> pd.DataFrame:
    """Return the services, those of GPs counted in consultations where the study gives them."""
    if study.practitioners.activity is None:
        return services
    is_gp = services.index.get_level_values("service") == study.practitioners.service
    ids = services.index.get_level_values("site_id")
    activity = study.own_tables.read(read_activity, study.practitioners.activity, sites=set(ids[is_gp]))
    counted = services.copy()
    counted.loc[is_gp, "capacity"] = activity.reindex(ids[is_gp]).to_numpy(float)
    counted.loc[is_gp, "capacity_unit"] = "consultations_per_year"
    return counted


def care_territories(study: Study, communes: gpd.GeoDataFrame) -> "pd.Series[str] | None":
    """Return the territoire de vie-santé of each commune, when the study brings their list."""
    if study.zoning is None:
        return None
    territories: pd.Series[str] = read_care_territories(Path(study.folder) / study.zoning.territories)
    return territories.reindex(communes.index)


def zoning_in_force(study: Study, codes: pd.Index) -> "pd.Series[str] | None":
    """Return the zone of each commune in the arrêté of the ARS, when the study brings it; name those it lacks."""
    name = study.files.zoning_in_force
    if name is None:
        return None
    zones: pd.Series[str] = read_zoning(Path(study.folder) / name).reindex(codes)
    lacking = codes[zones.isna()]
    if len(lacking) == len(codes):
        raise StudyError(f"« {name} » ne dit la zone d'aucune commune du territoire.")
    if len(lacking):
        warn(f"« {name} » : {counted(lacking, 'commune(s) du territoire sans zone')}.")
    return zones
