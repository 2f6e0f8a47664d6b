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
# # 06 — Groupements territoriaux : avec qui se grouper, et pour partager quoi ?
#
# Un groupement de coopération sociale et médico-sociale (GCSMS) ou un groupement territorial social et médico-social
# (GTSMS) ne crée pas de places : il partage des fonctions entre voisins. Deux questions : quels voisins forment un
# groupe assez grand sans trop de route, et que gagne-t-on à partager ?

# %% tags=["parameters"]
# étude intégrée, ou chemin d'un fichier .toml
etude = "draguignan"
# taille d'un groupe de communes, puis d'un groupe d'EHPAD
habitants_par_groupe = 150000
ehpad_par_groupe = 12

# %%
import pandas as pd

import territory
from territory import notebooks, planning

notebooks.begin()
result = territory.run_study(etude)
state = result.baseline.state
terrain = result.study.travel.terrain
communes = state.communes[state.communes.index.isin(state.parameters.territory_codes)]

# %% [markdown]
# ## Des territoires d'action : grouper des intercommunalités
# Autant de groupes que possible, chacun assez peuplé, sans couper un EPCI.

# %%
outlines = communes if result.dataset.outlines is None else result.dataset.outlines
times = territory.network.estimate_travel_times(communes, communes, terrain=terrain)
groups = planning.territorial_groups(
    outlines.loc[communes.index],
    times,
    communes["population"],
    min_size=habitants_par_groupe,
    blocks=communes["epci_code"],
)
groups

# %% [markdown]
# **Carte : groupes d'intercommunalités, taille en habitants.** Source : population de l'étude (INSEE), temps estimés.

# %%
territory.plot.show(groups, outlines=outlines)

# %% [markdown]
# ## Des établissements : grouper des EHPAD voisins (GTSMS)
# L'unité est l'établissement ; deux voisins sont ceux qu'aucun autre ne sépare. La taille compte ici un par EHPAD, faute
# de places connues.

# %%
ehpad = state.services[state.services.index.get_level_values("service") == "ehpad"]
sites = state.sites.loc[ehpad.index.get_level_values("site_id")]
sites = sites[sites["commune_code"].isin(communes.index)]
between = territory.network.estimate_travel_times(sites, sites, terrain=terrain)
homes = planning.territorial_groups(
    sites, between, pd.Series(1.0, index=sites.index), min_size=ehpad_par_groupe, time_limit_s=20
)
homes.quality.round(1)

# %% [markdown]
# **Carte : groupes d'EHPAD, taille en nombre d'établissements.** Source : établissements du jeu de données de l'étude.

# %%
territory.plot.show(homes, outlines=sites)

# %% [markdown]
# ## Que partager ?
# Le tableau à remplir par les membres d'un groupe : rien n'y est supposé. Une fonction partagée libère des heures et en
# coûte sur la route ; ce qui n'est pas donné reste inconnu.

# %%
members = list(homes.groups.index[homes.groups == homes.groups.iloc[0]][:3])
table = planning.pooling_template(members)
table.head(6).rename(index=sites["name"].to_dict(), level="member_id")

# %%
table.loc["formation", "is_shared"] = True
table.loc["formation", "host_id"] = members[0]
table.loc["formation", "hours_today_per_year"] = 300.0
table.loc["formation", "hours_pooled_per_year"] = 220.0
table.loc["formation", "trips_per_year"] = 12.0
pooled = planning.pooling(table.loc[["formation"]], between)
pooled[["travel_time_min", "freed_hours_per_year", "travel_hours_per_year", "net_hours_per_year"]].round(
    1
).rename(index=sites["name"].to_dict(), level="member_id")

# %% [markdown]
# Les heures ci-dessus sont un exemple à remplacer, pas des chiffres observés.
#
# ## Pour votre territoire
# - Changez les tailles ci-dessus ; `max_time_min=…` limite la route entre deux membres.
# - Mettez les places ou le budget à la place du compte d'établissements, quand vous les avez.
# - Envoyez le tableau vide aux membres : `table.to_excel("mutualisation.xlsx")`.
