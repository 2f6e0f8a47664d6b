"""Needs of each public by EPCI, with their range and what they cannot be compared with; what is known of places."""

from __future__ import annotations

import math
from collections.abc import Iterable

import pandas as pd

from territory.french.numbers import decimal, integer
from territory.french.words import between, capital, count, join, persons
from territory.report.chapters import pictures
from territory.report.chapters.moves import zone_name
from territory.report.layout.document import Block, Callout, DataTable, Heading, Paragraph
from territory.report.layout.pdf import Part
from territory.report.reading.run_reading import Reading
from territory.scenario.zones import ALL_TERRITORY

_THRESHOLD = 11
_KINDS = {
    "prevalence": "prévalence : personnes concernées",
    "rights": "droits ouverts",
    "orientation": "orientations en cours",
    "waiting": "personnes en attente",
    "population": "population",
}
_COMPARABLE = ("orientation", "waiting")


def needs(reading: Reading) -> list[Block]:
    """Return the needs of each public by EPCI with their range and their cautions."""
    stated = reading.study.need
    if not stated or reading.release.demand.empty:
        return []
    blocks: list[Block] = [Heading("Combien de personnes sont concernées ?")]
    if not any(need.kind in _COMPARABLE for need in stated):
        blocks.append(
            Callout(
                "Ces nombres ne se comparent pas à des places",
                [
                    "Une prévalence ou un droit ouvert compte des personnes concernées, non des demandes "
                    "de place. Seules les orientations en cours et les listes d'attente peuvent être "
                    "rapprochées de places ; elles ne sont pas connues ici."
                ],
                "warning",
            )
        )
    tables = {need.public: _by_zone(reading, need.public) for need in stated}
    for need in stated:
        low, central, high = (
            float(tables[need.public][column][ALL_TERRITORY]) for column in ("low", "central", "high")
        )
        total = (
            f"{between(low, high)}, estimation centrale {persons(central)}"
            if need.known_total is None
            else f"{integer(need.known_total)}, total observé"
        )
        text = f"{reading.study.territory.name} : {total} ({_KINDS[need.kind]}). {need.caution} Source : {need.source}."
        blocks += [Heading(need.label, 2), Paragraph(text)]
    first = stated[0]
    zones = tables[first.public].drop(ALL_TERRITORY)
    if len(zones):
        blocks.append(pictures.needs_chart(reading, first.label, zones))
    blocks.append(_table(reading, tables))
    return blocks


def offer(reading: Reading) -> list[Part]:
    """Return what is known of the places of children's services, and how complete their list is."""
    rates, lists = (reading.release.child_offer.get(name) for name in ("taux_equipement", "offre_recensee"))
    if rates is None or rates.empty:
        return []
    parts = [Part([Heading("Combien de places pour ces enfants ?"), *_said_of_places(reading, rates, lists)])]
    if lists is not None:
        parts.append(
            Part([listed_table(reading, lists)], "la liste des services pour enfants, EPCI par EPCI", 22)
        )
    return parts


def _said_of_places(reading: Reading, rates: pd.DataFrame, lists: pd.DataFrame | None) -> list[Block]:
    """Say which rates of equipment are known, which are not and why."""
    whole = rates[rates["zone"] == ALL_TERRITORY]
    under_20 = integer(float(whole["under_20_hab"].iloc[0]))
    known, unknown = whole[whole["places_per_1000"].notna()], whole[whole["places_per_1000"].isna()]
    texts = [
        f"Le taux d'équipement est le nombre de places pour 1 000 jeunes de moins de 20 ans ({under_20} ici)."
    ]
    if len(known):
        said = [
            f"{decimal(row['places_per_1000'])} en {reading.label(row['service'])} "
            f"({count(row['places'], 'place')})"
            for row in known.to_dict("records")
        ]
        texts.append(f"Il est de {join(said)}.")
    if len(unknown):
        names = join(reading.label(name) for name in unknown["service"])
        texts.append(
            f"Il n'est pas calculé pour {names} : la liste des sites n'est pas complète, ou leurs places ne sont pas "
            "connues."
        )
        least = [
            f"au moins {count(row['known_places'], 'place')} en {reading.label(row['service'])}"
            for row in unknown.to_dict("records")
            if row["known_places"] > 0
        ]
        texts += [f"On en connaît {join(least)}."] if least else []
    blocks: list[Block] = [Paragraph(" ".join(texts))]
    if lists is not None:
        pairs = lists[lists["zone"] == ALL_TERRITORY].set_index("kind")[["site_count", "bpe2013_count"]]
        (places, of_places), (homes, of_homes) = (pairs.loc[kind] for kind in ("establishments", "services"))
        blocks.append(
            Paragraph(
                f"La liste compte {places} établissements pour enfants handicapés sur les {of_places} que la BPE "
                f"(INSEE) recensait en 2013, et {homes} services à domicile ou ambulatoires sur {of_homes}. Depuis, "
                "des sites ont ouvert, fermé ou déménagé : c'est un ordre de grandeur de ce qui manque ici. Les "
                "places de chaque établissement sont publiques dans FINESS, qui fait foi."
            )
        )
    return blocks


def listed_table(reading: Reading, lists: pd.DataFrame) -> DataTable:
    """Return the sites of the list beside those that BPE 2013 counted, by EPCI."""
    wide = lists.set_index(["zone", "kind"])[["site_count", "bpe2013_count"]].unstack("kind")
    people = reading.territory.groupby(reading.territory["epci_code"].fillna(""))["population"].sum()
    zones = sorted(wide.index.drop(ALL_TERRITORY), key=lambda zone: (-people.get(zone, 0.0), zone))
    rows = [
        [
            zone_name(reading, zone),
            *(
                str(int(wide.loc[zone, (column, kind)]))
                for kind in ("establishments", "services")
                for column in ("site_count", "bpe2013_count")
            ),
        ]
        for zone in (*zones, ALL_TERRITORY)
    ]
    return DataTable(
        ["EPCI", "Établissements : liste", "BPE 2013", "Services : liste", "BPE 2013"],
        rows,
        "Établissements et services pour enfants handicapés : la liste de ce rapport et celle de 2013.",
        widths=[2.0, 1.1, 0.8, 1.0, 0.8],
        strong_rows=[len(rows) - 1],
        note="Établissements : hébergement ou accueil de jour (ici des IME). Services : à domicile ou ambulatoires "
        "(ici SESSAD, CMPP). Communes du territoire seulement ; 0 dans la liste ne veut pas dire aucun.",
    )


def rates_table(reading: Reading, rates: pd.DataFrame) -> DataTable:
    """Return the rate of equipment of each service, by EPCI."""
    rows = [
        [
            zone_name(reading, str(row["zone"])),
            capital(reading.label(str(row["service"]))),
            persons(float(row["under_20_hab"])),
            str(int(row["site_count"])),
            integer(row["known_places"]) if row["known_places"] > 0 else "–",
            "inconnu" if math.isnan(row["places_per_1000"]) else decimal(row["places_per_1000"], 2),
        ]
        for row in rates.to_dict("records")
    ]
    return DataTable(
        ["EPCI", "Service", "Moins de 20 ans", "Sites connus", "Places connues", "Places pour 1 000"],
        rows,
        "Taux d'équipement : places pour 1 000 jeunes de moins de 20 ans.",
        align=["left", "left", *["right"] * 4],
        widths=[2.0, 1.2, 1.0, 0.8, 0.9, 1.0],
        strong_rows=[place for place, zone in enumerate(rates["zone"]) if zone == ALL_TERRITORY],
        note="Inconnu là où la liste des sites n'est pas complète, ou les places d'un site ne sont pas connues : les "
        "places connues sont alors un minimum, dont aucun taux ne se déduit.",
    )


def _by_zone(reading: Reading, public: str) -> pd.DataFrame:
    """Return low, central and high by zone of the territory, the largest first, and the whole."""
    rows = reading.release.demand
    rows = rows[rows.index.get_level_values("public") == public].droplevel("public")
    rows = rows[["demand_low", "demand", "demand_high"]].set_axis(["low", "central", "high"], axis=1)
    rows = rows.reindex(reading.territory.index)
    grouped: pd.DataFrame = rows.groupby(reading.territory["epci_code"].fillna("")).sum(min_count=1)
    grouped = grouped.sort_values("central", ascending=False, kind="stable")
    grouped.loc[ALL_TERRITORY] = rows.sum(min_count=1)
    return grouped


def _table(reading: Reading, tables: dict[str, pd.DataFrame]) -> DataTable:
    """Return every public by EPCI; an observed total replaces the sum of its estimates."""
    known = {need.public: need.known_total for need in reading.study.need}
    rows = []
    for zone in next(iter(tables.values())).index:
        cells = []
        for public, table in tables.items():
            low, central, high = (float(table[column][zone]) for column in ("low", "central", "high"))
            total = known[public]
            if zone == ALL_TERRITORY and total is not None:
                cells += [integer(total), "observé"]
            else:
                cells += [persons(central), range_text(low, high)]
        rows.append([zone_name(reading, str(zone)), *cells])
    return DataTable(
        ["EPCI", *need_heads(tables)],
        rows,
        "Personnes concernées par EPCI : estimation centrale et fourchette.",
        widths=[2.0, *([0.8, 1.2] * len(tables))],
        strong_rows=[len(rows) - 1],
        note="Estimations arrondies ; « < 11 » : moins de onze personnes. Communes du territoire seulement.",
    )


def need_heads(publics: Iterable[str]) -> list[str]:
    """Return the heads of the two columns of each public: its central estimate and its range.

    Examples
    --------
    >>> need_heads(["aeeh", "autisme"])
    ['AEEH', 'de … à …', 'Autisme', 'de … à …']
    """
    names = [public.upper() if len(public) < 5 else public.capitalize() for public in publics]
    return [head for name in names for head in (name, "de … à …")]


def range_text(low: float, high: float) -> str:
    """Write a range in a cell, "< 11" when nothing more can be printed.

    Examples
    --------
    >>> range_text(20.0, 45.0), range_text(3.0, 8.0), range_text(3.0, 40.0)
    ('20 à 45', '< 11', 'au plus 40')
    """
    if math.isnan(low) or math.isnan(high):
        return "inconnu"
    if high < _THRESHOLD:
        return persons(high)
    return f"au plus {persons(high)}" if low < _THRESHOLD else f"{persons(low)} à {persons(high)}"
