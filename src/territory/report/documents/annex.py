"""The technical annex: every table, the parameters, the doubt on times, what was withheld and the manifest."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from territory.french.numbers import decimal, integer, signed
from territory.french.words import alphabetical, capital, count, join, persons
from territory.release.disclosure import SUPPRESSED, THRESHOLD
from territory.release.gate import TODAY
from territory.release.observed_children import of_service
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
from territory.report.layout import document as doc
from territory.report.reading import Move, Readable, Reading, read
from territory.scenario.zones import ALL_TERRITORY
from territory.study.state import UNPUBLISHED, public_parameters
from territory.tables.catalogue import code_label
from territory.tables.declare import CODES


def technical_annex(result: Readable) -> doc.Document:
    """Return the technical annex as data."""
    reading = read(result)
    parts = [*questions.groups(reading), *needs.flows(reading)]
    blocks: list[doc.Block] = [
        doc.Heading("Ce que contient cette annexe"),
        doc.Paragraph(doc.wording("annex.content")),
        *doubt(reading),
        *moves.all_moves(reading, level=1),
        *by_zone(reading),
        *by_commune(reading),
        # what a council report sends here when it has no room for it is here in every case
        *questions.siting_tables(reading),
        *(block for part in parts for block in part.blocks),
        *travel_accounts.common_care(reading, by_epci=True),
        *journeys.time_on_board(reading, whole=True),
        *travel_accounts.travel_accounts(reading),
        *deserts.deserts(reading),
        *maps.next_map(reading),
        *times_of_today(reading),
        *needs_by_commune(reading),
        *child_offer(reading),
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
        box = doc.Callout("Édition interne", [method.NOTHING_WITHHELD], "warning")
        return [doc.Heading("Secret statistique"), box]
    rules: list[doc.Text] = [
        doc.wording("annex.observed", most=THRESHOLD - 1),
        "Une moyenne pondérée par des effectifs observés n'est publiée que si chacun d'eux pourrait l'être.",
        doc.wording("annex.estimates", threshold=THRESHOLD),
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
        text = doc.wording("annex.given", names=join(known))
    return [*blocks, doc.Callout("Effectifs observés", [text], "warning" if known else "note")]


def parameters(reading: Reading) -> list[doc.Block]:
    """Return every parameter of the study, one by line."""
    parameters = reading.release.manifest.get("parameters") or public_parameters(reading.study)
    kept = {key: value for key, value in parameters.items() if key not in _NOT_PARAMETERS}
    rows = [[path, value] for path, value in _flat(kept) if value]
    caption = "Tels que le fichier d'étude les donne ; les valeurs par défaut y sont aussi."
    said = doc.table("Paramètre <1.3 | Valeur <2", rows, caption)
    return [doc.Heading("Paramètres de l'étude"), said] if rows else []


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
    is_whole = isinstance(value, float) and value.is_integer() and abs(value) < 1e6
    return f"{value:g}" if is_whole else str(value)


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
    cells = {name: one if one == UNPUBLISHED else f"{one[:32]} {one[32:]}" for name, one in files.items()}
    blocks: list[doc.Block] = [doc.Heading("Manifeste")]
    if told:
        blocks.append(doc.Paragraph(f"Versions : {told}. Graine du hasard : {manifest.get('seed', 0)}."))
    if files:
        rows = [[*one] for one in cells.items()]
        caption = doc.wording("annex.files", count=count(len(files), "fichier lu", "fichiers lus"))
        blocks.append(doc.table("Fichier lu <1.4 | Empreinte SHA-256 <2", rows, caption))
    return blocks


# a table of thousands of lines is read in the workbook
_MOST_ROWS = 400
_DOUBT_COLUMNS = doc.wording("annex.columns_doubt")
_MOVE_COLUMNS = doc.wording("annex.columns_move")
_COMMUNE_COLUMNS = doc.wording("annex.columns_commune")
_SHORT_EFFECTS = {key: said.removeprefix("trajet ") for key, said in CODES["effects"].items()}
_SHORT_EFFECTS["entering"] = "entre dans le périmètre"


def distinct_moves(reading: Reading) -> Iterator[tuple[Move, list[str]]]:
    """Yield each different move with the scenarios that make it."""
    found: dict[tuple[Any, ...], tuple[Move, list[str]]] = {}
    for move in reading.every_move:
        key = (move.services, move.from_site, move.to_site, reading.counts_of(move).zones.to_csv())
        found.setdefault(key, (move, []))[1].append(move.scenario_id)
    yield from found.values()


def title_of(reading: Reading, move: Move, scenarios: Sequence[str]) -> str:
    """Name a move and its scenarios."""
    road = reading.road(move.from_site, move.to_site)
    word = "scénario" if len(scenarios) == 1 else "scénarios"
    return f"{reading.labels(move.services)}, {road} ({word} {join(scenarios)})"


def doubt(reading: Reading) -> list[doc.Block]:
    """Return the doubt on times, service by service, and on differences, move by move."""
    rows = []
    for service in reading.services:
        found = reading.times(TODAY, service)
        known = found.dropna(subset=["travel_time_min"])
        doubts, reached = known["uncertainty_min"], found["is_reachable"]
        times = map(_number, (known["travel_time_min"].median(), doubts.median(), doubts.max()))
        sizes = (len(known), reached.eq(False).fillna(False).sum(), reached.isna().sum())
        rows.append([capital(reading.short(service)), *times, *(integer(int(size)) for size in sizes)])
    blocks: list[doc.Block] = [doc.Heading("Le doute sur les temps")]
    if rows:
        caption = "Temps d'aujourd'hui et leur doute, communes du territoire et des alentours."
        blocks.append(doc.table(_DOUBT_COLUMNS, rows, caption))
    return [*blocks, *_differences(reading), *method.method(reading)]


def _differences(reading: Reading) -> list[doc.Block]:
    """Return the smallest difference that can be told, move by move."""
    seen = []
    for move, scenarios in distinct_moves(reading):
        found = reading.differences_of(move)
        inside = found[found["effect"].isin(["gain", "loss", "indistinct"])]
        told, least = inside["effect"].ne("indistinct"), inside["detectable_min"]
        sizes = [_number(value) for value in (least.min(), least.median(), least.max())]
        count = f"{integer(int(told.sum()))} sur {integer(len(inside))}"
        seen.append([title_of(reading, move, scenarios), *sizes, count])
    caption = "Plus petit écart que le doute sur les temps laisse voir, communes du périmètre d'aujourd'hui."
    return [doc.table(_MOVE_COLUMNS, seen, caption)] if seen else []


def _by_name(names: pd.Series) -> list[str]:
    """Return the codes of communes in the order of their names."""
    keys = names.fillna("").astype(str).map(alphabetical)
    return [str(code) for code in keys.sort_values(kind="stable").index]


def _number(value: float) -> str:
    """Write minutes to a tenth, a dash when nothing is known."""
    return "–" if math.isnan(float(value)) else decimal(float(value), 1)


def by_zone(reading: Reading) -> list[doc.Block]:
    """Return gainers and losers of every move by zone."""
    blocks: list[doc.Block] = []
    for move, scenarios in distinct_moves(reading):
        codes = [str(zone) for zone in reading.counts_of(move).zones.index if zone != ALL_TERRITORY]
        codes.sort(key=lambda code: (alphabetical(reading.zone(code)), code))
        is_unseen = reading.is_on_one_point(move)
        if not is_unseen and not reading.release.service_reason(move.scenario_id, move.services[0]):
            blocks.append(moves.effects_table(reading, move, codes, name=title_of(reading, move, scenarios)))
    return [doc.Heading("Gagnants et perdants par EPCI"), *blocks] if blocks else []


def by_commune(reading: Reading) -> list[doc.Block]:
    """Return the difference of every move, commune by commune, for those that it touches."""
    blocks: list[doc.Block] = []
    for move, scenarios in distinct_moves(reading):
        touched = of_service(reading.release.communes_table(move.scenario_id), move.services[0])
        is_observed = reading.release.is_observed(move.services[0])
        touched = touched[touched["effect"].isin(["gain", "loss", "indistinct", "entering"])]
        if touched.empty or touched["delta_travel_time_min"].eq(0).all():
            # a change of address inside a commune changes no time
            continue
        total, touched = len(touched), touched.head(_MOST_ROWS)
        order = _by_name(reading.communes["name"].reindex(touched.index))
        rows = [_commune_row(reading, code, touched.loc[code], is_observed=is_observed) for code in order]
        note = "" if total <= _MOST_ROWS else f"Les {_MOST_ROWS} premières communes sur {total}."
        caption = f"{title_of(reading, move, scenarios)} : communes touchées."
        blocks.append(doc.table(_COMMUNE_COLUMNS, rows, caption, note=note))
    return [doc.Heading("Écarts commune par commune"), *blocks] if blocks else []


def _commune_row(reading: Reading, code: str, row: Any, *, is_observed: bool) -> list[str]:
    """Return the line of one commune under one move."""
    epci = reading.communes["epci_code"].get(code)
    times, people = (
        [float(row[f"{side}_travel_time_min"]) for side in ("baseline", "scenario")],
        str(row["persons"]),
    )
    # as a reader subtracts what is printed
    gap = round(times[1], 1) - round(times[0], 1)
    if people.isdecimal() and not is_observed:
        people = persons(float(people))
    else:
        people = code_label("persons", people) if people or is_observed else "inconnu"
    return [
        reading.commune(code),
        reading.zone("" if pd.isna(epci) else str(epci)),
        " → ".join(map(_number, times)),
        "–" if math.isnan(gap) else signed(gap, 1),
        _number(row["detectable_min"]),
        _SHORT_EFFECTS[str(row["effect"])],
        people,
    ]


def times_of_today(reading: Reading) -> list[doc.Block]:
    """Return today's times of every commune of the territory to every service."""
    if not reading.services:
        return []
    columns = {}
    for service in reading.services:
        found = reading.times(TODAY, service).reindex(reading.territory.index)
        texts = found["travel_time_min"].map(lambda v: "?" if math.isnan(v) else decimal(float(v), 0))
        columns[service] = texts.mask(found["is_reachable"].eq(False).fillna(False).astype(bool), "hors")
    rows = [
        [reading.commune(code), code, *(texts[code] for texts in columns.values())]
        for code in _by_name(reading.territory["name"])
    ]
    keys: list[doc.Text] = [[doc.strong(f"{i} : "), reading.label(s)] for i, s in enumerate(columns, start=1)]
    heads = ["Commune <2", "Code <0.8", *(f"{i} >0.6" for i in range(1, len(columns) + 1))]
    caption = "Temps de route vers chaque service, numéroté ci-dessus (minutes, aller simple)."
    title = doc.Heading("Temps d'aujourd'hui, commune par commune")
    return [title, doc.Bullets(keys, "small"), doc.table(heads, rows, caption)]


def needs_by_commune(reading: Reading) -> list[doc.Block]:
    """Return the needs of every commune with their range."""
    publics = list(dict.fromkeys(need.public for need in reading.study.need))
    if not publics or reading.release.demand.empty:
        return []
    demand, inside = reading.release.demand, reading.territory.index
    tables = {public: demand.xs(public, level="public").reindex(inside) for public in publics}
    rows = []
    for code in _by_name(reading.territory["name"]):
        cells: list[str] = []
        for need in tables.values():
            low, central, high = (float(need[c][code]) for c in ("demand_low", "demand", "demand_high"))
            cells += [persons(central), needs.range_text(low, high)]
        people = integer(float(reading.territory["population"][code]))
        rows.append([reading.commune(code), people, *cells])
    heads = ["Commune <2", "Habitants >0.9", *needs.need_heads(publics, wide=1.1)]
    caption = "Estimations arrondies ; « < 11 » : moins de onze personnes."
    return [doc.Heading("Besoins, commune par commune"), doc.table(heads, rows, caption)]


def child_offer(reading: Reading) -> list[doc.Block]:
    """Return the rate of equipment by EPCI, and how complete the list of sites is."""
    tables, accounts = reading.release.child_offer, travel_accounts
    makers = {"taux_equipement": accounts.rates_table, "offre_recensee": accounts.listed_table}
    made = [make(reading, tables[name]) for name, make in makers.items() if len(tables.get(name, ()))]
    return [doc.Heading("Places et établissements pour enfants"), *made] if made else []
