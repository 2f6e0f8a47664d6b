"""Back-test the doubt on a move of a site: what the draws say of it against real times, in Isère.

    python tools/backtest_moves.py --from DIR [--every N] [--new-site-share W]

DIR is that of `calibrate_travel_times.py`. A site moves from a commune of 1,000 to 8,000 inhabitants to one of 5,000 or
more, 20 to 30 estimated minutes away; those concerned live within 45 estimated minutes of the first. The truth is the
OSRM matrix; the estimate is that of the library (slowness measured, or that of the "mixed" terrain), less the level of
the source, by cross-validation as in the calibration. Every bar is printed with its measure.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import calibrate_travel_times as tool
import geopandas as gpd
import numpy as np
import pandas as pd

from territory.access import told_apart
from territory.network import estimate as slow
from territory.network import estimate_model as model
from territory.scenario.comparison.measures import effects_under
from territory.scenario.doubt.draws import draw_comparison
from territory.scenario.doubt.random_errors import Doubt
from territory.scenario.zones import ALL_TERRITORY

LIMIT_MIN, LEVEL, DRAWS, SEED = 45.0, 0.9, 500, 20240501
FEWEST_COMMUNES = 5
BAR = (0.85, 0.95)
SAID = {"measured": "lenteur mesurée", "terrain": "terrain mixte"}


def read(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the pairs of Isère with both estimates, the level of the source removed, and its communes."""
    pairs = tool.read_isere(folder)
    tool._estimate(pairs, slow.fit_slowness(tool.read_france(folder)))
    one_way = (pairs["place_a"] < pairs["place_b"]).to_numpy()
    for column in ("estimated", "as_mixed"):
        level = pairs.assign(minutes=pairs["minutes"] - pairs[column])
        pairs[column] += tool.cross_validate(level, one_way)
    communes = gpd.read_file(folder / "traveltimes" / "isere_communes.geojson").set_index("id")
    mairies = pd.read_csv(
        folder / "boundaries" / "mairies.csv", dtype={"commune_code": str, "epci_code": str}
    ).set_index("commune_code")
    places = pd.DataFrame(
        {
            "population": communes["population"].astype(float),
            "epci_code": mairies["epci_code"].reindex(communes.index),
        }
    )
    return pairs, places.sort_index()


def matrix(pairs: pd.DataFrame, places: pd.DataFrame, column: str) -> np.ndarray:
    """Return a column of the pairs as communes x sites."""
    table = pairs.pivot_table(index="place_a", columns="place_b", values=column)
    return table.reindex(index=places.index, columns=places.index).to_numpy()


def moves(minutes: np.ndarray, places: pd.DataFrame) -> list[tuple[int, int]]:
    """Return the moves tried, as positions of the two communes."""
    hab = places["population"].to_numpy()
    is_small, is_town = (hab >= 1000) & (hab <= 8000), hab >= 5000
    near = (minutes >= 20) & (minutes <= 30)
    return list(zip(*(at.tolist() for at in np.nonzero(near & is_small[:, None] & is_town)), strict=True))


def _access(minutes: np.ndarray, site: str, known: str, places: pd.DataFrame) -> pd.DataFrame:
    """Return the times to the one site as a table of `Results.access`."""
    doubt = model.doubt_min(minutes, np.full(minutes.shape, float(known == "measured")))
    table = pd.DataFrame(
        {
            "travel_time_min": minutes,
            "uncertainty_min": doubt,
            "to_id": pd.Series(site, index=places.index, dtype="string"),
            "is_reachable": pd.array(np.isfinite(minutes), dtype="boolean"),
        },
        index=places.index,
    )
    return pd.concat({"site": table}, names=["service", "commune_code"]).swaplevel()


def one_move(
    guess: np.ndarray,
    seen: np.ndarray,
    move: tuple[int, int],
    known: str,
    places: pd.DataFrame,
    doubt: Doubt,
) -> pd.DataFrame:
    """Return, for each zone of a move, what the draws say of it and what the real times say."""
    old, new = move
    usable = np.isfinite(guess[:, [old, new]]).all(axis=1) & np.isfinite(seen[:, [old, new]]).all(axis=1)
    before, after = (np.where(usable, guess[:, site], np.nan) for site in move)
    size = model.difference_doubt_min(
        before, after, guess[old, new], np.full(before.shape, float(known == "measured"))
    )
    delta = after - before
    rows = pd.DataFrame(
        {
            "baseline_travel_time_min": before,
            "scenario_travel_time_min": after,
            "delta_travel_time_min": delta,
            "detectable_min": size,
            "persons": places["population"].to_numpy(),
            "is_served": pd.array([pd.NA] * len(places), dtype="boolean"),
        },
        index=places.index,
    )[usable]
    near = (rows[["baseline_travel_time_min", "scenario_travel_time_min"]] <= LIMIT_MIN).any(axis=1)
    rows["is_distinguishable"] = told_apart(
        rows["delta_travel_time_min"], rows["detectable_min"], together=rows["persons"].where(near, 0.0)
    )
    rows = rows.join(effects_under(rows, LIMIT_MIN, is_known=pd.Series(True, index=rows.index)))
    # those who would only come within the limit are in no count of today's area
    rows.loc[~rows["is_in_area"], "effect"] = "outside"
    asked = SimpleNamespace(recruitment_max_min=LIMIT_MIN, recruitment_tests_min=())
    results = [
        SimpleNamespace(
            access=_access(minutes, places.index[site], known, places),
            state=SimpleNamespace(communes=places.assign(departement_code="38"), parameters=asked),
        )
        for minutes, site in zip((before, after), move, strict=True)
    ]
    communes = pd.concat({"site": rows}, names=["service", "commune_code"]).swaplevel()
    comparison = SimpleNamespace(services=("site",), communes=communes)
    zones, _, _ = draw_comparison("M", results[0], results[1], comparison, doubt, LEVEL)
    zones = zones.reset_index().set_index("zone")
    area = rows[rows["is_in_area"]]
    true = (seen[:, new] - seen[:, old])[places.index.get_indexer(area.index)]
    real = pd.DataFrame(
        {
            "persons": area["persons"],
            "mean": area["persons"] * true,
            "longer": area["persons"] * (true >= area["detectable_min"]),
            "shorter": area["persons"] * (-true >= area["detectable_min"]),
            "communes": 1.0,
        }
    )
    epci = places["epci_code"].reindex(area.index)
    truth = pd.concat([real.groupby(epci).sum(), real.sum().to_frame(ALL_TERRITORY).T])
    truth["mean"] /= truth["persons"]
    held = np.abs(true - area["delta_travel_time_min"]) <= area["detectable_min"]
    line = area["delta_travel_time_min"].abs() / guess[old, new]
    zones = zones.join(truth.add_prefix("true_")).dropna(subset="true_communes")
    return zones.assign(
        apart_held=held[line < 0.25].sum(),
        apart=(line < 0.25).sum(),
        line_held=held[line > 0.75].sum(),
        line=(line > 0.75).sum(),
    )


def backtest(
    pairs: pd.DataFrame, places: pd.DataFrame, known: str, *, every: int, new_site_share: float | None
) -> pd.DataFrame:
    """Return the zones of all moves, whether each interval holds the truth, and its width."""
    guess = matrix(pairs, places, "estimated" if known == "measured" else "as_mixed")
    seen = matrix(pairs, places, "minutes")
    parts = model.error_parts(known)
    if new_site_share is not None:
        parts = replace(parts, new_site_share=new_site_share)
    epci, _ = pd.factorize(places["epci_code"], sort=True)
    found = []
    for number, move in enumerate(moves(guess, places)[::every]):
        # one seed a move: the draws of two moves are not the same
        doubt = Doubt(places.index.astype(object), SEED + number, DRAWS, parts, epci)
        found.append(one_move(guess, seen, move, known, places, doubt).assign(move=number))
    zones = pd.concat(found)
    zones["persons"] = zones["true_persons"]
    for name, low, high in (
        ("mean", "low_min", "high_min"),
        ("longer", "persons_longer_low", "persons_longer_high"),
        ("shorter", "persons_shorter_low", "persons_shorter_high"),
    ):
        zones[f"{name}_held"] = zones[f"true_{name}"].between(zones[low], zones[high])
        zones[f"{name}_below"] = zones[f"true_{name}"] < zones[low]
        zones[f"{name}_width"] = zones[high] - zones[low]
    return zones


def show(zones: pd.DataFrame, known: str) -> None:
    """Print every bar with its measure."""
    whole = zones[zones.index == ALL_TERRITORY]
    epci = zones[(zones.index != ALL_TERRITORY) & (zones["true_communes"] >= FEWEST_COMMUNES)]
    print(f"{SAID[known]} : {len(whole)} déplacements, {len(epci)} couples déplacement × EPCI")
    for name, label in (("apart", "routes qui s'écartent"), ("line", "l'un sur la route de l'autre")):
        share = whole[f"{name}_held"].sum() / whole[name].sum()
        print(
            f"  commune, {label} : {100 * share:.1f} % des écarts réels à moins de la taille détectable (80 attendus)"
        )
    for where, rows in (("EPCI", epci), ("périmètre", whole)):
        for name, label, unit in (
            ("mean", "écart moyen", "min"),
            ("longer", "perdants", "% des habitants"),
            ("shorter", "gagnants", "% des habitants"),
        ):
            held = rows[f"{name}_held"].mean()
            width = rows[f"{name}_width"]
            width = (width if unit == "min" else 100 * width / rows["persons"]).median()
            verdict = "tenu" if BAR[0] <= held <= BAR[1] else "NON TENU"
            print(
                f"  {where:9} {label:12} : l'intervalle à 90 % contient la vérité dans {100 * held:.1f} % des cas "
                f"(barre 85 à 95 : {verdict}), vérité dessous {100 * rows[f'{name}_below'].mean():.1f} %, "
                f"largeur médiane {width:.1f} {unit}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description="Back-test the doubt on moves of a site in Isère.")
    parser.add_argument("--from", dest="folder", type=Path, required=True, metavar="DIR")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="one move out of N")
    parser.add_argument("--new-site-share", type=float, metavar="W", help="instead of the fitted share")
    arguments = parser.parse_args()
    pairs, places = read(arguments.folder)
    for known in SAID:
        show(
            backtest(pairs, places, known, every=arguments.every, new_site_share=arguments.new_site_share),
            known,
        )


if __name__ == "__main__":
    main()
