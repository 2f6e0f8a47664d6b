"""The steps of a child's path, and the structures around it: which services are each of them, whom to ask."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class _Model(BaseModel):
    """A part of a study file: no unknown key, nothing changed after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PathStep(_Model):
    """One step of a path: any of the services is it; who can say what the data lack."""

    label: str
    services: tuple[str, ...] = Field(min_length=1)
    ask: str


class Coordination(_Model):
    """A kind of structure that coordinates, and the time from its edge above which its territory is too large.

    There is no published threshold: `too_far_min` is a hypothesis of the study.
    """

    label: str
    service: str
    too_far_min: float = Field(default=60, gt=0)
    ask: str


CHILD_PATH = (
    PathStep(label="Repérage et action précoce", services=("camsp",), ask="ARS (FINESS)"),
    PathStep(
        label="Diagnostic : plateforme de coordination (PCO) ou centre ressources autisme (CRA)",
        services=("pco", "cra"),
        ask="ARS (décret n° 2021-383) ; CRA de la région",
    ),
    PathStep(
        label="Soin : CMPP, CMP, hôpital de jour",
        services=("cmpp", "cmp_ij", "hdj_ij"),
        ask="ARS (FINESS) ; établissements de psychiatrie",
    ),
    PathStep(
        label="École : unités d'enseignement autisme (UEMA, UEEA)",
        services=("uema", "ueea"),
        ask="Rectorat ; ARS",
    ),
    PathStep(
        label="Établissement ou service : IME, SESSAD, ITEP, IEM, polyhandicap",
        services=("ime", "sessad", "itep", "iem", "eeap"),
        ask="ARS (FINESS)",
    ),
    PathStep(
        label="Sortie à l'âge adulte : ESAT, foyers, MAS, SAVS, SAMSAH",
        services=(
            "esat",
            "foyer_hebergement",
            "foyer_vie",
            "mas",
            "fam",
            "eam",
            "eanm",
            "savs",
            "samsah",
        ),
        ask="ARS et conseil départemental (FINESS)",
    ),
)

COORDINATION = (
    Coordination(label="Dispositif d'appui à la coordination (DAC)", service="dac", ask="ARS"),
    Coordination(
        label="Centre local d'information et de coordination (CLIC)",
        service="clic",
        ask="Conseil départemental",
    ),
    Coordination(
        label="Maison départementale des personnes handicapées (MDPH)",
        service="mdph",
        ask="MDPH du département",
    ),
    Coordination(
        label="Communauté professionnelle territoriale de santé (CPTS)",
        service="cpts",
        ask="ARS ; Assurance maladie",
    ),
)
