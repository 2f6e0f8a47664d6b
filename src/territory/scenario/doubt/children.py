"""Children likely served: of ten, how many would have a shorter or a longer trip, under every variant of who comes.

A child enters by an orientation of the CDAPH and when a place is free, not by choice: where the children served live
is unknown until observed. So several laws of who comes are tried: what they all say is told from what hangs on one.
"""

import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from territory import supply
from territory.access import choice_shares, decay
from territory.access.pairs import Bools, cutoff_of
from territory.errors import agree
from territory.scenario.doubt.draws import draw_trips
from territory.scenario.doubt.random_errors import Doubt, Floats, doubt_of, ends_of
from territory.scenario.doubt.summaries import under
from territory.scenario.measures.places import attraction_of, kind_of, sector_of, sector_reason, users_of
from territory.scenario.results import Comparison, Results
from territory.study.own_tables import complete_kinds, sites_of_kinds
from territory.study.state import State
from territory.study.words.indicators import Uncertainty

FLAT_MIN, HALVING_MIN = (30, 45, 60), (10, 15, 20)
SHARED = "_shared"
OBSERVED, SECTOR = "observed", "sector"
# children of an establishment whose places are unknown: an illustration, and said to be one
ILLUSTRATED = 50
DRAWS = 2000
TEN = 10
CLASSES = ("shorter", "longer", "same", "without", "unknown")
# a child in ten, and half of them
_SOME, _MOST = 0.1, 0.5
_STREAM = 12
NO_AGES = "âges reçus inconnus : donnez-les dans un [[service]]"
NOBODY = "personne à portée dans cette variante"


@dataclass(frozen=True)
class LikelyChildren:
    """What the variants say of the children likely served by each service that a scenario changes.

    `variants`: shares of children by class, the same out of ten, and as children with their interval (NaN without
    draws, and where children are observed). `findings`: what holds in all, some or none of them. `origins`: where the
    children of today's site likely live, in the variant that is quoted.
    """

    variants: pd.DataFrame
    findings: pd.DataFrame
    origins: pd.DataFrame

    def __repr__(self) -> str:
        return f"LikelyChildren({len(self.variants)} rows of variants)"


class _Who(NamedTuple):
    """Who the children of one service may be: a weight by commune for each variant, and what is said of them."""

    persons: Floats
    # decay of the time to today's site (None = none), and the share of the site among those that compete
    variants: Mapping[str, tuple[decay.Decay | None, Floats]]
    children: int
    is_illustrative: bool
    headline: str
    competitors: int
    is_complete: bool
    reason: str


def likely_children(
    baseline: Results,
    scenarios: Mapping[str, Results],
    comparisons: Mapping[str, Comparison],
    *,
    seed: int,
    options: Uncertainty,
) -> LikelyChildren:
    """Say what each scenario does to the children likely served, under every variant of who they are.

    The weight of a commune is ``persons x decay(time to today's site) x share of the site`` among the listed sites of
    the same kind (Huff 1964). Observed children stand for all of it, a known sector for the decay. In each draw of the
    times, children are drawn from these weights: a trip differs when its drawn change reaches the detectable size.
    """
    doubt = doubt_of(baseline.state, seed=seed, options=options)
    rows: dict[tuple[str, str, str], dict[str, object]] = {}
    whose: dict[str, _Who] = {}
    for name, comparison in comparisons.items():
        for service in comparison.services:
            if service not in whose:
                whose[service] = _who(baseline, scenarios[name], service)
            given = (baseline, scenarios[name], comparison)
            found = _of_service(name, *given, service, whose[service], doubt, options.level)
            rows |= {(name, service, variant): row for variant, row in found}
    origins = [
        _origins(baseline, service, who, doubt, options.level)
        for service, who in whose.items()
        if who.headline not in (OBSERVED, "")
    ]
    variants = pd.DataFrame.from_dict(rows, orient="index")
    if len(variants):
        variants.index = pd.MultiIndex.from_tuples(list(rows), names=["scenario", "service", "variant"])
    return LikelyChildren(
        variants,
        findings_of(variants) if len(variants) else pd.DataFrame(),
        pd.concat(origins) if origins else pd.DataFrame(),
    )


def out_of_ten(shares: Sequence[float], *, total: int = TEN) -> list[int]:
    """Round shares of a whole to whole numbers that add up to a total, the largest remainders first."""
    exact = np.asarray(shares, dtype=float) * total
    found = np.floor(exact + 1e-9).astype(int)
    found[np.argsort(-np.round(exact - found, 9), kind="stable")[: total - int(found.sum())]] += 1
    return [int(value) for value in found]


def findings_of(variants: pd.DataFrame) -> pd.DataFrame:
    """Tell what stays true in every variant: one child in ten at least, or for `more_…`; half for `mostly_same`."""
    of = {name: variants[f"{name}_share"] for name in CLASSES}
    ten = {name: variants[f"{name}_of_10"].astype(float) for name in CLASSES}
    asked = {
        "some_shorter": (of["shorter"] - _SOME, ten["shorter"]),
        "some_longer": (of["longer"] - _SOME, ten["longer"]),
        "more_shorter": (of["shorter"] - of["longer"] - _SOME, ten["shorter"] - ten["longer"]),
        "more_longer": (of["longer"] - of["shorter"] - _SOME, ten["longer"] - ten["shorter"]),
        "mostly_same": (of["same"] - _MOST, ten["same"]),
        "some_without": (of["without"] - _SOME, ten["without"]),
    }
    margins, counts = (pd.DataFrame({name: both[place] for name, both in asked.items()}) for place in (0, 1))
    keys = ["scenario", "service"]
    known, true, numbers = (
        table.rename_axis(columns="finding").groupby(level=keys, sort=False)
        for table in (margins.notna(), margins >= -1e-9, counts)
    )
    # (scenario, service) by finding, then one row for each
    wide = (known.all(), true.sum(), known.count(), numbers.min(), numbers.max())
    is_known, true_count, count, low, high = (table.T.unstack() for table in wide)
    held = [~is_known, true_count == count, true_count == 0]
    holds = np.select(held, ["unknown", "always", "never"], default="sometimes")
    columns = {"true_count": true_count, "variant_count": count, "low_of_10": low, "high_of_10": high}
    return pd.DataFrame({"holds": holds, **columns})


def _who(baseline: Results, scenario: Results, service: str, *, quoted: bool = False) -> _Who:
    """Return who the children of a service may be (in the variant quoted alone); of one that only opens, after."""
    state = baseline.state
    rows = supply.rows_serving(state.services, service)
    if rows.empty:
        state = scenario.state
        rows = supply.rows_serving(state.services, service)
    codes = pd.Index(sorted(state.communes.index), dtype=object)
    one = np.ones(len(codes))
    counted = rows["capacity"].where(rows["capacity_unit"] == "places")
    places = float(counted.sum()) if len(rows) and counted.notna().all() else math.nan
    count, is_supposed = (round(places), False) if places >= 1 else (ILLUSTRATED, True)
    who = _Who(one, {}, count, is_supposed, "", 0, False, "")
    if (served := state.children_served({service})) is not None:
        who = who._replace(persons=_by_code(served, codes), headline=OBSERVED)
        total = round(float(np.nansum(who.persons)))
        return who._replace(children=total, is_illustrative=False, variants={OBSERVED: (None, one)})
    if reason := sector_reason(state, service):
        return who._replace(reason=reason)
    if (persons := users_of(state, rows, service)) is None:
        return who._replace(reason=NO_AGES)
    who = who._replace(persons=_by_code(persons, codes))
    if (sector := sector_of(state, service)) is not None:
        return who._replace(variants={SECTOR: (None, _by_code(sector.astype(float), codes))}, headline=SECTOR)
    return _with_variants(who, state, service, rows, codes, quoted=quoted)


def _with_variants(
    who: _Who, state: State, service: str, rows: pd.DataFrame, codes: pd.Index, *, quoted: bool
) -> _Who:
    """Return the same with every decay, alone and with the sites of the same kind that are listed."""
    asked, reach = state.parameters, cutoff_of(state.travel_times)
    limits = sorted({*map(float, FLAT_MIN), asked.recruitment_max_min})
    laws: dict[str, decay.Decay] = {f"flat_{most:g}": decay.binary(most) for most in limits if most <= reach}
    longest = max(asked.recruitment_max_min, *asked.recruitment_tests_min)
    for half in HALVING_MIN:
        laws[f"halving_{half}"] = decay.exponential(math.log(2) / half, max_time_min=longest)
    quoted_law = f"flat_{asked.recruitment_max_min:g}"
    laws = {name: law for name, law in laws.items() if not quoted or name == quoted_law}
    kind = kind_of(state.services, service)
    own = set(map(str, rows.index.get_level_values("site_id")))
    others = [] if kind is None else [one for one in sites_of_kinds(state.services, [kind]) if one not in own]
    one = np.ones(len(codes))
    variants: dict[str, tuple[decay.Decay | None, Floats]] = {name: (law, one) for name, law in laws.items()}
    complete = kind is not None and kind in complete_kinds(state.services)
    if others:
        attraction = attraction_of(state, str(kind), [*sorted(own), *others])
        times = state.times_to(list(attraction.index)).astype({"from_id": "str", "to_id": "str"})
        times.attrs = dict(state.travel_times.attrs)
        for name, law in laws.items():
            shares = choice_shares(times, codes.astype("str"), attraction, decay=law)
            variants[name + SHARED] = (law, shares[sorted(own)].sum(axis=1, skipna=False).to_numpy(float))
    headline = quoted_law + (SHARED if others and complete else "")
    return who._replace(variants=variants, headline=headline, competitors=len(others), is_complete=complete)


def likely_homes(baseline: Results, service: str, children: int | None) -> tuple[Any, ...] | None:
    """Return where the children of today's site likely live (`children` of them where places are unknown).

    Codes of communes and their weights in the variant that is quoted, how many children, whether that number is an
    illustration, and whether they are observed.
    """
    who = _who(baseline, baseline, service, quoted=True)
    if who.reason:
        return None
    law, share = who.variants[who.headline]
    minutes = baseline.access.xs(service, level="service")["travel_time_min"]
    codes = pd.Index(sorted(baseline.state.communes.index), dtype=object)
    weights = np.nan_to_num(_weights(who.persons * share, law, _by_code(minutes, codes)))
    is_observed = who.headline == OBSERVED
    supposed = None if is_observed else children
    said = (supposed or who.children, who.is_illustrative or supposed is not None, is_observed)
    return (codes.to_numpy(), weights, *said) if weights.sum() > 0 else None


def _by_code(values: "pd.Series[float]", codes: pd.Index) -> Floats:
    """Return values in the order of the communes of the draws."""
    return np.asarray(values.reindex(codes), dtype=np.float64)


def _of_service(
    name: str,
    baseline: Results,
    scenario: Results,
    comparison: Comparison,
    service: str,
    who: _Who,
    doubt: Doubt,
    level: float,
) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield each variant of one service in one scenario."""
    count = {"children_count": who.children, "is_illustrative": who.is_illustrative}
    said = {"competitor_count": 0, "is_complete_list": who.is_complete, **count}
    if who.reason:
        yield "", {**_numbers(None), **said, "is_headline": True, "reason": who.reason}
        return
    rows = pd.DataFrame(comparison.communes.xs(service, level="service")).reindex(doubt.communes)
    # times to today's site, those of the scenario where there is none today
    side = "scenario" if rows["baseline_travel_time_min"].isna().all() else "baseline"
    minutes = rows[f"{side}_travel_time_min"].to_numpy(float)
    unknown = int((rows["effect"].eq("unknown") & (who.persons != 0)).sum())
    lacking = agree(unknown, "commune(s) au temps inconnu, non comptée(s)") if unknown else ""
    drawn = None
    # a draw tells where the children observed live no better: their interval would, once printed
    if doubt.draws and who.headline != OBSERVED:
        trips = draw_trips(baseline, scenario, service, rows["detectable_min"], doubt)
        drawn_min = np.where(np.isfinite(trips[0]), trips[0], trips[1])
        drawn = (drawn_min, _drawn_classes(*trips, rows["detectable_min"]))
    for variant, (law, share) in who.variants.items():
        fixed = who.persons * share
        found = _classes(rows) @ np.nan_to_num(_weights(fixed, law, minutes))
        shares = found / found.sum() if found.sum() > 0 else None
        counts = None
        if drawn is not None and shares is not None:
            seeds = [doubt.seed, _STREAM, zlib.crc32(f"{name}|{service}|{variant}".encode())]
            counts = _drawn_counts(fixed, law, *drawn, who.children, seeds)
        row = _numbers(shares, who.children, counts, level)
        reason = NOBODY if shares is None else lacking
        if variant.endswith(SHARED):
            row["competitor_count"] = who.competitors
        yield variant, {**said, **row, "is_headline": variant == who.headline, "reason": reason}


def _weights(fixed: Floats, law: decay.Decay | None, minutes: Floats) -> Floats:
    """Return the weight of each commune; 0 persons weigh nothing, whatever the time."""
    return fixed if law is None else np.where(fixed == 0, 0.0, fixed * law(minutes))


def _classes(rows: pd.DataFrame) -> Floats:
    """Return which class each commune is in, classes x communes, by the rule of gain and loss."""
    change = rows["delta_travel_time_min"].to_numpy(float)
    told = rows["is_distinguishable"].fillna(False).to_numpy(bool)
    before, after = (rows[f"{side}_travel_time_min"].notna().to_numpy() for side in ("baseline", "scenario"))
    known = rows["effect"].ne("unknown").to_numpy(bool)
    # a service that opens is a shorter trip for whoever had none
    shorter = (told & (change < 0)) | (known & ~before & after)
    without = known & before & ~after
    longer = told & (change > 0)
    same = known & before & after & ~shorter & ~longer
    rest = ~(shorter | longer | same | without)
    return np.stack([shorter, longer, same, without, rest]).astype(float)


def _drawn_classes(today: Floats, later: Floats, detectable: "pd.Series[float]") -> tuple[Bools, ...]:
    """Return where each draw has a shorter, a longer, an equal trip or none: communes x draws."""
    size = detectable.to_numpy(float)[:, None]
    with np.errstate(invalid="ignore"):
        change = later - today
    shorter = ((-change >= size) & (change < 0)) | (np.isinf(today) & np.isfinite(later))
    longer = (change >= size) & (change > 0) & np.isfinite(later)
    without = np.isfinite(today) & np.isinf(later)
    unknown = np.isnan(today) | np.isnan(later)
    return shorter, longer, ~(shorter | longer | without | unknown), without, unknown


def _drawn_counts(
    fixed: Floats,
    law: decay.Decay | None,
    minutes: Floats,
    classes: tuple[Bools, ...],
    count: int,
    seeds: Sequence[int],
) -> Floats | None:
    """Return the children of each class in each draw of the times and of the children, classes x draws."""
    kept = np.flatnonzero(np.nan_to_num(fixed) > 0)
    weights = fixed[kept, None] if law is None else fixed[kept, None] * law(minutes[kept])
    weights = np.broadcast_to(np.nan_to_num(weights), (len(kept), minutes.shape[1]))
    parts = np.stack([np.einsum("cd,cd->d", weights, one[kept].astype(float)) for one in classes])
    total = parts.sum(axis=0)
    return None if not (total > 0).all() else _children(parts / total, count, seeds)


def _children(parts: Floats, count: int, seeds: Sequence[int]) -> Floats:
    """Draw children among classes, several times under each draw of the times: classes x all draws."""
    again = -(-DRAWS // parts.shape[1])
    every = np.clip(np.repeat(parts.T, again, axis=0), 0.0, 1.0)
    every /= every.sum(axis=1, keepdims=True)
    return np.random.default_rng(list(seeds)).multinomial(count, every).T.astype(float)


def _numbers(
    shares: Floats | None, count: int = 0, counts: Floats | None = None, level: float = 0.9
) -> dict[str, object]:
    """Return shares, children in ten, and children with their interval, class by class."""
    found: dict[str, object] = {}
    ten = [math.nan] * len(CLASSES) if shares is None else out_of_ten(shares.tolist())
    low, high = (None, None) if counts is None else ends_of(counts, level)
    for place, name in enumerate(CLASSES):
        value = math.nan if shares is None else float(shares[place])
        found |= {f"{name}_share": value, f"{name}_of_10": ten[place], f"{name}_children": value * count}
        found[f"{name}_children_low"] = math.nan if low is None else min(float(low[place]), value * count)
        found[f"{name}_children_high"] = math.nan if high is None else max(float(high[place]), value * count)
    return found


def _origins(baseline: Results, service: str, who: _Who, doubt: Doubt, level: float) -> pd.DataFrame:
    """Return where the children of today's site likely live, by EPCI."""
    access = pd.DataFrame(baseline.access.xs(service, level="service")).reindex(doubt.communes)
    law, share = who.variants[who.headline]
    weights = np.nan_to_num(_weights(who.persons * share, law, access["travel_time_min"].to_numpy(float)))
    epci = baseline.state.communes["epci_code"].fillna("").reindex(doubt.communes).astype(str)
    summed = pd.Series(weights, index=doubt.communes).groupby(epci.to_numpy()).sum()
    summed = summed[summed > 0].sort_values(ascending=False, kind="stable")
    shares = np.asarray(summed / summed.sum(), dtype=np.float64)
    low = high = np.full(len(shares), math.nan)
    if doubt.draws and len(shares):
        seeds = [doubt.seed, _STREAM, zlib.crc32(service.encode())]
        low, high = ends_of(_children(shares[:, None], who.children, seeds), level)
    columns = {
        "children_share": shares,
        "likely_children": shares * who.children,
        "children_low": low,
        "children_high": high,
        "children_count": who.children,
        "is_illustrative": who.is_illustrative,
    }
    table = pd.DataFrame(columns, index=summed.index)
    return under(table, {"service": [service], "zone": table.index})
