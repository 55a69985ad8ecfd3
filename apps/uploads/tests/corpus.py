"""The corpus of good and bad files, built once per session: a pytest plugin with one fixture."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

MAKER = Path(__file__).resolve().parents[3] / "e2e" / "corpus" / "make_corpus.py"


class Corpus(NamedTuple):
    """`manifest` is described at the top of `make_corpus.py`; its names are paths below `root`."""

    root: Path
    manifest: dict[str, Any]

    def entries(self, *apps: str) -> list[dict[str, Any]]:
        return [entry for entry in self.manifest["entries"] if entry["app"] in apps]

    def data(self, entry: dict[str, Any]) -> bytes:
        data = (self.root / entry["name"]).read_bytes()
        return data.ljust(entry.get("pad_to", 0), b"\0")


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    root = tmp_path_factory.mktemp("corpus")
    subprocess.run([sys.executable, str(MAKER), str(root)], check=True, stdout=subprocess.DEVNULL)
    return Corpus(root, json.loads((root / "manifest.json").read_text()))
