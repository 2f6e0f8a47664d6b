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
# # 09 — Rapport et diffusion : que remettre, et que peut-on publier ?
#
# Une commande écrit tout ce qui se remet. Ce carnet l'exécute, montre les fichiers, et rappelle ce qui ne doit pas
# sortir de l'agence. Comptez deux minutes.

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
from territory.french.words import count
from territory.tables.catalogue import table_of

notebooks.begin()
folder = Path(dossier or tempfile.mkdtemp())
result = territory.run_study(etude, out_dir=folder)
report = result.report_dir

# %% [markdown]
# ## Ce qui est écrit
# Le rapport pour le conseil (PDF accessible), la page qui se consulte et se recalcule dans un navigateur, le classeur, les
# tables (CSV pour Excel, CSV courant et Parquet), les couches et leur projet pour QGIS, et le manifeste : ce qui a été lu, avec
# quelles versions.

# %%
usages = {
    "rapport.pdf": "le conseil : à lire, à projeter, à imprimer",
    "resume.html": "tous : la page qui se consulte et se recalcule dans un navigateur",
    "tables.xlsx": "l'agence : un sommaire et neuf feuilles, chacune pour une question",
    "tables_completes.xlsx": "l'agence : toutes les tables, entières",
    "excel": "l'agence : les mêmes tables en CSV, d'un double clic",
    "tables": "l'analyste : CSV et Parquet",
    "datapackage.json": "l'analyste : ce que veut dire chaque colonne",
    "territoire.qgs": "le cartographe : le projet QGIS, d'un double clic",
    "territoire.gpkg": "le cartographe : les couches et leurs styles",
    "couches": "l'analyste : les couches en GeoParquet",
    "manifest.json": "la vérification : ce qui a été lu, avec quelles versions",
    "timings.json": "la durée de chaque étape",
}
files = [path for path in sorted(report.rglob("*")) if path.is_file()]
ecrits = pd.DataFrame(
    {
        "Fichier ou dossier": [path.relative_to(report).parts[0] for path in files],
        "Fichiers": 1,
        "Taille (ko)": [path.stat().st_size / 1000 for path in files],
    }
)
ecrits = ecrits.groupby("Fichier ou dossier").sum().round(0)
ecrits.insert(0, "Pour qui", pd.Series(usages).reindex(ecrits.index).fillna(""))
rang = [list(usages).index(one) if one in usages else 99 for one in ecrits.index]
notebooks.table(ecrits.iloc[pd.Series(rang).argsort()].reset_index())

# %%
notebooks.say(
    f"**{count(len(files), 'fichier')}**, {ecrits['Taille (ko)'].sum() / 1000:.0f} Mo. Le même calcul, refait par quelqu'un "
    f"d'autre, donne la même empreinte : `{result.run_digest[:16]}`."
)

# %% [markdown]
# ## Ce que l'on peut publier
# Les tables sont déjà protégées : un nombre estimé sous 11 devient « < 11 » ; des enfants accompagnés qui pourraient être
# reconnus sont masqués, avec les totaux qui permettraient de les retrouver. Une table parmi celles du dossier :

# %%
tables = territory.release.release(result).tables
nom = next(one for one in ("comparaison_zones", "besoins_communes", "communes") if one in tables)
gardees = [
    "scenario", "zone_name", "name", "commune_name", "service", "public", "population",
    "persons_gain", "persons_loss", "persons_indistinct", "demand",
]  # fmt: skip
table = tables[nom]
if nom == "comparaison_zones":
    # le déménagement qui allonge le trajet du plus de personnes
    perdants = pd.to_numeric(table["persons_loss"], errors="coerce").fillna(0).sort_values(ascending=False)
    table = table.loc[perdants.index]
    table = table[
        table["scenario"].eq(table["scenario"].iloc[0]) & table["service"].eq(table["service"].iloc[0])
    ]
table = table[[one for one in gardees if one in table]].head(8)
notebooks.table(table, result, of=nom, title=table_of(nom).title)

# %% [markdown]
# ## Ce que le rapport ne dit pas
# L'étude garde ce qu'elle ne sait pas, et à qui le demander : ces questions sont dans le rapport.

# %%
titres = {"question": "Question", "matters_for": "Ce qui en dépend", "ask": "À qui la poser"}
inconnues = pd.DataFrame([one.model_dump() for one in result.study.unknown], columns=list(titres))
notebooks.table(inconnues.rename(columns=titres)) if len(inconnues) else notebooks.say(
    "Cette étude ne déclare aucune question sans réponse (section `[[unknown]]`)."
)

# %% [markdown]
# ## Pour votre territoire
# - `territory run mon-etude.toml` écrit les mêmes fichiers dans `reports/mon-etude/`.
# - `territory notebooks run 04 --study mon-etude.toml` y ajoute ce carnet rempli et sa page HTML, sans rien d'extérieur.
# - Ne diffusez que `reports/` : `data/raw/` contient vos fichiers d'entrée, et les fichiers dont le nom contient « interne »
#   restent dans l'agence.
# - Citez les sources : `tables/sources.csv` les donne, avec leur licence.
