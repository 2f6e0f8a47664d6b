"""What the acronyms of a report stand for: a councillor is not expected to know them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from territory.report.layout.document import Block, Bullets, Heading, Picture, Text, strong

_MEANINGS = {
    "AEEH": "allocation d'éducation de l'enfant handicapé",
    "APL": "accessibilité potentielle localisée : consultations de généraliste par an et par habitant",
    "ARS": "agence régionale de santé",
    "BEH": "bulletin épidémiologique hebdomadaire",
    "CASF": "code de l'action sociale et des familles",
    "CHI": "centre hospitalier intercommunal",
    "CLIC": "centre local d'information et de coordination",
    "CMP": "centre médico-psychologique",
    "CMPP": "centre médico-psycho-pédagogique",
    "CNSA": "caisse nationale de solidarité pour l'autonomie",
    "DGCL": "direction générale des collectivités locales",
    "DREES": "direction de la recherche, des études, de l'évaluation et des statistiques du ministère chargé de "
    "la santé",
    "EHPAD": "établissement d'hébergement pour personnes âgées dépendantes",
    "EPCI": "établissement public de coopération intercommunale : communauté de communes, communauté "
    "d'agglomération, communauté urbaine ou métropole",
    "ESSMS": "établissements et services sociaux et médico-sociaux",
    "ETP": "équivalent temps plein",
    "FINESS": "fichier national des établissements sanitaires et sociaux",
    "GCSMS": "groupement de coopération sociale ou médico-sociale",
    "GHT": "groupement hospitalier de territoire",
    "GTSMS": "groupement territorial social et médico-social",
    "IGN": "institut national de l'information géographique et forestière",
    "IME": "institut médico-éducatif",
    "INSEE": "institut national de la statistique et des études économiques",
    "MDPH": "maison départementale des personnes handicapées",
    "RP": "recensement de la population",
    "SAE": "statistique annuelle des établissements de santé",
    "SESSAD": "service d'éducation spéciale et de soins à domicile",
    "SMUR": "structure mobile d'urgence et de réanimation",
}
_WORD = re.compile(r"\b[A-Z]{2,}\b")


def acronyms(blocks: Sequence[Block]) -> list[Block]:
    """Return what the acronyms of some blocks stand for, those that are used and known.

    Examples
    --------
    >>> from territory.report.layout.document import Paragraph
    >>> [block.items for block in acronyms([Paragraph("L'IME déménage.")])[1:]]
    [[[('IME', 'strong'), ' : institut médico-éducatif.']]]
    """
    used = {word for block in blocks if not isinstance(block, Picture) for word in _WORD.findall(repr(block))}
    items: list[Text] = [
        [strong(word), f" : {meaning}."] for word, meaning in _MEANINGS.items() if word in used
    ]
    return [Heading("Les sigles", 2), Bullets(items, "small")] if items else []
