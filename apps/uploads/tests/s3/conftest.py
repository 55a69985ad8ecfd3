"""Parts that fail are sent again at once: what the tests want to know comes after that. Each has clients of its own."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest
from botocore.loaders import JSONFileLoader

from uploads.s3 import parts


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "PAUSES", (0.01,))


@pytest.fixture(scope="session", autouse=True)
def amazons_interface_is_read_once() -> Iterator[None]:
    """Nearly half of what these tests took was the parsing of it, for one client after the other."""
    read = cache(JSONFileLoader().load_file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JSONFileLoader, "load_file", lambda _loader, path: read(path))
        yield
