"""What a visitor's browser has to load before a page is live."""

from __future__ import annotations

import gzip
from pathlib import Path

from django.conf import settings

MOST = 20_000  # bytes, gzipped
PACKAGES = ("liveview", "uploads")


def test_the_runtime_and_the_uploads_stay_small() -> None:
    modules = {package: _modules(package) for package in PACKAGES}

    sizes = {package: _gzipped(paths) for package, paths in modules.items()}
    total = _gzipped([path for paths in modules.values() for path in paths])

    report = f"{total} bytes of {MOST}; by themselves: {sizes}"
    print(report)  # noqa: T201  (for `pytest -s`)
    assert total <= MOST, report


def _modules(package: str) -> list[Path]:
    return sorted((Path(settings.ROOT) / "apps" / package / "static").rglob("*.js"))


def _gzipped(paths: list[Path]) -> int:
    """As `cat … | gzip -9` has it."""
    return len(gzip.compress(b"".join(path.read_bytes() for path in paths), 9))
