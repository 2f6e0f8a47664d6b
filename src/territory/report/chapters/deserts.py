"""Where care is far by the study's own criteria, how sure that is, and which criteria cannot be computed."""

from __future__ import annotations

import math
import re
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from territory.access.uncertainty import SURE
from territory.french.numbers import integer
from territory.french.words import count, persons
from territory.plot import style
from territory.plot.maps.show_plans import doubt_map
from territory.report.chapters import pictures
from territory.report.layout.document import Block, DataTable, Heading, Paragraph, Picture, Text, strong
from territory.report.layout.pdf import Part
from territory.report.reading import Reading
from territory.scenario.zones import ALL_TERRITORY

if TYPE_CHECKING:
    from territory.scenario.doubt.draws import Draws

_NOT_COMPUTABLE, _DOUBTFUL = "non calculable", "douteux"


def desert_parts(reading: Reading) -> list[Part]:
    """Return the criteria of desert of the study as a part that may leave, drawn when it is shown."""
    if _best(reading) is None:
        return []
    return [Part(partial(deserts, reading), "les critères de « désert médical »", leaves=10)]


def deserts(reading: Reading) -> list[Block]:
    """Return the criteria of desert of the study, with a map of the one that is known best."""
    draws: Draws | None = reading.release.draws
    best = _best(reading)
    if draws is None or best is None:
        return []
    labels, verdicts = _labels(reading), _verdicts(reading, draws)
    return [
        Heading("Où les soins sont-ils trop loin ?"),
        Paragraph(_intro(draws, labels[best]), is_kept=True),
        _picture(reading, draws, best, labels[best]),
        _table(reading, draws, labels, verdicts),
    ]


def _labels(reading: Reading) -> dict[str, str]:
    """Return the name of each criterion of the study."""
    return {c.id: c.label for scheme in reading.study.desert for c in scheme.criterion}


def _verdicts(reading: Reading, draws: Draws) -> pd.DataFrame:
    """Return how sure each criterion is, commune by commune."""
    return draws.deserts["verdict"].unstack("criterion").reindex(columns=list(_labels(reading)))


def _best(reading: Reading) -> str | None:
    """Return the criterion that the data allow best to compute, None when none can be computed anywhere."""
    draws: Draws | None = reading.release.draws
    if draws is None or draws.deserts.empty:
        return None
    known = _verdicts(reading, draws).isin([SURE, _DOUBTFUL]).sum()
    return str(known.idxmax()) if known.any() else None


def _intro(draws: Draws, label: str) -> Text:
    """Say what is sure, and what the doubt on times could change."""
    share = integer(100 * draws.sure_share)
    return [
        "Un critère de « désert médical » compare un temps ou un nombre à un seuil. ",
        strong(f"« {label} » est celui que les données permettent le mieux de calculer. "),
        f"Près du seuil, le doute sur les temps peut faire changer une commune de côté : elle est dite « douteuse » "
        f"quand c'est le cas dans plus de {integer(100 - 100 * draws.sure_share)} % de {integer(draws.count)} tirages, "
        f"« sûre » quand elle garde son côté dans {share} % d'entre eux au moins. Ces tirages sont une étude de "
        "sensibilité, pas une probabilité.",
    ]


def _picture(reading: Reading, draws: Draws, criterion: str, label: str) -> Picture:
    """Draw the communes by their side of the threshold and how sure it is."""
    areas = pictures.areas_of(reading)
    figure = doubt_map(
        draws,
        areas,
        criterion=criterion,
        title=label,
        zones=reading.communes["epci_code"],
        max_height_cm=10.2,
    )
    rows = pd.DataFrame(draws.deserts.xs(criterion, level="criterion")).reindex(areas.index)
    sizes = (rows["status"].astype(str) + ", " + rows["verdict"].astype(str)).value_counts()
    parts = [f"{name} : {count(int(size), 'commune')}" for name, size in sizes.sort_index().items()]
    return Picture(
        style.to_svg(figure),
        alt=f"Carte de {count(len(rows), 'commune')}. {label}. {' ; '.join(parts)}.",
        caption=f"{label} : sûr ou douteux.",
        source=pictures.map_source(reading),
    )


def _table(reading: Reading, draws: Draws, labels: dict[str, str], verdicts: pd.DataFrame) -> DataTable:
    """Return each criterion with its inhabitants, their range, and why one cannot be computed."""
    status = draws.deserts["status"].unstack("criterion")
    rows = []
    for criterion, label in labels.items():
        sure = verdicts[criterion].eq(SURE)
        cells = [
            integer(int((sure & status[criterion].eq("en désert")).sum())),
            integer(int(verdicts[criterion].eq(_DOUBTFUL).sum())),
            integer(int(verdicts[criterion].eq(_NOT_COMPUTABLE).sum())),
        ]
        rows.append([label, *cells, _inhabitants(draws, criterion), _reason(reading, criterion)])
    return DataTable(
        [
            "Critère",
            "En désert (sûr)",
            "Douteuses",
            "Non calculables",
            "Habitants en désert",
            "Ce qui manque",
        ],
        rows,
        f"Critères de l'étude, {count(len(verdicts), 'commune')} du territoire.",
        align=["left", "right", "right", "right", "right", "left"],
        widths=[1.9, 0.8, 0.85, 0.95, 1.2, 1.8],
        note="Un critère sans données n'est jamais compté comme respecté. Une zone en vigueur est celle de l'arrêté de "
        "l'ARS : ceci n'a aucune valeur réglementaire.",
    )


def _inhabitants(draws: Draws, criterion: str) -> str:
    """Write the inhabitants in the desert with their range."""
    key = (ALL_TERRITORY, criterion)
    if key not in draws.desert_population.index:
        return "inconnu"
    row: Any = draws.desert_population.loc[[key]].iloc[0]
    values = [float(row[name]) for name in ("population_hab", "low_hab", "high_hab")]
    if any(map(math.isnan, values)):
        return "inconnu"
    return f"{persons(values[0])} ({persons(values[1])} à {persons(values[2])})"


def _reason(reading: Reading, criterion: str) -> str:
    """Say why a criterion cannot be computed."""
    rows = reading.release.deserts
    rows = rows[rows.index.get_level_values("criterion") == criterion]
    said = [str(text) for text in rows["reason"].dropna().unique() if str(text)]
    # the names of the lists are codes there
    return re.sub(r"« (\w+) »", lambda found: f"« {reading.label(found[1])} »", said[0]) if said else "–"
