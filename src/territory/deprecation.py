"""Names that leave: they still work, and say what replaces them and until when (see docs/releasing.md).

It stands alone: any room may need it.
"""

import functools
import warnings
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def warn_deprecated(
    what: str,
    *,
    instead: str,
    removed_in: str,
    category: type[Warning] = DeprecationWarning,
    stacklevel: int = 2,
) -> None:
    """Say that something leaves, what replaces it, and the version that no longer has it."""
    message = f"{what} : disparaîtra dans territory {removed_in} ; écrivez {instead}."
    warnings.warn(message, category, stacklevel=stacklevel + 1)


def deprecated(*, instead: str, removed_in: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Mark a function that leaves: each call says so, at the line that calls."""

    def mark(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def marked(*args: P.args, **kwargs: P.kwargs) -> R:
            warn_deprecated(f"{function.__name__}()", instead=instead, removed_in=removed_in, stacklevel=2)
            return function(*args, **kwargs)

        return marked

    return mark
