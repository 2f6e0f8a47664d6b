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
# # 05 — Où implanter un service ?
#
# « Quelle commune servirait le mieux ? » a plusieurs réponses, selon ce que l'on veut réduire : le temps moyen, le temps du
# plus mal servi, ou le nombre de personnes trop loin. Ce carnet pose les quatre questions au même territoire, en une minute
# environ.

# %% tags=["parameters"]
# étude intégrée, ou chemin d'un fichier .toml ; nombre de sites, et temps acceptable en minutes
etude = "draguignan"
nombre_de_sites = 3
minutes_acceptables = 30

# %%
import math

import pandas as pd

import territory
from territory import notebooks, planning
from territory.french.numbers import decimal, integer
from territory.french.words import count, join
from territory.planning.siting.result import STATUSES
from territory.report.chapters import questions
from territory.report.reading import Reading

notebooks.begin()
result = territory.run_study(etude)
rapport = Reading(territory.release.release(result))
communes = rapport.territory
names = communes["name"].to_dict()

# %% [markdown]
# ## Qui demande, et où peut-on aller ?
# Les personnes : les enfants de moins de 20 ans de chaque commune. Les candidats : les vingt communes les plus peuplées.
# Les temps sont estimés, en minutes.

# %%
ages = result.baseline.state.population
persons = territory.needs.persons_by_age(ages, age_min=0, age_max=19).reindex(communes.index)
candidates = list(communes["population"].nlargest(20).index)
nombre_de_sites = min(nombre_de_sites, len(candidates))
terrain = result.study.travel.terrain
times = territory.network.estimate_travel_times(communes, communes.loc[candidates], terrain=terrain)
# en deçà, une commune n'aurait aucun candidat à portée
tous = math.ceil(times.groupby("from_id", observed=True)["travel_time_min"].min().max())
notebooks.say(
    f"{integer(persons.sum())} enfants, {len(candidates)} candidats. Aucune commune n'est à plus de **{tous} min** du plus "
    "proche d'entre eux."
)

# %% [markdown]
# ## Quatre questions, quatre réponses

# %%
choix = (times, persons, candidates)
answers = {
    "Temps moyen le plus court": planning.p_median(*choix, p=nombre_de_sites),
    "Temps le plus long réduit": planning.p_center(*choix, p=nombre_de_sites),
    f"Le plus d'enfants à {minutes_acceptables} min": planning.maximal_coverage(
        *choix, p=nombre_de_sites, max_time_min=minutes_acceptables
    ),
    f"Tous à {tous} min, au moins de sites": planning.set_cover(*choix, max_time_min=tous),
}
lignes = [
    {
        "Question": question,
        "Sites": join(names[code] for code in answer.selected),
        "mean_time_min": answer.mean_time_min,
        "worst_time_min": answer.worst_time_min,
        "Preuve": STATUSES[answer.status],
    }
    for question, answer in answers.items()
]
notebooks.table(pd.DataFrame(lignes))

# %%
retenu = answers["Temps moyen le plus court"]
sites = join(names[code] for code in retenu.selected)
notebooks.say(
    f"Le temps moyen le plus court, **{decimal(retenu.mean_time_min)} min**, s'obtient à {sites}. Le plus mal servi y fait "
    f"{decimal(retenu.worst_time_min)} min de route, contre "
    f"{decimal(answers['Temps le plus long réduit'].worst_time_min)} min au mieux."
)

# %% [markdown]
# **Carte : temps vers le site le plus proche, en minutes, quand le temps moyen est le plus court.** Source : temps estimés,
# enfants du recensement de l'étude.

# %%
contours = communes if result.dataset.outlines is None else result.dataset.outlines
territory.plot.show(
    retenu, outlines=contours[["geometry"]].join(communes[["name", "epci_code"]], how="inner"), names=names
)

# %% [markdown]
# ## Pourquoi pas une autre ?
# Chaque autre choix, et ce qu'il coûterait en minutes par enfant. Sans « différence visible », l'écart est plus petit que le
# doute sur des temps estimés : la réponse est alors « l'une ou l'autre ».

# %%
others = planning.rank_candidates(times, times, persons, candidates, selected=retenu.selected)
colonnes = ["mean_time_min", "delta_mean_time_min", "worst_time_min", "is_distinguishable"]
notebooks.table(others[colonnes].rename(index=names).rename_axis("commune_name").head(8))

# %%
autres = others[~others.index.isin(retenu.selected)]
egaux = autres[~autres["is_distinguishable"].fillna(False).astype(bool)]
notebooks.say(
    f"Sur {count(len(autres), 'autre candidat', 'autres candidats')}, **{len(egaux)}** ne se distinguent pas de ce choix."
)

# %% [markdown]
# ## La question que pose l'étude
# Une section `[[siting]]` pose la question une fois pour toutes ; voici ce qu'en dit le rapport.

# %%
notebooks.say(
    questions.siting_parts(rapport)
    or "Cette étude ne pose aucune question d'implantation : ajoutez-lui une section `[[siting]]`."
)

# %% [markdown]
# ## Pour votre territoire
# - Changez `nombre_de_sites`, `minutes_acceptables` et la liste des candidats (codes INSEE).
# - `fixed=[…]` garde des sites ouverts ; `capacity=…` compte les places de chacun.
# - Quand un objectif ne peut pas être tenu, l'erreur dit quelles communes sont hors d'atteinte.
# - Une réponse n'est pas une décision : terrains, équipes et transports n'y sont pas.
