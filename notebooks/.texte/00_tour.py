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
# # 00 — Le tour en dix minutes : que sait-on d'un territoire, et que changerait un projet ?
#
# Ce carnet montre ce que l'on obtient d'une étude, sur celle qui est fournie : la plateforme de Draguignan (PRISME), dans le
# Var. Menu *Exécution*, puis *Exécuter toutes les cellules* : comptez deux minutes. Rien n'est téléchargé.

# %% tags=["parameters"]
# étude intégrée, ou chemin d'un fichier .toml
etude = "draguignan"

# %%
import territory
from territory import notebooks
from territory.french.words import between
from territory.release.gate import TODAY
from territory.report.chapters import first_page, pictures
from territory.report.reading import Reading

notebooks.begin()
result = territory.run_study(etude)
# ce que le rapport a le droit d'écrire
rapport = Reading(territory.release.release(result))
result.study

# %% [markdown]
# ## La question, sur une carte
# Les ronds sont les lieux d'aujourd'hui, le carré est un lieu prévu.

# %%
territory.plot.show(result.study)

# %% [markdown]
# ## 1. Besoins : combien d'enfants sont concernés ?
# Un taux publié, appliqué aux enfants de chaque commune : un ordre de grandeur avec sa fourchette, pas une demande de places.

# %%
bornes = ["demand_low", "demand", "demand_high"]
besoins = rapport.release.demand.groupby("public", sort=False)[bornes].sum().reset_index()
notebooks.table(besoins, result)

# %%
noms = {need.public: need.label for need in result.study.need}
phrases = [
    f"- {noms[un.public]} : **{between(un.demand_low, un.demand_high)}**." for un in besoins.itertuples()
]
notebooks.say("\n".join(phrases) or "Cette étude ne déclare aucun besoin : rien à compter ici.")

# %% [markdown]
# ## 2. Accès : combien de minutes de route ?
# Le temps de route de chaque commune vers le premier service que nomme l'étude, en minutes.

# %%
service = rapport.services[0]
territory.plot.show(result, service=service)

# %%
notebooks.say(f"Vers {rapport.the([service])} : {pictures.within_words(rapport, service, TODAY)}")

# %% [markdown]
# ## 3. Scénarios : qui gagne, qui perd ?
# C'est la réponse de la première page du rapport. Chaque nombre vient du calcul ; chaque écart plus petit que le doute sur les
# temps est dit « sans différence visible ».

# %%
notebooks.say(first_page.answer(rapport))

# %% [markdown]
# ## 4. Essayer soi-même
# Choisissez un service, puis un lieu dans la liste, ou déplacez le repère sur la carte : les minutes, la couverture et les
# personnes qui gagnent ou perdent suivent aussitôt. *Enregistrer l'étude* l'ajoute à un fichier d'étude.

# %%
territory.plot.explore(result)

# %% [markdown]
# ## Et ensuite
# | carnet | question |
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
# - Ailleurs : commencez par le carnet 08.
