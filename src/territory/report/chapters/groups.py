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

_SUPPORT_NOTE = (
    "Support : l'établissement support du groupement hospitalier. ≈ : l'écart entre les deux routes n'est pas "
    "distinguable du doute sur les temps."
)


def groups_answer(reading: Reading) -> list[Block]:
    """Return what the first page says of the questions of grouping."""
    answers = reading.release.groupings
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
    answers = reading.release.groupings
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
    first = next(iter(reading.release.groupings.values()))
    items: list[Text] = []
    bases = list(first.members["status_basis"].dropna().unique())
    if bases:
        items.append(f"Le statut des établissements est {join(map(str, bases))}.")
    unknown, total = int(first.members["is_autonomous"].isna().sum()), len(first.members)
    if unknown == total:
        items.append(f"L'autonomie juridique n'est connue pour aucun des {total} établissements groupés.")
    elif unknown:
        items.append(
            f"L'autonomie juridique n'est pas connue pour {unknown} des {total} établissements groupés."
        )
    if not reading.release.are_budgets_known:
        items.append("Les budgets ne sont pas publics : aucun seuil de budget n'est testé.")
    if not first.is_pooling_known:
        items.append(
            "Ce que les membres gagneraient à partager n'est pas calculé : le tableau est à remplir."
        )
    return [Callout("Ce que valent ces groupes", items, tone="warning")] if items else []


def _comparison(compared: pd.DataFrame) -> DataTable:
    """Return the groupings side by side."""
    every = compared.reset_index()
    # joining is the same for every question about the same members: said once for each number of members
    once = every["option"].eq("groups") | ~every.duplicated(["option", "name", "n_members", "mean_drive_min"])
    rows = []
    for _, row in every[once].sort_values("option", kind="stable").iterrows():
        drives = [minutes(row["mean_drive_min"]), minutes(row["worst_drive_min"])]
        count, between, spread = "–", "–", "–"
        if row["option"] == "groups":
            count, between = integer(row["n_groups"]), minutes(row["worst_drive_between_min"])
            spread = f"{integer(row['mean_spread_km'])} km"
        rows.append([str(row["name"]), count, _span(row), *drives, between, spread])
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


def _one(reading: Reading, answer: GroupingAnswer) -> list[Block]:
    """Return the map of a grouping, with its groups in words, and its members."""
    areas = areas_of(reading)
    areas = areas.assign(epci_code=reading.territory["epci_code"].reindex(areas.index))
    towns = answer.members.groupby("group")["commune_name"].agg(lambda names: join(sorted(set(names))))
    said = " ; ".join(f"{name} : {text}" for name, text in towns.items())
    picture = Picture(
        style.to_svg(show_establishments(answer, areas)),
        alt=f"Carte des groupes. {said}.",
        caption=f"{answer.grouping.name}.",
        source=map_source(reading),
    )
    return [Heading(answer.grouping.name, 2), picture, _members(answer)]


def _members(answer: GroupingAnswer) -> DataTable:
    """Return the members of a grouping, with both drives."""
    has_support = answer.grouping.support_site_id is not None
    towns = answer.groups["seat_commune"].items()
    numbers = {name: f"{place} – {town}" for place, (name, town) in enumerate(towns, start=1)}
    rows = []
    for _, row in answer.members.sort_values(["group", "drive_to_seat_min"]).iterrows():
        seat = "siège" if row["is_seat"] else minutes(row["drive_to_seat_min"])
        line = [numbers[str(row["group"])], str(row["name"]), str(row["commune_name"]), seat]
        if has_support:
            drive = row["drive_to_support_min"]
            told = "" if row["is_distinguishable"] else " ≈"
            line.append(("inconnu" if pd.isna(drive) else minutes(drive)) + told)
        rows.append(line)
    return table(
        "Groupe <1.5 | Établissement <2.4 | Commune <1.4 | Vers le siège >0.9"
        + (" | Vers le support >1" if has_support else ""),
        rows,
        f"Les membres : {answer.grouping.name}.",
        note=_SUPPORT_NOTE if has_support else "",
    )
