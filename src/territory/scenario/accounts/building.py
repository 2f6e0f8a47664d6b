"""What a building costs in a year, net of subsidies and rents, and per child accompanied."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import pandas as pd

from territory.errors import ParameterError
from territory.study.words.costs import Building

__all__ = ["annuity_eur", "building_costs"]

_PARTS = {
    "subsidies_eur": "subventions",
    "years": "durée",
    "discount_rate_share": "taux d'actualisation",
    "rents_avoided_eur": "loyers évités",
    "rents_paid_eur": "loyers à payer",
    "children_accompanied": "nombre d'enfants accompagnés",
}


def annuity_eur(capital_eur: float, *, years: float, rate_share: float) -> float:
    """Return the equal amount which, paid at the end of each year, is worth a capital paid today.

    Parameters
    ----------
    capital_eur
        What is paid at the start (€).
    years
        How long it is counted over (years).
    rate_share
        Discount rate of a year (0.032 for 3.2 %).

    Returns
    -------
    float
        € a year; NaN when one of the three is.

    Raises
    ------
    ParameterError
        If the years are not positive, or the rate is negative.

    Notes
    -----
    a = C r / (1 − (1 + r)⁻ⁿ), and C / n when r = 0.

    Examples
    --------
    >>> round(annuity_eur(1000.0, years=2, rate_share=0.10), 2)
    576.19
    """
    if years <= 0 or rate_share < 0:
        raise ParameterError(
            f"Annuité : {years:g} an(s) au taux de {rate_share:g} ; une durée positive et un taux positif ou nul "
            "sont attendus."
        )
    if rate_share == 0:
        return capital_eur / years
    return capital_eur * rate_share / -math.expm1(-years * math.log1p(rate_share))


def building_costs(buildings: Sequence[Building], scenarios: Iterable[str]) -> pd.DataFrame:
    """Count the yearly cost of the building that each scenario needs.

    Parameters
    ----------
    buildings
        Those of the study; one that names no scenario stands for every scenario that has none of its own.
    scenarios
        Ids of the scenarios, in their order.

    Returns
    -------
    DataFrame
        Index scenario (those that need a building): label, cost_eur, subsidies_low_eur, subsidies_high_eur,
        years, discount_rate_share, annuity_low_eur and annuity_high_eur (cost less subsidies, per year),
        rents_avoided_eur, rents_paid_eur, net_low_eur and net_high_eur (annuity, plus rents paid, less rents
        avoided, per year), children_accompanied, per_child_low_eur, per_child_high_eur, source, year,
        assumptions, missing (French: what is unknown, because of which later columns are NaN). The low side has
        the high subsidies.

    Examples
    --------
    >>> one = Building(label="essai", cost_eur=1200.0, source="devis", year=2024, subsidies_low_eur=0,
    ...     subsidies_high_eur=200, years=10, discount_rate_share=0, rents_avoided_eur=20, rents_paid_eur=0,
    ...     children_accompanied=10)
    >>> building_costs([one], ["B"])[["annuity_high_eur", "net_low_eur", "per_child_low_eur"]].loc["B"].tolist()
    [120.0, 80.0, 8.0]
    """
    own = {name: building for building in buildings for name in building.scenarios}
    common = next((building for building in buildings if not building.scenarios), None)
    rows = {name: _cost(own.get(name, common)) for name in scenarios}
    kept = {name: row for name, row in rows.items() if row}
    return pd.DataFrame.from_dict(kept, orient="index").rename_axis("scenario")


def _cost(building: Building | None) -> dict[str, object]:
    """Return the yearly cost of one building, nothing without one."""
    if building is None:
        return {}
    low_subsidies, high_subsidies = building.subsidies_eur
    years, rate, avoided, paid, children = (
        math.nan if value is None else value
        for value in (
            building.years,
            building.discount_rate_share,
            building.rents_avoided_eur,
            building.rents_paid_eur,
            building.children_accompanied,
        )
    )
    annuities = [
        annuity_eur(building.cost_eur - subsidies, years=years, rate_share=rate)
        for subsidies in (high_subsidies, low_subsidies)
    ]
    nets = [annuity + paid - avoided for annuity in annuities]
    unknown = {"subsidies_eur": math.isnan(low_subsidies)}
    unknown |= {name: getattr(building, name) is None for name in _PARTS if name != "subsidies_eur"}
    return {
        "label": building.label,
        "cost_eur": building.cost_eur,
        "subsidies_low_eur": low_subsidies,
        "subsidies_high_eur": high_subsidies,
        "years": years,
        "discount_rate_share": rate,
        "annuity_low_eur": annuities[0],
        "annuity_high_eur": annuities[1],
        "rents_avoided_eur": avoided,
        "rents_paid_eur": paid,
        "net_low_eur": nets[0],
        "net_high_eur": nets[1],
        "children_accompanied": children,
        "per_child_low_eur": nets[0] / children,
        "per_child_high_eur": nets[1] / children,
        "source": building.source,
        "year": building.year,
        "assumptions": building.assumptions,
        "missing": " ; ".join(_PARTS[name] for name in _PARTS if unknown[name]),
    }
