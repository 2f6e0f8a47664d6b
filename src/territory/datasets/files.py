"""A dataset of any département, read from official files on disk."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from territory.datasets.bands import population_by_band
from territory.errors import ParameterError, Problems, ReadError, TerritoryError, examples
from territory.sources.producers.finess.categories import CATEGORIES

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

PRACTITIONERS = "medecin_generaliste"
_SHARES = ["under_25_share", "from_25_to_64_share", "from_65_share"]
_OUTLINES = (".geojson", ".json", ".gpkg", ".shp", ".zip")


class DataFiles(BaseModel):
    """The official files of a study, relative to its folder; `territory init` writes this section."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cog: str
    cog_year: int = 2024
    points: str
    populations: dict[str, str] = Field(min_length=1)
    population_cog_years: dict[str, int] = {}
    movements: str | None = None
    ages: str
    young: str | None = None
    epci: str
    finess: str | None = None
    general_practitioners: str | None = None
    complete_services: tuple[str, ...] = ()
    buffer_km: float = Field(default=45, ge=0)

    def paths(self) -> dict[str, str]:
        """Return every file by its key, one per line of the section."""
        named = {
            key: getattr(self, key)
            for key in ("cog", "points", "movements", "ages", "young", "epci", "finess")
        }
        named["general_practitioners"] = self.general_practitioners
        named |= {f"populations.{vintage}": path for vintage, path in self.populations.items()}
        return {key: path for key, path in named.items() if path is not None}


@dataclass(frozen=True, repr=False)
class FilesDataset:
    """Tables of a territory and its surroundings, with the attributes of the embedded datasets.

    `outlines` is None when the points come from a table: maps then show points.
    """

    communes: gpd.GeoDataFrame
    outlines: gpd.GeoDataFrame | None
    epci: pd.DataFrame
    sites: gpd.GeoDataFrame
    services: pd.DataFrame
    sources: pd.DataFrame
    vintages: tuple[str, ...]
    _totals: dict[str, pd.Series] = field(repr=False)
    _shares: pd.DataFrame = field(repr=False)
    _young_share: pd.Series = field(repr=False)

    def population(self, vintage: str) -> pd.DataFrame:
        """Return the persons of each commune by age band, for one census; ages are those of `ages`."""
        if vintage not in self.vintages:
            raise ParameterError(f"Millésime inconnu « {vintage} » ; connus : {', '.join(self.vintages)}.")
        return population_by_band(self._totals[vintage], self._shares, self._young_share, vintage=vintage)

    def __repr__(self) -> str:
        """Return the sizes of the tables."""
        return f"FilesDataset({len(self.communes)} communes, {len(self.sites)} sites, {len(self.services)} services)"


def load_files(files: DataFiles, *, departements: Collection[str], folder: Path) -> FilesDataset:
    """Read the official files of a study and bring them to one commune map.

    Parameters
    ----------
    files
        Paths, relative to `folder`, and the years of their commune codes.
    departements
        Département codes of the territory; communes within `buffer_km` of it are its surroundings.
    folder
        Folder of the study file.

    Returns
    -------
    FilesDataset

    Raises
    ------
    ReadError
        With every file that is absent or cannot be understood.
    """
    from territory import sources

    problems = Problems("Données de l'étude", ReadError)
    found: dict[str, Any] = {}

    def read(key: str, reader: Callable[[Path], Any]) -> None:
        path = folder / files.paths()[key]
        if not path.is_file():
            problems.add(
                f"« {key} » : fichier absent « {files.paths()[key]} » (territory data fetch, ou corrigez le chemin)"
            )
            return
        try:
            found[key] = reader(path)
        except TerritoryError as error:
            problems.add(f"« {key} » : {error}")

    readers: dict[str, Callable[[Path], Any]] = {
        "cog": sources.read_cog_communes,
        "points": _read_points,
        "movements": sources.read_cog_movements,
        "ages": sources.read_age_shares,
        "young": sources.read_young_population,
        "epci": sources.read_epci,
        "finess": _read_finess,
        "general_practitioners": sources.read_bpe_counts,
    }
    for key in files.paths():
        read(key, readers.get(key, sources.read_legal_population))
    problems.raise_if_any()
    return _assemble(files, found, departements, folder)


def _assemble(
    files: DataFiles, found: dict[str, Any], departements: Collection[str], folder: Path
) -> FilesDataset:
    """Join what was read on the communes of the territory and its surroundings."""
    import geopandas as gpd
    import pandas as pd

    points, outlines = found["points"]
    cog = found["cog"]
    points = points[points.index.isin(cog.index)]
    kept = _with_surroundings(points, cog, departements, files.buffer_km)
    totals = {
        vintage: _to_map(found[f"populations.{vintage}"]["population"], kept.index, files, vintage, found)
        for vintage in files.populations
    }
    newest = totals[max(totals)]
    table = pd.DataFrame(index=kept.index)
    table["name"] = cog["name"].reindex(kept.index)
    table["departement_code"] = cog["departement_code"].reindex(kept.index)
    table["epci_code"] = found["epci"]["epci_code"].reindex(kept.index)
    table["epci_name"] = found["epci"]["epci_name"].reindex(kept.index)
    table["population"] = newest.astype(float)
    table["area_km2"] = kept["area_km2"]
    table["density_hab_km2"] = table["population"] / table["area_km2"]
    table["point_kind"] = "inside"
    table["in_territory"] = table["departement_code"].isin(departements)
    if "general_practitioners" in found:
        table["general_practitioners"] = found["general_practitioners"].reindex(kept.index).fillna(0)
    communes = gpd.GeoDataFrame(table, geometry=kept.geometry, crs=kept.crs)
    sites, services = _supply(files, found, communes)
    young = found.get("young")
    share = pd.Series(float("nan"), index=kept.index)
    if young is not None:
        share = (young["population_0_14"] / young["population"]).reindex(kept.index)
    inside = communes.index[communes["in_territory"]]
    return FilesDataset(
        communes=communes,
        outlines=None if outlines is None else outlines[outlines.index.isin(inside)][["geometry"]],
        epci=found["epci"][found["epci"].index.isin(inside)]
        .drop_duplicates("epci_code")
        .set_index("epci_code"),
        sites=sites,
        services=services,
        sources=_sources(files, folder),
        vintages=tuple(sorted(files.populations, reverse=True)),
        _totals=totals,
        _shares=found["ages"][_SHARES].reindex(kept.index),
        _young_share=share,
    )


def _read_points(path: Path) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame | None]:
    """Return points with areas, and outlines when the file has some."""
    import geopandas as gpd

    from territory import sources
    from territory.geography import inside_points, projected_epsg_of_commune
    from territory.sources.text.tables import require_columns

    if path.suffix.lower() in _OUTLINES:
        outlines = sources.read_outlines(path)
        outlines = outlines.to_crs(projected_epsg_of_commune(str(outlines.index[0])))
        points = gpd.GeoDataFrame(
            {"area_km2": outlines.area / 1e6}, geometry=inside_points(outlines), crs=outlines.crs
        )
        return points, outlines
    columns = ("commune_code", "longitude", "latitude", "area_km2")
    table = sources.read_table(path)
    require_columns(table, columns, path=path)
    table = sources.to_numbers(table, columns[1:], path=path).set_index("commune_code")
    twice = table.index[table.index.duplicated()]
    if len(twice):
        raise ReadError(f"Fichier « {path.name} » : {len(twice)} commune(s) en double ({examples(twice)}).")
    geometry = gpd.points_from_xy(table["longitude"], table["latitude"], crs=4326)
    points = gpd.GeoDataFrame(table[["area_km2"]], geometry=geometry)
    return points.to_crs(projected_epsg_of_commune(str(table.index[0]))), None


def _read_finess(path: Path) -> gpd.GeoDataFrame:
    """Return the sites of FINESS, in whichever of its forms the file is."""
    from territory.sources.producers.finess.extracts import read_finess_flat, read_finess_sites
    from territory.sources.producers.finess.finess_plus import read_finess_plus

    if path.name.endswith((".json", ".json.gz")):
        return read_finess_plus(path)
    # the official text has no titles: its first line begins with the kind of its content
    with path.open("rb") as stream:
        head = stream.read(200).decode("latin-1")
    official = head.startswith(("finess;", "structureet;", "geolocalisation;"))
    return read_finess_sites(path) if official else read_finess_flat(path)


def _with_surroundings(
    points: gpd.GeoDataFrame, cog: pd.DataFrame, departements: Collection[str], buffer_km: float
) -> gpd.GeoDataFrame:
    """Keep the communes of the territory and those within a distance of one of them."""
    import shapely
    from scipy.spatial import cKDTree

    inside = cog["departement_code"].reindex(points.index).isin(departements).to_numpy()
    if not inside.any():
        raise ReadError(
            f"Aucune commune des départements {examples(sorted(departements))} dans le fichier « points »."
        )
    missing = cog.index[cog["departement_code"].isin(departements)].difference(points.index)
    if len(missing):
        raise ReadError(f"{len(missing)} commune(s) sans point ni contour ({examples(missing)}).")
    xy = shapely.get_coordinates(points.geometry.to_numpy())
    distance, _ = cKDTree(xy[inside]).query(xy)
    kept: gpd.GeoDataFrame = points[inside | (distance <= 1000 * buffer_km)]
    return kept


def _to_map(
    counts: pd.Series, communes: pd.Index, files: DataFiles, vintage: str, found: dict[str, Any]
) -> pd.Series:
    """Bring the counts of a census to the commune map of the study."""
    year = files.population_cog_years.get(vintage, files.cog_year)
    if year == files.cog_year:
        return counts.reindex(communes)
    if "movements" not in found:
        raise ReadError(
            f"populations.{vintage} est dans la géographie de {year} et l'étude dans celle de {files.cog_year} : "
            "donnez le fichier « movements » des mouvements de communes."
        )
    from territory.geography.codes import departement_of
    from territory.geography.cog_conversion import to_cog

    # a commune that was split at the other end of the country asks nothing of this study
    around = {departement_of(code) for code in communes}
    near = counts[[departement_of(code) in around for code in counts.index]]
    carried = to_cog(near.to_frame("population"), found["movements"], from_year=year, to_year=files.cog_year)
    return carried["population"].reindex(communes)


def _supply(
    files: DataFiles, found: dict[str, Any], communes: gpd.GeoDataFrame
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Return the sites and services of the communes kept; a list is complete when the study says so."""
    import geopandas as gpd
    import pandas as pd

    pairs = []
    if "finess" in found:
        sites = found["finess"]
        sites = sites[sites["commune_code"].isin(communes.index)].to_crs(communes.crs)
        pairs.append((sites, category_services(sites)))
    if "general_practitioners" in communes:
        pairs.append(practitioner_sites(communes))
    if not pairs:
        raise ReadError("Aucun site : donnez « finess » ou « general_practitioners » dans [data].")
    sites = gpd.GeoDataFrame(pd.concat([sites for sites, _ in pairs]), crs=communes.crs)
    services = pd.concat([services for _, services in pairs])
    complete = {*files.complete_services, PRACTITIONERS}
    services["is_complete_list"] = services.index.get_level_values("service").isin(complete)
    return sites, services


def category_services(sites: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return one service per site, that of its FINESS category; places, publics and ages stay unknown.

    Sites of a category that has no service of its own (a holding, a laboratory) have none.
    """
    import pandas as pd

    known = {code: category for code, category in CATEGORIES.items() if code in set(sites["category_code"])}
    kept = sites[sites["category_code"].isin(known)]
    found = [known[code] for code in kept["category_code"]]
    index = pd.MultiIndex.from_arrays(
        [kept.index, [one.service for one in found]], names=["site_id", "service"]
    )
    return pd.DataFrame(
        {
            "authorisation_id": kept.index.to_numpy(),
            "capacity": float("nan"),
            "capacity_unit": pd.array([one.capacity_unit for one in found], dtype="str"),
            "public": pd.array([None] * len(kept), dtype="str"),
            "age_min": float("nan"),
            "age_max": float("nan"),
            "reception_mode": pd.array([None] * len(kept), dtype="str"),
            "delivered_at_home": [one.is_at_home for one in found],
        },
        index=index,
    )


def practitioner_sites(communes: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Return one site per commune with general practitioners, at its point, with how many there are."""
    import geopandas as gpd
    import pandas as pd

    some = communes[communes["general_practitioners"] > 0]
    ids = pd.Index([f"gp-{code}" for code in some.index], name="site_id")
    sites = gpd.GeoDataFrame(
        {
            "name": [f"Médecins généralistes, {name}" for name in some["name"]],
            "category_code": pd.array([None] * len(some), dtype="str"),
            "commune_code": some.index.to_numpy(),
            "operator_id": pd.array([None] * len(some), dtype="str"),
            "point_precision": "commune",
            "source": "Base permanente des équipements (INSEE)",
        },
        index=ids,
        geometry=some.geometry.to_numpy(),
        crs=communes.crs,
    )
    services = pd.DataFrame(
        {
            "authorisation_id": pd.array([None] * len(some), dtype="str"),
            "capacity": some["general_practitioners"].to_numpy(float),
            "capacity_unit": "headcount",
            "public": pd.array([None] * len(some), dtype="str"),
            "age_min": float("nan"),
            "age_max": float("nan"),
            "reception_mode": pd.array([None] * len(some), dtype="str"),
            "delivered_at_home": False,
        },
        index=pd.MultiIndex.from_product([ids, [PRACTITIONERS]], names=["site_id", "service"]),
    )
    return sites, services


def _sources(files: DataFiles, folder: Path) -> pd.DataFrame:
    """Return one line per file for the report, from the `source.json` that a download leaves beside it."""
    import pandas as pd

    rows = []
    for key, path in files.paths().items():
        note = folder / path
        known = _origin(note.with_name("source.json"))
        row = {name: str(known.get(name, "")) for name in ("producer", "title", "vintage", "licence", "note")}
        rows.append({"file": note.name, "column": key, **row, "title": row["title"] or note.name})
    return pd.DataFrame(rows, columns=["file", "column", "producer", "title", "vintage", "licence", "note"])


def _origin(path: Path) -> dict[str, object]:
    """Return what the note beside a file says of it, nothing if it cannot be read: its origin is then unknown."""
    try:
        said = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
