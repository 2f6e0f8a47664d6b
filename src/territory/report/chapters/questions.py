"""What questions of siting and of grouping answer: what is chosen, what cannot be told apart, maps and members."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import pandas as pd

from territory.french.numbers import decimal, integer, minutes, share
from territory.french.words import alphabetical, count, join, of_place, persons
from territory.planning.grouping.answer import GroupingAnswer
from territory.planning.siting.answer import SitingAnswer
from territory.plot import style
from territory.plot.charts import trade_off
from territory.plot.maps.show_plans import show_establishments
from territory.release.disclosure import SUPPRESSED
from territory.release.gate import TODAY
from territory.report.chapters.pictures import areas_of, map_source
from territory.report.layout import document as doc
from territory.report.reading import Reading
from territory.tables.catalogue import BEYOND

# communes named when the doubt does not tell them apart; share of the others that leaves nothing told apart
_MOST_EQUAL, _NEARLY_ALL = 15, 0.9
_MOST_CANDIDATES, _FEW_CANDIDATES, _ALL_CANDIDATES = 6, 3, 400
# the line beyond which a trip is far, when a ranking has several
_FAR_MIN = 45
# under it an estimate is not printed: a curve of such numbers shows nothing
_THRESHOLD = 11
_CAUTION = "C'est un repère, pas un choix de site : le calcul ne connaît ni le foncier, ni les équipes."


def siting_parts(reading: Reading) -> list[doc.Part]:
    """Return the answer to each question of siting: the first at length, the next ones short and first to leave."""
    parts: list[doc.Part] = []
    for answer in _questions(reading):
        is_first = not parts
        blocks: list[doc.Block] = [doc.Heading("Et si le site était ailleurs ?")] if is_first else []
        blocks += _in_words(reading, answer, is_first=is_first)
        blocks += _ranks(answer.ranking, most=_MOST_CANDIDATES if is_first else _FEW_CANDIDATES)
        blocks += _trade_off(reading, answer.ranking) if is_first else []
        title = "" if is_first else f"la question d'implantation « {answer.siting.name} »"
        parts.append(doc.Part(blocks, title, leaves=30))
    return parts


def siting_tables(reading: Reading) -> list[doc.Block]:
    """Return every question of siting with all its candidates, for the annex."""
    blocks: list[doc.Block] = []
    for one in _questions(reading):
        blocks += _in_words(reading, one, is_first=not blocks)
        blocks += _ranks(one.ranking, most=_ALL_CANDIDATES, caption=f"{one.siting.name} ")
    return [doc.Heading("Et si le site était ailleurs ?", new_page=True), *blocks] if blocks else []


def _questions(reading: Reading) -> Iterator[SitingAnswer]:
    """Yield each answer that may be printed, its candidates in order."""
    for answer in reading.release.siting.values():
        if len(answer.ranking) > 1:
            ranking = answer.ranking.reset_index().sort_values("rank", kind="stable")
            yield replace(answer, ranking=ranking)


def _in_words(reading: Reading, answer: SitingAnswer, *, is_first: bool) -> list[doc.Block]:
    """Name what is chosen: one commune, or all those that the doubt on times does not tell apart; say for whom."""
    ranking = answer.ranking
    chosen, others = ranking[ranking["is_selected"]], ranking[~ranking["is_selected"]]
    near = others[~others["is_distinguishable"].fillna(False).astype(bool)]
    if len(chosen) > 1:
        first, is_told = chosen.iloc[0], len(near) < max(_NEARLY_ALL * len(others), 1)
        told = {one: minutes(float(first[f"{one}_time_min"])) for one in ("mean", "worst")}
        told |= {"names": join(chosen["name"].astype(str)), "farthest": first["worst_name"]}
        told |= {"near": integer(len(near)), "total": integer(len(others)), "count": integer(len(chosen))}
        told["road"] = "la plus longue" if answer.siting.method == "p_center" else "moyenne"
        said = doc.wording("questions.chosen", **told) if is_told else doc.wording("questions.alike", **told)
    elif near.empty:
        said = f"{chosen['name'].iloc[0]}, qui se distingue des autres communes comparées. "
    else:
        equal = pd.concat([chosen, near])
        times = equal["mean_time_min"].astype(float)
        names = join(sorted(equal["name"].astype(str), key=alphabetical), most=_MOST_EQUAL, others="autre")
        said = f"Le calcul ne départage pas {len(equal)} communes sur {len(ranking)} : {names}"
        said += f" ({minutes(times.min())} à {minutes(times.max())} en moyenne). "
    answered = doc.Paragraph([doc.strong(f"{answer.siting.name} "), said, _CAUTION if is_first else ""])
    return [answered, doc.Paragraph(_asked(reading, answer), "small", is_kept=True)]


def _asked(reading: Reading, answer: SitingAnswer) -> str:
    """Say who is counted, how many of them are near the choice where that is asked, and which communes are compared."""
    siting, near = answer.siting, answer.result.objective
    who = next((need.label for need in reading.study.need if need.public == siting.public), "")
    if names := [n for n in siting.authorisation_ids if not reading.release.service_reason(TODAY, n)]:
        told = {"noun": reading.noun(*names), "services": reading.the(names)}
        sector = " (ou dans le secteur)" if any(reading.named[n].sector for n in names) else ""
        who = doc.wording("questions.counted", limit=reading.limit, sector=sector, **told)
        who += ", ensemble, d'où d'autres temps moyens" if len(names) > 1 else ""
    if zones := join([reading.zone(code) for code in siting.demand_epci_codes]):
        who += f" ; habitants de {zones} seulement"
    if siting.method == "maximal_coverage" and (total := float(answer.demand.sum())):
        told = {"near": persons(near), "total": persons(total), "share": share(near / total)}
        who += doc.wording("questions.covered", limit=minutes(siting.max_time_min or 0), **told)
    if siting.near_commune is not None:
        limit, place = minutes(siting.near_max_min or 0), of_place(reading.commune(siting.near_commune))
        who += f". Communes comparées : à {limit} ou moins {place}"
    return f"Personnes comptées : {who}."


def _ranks(ranking: pd.DataFrame, *, most: int, caption: str = "") -> list[doc.Block]:
    """Return the first candidates; nothing in few words when several are chosen together, the text names them."""
    if ranking["is_selected"].sum() > 1 and most < _ALL_CANDIDATES:
        return []
    far, limit = _far_of(ranking)
    shown = ranking.head(most)
    rows = [_rank_row(row, far) for row in shown.to_dict("records")]
    said = f"{caption}Les {len(rows)} premières communes sur {len(ranking)}"
    where = "le classeur" if most == _ALL_CANDIDATES else "l'annexe et le classeur"
    rest = "" if len(rows) == len(ranking) else f" ; toutes sont dans {where}"
    columns = doc.wording("questions.columns_ranks", limit=limit)
    return [doc.table(columns, rows, f"{said}{rest}.", note="≈ : sans différence visible avec la première.")]


def _rank_row(row: Any, far: str | None) -> list[str]:
    """Return the line of one candidate, to the minute: the doubt on a time is larger than any tenth."""
    mark = "première" if row["rank"] == 1 else "plus long" if row["is_distinguishable"] else "≈"
    return [
        integer(int(row["rank"])),
        str(row["name"]),
        minutes(float(row["mean_time_min"])),
        f"{minutes(float(row['worst_time_min']))} ({row['worst_name']})",
        persons(float(row[far])) if far else "–",
        mark,
    ]


def _far_of(ranking: pd.DataFrame) -> tuple[str | None, str]:
    """Return the column of persons who would be far, and its minutes."""
    limits = {str(c): keys["threshold_min"] for c in ranking if (keys := BEYOND.keys(str(c))) is not None}
    wanted = BEYOND.name(threshold_min=_FAR_MIN)
    far = wanted if wanted in limits else next(reversed(limits), None)
    return far, limits.get(far or "", "")


def _trade_off(reading: Reading, ranking: pd.DataFrame) -> list[doc.Block]:
    """Draw what a shorter mean costs in persons who are far; nothing where nobody is."""
    far, limit = _far_of(ranking)
    if far is None or not float(ranking[far].max()) >= _THRESHOLD or ranking["is_selected"].sum() > 1:
        return []
    points = ranking[["mean_time_min", far]].astype(float).set_axis(["x", "y"], axis=1)
    points["name"] = ranking["name"].astype(str)
    sites = (reading.site(TODAY, service) for service in reading.named)
    named = [reading.place(site) for site in sites if site]
    named += ranking.loc[ranking["is_selected"], "name"].astype(str).tolist()
    x_label, y_label = "temps moyen, aller simple (min)", f"personnes à plus de {limit} min"
    figure, front = trade_off(points, x_label=x_label, y_label=y_label, named=named)
    rows = front[["name", "x", "y"]].itertuples(index=False)
    said = [f"{name} : {decimal(x, 0)} min et {persons(y)}" for name, x, y in rows]
    alt = doc.wording("questions.front", count=integer(len(points)), limit=limit, said=" ; ".join(said))
    is_beaten = bool(set(points["name"]) & set(named) - set(front["name"]))
    others = " ; en rond plein, les autres lieux d'aujourd'hui ou choisis" if is_beaten else ""
    caption = doc.wording("questions.trade_off", limit=limit, others=others)
    return [doc.Picture(style.to_svg(figure), alt, caption, "Figure")]


_SIDES = ("farther", "closer", "indistinct")
_SUPPORT_NOTE = doc.wording("questions.support")


def groups_answer(reading: Reading) -> list[doc.Block]:
    """Return what the first page says of the questions of grouping."""
    answers, compared = reading.release.groupings, reading.release.grouping_comparison
    items: list[doc.Text] = [
        [doc.strong(answer.grouping.name), f" : {_groups_in_words(answer, compared.loc[(name, 'groups')])}."]
        for name, answer in answers.items()
    ]
    return [doc.Bullets([*items, *_join_in_words(answers, compared)]), *_cautions(reading)] if items else []


def groups(reading: Reading) -> list[doc.Part]:
    """Return the groupings side by side, then the map and the members of each: all but the first may leave."""
    answers = reading.release.groupings
    if not answers:
        return []
    compared: list[doc.Block] = [
        doc.Heading("Les groupements comparés"),
        _comparison(reading.release.grouping_comparison),
        doc.Paragraph(doc.wording("questions.seat")),
    ]
    parts = [doc.Part(compared)]
    for place, answer in enumerate(answers.values()):
        title = f"le découpage « {answer.grouping.name} »" if place else ""
        parts.append(doc.Part(partial(_one, reading, answer), title, leaves=28))
    return [*parts, doc.Part([doc.Paragraph(doc.wording("questions.rest"), kind="small")])]


def _groups_in_words(answer: GroupingAnswer, row: Any) -> str:
    """Say how many groups there are, how large and how far."""
    sizes = answer.groups["n_units"]
    low, high = int(sizes.min()), int(sizes.max())
    said = f"{len(sizes)} groupes de {f'{low} à ' if low < high else ''}{high} établissements"
    if len(sizes) == 1:
        said = f"un groupe de {count(high, 'établissement')}"
    mean, worst = minutes(row["mean_drive_min"]), minutes(row["worst_drive_min"])
    return f"{said}, {mean} de route en moyenne vers le siège, {worst} au plus"


def _join_in_words(answers: Mapping[str, GroupingAnswer], compared: pd.DataFrame) -> list[doc.Text]:
    """Say how far the support hospital is, and for how many it is distinguishably farther than the seat."""
    for name, answer in answers.items():
        if answer.grouping.support_site_id is None:
            continue
        row: Any = compared.loc[(name, "join")]
        told = {one: integer(row[f"n_{one}"]) if row[f"n_{one}"] else "aucun" for one in _SIDES}
        told |= {one: minutes(row[f"{one}_drive_min"]) for one in ("mean", "worst")}
        told |= {"count": integer(row["n_members"]), "name": answer.grouping.name}
        said = doc.wording("questions.joined", **told)
        return [[doc.strong(f"Adhésion au {answer.grouping.support_name}"), said]]
    return []


def _cautions(reading: Reading) -> list[doc.Block]:
    """Say what the statuses, places and budgets are worth."""
    first = next(iter(reading.release.groupings.values()))
    bases = list(map(str, first.members["status_basis"].dropna().unique()))
    unknown, total = int(first.members["is_autonomous"].isna().sum()), len(first.members)
    known_for = "connue pour aucun" if unknown == total else f"pas connue pour {unknown}"
    cautions: dict[str, object] = {
        f"Statut des établissements : {join(bases)}.": bases,
        f"L'autonomie juridique n'est {known_for} des {total} établissements groupés.": unknown,
        "Les budgets ne sont pas publics : aucun seuil de budget n'est testé.": not reading.release.are_budgets_known,
        "Ce que les membres gagneraient à partager n'est pas calculé : le tableau est à remplir.": (
            not first.is_pooling_known
        ),
    }
    items = [text for text, holds in cautions.items() if holds]
    return [doc.Callout("Ce que valent ces groupes", items, tone="warning")] if items else []


def _comparison(compared: pd.DataFrame) -> doc.DataTable:
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
        ends = dict.fromkeys((row["smallest_size"], row["largest_size"]))
        sizes = " à ".join(integer(one) for one in ends if not pd.isna(one)) or "–"
        span = SUPPRESSED if row["is_size_withheld"] else sizes
        rows.append([str(row["name"]), count, span, *drives, between, spread])
    return doc.table(
        doc.wording("questions.columns_groupings"),
        rows,
        "Les découpages, et l'adhésion au groupement hospitalier.",
        note="Route des membres vers le siège de leur groupe, ou vers l'établissement support.",
    )


def _one(reading: Reading, answer: GroupingAnswer) -> list[doc.Block]:
    """Return the map of a grouping, with its groups in words, and its members."""
    areas = areas_of(reading)
    areas = areas.assign(epci_code=reading.territory["epci_code"].reindex(areas.index))
    towns = answer.members.groupby("group")["commune_name"].agg(lambda names: join(sorted(set(names))))
    said = " ; ".join(f"{name} : {text}" for name, text in towns.items())
    picture = doc.Picture(
        style.to_svg(show_establishments(answer, areas)),
        alt=f"Carte des groupes. {said}.",
        caption=f"{answer.grouping.name}.",
        source=map_source(reading),
    )
    return [doc.Heading(answer.grouping.name, 2), picture, _members(answer)]


def _members(answer: GroupingAnswer) -> doc.DataTable:
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
    return doc.table(
        "Groupe <1.5 | Établissement <2.4 | Commune <1.4 | Vers le siège >0.9"
        + (" | Vers le support >1" if has_support else ""),
        rows,
        f"Les membres : {answer.grouping.name}.",
        note=_SUPPORT_NOTE if has_support else "",
    )
