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
# # 05 — Où implanter un service ?
#
# « Quelle commune servirait le mieux ? » a plusieurs réponses, selon ce que l'on veut réduire : le temps moyen, le temps du
# plus mal servi, ou le nombre de personnes trop loin. Ce notebook pose les quatre questions au même territoire.

# %% tags=["parameters"]
# étude intégrée, ou chemin d'un fichier .toml ; nombre de sites, et temps acceptable en minutes
etude = "draguignan"
nombre_de_sites = 3
minutes_acceptables = 30

# %%
import pandas as pd

import territory
from territory import notebooks, planning

notebooks.begin()
result = territory.run_study(etude)
state = result.baseline.state
communes = state.communes[state.communes.index.isin(state.parameters.territory_codes)]
outlines = communes if result.dataset.outlines is None else result.dataset.outlines
areas = outlines[["geometry"]].join(communes[["name", "epci_code"]])
names = communes["name"].to_dict()

# %% [markdown]
# ## Qui demande, et où peut-on aller ?
# Les personnes : les enfants de moins de 20 ans de chaque commune. Les candidats : les vingt communes les plus peuplées.
# Les temps sont estimés, en minutes.

# %%
persons = territory.needs.persons_by_age(state.population, age_min=0, age_max=19).reindex(communes.index)
candidates = list(communes["population"].nlargest(20).index)
times = territory.network.estimate_travel_times(
    communes, communes.loc[candidates], terrain=result.study.travel.terrain
)
{"enfants": int(persons.sum()), "candidats": len(candidates)}

# %% [markdown]
# ## Quatre questions, quatre réponses

# %%
answers = {
    "temps moyen le plus court": planning.p_median(times, persons, candidates, p=nombre_de_sites),
    "temps le plus long réduit": planning.p_center(times, persons, candidates, p=nombre_de_sites),
    "le plus d'enfants à portée": planning.maximal_coverage(
        times, persons, candidates, p=nombre_de_sites, max_time_min=minutes_acceptables
    ),
    "tous à 60 min, au moins de sites": planning.set_cover(times, persons, candidates, max_time_min=60),
}
pd.DataFrame(
    {
        question: {
            "sites": ", ".join(names[code] for code in answer.selected),
            "temps moyen (min)": round(answer.mean_time_min, 1),
            "temps le plus long (min)": round(answer.worst_time_min, 1),
            "preuve": answer.status,
        }
        for question, answer in answers.items()
    }
).T

# %% [markdown]
# **Carte : temps vers le site le plus proche, en minutes, quand le temps moyen est le plus court.** Source : temps estimés,
# enfants du recensement de l'étude.

# %%
territory.plot.show(answers["temps moyen le plus court"], outlines=areas, names=names)

# %% [markdown]
# ## Pourquoi pas une autre ?
# Chaque autre choix, et ce qu'il coûterait en minutes par enfant. Où `is_distinguishable` est faux, l'écart est plus
# petit que le doute sur des temps estimés : la réponse est alors « l'une ou l'autre ».

# %%
others = planning.rank_candidates(
    times, times, persons, candidates, selected=answers["temps moyen le plus court"].selected
)
others.rename(index=names)[
    ["mean_time_min", "worst_time_min", "delta_mean_time_min", "is_distinguishable"]
].round(1).head(8)

# %% [markdown]
# ## La question que pose l'étude
# Une section `[[siting]]` pose la question une fois pour toutes ; ses réponses sont dans le rapport.

# %%
answered = territory.release.release(result).siting
pd.concat({name: one.ranking.head(5) for name, one in answered.items()} or {"": pd.DataFrame()})[
    ["name", "mean_time_min", "worst_time_min"] if answered else []
].round(1)

# %% [markdown]
# ## Pour votre territoire
# - Changez `nombre_de_sites`, `minutes_acceptables` et la liste des candidats (codes INSEE).
# - `fixed=[…]` garde des sites ouverts ; `capacity=…` compte les places de chacun.
# - Quand un objectif ne peut pas être tenu, l'erreur dit quelles communes sont hors d'atteinte.
# - Une réponse n'est pas une décision : terrains, équipes et transports n'y sont pas.
