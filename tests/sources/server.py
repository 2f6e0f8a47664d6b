"""A small HTTP server on this machine whose answers, good and bad, a test writes beforehand."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[["Handler"], None]


@dataclass
class Site:
    """What the server answers: for each path, one answer per request, the last one for all that follow."""

    address: str = ""
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def on(self, path: str, *answers: Answer) -> str:
        """Write the answers of a path, and return its address."""
        self.answers[path] = list(answers)
        return self.address + path

    def asked(self, path: str) -> list[dict[str, str]]:
        """Headers of the requests made to a path."""
        return [headers for asked, headers in self.requests if asked == path]


class Handler(BaseHTTPRequestHandler):
    """Answer as the site says."""

    protocol_version = "HTTP/1.1"
    site: Site

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.site.requests.append((path, {name.lower(): value for name, value in self.headers.items()}))
        answers = self.site.answers.get(path) or [status(404)]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        answer(self)
        self.close_connection = True

    def log_message(self, *args: Any) -> None:
        pass

    def send(self, code: int, body: bytes, headers: dict[str, str], *, length: int | None = None) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        if length is None or length >= 0:
            self.send_header("Content-Length", str(len(body) if length is None else length))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


def whole(body: bytes, **headers: str) -> Answer:
    """All of a file, or the range that is asked, as a good server does (RFC 9110)."""
    said = {name.replace("_", "-"): value for name, value in headers.items()}

    def answer(handler: Handler) -> None:
        asked = handler.headers.get("Range")
        condition = handler.headers.get("If-Range")
        if asked is None or (condition is not None and condition not in said.values()):
            handler.send(200, body, said)
            return
        start = int(asked.removeprefix("bytes=").removesuffix("-"))
        if start >= len(body):
            handler.send(416, b"", said | {"Content-Range": f"bytes */{len(body)}"})
            return
        place = f"bytes {start}-{len(body) - 1}/{len(body)}"
        handler.send(206, body[start:], said | {"Content-Range": place})

    return answer


def without_ranges(body: bytes, **headers: str) -> Answer:
    """All of a file, whatever is asked."""
    said = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler: handler.send(200, body, said)


def cut(body: bytes, at: int, **headers: str) -> Answer:
    """The start of a file, with the length of all of it."""
    said = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler: handler.send(200, body[:at], said, length=len(body))


def stalled(body: bytes, at: int, seconds: float, **headers: str) -> Answer:
    """The start of a file, then silence."""
    said = {name.replace("_", "-"): value for name, value in headers.items()}

    def answer(handler: Handler) -> None:
        handler.send(200, body[:at], said, length=len(body))
        time.sleep(seconds)

    return answer


def dripping(body: bytes, seconds: float) -> Answer:
    """One byte at a time, for ever so long: never silent, never done."""

    def answer(handler: Handler) -> None:
        handler.send(200, b"", {}, length=len(body))
        end = time.monotonic() + seconds
        try:
            while time.monotonic() < end:
                handler.wfile.write(b"a")
                time.sleep(0.02)
        except OSError:
            # the client had enough
            pass

    return answer


def status(code: int, body: bytes = b"", **headers: str) -> Answer:
    """A status and no file."""
    said = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler: handler.send(code, body, said)


def raw(code: int, body: bytes, headers: dict[str, str], *, length: int | None = None) -> Answer:
    """Exactly what is said, true or not (`length=-1`: none is announced)."""
    return lambda handler: handler.send(code, body, headers, length=length)


@contextmanager
def serve() -> Iterator[Site]:
    """Run a server on a free port of this machine."""
    site = Site()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("SiteHandler", (Handler,), {"site": site}))
    server.daemon_threads = True
    server.block_on_close = False
    site.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
