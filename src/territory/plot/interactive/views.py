"""What an interactive map may show: the class of each commune, its legend, and the words under the mouse."""

import html
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from territory.access.deserts import class_labels
from territory.errors import ParameterError
from territory.french.numbers import NBSP, minutes, signed
from territory.plot import style
from territory.plot.maps.legend import OUTSIDE, UNKNOWN, Category, change_classes, shown, time_classes
from territory.release.shown import Effects, Situation
from territory.tables.declare import CODES

# what the effect of a scenario is, in words that stand alone
EFFECT_WORDS = CODES["effect_words"]
# on a screen there are no hatches: what is outside is a darker grey than what cannot be told
_OUTSIDE_COLOR = "#c9d1d7"
_LOSS_LINE = "#6b2903"
METHODS = CODES["times_methods"]


@dataclass(frozen=True)
class View:
    """One way to colour the communes: the category of each, the legend in order, and its words, escaped for HTML."""

    title: str  # with its unit
    keys: pd.Series
    legend: tuple[Category, ...]
    texts: pd.Series
    note: str = ""  # source and caution


def times_view(situation: Situation, service: str, *, label: str, note: str = "") -> View:
    """Colour communes by their travel time to a service."""
    rows = _rows_of(situation.access, service)
    breaks = sorted(situation.thresholds_min)[:4]
    classes = time_classes(rows["travel_time_min"], breaks=breaks, is_reachable=rows["is_reachable"])
    columns = rows[["travel_time_min", "uncertainty_min", "is_reachable"]]
    texts = pd.Series([_time_words(*row) for row in columns.itertuples(index=False)], index=rows.index)
    title = f"Temps de route vers : {label} (minutes)"
    return View(title, classes.keys, shown(classes.legend, classes.keys), texts, note)


def changes_view(effects: Effects, service: str, *, label: str, note: str = "") -> View:
    """Colour communes by what a scenario changes for them."""
    if service not in effects.services:
        moved = ", ".join(effects.services) or "aucun"
        raise ParameterError(f"Ce scénario ne déplace pas « {service} » ; services déplacés : {moved}.")
    rows = _rows_of(effects.communes, service)
    classes = change_classes(rows["delta_travel_time_min"], rows["effect"])
    columns = rows[["baseline_travel_time_min", "scenario_travel_time_min", "effect"]]
    texts = []
    for before, after, effect in columns.itertuples(index=False):
        change = f"{minutes(after)} ensuite ({signed(after - before)}{NBSP}min)<br>{EFFECT_WORDS[effect]}"
        texts.append(f"{minutes(before)} aujourd'hui, {change}")
    legend = [c._replace(color=_OUTSIDE_COLOR) if c.key == OUTSIDE.key else c for c in classes.legend]
    name = f"Scénario {effects.scenario_id}" if effects.name != "Essai" else "Essai"
    title = f"{name}, écart de temps vers : {label} (minutes)"
    return View(title, classes.keys, shown(legend, classes.keys), pd.Series(texts, index=rows.index), note)


def deserts_view(table: pd.DataFrame) -> View:
    """Colour communes by the number of criteria of desert that they meet."""
    if "criterion" in table.index.names:
        labels = table.groupby(level="commune_code", sort=False)["desert_class"].first()
        in_desert = table["status"].eq("en désert")
        met = table.reset_index("criterion")[in_desert.to_numpy()].groupby(level=0)["criterion"].agg(list)
        total = table.index.get_level_values("criterion").nunique()
    else:
        labels, total = table["desert_class"], table.columns.str.endswith("_is_met").sum()
        flags = table.filter(like="_is_met").rename(columns=lambda name: name.removesuffix("_is_met"))
        met = flags.fillna(False).apply(lambda row: list(row.index[row.astype(bool)]), axis=1)
    names = class_labels(int(total))
    legend = []
    for i, name in enumerate(names[:-1]):
        step = round(i * (len(style.SEQUENTIAL) - 1) / max(len(names) - 2, 1))
        legend.append(Category(f"desert{i}", name, style.SEQUENTIAL[step]))
    legend.append(UNKNOWN._replace(label=names[-1]))
    key_of = {category.label: category.key for category in legend}
    said = met.reindex(labels.index)
    texts = [
        html.escape(f"{label} : {', '.join(found)}" if isinstance(found, list) and found else str(label))
        for label, found in zip(labels, said, strict=True)
    ]
    keys = labels.astype(str).map(key_of).fillna(UNKNOWN.key)
    title = "Critères de désert médical remplis (nombre)"
    return View(title, keys, tuple(legend), pd.Series(texts, index=labels.index))


def legend_html(view: View, extra: Mapping[str, str] | None = None) -> str:
    """Write the legend of a view as HTML, every text escaped."""
    rows = [(category.color, category.label, border_of(category.key)) for category in view.legend]
    rows += [(color, label, ("#16242f", "")) for label, color in (extra or {}).items()]
    lines = "".join(
        "<div style='display:flex;align-items:center;gap:8px;line-height:1.35;margin:2px 0'>"
        f"<span style='flex:none;width:20px;height:13px;background:{color};"
        f"border:1px {'dashed' if dash else 'solid'} {line}'></span><span>{html.escape(label)}</span></div>"
        for color, label, (line, dash) in rows
    )
    title = f"<div style='font-weight:600;line-height:1.3;margin-bottom:4px'>{html.escape(view.title)}</div>"
    note = f"<p style='color:{style.MUTED};margin:6px 0 0;line-height:1.3'>{html.escape(view.note)}</p>"
    return f"<div style='font-size:13px;color:{style.INK}'>{title}{lines}{note if view.note else ''}</div>"


def border_of(key: str) -> tuple[str, str]:
    """Return the colour and the dashes of the border of a class: losses are dashed, for a grey print too."""
    return (_LOSS_LINE, "4 3") if key.startswith("loss") else (style.RULE, "")


def _rows_of(table: pd.DataFrame, service: str) -> pd.DataFrame:
    known = table.index.get_level_values("service")
    if service not in known:
        listed = ", ".join(map(str, known.unique()))
        raise ParameterError(f"Service inconnu « {service} » ; connus : {listed}.")
    return table[known == service].droplevel("service")


def _time_words(time: float, doubt: float, is_reachable: object) -> str:
    if is_reachable is not pd.NA and not is_reachable:
        return "hors d'atteinte dans la limite de l'étude"
    said = minutes(time)
    return f"{said} (à {minutes(doubt)} près)" if doubt == doubt and time == time else said
