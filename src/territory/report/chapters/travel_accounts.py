"""Three accounts of travel that are never added up, places of children's services, and how near common care is."""

import math
import re
from collections.abc import Iterable

import pandas as pd

from territory.french.numbers import NBSP, decimal, integer, minutes, share
from territory.french.words import capital, count, join, persons
from territory.release.gate import TODAY
from territory.report.chapters.moves import in_one_column, is_wide, zone_name
from territory.report.layout import document as doc
from territory.report.reading import Reading
from territory.scenario.zones import ALL_TERRITORY
from territory.sources.producers.finess.extracts import CHILD_SERVICES
from territory.study.own_tables import kinds_of
from territory.supply.places import ALL_MODES
from territory.tables.catalogue import WITHIN_SHARES
from territory.tables.declare import CODES

_ROADS = CODES["accounts_of_travel"]
_MODES = CODES["equipment_modes"]
_SHORT = CODES["short_services"]


def travel_accounts(reading: Reading) -> list[doc.Block]:
    """Return the year's road of one child, of one parent and of the staff, in tables that are never added up."""
    every = list(reading.release.scenarios)
    accounts = {who: _account(reading, who, every) for who in _ROADS}
    if not any(accounts.values()):
        return []
    title = doc.Heading("Trois comptes de trajets, jamais additionnés")
    intro = doc.wording("travel_accounts.intro")
    rounds = reading.release.rounds[0]
    if len(rounds):
        named = reading.the(list(rounds["service"].unique()))
        intro += doc.wording("travel_accounts.rounds", named=named)
    if any("≈" in cell for rows in accounts.values() for row in rows for cell in row):
        intro += " « ≈ » : sans différence visible avec aujourd'hui."
    tables = [_account_table(who, rows, every) for who, rows in accounts.items() if rows]
    return [title, doc.Paragraph(intro, is_kept=True), *tables, doc.Bullets(_assumptions(reading), "small")]


def _account_table(who: str, rows: list[list[str]], every: list[str]) -> doc.DataTable:
    """Return the table of one account."""
    caption = f"{_ROADS[who]} : heures par an."
    if is_wide(every):
        return doc.table(
            "Service <1.2 | Allers-retours par an >0.9 | Aujourd'hui >0.9 | Dans les scénarios <2.4 | Qui paie <1.8",
            in_one_column(rows, every, first=3),
            caption,
            note="« – » : comme aujourd'hui dans tous les scénarios.",
        )
    hours = ("Aujourd'hui >1", *(f"Scénario {n} >1" for n in every))
    return doc.table(["Service <1.2", "Allers-retours par an >1.15", *hours, "Qui paie <1.9"], rows, caption)


def _account(reading: Reading, who: str, every: list[str]) -> list[list[str]]:
    """Return the rows of one account, one by service that some scenario moves."""
    rows = []
    for service, named in reading.named.items():
        trips = [trip for trip in named.trip if trip.who == who]
        sides = [year_hours(reading, name, service, who) for name in every]
        known = [side for side in sides if side is not None]
        # a service of which nothing is known has no line
        if not trips or all(side[0] == side[1] == "inconnu" for side in known):
            continue
        before = known[0][0]
        after = [side[1] if side is not None else before for side in sides]
        head = [reading.short(service), integer(trips[0].return_trips_per_year)]
        rows.append([*head, before, *after, trips[0].paid_by or "–"])
    return rows


def year_hours(reading: Reading, scenario_id: str, service: str, who: str) -> tuple[str, str] | None:
    """Return the hours on the road in a year, today and in a scenario: « ≈ » when the mean trip is not told apart."""
    trips = reading.release.trips_table(scenario_id)
    if trips.empty or (ALL_TERRITORY, service, who) not in trips.index:
        return None
    row = trips[trips.index == (ALL_TERRITORY, service, who)].iloc[0]
    written = []
    for side in ("baseline", "scenario"):
        hours = [float(row[f"{side}_year_{bound}_min"]) / 60 for bound in ("low", "high")]
        ends = dict.fromkeys(integer(value) for value in hours if not math.isnan(value))
        written.append("inconnu" if any(map(math.isnan, hours)) else f"{f'{NBSP}à{NBSP}'.join(ends)}{NBSP}h")
    zones = reading.release.zones_table(scenario_id)
    told = zones["is_mean_distinguishable"].get((ALL_TERRITORY, service), True)
    is_doubtful = written[0] != written[1] and (told is pd.NA or not bool(told))
    return written[0], written[1] + (f"{NBSP}≈" if is_doubtful else "")


def _assumptions(reading: Reading) -> list[doc.Text]:
    """Return the assumptions behind the accounts, services that share them on one line."""
    shared: dict[str, dict[str, None]] = {}
    for service, named in reading.named.items():
        said = [trip.source.removeprefix("hypothèse : ") for trip in named.trip if trip.source]
        texts = list(dict.fromkeys(said))
        # a mark between brackets that ends every one of them is written once, at the end
        ends = [re.search(r" \[[^\]]*\]$", text) for text in texts]
        marks = {end.group() if end else "" for end in ends}
        mark = marks.pop() if len(marks) == 1 else ""
        text = " ; ".join(text.removesuffix(mark) for text in texts) + mark
        shared.setdefault(text, {})[reading.short(service)] = None
    return [[doc.strong(f"{', '.join(names)} : "), text + "."] for text, names in shared.items() if text]


def child_offer(reading: Reading) -> list[doc.Block]:
    """Return what is known of the places of children's services, and how complete their list is."""
    rates, lists = (reading.release.child_offer.get(name) for name in ("taux_equipement", "offre_recensee"))
    if rates is None or rates.empty:
        return []
    beside = rates[~rates["zone"].isin(reading.zone_names.keys() - {ALL_TERRITORY})]
    rates = rates[rates["reception_mode"] == ALL_MODES]
    whole = rates[rates["zone"] == ALL_TERRITORY]
    under_20 = integer(float(whole["young_hab"].iloc[0]))
    known, unknown = whole[whole["places_per_1000"].notna()], whole[whole["places_per_1000"].isna()]
    texts = [
        f"Le taux d'équipement est le nombre de places pour 1 000 jeunes de moins de 20 ans ({under_20} ici)."
    ]
    if len(unknown):
        names = ", ".join(reading.label(name) for name in unknown["service"])
        texts.append(doc.wording("travel_accounts.not_counted", names=names))
        least = [
            f"au moins {count(row['known_places'], 'place')} en {reading.label(row['service'])}"
            for row in unknown.to_dict("records")
            if row["known_places"] > 0
        ]
        texts += [f"On connaît {join(least)}."] if least else []
    texts += _unsaid_of_places(reading)
    if lists is not None:
        pairs = lists[lists["zone"] == ALL_TERRITORY].set_index("kind").loc[["establishments", "services"]]
        found = pairs[["site_count", "bpe2013_count"]].to_numpy().ravel()
        listed = doc.wording("travel_accounts.listed", found=found)
    heading = doc.Heading("Combien de places pour ces enfants ?")
    blocks: list[doc.Block] = [heading, doc.Paragraph(" ".join(texts))]
    blocks += [_modes_table(reading, beside[beside["known_places"] > 0])] if len(known) else []
    return [*blocks, *_within(reading), *([doc.Paragraph(listed)] if lists is not None else [])]


def _modes_table(reading: Reading, rates: pd.DataFrame) -> doc.DataTable:
    """Return the rate of each service and mode in the territory, its départements and région, and those published."""
    heads = dict(zip(rates["zone"], rates["zone_name"], strict=True))
    heads |= {ALL_TERRITORY: reading.study.territory.name}
    rows: list[list[str]] = []
    strong: list[int] = []
    for (service, mode), part in rates.groupby(["service", "reception_mode"], sort=False):
        rate, is_whole = part.set_index("zone")["places_per_1000"].reindex(list(heads)), mode == ALL_MODES
        strong += [len(rows)] if is_whole else []
        published = float(part["reference_per_1000"].iloc[0])
        name = capital(reading.label(str(service))) if is_whole else f"  dont {_MODES[str(mode)]}"
        places = float(part.loc[part["zone"] == ALL_TERRITORY, "known_places"].sum())
        cells = [name, integer(places), *map(decimal, rate)]
        rows.append([*cells, "–" if math.isnan(published) else decimal(published)])
    told, year = next(filter(None, rates["reference"]), ""), reading.release.places_year
    note = doc.wording("travel_accounts.unknown_year")
    if told:
        note = doc.wording("travel_accounts.told", told=told)
    elif year is not None:
        note = doc.wording("travel_accounts.other_year", year=year)
    names = [f"Pour 1 000, {name} >1" for name in heads.values()]
    return doc.table(
        ["Service et mode d'accueil <2", "Places connues >0.8", *names, "Taux publié >0.7"],
        rows,
        "Places pour 1 000 jeunes de moins de 20 ans, par service et mode d'accueil.",
        strong_rows=strong,
        note=note,
    )


def _within(reading: Reading) -> list[doc.Block]:
    """Say how many places inhabitants have within each time of their commune."""
    rows = reading.release.child_offer.get("places_a_portee", pd.DataFrame())
    people, items = reading.territory["population"].fillna(0.0), list[doc.Text]()
    for service, part in rows.groupby("service", sort=False) if len(rows) else ():
        least, said = part["is_at_least"].any(), []
        for bound, here in part.groupby("threshold_min"):
            places = here.set_index("commune_code")["places"].reindex(people.index)
            mean, none = (float((one * people).sum() / people.sum()) for one in (places, places.eq(0)))
            found = f"{'au moins ' if least else ''}{count(round(mean), 'place')}"
            near = f"à {minutes(float(str(bound)))} ou moins"
            said.append(f"{near}, {found}, et aucune pour {share(none)} d'entre eux")
        items.append([doc.strong(f"{capital(reading.label(str(service)))} : "), " ; ".join(said) + "."])
    lead = "En moyenne des habitants, par la route, autour de leur commune :"
    return [doc.Paragraph(lead, is_kept=True), doc.Bullets(items)] if items else []


def _unsaid_of_places(reading: Reading) -> list[str]:
    """Say which share of the places known has no age, or no public."""
    services, codes = reading.release.services, reading.release.sites["commune_code"]
    home = codes.reindex(services.index.get_level_values("site_id")).to_numpy()
    is_here = pd.Index(home).isin(reading.territory.index)
    rows = services[kinds_of(services).isin(CHILD_SERVICES) & is_here]
    places = rows["capacity"].where(rows["capacity_unit"].eq("places"), 0.0)
    is_usual = rows.get("ages_origin", rows["public"]).eq("default")
    no_age = is_usual | rows[["age_min", "age_max"]].isna().all(axis=1)
    unsaid = {"l'âge accueilli": no_age, "le public accueilli": rows["public"].isna()}
    lost = {what: float(places[none].sum()) for what, none in unsaid.items()}
    if not any(lost.values()):
        return []
    said = [f"{what} pour {share(one / float(places.sum()))}" for what, one in lost.items() if one]
    return [f"De ces places connues, la source ne dit pas {join(said)}."]


def listed_table(reading: Reading, lists: pd.DataFrame) -> doc.DataTable:
    """Return the sites of the list beside those that BPE 2013 counted, by EPCI."""
    wide = lists.set_index(["zone", "kind"])[["site_count", "bpe2013_count"]].astype(str).unstack("kind")
    people = reading.territory.groupby(reading.territory["epci_code"].fillna(""))["population"].sum()
    zones = sorted(wide.index.drop(ALL_TERRITORY), key=lambda zone: (-people.get(zone, 0.0), zone))
    kinds = ("establishments", "services")
    cells = wide[[(column, kind) for kind in kinds for column in ("site_count", "bpe2013_count")]].astype(str)
    rows = [[zone_name(reading, zone), *cells.loc[zone]] for zone in (*zones, ALL_TERRITORY)]
    return doc.table(
        "EPCI <2 | Établissements : liste >1.1 | BPE 2013 >0.8 | Services : liste >1 | BPE 2013 >0.8",
        rows,
        "Établissements et services pour enfants handicapés : la liste de ce rapport et celle de 2013.",
        strong_rows=[len(rows) - 1],
        note=doc.wording("travel_accounts.of_bpe"),
    )


def rates_table(reading: Reading, rates: pd.DataFrame) -> doc.DataTable:
    """Return the rate of equipment of each service, by EPCI; of a mode, in the whole alone."""
    rates = rates[rates["reception_mode"] == ALL_MODES]
    known = {zone: zone_name(reading, zone) for zone in reading.zone_names}
    rows = [
        [
            known.get(str(row["zone"]), str(row["zone_name"])),
            capital(reading.label(str(row["service"]))),
            (integer if row["zone"] == ALL_TERRITORY else persons)(float(row["young_hab"])),
            str(int(row["site_count"])),
            integer(row["known_places"]) if row["known_places"] > 0 else "–",
            decimal(row["places_per_1000"], 2),
        ]
        for row in rates.to_dict("records")
    ]
    return doc.table(
        "EPCI <2 | Service <1.2 | Moins de 20 ans >1 | Sites connus >0.8 | Places connues >0.9 | Places pour 1 000 >1",
        rows,
        "Taux d'équipement : places pour 1 000 jeunes de moins de 20 ans.",
        strong_rows=[place for place, zone in enumerate(rates["zone"]) if zone == ALL_TERRITORY],
        note=doc.wording("travel_accounts.least"),
    )


def common_care(reading: Reading, *, by_epci: bool = False) -> list[doc.Block]:
    """Return how near the closest hospital, emergency department and GP are, for services with a complete list."""
    if not reading.closest or reading.release.coverage.empty:
        return []
    bounds = sorted(reading.parameters.thresholds_min)[:3]
    rows = []
    for service in reading.closest:
        cells = [_share(reading, ALL_TERRITORY, service, bound) for bound in bounds]
        times = reading.times(TODAY, service).reindex(reading.territory.index)["travel_time_min"]
        rows.append([capital(reading.label(service)), *cells, farthest(reading, times)])
    within = (f"à {minutes(bound)} ou moins >0.8" for bound in bounds)
    caption = f"Territoire « {reading.study.territory.name} » : part des habitants selon le temps de route."
    note = reading.emergency_hours if "urgences" in reading.closest else ""
    heads = ["Site le plus proche <1.5", *within, "Commune la plus éloignée <1.4"]
    title = doc.Heading("Les soins courants : à quelle distance ?")
    whole = doc.table(heads, rows, caption, note=note)
    return [title, whole, *([_zones_table(reading, bounds[:2])] if by_epci else []), *_incomplete(reading)]


def _zones_table(reading: Reading, bounds: list[float]) -> doc.DataTable:
    """Return the share of inhabitants within two bounds, by EPCI and service, the largest EPCI first."""
    zones = set(reading.release.coverage.index.get_level_values("zone")) - {ALL_TERRITORY}
    population = reading.territory.groupby("epci_code")["population"].sum().to_dict()
    asked = [(service, bound) for service in reading.closest for bound in bounds]
    rows = [
        [reading.zone(str(zone)), *(_share(reading, zone, *one) for one in asked)]
        for zone in sorted(zones, key=lambda zone: (-float(population.get(zone, 0.0)), str(zone)))
    ]
    heads = (f"{_SHORT.get(service, capital(service))} {bound:g} min >0.8" for service, bound in asked)
    caption = (
        "Part des habitants de chaque EPCI (communes du territoire) selon la distance au site le plus proche."
    )
    said = "Urgences : sans leurs horaires, dits sous le tableau précédent."
    note = said if "urgences" in reading.closest else ""
    return doc.table(["EPCI <1.9", *heads], rows, caption, note=note)


def _share(reading: Reading, zone: str, service: str, bound: float) -> str:
    """Write the share of inhabitants of a zone within a bound."""
    coverage = reading.release.coverage
    if (zone, service) not in coverage.index:
        return "–"
    return share(float(coverage[WITHIN_SHARES.name(threshold_min=float(bound))].loc[(zone, service)]))


def farthest(reading: Reading, times: pd.Series) -> str:
    """Name the commune farthest from a service, and count those that no road or no known time joins to it."""
    known = times.dropna()
    if known.empty:
        return "–"
    left = len(times) - len(known)
    lost = f" ; {count(left, 'autre')} hors d'atteinte ou de temps inconnu" if left else ""
    return f"{reading.commune(str(known.idxmax()))} ({minutes(float(known.max()))}){lost}"


def _incomplete(reading: Reading) -> list[doc.Block]:
    """Say which closest sites are not measured, and why; and what is known of the lists that are."""
    reasons = reading.release.completeness
    known = {} if reasons is None else {str(key): str(text) for key, text in reasons["reason"].items()}
    asked = [service for service in reading.parameters.closest_services if service not in reading.closest]

    def told(services: Iterable[str]) -> list[doc.Text]:
        names = {s: doc.strong(f"{capital(reading.label(s))} : ") for s in services}
        return [[name, known.get(s, "aucune liste complète.")] for s, name in names.items()]

    lists, items = told(s for s in reading.closest if s in known), told(asked)
    complete = [doc.Bullets(lists, "small")] if lists else []
    title = "Non mesuré : la liste des sites n'est pas complète"
    return [*complete, *([doc.Callout(title, items, "warning")] if items else [])]
