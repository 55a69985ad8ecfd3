"""OpenStack Swift as an S3 server that holds to signatures, their expiry and signed headers, which moto doesn't.

It needs an environment of its own, made once with pip and kept in pytest's cache.
"""

from __future__ import annotations

import os
import pwd
import socket
import subprocess
import sys
import venv
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from liveview.tests.ports import HOST
from liveview.tests.processes import Program

VERSION = "2.37.1"
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


class Daemon(Program):
    def is_ready(self) -> bool:
        with socket.create_connection((HOST, self.port), 1):
            return True


class Swift:
    """`with Swift(programs, folder) as s3: …`; its `bucket` is to be made."""

    bucket = "uplift-tests"

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs, self._folder = programs, folder
        self._daemons = {
            kind: Daemon(folder, [programs / f"swift-{kind}-server", folder / f"{kind}.conf"])
            for kind in (*KINDS, "proxy")
        }

    def __enter__(self) -> Swift:
        self._configure()
        with ExitStack() as stack:
            for daemon in self._daemons.values():
                stack.callback(daemon.kill)
                daemon.launch()
            for daemon in self._daemons.values():
                daemon.wait_until_ready()
            self._ends = stack.pop_all()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._ends.close()

    def options(self) -> dict[str, Any]:
        """For `UPLOADS["S3"]`."""
        return {
            "BUCKET": self.bucket,
            "ENDPOINT_URL": self._daemons["proxy"].url,
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
        for kind in KINDS:
            self._ring(kind)
            app = f"[pipeline:main]\npipeline = {kind}-server\n[app:{kind}-server]\nuse = egg:swift#{kind}\n"
            disks = f"devices = {root}/srv\nmount_check = false\nrecon_cache_path = {root}\n"
            (root / f"{kind}.conf").write_text(self._default(kind) + disks + app)
        filters = "".join(f"[filter:{name}]\nuse = egg:swift#{name}\n" for name in FILTERS)
        s3 = "[filter:s3api]\nuse = egg:swift#s3api\nlocation = us-east-1\nmin_segment_size = 5242880\n"
        auth = "[filter:tempauth]\nuse = egg:swift#tempauth\nuser_test_tester = testing .admin\n"
        app = "[app:proxy-server]\nuse = egg:swift#proxy\naccount_autocreate = true\n"
        pipeline = f"[pipeline:main]\npipeline = {PIPELINE}\n"
        (root / "proxy.conf").write_text(self._default("proxy") + pipeline + app + filters + s3 + auth)

    def _default(self, kind: str) -> str:
        user = pwd.getpwuid(os.getuid()).pw_name
        own = f"swift_dir = {self._folder}\nuser = {user}\nworkers = 0\nlog_level = WARNING\n"
        return f"[DEFAULT]\nbind_ip = 127.0.0.1\nbind_port = {self._daemons[kind].port}\n{own}"

    def _ring(self, kind: str) -> None:
        device = f"r1z1-{HOST}:{self._daemons[kind].port}/d1"
        for step in (["create", "4", "1", "0"], ["add", device, "100"], ["rebalance"]):
            command = [self._programs / "swift-ring-builder", self._folder / f"{kind}.builder", *step]
            subprocess.run(command, check=False, capture_output=True)  # 1 is a warning: few devices
