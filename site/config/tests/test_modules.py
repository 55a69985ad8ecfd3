"""What holds for every module of the browser's half."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

MODULES = sorted(
    path for package in ("liveview", "uploads") for path in Path(settings.ROOT, "apps", package, "static").rglob("*.js")
)
# A variable that changes, or a container that begins empty and is filled.
EMPTY = r"new (?:Weak)?(?:Map|Set)\(\)|\[\]|\{\}"
STATE = re.compile(rf"^(?:export )?(?:let|var) .*|^(?:export )?const .*= (?:{EMPTY});.*", re.MULTILINE)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_a_module_that_a_page_loads_twice_keeps_nothing_of_its_own(path: Path) -> None:
    """See `once.js`: what a page has one of is made there."""
    assert STATE.findall(path.read_text()) == []
