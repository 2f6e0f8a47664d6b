"""Errors: one tree, each also a builtin, in French, for planners; and names that leave (see docs/releasing.md)."""

import re
import sys
import warnings
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager

Caught = type[Exception] | tuple[type[Exception], ...]


class TerritoryError(Exception):
    """Root of every error raised on purpose by `territory`."""


class SchemaError(TerritoryError, ValueError):
    """A table does not respect its schema (see `territory.tables.schemas`)."""


class ReadError(TerritoryError, ValueError):
    """A file exists but its content cannot be understood."""


class MissingFileError(TerritoryError, FileNotFoundError):
    """A file that was asked for is not there."""


class StudyError(TerritoryError, ValueError):
    """A study file, or what it asks for, is wrong."""


class UnknownCodeError(TerritoryError, LookupError):
    """Codes (commune, EPCI, site, service) that no table holds."""


class ParameterError(TerritoryError, ValueError):
    """An argument of a function is outside what the function accepts."""


class WrongTypeError(ParameterError, SchemaError, TypeError):
    """An argument, or a table, is not of the type that a function uses, is missing, or is none of the function's."""


class NetworkError(TerritoryError, ValueError):
    """A road map, or points to place on it, cannot be used."""


class InfeasibleError(TerritoryError, RuntimeError):
    """What is asked has no solution: the message says which communes or how many places are missing."""


class OutputError(TerritoryError, OSError):
    """Results cannot be written where they were asked for."""


class DownloadError(TerritoryError, OSError):
    """A file cannot be brought, whole and as announced, from where its producer publishes it."""


class MissingExtraError(TerritoryError, ImportError):
    """A library of an optional extra is not installed."""


class ClusterError(TerritoryError, RuntimeError):
    """The machines that were asked to share a run do not answer, or cannot do their part."""


class TerritoryWarning(UserWarning):
    """Something was dropped, replaced or doubtful: the message counts it."""


def warn(message: str, category: type[Warning] = TerritoryWarning) -> None:
    """Warn the planner, at the line that called the library, however deep it is inside."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "territory":
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def warn_deprecated(
    what: str, *, instead: str, removed_in: str, category: type[Warning] = DeprecationWarning
) -> None:
    """Say that something leaves, what replaces it, and the version that no longer has it (see docs/releasing.md)."""
    warn(f"{what} : disparaîtra dans territory {removed_in} ; écrivez {instead}.", category)


def examples(values: Iterable[object], *, most: int = 3) -> str:
    """Return the first values of a list as French text, with an ellipsis when some are left out."""
    listed = [str(value) for value in values]
    return ", ".join(listed[:most]) + ("…" if len(listed) > most else "")


def agree(count: int, text: str) -> str:
    """Write a count and its words, « commune(s) (est|sont) inconnue(s) »: French has a plural from two on."""
    many = count > 1
    text = re.sub(r"\(([^()|]*)\|([^()|]*)\)", r"\2" if many else r"\1", text)
    return f"{count} {text.replace('(s)', 's' if many else '')}"


def counted(shown: Collection[object], text: str) -> str:
    """Write how many things are wrong and the first of them, `text` in agreement: « 2 communes inconnues (83051…) »."""
    return f"{agree(len(shown), text)} ({examples(shown)})"


def refuse(
    shown: Collection[object],
    text: str,
    error: type[TerritoryError] = ParameterError,
    *,
    of: str = "",
    advice: str = ".",
) -> None:
    """Raise an error that counts what is wrong in `of`, as `counted` does; do nothing when nothing is."""
    if len(shown):
        raise error((f"{of} : " if of else "") + counted(shown, text) + advice)


@contextmanager
def retold(caught: Caught, error: type[Exception], message: str) -> Iterator[None]:
    """Raise an error in the place of what is caught in the block, « {reason} » being what that says.

    What the library says itself is in words already, and goes through as it is.
    """
    try:
        yield
    except TerritoryError:
        raise
    except caught as found:
        said = str(getattr(found, "strerror", None) or found)
        raise error(message.replace("{reason}", said)) from found


class Problems:
    """Collect every problem of an input before raising one error that lists them all."""

    def __init__(self, subject: str, error: type[TerritoryError]) -> None:
        self.subject = subject
        self.error = error
        self.messages: list[str] = []

    def __bool__(self) -> bool:
        return bool(self.messages)

    def add(self, message: str) -> None:
        """Keep one problem; the same text is kept once."""
        if message not in self.messages:
            self.messages.append(message)

    def count(self, shown: Collection[object], text: str, *, of: str = "", advice: str = "") -> None:
        """Keep one problem that counts what is wrong in `of`, as `counted` does; nothing when nothing is."""
        if len(shown):
            self.add((f"{of} : " if of else "") + counted(shown, text) + advice)

    def raise_if_any(self) -> None:
        """Raise the error with all problems, in the order they were found; do nothing without any."""
        if self.messages:
            count = len(self.messages)
            lines = "\n".join(f"- {message}" for message in self.messages)
            raise self.error(f"{self.subject} : {count} problème{'s' if count > 1 else ''}.\n{lines}")
