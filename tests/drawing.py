"""How many examples are drawn where one is costly: few in the fast suite, many in the slow one."""

from __future__ import annotations

from typing import Any

from hypothesis import settings

IS_FAST = settings.default is not None and settings.default.max_examples < 100


def examples(fast: int, slow: int, **more: Any) -> settings:
    """Return the settings of a test that tries so many examples in each suite."""
    return settings(deadline=None, max_examples=fast if IS_FAST else slow, **more)
