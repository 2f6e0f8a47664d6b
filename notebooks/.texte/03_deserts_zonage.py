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
# # 03 — Déserts médicaux et zonage : où sont-ils, et en est-on sûr ?
#
# Un « désert » est une règle : des mesures, des seuils, et la liste des sites qu'il faut connaître en entier. Là où une
# donnée manque, la réponse est « non calculable », jamais « hors désert ».

# %% tags=["parameters"]
# étude intégrée, ou chemin d'un fichier .toml ; seuil d'éloignement des urgences, en minutes
etude = "draguignan"
seuil_urgences = 30

# %%
import territory
from territory import notebooks

notebooks.begin()
result = territory.run_study(etude)
result.baseline.deserts.groupby("criterion")[["unit", "threshold", "status", "reason"]].first()

# %% [markdown]
# ## Les critères de l'étude
# Les trois critères de la DREES (Les Dossiers de la DREES n° 17, mai 2017) : moins de 2,5 consultations de généraliste par
# habitant (APL), plus de 30 minutes d'un service d'urgence, plus de 10 minutes d'une pharmacie. La dernière colonne
# ci-dessus dit pourquoi un critère ne se calcule pas : le plus souvent, une liste de sites incomplète.

# %%
shares = result.baseline.desert_shares.xs("territory", level="zone")
shares.assign(population_share=lambda table: (100 * table["population_share"]).round(1)).rename(
    columns={"population_share": "population (%)", "population_hab": "habitants", "commune_count": "communes"}
)

# %% [markdown]
# ## Un critère que l'on maîtrise : le temps vers les urgences
# **Carte : temps de route vers le service d'urgences le plus proche, en minutes.** Source : liste des urgences du jeu de
# données de l'étude (`result.dataset.sources`).

# %%
territory.plot.show(result, service="urgences")

# %%
from territory.access.deserts import Criterion, classify, population_by_class

access = result.baseline.access.xs("urgences", level="service")[["travel_time_min", "is_reachable"]]
access = access[access.index.isin(result.baseline.state.parameters.territory_codes)]
rule = Criterion("urgences", "travel_time_min", seuil_urgences, "above", "min", "is_reachable")
classes = classify(access, criteria=[rule])
population_by_class(classes, result.baseline.state.communes["population"])

# %% [markdown]
# ## Est-on sûr ?
# Les temps sont estimés : une commune à 29 minutes pourrait être à 35. Voici combien de communes sont à moins de
# l'incertitude du seuil, et pourraient changer de côté.

# %%
rows = result.baseline.access.xs("urgences", level="service").reindex(access.index)
is_doubtful = (rows["travel_time_min"] - seuil_urgences).abs() <= rows["uncertainty_min"]
population = result.baseline.state.communes["population"].reindex(access.index)
{"communes": int(is_doubtful.sum()), "habitants": int(population[is_doubtful].sum())}

# %% [markdown]
# **Carte à explorer : le critère choisi ci-dessus** (liste *Carte*, *Critères de désert*).

# %%
carte = territory.plot.explore(result, deserts=classes)
carte.shown.value = "Critères de désert"
carte

# %% [markdown]
# ## Le zonage
# Le zonage des médecins se fait par territoire de vie-santé, avec l'APL publié par la DREES et un seuil de population
# nationale. Sans ces deux fichiers, il ne se simule pas ; avec eux, il n'a pas de valeur réglementaire : l'arrêté de
# l'agence fait foi.

# %%
result.baseline.zoning if len(
    result.baseline.zoning
) else "Zonage : les fichiers d'APL et de territoires manquent."

# %% [markdown]
# ## Pour votre territoire
# - Vos propres critères se mettent dans une section `[[desert]]` de l'étude ; `docs/method/acces-deserts.md` dit lesquels.
# - Récupérez l'APL : `territory data list` donne les jeux de données, `territory data fetch` les apporte.
# - Un critère n'a de sens que si la liste de ses sites est complète, dans le territoire **et** à ses abords.
