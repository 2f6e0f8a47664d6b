"""How results show themselves in Jupyter: short tables in French, every text escaped."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from territory.scenario.results import Comparison, Results

# of communes, which are public; persons are counted by the documents and tables of a run, where small counts and
# those that would give them back are withheld together
_EFFECTS = {
    "communes_gain": "trajet plus court",
    "communes_loss": "trajet plus long",
    "communes_indistinct": "écart non distinguable",
    "communes_leaving": "passent au-delà de la limite",
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
    """Write in how many communes the trip becomes shorter or longer, by service, over the whole territory.

    No person is counted here, and no mean is weighted by persons: what may leave of these numbers is decided once for
    all the documents of a run, and a card that is kept in a notebook leaves with it.
    """
    zones = comparison.zones
    whole = zones[zones.index.get_level_values("zone") == "territory"].droplevel("zone")
    rows = [
        [str(service), *(str(int(row[column])) for column in _EFFECTS), _number(float(row["worst_loss_min"]))]
        for service, row in whole.iterrows()
    ]
    title = f"Scénario {comparison.scenario_id} : {comparison.name}" if comparison.name else "Comparaison"
    head = ["Service déplacé", *_EFFECTS.values(), "plus grand allongement (min)"]
    note = (
        "<p>Nombre de communes. Les personnes concernées sont dans le rapport et les tables de l'étude.</p>"
    )
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
