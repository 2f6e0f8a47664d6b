"""The panel beside the map: say what changes where, see who gains and who loses, keep it, make its report."""

import html
import math
import re
import subprocess
import sys
import threading
import webbrowser
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import ipywidgets
import pandas as pd

from territory.errors import TerritoryError
from territory.french.numbers import NBSP, decimal, minutes
from territory.french.words import INTERVALS, at_place, capital, of_ages, persons, ranged, typeset
from territory.plot import style
from territory.release.shown import Tried, interval_of
from territory.scenario.trial import PLACED, Outcome, Step, Trial
from territory.study.load import built_in_studies
from territory.study.save import save_scenario
from territory.study.words.model import Study
from territory.tables.declare import CODES
from territory.tables.schemas import plain_texts

Changed = Callable[[Tried | None], None]
ON_THE_MAP = "— point choisi sur la carte —"
_SAID = {"move": " ", "branch": " et une antenne ", "open": " et un autre ", "close": " : fermeture"}
# each control has a layout of its own, made of this: one that hides hides alone
_WIDE = {"width": "auto"}
_SCENARIO_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_COLORS = {
    "gain": style.GAINS[2],
    "loss": style.LOSSES[2],
    "indistinct": style.INDISTINCT,
    "without": style.OUT_OF_REACH_COLOR,
    "entering": style.ENTERING,
    "leaving": style.LOSSES[1],
}


class TrialPanel:
    """Widgets of a trial; `changed` is called with each new outcome, or None when it cannot be computed."""

    def __init__(
        self, trial: Trial, study: Study | None, labels: Mapping[str, str], changed: Changed
    ) -> None:
        self._trial, self._study, self._labels, self._changed = trial, study, labels, changed
        self._is_busy = False
        self._saved: tuple[Any, ...] = ()
        self.outcome: Tried | None = None
        # the changes that the next one is added to, and the run of the report
        self.steps: list[Step] = []
        self.job: threading.Thread | None = None
        look = {"layout": _WIDE, "style": {"description_width": "90px"}}
        pick, text = partial(ipywidgets.Dropdown, **look), partial(ipywidgets.Text, **look)
        services = [(labels.get(name, name), name) for name in trial.services]
        self.service = pick(options=services, description="Service")
        acts = [(said, act) for act, said in CODES["trial_acts"].items()]
        self.act = pick(options=acts, description="Que faire ?")
        self.site = pick(options=[], description="Site fermé")
        self.commune = pick(options=_choices(trial), description="Commune")
        self.commune.value = _first_commune(trial, study)
        self.places = text(placeholder="inchangées", description="Places", continuous_update=False)
        self.numbers, self.kept, self.said = (ipywidgets.HTML(layout=_WIDE) for _ in range(3))
        button = partial(ipywidgets.Button, layout=_WIDE)
        self.more = button(description="Ajouter un autre changement")
        self.clear = button(description="Effacer l'essai")
        self.scenario_id = text(value="essai", description="Identifiant")
        self.scenario_name = text(placeholder="en une phrase", description="Nom")
        self.file = text(value=_file_of(study), description="Fichier")
        self.save = button(description="Enregistrer l'étude (.toml)", button_style="primary")
        self.run = button(description="Calculer et ouvrir le rapport")
        self.widget = self._laid_out()
        self._longitude: float | None = None
        self._latitude: float | None = None
        for control in (self.service, self.act, self.site, self.places):
            control.observe(lambda _: None if self._is_busy else self.compute(), "value")
        self.commune.observe(self._commune_chosen, "value")
        self.more.on_click(lambda _: self._add())
        self.clear.on_click(lambda _: self._forget())
        self.save.on_click(lambda _: self._save())
        self.run.on_click(lambda _: self._run())

    def _laid_out(self) -> Any:
        asked = (self.service, self.act, self.site, self.commune, self.places)
        tried = (*asked, self.numbers, self.kept, self.more, self.clear)
        saved = (self.scenario_id, self.scenario_name, self.file, self.save, self.run, self.said)
        shown = [_title("Essayer un autre lieu"), *tried, _title("Garder cet essai"), *saved]
        return ipywidgets.VBox(shown, layout=ipywidgets.Layout(**_WIDE))

    @property
    def place(self) -> tuple[float, float] | None:
        """Longitude and latitude of the new place."""
        site = None if self.outcome is None else self.outcome.site
        return None if site is None else self._trial.point_of(site)

    def put_at(self, longitude: float, latitude: float) -> None:
        """Put the new place at a point, as a marker that is dragged does."""
        if self._is_busy:
            return
        self._longitude, self._latitude = longitude, latitude
        self._is_busy = True
        self.commune.value = None
        if self.act.value not in PLACED:
            self.act.value = "move"
        self._is_busy = False
        self.compute()

    def _commune_chosen(self, change: dict[str, Any]) -> None:
        """Forget the point of the map when a commune is chosen."""
        if self._is_busy or change["new"] is None:
            return
        self._longitude = self._latitude = None
        self.compute()

    def _add(self) -> None:
        """Keep the change that is shown: the next one is made with it."""
        if self.outcome is not None:
            self.steps.append(self._step())
            changed = {step.service for step in self.steps}
            left = [name for name in self._trial.services if name not in changed]
            self._is_busy = True
            self.service.value, self.places.value = (left or [self.service.value])[0], ""
            self._is_busy = False
            self.compute()

    def _forget(self) -> None:
        """Forget every change but the first choices."""
        self.steps = []
        self._is_busy = True
        self.act.value, self.places.value, self.said.value = "move", "", ""
        self._is_busy = False
        self.compute()

    @plain_texts
    def compute(self) -> None:
        """Compute the trial and show it; an error is one sentence."""
        self._is_busy = True
        sites = self._trial.services[self.service.value]
        if list(self.site.options) != sites:
            self.site.options = sites
        is_placed, is_closed = self.act.value in PLACED, self.act.value == "close"
        for control, is_used in ((self.commune, is_placed), (self.places, not is_closed)):
            control.layout.display = "" if is_used else "none"
        self.site.layout.display = "" if is_closed and len(sites) > 1 else "none"
        try:
            self.outcome = Tried.of(self._tried())
            self.numbers.value = _numbers(self.outcome, self._trial, self.service.value)
        except (TerritoryError, ValueError) as error:
            self.outcome = None
            self.numbers.value = _message(str(error), wrong=True)
        finally:
            self._is_busy = False
        told = "".join(f"<li>{html.escape(self._name_of(step))}</li>" for step in self.steps)
        self.kept.value = f"Avec&nbsp;:<ul style='margin:0'>{told}</ul>" if told else ""
        self._changed(self.outcome)

    def _step(self) -> Step:
        """Return the change that is asked for."""
        act, place = self.act.value, {}
        if act in PLACED:
            point = {"longitude": self._longitude, "latitude": self._latitude}
            place = {"commune_code": self.commune.value, **point}
        capacity = None if act == "close" else _number(self.places.value)
        if act == "places" and capacity is None:
            raise ValueError("Écrivez le nombre de places.")
        return Step(act, self.service.value, capacity=capacity, site_id=self.site.value, **place)

    def _tried(self, **named: Any) -> Outcome:
        """Make the changes kept and the one that is asked for."""
        return self._trial.answer([*self.steps, self._step()], **named)

    def _name_of(self, step: Step) -> str:
        """Say one change, as the page of a study names a trial."""
        names, code = self._trial.state.communes["name"], step.commune_code
        where = "à un point de la carte" if code is None else at_place(str(names[code]))
        capacity = "" if step.capacity is None else f" ({decimal(step.capacity, 0)} places)"
        said = self._labels.get(step.service, step.service) + _SAID.get(step.act, "")
        return said + (where if step.act in PLACED else "") + capacity

    def _save(self) -> Path | None:
        """Write the scenario, once, and say how to run it from anywhere; None when it cannot be."""
        scenario_id = self.scenario_id.value.strip()
        path = Path(self.file.value.strip()).expanduser().absolute()
        based_on = "draguignan" if self._study is None else self._study.id
        own = _file_of(self._study)
        try:
            if not _SCENARIO_ID.fullmatch(scenario_id):
                raise ValueError("L'identifiant est fait de lettres sans accent, de chiffres et de tirets.")
            name = self.scenario_name.value.strip() or f"Essai : {self._name_of(self._step())}"
            asked = (scenario_id, name, path, *self.steps, self._step())
            if asked != self._saved:
                outcome = self._tried(scenario_id=scenario_id, name=name)
                source = based_on if based_on in built_in_studies() else own
                save_scenario(outcome.scenario, path, sites=outcome.sites, based_on=source)
                self._saved = asked
        except (TerritoryError, ValueError) as error:
            self.said.value = _message(str(error), wrong=True)
            return None
        self.file.value = path.as_posix()
        self.said.value = _message(
            f"Scénario « {scenario_id} » enregistré dans {path.as_posix()}. Pour le calculer, de n'importe où : "
            f'territory run "{path.as_posix()}", ou ici : territory.run_study("{path.as_posix()}", out_dir=".")'
        )
        return path

    def _run(self) -> None:
        """Compute the study that is saved, beside the notebook that goes on, and open its report."""
        path = self._save()
        if path is None or (self.job is not None and self.job.is_alive()):
            return
        self.run.disabled = True
        self.said.value += _message("Calcul en cours : le rapport s'ouvrira dans un autre onglet.")
        self.job = threading.Thread(target=self._make_report, args=(path,), daemon=True)
        self.job.start()

    def _make_report(self, path: Path) -> None:
        """Run the study as the command does, then open the report, or say why there is none."""
        command = [sys.executable, "-m", "territory", "run", str(path), "--out", str(path.parent)]
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
        found = sorted((path.parent / "reports").glob("*/rapport.pdf"), key=lambda one: one.stat().st_mtime)
        if done.returncode or not found:
            self.said.value = _message(f"Le calcul n'a pas abouti. {done.stderr.strip()[-600:]}", wrong=True)
        else:
            webbrowser.open(found[-1].as_uri())
            self.said.value = _message(f"Rapport : {found[-1].as_posix()}")
        self.run.disabled = False


def _choices(trial: Trial) -> list[tuple[str, str | None]]:
    """Return the communes of the territory by name; two of one name are told apart by their code."""
    communes = trial.state.communes
    inside = communes[communes.index.isin(trial.state.parameters.territory_codes)]
    names = inside["name"].astype(str)
    shown = names.where(~names.duplicated(keep=False), names + " (" + names.index.astype(str) + ")")
    return [*sorted(zip(shown, shown.index.astype(str), strict=True)), (ON_THE_MAP, None)]


def _first_commune(trial: Trial, study: Study | None) -> str:
    """Return where the first trial is: the site that the study declares, or else its largest commune."""
    inside = trial.state.communes[trial.state.communes.index.isin(trial.state.parameters.territory_codes)]
    sites = study.site if study else ()
    declared = [site.commune_code for site in sites if site.commune_code in inside.index]
    largest = inside["population"].fillna(0).to_numpy().argmax()
    return declared[0] if declared else str(inside.index[int(largest)])


def _file_of(study: Study | None) -> str:
    """Return the file that a scenario would be added to, wherever it is: a copy, for a built-in study."""
    if study is None:
        return "mon-etude.toml"
    if study.id in built_in_studies():
        return f"{study.id}-essai.toml"
    own = re.compile(rf"""(?m)^id\s*=\s*["']{re.escape(study.id)}["']""")
    folder = Path(study.folder).absolute()
    found = [path for path in sorted(folder.glob("*.toml")) if own.search(path.read_text("utf-8", "replace"))]
    return (found or [folder / f"{study.id}.toml"])[0].as_posix()


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


def _numbers(outcome: Tried, trial: Trial, service: str) -> str:
    """Write what the trial changes, as a table."""
    figures = outcome.figures
    limit = minutes(trial.state.parameters.recruitment_max_min)
    box = f"<div style='font-size:13px;line-height:1.45;color:{style.INK}'>"
    if outcome.site is not None:
        commune = str(trial.state.communes["name"][outcome.site.commune_code])
        box += f"<div>Lieu essayé : <b>{html.escape(commune)}</b></div>"
    if figures is None:
        # a panel counts no child served: it could not withhold what gives one back
        return (
            f"{box}<div style='margin-top:6px'>Enfants accompagnés : effectifs et moyennes sont dans le rapport "
            "et les tables d'une étude, sous le secret statistique. Enregistrez l'essai et relancez.</div></div>"
        )
    if service not in outcome.effects.services:
        box += "<div>Aucun trajet ne change pour ce service : l'étude compte le reste (places, soins proches).</div>"
    services = trial.state.services
    ages = services.loc[services["authorisation_id"] == service, ["age_min", "age_max"]]
    whom = capital(of_ages(float(ages["age_min"].min()), float(ages["age_max"].max())))
    table = "<table style='width:100%;border-collapse:collapse'>"
    rates = (decimal(value, 2) for value in outcome.capacity_per_1000)
    body = _row("Places pour 1 000 pers.", *rates)
    if service in outcome.effects.services:
        before, after = (minutes(figures[f"{side}_mean_min"]) for side in ("baseline", "scenario"))
        told = figures["is_mean_distinguishable"]
        body += _row("Temps moyen", before, after + ("" if told is not pd.NA and told else " ≈"))
    body += f"<tr><td colspan='3' style='padding-top:5px'>{whom} du territoire :</td></tr>" + "".join(
        _row(f"À {minutes(float(bound))} ou moins", persons(before), persons(after))
        for bound, before, after in outcome.coverage.itertuples()
    )
    found = {key: float(figures.get(f"persons_{key}", math.nan)) for key in _COLORS}
    counted = {key: typeset(ranged(value, *interval_of(figures, key))) for key, value in found.items()}
    effects = "".join(
        "<tr><td style='padding:1px 0 1px 19px;text-indent:-19px'><span style='display:inline-block;width:11px;"
        f"height:11px;margin-right:6px;background:{color};border:1px solid {style.RULE}'></span>{CODES['effects'][key]}"
        f"</td><td style='text-align:right;white-space:nowrap'><b data-effect='persons_{key}'>{counted[key]}"
        "</b></td></tr>"
        for key, color in _COLORS.items()
        if key != "without" or figures["persons_without"]
    )
    note = f"<div>{INTERVALS}</div>" if any(" à " in text for text in counted.values()) else ""
    head = "<tr><td></td><td style='text-align:right'>aujourd'hui</td><td style='text-align:right'>essai</td></tr>"
    return (
        f"{box}{table}{head}{body}</table><div style='margin-top:6px'>{whom}, à {limit} ou moins du site "
        f"d'aujourd'hui :</div>{table}{effects}</table>{note}</div>"
    )


def _row(label: str, before: str, after: str) -> str:
    """Write one row of the table: today, then the trial."""
    right = "text-align:right;white-space:nowrap;padding-left:8px"
    return (
        f"<tr><td>{html.escape(label)}</td><td style='{right}'>{html.escape(before)}</td>"
        f"<td style='{right}'><b>{html.escape(after)}</b></td></tr>"
    )


def _message(text: str, *, wrong: bool = False) -> str:
    color = style.LOSS if wrong else style.ACCENT
    lines = "<br>".join(html.escape(line) for line in text.splitlines())
    return f"<div style='font-size:13px;line-height:1.35;color:{color}'>{lines}</div>"


def _title(text: str) -> Any:
    look = f"font-size:14px;color:{style.ACCENT};line-height:1.2"
    return ipywidgets.HTML(f"<b style='{look}'>{html.escape(text)}</b>")
