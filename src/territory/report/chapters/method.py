"""Method, limits and sources of a council report, in plain words and with the numbers of the model."""

import math
from collections.abc import Sequence

from territory.french.numbers import decimal, integer, minutes
from territory.french.words import count, join, ranged
from territory.network.estimate_model import calibration
from territory.release.gate import TODAY
from territory.release.shown import interval_of
from territory.report.chapters import journeys
from territory.report.chapters.pictures import bounds_of
from territory.report.layout import document as doc
from territory.report.reading import Reading
from territory.study.words.changes import ChangeSpeeds
from territory.tables.declare import CODES

NOTHING_WITHHELD = doc.wording("method.internal")
# where the estimate was tried, and how it is said
_TRIED = CODES["tried_estimates"]
_TERRAINS = {"plain": "plaine", "mixed": "intermédiaire", "mountain": "montagne"}
_DIGEST_SHOWN = 64
# FACTS: METRIC and OSRM on 2,500 pairs of Gironde, 66.8 % within 5 min of each other
_DOUBT = doc.wording("method.doubt")
_NOT_TOLD_APART: doc.Text = [doc.strong("Sans différence visible."), doc.wording("method.not_told_apart")]


def method(reading: Reading) -> list[doc.Block]:
    """Return how the numbers were made and what they cannot say."""
    sans: doc.Text = [doc.strong("Sans voiture."), journeys.said(reading)]
    vintage = reading.vintage()
    how = (
        "sont comptés année par année, d'après un fichier qui donne chaque année d'âge : aucune tranche n'est coupée"
        if reading.release.has_single_ages
        else "sont découpés dans les tranches d'âge publiées, en les supposant uniformes à l'intérieur d'une tranche"
    )
    text = doc.wording("method.ages", census=vintage, how=how)
    if reading.study.ages is not None:
        ages = reading.study.ages
        told = {"total": integer(ages.total), "age": ages.age_max, "year": ages.year, "source": ages.source}
        text += doc.wording("method.total", **told)
    for named in reading.named.values():
        if named.age_profile is not None:
            profile = named.age_profile
            text += (
                f" Usagers, {named.label_short or named.label} : {profile.source} (données {profile.year})."
            )
    secret: doc.Text = [doc.strong("Petits nombres."), doc.wording("method.small")]
    if reading.release.is_internal:
        secret = [doc.strong("Édition interne."), f" {NOTHING_WITHHELD}"]
    items: list[doc.Text] = [*_times(reading), sans, [doc.strong("Âges."), text]]
    if reading.release.scenarios:
        items.append([doc.strong("Périmètre."), doc.wording("method.perimeter", limit=reading.limit)])
    items += [[doc.strong("Ce qui n'est pas calculé."), doc.wording("method.not_computed")], secret]
    blocks: list[doc.Block] = [doc.Heading("Méthode et limites"), doc.Bullets(items)]
    blocks += _sensitivity(reading)
    asked: list[doc.Text] = [
        [doc.strong(found.question), f" {found.matters_for}"]
        for found in reading.study.unknown
        if found.matters_for
    ]
    if asked:
        blocks.append(doc.Callout("Ce que changeraient les réponses attendues", asked, "unknown"))
    return blocks


def _times(reading: Reading) -> list[doc.Text]:
    """Say how travel times were found, and how wrong they may be."""
    if reading.release.times_method == "roads":
        said = f" Calculés sur le réseau routier, en voiture, hors heures de pointe. {_DOUBT}"
        works: list[doc.Text] = [
            [doc.strong("Routes changées."), f" Scénario {scenario.id} : {change.said}."]
            for scenario in reading.study.scenario
            for change in scenario.change
            if isinstance(change, ChangeSpeeds) and change.said
        ]
        return [[doc.strong("Temps de route."), said], *works, _NOT_TOLD_APART, *_isochrones(reading)]
    if reading.release.times_method != "estimate":
        said = f" Repris du distancier fourni avec l'étude. {_DOUBT}"
        return [[doc.strong("Temps de route."), said], _NOT_TOLD_APART]
    numbers = calibration().set_index(["kind", "terrain", "name"])["value"]["held_out"]
    terrain = reading.parameters.terrain
    told = (
        "leur lenteur, ajustée sur les temps réels que la DREES publie de chaque commune aux urgences (METRIC, 2019)"
        if terrain is None
        else f"le relief (terrain retenu : {_TERRAINS[terrain]}), faute de temps publiés pour ces communes"
    )
    error = {place: float(numbers[place, "mean_absolute_error_min"]) for place in _TRIED}
    tried = join(f"{decimal(error[place])} min {where}" for place, where in _TRIED.items())
    median = reading.release.median_doubt_min(within_min=reading.parameters.recruitment_max_min)
    ends = [f"± {minutes(median)}, tous services confondus"] if not math.isnan(median) else []
    if (move := reading.pivot) is not None:
        own = reading.release.doubt_min(move.scenario_id, move.services[0])
        ends += [f"± {minutes(own)} vers {reading.the(move.services)}"] if not math.isnan(own) else []
    doubt = f" Le doute médian sur un temps est ici de {join(ends)}." if ends else ""
    if unknown := int(reading.communes["area_km2"].isna().sum()):
        doubt += doc.wording("method.no_area", count=count(unknown, "commune"))
    said = doc.wording("method.estimate", told=told, tried=tried, doubt=doubt)
    return [[doc.strong("Temps de route estimés."), said], _NOT_TOLD_APART]


def _isochrones(reading: Reading) -> list[doc.Text]:
    """Say what the outlines on the maps of times are, where there are some."""
    drawn = reading.release.isochrones
    if drawn is None or drawn.empty or not bounds_of(reading):
        return []
    times = join(minutes(bound) for bound in bounds_of(reading))
    return [[doc.strong("Isochrones."), doc.wording("method.isochrones", times=times)]]


def _sensitivity(reading: Reading) -> list[doc.Block]:
    """Return the gains and losses under other recruitment limits, for the move that changes most."""
    move = reading.pivot
    if move is None:
        return []
    limits = reading.release.sensitivity(move.scenario_id, move.services[0])
    if len(limits) < 2:
        return []
    is_observed = reading.release.is_observed(move.services[0])
    rows = []
    for limit, row in limits.iterrows():
        counted = {name: float(row[f"persons_{name}"]) for name in ("gain", "loss", "indistinct")}
        cells = [
            integer(value) if is_observed else ranged(value, *interval_of(row, name))
            for name, value in counted.items()
        ]
        rows.append([minutes(float(str(limit))), *cells])
    columns = "Périmètre <1.4 | Trajet plus court >1 | Trajet plus long >1 | Sans différence visible >1"
    whom = reading.noun(move.services[0], is_observed=is_observed)
    of_move = f"{reading.labels(move.services)}, scénario {move.scenario_id}"
    return [doc.table(columns, rows, f"Si le périmètre change : {of_move}, {whom}.")]


def sources(reading: Reading, *, explained: Sequence[doc.Block] = ()) -> list[doc.Block]:
    """Return the sources with their vintages, and the digest of the run."""
    blocks: list[doc.Block] = [doc.Heading("Sources")]
    rows = _used_sources(reading)
    if rows:
        columns = "Producteur <1 | Données <2.6 | Millésime <0 | Licence <0"
        blocks.append(doc.table(columns, rows, "Données utilisées."))
    situations = (TODAY, *reading.release.scenarios)
    held = [reading.site(situation, service) for situation in situations for service in reading.named]
    sites = {site for every in held for site in every or ()}
    found = [fact.source for fact in reading.study.fact] + [need.source for need in reading.study.need]
    found += [str(reading.release.sites["source"][site]) for site in sorted(sites)]
    if reading.study.ages is not None:
        found.append(reading.study.ages.source)
    found += [named.age_profile.source for named in reading.named.values() if named.age_profile is not None]
    # what the study itself supposes is no document
    quoted = list(dict.fromkeys(text for text in found if text and not text.startswith("fichier d'étude")))
    if quoted:
        blocks += [doc.Heading("Documents publics cités", 2), doc.Bullets(quoted, "small")]
    return [*blocks, *explained, *digest_line(reading)]


def _used_sources(reading: Reading) -> list[list[str]]:
    """Return producer, title, vintage and licence of each source, the censuses that were not used left out."""
    listed = reading.release.sources
    if listed is None or listed.empty:
        return _maps(reading)
    chosen = f"population_{reading.study.population}"
    columns = listed["column"].astype(str) if "column" in listed else listed["title"].astype(str)
    kept = listed[~columns.str.startswith("population_rp") | columns.eq(chosen)]
    rows = kept[["producer", "title", "vintage", "licence"]].fillna("–").astype(str)
    # one file may feed several columns
    rows = rows.drop_duplicates(["title", "vintage"])
    told = list(zip(rows["title"], rows["vintage"], strict=True))
    # a source whose title goes on in another's is a part of it
    is_whole = [
        not any(other != title and other.startswith(title) and when == vintage for other, when in told)
        for title, vintage in told
    ]
    rows = rows[is_whole]
    # lines that send the reader to a column of a file say nothing on paper
    rows = rows[~rows["producer"].str.startswith("voir ") & ~rows["vintage"].str.startswith("voir ")]
    return [*(list(row) for row in rows.itertuples(index=False, name=None)), *_maps(reading)]


def _maps(reading: Reading) -> list[list[str]]:
    """Return the lines of the maps and timetables that times come from, files named as the manifest does."""
    files = [str(name).split(": ", 1) for name in reading.release.manifest.get("inputs_sha256", {})]
    asked, maps, open_ = reading.study.travel.transit, "Contributeurs d'OpenStreetMap", "ODbL"
    used = [(maps, "Carte routière", "–", open_, "roads files.roads")]
    used = used if reading.release.times_method == "roads" else []
    if asked:
        day = f"{asked.date:%d/%m/%Y}"
        used.append(("Réseaux de transport", "Horaires GTFS", day, "–", "travel.transit.gtfs"))
    if asked and asked.streets:
        used.append((maps, "Rues à pied", "–", open_, "travel.transit.streets"))
    rows = []
    for producer, title, vintage, licence, keys in used:
        named = [name[-1] for name in files if name[0] in keys.split()]
        rows.append([producer, f"{title} ({join(named)})" if named else title, vintage, licence])
    return rows


def digest_line(reading: Reading) -> list[doc.Block]:
    """Say how to check that a document is the one of a run."""
    digest = reading.release.run_digest[:_DIGEST_SHOWN]
    if not digest:
        return []
    versions = dict(reading.release.manifest.get("versions", {}))
    files = reading.release.manifest.get("inputs_sha256", {})
    made = f"territory {versions['territory']}" if "territory" in versions else "territory"
    said = doc.wording("method.digest", made=made, files=count(len(files), "fichier"))
    return [doc.Paragraph([said, doc.strong(digest)], "small")]
