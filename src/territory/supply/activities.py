"""Types of activity of FINESS: the service, the mode of reception and the unit that a line of equipment stands for."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from territory.errors import ParameterError, agree, examples, warn
from territory.sources.producers.finess.sites import CATEGORIES, SESSAD_TYPE_CATEGORIES, Category
from territory.tables.codes import lines_of

TEMPORARY = "_temporaire"
_IN_HOMES = "16"


@dataclass(frozen=True)
class Activity:
    """A FINESS type of activity: the labels it goes by and its mode of reception (None = none of the five)."""

    labels: tuple[str, ...]
    reception_mode: str | None
    is_temporary: bool = False


# types of activity (ANS, TRE_R209, 2026), with the labels of older extracts; two modes in one code that FINESS
# does not tell apart are « tous modes », a class of its own
ACTIVITIES = {
    line["activity"]: Activity(
        tuple(filter(None, (line["label"], line["older_label"]))),
        line["reception_mode"] or None,
        line["is_temporary"] == "yes",
    )
    for line in lines_of("activities.csv", "territory.supply")
}


def classify_equipment(
    category: pd.Series[str],
    activity: pd.Series[str],
    *,
    categories: Mapping[str, Category] = CATEGORIES,
) -> pd.DataFrame:
    """Say what each line of FINESS equipment is: its service, mode and unit of capacity.

    « Prestation en milieu ordinaire » is a SESSAD in the children's categories of `SESSAD_TYPE_CATEGORIES`, an
    IME's as well as a SESSAD's; in all others (home help, home nursing, SAVS, child protection) it stays the
    service of its category. Temporary reception is a service apart (`ime_temporaire`): its places are not open
    to an orientation.

    Parameters
    ----------
    category
        FINESS category of the establishment (`categetab`), three digits as text.
    activity
        Type of activity on the same index, as its code (`ta`: "16") or its label (`libta`); NaN = none given.
    categories
        Services by category; add your own as `{**CATEGORIES, "177": Category("mecs")}`.

    Returns
    -------
    DataFrame
        On the index of `category`: `service` (None = a category that is not in `categories`), `reception_mode`
        (None = the activity is unknown or none of the five modes), `capacity_unit` (places, file_active or
        None), `delivered_at_home`, `is_sessad_type`.

    Raises
    ------
    ParameterError
        If the two series are not on the same index.

    Warns
    -----
    TerritoryWarning
        With the number of lines of a known service whose activity is none of the five modes.

    Examples
    --------
    >>> lines = classify_equipment(pd.Series(["183", "183", "354"]), pd.Series(["13", "16", "16"]))
    >>> lines[["service", "reception_mode"]].agg(" ".join, axis=1).to_list()
    ['ime semi_internat', 'sessad milieu_ordinaire', 'ssiad milieu_ordinaire']
    """
    if not category.index.equals(activity.index):
        raise ParameterError("Catégories et activités FINESS : les deux index diffèrent.")
    pairs = pd.DataFrame({"category": category.astype("str"), "activity": activity.astype("str")})
    pairs["activity"] = pairs["activity"].replace("", np.nan)
    # a file has some hundred distinct pairs, whatever its length
    distinct = pairs.drop_duplicates().reset_index(drop=True)
    given = [activity if isinstance(activity, str) else "" for activity in distinct["activity"]]
    codes = [one.zfill(2) if one.zfill(2) in ACTIVITIES else _CODES.get(_plain(one)) for one in given]
    said = pd.DataFrame(
        [_classify(cat, code, categories) for cat, code in zip(distinct["category"], codes, strict=True)],
        columns=["service", "reception_mode", "capacity_unit", "delivered_at_home", "is_sessad_type"],
    )
    for name in ("service", "reception_mode", "capacity_unit"):
        said[name] = said[name].astype("str")
    found = pairs.merge(pd.concat([distinct, said], axis=1), on=["category", "activity"], how="left")
    without = found["service"].notna() & found["activity"].notna() & found["reception_mode"].isna()
    if without.any():
        warn(
            f"FINESS : {agree(int(without.sum()), 'ligne(s)')} d'un type d'activité sans mode d'accueil connu "
            f"({examples(found.loc[without, 'activity'].unique())}) ; leur mode est laissé inconnu.",
            stacklevel=3,
        )
    return found.set_index(category.index).drop(columns=["category", "activity"])


def _classify(
    category: object, code: object, categories: Mapping[str, Category]
) -> tuple[str | None, str | None, str | None, bool, bool]:
    """Return service, mode, unit, delivered at home and SESSAD type of one category and activity."""
    kept = categories.get(str(category)) if isinstance(category, str) else None
    done = ACTIVITIES.get(code) if isinstance(code, str) else None
    if kept is None:
        return None, done.reception_mode if done else None, None, False, False
    is_sessad = code == _IN_HOMES and category in SESSAD_TYPE_CATEGORIES
    service = "sessad" if is_sessad else kept.service
    if done is not None and done.is_temporary:
        service += TEMPORARY
    mode = done.reception_mode if done else None
    if kept.is_ambulatory:
        mode = "ambulatoire" if mode != "milieu_ordinaire" else mode
    # a day place of a SESSAD is at its site
    at_home = code == _IN_HOMES or (kept.is_at_home and mode is None)
    return service, mode, kept.capacity_unit, at_home, is_sessad


def _plain(label: str) -> str:
    """Return a label without accents, capitals and punctuation, which vary between extracts."""
    letters = unicodedata.normalize("NFKD", label).casefold()
    return "".join(letter for letter in letters if letter.isalnum())


_CODES = {_plain(label): code for code, activity in ACTIVITIES.items() for label in activity.labels}
