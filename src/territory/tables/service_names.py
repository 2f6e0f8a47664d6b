"""French names of the services whose closest site is measured: alone, and with their article."""

from __future__ import annotations

SERVICE_NAMES = {
    "hopital": "hôpital ou clinique de court séjour",
    "urgences": "service d'urgences",
    "medecin_generaliste": "médecin généraliste",
    "ehpad": "EHPAD",
    "pharmacie": "pharmacie",
    "maternite": "maternité",
    "smur": "SMUR",
    "cmp_ij": "CMP infanto-juvénile",
    "hdj_ij": "hôpital de jour infanto-juvénile",
    "psychiatrie_ij": "psychiatrie infanto-juvénile",
}
CLOSEST_NAMES = {
    "hopital": "l'hôpital ou la clinique de court séjour le plus proche",
    "urgences": "le service d'urgences le plus proche",
    "medecin_generaliste": "le médecin généraliste le plus proche",
    "ehpad": "l'EHPAD le plus proche",
    "pharmacie": "la pharmacie la plus proche",
    "maternite": "la maternité la plus proche",
}
