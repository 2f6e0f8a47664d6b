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
# # 04 — La plateforme de Draguignan : qui gagne, qui perd ?
#
# Le projet PRISME réunirait sur un site, à Draguignan, des services de l'enfance aujourd'hui dispersés. Tout dépend
# d'un point que les documents publics ne disent pas : les places de jour de l'IME de Salernes déménagent-elles ? Ce carnet s'exécute en une
# à deux minutes.

# %% tags=["parameters"]
# étude intégrée, ou chemin d'un fichier .toml ; scénario et service à regarder
etude = "draguignan"
scenario = "B"
service = "ime-salernes"

# %%
import territory
from territory import notebooks
from territory.release.gate import TODAY
from territory.report.chapters import first_page, journeys, moves, pictures
from territory.report.reading import Reading

notebooks.begin()
result = territory.run_study(etude)
# ce qui peut être imprimé : si l'étude compte des enfants accompagnés, les petits effectifs y sont « secret »
released = territory.release.release(result)
rapport = Reading(released)
sans = notebooks.say(
    "Cette étude ne compare aucun scénario où un service change de site : rien à montrer ici."
)
scenario = scenario if scenario in released.scenarios else next(iter(released.scenarios), "")
changements = rapport.moves(scenario) if scenario else []
connus = [one for change in changements for one in change.services]
service = service if service in connus else next(iter(connus or rapport.services))
change = next((one for one in changements if service in one.services), None)
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

# %%
notebooks.say(f"Vers {rapport.the([service])} : {pictures.within_words(rapport, service, TODAY)}")

# %% [markdown]
# ## Dans le scénario
# Gains et pertes sont comptés parmi les enfants **de l'âge concerné** qui habitent aujourd'hui à 45 minutes ou moins :
# personne n'a encore fourni les communes des enfants accompagnés. Un écart sous le doute est dit « sans différence visible ».

# %%
notebooks.say(first_page.headline(rapport, change)) if change else sans

# %%
notebooks.say([pictures.change_map(rapport, change, max_height_cm=12)]) if change else sans

# %% [markdown]
# **Figure : enfants de l'âge concerné dont le trajet change, par EPCI.** Source : temps et âges de l'étude.

# %%
territory.plot.show(result, service=service, scenario=scenario) if change else sans

# %%
notebooks.say(
    [moves.effects_table(rapport, change, moves.ordered_zones(rapport, change))]
) if change else sans

# %% [markdown]
# ## Et si la limite de recrutement changeait ?
# La limite de l'étude est une hypothèse : voici d'autres limites, dans tout le territoire.

# %%
limites = released.sensitivity(scenario, service).reset_index() if change else None
colonnes = ["recruitment_max_min", "persons_gain", "persons_loss", "persons_indistinct", "persons_entering"]
notebooks.table(limites[colonnes], result, of="comparaison_sensibilite") if change else sans

# %% [markdown]
# ## Le temps à bord
# Un minibus fait une tournée, et le temps à bord dépend de la limite que l'on fixe : c'est le chapitre du rapport, avant et après,
# sur les mêmes tirages du lieu de vie des enfants (clé `rounds` d'un trajet de l'étude). C garde une antenne à Salernes : c'est ce
# que fait un second site. Toutes les mesures sont dans la table *tournees* de l'étude.

# %%
tournees = journeys.time_on_board(rapport)
notebooks.say(
    tournees[1:] or "Aucune tournée demandée : c'est la clé `rounds` d'un trajet (`docs/method/tournees.md`)."
)

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
