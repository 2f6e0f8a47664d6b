from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from territory.errors import ParameterError
from territory.plot import show
from territory.plot.maps.show_plans import CATEGORIES, doubt_classes, doubt_map
from territory.plot.style import contrast, to_svg
from territory.scenario.doubt.draws import Draws

CODES = ["83001", "83002", "83003", "83004", "83005"]


@pytest.fixture
def outlines() -> gpd.GeoDataFrame:
    boxes = [shapely.box(900_000 + 9_000 * n, 6_200_000, 909_000 + 9_000 * n, 6_209_000) for n in range(5)]
    return gpd.GeoDataFrame(geometry=boxes, index=pd.Index(CODES, name="commune_code"), crs=2154)


@pytest.fixture
def draws() -> Draws:
    rows = pd.DataFrame(
        {
            "status": ["en désert", "en désert", "hors désert", "hors désert", "non calculable"],
            "same_status_share": [0.99, 0.62, 0.899, 1.0, float("nan")],
            "verdict": ["sûr", "douteux", "douteux", "sûr", "non calculable"],
        },
        index=pd.MultiIndex.from_product([CODES, ["urgences"]], names=["commune_code", "criterion"]),
    )
    empty = pd.DataFrame()
    return Draws(500, 0.9, 0.9, empty, empty, empty, empty, rows, empty, empty, empty, empty, empty)


def test_every_side_and_doubt_has_its_own_look(draws: Draws) -> None:
    keys = doubt_classes(draws.deserts.droplevel("criterion")).keys
    assert keys.tolist() == ["in_sure", "in_doubt", "out_doubt", "out_sure", "unknown"]
    looks = {(one.color, one.hatch) for one in CATEGORIES}
    assert len(looks) == len(CATEGORIES)
    # without colour, the hatch tells sure from doubtful, and the grey one side from the other
    assert all(bool(one.hatch) == (one.key not in ("in_sure", "out_sure")) for one in CATEGORIES)
    assert contrast(CATEGORIES[0].color, CATEGORIES[3].color) > 3


def test_a_commune_without_a_row_is_not_computable(draws: Draws) -> None:
    rows = draws.deserts.droplevel("criterion").reindex([*CODES, "83999"])
    assert doubt_classes(rows).keys["83999"] == "unknown"


def test_the_share_is_written_where_it_is_doubtful(draws: Draws, outlines: gpd.GeoDataFrame) -> None:
    texts = {
        text.get_text() for text in doubt_map(draws, outlines, criterion="urgences").findobj(match=_is_text)
    }
    # rounded down: 89.9 % is doubtful and never reads 90
    assert {"62", "89"} <= texts
    assert not {"99", "100", "90"} & texts
    assert any("non calculable" in text for text in texts)


def _is_text(artist: object) -> bool:
    return hasattr(artist, "get_text")


def test_show_draws_the_first_criterion(draws: Draws, outlines: gpd.GeoDataFrame) -> None:
    first = to_svg(show(draws, outlines=outlines))
    assert first == to_svg(show(draws, service="urgences", outlines=outlines))
    with pytest.raises(ParameterError, match="outlines"):
        show(draws)
    with pytest.raises(ParameterError, match="connus : urgences"):
        show(draws, service="pharmacie", outlines=outlines)
