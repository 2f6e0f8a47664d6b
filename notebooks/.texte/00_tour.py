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
# # 00 — Le tour en dix minutes : que sait-on d'un territoire, et que changerait un projet ?
#
# Ce notebook montre ce que l'on obtient d'une étude, sur celle qui est fournie : la plateforme de Draguignan (PRISME),
# dans le Var. Exécutez les cellules de haut en bas (menu *Run*, *Run All Cells*). Rien n'est téléchargé.

# %% tags=["parameters"]
# étude intégrée, ou chemin d'un fichier .toml
etude = "draguignan"

# %%
import territory
from territory import notebooks

notebooks.begin()
result = territory.run_study(etude)
result.study

# %% [markdown]
# ## La question, sur une carte
# Les ronds sont les lieux d'aujourd'hui, le carré est un lieu prévu.

# %%
territory.plot.show(result.study)

# %% [markdown]
# ## 1. Besoins : combien d'enfants sont concernés ?
# Une prévalence appliquée aux enfants de chaque commune : un ordre de grandeur avec sa fourchette, pas une demande de
# places. Source des taux : voir `result.study.need`.

# %%
demand = result.baseline.state.demand
demand.groupby("public")[["demand_low", "demand", "demand_high"]].sum().round(-1)

# %% [markdown]
# ## 2. Accès : combien de minutes de route ?
# Le temps de route de chaque commune vers le premier service nommé par l'étude, en minutes.

# %%
territory.plot.show(result)

# %% [markdown]
# ## 3. Scénarios : qui gagne, qui perd ?
# Un écart plus petit que le doute sur les temps est dit « non distinguable » : il ne compte ni comme gain ni comme perte.

# %%
result

# %% [markdown]
# ## 4. Essayer soi-même
# Choisissez un service, puis un lieu dans la liste, ou déplacez le repère sur la carte : les minutes, la couverture et les
# personnes qui gagnent ou perdent suivent aussitôt. *Enregistrer l'étude* l'ajoute à un fichier d'étude.

# %%
territory.plot.explore(result)

# %% [markdown]
# ## Et ensuite
# | notebook | question |
# |---|---|
# | [01](01_besoins.ipynb) | Combien d'enfants sont concernés, et où ? |
# | [02](02_temps_acces.ipynb) | À combien de minutes vivent-ils des soins ? |
# | [03](03_deserts_zonage.ipynb) | Où sont les déserts médicaux, et en est-on sûr ? |
# | [04](04_plateforme_draguignan.ipynb) | La plateforme de Draguignan : qui gagne, qui perd ? |
# | [05](05_ou_implanter.ipynb) | Où implanter un service ? |
# | [06](06_groupements.ipynb) | Quels groupements, et pour partager quoi ? |
# | [07](07_nouveau_recensement.ipynb) | Qu'est-ce qu'un nouveau recensement change ? |
# | [08](08_autre_departement.ipynb) | Comment refaire l'étude ailleurs ? |
# | [09](09_rapport_diffusion.ipynb) | Quel rapport remettre, et que peut-on publier ? |
#
# ## Pour votre territoire
# - Dans le Var : copiez `studies/exemple.toml`, changez la question, les sites et les scénarios, puis
#   `etude = "mon-etude.toml"` ci-dessus.
# - Ailleurs : commencez par le notebook 08.
