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
# # 08 — Un autre département : comment refaire l'étude chez soi ?
#
# Le Var est fourni. Ailleurs, il faut sept fichiers officiels, que la bibliothèque connaît et sait lire. Ce notebook écrit
# le fichier d'étude d'un département et dit ce qui reste à récupérer. Rien n'est téléchargé ici.

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

import territory
from territory import notebooks
from territory.workflow.setup import start_study

notebooks.begin()
folder = Path(dossier or tempfile.mkdtemp())
started = start_study(
    departement, name=f"etude-{departement.lower()}", folder=folder, raw=folder / "data" / "raw", label=nom
)
started.path.name

# %% [markdown]
# C'est ce que fait `territory init 31 --name haute-garonne`. Voici les premières lignes du fichier :

# %%
print("\n".join(started.path.read_text("utf-8").splitlines()[:22]))

# %% [markdown]
# ## Ce qui reste à récupérer
# Une commande par fichier, dans un terminal. Chaque fichier arrive dans `data/raw/<jeu>/<millésime>/`, avec sa provenance
# et sa licence ; sans internet, `--from DOSSIER` prend un fichier déjà copié.

# %%
for command in started.missing:
    print(command)

# %% [markdown]
# ## Ce que la bibliothèque connaît
# Le registre des données officielles : producteur, licence, et si l'on sait où les télécharger.

# %%
from territory.sources import read_registry

registry = pd.DataFrame(
    [
        {
            "jeu": source.dataset,
            "millésime": source.vintage,
            "producteur": source.producer,
            "licence": source.licence,
        }
        for source in read_registry()
    ]
)
# les cartes routières des régions sont à part : territory data list les donne
registry = registry[~registry["jeu"].str.startswith("routes-")]
registry.drop_duplicates("jeu", keep="last").set_index("jeu")

# %% [markdown]
# ## Ce qui change d'un territoire à l'autre
# Le modèle, à côté : ce qu'il nomme et que vous aurez à nommer.

# %%
model = territory.load_study(etude)
pd.Series(
    {
        "terrain imposé": model.travel.terrain or "aucun : la lenteur mesurée des communes",
        "limite de recrutement (min)": model.travel.recruitment_max_min,
        "services dont on cherche le plus proche": ", ".join(model.travel.closest_services),
        "services nommés": ", ".join(one.id for one in model.authorisation),
        "scénarios": ", ".join(one.id for one in model.scenario),
    },
    name=model.id,
).to_frame()

# %% [markdown]
# ## Pour votre territoire
# - Changez `departement`, `nom` et `dossier` ci-dessus, ou `territory init CODE` dans un terminal.
# - Récupérez les fichiers, puis `territory run etude-31.toml` ; `territory doctor` dit ce qui manque encore.
# - Donnez les temps publiés aux urgences (`emergency_times`) ou choisissez un terrain, et dites quelles listes de sites sont complètes (`complete_services`) : sans cela, ni « site le
#   plus proche » ni « désert ».
# - Complétez les services, les places et les scénarios à partir de `studies/exemple.toml`.
