"""A link between a client and a server, of a rate and a delay, without loss: a TCP proxy in a process of its own.

    with link(server.port, rate=2_500_000, round_trip=0.05) as port: ...

Each way of each connection is a line of its own: a piece takes its length divided by the rate to be put on the line,
after those before it, and arrives half a round trip later. A line takes no more while what waits for it would take
longer than BUFFER; then it is the sender's own buffers that fill. Oversleeping costs no capacity: a piece's time is
computed from that of the one before.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from typing import Final

from bench import ROOT

HOST: Final = "127.0.0.1"
BUFFER: Final = 0.02  # seconds of the link's time
SLICE: Final = 0.001  # seconds of the link's time in one piece
SMALLEST: Final = 1500  # bytes of a piece
WINDOW: Final = 16 * 1024 * 1024  # bytes; a full one stops its sender for as long as TCP waits for a probe, 0.2 s


@contextmanager
def link(port: int, *, rate: float, round_trip: float) -> Iterator[int]:
    """The port to connect to instead; `rate` is in bytes per second, each way, `round_trip` in seconds."""
    command = [sys.executable, "-m", "bench.support.link", str(port), str(rate), str(round_trip / 2)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.kill()


def serve(port: int, rate: float, delay: float) -> None:
    """Says its own port, and forwards until it is killed."""
    with socket.create_server((HOST, 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WINDOW)
        print(listener.getsockname()[1], flush=True)
        while True:
            client, _address = listener.accept()
            server = socket.create_connection((HOST, port))
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for source, target in ((client, server), (server, client)):
                _Line(source, target, rate, delay).start()


class _Line:
    def __init__(self, source: socket.socket, target: socket.socket, rate: float, delay: float) -> None:
        self._source, self._target = source, target
        self._rate, self._delay = rate, delay
        self._pieces: SimpleQueue[tuple[float, bytes]] = SimpleQueue()

    def start(self) -> None:
        for work in (self._take, self._bring):
            threading.Thread(target=work, daemon=True).start()

    def _take(self) -> None:
        size, free_at = max(SMALLEST, int(self._rate * SLICE)), 0.0
        with suppress(OSError):
            while data := self._source.recv(size):
                free_at = max(time.monotonic(), free_at) + len(data) / self._rate
                self._pieces.put((free_at + self._delay, data))
                _sleep_until(free_at - BUFFER)
        self._pieces.put((0.0, b""))

    def _bring(self) -> None:
        with suppress(OSError):
            while (piece := self._pieces.get())[1]:
                _sleep_until(piece[0])
                self._target.sendall(piece[1])
            self._target.shutdown(socket.SHUT_WR)
            return
        with suppress(OSError):
            self._source.shutdown(socket.SHUT_RDWR)


def _sleep_until(moment: float) -> None:
    wait = moment - time.monotonic()
    if wait > 0:
        time.sleep(wait)


if __name__ == "__main__":
    serve(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))
