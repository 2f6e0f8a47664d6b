"""Options that several commands share, worded once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

OutOption = Annotated[
    Path | None,
    typer.Option("--out", help="Dossier où écrire reports/<étude> (par défaut : ici).", metavar="DOSSIER"),
]
RoadsOption = Annotated[
    Path | None,
    typer.Option(
        "--roads", help="Carte routière .osm.pbf ; sans elle, les temps sont estimés.", metavar="FICHIER"
    ),
]
EditionOption = Annotated[
    str,
    typer.Option(
        "--edition",
        help="publique, ou interne : rien n'est retiré, chaque page et chaque nom de fichier le disent, à ne pas "
        "diffuser.",
        metavar="ÉDITION",
    ),
]
PopulationOption = Annotated[
    str | None,
    typer.Option(
        "--population", help="Millésime du recensement (rp2021, rp2017, rp2016).", metavar="MILLÉSIME"
    ),
]
