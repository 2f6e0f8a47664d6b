"""Small random worlds shared by the tests of the access measures."""

from __future__ import annotations

import pandas as pd
from hypothesis import strategies as st

from tests.access.oracles import Times


def table(times: Times, *, cutoff_min: float | None = None) -> pd.DataFrame:
    """A travel_times table from a dictionary of pairs."""
    frame = pd.DataFrame(
        {
            "from_id": pd.Series([a for a, _ in times], dtype="str"),
            "to_id": pd.Series([b for _, b in times], dtype="str"),
            "travel_time_min": pd.Series(list(times.values()), dtype=float),
        }
    )
    if cutoff_min is not None:
        frame.attrs["cutoff_min"] = cutoff_min
    return frame


@st.composite
def worlds(
    draw: st.DrawFn, *, unknown: bool = False, max_origins: int = 6, max_sites: int = 4
) -> tuple[Times, dict[str, float], dict[str, float]]:
    """Pairs, demand by origin and supply by site; some pairs absent, some times unknown if asked."""
    origins = [f"C{n}" for n in range(draw(st.integers(1, max_origins)))]
    sites = [f"S{n}" for n in range(draw(st.integers(1, max_sites)))]
    # few distinct values, so that ties and exact thresholds happen
    minutes = st.integers(0, 12).map(lambda n: n * 5.0)
    cell = st.one_of(st.none(), minutes, st.just(float("nan"))) if unknown else st.one_of(st.none(), minutes)
    times = {}
    for origin in origins:
        for site in sites:
            value = draw(cell)
            if value is not None:
                times[origin, site] = value
    # one pair at least for everyone's id to be known to the table
    times.setdefault((origins[0], sites[0]), 20.0)
    # empty communes and sites without places come often
    amounts = st.one_of(st.just(0.0), st.integers(0, 50).map(float))
    return times, {o: draw(amounts) for o in origins}, {s: draw(amounts) for s in sites}
