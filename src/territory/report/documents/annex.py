"""The technical annex: every table, the parameters, the doubt on times, what was withheld and the manifest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from territory.french.numbers import integer
from territory.french.words import count, join
from territory.release.disclosure import SUPPRESSED, THRESHOLD
from territory.report.chapters import (
    deserts,
    journeys,
    maps,
    method,
    moves,
    needs,
    questions,
    travel_accounts,
)
from territory.report.chapters.method import NOTHING_WITHHELD
from territory.report.documents import annex_tables
from territory.report.layout import document as doc
from territory.report.reading import Readable, Reading, read
from territory.study.secrecy import UNPUBLISHED, public_parameters
from territory.tables.catalogue import code_label


def technical_annex(result: Readable) -> doc.Document:
    """Return the technical annex as data."""
    reading = read(result)
    parts = [*questions.groups(reading), *needs.flows(reading)]
    blocks: list[doc.Block] = [
        doc.Heading("Ce que contient cette annexe"),
        doc.Paragraph(
            "Elle donne, pour qui veut vérifier ou refaire le calcul, toutes les tables commune par commune, les "
            "paramètres, le doute sur les temps, ce que le secret statistique a retiré et l'empreinte de chaque "
            "fichier lu. Les mêmes tables, sans arrondi, sont dans le classeur et dans le dossier tables/."
        ),
        *annex_tables.doubt(reading),
        *moves.all_moves(reading, level=1),
        *annex_tables.by_zone(reading),
        *annex_tables.by_commune(reading),
        # what a council report sends here when it has no room for it is here in every case
        *questions.siting_tables(reading),
        *(block for part in parts for block in part.blocks),
        *travel_accounts.common_care(reading, by_epci=True),
        *journeys.time_on_board(reading, whole=True),
        *travel_accounts.travel_accounts(reading),
        *deserts.deserts(reading),
        *maps.next_map(reading),
        *annex_tables.times_of_today(reading),
        *annex_tables.needs_by_commune(reading),
        *annex_tables.child_offer(reading),
        *named_services(reading),
        *withheld(reading),
        *parameters(reading),
        *manifest_tables(reading),
        *method.sources(reading),
    ]
    footer, words = reading.footer("annexe technique"), ["annexe", "méthode", "tables"]
    return reading.document(blocks, words=words, kicker="Annexe technique", footer=footer)


_LONGEST_VALUE = 300
# already printed elsewhere in the documents, or of no use on paper
_NOT_PARAMETERS = ("question", "title", "fact", "unknown")


def named_services(reading: Reading) -> list[doc.Block]:
    """Return the services that the study names, with what is known of each."""
    held = reading.release.services.reset_index()
    held = held[held["authorisation_id"].isin(list(reading.named))]
    rows = []
    for row in held.to_dict("records"):
        names = [reading.short(str(row["authorisation_id"])), reading.site_name(str(row["site_id"]))]
        low, high, places, doubt = (row.get(one) for one in ("age_min", "age_max", "capacity", "doubt"))
        ages = "inconnus" if pd.isna(low) or pd.isna(high) else f"{low:g} à {high:g} ans"
        unit = code_label("capacity_unit", str(row.get("capacity_unit")))
        capacity = "inconnue" if pd.isna(places) else f"{integer(float(places))} {unit}"
        rows.append([*names, ages, capacity, "" if pd.isna(doubt) else str(doubt or "")])
    columns = "Service <1.2 | Site d'aujourd'hui <1.5 | Âges <0.8 | Capacité <0.8 | Réserve <2.4"
    caption = "Ce qui est connu de chaque service ; ce qui ne l'est pas reste inconnu."
    return [doc.Heading("Services nommés"), doc.table(columns, rows, caption)] if rows else []


def withheld(reading: Reading) -> list[doc.Block]:
    """Say what disclosure control removed, and why."""
    if reading.release.is_internal:
        return [
            doc.Heading("Secret statistique"),
            doc.Callout("Édition interne", [NOTHING_WITHHELD], "warning"),
        ]
    rules: list[doc.Text] = [
        f"Aucun effectif observé de 1 à {THRESHOLD - 1} personnes n'est publié. Pour qu'aucun total, aucune différence "
        "entre deux tables, deux scénarios, deux seuils de recrutement ou deux documents ne le redonne, d'autres "
        "effectifs sont retirés avec lui : il doit rester impossible de le situer à moins de onze personnes près.",
        "Une moyenne pondérée par des effectifs observés n'est publiée que si chacun d'eux pourrait l'être.",
        f"Une estimation inférieure à {THRESHOLD} est écrite « < {THRESHOLD} » : elle n'est pas une donnée "
        "personnelle, mais un nombre plus fin serait une fausse précision.",
        "Un budget d'établissements n'est publié que pour trois unités au moins, dont aucune ne dépasse 85 %.",
    ]
    rows = []
    for scenario_id in reading.release.scenarios:
        published = {"par EPCI": reading.release.zones_table, "par commune": reading.release.communes_table}
        for name, table_of in published.items():
            cells = table_of(scenario_id).filter(regex="^persons(?!_kind$)")
            texts = cells.astype(str).to_numpy().ravel()
            sizes = (len(texts), (texts == f"< {THRESHOLD}").sum(), (texts == SUPPRESSED).sum())
            rows.append([f"Scénario {scenario_id}, {name}", *(integer(int(size)) for size in sizes)])
    blocks: list[doc.Block] = [doc.Heading("Secret statistique : ce qui a été retiré"), doc.Bullets(rules)]
    if rows:
        few = f"« < {THRESHOLD} »"
        columns = f"Table <2 | Cases >0.8 | Estimations {few} >1.2 | Effectifs observés retirés >1.3"
        blocks.append(doc.table(columns, rows, "Cases retirées des tables publiées."))
    known = [reading.short(service) for service in reading.named if reading.release.is_observed(service)]
    text = "Cette étude ne contient aucun effectif observé : rien n'a dû être retiré à ce titre."
    if known:
        text = (
            f"Effectifs observés fournis pour : {join(known)}. Ceux d'un autre service sont des habitants de l'âge "
            "concerné, estimés. Une étude relancée avec d'autres effectifs, d'autres seuils essayés ou d'autres "
            "scénarios est protégée à part : ne publiez pas les deux pour la même année."
        )
    return [*blocks, doc.Callout("Effectifs observés", [text], "warning" if known else "note")]


def parameters(reading: Reading) -> list[doc.Block]:
    """Return every parameter of the study, one by line."""
    parameters = reading.release.manifest.get("parameters") or public_parameters(reading.study)
    rows = [
        [path, value]
        for path, value in _flat(parameters)
        if value and path.split(".")[0].split("[")[0] not in _NOT_PARAMETERS
    ]
    caption = "Tels que le fichier d'étude les donne ; les valeurs par défaut y sont aussi."
    said = doc.table("Paramètre <1.3 | Valeur <2", rows, caption)
    return [doc.Heading("Paramètres de l'étude", new_page=True), said] if rows else []


def _flat(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield every value of a nested structure with its path."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _flat(part, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple):
        if all(isinstance(part, str | int | float) for part in value):
            yield path, _cut(", ".join(map(_plain, value)))
        else:
            for place, part in enumerate(value, start=1):
                yield from _flat(part, f"{path}[{place}]")
    elif value is not None:
        yield path, _cut(_plain(value))


def _plain(value: object) -> str:
    """Write a value as a planner would type it."""
    if isinstance(value, bool):
        return "oui" if value else "non"
    return (
        f"{value:g}" if isinstance(value, float) and value.is_integer() and abs(value) < 1e6 else str(value)
    )


def _cut(text: str) -> str:
    """Shorten a text that would fill a page."""
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


def manifest_tables(reading: Reading) -> list[doc.Block]:
    """Return the files that were read, with their digests, and the versions of the libraries."""
    manifest = reading.release.manifest
    files = dict(manifest.get("inputs_sha256", {}))
    versions = dict(manifest.get("versions", {}))
    if not files and not versions:
        return []
    told = ", ".join(f"{name} {version}" for name, version in versions.items())
    # a digest has no place where a line may break
    rows = [
        [name, digest if digest == UNPUBLISHED else f"{digest[:32]} {digest[32:]}"]
        for name, digest in files.items()
    ]
    blocks: list[doc.Block] = [doc.Heading("Manifeste")]
    if told:
        blocks.append(doc.Paragraph(f"Versions : {told}. Graine du hasard : {manifest.get('seed', 0)}."))
    if rows:
        blocks.append(
            doc.table(
                "Fichier lu <1.4 | Empreinte SHA-256 <2",
                rows,
                f"{count(len(rows), 'fichier lu', 'fichiers lus')}, et leur empreinte ; celle d'un fichier qui peut "
                "contenir des effectifs ou des budgets n'est pas publiée, car elle permettrait de les retrouver.",
            )
        )
    return blocks
