"""Commune codes and their conversion across the years, the point of a commune, its official projection."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from territory.errors import ParameterError, UnknownCodeError, agree, examples, refuse, warn
from territory.sources.text import cells
from territory.sources.text.cells import commune_of_arrondissement as commune_of_arrondissement
from territory.tables.declare import COMMUNE_CODE, lines_of
from territory.tables.schemas import AS_NUMBERS
from territory.territories import METROPOLITAN, TERRITORIES

_CODE = re.compile(COMMUNE_CODE)


class Departement(NamedTuple):
    """Name of a département and a box that holds its communes (degrees)."""

    name: str
    box: tuple[float, float, float, float]

    def is_near(self, other: "Departement", *, margin: float = 0.6) -> bool:
        """Tell whether two boxes are less than a margin apart (degrees: 45 km and more)."""
        sides = zip(self.box[:2], self.box[2:], other.box[:2], other.box[2:], strict=True)
        return all(low <= top + margin and bottom <= high + margin for low, high, bottom, top in sides)


# names of INSEE; boxes of a point in each commune (annuaire service-public.fr and IGN, Licence Ouverte)
DEPARTEMENTS: Mapping[str, Departement] = {
    line["code"]: Departement(
        line["name"], (float(line["west"]), float(line["south"]), float(line["east"]), float(line["north"]))
    )
    for line in lines_of("departements.csv", "territory.geography")
}


def find_departement(said: str) -> str:
    """Return the code of a département from its code, without its zero too, or from its name."""
    code = cells.pad_code(said, cells.DEPARTEMENTS)
    if code in DEPARTEMENTS:
        return code
    names = {plain(one.name): code for code, one in DEPARTEMENTS.items()}
    if plain(said) in names:
        return names[plain(said)]
    close = get_close_matches(plain(said), names, n=1, cutoff=0.7)
    hint = f" ; vouliez-vous dire {DEPARTEMENTS[names[close[0]]].name} ({names[close[0]]}) ?" if close else ""
    raise UnknownCodeError(f"Département inconnu « {said} »{hint or '.'} Exemples : 31, 2A, 974, Isère.")


def plain(name: str) -> str:
    """Return a name in small letters without accents, its words joined by hyphens, as the name of a file has it."""
    bare = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return "-".join(re.findall(r"[a-z0-9]+", bare))


@cache
def departement_of(commune_code: str) -> str:
    """Return the département of a commune code (`2A`, `2B`, `971` to `989` too); `UnknownCodeError` where none."""
    commune_code = str(commune_code)
    if not _CODE.fullmatch(commune_code):
        said = f"« {commune_code} » n'est pas un code de commune"
        raise UnknownCodeError(f"{said} : cinq caractères sont attendus (83050, 2A004).")
    return commune_code[:3] if commune_code[:2] in ("97", "98") else commune_code[:2]


def inside_points(outlines: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """Give each commune the centroid of its largest part (an island never speaks for a mainland), or a point inside.

    It stands for the territory of the commune, not for its town: prefer the chef-lieu, or points weighted by people,
    where they are known. Outlines are in projected coordinates, on land.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import MultiPolygon, box
    >>> land = MultiPolygon([box(0, 0, 10, 10), box(90, 0, 91, 1)])
    >>> inside_points(gpd.GeoDataFrame(geometry=[land], crs=2154)).to_wkt()[0]
    'POINT (5 5)'
    """
    if outlines.crs is None or not outlines.crs.is_projected:
        raise ParameterError("Coordonnées projetées attendues (EPSG:2154…) : convertissez-les avec to_crs().")
    parts = (getattr(shape, "geoms", [shape]) for shape in outlines.geometry)
    largest = [max(one, key=lambda part: part.area) for one in parts]
    shapes = gpd.GeoSeries(largest, index=outlines.index, crs=outlines.crs)
    centroids = shapes.centroid
    return centroids.where(shapes.contains(centroids), shapes.representative_point())


METROPOLITAN_FRANCE = TERRITORIES[METROPOLITAN].epsg
_OVERSEAS = {code: territory.epsg for code, territory in TERRITORIES.items() if code != METROPOLITAN}


def projected_epsg(departement_code: str) -> int:
    """Return the EPSG code of the official projected system (metres) of a département or overseas territory.

    RGF93 / Lambert-93 in metropolitan France, UTM overseas (décret n° 2000-1276 of 26 December 2000, as
    changed by the décret n° 2019-165 of 5 March 2019); another territory is an `UnknownCodeError`.
    """
    if departement_code in _OVERSEAS:
        return _OVERSEAS[departement_code]
    if departement_code in ("2A", "2B") or (departement_code.isdigit() and 1 <= int(departement_code) <= 95):
        return METROPOLITAN_FRANCE
    said = f"Aucune projection officielle connue pour le territoire « {departement_code} »"
    raise UnknownCodeError(f"{said} (connus : 01 à 95, 2A, 2B, {', '.join(_OVERSEAS)}).")


Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
_GRAIN = 2.0**20
# what names a column that is no count, in English and in French: adding it up means nothing
_RATES = "share|rate|ratio|densit|median|mean|income|wage|part|taux|index|indice|revenu|moyen|salaire|apl"
_ENDS = "(?:y|es?|nes?|ns|s)?(?:_|$)"
_NOT_ADDITIVE = re.compile(rf"_(?:per_1000|min|kmh|hab_km2|pct)$|(?:^|_)(?:{_RATES}){_ENDS}", re.IGNORECASE)


def to_cog(
    table: pd.DataFrame,
    movements: pd.DataFrame,
    *,
    from_year: int,
    to_year: int,
    weights: pd.Series | None = None,
    averages: Mapping[str, str] | None = None,
    known: Iterable[str] | None = None,
) -> pd.DataFrame:
    """Carry a table by commune from one COG year to another; counts add up to what came in.

    A count is shared out by the weights of what its commune becomes, and a share is averaged with the counts that
    weigh it. A commune merged, then re-established, gets its own figures back. INSEE, code officiel géographique, «
    mouvements de communes ».

    Parameters
    ----------
    table
        Indexed by `commune_code` of `from_year`, one line each; numbers are counts, unless in `averages`.
        Text is left out, with a warning: a name or an EPCI belongs to its year.
    movements
        Table of `territory.sources.read_cog_movements`.
    from_year, to_year
        COG years, each meaning its 1 January. The second may be the earlier.
    weights
        Population by code of `to_year` (hab): required where one code becomes several.
    averages
        For each share or rate, the column of counts of `table` that weighs it.
    known
        All the commune codes of any COG year, to refuse codes that never were; without it, a code that no
        movement names is taken for a commune that never changed.

    Returns
    -------
    DataFrame
        By `commune_code` of `to_year`, in the order in which they first come; an unknown count makes the sum unknown.

    Raises
    ------
    ParameterError
        If a code becomes several without weights, a share has nothing to weigh it, codes are repeated, or a
        year is not covered.
    UnknownCodeError
        With the codes that are no communes of `from_year`.

    Examples
    --------
    >>> import pandas as pd
    >>> row = {"movement_code": "32", "date": pd.Timestamp("2018-06-01"), "type_before": "COM", "type_after": "COM"}
    >>> moves = pd.DataFrame([row | {"code_before": code, "code_after": "05001"} for code in ("05001", "05120")])
    >>> table = pd.DataFrame({"population": [250, 80]}, index=["05001", "05120"])
    >>> to_cog(table, moves, from_year=2018, to_year=2019)["population"].to_dict()
    {'05001': 330.0}
    """
    averages = dict(averages or {})
    years = (from_year, to_year)
    first, last = movements["date"].min(), movements["date"].max()
    if movements.empty or not hasattr(first, "month"):
        wrong = "est vide" if movements.empty else "n'a pas de dates"
        advice = "lisez le fichier v_mvt_commune de l'INSEE par territory.sources.read_cog_movements"
        raise ParameterError(f"L'historique des communes {wrong} : {advice}.")
    # a change of 1 January belongs to the code of that year, any other to that of the next
    newest = last.year if (last.month, last.day) == (1, 1) else last.year + 1
    outside = [year for year in years if not first.year <= year <= newest]
    if outside:
        said = f"Année hors de l'historique des communes ({examples(outside)})"
        raise ParameterError(f"{said} : il va de {first.year} à {newest}.")
    steps = steps_of(movements)
    kept = _numbers(table.set_index("commune_code") if "commune_code" in table else table, averages)
    codes = [str(code) for code in kept.index]
    _check_codes(codes, steps, from_year, known)
    links = links_between(steps, from_year=from_year, to_year=to_year)
    rows, targets, parts = _shares(codes, links, weights)
    places, after = pd.factorize(np.array(targets, dtype=object))
    values = {str(name): kept[name].to_numpy(dtype="float64") for name in kept.columns}
    result: dict[str, Floats] = {}
    for name, column in values.items():
        if name in averages:
            weight = values[averages[name]][rows] * parts
            # a share of nobody weighs nothing, known or not
            weighed = np.where(weight == 0, 0.0, column[rows] * weight)
            total = _sums(places, weight)
            result[name] = _sums(places, weighed) / np.where(total > 0, total, np.nan)
        else:
            result[name] = _sums(places, _split_counts(column, rows, parts))
    index = pd.Index(np.array(after, dtype=str), name=str(table.index.name or "commune_code"))
    return pd.DataFrame(result, index=index)


def _numbers(table: pd.DataFrame, averages: Mapping[str, str]) -> pd.DataFrame:
    """Return the columns that can be carried, and refuse those that would be added up wrongly."""
    wrong = [code for code in table.index if not _CODE.match(str(code))]
    refuse(
        wrong,
        "ligne(s) dont l'index n'est pas un code de commune",
        of="Table à convertir",
        advice=f" : {AS_NUMBERS}",
    )
    refuse(table.index[table.index.duplicated()], "code(s) de commune en double dans la table")
    numeric = table.select_dtypes("number")
    dropped = [str(name) for name in table.columns if name not in numeric.columns]
    if dropped:
        warn(f"{agree(len(dropped), 'colonne(s) de texte laissée(s) de côté')} ({examples(dropped)}).")
    absent = sorted({*averages, *averages.values()} - set(numeric.columns))
    refuse(absent, "colonne(s) de averages= absente(s) de la table")
    wrong = [name for name in numeric.columns if _NOT_ADDITIVE.search(str(name)) and name not in averages]
    if wrong:
        advice = f"dites par quoi le pondérer, par exemple averages={{{str(wrong[0])!r}: 'population'}}"
        raise ParameterError(f"{examples(wrong)} : une part ou un taux ne s'additionne pas ; {advice}.")
    return numeric


def _check_codes(codes: list[str], steps: "list[Step]", from_year: int, known: Iterable[str] | None) -> None:
    """Refuse codes that are no communes of the year, and say of which year they are."""
    lives = lives_of(steps)
    listed = set(codes if known is None else known)
    alive = {code for code in codes if code in lives and is_commune(lives[code], from_year)}
    unknown = [code for code in codes if code not in (alive if code in lives else listed)]
    if not unknown:
        return
    years = range(steps[0].date.year, steps[-1].date.year + 2) if steps else range(0)
    fitting = [y for y in years if all(code in lives and is_commune(lives[code], y) for code in unknown)]
    advice = "vérifiez l'année de la table (from_year)."
    if fitting:
        nearest = min(fitting, key=lambda year: abs(year - from_year))
        advice = f"ils existent au 1er janvier {nearest}, indiquez from_year={nearest} si c'est l'année de la table."
    verb = "ne sont pas des communes" if len(unknown) > 1 else "n'est pas une commune"
    said = f"{len(unknown)} des {len(codes)} codes {verb} du COG {from_year} ({examples(unknown)})"
    raise UnknownCodeError(f"{said} : {advice}")


def _shares(codes: list[str], links: "Links", weights: pd.Series | None) -> tuple[Ints, list[str], Floats]:
    """Return, for each pair of codes, the line of the first, the second, and what part of the count goes there."""
    split = {code: links[code] for code in codes if len(links.get(code, ())) > 1}
    if split and weights is None:
        shown = examples(f"{code} devient {', '.join(targets)}" for code, targets in split.items())
        said = agree(len(split), "commune(s) (est devenue|sont devenues) plusieurs")
        raise ParameterError(f"{said} ({shown}) : donnez weights=, la population par code d'arrivée.")
    known = {} if weights is None else weights.to_dict()
    needed = {target for targets in split.values() for target in targets}
    missing = sorted(code for code in needed if not known.get(code, np.nan) >= 0)
    refuse(missing, "commune(s) dont weights= ne donne pas la population")
    empty = [code for code, targets in split.items() if sum(known[target] for target in targets) <= 0]
    if empty:
        raise ParameterError(f"weights= est nul pour tout ce que deviennent {examples(empty)}.")
    rows: list[int] = []
    targets: list[str] = []
    parts: list[float] = []
    for row, code in enumerate(codes):
        after = links.get(code, (code,))
        rows += [row] * len(after)
        targets += after
        populations = [1.0] if len(after) == 1 else [float(known[target]) for target in after]
        parts += [population / sum(populations) for population in populations]
    return np.array(rows, dtype="int64"), targets, np.array(parts)


def _sums(places: Ints, values: Floats) -> Floats:
    """Add up values by place; one unknown value makes its sum unknown."""
    return np.bincount(places, values).astype("float64")


def _split_counts(column: Floats, rows: Ints, parts: Floats) -> Floats:
    """Cut counts into parts that add up exactly to what they were."""
    cut = column[rows] * parts
    several = np.bincount(rows, minlength=len(column)) > 1
    if not several.any():
        return cut
    # parts are whole millionths, which add up without rounding; the first of a code takes what is left
    cut = np.where(several[rows], np.round(cut * _GRAIN) / _GRAIN, cut)
    cut[np.unique(rows, return_index=True)[1]] += column - _sums(rows, cut)
    return cut


# movements of INSEE's file: names, creations, re-establishments, ends, mergers, codes
KNOWN_MOVEMENTS = ("10", "20", "21", "30", "31", "32", "33", "34", "35", "41", "50", "70", "71")
# on one day a change of département comes before the merger that it makes possible (twice, on 1 January 2018)
_FIRST_OF_A_DAY = "41"
_PARTS = ("COMA", "COMD")

Links = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Step:
    """Changes of codes that happen together."""

    date: pd.Timestamp
    becomes: Mapping[str, tuple[str, ...]]
    parts: frozenset[str]


def steps_of(movements: pd.DataFrame) -> list[Step]:
    """Return the changes of commune codes in their order."""
    unknown = sorted(set(movements["movement_code"]) - set(KNOWN_MOVEMENTS))
    if unknown:
        count = int(movements["movement_code"].isin(unknown).sum())
        said = agree(count, "mouvement(s) d'un type inconnu")
        warn(f"{said} ({examples(unknown)}) : leurs codes sont suivis comme les autres.")
    columns = ["date", "movement_code", "type_before", "code_before", "type_after", "code_after"]
    days: defaultdict[tuple[pd.Timestamp, bool], list[tuple[str, str, str, str]]] = defaultdict(list)
    for date, movement, *codes in movements[columns].itertuples(index=False, name=None):
        type_before, before, type_after, after = codes
        days[date, movement != _FIRST_OF_A_DAY].append((type_before, before, type_after, after))
    steps = []
    for date, later in sorted(days):
        becomes: defaultdict[str, list[str]] = defaultdict(list)
        parts = set()
        for type_before, before, type_after, after in days[date, later]:
            if type_before == type_after == "COM":
                if after not in becomes[before]:
                    becomes[before].append(after)
            elif before == after and (type_before in _PARTS) != (type_after in _PARTS):
                parts.add(before)
        if any(after != [before] for before, after in becomes.items()):
            changed = {before: tuple(codes) for before, codes in becomes.items()}
            steps.append(Step(date, changed, frozenset(parts)))
    return steps


def links_between(steps: Iterable[Step], *, from_year: int, to_year: int) -> Links:
    """Return what each code touched between two years becomes; a code that is absent stays as it is."""
    first, last = sorted((from_year, to_year))
    chosen = [step for step in steps if (first, 1, 1) < step.date.timetuple()[:3] <= (last, 1, 1)]
    if to_year < from_year:
        chosen = [_reverse(step) for step in reversed(chosen)]
    current: dict[str, set[str]] = {}
    holders: defaultdict[str, set[str]] = defaultdict(set)
    created: set[str] = set()
    for step in chosen:
        # a code that nothing led to was there from the start
        for code in set(step.becomes) - set(current) - created:
            current[code] = {code}
            holders[code].add(code)
        held = {code: frozenset(holders.pop(code, ())) for code in step.becomes}
        for code, sources in held.items():
            for source in sources:
                current[source].discard(code)
        for code, sources in held.items():
            for source, targets in _share_out(code, sources, step).items():
                current[source] |= targets
                for target in targets:
                    holders[target].add(source)
        created.update(code for codes in step.becomes.values() for code in codes)
    return {code: tuple(sorted(targets)) for code, targets in sorted(current.items())}


def lives_of(steps: Iterable[Step]) -> dict[str, list[tuple[pd.Timestamp | None, bool]]]:
    """Return, for each code that ever changed, since when it is a commune and since when it is none."""
    lives: dict[str, list[tuple[pd.Timestamp | None, bool]]] = {}
    for step in steps:
        after = {code for codes in step.becomes.values() for code in codes}
        for code in sorted(set(step.becomes) | after):
            life = lives.setdefault(code, [(None, code in step.becomes)])
            if life[-1][1] != (code in after):
                life.append((step.date, code in after))
    return lives


def is_commune(life: Iterable[tuple[pd.Timestamp | None, bool]], year: int) -> bool:
    """Tell whether a code is that of a commune on 1 January of a year."""
    alive = False
    for date, state in life:
        if date is None or (date.year, date.month, date.day) <= (year, 1, 1):
            alive = state
    return alive


def _reverse(step: Step) -> Step:
    """Return the change that undoes a change."""
    becomes: defaultdict[str, list[str]] = defaultdict(list)
    for before, codes in step.becomes.items():
        for after in codes:
            becomes[after].append(before)
    return Step(step.date, {code: tuple(codes) for code, codes in becomes.items()}, step.parts)


def _share_out(code: str, sources: frozenset[str], step: Step) -> dict[str, set[str]]:
    """Return where each source that a code holds goes when the code changes."""
    after = set(step.becomes[code])
    if len(after) == 1:
        return {source: set(after) for source in sources}
    where = {source: {source} for source in sources & after}
    left = after - sources
    # the code that goes on as the whole; parts take their own back
    whole = {code} if code in after - step.parts else after - step.parts or left or after
    for source in sources - after:
        where[source] = set(whole)
    if code in where:
        # what nobody takes back was a part of the commune of this code
        where[code] |= left if len(where) == 1 or code not in step.parts else set()
    reached = {target for targets in where.values() for target in targets}
    for source in where:
        where[source] |= left - reached
    return where
