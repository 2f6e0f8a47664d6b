"""Names of places and of EPCI in a French sentence: articles, contractions, elision."""

from __future__ import annotations

import re
import unicodedata

_VOWELS = "aàâäeéèêëiîïoôöuùûüyœæAÀÂÄEÉÈÊËIÎÏOÔÖUÙÛÜYŒÆ"
# words in h that take no elision, and vowels that behave as consonants
_ASPIRATED = ("haut", "havre", "hague", "haye", "hongrie", "hollande", "hasard", "huit", "handicap", "hors")
_NOT_ELIDED = ("onze", "oui", "yaourt", "yonne", "yerres")

_EPCI_KINDS = {
    "CA": "la communauté d'agglomération",
    "CC": "la communauté de communes",
    "CU": "la communauté urbaine",
}


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
    if name.startswith("Le "):
        return f"du {name[3:]}"
    if name.startswith("Les "):
        return f"des {name[4:]}"
    return elide("de", name)


def at_place(name: str) -> str:
    """Write "à" before the name of a place, with its article ("au Muy", "aux Arcs", "à La Seyne-sur-Mer")."""
    if name.startswith("Le "):
        return f"au {name[3:]}"
    if name.startswith("Les "):
        return f"aux {name[4:]}"
    return f"à {name}"


def in_guillemets(name: str) -> str:
    """Write the part of a name that is between straight quotes between guillemets."""
    return _QUOTED.sub(r"« \1 »", name)


def epci_phrase(name: str) -> str:
    """Write the name of an EPCI in a sentence, with the article of its kind."""
    name = in_guillemets(name)
    kind, _, rest = name.partition(" ")
    if kind in _EPCI_KINDS and rest:
        return f"{_EPCI_KINDS[kind]} {rest}"
    if kind in ("Métropole", "Eurométropole") and rest:
        return elide("la", f"{kind.lower()} {rest}")
    return name


def epci_short(name: str) -> str:
    """Shorten the name of an EPCI for a chart or a column: without its kind and its leading article."""
    name = in_guillemets(name)
    kind, _, rest = name.partition(" ")
    if kind not in (*_EPCI_KINDS, "Métropole", "Eurométropole") or not rest:
        return name
    for article in ("de la ", "du ", "des ", "de l'", "d'", "de "):
        if rest.startswith(article):
            rest = rest[len(article) :]
            break
    return rest.removesuffix(" Agglomération") or rest


def alphabetical(name: str) -> str:
    """Return what a name is sorted by: as a French dictionary does, accents apart."""
    letters = unicodedata.normalize("NFKD", name.replace("œ", "oe").replace("Œ", "Oe"))
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).casefold()
