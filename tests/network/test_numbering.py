from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from territory.network.maps.opl import NodeNumbers, renumber

# close identifiers, those that share a line of the table, and the ends of what 64 bits hold
IDS = st.one_of(
    st.integers(-40, 40),
    st.integers(0, 200).map(lambda one: one << 20),
    st.sampled_from([-(2**63), 2**63 - 1, 2**62]),
)


@given(st.lists(st.lists(IDS, max_size=300), max_size=6))
def test_numbers_are_those_of_a_dictionary(parts):
    numbers, known = NodeNumbers(), {}
    for part in parts:
        ids = np.array(part, dtype=np.int64)
        got = numbers.add(ids, ids.astype(float), -ids.astype(float))
        assert got.tolist() == [known.setdefault(one, len(known)) for one in part]
    lon, lat = numbers.places()
    assert lon.tolist() == [float(one) for one in known]
    assert lat.tolist() == [-float(one) for one in known]
    asked = [*known, 41, -41]
    assert numbers.find(np.array(asked)).tolist() == [known.get(one, -1) for one in asked]


def test_more_nodes_than_there_was_room_for():
    ids = np.random.default_rng(1).permutation(50_000).astype(np.int64) * 7 + 11
    numbers = NodeNumbers()
    for part in np.split(ids, 50):
        numbers.add(part, part / 1e3, part / 1e4)
    np.testing.assert_array_equal(numbers.find(ids), np.arange(ids.size))
    np.testing.assert_array_equal(numbers.places()[0], ids / 1e3)
    assert numbers.add(ids[:3], *2 * [np.full(3, np.nan)]).tolist() == [0, 1, 2]


def test_the_last_known_place_is_kept():
    numbers = NodeNumbers()
    nan = np.nan
    numbers.add(np.array([5, 5, 6, 5]), np.array([nan, 1.0, nan, nan]), np.array([nan, 2.0, nan, nan]))
    np.testing.assert_array_equal(numbers.places()[0], [1.0, nan])
    numbers.add(np.array([5]), np.array([3.0]), np.array([4.0]))
    np.testing.assert_array_equal(numbers.places()[1], [4.0, nan])


@given(st.integers(1, 30).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.integers(0, n - 1)))))
def test_renumbering_keeps_what_is_used(world):
    n_nodes, steps = world
    node = np.array(steps, dtype=np.int32)
    renumbered, row, used = renumber(node, n_nodes)
    met = list(dict.fromkeys(steps))
    assert used.tolist() == met
    np.testing.assert_array_equal(used[renumbered], node)
    assert row.tolist() == [met.index(one) if one in met else -1 for one in range(n_nodes)]
