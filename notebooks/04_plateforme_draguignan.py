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
# # 04 — La plateforme de Draguignan : qui gagne, qui perd ?
#
# Le projet PRISME réunirait sur un site, à Draguignan, des services de l'enfance aujourd'hui dispersés. Tout dépend
# d'un point que les documents publics ne disent pas : les places de jour de l'IME de Salernes déménagent-elles ?

# %% tags=["parameters"]
# étude intégrée, ou chemin d'un fichier .toml ; scénario et service à regarder
study = "draguignan"
scenario = "B"
service = "ime-salernes"

# %%
import territory

result = territory.run_study(study)
result

# %% [markdown]
# ## Aujourd'hui
# Le temps de route de chaque commune vers le service, en minutes.

# %%
territory.plot.show(result.baseline, service=service, outlines=result.dataset.outlines)

# %% [markdown]
# ## Dans le scénario
# Gains et pertes sont comptés parmi les enfants **de l'âge concerné** qui habitent aujourd'hui à 45 minutes ou moins :
# personne n'a encore fourni les communes des enfants accompagnés. Un écart sous le doute est « non distinguable ».

# %%
comparison = result.comparisons[scenario]
names = dict(
    zip(result.baseline.state.communes["epci_code"], result.baseline.state.communes["epci_name"], strict=True)
)
territory.plot.show(comparison, service=service, names=names)

# %%
zones = comparison.zones.xs(service, level="service")
columns = ["persons_gain", "persons_loss", "persons_indistinct", "persons_entering", "worst_loss_min"]
zones[columns].rename(index={**names, "territory": "Ensemble"}).round(0)

# %% [markdown]
# ## Et si la limite de recrutement changeait ?
# 45 minutes est une hypothèse : voici 30 et 60.

# %%
comparison.sensitivity.xs(service, level="service")[columns[:4]].round(0)

# %% [markdown]
# ## Pour votre territoire
# - Copiez `studies/exemple.toml`, changez les sites et les scénarios, puis `study = "mon-etude.toml"` ci-dessus.
# - `territory run mon-etude.toml` écrit le rapport PDF, les tables et les couches pour QGIS.
# - Si l'établissement donne les communes d'origine, ajoutez `[files] observed_origins = "origines.csv"`.
