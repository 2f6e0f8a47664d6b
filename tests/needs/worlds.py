"""Small populations for the tests of needs."""

from __future__ import annotations

import pandas as pd
from hypothesis import strategies as st

COMMUNES = ("83050", "83121", "83141")


def population(rows: list[tuple[str, float, float, float]], vintage: str = "rp2021") -> pd.DataFrame:
    """Return a table `population` from (commune, age_min, age_max, persons)."""
    frame = pd.DataFrame(rows, columns=["commune_code", "age_min", "age_max", "population"])
    return frame.assign(vintage=vintage).set_index(["commune_code", "age_min", "age_max"])


@st.composite
def bands(draw: st.DrawFn, *, last: int = 30, at_most: int = 5) -> list[tuple[int, int]]:
    """Return contiguous bands from 0 to `last`."""
    cuts = sorted(draw(st.sets(st.integers(1, last), max_size=at_most - 1)))
    return list(zip([0, *cuts], [*(cut - 1 for cut in cuts), last], strict=True))


@st.composite
def populations(draw: st.DrawFn, *, last: int = 30) -> list[tuple[str, int, int, float]]:
    """Return rows of a population in which each commune has bands of its own from 0 to `last`."""
    counts = st.floats(0.5, 1e4)
    return [(code, low, high, draw(counts)) for code in COMMUNES for low, high in draw(bands(last=last))]
