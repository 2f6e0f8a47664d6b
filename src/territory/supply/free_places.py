"""Places that a new child could take, from what only the field knows."""

from __future__ import annotations

import numpy as np
import pandas as pd

from territory.errors import Problems, SchemaError, agree, examples

_HELD = {
    "closed_places": "places fermées",
    "creton_places": "places tenues au titre de l'amendement Creton",
    "elsewhere_places": "places tenues par des enfants d'ailleurs",
}


def available_places(
    authorised: pd.Series[float],
    *,
    closed: pd.Series[float] | None = None,
    creton: pd.Series[float] | None = None,
    from_elsewhere: pd.Series[float] | None = None,
) -> pd.DataFrame:
    r"""Count the places open to the children of the territory: authorised less closed, Creton and from elsewhere.

    .. math:: A = C - closed - creton - elsewhere

    What nobody has said is unknown, never 0: without the three numbers the result is NaN and says which one is
    missing.

    Parameters
    ----------
    authorised : Series
        Places by authorisation (or site); NaN = unknown.
    closed
        Places that are authorised and not open (works, staff missing), on the same ids.
    creton
        Places held by young adults under the amendement Creton (CASF L242-4).
    from_elsewhere
        Places held by children who live outside the territory. A young adult from elsewhere who is kept under the
        amendement Creton is counted there alone.

    Returns
    -------
    DataFrame
        On the index of `authorised`: `authorised_places`, `closed_places`, `creton_places`, `elsewhere_places`,
        `available_places` (NaN = unknown), `reason` (French, what is missing; empty otherwise).

    Raises
    ------
    SchemaError
        With every problem: counts that are negative or infinite, ids that `authorised` does not have or that come
        twice, more places held than authorised.

    Examples
    --------
    >>> places = pd.Series({"ime-x": 50.0, "ime-y": 30.0})
    >>> found = available_places(places, closed=pd.Series({"ime-x": 2, "ime-y": 0}),
    ...     creton=pd.Series({"ime-x": 4}), from_elsewhere=pd.Series({"ime-x": 1, "ime-y": 0}))
    >>> found["available_places"].to_list()
    [43.0, nan]
    >>> found["reason"].to_list()
    ['', "inconnu : places tenues au titre de l'amendement Creton"]
    """
    problems = Problems("Places disponibles", SchemaError)
    table = pd.DataFrame({"authorised_places": authorised.astype(float)})
    _check(authorised, "places autorisées", authorised.index, problems)
    for name, given in zip(_HELD, (closed, creton, from_elsewhere), strict=True):
        if given is None:
            table[name] = np.nan
            continue
        _check(given, _HELD[name], authorised.index, problems)
        table[name] = np.nan if given.index.has_duplicates else given.astype(float).reindex(authorised.index)
    held = table[list(_HELD)]
    # what is known to be held already exceeds what is authorised, whatever the rest
    beyond = held.sum(axis=1) > table["authorised_places"]
    if beyond.any():
        problems.add(
            f"{agree(int(beyond.sum()), 'autorisation(s) (a|ont)')} plus de places fermées ou tenues que d'autorisées "
            f"({examples(table.index[beyond])}) ; un enfant en surnombre ne tient pas de place autorisée"
        )
    problems.raise_if_any()
    table["available_places"] = table["authorised_places"] - held.sum(axis=1, skipna=False)
    labels = {"authorised_places": "places autorisées", **_HELD}
    table["reason"] = [
        "inconnu : " + ", ".join(missing) if missing else ""
        for missing in (
            [label for label, is_missing in zip(labels.values(), flags, strict=True) if is_missing]
            for flags in table[list(labels)].isna().to_numpy()
        )
    ]
    return table


def _check(counts: pd.Series[float], label: str, ids: pd.Index[str], problems: Problems) -> None:
    """Report counts that cannot be, and ids that are not known or come twice."""
    values = counts.to_numpy(float, na_value=np.nan)
    wrong = (values < 0) | np.isinf(values)
    if wrong.any():
        problems.add(f"{label} : nombres négatifs ou infinis ({examples(counts.index[wrong])})")
    if counts.index.has_duplicates:
        problems.add(
            f"{label} : identifiants en double ({examples(counts.index[counts.index.duplicated()])})"
        )
    unknown = counts.index.difference(ids)
    if len(unknown):
        problems.add(
            f"{label} : {agree(len(unknown), 'identifiant(s) sans places')} autorisées ({examples(unknown)})"
        )
