from __future__ import annotations

import io

import numpy as np
import pytest

from territory.network.maps.opl import decode_tags, read_opl


@pytest.fixture(params=[1 << 20, 8])
def read(request):
    """Read a text as a whole, and in blocks shorter than its lines."""

    def parse(text: str, *keys: str):
        return read_opl(io.BytesIO(text.encode()), keys=frozenset(keys), block_bytes=request.param)

    return parse


def test_ways_nodes_and_other_lines_are_told_apart(read):
    ways = read(
        "n5 Thighway=stop x6.1 y43\n"
        "w10 Thighway=primary,name=Rue%20%A Nn1x6.4000001y43.5,n2x-6y-43.25\n"
        "w11 T Nn2x6y43\n"
        "w12 Thighway=primary,name=B N\n"
        "r7 Ttype=restriction Mw10@from,n2@via,w11@to\n",
        "highway",
    )
    assert ways.way_id.tolist() == [10, 11, 12]
    assert ways.start.tolist() == [0, 2, 3, 3]
    assert ways.node.tolist() == [0, 1, 1]
    assert ways.nodes.find(np.array([1, 2, 3])).tolist() == [0, 1, -1]
    lon, lat = ways.nodes.places()
    assert lon.tolist() == [6.4000001, 6.0]
    assert lat.tolist() == [43.5, 43.0]
    assert [ways.groups[group] for group in ways.tag_group] == [
        {"highway": "primary"},
        {},
        {"highway": "primary"},
    ]
    assert ways.tag_group[0] == ways.tag_group[2]
    assert [line[:2] for line in ways.others] == ["n5", "r7"]


def test_a_node_without_location_is_nan_and_identifiers_may_be_negative(read):
    ways = read("w1 Thighway=road Nn1x6y43,n99xy,n-5x7y44", "highway")
    assert ways.nodes.find(np.array([1, 99, -5])).tolist() == ways.node.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(ways.nodes.places()[0], [6.0, np.nan, 7.0])


def test_tags_that_differ_make_different_groups_and_others_do_not(read):
    ways = read(
        "w1 Thighway=road,maxspeed=50 N\nw2 Thighway=road,maxspeed=30 N\nw3 Thighway=road,maxspeed=50,x=y N\n",
        "highway",
        "maxspeed",
    )
    assert ways.tag_group[0] == ways.tag_group[2] != ways.tag_group[1]


def test_an_empty_text_has_no_way(read):
    assert read("", "highway").way_id.size == 0


def test_escapes_are_decoded():
    assert decode_tags("a=b") == {"a": "b"}
    assert decode_tags("maxspeed=FR:urban;%20%50%2c%%20%x%3d%") == {"maxspeed": "FR:urban; 50, x="}
    assert decode_tags("nom=%e9%t%e9%") == {"nom": "été"}
    assert decode_tags("") == {}
