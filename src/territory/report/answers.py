"""The first page: the answer in sentences, each one made from the numbers by a rule, with what it depends on."""

from __future__ import annotations

import math

from territory.report.document import (
    Block,
    Bullets,
    Callout,
    Heading,
    KeyFigures,
    Paragraph,
    Run,
    Text,
    strong,
)
from territory.report.french import about, count, join, minutes, persons, share
from territory.report.groups import groups_answer
from territory.report.reading import SECRET, Counts, Move, Reading
from territory.scenario.computing import ALL_TERRITORY

# a move is "hardly felt" when the difference cannot be told for this share of the persons within reach
_HARDLY_FELT_SHARE = 0.9
_NUMBERS = {2: "deux", 3: "trois", 4: "quatre", 5: "cinq", 6: "six"}
_STAFF = frozenset({"staff"})


def first_page(reading: Reading) -> list[Block]:
    """Return the question, the answer and what is not known.

    Parameters
    ----------
    reading
        A result, read.

    Returns
    -------
    list of Block
        Content of the first page.
    """
    blocks: list[Block] = [
        Heading("La question"),
        Paragraph(reading.study.question, "lead"),
        Heading("La réponse"),
    ]
    blocks += _answer(reading) if reading.result.comparisons else _answer_without_scenario(reading)
    unknown: list[Text] = [
        [f"{found.question} ", strong("À demander"), f" : {found.ask}."] for found in reading.study.unknown
    ]
    if unknown:
        blocks.append(Callout("Ce que l'on ne sait pas, et à qui le demander", unknown, "unknown"))
    return blocks


def _answer(reading: Reading) -> list[Block]:
    """Answer for a study with scenarios: what all of them share, then what depends on the one that is chosen."""
    blocks: list[Block] = [Paragraph(_lead(reading))]
    told: set[tuple[str, ...]] = set()
    pivot = reading.pivot()
    others: list[Text] = []
    for scenario_id in reading.result.comparisons:
        for move in reading.moves(scenario_id):
            if move.services in told or (pivot and move.services == pivot.services):
                continue
            told.add(move.services)
            others.append(_sentence(reading, move))
    if pivot is not None:
        blocks += _pivot(reading, pivot)
    if others:
        blocks.append(Callout("Pour les autres services, ce que montrent les calculs", others, "note"))
    if pivot is None and not others:
        blocks.append(
            Paragraph("Dans ces scénarios, aucun service nommé ne change de site : aucun trajet ne change.")
        )
    return blocks


def _lead(reading: Reading) -> Text:
    """Say what the answer depends on."""
    depends = reading.changes_between_scenarios()
    every = list(reading.result.comparisons)
    if not depends:
        if len(every) == 1:
            scenario = next(s for s in reading.study.scenario if s.id == every[0])
            return f"Scénario étudié, comparé à aujourd'hui : {_lower(scenario.name)}."
        return f"Les {len(every)} scénarios déplacent les mêmes services ; ils diffèrent par le lieu."
    parts: list[str | Run] = [strong("Tout dépend d'un point qui reste à confirmer. ")]
    for service, movers in depends.items():
        stays = [name for name in every if name not in movers]
        parts.append(
            f"Le service « {reading.label(service)} » déménage dans {_scenarios(movers)} et reste où il "
            f"est dans {_scenarios(stays)}. "
        )
    told = {name for movers in depends.values() for name in movers}
    quiet = [name for name in every if name not in told and _is_quiet(reading, name)]
    if quiet:
        words = "presque aucun trajet d'enfant ou de parent ne change de façon mesurable. "
        parts.append(strong(f"Dans {_scenarios(quiet)}, {words}"))
    cases = f"les {_NUMBERS.get(len(every), str(len(every)))} cas"
    parts.append(f"Rien, ici, n'affirme que ce déménagement aura lieu : {cases} sont calculés.")
    return parts


def _is_quiet(reading: Reading, scenario_id: str) -> bool:
    """Tell whether a scenario hardly changes the trips of those who go to the services that it moves."""
    moves = [move for move in reading.moves(scenario_id) if move.who != _STAFF]
    felt = [_told_apart_share(reading.counts(scenario_id, move.services[0])) for move in moves]
    is_moved = all(move.from_site is not None and move.to_site is not None for move in moves)
    return is_moved and all(value <= 1 - _HARDLY_FELT_SHARE for value in felt)


def _scenarios(names: list[str]) -> str:
    """Name scenarios in a sentence."""
    return f"le scénario {names[0]}" if len(names) == 1 else f"les scénarios {join(names)}"


def _lower(text: str) -> str:
    """Start a sentence's second part with a small letter, acronyms apart."""
    return text if text[:2].isupper() else text[:1].lower() + text[1:]


def _sentence(reading: Reading, move: Move) -> Text:
    """Say what a move changes, by the rule that fits it."""
    found = reading.counts(move.scenario_id, move.services[0])
    name = strong(reading.labels(move.services))
    if move.from_site is None or move.to_site is None:
        return [name, *_opening_or_closing(reading, move, found)]
    if move.who == _STAFF:
        return [name, *_staff(reading, move, found)]
    if reading.place(move.from_site) == reading.place(move.to_site) and not move.is_in_place:
        return [name, *_same_commune(reading, move)]
    if _told_apart_share(found) <= 1 - _HARDLY_FELT_SHARE:
        return [name, *_hardly_felt(reading, move, found)]
    return [name, *_felt(reading, move, found)]


def _opening_or_closing(reading: Reading, move: Move, found: Counts) -> list[str | Run]:
    """Say what an opening or a closure changes."""
    effect, verb = ("entering", "ouvrirait") if move.from_site is None else ("loss", "fermerait")
    site = move.to_site or move.from_site
    noun = reading.noun(move.services[0], is_observed=found.is_observed)
    return [f" : {verb} {reading.at_site(site)} ; sont à portée {_persons(found, effect)} {noun}."]


def _staff(reading: Reading, move: Move, found: Counts) -> list[str | Run]:
    """Say that the professionals travel, not the children."""
    noun = reading.noun(move.services[0], is_observed=found.is_observed)
    return [
        f" ({reading.road(move.from_site, move.to_site)}) : ce sont les professionnels "
        "qui vont vers l'enfant. Leur route, et non celle des familles, serait plus courte vers "
        f"{_persons(found, 'gain')} {noun} et plus longue vers {_persons(found, 'loss')}."
    ]


def _same_commune(reading: Reading, move: Move) -> list[str | Run]:
    """Say that the service already is in the commune, with the facts of the study about it."""
    facts = [fact.text for fact in reading.study.fact if fact.about in move.services]
    town = reading.place(move.from_site)
    known = "" if facts else f"déjà {reading.at_site(move.from_site)} ; "
    return [
        f" : {known}changer d'adresse dans {town} ne change pas les trajets.",
        *(f" {text}" for text in facts),
    ]


def _hardly_felt(reading: Reading, move: Move, found: Counts) -> list[str | Run]:
    """Say that the difference is under the doubt for nearly everybody."""
    noun = reading.noun(move.services[0], is_observed=found.is_observed)
    parts: list[str | Run] = [
        f" ({_road(reading, move)}) : ",
        strong("écart non distinguable"),
        f" du doute sur les temps pour {share(1 - _told_apart_share(found))} des {noun} à portée aujourd'hui",
    ]
    gain, loss = (found.communes[effect][ALL_TERRITORY] for effect in ("gain", "loss"))
    if gain or loss:
        sides = []
        if gain:
            sides.append(f"un trajet plus court pour {_persons(found, 'gain')}")
        if loss:
            sides.append(f"un trajet plus long pour {_persons(found, 'loss')}{_worst(reading, found)}")
        parts.append(f" ; {join(sides)}")
    return [*parts, "."]


def _felt(reading: Reading, move: Move, found: Counts) -> list[str | Run]:
    """Say who gains and who loses, in one sentence."""
    noun = reading.noun(move.services[0], is_observed=found.is_observed)
    return [
        f" ({_road(reading, move)}) : ",
        strong(f"trajet plus court pour {_persons(found, 'gain')} {noun}"),
        _in_zones(reading, found, "gain"),
        ", ",
        strong(f"plus long pour {_persons(found, 'loss')}"),
        _in_zones(reading, found, "loss"),
        f"{_worst(reading, found)} ; non distinguable pour {_persons(found, 'indistinct')}.",
    ]


def _pivot(reading: Reading, move: Move) -> list[Block]:
    """Tell the move that changes most at length: who gains, who loses, where, who comes within reach."""
    found = reading.counts(move.scenario_id, move.services[0])
    is_felt = any(found.communes[effect][ALL_TERRITORY] for effect in ("gain", "loss"))
    if not is_felt or move.from_site is None or move.to_site is None:
        return [Paragraph(_sentence(reading, move))]
    limit = minutes(reading.parameters.recruitment_max_min)
    noun = reading.noun(move.services[0], is_observed=found.is_observed)
    intro: Text = [
        strong(f"Si {_condition(reading, move)} (scénario {move.scenario_id})"),
        f" : {_road(reading, move)}. Parmi les {noun} qui habitent à {limit} ou moins du site d'aujourd'hui :",
    ]
    lost: list[str | Run] = [
        strong(f"{_persons(found, 'loss')} auraient un trajet plus long"),
        f"{_in_zones(reading, found, 'loss')}{_worst(reading, found)}",
    ]
    leaving = float(found.zones["persons_leaving"].get(ALL_TERRITORY, 0.0)) if not found.is_observed else 0.0
    if leaving > 0:
        lost.append(f" ; {about(leaving)} d'entre eux passeraient à plus de {limit}")
    items: list[Text] = [
        [
            strong(f"{_persons(found, 'gain')} auraient un trajet plus court"),
            _in_zones(reading, found, "gain"),
            " ;",
        ],
        [*lost, " ;"],
        [
            f"pour {_persons(found, 'indistinct')}, ",
            strong("l'écart n'est pas distinguable"),
            " du doute sur les temps.",
        ],
    ]
    blocks: list[Block] = [Paragraph(intro), *_key_figures(reading, move), Bullets(items)]
    # nobody is served there, where the study counts the children
    is_empty = found.is_observed and found.persons["entering"][ALL_TERRITORY] == 0
    if found.communes["entering"][ALL_TERRITORY] and not is_empty:
        blocks.append(Paragraph(_entering(reading, move, found, limit)))
    return [*blocks, *_variants(reading, move)]


def _condition(reading: Reading, move: Move) -> str:
    """Say what would happen: a move, or other roads to a service that stays."""
    name = f"« {reading.labels(move.services)} »"
    return f"les trajets vers {name} changent" if move.is_in_place else f"{name} déménage"


def _variants(reading: Reading, move: Move) -> list[Block]:
    """Say in one sentence what the other scenarios that move the same service would change."""
    parts: list[str | Run] = []
    for scenario_id, comparison in reading.result.comparisons.items():
        if scenario_id == move.scenario_id or move.services[0] not in comparison.services:
            continue
        found = reading.counts(scenario_id, move.services[0])
        place = reading.at_site(reading.site(reading.result.scenarios[scenario_id], move.services[0]))
        parts += [
            " ; " if parts else "",
            strong(f"scénario {scenario_id}"),
            f" ({place or 'fermeture'}), plus court pour {found.text(ALL_TERRITORY, 'gain')}, plus long pour "
            f"{found.text(ALL_TERRITORY, 'loss')}",
        ]
    return [Paragraph(["Les autres options : ", *parts, "."])] if parts else []


def _entering(reading: Reading, move: Move, found: Counts, limit: str) -> str:
    """Say who would come within reach, and why they are not counted."""
    outside = reading.persons_outside(move.scenario_id, move.services[0], "entering")
    apart = f", dont {about(outside)} hors du territoire" if outside >= 11 else ""
    return (
        f"Par ailleurs, {_persons(found, 'entering')}{apart}, aujourd'hui à plus de {limit}, passeraient "
        "sous ce seuil ; ils ne sont pas comptés comme gagnants : rien ne dit que le service recruterait chez eux."
    )


def _road(reading: Reading, move: Move) -> str:
    """Say from where to where a service moves."""
    road = reading.road(move.from_site, move.to_site)
    return road if move.is_in_place else f"{road}, {_between(reading, move)}"


def _key_figures(reading: Reading, move: Move) -> list[Block]:
    """Return the large numbers of the move that changes most."""
    found = reading.counts(move.scenario_id, move.services[0])
    noun = reading.noun(move.services[0], is_observed=found.is_observed)
    labels = {
        "gain": ("trajet plus court", noun),
        "loss": ("trajet plus long", noun),
        "indistinct": ("écart non distinguable", noun),
    }
    figures = [(found.text(ALL_TERRITORY, effect), *texts) for effect, texts in labels.items()]
    return [KeyFigures(figures)]


def _persons(found: Counts, effect: str) -> str:
    """Write the persons of an effect; communes stand in where persons are unknown or withheld."""
    text = found.text(ALL_TERRITORY, effect)
    value = float(found.persons[effect][ALL_TERRITORY])
    if text == SECRET or math.isnan(value):
        communes = count(float(found.communes[effect][ALL_TERRITORY]), "commune")
        return f"un nombre {'non publié' if text == SECRET else 'inconnu'} d'habitants de {communes}"
    return text if found.is_observed else about(value)


def _told_apart_share(found: Counts) -> float:
    """Return the share of persons within reach whose gain or loss can be told; of communes, if unknown."""
    table = found.persons if not found.persons.loc[ALL_TERRITORY].isna().any() else found.communes
    felt = sum(float(table[effect][ALL_TERRITORY]) for effect in ("gain", "loss"))
    total = felt + sum(float(table[effect][ALL_TERRITORY]) for effect in ("indistinct", "unknown"))
    return felt / total if total else 0.0


def _in_zones(reading: Reading, found: Counts, effect: str, *, most: int = 3) -> str:
    """Name the zones that weigh most in an effect, with their numbers."""
    column = found.persons[effect].drop(ALL_TERRITORY).fillna(0.0)
    weights = column if column.sum() > 0 else found.communes[effect].drop(ALL_TERRITORY).astype(float)
    first = weights[weights > 0].sort_values(ascending=False, kind="stable").index[:most]
    named = []
    for zone in first:
        value = float(found.persons[effect][zone])
        is_printable = not math.isnan(value) and (found.is_observed or value >= 11)
        text = found.text(str(zone), effect)
        named.append(f"{reading.zone(str(zone))}{f' {text}' if is_printable else ''}")
    return f" ({', '.join(named)})" if named else ""


def _worst(reading: Reading, found: Counts) -> str:
    """Name the commune whose trip gets longest."""
    commune = found.zones["worst_loss_commune"][ALL_TERRITORY]
    if not isinstance(commune, str):
        return ""
    longest = minutes(float(found.zones["worst_loss_min"][ALL_TERRITORY]))
    return f", jusqu'à {longest} de plus pour {reading.commune(commune)}"


def _between(reading: Reading, move: Move) -> str:
    """Say how far apart the two sites are."""
    times = reading.state.site_times
    # a branch that stays where the service is today is no move
    ends = [site for site in move.to_site or () if site not in (move.from_site or ())]
    rows = times[times["from_id"].isin(move.from_site or ()) & times["to_id"].isin(ends)]
    value = float(rows["travel_time_min"].min()) if len(rows) else math.nan
    return "à une distance inconnue" if math.isnan(value) else f"{minutes(value)} de route"


def _answer_without_scenario(reading: Reading) -> list[Block]:
    """Answer for a study that compares nothing: today's times."""
    blocks: list[Block] = groups_answer(reading) or [
        Paragraph("Cette étude ne compare aucun scénario : elle décrit la situation d'aujourd'hui.")
    ]
    population = float(reading.territory["population"].sum())
    limit = sorted(reading.parameters.thresholds_min)[min(1, len(reading.parameters.thresholds_min) - 1)]
    items: list[Text] = []
    for service in reading.closest:
        rows = reading.baseline.coverage
        column = f"within_{limit:g}_min_share"
        if (ALL_TERRITORY, service) in rows.index and column in rows:
            value = rows.xs(service, level="service")[column][ALL_TERRITORY]
            items.append(
                [
                    strong(_capital(reading.label(service))),
                    f" : {share(float(value))} des habitants à {minutes(limit)} ou moins.",
                ]
            )
    for service in reading.named:
        rows = reading.times(reading.baseline, service).reindex(reading.territory.index)
        near = rows["travel_time_min"].le(limit)
        people = float(reading.territory["population"][near].sum())
        part = share(people / population) if population > 0 else "une part inconnue"
        items.append(
            [strong(reading.short(service)), f" : {part} des habitants à {minutes(limit)} ou moins."]
        )
    if items:
        blocks.append(
            Callout(f"Qui est près de quoi, dans le territoire « {reading.study.territory.name} »", items)
        )
    else:
        blocks.append(Paragraph(f"{persons(population)} habitants ; aucun service n'est nommé ni complet."))
    return blocks


def _capital(text: str) -> str:
    """Start with a capital."""
    return text[:1].upper() + text[1:]
