"""Parts that fail are sent again at once: what the tests want to know comes after that."""

from __future__ import annotations

import pytest

from uploads.s3 import parts


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "PAUSES", (0.01,))
