"""Say what times to Paris tell of the terrain of the Var, between Gironde and Isère where times are known.

    python tools/weigh_terrain.py --from DIR

The time to Paris of two communes bounds the time between them: t(a, Paris) - t(b, Paris) <= t(a, b), and the
two are equal when b lies on the way from a. For each commune a, the greatest share of mountain that such a bound
asks for, over the communes b 8 to 25 km away, is its slowness; a group of communes is described by the quartile of
slowness that only a quarter of them exceed. Gironde (measured share of mountain of OSRM: 0.06) and Isère (1 by
definition) give the scale on which the Var is placed. DIR holds `traveltimes` and `cog/epcicom2024.xlsx`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from calibrate_travel_times import read_communes, read_isere

from territory.network import estimate_model as model

NEAREST_KM, FARTHEST_KM = 8.0, 25.0
# median over the pairs of Gironde of (OSRM - plain) / (mountain - plain)
OSRM_SHARE_IN_GIRONDE = 0.06


def models(communes: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the distances between communes and their times by both models."""
    x, y = communes["x_km"].to_numpy(), communes["y_km"].to_numpy()
    distance = np.hypot(x[:, None] - x, y[:, None] - y)
    logs = model.log_density(communes["density_hab_km2"].to_numpy())
    times = []
    for terrain in ("plain", "mountain"):
        numbers = model.coefficients(terrain)
        approach = model.approach_min(logs, numbers)
        times.append(model.trip_min(distance, approach[:, None] + approach, numbers))
    return distance, times[0], times[1]


def slowness(communes: pd.DataFrame) -> pd.Series:
    """Return the greatest share of mountain that a bound asks for, by commune."""
    distance, plain, mountain = models(communes)
    to_paris = communes["to_paris_min"].to_numpy()
    asked = (to_paris[:, None] - to_paris - plain) / (mountain - plain)
    near = (distance >= NEAREST_KM) & (distance <= FARTHEST_KM)
    return pd.Series(np.where(near, asked, -np.inf).max(axis=1), index=communes["code"].to_numpy())


def true_share(communes: pd.DataFrame, folder: Path) -> pd.Series:
    """Return the median share of mountain of the known times of each commune of Isère."""
    known = read_isere(folder).set_index(["place_a", "place_b"])["minutes"]
    codes = communes["code"].to_numpy()
    every = pd.MultiIndex.from_product([codes, codes])
    seen = known.reindex(every).to_numpy().reshape(len(codes), len(codes))
    distance, plain, mountain = models(communes)
    near = (distance >= NEAREST_KM) & (distance <= FARTHEST_KM)
    shares = np.where(near, (seen - plain) / (mountain - plain), np.nan)
    return pd.Series(np.nanmedian(shares, axis=1), index=codes)


def main() -> None:
    parser = argparse.ArgumentParser(description="Weigh the terrain of the Var by its times to Paris.")
    parser.add_argument("--from", dest="folder", type=Path, required=True, metavar="DIR")
    folder = parser.parse_args().folder
    france = read_communes(folder)
    epci = pd.read_excel(folder / "cog" / "epcicom2024.xlsx", dtype=str).drop_duplicates("insee")
    epci_of = epci.set_index("insee")["raison_sociale"]
    by_departement = {code: france[france["code"].str[:2] == code] for code in ("33", "38", "83")}
    slow = {code: slowness(communes) for code, communes in by_departement.items()}
    low, high = slow["33"].quantile(0.75), slow["38"].quantile(0.75)

    def placed(values: pd.Series) -> float:
        return OSRM_SHARE_IN_GIRONDE + (1 - OSRM_SHARE_IN_GIRONDE) * (values.quantile(0.75) - low) / (
            high - low
        )

    var_epci = epci_of.reindex(slow["83"].index).fillna("")
    upper = var_epci.str.contains("Gorges|Fayence")
    coast = var_epci.str.contains("Tropez|Maures")
    groups = {"Var": var_epci.notna(), "Haut-Var": upper, "Maures": coast, "reste du Var": ~upper & ~coast}
    rng = np.random.default_rng(83)
    print(f"quartile: Gironde {low:.2f}, Isère {high:.2f}")
    for name, chosen in groups.items():
        values = slow["83"][chosen]
        drawn = [placed(values.sample(frac=1, replace=True, random_state=rng)) for _ in range(500)]
        bounds = np.quantile(drawn, [0.1, 0.9])
        print(
            f"{name}: {len(values)} communes, share {placed(values):.2f} [{bounds[0]:.2f} ; {bounds[1]:.2f}]"
        )
    truth = true_share(by_departement["38"], folder)
    isere = pd.DataFrame({"slow": slow["38"], "true": truth, "epci": epci_of.reindex(truth.index)})
    by_epci = isere.groupby("epci")
    compared = pd.DataFrame({"slow": by_epci["slow"].quantile(0.75), "true": by_epci["true"].median()})
    compared = compared[by_epci.size() >= 8]
    slope = np.polyfit(compared["slow"], compared["true"], 1)[0]
    print(f"Isère, {len(compared)} EPCI: correlation with the known times {compared.corr().iloc[0, 1]:.2f}")
    for name, chosen in groups.items():
        expected = placed(slow["83"]) + slope * (
            slow["83"][chosen].quantile(0.75) - slow["83"].quantile(0.75)
        )
        print(f"{name}: share expected from the relation seen between the EPCI of Isère {expected:.2f}")


if __name__ == "__main__":
    main()
