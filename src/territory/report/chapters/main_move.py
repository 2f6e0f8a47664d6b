"""The move that changes most, told at length: who gains, who loses, by how much, where, and how sure that is."""

from __future__ import annotations

import math

from territory.french.numbers import minutes
from territory.french.words import about, count
from territory.report.layout.document import Block, Bullets, KeyFigures, Paragraph, Run, Text, strong
from territory.report.reading import SECRET, STAFF, Counts, Move, Reading
from territory.scenario.zones import ALL_TERRITORY

# other options told on the first page; the table of the options has them all
_MOST_VARIANTS = 4
# classes that one sum may stand for, in words
_CLASSES = {"gain": "trajet plus court", "loss": "trajet plus long", "indistinct": "écart non distinguable"}


def told_at_length(reading: Reading, move: Move) -> list[Block]:
    """Tell the move that changes most at length."""
    found = reading.counts_of(move)
    limit = reading.limit
    noun = reading.noun_of(move)
    staff = " Ce sont les professionnels qui font la route, vers l'enfant." if move.who == STAFF else ""
    intro: Text = [
        strong(f"Si {_condition(reading, move)} (scénario {move.scenario_id})"),
        f" : {road_in_words(reading, move)}.{staff} Parmi les {noun} qui habitent à {limit} ou moins du site "
        "d'aujourd'hui :",
    ]
    blocks: list[Block] = [
        Paragraph(intro),
        _key_figures(reading, move, found, noun),
        Bullets(_fates(reading, move, found, limit)),
    ]
    # nobody is served there, where the study counts the children
    is_empty = found.is_observed and found.persons["entering"][ALL_TERRITORY] == 0
    if found.communes["entering"][ALL_TERRITORY] and not is_empty:
        blocks.append(Paragraph(_entering(reading, move, found, limit)))
    return [*blocks, *_variants(reading, move)]


def _condition(reading: Reading, move: Move) -> str:
    """Say what would happen: a move, another site beside today's, or other roads to a service that stays."""
    name = f"« {reading.labels(move.services)} »"
    if move.is_in_place:
        return f"les trajets vers {name} changent"
    is_branch = move.from_site is not None and set(move.from_site) < set(move.to_site or ())
    return f"{name} ouvre un autre site" if is_branch else f"{name} déménage"


def _fates(reading: Reading, move: Move, found: Counts, limit: str) -> list[Text]:
    """Say who gains, who loses, and for whom nothing can be told."""
    lost: list[str | Run] = [
        strong(_fate(move, found, "loss")),
        f"{in_zones(reading, found, 'loss')}{worst(reading, found)}",
    ]
    leaving = float(found.zones["persons_leaving"].get(ALL_TERRITORY, 0.0)) if not found.is_observed else 0.0
    if leaving > 0:
        lost.append(f" ; {about(leaving)} d'entre eux passeraient à plus de {limit}")
    unclear: Text = (
        "l'écart se distingue du doute sur les temps pour tous."
        if _is_nobody(found, "indistinct")
        else [
            f"pour {persons_in_words(found, 'indistinct')}, ",
            strong("l'écart n'est pas distinguable"),
            " du doute sur les temps.",
        ]
    )
    gained: Text = [strong(_fate(move, found, "gain")), in_zones(reading, found, "gain"), " ;"]
    if not found.merged:
        return [gained, [*lost, " ;"], unclear]
    told: dict[str, Text] = {"gain": gained, "loss": [*lost, " ;"], "indistinct": unclear}
    others = "autres" if len(found.merged) < len(_CLASSES) else "personnes"
    together = f" : {merged_words(found)}, que le secret statistique oblige à compter ensemble."
    kept = (text for effect, text in told.items() if effect not in found.merged)
    return [*kept, [strong(f"{found.merged_text} {others}"), together]]


def merged_words(found: Counts) -> str:
    """Name the classes that are counted together."""
    return " ou ".join(_CLASSES[effect] for effect in found.merged)


def in_classes(found: Counts, noun: str) -> str:
    """Say who is in each class where some are counted together: « trajet plus court pour 21 enfants »."""
    parts = [
        f"{words} pour {whom_in_words(found, effect, noun)}"
        for effect, words in _CLASSES.items()
        if effect not in found.merged and not _is_nobody(found, effect)
    ]
    return ", ".join(
        [*parts, f"{merged_words(found)} pour {found.merged_text} {'autres' if parts else noun}"]
    )


def _fate(move: Move, found: Counts, effect: str) -> str:
    """Say how many trips get shorter or longer, and whose."""
    whom, is_nobody = persons_in_words(found, effect), _is_nobody(found, effect)
    length = "plus court" if effect == "gain" else "plus long"
    if move.who == STAFF:
        road = "plus courte" if effect == "gain" else "plus longue"
        return f"la route {'ne serait' if is_nobody else 'serait'} {road} vers {'personne' if is_nobody else whom}"
    return f"personne n'aurait un trajet {length}" if is_nobody else f"{whom} auraient un trajet {length}"


def _is_nobody(found: Counts, effect: str) -> bool:
    """Tell whether an effect touches nobody, which may be printed."""
    return bool(found.communes[effect][ALL_TERRITORY] == 0)


def _variants(reading: Reading, move: Move) -> list[Block]:
    """Say in one sentence what the other scenarios that move the same service would change."""
    parts: list[str | Run] = []
    service, others = move.services[0], (n for n in reading.release.scenarios if n != move.scenario_id)
    every = [name for name in others if service in reading.release.moved(name)]
    for scenario_id in every[:_MOST_VARIANTS]:
        found = reading.counts(scenario_id, service)
        place = reading.at_site(reading.site(scenario_id, service)) or "fermeture"
        gain, loss = (
            "personne" if _is_nobody(found, effect) else found.text(ALL_TERRITORY, effect)
            for effect in ("gain", "loss")
        )
        said = f"plus court pour {gain}, plus long pour {loss}"
        if found.merged:
            said = in_classes(found, reading.noun_of(move))
        parts += [" ; " if parts else "", strong(f"scénario {scenario_id}"), f" ({place}), {said}"]
    if not parts:
        return []
    rest = len(every) - _MOST_VARIANTS
    end = "." if rest <= 0 else f" ; {count(rest, 'autre', 'autres')} dans « Les options côte à côte »."
    return [Paragraph(["Les autres options : ", *parts, end])]


def _entering(reading: Reading, move: Move, found: Counts, limit: str) -> str:
    """Say who would come within reach, and why they are not counted."""
    rows = reading.differences_of(move)
    around = ~rows.index.isin(reading.parameters.territory_codes) & rows["effect"].eq("entering").to_numpy()
    outside = float(rows.loc[around, "persons"].sum(skipna=False))
    apart = f", dont {about(outside)} hors du territoire" if outside >= 11 else ""
    return (
        f"Par ailleurs, {persons_in_words(found, 'entering')}{apart}, aujourd'hui à plus de {limit}, passeraient "
        "sous ce seuil ; ils ne sont pas comptés comme gagnants : rien ne dit que le service recruterait chez eux."
    )


def road_in_words(reading: Reading, move: Move) -> str:
    """Say from where to where a service moves, and how far that is."""
    road = reading.road(move.from_site, move.to_site)
    return road if move.is_in_place else f"{road}, {_between(reading, move)}"


def _key_figures(reading: Reading, move: Move, found: Counts, noun: str) -> KeyFigures:
    """Return the large numbers of the move that changes most."""
    labels = _CLASSES
    if move.who == STAFF:
        labels = labels | {"gain": "route plus courte", "loss": "route plus longue"}
    apart = {effect: label for effect, label in labels.items() if effect not in found.merged}
    figures = [(found.text(ALL_TERRITORY, effect), label, noun) for effect, label in apart.items()]
    if found.merged:
        together = " ou ".join(labels[effect] for effect in found.merged)
        figures.append((found.merged_text, together, f"{noun}, comptés ensemble"))
    return KeyFigures(figures)


def persons_in_words(found: Counts, effect: str) -> str:
    """Write the persons of an effect; communes stand in where persons are unknown or withheld."""
    if _is_nobody(found, effect):
        return "personne"
    text = found.text(ALL_TERRITORY, effect)
    value = float(found.persons[effect][ALL_TERRITORY])
    if text == SECRET or math.isnan(value):
        communes = count(float(found.communes[effect][ALL_TERRITORY]), "commune")
        return f"un nombre {'non publié' if text == SECRET else 'inconnu'} d'habitants de {communes}"
    if value == 0:
        return "personne"
    return text if found.is_observed else about(value)


def whom_in_words(found: Counts, effect: str, noun: str) -> str:
    """Write the persons of an effect with what they are: nobody, and communes that stand in, take no noun."""
    words = persons_in_words(found, effect)
    return f"{words} {noun}" if words[-1:].isdigit() else words


def in_zones(reading: Reading, found: Counts, effect: str, *, most: int = 3) -> str:
    """Name the zones that weigh most in an effect, with their numbers."""
    column = found.persons[effect].drop(ALL_TERRITORY).fillna(0.0)
    weights = column if column.sum() > 0 else found.communes[effect].drop(ALL_TERRITORY).astype(float)
    named = []
    for zone in map(str, weights[weights > 0].sort_values(ascending=False, kind="stable").index[:most]):
        value = float(found.persons[effect][zone])
        is_printable = not math.isnan(value) and (found.is_observed or value >= 11)
        named.append(f"{reading.zone(zone)}{f' {found.text(zone, effect)}' if is_printable else ''}")
    return f" ({', '.join(named)})" if named else ""


def worst(reading: Reading, found: Counts) -> str:
    """Name the commune whose trip gets longest, and by how much."""
    commune = found.zones["worst_loss_commune"][ALL_TERRITORY]
    if not isinstance(commune, str):
        return ""
    longest = minutes(float(found.zones["worst_loss_min"][ALL_TERRITORY]))
    return f", jusqu'à {longest} de plus pour {reading.commune(commune)}"


def _between(reading: Reading, move: Move) -> str:
    """Say how far apart the two sites are."""
    times = reading.release.site_times
    # a branch that stays where the service is today is no move
    ends = [site for site in move.to_site or () if site not in (move.from_site or ())]
    rows = times[times["from_id"].isin(move.from_site or ()) & times["to_id"].isin(ends)]
    value = float(rows["travel_time_min"].min()) if len(rows) else math.nan
    return "à une distance inconnue" if math.isnan(value) else f"{minutes(value)} de route"
