"""The first page: the answer in sentences, each one made from the numbers by a rule, with what it depends on."""

from __future__ import annotations

from territory.french.numbers import minutes, share
from territory.french.words import capital, join, persons
from territory.release.gate import TODAY
from territory.report.chapters.main_move import (
    in_classes,
    in_zones,
    persons_in_words,
    road_in_words,
    told_at_length,
    whom_in_words,
    worst,
)
from territory.report.chapters.moves import is_wide, scenarios_in_words
from territory.report.chapters.questions import groups_answer
from territory.report.layout.document import Block, Callout, Heading, Paragraph, Run, Text, strong
from territory.report.reading import STAFF, UNKNOWN, Counts, Move, Reading
from territory.scenario.zones import ALL_TERRITORY
from territory.tables.catalogue import WITHIN_SHARES

# a move is "hardly felt" when the difference cannot be told for this share of the persons within reach
_HARDLY_FELT_SHARE = 0.9
# services named when some scenarios move them and others do not; beyond, the table is clearer
_MOST_DEPENDING = 2
_NUMBERS = dict(enumerate(("deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix"), start=2))


def first_page(reading: Reading) -> list[Block]:
    """Return the question, the answer and what is not known."""
    asked: list[Block] = [
        Heading("La question"),
        Paragraph(reading.study.question, "lead"),
        Heading("La réponse"),
    ]
    told = _answer(reading) if reading.release.scenarios else _answer_without_scenario(reading)
    unknown = questions(reading)
    return [*asked, *told, *([Callout(UNKNOWN, unknown, "unknown")] if unknown else [])]


def questions(reading: Reading) -> list[Text]:
    """Return what is not known, and whom to ask."""
    return [
        [f"{found.question} ", strong("À demander"), f" : {found.ask}."] for found in reading.study.unknown
    ]


def _answer(reading: Reading) -> list[Block]:
    """Answer for a study with scenarios: what all of them share, then what depends on the one that is chosen."""
    blocks: list[Block] = [Paragraph(_lead(reading))]
    pivot = reading.pivot
    told: set[str] = set(pivot.services) if pivot else set()
    others: list[Text] = []
    changed: dict[tuple[str, ...], Text] = {}
    for move in reading.every_move:
        # a service that an earlier line tells is in the table of every move; that it closes is said again
        if move == pivot or (told.issuperset(move.services) if move.lasts else move.services in changed):
            continue
        told.update(move.services)
        if move.lasts:
            others.append(_sentence(reading, move))
        else:
            changed[move.services] = _sentence(reading, move)
    others = [*changed.values(), *others]
    if pivot is not None:
        # a service goes from a place to another, and somebody's trip changes so much that it can be told
        communes = reading.counts_of(pivot).communes
        is_felt = pivot.lasts and any(communes[effect][ALL_TERRITORY] for effect in ("gain", "loss"))
        blocks += told_at_length(reading, pivot) if is_felt else [Paragraph(_sentence(reading, pivot))]
    if others:
        blocks.append(Callout("Pour les autres services, ce que montrent les calculs", others, "note"))
    if pivot is None and not others:
        nothing = "Dans ces scénarios, aucun service nommé ne change de site : aucun trajet ne change."
        blocks.append(Paragraph(nothing))
    return blocks


def _lead(reading: Reading) -> Text:
    """Say what the answer depends on."""
    depends = reading.changes_between_scenarios()
    every = list(reading.release.scenarios)
    if not depends:
        if len(every) == 1:
            text = next(s.name for s in reading.study.scenario if s.id == every[0])
            # a sentence's second part starts with a small letter, acronyms apart
            name = text if text[:2].isupper() else text[:1].lower() + text[1:]
            return f"Scénario étudié, comparé à aujourd'hui : {name}."
        return f"Les {len(every)} scénarios déplacent les mêmes services ; ils diffèrent par le lieu."
    parts: list[str | Run] = [strong("Tout dépend d'un point qui reste à confirmer. ")]
    if len(depends) > _MOST_DEPENDING:
        parts = [
            strong("Tous les scénarios ne déplacent pas les mêmes services. "),
            "Le tableau de « Ce qui est comparé » dit lesquels. ",
        ]
        depends = {}
    for service, movers in depends.items():
        stays = [name for name in every if name not in movers]
        parts.append(
            f"Le service « {reading.label(service)} » déménage dans {scenarios_in_words(movers)} et reste où il "
            f"est dans {scenarios_in_words(stays)}. "
        )
    told = {name for movers in depends.values() for name in movers}
    # what hardly changes the trips of those who go to the services that move
    quiet = [
        name
        for name in every
        if name not in told
        and all(
            move.lasts and _is_hardly_felt(reading.counts_of(move))
            for move in reading.moves(name)
            if move.who != STAFF
        )
    ]
    if quiet:
        words = "presque aucun trajet d'enfant ou de parent ne change de façon mesurable. "
        parts.append(strong(f"Dans {scenarios_in_words(quiet)}, {words}"))
    cases = f"les {_NUMBERS.get(len(every), str(len(every)))} cas"
    which = "que ce déménagement" if len(depends) == 1 else "qu'un déménagement"
    parts.append(f"Rien, ici, n'affirme {which} aura lieu : {cases} sont calculés.")
    return parts


def _is_hardly_felt(found: Counts) -> bool:
    """Tell whether the difference cannot be told for nearly everybody within reach."""
    return _told_apart_share(found) <= 1 - _HARDLY_FELT_SHARE


def _sentence(reading: Reading, move: Move) -> Text:
    """Say what a move changes, by the rule that fits it."""
    found = reading.counts_of(move)
    name = strong(reading.labels(move.services))
    if not move.lasts:
        return [name, *_opening_or_closing(reading, move, found)]
    if move.who == STAFF:
        return [name, *_staff(reading, move, found)]
    if reading.place(move.from_site) == reading.place(move.to_site) and not move.is_in_place:
        facts = [fact.text for fact in reading.study.fact if fact.about in move.services]
        known = "" if facts else f"déjà {reading.at_site(move.from_site)} ; "
        said = f"changer d'adresse dans {reading.place(move.from_site)} ne change pas les trajets."
        return [name, f" : {known}{said}", *(f" {text}" for text in facts)]
    if _is_hardly_felt(found):
        return [name, *_hardly_felt(reading, move, found)]
    return [name, *_felt(reading, move, found)]


def _opening_or_closing(reading: Reading, move: Move, found: Counts) -> list[str | Run]:
    """Say what an opening or a closure changes."""
    if move.from_site is None:
        verb, site, effect = "ouvrirait", move.to_site, "entering"
        where = f"habitent à {reading.limit} ou moins"
    else:
        verb, site, effect = "fermerait", move.from_site, "without"
        where = f"à {reading.limit} ou moins aujourd'hui, et sans ce service ensuite"
    return [
        f" : {verb} {reading.at_site(site)} (scénario {move.scenario_id}) ; ",
        f"{where} : {whom_in_words(found, effect, reading.noun_of(move))}.",
    ]


def _staff(reading: Reading, move: Move, found: Counts) -> list[str | Run]:
    """Say that the professionals travel, not the children."""
    noun = reading.noun_of(move)
    sides = {"gain": "plus courte", "loss": "plus longue"}
    # who is touched comes first: "vers personne" takes no noun
    first, second = sorted(sides, key=lambda effect: persons_in_words(found, effect) == "personne")
    road = f" ({reading.road(move.from_site, move.to_site)}) : ce sont les professionnels qui vont vers l'enfant. "
    if persons_in_words(found, first) == "personne":
        return [road, "Leur route ne serait, de façon mesurable, ni plus courte ni plus longue."]
    return [
        road,
        f"Leur route, et non celle des familles, serait {sides[first]} vers {whom_in_words(found, first, noun)} et "
        f"{sides[second]} vers {persons_in_words(found, second)}.",
    ]


def _hardly_felt(reading: Reading, move: Move, found: Counts) -> list[str | Run]:
    """Say that the difference is under the doubt for nearly everybody."""
    noun = reading.noun_of(move)
    parts: list[str | Run] = [
        f" ({road_in_words(reading, move)}) : ",
        strong("écart non distinguable"),
        f" du doute sur les temps pour {share(1 - _told_apart_share(found))} des {noun} à portée aujourd'hui",
    ]
    sides = []
    if found.communes["gain"][ALL_TERRITORY]:
        sides.append(f"un trajet plus court pour {persons_in_words(found, 'gain')}")
    if found.communes["loss"][ALL_TERRITORY]:
        sides.append(f"un trajet plus long pour {persons_in_words(found, 'loss')}{worst(reading, found)}")
    return [*parts, f" ; {join(sides)}." if sides else "."]


def _felt(reading: Reading, move: Move, found: Counts) -> list[str | Run]:
    """Say who gains and who loses, in one sentence."""
    noun = reading.noun_of(move)
    if found.merged:
        said = in_classes(found, noun)
        return [f" ({road_in_words(reading, move)}) : ", strong(said), f"{worst(reading, found)}."]
    # with many scenarios the first page has no room for the zones: the map and the tables have them
    gaining, losing = (
        "" if is_wide(list(reading.release.scenarios)) else in_zones(reading, found, effect)
        for effect in ("gain", "loss")
    )
    return [
        f" ({road_in_words(reading, move)}) : ",
        strong(f"trajet plus court pour {whom_in_words(found, 'gain', noun)}"),
        gaining,
        ", ",
        strong(f"plus long pour {persons_in_words(found, 'loss')}"),
        losing,
        f"{worst(reading, found)} ; non distinguable pour {persons_in_words(found, 'indistinct')}.",
    ]


def _told_apart_share(found: Counts) -> float:
    """Return the share of persons within reach whose gain or loss can be told; of communes, if unknown."""
    table = found.persons if not found.persons.loc[ALL_TERRITORY].isna().any() else found.communes
    felt = sum(float(table[effect][ALL_TERRITORY]) for effect in ("gain", "loss"))
    total = felt + sum(float(table[effect][ALL_TERRITORY]) for effect in ("indistinct", "unknown"))
    return felt / total if total else 0.0


def _answer_without_scenario(reading: Reading) -> list[Block]:
    """Answer for a study that compares nothing: today's times."""
    blocks: list[Block] = groups_answer(reading) or [
        Paragraph("Cette étude ne compare aucun scénario : elle décrit la situation d'aujourd'hui.")
    ]
    population = float(reading.territory["population"].sum())
    limit = sorted(reading.parameters.thresholds_min)[min(1, len(reading.parameters.thresholds_min) - 1)]
    items: list[Text] = []
    within = f"des habitants à {minutes(limit)} ou moins."
    rows, column = reading.release.coverage, WITHIN_SHARES.name(threshold_min=float(limit))
    for service in reading.closest:
        if (ALL_TERRITORY, service) in rows.index and column in rows:
            value = rows.xs(service, level="service")[column][ALL_TERRITORY]
            said = f" : {share(float(value))} {within}"
            said += f" {reading.emergency_hours}" if service == "urgences" else ""
            items.append([strong(capital(reading.label(service))), said])
    for service in reading.named:
        times = reading.times(TODAY, service).reindex(reading.territory.index)["travel_time_min"]
        people = float(reading.territory["population"][times.le(limit)].sum())
        part = share(people / population) if population > 0 else "une part inconnue"
        items.append([strong(reading.short(service)), f" : {part} {within}"])
    if not items:
        nothing = f"{persons(population)} habitants ; aucun service n'est nommé ni complet."
        return [*blocks, Paragraph(nothing)]
    title = f"Qui est près de quoi, dans le territoire « {reading.study.territory.name} »"
    return [*blocks, Callout(title, items)]
