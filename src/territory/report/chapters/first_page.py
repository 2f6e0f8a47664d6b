"""The first page: the answer in sentences, each one made from the numbers by a rule, with what it depends on."""

from typing import Any

from territory.french.numbers import minutes, share
from territory.french.words import capital, join, persons
from territory.release.gate import TODAY
from territory.report.chapters import main_move, pictures
from territory.report.chapters.moves import ON_ONE_POINT
from territory.report.chapters.questions import groups_answer
from territory.report.layout import document as doc
from territory.report.reading import STAFF, UNKNOWN, Move, Reading
from territory.scenario.zones import ALL_TERRITORY
from territory.tables.catalogue import WITHIN_SHARES

# other scenarios told on the first page; the table of the options has them all
_MOST_VARIANTS = 3
DEFINED = (
    "« Sans différence visible » : différence trop petite, devant le doute sur les temps, pour être affirmée."
)


def first_page(reading: Reading) -> list[doc.Block]:
    """Return the question, the answer and what is not known, then what is told of the other services."""
    asked: list[doc.Block] = [doc.Paragraph(reading.study.question, "lead"), doc.Heading("La réponse")]
    told = answer(reading)
    unknown, others = questions(reading), other_services(reading)
    boxes = [doc.Callout(UNKNOWN, unknown, "unknown")] if unknown else []
    if others:
        boxes.append(doc.Callout("Pour les autres services, ce que montrent les calculs", others, "note"))
    return [*asked, *told, *boxes]


def questions(reading: Reading) -> list[doc.Text]:
    """Return what is not known, and whom to ask."""
    lead = doc.strong("À demander")
    return [[f"{found.question} ", lead, f" : {found.ask}."] for found in reading.study.unknown]


def answer(reading: Reading) -> list[doc.Block]:
    """Answer: what sources say first, then what is only possible, then who gains and loses; or today's times."""
    if not reading.release.scenarios:
        return _answer_without_scenario(reading)
    pivot = reading.pivot
    if pivot is None:
        nothing = "Dans ces scénarios, aucun service nommé ne change de site : aucun trajet ne change."
        return [*readings(reading), doc.Paragraph(nothing)]
    *told, defined = [*readings(reading), *headline(reading, pivot)]
    told.append(doc.Bullets(main_move.sides(reading, pivot)))
    drawn, others = small_map(reading), _other_options(reading, pivot)
    blocks: list[doc.Block] = [doc.Beside(told, drawn)] if drawn else told
    return [*blocks, *([doc.Bullets(others)] if others else []), defined]


def small_map(reading: Reading, *, max_height_cm: float = 8.5) -> doc.Picture | None:
    """Return the map of the move that changes most, where there is something to see."""
    move = reading.pivot
    if move is None or not move.lasts:
        return None
    communes = reading.counts_of(move).communes
    if not any(communes[effect][ALL_TERRITORY] for effect in ("gain", "loss")):
        return None
    return pictures.change_map(reading, move, max_height_cm=max_height_cm, width_cm=pictures.SMALL_CM)


def readings(reading: Reading) -> list[doc.Block]:
    """Say what « aujourd'hui » means, and which scenarios the sources support."""
    blocks: list[doc.Block] = []
    if today := reading.study.today:
        blocks.append(doc.Paragraph(f"« Aujourd'hui » : {today.rstrip('.')}.", "small"))
    pivot = reading.pivot
    for scenario in reading.study.scenario:
        if scenario.supported_by and scenario.id in reading.release.scenarios:
            said = f" {scenario.name.rstrip('.')}."
            if pivot is not None and pivot.services[0] not in reading.release.moved(scenario.id):
                still = capital(reading.the(pivot.services))
                verb = "gardent leur place" if len(pivot.services) > 1 else "garde sa place"
                said += f" {still} {verb} : sur 10 enfants, 10 y ont le même trajet qu'aujourd'hui."
            lead = doc.strong(f"Ce que disent les sources (scénario {scenario.id}).")
            blocks.append(doc.Paragraph([lead, said]))
    return blocks


def headline(reading: Reading, move: Move) -> list[doc.Block]:
    """Tell the move that changes most: of ten children, of those of a site, and under every variant."""
    supported = [s.id for s in reading.study.scenario if s.supported_by]
    told = main_move.condition(reading, move)
    if supported and move.scenario_id not in supported:
        rest = [name for name in reading.release.scenarios if name not in supported]
        many = "scénarios" if len(rest) > 1 else "scénario"
        lead = doc.strong(f"Possible, mais qu'aucun document consulté n'affirme ({many} {join(rest)}).")
        blocks: list[doc.Block] = [doc.Paragraph([lead, f" {told} :"])]
    else:
        blocks = [doc.Paragraph(f"{told} :")]
    found, noun = reading.counts_of(move), reading.noun_of(move)
    if move.who == STAFF:
        blocks.append(doc.Paragraph("Ce sont les professionnels qui font la route, vers l'enfant."))
    ten = main_move.of_ten(reading, move)
    said = ten or f"{capital(main_move.in_classes(found, noun))}."
    blocks.append(doc.Paragraph([doc.strong(said)], "lead"))
    sizes, variants = main_move.of_places(reading, move), main_move.in_variants(reading, move)
    blocks += [doc.Paragraph(text) for text in (sizes, variants) if text]
    drawn = doc.wording("first_page.drawn", noun=noun)
    return [*blocks, doc.Paragraph(f"{drawn if ten and not found.is_observed else ''}{DEFINED}", "small")]


def _other_options(reading: Reading, pivot: Move) -> list[doc.Text]:
    """Say in one line each what the other scenarios that move the same service would change."""
    same = [move for move in reading.every_move if move.services[0] == pivot.services[0]]
    others = [move for move in same if move.scenario_id != pivot.scenario_id]
    items: list[doc.Text] = []
    for move in others[:_MOST_VARIANTS]:
        ten = main_move.of_ten(reading, move, served="accompagnés")
        said = ten or f"{main_move.in_classes(reading.counts_of(move), reading.noun_of(move))}."
        lead = doc.strong(f"Scénario {move.scenario_id}")
        items.append([lead, f" ({main_move.road_in_words(reading, move)}) : {_small(said)}"])
    return items


def other_services(reading: Reading) -> list[doc.Text]:
    """Say what each move of another service changes, once; closures are said in every scenario that differs."""
    pivot = reading.pivot
    told: set[str] = set(pivot.services) if pivot else set()
    closed: dict[tuple[str, ...], doc.Text] = {}
    others: list[doc.Text] = []
    for move in reading.every_move:
        # a service that an earlier line tells is in the table of every move; that it closes is said again
        if move == pivot or (told.issuperset(move.services) if move.lasts else move.services in closed):
            continue
        told.update(move.services)
        if move.lasts:
            others.append(_sentence(reading, move))
        else:
            closed[move.services] = _sentence(reading, move)
    return [*closed.values(), *others]


def _sentence(reading: Reading, move: Move) -> doc.Text:
    """Say what a move changes, by the rule that fits it."""
    found, noun = reading.counts_of(move), reading.noun_of(move)
    name = doc.strong(capital(reading.the(move.services)))
    road = f" ({main_move.road_in_words(reading, move)})"
    if reason := reading.release.service_reason(move.scenario_id, move.services[0]):
        return [name, f"{road} : {reason}. Aucun effectif n'est donné."]
    if not move.lasts:
        return [name, *_opening_or_closing(reading, move)]
    if move.who == STAFF:
        return [name, f"{road} : ce sont les professionnels qui vont vers l'enfant. {_roads(reading, move)}"]
    if reading.is_on_one_point(move):
        facts = "".join(f" {fact.text}" for fact in reading.study.fact if fact.about in move.services)
        return [name, f" (dans {reading.place(move.from_site)}) : {ON_ONE_POINT}.{facts}"]
    said = main_move.of_ten(reading, move, served="accompagnés") or f"{main_move.in_classes(found, noun)}."
    return [name, f"{road} : {_small(said)}"]


def _opening_or_closing(reading: Reading, move: Move) -> str:
    """Say who would have a service that opens, and who would be left without one that closes."""
    found, noun = reading.counts_of(move), reading.noun_of(move)
    many = len(move.services) > 1
    if move.from_site is None:
        verb, effect, site = "ouvrirai", "entering", move.to_site
        some, nobody = (f"{who} à {reading.limit} ou moins" for who in ("habitent", "personne n'habite"))
    else:
        verb, effect, site = "fermerai", "without", move.from_site
        some, nobody = "n'auraient plus ce service", "personne n'y perd un service"
    said = f"{main_move.whom_in_words(found, effect, noun)} {some}"
    said = nobody if main_move.is_nobody(found, effect) else said
    zones = main_move.in_zones(reading, found, effect)
    verb, zones = f"{verb}{'ent' if many else 't'}", f" ({zones})" if zones else ""
    return f" {verb} {reading.at_site(site)} (scénario {move.scenario_id}) : {said}{zones}."


def _roads(reading: Reading, move: Move) -> str:
    """Say what becomes of the road of professionals, towards ten children or towards persons."""
    row = reading.children(move.scenario_id, move.services[0])
    if row is None:
        return f"{capital(main_move.in_classes(reading.counts_of(move), reading.noun_of(move)))}."
    shorter, longer = int(row["shorter_of_10"]), int(row["longer_of_10"])
    if not shorter and not longer:
        return "Leur route ne changerait de façon visible vers aucun enfant."
    parts = [f"plus {word} vers {n}" for word, n in (("courte", shorter), ("longue", longer)) if n]
    return f"Leur route serait {join(parts)} sur 10 enfants accompagnés."


def _small(sentence: str) -> str:
    """Start with a small letter."""
    return sentence[:1].lower() + sentence[1:]


def _answer_without_scenario(reading: Reading) -> list[doc.Block]:
    """Answer for a study that compares nothing: today's times."""
    blocks: list[doc.Block] = groups_answer(reading) or [
        doc.Paragraph("Cette étude ne compare aucun scénario : elle décrit la situation d'aujourd'hui.")
    ]
    population = float(reading.territory["population"].sum(min_count=1))
    limit = sorted(reading.parameters.thresholds_min)[min(1, len(reading.parameters.thresholds_min) - 1)]
    items: list[doc.Text] = []
    within = f"des habitants à {minutes(limit)} ou moins."
    rows, column = reading.release.coverage, WITHIN_SHARES.name(threshold_min=float(limit))
    for service in reading.closest:
        if (ALL_TERRITORY, service) in rows.index and column in rows:
            value = rows.xs(service, level="service")[column][ALL_TERRITORY]
            said = f" : {_part(float(value))} {within}"
            said += f" {reading.emergency_hours}" if service == "urgences" else ""
            items.append([doc.strong(capital(reading.label(service))), said])
    for service in reading.named:
        times = reading.times(TODAY, service).reindex(reading.territory.index)["travel_time_min"]
        people: Any = reading.territory["population"][times.le(limit)].sum()
        known = population > 0 and times.notna().any()
        part = _part(float(people) / population if known else float("nan"))
        items.append([doc.strong(reading.short(service)), f" : {part} {within}"])
    if not items:
        nothing = f"{persons(population)} habitants ; aucun service nommé, aucune liste de sites complète."
        return [*blocks, doc.Paragraph(nothing)]
    title = f"Qui est près de quoi, dans le territoire « {reading.study.territory.name} »"
    return [*blocks, doc.Callout(title, items)]


def _part(value: float) -> str:
    """Write a share of inhabitants, in words where it is not known."""
    return "une part inconnue" if value != value else share(value)
