"""The protocol of Cybergeo 2017 (n° 804) on the real SESSAD of Occitanie: closest, new places, hours on the road.

    python benchmarks/sessad_occitanie.py --from DIR

DIR holds the FINESS extract of Occitanie (2026), the legal populations of RP 2021, the shares by age of RP 2020, the
COG and EPCI of 2024, and the points of all communes (`traveltimes/communes_to_paris_osrm.csv`, ODbL: read, never
copied). Times are estimates. The extract holds no SESSAD beyond the border of the region and no places: communes of
the border look farther than they are, and children cannot be re-allocated.
"""

from __future__ import annotations

import argparse
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from territory import needs
from territory.access import time_to_closest
from territory.datasets.files import DataFiles, FilesDataset, load_files
from territory.errors import TerritoryWarning
from territory.network import estimate_travel_times
from territory.planning import maximal_coverage, set_cover

OCCITANIE = ("09", "11", "12", "30", "31", "32", "34", "46", "48", "65", "66", "81", "82")
LIMIT_MIN = 30.0
# a candidate is a commune that no SESSAD is near: nobody opens a second one next door to cover a valley
NEAR_MIN = 15.0
# how many return trips an educator makes in a week: an assumption, from the stated one to a light and a heavy week
TRIPS_PER_WEEK = (5, 10, 15)
# hours on the road a week in PACA (CREAI PACA et Corse, 2014)
PACA_HOURS = 6.25


@dataclass(frozen=True)
class Region:
    """Communes, children under 20 and SESSAD of the region, and the times between them."""

    communes: gpd.GeoDataFrame
    children: pd.Series
    sites: gpd.GeoDataFrame
    times: pd.DataFrame


def read_region(folder: Path, *, terrain: str = "mixed") -> Region:
    """Read the official files as a study of the thirteen départements would."""
    data = _load(folder)
    offered = data.services.index.get_level_values("service") == "sessad"
    sites = data.sites.loc[data.services.index.get_level_values("site_id")[offered].unique()]
    communes = data.communes[data.communes["departement_code"].isin(OCCITANIE)]
    children = needs.persons_by_age(data.population("rp2021"), age_min=0, age_max=19).reindex(communes.index)
    communes = gpd.GeoDataFrame(communes, crs=data.communes.crs)
    times = estimate_travel_times(communes, sites, terrain=terrain)
    return Region(communes, children, sites, times.astype({"from_id": "str", "to_id": "str"}))


def _load(folder: Path) -> FilesDataset:
    """Load the files where they are; only the points need other titles."""
    points = pd.read_csv(folder / "traveltimes" / "communes_to_paris_osrm.csv")
    points = points.assign(commune_code=points["id"].str.removeprefix("FR_"))
    points = points.rename(columns={"lon": "longitude", "lat": "latitude", "area": "area_km2"})
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        # lines and sites that the readers leave out are counted by their own tests
        warnings.simplefilter("ignore", TerritoryWarning)
        path = Path(scratch) / "points.csv"
        points[["commune_code", "longitude", "latitude", "area_km2"]].to_csv(path, index=False)
        files = DataFiles(
            cog=str(folder / "cog/v_commune_2024.csv"),
            movements=str(folder / "cog/v_mvt_commune_2024.csv"),
            points=str(path),
            populations={"rp2021": str(folder / "population/donnees_communes_rp2021.csv")},
            ages=str(folder / "population/age_shares_rp2020.xlsx"),
            epci=str(folder / "cog/epcicom2024.xlsx"),
            finess=str(folder / "care_sites/finess_occitanie_2026.csv"),
            complete_services=("sessad",),
            buffer_km=0,
        )
        return load_files(files, departements=OCCITANIE, folder=folder)


def closest(region: Region) -> pd.DataFrame:
    """Return minutes to the closest SESSAD by commune, with the doubt on them."""
    found = time_to_closest(region.times[["from_id", "to_id", "travel_time_min"]], region.communes.index)
    doubts = region.times.set_index(["from_id", "to_id"])["uncertainty_min"]
    pairs = pd.MultiIndex.from_arrays([found.index, found["to_id_1"]])
    minutes = pd.DataFrame({"minutes": found["time_1_min"], "doubt": doubts.reindex(pairs).to_numpy()})
    return minutes.assign(children=region.children)


def shares(minutes: pd.DataFrame, limit_min: float) -> dict[str, float]:
    """Return the share of children within a time, and that if every time erred by its doubt, one way and the other."""
    total = minutes["children"].sum()
    return {
        name: float(
            minutes.loc[minutes["minutes"] + sign * minutes["doubt"] <= limit_min, "children"].sum() / total
        )
        for name, sign in (("central", 0), ("low", 1), ("high", -1))
    }


def new_places(
    region: Region, minutes: pd.DataFrame, numbers: tuple[int, ...], *, is_whole: bool = True
) -> pd.DataFrame:
    """Return where new places cover most children beyond the limit, for some numbers and for as many as all need.

    Existing ones are kept. Without `is_whole`, the number that all need is not searched for.
    """
    far = minutes[minutes["minutes"] > LIMIT_MIN]
    candidates = region.communes[(minutes["minutes"] > NEAR_MIN).to_numpy()]
    times = estimate_travel_times(region.communes.loc[far.index], candidates, max_time_min=LIMIT_MIN)
    times = times.astype({"from_id": "str", "to_id": "str"})
    ids = sorted(times["to_id"].unique())
    rows = {}
    for number in numbers:
        best = maximal_coverage(times, far["children"], ids, p=number, max_time_min=LIMIT_MIN, mip_gap=0.005)
        rows[number] = _row(region, minutes, best.selected) | {"status": best.status, "gap": best.gap}
    if is_whole:
        every = set_cover(times, far["children"], ids, max_time_min=LIMIT_MIN, mip_gap=0.02)
        found = {"status": every.status, "gap": every.gap}
        rows[len(every.selected)] = _row(region, minutes, every.selected) | found
    return pd.DataFrame(rows).T.rename_axis("new_places")


def _row(region: Region, minutes: pd.DataFrame, selected: list[str]) -> dict[str, object]:
    """Return who is within the limit, and the mean drive, once some places are open."""
    opened = estimate_travel_times(region.communes, region.communes.loc[selected], terrain="mixed")
    added = opened.groupby("from_id", observed=True)["travel_time_min"].min().reindex(minutes.index)
    after = np.minimum(minutes["minutes"], added.fillna(np.inf))
    children = minutes["children"]
    return {
        "within_30_share": float(children[after <= LIMIT_MIN].sum() / children.sum()),
        "mean_min": float(np.average(after, weights=children)),
        "first": ", ".join(region.communes.loc[selected[:5], "name"]),
    }


def hours_per_week(mean_min: float) -> dict[int, float]:
    """Return an educator's hours on the road in a week, by return trips from the closest SESSAD, without rounds."""
    return {trips: 2 * trips * mean_min / 60 for trips in TRIPS_PER_WEEK}


def measure(folder: Path, *, numbers: tuple[int, ...] = (5, 10, 20)) -> dict[str, object]:
    """Return every figure that the documentation prints."""
    region = read_region(folder)
    minutes = closest(region)
    mean = float(np.average(minutes["minutes"], weights=minutes["children"]))
    far = minutes["minutes"] > LIMIT_MIN
    return {
        "communes": len(region.communes),
        "children": float(region.children.sum()),
        "sessad": len(region.sites),
        "mean_min": mean,
        "shares": {limit: shares(minutes, limit) for limit in (15.0, 30.0, 45.0)},
        "communes_beyond": int(far.sum()),
        "children_beyond": float(minutes.loc[far, "children"].sum()),
        "by_departement": 1
        - minutes["children"].where(far, 0).groupby(region.communes["departement_code"]).sum()
        / minutes["children"].groupby(region.communes["departement_code"]).sum(),
        "hours": hours_per_week(mean),
        "trips_for_paca_hours": PACA_HOURS * 60 / (2 * mean),
        "new_places": new_places(region, minutes, numbers) if numbers else None,
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--from", dest="folder", type=Path, required=True, help="folder of the official files"
    )
    with pd.option_context("display.width", 200, "display.max_colwidth", 120, "display.max_columns", 9):
        for name, value in measure(parser.parse_args().folder).items():
            print(f"{name}:", f"\n{value}" if isinstance(value, pd.DataFrame | pd.Series) else value)


if __name__ == "__main__":
    main()
