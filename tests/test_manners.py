"""Every public function, given twenty wrong kinds of each argument: words in French, or a right answer."""

from __future__ import annotations

import importlib
import inspect
import pickle
import traceback
import warnings
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

import territory
from territory.access import decay
from territory.access.deserts import Criterion, classify
from territory.errors import TerritoryError
from territory.network import sample_network
from territory.planning import pooling_template

pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

ROOMS = (
    *("access", "access.decay", "access.deserts", "access.equity", "access.zoning", "datasets", "geography"),
    *("needs", "network", "planning", "plot", "release", "report", "rounds", "scenario", "sources"),
    *("supply", "transit"),
)
CODES = ["83050", "83061", "83069"]
POINTS = gpd.GeoDataFrame(
    {"name": ["A", "B", "C"], "population": [900.0, 80.0, 500.0], "area_km2": 20.0, "density_hab_km2": 40.0},
    index=pd.Index(CODES, name="commune_code"),
    geometry=gpd.points_from_xy([960_000, 970_000, 975_000], [6_270_000, 6_272_000, 6_262_000]),
    crs=2154,
)
SITES = POINTS.iloc[:2].set_axis(pd.Index(["S", "T"], name="site_id")).assign(commune_code=CODES[:2])
OUTLINES = POINTS[["geometry"]].assign(geometry=POINTS.buffer(20_000))
_LEGS = [
    (a, b, 10.0 + 7 * i + 3 * j)
    for i, a in enumerate([*CODES, "S", "T"])
    for j, b in enumerate([*CODES, "S", "T"])
]
TIMES = pd.DataFrame(_LEGS, columns=["from_id", "to_id", "travel_time_min"])
TO_SITES = TIMES[TIMES["to_id"].isin(["S", "T"]) & TIMES["from_id"].isin(CODES)].reset_index(drop=True)
DEMAND = pd.Series([100.0, 50.0, 30.0], index=POINTS.index)
SUPPLY = pd.Series([10.0, 5.0], index=SITES.index)
ZONES = pd.Series(["E1", "E1", "E2"], index=POINTS.index)
SERVICES = pd.DataFrame(
    {
        "site_id": ["S", "T"],
        "service": ["ime", "ime"],
        "authorisation_id": ["S-ime", "T-ime"],
        "capacity": [10.0, 20.0],
        "capacity_unit": "places",
        "public": "enfants",
        "age_min": 3.0,
        "age_max": 20.0,
        "reception_mode": "semi_internat",
        "delivered_at_home": False,
        "is_complete_list": True,
    }
).set_index(["site_id", "service"])
AGES = pd.DataFrame(
    {
        "commune_code": np.repeat(CODES, 2),
        "age_min": [0.0, 20.0] * 3,
        "age_max": [19.0, np.nan] * 3,
        "population": 100.0,
    }
).set_index(["commune_code", "age_min", "age_max"])
ORIGINS = pd.DataFrame({"from_id": CODES, "to_id": "S", "persons": [12.0, 14.0, 20.0]})
FEATURES = pd.DataFrame({"time_min": [5.0, 6, 7, 5, 40, 42, 41, 43]}, index=list("ABCDEFGH"))
MOVES = pd.DataFrame(
    {
        "movement_code": "32",
        "date": pd.Timestamp("2018-06-01"),
        "type_before": "COM",
        "type_after": "COM",
        "code_before": ["05001", "05120"],
        "code_after": "05001",
    }
)
EATEN = pd.DataFrame({"age_min": [0.0, 20.0], "age_max": [19.0, np.nan], "acts_per_hab": [2.0, 4.0]})
EQUIPMENT = pd.DataFrame({"finess": ["S"]})
CHILDREN = pd.DataFrame({"from_id": CODES[:2]}, index=["Léa", "Tom"])
LINES = gpd.GeoDataFrame(
    {"class": ["a"], "way": [1]},
    geometry=gpd.GeoSeries.from_wkt(["LINESTRING (960000 6270000, 970000 6272000)"]),
    crs=2154,
)
POOLED = pooling_template(["S"], services={"formation": "Formation"}).assign(
    is_shared=True, host_id="S", hours_today_per_year=200.0, hours_pooled_per_year=120.0, trips_per_year=0.0
)
ACCESS = pd.DataFrame({"time_min": [50.0, 20.0, 70.0]}, index=POINTS.index)
CRITERIA = [Criterion("camsp", "time_min", 45.0, "above", "min")]


@cache
def good() -> dict[str, dict[str, Any]]:
    """Arguments that each function answers; what is read from a file, or made by a study, stands for itself."""
    catchment = {"travel_times": TO_SITES, "demand": DEMAND, "supply": SUPPLY}
    siting = {"travel_times": TO_SITES, "demand": DEMAND, "candidates": ["S", "T"], "time_limit_s": 5.0}
    near = decay.binary(40)
    ends = {"origins": POINTS, "destinations": SITES}
    weighted = {"values": DEMAND, "weights": DEMAND}
    return {
        "access.allocate_places": {
            "travel_times": TO_SITES,
            "demand": DEMAND,
            "capacity": SUPPLY,
            "max_time_min": 60.0,
        },
        "access.apl": {
            "travel_times": TO_SITES,
            "standardised_population": DEMAND,
            "activity": SUPPLY,
            "profile": "drees_2012",
        },
        "access.choice_shares": {
            "travel_times": TO_SITES,
            "origins": CODES,
            "attraction": SUPPLY,
            "decay": near,
        },
        "access.coordination_reach": {
            "travel_times": TO_SITES,
            "population_hab": DEMAND,
            "area_km2": DEMAND,
            "structures": ["S", "T"],
            "too_far_min": 30.0,
            "is_complete_list": True,
        },
        "access.coverage": {"travel_times": TO_SITES, "demand": DEMAND, "thresholds_min": [15.0, 30.0]},
        "access.floating_catchment_area": catchment | {"decay": near},
        "access.gp_headcount_access": {
            "travel_times": TO_SITES,
            "population": DEMAND,
            "practitioners": SUPPLY,
            "profile": "drees_2012",
        },
        "access.gravity": {"travel_times": TO_SITES, "origins": CODES, "supply": SUPPLY, "decay": near},
        "access.mean_by": {"values": DEMAND, "weights_hab": DEMAND, "groups": ZONES},
        "access.recruitment_by_site": {
            "origins": ORIGINS,
            "commune_zones": ZONES,
            "site_zones": pd.Series({"S": "E1"}),
        },
        "access.recruitment_by_zone": {
            "origins": ORIGINS,
            "commune_zones": ZONES,
            "site_zones": pd.Series({"S": "E1"}),
        },
        "access.spatial_availability": catchment | {"decay": near},
        "access.time_to_closest": {"travel_times": TO_SITES, "origins": CODES, "k": 1},
        "access.told_apart": {"change_min": [-9.0, 4.0], "detectable_min": [5.0, 5.0], "level": 0.9},
        "access.decay.binary": {"threshold_min": 30.0},
        "access.decay.by_name": {"kind": "binary", "threshold_min": 30.0},
        "access.decay.exponential": {"rate_per_min": 0.1, "max_time_min": 30.0},
        "access.decay.gaussian": {"sigma_min": 10.0, "max_time_min": 30.0},
        "access.decay.linear": {"reach_min": 30.0},
        "access.decay.logistic": {"inflection_min": 30.0, "spread_min": 5.0, "max_time_min": 60.0},
        "access.decay.power": {"exponent": 2.0, "min_time_min": 1.0, "max_time_min": 30.0},
        "access.decay.stepped": {"steps": {5.0: 1.0, 10.0: 0.5}},
        "access.deserts.class_labels": {"count": 2},
        "access.deserts.classify": {"access": ACCESS, "criteria": CRITERIA},
        "access.deserts.population_by_class": {
            "classes": classify(ACCESS, criteria=CRITERIA),
            "population_hab": DEMAND,
        },
        "access.equity.concentration_index": {"values": DEMAND, "rank_by": DEMAND, "weights": DEMAND},
        "access.equity.fgt_poverty": weighted | {"line": 60.0, "alpha": 1.0},
        "access.equity.gini": weighted,
        "access.equity.palma_ratio": weighted,
        "access.equity.theil_t": weighted | {"groups": ZONES},
        "access.zoning.simulate": {
            "apl": pd.Series({"T1": 2.5, "T2": 4.1}, name="apl_consultations_per_hab"),
            "population_hab": pd.Series({"T1": 900.0, "T2": 800.0}),
            "profile": "zonage_2017",
        },
        "datasets.load_dataset": {"name": "var"},
        "datasets.open_dataset": {"name": "var", "files": None, "departements": ["83"], "folder": Path()},
        "geography.commune_of_arrondissement": {"code": "13201"},
        "geography.inside_points": {"outlines": OUTLINES},
        "geography.projected_epsg": {"departement_code": "83"},
        "geography.to_cog": {
            "table": pd.DataFrame({"population": [250.0, 80.0]}, index=["05001", "05120"]),
            "movements": MOVES,
            "from_year": 2018,
            "to_year": 2019,
        },
        "needs.demand_from_rate": {
            "persons": DEMAND,
            "public": "tsa",
            "kind": "prevalence",
            "per_1000": 10.0,
        },
        "needs.grow_population": {
            "population": AGES,
            "rate_per_year": 0.01,
            "from_year": 2020,
            "to_year": 2025,
        },
        "needs.persons_by_age": {"population": AGES, "age_min": 0.0, "age_max": 19.0},
        "needs.scale_to_total": {"counts": DEMAND, "total": 200.0},
        "needs.standardised_population": {"population": AGES, "consumption": EATEN, "reference": 1.0},
        "network.difference_uncertainty_min": {
            "time_a_min": [10.0],
            "time_b_min": [20.0],
            "between_min": [5.0],
        },
        "network.estimate_travel_times": ends | {"terrain": "mixed", "max_time_min": 60.0},
        "network.from_lines": {"lines": LINES, "columns": {"road_class": ("class",)}, "speeds": {"a": 60.0}},
        "network.search_roads": ends | {"network": sample_network(), "max_time_min": 60.0},
        "network.stream_travel_times": ends | {"network": sample_network(), "max_time_min": 60.0},
        "network.query_server": ends | {"url": "http://127.0.0.1:9/", "retries": 0, "timeout_s": 0.2},
        "planning.pooling": {"table": POOLED, "travel_times": TIMES},
        "planning.pooling_template": {"members": ["ime"], "services": {"formation": "Formation"}},
        "planning.maximal_coverage": siting | {"p": 1, "max_time_min": 40.0},
        "planning.p_center": siting | {"p": 1},
        "planning.p_median": siting | {"p": 1},
        "planning.set_cover": siting | {"max_time_min": 60.0},
        "planning.rank_candidates": {
            "travel_times": TO_SITES,
            "site_times": TIMES,
            "demand": DEMAND,
            "candidates": ["S", "T"],
            "selected": ["S"],
        },
        "planning.territorial_groups": {
            "units": OUTLINES,
            "travel_times": TIMES,
            "size": DEMAND,
            "min_size": 20.0,
            "max_time_min": 90.0,
        },
        "planning.typology": {"features": FEATURES, "max_types": 3},
        "plot.show": {"obj": POINTS},
        "sources.find": {"dataset": "cog-communes"},
        "sources.write_template": {"path": Path("classeur.xlsx"), "communes": POINTS, "services": SERVICES},
        "rounds.collective_rounds": {
            "children": CHILDREN,
            "site": "S",
            "travel_times": TIMES,
            "seats": 8,
            "max_ride_min": 90.0,
        },
        "rounds.ride_limit_curve": {
            "children": CHILDREN,
            "site": "S",
            "travel_times": TIMES,
            "limits_min": [60.0, 90.0],
            "more_vehicles": [0],
            "seats": 8,
        },
        "rounds.staff_rounds": {
            "visits": CHILDREN.assign(visits_per_week=1),
            "site": "S",
            "travel_times": TIMES,
            "day_min": 240.0,
            "visit_min": 30.0,
        },
        "supply.complete_services": {"services": SERVICES},
        "supply.equipment_rate": {
            "services": SERVICES,
            "zones": pd.Series({"S": "E1", "T": "E1"}),
            "persons": pd.Series({"E1": 900.0}),
            "service": "ime",
        },
        "supply.places_by_authorisation": {"services": SERVICES},
        "supply.places_by_site": {"services": SERVICES},
        "supply.places_by_zone": {
            "services": SERVICES,
            "zones": pd.Series({"S": "E1", "T": "E1"}),
            "service": "ime",
        },
        "supply.rows_serving": {"services": SERVICES, "authorisation_id": "S-ime"},
        "supply.sites_of": {"services": SERVICES, "service": "ime"},
        "needs.project_population": {"population": AGES, "projected": AGES, "to_year": 2030, "zones": ZONES},
        "supply.with_equipment": {"services": SERVICES, "equipment": EQUIPMENT, "capacity": "installed"},
        "supply.sites_serving": {"services": SERVICES, "authorisation_id": "S-ime"},
    }


def public_functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every function that the rooms give."""
    for room in ROOMS:
        module = importlib.import_module(f"territory.{room}")
        names = getattr(module, "__all__", None) or [
            name
            for name, held in vars(module).items()
            if hasattr(held, "__wrapped__") and held.__module__ == module.__name__
        ]
        for name in names:
            held = getattr(module, name)
            if inspect.isfunction(held):
                yield f"{room}.{name}", held
    for name in ("load_study", "run_study"):
        yield name, getattr(territory, name)


def wrong_kinds(right: Any) -> dict[str, Any]:
    """Twenty things that are not what is expected, and the same values in other shapes."""
    found: dict[str, Callable[[], Any]] = {
        "none": lambda: None,
        "int": lambda: 3,
        "text": lambda: "45",
        "bytes": lambda: b"45",
        "negative": lambda: -1.0,
        "inf": lambda: np.inf,
        "nan": lambda: np.nan,
        "true": lambda: True,
        "path": lambda: Path("nulle-part.csv"),
        "object": object,
        "empty_list": list,
        "list_of_lists": lambda: [[1, 2], [3, 4, 5]],
        "list_of_none": lambda: [None, None],
        "dict": lambda: {"a": 1},
        "dict_of_text": lambda: {"a": "b"},
        "generator": lambda: (one for one in [1, 2]),
        "empty_frame": pd.DataFrame,
        "frame_without_columns": lambda: pd.DataFrame(index=["a", "b"]),
        "frame_of_text": lambda: pd.DataFrame({"x": ["un", "deux"]}),
        "series_of_text": lambda: pd.Series(["un", "deux"], index=["a", "b"]),
        "array": lambda: np.array([[1.0, 2.0]]),
        "polars": lambda: pl.DataFrame({"x": [1, 2], "y": ["a", "b"], "z": [None, 1.0]}),
        "polars_series": lambda: pl.Series([1, 2]),
        "arrow": lambda: pa.table({"x": [1, 2]}),
        "no_crs": lambda: POINTS.set_crs(None, allow_override=True),
        "points": lambda: POINTS,
        "class": lambda: pd.DataFrame,
    }
    if isinstance(right, pd.DataFrame | pd.Series):
        found |= {
            "no_row": lambda: right.iloc[:0],
            "twice": lambda: pd.concat([right, right]),
            "unknown": lambda: _unknown(right),
            "as_text": lambda: (
                right.astype(str) if "geometry" not in right else pd.DataFrame(right).astype(str)
            ),
            "as_object": lambda: right.astype(object) if "geometry" not in right else right,
            "numbered": lambda: right.reset_index(drop=True),
            "as_numbers": lambda: right.set_axis(range(len(right))) if len(right) else right,
            "negative_values": lambda: _changed(right, -5.0),
            "infinite": lambda: _changed(right, np.inf),
        }
    if isinstance(right, list):
        found |= {
            "ints": lambda: [1, 2, 3],
            "twice": lambda: [*right, *right],
            "mixed": lambda: [*right, None],
        }
    return found


def _unknown(right: Any) -> Any:
    return _changed(right, np.nan)


def _changed(right: Any, value: float) -> Any:
    if isinstance(right, pd.Series):
        return pd.Series(value, index=right.index)
    columns = [
        name for name in right if name != "geometry" and pd.api.types.is_numeric_dtype(right[name].dtype)
    ]
    return right.assign(**dict.fromkeys(columns, value))


# what a message from inside numpy, pandas, shapely or Python would say
ENGLISH = (
    " must ",
    " expected",
    "not supported",
    "object has no",
    "cannot ",
    "invalid literal",
    "unexpected",
    "should be",
)


def tried(
    path: str, function: Callable[..., Any], arguments: dict[str, Any], name: str, kind: str
) -> str | None:
    """Return what is wrong with what a function says of one wrong argument."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", category=territory.errors.TerritoryWarning)
        try:
            found = function(**arguments)
            if inspect.isgenerator(found):
                list(found)
        except TerritoryError as error:
            if any(word in str(error) for word in ENGLISH) or not str(error).strip():
                return f"{path}({name}={kind}) says {str(error)[:150]}"
        except Exception as error:
            inside = [f"{one.filename}:{one.lineno}" for one in traceback.extract_tb(error.__traceback__)]
            at = [one for one in inside if "/territory/" in one][-1].rpartition("/territory/")[2]
            return f"{path}({name}={kind}) raises {type(error).__name__}: {str(error)[:100]!r} at {at}"
    return None


def faults(select: Callable[[str, str, str], bool]) -> list[str]:
    found = []
    for path, function in public_functions():
        parameters = inspect.signature(function).parameters
        base = good().get(path, {})
        for name in parameters:
            if parameters[name].kind is inspect.Parameter.VAR_KEYWORD:
                continue
            for kind, make in wrong_kinds(base.get(name)).items():
                if select(path, name, kind):
                    found.append(tried(path, function, {**base, name: make()}, name, kind))
    return [one for one in found if one]


def is_one_in_twenty(*said: str) -> bool:
    """Take the same part of all the trials at each run."""
    return zlib.crc32(" ".join(said).encode()) % 20 == 0


def test_wrong_arguments_are_refused_in_words_or_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert faults(is_one_in_twenty) == []


@pytest.mark.slow
def test_all_wrong_arguments_are_refused_in_words_or_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert faults(lambda *said: not is_one_in_twenty(*said)) == []


def test_no_function_of_tables_is_left_out() -> None:
    # what a study gives, and files, are refused by their type alone
    known = good()
    tables = ("pd.", "gpd.", "Times", "Values", "Iterable", "ArrayLike")
    left = [
        path
        for path, function in public_functions()
        if path not in known
        and not path.startswith(("sources.read_", "plot.explore", "network.load_search"))
        and any(
            str(one.annotation).startswith(tables) for one in inspect.signature(function).parameters.values()
        )
    ]
    assert left == []


NEEDS_MORE = (
    "network.query_server",
    "network.search_roads",
    "network.stream_",
    "needs.project",
    "supply.with_",
    "sources.write",
)


@pytest.mark.parametrize("path", [path for path in good() if not path.startswith(NEEDS_MORE)])
def test_tables_of_other_libraries_give_the_same_answer(path: str) -> None:
    function = dict(public_functions())[path]
    arguments = good()[path]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=territory.errors.TerritoryWarning)
        expected = function(**arguments)
        for make in (as_polars, as_arrow, as_plain):
            assert_same(function(**{name: make(value) for name, value in arguments.items()}), expected)


def _flat(value: pd.DataFrame | pd.Series) -> pd.DataFrame:
    """The keys that a public function knows by their names, as columns."""
    named = [name for name in value.index.names if name is not None]
    return value.reset_index() if named or isinstance(value, pd.Series) else value


def as_polars(value: Any) -> Any:
    if isinstance(value, gpd.GeoDataFrame) or (isinstance(value, pd.DataFrame) and _keyless(value)):
        return value
    return pl.from_pandas(_flat(value)) if isinstance(value, pd.DataFrame | pd.Series) else value


def as_arrow(value: Any) -> Any:
    if isinstance(value, gpd.GeoDataFrame):
        return value
    if isinstance(value, pd.DataFrame):
        # what pandas says of its index is in the table
        return pa.Table.from_pandas(value)
    return pa.Table.from_pandas(_flat(value), preserve_index=False) if isinstance(value, pd.Series) else value


def as_plain(value: Any) -> Any:
    if isinstance(value, pd.Series):
        return value.to_dict()
    return np.array(value, dtype=object) if isinstance(value, list) and isinstance(value[0], str) else value


def _keyless(table: pd.DataFrame) -> bool:
    """Tell whether a table has codes that no declaration names: another library would lose them."""
    is_declared = table.index.names in (["site_id", "service"], ["commune_code", "age_min", "age_max"])
    return not is_declared and not isinstance(table.index, pd.RangeIndex)


def assert_same(found: Any, expected: Any) -> None:
    if isinstance(expected, pd.DataFrame):
        pd.testing.assert_frame_equal(found, expected, check_names=False, check_index_type=False)
    elif isinstance(expected, pd.Series):
        pd.testing.assert_series_equal(found, expected, check_names=False)
    elif isinstance(expected, (float, np.ndarray)):
        np.testing.assert_array_equal(found, expected)
    else:
        assert type(found) is type(expected)


def test_values_in_a_row_take_their_places_from_those_that_have_codes() -> None:
    assert territory.access.equity.gini([1.0, 1, 1, 5]) == 0.375
    assert territory.access.equity.gini(np.array([1.0, 5.0]), pl.Series([3, 1])) == 0.375
    assert territory.access.equity.gini(pd.Series({"A": 1.0, "B": 5.0}), [3, 1]) == 0.375
    with pytest.raises(TerritoryError, match="weights : 1 valeurs pour 2"):
        territory.access.equity.gini(pd.Series({"A": 1.0, "B": 5.0}), [3])
    with pytest.raises(TerritoryError, match=r"valeurs par code.* pas une liste"):
        territory.access.coverage(TO_SITES, [1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    "call, said",
    [
        (
            lambda: territory.access.allocate_places(TO_SITES, DEMAND, SUPPLY, max_time_min="45"),
            "nombre de minutes.*« 45 »",
        ),
        (
            lambda: territory.access.coverage(TO_SITES, DEMAND, thresholds_min="15"),
            "liste de nombres.*« 15 »",
        ),
        (lambda: territory.access.gravity(TO_SITES, CODES, SUPPLY, decay=30), "decay.binary"),
        (lambda: territory.access.coverage(TO_SITES, DEMAND, seuil=3), "argument inconnu « seuil »"),
        (lambda: territory.access.coverage(TO_SITES), "il manque demand"),
        (lambda: territory.geography.projected_epsg(83), "un texte .attendu., pas 83"),
        (lambda: territory.access.time_to_closest(TO_SITES, [1001]), "1001 .*zéro initial"),
        (lambda: territory.access.time_to_closest(TO_SITES, pd.Index([1001])), "1001.*zéro initial"),
        (lambda: territory.supply.sites_of(SERVICES.drop(columns="capacity"), "ime"), None),
        (lambda: territory.supply.places_by_site(SERVICES.drop(columns="capacity")), "capacity"),
        (lambda: territory.planning.p_median(TO_SITES, DEMAND, ["S"], p="1"), "p : un nombre entier"),
        (lambda: territory.scenario.MoveSite(), "to_site_id : clé obligatoire absente"),
        (lambda: territory.scenario.MoveSite("S"), "nommez les clés"),
        (lambda: sample_network().isochrones(POINTS, minutes="15"), "minutes : une liste de nombres"),
        (lambda: territory.access.coverge, "vouliez-vous « coverage »"),
    ],
)
def test_what_is_said_names_what_is_right(call: Callable[[], Any], said: str | None) -> None:
    if said is None:
        call()
        return
    with pytest.raises((TerritoryError, AttributeError), match=said):
        call()


def test_a_number_alone_is_a_list_of_one() -> None:
    assert list(territory.access.coverage(TO_SITES, DEMAND, thresholds_min=30)) == ["within_30_min"]


def test_rooms_show_their_public_names_alone_with_their_signatures() -> None:
    for room in ROOMS[:1] + tuple(room for room in ROOMS if "." not in room):
        module = importlib.import_module(f"territory.{room}")
        assert dir(module) == sorted(module.__all__)
    assert dir(territory) == sorted(territory.__all__)
    coverage = territory.access.coverage
    assert list(inspect.signature(coverage).parameters) == [
        "travel_times",
        "demand",
        "thresholds_min",
        "mapper",
    ]
    assert coverage.__doc__.startswith("Tell whether")
    assert pickle.loads(pickle.dumps(coverage)) is coverage


def test_any_table_of_communes_and_any_layer_is_drawn() -> None:
    communes = territory.datasets.load_var().communes.query("departement_code == '83'")
    counts = communes[["population", "epci_name"]]
    for drawn in (counts.reset_index(), pl.from_pandas(counts.reset_index()), communes, POINTS[["geometry"]]):
        assert "Population" in texts_of(territory.plot.show(drawn)) or len(drawn) == 3
    assert "autre" in texts_of(territory.plot.show(counts, service="epci_name"))
    with pytest.raises(TerritoryError, match="donnez outlines="):
        territory.plot.show(counts.set_axis(range(len(counts))).rename_axis("commune_code"))
    with pytest.raises(TerritoryError, match="tient à des personnes"):
        territory.plot.show(counts.assign(children=1.0), service="children")


def texts_of(figure: Any) -> str:
    return " ".join(text.get_text() for axes in figure.axes for text in axes.texts)
