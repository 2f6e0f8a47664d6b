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
from territory.release.disclosure import estimate_texts
from territory.report.files.csv_tables import write_table
from territory.workflow.handover.write_run import MANIFEST

if TYPE_CHECKING:
    from territory.workflow.inputs.prepare import Inputs
    from territory.workflow.national.measures import NationalTables

__all__ = ["national_tables", "write_national"]

_NAMES = ["commune_name", "departement_code", "epci_code", "epci_name"]
# a tenth of a minute is already finer than any doubt
_DECIMALS = {"_min": 1, "_km": 1, "_hab_km2": 1, "_share": 4}


def national_tables(inputs: Inputs, tables: NationalTables) -> dict[str, pd.DataFrame]:
    """Return the tables that are handed over, by file name, small estimated counts as text."""
    state = inputs.state
    names = state.communes[["name", *_NAMES[1:]]].set_axis(_NAMES, axis=1)
    found = {
        "communes": state.communes.drop(columns="geometry").reset_index(),
        "sites": state.sites.drop(columns="geometry").reset_index(),
        "services": state.services.reset_index(),
        "acces_communes": _named(tables.access, names),
        "couverture_zones": tables.coverage.reset_index(),
        "acces_generalistes": _named(tables.gp_access, names),
        "deserts_communes": _named(tables.deserts, names),
        "deserts_zones": tables.desert_shares.reset_index(),
        "equite": tables.equity.reset_index(),
        **_needs(inputs, names),
        "sources": inputs.dataset.sources,
    }
    return {name: _rounded(table) for name, table in found.items() if len(table.columns)}


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


def _needs(inputs: Inputs, names: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return needs by commune and by département."""
    demand = inputs.state.demand
    if demand.empty:
        return {}
    values = ["demand", "demand_low", "demand_high"]
    codes = demand.index.get_level_values("commune_code")
    keys = [
        names["departement_code"].reindex(codes).to_numpy(),
        demand.index.get_level_values("public"),
        demand["kind"].to_numpy(),
    ]
    by_departement = demand[values].groupby(keys).sum(min_count=1)
    by_departement.index.names = ["departement_code", "public", "kind"]
    found = {"besoins_communes": _named(demand, names), "besoins_departements": by_departement.reset_index()}
    for table in found.values():
        table[values] = table[values].apply(estimate_texts)
    return found


def _named(table: pd.DataFrame, names: pd.DataFrame) -> pd.DataFrame:
    """Return a table indexed by commune as a flat one, the names of its communes beside their codes."""
    flat = table.reset_index()
    for place, column in enumerate(names.columns, start=1):
        flat.insert(place, column, names[column].reindex(flat["commune_code"]).to_numpy())
    return flat


def _rounded(table: pd.DataFrame) -> pd.DataFrame:
    """Round numbers to what their unit can bear."""
    columns = {
        name: table[name].round(digits)
        for suffix, digits in _DECIMALS.items()
        for name in table.columns
        if str(name).endswith(suffix) and pd.api.types.is_float_dtype(table[name])
    }
    return table.assign(**columns)
