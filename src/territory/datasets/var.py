"""The Var and its surroundings, from the small tables inside the package."""

import json
import re
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, TypeVar, cast

import geopandas as gpd
import pandas as pd

from territory.datasets.joins import population_by_band
from territory.datasets.slots import SHARES, published_figures
from territory.errors import ParameterError
from territory.tables.catalogue import COLUMNS, html_table

# official projected system of metropolitan France
EPSG = 2154
# what the status of an EHPAD is worth, said wherever it is used
STATUS_BASIS = "déduit de la couleur du point (CNSA, début 2023)"
VINTAGES = ("rp2021", "rp2017", "rp2016")
_PUBLISHED = {"urgences_smur": r"urgences_smur_(\d{4})_min", "apl": r"apl_(\d{4})_consultations_per_hab"}
_YOUNG = ("young_0_14_rp2018", "young_total_rp2018")


@dataclass(frozen=True, repr=False)
class VarDataset:
    """Tables of the Var (153 communes) and of the communes within 45 km around it (see the page « Tables »), EPSG:2154.

    `communes` has the population of RP 2021, `in_territory` and `general_practitioners` (head count); `outlines` are
    generalised, for maps only; `epci` has `communes`, `population` (hab, whole EPCI) and the same in the territory.
    `legal_status` of EHPAD is inferred, as `legal_status_basis` says; `ages_origin` of services says whether ages
    come from a source. `child_psychiatry` is by establishment (SAE 2023). `published`: minutes to the closest
    emergency department or SMUR (2019), APL of GPs (2015 and 2023). `completeness`: `is_complete_list` and `reason`
    (French) by service. `offer_2013`: services for children with a disability, as BPE 2013 counted them. `figures`
    and `sources` have their producer, vintage and licence.
    """

    communes: gpd.GeoDataFrame
    outlines: gpd.GeoDataFrame
    epci: pd.DataFrame
    sites: gpd.GeoDataFrame
    services: pd.DataFrame
    child_psychiatry: pd.DataFrame
    completeness: pd.DataFrame
    offer_2013: pd.DataFrame
    figures: pd.DataFrame
    sources: pd.DataFrame
    published: pd.DataFrame
    _counts: pd.DataFrame = field(repr=False)

    name: str = "var"
    departement_code: str = "83"
    vintages: tuple[str, ...] = VINTAGES

    def population(self, vintage: str = "rp2021") -> pd.DataFrame:
        """Return the persons of each commune by age band (table `population`), for one census of `vintages`.

        The total is the legal population of the vintage, shared out by the shares of RP 2020 (under 25, 25 to 64, 65
        and over) and, in the communes over 2,000 inhabitants, by the share aged 0 to 14 of RP 2018: only totals vary
        between vintages, ages do not. Bands add up exactly to the legal population.
        """
        if vintage not in self.vintages:
            raise ParameterError(f"Millésime inconnu « {vintage} » ; connus : {', '.join(self.vintages)}.")
        counts = self._counts[f"population_{vintage}"].astype("float64")
        young = self._counts[_YOUNG[0]] / self._counts[_YOUNG[1]]
        return population_by_band(counts, self._counts[list(SHARES)], young, vintage=vintage)

    def __repr__(self) -> str:
        inside = int(self.communes["in_territory"].sum())
        communes = f"{inside} communes, {len(self.communes) - inside} around, {len(self.epci)} epci"
        return f"VarDataset({communes}, {len(self.sites)} sites, {len(self.services)} services)"

    def _repr_html_(self) -> str:
        tables = [one.name for one in fields(self) if not one.name.startswith("_")]
        tables = [name for name in tables if isinstance(getattr(self, name), pd.DataFrame)]
        counted = pd.DataFrame({"Table": tables, "Lignes": [len(getattr(self, name)) for name in tables]})
        return html_table(counted, title="Var : les tables, et le nombre de leurs lignes")


def load_var() -> VarDataset:
    """Load the embedded dataset of the Var; each call returns new tables, that may be changed.

    Examples
    --------
    >>> load_var()
    VarDataset(153 communes, 392 around, 14 epci, ...)
    """
    return with_own_tables(_read_var())


@lru_cache(maxsize=1)
def _read_var() -> VarDataset:
    """Read the tables of the package once; nobody is handed these ones."""
    folder = resources.files("territory.datasets") / "var"
    counts = _read(folder, "communes", "commune_code")
    communes = _communes(counts)
    content = json.loads((folder / "outlines.geojson").read_text("utf-8"))
    frame = gpd.GeoDataFrame.from_features(content["features"], crs=4326)
    return VarDataset(
        communes=communes,
        outlines=frame.set_index("commune_code").to_crs(EPSG),
        epci=_read(folder, "epci", "epci_code"),
        sites=_sites(folder, communes),
        services=_read(folder, "services", ["site_id", "service"]),
        child_psychiatry=_read(folder, "child_psychiatry", "site_id"),
        completeness=_read(folder, "completeness", "service"),
        offer_2013=_read(folder, "offer_2013", "commune_code", services="number"),
        figures=_read(folder, "figures", "key", territory="text").reset_index(),
        sources=_read(folder, "sources", "file").reset_index(),
        published=_published(counts),
        _counts=counts[[f"population_{vintage}" for vintage in VINTAGES] + [*SHARES, *_YOUNG]],
    )


def _read(folder: Traversable, name: str, index: str | list[str], **kinds: str) -> pd.DataFrame:
    """Read a table of the package, each column of the kind that is declared or in `kinds`, a number where it is not."""
    with (folder / f"{name}.csv").open("r", encoding="utf-8") as file:
        frame = pd.read_csv(file, dtype=str, keep_default_na=False, na_values=[""])
    for column in frame.columns.difference([index] if isinstance(index, str) else index):
        kind = kinds.get(column) or (COLUMNS[column].kind if column in COLUMNS else "number")
        if kind == "flag":
            frame[column] = frame[column] == "true"
        elif kind == "number":
            frame[column] = pd.to_numeric(frame[column])
    return frame.set_index(index)


def _communes(counts: pd.DataFrame) -> gpd.GeoDataFrame:
    """Return the table `communes` from the embedded line of each commune."""
    population = counts["population_rp2021"].astype("float64")
    said = {"population": population, "density_hab_km2": population / counts["area_km2"]}
    columns = ["name", "departement_code", "epci_code", "epci_name", "population", "area_km2"]
    columns += ["density_hab_km2", "point_kind", "slowness", "in_territory", "general_practitioners"]
    table = counts.assign(**said, pharmacies=counts["pharmacies_2013"])[[*columns, "pharmacies"]]
    points = gpd.points_from_xy(counts["longitude"], counts["latitude"], crs=4326)
    return gpd.GeoDataFrame(table, geometry=points).to_crs(EPSG)


def _published(counts: pd.DataFrame) -> pd.DataFrame:
    """Return the table `published` from the embedded line of each commune: the year is in the name of a column."""
    tables = {}
    for figure, pattern in _PUBLISHED.items():
        years = {name: int(found[1]) for name in counts if (found := re.fullmatch(pattern, str(name)))}
        tables[figure] = counts[list(years)].rename(columns=years)
    return published_figures(tables, counts.index)


def _sites(folder: Traversable, communes: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the table `sites`; a site without coordinates stands at the point of its commune."""
    table = _read(folder, "sites", "site_id")
    inferred = table["legal_status"].notna()
    table["legal_status_basis"] = inferred.map({True: STATUS_BASIS, False: None}).astype("str")
    points = gpd.points_from_xy(table["longitude"], table["latitude"], crs=4326)
    known = gpd.GeoSeries(points, index=table.index).to_crs(EPSG)
    placed = gpd.GeoSeries(list(communes.loc[table["commune_code"]].geometry), index=table.index, crs=EPSG)
    geometry = known.where(table["longitude"].notna(), placed)
    return gpd.GeoDataFrame(table.drop(columns=["longitude", "latitude"]), geometry=geometry, crs=EPSG)


Dataset = TypeVar("Dataset")


def with_own_tables(dataset: Dataset) -> Dataset:
    """Return a dataset whose tables may be changed without those of the next reader changing too."""
    assert is_dataclass(dataset)
    copies = {one.name: _copied(getattr(dataset, one.name)) for one in fields(dataset)}
    copied: Dataset = replace(cast(Any, dataset), **copies)
    return copied


def _copied(value: Any) -> Any:
    """Return a copy of a table, or of each table of a mapping; anything else is itself."""
    if isinstance(value, dict):
        return {key: _copied(table) for key, table in value.items()}
    return value.copy() if isinstance(value, pd.DataFrame | pd.Series) else value
