"""That every bench still runs, and what is kept of a run."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench import ROOT
from bench.__main__ import benches
from bench.support import results
from bench.support.results import Result
from bench.support.tables import Table

QUIET, LOADED = (0.0, 0.05), (0.0, 0.5)


@pytest.mark.parametrize("name", benches())
def test_it_runs(name: str) -> None:
    command = [sys.executable, "-m", "bench", "--smoke", name]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=540, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"{name}: " in ran.stdout


def test_an_unknown_name_is_refused_with_those_that_there_are() -> None:
    command = [sys.executable, "-m", "bench", "uplaoding"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=540, check=False)
    assert ran.returncode == 2
    assert "uplaoding" in ran.stderr and "uploading" in ran.stderr


def result(load: tuple[float, float], speed: float) -> Result:
    table = Table()
    table.at_least("speed", [speed, 2 * speed, 9 * speed], 3, " MB/s", ours="ours", peer="peer")
    table.at_most("memory", [speed, 5], 4, " MiB", of=max)
    return Result(
        "fast", "From here to there", "2026-11-30", "abc", "2 processors", {"Python": "3"}, load, 7, table.figures
    )


def test_a_loaded_run_says_so_and_replaces_no_quiet_one(tmp_path: Path) -> None:
    kept: dict[str, Result] = {}
    assert results.add(kept, result(LOADED, 1))
    results.write(kept, tmp_path)
    assert "Not a quiet machine" in (tmp_path / "RESULTS.md").read_text()
    assert results.add(kept, result(QUIET, 2))

    assert not results.add(kept, result(LOADED, 3))

    results.write(kept, tmp_path)
    assert results.read(tmp_path / "results.json") == {"fast": result(QUIET, 2)}
    told = (tmp_path / "RESULTS.md").read_text()
    assert "Not a quiet machine" not in told
    assert "| speed | ours | peer | 4.00 MB/s | 2.00–18.00 | ≥ 3 MB/s | yes |" in told
    assert "| memory |  |  | 5.00 MiB | 2.00–5.00 | ≤ 4 MiB | **no** |" in told


def test_a_quiet_run_replaces_a_quiet_one() -> None:
    kept = {"fast": result(QUIET, 1)}
    later = replace(result(QUIET, 2), date="2026-12-01")
    assert results.add(kept, later)
    assert kept == {"fast": later}
