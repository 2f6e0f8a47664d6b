"""Situations of real maps, as small ones: what each must give, and its neighbours."""

from __future__ import annotations

import gzip
import math
import shutil
import warnings
from dataclasses import replace

import geopandas as gpd
import numpy as np
import osmium
import pytest

from territory.errors import NetworkError, TerritoryWarning
from territory.network.graph.speeds import with_plausible_durations
from territory.network.maps.osm import read_osm
from tests.network.small_maps import metres, write_osm

STEP = 0.01
ROAD = {"highway": "tertiary"}
ACCESS = {**ROAD, "access": "destination"}


def at(x, y):
    return 6.4 + STEP * x, 43.5 + STEP * y


def read(path, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TerritoryWarning)
        return read_osm(path, **options)


def make(folder, nodes, ways, relations=None, **options):
    """A network from places in steps of 0.01° and ways."""
    placed = {node: (*at(*place[:2]), *place[2:]) for node, place in nodes.items()}
    return read(write_osm(folder / "m.osm", placed, ways, relations), **options)


def further(*cases):
    """The first two cases for the fast suite, all of them for the slow one."""
    return [*cases[:2], *(pytest.param(case, marks=pytest.mark.slow) for case in cases[2:])]


def points(*places):
    lon, lat = zip(*(at(*place) for place in places), strict=True)
    names = [str(row) for row in range(len(places))]
    return gpd.GeoDataFrame(index=names, geometry=gpd.points_from_xy(lon, lat), crs=4326)


def minutes(network, one, two, **options):
    both = [
        float(
            network.travel_time_matrix(
                points(one), points(two), engine=engine, **{"islands": True, **options}
            )[0, 0]
        )
        for engine in ("dijkstra", "hierarchy")
    ]
    assert both[0] == both[1]
    return both[0]


# a street between two roads, and the way round by the north
ROUND = {1: (0, 0), 2: (1, 0), 3: (3, 0), 4: (4, 0), 5: (2, 4), 6: (2, 0)}


def lane(tags):
    return {1: ([1, 2], ROAD), 2: ([2, 6, 3], tags), 3: ([3, 4], ROAD), 4: ([2, 5, 3], ROAD)}


def test_nobody_drives_through_a_destination_street_and_whoever_goes_there_drives_as_fast(tmp_path):
    opened, last = (make(tmp_path, ROUND, lane(tags)) for tags in (ROAD, ACCESS))
    for one, two in (((0, 0), (4, 0)), ((4, 0), (0, 0))):
        assert minutes(opened, one, two) < 5
        assert minutes(last, one, two) > 10
    for one, two in (
        ((0, 0), (2, 0)),
        ((2, 0), (0, 0)),
        ((0, 0), (2.6, 0)),
        ((2, 0), (4, 0)),
        ((1.3, 0), (2.7, 0)),
    ):
        assert minutes(last, one, two) == pytest.approx(minutes(opened, one, two), abs=0.06)
    # a trip begins in one such street and ends in another, through the roads between them
    assert minutes(last, (2, 0), (2, 0)) == 0


@pytest.mark.parametrize(
    "value", further("private;customers", "destination;agricultural;forestry", "customers", "delivery")
)
def test_lists_with_a_destination_are_not_driven_through(tmp_path, value):
    network = make(tmp_path, ROUND, lane({**ROAD, "access": value}))
    assert minutes(network, (0, 0), (4, 0)) > 10
    assert minutes(network, (0, 0), (2, 0)) < 3


def test_what_is_behind_a_destination_street_is_reached_and_not_driven_through(tmp_path):
    nodes = {**ROUND, 7: (2, -1), 8: (2, -2)}
    ways = {**lane(ACCESS), 5: ([6, 7], ROAD), 6: ([7, 8], ACCESS)}
    network = make(tmp_path, nodes, ways)
    assert minutes(network, (0, 0), (2, -2), islands=False) < 6
    assert minutes(network, (2, -2), (4, 0), islands=False) < 6
    assert minutes(network, (0, 0), (4, 0)) > 10


def test_two_destination_streets_with_a_road_between_them(tmp_path):
    # a - b is a destination, b - c is open, c - d is a destination: from a to d is one trip
    nodes = {1: (0, 0), 2: (1, 0), 3: (3, 0), 4: (4, 0), 5: (2, 1)}
    ways = {1: ([1, 2], ACCESS), 2: ([2, 3], ROAD), 3: ([3, 4], ACCESS), 4: ([2, 5, 3], ROAD)}
    network = make(tmp_path, nodes, ways)
    opened = make(tmp_path, nodes, {row: (way, ROAD) for row, (way, _) in ways.items()})
    assert minutes(network, (0, 0), (4, 0)) == pytest.approx(minutes(opened, (0, 0), (4, 0)), abs=0.06)


def test_a_map_of_destination_streets_alone_is_driven(tmp_path):
    network = make(tmp_path, ROUND, {row: (way, ACCESS) for row, (way, _) in lane(ROAD).items()})
    assert minutes(network, (0, 0), (4, 0), islands=False) < 5


# 1 -2- 3 straight on, 4 to the left, 5 to the right; far loops join straight on to left and right
CROSS = {1: (0, 0), 2: (1, 0), 3: (2, 0), 4: (1, 1), 5: (1, -1), 6: (2, 4), 7: (2, -4)}
ARMS = {
    1: ([1, 2], ROAD),
    2: ([2, 3], ROAD),
    3: ([2, 4], ROAD),
    4: ([3, 6, 4], ROAD),
    5: ([2, 5], ROAD),
    6: ([3, 7, 5], ROAD),
}


def rule(value, to=(3,), left=(1,), via=(("n", 2),), key="restriction", **tags):
    members = [("w", one, "from") for one in left] + [(kind, one, "via") for kind, one in via]
    return members + [("w", one, "to") for one in to], {"type": "restriction", key: value, **tags}


@pytest.mark.parametrize(
    "relations, open_to",
    [
        ([], "lsr"),
        ([rule("no_left_turn")], "sr"),
        ([rule("No_Left_Turn")], "sr"),
        ([rule("no_left_turn;no_u_turn")], "sr"),
        ([rule("no_left_turn", **{"except": "psv; motorcar"})], "lsr"),
        ([rule("no_left_turn", **{"except": "psv,motorcar"})], "lsr"),
        ([rule("no_left_turn", **{"except": "psv; bicycle"})], "sr"),
        ([rule("no_left_turn @ (Mo-Fr 07:00-09:00)", key="restriction:conditional")], "lsr"),
        ([rule("no_left_turn @ (Mo-Fr 07:00-19:00)", key="restriction:conditional")], "sr"),
        ([rule("no_left_turn", **{"restriction:conditional": "none @ (22:00-06:00)"})], "sr"),
        ([rule("no_left_turn", **{"restriction:conditional": "none @ (09:00-12:00)"})], "lsr"),
        ([rule("no_left_turn", day_on="Monday", day_off="Friday", hour_on="07:00", hour_off="09:00")], "lsr"),
        ([rule("no_left_turn", day_on="Monday", day_off="Friday")], "sr"),
        ([rule("only_straight_on", to=(2,))], "s"),
        ([rule("only_straight_on", to=(2,)), rule("only_right_turn", to=(5,))], "sr"),
        ([rule("only_straight_on", to=(2, 5))], "sr"),
        ([rule("only_straight_on", to=(2,)), rule("only_straight_on", to=(2,))], "s"),
        ([rule("only_straight_on", to=(2, 99))], "s"),
        ([rule("only_straight_on", to=(99,))], "lsr"),
        ([rule("no_exit", to=(3, 5))], "s"),
        ([rule("no_left_turn", key="restriction:motorcar")], "sr"),
        ([rule("no_left_turn", key="restriction:hgv")], "lsr"),
        ([rule("no_left_turn", type="restriction:motorcar")], "sr"),
        ([rule("no_left_turn", type="restriction:hgv")], "lsr"),
    ],
)
def test_turn_restrictions(tmp_path, relations, open_to):
    network = make(tmp_path, CROSS, ARMS, dict(enumerate(relations, 1)))
    places = {"l": (1, 1), "s": (2, 0), "r": (1, -1)}
    assert [side for side, place in places.items() if minutes(network, (0, 0), place) < 3] == list(open_to)


# a road with two side streets on the left and one on the right, and a far way round
LADDER = {1: (0, 0), 2: (1, 0), 3: (2, 0), 4: (3, 0), 5: (2, 1), 6: (1, 1), 7: (2, -1), 8: (3, 5)}
RUNGS = {
    1: ([1, 2], ROAD),
    2: ([2, 3], ROAD),
    3: ([3, 4], ROAD),
    4: ([3, 5], ROAD),
    5: ([2, 6], ROAD),
    6: ([3, 7], ROAD),
    7: ([4, 8, 5], ROAD),
}


def test_a_ban_through_a_way_binds_only_who_comes_from_its_first(tmp_path):
    free = make(tmp_path, LADDER, RUNGS)
    network = make(tmp_path, LADDER, RUNGS, {1: rule("no_left_turn", to=(4,), via=(("w", 2),))})
    assert network.asides.empty
    for place in ((3, 0), (2, -1), (2, 0), (1.5, 0), (1, 1)):
        assert minutes(network, (0, 0), place) == minutes(free, (0, 0), place)
    assert minutes(network, (0, 0), (2, 1)) > minutes(free, (0, 0), (2, 1)) + 1
    assert minutes(network, (1, 1), (2, 1)) == minutes(free, (1, 1), (2, 1))
    # whoever starts on the way itself has not come from the first
    assert minutes(network, (1.5, 0), (2, 1)) == minutes(free, (1.5, 0), (2, 1))


@pytest.mark.parametrize("kind", ["no_wheelie", "maybe_left_turn"])
def test_a_ban_of_an_unknown_kind_is_counted_and_binds_nobody(tmp_path, kind):
    network = make(tmp_path, LADDER, RUNGS, {1: rule(kind, to=(4,), via=(("w", 2),))})
    assert network.asides.to_dict() == {"interdictions de tourner d'une sorte inconnue": 1}
    assert minutes(network, (0, 0), (2, 1)) == minutes(make(tmp_path, LADDER, RUNGS), (0, 0), (2, 1))


def test_a_ban_through_a_way_that_a_side_street_cuts_binds_too(tmp_path):
    nodes = {**LADDER, 9: (1.5, 0), 10: (1.5, -1)}
    ways = {**RUNGS, 2: ([2, 9, 3], ROAD), 8: ([9, 10], ROAD)}
    free = make(tmp_path, nodes, ways)
    network = make(tmp_path, nodes, ways, {1: rule("no_left_turn", to=(4,), via=(("w", 2),))})
    assert network.asides.empty
    assert minutes(network, (0, 0), (2, 1)) > minutes(free, (0, 0), (2, 1)) + 1
    # whoever comes in by the side street has not come from the first way
    assert minutes(network, (1.5, -1), (2, 1)) == minutes(free, (1.5, -1), (2, 1))
    assert minutes(network, (0, 0), (1.5, -1)) == minutes(free, (0, 0), (1.5, -1))


def test_ways_that_cross_before_they_meet_are_left_where_one_of_them_ends(tmp_path):
    nodes = {**LADDER, 9: (1.5, 0), 12: (1.5, -1), 13: (1.75, 0.5)}
    ways = {**RUNGS, 2: ([2, 9, 3], ROAD), 4: ([12, 9, 13, 3, 5], ROAD)}
    free = make(tmp_path, nodes, ways)
    network = make(tmp_path, nodes, ways, {1: rule("no_left_turn", to=(4,), via=(("w", 2),))})
    assert minutes(network, (0, 0), (1.75, 0.5)) == minutes(free, (0, 0), (1.75, 0.5))
    assert minutes(network, (0, 0), (2, 1)) > minutes(free, (0, 0), (2, 1))


def test_ways_that_cross_before_they_meet_are_left_where_the_second_ends_too(tmp_path):
    nodes = {
        1: (0, 0),
        2: (1, 0),
        9: (1.5, 0),
        3: (2, 0),
        4: (3, 0),
        12: (1.5, -1),
        13: (1.75, 0.5),
        14: (1.95, 0.1),
    }
    ways = {1: ([1, 2], ROAD), 2: ([2, 9, 3, 4], ROAD), 4: ([12, 9, 13, 14, 3], ROAD)}
    free = make(tmp_path, nodes, ways)
    network = make(tmp_path, nodes, ways, {1: rule("no_left_turn", to=(4,), via=(("w", 2),))})
    assert minutes(network, (0, 0), (1.75, 0.5)) == minutes(free, (0, 0), (1.75, 0.5))
    assert minutes(network, (0, 0), (1.95, 0.1)) > minutes(free, (0, 0), (1.95, 0.1))


def test_a_way_that_is_met_at_both_its_ends_is_left_at_the_other_one(tmp_path):
    # the third way leaves from the node where the second is entered, and comes back to its far end
    nodes = {1: (0, 0), 2: (1, 0), 3: (3, 0), 5: (2, 3), 6: (2.8, 0.6)}
    ways = {1: ([1, 2], ROAD), 2: ([2, 3], ROAD), 3: ([2, 5, 6, 3], ROAD)}
    free = make(tmp_path, nodes, ways)
    network = make(tmp_path, nodes, ways, {1: rule("no_left_turn", via=(("w", 2),))})
    assert network.asides.empty
    assert minutes(network, (0, 0), (2.8, 0.6)) > minutes(free, (0, 0), (2.8, 0.6)) + 1
    for place in ((3, 0), (2, 3)):
        assert minutes(network, (0, 0), place) == minutes(free, (0, 0), place)


def test_a_mandatory_turn_through_a_way_binds_along_it(tmp_path):
    free = make(tmp_path, LADDER, RUNGS)
    network = make(tmp_path, LADDER, RUNGS, {1: rule("only_straight_on", to=(3,), via=(("w", 2),))})
    assert minutes(network, (0, 0), (3, 0)) == minutes(free, (0, 0), (3, 0))
    for place in ((2, 1), (2, -1), (1, 1)):
        assert minutes(network, (0, 0), place) > minutes(free, (0, 0), place) + 1
    assert minutes(network, (1, 1), (2, 1)) == minutes(free, (1, 1), (2, 1))


def test_a_half_turn_over_two_carriageways_is_banned_through_the_link(tmp_path):
    nodes = {1: (0, 0), 2: (2, 0), 3: (4, 0), 4: (4, 0.2), 5: (2, 0.2), 6: (0, 0.2), 7: (2, 1)}
    one_way = {**ROAD, "oneway": "yes"}
    ways = {
        1: ([1, 2], one_way), 2: ([2, 3], one_way), 3: ([4, 5], one_way), 4: ([5, 6], one_way), 5: ([2, 5], ROAD),
        6: ([3, 4], one_way), 7: ([5, 7], ROAD), 8: ([6, 1], one_way),
    }  # fmt: skip
    free = make(tmp_path, nodes, ways)
    network = make(tmp_path, nodes, ways, {1: rule("no_u_turn", to=(4,), left=(1,), via=(("w", 5),))})
    assert minutes(network, (0, 0), (0, 0.2)) > minutes(free, (0, 0), (0, 0.2)) + 0.5
    assert minutes(network, (0, 0), (2, 1)) == minutes(free, (0, 0), (2, 1))


@pytest.mark.parametrize("value, banned", [("no_left_turn", "l"), ("no_right_turn", "r"), ("no_entry", "lr")])
def test_a_ban_onto_a_way_that_runs_through_bars_the_branch_that_it_names(tmp_path, value, banned):
    ways = {
        1: ([1, 2], ROAD),
        2: ([2, 3], ROAD),
        3: ([5, 2, 4], ROAD),
        4: ([3, 6, 4], ROAD),
        6: ([3, 7, 5], ROAD),
    }
    network = make(tmp_path, CROSS, ways, {1: rule(value)})
    reached = {"l": minutes(network, (0, 0), (1, 1)), "r": minutes(network, (0, 0), (1, -1))}
    assert [side for side, time in reached.items() if time > 3] == list(banned)
    assert minutes(network, (0, 0), (2, 0)) < 3


def test_a_mandatory_turn_from_a_way_that_runs_through_binds_the_branch_that_turns_so(tmp_path):
    # from the west one must turn left; from the east, by the same way, that would be a right turn
    ways = {
        1: ([1, 2, 3], ROAD),
        3: ([2, 4], ROAD),
        4: ([3, 6, 4], ROAD),
        5: ([2, 5], ROAD),
        6: ([3, 7, 5], ROAD),
    }
    network = make(tmp_path, CROSS, ways, {1: rule("only_left_turn", to=(3,))})
    assert minutes(network, (0, 0), (1, 1)) < 3
    assert minutes(network, (0, 0), (1, -1)) > 3
    assert minutes(network, (2, 0), (1, -1)) < 3


# one file, one map


def line(count=11):
    return {node: (node / 2, 0) for node in range(count)}, {7: (list(range(count)), ROAD)}


def test_a_way_that_is_there_twice_is_one(tmp_path):
    nodes, ways = line()
    once = make(tmp_path, nodes, ways)
    text = (tmp_path / "m.osm").read_text("utf-8")
    way = text[text.index("<way") : text.index("</way>") + 6]
    (tmp_path / "twice.osm").write_text(text.replace(way, way + way), encoding="utf-8")
    with pytest.warns(TerritoryWarning, match="1 voie en double"):
        twice = read_osm(tmp_path / "twice.osm")
    assert twice.length_km == once.length_km
    assert minutes(twice, (0, 0), (5, 0)) == minutes(once, (0, 0), (5, 0))


def test_a_road_drawn_twice_has_no_crossing_at_each_vertex(tmp_path):
    nodes, ways = line()
    once = make(tmp_path, nodes, ways)
    for refs in (list(range(11)), list(range(10, -1, -1))):
        twice = make(tmp_path, nodes, {**ways, 8: (refs, ROAD)})
        assert minutes(twice, (0, 0), (5, 0)) == minutes(once, (0, 0), (5, 0))


SHORT = {1: (0, 0), 2: (1, 3), 3: (2, 0)}


def edited(tmp_path, **attributes):
    """A map with a way round, and a short way that has attributes of an editor."""
    make(tmp_path, SHORT, {1: ([1, 2, 3], ROAD), 2: ([1, 3], ROAD)})
    text = (tmp_path / "m.osm").read_text("utf-8")
    said = " ".join(f"{name}='{value}'" for name, value in attributes.items())
    path = tmp_path / "edited.osm"
    path.write_text(text.replace("<way id='2'", f"<way id='2' {said}"), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "attributes, is_there",
    [({}, True), ({"action": "modify"}, True), ({"action": "delete"}, False), ({"visible": "false"}, False)],
)
def test_what_an_editor_deletes_is_not_driven(tmp_path, attributes, is_there):
    path = edited(tmp_path, **attributes)
    (tmp_path / "edited.osm.gz").write_bytes(gzip.compress(path.read_bytes()))
    for one in (path, tmp_path / "edited.osm.gz"):
        assert (minutes(read(one), (0, 0), (2, 0)) < 3) is is_there


def test_what_an_editor_draws_is_driven(tmp_path):
    drawn = {**SHORT, -1: (1, 0)}
    network = make(tmp_path, drawn, {1: ([1, 2, 3], ROAD), -5: ([1, -1, 3], ROAD)})
    assert minutes(network, (0, 0), (2, 0)) < 3
    assert network.asides.empty
    alone = make(tmp_path, {-1: (0, 0), -2: (2, 0)}, {-1: ([-1, -2], ROAD)})
    assert minutes(alone, (0, 0), (2, 0)) < 3


def converted(source, target, *, history=False):
    target.unlink(missing_ok=True)
    with osmium.SimpleWriter(osmium.io.File(str(target), "osh.pbf" if history else "pbf")) as writer:
        for thing in osmium.FileProcessor(osmium.io.File(str(source), "osh" if history else "osm")):
            writer.add(thing)
    return target


def test_ways_before_nodes_are_read_all_the_same(tmp_path):
    make(tmp_path, SHORT, {1: ([1, 3], ROAD)})
    text = (tmp_path / "m.osm").read_text("utf-8")
    way = text[text.index("<way") : text.index("</way>") + 6]
    text = text.replace(way, "").replace("<node", way + "<node", 1)
    (tmp_path / "u.osm").write_text(text, encoding="utf-8")
    for path in (tmp_path / "u.osm", converted(tmp_path / "u.osm", tmp_path / "u.osm.pbf")):
        network = read(path)
        assert minutes(network, (0, 0), (2, 0)) < 3
        assert network.asides.empty


def test_negative_identifiers_are_read_from_binary_maps_too(tmp_path):
    make(tmp_path, {-1: (0, 0), -2: (2, 0)}, {-1: ([-1, -2], ROAD)})
    assert minutes(read(converted(tmp_path / "m.osm", tmp_path / "n.osm.pbf")), (0, 0), (2, 0)) < 3


def history(tmp_path):
    make(tmp_path, SHORT, {1: ([1, 2, 3], ROAD), 2: ([1, 3], ROAD)})
    text = (tmp_path / "m.osm").read_text("utf-8")
    when = "visible='true' timestamp='2015-01-01T00:00:00Z'"
    for kind in ("node", "way"):
        text = text.replace(f"<{kind} id='", f"<{kind} version='1' {when} id='")
    gone = "<way id='2' version='2' visible='false' timestamp='2016-01-01T00:00:00Z'/>"
    path = tmp_path / "h.osm"
    path.write_text(text.replace("</osm>", gone + "</osm>"), encoding="utf-8")
    return path


def test_a_history_is_read_at_its_last_state_or_refused(tmp_path):
    path = history(tmp_path)
    assert minutes(read(path), (0, 0), (2, 0)) > 4
    shutil.copy(path, tmp_path / "h.osh")
    with pytest.raises(NetworkError, match=r"historique.*osmium time-filter"):
        read(converted(tmp_path / "h.osh", tmp_path / "h.osh.pbf", history=True))


@pytest.mark.parametrize(
    "name", ["PACA.OSM.PBF", "Carte.Osm", "c.osm.GZ", "carte.osm.xml", "paca.pbf", "a,b=c é'.osm.pbf"]
)
def test_suffixes_in_any_case(tmp_path, name):
    make(tmp_path, SHORT, {1: ([1, 3], ROAD)})
    source, target = tmp_path / "m.osm", tmp_path / name
    if name.lower().endswith("pbf"):
        converted(source, tmp_path / "x.osm.pbf").rename(target)
    elif name.lower().endswith("gz"):
        target.write_bytes(gzip.compress(source.read_bytes()))
    else:
        source.rename(target)
    assert minutes(read(target), (0, 0), (2, 0)) < 3


def test_a_folder_is_no_map(tmp_path):
    (tmp_path / "dossier.osm.pbf").mkdir()
    with pytest.raises(NetworkError, match="est un dossier"):
        read_osm(tmp_path / "dossier.osm.pbf")


# speeds and durations


def crossing(tmp_path, tags, **nodes):
    """The time over the middle of three ways (min), 8 km long."""
    places = {1: (0, 0), 2: (1, 0), 3: (11, 0), 4: (12, 0)}
    network = make(tmp_path, places, {1: ([1, 2], ROAD), 2: ([2, 3], tags), 3: ([3, 4], ROAD)})
    return minutes(network, (1, 0), (11, 0)), network.asides


@pytest.mark.parametrize(
    "text", ["08:10", "00:03", *further("00:00:05", "300:00", "1200:00", "99999", "240:00")]
)
def test_a_duration_that_no_ferry_keeps_is_counted_and_left(tmp_path, text):
    default, _ = crossing(tmp_path, {"route": "ferry"})
    time, asides = crossing(tmp_path, {"route": "ferry", "duration": text})
    assert time == default == pytest.approx(8.08 / 13 * 60, rel=0.01)
    assert asides.to_dict() == {"durées de traversée invraisemblables": 1}


@pytest.mark.parametrize(
    "text, expected",
    # the last two just above 1 km/h, and just below 160
    [
        ("02:30;03:30", 210),
        ("30 min", 30),
        ("1h30", 90),
        ("00:30", 30),
        ("08:00", 480),
        ("00:03:05", 185 / 60),
    ],
)
def test_durations_of_ferries(tmp_path, text, expected):
    for route in ("ferry", "shuttle_train"):
        time, asides = crossing(tmp_path, {"route": route, "duration": text})
        assert time == pytest.approx(expected, abs=0.01)
        assert asides.empty


@pytest.mark.parametrize("kmh, is_kept", [(1.0, True), (0.999, False), (160.0, True), (160.1, False)])
def test_the_bounds_of_crossings_are_inclusive(tmp_path, kmh, is_kept):
    places = {1: (0, 0), 2: (1, 0), 3: (11, 0)}
    roads = make(tmp_path, places, {1: ([1, 2], ROAD), 2: ([2, 3], {"route": "ferry"})}).roads
    one_hour = replace(roads.ways, duration_s=np.where(roads.ways.way_id == 2, 3600.0, np.nan))
    hops = roads.hop_way == roads.ways.way_id.tolist().index(2)
    length_m = np.where(hops & (roads.hop_length_m > 0), 1000 * kmh, roads.hop_length_m)
    found = with_plausible_durations(replace(roads, ways=one_hour, hop_length_m=length_m))
    assert np.isfinite(found.ways.duration_s).any() == is_kept
    assert bool(found.asides) != is_kept


def test_the_duration_of_a_road_is_not_read(tmp_path):
    plain, _ = crossing(tmp_path, ROAD)
    for text in ("120", "00:01", "300:00"):
        time, asides = crossing(tmp_path, {**ROAD, "duration": text})
        assert time == plain
        assert asides.empty


@pytest.mark.parametrize("text", further("0.01", "999", "0.001", "1", "none"))
def test_one_absurd_limit_stops_no_map(tmp_path, text):
    plain, _ = crossing(tmp_path, ROAD)
    time, asides = crossing(tmp_path, {**ROAD, "maxspeed": text})
    assert time == plain
    assert asides.to_dict() == {"limites de vitesse invraisemblables": 1}


# from a place to itself


def test_two_places_beside_one_road_are_no_farther_than_the_straight_line(tmp_path):
    network = make(
        tmp_path,
        {1: (0, 0), 2: (10, 0), 3: (10, 5), 4: (0, 5)},
        {1: ([1, 2, 3, 4, 1], {"highway": "secondary"})},
    )
    places = points((3, 1.5), (3.05, 1.5), (3, 0), (0, 0), (-0.5, -0.5), (3, 1.5))
    matrix = network.travel_time_matrix(places, places)
    assert (np.diag(matrix) == 0).all()
    assert matrix[0, 5] == matrix[5, 0] == 0
    straight = places.to_crs(network.crs).geometry
    assert matrix[0, 1] == pytest.approx(
        straight.iloc[0].distance(straight.iloc[1]) / 1000 / 20 * 60, abs=1e-3
    )
    table = network.travel_times(places, places, with_distance=True)
    assert (table["distance_km"] >= 0).all()
    assert table.set_index(["from_id", "to_id"]).loc[("0", "5"), "distance_km"] == 0


def test_who_lives_across_a_one_way_street_is_met_across_it(tmp_path):
    nodes = {1: (0, 0), 2: (10, 0), 3: (10, 5), 4: (0, 5)}
    network = make(tmp_path, nodes, {1: ([1, 2, 3, 4, 1], {"highway": "secondary", "oneway": "yes"})})
    (x, x_end), (y, y_end) = network.roads.x[:2], network.roads.y[:2]
    along = np.array([x_end - x, y_end - y]) / np.hypot(x_end - x, y_end - y)
    # 7.2 s at 20 km/h, and five centimetres up or down the street: to the millisecond, as long as straight to it
    across = 20.0005 * np.array([-along[1], along[0]])
    spots = [np.array([x, y]) + 2000 * along + across, np.array([x, y]) + 2000.05 * along - across]
    places = gpd.GeoDataFrame(
        index=["a", "b"], geometry=gpd.points_from_xy(*np.transpose(spots)), crs=network.crs
    )
    times = network.travel_time_matrix(places, places, islands=True)
    assert times.tolist() == [[0, pytest.approx(0.12)], [pytest.approx(0.12), 0]]


# on foot and by bicycle

STREETS = {
    1: ([1, 2], {"highway": "motorway"}),
    2: ([1, 5, 2], {"highway": "residential", "oneway": "yes"}),
    3: ([1, 3, 2], {"highway": "footway"}),
    4: ([1, 4, 2], {"highway": "cycleway"}),
    5: ([3, 6], {"highway": "steps"}),
}
AROUND = {1: (0, 0), 2: (2, 0), 3: (1, 1), 4: (1, 2), 5: (1, 3), 6: (1, 0.5)}


def test_profiles_take_other_ways_at_other_speeds(tmp_path):
    placed = {node: at(*place) for node, place in AROUND.items()}
    path = write_osm(tmp_path / "m.osm", placed, STREETS)
    foot, bicycle = read(path, profile="foot"), read(path, profile="bicycle")
    assert (foot.profile, bicycle.profile) == ("foot", "bicycle")
    walked = minutes(foot, (0, 0), (2, 0))
    assert walked == pytest.approx(metres(at(0, 0), at(1, 1), at(2, 0)) / 4800 * 60, rel=0.01)
    assert minutes(foot, (2, 0), (0, 0)) == walked
    ridden = minutes(bicycle, (0, 0), (2, 0))
    assert ridden == pytest.approx(metres(at(0, 0), at(1, 2), at(2, 0)) / 15000 * 60, rel=0.01)
    stairs = minutes(foot, (1, 1), (1, 0.5))
    assert stairs == pytest.approx(metres(at(1, 1), at(1, 0.5)) / 2000 * 60, rel=0.01)
    # off the road one walks
    beside = minutes(foot, (0, -0.1), (0, -0.2), max_snap_m=5000)
    assert beside == pytest.approx(metres(at(0, -0.1), at(0, -0.2)) / 4800 * 60, rel=0.01)


def hill(per_metre, *, base=100.0, column="height_m"):
    """Heights of a plane that rises to the east, around the map."""
    places = gpd.GeoSeries.from_xy(*zip(*(at(x, y) for x in (-1, 4) for y in (-1, 4)), strict=True), crs=4326)
    east = [metres(at(-1, 0), at(x, 0)) for x in (-1, -1, 4, 4)]
    return gpd.GeoDataFrame({column: [base + per_metre * one for one in east]}, geometry=places)


@pytest.mark.parametrize(
    "profile, slope, up, down",
    [
        ("foot", 0.10, math.exp(0.35), 1.0),
        ("foot", 0.02, math.exp(0.07), math.exp(-0.07)),
        ("foot", 2.0, math.exp(3.5 * 0.35), math.exp(3.5 * 0.25)),
        ("bicycle", 0.03, 1 / (1 - 3 * 1.44 / 21.6), 1 / (1 + 3 * 0.86 / 21.6)),
        ("bicycle", 0.20, 1 / 0.32, 1 / 1.6),
    ],
)
def test_one_climbs_more_slowly_than_one_comes_down(tmp_path, profile, slope, up, down):
    flat = make(tmp_path, {1: (0, 0), 2: (1, 0), 3: (3, 0)}, {1: ([1, 2, 3], ROAD)}, profile=profile)
    steep = flat.with_heights(hill(slope))
    before = minutes(flat, (0, 0), (3, 0))
    assert minutes(steep, (0, 0), (3, 0)) / before == pytest.approx(up, rel=0.01)
    assert minutes(steep, (3, 0), (0, 0)) / before == pytest.approx(down, rel=0.01)
    higher = flat.with_heights(hill(slope, base=900.0).sample(frac=1.0, random_state=1))
    assert minutes(higher, (0, 0), (3, 0)) == pytest.approx(minutes(steep, (0, 0), (3, 0)), abs=1e-3)
    assert minutes(flat.with_heights(hill(0.0)), (0, 0), (3, 0)) == before
    # works on a slope slow what is slow
    assert minutes(steep.with_works(way_ids=[1], time_factor=2.0), (0, 0), (3, 0)) / before == pytest.approx(
        2 * up, rel=0.01
    )


def test_stairs_keep_their_speed_and_heights_elsewhere_are_said(tmp_path):
    stairs = make(tmp_path, {1: (0, 0), 2: (1, 0)}, {1: ([1, 2], {"highway": "steps"})}, profile="foot")
    assert minutes(stairs.with_heights(hill(0.1)), (0, 0), (1, 0)) == minutes(stairs, (0, 0), (1, 0))
    half = hill(0.1).set_geometry(hill(0.1).scale(0.5, 1.0, origin=at(-1, 0)))
    street = make(tmp_path, {1: (0, 0), 2: (1, 0), 3: (3, 0)}, {1: ([1, 2, 3], ROAD)}, profile="foot")
    with pytest.warns(TerritoryWarning, match=r"33\s% des points"):
        street.with_heights(half)


@pytest.mark.parametrize(
    "heights, said",
    [
        (hill(0.1, column="alt"), "colonne « height_m » absente"),
        (hill(0.1).set_crs(None, allow_override=True), "système de coordonnées"),
        (hill(0.1).iloc[:2], "trois points"),
        (hill(0.1).assign(height_m=math.nan), "trois points"),
        (hill(0.1).set_geometry(hill(0.1).translate(10.0)), "aucune voie"),
    ],
)
def test_heights_that_say_nothing_are_refused(tmp_path, heights, said):
    street = make(tmp_path, {1: (0, 0), 2: (1, 0)}, {1: ([1, 2], ROAD)}, profile="foot")
    with pytest.raises(NetworkError, match=said):
        street.with_heights(heights)
    by_car = make(tmp_path, {1: (0, 0), 2: (1, 0)}, {1: ([1, 2], ROAD)})
    with pytest.raises(NetworkError, match="en voiture"):
        by_car.with_heights(hill(0.1))


def test_turns_that_are_forbidden_to_cars_are_free_on_foot_and_not_by_bicycle(tmp_path):
    ban = {1: rule("no_left_turn")}
    cars, riders, walkers = (
        make(tmp_path, CROSS, ARMS, ban, profile=one) for one in ("car", "bicycle", "foot")
    )
    assert minutes(cars, (0, 0), (1, 1)) > 3
    assert minutes(riders, (0, 0), (1, 1)) == pytest.approx(4 * minutes(riders, (0, 0), (1, 0)), rel=0.3)
    assert minutes(walkers, (0, 0), (1, 1)) == pytest.approx(2.4 * minutes(walkers, (0, 0), (1, 0)), rel=0.05)
    exempt = make(
        tmp_path, CROSS, ARMS, {1: rule("no_left_turn", **{"except": "bicycle"})}, profile="bicycle"
    )
    assert minutes(exempt, (0, 0), (1, 1)) == pytest.approx(2.4 * minutes(exempt, (0, 0), (1, 0)), rel=0.05)


def test_a_walker_passes_a_bollard(tmp_path):
    nodes = {1: (0, 0), 2: (1, 0, {"barrier": "bollard"}), 3: (2, 0)}
    networks = [
        make(tmp_path, nodes, {1: ([1, 2, 3], ROAD)}, profile=one) for one in ("car", "foot", "bicycle")
    ]
    assert [np.isfinite(minutes(one, (0, 0), (2, 0))) for one in networks] == [False, True, True]
