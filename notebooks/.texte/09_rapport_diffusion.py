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
# # 09 — Rapport et diffusion : que remettre, et que peut-on publier ?
#
# Une commande écrit tout ce qui se remet. Ce notebook l'exécute, montre les fichiers, et rappelle ce qui ne doit pas
# sortir de l'agence.

# %% tags=["parameters"]
# étude intégrée, ou chemin d'un fichier .toml ; où écrire (vide : un dossier temporaire)
etude = "draguignan"
dossier = ""

# %%
import tempfile
from pathlib import Path

import pandas as pd

import territory
from territory import notebooks

notebooks.begin()
folder = Path(dossier or tempfile.mkdtemp())
result = territory.run_study(etude, out_dir=folder)
report = result.report_dir

# %% [markdown]
# ## Ce qui est écrit
# Le rapport pour le conseil (PDF accessible), le classeur, les tables (CSV pour Excel, CSV courant et Parquet), les couches
# et leur projet pour QGIS, et le manifeste : ce qui a été lu, avec quelles versions.

# %%
files = sorted(path for path in report.rglob("*") if path.is_file())
pd.DataFrame(
    {
        "fichier": [path.relative_to(report).as_posix() for path in files],
        "ko": [path.stat().st_size // 1000 for path in files],
    }
).set_index("fichier")

# %% [markdown]
# Le même calcul, refait par quelqu'un d'autre, donne la même empreinte :

# %%
result.run_digest[:16]

# %% [markdown]
# ## Ce que l'on peut publier
# Les tables sont déjà protégées : un nombre estimé sous 11 devient « < 11 » ; des enfants accompagnés qui pourraient être
# reconnus sont masqués, avec les totaux qui permettraient de les retrouver.

# %%
table = pd.read_csv(report / "tables" / "comparaison_zones.csv", sep=None, engine="python", dtype=str)
table.iloc[:, :8].head(8)

# %% [markdown]
# ## Ce que le rapport ne dit pas
# L'étude garde ce qu'elle ne sait pas, et à qui le demander : ces questions sont dans le rapport.

# %%
pd.DataFrame([unknown.model_dump() for unknown in result.study.unknown]).rename(
    columns={"question": "question", "matters_for": "ce qui en dépend", "ask": "à qui la poser"}
)

# %% [markdown]
# ## Pour votre territoire
# - `territory run mon-etude.toml` écrit les mêmes fichiers dans `reports/mon-etude/`.
# - `territory notebooks run 04 --study mon-etude.toml` y ajoute ce notebook rempli et sa page HTML, sans rien d'extérieur.
# - Ne diffusez que `reports/` : `data/raw/` contient vos fichiers d'entrée.
# - Citez les sources : `tables/sources.csv` les donne, avec leur licence.
