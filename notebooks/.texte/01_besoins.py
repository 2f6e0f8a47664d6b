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
# # 01 — Besoins : combien d'enfants sont concernés, et où vivent-ils ?
#
# On part du recensement et d'un taux publié. Ce carnet donne l'ordre de grandeur par intercommunalité (EPCI), sa fourchette,
# et ce qu'il ne faut pas lui faire dire. Il s'exécute en moins d'une minute.

# %% tags=["parameters"]
# étude intégrée, ou chemin d'un fichier .toml ; public à regarder par commune (vide : le premier de l'étude)
etude = "draguignan"
public = ""

# %%
import pandas as pd

import territory
from territory import notebooks
from territory.french.numbers import share
from territory.french.words import about
from territory.report.chapters import needs
from territory.report.reading import Reading

notebooks.begin()
result = territory.run_study(etude)
rapport = Reading(territory.release.release(result))
aucun = "Cette étude ne déclare aucun besoin : ajoutez-lui une section `[[need]]`, comme dans `studies/exemple.toml`."

# %% [markdown]
# ## Du taux au nombre
# Personnes = enfants de la tranche d'âge × taux. Bas, central et haut sont trois taux publiés, pas un intervalle de confiance.
# On compte tantôt des personnes **concernées**, qu'elles demandent ou non une place, tantôt des **droits** ouverts, des
# **orientations** de la MDPH ou une **attente**.

# %%
colonnes = {
    "public": "public",
    "kind": "kind",
    "low_per_1000": "Taux bas (pour 1 000)",
    "per_1000": "Taux central (pour 1 000)",
    "high_per_1000": "Taux haut (pour 1 000)",
    "source": "source",
}
taux = pd.DataFrame([need.model_dump() for need in result.study.need], columns=list(colonnes))
notebooks.table(taux.rename(columns=colonnes), result) if len(taux) else notebooks.say(aucun)

# %% [markdown]
# ## La réponse, par intercommunalité
# Les EPCI les plus peuplés ont le plus d'enfants concernés. Le même taux partout donne presque la même part partout : seule la
# répartition des enfants par âge change d'un lieu à l'autre.

# %%
notebooks.say(needs.needs(rapport) or aucun)

# %% [markdown]
# ## Et par commune ?
# Les dix communes où ils sont le plus nombreux. Les moins de 11 personnes ne se publient pas commune par commune.

# %%
besoins = rapport.release.demand
public = public or next(iter(besoins.index.get_level_values("public")), "")
choisi = besoins[besoins.index.get_level_values("public") == public].droplevel("public")
communes = choisi.join(rapport.territory[["name", "epci_name", "population"]])
premieres = communes.sort_values("demand", ascending=False).head(10)
colonnes = ["name", "epci_name", "population", "demand_low", "demand", "demand_high"]
notebooks.table(premieres[colonnes].reset_index(drop=True), result) if public else notebooks.say(aucun)

# %%
part = premieres["demand"].sum() / communes["demand"].sum() if public else 0
notebooks.say(
    f"Dans ces communes vivent {about(premieres['demand'].sum())} personnes concernées, soit {share(part)} du territoire."
    if public
    else aucun
)

# %% [markdown]
# ## Besoins et places ne se soustraient pas toujours
# On ne compare à des places que des personnes qui en demandent une : orientations de la MDPH ou listes d'attente. Une
# prévalence et des droits ouverts n'en sont pas : les soustraire de places donnerait un manque qui n'existe pas.
#
# ## Pour votre territoire
# - Changez le taux, sa fourchette et sa source dans une section `[[need]]` de votre fichier d'étude.
# - Un total connu (bénéficiaires de l'AEEH, par exemple) se met dans `known_total` : la répartition suit les enfants, le
#   total est respecté.
# - Demandez à la MDPH les orientations en cours et l'attente par commune : `territory init --template demande.xlsx`
#   écrit le classeur à lui envoyer.
