# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 02 — Temps d'accès : combien de minutes entre deux lieux ?
#
# Trois façons d'avoir des temps de route, derrière la même table : une carte routière (la plus juste), un modèle
# à vol d'oiseau (sans rien télécharger), ou le distancier que votre agence a déjà.

# %% tags=["parameters"]
# carte routière à lire (.osm.pbf) ; sans elle, l'exemple de quelques rues fourni avec la bibliothèque
roads = ""
# longitude et latitude de vos lieux
places = {"mairie": (6.40, 43.50), "école": (6.41, 43.51), "cabinet": (6.40, 43.52)}
minutes = (1, 2)

# %%
import geopandas as gpd

import territory

network = territory.network.read_osm(roads) if roads else territory.network.sample_network()
network

# %% [markdown]
# ## Des points, une table, des isochrones
# Les points sont une GeoDataFrame avec son système de coordonnées ; leur index sert d'identifiant.

# %%
points = gpd.GeoDataFrame(
    index=list(places), geometry=gpd.points_from_xy(*zip(*places.values(), strict=True)), crs=4326
)
network.travel_times(points, points, with_distance=True).round(2)

# %%
isochrones = network.isochrones(points.iloc[:1], minutes=minutes)
ax = isochrones.sort_values("minutes", ascending=False).plot(
    "minutes", cmap="viridis", alpha=0.6, legend=True
)
points.to_crs(isochrones.crs).plot(ax=ax, color="black")
_ = ax.set(
    title=f"Minutes de route depuis « {points.index[0]} »",
    xlabel="Source : la carte routière lue",
    yticks=[],
    xticks=[],
)

# %% [markdown]
# ## Sans carte : des temps estimés, avec leur doute
# Le modèle ne connaît que la distance, la densité et le relief. `uncertainty_min` est la demi-largeur du doute.

# %%
from territory.datasets import load_dataset

var = load_dataset("var")
communes = var.communes.loc[["83050", "83121", "83141", "83137"]].reset_index().set_index("name")
times = territory.network.estimate_travel_times(communes, communes, terrain="mixed")
times[["from_id", "to_id", "travel_time_min", "uncertainty_min"]].round(1)

# %% [markdown]
# ## Pour votre territoire
# - Prenez la carte de votre région : `territory data fetch routes-provence-alpes-cote-d-azur`, puis changez `roads`,
#   `places` et `minutes` ci-dessus ; `territory run draguignan --roads FICHIER.osm.pbf` s'en sert pour toute une étude.
# - `network.with_speeds(…)` essaie d'autres vitesses (`territory.network.speed_table()` donne celles d'origine).
# - `territory.network.read_distancier("distancier.csv", unit="s")` lit la table que vous avez déjà.
