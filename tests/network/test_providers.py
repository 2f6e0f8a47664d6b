from __future__ import annotations

import contextlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pandas as pd
import pytest

from territory.errors import MissingFileError, NetworkError, ParameterError, ReadError, SchemaError
from territory.network import outside_times
from territory.network.outside_times import query_server, read_distancier
from territory.tables.schemas import validate
from tests.network.small_maps import points


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_a_long_table_in_seconds_with_decimal_commas(tmp_path):
    path = write(
        tmp_path / "d.csv", "idSrc;idDst;duree;distance\n01001;2A004;90;1,5\n01001;01001;0;0\n2A004;01001;;\n"
    )
    table = read_distancier(path, unit="s")
    assert table["from_id"].tolist() == ["01001", "01001", "2A004"]
    np.testing.assert_array_equal(table["travel_time_min"], [1.5, 0, np.nan])
    np.testing.assert_array_equal(table["distance_km"], [1.5, 0, np.nan])
    assert np.isnan(table.attrs["cutoff_min"])
    validate("travel_times", table)


def test_a_square_matrix_in_minutes_and_an_empty_cell_for_unknown(tmp_path):
    path = write(tmp_path / "m.csv", "id,01001,01002\n01001,0,12.5\n01002,,0\n")
    table = read_distancier(path)
    assert list(zip(table["from_id"], table["to_id"], strict=True)) == [
        ("01001", "01001"), ("01001", "01002"), ("01002", "01001"), ("01002", "01002"),
    ]  # fmt: skip
    np.testing.assert_array_equal(table["travel_time_min"], [0, 12.5, np.nan, 0])
    assert "distance_km" not in table


def test_ids_are_read_whatever_surrounds_them_and_an_empty_one_is_refused(tmp_path):
    spaced = read_distancier(write(tmp_path / "d.csv", "idSrc;idDst;duree\n 83050 ;83121 ;25\n"))
    assert spaced[["from_id", "to_id"]].values.tolist() == [["83050", "83121"]]
    floats = pd.DataFrame({"idSrc": [1004.0, np.nan], "idDst": [83121.0, 83121.0], "duree": [25, 26]})
    floats[:1].to_parquet(tmp_path / "D.PARQUET")
    assert read_distancier(tmp_path / "D.PARQUET")["from_id"].tolist() == ["1004"]
    floats.to_parquet(tmp_path / "d.parquet")
    with pytest.raises(SchemaError, match=r"colonne from_id : 1 identifiant vide \(ligne 3\)"):
        read_distancier(tmp_path / "d.parquet")
    with pytest.raises(SchemaError, match="1 paire en double"):
        read_distancier(write(tmp_path / "d.csv", "idSrc;idDst;duree\n1;2;25\n1 ;2;26\n"))


def test_a_parquet_file(tmp_path):
    long = pd.DataFrame({"from_id": ["A"], "to_id": ["B"], "travel_time_min": [3.5]})
    long.to_parquet(tmp_path / "d.parquet")
    assert read_distancier(tmp_path / "d.parquet")["travel_time_min"].tolist() == [3.5]


@pytest.mark.slow
def test_the_real_matrix_of_isere(shared_data):
    table = read_distancier(shared_data / "traveltimes" / "isere_osrm_matrix.csv", unit="s")
    assert len(table) == 512**2
    row = table[(table["from_id"] == "38539") & (table["to_id"] == "38320")].iloc[0]
    assert row["travel_time_min"] == pytest.approx(547 / 60)


@pytest.mark.parametrize(
    "text, error, message",
    [
        ("", ReadError, "vide"),
        ("a;b\n1;2\n", ReadError, "ni une table longue"),
        ("idSrc;idDst;duree\nA;B;-3\n", SchemaError, "1 valeur négative ou infinie"),
        ("idSrc;idDst;duree\nA;B;vite\n", ReadError, r"1 cellule n'est pas un nombre \(ligne 2 : « vite »\)"),
        ("idSrc;idDst;duree\nA;B;3\nA;B;4\n", SchemaError, r"1 paire en double \(A → B\)"),
    ],
)
def test_tables_that_cannot_be_used(tmp_path, text, error, message):
    with pytest.raises(error, match=message):
        read_distancier(write(tmp_path / "d.csv", text))


def test_a_missing_table_and_an_unknown_unit(tmp_path):
    with pytest.raises(MissingFileError):
        read_distancier(tmp_path / "d.csv")
    with pytest.raises(ParameterError, match="Unité « h »"):
        read_distancier(tmp_path / "d.csv", unit="h")


class StandIn:
    """A local server that speaks the protocol of OSRM or Valhalla, or misbehaves as told."""

    def __init__(self):
        self.requests: list[int] = []
        self.misbehave = None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                path, _, query = self.path.partition("?")
                coordinates = [tuple(map(float, one.split(","))) for one in path.rsplit("/", 1)[1].split(";")]
                options = dict(
                    pair.split("=") for pair in query.replace("%3B", ";").replace("%2C", ",").split("&")
                )
                sources = [coordinates[int(one)] for one in options["sources"].split(";")]
                targets = [coordinates[int(one)] for one in options["destinations"].split(";")]
                durations = [[outer.seconds(a, b) for b in targets] for a in sources]
                distances = [[None if one is None else 10 * one for one in row] for row in durations]
                self.answer(len(coordinates), {"code": "Ok", "durations": durations, "distances": distances})

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                sources = [(one["lon"], one["lat"]) for one in body["sources"]]
                targets = [(one["lon"], one["lat"]) for one in body["targets"]]
                cells = []
                for a in sources:
                    row = [outer.seconds(a, b) for b in targets]
                    cells.append(
                        [{"time": one, "distance": None if one is None else one / 100} for one in row]
                    )
                self.answer(len(sources) + len(targets), {"sources_to_targets": cells})

            def answer(self, size, content):
                outer.requests.append(size)
                status, body = 200, json.dumps(content)
                if outer.misbehave:
                    status, body = outer.misbehave(len(outer.requests), content)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body.encode())))
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(body.encode())

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()

    @staticmethod
    def seconds(a, b):
        """One second per thousandth of a degree; no path to the east of 7°."""
        return None if b[0] > 7 else round(1000 * (abs(a[0] - b[0]) + abs(a[1] - b[1])), 3)


@pytest.fixture
def server(monkeypatch):
    pytest.importorskip("routingpy")
    monkeypatch.setattr(outside_times, "_FIRST_PAUSE_S", 0.01)
    stand_in = StandIn()
    yield stand_in
    stand_in.server.shutdown()
    stand_in.server.server_close()


HOMES = points(A=(6.40, 43.50), B=(6.45, 43.50), C=(6.50, 43.52))
SITES = points(S=(6.40, 43.56), T=(6.46, 43.50), U=(7.10, 43.50))


@pytest.mark.parametrize("engine", ["osrm", "valhalla"])
@pytest.mark.parametrize("places", [50, 2, 1])
def test_a_server_fills_the_same_table_whatever_the_batches(server, engine, places):
    table = query_server(
        server.url, HOMES, SITES, engine=engine, places_per_request=places, with_distance=True
    )
    assert table["from_id"].tolist() == ["A", "A", "B", "B", "C", "C"]
    assert table["to_id"].tolist() == ["S", "T"] * 3
    np.testing.assert_allclose(table["travel_time_min"], np.array([60, 60, 110, 10, 140, 60]) / 60, atol=1e-3)
    np.testing.assert_allclose(table["distance_km"], table["travel_time_min"] * 60 / 100, atol=2e-3)
    assert len(server.requests) == int(np.ceil(3 / places) ** 2)
    assert max(server.requests) <= 2 * places
    validate("travel_times", table)


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_server_that_fails_for_a_while_is_asked_again(server, status):
    server.misbehave = lambda count, content: (status, "occupé") if count < 3 else (200, json.dumps(content))
    table = query_server(server.url, HOMES, SITES, retries=3)
    assert len(table) == 6


def test_a_server_that_keeps_failing_is_given_up(server):
    server.misbehave = lambda *_: (500, "en panne")
    with pytest.raises(NetworkError, match=r"n'a pas répondu après 3 essais .*en panne"):
        query_server(server.url, HOMES, SITES, retries=2)
    assert len(server.requests) == 3


def test_a_server_that_is_slow_or_absent(server):
    def sleep(_, content):
        time.sleep(0.6)
        return 200, json.dumps(content)

    server.misbehave = sleep
    with pytest.raises(NetworkError, match="Timeout"):
        query_server(server.url, HOMES, SITES, retries=0, timeout_s=0.2)
    with pytest.raises(NetworkError, match="n'a pas répondu"):
        query_server("http://127.0.0.1:9/", HOMES, SITES, retries=0)


@pytest.mark.parametrize(
    "body, message",
    [
        ("<html>404</html>", "ne répond pas comme osrm"),
        ("{}", "ne répond pas comme osrm|autre chose qu'une matrice"),
        ("[]", "ne répond pas comme osrm"),
        (json.dumps({"code": "Ok", "durations": [[1, 2, 3]], "distances": None}), r"\(1, 3\) au lieu de \(3, 3\)"),
        (json.dumps({"code": "Ok", "durations": [[1, 2, -3]] * 3, "distances": None}), "négatifs ou infinis"),
        (json.dumps({"code": "Ok", "durations": [[1, 2, "x"]] * 3, "distances": None}), "autre chose qu'une matrice"),
        (json.dumps({"code": "Ok", "durations": [[1], [1, 2], []], "distances": None}), "autre chose qu'une matrice"),
    ],
)  # fmt: skip
def test_a_server_that_answers_nonsense(server, body, message):
    server.misbehave = lambda *_: (200, body)
    with pytest.raises(NetworkError, match=message):
        query_server(server.url, HOMES, SITES)


def test_a_request_that_the_server_refuses_is_not_sent_again(server):
    server.misbehave = lambda *_: (400, "TooBig")
    with pytest.raises(NetworkError, match=r"refuse la demande .*TooBig"):
        query_server(server.url, HOMES, SITES)
    assert len(server.requests) == 1


def test_options_and_points_are_checked_first(server):
    for options in ({"engine": "google"}, {"timeout_s": 0}, {"retries": -1}, {"places_per_request": 0}):
        with pytest.raises(ParameterError):
            query_server(server.url, HOMES, SITES, **options)
    with pytest.raises(NetworkError, match="système de coordonnées absent"):
        query_server(server.url, HOMES.set_crs(None, allow_override=True), SITES)
    assert not server.requests
