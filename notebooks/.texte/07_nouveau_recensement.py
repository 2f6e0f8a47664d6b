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
# # 07 — Un nouveau recensement paraît : qu'est-ce qui change ?
#
# Les temps de route ne bougent pas, les habitants si. Ce carnet refait la même étude sur deux recensements et sépare ce
# qui vient de la population du reste. Il s'exécute en moins d'une minute.

# %% tags=["parameters"]
# étude intégrée, ou chemin d'un fichier .toml ; ancien recensement (le nouveau est celui de l'étude)
etude = "draguignan"
ancien = "rp2017"

# %%
import pandas as pd

import territory
from territory import notebooks
from territory.french.numbers import decimal, integer, signed
from territory.french.words import about, epci_phrase, persons
from territory.report.reading import Reading

notebooks.begin()
new = territory.run_study(etude)
old = territory.run_study(etude, population=ancien)
avant, apres = (Reading(territory.release.release(run)) for run in (old, new))
notebooks.say(f"Ancien recensement : **{avant.vintage()}**. Nouveau : **{apres.vintage()}**.")

# %% [markdown]
# ## Les habitants
# Par EPCI, en habitants. Source : populations légales (INSEE), aux deux millésimes ci-dessus.

# %%
gens = apres.territory[["name", "epci_name"]].assign(
    ancien=avant.territory["population"], nouveau=apres.territory["population"]
)
zones = gens.groupby("epci_name")[["ancien", "nouveau"]].sum()
zones["ecart"] = zones["nouveau"] - zones["ancien"]
zones["pourcent"] = 100 * zones["ecart"] / zones["ancien"]
titres = {"ancien": avant.vintage(), "nouveau": apres.vintage(), "ecart": "Écart", "pourcent": "Écart (%)"}
notebooks.table(zones.sort_values("pourcent").rename(columns=titres), new)

# %%
total = zones[["ancien", "nouveau"]].sum()
ecart = total["nouveau"] - total["ancien"]
haut, bas = zones["pourcent"].idxmax(), zones["pourcent"].idxmin()
notebooks.say(
    f"Le territoire passe de {integer(total['ancien'])} à {integer(total['nouveau'])} habitants "
    f"(**{signed(ecart)}**, {decimal(100 * ecart / total['ancien'])} %). L'EPCI qui croît le plus est "
    f"{epci_phrase(haut)} ({decimal(zones['pourcent'][haut])} %) ; celui qui croît le moins, "
    f"{epci_phrase(bas)} ({decimal(zones['pourcent'][bas])} %)."
)

# %% [markdown]
# **Carte : évolution de la population de chaque commune, en pour cent, de l'ancien au nouveau recensement.** Source : populations
# légales (INSEE).

# %%
evolution = 100 * (gens["nouveau"] / gens["ancien"] - 1)
titre = f"Évolution de la population (%), de {avant.vintage()} à {apres.vintage()}"
contours = apres.territory if new.dataset.outlines is None else new.dataset.outlines
territory.plot.show(evolution.to_frame(titre).rename_axis("commune_code"), outlines=contours)

# %% [markdown]
# ## Les besoins
# Même taux, autres enfants : l'écart ne vient que du recensement.

# %%
besoins = [run.release.demand.groupby("public", sort=False)["demand"].sum() for run in (avant, apres)]
table = besoins[1].to_frame("demand").assign(avant=besoins[0])[["avant", "demand"]]
titres = {"avant": f"Estimation, {avant.vintage()}", "demand": f"Estimation, {apres.vintage()}"}
notebooks.table(table.map(persons).rename(columns=titres), new) if len(table) else notebooks.say(
    "Cette étude ne déclare aucun besoin."
)

# %%
noms = {need.public: need.label for need in new.study.need}
hausse = 100 * (besoins[1] / besoins[0] - 1)
phrases = [
    f"- {noms[public]} : **{decimal(abs(part))} %** de {'plus' if part >= 0 else 'moins'} au nouveau recensement."
    for public, part in hausse.dropna().items()
]
notebooks.say("\n".join(phrases) or "Aucun besoin à comparer.")

# %% [markdown]
# ## Les gagnants et les perdants
# Les communes qui gagnent ou perdent des minutes sont les mêmes ; seul le nombre de leurs habitants de l'âge reçu change.

# %%
name = next(iter(apres.release.scenarios), None)
effets = [f"persons_{effet}" for effet in ("gain", "loss", "indistinct")]
cotes = [
    run.release.zones_table(name).loc["territory", effets].assign(recensement=run.vintage())
    for run in (avant, apres)
    if name
]
aucun = notebooks.say("Cette étude ne compare aucun scénario : il n'y a ni gagnant ni perdant.")
table = (
    pd.concat(cotes)
    .loc[lambda rows: rows[effets].ne("").all(axis=1)]
    .rename_axis("service")
    .reset_index()
    .sort_values("service", kind="stable")
    if cotes
    else None
)
notebooks.table(
    table.rename(columns={"recensement": "Recensement"})[["service", "Recensement", *effets]],
    new,
    title=f"Scénario {name}, dans tout le territoire",
) if cotes else aucun

# %%
chiffres = table.assign(**table[effets].apply(pd.to_numeric, errors="coerce")) if cotes else pd.DataFrame()
touches = chiffres[chiffres["persons_gain"].gt(0)] if cotes else chiffres
deux = touches[touches["service"].eq(touches["service"].iloc[0])] if len(touches) else touches
notebooks.say(
    f"Vers {apres.the([deux['service'].iloc[0]])}, {about(deux['persons_gain'].iloc[0])} personnes "
    f"auraient un trajet plus court à l'ancien recensement, {about(deux['persons_gain'].iloc[-1])} au nouveau."
) if len(deux) == 2 else notebooks.say("Personne n'y gagne : rien à comparer.")

# %% [markdown]
# ## Les communes qui ont fusionné
# Entre deux recensements, des communes fusionnent ou se séparent. `territory.geography.to_cog` convertit une table d'une
# année à l'autre sans perdre un habitant, à partir du fichier des mouvements de l'INSEE.
#
# ## Pour votre territoire
# - `territory run mon-etude.toml --population rp2017` écrit toute l'étude sur un autre recensement.
# - `territory diff reports/avant reports/apres` dit ce qui vient de la population, de l'offre ou des routes.
# - Un millésime qui paraît : `territory data list` dit s'il est connu, `territory data fetch` l'apporte.
