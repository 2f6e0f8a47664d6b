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
# horaires de transports collectifs (GTFS) de votre territoire, leur date et l'heure à laquelle être aux soins ; sans eux, un
# exemple de deux lignes
horaires: list[str] = []
date_horaires = "2026-11-30"
heure = "09:00"

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
# ## Sans voiture
# Les horaires (GTFS) d'un jour donnent le temps de porte à porte, en transports collectifs et à pied. Ici, sur un exemple :
# une maison, un lieu de soins, deux lignes de bus. Le trajet se lit en mots, pour le vérifier à la main.

# %%
from territory.transit.feeds import sample_points
from territory.transit.gtfs import sample_timetable

timetable = territory.transit.read_gtfs(horaires, date=date_horaires) if horaires else sample_timetable()
portes = points if horaires else sample_points()
soins = portes.iloc[-1:]
rues = territory.network.read_osm(carte, profile="foot") if carte and horaires else None
print(timetable.journey(portes.iloc[:1], soins, streets=rues, arrive_by=heure))

# %% [markdown]
# **Deux cartes : les minutes jusqu'aux soins sans voiture, et en voiture, sur la même échelle.** Gris : plus d'une heure et
# demie. Avec une carte, on marche et on roule par ses rues ; sans elle, la marche est à vol d'oiseau, allongée de 1,3, et le
# temps de voiture est estimé. Source : les horaires et la carte lus. Tout marche de même pour une autre ville : donnez ses
# horaires, sa carte et des lieux, le dernier étant celui des soins.

# %%
import matplotlib.pyplot as plt
import numpy as np

# là où il y a des arrêts, à une dizaine de kilomètres au plus des lieux
ouest, sud, est, nord = portes.total_bounds
ouest, est = max(timetable.lon.min(), ouest - 0.1), min(timetable.lon.max(), est + 0.1)
sud, nord = max(timetable.lat.min(), sud - 0.08), min(timetable.lat.max(), nord + 0.08)
x, y = np.meshgrid(np.linspace(ouest - 0.015, est + 0.015, 40), np.linspace(sud - 0.015, nord + 0.015, 40))
grille = gpd.GeoDataFrame(geometry=gpd.points_from_xy(x.ravel(), y.ravel()), crs=4326)
grille.index = grille.index.astype(str)
# une densité moyenne, que le temps de voiture estimé demande
grille["density_hab_km2"] = 500.0
arrivee = soins.assign(density_hab_km2=500.0)
sans = timetable.travel_times(grille, arrivee, streets=rues, arrive_by=heure, max_time_min=90)
if rues is None:
    avec = territory.network.estimate_travel_times(grille, arrivee, terrain="mixed", max_time_min=90)
else:
    # hors de la carte, en ligne droite et lentement jusqu'à sa première rue
    avec = network.travel_times(grille, arrivee, max_time_min=90, max_snap_m=100_000)
titres = ("Sans voiture", "En voiture (estimé)" if rues is None else "En voiture")
figure, axes = plt.subplots(1, 2, figsize=(10, 4.5))
for axe, temps, titre in zip(axes, (sans, avec), titres, strict=True):
    valeurs = temps.set_index(temps["from_id"].astype(str))["travel_time_min"].reindex(grille.index)
    grille.assign(minutes=valeurs).plot(
        "minutes",
        ax=axe,
        vmin=0,
        vmax=90,
        cmap="viridis_r",
        marker="s",
        markersize=22,
        legend=True,
        legend_kwds={"shrink": 0.6, "label": "minutes"},
        missing_kwds={"color": "lightgrey"},
    )
    arrivee.plot(ax=axe, color="black", marker="*", markersize=90)
    axe.set_title(titre)
    axe.set_axis_off()
plt.show()

# %% [markdown]
# ## Pour votre territoire
# - Prenez la carte de votre région : `territory data fetch routes-provence-alpes-cote-d-azur`, puis changez `carte`,
#   `lieux` et `minutes` ci-dessus ; `territory run mon-etude.toml --roads FICHIER.osm.pbf` s'en sert pour toute l'étude.
# - `network.with_speeds(…)` essaie d'autres vitesses (`territory.network.speed_table()` donne celles d'origine).
# - Le distancier de votre agence se met dans `[files] distancier = "distancier.csv"` ; s'il est en secondes,
#   `distancier_unit = "s"`.
