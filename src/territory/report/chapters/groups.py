"""Groups of establishments in a report: groupings side by side, joining the hospitals instead, map and members."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from territory.french.numbers import integer, minutes
from territory.french.words import count, join
from territory.plot import style
from territory.plot.maps.show_plans import show_establishments
from territory.release.disclosure import SUPPRESSED
from territory.report.chapters.pictures import areas_of, map_source
from territory.report.layout.document import (
    Block,
    Bullets,
    Callout,
    DataTable,
    Heading,
    Paragraph,
    Picture,
    Text,
    strong,
    table,
)
from territory.report.layout.pdf import Part

if TYPE_CHECKING:
    from collections.abc import Mapping

    from territory.planning.grouping.answer import GroupingAnswer
    from territory.report.reading import Reading

_UNKNOWN = "inconnu"


def groups_answer(reading: Reading) -> list[Block]:
    """Return what the first page says of the questions of grouping."""
    answers = _answers(reading)
    if not answers:
        return []
    compared = reading.release.grouping_comparison
    items: list[Text] = []
    for name, answer in answers.items():
        row: Any = compared.loc[(name, "groups")]
        items.append([strong(answer.grouping.name), f" : {_in_words(answer, row)}."])
    items += _join_in_words(answers, compared)
    return [Bullets(items), *_cautions(reading)]


def groups(reading: Reading) -> list[Part]:
    """Return the groupings side by side, then the map and the members of each: all but the first may leave."""
    answers = _answers(reading)
    if not answers:
        return []
    compared: list[Block] = [
        Heading("Les groupements comparés"),
        _comparison(reading.release.grouping_comparison),
        Paragraph(
            "Le siège est le membre vers lequel la route de tous est la plus courte : un calcul, pas une désignation. "
            "La dispersion est la distance moyenne des membres à leur centre, à vol d'oiseau."
        ),
    ]
    parts = [Part(compared)]
    for place, answer in enumerate(answers.values()):
        title = f"le découpage « {answer.grouping.name} »" if place else ""
        parts.append(Part(partial(_one, reading, answer), title, leaves=28))
    rest = Paragraph(
        "Les établissements qui ne sont pas groupés et le tableau des services à partager, à remplir, sont dans le "
        "dossier tables (groupement_…).",
        kind="small",
    )
    return [*parts, Part([rest])]


def _one(reading: Reading, answer: GroupingAnswer) -> list[Block]:
    """Return the map and the members of a grouping."""
    return [Heading(answer.grouping.name, 2), _map(reading, answer), _members(answer)]


def _answers(reading: Reading) -> Mapping[str, GroupingAnswer]:
    """Return the answers of the study."""
    found: Mapping[str, GroupingAnswer] = reading.release.groupings
    return found


def _in_words(answer: GroupingAnswer, row: Any) -> str:
    """Say how many groups there are, how large and how far."""
    sizes = answer.groups["n_units"]
    low, high = int(sizes.min()), int(sizes.max())
    if len(sizes) == 1:
        said = f"un groupe de {count(high, 'établissement')}"
    else:
        each = f"de {low} à {high}" if low < high else f"de {low}"
        said = f"{len(sizes)} groupes {each} établissements"
    mean, worst = minutes(row["mean_drive_min"]), minutes(row["worst_drive_min"])
    return f"{said}, {mean} de route en moyenne vers le siège, {worst} au plus"


def _join_in_words(answers: Mapping[str, GroupingAnswer], compared: pd.DataFrame) -> list[Text]:
    """Say how far the support hospital is, and for how many it is distinguishably farther than the seat."""
    for name, answer in answers.items():
        if answer.grouping.support_site_id is None:
            continue
        row: Any = compared.loc[(name, "join")]
        farther, closer, indistinct = (
            integer(row[name]) if row[name] else "aucun" for name in ("n_farther", "n_closer", "n_indistinct")
        )
        return [
            [
                strong(f"Adhésion au {answer.grouping.support_name}"),
                f" : {minutes(row['mean_drive_min'])} en moyenne vers l'établissement support, "
                f"{minutes(row['worst_drive_min'])} au plus. Des {integer(row['n_members'])} établissements, il est "
                f"plus loin que le siège pour {farther}, plus près pour {closer}, et l'écart n'est pas distinguable "
                f"pour {indistinct} (découpage « {answer.grouping.name} »).",
            ]
        ]
    return []


def _cautions(reading: Reading) -> list[Block]:
    """Say what the statuses, places and budgets are worth."""
    first = next(iter(_answers(reading).values()))
    items: list[Text] = []
    bases = list(first.members["status_basis"].dropna().unique())
    if bases:
        items.append(f"Le statut des établissements est {join(map(str, bases))}.")
    items += _autonomy(int(first.members["is_autonomous"].isna().sum()), len(first.members))
    if not reading.release.are_budgets_known:
        items.append("Les budgets ne sont pas publics : aucun seuil de budget n'est testé.")
    if not first.is_pooling_known:
        items.append(
            "Ce que les membres gagneraient à partager n'est pas calculé : le tableau est à remplir."
        )
    return [Callout("Ce que valent ces groupes", items, tone="warning")] if items else []


def _autonomy(unknown: int, total: int) -> list[Text]:
    """Say for how many establishments legal autonomy is unknown."""
    if unknown == 0:
        return []
    if unknown == total:
        return [f"L'autonomie juridique n'est connue pour aucun des {total} établissements groupés."]
    return [f"L'autonomie juridique n'est pas connue pour {unknown} des {total} établissements groupés."]


def _comparison(compared: pd.DataFrame) -> DataTable:
    """Return the groupings side by side."""
    every = compared.reset_index()
    # joining is the same for every question about the same members: said once for each number of members
    once = every["option"].eq("groups") | ~every.duplicated(["option", "name", "n_members", "mean_drive_min"])
    rows = [
        [
            str(row["name"]),
            integer(row["n_groups"]) if row["option"] == "groups" else "–",
            _span(row),
            minutes(row["mean_drive_min"]),
            minutes(row["worst_drive_min"]),
            minutes(row["worst_drive_between_min"]) if row["option"] == "groups" else "–",
            f"{integer(row['mean_spread_km'])} km" if row["option"] == "groups" else "–",
        ]
        for _, row in every[once].sort_values("option", kind="stable").iterrows()
    ]
    return table(
        "Découpage <2.6 | Groupes >0.8 | Taille >0.8 | Route moyenne >1 | La plus longue >1 | Entre membres >1 | "
        "Dispersion >0.9",
        rows,
        "Les découpages, et l'adhésion au groupement hospitalier.",
        note="Route des membres vers le siège de leur groupe, ou vers l'établissement support.",
    )


def _span(row: Any) -> str:
    """Return the smallest and the largest size of a grouping, as far as they may be printed."""
    if row["is_size_withheld"]:
        return SUPPRESSED
    low, high = row["smallest_size"], row["largest_size"]
    if pd.isna(low):
        return "–"
    return integer(low) if low == high else f"{integer(low)} à {integer(high)}"


def _map(reading: Reading, answer: GroupingAnswer) -> Picture:
    """Return the map of a grouping, with its groups in words."""
    areas = areas_of(reading)
    areas = areas.assign(epci_code=reading.territory["epci_code"].reindex(areas.index))
    towns = answer.members.groupby("group")["commune_name"].agg(lambda names: join(sorted(set(names))))
    return Picture(
        style.to_svg(show_establishments(answer, areas)),
        alt=f"Carte des groupes. {' ; '.join(f'{name} : {text}' for name, text in towns.items())}.",
        caption=f"{answer.grouping.name}.",
        source=map_source(reading),
    )


def _members(answer: GroupingAnswer) -> DataTable:
    """Return the members of a grouping, with both drives."""
    has_support = answer.grouping.support_site_id is not None
    numbers = {
        name: f"{place} – {_seat_town(answer, name)}"
        for place, name in enumerate(answer.groups.index, start=1)
    }
    rows = []
    for _, row in answer.members.sort_values(["group", "drive_to_seat_min"]).iterrows():
        line = [
            numbers[str(row["group"])],
            str(row["name"]),
            str(row["commune_name"]),
            "siège" if row["is_seat"] else minutes(row["drive_to_seat_min"]),
        ]
        if has_support:
            told = "" if row["is_distinguishable"] else " ≈"
            line.append(_known(row["drive_to_support_min"]) + told)
        rows.append(line)
    return table(
        "Groupe <1.5 | Établissement <2.4 | Commune <1.4 | Vers le siège >0.9"
        + (" | Vers le support >1" if has_support else ""),
        rows,
        f"Les membres : {answer.grouping.name}.",
        note="Support : l'établissement support du groupement hospitalier. ≈ : l'écart entre les deux routes n'est pas "
        "distinguable du doute sur les temps."
        if has_support
        else "",
    )


def _seat_town(answer: GroupingAnswer, group: str) -> str:
    """Return the commune of the seat of a group."""
    return str(answer.groups["seat_commune"][group])


def _known(value: float) -> str:
    """Return minutes, or that they are unknown."""
    return _UNKNOWN if pd.isna(value) else minutes(value)
