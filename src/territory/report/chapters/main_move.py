"""What a move changes, in sentences: of ten children, of N, under every variant; who gains, who loses, how sure."""

from __future__ import annotations

import math
from typing import Any

from territory.french.numbers import integer, minutes
from territory.french.words import about, between, capital, elide, join
from territory.report.layout.document import Run, Text, strong
from territory.report.reading import SECRET, Counts, Move, Reading
from territory.scenario.zones import ALL_TERRITORY
from territory.tables.declare import CODES

# fates of a child, in the order in which they are said
_FATES = {
    "shorter": "plus court",
    "longer": "plus long",
    "same": "sans différence visible",
    "unknown": "inconnu",
}
# classes that one sum may stand for, in words
CLASSES = {one: CODES["effects"][one] for one in ("gain", "loss", "indistinct")}
_FINDINGS = {
    "some_shorter": ("des trajets plus courts", True),
    "some_longer": ("des trajets plus longs", True),
    "more_shorter": ("plus de trajets raccourcis que de trajets allongés", False),
    "more_longer": ("plus de trajets allongés que de trajets raccourcis", False),
    "mostly_same": ("au moins la moitié de trajets sans différence visible", False),
    "some_without": ("des enfants sans ce service", True),
}


def condition(reading: Reading, move: Move) -> str:
    """Say what would happen, as a sentence begins: « Si l'IME de Salernes s'installait à Draguignan »."""
    name, scenario = reading.the(move.services), f"scénario {move.scenario_id}"
    many = len(move.services) > 1
    if move.is_in_place:
        return f"Si les trajets vers {name} changeaient ({scenario})"
    if move.from_site is None:
        return f"Si {name} {'ouvraient' if many else 'ouvrait'} {reading.at_site(move.to_site)} ({scenario})"
    if move.to_site is None:
        return f"Si {name} {'fermaient' if many else 'fermait'} ({scenario})"
    new = tuple(site for site in move.to_site if site not in move.from_site)
    is_branch = set(move.from_site) < set(move.to_site)
    verb = "ouvrai" if is_branch else "s'installai"
    said = f"{verb}{'ent' if many else 't'}{' aussi un site' if is_branch else ''} {reading.at_site(new)}"
    return f"Si {name} {said}, {_between(reading, move)} ({scenario})"


def of_ten(reading: Reading, move: Move, *, served: str = "que ce site accompagnerait") -> str | None:
    """Say what ten children would see: « Sur 10 enfants…, 4 auraient un trajet plus court, 3 plus long, 3… »."""
    row = reading.children(move.scenario_id, move.services[0])
    if row is None:
        return None
    sizes = {fate: int(row[f"{fate}_of_10"]) for fate in [*_FATES, "without"]}
    parts: list[str] = []
    for fate, words in _FATES.items():
        # that nobody gains, or loses, is said; of children left without, nothing else is to be told
        if sizes[fate] or (fate in ("shorter", "longer") and not sizes["without"]):
            verb = "" if parts else " auraient un trajet" if sizes[fate] > 1 else " aurait un trajet"
            none = "aucun n'" if not parts else "aucun"
            parts.append(f"{sizes[fate]}{verb} {words}" if sizes[fate] else f"{none}{verb.strip()} {words}")
    if sizes["without"]:
        have = "n'aurait plus" if sizes["without"] == 1 else "n'auraient plus"
        parts.append(f"{sizes['without']} {have} ce service")
    who = "accompagnés" if row["variant"] == "observed" or sizes["without"] else served
    return f"Sur 10 enfants {who}, {', '.join(parts)}."


def of_places(reading: Reading, move: Move) -> str:
    """Say how many of the children of a site that would be, with its interval; nothing where it is unknown."""
    row = reading.children(move.scenario_id, move.services[0])
    if row is None or math.isnan(float(row["shorter_children_low"])):
        return ""
    whole = integer(float(row["children_count"]))
    of = (
        f"{whole} enfants, nombre pris à titre d'illustration"
        if row["is_illustrative"]
        else f"{whole} enfants"
    )
    parts = []
    for fate in ("shorter", "longer"):
        low, high = (round(float(row[f"{fate}_children_{end}"])) for end in ("low", "high"))
        many = "aucun" if high == 0 else f"de {low} à {high}" if low < high else str(low)
        parts.append(f"{many} {_FATES[fate]}")
    return f"Pour {of} : {' et '.join(parts)}, dans 9 tirages sur 10."


def in_variants(reading: Reading, move: Move) -> Text | None:
    """Say what stays true under every variant of who the children are, and what does not."""
    rows = reading.findings(move.scenario_id, move.services[0])
    said: dict[str, list[str]] = {"always": [], "sometimes": []}
    for finding, (words, has_sizes) in _FINDINGS.items():
        if finding not in rows.index or rows["holds"][finding] not in said:
            continue
        low, high = (rows[f"{end}_of_10"][finding] for end in ("low", "high"))
        sizes = f"{int(low)} à {int(high)}" if low < high else f"{int(high)}"
        said[str(rows["holds"][finding])].append(f"{words} ({sizes} sur 10)" if has_sizes else words)
    if not any(said.values()):
        return None
    sides = [_FINDINGS[f"more_{fate}"][0] for fate in ("shorter", "longer")]
    changes = set(sides) <= set(said["sometimes"])
    sometimes = [words for words in said["sometimes"] if not changes or words not in sides]
    number = int(rows["variant_count"].max())
    text: list[str | Run] = [strong(f"Dans les {number} variantes essayées")]
    text.append(f" : {join(said['always'])}." if said["always"] else ", rien n'est vrai partout.")
    if changes:
        text.append(
            " Le plus grand nombre est tantôt celui des trajets raccourcis, tantôt celui des allongés."
        )
    return [*text, f" Dans certaines seulement : {join(sometimes)}."] if sometimes else text


def sides(reading: Reading, move: Move) -> list[Text]:
    """Say where trips would get shorter and longer, by how much, and how sure that is."""
    found = reading.counts_of(move)
    items: list[Text] = []
    if not move.lasts:
        effect = "entering" if move.from_site is None else "without"
        whom = whom_in_words(found, effect, reading.noun_of(move))
        where = f"à {reading.limit} ou moins" if effect == "entering" else "sans ce service"
        return (
            []
            if is_nobody(found, effect)
            else [f"{capital(whom)} {where} : {in_zones(reading, found, effect)}."]
        )
    for effect, words in (("gain", "Y gagneraient"), ("loss", "Y perdraient")):
        zones = in_zones(reading, found, effect)
        worst = reading.worst(move.scenario_id, move.services[0]) if effect == "loss" else None
        most = f" ; jusqu'à {minutes(worst[1])} de plus pour {worst[0]}" if worst else ""
        if zones:
            items.append([strong(words), f" : {zones}{most}."])
        elif is_nobody(found, effect) and is_nobody(found, "unknown"):
            length = "plus court" if effect == "gain" else "plus long"
            items.append(f"Aucun trajet {length} que l'on puisse affirmer.")
    return items


def merged_words(found: Counts) -> str:
    """Name the classes that are counted together."""
    return " ou ".join(CLASSES[effect] for effect in found.merged)


def in_classes(found: Counts, noun: str) -> str:
    """Say who is in each class, in persons: « trajet plus court pour 21 enfants accompagnés »."""
    parts = [
        f"{words} pour {whom_in_words(found, effect, noun)}"
        for effect, words in CLASSES.items()
        if effect not in found.merged and not is_nobody(found, effect)
    ]
    if found.merged:
        others = "autres" if parts else noun
        parts.append(
            f"{merged_words(found)} pour {found.merged_text} {others}, que l'on ne peut publier qu'ensemble"
        )
    if (
        not found.is_observed
        or found.merged
        or not all(found.text(ALL_TERRITORY, e) == SECRET for e in CLASSES)
    ):
        none = "rien ne peut être dit : des temps de route sont inconnus"
        return ", ".join(parts) or (
            none if not is_nobody(found, "unknown") else "aucun effet que l'on puisse affirmer"
        )
    return "les effectifs, trop petits, ne sont pas publiés : les cartes montrent où les trajets changeraient"


def is_nobody(found: Counts, effect: str) -> bool:
    """Tell whether an effect touches nobody, which may be printed."""
    return bool(found.communes[effect][ALL_TERRITORY] == 0)


def whom_in_words(found: Counts, effect: str, noun: str) -> str:
    """Write the persons of an effect with what they are: « entre 5 000 et 9 000 jeunes de 3 à 20 ans »."""
    text, value = found.text(ALL_TERRITORY, effect), float(found.persons[effect][ALL_TERRITORY])
    if is_nobody(found, effect) or value == 0:
        return "personne"
    if text == SECRET or math.isnan(value):
        return f"un nombre {'non publié' if text == SECRET else 'inconnu'} {elide('de', noun)}"
    low, high = found.interval(ALL_TERRITORY, effect)
    said = text if found.is_observed else about(value) if math.isnan(low) else between(low, high)
    return f"{said} {noun}"


def in_zones(reading: Reading, found: Counts, effect: str, *, most: int = 3) -> str:
    """Name the zones that weigh most in an effect, with their mean time before and after."""
    column = found.persons[effect].drop(ALL_TERRITORY).fillna(0.0)
    weights = column if column.sum() > 0 else found.communes[effect].drop(ALL_TERRITORY).astype(float)
    named = []
    for zone in map(str, weights[weights > 0].sort_values(ascending=False, kind="stable").index[:most]):
        row: Any = found.zones.loc[zone]
        before, after = (float(row[f"{side}_mean_min"]) for side in ("baseline", "scenario"))
        # a mean of the whole zone tells nothing of an effect that goes the other way there
        is_along = after < before if effect == "gain" else after > before
        means = f" ({reading.means(found, zone)} en moyenne)" if is_along else ""
        named.append(f"{reading.zone(zone)}{means}")
    rest = int((weights > 0).sum()) - len(named)
    return join([*named, f"{rest} {'autres' if rest > 1 else 'autre'} EPCI"] if rest > 0 else named)


def road_in_words(reading: Reading, move: Move) -> str:
    """Say from where to where a service moves, and how far that is."""
    road = reading.road(move.from_site, move.to_site)
    return road if move.is_in_place or not move.lasts else f"{road}, {_between(reading, move)}"


def _between(reading: Reading, move: Move) -> str:
    """Say how far apart the two sites are."""
    times = reading.release.site_times
    # a branch that stays where the service is today is no move
    ends = [site for site in move.to_site or () if site not in (move.from_site or ())]
    rows = times[times["from_id"].isin(move.from_site or ()) & times["to_id"].isin(ends)]
    value = float(rows["travel_time_min"].min()) if len(rows) else math.nan
    return "à une distance inconnue" if math.isnan(value) else f"à {minutes(value)} de route"
