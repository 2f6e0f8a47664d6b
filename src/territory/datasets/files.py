"""Datasets: those embedded by name, and that of any département, read from official files on disk."""

import json
import warnings
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import geopandas as gpd
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, create_model

from territory.datasets import joins, slots
from territory.datasets.checks import clashes
from territory.datasets.offer import category_services, offer_of
from territory.datasets.slots import FEWEST_SITES
from territory.datasets.var import VarDataset, load_var, with_own_tables
from territory.errors import ParameterError, Problems, ReadError, TerritoryError, UnknownCodeError
from territory.geography.communes import departement_of, steps_of
from territory.sources.fetching.raw_folder import read_registry
from territory.tables.declare import lines_of

Tables: TypeAlias = dict[str, Any]


class DataSettings(BaseModel):
    """What a study says of its official files beside their paths."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cog_year: int = 2024
    population_cog_years: dict[str, int] = {}
    complete_services: tuple[str, ...] = ()
    finess_capacity: Literal["authorised", "installed"] = "installed"
    buffer_km: float = Field(default=45, ge=0)

    @property
    def vintages(self) -> tuple[str, ...]:
        """Return the censuses of the section."""
        return tuple(getattr(self, "populations", ()))

    @property
    def years(self) -> dict[str, int]:
        """Return the year of the commune codes of each census."""
        return {vintage: self.population_cog_years.get(vintage, self.cog_year) for vintage in self.vintages}

    def paths(self) -> dict[str, str]:
        """Return every file by its key, one per line of the section."""
        named: dict[str, str] = {}
        for slot in slots.SLOTS:
            given = getattr(self, slot.key)
            if isinstance(given, dict):
                named |= {f"{slot.key}.{vintage}": path for vintage, path in given.items()}
            elif isinstance(given, tuple):
                named |= {f"{slot.key}.{number}": path for number, path in enumerate(given, start=1)}
            elif given is not None:
                named[slot.key] = given
        return named


def _field_of(key: str) -> Any:
    """Return the type and default with which a slot is a field of `[data]`."""
    slot = slots.slot_of(key)
    if slot.by_vintage:
        return (dict[str, str], Field(min_length=1))
    if slot.in_several:
        return (tuple[str, ...] | str, Field(min_length=1))
    return (str, ...) if slot.need == "always" else (str | None, None)


if TYPE_CHECKING:

    class DataFiles(DataSettings):
        """The official files of a study."""

        def __init__(self, **given: Any) -> None: ...

else:
    DataFiles = create_model(
        "DataFiles",
        __base__=DataSettings,
        __module__=__name__,
        __doc__="The official files of a study, relative to its folder; `territory init` writes this section.",
        **{slot.key: _field_of(slot.key) for slot in slots.SLOTS},
    )


@dataclass(frozen=True)
class Region:
    """The région of a study, where the files hold it whole: its establishments, their equipment, who lives there."""

    name: str
    services: pd.DataFrame
    equipment: pd.DataFrame
    population: pd.DataFrame


@dataclass(frozen=True, repr=False)
class FilesDataset:
    """Tables of a territory and its surroundings, with the attributes of the embedded datasets.

    None where the study gives none: `outlines` (maps then show points), `equipment` (lines of FINESS that say how many
    places there are), `published` (figures of DREES), `squares` (where the children of each commune live), `references`
    (published rates of equipment) and `region`.
    """

    communes: gpd.GeoDataFrame
    outlines: gpd.GeoDataFrame | None
    epci: pd.DataFrame
    sites: gpd.GeoDataFrame
    services: pd.DataFrame
    sources: pd.DataFrame
    vintages: tuple[str, ...]
    equipment: pd.DataFrame | None = None
    published: pd.DataFrame | None = None
    squares: gpd.GeoDataFrame | None = None
    references: pd.DataFrame | None = None
    region: Region | None = None
    _totals: dict[str, pd.Series] = field(default_factory=dict, repr=False)
    _ages: pd.DataFrame | None = field(default=None, repr=False)
    _young_share: pd.Series | None = field(default=None, repr=False)

    @property
    def places_year(self) -> int | None:
        """The year of the places that the files tell, None where they do not say it."""
        told = self.sources.loc[self.sources["column"] == "finess_equipment", "vintage"]
        years = told.str.extract(r"(20\d\d)", expand=False).dropna()
        return None if years.empty else int(years.iloc[0])

    def population(self, vintage: str) -> pd.DataFrame:
        """Return the persons of each commune by age band, for one census; ages are those of `ages`."""
        if vintage not in self.vintages:
            raise ParameterError(f"Millésime inconnu « {vintage} » ; connus : {', '.join(self.vintages)}.")
        assert self._ages is not None
        return _population(self._totals[vintage], self._ages, self._young_share, vintage)

    def __repr__(self) -> str:
        return f"FilesDataset({len(self.communes)} communes, {len(self.sites)} sites, {len(self.services)} services)"


def _population(total: pd.Series, ages: pd.DataFrame, young: pd.Series | None, vintage: str) -> pd.DataFrame:
    """Return persons by commune and age band."""
    if young is None:
        return joins.population_like(total, ages["population"], vintage=vintage)
    return joins.population_by_band(total, ages, young, vintage=vintage)


def load_files(files: DataFiles, *, departements: Collection[str], folder: Path) -> FilesDataset:
    """Read the official files of a study and bring them to one commune map, or say all that is wrong.

    Paths are relative to `folder`; communes within `buffer_km` of the départements are the surroundings.
    """
    problems = Problems("Données de l'étude", ReadError)
    for said in clashes(files.paths(), files.years, files.cog_year):
        problems.add(said)
    tables: Tables = {}
    paths = files.paths()
    # the communes around the study say which lines of a national file are read
    first = [key for key in paths if key.partition(".")[0] in ("cog", "points", "movements")]
    for key in first:
        _read(key, paths[key], folder, tables, problems, None)
    communes: joins.CommuneMap | None = None
    if set(first) <= set(tables):
        places = slots.joined_places([tables[key] for key in first if key.startswith("points")], departements)
        communes = joins.CommuneMap(
            departements=tables["cog"]["departement_code"],
            territory=frozenset(departements),
            everywhere=tables["cog"].index,
            year=files.cog_year,
            steps=tuple(steps_of(tables["movements"])) if "movements" in tables else (),
        )
        points = joins.with_points_of_parts(places[0], communes)
        tables["points"] = (points, places[1])
        kept = joins.with_surroundings(points, tables["cog"], departements, files.buffer_km)
        tables["kept"] = kept
        communes = replace(communes, departements=communes.departements.reindex(kept.index))
    for key, path in paths.items():
        if key not in first:
            _read(key, path, folder, tables, problems, communes)
    problems.raise_if_any()
    assert communes is not None
    return _assemble(files, tables, communes, folder)


def _read(
    key: str, path: str, folder: Path, tables: Tables, problems: Problems, communes: joins.CommuneMap | None
) -> None:
    """Read the file of one key, or add what is wrong with it."""
    if not (folder / path).is_file():
        problems.add(slots.absent(key, path))
        return
    try:
        around = None if communes is None else communes.around
        tables[key] = slots.slot_of(key).read(folder / path, departements=around, communes=tables.get("kept"))
    except TerritoryError as error:
        problems.add(f"« {key} » : {error}")


def _assemble(files: DataFiles, tables: Tables, commune_map: joins.CommuneMap, folder: Path) -> FilesDataset:
    """Join what was read on the communes of the territory and its surroundings."""
    outlines = tables["points"][1]
    totals = _totals(files, tables, commune_map)
    # what a commune weighs in a mean, arrondissements too
    tables["weights"] = tables[f"populations.{max(totals)}"]["population"]
    tables["epci"] = commune_map.rates("epci", tables["epci"], tables["weights"])
    communes = _communes(tables, totals[max(totals)], commune_map)
    sites, services = offer_of(tables, communes, outlines, commune_map, complete=files.complete_services)
    if "evaluations" in tables:
        sites = sites.join(tables["evaluations"])
    inside, grid = communes.index[communes["in_territory"]], tables.get("population_grid")
    epci = tables["epci"][tables["epci"].index.isin(inside)].dropna(subset="epci_code")
    ages, young_share = _ages(tables, commune_map)
    return FilesDataset(
        communes=communes,
        outlines=None if outlines is None else outlines[outlines.index.isin(inside)][["geometry"]],
        epci=epci.drop_duplicates("epci_code").set_index("epci_code"),
        sites=sites,
        services=services,
        sources=_sources(files, folder),
        vintages=tuple(sorted(files.vintages, reverse=True)),
        equipment=_equipment(tables, sites),
        references=tables.get("references"),
        region=_region(files, tables, commune_map),
        published=_published(tables, commune_map),
        squares=None if grid is None else slots.squares_of_children(grid, communes),
        _totals=totals,
        _ages=ages,
        _young_share=young_share,
    )


def _communes(tables: Tables, population: pd.Series, commune_map: joins.CommuneMap) -> gpd.GeoDataFrame:
    """Return the table `communes`: names, EPCI, population, areas and points."""
    kept, cog, epci = tables["kept"], tables["cog"], tables["epci"]
    table = pd.DataFrame(index=kept.index)
    for source, names in ((cog, ("name", "departement_code")), (epci, ("epci_code", "epci_name"))):
        for name in names:
            table[name] = source[name].reindex(kept.index)
    table["population"] = population.astype(float)
    table["area_km2"] = kept["area_km2"]
    table["density_hab_km2"] = table["population"] / joins.known_areas_km2(kept)
    table["point_kind"] = kept["point_kind"]
    table["in_territory"] = table.index.isin(commune_map.own)
    for column in [slot.key for slot in slots.SLOTS if slot.service] + ["households_without_car"]:
        if column in tables:
            or_none = column != "households_without_car"
            table[column] = commune_map.counts_of_some(column, tables[column], or_none=or_none)
    points = kept.geometry
    if "population_grid" in tables:
        inhabited = slots.most_central_cells(tables["population_grid"], kept.crs).reindex(kept.index)
        table["point_kind"] = table["point_kind"].where(inhabited.isna(), "weighted")
        points = inhabited.where(inhabited.notna(), kept.geometry)
    return gpd.GeoDataFrame(table, geometry=points, crs=kept.crs)


def _ages(tables: Tables, communes: joins.CommuneMap) -> tuple[pd.DataFrame, pd.Series | None]:
    """Return three shares and the share of the youngest, or persons by finer bands and nothing."""
    ages, young = tables["ages"], tables.get("young")
    if list(ages.columns) != list(slots.SHARES):
        if young is not None:
            raise ReadError("« young » ne sert qu'avec les parts de trois tranches : retirez-le de [data].")
        return communes.bands("ages", ages), None
    share = pd.Series(float("nan"), index=communes.departements.index)
    if young is not None:
        count = partial(communes.counts_of_some, "young", or_none=False)
        share = count(young["population_0_14"]) / count(young["population"])
    return communes.rates("ages", ages, tables["weights"]), share


def _published(tables: Tables, communes: joins.CommuneMap) -> pd.DataFrame | None:
    """Return the figures that a producer publishes of these communes, None without a file of them."""
    given = {one: "emergency_times" if one == "urgences_smur" else one for one in slots.FIGURES}
    weights, here = tables["weights"], {figure: key for figure, key in given.items() if key in tables}
    found = {figure: communes.rates(key, tables[key], weights) for figure, key in here.items()}
    return slots.published_figures(found, communes.departements.index) if found else None


def _equipment(tables: Tables, sites: gpd.GeoDataFrame) -> pd.DataFrame | None:
    """Return the lines of equipment of the sites that are kept, each with its category."""
    lines = tables.get("finess_equipment")
    if lines is None:
        return None
    lines = lines[lines["nofinesset"].isin(sites.index)]
    if lines.empty:
        raise ReadError("« finess_equipment » : aucune ligne pour « finess » ; sont-ils du même territoire ?")
    lines = lines.assign(categetab=lines["nofinesset"].map(sites["category_code"].to_dict()))
    return pd.DataFrame(lines)


def _region(files: DataFiles, tables: Tables, communes: joins.CommuneMap) -> Region | None:
    """Return the région of a study, None where it has several, or where a file holds it in part."""
    cog, sites = tables["cog"], tables.get("finess")
    codes = cog["region_code"][cog["departement_code"].isin(communes.territory)].unique()
    if sites is None or "finess_equipment" not in tables or len(codes) != 1:
        return None
    inside = cog["departement_code"][cog["region_code"] == codes[0]]
    homes = sites["commune_code"].map(departement_of, na_action="ignore")
    # fewer than any département has
    if homes.value_counts().reindex(inside.unique(), fill_value=0).min() < FEWEST_SITES:
        return None
    whole = replace(communes, departements=inside, territory=frozenset(inside))
    with warnings.catch_warnings():
        # what is to be said of the files is said of the study
        warnings.simplefilter("ignore")
        try:
            totals = _totals(files, tables, whole)
            population = _population(totals[max(totals)], *_ages(tables, whole), max(totals))
        except TerritoryError:
            return None
    services = category_services(sites[homes.isin(whole.territory)])
    services["is_complete_list"] = services.index.get_level_values("service").isin(files.complete_services)
    names = {line["code"]: line["name"] for line in lines_of("regions.csv", "territory.geography")}
    lines = _equipment(tables, sites)
    return None if lines is None else Region(names[codes[0]], services, lines, population)


def _totals(files: DataFiles, tables: Tables, communes: joins.CommuneMap) -> dict[str, pd.Series]:
    """Return the persons of each census in the communes of the study, arrondissements added up."""
    counts = {vintage: tables[f"populations.{vintage}"]["population"] for vintage in files.vintages}
    carried = joins.carried_censuses(counts, files.years, tables.get("movements"), communes)
    return {vintage: communes.counts(f"populations.{vintage}", one) for vintage, one in carried.items()}


def _sources(files: DataFiles, folder: Path) -> pd.DataFrame:
    """Return one line per file for the report: what a download says of it beside it, or else the registry."""
    rows = []
    for key, path in files.paths().items():
        note = folder / path
        known = _origin(note.with_name("source.json")) or _registered(key, note.name)
        row = {name: str(known.get(name, "")) for name in ("producer", "title", "vintage", "licence", "note")}
        rows.append({"file": note.name, "column": key, **row, "title": row["title"] or note.name})
    return pd.DataFrame(rows, columns=["file", "column", "producer", "title", "vintage", "licence", "note"])


def _registered(key: str, name: str) -> dict[str, object]:
    """Return what the registry says of a file by its name, of its dataset alone where it has another name."""
    slot = slots.slot_of(key)
    known = [source for source in read_registry() if source.dataset in slot.registry]
    named = [one for one in known if any(fnmatch(name, part) for part in (one.file_name, *one.members))]
    of_vintage = [one for one in known if slot.by_vintage and one.vintage == key.partition(".")[2]]
    if len(named) == 1 or of_vintage:
        one = (of_vintage or named)[0]
        return {"producer": one.producer, "title": one.title, "vintage": one.vintage, "licence": one.licence}
    producers = {one.producer for one in known}
    return {"producer": producers.pop() if len(producers) == 1 else "", "title": f"{slot.label} ({name})"}


def _origin(path: Path) -> dict[str, object]:
    """Return what the note beside a file says of it, nothing if it cannot be read: its origin is then unknown."""
    try:
        said = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


_NAMES = ("var",)
# the name under which a study asks for the files of its own [data] section
FILES = "files"


def dataset_names() -> tuple[str, ...]:
    """Return the names of the datasets inside the package."""
    return _NAMES


def load_dataset(name: str) -> VarDataset:
    """Load an embedded dataset by its name; an unknown one is an `UnknownCodeError`."""
    if name not in _NAMES:
        raise UnknownCodeError(f"Jeu de données inconnu « {name} » ; jeux connus : {', '.join(_NAMES)}.")
    return load_var()


def open_dataset(
    name: str, files: DataFiles | None, *, departements: Collection[str], folder: Path
) -> VarDataset | FilesDataset:
    """Return the dataset of a study, embedded or of its section `[data]`, read once; each call's tables may be changed.

    Examples
    --------
    >>> open_dataset("var", None, departements=["83"], folder=Path())
    VarDataset(153 communes, 392 around, 14 epci, ...)
    """
    if name != FILES:
        return load_dataset(name)
    if files is None:
        raise ParameterError("dataset = « files » demande une section [data] avec les fichiers de l'étude.")
    there = {key: folder / path for key, path in files.paths().items()}
    stamps = tuple((key, path, path.is_file() and path.stat().st_mtime_ns) for key, path in there.items())
    return with_own_tables(_open_files(files.model_dump_json(), tuple(sorted(departements)), folder, stamps))


@lru_cache(maxsize=2)
def _open_files(section: str, departements: tuple[str, ...], folder: Path, stamps: object) -> FilesDataset:
    """Read files once, as long as they do not change."""
    return load_files(DataFiles.model_validate_json(section), departements=departements, folder=folder)
