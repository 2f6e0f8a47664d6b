"""Works are cited as a French text does: « Luo et Wang (2003) »."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sphinxcontrib.bibtex.plugin import register_plugin
from sphinxcontrib.bibtex.style.referencing import BracketStyle, PersonStyle
from sphinxcontrib.bibtex.style.referencing.author_year import AuthorYearReferenceStyle


def _brackets() -> BracketStyle:
    return BracketStyle(left="(", right=")", sep=" ; ", sep2=" ; ", last_sep=" ; ")


def _persons() -> PersonStyle:
    return PersonStyle(sep2=" et ", last_sep=" et ")


@dataclass
class FrenchReferenceStyle(AuthorYearReferenceStyle):
    """Authors and year, in French."""

    bracket_parenthetical: BracketStyle = field(default_factory=_brackets)
    bracket_textual: BracketStyle = field(default_factory=_brackets)
    bracket_author: BracketStyle = field(default_factory=_brackets)
    bracket_label: BracketStyle = field(default_factory=_brackets)
    bracket_year: BracketStyle = field(default_factory=_brackets)
    person: PersonStyle = field(default_factory=_persons)


def setup(app: Any) -> dict[str, bool]:
    """Make the style known to sphinxcontrib-bibtex."""
    register_plugin("sphinxcontrib.bibtex.style.referencing", "french", FrenchReferenceStyle)
    return {"parallel_read_safe": True}
