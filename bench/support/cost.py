"""What a piece of work costs a server: time, processor and memory. Linux only (reads /proc)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, NamedTuple

MB: Final = 1_000_000
MIB: Final = 2**20
TICKS: Final = os.sysconf("SC_CLK_TCK")


class Sample(NamedTuple):
    """One upload of `size` bytes: `seconds` by the client's clock, `cpu` seconds of the server's processor, and
    `memory`, the most bytes that it had above what it had when it was idle.
    """

    size: int
    seconds: float
    cpu: float
    memory: int

    def __str__(self) -> str:
        return f"{self.rate:.0f} MB/s, {self.work:.2f} s/GB, +{self.memory / MIB:.1f} MiB"

    @property
    def rate(self) -> float:
        """MB/s."""
        return self.size / MB / self.seconds

    @property
    def work(self) -> float:
        """Seconds of the server's processor per GB."""
        return self.cpu / self.size * 1e9


class Meter:
    """Of one server. Memory is compared with what it has now: made when the server has done a little of the work."""

    def __init__(self, pid: int) -> None:
        self._proc = Path(f"/proc/{pid}")
        self._idle = self._bytes("VmRSS:")
        self._before = 0.0

    def start(self) -> None:
        (self._proc / "clear_refs").write_text("5")  # the peak is what it has now
        self._before = self._cpu

    def stop(self, size: int, seconds: float) -> Sample:
        return Sample(size, seconds, self._cpu - self._before, self._bytes("VmHWM:") - self._idle)

    @property
    def _cpu(self) -> float:
        fields = (self._proc / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def _bytes(self, name: str) -> int:
        lines = (self._proc / "status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith(name)).split()[1]) * 1024
