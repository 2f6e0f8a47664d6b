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
# # 01 — Besoins : combien d'enfants sont concernés, et où vivent-ils ?
#
# On part du recensement et d'un taux publié. Ce notebook montre l'ordre de grandeur par intercommunalité (EPCI), sa
# fourchette, et ce qu'il ne faut pas lui faire dire.

# %% tags=["parameters"]
# étude intégrée, ou chemin d'un fichier .toml ; public à regarder (vide : le premier de l'étude)
etude = "draguignan"
public = ""

# %%
import pandas as pd

import territory
from territory import notebooks

notebooks.begin()
result = territory.run_study(etude)
state = result.baseline.state
public = public or result.study.need[0].public
pd.DataFrame([need.model_dump() for need in result.study.need]).set_index("public")[
    ["label", "kind", "low_per_1000", "per_1000", "high_per_1000", "source"]
]

# %% [markdown]
# ## Du taux au nombre
# Personnes = enfants de la tranche d'âge × taux. Bas, central et haut sont trois taux publiés, pas un intervalle de
# confiance. `kind` dit ce qui est compté : une **prévalence** (des enfants, qu'ils demandent ou non une place), des
# **droits** ouverts, des **orientations** de la MDPH, une **attente**.

# %%
demand = state.demand.xs(public, level="public")
zones = state.communes["epci_name"].reindex(demand.index)
by_zone = demand[["demand_low", "demand", "demand_high"]].groupby(zones).sum()
by_zone = by_zone.set_axis(["low", "central", "high"], axis=1).sort_values("central")
by_zone.sum().round(-1)

# %% [markdown]
# **Figure : enfants concernés par EPCI, en nombre de personnes (trait : du taux bas au taux haut).** Source : recensement
# de l'étude (INSEE) et taux du tableau ci-dessus.

# %%
territory.plot.charts.needs_with_range(by_zone, label="enfants concernés (personnes)")

# %% [markdown]
# ## Où sont-ils nombreux, où sont-ils une part importante ?
# Les EPCI les plus peuplés ont le plus d'enfants concernés, mais le même taux partout donne la même part partout : sur
# une prévalence, seule la répartition des enfants par âge change d'un lieu à l'autre. Les moins de 11 personnes ne se
# publient pas commune par commune.

# %%
communes = demand["demand"].to_frame("personnes").join(state.communes[["name", "epci_name", "population"]])
communes.sort_values("personnes", ascending=False).head(10).round(0)

# %% [markdown]
# ## Besoins et places ne se soustraient pas toujours
# On ne compare à des places que des personnes qui en demandent une : orientations ou listes d'attente. La bibliothèque
# connaît les sortes de besoins qui se comparent :

# %%
territory.needs.KINDS_COMPARABLE_WITH_PLACES

# %% [markdown]
# ## Pour votre territoire
# - Changez le taux, sa fourchette et sa source dans une section `[[need]]` de votre fichier d'étude.
# - Un total connu (bénéficiaires de l'AEEH, par exemple) se met dans `known_total` : la répartition suit les enfants, le
#   total est respecté.
# - Demandez à la MDPH les orientations en cours et l'attente par commune : `territory init --template demande.xlsx`
#   écrit le classeur à lui envoyer.
