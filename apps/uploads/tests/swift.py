"""OpenStack Swift as an S3 server that holds to signatures, their expiry and signed headers, which moto doesn't.

It needs an environment of its own, made once with pip and kept in pytest's cache.
"""

from __future__ import annotations

import os
import pwd
import socket
import subprocess
import sys
import threading
import time
import venv
from pathlib import Path
from typing import Any

from liveview.tests.ports import free_ports

VERSION = "2.37.1"
STARTS_WITHIN = 60.0  # seconds
INSTALLS_WITHIN = 300.0
KINDS = ("account", "container", "object")
PIPELINE = "catch_errors gatekeeper healthcheck listing_formats bulk s3api tempauth copy slo dlo symlink proxy-server"
FILTERS = ("catch_errors", "gatekeeper", "healthcheck", "listing_formats", "bulk", "copy", "slo", "dlo", "symlink")


class NotInstalled(Exception):
    """pip has no way to Swift here."""


def install(folder: Path) -> Path:
    """The programs of an environment that has Swift. Raises `NotInstalled`."""
    programs = folder / f"swift-{VERSION}-{sys.version_info.major}.{sys.version_info.minor}" / "bin"
    if not (programs / "installed").exists():
        venv.create(programs.parent, with_pip=True, clear=True)
        command = [programs / "python", "-m", "pip", "install", "-q", f"swift=={VERSION}"]
        try:
            run = subprocess.run(command, capture_output=True, timeout=INSTALLS_WITHIN)
        except subprocess.TimeoutExpired:
            raise NotInstalled from None
        if run.returncode:
            raise NotInstalled
        (programs / "installed").touch()
    return programs


class Swift:
    """`with Swift(programs, folder) as s3: …`; its `bucket` is to be made."""

    bucket = "uplift-tests"

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs, self._folder = programs, folder
        self._port = free_ports(4)
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Swift:
        self._configure()
        for kind in (*KINDS, "proxy"):
            command = [self._programs / f"swift-{kind}-server", self._folder / f"{kind}.conf"]
            with (self._folder / f"{kind}.log").open("wb") as log:
                self._processes.append(subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT))
        end, tick = time.monotonic() + STARTS_WITHIN, threading.Event()
        while not all(_answers(self._port + i) for i in range(4)):
            if time.monotonic() > end or any(process.poll() is not None for process in self._processes):
                self.__exit__()
                raise RuntimeError("Swift did not start")
            tick.wait(0.05)
        return self

    def __exit__(self, *_exc: object) -> None:
        for process in self._processes:
            process.kill()
            process.wait()

    def options(self) -> dict[str, Any]:
        """For `UPLOADS["S3"]`."""
        return {
            "BUCKET": self.bucket,
            "ENDPOINT_URL": f"http://127.0.0.1:{self._port}",
            "REGION": "us-east-1",
            "ADDRESSING_STYLE": "path",
            "ACCESS_KEY_ID": "test:tester",
            "SECRET_ACCESS_KEY": "testing",
        }

    def _configure(self) -> None:
        root = self._folder
        (root / "srv" / "d1").mkdir(parents=True)
        policy = "[storage-policy:0]\nname = p\ndefault = yes\n"
        (root / "swift.conf").write_text(f"[swift-hash]\nswift_hash_path_suffix = x\n{policy}")
        for number, kind in enumerate(KINDS, 1):
            self._ring(kind, self._port + number)
            app = f"[pipeline:main]\npipeline = {kind}-server\n[app:{kind}-server]\nuse = egg:swift#{kind}\n"
            disks = f"devices = {root}/srv\nmount_check = false\nrecon_cache_path = {root}\n"
            (root / f"{kind}.conf").write_text(self._default(self._port + number) + disks + app)
        filters = "".join(f"[filter:{name}]\nuse = egg:swift#{name}\n" for name in FILTERS)
        s3 = "[filter:s3api]\nuse = egg:swift#s3api\nlocation = us-east-1\nmin_segment_size = 5242880\n"
        auth = "[filter:tempauth]\nuse = egg:swift#tempauth\nuser_test_tester = testing .admin\n"
        app = "[app:proxy-server]\nuse = egg:swift#proxy\naccount_autocreate = true\n"
        pipeline = f"[pipeline:main]\npipeline = {PIPELINE}\n"
        (root / "proxy.conf").write_text(self._default(self._port) + pipeline + app + filters + s3 + auth)

    def _default(self, port: int) -> str:
        user = pwd.getpwuid(os.getuid()).pw_name
        own = f"swift_dir = {self._folder}\nuser = {user}\nworkers = 0\nlog_level = WARNING\n"
        return f"[DEFAULT]\nbind_ip = 127.0.0.1\nbind_port = {port}\n{own}"

    def _ring(self, kind: str, port: int) -> None:
        for step in (["create", "4", "1", "0"], ["add", f"r1z1-127.0.0.1:{port}/d1", "100"], ["rebalance"]):
            command = [self._programs / "swift-ring-builder", self._folder / f"{kind}.builder", *step]
            subprocess.run(command, check=False, capture_output=True)  # 1 is a warning: few devices


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except OSError:
        return False
