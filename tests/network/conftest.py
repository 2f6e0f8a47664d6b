"""What the tests of roads share."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from territory.network.maps import osm
from tests.network.filter_server import Forked

# a process for each map, as everywhere else: what may go wrong with it is tried there
_AS_IT_IS = ("test_osm", "test_io", "test_real_maps")


@pytest.fixture(autouse=True)
def forked_filter(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fork the process that filters a map from one that has loaded what it needs: a tenth of a second less each."""
    if sys.platform == "linux" and not request.path.stem.startswith(_AS_IT_IS):
        pipes = {"PIPE": osm.subprocess.PIPE, "DEVNULL": osm.subprocess.DEVNULL}
        monkeypatch.setattr(osm, "subprocess", SimpleNamespace(Popen=Forked, **pipes))
