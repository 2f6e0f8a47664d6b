"""French sentences: agreement, estimates of persons, ranges, changes of time, lists, names of places."""

import math
import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from territory.french.numbers import NBSP, NNBSP, UNKNOWN, integer, minutes, round_estimate

# what is said of a difference that is too small, beside the doubt on times, to be told
INDISTINCT = "sans différence visible"
INTERVALS = "« 5 000 à 9 000 » : ce que le doute sur les temps laisse possible."
ALIKE = "« ≈ » : sans différence visible."
# the oldest age of a service that is said to be for the young
_OLDEST_YOUNG = 25.0


def count(number: float, singular: str, plural: str | None = None, *, none: str | None = None) -> str:
    """Write a count with its noun in agreement: French has a plural from two on."""
    if number == 0 and none is not None:
        return none
    many = plural if plural is not None else " ".join(f"{word}s" for word in singular.split(" "))
    return f"{integer(number)} {many if abs(number) >= 1.5 else singular}"


def persons(value: float, *, threshold: int = 11) -> str:
    """Write an estimated number of persons, rounded by its size, with "< 11" under the threshold."""
    if math.isnan(value):
        return UNKNOWN
    if value == 0:
        return "0"
    return f"< {threshold}" if value < threshold else integer(max(round_estimate(value), threshold))


def ranged(value: float, low: float, high: float) -> str:
    """Write an estimated number of persons by what the doubt makes of it, or alone where it has no interval."""
    ends = [persons(low), persons(high)]
    return persons(value) if math.isnan(low + high) or ends[0] == ends[1] else " à ".join(ends)


def of_ages(low: float, high: float, *, is_observed: bool = False) -> str:
    """Name what is counted: an age group by its ages (« jeunes de 6 à 16 ans »), or those who are received."""
    is_for_children = math.isnan(high) or high <= _OLDEST_YOUNG
    if is_observed:
        return "enfants accompagnés" if is_for_children else "personnes accompagnées"
    who = "jeunes" if is_for_children else "personnes"
    if math.isnan(low):
        return f"{who} de l'âge reçu"
    if math.isnan(high):
        return f"personnes de {low:g} ans ou plus"
    return f"{who} de {low:g} à {high:g} ans" if low else f"{who} de {high:g} ans ou moins"


def about(value: float, *, threshold: int = 11) -> str:
    """Write an estimated number of persons in a sentence: it is rounded, and says « environ »."""
    if math.isnan(value):
        return f"un nombre {UNKNOWN} de"
    text = persons(value, threshold=threshold)
    return text if value == 0 else f"moins de {threshold}" if value < threshold else f"environ {text}"


def between(low: float, high: float, *, threshold: int = 11) -> str:
    """Write a range of estimated persons; one number when rounding makes both ends the same."""
    if math.isnan(low) or math.isnan(high):
        return f"un nombre {UNKNOWN} de"
    low, high = min(low, high), max(low, high)
    if high < threshold:
        return "0" if high == 0 else f"moins de {threshold}"
    if low < threshold:
        return f"au plus {persons(high, threshold=threshold)}"
    first, last = persons(low, threshold=threshold), persons(high, threshold=threshold)
    return f"environ {first}" if first == last else f"entre {first} et {last}"


def change(delta_min: float, *, is_distinguishable: bool = True) -> str:
    """Write a change of travel time; « sans différence visible » when it is under the doubt."""
    if math.isnan(delta_min):
        return UNKNOWN
    if not is_distinguishable or round(abs(delta_min)) == 0:
        return INDISTINCT
    return f"{minutes(abs(delta_min))} de {'moins' if delta_min < 0 else 'plus'}"


def capital(text: str) -> str:
    """Start with a capital."""
    return text[:1].upper() + text[1:]


def join(items: Iterable[str], *, most: int | None = None, others: str = "autre") -> str:
    """Write a list with commas and "et"; past `most` items the rest is counted."""
    texts = list(items)
    if most is not None and len(texts) > most:
        texts = [*texts[:most], count(len(texts) - most, others)]
    return "".join(texts) if len(texts) < 2 else f"{', '.join(texts[:-1])} et {texts[-1]}"


# units glued to the number before them
_UNITS = r"(?:min|h|km|km²|m²|%|‰|€|M€|ans|places|habitants|enfants|communes|EPCI|pour)"

_SPACES = r"[ \u00a0\u202f]"
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # controls that a name may hold, which no page can show
    (re.compile(r"[\x00-\x08\x0b-\x1f\x7f]"), ""),
    (re.compile(r"\.\.\."), "…"),
    (re.compile(r"\b([Cc])oeur"), r"\1œur"),
    (re.compile(r"(?<=[^\W\d_])'(?=[^\W\d_])"), "’"),
    (re.compile(rf"(?<=\S){_SPACES}+(?=[;!?])"), NNBSP),
    (re.compile(rf"(?<=\S){_SPACES}+(?=[:»])"), NBSP),
    (re.compile(rf"«{_SPACES}+"), f"«{NBSP}"),
    (re.compile(rf"(?<=\d) (?={_UNITS}(?!\w))"), NBSP),
    (re.compile(r"(?<=\dh) (?=\d\d)"), NBSP),
    (re.compile(r"(?<=\d[ \u00a0]h) (?=\d\d(?!\d))"), NBSP),
    (re.compile(r"(?<!\w)(n°|p\.|art\.|±|<) (?=\d)"), rf"\1{NBSP}"),
)
_THOUSANDS = re.compile(r"(?<![\d,.])\d{1,3}(?: \d{3})+(?!\d)")


@lru_cache(maxsize=20_000)
def typeset(text: str) -> str:
    """Apply French spacing to a finished text; meant for the output border, and safe to apply twice."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return _THOUSANDS.sub(lambda found: found.group().replace(" ", NNBSP), text)


_VOWELS = "aàâäeéèêëiîïoôöuùûüyœæAÀÂÄEÉÈÊËIÎÏOÔÖUÙÛÜYŒÆ"
# words in h that take no elision, and vowels that behave as consonants
_ASPIRATED = ("haut", "havre", "hague", "haye", "hongrie", "hollande", "hasard", "huit", "handicap", "hors")
_NOT_ELIDED = ("onze", "oui", "yaourt", "yonne", "yerres")

_EPCI_KINDS = {
    "CA": "la communauté d'agglomération",
    "CC": "la communauté de communes",
    "CU": "la communauté urbaine",
}
_SAYS_ITS_KIND = re.compile(r"(?!d[eu] |d').*\b(?:agglomération|communauté)\b", re.IGNORECASE)


# an official name may have straight quotes: "Sources de lumière"
_QUOTED = re.compile(r'"(?=\S)([^"]*\S)"')


def elide(word: str, following: str) -> str:
    """Put a short word ("de", "le", "que", "la", "ne"…) before another, with elision before a vowel or a mute h."""
    start = following.casefold()
    mute_h = start.startswith("h") and not start.startswith(_ASPIRATED)
    vowel = following[:1] in _VOWELS and following != "" and not start.startswith(_NOT_ELIDED)
    return f"{word[:-1]}'{following}" if vowel or mute_h else f"{word} {following}"


def of_place(name: str) -> str:
    """Write "de" before the name of a place, with its article ("du Muy", "des Arcs", "de La Seyne-sur-Mer")."""
    return _contracted("de", name) or elide("de", name)


def at_place(name: str) -> str:
    """Write "à" before the name of a place, with its article ("au Muy", "aux Arcs", "à La Seyne-sur-Mer")."""
    return _contracted("à", name) or f"à {name}"


def _contracted(word: str, name: str) -> str:
    """Write "de" or "à" with the article that starts a name; nothing when they do not contract."""
    article, _, rest = name.partition(" ")
    contracted = _CONTRACTED.get((word, article.casefold()))
    return f"{contracted} {rest}" if contracted else ""


_CONTRACTED = {("de", "le"): "du", ("de", "les"): "des", ("à", "le"): "au", ("à", "les"): "aux"}
# what services are, by gender: a name that starts otherwise is quoted
_MASCULINE = re.compile(
    r"(?:ime|iem|itep|dime|ditep|sessad|cmpp|cmp|cattp|camsp|bapu|ehpad|esat|eam|fam|foyer|savs|samsah|ssiad|pcpe|gem|"
    r"hôpital|centre|institut|service|dispositif|pôle|établissement)\b"
)
_FEMININE = re.compile(r"(?:mas|uema|ueea|emas|pco|maison|clinique|équipe|plateforme|antenne|unité)\b")


def with_article(name: str) -> str:
    """Write the name of a service in a sentence: "l'IME de Salernes", "le CMPP", "l'hôpital de jour de Trans"."""
    kind, first = name.casefold(), name.partition(" ")[0]
    article = "le" if _MASCULINE.match(kind) else "la" if _FEMININE.match(kind) else ""
    if not article:
        return f"le service « {name} »"
    return elide(article, name if first.isupper() else name[:1].lower() + name[1:])


def in_guillemets(name: str) -> str:
    """Write the part of a name that is between straight quotes between guillemets."""
    return _QUOTED.sub(r"« \1 »", name)


def epci_phrase(name: str) -> str:
    """Write the name of an EPCI in a sentence, with its kind unless the name says it (« Colmar Agglomération »)."""
    name = in_guillemets(name)
    kind, _, rest = name.partition(" ")
    if kind in _EPCI_KINDS and rest:
        return rest if _SAYS_ITS_KIND.match(rest) else f"{_EPCI_KINDS[kind]} {rest}"
    return elide("la", f"{kind.lower()} {rest}") if kind in ("Métropole", "Eurométropole") and rest else name


def epci_short(name: str) -> str:
    """Shorten the name of an EPCI for a chart or a column: without its kind and its leading article."""
    name = in_guillemets(name)
    kind, _, rest = name.partition(" ")
    if kind not in (*_EPCI_KINDS, "Métropole", "Eurométropole") or not rest:
        return name
    rest = re.sub(r"^(?:de la |du |des |de l'|d'|de )", "", rest)
    return rest.removesuffix(" Agglomération") or rest


def bare(text: str) -> str:
    """Return a text without accents, capitals, spaces or marks: « D 562 » is « d562 »."""
    return "".join(one for one in unicodedata.normalize("NFKD", text.casefold()) if one.isalnum())


def alphabetical(name: str) -> str:
    """Return what a name is sorted by: as a French dictionary does, accents apart."""
    letters = unicodedata.normalize("NFKD", name.replace("œ", "oe").replace("Œ", "Oe"))
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).casefold()
