"""The options side by side: what each scenario changes for the service that matters most, and other places for it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from territory.plot import style
from territory.plot.charts import gainers_and_losers
from territory.plot.trade_off import trade_off
from territory.report.accounts import year_hours
from territory.report.document import Block, DataTable, Heading, Paragraph, Picture, Side
from territory.report.french import decimal, integer, join, minutes, persons, share, signed
from territory.report.reading import Move, Reading
from territory.scenario.computing import ALL_TERRITORY

if TYPE_CHECKING:
    from collections.abc import Mapping

_SAME, _DOUBTFUL = "=", " ≈"
_MOST_CANDIDATES, _FEW_CANDIDATES = 8, 4
# the line beyond which a trip is far, when a ranking has several
_FAR_MIN = 45


def options(reading: Reading) -> list[Block]:
    """Return the scenarios side by side, for the service whose trips change most, then the questions of siting.

    Parameters
    ----------
    reading
        A result, read.

    Returns
    -------
    list of Block
        Nothing with fewer than two scenarios and no question of siting.
    """
    pivot = reading.pivot()
    blocks: list[Block] = []
    if pivot is not None and len(reading.result.comparisons) > 1:
        blocks += _side_by_side(reading, pivot)
    return [*blocks, *_siting(reading)]


def _side_by_side(reading: Reading, pivot: Move) -> list[Block]:
    """Return the table and the chart of the options."""
    service = pivot.services[0]
    every = list(reading.result.comparisons)
    found = {
        n: reading.counts(n, service) for n in every if service in reading.result.comparisons[n].services
    }
    noun = reading.noun(service, is_observed=next(iter(found.values())).is_observed)
    rows: list[list[str]] = [["Où il serait", *_places(reading, service, every)]]
    for effect, label in (
        ("gain", "Trajet plus court"),
        ("loss", "Trajet plus long"),
        ("indistinct", "Écart non distinguable"),
        ("entering", "Passent à portée"),
    ):
        cells = [found[n].text(ALL_TERRITORY, effect) if n in found else _SAME for n in every]
        rows.append([f"{label} ({noun.split(' ')[0]})", "–", *cells])
    rows.append(["Perte la plus forte", "–", *(_worst(reading, n, service, found) for n in every)])
    rows += _measured(reading, service, every)
    rows += _on_the_road(reading, service, every)
    right: list[Side] = ["right" for _ in range(len(every) + 1)]
    table = DataTable(
        ["", "Aujourd'hui", *(f"Scénario {n}" for n in every)],
        rows,
        f"« {reading.label(service)} » : les options côte à côte.",
        align=["left", *right],
        widths=[1.7, 1.0, *(1.05 for _ in every)],
        note=f"« {_SAME} » : comme aujourd'hui. «{_DOUBTFUL} » : différence avec aujourd'hui sous le doute sur les "
        "temps, non distinguable. Passer à portée n'est pas compté comme un gain.",
    )
    blocks: list[Block] = [
        Heading("Les options côte à côte"),
        _verdict(reading, pivot, found),
        table,
    ]
    if found:
        blocks.append(_chart(reading, service, found))
    return blocks


def _places(reading: Reading, service: str, every: list[str]) -> list[str]:
    """Return where the service is in each situation."""
    today = reading.place(reading.site(reading.baseline, service))
    return [today, *(reading.place(reading.site(reading.result.scenarios[n], service)) for n in every)]


def _verdict(reading: Reading, pivot: Move, found: Mapping[str, Any]) -> Paragraph:
    """Say which options lose nobody, and which ones make most trips shorter."""
    losses = {n: float(c.persons["loss"][ALL_TERRITORY]) for n, c in found.items()}
    gains = {n: float(c.persons["gain"][ALL_TERRITORY]) for n, c in found.items()}
    parts = [f"Pour « {reading.labels(pivot.services)} », le service dont les trajets changent le plus"]
    stays = [n for n in reading.result.comparisons if n not in found]
    if stays:
        parts.append(f" : rien ne change dans {_scenarios(stays)}")
    if any(map(math.isnan, [*losses.values(), *gains.values()])):
        return Paragraph("".join([*parts, " ; le détail est dans le tableau."]))
    spared = [n for n, value in losses.items() if value < 11]
    if spared:
        parts.append(f" ; personne, ou presque, ne perd de façon mesurable dans {_scenarios(spared)}")
    most = max(gains, key=lambda n: (gains[n], -list(gains).index(n)))
    near = [n for n, value in gains.items() if value >= 0.95 * gains[most] and gains[most] > 0]
    if near:
        parts.append(f" ; le plus grand nombre de trajets raccourcis est dans {_scenarios(near)}")
    parts.append(
        ". Aucune option n'est la meilleure à tous égards : le choix est celui du conseil, et d'autres raisons que la "
        "route y entrent."
    )
    return Paragraph("".join(parts))


def _scenarios(names: list[str]) -> str:
    """Name scenarios in a sentence."""
    return f"le scénario {names[0]}" if len(names) == 1 else f"les scénarios {join(names)}"


def _worst(reading: Reading, name: str, service: str, found: Mapping[str, Any]) -> str:
    """Name the largest loss of a scenario."""
    if name not in found:
        return _SAME
    row = found[name].zones.loc[ALL_TERRITORY]
    if not isinstance(row["worst_loss_commune"], str):
        return "aucune"
    return f"{signed(float(row['worst_loss_min']))} min ({reading.commune(row['worst_loss_commune'])})"


def _measured(reading: Reading, service: str, every: list[str]) -> list[list[str]]:
    """Return the measures of the service, when the run gives them; none for children observed to be served."""
    table = getattr(reading.result, "side_by_side", None)
    key = ("territory", ALL_TERRITORY, service)
    if table is None or reading.counts_are_observed(service):
        return []
    labels = {"mean_time_min": "Temps moyen", "epci_gap_min": "Écart entre EPCI extrêmes"}
    for measure in table.index.get_level_values("measure").unique():
        if str(measure).startswith("beyond_") and str(measure).endswith("_min_share"):
            labels[str(measure)] = f"Part à plus de {str(measure).split('_')[1]} min"
    rows = []
    for measure, label in labels.items():
        if (*key, measure) not in table.index:
            continue
        row = table.loc[(*key, measure)]
        unit = str(row["today", "unit"])
        values = [_value(float(row["today", "value"]), unit)]
        for name in every:
            text = _value(float(row[name, "value"]), unit)
            delta = float(row[name, "delta"])
            told = row[name, "is_distinguishable"]
            is_moved = not math.isnan(delta) and abs(delta) > 1e-9
            doubtful = is_moved and (told is pd.NA or not bool(told))
            values.append(f"{text}{_DOUBTFUL if doubtful else ''}" if is_moved else _SAME)
        rows.append([label, *values])
    return rows


def _value(value: float, unit: str) -> str:
    """Write a measure in its unit."""
    if math.isnan(value):
        return "inconnu"
    if unit == "min":
        return minutes(value)
    if unit == "share":
        return share(value)
    return persons(value) if unit == "persons" else decimal(value, 2)


def _on_the_road(reading: Reading, service: str, every: list[str]) -> list[list[str]]:
    """Return the hours a year on the road of one child or of the staff."""
    rows = []
    for who, label in (("child", "Route d'un enfant, par an"), ("staff", "Route des professionnels, par an")):
        cells = [year_hours(reading, name, service, who) for name in every]
        known = [cell for cell in cells if cell is not None]
        if known and "inconnu" not in known[0]:
            rows.append([label, known[0][0], *(cell[1] if cell else _SAME for cell in cells)])
    return rows


def _chart(reading: Reading, service: str, found: Mapping[str, Any]) -> Picture:
    """Draw gainers and losers of each option."""
    counts = pd.DataFrame(
        {name: c.persons.loc[ALL_TERRITORY, ["gain", "loss", "indistinct"]] for name, c in found.items()}
    ).T.astype(float)
    counts = counts.add_prefix("persons_")
    for effect in ("gain", "loss", "indistinct"):
        counts[f"text_{effect}"] = [c.text(ALL_TERRITORY, effect) for c in found.values()]
    counts = counts.set_axis([f"Scénario {n}" for n in found], axis=0)
    noun = reading.noun(service, is_observed=next(iter(found.values())).is_observed).split(" ")[0]
    parts = [
        f"scénario {n} : gagnent {c.text(ALL_TERRITORY, 'gain')}, perdent {c.text(ALL_TERRITORY, 'loss')}, non "
        f"distinguable {c.text(ALL_TERRITORY, 'indistinct')}"
        for n, c in found.items()
    ]
    return Picture(
        style.to_svg(gainers_and_losers(counts, noun=noun)),
        alt=f"Graphique en barres, par scénario, {reading.label(service)}. {' ; '.join(parts)}.",
        caption=f"Qui gagne et qui perd dans chaque option ({reading.short(service)}).",
        kind="Figure",
    )


def _siting(reading: Reading) -> list[Block]:
    """Return the answer to each question of siting: the candidates, and what one gives up for another."""
    blocks: list[Block] = []
    for answer in getattr(reading.result, "siting", {}).values():
        ranking = answer.ranking
        # sums over children observed to be served are not protected: nothing of them is printed
        if answer.is_observed or len(ranking) < 2:
            continue
        # the first question is told at length, the next ones in a short table
        blocks += _one_siting(reading, answer.siting, ranking.reset_index(), is_first=not blocks)
    return [Heading("Et si le site était ailleurs ?"), *blocks] if blocks else []


def _one_siting(reading: Reading, siting: Any, ranking: pd.DataFrame, *, is_first: bool) -> list[Block]:
    """Return the chart and the table of one question."""
    far = _far_column(ranking)
    shown = ranking.sort_values("rank", kind="stable").head(_MOST_CANDIDATES if is_first else _FEW_CANDIDATES)
    rows = []
    for row in shown.to_dict("records"):
        mark = (
            "retenu"
            if row["is_selected"]
            else "distinct"
            if row["is_distinguishable"]
            else "≈ non distinguable"
        )
        rows.append(
            [
                integer(int(row["rank"])),
                str(row["name"]),
                f"{decimal(float(row['mean_time_min']), 1)} min",
                f"{minutes(float(row['worst_time_min']))} ({row['worst_name']})",
                persons(float(row[far])) if far else "–",
                mark,
            ]
        )
    near = ranking[~ranking["is_selected"] & ~ranking["is_distinguishable"].fillna(False).astype(bool)]
    best = ranking[ranking["is_selected"]]
    text = (
        f"{siting.name} Le calcul classe {join(best['name'].astype(str))} en tête, mais {integer(len(near))} des "
        f"{integer(len(ranking) - len(best))} autres communes n'en sont pas distinguables, compte tenu du doute sur "
        "les temps : c'est un repère, pas un choix de site. Le calcul ne connaît ni le foncier, ni les équipes."
    )
    blocks: list[Block] = [Paragraph(text)]
    if far is not None and is_first:
        blocks.append(_trade_off(reading, ranking, far))
    limit = str(far).split("_")[2] if far else ""
    blocks.append(
        DataTable(
            [
                "Rang",
                "Commune",
                "Temps moyen",
                "Le plus loin",
                f"À plus de {limit} min",
                "Écart avec la première",
            ],
            rows,
            f"Les {len(rows)} premières communes sur {len(ranking)}.",
            align=["right", "left", "right", "left", "right", "left"],
            widths=[0.4, 1.3, 0.8, 1.6, 0.9, 1.2],
        )
    )
    return blocks


def _far_column(ranking: pd.DataFrame) -> str | None:
    """Return the column of persons who would be far."""
    columns = [str(c) for c in ranking.columns if str(c).startswith("persons_beyond_")]
    wanted = f"persons_beyond_{_FAR_MIN}_min"
    return wanted if wanted in columns else columns[-1] if columns else None


def _trade_off(reading: Reading, ranking: pd.DataFrame, far: str) -> Picture:
    """Draw what a shorter mean costs in persons who are far."""
    limit = far.split("_")[2]
    points = pd.DataFrame(
        {
            "x": ranking["mean_time_min"].astype(float),
            "y": ranking[far].astype(float),
            "name": ranking["name"].astype(str),
        }
    )
    focus = {
        reading.place(site) for site in (reading.site(reading.baseline, s) for s in reading.named) if site
    }
    figure, front = trade_off(
        points,
        x_label="temps moyen, aller simple (min)",
        y_label=f"personnes à plus de {limit} min",
        named=[*focus, *ranking.loc[ranking["is_selected"], "name"].astype(str)],
    )
    said = [
        f"{row['name']} : {decimal(row['x'], 1)} min et {persons(row['y'])}"
        for row in front.to_dict("records")
    ]
    return Picture(
        style.to_svg(figure),
        alt=f"Nuage de {integer(len(points))} communes selon le temps moyen et les personnes à plus de {limit} min. "
        f"Celles que nulle autre ne bat sur les deux : {' ; '.join(said)}.",
        caption=f"Ce que coûte un temps moyen plus court : personnes à plus de {limit} min de chaque commune "
        "candidate. En losange plein, celles que nulle autre ne bat sur les deux à la fois.",
        kind="Figure",
    )
