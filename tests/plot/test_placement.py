"""Labels on a map."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from territory.plot.maps.shapes import Box, Label, place_labels, text_size

FRAME = Box(0, 0, 300, 200)


@given(
    st.lists(
        st.tuples(st.floats(0, 300), st.floats(0, 200), st.sampled_from(["Aups", "Le Muy", "Trans"])),
        max_size=40,
    )
)
def test_labels_never_collide_and_stay_inside(points: list[tuple[float, float, str]]) -> None:
    labels = [Label(text, x, y, 7) for x, y, text in points]
    placed = place_labels(labels, frame=FRAME, obstacles=[Box(100, 50, 160, 90)])
    boxes = [spot.box for spot in placed]
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))
    assert all(box.inside(FRAME) for box in boxes)
    assert not any(box.overlaps(Box(100, 50, 160, 90)) for box in boxes)


def test_the_first_label_wins() -> None:
    labels = [Label("Draguignan", 150, 100, 8, gap=0), Label("Trans", 150, 100, 8, gap=0)]
    assert [spot.label.text for spot in place_labels(labels, frame=FRAME)] == ["Draguignan"]


def test_a_crowded_label_moves_farther() -> None:
    wall = Box(140, 90, 160, 110)
    (spot,) = place_labels([Label("A", 150, 100, 8, gap=3)], frame=FRAME, obstacles=[wall], reach=6)
    assert spot.is_moved
    assert not spot.box.overlaps(wall)


def test_empty_text_takes_no_room() -> None:
    assert text_size("", 8) == (0.0, 0.0)
    assert text_size("a\nb", 8)[1] > text_size("a", 8)[1]
