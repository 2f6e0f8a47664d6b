"""The sheets of the workbook that an ARS sends to the field, declared once for writing and for reading."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "commune", "service", "site", "count", "number", "age", "year"]

IDENTITY_SHEET = "Identification"
ORGANISATION = "Organisme qui répond"
SITUATION_DATE = "Date de la situation"
README_SHEET = "Lisez-moi"
LISTS_SHEET = "Listes"
# how a sender may write a count that it does not give, for secrecy
PROTECTED_CELLS = ("s", "secret", "<5", "<6", "<10", "<11")


@dataclass(frozen=True)
class FieldColumn:
    """One column: its name in the tables, its title in the workbook and what it takes.

    `is_answer` columns are what is asked; the others say of whom, and a row without any answer is no answer.
    """

    name: str
    title: str
    kind: Kind
    help: str = ""
    required: bool = False
    is_answer: bool = False


@dataclass(frozen=True)
class FieldSheet:
    """One sheet: the table it becomes, its title, who fills it, and which columns make a row unique."""

    table: str
    title: str
    intro: str
    key: tuple[str, ...]
    columns: tuple[FieldColumn, ...]


_COMMUNE = FieldColumn(
    "commune_code", "Code commune", "commune", "Code INSEE à cinq caractères", required=True
)
_COMMUNE_NAME = FieldColumn("commune_name", "Commune", "text", "Pour mémoire, non relu")
_SERVICE = FieldColumn("service", "Service", "service", "Choisir dans la liste", required=True)
_SITE = FieldColumn("site_id", "Site", "site", "Numéro FINESS de l'établissement", required=True)
_SITE_NAME = FieldColumn("site_name", "Nom du site", "text", "Pour mémoire, non relu")
_AGES = (
    FieldColumn("age_min", "Âge minimal", "age", "Âge révolu, compris"),
    FieldColumn("age_max", "Âge maximal", "age", "Âge révolu, compris"),
)


def _asked(name: str, title: str, kind: Kind, said: str) -> FieldColumn:
    """Return a column of answers."""
    return FieldColumn(name, title, kind, said, is_answer=True)


SHEETS: tuple[FieldSheet, ...] = (
    FieldSheet(
        "children",
        "Orientations",
        "À remplir par la MDPH : enfants de chaque commune, par service et par âge. Ajoutez des lignes pour couper en "
        "plusieurs tranches d'âge.",
        ("commune_code", "service", "age_min", "age_max"),
        (
            _COMMUNE,
            _COMMUNE_NAME,
            _SERVICE,
            *_AGES,
            _asked("orientations", "Orientations en vigueur", "count", "Décisions de la CDAPH en cours"),
            _asked("waiting", "Enfants en attente", "count", "Orientés et sans aucune place de ce type"),
            _asked("served", "Enfants accompagnés", "count", "Orientés et accueillis, où que ce soit"),
        ),
    ),
    FieldSheet(
        "reception",
        "Lieux d'accueil",
        "À remplir par la MDPH ou les gestionnaires : où sont accompagnés les enfants de chaque commune.",
        ("commune_code", "site_id", "service", "age_min", "age_max"),
        (
            _COMMUNE,
            _COMMUNE_NAME,
            _SITE,
            _SERVICE,
            *_AGES,
            _asked("children", "Enfants accompagnés", "count", "Enfants de la commune suivis par ce service"),
        ),
    ),
    FieldSheet(
        "activity",
        "Établissements",
        "À remplir par les gestionnaires : une ligne par site et par service.",
        ("site_id", "service"),
        (
            _SITE,
            _SITE_NAME,
            _SERVICE,
            _asked("file_active", "File active", "count", "Personnes suivies dans l'année"),
            _asked("creton_places", "Places amendement Creton", "count", "Jeunes adultes maintenus"),
            _asked(
                "outside_places", "Places d'enfants d'ailleurs", "count", "Enfants d'un autre département"
            ),
            _asked("staff_etp", "Personnel (ETP)", "number", "Équivalents temps plein en poste"),
            _asked("vacant_etp", "Postes vacants (ETP)", "number", "Équivalents temps plein non pourvus"),
            _asked("road_h_per_week", "Heures de route par semaine", "number", "Toute l'équipe, en heures"),
        ),
    ),
    FieldSheet(
        "budgets",
        "Budgets",
        "À remplir par les gestionnaires : budget de fonctionnement de chaque établissement.",
        ("site_id", "year"),
        (
            _SITE,
            _SITE_NAME,
            FieldColumn("year", "Année", "year", "Exercice", required=True),
            _asked("budget_eur", "Budget (€)", "number", "Charges de fonctionnement, en euros"),
        ),
    ),
)

README_LINES = (
    "Ce classeur recueille ce qu'aucun fichier public ne dit : orientations, attentes, places occupées, temps de "
    "route.",
    "Une cellule vide veut dire « inconnu » ; zéro veut dire « aucun ». N'écrivez pas zéro pour ce que vous ignorez.",
    "N'écrivez aucun nom ni aucune donnée sur une personne : seulement des effectifs.",
    "Donnez les effectifs réels si votre convention avec l'ARS le permet : les rapports masquent les petits effectifs. "
    "Sinon écrivez « s » (secret).",
    "Les orientations se comptent en décisions en cours, les attentes et les accompagnements en enfants : un enfant "
    "peut avoir plusieurs décisions.",
    "Une place occupée au titre de l'amendement Creton l'est par un jeune de plus de 20 ans maintenu dans un "
    "établissement pour enfants.",
    "Vous pouvez ajouter des lignes, non des colonnes ; ne changez ni les titres ni les noms des feuilles.",
)
