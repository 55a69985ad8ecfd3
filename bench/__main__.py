"""Runs the benchmarks, all of them or those that are named: `python -m bench [--smoke] [name …]`.

What came out is printed, and kept in `results.json` and `RESULTS.md`. A run on a machine that does other things as well
says so, and doesn't replace one on a quiet machine. `--smoke` runs each at a tiny size, to see that it still works,
and keeps nothing.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any

from bench.support import results
from bench.support.tables import Scale, Table

FOLDER = Path(__file__).parent


def benches() -> list[str]:
    """The names of every module beside this one that has a `measure(table, scale)`; only what is run is imported."""
    return sorted(path.stem for path in FOLDER.glob("*.py") if "\ndef measure(" in path.read_text())


def run(name: str, module: Any, scale: Scale) -> results.Result:
    before = results.load_of_others(scale.of(5.0, 0.1))
    start, table = time.monotonic(), Table()
    module.measure(table, scale)
    seconds = round(time.monotonic() - start)
    load = before, results.load_of_others(scale.of(5.0, 0.1))
    title = module.__doc__.partition(":")[0]
    return results.Result(name, title, load=load, seconds=seconds, figures=table.figures, **results.describe())


def main() -> int:
    found = benches()
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measures, and keeps what came out.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(found)}; without any, all")
    parser.add_argument("--smoke", action="store_true", help="a tiny size, once; nothing is kept")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(found):
        parser.error(f"there is no bench {', '.join(sorted(unknown))}; there are {', '.join(found)}")
    failed = []
    for name in asked.names or found:
        try:
            result = run(name, import_module(f"bench.{name}"), Scale(is_full=not asked.smoke))
        except Exception:  # noqa: BLE001  (the others are still measured)
            traceback.print_exc()
            failed.append(name)
            continue
        if asked.smoke:
            print(f"{name}: {len(result.figures)} figures in {result.seconds} s", flush=True)
            continue
        print("\n".join(result.markdown()), flush=True)
        kept = results.read(FOLDER / "results.json")
        if results.add(kept, result):
            results.write(kept, FOLDER)
        else:
            print("Not kept: the machine wasn't quiet, and it was when this was measured before.\n")
    if failed:
        print(f"Failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
