"""Tables of producers brought to the communes of a study: old codes, arrondissements, and what does not match."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property, partial

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from territory.errors import ReadError, agree, counted, examples, refuse, warn
from territory.geography.communes import Links, Step, departement_of, links_between, lives_of, to_cog
from territory.sources.text.cells import ARRONDISSEMENTS, commune_of_arrondissement

# above this share of the territory, two tables do not speak of the same communes
MOST_UNMATCHED = 0.05
# of all communes (RP 2017), the log of a density found so is wrong by 0.44 in the mean, of 100 hab/km² by 1.26
_AROUND = 6


@dataclass(frozen=True)
class CommuneMap:
    """The communes of a study and of its surroundings, among all those of a year, and how codes changed until then."""

    # département of each commune that is kept
    departements: pd.Series[str]
    territory: frozenset[str]
    everywhere: pd.Index[str]
    year: int
    steps: tuple[Step, ...] = ()

    @cached_property
    def around(self) -> frozenset[str]:
        """Départements that some commune kept is in."""
        return frozenset(self.departements)

    @cached_property
    def own(self) -> pd.Index[str]:
        """Communes of the territory alone."""
        return self.departements.index[self.departements.isin(self.territory)]

    def near(self, codes: Collection[str]) -> list[str]:
        """Return the codes that are of these départements, arrondissements of Paris, Lyon and Marseille too."""
        return [code for code in codes if departement_of(code) in self.around]

    def today(self, codes: Collection[str]) -> dict[str, str]:
        """Return the commune of this year that each code belongs to; a code of none, or split, has no line."""
        found: dict[str, str] = {}
        for code in codes:
            commune = commune_of_arrondissement(code)
            if commune not in self.everywhere and commune in self._lives:
                ended = [date for date, alive in self._lives[commune] if not alive and date is not None]
                # on 1 January of that year it was still a commune
                last = max(ended).year - (max(ended).day_of_year == 1) if ended else self.year
                after = self._links(last).get(commune, ())
                commune = after[0] if len(after) == 1 else commune
            if commune in self.everywhere:
                found[code] = commune
        return found

    @cached_property
    def _lives(self) -> dict[str, list[tuple[pd.Timestamp | None, bool]]]:
        return lives_of(self.steps)

    def _links(self, year: int) -> Links:
        """Return what codes of a year became, worked out once."""
        known: dict[int, Links] = self.__dict__.setdefault("_known_links", {})
        if year not in known:
            known[year] = links_between(self.steps, from_year=year, to_year=self.year)
        return known[year]

    def counts(self, key: str, table: pd.Series[float]) -> pd.Series[float]:
        """Return counts by commune kept, those that make one commune today added up, unknown where one is."""
        summed = self._summed(key, table)
        self._check_whole(key, summed.index)
        return summed.reindex(self.departements.index)

    def counts_of_some(self, key: str, table: pd.Series[float], *, or_none: bool) -> pd.Series[float]:
        """Return counts from a list of some communes; `or_none`: others of its départements have none."""
        summed = self._summed(key, table)
        listed = {departement_of(code) for code in summed.index}
        if absent := sorted(self.territory - listed):
            said = f"aucune commune du département {examples(absent)} ; est-ce le fichier d'un autre territoire ?"
            raise ReadError(f"« {key} » : {said}")
        without = self.departements.isin(listed) & ~self.departements.index.isin(summed.index)
        found = summed.reindex(self.departements.index)
        return found.mask(without, 0.0) if or_none else found

    def bands(self, key: str, table: pd.DataFrame) -> pd.DataFrame:
        """Return persons by commune kept and age band, those that make one commune today added up."""
        codes, mended = self._matched(key, table.index.unique("commune_code"))
        long = table["population"].reset_index()
        long = long[long["commune_code"].isin(codes)]
        long["commune_code"] = long["commune_code"].map(mended)
        keys = ["commune_code", "age_min", "age_max"]
        summed = long.groupby(keys, sort=False, dropna=False)["population"].sum(skipna=False)
        self._check_whole(key, summed.index.unique("commune_code"))
        return summed[summed.index.isin(self.departements.index, level="commune_code")].to_frame()

    def _summed(self, key: str, table: pd.Series[float]) -> pd.Series[float]:
        codes, mended = self._matched(key, table.index)
        return table.loc[codes].groupby([mended[code] for code in codes]).sum(skipna=False)

    def rates(self, key: str, table: pd.DataFrame, weights: pd.Series[float]) -> pd.DataFrame:
        """Return what is said of each commune kept, which does not add up: shares, times, the EPCI.

        A commune that was created since has what is said of the one that it comes from; Paris, Lyon and Marseille have
        the mean of their arrondissements weighted by `weights` (persons), unknown without them.
        """
        codes, mended = self._matched(key, table.index)
        own = table.loc[[code for code in codes if mended[code] == code]]
        numbers = own.select_dtypes("number").columns
        given = set(mended.values()).difference(own.index).intersection(self.departements.index)
        cities = [city for city in ARRONDISSEMENTS if city in given]
        merged = pd.DataFrame(index=pd.Index(cities, dtype="str"), columns=table.columns)
        for city in cities:
            parts = [code for code in codes if mended[code] == city]
            share = weights.reindex(parts)
            weighted = table.loc[parts, numbers].mul(share, axis=0).sum(skipna=False)
            merged.loc[city, numbers] = weighted / share.sum(skipna=False)
        if cities:
            own = pd.concat([own, merged.astype(table.dtypes.to_dict())])
        born = {code: self._origin(code) for code in self.departements.index.difference(own.index)}
        born = {code: origin for code, origin in born.items() if origin in table.index}
        if born:
            own = pd.concat([own, table.loc[list(born.values())].set_axis(list(born), axis=0)])
        self._check_whole(key, own.index)
        return own.reindex(self.departements.index)

    def places(self, key: str, codes: pd.Series[str]) -> pd.Series[str]:
        """Return the commune of today of sites, missing for those of none; those of the territory are counted."""
        _, mended = self._matched(key, codes.dropna().unique())
        return codes.map(mended)

    def _matched(self, key: str, codes: Collection[str]) -> tuple[list[str], dict[str, str]]:
        """Return the codes near the study that are communes today, and which; the others are counted, or refused."""
        near = self.near(codes)
        mended = self.today(near)
        own = [code for code in near if departement_of(code) in self.territory]
        lost = [code for code in own if code not in mended]
        if lost:
            said = agree(len(lost), "code(s) qui (n'est pas une commune|ne sont pas des communes)")
            message = f"« {key} » : {said} de {self.year}, sur {len(own)} du territoire ({examples(lost)})"
            if len(lost) > MOST_UNMATCHED * len(own):
                raise ReadError(f"{message} : de quelle année est-il ? Voyez « cog » et « movements ».")
            warn(f"{message}, laissés de côté.")
        # an arrondissement whose commune is there too would be counted twice
        whole = {code for code in near if commune_of_arrondissement(code) == code}
        kept = [code for code in near if code in whole or mended.get(code) not in whole]
        return [code for code in kept if code in mended], mended

    def _check_whole(self, key: str, codes: pd.Index[str]) -> None:
        """Say which communes a table has no line of, and refuse it when they are many in the territory."""
        lacking = self.departements.index.difference(codes)
        if not len(lacking):
            return
        own, whole = self.own.difference(codes), len(self.own)
        said = f"« {key} » : aucune ligne pour {agree(len(own), 'commune(s)')} du territoire sur {whole}"
        if len(own) > MOST_UNMATCHED * whole:
            raise ReadError(f"{said} ({examples(own)}) : est-ce le bon fichier, et la bonne année ?")
        around = agree(len(lacking) - len(own), "commune(s)")
        where = (
            f"{said} et {around} de ses abords"
            if len(own)
            else f"« {key} » : aucune ligne pour {around} des abords"
        )
        warn(f"{where} ({examples(own if len(own) else lacking)}) : ce qu'il dit y reste inconnu.")

    def _origin(self, code: str) -> str | None:
        """Return the commune that one was created from, the last time."""
        for step in reversed(self.steps):
            for before, after in step.becomes.items():
                if before != code and code in after:
                    return before
        return None


def with_points_of_parts(points: gpd.GeoDataFrame, communes: CommuneMap) -> gpd.GeoDataFrame:
    """Place each commune without a point at that of one which it was made of, and say which of the territory."""
    strange = [code for code in points.index if code not in communes.everywhere]
    parts = {one: code for code, one in communes.today(strange).items() if one not in points.index}
    if not parts:
        return points
    own = [f"{code} pour {one}" for one, code in parts.items() if departement_of(one) in communes.territory]
    if own:
        said = agree(len(own), "commune(s) sans point placée(s)")
        warn(f"« points » : {said} à celui d'une commune qui en fait partie ({examples(own)}).")
    added = points.loc[list(parts.values())].set_axis(list(parts), axis=0).assign(area_km2=float("nan"))
    return pd.concat([points, added]).rename_axis("commune_code")


def carried_censuses(
    counts: Mapping[str, pd.Series[float]],
    years: Mapping[str, int],
    movements: pd.DataFrame | None,
    communes: CommuneMap,
) -> dict[str, pd.Series[float]]:
    """Carry censuses to the codes of the study; a commune split since is shared out as in one that knows its parts.

    Of those whose parts no census knows, nothing is said (they stay unknown), and they are named in a warning.
    """
    moved = partial(to_cog, to_year=communes.year)
    carried: dict[str, pd.Series[float]] = {}
    split: dict[str, dict[str, tuple[str, ...]]] = {}
    for vintage in sorted(counts, reverse=True):
        carried[vintage] = counts[vintage]
        if years[vintage] != communes.year and movements is not None:
            # a commune that was split at the other end of the country asks nothing of this study
            near = counts[vintage].loc[communes.near(counts[vintage].index)].to_frame("population")
            links = communes._links(years[vintage])
            split[vintage] = {code: links[code] for code in near.index if len(links.get(code, ())) > 1}
            whole = near.drop(list(split[vintage]))
            carried[vintage] = moved(whole, movements, from_year=years[vintage])["population"]
    weights = pd.concat(carried.values())
    weights = weights[~weights.index.duplicated()]
    for vintage, apart in split.items():
        told = [code for code, after in apart.items() if weights.reindex(list(after)).sum(skipna=False) > 0]
        if lost := [f"{code} devient {', '.join(to)}" for code, to in apart.items() if code not in told]:
            said = agree(len(lost), "commune(s) (est devenue|sont devenues) plusieurs")
            what = f"« populations.{vintage} » : {said} ({examples(lost)})"
            warn(f"{what}, dont aucun recensement donné ne dit les parts : leur population reste inconnue.")
        if told:
            assert movements is not None
            told_of = counts[vintage].loc[told].to_frame("population")
            parts = moved(told_of, movements, from_year=years[vintage], weights=weights)
            grouped = pd.concat([carried[vintage], parts["population"]]).groupby(level=0, sort=False)
            carried[vintage] = grouped.sum(skipna=False)
    return carried


def with_surroundings(
    points: gpd.GeoDataFrame, cog: pd.DataFrame, departements: Collection[str], buffer_km: float
) -> gpd.GeoDataFrame:
    """Keep the communes of the territory and those within a distance of one of them."""
    from scipy.spatial import cKDTree

    points = points[points.index.isin(cog.index)]
    inside = cog["departement_code"].reindex(points.index).isin(departements).to_numpy()
    if not inside.any():
        raise ReadError(f"Aucune commune des départements {examples(sorted(departements))} dans « points ».")
    missing = cog.index[cog["departement_code"].isin(departements)].difference(points.index)
    refuse(missing, "commune(s) sans point ni contour", ReadError)
    xy = shapely.get_coordinates(points.geometry.to_numpy())
    distance, _ = cKDTree(xy[inside]).query(xy)
    return points[inside | (distance <= 1000 * buffer_km)]


# a band is a whole number of 1024ths of a person: such numbers add up without rounding
_GRAIN = 1024
_BANDS = {"0-14": (0, 14), "0-24": (0, 24), "15-24": (15, 24), "25-64": (25, 64), "65+": (65, None)}


def population_by_band(
    total: pd.Series, shares: pd.DataFrame, young_share: pd.Series, *, vintage: str
) -> pd.DataFrame:
    """Share out the population of each commune by its shares under 25, 25 to 64, 65 or over, and of 0 to 14.

    Shares are rounded by the producer: they are first made to add up to one. Where 0 to 14 is not published, one band
    goes from 0 to 24.
    """
    under_25, adults = (shares.iloc[:, column] / shares.sum(axis=1) for column in range(2))
    # nobody has no age: a commune without inhabitants lacks nothing
    unknown = total.index[(shares.isna().any(axis=1) & (total != 0)) | total.isna()]
    under_25, adults = under_25.where(total != 0, 0.0), adults.where(total != 0, 0.0)
    refuse(unknown, "commune(s) sans parts d'âge")
    reversed_bands = total.index[young_share > under_25]
    refuse(reversed_bands, "commune(s)", of="Plus de 0-14 ans que de moins de 25 ans")
    parts = {"0-14": young_share, "0-24": under_25, "25-64": adults}
    counts = pd.DataFrame({band: (total * share * _GRAIN).round() / _GRAIN for band, share in parts.items()})
    counts["65+"] = total - counts["0-24"] - counts["25-64"]
    counts["15-24"] = counts["0-24"] - counts["0-14"]
    # one band from 0 to 24 only where nothing finer is known
    counts["0-24"] = counts["0-24"].where(counts["0-14"].isna())
    index = pd.MultiIndex.from_product([counts.index, _BANDS], names=["commune_code", "band"])
    long = pd.Series(counts[list(_BANDS)].to_numpy().ravel(), index=index, name="population").dropna()
    table = long.reset_index()
    table["age_min"] = table["band"].map({band: ages[0] for band, ages in _BANDS.items()})
    table["age_max"] = table["band"].map({band: ages[1] for band, ages in _BANDS.items()}).astype("float64")
    table["vintage"] = vintage
    return table.set_index(["commune_code", "age_min", "age_max"])[["population", "vintage"]]


def population_like(total: pd.Series, persons: pd.Series, *, vintage: str) -> pd.DataFrame:
    """Share out the population of each commune as the persons of a census are between age bands.

    To a 1024th of a person; the largest band takes what rounding leaves, so that bands add up exactly.
    """
    table = persons.rename("persons").reset_index()
    table = table[table["commune_code"].isin(total.index)]
    known = table.groupby("commune_code")["persons"].sum(skipna=False).reindex(total.index)
    lost = total.index[total.isna() | known.isna() | ((known == 0) & (total > 0))]
    refuse(lost, "commune(s) sans tranches d'âge")
    order = total.index.get_indexer(pd.Index(table["commune_code"]))
    table = table.assign(order=order).sort_values(["order", "age_min"], kind="stable")
    code = table["commune_code"]
    share = table["persons"] / code.map(known).where(code.map(known) > 0, 1.0)
    counts = (code.map(total) * share * _GRAIN).round() / _GRAIN
    left = total - counts.groupby(code).sum()
    largest = counts.groupby(code).idxmax()
    counts.loc[largest.to_numpy()] += left.reindex(largest.index).to_numpy()
    table = table.assign(population=counts, vintage=vintage)
    return table.set_index(["commune_code", "age_min", "age_max"])[["population", "vintage"]]


def known_areas_km2(places: gpd.GeoDataFrame) -> pd.Series[float]:
    """Return the area of each commune; the mean of those around where it is unknown (six neighbours, one disc)."""
    area = places["area_km2"].astype(float)
    if not area.isna().any() or len(places) <= _AROUND:
        return area
    said = "leur densité est estimée d'après la distance aux communes voisines ; donnez leurs contours (outlines)"
    warn(f"{counted(area.index[area.isna()], 'commune(s) sans surface connue')} : {said}.")
    at_km = np.column_stack([places.geometry.x, places.geometry.y]) / 1000
    far_km = np.asarray(cKDTree(at_km).query(at_km, _AROUND + 1)[0])[:, -1]
    return area.fillna(pd.Series(np.pi * far_km**2 / (_AROUND + 0.5), index=area.index))
