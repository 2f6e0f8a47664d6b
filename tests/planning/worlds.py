"""Small random worlds shared by the tests of planning."""

from __future__ import annotations

import pandas as pd
from hypothesis import strategies as st

Times = dict[tuple[str, str], float]


def table(times: Times) -> pd.DataFrame:
    """A travel_times table from a dictionary of pairs."""
    return pd.DataFrame(
        {
            "from_id": pd.Series([a for a, _ in times], dtype="str"),
            "to_id": pd.Series([b for _, b in times], dtype="str"),
            "travel_time_min": pd.Series(list(times.values()), dtype=float),
        }
    )


@st.composite
def worlds(
    draw: st.DrawFn, *, max_origins: int = 7, max_sites: int = 6, holes: bool = True
) -> tuple[Times, dict[str, float], list[str]]:
    """Pairs (some absent if `holes`), demand by origin (some 0), and sites."""
    origins = [f"C{n}" for n in range(draw(st.integers(1, max_origins)))]
    sites = [f"S{n}" for n in range(draw(st.integers(2, max_sites)))]
    minutes = st.integers(1, 12).map(lambda n: n * 5.0)
    cell = st.one_of(st.none(), minutes, minutes, minutes) if holes else minutes
    times = {(o, s): value for o in origins for s in sites if (value := draw(cell)) is not None}
    # every site is somewhere on the map
    for site in sites:
        times.setdefault((origins[0], site), 20.0)
    demand = {o: float(draw(st.integers(0, 20))) for o in origins}
    demand[origins[0]] += 1.0
    return times, demand, sites
