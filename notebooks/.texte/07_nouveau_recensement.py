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
# # 07 — Un nouveau recensement paraît : qu'est-ce qui change ?
#
# Les temps de route ne bougent pas, les habitants si. Ce notebook refait la même étude sur deux recensements et sépare ce
# qui vient de la population du reste.

# %% tags=["parameters"]
# étude intégrée, ou chemin d'un fichier .toml ; ancien recensement (le nouveau est celui de l'étude)
etude = "draguignan"
ancien = "rp2017"

# %%
import territory
from territory import notebooks

notebooks.begin()
new = territory.run_study(etude)
old = territory.run_study(etude, population=ancien)
{"ancien": old.study.population, "nouveau": new.study.population, "connus": new.dataset.vintages}

# %% [markdown]
# ## Les habitants
# Par EPCI, en habitants. Source : populations légales (INSEE), aux deux millésimes ci-dessus.

# %%
inside = new.baseline.state.communes.index.isin(new.baseline.state.parameters.territory_codes)
zones = new.baseline.state.communes["epci_name"][inside]
before = old.baseline.state.communes["population"][inside].groupby(zones).sum()
after = new.baseline.state.communes["population"][inside].groupby(zones).sum()
people = before.to_frame("ancien").assign(nouveau=after, ecart=after - before)
people.assign(ecart_pour_cent=(100 * people["ecart"] / people["ancien"]).round(1)).sort_values(
    "ecart_pour_cent"
)

# %% [markdown]
# ## Les besoins
# Même taux, autres enfants : l'écart ne vient que du recensement.

# %%
publics = [need.public for need in new.study.need]
totals = [run.baseline.state.demand.groupby("public")["demand"].sum() for run in (old, new)]
totals[0].to_frame("ancien").assign(nouveau=totals[1]).loc[publics].round(-1)

# %% [markdown]
# ## Les gagnants et les perdants
# Les communes qui gagnent ou perdent des minutes sont les mêmes ; seul leur nombre d'enfants change.

# %%
name = next(iter(new.comparisons))
services = list(new.comparisons[name].services)
columns = ["persons_gain", "persons_loss", "persons_indistinct"]
sides = [run.comparisons[name].zones.loc["territory"].loc[services, columns] for run in (old, new)]
sides[0].round(-2).add_suffix(" (ancien)").join(sides[1].round(-2).add_suffix(" (nouveau)"))

# %% [markdown]
# ## Les communes qui ont fusionné
# Entre deux recensements, des communes fusionnent ou se séparent. `territory.geography.to_cog` convertit une table d'une
# année à l'autre sans perdre un habitant, à partir du fichier des mouvements de l'INSEE.
#
# ## Pour votre territoire
# - `territory run mon-etude.toml --population rp2017` écrit toute l'étude sur un autre recensement.
# - `territory diff reports/avant reports/apres` dit ce qui vient de la population, de l'offre ou des routes.
# - Un millésime qui paraît : `territory data list` dit s'il est connu, `territory data fetch` l'apporte.
