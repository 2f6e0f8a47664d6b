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
# # 06 — Groupements territoriaux : avec qui se grouper, et pour partager quoi ?
#
# Un groupement de coopération sociale et médico-sociale (GCSMS) ou un groupement territorial social et médico-social
# (GTSMS) ne crée pas de places : il partage des fonctions entre voisins. Deux questions : quels voisins forment un
# groupe assez grand sans trop de route, et que gagne-t-on à partager ? Ce carnet s'exécute en une à deux minutes.

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
from territory.french.numbers import decimal, integer
from territory.french.words import count, epci_short, join
from territory.report.chapters import questions
from territory.report.reading import Reading

notebooks.begin()
result = territory.run_study(etude)
rapport = Reading(territory.release.release(result))
communes, terrain = rapport.territory, result.study.travel.terrain

# %% [markdown]
# ## Des territoires d'action : grouper des intercommunalités
# Autant de groupes que possible, chacun assez peuplé, sans couper un EPCI.

# %%
outlines = communes if result.dataset.outlines is None else result.dataset.outlines.loc[communes.index]
times = territory.network.estimate_travel_times(communes, communes, terrain=terrain)
taille = min(habitants_par_groupe, float(communes["population"].sum()))
groups = planning.territorial_groups(
    outlines, times, communes["population"], min_size=taille, blocks=communes["epci_code"]
)
membres = communes["epci_name"].groupby(groups.groups).unique()
resume = groups.summary[["size", "mean_drive_to_seat_min", "worst_drive_to_seat_min"]].assign(
    EPCI=[join(sorted(map(epci_short, noms))) for noms in membres.reindex(groups.summary.index)],
    siege=communes["name"].reindex(groups.summary["seat"]).to_list(),
)
resume = resume.rename(columns={"size": "Habitants", "siege": "Siège (calculé)"}).rename_axis("Groupe")
notebooks.table(resume[["EPCI", "Siège (calculé)", *resume.columns[:3]]])

# %%
route = float(groups.quality["mean_drive_to_seat_min"])
notebooks.say(f"**{count(len(resume), 'groupe')}**, à {decimal(route)} min de leur siège en moyenne.")

# %% [markdown]
# **Carte : groupes d'intercommunalités, taille en habitants.** Source : population de l'étude (INSEE), temps estimés.

# %%
territory.plot.show(groups, outlines=outlines)

# %% [markdown]
# ## Des établissements : grouper des EHPAD voisins (GTSMS)
# L'unité est l'établissement ; deux voisins sont ceux qu'aucun autre ne sépare. La taille compte ici un par EHPAD, faute
# de places connues.

# %%
services, tous = rapport.release.services, rapport.release.sites
ehpad = services[services.index.get_level_values("service") == "ehpad"]
sites = tous.loc[ehpad.index.get_level_values("site_id")]
sites = sites[sites["commune_code"].isin(communes.index)]
between = territory.network.estimate_travel_times(sites, sites, terrain=terrain)
homes = planning.territorial_groups(
    sites,
    between,
    pd.Series(1.0, index=sites.index),
    min_size=min(ehpad_par_groupe, len(sites)),
    time_limit_s=20,
)
homes

# %%
tailles = dict.fromkeys(integer(homes.summary["n_units"].agg(bord)) for bord in ("min", "max"))
notebooks.say(
    f"**{count(len(homes.summary), 'groupe')}** de {' à '.join(tailles)} EHPAD, à "
    f"{decimal(float(homes.quality['mean_drive_to_seat_min']))} min de leur siège en moyenne."
)

# %% [markdown]
# **Carte : groupes d'EHPAD, taille en nombre d'établissements.** Source : établissements du jeu de données de l'étude.

# %%
fond = pd.concat([outlines[["geometry"]], sites[["geometry"]].to_crs(outlines.crs)])
territory.plot.show(homes, outlines=fond)

# %% [markdown]
# ## Les groupements que l'étude demande

# %%
notebooks.say(
    questions.groups(rapport) or "Cette étude ne demande aucun groupement (section `[[grouping]]`)."
)

# %% [markdown]
# ## Que partager ?
# Le tableau à remplir par les membres d'un groupe : rien n'y est supposé, un tiret est une case à remplir. Une fonction partagée
# libère des heures et en coûte sur la route ; ce qui n'est pas donné reste inconnu.

# %%
members = list(homes.groups.index[homes.groups == homes.groups.iloc[0]][:3])
table = planning.pooling_template(members)
noms = sites["name"].str.capitalize().to_dict()
titres = {
    "label": "Fonction",
    "member_id": "Établissement",
    "is_shared": "Partagée",
    "hours_today_per_year": "Heures aujourd'hui (par an)",
    "hours_pooled_per_year": "Heures partagées (par an)",
    "trips_per_year": "Trajets (par an)",
}
vide = table.reset_index().replace({"member_id": noms})
notebooks.table(vide[list(titres)].rename(columns=titres).head(6))

# %% [markdown]
# Remplissons une ligne, la formation, avec des heures **inventées** pour l'exemple.

# %%
table.loc["formation", "is_shared"] = True
table.loc["formation", "host_id"] = members[0]
table.loc["formation", "hours_today_per_year"] = 300.0
table.loc["formation", "hours_pooled_per_year"] = 220.0
table.loc["formation", "trips_per_year"] = 12.0
pooled = planning.pooling(table.loc[["formation"]], between)
titres = {
    "member_id": "Établissement",
    "travel_time_min": "travel_time_min",
    "freed_hours_per_year": "Heures libérées (par an)",
    "travel_hours_per_year": "Heures de route (par an)",
    "net_hours_per_year": "Bilan (heures par an)",
}
bilan = pooled.reset_index().replace({"member_id": noms})
notebooks.table(bilan[list(titres)].rename(columns=titres))

# %%
net = float(pooled["net_hours_per_year"].sum())
notebooks.say(
    f"Avec ces heures inventées, partager la formation ferait {'gagner' if net > 0 else 'perdre'} **{decimal(abs(net))} heures** "
    "par an à ces établissements ensemble, route comprise."
)

# %% [markdown]
# ## Pour votre territoire
# - Changez les tailles ci-dessus ; `max_time_min=…` limite la route entre deux membres.
# - Mettez les places ou le budget à la place du compte d'établissements, quand vous les avez.
# - Envoyez le tableau vide aux membres : `table.to_excel("mutualisation.xlsx")`.
