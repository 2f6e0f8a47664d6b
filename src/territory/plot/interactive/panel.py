"""The panel beside the map: choose a service and a place, see what changes, keep it as a scenario."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import ipywidgets

from territory.errors import TerritoryError
from territory.french.numbers import NBSP, decimal, minutes
from territory.french.words import INDISTINCT
from territory.plot import style
from territory.plot.interactive.views import persons
from territory.release.shown import Tried
from territory.scenario.trial import Outcome, Trial
from territory.study.load import built_in_studies
from territory.study.save import save_scenario
from territory.study.words.model import Study

ON_THE_MAP = "— point choisi sur la carte —"
_WIDE = ipywidgets.Layout(width="100%")
_SCENARIO_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


class TrialPanel:
    """Widgets of a trial; `changed` is called with each new outcome, or None when it cannot be computed."""

    def __init__(
        self,
        trial: Trial,
        study: Study | None,
        labels: Mapping[str, str],
        changed: Callable[[Tried | None], None],
    ) -> None:
        self._trial, self._study, self._changed = trial, study, changed
        self._is_busy = False
        self.outcome: Tried | None = None
        services = [(labels.get(name, name), name) for name in trial.services]
        self.service = ipywidgets.Dropdown(options=services, description="Service", layout=_WIDE)
        self.commune = ipywidgets.Dropdown(options=_choices(trial), description="Nouveau lieu", layout=_WIDE)
        self.commune.value = _first_commune(trial, study)
        text = partial(ipywidgets.Text, layout=_WIDE)
        self.places = text(placeholder="inchangées", description="Places", continuous_update=False)
        self.numbers = ipywidgets.HTML(layout=_WIDE)
        self.scenario_id = text(value="essai", description="Identifiant")
        self.scenario_name = text(placeholder="en une phrase", description="Nom")
        self.file = text(value=_file_of(study), description="Fichier")
        save = {"description": "Enregistrer ce scénario", "button_style": "primary"}
        self.save = ipywidgets.Button(**save, layout=_WIDE)
        self.said = ipywidgets.HTML(layout=_WIDE)
        self.widget = self._laid_out()
        self._longitude: float | None = None
        self._latitude: float | None = None
        self.service.observe(lambda _: self.compute(), "value")
        self.places.observe(lambda _: self.compute(), "value")
        self.commune.observe(self._commune_chosen, "value")
        self.save.on_click(lambda _: self._save())

    def _laid_out(self) -> Any:
        """Return the widgets, one under the other."""
        kept = (self.scenario_id, self.scenario_name, self.file)
        for control in (self.service, self.commune, self.places, *kept):
            control.style.description_width = "90px"
        keep = ipywidgets.VBox([*kept, self.save, self.said])
        tried = (self.service, self.commune, self.places, self.numbers)
        every = [_title("Essayer un scénario"), *tried, _title("Le garder"), keep]
        return ipywidgets.VBox(every, layout=ipywidgets.Layout(width="100%"))

    @property
    def place(self) -> tuple[float, float] | None:
        """Longitude and latitude of the new place."""
        return None if self.outcome is None else self._trial.point_of(self.outcome.site)

    def put_at(self, longitude: float, latitude: float) -> None:
        """Put the new place at a point, as a marker that is dragged does."""
        if self._is_busy:
            return
        self._longitude, self._latitude = longitude, latitude
        self._is_busy = True
        self.commune.value = None
        self._is_busy = False
        self.compute()

    def _commune_chosen(self, change: dict[str, Any]) -> None:
        """Forget the point of the map when a commune is chosen."""
        if self._is_busy or change["new"] is None:
            return
        self._longitude = self._latitude = None
        self.compute()

    def compute(self) -> None:
        """Compute the trial and show it; an error is one sentence."""
        self._is_busy = True
        try:
            self.outcome = Tried.of(self._moved())
            self.numbers.value = _numbers(self.outcome, self._trial)
        except (TerritoryError, ValueError) as error:
            self.outcome = None
            self.numbers.value = _message(str(error), wrong=True)
        finally:
            self._is_busy = False
        self._changed(self.outcome)

    def _moved(self, **named: Any) -> Outcome:
        """Move the service to what is chosen."""
        place: Any = {
            "commune_code": self.commune.value,
            "longitude": self._longitude,
            "latitude": self._latitude,
        }
        return self._trial.move(self.service.value, capacity=_number(self.places.value), **place, **named)

    def _save(self) -> None:
        """Write the scenario, and say how to make its report."""
        scenario_id, path = self.scenario_id.value.strip(), Path(self.file.value.strip())
        name = self.scenario_name.value.strip() or f"Essai : {self.service.label}"
        based_on = "draguignan" if self._study is None else self._study.id
        try:
            if not _SCENARIO_ID.fullmatch(scenario_id):
                raise ValueError("L'identifiant est fait de lettres sans accent, de chiffres et de tirets.")
            outcome = self._moved(scenario_id=scenario_id, name=name)
            study = save_scenario(outcome.scenario, path, sites=[outcome.site], based_on=based_on)
        except (TerritoryError, ValueError) as error:
            self.said.value = _message(str(error), wrong=True)
            return
        self.file.value = path.as_posix()
        self.said.value = _message(
            f"Scénario « {scenario_id} » ajouté à {path.as_posix()} ({len(study.scenario)} scénarios). Son rapport : "
            f'territory.run_study("{path.as_posix()}", out_dir=".")'
        )


def _choices(trial: Trial) -> list[tuple[str, str | None]]:
    """Return the communes of the territory by name; two of one name are told apart by their code."""
    communes = trial.state.communes
    inside = communes[communes.index.isin(trial.state.parameters.territory_codes)]
    names = inside["name"].astype(str)
    twice = names.duplicated(keep=False)
    shown = names.where(~twice, names + " (" + names.index.astype(str) + ")")
    choices = sorted(zip(shown, shown.index.astype(str), strict=True))
    return [*choices, (ON_THE_MAP, None)]


def _first_commune(trial: Trial, study: Study | None) -> str:
    """Return where the first trial is: the site that the study declares, or else its largest commune."""
    inside = trial.state.communes[trial.state.communes.index.isin(trial.state.parameters.territory_codes)]
    sites = study.site if study else ()
    declared = [site.commune_code for site in sites if site.commune_code in inside.index]
    largest = inside["population"].fillna(0).to_numpy().argmax()
    return declared[0] if declared else str(inside.index[int(largest)])


def _file_of(study: Study | None) -> str:
    """Return the file that a scenario would be added to: a copy, for a built-in study."""
    if study is None:
        return "mon-etude.toml"
    if study.id in built_in_studies():
        return f"{study.id}-essai.toml"
    return (Path(study.folder) / f"{study.id}.toml").as_posix()


def _number(text: str) -> float | None:
    """Read a number of places; nothing means unchanged."""
    cleaned = text.replace(NBSP, "").replace("\u202f", "").replace(" ", "").replace(",", ".")
    if not cleaned:
        return None
    try:
        value = float(cleaned)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"« {text} » n'est pas un nombre de places : écrivez par exemple 24.")
    return value


def _numbers(outcome: Tried, trial: Trial) -> str:
    """Write what the trial changes, as a table."""
    figures = outcome.figures
    limit = decimal(trial.state.parameters.recruitment_max_min, 0)
    commune = str(trial.state.communes["name"][outcome.site.commune_code])
    box = f"<div style='font-size:13px;line-height:1.45;color:{style.INK}'>"
    where = f"{box}<div>Lieu essayé : <b>{html.escape(commune)}</b></div>"
    if figures is None:
        # a panel counts no child served: it could not withhold what gives one back
        return (
            f"{where}<div style='margin-top:6px'>Enfants accompagnés : effectifs et moyennes sont dans le rapport "
            "et les tables d'une étude, sous le secret statistique. Enregistrez l'essai et relancez.</div></div>"
        )
    whom = "Personnes de l'âge accueilli"
    table = "<table style='width:100%;border-collapse:collapse'>"
    rates = (decimal(value, 2) for value in outcome.capacity_per_1000)
    body = (
        _row("Temps moyen", minutes(figures["baseline_mean_min"]), minutes(figures["scenario_mean_min"]))
        + _row("Places pour 1 000 pers.", *rates)
        + f"<tr><td colspan='3' style='padding-top:5px'>{whom} du territoire :</td></tr>"
        + "".join(
            _row(f"À {decimal(float(bound), 0)} min ou moins", persons(before), persons(after))
            for bound, before, after in outcome.coverage.itertuples()
        )
    )
    effects = "".join(
        f"<tr><td style='padding:1px 0'><span style='display:inline-block;width:11px;height:11px;margin-right:6px;"
        f"background:{color};border:1px solid {style.RULE}'></span>{label}</td>"
        f"<td style='text-align:right'><b data-effect='{key}'>{persons(float(figures[key]))}</b></td></tr>"
        for key, label, color in (
            ("persons_gain", "trajet plus court", style.GAINS[2]),
            ("persons_loss", "trajet plus long", style.LOSSES[2]),
            ("persons_indistinct", INDISTINCT, style.INDISTINCT),
            ("persons_leaving", f"passent au-delà de {limit} min", style.LOSSES[1]),
            ("persons_entering", f"passent en deçà de {limit} min", style.ENTERING),
        )
    )
    head = "<tr><td></td><td style='text-align:right'>aujourd'hui</td><td style='text-align:right'>essai</td></tr>"
    return (
        f"{where}{table}{head}{body}</table>"
        f"<div style='margin-top:6px'>{whom} à {limit} min ou moins aujourd'hui :</div>{table}{effects}</table></div>"
    )


def _row(label: str, before: str, after: str) -> str:
    """Write one row of the table: today, then the trial."""
    right = "text-align:right;white-space:nowrap;padding-left:8px"
    return (
        f"<tr><td>{html.escape(label)}</td><td style='{right}'>{html.escape(before)}</td>"
        f"<td style='{right}'><b>{html.escape(after)}</b></td></tr>"
    )


def _message(text: str, *, wrong: bool = False) -> str:
    """Write a sentence under the controls."""
    color = style.LOSS if wrong else style.ACCENT
    lines = "<br>".join(html.escape(line) for line in text.splitlines())
    return f"<div style='font-size:13px;line-height:1.35;color:{color}'>{lines}</div>"


def _title(text: str) -> Any:
    """Return a heading."""
    look = f"font-size:14px;color:{style.ACCENT};line-height:1.2"
    return ipywidgets.HTML(f"<b style='{look}'>{html.escape(text)}</b>")
