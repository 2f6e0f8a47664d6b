"""French spacing and signs in a finished text: applied once, where the text leaves."""

from __future__ import annotations

import re

from territory.french.numbers import NBSP, NNBSP

# units glued to the number before them
_UNITS = r"(?:min|h|km|km²|m²|%|‰|€|M€|ans|places|habitants|enfants|communes|EPCI|pour)"

_SPACES = r"[ \u00a0\u202f]"
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\.\.\."), "…"),
    (re.compile(r"\b([Cc])oeur"), r"\1œur"),
    (re.compile(r"(?<=[^\W\d_])'(?=[^\W\d_])"), "’"),
    (re.compile(rf"(?<=\S){_SPACES}+(?=[;!?])"), NNBSP),
    (re.compile(rf"(?<=\S){_SPACES}+(?=[:»])"), NBSP),
    (re.compile(rf"«{_SPACES}+"), f"«{NBSP}"),
    (re.compile(rf"(?<=\d) (?={_UNITS}(?!\w))"), NBSP),
    (re.compile(r"(?<=\dh) (?=\d\d)"), NBSP),
    (re.compile(r"(?<=\d[ \u00a0]h) (?=\d\d(?!\d))"), NBSP),
    (re.compile(r"(?<!\w)(n°|p\.|art\.|±|<) (?=\d)"), rf"\1{NBSP}"),
)
_THOUSANDS = re.compile(r"(?<![\d,.])\d{1,3}(?: \d{3})+(?!\d)")


def typeset(text: str) -> str:
    """Apply French spacing to a finished text; meant for the output border, and safe to apply twice.

    Ordinary spaces before « : ; ! ? » and inside guillemets become no-break ones (none is added where none was
    typed, so addresses and times of day are left alone), groups of thousands get narrow no-break spaces, numbers
    hold on to their unit, three dots become an ellipsis and an apostrophe inside a word a curved one.

    Examples
    --------
    >>> typeset("Qui gagne ? « Tous » : 1 260 enfants...").replace(NBSP, "~").replace(NNBSP, "_")
    'Qui gagne_? «~Tous~»~: 1_260~enfants…'
    >>> typeset("27,2 ‰ des moins de 20 ans").replace(NBSP, "~")
    '27,2~‰ des moins de 20~ans'
    """
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return _THOUSANDS.sub(lambda found: found.group().replace(" ", NNBSP), text)
