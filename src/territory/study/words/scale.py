"""What a study file says of a whole country: which départements, and how much memory a part of it may take."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, Field

# the 96 départements that one road map joins, Corsica by its ferries; each overseas one is a study of its own
METROPOLITAN = (
    *(f"{code:02}" for code in range(1, 20)),
    "2A",
    "2B",
    *(str(code) for code in range(21, 96)),
)
ALL = "all"
# more than the thirteen of the largest région: then no single map nor report is made
MANY_DEPARTEMENTS = 20


class Scale(BaseModel):
    """How a study of many départements is cut into parts.

    Attributes
    ----------
    batch_size
        Most communes of a part; by default what `memory_mb` allows.
    memory_mb
        Most memory of a part in the making, one per thread or worker (MB).
    with_distance
        Also keep road distances, which takes about twice as long.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    batch_size: int | None = Field(default=None, ge=1)
    memory_mb: float = Field(default=4_000, gt=0)
    with_distance: bool = False


def expand_departements(codes: Iterable[str]) -> tuple[str, ...]:
    """Return département codes, « all » standing for the 96 of metropolitan France.

    Examples
    --------
    >>> expand_departements(["83"]), len(expand_departements(["all"]))
    (('83',), 96)
    """
    listed = tuple(codes)
    return METROPOLITAN if ALL in listed else listed
