"""Persons by age band from a total and published shares, adding up exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from territory.errors import ParameterError, agree, examples

if TYPE_CHECKING:
    import pandas as pd

# a band is a whole number of 1024ths of a person: such numbers add up without rounding
_GRAIN = 1024
_BANDS = {"0-14": (0, 14), "0-24": (0, 24), "15-24": (15, 24), "25-64": (25, 64), "65+": (65, None)}


def population_by_band(
    total: pd.Series, shares: pd.DataFrame, young_share: pd.Series, *, vintage: str
) -> pd.DataFrame:
    """Share out the population of each commune by its shares under 25, 25 to 64, 65 or over, and of 0 to 14.

    Shares are rounded by the producer: they are first made to add up to one. Where 0 to 14 is not published, one band
    goes from 0 to 24.
    """
    import pandas as pd

    under_25, adults = (shares.iloc[:, column] / shares.sum(axis=1) for column in range(2))
    # nobody has no age: a commune without inhabitants lacks nothing
    unknown = total.index[(shares.isna().any(axis=1) & (total != 0)) | total.isna()]
    under_25, adults = under_25.where(total != 0, 0.0), adults.where(total != 0, 0.0)
    if len(unknown):
        said = agree(len(unknown), "commune(s) sans parts d'âge")
        raise ParameterError(f"{said} ({examples(unknown)}).")
    reversed_bands = total.index[young_share > under_25]
    if len(reversed_bands):
        where = f"{agree(len(reversed_bands), 'commune(s)')} ({examples(reversed_bands)})"
        raise ParameterError(f"Plus de 0-14 ans que de moins de 25 ans dans {where}.")
    counts = pd.DataFrame(
        {
            "0-14": (total * young_share * _GRAIN).round() / _GRAIN,
            "0-24": (total * under_25 * _GRAIN).round() / _GRAIN,
            "25-64": (total * adults * _GRAIN).round() / _GRAIN,
        }
    )
    counts["65+"] = total - counts["0-24"] - counts["25-64"]
    counts["15-24"] = counts["0-24"] - counts["0-14"]
    # one band from 0 to 24 only where nothing finer is known
    counts["0-24"] = counts["0-24"].where(counts["0-14"].isna())
    index = pd.MultiIndex.from_product([counts.index, _BANDS], names=["commune_code", "band"])
    long = pd.Series(counts[list(_BANDS)].to_numpy().ravel(), index=index, name="population").dropna()
    table = long.reset_index()
    table["age_min"] = table["band"].map({band: ages[0] for band, ages in _BANDS.items()})
    table["age_max"] = table["band"].map({band: ages[1] for band, ages in _BANDS.items()}).astype("float64")
    table["vintage"] = vintage
    return table.set_index(["commune_code", "age_min", "age_max"])[["population", "vintage"]]


def population_like(total: pd.Series, persons: pd.Series, *, vintage: str) -> pd.DataFrame:
    """Share out the population of each commune as the persons of a census are between age bands.

    To a 1024th of a person; the largest band takes what rounding leaves, so that bands add up exactly.
    """
    import pandas as pd

    table = persons.rename("persons").reset_index()
    table = table[table["commune_code"].isin(total.index)]
    known = table.groupby("commune_code")["persons"].sum(skipna=False).reindex(total.index)
    lost = total.index[total.isna() | known.isna() | ((known == 0) & (total > 0))]
    if len(lost):
        said = agree(len(lost), "commune(s) sans tranches d'âge")
        raise ParameterError(f"{said} ({examples(lost)}).")
    order = pd.Series(range(len(total)), index=total.index)
    table = table.assign(order=table["commune_code"].map(order)).sort_values(
        ["order", "age_min"], kind="stable"
    )
    code = table["commune_code"]
    share = table["persons"] / code.map(known).where(code.map(known) > 0, 1.0)
    counts = (code.map(total) * share * _GRAIN).round() / _GRAIN
    left = total - counts.groupby(code).sum()
    largest = counts.groupby(code).idxmax()
    counts.loc[largest.to_numpy()] += left.reindex(largest.index).to_numpy()
    table = table.assign(population=counts, vintage=vintage)
    return table.set_index(["commune_code", "age_min", "age_max"])[["population", "vintage"]]
