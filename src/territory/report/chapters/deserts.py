"""Where care is far by the study's own criteria: published figures first, what is computed here beside them."""

import math
import re
from functools import partial
from typing import Any

import pandas as pd

from territory.access.uncertainty import SURE
from territory.french.numbers import NBSP, decimal, integer, share
from territory.french.words import count, persons
from territory.plot import style
from territory.plot.maps.show_plans import class_map, criterion_classes, doubt_map, met_classes
from territory.report.chapters import pictures
from territory.report.layout import document as doc
from territory.report.reading import Reading
from territory.scenario.doubt.draws import Draws
from territory.scenario.zones import ALL_TERRITORY
from territory.study.words.indicators import DesertCriterion, DesertScheme

_HEADING = "Où les soins sont-ils trop loin ?"
_NOT_COMPUTABLE, _DOUBTFUL, _PUBLISHED, _IN = "non calculable", "douteux", "publié", "en désert"
_HERE = "estimé ici"
# the lists of a published figure and of its estimate are not the same: said beside their difference
_LISTS = {"urgences_smur": doc.wording("deserts.lists_of_smur")}


def desert_parts(reading: Reading) -> list[doc.Part]:
    """Return the criteria of desert as a part that may leave, drawn when it is shown, or why there are none."""
    if _best(reading) is None:
        reasons = [_lacking(reading, one.id, one.label) for one in reading.criteria]
        said = [doc.Paragraph(doc.wording("deserts.none", reasons=" ".join(reasons)))] if any(reasons) else []
        blocks = [*said, *_zones_in_force(reading)]
        return [doc.Part([doc.Heading(_HEADING), *blocks])] if blocks else []
    return [doc.Part(partial(deserts, reading), "les critères de « désert médical »", leaves=10)]


def deserts(reading: Reading) -> list[doc.Block]:
    """Return the criteria of desert of the study, with a map, and what is published beside what is estimated."""
    draws: Draws | None = reading.release.draws
    best = _best(reading)
    if draws is None or best is None:
        return []
    labels, verdicts = {one.id: one.label for one in reading.criteria}, _verdicts(reading, draws)
    label = labels[best]
    sure, left = integer(100 * draws.sure_share), integer(100 - 100 * draws.sure_share)
    published = [one for one in reading.criteria if _is_published(reading, one.id)]
    text: list[Any] = ["Un critère de « désert médical » compare un temps ou un nombre à un seuil. "]
    if published:
        text += [
            doc.strong("Un chiffre que la DREES publie est pris tel quel, avec son année ; "),
            "ce que l'étude calcule elle-même est montré à côté. ",
        ]
    else:
        text.append(doc.strong(f"« {label} » est celui que les données permettent le mieux de calculer. "))
    if verdicts.drop(columns=[one.id for one in published]).isin([SURE, _DOUBTFUL]).any(axis=None):
        text.append(doc.wording("deserts.doubt", left=left, draws=integer(draws.count), sure=sure))
    # where no chapter before has said it
    is_new = "urgences" not in reading.closest and any("urgences" in one.services for one in reading.criteria)
    words: doc.Text = [doc.strong("Urgences et horaires. "), reading.emergency_hours]
    hours = [doc.Paragraph(words, "small")] if is_new else []
    return [
        doc.Heading(_HEADING),
        doc.Paragraph(text, is_kept=True),
        _table(reading, draws, labels, verdicts),
        _picture(reading, draws, best, labels[best]),
        *hours,
        *_zones_in_force(reading),
        *_change_of_apl(reading),
        *(block for one in reading.criteria for block in _beside(reading, one)),
    ]


def _is_published(reading: Reading, criterion: str) -> bool:
    """Tell whether a published figure decides a criterion."""
    return bool(reading.criterion(criterion)["figure_basis"].eq(_PUBLISHED).any())


def _verdicts(reading: Reading, draws: Draws) -> pd.DataFrame:
    """Return how sure each criterion is, commune by commune."""
    return draws.deserts["verdict"].unstack("criterion").reindex(columns=[one.id for one in reading.criteria])


def _best(reading: Reading) -> str | None:
    """Return the criterion that the data allow best to compute, None when none can be computed anywhere."""
    draws: Draws | None = reading.release.draws
    if draws is None or draws.deserts.empty:
        return None
    known = _verdicts(reading, draws).isin([SURE, _DOUBTFUL]).sum()
    return str(known.idxmax()) if known.any() else None


def _counted_together(reading: Reading) -> DesertScheme | None:
    """Return the first rule of several criteria whose class is known somewhere, None without any."""
    for scheme in reading.study.desert:
        classes = reading.criterion(scheme.criterion[0].id)["desert_class"]
        if len(scheme.criterion) > 1 and classes.ne(_NOT_COMPUTABLE).any():
            return scheme
    return None


def _picture(reading: Reading, draws: Draws, criterion: str, label: str) -> doc.Picture:
    """Draw how many criteria each commune meets, or else the side of one threshold and how sure it is."""
    areas, scheme = pictures.areas_of(reading), _counted_together(reading)
    look: dict[str, Any] = {"zones": reading.communes["epci_code"], "max_height_cm": 9.2}
    if scheme is None and _is_published(reading, criterion):
        label, classes = f"{label} : {_origin(reading, criterion)}", reading.criterion(criterion)["status"]
        figure = class_map(criterion_classes(classes), areas, title=label, **look)
        caption = f"{label}."
    elif scheme is None:
        figure = doubt_map(draws, areas, criterion=criterion, title=label, **look)
        rows = pd.DataFrame(draws.deserts.xs(criterion, level="criterion")).reindex(areas.index)
        classes = rows["status"].astype(str) + ", " + rows["verdict"].astype(str)
        caption = f"{label} : sûr ou douteux."
    else:
        label = scheme.label
        classes = reading.criterion(scheme.criterion[0].id)["desert_class"].reindex(areas.index)
        notes = tuple(f"{one.label} : {_origin(reading, one.id)}." for one in scheme.criterion)
        figure = class_map(met_classes(classes), areas, title=label, notes=notes, **look)
        caption = f"{label} : nombre de critères remplis par commune."
    sizes = classes.value_counts().sort_index().items()
    parts = [f"{name} : {count(int(size), 'commune')}" for name, size in sizes]
    return doc.Picture(
        style.to_svg(figure),
        alt=f"Carte de {count(len(areas), 'commune')}. {label}. {' ; '.join(parts)}.",
        caption=caption,
        source=pictures.map_source(reading),
    )


def _origin(reading: Reading, criterion: str) -> str:
    """Say whether the figure of a criterion is published, and of which year, or estimated here."""
    rows = reading.criterion(criterion)
    if _is_published(reading, criterion):
        return f"publié, {rows['year'].max():.0f}"
    return _HERE if rows["status"].ne(_NOT_COMPUTABLE).any() else "–"


def _table(reading: Reading, draws: Draws, labels: dict[str, str], verdicts: pd.DataFrame) -> doc.DataTable:
    """Return each criterion with its communes and its inhabitants, the published ones first."""
    order = sorted(labels, key=lambda criterion: not _is_published(reading, criterion))
    rows: list[list[str]] = []
    lacking: list[str] = []
    for criterion in order:
        origin, status = _origin(reading, criterion), reading.criterion(criterion)["status"]
        doubtful = verdicts[criterion].reindex(status.index).eq(_DOUBTFUL)
        cells = [
            labels[criterion],
            origin,
            "–" if origin == "–" else integer(int((status.eq(_IN) & ~doubtful).sum())),
            integer(int(doubtful.sum())) if origin == _HERE else "–",
            integer(int(status.eq(_NOT_COMPUTABLE).sum())),
        ]
        rows.append([*cells, _inhabitants(reading, draws, criterion)])
        lacking += filter(None, [_lacking(reading, criterion, labels[criterion])])
    ages = reading.release.completeness
    kinds = [name for one in reading.criteria for name in one.services]
    if ages is not None and "pharmacie" in kinds and "pharmacie" in ages.index:
        lacking.append("Pharmacies : " + str(ages["reason"]["pharmacie"]))
    return doc.table(
        doc.wording("deserts.columns"),
        rows,
        f"Critères de l'étude, {count(len(verdicts), 'commune')} du territoire.",
        note=" ".join([doc.wording("deserts.sure"), *lacking, doc.wording("deserts.caution")]),
    )


def _lacking(reading: Reading, criterion: str, label: str) -> str:
    """Say why a criterion cannot be computed somewhere, nothing where it can be everywhere."""
    said = [str(text) for text in reading.criterion(criterion)["reason"].dropna().unique() if str(text)]
    # the names of the lists are codes there
    named = (re.sub(r"« (\w+) »", lambda found: f"« {reading.label(found[1])} »", text) for text in said[:1])
    return "".join(f"{label} : {reason}." for reason in named)


def _zones_in_force(reading: Reading) -> list[doc.Block]:
    """Say who lives in each zone of the arrêté of the ARS, where the study brings it."""
    zones = reading.release.zoning_in_force
    if zones is None:
        return []
    people = reading.territory["population"].reindex(zones.index).groupby(zones.fillna("sans zone"))
    said = [
        f"{zone}, {count(len(hab), 'commune')} ({integer(hab.sum(skipna=False))} habitants)"
        for zone, hab in people
    ]
    return [doc.Paragraph([doc.strong("Zonage en vigueur (arrêté de l'ARS) : "), f"{' ; '.join(said)}."])]


def _change_of_apl(reading: Reading) -> list[doc.Block]:
    """Say how the published APL changed between its first and its newest year in the data."""
    figures = reading.release.published
    asked = [one for one in reading.criteria if one.published == "apl"]
    if figures is None or not asked:
        return []
    rows = figures["value"][figures.index.get_level_values("figure") == "apl"]
    values = rows.unstack("year").droplevel("figure").reindex(reading.territory.index).dropna()
    if values.shape[1] < 2 or values.empty:
        return []
    people = reading.territory["population"].reindex(values.index).astype(float)
    first, newest = (int(pick(values.columns.astype(int))) for pick in (min, max))
    mean = {year: float((values[year] * people).sum() / people.sum()) for year in (first, newest)}
    under = {year: int((values[year] < asked[0].threshold).sum()) for year in (first, newest)}
    moved = f"De {first} à {newest}, l'APL publiée passe de {decimal(mean[first])} à {decimal(mean[newest])} "
    before, after = (integer(under[year]) for year in (first, newest))
    rest = doc.wording("deserts.published", limit=decimal(asked[0].threshold), before=before, after=after)
    return [doc.Paragraph([doc.strong(moved), rest])]


def _beside(reading: Reading, one: DesertCriterion) -> list[doc.Block]:
    """Return what is published of a criterion beside what is estimated, EPCI by EPCI, where both exist."""
    rows = reading.criterion(one.id)
    both = rows[rows["figure_basis"].eq(_PUBLISHED) & rows["estimate_gap"].notna()]
    if both.empty:
        return []
    zones = reading.territory["epci_code"].reindex(both.index).fillna("")
    lines = {
        reading.zone(str(zone)): both[zones.eq(zone)]
        for zone in sorted(zones.unique(), key=lambda zone: -int(zones.eq(zone).sum()))
    }
    lines["Ensemble"] = both
    year = f"{both['year'].max():.0f}"
    cells = [[name, integer(len(part)), *_pair(part, one)] for name, part in lines.items()]
    gap, moved = both["estimate_gap"], _met(both, "value", one) != _met(both, "estimated_value", one)
    size = integer(int(moved.sum()))
    side = "de plus" if gap.mean() > 0 else "de moins"
    mean, apart = _amount(abs(gap.mean()), one), _amount(gap.abs().mean(), one)
    told = {"gap": mean, "side": side, "apart": apart, "size": size, "count": len(both)}
    said = doc.wording("deserts.beside", **told, lists=_LISTS.get(one.published or "", ""))
    sentence: doc.Text = [doc.strong(f"« {one.label} » : "), said]
    return [
        doc.Paragraph(sentence, is_kept=True),
        doc.table(
            doc.wording("deserts.columns_beside", year=year),
            cells,
            f"{one.label} : chiffre publié et estimation, moyennes des communes.",
            strong_rows=[len(cells) - 1],
        ),
    ]


def _pair(rows: pd.DataFrame, one: DesertCriterion) -> list[str]:
    """Write the two means of some communes, their difference, and how many are in the desert by each."""
    gap = float(rows["estimate_gap"].mean())
    mark = "+" if round(gap, 1) > 0 else "−" if round(gap, 1) < 0 else ""
    return [
        decimal(float(rows["value"].mean())),
        decimal(float(rows["estimated_value"].mean())),
        f"{mark}{decimal(abs(gap))}",
        integer(int(_met(rows, "value", one).sum())),
        integer(int(_met(rows, "estimated_value", one).sum())),
    ]


def _met(rows: pd.DataFrame, column: str, one: DesertCriterion) -> "pd.Series[bool]":
    """Tell which communes are beyond the threshold by one of two columns."""
    values = rows[column].astype(float)
    return values > one.threshold if one.measure == "time" else values < one.threshold


def _amount(value: float, one: DesertCriterion) -> str:
    """Write a value of a criterion with one decimal, and its unit where it is minutes."""
    return decimal(value) + (f"{NBSP}min" if one.unit == "min" else "")


def _inhabitants(reading: Reading, draws: Draws, criterion: str) -> str:
    """Write the inhabitants in the desert and their share, or their range where times are estimated."""
    if _is_published(reading, criterion):
        people = reading.territory["population"].astype(float)
        inside = float(people[reading.criterion(criterion)["status"].eq(_IN).to_numpy()].sum())
        return f"{persons(inside)} ({share(inside / people.sum())})"
    key = (ALL_TERRITORY, criterion)
    if key not in draws.desert_population.index:
        return "inconnu"
    row: Any = draws.desert_population.loc[[key]].iloc[0]
    values = [float(row[name]) for name in ("population_hab", "low_hab", "high_hab")]
    if any(map(math.isnan, values)):
        return "inconnu"
    return f"{persons(values[0])} ({persons(values[1])} à {persons(values[2])})"
