"""The tree keeps its shape: folders, pins, and the modules that browsers load.

Who may import whom in Python is said in pyproject.toml, and checked by `lint-imports`.
"""

from __future__ import annotations

import posixpath
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.files.storage import storages
from django.core.management import call_command
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pytest_django import Settings

ROOT = Path(settings.ROOT)
PATHS = ["site", "apps"]
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())

# Whose modules may import whose, as in pyproject.toml.
DEMOS = {"avatars", "gallery", "videos", "otherways"}
MAY_IMPORT: dict[str, set[str]] = {
    "config": {*DEMOS, "uploads", "liveview"},
    **{demo: {"uploads", "liveview"} for demo in DEMOS},
    "uploads": {"liveview"},
    "liveview": set(),
}

# What browsers load, by the name under which it is served.
JS_MODULES = {
    str(path.relative_to(static)): path
    for static in sorted((ROOT / "apps").glob("*/static"))
    for path in sorted(static.rglob("*.js"))
}
JS_IMPORT = re.compile(
    r"""^\s*(?:import\b[^;"'(]*?|export\b[^;"']*?\bfrom\s*)(["'])(?P<path>\.[^"']+)\1(?P<end>.?)""", re.MULTILINE
)
# WhiteNoise follows these, too, wherever they stand: also in the comments that name types.
JS_IMPORT_CALL = re.compile(r"""\bimport\(\s*(["'])(?P<path>\.[^"']+)\1""")


# -- Folders and paths


@pytest.mark.parametrize("folder", PATHS)
def test_a_path_entry_is_no_package(folder: str) -> None:
    assert not (ROOT / folder / "__init__.py").exists()


def test_every_tool_has_the_same_path_entries() -> None:
    tools = PYPROJECT["tool"]
    manage = (ROOT / "manage.py").read_text()
    procfile = (ROOT / "Procfile").read_text().splitlines()

    assert tools["pytest"]["ini_options"]["pythonpath"] == [*PATHS, "."]
    assert tools["mypy"]["mypy_path"] == PATHS
    assert tools["ruff"]["src"] == PATHS
    assert re.findall(r'HERE / "(\w+)"', manage) == PATHS
    assert all(line.split(": ", 1)[1].startswith(f"PYTHONPATH={':'.join(PATHS)} ") for line in procfile)


def test_the_type_checker_sees_every_package() -> None:
    packages = {path.parent.name for folder in PATHS for path in (ROOT / folder).glob("*/__init__.py")}

    assert set(PYPROJECT["tool"]["mypy"]["packages"]) == {*packages, "bench"}


# -- Pins


def _pins() -> dict[str, str]:
    lines = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if not line.startswith("#")]
    return dict(line.split("==") for line in lines)


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-test.txt"])
def test_requirements_are_plain_pins(file: str) -> None:
    lines = (ROOT / file).read_text().splitlines()
    pin = re.compile(r"#.*|-r requirements\.txt|[A-Za-z0-9._-]+(\[\w+\])?==[A-Za-z0-9.]+")

    assert [line for line in lines if not pin.fullmatch(line)] == []


def test_pins_satisfy_the_ranges() -> None:
    pins = {canonicalize_name(name): version for name, version in _pins().items()}
    ranges = [Requirement(text) for text in PYPROJECT["project"]["dependencies"]]

    outside = [str(wanted) for wanted in ranges if pins.get(canonicalize_name(wanted.name)) not in wanted.specifier]

    assert outside == []


def test_there_is_no_lock_file() -> None:
    locks = ["uv.lock", "poetry.lock", "Pipfile.lock", "pdm.lock", "pylock.toml", "package-lock.json", "yarn.lock"]

    assert [name for name in locks if (ROOT / name).exists()] == []


# -- JavaScript modules


def _js_imports(name: str) -> list[str]:
    """Names of the modules that a module imports."""
    source = JS_MODULES[name].read_text()
    paths = [match["path"] for pattern in (JS_IMPORT, JS_IMPORT_CALL) for match in pattern.finditer(source)]
    return [posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) for path in paths]


@pytest.mark.parametrize("name", JS_MODULES)
def test_javascript_imports_point_one_way(name: str) -> None:
    package = name.split("/")[0]

    assert [other for other in _js_imports(name) if other.split("/")[0] not in MAY_IMPORT[package] | {package}] == []


@pytest.mark.parametrize("name", JS_MODULES)
def test_a_javascript_import_ends_with_a_semicolon(name: str) -> None:
    """WhiteNoise rewrites no other, and the browser would load a second, unhashed copy."""
    matches = JS_IMPORT.finditer(JS_MODULES[name].read_text())

    assert [match[0].strip() for match in matches if match["end"] != ";"] == []


def test_javascript_modules_import_each_other_in_no_circle() -> None:
    """A hash that depends on itself can't be computed."""

    def visit(name: str, *above: str) -> None:
        assert name not in above, " → ".join([*above, name])
        assert name in JS_MODULES, f"{above[-1]} imports {name}, which isn't there"
        for imported in _js_imports(name):
            visit(imported, *above, name)

    for name in JS_MODULES:
        visit(name)


def test_static_files_can_be_hashed_with_their_imports(settings: Settings, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": "config.storage.HashedStaticFilesStorage"}}

    call_command("collectstatic", interactive=False, verbosity=0)

    hashed: Any = storages["staticfiles"]
    assert hashed.url("site.css") != "/static/site.css"
    for name in JS_MODULES:
        collected = tmp_path / hashed.stored_name(name)
        for match in JS_IMPORT.finditer(collected.read_text()):
            assert re.search(r"\.[0-9a-f]{12}\.js$", match["path"]), f"{name} imports {match['path']}"
            assert (collected.parent / match["path"]).is_file()


def test_unit_tests_need_no_collected_static_files() -> None:
    assert staticfiles_storage.url("site.css") == "/static/site.css"
