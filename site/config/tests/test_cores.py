"""The cores of the two packages need nothing but Python: also what import-linter can't see, such as imports by name.

Each module is imported alone, in an interpreter that has no third-party package at all.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

APPS = Path(settings.ROOT) / "apps"
MODULES = [
    ".".join(path.relative_to(APPS).with_suffix("").parts)
    for package in ("liveview", "uploads")
    for path in sorted((APPS / package / "core").glob("*.py"))
]
# Django's SafeString has to be told from other text, in a snapshot.
ABOUT_HTML = ("liveview.core.plain", "liveview.core.state")
OURS = ("liveview.core", "uploads.core", "uploads.errors", "uploads.sentences")


def imported(module: str, *flags: str) -> list[str]:
    """What is loaded once `module` is."""
    code = (
        "import json, sys; sys.path.insert(0, sys.argv[1]); __import__(sys.argv[2]); print(json.dumps([*sys.modules]))"
    )
    run = subprocess.run(
        [sys.executable, "-I", *flags, "-c", code, str(APPS), module], capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stderr
    names: list[str] = json.loads(run.stdout)
    return names


@pytest.mark.parametrize("module", [module for module in MODULES if module not in ABOUT_HTML])
def test_a_module_of_the_core_needs_python_only(module: str) -> None:
    loaded = imported(module, "-S")  # without site-packages

    assert module.removesuffix(".__init__") in [name.removesuffix(".__init__") for name in loaded]
    assert [name for name in loaded if name in ("asyncio", "socket")] == []
    ours = [name for name in loaded if name.startswith(("liveview.", "uploads."))]
    assert [name for name in ours if not name.startswith(OURS)] == []


@pytest.mark.parametrize("module", ABOUT_HTML)
def test_the_state_of_a_view_knows_safe_strings_and_no_more_of_django(module: str) -> None:
    loaded = imported(module)

    assert {name for name in loaded if name.startswith("django.")} <= {
        "django.utils",
        "django.utils.functional",
        "django.utils.regex_helper",
        "django.utils.safestring",
        "django.utils.version",
    }
