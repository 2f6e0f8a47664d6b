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
# # 03 — Déserts médicaux et zonage : où sont-ils, et en est-on sûr ?
#
# Un « désert » est une règle : des mesures, des seuils, et la liste des sites qu'il faut connaître en entier. Là où une
# donnée manque, la réponse est « non calculable », jamais « hors désert ». Ce carnet s'exécute en une à deux minutes.

# %% tags=["parameters"]
# étude intégrée, ou chemin d'un fichier .toml ; soin à regarder, et seuil d'éloignement en minutes
etude = "draguignan"
service = "urgences"
seuil_min = 30

# %%
import territory
from territory import notebooks
from territory.access.deserts import Criterion, classify
from territory.french.numbers import integer, minutes
from territory.french.words import capital, count
from territory.release.gate import TODAY
from territory.report.chapters import deserts, travel_accounts
from territory.report.reading import Reading

notebooks.begin()
result = territory.run_study(etude)
rapport = Reading(territory.release.release(result))
service = service if service in rapport.services else rapport.services[0]

# %% [markdown]
# ## Les critères de l'étude
# Sans autre règle, ce sont les trois critères de la DREES (Les Dossiers de la DREES n° 17, mai 2017) : moins de
# 2,5 consultations de généraliste par habitant (APL), plus de 30 minutes d'un service d'urgence, plus de 10 minutes d'une
# pharmacie. Voici ce qu'en dit le rapport.

# %%
notebooks.say(
    deserts.desert_parts(rapport)
    or "Aucun critère n'est éprouvé dans cette étude : ses données manquent, ou elle ne demande aucun tirage."
)

# %% [markdown]
# ## Combien d'habitants, par nombre de critères ?

# %%
parts = result.baseline.desert_shares.xs("territory", level="zone").reset_index()
parts = parts[parts["commune_count"] > 0]
notebooks.table(
    parts[["scheme", "desert_class", "commune_count", "population_hab", "population_share"]], result
)

# %% [markdown]
# ## Un critère que l'on maîtrise : le temps de route
# Le même calcul, pas à pas, sur un seul soin : celui de la première cellule.

# %%
territory.plot.show(result, service=service)

# %%
temps = rapport.times(TODAY, service).reindex(rapport.territory.index)
habitants = rapport.territory["population"]
loin = temps["travel_time_min"] > seuil_min
notebooks.say(
    f"{capital(rapport.label(service))} : **{count(int(loin.sum()), 'commune')}**, "
    f"{integer(habitants[loin].sum())} habitants, à plus de {minutes(seuil_min)}."
)

# %% [markdown]
# ## Est-on sûr ?
# Les temps sont estimés : une commune à 29 minutes pourrait être à 35. Est douteuse une commune plus près du seuil que le doute
# sur son temps.

# %%
douteuses = (temps["travel_time_min"] - seuil_min).abs() <= temps["uncertainty_min"]
notebooks.say(
    f"**{count(int(douteuses.sum()), 'commune')}** ({integer(habitants[douteuses].sum())} habitants) sont trop près du "
    "seuil pour que l'on sache de quel côté elles sont."
)

# %% [markdown]
# **Carte à explorer : le critère choisi ci-dessus** (liste *Carte*, *Critères de désert*).

# %%
regle = Criterion(service, "travel_time_min", seuil_min, "above", "min", "is_reachable")
classes = classify(temps[["travel_time_min", "is_reachable"]], criteria=[regle])
carte = territory.plot.explore(result, deserts=classes)
carte.shown.value = "Critères de désert"
carte

# %% [markdown]
# ## Les soins courants

# %%
notebooks.say(
    travel_accounts.common_care(rapport) or "Aucune liste de sites n'est complète dans cette étude."
)

# %% [markdown]
# ## Le zonage
# Le zonage des médecins se fait par territoire de vie-santé, avec l'APL publié par la DREES et un seuil de population
# nationale. Sans ces deux fichiers, il ne se simule pas ; avec eux, il n'a pas de valeur réglementaire : l'arrêté de
# l'agence fait foi.

# %%
zonage = result.baseline.zoning
notebooks.table(zonage, result) if len(zonage) else notebooks.say(
    "Zonage : cette étude n'a ni l'APL ni les territoires de vie-santé qu'il demande."
)

# %% [markdown]
# ## Pour votre territoire
# - Vos propres critères se mettent dans une section `[[desert]]` de l'étude ; `docs/method/acces-deserts.md` dit lesquels.
# - Récupérez l'APL : `territory data list` donne les jeux de données, `territory data fetch` les apporte.
# - Un critère n'a de sens que si la liste de ses sites est complète, dans le territoire **et** à ses abords.
