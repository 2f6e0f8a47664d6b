"""Names that leave say so where they are used, and go on working."""

from __future__ import annotations

import pytest

from territory.errors import deprecated, warn_deprecated


@deprecated(instead="three(n)", removed_in="99.0")
def triple(number: int, *, plus: int = 0) -> int:
    """Triple a number."""
    return 3 * number + plus


def test_a_deprecated_function_works_and_names_its_replacement() -> None:
    with pytest.warns(DeprecationWarning, match="three") as said:
        assert triple(2, plus=1) == 7
    assert str(said[0].message) == "triple() : disparaîtra dans territory 99.0 ; écrivez three(n)."
    # the line to change is the one that calls
    assert said[0].filename == __file__
    assert (triple.__name__, triple.__doc__) == ("triple", "Triple a number.")


def test_a_deprecated_argument_is_shown_at_the_call() -> None:
    def measure(minutes: int) -> None:
        warn_deprecated("minutes=15", instead="minutes=(15,)", removed_in="99.0")

    with pytest.warns(DeprecationWarning, match=r"minutes=15 .* 99\.0 ; écrivez minutes=\(15,\)") as said:
        measure(15)
    assert said[0].filename == __file__
