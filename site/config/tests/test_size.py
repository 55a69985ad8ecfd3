"""What a visitor's browser has to load before a page is live, and what it loads only when it is needed."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

from django.conf import settings

from liveview import modules
from liveview.staticfiles import FlatModulesMixin

MOST = 22_000  # bytes, gzipped, that every page loads
PACKAGES = ("liveview", "uploads")
CLIENTS = FlatModulesMixin.flat_modules
FLOOR = "liveview/floor.js"  # no module
EACH = 2_500  # bytes, gzipped, of a module that is loaded on demand, with what it brings along
LARGE = {
    "liveview/refocus.js": 3_700,
    "uploads/announcements.js": 3_700,
    "uploads/external.js": 4_400,
    "uploads/fallback.js": 6_500,
    "uploads/forms.js": 4_500,
    "uploads/resume_store.js": 3_700,
    "uploads/resuming.js": 3_000,
    "uploads/rows.js": 4_300,
    "uploads/sender.js": 4_000,
    "uploads/summary.js": 4_200,
}
IMPORT = re.compile(r'^(?:import|export)\b[^;]*?"(\.[^"]+)";', re.MULTILINE)


def test_what_every_page_loads_stays_small() -> None:
    loaded = {_static("liveview") / FLOOR}
    for package in PACKAGES:
        _load(_static(package) / package / "client.js", loaded)

    size = _gzipped(loaded)

    report = f"{size} bytes of {MOST}"
    print(report)  # noqa: T201  (for `pytest -s`)
    assert size <= MOST, report


def _read(name: str) -> str:
    return (_static(name.partition("/")[0]) / name).read_text()


def _delivered(*names: str) -> int:
    """Bytes, gzipped, of these modules as one file each."""
    return sum(len(gzip.compress(modules.flattened(name, _read, CLIENTS).encode(), 9)) for name in names)


def test_what_every_page_is_sent_stays_small() -> None:
    assert _delivered(*CLIENTS) + len(gzip.compress(_read(FLOOR).encode(), 9)) <= MOST


def test_what_is_loaded_on_demand_stays_small() -> None:
    every = {name for client in CLIENTS for name in modules.on_demand(client, _read)}

    sizes = {name: _delivered(name) for name in every}

    assert LARGE.keys() < every
    assert {name: size for name, size in sizes.items() if size > LARGE.get(name, EACH)} == {}


def test_what_is_loaded_on_demand_is_named_by_a_module_of_ours() -> None:
    every = {path for package in PACKAGES for path in _static(package).rglob("*.js")}
    loaded = {_static("liveview") / FLOOR}
    for package in PACKAGES:
        _load(_static(package) / package / "client.js", loaded)

    code = "".join(path.read_text() for path in every)
    for path in every - loaded:
        assert f'"./{path.name}"' in code, f"nothing loads {path.name}"


def _load(module: Path, loaded: set[Path]) -> None:
    """Adds a module and what it imports, as a browser does."""
    if module in loaded:
        return
    loaded.add(module)
    for found in IMPORT.findall(module.read_text()):
        _load(_find(module.parent, found), loaded)


def _find(folder: Path, address: str) -> Path:
    path = (folder / address).resolve()
    if path.exists():
        return path
    return _static(path.parent.name) / path.parent.name / path.name  # in another package's folder


def _static(package: str) -> Path:
    return Path(settings.ROOT) / "apps" / package / "static"


def _gzipped(paths: set[Path]) -> int:
    """As `cat … | gzip -9` has it."""
    return len(gzip.compress(b"".join(path.read_bytes() for path in sorted(paths)), 9))
