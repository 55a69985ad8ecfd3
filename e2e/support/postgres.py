"""A PostgreSQL of its own: a fresh cluster on a free port, as an unprivileged user, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from liveview.tests.ports import free_port

STARTS_WITHIN = 60.0  # seconds
# Debian keeps the server's programs off the PATH, a folder for each version.
FOLDERS = ("/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin")


class Postgres:
    def __init__(self) -> None:
        # Not pytest's folder: its parents are closed to the user that the server runs as.
        self._folder = Path(tempfile.mkdtemp(prefix="uplift-postgres-", dir="/tmp"))
        self._process: subprocess.Popen[bytes] | None = None
        self._as: dict[str, Any] = {"cwd": self._folder, "stdin": subprocess.DEVNULL}
        if os.geteuid() == 0:  # which PostgreSQL refuses to run as
            user = _unprivileged()
            os.chown(self._folder, user.pw_uid, user.pw_gid)
            self._as |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self.port = 0

    @property
    def url(self) -> str:
        return f"postgres://uplift@127.0.0.1:{self.port}/postgres"

    def start(self) -> Postgres:
        """Returns when it takes connections."""
        data, log = self._folder / "data", self._folder / "log"
        made = subprocess.run(
            [
                _program("initdb"),
                "-D",
                str(data),
                "-U",
                "uplift",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C",
                "--no-sync",
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **self._as,
        )
        if made.returncode:
            raise RuntimeError(f"initdb failed:\n{made.stdout}")
        self.port = free_port()
        options = {"listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": "", "fsync": "off"}
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                [_program("postgres"), "-D", str(data), *settings], stdout=out, stderr=out, **self._as
            )
        end, tick = time.monotonic() + STARTS_WITHIN, threading.Event()
        while "ready to accept connections" not in log.read_text(errors="replace"):
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text(errors='replace')}")
            tick.wait(0.05)
        return self

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)  # at once, and with its children
            self._process.wait()
            self._process = None
        shutil.rmtree(self._folder, ignore_errors=True)


def _program(name: str) -> str:
    found = shutil.which(name)
    if found:
        return found
    folders = [path for pattern in FOLDERS for path in sorted(Path("/").glob(pattern[1:]), reverse=True)]
    for folder in folders:
        if (folder / name).exists():
            return str(folder / name)
    pytest.fail(f"{name} isn't here: install PostgreSQL (Debian: apt-get install postgresql)")


def _unprivileged() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("there is no user to run PostgreSQL as")
