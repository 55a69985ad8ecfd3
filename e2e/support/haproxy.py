"""HAProxy before web processes, with the lines of docs/scaling.md: nothing is sticky."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from e2e.support.venv import ROOT
from liveview.tests.ports import HOST
from liveview.tests.processes import Program

GUIDE = ROOT / "docs" / "scaling.md"


class Haproxy(Program):
    """Those at `ports` may come and go: it looks after them every second."""

    probe = "/healthz"

    def __init__(self, folder: Path, ports: Sequence[int]) -> None:
        program = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
        if program is None:
            pytest.fail("install haproxy (Debian: apt-get install haproxy)")
        super().__init__(folder, [program, "-db", "-f", folder / "haproxy.cfg"])
        (folder / "haproxy.cfg").write_text(self._configuration(ports))

    def _configuration(self, ports: Sequence[int]) -> str:
        """The guide's, for these servers instead of its own."""
        found = re.search(r"```haproxy\n(.*?)```", GUIDE.read_text(), re.DOTALL)
        assert found, "the guide has lines for HAProxy"
        *lines, server = re.sub(r"(?m)^ +server web\d .*\n(?= +server )", "", found[1]).splitlines()
        name, address, options = re.fullmatch(r"  server (web)\d (\S+) (.*)", server).groups()  # type: ignore[union-attr]
        servers = [f"  server {name}{number} {HOST}:{port} {options}" for number, port in enumerate(ports, 1)]
        assert address.endswith(":8000")
        text = "\n".join([*lines, *servers, ""])
        return re.sub(r"bind \S+", f"bind {HOST}:{self.port}", text)
