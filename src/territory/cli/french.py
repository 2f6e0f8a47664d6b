"""What the command line says by itself, in French: help, options of several commands, wrong usage, warnings."""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from territory.errors import TerritoryWarning
from territory.tables.declare import lines_of

# the library has no catalogue of its own: its few sentences are replaced one by one
_SENTENCES = [(line["pattern"], line["french"]) for line in lines_of("sentences.csv", "territory.cli")]


def in_french(text: str) -> str:
    """Return a sentence of the command-line library in French."""
    for pattern, french in _SENTENCES:
        text = re.sub(pattern, french, text)
    return text


class _French:
    """What says its help and its usage in French."""

    def get_help(self, ctx: Any) -> str:
        """Return the help."""
        return in_french(super().get_help(ctx))  # type: ignore[misc]

    def get_usage(self, ctx: Any) -> str:
        """Return the line of usage."""
        return in_french(super().get_usage(ctx))  # type: ignore[misc]


class FrenchCommand(_French, TyperCommand):
    """A command whose help is in French."""


class FrenchGroup(_French, TyperGroup):
    """A group of commands whose help is in French."""


# what is said of each option and argument, by the function of its command
_SAID = {(line["command"], line["name"]): line for line in lines_of("options.csv", "territory.cli")}


def option(command: str, name: str) -> Any:
    """Declare an option of a command: a flag where nothing is said of a value."""
    said = _SAID[command, name]
    return typer.Option(name, metavar=said["metavar"] or None, help=said["help"])


def argument(command: str, metavar: str) -> Any:
    """Declare an argument of a command."""
    return typer.Argument(metavar=metavar, help=_SAID[command, metavar]["help"])


def say(step: str) -> None:
    """Announce one step."""
    typer.echo(f"{step}…", err=True)


def group(name: str, text: str, **options: Any) -> typer.Typer:
    """Return a group of commands, with what it says of itself."""
    options |= {"no_args_is_help": True, "rich_markup_mode": None}
    return typer.Typer(name=name, cls=FrenchGroup, help=text, **options)


@contextmanager
def in_sentences() -> Iterator[None]:
    """Show the warnings of the block as sentences, each once."""
    said: set[str] = set()

    def show(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        if str(message) in said:
            return
        said.add(str(message))
        # a warning of a library that the run uses keeps its kind, which is all that tells it apart
        kind = "" if issubclass(category, TerritoryWarning) else f"{category.__name__} : "
        typer.echo(f"Attention : {kind}{message}", err=True)

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield


StudyArgument = Annotated[str, argument("", "ÉTUDE")]
OutOption = Annotated[Path | None, option("", "--out")]
RoadsOption = Annotated[Path | None, option("", "--roads")]
EditionOption = Annotated[str, option("", "--edition")]
PopulationOption = Annotated[str | None, option("", "--population")]
