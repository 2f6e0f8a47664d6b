"""What a move changes, in sentences: of ten children, who gains, who loses, how sure; the options side by side."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from territory.french.numbers import decimal, integer, minutes, share, signed
from territory.french.words import about, between, capital, elide, join, persons, with_article
from territory.release.comparison import best_in_all
from territory.release.gate import TODAY
from territory.report.chapters.moves import in_tables, scenarios_in_words
from territory.report.chapters.travel_accounts import year_hours
from territory.report.layout import document as doc
from territory.report.layout.document import Block, DataTable, Heading, Paragraph, Run, Text, strong, table
from territory.report.reading import SECRET, Counts, Move, Reading
from territory.scenario.zones import ALL_TERRITORY
from territory.tables.catalogue import read_measure
from territory.tables.declare import CODES

# fates of a child, in the order in which they are said
_FATES = CODES["fates"]
# classes that one sum may stand for, in words
CLASSES = {one: CODES["effects"][one] for one in ("gain", "loss", "indistinct")}
_FINDINGS = CODES["findings_in_words"]


def condition(reading: Reading, move: Move) -> str:
    """Say what would happen, as a sentence begins: « Si l'IME de Salernes s'installait à Draguignan »."""
    name, scenario = reading.the(move.services), f"scénario {move.scenario_id}"
    many = len(move.services) > 1
    if move.is_in_place:
        return f"Si les trajets vers {name} changeaient ({scenario})"
    if move.from_site is None:
        return f"Si {name} {'ouvraient' if many else 'ouvrait'} {reading.at_site(move.to_site)} ({scenario})"
    if move.to_site is None:
        return f"Si {name} {'fermaient' if many else 'fermait'} ({scenario})"
    new = tuple(site for site in move.to_site if site not in move.from_site)
    is_branch = set(move.from_site) < set(move.to_site)
    verb = "ouvrai" if is_branch else "s'installai"
    said = f"{verb}{'ent' if many else 't'}{' aussi un site' if is_branch else ''} {reading.at_site(new)}"
    return f"Si {name} {said}, {_between(reading, move)} ({scenario})"


def of_ten(reading: Reading, move: Move, *, served: str = "que ce site accompagnerait") -> str | None:
    """Say what ten children would see: « Sur 10 enfants…, 4 auraient un trajet plus court, 3 plus long, 3… »."""
    row = reading.children(move.scenario_id, move.services[0])
    if row is None:
        return None
    sizes = {fate: int(row[f"{fate}_of_10"]) for fate in [*_FATES, "without"]}
    parts: list[str] = []
    for fate, words in _FATES.items():
        # that nobody gains, or loses, is said; of children left without, nothing else is to be told
        if sizes[fate] or (fate in ("shorter", "longer") and not sizes["without"]):
            verb = "" if parts else " auraient un trajet" if sizes[fate] > 1 else " aurait un trajet"
            none = "aucun n'" if not parts else "aucun"
            parts.append(f"{sizes[fate]}{verb} {words}" if sizes[fate] else f"{none}{verb.strip()} {words}")
    if sizes["without"]:
        have = "n'aurait plus" if sizes["without"] == 1 else "n'auraient plus"
        parts.append(f"{sizes['without']} {have} ce service")
    who = "accompagnés" if row["variant"] == "observed" or sizes["without"] else served
    return f"Sur 10 enfants {who}, {', '.join(parts)}."


def of_places(reading: Reading, move: Move) -> str:
    """Say how many of the children of a site that would be, with its interval; nothing where it is unknown."""
    row = reading.children(move.scenario_id, move.services[0])
    if row is None or math.isnan(float(row["shorter_children_low"])):
        return ""
    whole = integer(float(row["children_count"]))
    taken = ", nombre pris à titre d'illustration" if row["is_illustrative"] else ""
    parts = []
    for fate in ("shorter", "longer"):
        low, high = (round(float(row[f"{fate}_children_{end}"])) for end in ("low", "high"))
        many = "aucun" if high == 0 else f"de {low} à {high}" if low < high else str(low)
        parts.append(f"{many} {_FATES[fate]}")
    return f"Pour {whole} enfants{taken} : {' et '.join(parts)}, dans 9 tirages sur 10."


def in_variants(reading: Reading, move: Move) -> Text | None:
    """Say what stays true under every variant of who the children are, and what does not."""
    rows = reading.findings(move.scenario_id, move.services[0])
    said: dict[str, list[str]] = {"always": [], "sometimes": []}
    for finding, words in _FINDINGS.items():
        if finding not in rows.index or rows["holds"][finding] not in said:
            continue
        low, high = (rows[f"{end}_of_10"][finding] for end in ("low", "high"))
        sizes = f"{int(low)} à {int(high)}" if low < high else f"{int(high)}"
        said[str(rows["holds"][finding])].append(
            f"{words} ({sizes} sur 10)" if finding.startswith("some_") else words
        )
    if not any(said.values()):
        return None
    sides = [_FINDINGS[f"more_{fate}"] for fate in ("shorter", "longer")]
    changes = set(sides) <= set(said["sometimes"])
    sometimes = [words for words in said["sometimes"] if not changes or words not in sides]
    number = int(rows["variant_count"].max())
    text: list[str | Run] = [strong(f"Dans les {number} variantes essayées")]
    text.append(f" : {join(said['always'])}." if said["always"] else ", rien n'est vrai partout.")
    if changes:
        text.append(
            " Le plus grand nombre est tantôt celui des trajets raccourcis, tantôt celui des allongés."
        )
    return [*text, f" Dans certaines seulement : {join(sometimes)}."] if sometimes else text


def sides(reading: Reading, move: Move) -> list[Text]:
    """Say where trips would get shorter and longer, by how much, and how sure that is."""
    found = reading.counts_of(move)
    items: list[Text] = []
    if not move.lasts:
        effect = "entering" if move.from_site is None else "without"
        whom = whom_in_words(found, effect, reading.noun_of(move))
        where = f"à {reading.limit} ou moins" if effect == "entering" else "sans ce service"
        said = f"{capital(whom)} {where} : {in_zones(reading, found, effect)}."
        return [] if is_nobody(found, effect) else [said]
    for effect, words in (("gain", "Y gagneraient"), ("loss", "Y perdraient")):
        zones = in_zones(reading, found, effect)
        worst = reading.worst(move.scenario_id, move.services[0]) if effect == "loss" else None
        most = f" ; jusqu'à {minutes(worst[1])} de plus pour {worst[0]}" if worst else ""
        if zones:
            items.append([strong(words), f" : {zones}{most}."])
        elif is_nobody(found, effect) and is_nobody(found, "unknown"):
            length = "plus court" if effect == "gain" else "plus long"
            items.append(f"Aucun trajet {length} que l'on puisse affirmer.")
    return items


def in_classes(found: Counts, noun: str) -> str:
    """Say who is in each class, in persons: « trajet plus court pour 21 enfants accompagnés »."""
    parts = [
        f"{words} pour {whom_in_words(found, effect, noun)}"
        for effect, words in CLASSES.items()
        if effect not in found.merged and not is_nobody(found, effect)
    ]
    if found.merged:
        others = "autres" if parts else noun
        classes = " ou ".join(CLASSES[effect] for effect in found.merged)
        parts.append(f"{classes} pour {found.merged_text} {others}, que l'on ne peut publier qu'ensemble")
    is_secret = all(found.text(ALL_TERRITORY, effect) == SECRET for effect in CLASSES)
    if found.is_observed and not found.merged and is_secret:
        return "les effectifs, trop petits, ne sont pas publiés : les cartes montrent où les trajets changeraient"
    unknown = "rien ne peut être dit : des temps de route sont inconnus"
    none = "aucun effet que l'on puisse affirmer" if is_nobody(found, "unknown") else unknown
    return ", ".join(parts) or none


def is_nobody(found: Counts, effect: str) -> bool:
    """Tell whether an effect touches nobody, which may be printed."""
    return bool(found.communes[effect][ALL_TERRITORY] == 0)


def whom_in_words(found: Counts, effect: str, noun: str) -> str:
    """Write the persons of an effect with what they are: « entre 5 000 et 9 000 jeunes de 3 à 20 ans »."""
    text, value = found.text(ALL_TERRITORY, effect), float(found.persons[effect][ALL_TERRITORY])
    if is_nobody(found, effect) or value == 0:
        return "personne"
    if text == SECRET or math.isnan(value):
        return f"un nombre {'non publié' if text == SECRET else 'inconnu'} {elide('de', noun)}"
    low, high = found.interval(ALL_TERRITORY, effect)
    said = text if found.is_observed else about(value) if math.isnan(low) else between(low, high)
    return f"{said} {noun}"


def in_zones(reading: Reading, found: Counts, effect: str, *, most: int = 3) -> str:
    """Name the zones that weigh most in an effect, with their mean time before and after."""
    column = found.persons[effect].drop(ALL_TERRITORY).fillna(0.0)
    weights = column if column.sum() > 0 else found.communes[effect].drop(ALL_TERRITORY).astype(float)
    named, zones = [], weights[weights > 0].sort_values(ascending=False, kind="stable").index
    # the last one is as short by its name as by its number
    for zone in map(str, zones[: most + (len(zones) == most + 1)]):
        row: Any = found.zones.loc[zone]
        before, after = (float(row[f"{side}_mean_min"]) for side in ("baseline", "scenario"))
        # a mean of the whole zone tells nothing of an effect that goes the other way there
        is_along = after < before if effect == "gain" else after > before
        means = f" ({reading.means(found, zone)} en moyenne)" if is_along else ""
        named.append(f"{reading.zone(zone)}{means}")
    rest = len(zones) - len(named)
    return join([*named, f"{rest} autres EPCI"] if rest else named)


def road_in_words(reading: Reading, move: Move) -> str:
    """Say from where to where a service moves, and how far that is."""
    road = reading.road(move.from_site, move.to_site)
    return road if move.is_in_place or not move.lasts else f"{road}, {_between(reading, move)}"


def _between(reading: Reading, move: Move) -> str:
    """Say how far apart the two sites are."""
    times = reading.release.site_times
    # a branch that stays where the service is today is no move
    ends = [site for site in move.to_site or () if site not in (move.from_site or ())]
    rows = times[times["from_id"].isin(move.from_site or ()) & times["to_id"].isin(ends)]
    value = float(rows["travel_time_min"].min()) if len(rows) else math.nan
    return "à une distance inconnue" if math.isnan(value) else f"à {minutes(value)} de route"


_SAME, _DOUBTFUL = "=", " ≈"
_EFFECTS = {one: capital(CODES["effects"][one]) for one in (*CLASSES, "without", "entering")}


def options(reading: Reading) -> list[Block]:
    """Return the scenarios side by side, for the service whose trips change most."""
    pivot = reading.pivot
    if pivot is None or len(reading.release.scenarios) < 2:
        return []
    service = pivot.services[0]
    every = list(reading.release.scenarios)
    found = {n: reading.counts(n, service) for n in every if service in reading.release.moved(n)}
    noun = reading.noun(service, is_observed=next(iter(found.values())).is_observed)
    places = [reading.place(reading.site(situation, service)) for situation in (TODAY, *every)]
    rows: list[list[str]] = [["Où il serait", *places]]
    for effect, label in _EFFECTS.items():
        if any(c.communes[effect][ALL_TERRITORY] for c in found.values()):
            cells = [found[n].cell(ALL_TERRITORY, effect) if n in found else _SAME for n in every]
            rows.append([f"{label} ({noun.split(' ')[0]})", "–", *cells])
    worst = {n: reading.worst(n, service) for n in found}
    losses = {n: f"{signed(one[1])} min ({one[0]})" if one else "aucune" for n, one in worst.items()}
    rows.append(["Perte la plus forte", "–", *(losses.get(n, _SAME) for n in every)])
    counted = len(rows)
    rows += _measured(reading, service, every)
    for who, label in (("child", "Route d'un enfant, par an"), ("staff", "Route des professionnels, par an")):
        hours = [year_hours(reading, name, service, who) for name in every]
        known = [cell for cell in hours if cell is not None]
        if known and "inconnu" not in known[0]:
            rows.append([label, known[0][0], *(cell[1] if cell else _SAME for cell in hours)])
    for place, name in enumerate(every, start=2):
        if reading.site(name, service) is None:
            # nothing is measured on the way to what is closed
            for row in rows[counted - 1 :]:
                row[place] = "–"
    tables = [_table(reading, service, rows, every, names, noun) for names in in_tables(every)]
    return [Heading("Les options côte à côte"), _verdict(reading, pivot, found), *tables]


def _table(
    reading: Reading, service: str, rows: list[list[str]], every: list[str], names: list[str], noun: str
) -> DataTable:
    """Return the columns of some scenarios, today's beside them."""
    note = doc.wording("main_move.options", same=_SAME, doubtful=_DOUBTFUL, limit=reading.limit)
    kept = [0, 1, *(2 + every.index(name) for name in names)]
    cells = [[row[column] for column in kept] for row in rows]
    heads = [" <1.7", "Aujourd'hui >1", *(f"Scénario {n} >1.05" for n in names)]
    part = "" if names == every else f", scénarios {names[0]} à {names[-1]}"
    caption = f"{capital(with_article(reading.label(service)))} : les options côte à côte{part}, {noun}."
    return table(heads, cells, caption, note=note if names[-1] == every[-1] else "")


def _verdict(reading: Reading, pivot: Move, found: Mapping[str, Counts]) -> Paragraph:
    """Say which options lose nobody, which ones make most trips shorter, and whether one is the best in all."""
    losses = {n: float(c.persons["loss"][ALL_TERRITORY]) for n, c in found.items()}
    gains = {n: float(c.persons["gain"][ALL_TERRITORY]) for n, c in found.items()}
    about = reading.the(pivot.services)
    parts = [f"Ce tableau porte sur {about}, dont les trajets changent le plus."]
    stays = [n for n in reading.release.scenarios if n not in found]
    if stays:
        parts.append(f"Rien n'y change dans {scenarios_in_words(stays)}.")
    if any(map(math.isnan, [*losses.values(), *gains.values()])):
        return Paragraph(" ".join(parts))
    if spared := [n for n, value in losses.items() if value == 0 and reading.site(n, pivot.services[0])]:
        parts.append(f"Aucune perte ne peut être affirmée dans {scenarios_in_words(spared)}.")
    most = max(gains.values())
    if near := [n for n, value in gains.items() if value >= 0.95 * most > 0]:
        parts.append(f"C'est dans {scenarios_in_words(near)} que le plus de trajets raccourcissent.")
    choice = "le choix est celui du conseil, et d'autres raisons que la route y entrent."
    if best := _best_in_all(reading, pivot.services[0], found):
        do = f"{scenarios_in_words(best)} {'fait' if len(best) == 1 else 'font'}"
        parts.append(f"Sur tout ce qui est mesuré ici, {do} au moins aussi bien que les autres ; {choice}")
        today = len(reading.site(TODAY, pivot.services[0]) or ())
        if any(len(reading.site(n, pivot.services[0]) or ()) > today for n in best):
            parts.append(
                "Mais chaque famille y va au plus proche de plusieurs lieux : on ne sait pas si les places suffisent."
            )
    else:
        parts.append(f"Aucune option n'est la meilleure à tous égards : {choice}")
    return Paragraph(" ".join(parts))


def _best_in_all(reading: Reading, service: str, found: Mapping[str, Counts]) -> list[str]:
    """Return the options that no other one beats on gains, losses, those left without, the worst loss, the measures."""
    every = list(reading.release.scenarios)
    # what changes nothing has no gain and no loss
    criteria = pd.DataFrame(0.0, columns=every, index=["gain", "loss", "without", "worst"])
    for name, counts in found.items():
        # less is better in every row, and where nobody loses there is no worst loss
        gain, *others = (float(counts.persons[one][ALL_TERRITORY]) for one in ("gain", "loss", "without"))
        worst = float(counts.zones["worst_loss_min"][ALL_TERRITORY])
        criteria[name] = [-gain, *others, 0.0 if math.isnan(worst) else worst]
    for label, row in _rows_measured(reading, service):
        criteria.loc[label] = [float(row[name, "value"]) for name in every]
    return best_in_all(criteria)


def _measured(reading: Reading, service: str, every: list[str]) -> list[list[str]]:
    """Return the measures of the service, when the run gives them; none for children observed to be served."""
    rows = []
    for label, row in _rows_measured(reading, service):
        unit = str(row["today", "unit"])
        values = [_value(float(row["today", "value"]), unit)]
        for name in every:
            delta, told = float(row[name, "delta"]), row[name, "is_distinguishable"]
            is_moved = not math.isnan(delta) and abs(delta) > 1e-9
            mark = _DOUBTFUL if told is pd.NA or not bool(told) else ""
            values.append(f"{_value(float(row[name, 'value']), unit)}{mark}" if is_moved else _SAME)
        rows.append([label, *values])
    return rows


def _rows_measured(reading: Reading, service: str) -> Iterator[tuple[str, pd.Series]]:
    """Yield the measures that options are set side by side on, with their names; less is better in each."""
    table = reading.release.side_by_side
    labels = {
        "mean_time_min": "Temps moyen",
        "time_p90_min": "Temps que neuf sur dix ne dépassent pas",
        "epci_longest_min": "Temps moyen de l'EPCI le plus loin (d'au moins 5 % des personnes)",
    }
    for measure in table.index.get_level_values("measure").unique():
        declared, keys = read_measure(str(measure))
        if declared.name == "beyond_share":
            labels[str(measure)] = f"Part à plus de {keys['threshold_min']} min"
    for name, label in labels.items():
        key = ("territory", ALL_TERRITORY, service, name)
        if key in table.index:
            yield label, table.loc[pd.MultiIndex.from_tuples([key])].iloc[0]


def _value(value: float, unit: str) -> str:
    """Write a measure in its unit."""
    written = {"min": minutes, "share": share, "persons": persons}.get(unit)
    return written(value) if written else decimal(value, 2)
