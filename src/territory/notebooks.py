"""The notebooks: where they are, running one on a study, and messages in French inside a kernel."""

import base64
import html
import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from traceback import walk_tb
from typing import TYPE_CHECKING, Any

import pandas as pd

from territory import errors
from territory.files.safe_files import seen_from
from territory.french.words import typeset
from territory.tables.catalogue import COLUMNS, columns_of, html_table
from territory.tables.declare import Column, Secrecy

if TYPE_CHECKING:
    from territory.release.gate import Release
    from territory.result import StudyResult

__all__ = ["Notebook", "export_html", "list_notebooks", "notebooks_folder", "run_notebook"]
# for the cells of a notebook
__all__ += ["begin", "say", "table"]

# what a kernel needs, by the name of its import
_EXTRAS = ("ipykernel", "ipyleaflet", "ipywidgets", "nbconvert", "papermill")
_INSTALL = "pip install 'territory[notebooks]'"
_NOT_DEFINED = re.compile(r"name '(.+?)' is not defined")
# widgets need a kernel: in a page, the picture beside them is shown
_SHOWN_FIRST = ("text/html", "text/markdown", "image/svg+xml", "image/png", "image/jpeg", "text/plain")
_OUTSIDE = re.compile(
    r"<script\b[^>]*\bsrc=[\"']https?://[^>]*>\s*</script>|<link\b[^>]*\bhref=[\"']https?://[^>]*>"
    r"|<script\b[^>]*type=[\"']module[\"'][^>]*>(?:(?!</script>).)*https?://(?:(?!</script>).)*</script>",
    re.DOTALL,
)


@dataclass(frozen=True)
class Notebook:
    """One notebook of the library: its name (`04_plateforme_draguignan`), its first heading and its .ipynb, empty."""

    name: str
    title: str
    path: Path


def notebooks_folder() -> Path:
    """Return the folder of the notebooks: beside the sources, or inside the installed package."""
    package = Path(__file__).parent
    for folder in (package / "_notebooks", package.parents[1] / "notebooks"):
        if any(folder.glob("[0-9][0-9]_*.ipynb")):
            return folder
    advice = "réinstallez le paquet (pip install --force-reinstall territory)"
    raise errors.MissingFileError(f"Les notebooks manquent à cette installation : {advice}.")


def list_notebooks() -> list[Notebook]:
    """List the notebooks, in order."""
    import json

    found = []
    for path in sorted(notebooks_folder().glob("[0-9][0-9]_*.ipynb")):
        cells = json.loads(path.read_text("utf-8"))["cells"]
        first = "".join(cells[0]["source"]).splitlines() if cells else []
        title = first[0].removeprefix("# ") if first else path.stem
        found.append(Notebook(path.stem, title, path))
    return found


def run_notebook(
    name: str, *, study: Path | str = "draguignan", out_dir: Path | str | None = None
) -> tuple[Path, Path]:
    """Run a copy of a notebook (`04`, or its name) on a study; return it and its page, under `reports`."""
    from territory.files.safe_files import make_folder
    from territory.study.load import built_in_studies, load_study

    known = list_notebooks()
    wanted = name.removesuffix(".ipynb").lower()
    found = [one for one in known if wanted and (one.name == wanted or one.name.startswith(f"{wanted:0>2}_"))]
    if len(found) != 1:
        names = errors.examples([one.name for one in known], most=20)
        raise errors.UnknownCodeError(f"Notebook inconnu « {name} » ; connus : {names}.")
    notebook = found[0]
    loaded = load_study(study)
    _require_extras()
    base = Path(out_dir or Path()).resolve()
    folder = make_folder(base / "reports" / loaded.id / "notebooks")
    whole = Path(study).resolve()
    given = str(study) if str(study) in built_in_studies() else seen_from(base, whole) or whole.as_posix()
    copy = folder / f"{notebook.name}.ipynb"
    _execute(notebook, copy, given, base)
    page = copy.with_suffix(".html")
    page.write_text(export_html(copy), encoding="utf-8")
    return copy, page


def export_html(path: Path) -> str:
    """Return a notebook as one page of HTML that refers to nothing outside; a picture stands for each live map."""
    _require_extras()
    from traitlets.config import Config

    nbformat: Any = import_module("nbformat")
    config = Config(NbConvertBase={"display_data_priority": list(_SHOWN_FIRST)})
    exporter: Any = import_module("nbconvert").HTMLExporter(
        template_name="lab", embed_images=True, config=config
    )
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata.pop("widgets", None)
    for output in (output for cell in notebook.cells for output in cell.get("outputs", [])):
        output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
    body, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": path.stem}})
    return _OUTSIDE.sub("", str(body)).replace('<html lang="en">', '<html lang="fr">')


def begin() -> None:
    """Prepare a kernel, as every notebook does first: check that its libraries are there, and say errors in French."""
    _require_extras()
    from IPython.core.getipython import get_ipython

    shell: Any = get_ipython()
    if shell is not None:
        shell.set_custom_exc((NameError, errors.TerritoryError), _explain)
        usual: Any = warnings.showwarning

        def shown(message: Any, category: type[Warning], *more: Any) -> None:
            if issubclass(category, errors.TerritoryWarning):
                import_module("IPython.display").display(say(f"*À savoir : {message}*"))
            else:
                usual(message, category, *more)

        setattr(warnings, "showwarning", shown)  # noqa: B010


def say(found: str | Iterable[Any]) -> Any:
    """Show a sentence in a cell, or parts of the report (what `territory.report.chapters` gives)."""
    display = import_module("IPython.display")
    if isinstance(found, str):
        return display.Markdown(typeset(found))
    return display.HTML("".join(map(_as_html, found)))


def _as_html(block: Any) -> str:
    """Write a block of the report as a cell shows it."""
    from territory.report.layout import document as doc

    def text(given: doc.Text) -> str:
        runs = ((html.escape(words), kind) for words, kind in doc.to_runs(given))
        return "".join(f"<b>{words}</b>" if kind == "strong" else words for words, kind in runs)

    if isinstance(block, doc.Heading):
        return f"<h4>{text(block.text)}</h4>"
    if isinstance(block, doc.Paragraph):
        return f"<p>{text(block.text)}</p>"
    if isinstance(block, doc.Bullets | doc.Callout):
        title = f"<p><b>{text(block.title)}</b></p>" if isinstance(block, doc.Callout) else ""
        return f"{title}<ul>{''.join(f'<li>{text(item)}</li>' for item in block.items)}</ul>"
    if isinstance(block, doc.DataTable):
        note = f"<p>{text(block.note)}</p>" if block.note else ""
        shown = pd.DataFrame(list(block.rows), columns=list(block.headers))
        return html_table(shown, title=block.caption, sides=block.align) + note
    if isinstance(block, doc.Picture):
        said = " ".join(filter(None, (block.caption, block.source and f"Source : {block.source}")))
        drawn = f'src="data:image/svg+xml;base64,{base64.b64encode(block.svg).decode()}"'
        image = f'<img style="max-width:100%" alt="{html.escape(block.alt)}" {drawn}>'
        return f"<figure style='margin:0'>{image}<figcaption>{text(said)}</figcaption></figure>"
    inside = block.blocks if isinstance(block, doc.Part) else [*block.blocks, block.picture]
    return "".join(map(_as_html, inside))


def table(
    frame: pd.DataFrame, result: "StudyResult | Release | None" = None, *, of: str = "", title: str = ""
) -> Any:
    """Show a table in a cell: French headings (those of the table `of`), units, decimals, the names that a study gives.

    What counts children served, or money, is a `ParameterError`: `territory.release` says what of it may be shown.
    """
    known = {**COLUMNS, **(columns_of(of) if of else {})}
    kept = (Secrecy.PUBLIC, Secrecy.ESTIMATE, Secrecy.MEAN)
    numbers = [name for name in frame.select_dtypes("number") if name in known]
    if secret := [str(name) for name in numbers if known[name].secrecy not in kept]:
        raise errors.ParameterError(
            f"Colonnes qui ne se montrent pas : {', '.join(secret)} ; elles sont dans le rapport."
        )
    is_numbered = not any(frame.index.names) and pd.api.types.is_integer_dtype(frame.index.dtype)
    shown = frame.reset_index(drop=is_numbered)
    if result is not None:
        from territory.report.files.workbook import text_of
        from territory.report.reading import Reading

        reading = Reading(import_module("territory.release").release(result))
        texts: dict[str, Any] = {}
        for name in map(str, shown.select_dtypes(["object", "string", "category"])):
            column = known.get(name, Column(name, name, ""))
            values = shown[name].astype(object)
            texts[name] = [text_of(one, column, reading) if isinstance(one, str) else one for one in values]
        shown = shown.assign(**texts)
    return import_module("IPython.display").HTML(html_table(shown, title=title, of=of))


def _explain(shell: Any, kind: type[BaseException], error: BaseException, trace: Any, **_: Any) -> list[str]:
    """Show an error in a few words; the usual trace where it says more."""
    said = _in_french(error)
    if said is None:
        lines: list[str] = shell.InteractiveTB.structured_traceback(kind, error, trace)
    else:
        lines = [said]
    shell._showtraceback(kind, error, lines)
    return lines


def _in_french(error: BaseException) -> str | None:
    """Return what to tell a planner about an error, None where there is nothing better than its trace."""
    if isinstance(error, errors.TerritoryError):
        return f"Erreur : {error}"
    found = _NOT_DEFINED.search(str(error))
    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    # a name that a library lacks is its own mistake, and no cell out of order
    if found is None or not frames or frames[-1].f_globals.get("__name__") != "__main__":
        return None
    said = f"« {found[1]} » n'existe pas encore : les cellules s'exécutent dans l'ordre, de haut en bas"
    return f"{said}. Menu « Exécution », puis « Exécuter toutes les cellules »."


def _require_extras() -> None:
    """Say which libraries of the extra are absent, and how to install them."""
    absent = [name for name in _EXTRAS if not _is_installed(name)]
    if absent:
        raise errors.MissingExtraError(
            f"Il manque {', '.join(absent)} : {_INSTALL}, puis redémarrez le noyau."
        )


def _is_installed(name: str) -> bool:
    """Return whether a library can be imported, without importing it."""
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _execute(notebook: Notebook, copy: Path, study: str, base: Path) -> None:
    """Run a copy of a notebook; a cell that fails is told in one sentence."""
    import papermill
    from papermill.exceptions import PapermillExecutionError

    try:
        options: dict[str, Any] = {"progress_bar": False, "log_output": False, "kernel_name": "python3"}
        given: dict[str, Any] = {"parameters": {"etude": study}, "cwd": str(base)}
        done = papermill.execute_notebook(str(notebook.path), str(copy), **given, **options)
    except PapermillExecutionError as error:
        # what `begin` says is one text; a trace is many lines, of which the value says enough
        said = error.traceback[0] if len(error.traceback) == 1 else f"{error.ename} : {error.evalue}"
        raise errors.StudyError(
            f"Notebook {notebook.name} : une cellule a échoué. {said}\n"
            f"Ce qui a été exécuté est dans {copy.relative_to(base).as_posix()}."
        ) from error
    # a copy that is handed over does not say whose machine made it
    for key in ("input_path", "output_path"):
        done.metadata.get("papermill", {}).pop(key, None)
    import_module("nbformat").write(done, copy)
