"""The tables of a national study: made beside, then put in their place all together."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from territory.errors import OutputError
from territory.files.replace_files import publish
from territory.files.safe_files import UNFINISHED, digest_file, flush_tree, write_whole
from territory.release.handed_tables import place_names, with_names
from territory.release.treatment import handed, treat, unpivot
from territory.report.files.csv_tables import write_table
from territory.tables.keyed import COVERAGE, EQUITY_TIME
from territory.workflow.handover.write_run import MANIFEST

if TYPE_CHECKING:
    from territory.workflow.inputs.prepare import Inputs
    from territory.workflow.national.measures import NationalTables

__all__ = ["national_tables", "write_national"]


def national_tables(inputs: Inputs, tables: NationalTables) -> dict[str, pd.DataFrame]:
    """Return the tables that are handed over, by file name, small estimated counts as text."""
    state = inputs.state
    names = place_names(state.communes)
    found = {
        "communes": state.communes.drop(columns="geometry").reset_index(),
        "sites": state.sites.drop(columns="geometry").reset_index(),
        "services": state.services.reset_index(),
        "acces_communes": with_names(tables.access, names),
        "couverture_zones": unpivot(tables.coverage.reset_index(), COVERAGE),
        "acces_generalistes": with_names(tables.gp_access, names),
        "deserts_communes": with_names(tables.deserts, names),
        "deserts_zones": tables.desert_shares.reset_index(),
        "equite": _equity(tables.equity),
        **_needs(inputs, names),
        "sources": inputs.dataset.sources,
    }
    return {name: handed(name, table) for name, table in found.items() if len(table.columns)}


def write_national(
    inputs: Inputs, tables: NationalTables, report_dir: Path, *, manifest: dict[str, Any], run_digest: str
) -> None:
    """Write the tables of a national study and its manifest."""
    try:
        staging = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=report_dir))
        try:
            (staging / "tables").mkdir()
            for name, table in national_tables(inputs, tables).items():
                write_table(table, staging / "tables" / name)
            files = sorted(path for path in staging.rglob("*") if path.is_file())
            digests = {path.relative_to(staging).as_posix(): digest_file(path) for path in files}
            whole = {**manifest, "run_sha256": run_digest, "outputs_sha256": digests}
            text = json.dumps(whole, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
            write_whole(staging / MANIFEST, text.encode())
            flush_tree(staging)
            publish(staging, report_dir, last=MANIFEST)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(
            f"Écriture interrompue dans « {report_dir} » ({error.strerror or error}) : les fichiers de la dernière "
            "étude réussie sont gardés ; libérez de la place, puis relancez la même commande."
        ) from error


def _equity(table: pd.DataFrame) -> pd.DataFrame:
    """Return the equity of each measure, the service of a time beside it."""
    keys = {str(name): EQUITY_TIME.keys(str(name)) for name in table.index}
    flat = table.reset_index(drop=True)
    flat.insert(0, "measure", [EQUITY_TIME.column.name if found else name for name, found in keys.items()])
    flat.insert(1, "service", [found["service"] if found else None for found in keys.values()])
    return flat.astype({"measure": "str", "service": "str"})


def _needs(inputs: Inputs, names: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return needs by commune and by département."""
    demand = inputs.state.demand
    if demand.empty:
        return {}
    codes = demand.index.get_level_values("commune_code")
    keys = [
        names["departement_code"].reindex(codes).to_numpy(),
        demand.index.get_level_values("public"),
        demand["kind"].to_numpy(),
    ]
    by_departement = demand[["demand", "demand_low", "demand_high"]].groupby(keys).sum(min_count=1)
    by_departement.index.names = ["departement_code", "public", "kind"]
    found = {
        "besoins_communes": with_names(demand, names),
        "besoins_departements": by_departement.reset_index(),
    }
    return {name: treat(name, table) for name, table in found.items()}
