# ---
# jupyter:
#   jupytext:
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
# # 02 — Temps d'accès : combien de minutes entre deux lieux ?
#
# Trois façons d'avoir des temps de route, derrière la même table : une carte routière (la plus juste), un modèle
# à vol d'oiseau (sans rien télécharger), ou le distancier que votre agence a déjà. Ce carnet s'exécute en une minute.

# %% tags=["parameters"]
# étude intégrée, ou chemin d'un fichier .toml
etude = "draguignan"
# carte routière à lire (.osm.pbf) ; sans elle, l'exemple de quelques rues fourni avec la bibliothèque
carte = ""
# longitude et latitude de vos lieux ; sans voiture, on part du premier, et les autres sont les lieux de soins
lieux = {"mairie": (6.40, 43.50), "école": (6.41, 43.51), "cabinet": (6.40, 43.52)}
minutes = (1, 2)
# horaires de transports collectifs (GTFS) de votre territoire, leur date et l'heure à laquelle être aux soins ; sans eux, un
# exemple de deux lignes
horaires: list[str] = []
date_horaires = "2026-11-30"
heure = "09:00"

# %%
import geopandas as gpd

import territory
from territory import notebooks
from territory.french.numbers import decimal

notebooks.begin()
network = territory.network.read_osm(carte) if carte else territory.network.sample_network()
trajet = {"from_id": "Départ", "to_id": "Arrivée"}
network

# %% [markdown]
# ## Une carte routière
# Chaque rue prend la vitesse de sa catégorie, ou sa limite quand la carte la donne.

# %%
territory.plot.show(network)

# %% [markdown]
# ## Des points, une table
# Les lieux sont des points avec leur système de coordonnées. Les temps sont en minutes, les distances en kilomètres, aller
# simple.

# %%
places = gpd.points_from_xy(*zip(*lieux.values(), strict=True))
points = gpd.GeoDataFrame(index=list(lieux), geometry=places, crs=4326)
temps = network.travel_times(points, points, with_distance=True)
temps = temps[temps["from_id"] != temps["to_id"]]
notebooks.table(temps.rename(columns=trajet))

# %%
loin = temps.loc[temps["travel_time_min"].idxmax()]
notebooks.say(
    f"Le plus long de ces trajets va de « {loin['from_id']} » à « {loin['to_id']} » : "
    f"**{decimal(loin['travel_time_min'])} min** pour {decimal(loin['distance_km'])} km."
)

# %% [markdown]
# ## Jusqu'où va-t-on ?
# **Carte : ce que l'on atteint en quelques minutes de route depuis le premier lieu** (isochrones). Source : la carte routière
# lue. Sur l'exemple de quelques rues, seules leurs abords sont atteints.

# %%
isochrones = network.isochrones(points.iloc[:1], minutes=minutes).sort_values("minutes", ascending=False)
isochrones["Atteint en"] = [f"{limite:g} min ou moins" for limite in isochrones["minutes"]]
territory.plot.show(isochrones.to_crs(network.crs), service="Atteint en")

# %% [markdown]
# ## Sans carte : des temps estimés, avec leur doute
# Le modèle ne connaît que la distance, la densité et le relief. Le doute est une demi-largeur, en minutes : quatre erreurs sur
# cinq sont plus petites. Ici, entre les quatre communes les plus peuplées de l'étude.

# %%
from territory.workflow.inputs.prepare import dataset_of

study = territory.load_study(etude)
communes = dataset_of(study).communes
communes = communes[communes["departement_code"].isin(study.territory.departement_codes)]
largest = communes.nlargest(4, "population").reset_index().set_index("name")
times = territory.network.estimate_travel_times(largest, largest, terrain=study.travel.terrain)
times = times[times["from_id"].astype(str) < times["to_id"].astype(str)]
estimes = times[["from_id", "to_id", "travel_time_min", "uncertainty_min"]].rename(columns=trajet)
notebooks.table(estimes.reset_index(drop=True))

# %%
notebooks.say(
    f"Sur ces {len(estimes)} trajets, le doute va de {decimal(times['uncertainty_min'].min())} à "
    f"{decimal(times['uncertainty_min'].max())} min : un écart plus petit ne se lit pas."
)

# %% [markdown]
# ## Le distancier que vous avez déjà
# Deux colonnes de codes (`idSrc`, `idDst`) et une durée (`duree`) suffisent, quels que soient le séparateur et l'encodage. Voici
# un fichier de deux lignes, écrit pour l'exemple, et ce que la bibliothèque y lit.

# %%
import tempfile
from pathlib import Path

with tempfile.TemporaryDirectory() as dossier:
    fichier = Path(dossier) / "distancier.csv"
    fichier.write_text("idSrc;idDst;duree\n83050;83141;9,5\n83141;83050;9,5\n", encoding="utf-8")
    distancier = territory.network.read_distancier(fichier)
noms = communes["name"].to_dict()
distancier[["from_id", "to_id"]] = distancier[["from_id", "to_id"]].astype(object).replace(noms)
notebooks.table(distancier.rename(columns=trajet))

# %% [markdown]
# ## Sans voiture
# Les horaires (GTFS) d'un jour donnent le temps de porte à porte, en transports collectifs et à pied. Ici, sur un exemple :
# une maison, un lieu de soins, deux lignes de bus. Le trajet se lit en mots, pour le vérifier à la main.

# %%
from territory.transit.feeds import sample_points
from territory.transit.gtfs import sample_timetable

timetable = territory.transit.read_gtfs(horaires, date=date_horaires) if horaires else sample_timetable()
portes = points if horaires else sample_points()
soins = portes.iloc[1:]
rues = territory.network.read_osm(carte, profile="foot") if carte and horaires else None
notebooks.say(f"> {timetable.journey(portes.iloc[:1], soins.iloc[:1], streets=rues, arrive_by=heure)}")

# %% [markdown]
# Autour des arrêts, on pose une grille de points et l'on compte les minutes jusqu'au lieu de soins le plus proche, avec et sans
# voiture. Avec une carte, on marche et on roule par ses rues ; sans elle, la marche est à vol d'oiseau, allongée de 1,3, et le
# temps de voiture est estimé pour une densité moyenne.

# %%
import warnings

import numpy as np
import pandas as pd

# un point sans arrêt proche, un arrêt hors de la carte : ils restent gris
warnings.simplefilter("ignore", territory.errors.TerritoryWarning)
# là où il y a des arrêts, à cinq kilomètres au plus des lieux
ouest, sud, est, nord = np.add(portes.total_bounds, (-0.06, -0.045, 0.06, 0.045))
x = np.linspace(max(timetable.lon.min() - 0.015, ouest), min(timetable.lon.max() + 0.015, est), 30)
y = np.linspace(max(timetable.lat.min() - 0.015, sud), min(timetable.lat.max() + 0.015, nord), 30)
grille = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*map(np.ravel, np.meshgrid(x, y))), crs=4326)
grille = grille.set_index(grille.index.astype(str)).assign(density_hab_km2=500.0)
arrivee = soins.assign(density_hab_km2=500.0)
sans = timetable.travel_times(grille, arrivee, streets=rues, arrive_by=heure, max_time_min=90)
avec = (
    territory.network.estimate_travel_times(grille, arrivee, terrain="mixed", max_time_min=90)
    if rues is None
    else network.travel_times(grille, arrivee, max_time_min=90, max_snap_m=100_000)
)
sans, avec = (
    table.groupby(table["from_id"].astype(str))["travel_time_min"].min().reindex(grille.index)
    for table in (sans, avec)
)
classes = ["15 min ou moins", "15 à 30 min", "30 à 45 min", "45 min à 1 h", "plus d'une heure"]
bornes = [-1, 15, 30, 45, 60, 90]
cartes = grille[["geometry"]].assign(
    **{
        "Sans voiture": pd.cut(sans, bornes, labels=classes),
        "En voiture": pd.cut(avec, bornes, labels=classes),
    }
)
cartes = cartes.to_crs(cartes.estimate_utm_crs())

# %% [markdown]
# **Carte : minutes sans voiture, jusqu'au lieu de soins le plus proche.** Gris : plus d'une heure et demie, ou hors d'atteinte.
# Source : les horaires et la carte lus.

# %%
territory.plot.show(cartes, service="Sans voiture")

# %% [markdown]
# **Carte : la même, en voiture.** Un point loin de toute rue compte depuis la plus proche.

# %%
territory.plot.show(cartes, service="En voiture")

# %%
proches = [int((temps <= 30).sum()) for temps in (sans, avec)]
notebooks.say(
    f"Sur {len(grille)} points, **{proches[0]}** sont à 30 min ou moins des soins sans voiture, et {proches[1]} en voiture."
)

# %% [markdown]
# ## Pour votre territoire
# - Prenez la carte de votre région : `territory data fetch routes-provence-alpes-cote-d-azur`, puis changez `carte`,
#   `lieux` et `minutes` ci-dessus ; `territory run mon-etude.toml --roads FICHIER.osm.pbf` s'en sert pour toute l'étude.
# - Donnez vos horaires, leur date et des lieux : le premier est un domicile, les autres des lieux de soins.
# - `network.with_speeds(…)` essaie d'autres vitesses (`territory.network.speed_table()` donne celles d'origine).
# - Le distancier de votre agence se met dans `[files] distancier = "distancier.csv"` ; s'il est en secondes,
#   `distancier_unit = "s"`.
