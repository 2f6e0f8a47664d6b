"""The process that filters maps, warm: what `territory` starts anew for each map is forked from one that has loaded it.

Run as a program it serves its standard input, a socket: arguments of the filter, then where its output, its errors and
its code go. `Forked` stands for `subprocess.Popen` in the tests that read a map each.
"""

from __future__ import annotations

import functools
import json
import os
import signal
import socket
import sys
from types import TracebackType
from typing import Any


class Forked:
    """As much of `subprocess.Popen` as reading a map asks for."""

    def __init__(self, command: list[str], **options: Any) -> None:
        (out, its_out), (errors, its_errors), (self._code, its_code) = os.pipe(), os.pipe(), os.pipe()
        mine = its_out, its_errors, its_code
        socket.send_fds(_server(options["env"]["PYTHONPATH"]), [json.dumps(command[2:]).encode()], mine)
        for one in mine:
            os.close(one)
        self.stdout, self.stderr = os.fdopen(out, "rb"), os.fdopen(errors, "rb")
        self.returncode = 0

    def kill(self) -> None:
        """Stop listening: what it writes then ends it."""

    def __enter__(self) -> Forked:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.stdout.close()
        self.stderr.close()
        # nothing is said by a process that a signal ended
        said = os.read(self._code, 1)
        os.close(self._code)
        self.returncode = said[0] if said else -signal.SIGKILL


@functools.cache
def _server(libraries: str) -> socket.socket:
    """Return the socket of the process that forks, started once."""
    mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    environment = {**os.environ, "PYTHONPATH": libraries}
    taken = [(os.POSIX_SPAWN_DUP2, its.fileno(), 0)]
    os.posix_spawn(sys.executable, [sys.executable, __file__], environment, file_actions=taken)
    its.close()
    return mine


def _serve() -> None:
    """Fork for each map, until whoever asks is gone."""
    from territory.network.maps import _osm_filter_process as filtering

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(fileno=os.dup(0)) as asked:
        while True:
            said, ends, *_ = socket.recv_fds(asked, 1 << 16, 3)
            if not said:
                return
            if os.fork() == 0:
                os.dup2(ends[0], 1)
                os.dup2(ends[1], 2)
                code = filtering.main(*json.loads(said))
                sys.stdout.flush()
                sys.stderr.flush()
                os.write(ends[2], bytes([code]))
                os._exit(0)
            for one in ends:
                os.close(one)


if __name__ == "__main__":
    _serve()
