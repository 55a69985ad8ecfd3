"""A disk that takes its time."""

from __future__ import annotations

from typing import Any

import pytest

from uploads.staging import files
from uploads.tests.support import Gate


@pytest.fixture
def slow_disk(monkeypatch: pytest.MonkeyPatch, gate: Gate) -> Gate:
    """Every write waits at the gate."""
    really = files._write_all

    def write(*args: Any) -> None:
        gate()
        really(*args)

    monkeypatch.setattr(files, "_write_all", write)
    return gate
