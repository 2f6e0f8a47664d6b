"""The words of a document, as its readers meet them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def plain_text(data: Mapping[str, Any]) -> str:
    """Return every text of a document's data, in reading order."""

    def walk(value: object, key: str = "") -> list[str]:
        if key == "runs" or (isinstance(value, list) and value and _is_run(value[0])):
            return ["".join(run["text"] for run in value)]  # type: ignore[attr-defined]
        if isinstance(value, Mapping):
            hidden = ("type", "kind", "file", "tone", "align", "form", "logo")
            return [text for name, part in value.items() if name not in hidden for text in walk(part, name)]
        if isinstance(value, list):
            return [text for part in value for text in walk(part)]
        return [value] if isinstance(value, str) and value else []

    return "\n".join(walk(dict(data)))


def _is_run(value: object) -> bool:
    """Tell whether a value is a run of a paragraph."""
    return isinstance(value, Mapping) and set(value) == {"text", "strong"}
