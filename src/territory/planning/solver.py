"""The only door to HiGHS: one mixed-integer problem, with its bound, its gap and its time limit."""

import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp

from territory.access.pairs import Bools, Floats
from territory.errors import ParameterError, Problems

Positions = NDArray[np.intp]

# status codes of scipy.optimize.milp
_LIMIT, _INFEASIBLE = 1, 2
# two numbers closer than this share are the same number
ROUNDING = 1e-9
# HiGHS stops at this distance from its bound
_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Search:
    """How long to search and which gap is enough; the deadline runs from its making."""

    time_limit_s: float
    mip_gap: float
    deadline: float

    def left_s(self) -> float:
        """Return the seconds left, never under a tenth: a solver needs some to say anything."""
        return max(0.1, self.deadline - time.perf_counter())

    @property
    def is_over(self) -> bool:
        """Tell whether the time is up."""
        return time.perf_counter() >= self.deadline

    def status(self, objective: float, bound: float) -> str:
        """Return what the gap between a solution and its bound allows to say."""
        gap = relative_gap(objective, bound)
        if gap <= _TOLERANCE:
            return "optimal"
        if gap <= self.mip_gap * (1 + _TOLERANCE):
            return "within_gap"
        return "time_limit" if self.is_over else "not_proven"

    def is_enough(self, objective: float, bound: float) -> bool:
        """Tell whether a solution is close enough to its bound to stop."""
        return math.isfinite(objective) and self.status(objective, bound) in ("optimal", "within_gap")


@dataclass(frozen=True)
class Solution:
    """Values of the variables (None without any), objective and bound of one mixed-integer problem."""

    values: Floats | None
    objective: float
    bound: float
    is_infeasible: bool


def start_search(time_limit_s: float, mip_gap: float, problems: Problems) -> Search:
    """Return the limits of a search, or add what is wrong with them."""
    if not (math.isfinite(time_limit_s) and time_limit_s > 0):
        problems.add(f"time_limit_s = {time_limit_s} : un nombre de secondes positif est attendu")
    if not 0 <= mip_gap < 1:
        problems.add(f"mip_gap = {mip_gap} : une part de 0 à 1 est attendue (0,01 pour 1 %)")
    return Search(time_limit_s, mip_gap, time.perf_counter() + time_limit_s)


def relative_gap(objective: float, bound: float) -> float:
    """Return the distance between a solution and its bound, as a share of the solution."""
    distance = abs(objective - bound)
    return 0.0 if distance == 0 else distance / max(abs(objective), 1e-12)


def minimise(
    cost: Floats,
    constraints: list[LinearConstraint],
    *,
    integer: Bools,
    search: Search,
    lower: Floats | float = 0.0,
    upper: Floats | float = 1.0,
    any_solution: bool = False,
) -> Solution:
    """Minimise a cost under constraints; with `any_solution`, the question is only whether there is one."""
    options: Any = {"time_limit": search.left_s(), "mip_rel_gap": 1e9 if any_solution else search.mip_gap}
    whole, bounds = integer.astype(np.uint8), Bounds(lower, upper)
    answer = milp(cost, constraints=constraints, integrality=whole, bounds=bounds, options=options)
    if answer.status == _INFEASIBLE:
        return Solution(None, math.inf, math.inf, True)
    bound = getattr(answer, "mip_dual_bound", None)
    if answer.x is None:
        if answer.status != _LIMIT:
            raise RuntimeError(f"HiGHS: {answer.message}")
        return Solution(None, math.inf, -math.inf if bound is None else float(bound), False)
    objective = float(answer.fun)
    return Solution(np.asarray(answer.x), objective, objective if bound is None else float(bound), False)


def spread(rows: Any, *, before: int = 0, after: int = 0) -> sp.csr_array:
    """Return rows with empty columns on either side: those of the other variables."""
    count = rows.shape[0]
    parts = [sp.csr_array((count, before)), sp.csr_array(rows), sp.csr_array((count, after))]
    return sp.csr_array(sp.hstack(parts))


def no_answer(search: Search) -> ParameterError:
    """Return the error of a search that ended before any solution."""
    said = f"Aucune solution trouvée en {search.time_limit_s:g} s, et rien ne prouve qu'il n'y en ait pas"
    return ParameterError(f"{said} : augmentez time_limit_s, ou réduisez le nombre de candidats.")
