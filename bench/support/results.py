"""`results.json`, and `RESULTS.md` for reading: what each bench measured last on a quiet machine."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from bench.support.tables import Figure, lines

QUIET: Final = 0.1  # of the processors: what others may use of them
PACKAGES: Final = ("Django", "daphne", "Twisted", "autobahn", "channels", "Pillow")
WRITTEN: Final = ("results.json", "RESULTS.md")  # in the folder of the benches


@dataclass(frozen=True)
class Result:
    """What one bench measured.

    load: the share of all processors that other programs used, from 0 to 1, just before it and just after.
    seconds: how long it took.
    """

    bench: str
    title: str
    date: str
    commit: str
    machine: str
    versions: Mapping[str, str]
    load: tuple[float, float]
    seconds: int
    figures: list[Figure] = field(default_factory=list)

    @property
    def is_quiet(self) -> bool:
        return max(self.load) <= QUIET

    def markdown(self) -> Iterator[str]:
        before, after = self.load
        yield f"## {self.bench}\n\n{self.title}\n"
        yield from lines(self.figures)
        loaded = "" if self.is_quiet else " **Not a quiet machine: trust none of it but the ratios.**"
        load = f"other programs used {before:.0%} of the processors before and {after:.0%} after"
        yield f"\n{self.date}, commit {self.commit}, {self.seconds} s; {load}.{loaded}\n"


def load_of_others(seconds: float = 1.0) -> float:
    """The share of all processors that is in use while this program waits."""

    def times() -> tuple[int, int]:
        user, nice, system, idle, waiting, *rest = map(int, Path("/proc/stat").read_text().splitlines()[0].split()[1:])
        return idle + waiting, user + nice + system + idle + waiting + sum(rest[:3])

    idle, total = times()
    time.sleep(seconds)
    later_idle, later_total = times()
    return 1 - (later_idle - idle) / max(1, later_total - total)


def describe() -> dict[str, Any]:
    """Date, commit, machine and versions."""
    versions = {"Python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "none"
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": _commit(),
        "machine": f"{os.cpu_count()} processors ({_processor()}), {_memory()} GiB, {platform.system()}",
        "versions": versions,
    }


def read(path: Path) -> dict[str, Result]:
    if not path.exists():
        return {}
    stored: dict[str, Any] = json.loads(path.read_text())
    return {
        name: Result(
            **{**result, "load": tuple(result["load"]), "figures": [Figure(**one) for one in result["figures"]]}
        )
        for name, result in stored.items()
    }


def add(results: dict[str, Result], new: Result) -> bool:
    """False if it was measured on a loaded machine and doesn't replace what was measured on a quiet one."""
    old = results.get(new.bench)
    if old is not None and old.is_quiet and not new.is_quiet:
        return False
    results[new.bench] = new
    return True


def write(results: Mapping[str, Result], folder: Path) -> None:
    stored = {name: asdict(result) for name, result in sorted(results.items())}
    (folder / WRITTEN[0]).write_text(json.dumps(stored, indent=1, ensure_ascii=False) + "\n")
    parts = ["# What the benchmarks measured\n\nWritten by `python -m bench`; README.md says what each of them does.\n"]
    for _name, result in sorted(results.items()):
        parts += result.markdown()
    machines = {(result.machine, *map(" ".join, result.versions.items())) for result in results.values()}
    parts += [f"{', '.join(machine)}.\n" for machine in sorted(machines)]
    (folder / WRITTEN[1]).write_text("\n".join(parts))


def _commit() -> str:
    """What is written by the run itself changes nothing of what is measured."""
    found = _git("describe", "--always") or "unknown"
    return f"{found}-dirty" if _git("status", "--porcelain", ":/", *(f":!/bench/{name}" for name in WRITTEN)) else found


def _git(*command: str) -> str:
    asked = ["git", "-C", str(Path(__file__).parent), *command]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()


def _processor() -> str:
    described = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in described if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
