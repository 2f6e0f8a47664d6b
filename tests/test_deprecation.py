"""Names that leave say so where they are used, and go on working."""

from __future__ import annotations

import pytest

from territory.errors import warn_deprecated


def test_a_deprecated_argument_is_shown_at_the_call() -> None:
    def measure(minutes: int) -> None:
        warn_deprecated("minutes=15", instead="minutes=(15,)", removed_in="99.0")

    with pytest.warns(DeprecationWarning, match=r"minutes=15 .* 99\.0 ; écrivez minutes=\(15,\)") as said:
        measure(15)
    assert said[0].filename == __file__
