"""Speed of the catchment measures, and side by side with PySAL access.

Run from an environment that holds `territory`; PySAL access (`pip install access`) is compared when it is there.

    python benchmarks/access_measures.py
"""

from __future__ import annotations

import importlib.util
import time
import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd

from territory.access import allocate_places, apl, decay, floating_catchment_area, time_to_closest

REPEATS = 7


def best_time(run: Callable[[], object]) -> float:
    """Return the best of a few runs, in seconds, after a warm-up that compiles."""
    run()
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def world(n_origins: int, n_sites: int, per_origin: int, *, categorical: bool) -> tuple[pd.DataFrame, ...]:
    """Return times of `per_origin` random distinct sites for each origin, demand and supply."""
    rng = np.random.default_rng(0)
    origin = np.repeat(np.arange(n_origins), per_origin)
    first = rng.integers(0, n_sites, n_origins)
    # a stride coprime with the number of sites visits distinct sites
    site = (first[:, None] + 7 * np.arange(per_origin)).ravel() % n_sites
    row_order = rng.permutation(origin.size)
    names_from = np.array([f"C{n:05d}" for n in range(n_origins)])
    names_to = np.array([f"S{n:05d}" for n in range(n_sites)])
    if categorical:
        from_id = pd.Categorical.from_codes(origin[row_order], names_from)
        to_id = pd.Categorical.from_codes(site[row_order], names_to)
    else:
        from_id, to_id = names_from[origin[row_order]], names_to[site[row_order]]
    times = pd.DataFrame(
        {"from_id": from_id, "to_id": to_id, "travel_time_min": rng.uniform(0, 60, origin.size)}
    )
    demand = pd.Series(rng.integers(50, 5_000, n_origins).astype(float), index=names_from)
    supply = pd.Series(rng.integers(1, 100, n_sites).astype(float), index=names_to)
    return times, demand, supply


def national() -> None:
    """35,000 communes, 10 million pairs, categorical ids."""
    times, demand, supply = world(35_000, 20_000, 286, categorical=True)
    steps = decay.stepped({5: 1.0, 10: 0.3, 15: 0.1})
    print(f"{len(times):,} pairs, categorical ids")
    for name, made in (("stepped 15 min", steps), ("gaussian 60 min", decay.gaussian(20, max_time_min=60))):
        for method in ("2sfca", "3sfca"):
            seconds = best_time(
                lambda made=made, method=method: floating_catchment_area(
                    times, demand, supply, decay=made, method=method
                )
            )
            print(f"  {method:6} {name:16} {seconds:6.2f} s")
    print(f"  3 closest sites         {best_time(lambda: time_to_closest(times, demand.index, k=3)):6.2f} s")
    print(
        f"  apl                     {best_time(lambda: apl(times, demand, supply, profile='drees_2012')):6.2f} s"
    )
    times, demand, supply = world(35_000, 20_000, 86, categorical=False)
    print(f"{len(times):,} pairs, text ids")
    print(
        f"  apl                     {best_time(lambda: apl(times, demand, supply, profile='drees_2012')):6.2f} s"
    )


def plain_steps(minutes: float) -> float:
    """Return the weight of one time, as PySAL asks for it."""
    return 1.0 if minutes <= 10 else 0.5 if minutes <= 20 else 0.25 if minutes <= 30 else 0.0


def compare_with_pysal(*, categorical: bool, name: str, made: decay.Decay, weight: Callable | None) -> None:
    """Run one decay on the same table with PySAL access and with ours."""
    from access import fca

    times, demand, supply = world(1_000, 500, 499, categorical=categorical)
    costs = times.rename(columns={"from_id": "origin", "to_id": "dest", "travel_time_min": "cost"})
    people, places = demand.to_frame("demand"), supply.to_frame("supply")
    keys = {"demand_index": True, "supply_index": True, "demand_name": "demand", "supply_name": "supply"}

    def ours() -> pd.Series:
        return floating_catchment_area(times, demand, supply, decay=made)

    def theirs() -> pd.Series:
        return fca.two_stage_fca(people, places, costs, max_cost=30, weight_fn=weight, **keys)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mine, peer = best_time(ours), best_time(theirs)
        gap = (theirs().reindex(demand.index) - ours()).abs().max()
    print(
        f"{len(times):,} pairs, {'categorical' if categorical else 'text':11} ids, {name:14} {mine * 1000:5.1f} ms, "
        f"PySAL access {peer * 1000:6.1f} ms: {peer / mine:5.1f} times slower, largest difference {gap:.0e}"
    )


def against_pysal() -> None:
    """2SFCA and E2SFCA on 1,000 × 500, PySAL access and ours in the same run."""
    if importlib.util.find_spec("access") is None:
        print("PySAL access is not installed: no comparison")
        return
    steps = decay.stepped({10: 1.0, 20: 0.5, 30: 0.25})
    for categorical in (True, False):
        compare_with_pysal(categorical=categorical, name="2SFCA 30 min", made=decay.binary(30), weight=None)
        compare_with_pysal(categorical=categorical, name="E2SFCA 3 steps", made=steps, weight=plain_steps)


def allocation() -> None:
    """Exact allocation, 1,000 communes × 300 sites."""
    times, demand, supply = world(1_000, 300, 299, categorical=False)
    people = (demand / 100).round()
    places = (supply * people.sum() / supply.sum() * 0.9).round()
    seconds = best_time(lambda: allocate_places(times, people, places, max_time_min=45))
    print(f"allocation of 1,000 × 300 ({len(times):,} pairs): {seconds:.1f} s")


if __name__ == "__main__":
    national()
    against_pysal()
    allocation()
