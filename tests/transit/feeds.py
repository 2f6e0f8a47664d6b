"""Small GTFS feeds made up for the tests."""

from __future__ import annotations

from pathlib import Path

from territory.transit.feeds import write_sample


def write_feed(folder: Path, **changed: str | None) -> Path:
    """Write the sample feed with some files replaced, or left out (None)."""
    folder.mkdir(parents=True, exist_ok=True)
    write_sample(folder)
    for name, text in changed.items():
        path = folder / f"{name}.txt"
        if text is None:
            path.unlink()
        else:
            path.write_text(text, encoding="utf-8")
    return folder


def clock(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
