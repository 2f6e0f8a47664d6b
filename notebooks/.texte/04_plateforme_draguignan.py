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
# # 04 — La plateforme de Draguignan : qui gagne, qui perd ?
#
# Le projet PRISME réunirait sur un site, à Draguignan, des services de l'enfance aujourd'hui dispersés. Tout dépend
# d'un point que les documents publics ne disent pas : les places de jour de l'IME de Salernes déménagent-elles ?

# %% tags=["parameters"]
# étude intégrée, ou chemin d'un fichier .toml ; scénario et service à regarder
etude = "draguignan"
scenario = "B"
service = "ime-salernes"

# %%
import territory
from territory import notebooks

notebooks.begin()
result = territory.run_study(etude)
scenario = scenario if scenario in result.comparisons else next(iter(result.comparisons))
# ce qui peut être imprimé : si l'étude compte des enfants accompagnés, les petits effectifs y sont « secret »
released = territory.release.release(result)
moved = released.moved(scenario)
service = service if service in moved else moved[0]
result.study

# %% [markdown]
# ## Essayez d'abord
# Choisissez un service, puis un lieu dans la liste, ou faites glisser le repère : la carte et les nombres suivent aussitôt.
# En bleu, les trajets plus courts ; en orange, les plus longs. La liste *Carte* montre aussi les scénarios de l'étude.

# %%
carte = territory.plot.explore(result, service=service)
carte

# %% [markdown]
# ## Aujourd'hui
# **Carte : temps de route de chaque commune vers le service, en minutes.**

# %%
territory.plot.show(result, service=service)

# %% [markdown]
# ## Dans le scénario
# Gains et pertes sont comptés parmi les enfants **de l'âge concerné** qui habitent aujourd'hui à 45 minutes ou moins :
# personne n'a encore fourni les communes des enfants accompagnés. Un écart sous le doute est « non distinguable ».
#
# **Figure : enfants de l'âge concerné dont le trajet change, par EPCI.** Source : temps et âges de l'étude.

# %%
territory.plot.show(result, service=service, scenario=scenario)

# %%
zones = released.zones_table(scenario).xs(service, level="service")
names = dict(zip(released.communes["epci_code"], released.communes["epci_name"], strict=True))
columns = ["persons_gain", "persons_loss", "persons_indistinct", "persons_entering", "worst_loss_min"]
zones[columns].rename(index={**names, "territory": "Ensemble"}).round(0)

# %% [markdown]
# ## Et si la limite de recrutement changeait ?
# 45 minutes est une hypothèse : voici 30 et 60.

# %%
released.sensitivity(scenario, service)[columns[:4]].round(0)

# %% [markdown]
# ## Le temps à bord
# Un minibus fait une tournée : combien de véhicules, combien de temps à bord, aujourd'hui et dans les scénarios, sur les mêmes
# tirages du lieu de vie des enfants (clé `rounds` d'un trajet ; le nombre d'enfants est une illustration quand il n'est pas connu).
# `one_less_min` : minutes de plus à bord, en moyenne, pour un véhicule de moins. C garde une antenne : c'est ce que fait un second site.

# %%
rounds = released.rounds
shown = ["scenario", "service", "measure", "baseline_value", "scenario_value", "delta_low", "delta_high"]
rounds.query("zone == 'territory'")[shown].round(1) if len(rounds) else "Aucune tournée demandée."

# %% [markdown]
# ## Garder un scénario, et en faire le rapport
# Dans le panneau, *Enregistrer l'étude* l'ajoute à un fichier d'étude (`draguignan-essai.toml` si vous partez de
# l'étude fournie). Le rapport PDF, les tables et les couches pour QGIS suivent d'une commande, dans un terminal :
# `territory run draguignan-essai.toml`, ou ici : `territory.run_study("draguignan-essai.toml", out_dir=".")`.
#
# ## Pour votre territoire
# - Copiez `studies/exemple.toml`, changez les sites et les scénarios, puis `etude = "mon-etude.toml"` ci-dessus.
# - `territory run mon-etude.toml` écrit le rapport PDF, les tables et les couches pour QGIS.
# - Si l'établissement donne les communes d'origine, ajoutez `[files] observed_origins = "origines.csv"`.
