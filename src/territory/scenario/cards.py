"""How results show themselves in Jupyter: short tables in French, every text escaped."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from territory.scenario.results import Comparison, Results

_NARROW_SPACE = "\u202f"
_SMALL_COUNT = 11
_EFFECTS = {
    "persons_gain": "trajet plus court",
    "persons_loss": "trajet plus long",
    "persons_indistinct": "écart non distinguable",
    "persons_leaving": "passent au-delà de la limite",
}


def results_html(results: Results) -> str:
    """Write the times of each service as a table."""
    inside = results.access.index.get_level_values("commune_code").isin(
        results.state.parameters.territory_codes
    )
    rows = []
    for service, found in results.access[inside].groupby(level="service", sort=False):
        kind = "lieu du service nommé" if found["measure"].eq("named").all() else "lieu le plus proche"
        out = int((found["is_reachable"] == False).fillna(False).sum())  # noqa: E712
        median = float(found["travel_time_min"].median())
        rows.append([str(service), kind, _number(median), str(out)])
    count = len(results.state.parameters.territory_codes)
    head = ["Service", "Temps vers", "Temps médian des communes (min)", "Communes hors d'atteinte"]
    return _table(f"Résultats : {count} communes", head, rows)


def comparison_html(comparison: Comparison) -> str:
    """Write who gains and who loses by service, over the whole territory."""
    zones = comparison.zones
    whole = zones[zones.index.get_level_values("zone") == "territory"].droplevel("zone")
    rows = []
    for service, row in whole.iterrows():
        means = [_number(float(row[f"{side}_mean_min"])) for side in ("baseline", "scenario")]
        rows.append([str(service), *(_persons(float(row[column])) for column in _EFFECTS), " → ".join(means)])
    title = f"Scénario {comparison.scenario_id} : {comparison.name}" if comparison.name else "Comparaison"
    head = ["Service déplacé", *_EFFECTS.values(), "temps moyen (min)"]
    note = "<p>Personnes de l'âge accueilli, ou enfants accompagnés quand l'étude les donne.</p>"
    return _table(title, head, rows) + note


def _table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table."""
    top = "".join(f"<th scope='col'>{html.escape(cell)}</th>" for cell in head)
    body = "".join(
        "<tr>"
        + f"<th scope='row' style='text-align:left'>{html.escape(first)}</th>"
        + "".join(f"<td>{html.escape(cell)}</td>" for cell in rest)
        + "</tr>"
        for first, *rest in rows
    )
    return f"<table><caption>{html.escape(title)}</caption><tr>{top}</tr>{body}</table>"


def _number(value: float) -> str:
    """Write minutes with one decimal."""
    return "inconnu" if math.isnan(value) else f"{value:.1f}".replace(".", ",")


def _persons(value: float) -> str:
    """Write a count of persons, to two figures, the least that hides what an estimate does not know."""
    if math.isnan(value):
        return "inconnu"
    if 0 < value < _SMALL_COUNT:
        return "< 11"
    step = 10 ** max(len(str(int(value))) - 2, 0)
    return f"{round(value / step) * step:,}".replace(",", _NARROW_SPACE)
