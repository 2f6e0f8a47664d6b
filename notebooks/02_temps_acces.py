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
# étude intégrée, ou chemin d'un fichier .toml
etude = "draguignan"
# carte routière à lire (.osm.pbf) ; sans elle, l'exemple de quelques rues fourni avec la bibliothèque
carte = ""
# longitude et latitude de vos lieux
lieux = {"mairie": (6.40, 43.50), "école": (6.41, 43.51), "cabinet": (6.40, 43.52)}
minutes = (1, 2)

# %%
import geopandas as gpd

import territory
from territory import notebooks

notebooks.begin()
network = territory.network.read_osm(carte) if carte else territory.network.sample_network()
network

# %% [markdown]
# ## Une carte routière
# Chaque rue prend la vitesse de sa catégorie, ou sa limite quand la carte la donne.

# %%
territory.plot.show(network)

# %% [markdown]
# ## Des points, une table, des isochrones
# Les points sont une GeoDataFrame avec son système de coordonnées ; leur index sert d'identifiant. Les temps sont en
# minutes, les distances en kilomètres.

# %%
points = gpd.GeoDataFrame(
    index=list(lieux), geometry=gpd.points_from_xy(*zip(*lieux.values(), strict=True)), crs=4326
)
network.travel_times(points, points, with_distance=True).round(2)

# %% [markdown]
# **Carte : jusqu'où va-t-on en quelques minutes de route depuis le premier lieu ?** Source : la carte routière lue.

# %%
isochrones = network.isochrones(points.iloc[:1], minutes=minutes)
territory.plot.explore(isochrones)

# %% [markdown]
# ## Sans carte : des temps estimés, avec leur doute
# Le modèle ne connaît que la distance, la densité et le relief. `uncertainty_min` est la demi-largeur du doute, en
# minutes : quatre erreurs sur cinq sont plus petites.

# %%
from territory.workflow.inputs.prepare import dataset_of

study = territory.load_study(etude)
communes = dataset_of(study).communes
largest = communes.nlargest(4, "population").reset_index().set_index("name")
times = territory.network.estimate_travel_times(largest, largest, terrain=study.travel.terrain)
times[["from_id", "to_id", "travel_time_min", "uncertainty_min"]].round(1)

# %% [markdown]
# ## Le distancier que vous avez déjà
# Deux colonnes de codes (`idSrc`, `idDst`) et une durée (`duree`) suffisent, quels que soient le séparateur et l'encodage.

# %%
import tempfile
from pathlib import Path

with tempfile.TemporaryDirectory() as dossier:
    fichier = Path(dossier) / "distancier.csv"
    fichier.write_text("idSrc;idDst;duree\n83050;83141;9,5\n83141;83050;9,5\n", encoding="utf-8")
    distancier = territory.network.read_distancier(fichier)
distancier

# %% [markdown]
# ## Pour votre territoire
# - Prenez la carte de votre région : `territory data fetch routes-provence-alpes-cote-d-azur`, puis changez `carte`,
#   `lieux` et `minutes` ci-dessus ; `territory run mon-etude.toml --roads FICHIER.osm.pbf` s'en sert pour toute l'étude.
# - `network.with_speeds(…)` essaie d'autres vitesses (`territory.network.speed_table()` donne celles d'origine).
# - Le distancier de votre agence se met dans `[files] distancier = "distancier.csv"` ; s'il est en secondes,
#   `distancier_unit = "s"`.
