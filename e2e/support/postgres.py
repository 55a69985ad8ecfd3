"""A PostgreSQL of its own: a fresh cluster on a free port, as an unprivileged user, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest

from liveview.tests.ports import HOST
from liveview.tests.processes import Program

# Debian keeps the server's programs off the PATH, a folder for each version.
FOLDERS = ("/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin")


class Postgres(Program):
    def __init__(self) -> None:
        # Not pytest's folder: its parents are closed to the user that the server runs as.
        self._own = tempfile.TemporaryDirectory(prefix="uplift-postgres-", dir="/tmp", ignore_cleanup_errors=True)
        folder = Path(self._own.name)
        self._data = folder / "data"
        own = {"listen_addresses": HOST, "port": "{port}", "unix_socket_directories": "", "fsync": "off"}
        settings = [part for name, value in own.items() for part in ("-c", f"{name}={value}")]
        super().__init__(folder, [_program("postgres"), "-D", self._data, *settings])
        self.popen = {"stdin": subprocess.DEVNULL}
        if os.geteuid() == 0:  # which PostgreSQL refuses to run as
            user = _unprivileged()
            os.chown(folder, user.pw_uid, user.pw_gid)
            self.popen |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}

    def __exit__(self, *_exc: object) -> None:
        self.kill()
        self._own.cleanup()

    @property
    def url(self) -> str:
        return f"postgres://uplift@{HOST}:{self.port}/postgres"

    def launch(self) -> None:
        if not self._data.exists():
            own = ["-D", str(self._data), "-U", "uplift", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
            made = subprocess.run(
                [_program("initdb"), *own],
                cwd=self.folder,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                **self.popen,
            )
            if made.returncode:
                raise RuntimeError(f"initdb failed:\n{made.stdout}")
        super().launch()

    def is_ready(self) -> bool:
        return "ready to accept connections" in self.log_text()

    def signal(self, number: int) -> None:
        super().signal(signal.SIGQUIT)  # at once, and with its children


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
