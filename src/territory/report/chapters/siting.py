"""Questions of siting in a report: what the calculation chooses, what it cannot tell apart, what one gives up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from territory.french.numbers import decimal, integer, minutes
from territory.french.words import count, join, persons
from territory.plot import style
from territory.plot.charts import trade_off
from territory.release.gate import TODAY
from territory.report.layout.document import Block, Heading, Paragraph, Picture, Run, Text, strong, table
from territory.report.layout.pdf import Part
from territory.tables.keyed import BEYOND

if TYPE_CHECKING:
    from collections.abc import Iterator

    from territory.report.reading import Reading

_MOST_CANDIDATES, _FEW_CANDIDATES, _ALL_CANDIDATES = 8, 4, 400
# the line beyond which a trip is far, when a ranking has several
_FAR_MIN = 45
# under it an estimate is not printed: a curve of such numbers shows nothing
_THRESHOLD = 11
_CAUTION = "C'est un repère, pas un choix de site : le calcul ne connaît ni le foncier, ni les équipes."


def siting_parts(reading: Reading) -> list[Part]:
    """Return the answer to each question of siting: the first at length, the next ones short and first to leave."""
    parts: list[Part] = []
    for siting, ranking in _questions(reading):
        is_first = not parts
        blocks = _in_words(siting, ranking, is_first=is_first)
        if is_first:
            blocks = [Heading("Et si le site était ailleurs ?"), *blocks, *_trade_off(reading, ranking)]
        most = _MOST_CANDIDATES if is_first else _FEW_CANDIDATES
        blocks += _ranks(ranking, most=most, caption="", where="dans l'annexe et le classeur")
        title = "" if is_first else f"la question d'implantation « {siting.name} »"
        parts.append(Part(blocks, title, leaves=30))
    return parts


def siting_tables(reading: Reading) -> list[Block]:
    """Return every question of siting with all its candidates, for the annex."""
    blocks: list[Block] = []
    for siting, ranking in _questions(reading):
        blocks += _in_words(siting, ranking, is_first=not blocks)
        blocks += _ranks(ranking, most=_ALL_CANDIDATES, caption=f"{siting.name} ", where="dans le classeur")
    return [Heading("Choix de site", new_page=True), *blocks] if blocks else []


def _questions(reading: Reading) -> Iterator[tuple[Any, pd.DataFrame]]:
    """Yield each question whose answer may be printed, with its candidates, best first."""
    for answer in reading.release.siting.values():
        if len(answer.ranking) > 1:
            yield answer.siting, answer.ranking.reset_index().sort_values("rank", kind="stable")


def _in_words(siting: Any, ranking: pd.DataFrame, *, is_first: bool) -> list[Block]:
    """Say what is chosen, and how many others cannot be told from it."""
    chosen, others = ranking[ranking["is_selected"]], ranking[~ranking["is_selected"]]
    near = int((~others["is_distinguishable"].fillna(False).astype(bool)).sum())
    names = join(chosen["name"].astype(str))
    parts: list[str | Run] = [strong(f"{siting.name} ")]
    if len(chosen) == 1:
        parts.append(f"Le calcul classe {names} en tête, {_others(near, len(others))}. ")
    else:
        first = chosen.iloc[0]
        parts.append(
            f"Le calcul retient {len(chosen)} communes : {names}. La route serait de "
            f"{minutes(float(first['mean_time_min']))} en moyenne et de {minutes(float(first['worst_time_min']))} au "
            f"plus ({first['worst_name']}). {_replacements(near, len(others))} "
        )
    parts.append(_CAUTION if is_first else "")
    text: Text = [part for part in parts if part]
    return [Paragraph(text, is_kept=True)]


def _others(near: int, total: int) -> str:
    """Say how many of the other communes cannot be told from the one on top."""
    doubt = "compte tenu du doute sur les temps"
    if near == 0:
        return "et elle se distingue de toutes les autres"
    if near == total:
        others = f"d'aucune des {total} autres" if total > 1 else "pas de l'autre"
        return f"mais elle ne se distingue {others}, {doubt}"
    verb = "n'en est pas distinguable" if near == 1 else "n'en sont pas distinguables"
    return f"mais {near} des {total} autres communes {verb}, {doubt}"


def _replacements(near: int, total: int) -> str:
    """Say how many of the other communes could replace one of those that are chosen."""
    if total == 0:
        return ""
    if near == 0:
        return "Remplacer l'une d'elles par une autre se distinguerait du doute sur les temps."
    return (
        f"{count(near, 'autre commune', 'autres communes')} sur {total} {'pourrait' if near == 1 else 'pourraient'} "
        "remplacer l'une d'elles sans différence distinguable du doute sur les temps."
    )


def _ranks(ranking: pd.DataFrame, *, most: int, caption: str, where: str) -> list[Block]:
    """Return the first candidates; nothing in few words when several are chosen together, the text names them."""
    if ranking["is_selected"].sum() > 1 and most < _ALL_CANDIDATES:
        return []
    far = _far_column(ranking)
    shown = ranking.head(most)
    rows = [_rank_row(row, far) for row in shown.to_dict("records")]
    limit = _limit_of(far)
    said = f"Les {len(rows)} premières communes sur {len(ranking)}"
    rest = "" if len(rows) == len(ranking) else f" ; toutes sont {where}"
    return [
        table(
            f"Rang >0.4 | Commune <1.3 | Temps moyen >0.8 | Le plus loin <1.6 | À plus de {limit} min >0.9 | "
            "Écart avec la première <1.2",
            rows,
            f"{caption}{said}{rest}.",
        )
    ]


def _rank_row(row: Any, far: str | None) -> list[str]:
    """Return the line of one candidate, to the minute: the doubt on a time is larger than any tenth."""
    mark = "distinguable" if row["is_distinguishable"] else "≈ non distinguable"
    return [
        integer(int(row["rank"])),
        str(row["name"]),
        minutes(float(row["mean_time_min"])),
        f"{minutes(float(row['worst_time_min']))} ({row['worst_name']})",
        persons(float(row[far])) if far else "–",
        "retenue" if row["is_selected"] else mark,
    ]


def _far_column(ranking: pd.DataFrame) -> str | None:
    """Return the column of persons who would be far."""
    columns = [str(c) for c in ranking.columns if BEYOND.keys(str(c)) is not None]
    wanted = BEYOND.name(threshold_min=_FAR_MIN)
    return wanted if wanted in columns else columns[-1] if columns else None


def _limit_of(far: str | None) -> str:
    """Return the minutes of a column of persons who would be far."""
    return (BEYOND.keys(far) or {}).get("threshold_min", "") if far else ""


def _trade_off(reading: Reading, ranking: pd.DataFrame) -> list[Block]:
    """Draw what a shorter mean costs in persons who are far; nothing where nobody is."""
    far = _far_column(ranking)
    if far is None or not float(ranking[far].max()) >= _THRESHOLD or ranking["is_selected"].sum() > 1:
        return []
    limit = _limit_of(far)
    points = ranking[["mean_time_min", far]].astype(float).set_axis(["x", "y"], axis=1)
    points["name"] = ranking["name"].astype(str)
    sites = (reading.site(TODAY, service) for service in reading.named)
    named = [reading.place(site) for site in sites if site]
    figure, front = trade_off(
        points,
        x_label="temps moyen, aller simple (min)",
        y_label=f"personnes à plus de {limit} min",
        named=[*named, *ranking.loc[ranking["is_selected"], "name"].astype(str)],
    )
    said = [
        f"{row['name']} : {decimal(row['x'], 0)} min et {persons(row['y'])}"
        for row in front.to_dict("records")
    ]
    return [
        Picture(
            style.to_svg(figure),
            alt=f"Nuage de {integer(len(points))} communes selon le temps moyen et les personnes à plus de {limit} "
            f"min. Celles que nulle autre ne bat sur les deux : {' ; '.join(said)}.",
            caption=f"Ce que coûte un temps moyen plus court : personnes à plus de {limit} min de chaque commune "
            "candidate. En losange plein, celles que nulle autre ne bat sur les deux à la fois ; en rond plein, les "
            "lieux d'aujourd'hui.",
            kind="Figure",
        )
    ]
