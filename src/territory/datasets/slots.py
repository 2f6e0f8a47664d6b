"""What a study can be fed with: one slot per official file (`slots.toml`), with its readers and its registry rows.

All that knows an official file knows it from `SLOTS`. To add one: a reader in `territory.sources`, a slot in
`slots.toml`, a sample in `tests/sources/broken.py`.
"""

from __future__ import annotations

import re
import tomllib
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from territory.errors import ReadError, TerritoryError, UnknownCodeError, warn

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

# the départements around a study, None for all
Near: TypeAlias = Collection[str] | None


@dataclass(frozen=True)
class Reader:
    """One way to read the file of a slot: a reader of `territory.sources`, and what gives its table the slot's form."""

    name: str
    # what the file is called in French
    form: str
    options: Mapping[str, Any] = field(default_factory=dict)
    # ends of the names, and beginnings of the texts, on which it is tried (any, when empty)
    suffixes: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
    # patterns of the titles (in small letters) by which its files are recognised
    titles: tuple[str, ...] = ()
    # it keeps the départements around the study, or holds points against those of the communes
    by_departement: bool = False
    by_place: bool = False
    then: Callable[[Any], Any] | None = None

    def suits(self, path: Path) -> bool:
        """Say whether the name and the first bytes of a file let this reader be tried."""
        if self.suffixes and not path.name.lower().endswith(self.suffixes):
            return False
        if not self.starts:
            return True
        with path.open("rb") as stream:
            return stream.read(200).decode("latin-1").startswith(self.starts)

    def __call__(
        self, path: Path, departements: Near = None, communes: gpd.GeoDataFrame | None = None
    ) -> Any:
        """Read a file."""
        from territory import sources

        known: dict[str, Any] = {"departements": departements} if self.by_departement else {}
        known |= {"communes": communes} if self.by_place else {}
        table = getattr(sources, self.name)(path, **self.options, **known)
        return table if self.then is None else self.then(table)


@dataclass(frozen=True)
class Slot:
    """One official file of a study: its key in `[data]`, the table that it fills, and its readers, tried in turn."""

    key: str
    table: str
    readers: tuple[Reader, ...]
    need: Literal["always", "usually", "optional"]
    comment: str
    # what is lost without the file
    without: str
    # the datasets that bring it, best first
    registry: tuple[str, ...] = ()
    # given once per census, or in several files of which the first that speaks of a commune is believed
    by_vintage: bool = False
    in_several: bool = False
    # what it counts by commune: their kind of service, the name of their sites, whether they are persons
    service: str = ""
    site_name: str = ""
    prefix: str = ""
    is_headcount: bool = False

    def read(self, path: Path, *, departements: Near = None, communes: gpd.GeoDataFrame | None = None) -> Any:
        """Read a file by the first reader that takes it; what is said of it is what that reader says."""
        refusals: list[tuple[Reader, TerritoryError]] = []
        for reader in self.readers:
            if not reader.suits(path):
                continue
            with warnings.catch_warnings(record=True) as heard:
                warnings.simplefilter("always")
                try:
                    table = reader(path, departements, communes)
                except TerritoryError as error:
                    refusals.append((reader, error))
                    continue
            for warning in heard:
                warn(str(warning.message), warning.category)
            return table
        if len(refusals) == 1:
            raise refusals[0][1]
        forms = [filter(None, (reader.form, " ou ".join(reader.suffixes))) for reader in self.readers]
        forms_known = ", ".join(" en ".join(form) for form in forms)
        reasons = "".join(f"\n  lu comme {reader.form} : {error}" for reader, error in refusals)
        said = f"Fichier « {path.name} » : ce n'est aucune des formes attendues ({forms_known})"
        raise ReadError(f"{said} ; vérifiez que c'est le bon fichier, décompressé.{reasons}")

    @property
    def types(self) -> set[str]:
        """Codes of the equipment that its readers count."""
        said = [reader.options for reader in self.readers]
        return {code for one in said for code in (*one.get("types", ()), one.get("type_code", "")) if code}

    @property
    def label(self) -> str:
        """What its file is, in a few words."""
        return re.split(r" ?[,;:(]", self.comment)[0]


# fewer establishments than any département has
FEWEST_SITES = 100
Places = tuple["gpd.GeoDataFrame", "gpd.GeoDataFrame | None"]
SHARES = ("under_25_share", "from_25_to_64_share", "from_65_share")

# figures of a producer that decide a criterion of desert: unit and what they are
_SMUR = "DREES, diagnostic d'accès aux soins urgents (distancier METRIC, de chef-lieu à chef-lieu)"
_APL = "DREES, accessibilité potentielle localisée aux"
FIGURES = {
    "urgences_smur": ("min", _SMUR),
    "apl": ("consultations_per_hab", f"{_APL} médecins généralistes"),
    "apl_kinesitherapeutes": ("etp_per_100000_hab", f"{_APL} masseurs-kinésithérapeutes"),
    "apl_infirmiers": ("etp_per_100000_hab", f"{_APL} infirmiers"),
    "apl_sages_femmes": ("etp_per_100000_hab", f"{_APL} sages-femmes"),
}


def joined_places(tables: Sequence[gpd.GeoDataFrame], departements: Collection[str]) -> Places:
    """Return a point for each commune with its area, and the outlines, from one or several files, best first.

    A table of points gives the places themselves (chefs-lieux). Only the communes of the same territory as the study
    are kept: an overseas one has a projection of its own.
    """
    import geopandas as gpd
    import pandas as pd

    from territory.geography import inside_points, projected_epsg
    from territory.territories import territory_of

    epsg = projected_epsg(next(iter(departements)))
    points = outlines = None
    for table in tables:
        here = [(one := territory_of(code)) is not None and one.epsg == epsg for code in table.index]
        table = table[here].to_crs(epsg)
        is_outline = table.geom_type.isin(["Polygon", "MultiPolygon"]).all()
        said = {"area_km2": table.area / 1e6, "point_kind": "inside"}
        if not is_outline:
            said = {name: table[name] for name in said}
        places = inside_points(table) if is_outline else table.geometry
        found = gpd.GeoDataFrame(said, geometry=places, crs=epsg, index=table.index)
        if points is None:
            points = found
        else:
            both = points.index.intersection(found.index)
            points["area_km2"] = points["area_km2"].fillna(found["area_km2"].reindex(points.index))
            if not is_outline:
                points.loc[both, ["point_kind", "geometry"]] = found.loc[both, ["point_kind", "geometry"]]
            points = pd.concat([points, found.drop(index=both)])
        if is_outline:
            more = table if outlines is None else table[~table.index.isin(outlines.index)]
            outlines = pd.concat([part for part in (outlines, more) if part is not None])
    assert points is not None
    return points, outlines


def three_shares(shares: pd.DataFrame) -> pd.DataFrame:
    """Return the shares alone, in their order."""
    return shares[list(SHARES)]


def count_by_commune(facilities: gpd.GeoDataFrame) -> pd.Series[float]:
    """Count facilities by commune, or by arrondissement, none where the file has others alone."""
    counted = facilities["commune_code"].value_counts(sort=False)
    return (
        counted.reindex(facilities.attrs["communes"], fill_value=0).astype(float).rename_axis("commune_code")
    )


def most_central_cells(grid: gpd.GeoDataFrame, crs: Any) -> gpd.GeoSeries:
    """Return, for each commune, the inhabited cell that is the closest to the mean place of its inhabitants."""
    import geopandas as gpd
    import numpy as np
    import pandas as pd

    cells = grid.to_crs(crs)
    # a cell on several communes is counted in the first, where INSEE says that most of it is
    cells = cells[cells["population"] > 0]
    x, y = cells.geometry.x.to_numpy(float), cells.geometry.y.to_numpy(float)
    persons = cells["population"].to_numpy(float)
    codes = cells["commune_code"]
    weighted = pd.DataFrame({"all": persons, "x": persons * x, "y": persons * y}, index=codes.index)
    total, sum_x, sum_y = weighted.groupby(codes).transform("sum").to_numpy(float).T
    distance = pd.Series(np.hypot(x - sum_x / total, y - sum_y / total), index=codes.index)
    closest = distance.groupby(codes).idxmin()
    points: Any = cells.geometry.loc[closest.to_numpy()]
    return gpd.GeoSeries(points.to_numpy(), index=closest.index, crs=cells.crs)


def squares_of_children(grid: gpd.GeoDataFrame, communes: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the squares of some communes, weighed by `children` under 18, or by all inhabitants where none is told."""
    crs: Any = communes.crs
    cells = grid[grid["commune_code"].isin(communes.index)].to_crs(crs)
    young = [f"population_{ages}" for ages in ("0_3", "4_5", "6_10", "11_17")]
    persons, codes = cells["population"], cells["commune_code"]
    children = cells[young].sum(axis=1) if set(young) <= set(cells) else 0.0 * persons
    has_children = children.groupby(codes).transform("sum") > 0
    cells = cells[["commune_code", "geometry"]].assign(children=children.where(has_children, persons))
    return cells[cells["children"] > 0].sort_values("commune_code", kind="stable")


def apl_of_its_year(table: pd.DataFrame, figure: str) -> pd.DataFrame:
    """Return the APL of a workbook of DREES under its year, or refuse that of another profession."""
    # slow to load: a list of the slots does without
    from territory.geography.communes import plain

    said, asked = plain(str(table.attrs["profession"])), FIGURES[figure][1].partition(" aux ")[2]
    # « infirmières », « généralistes de moins de 65 ans »
    if plain(asked).split("-")[-1][:8] not in said:
        raise ReadError(f"APL aux {table.attrs['profession'] or '…'} : celle aux {asked} est attendue ici.")
    return table[["apl"]].rename(columns={"apl": int(table.attrs["year"])})


def published_figures(figures: Mapping[str, pd.DataFrame], communes: pd.Index[str]) -> pd.DataFrame:
    """Return the table `published` from figures that have one column per year, for some communes."""
    import pandas as pd

    names = ["commune_code", "figure", "year"]
    blocks = []
    for figure, table in figures.items():
        unit, source = FIGURES[figure]
        for year in table.columns:
            keys = pd.MultiIndex.from_product([communes, [figure], [int(year)]], names=names)
            value = table[year].reindex(communes).to_numpy(float)
            said = {"value": value, "unit": unit, "source": f"{source}, {year}"}
            blocks.append(pd.DataFrame(said, index=keys))
    return pd.concat(blocks)


def _slot(said: dict[str, Any]) -> Slot:
    """Return the slot that a block of `slots.toml` declares."""
    readers = []
    for reader in said.pop("readers"):
        then = globals()[reader.pop("then")] if "then" in reader else None
        then = partial(then, figure=said["key"]) if then is apl_of_its_year else then
        readers.append(Reader(**_frozen(reader), then=then))
    return Slot(readers=tuple(readers), **_frozen(said))


def _frozen(said: dict[str, Any]) -> dict[str, Any]:
    """Return what is said with tuples in the place of lists."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in said.items()}


_DECLARED = (resources.files("territory.datasets") / "slots.toml").read_text("utf-8")
SLOTS = tuple(_slot(said) for said in tomllib.loads(_DECLARED)["slot"])


def absent(key: str, path: str) -> str:
    """Say that the file of a key of `[data]` is not there."""
    return f"« {key} » : fichier absent « {path} » (territory data fetch, ou corrigez le chemin)"


def slot_of(key: str) -> Slot:
    """Return the slot of a key of `[data]`, that of one census included."""
    name = key.partition(".")[0]
    for slot in SLOTS:
        if slot.key == name:
            return slot
    raise UnknownCodeError(f"Clé de [data] inconnue « {key} » ; connues : {', '.join(s.key for s in SLOTS)}.")


def slots_fed_by(dataset: str) -> tuple[Slot, ...]:
    """Return the slots that a dataset of the registry brings a file to."""
    return tuple(slot for slot in SLOTS if dataset in slot.registry)
