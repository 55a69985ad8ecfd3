"""A real Redis on a free port, to be killed and started again."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import pytest

from liveview.tests.ports import HOST
from liveview.tests.processes import Program


class Redis(Program):
    def __init__(self, folder: Path) -> None:
        binary = shutil.which("redis-server") or shutil.which("valkey-server")
        if binary is None:
            pytest.fail("install redis-server (Debian: apt-get install redis-server)")
        own = ["--port", "{port}", "--bind", "{host}", "--save", "", "--appendonly", "no", "--dir", str(folder)]
        super().__init__(folder, [binary, *own])

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}/0"

    def is_ready(self) -> bool:
        with self.connected() as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")

    def connected(self) -> socket.socket:
        return socket.create_connection((HOST, self.port), 5)
