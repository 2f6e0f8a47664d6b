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
# # 08 — Un autre département : comment refaire l'étude chez soi ?
#
# Le Var est fourni. Ailleurs, il faut sept fichiers officiels, que la bibliothèque connaît et sait lire. Ce carnet écrit
# le fichier d'étude d'un département et dit ce qui reste à récupérer. Rien n'est téléchargé ici : comptez une demi-minute.

# %% tags=["parameters"]
# étude qui sert de modèle ; code du département, et nom du territoire dans le rapport
etude = "draguignan"
departement = "31"
nom = "Haute-Garonne"
# où écrire ; vide : un dossier temporaire
dossier = ""

# %%
import tempfile
from pathlib import Path

import pandas as pd
from IPython.display import Code

import territory
from territory import notebooks
from territory.french.words import count, join
from territory.tables.declare import SERVICES
from territory.workflow.setup import start_study

notebooks.begin()
folder = Path(dossier or tempfile.mkdtemp())
started = start_study(
    departement, name=f"etude-{departement.lower()}", folder=folder, raw=folder / "data" / "raw", label=nom
)
notebooks.say(f"Le fichier d'étude est écrit : **{started.path.name}**.")

# %% [markdown]
# C'est ce que fait `territory init 31 --name haute-garonne`. Voici les premières lignes du fichier :

# %%
Code("\n".join(started.path.read_text("utf-8").splitlines()[:22]), language="toml")

# %% [markdown]
# ## Ce qui reste à récupérer
# Une commande par fichier, dans un terminal. Chaque fichier arrive dans `data/raw/<jeu>/<millésime>/`, avec sa provenance
# et sa licence ; sans internet, `--from DOSSIER` prend un fichier déjà copié, dont `territory init 31` écrit l'adresse.

# %%
reste = pd.DataFrame([one.partition(" : ")[::2] for one in started.missing], columns=["Donnée", "dit"])
reste[["Commande", "Sans elle"]] = reste.pop("dit").str.split(" ; sans lui : ", n=1, expand=True)
reste[["Commande", "Ou le fichier"]] = reste["Commande"].str.split(", ou ", n=1, expand=True)
reste["Ou le fichier"] = reste["Ou le fichier"].str.partition(" à prendre")[0]
notebooks.table(reste[["Donnée", "Sans elle", "Commande", "Ou le fichier"]].fillna(""))

# %%
notebooks.say(f"Il reste **{count(len(started.missing), 'commande')}** à lancer avant la première étude.")

# %% [markdown]
# ## Ce que la bibliothèque connaît
# Le registre des données officielles, au dernier millésime connu. Les cartes routières des régions sont à part :
# `territory data list` les donne.

# %%
from territory.sources import read_registry

titres = {
    "dataset": "Jeu", "title": "Ce que c'est", "vintage": "Millésime", "producer": "Producteur", "licence": "Licence",
}  # fmt: skip
registre = pd.DataFrame(
    [{titre: getattr(source, nom) for nom, titre in titres.items()} for source in read_registry()]
)
registre = registre[~registre["Jeu"].str.startswith("routes-")].drop_duplicates("Jeu", keep="last")
notebooks.table(registre.reset_index(drop=True))

# %% [markdown]
# ## Ce qui change d'un territoire à l'autre
# Le modèle : ce qu'il nomme et que vous aurez à nommer.

# %%
model = territory.load_study(etude)
aucun = "aucun"
pairs = {
    "Relief imposé": model.travel.terrain or "aucun : la lenteur mesurée des communes",
    "Limite de recrutement": f"{model.travel.recruitment_max_min:g} min",
    "Soins dont on cherche le plus proche": join(
        SERVICES.get(one, one) for one in model.travel.closest_services
    )
    or aucun,
    "Services nommés": join(one.label_short or one.label for one in model.authorisation) or aucun,
    "Scénarios": " ; ".join(f"{one.id} : {one.name}" for one in model.scenario) or aucun,
}
notebooks.table(pd.DataFrame(pairs.items(), columns=["Ce que nomme le modèle", model.title]))

# %% [markdown]
# ## Pour votre territoire
# - Changez `departement`, `nom` et `dossier` ci-dessus, ou `territory init CODE` dans un terminal.
# - Récupérez les fichiers, puis `territory run etude-31.toml` ; `territory doctor` dit ce qui manque encore.
# - Donnez les temps publiés aux urgences (`emergency_times`) ou choisissez un relief, et dites quelles listes de sites sont
#   complètes (`complete_services`) : sans cela, ni « site le plus proche » ni « désert ».
# - Complétez les services, les places et les scénarios à partir de `studies/exemple.toml`.
