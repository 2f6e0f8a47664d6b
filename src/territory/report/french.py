"""French text from numbers and names: spacing, agreement, elision, lists, ranges, doubt, names of EPCI."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from territory.plot.numbers import (
    NBSP,
    NNBSP,
    OUT_OF_REACH,
    UNKNOWN,
    decimal,
    integer,
    minutes,
    round_estimate,
    share,
    signed,
)

__all__ = [
    "NBSP",
    "NNBSP",
    "OUT_OF_REACH",
    "UNKNOWN",
    "about",
    "at_place",
    "between",
    "change",
    "count",
    "decimal",
    "elide",
    "epci_phrase",
    "epci_short",
    "integer",
    "join",
    "minutes",
    "of_place",
    "persons",
    "round_estimate",
    "share",
    "signed",
    "typeset",
]

# units glued to the number before them
_UNITS = r"(?:min|h|km|km²|%|€|M€|ans|places|habitants|enfants|communes|EPCI|pour)"

_SPACES = r"[ \u00a0\u202f]"
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\.\.\."), "…"),
    (re.compile(r"\b([Cc])oeur"), r"\1œur"),
    (re.compile(r"(?<=[^\W\d_])'(?=[^\W\d_])"), "’"),
    (re.compile(rf"(?<=\S){_SPACES}+(?=[;!?])"), NNBSP),
    (re.compile(rf"(?<=\S){_SPACES}+(?=[:»])"), NBSP),
    (re.compile(rf"«{_SPACES}+"), f"«{NBSP}"),
    (re.compile(rf"(?<=\d) (?={_UNITS}(?!\w))"), NBSP),
    (re.compile(r"(?<=\dh) (?=\d\d)"), NBSP),
    (re.compile(r"(?<=\d[ \u00a0]h) (?=\d\d(?!\d))"), NBSP),
    (re.compile(r"(?<!\w)(n°|p\.|art\.) (?=\d)"), rf"\1{NBSP}"),
)
_THOUSANDS = re.compile(r"(?<![\d,.])\d{1,3}(?: \d{3})+(?!\d)")

_VOWELS = "aàâäeéèêëiîïoôöuùûüyœæAÀÂÄEÉÈÊËIÎÏOÔÖUÙÛÜYŒÆ"
# words in h that take no elision, and vowels that behave as consonants
_ASPIRATED = ("haut", "havre", "hague", "haye", "hongrie", "hollande", "hasard", "huit", "handicap", "hors")
_NOT_ELIDED = ("onze", "oui", "yaourt", "yonne", "yerres")

_EPCI_KINDS = {
    "CA": "la communauté d'agglomération",
    "CC": "la communauté de communes",
    "CU": "la communauté urbaine",
}


def typeset(text: str) -> str:
    """Apply French spacing to a finished text; meant for the output border, and safe to apply twice.

    Ordinary spaces before « : ; ! ? » and inside guillemets become no-break ones (none is added where none was
    typed, so addresses and times of day are left alone), groups of thousands get narrow no-break spaces, numbers
    hold on to their unit, three dots become an ellipsis and an apostrophe inside a word a curved one.

    Parameters
    ----------
    text
        Text as typed.

    Returns
    -------
    str
        Text to print.

    Examples
    --------
    >>> typeset("Qui gagne ? « Tous » : 1 260 enfants...").replace(NBSP, "~").replace(NNBSP, "_")
    'Qui gagne_? «~Tous~»~: 1_260~enfants…'
    """
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return _THOUSANDS.sub(lambda found: found.group().replace(" ", NNBSP), text)


def count(number: float, singular: str, plural: str | None = None, *, none: str | None = None) -> str:
    """Write a count with its noun in agreement: French has a plural from two on.

    Parameters
    ----------
    number
        How many, 0 or more.
    singular, plural
        The noun; without `plural` an s is added to every word.
    none
        What to say for zero ("aucune commune"); without it "0 commune".

    Returns
    -------
    str
        French text.

    Examples
    --------
    >>> count(1, "commune"), count(2, "commune"), count(0, "commune", none="aucune commune")
    ('1 commune', '2 communes', 'aucune commune')
    """
    if number == 0 and none is not None:
        return none
    many = plural if plural is not None else " ".join(f"{word}s" for word in singular.split(" "))
    return f"{integer(number)} {many if abs(number) >= 1.5 else singular}"


def persons(value: float, *, threshold: int = 11) -> str:
    """Write an estimated number of persons, rounded by its size, with "< 11" under the threshold.

    Parameters
    ----------
    value
        Persons; NaN is "inconnu"; exactly 0 (nobody lives there) is "0".
    threshold
        Smallest number that is printed.

    Returns
    -------
    str
        French text.

    Examples
    --------
    >>> persons(3.2), persons(63), persons(1263).replace(NNBSP, " ")
    ('< 11', '65', '1 260')
    """
    if math.isnan(value):
        return UNKNOWN
    if value == 0:
        return "0"
    if value < threshold:
        return f"< {threshold}"
    return integer(max(round_estimate(value), threshold))


def about(value: float, *, threshold: int = 11) -> str:
    """Write an estimated number of persons with "près de" under it, "un peu plus de" over it, else "environ".

    Parameters
    ----------
    value
        Persons.
    threshold
        Smallest number that is printed; below it "moins de 11".

    Returns
    -------
    str
        French text, without the noun.

    Examples
    --------
    >>> about(1258.0).replace(NNBSP, " "), about(1262.0).replace(NNBSP, " "), about(63.0), about(4.0)
    ('près de 1 260', 'un peu plus de 1 260', 'près de 65', 'moins de 11')
    """
    if math.isnan(value):
        return f"un nombre {UNKNOWN} de"
    if value == 0:
        return "0"
    if value < threshold:
        return f"moins de {threshold}"
    text = persons(value, threshold=threshold)
    gap = max(round_estimate(value), threshold) - value
    if abs(gap) < 1e-3 * value:
        return f"environ {text}"
    return f"près de {text}" if gap > 0 else f"un peu plus de {text}"


def between(low: float, high: float, *, threshold: int = 11) -> str:
    """Write a range of estimated persons; one number when rounding makes both ends the same.

    Parameters
    ----------
    low, high
        Persons, in any order.
    threshold
        Smallest number that is printed.

    Returns
    -------
    str
        French text, without the noun.

    Examples
    --------
    >>> between(1258, 2297).replace(NNBSP, " "), between(4, 40), between(3, 8)
    ('entre 1 260 et 2 300', 'au plus 40', 'moins de 11')
    """
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
    """Write a change of travel time; "non distinguable" when it is under the doubt.

    Parameters
    ----------
    delta_min
        Minutes, negative when the trip gets shorter.
    is_distinguishable
        Whether the change is above the doubt of the two times.

    Returns
    -------
    str
        French text.

    Examples
    --------
    >>> change(-12.3).replace(NBSP, " "), change(8).replace(NBSP, " "), change(2, is_distinguishable=False)
    ('12 min de moins', '8 min de plus', 'non distinguable')
    """
    if math.isnan(delta_min):
        return UNKNOWN
    if not is_distinguishable or round(abs(delta_min)) == 0:
        return "non distinguable"
    return f"{minutes(abs(delta_min))} de {'moins' if delta_min < 0 else 'plus'}"


def join(items: Iterable[str], *, most: int | None = None, others: str = "autre") -> str:
    """Write a list with commas and "et"; past `most` items the rest is counted.

    Parameters
    ----------
    items
        Texts in order.
    most
        How many to name at most; None names all.
    others
        Singular noun for those left out.

    Returns
    -------
    str
        French text; empty for no item.

    Examples
    --------
    >>> join(["Aups", "Salernes", "Trans"]), join(["A", "B", "C", "D"], most=2)
    ('Aups, Salernes et Trans', 'A, B et 2 autres')
    """
    texts = list(items)
    if most is not None and len(texts) > most:
        texts = [*texts[:most], count(len(texts) - most, others)]
    if len(texts) < 2:
        return "".join(texts)
    return f"{', '.join(texts[:-1])} et {texts[-1]}"


def elide(word: str, following: str) -> str:
    """Put a short word ("de", "le", "que", "la", "ne"…) before another, with elision before a vowel or a mute h.

    Parameters
    ----------
    word
        The short word, ending in e or a.
    following
        What comes after.

    Returns
    -------
    str
        Both, joined.

    Examples
    --------
    >>> elide("de", "Aups"), elide("de", "Salernes"), elide("de", "Hyères"), elide("que", "il")
    ("d'Aups", 'de Salernes', "d'Hyères", "qu'il")
    """
    start = following.casefold()
    mute_h = start.startswith("h") and not start.startswith(_ASPIRATED)
    vowel = following[:1] in _VOWELS and following != "" and not start.startswith(_NOT_ELIDED)
    return f"{word[:-1]}'{following}" if vowel or mute_h else f"{word} {following}"


def of_place(name: str) -> str:
    """Write "de" before the name of a place, with its article ("du Muy", "des Arcs", "de La Seyne-sur-Mer").

    Parameters
    ----------
    name
        Name of a commune as INSEE writes it.

    Returns
    -------
    str
        French text.

    Examples
    --------
    >>> of_place("Le Muy"), of_place("Les Arcs"), of_place("Ampus")
    ('du Muy', 'des Arcs', "d'Ampus")
    """
    if name.startswith("Le "):
        return f"du {name[3:]}"
    if name.startswith("Les "):
        return f"des {name[4:]}"
    return elide("de", name)


def at_place(name: str) -> str:
    """Write "à" before the name of a place, with its article ("au Muy", "aux Arcs", "à La Seyne-sur-Mer").

    Parameters
    ----------
    name
        Name of a commune as INSEE writes it.

    Returns
    -------
    str
        French text.

    Examples
    --------
    >>> at_place("Le Muy"), at_place("Les Arcs"), at_place("Draguignan")
    ('au Muy', 'aux Arcs', 'à Draguignan')
    """
    if name.startswith("Le "):
        return f"au {name[3:]}"
    if name.startswith("Les "):
        return f"aux {name[4:]}"
    return f"à {name}"


def epci_phrase(name: str) -> str:
    """Write the name of an EPCI in a sentence, with the article of its kind.

    Parameters
    ----------
    name
        Name as in the official list ("CC Cœur du Var", "Métropole Toulon-Provence-Méditerranée").

    Returns
    -------
    str
        French text.

    Examples
    --------
    >>> epci_phrase("CC Cœur du Var"), epci_phrase("Métropole Toulon-Provence-Méditerranée")
    ('la communauté de communes Cœur du Var', 'la métropole Toulon-Provence-Méditerranée')
    """
    kind, _, rest = name.partition(" ")
    if kind in _EPCI_KINDS and rest:
        return f"{_EPCI_KINDS[kind]} {rest}"
    if kind in ("Métropole", "Eurométropole") and rest:
        return elide("la", f"{kind.lower()} {rest}")
    return name


def epci_short(name: str) -> str:
    """Shorten the name of an EPCI for a chart or a column: without its kind and its leading article.

    Parameters
    ----------
    name
        Name as in the official list.

    Returns
    -------
    str
        Short name.

    Examples
    --------
    >>> epci_short("CA de la Provence Verte"), epci_short("CC du Pays de Fayence")
    ('Provence Verte', 'Pays de Fayence')
    >>> epci_short("CA Dracénie Provence Verdon Agglomération")
    'Dracénie Provence Verdon'
    """
    kind, _, rest = name.partition(" ")
    if kind not in (*_EPCI_KINDS, "Métropole", "Eurométropole") or not rest:
        return name
    for article in ("de la ", "du ", "des ", "de l'", "d'", "de "):
        if rest.startswith(article):
            rest = rest[len(article) :]
            break
    return rest.removesuffix(" Agglomération") or rest
