from __future__ import annotations

import pandas as pd
import pytest

from territory.errors import UnknownCodeError
from territory.supply import complete_services, sites_of


@pytest.fixture
def services() -> pd.DataFrame:
    rows = [
        ("a", "ime", "ime-x", False),
        ("b", "ime", "ime-x", False),
        ("c", "sessad", "sessad-y", False),
        ("d", "urgences", None, True),
        ("e", "urgences", None, True),
        ("f", "ehpad", None, True),
        ("g", "ehpad", None, False),
    ]
    frame = pd.DataFrame(rows, columns=["site_id", "service", "authorisation_id", "is_complete_list"])
    return frame.set_index(["site_id", "service"])


def test_one_partial_row_makes_a_list_partial(services: pd.DataFrame) -> None:
    assert complete_services(services) == ["urgences"]


def test_sites_of_a_service(services: pd.DataFrame) -> None:
    assert list(sites_of(services.iloc[::-1], "ime")) == ["a", "b"]
    with pytest.raises(UnknownCodeError, match="crèche"):
        sites_of(services, "crèche")
