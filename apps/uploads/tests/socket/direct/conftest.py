"""A page whose uploads go straight to S3, and a real S3 server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache

from uploads import UploadEntry
from uploads.testing import UploadPage
from uploads.tests.direct_project import DirectView
from uploads.tests.moto import Moto
from uploads.tests.signing import TOPIC
from uploads.tests.socket.direct.sending import MIB
from uploads.tests.support import Site


@pytest.fixture
def direct(site: Site, settings: Any, s3: Moto) -> Iterator[Callable[..., UploadPage]]:
    settings.ROOT_URLCONF = "uploads.tests.direct_project"
    events = {"TOPICS": [TOPIC], "CERTIFICATES": "uploads.tests.direct_project.certificate"}
    options = {**s3.options(), "PART_SIZE": 5 * MIB}
    settings.UPLOADS = {**settings.UPLOADS, "S3": options, "S3_EVENTS": events}
    cache.clear()
    yield lambda client=None: site("/direct/", client)
    cache.clear()


@pytest.fixture
def consumed(monkeypatch: pytest.MonkeyPatch) -> list[UploadEntry]:
    """What the handler got, from whichever slot."""
    got: list[UploadEntry] = []

    def script(view: DirectView) -> None:
        for name in ("doc", "docs", "video", "posted", "own"):
            got.extend(view.consume_uploaded_entries(name))

    monkeypatch.setattr(DirectView, "script", staticmethod(script))
    return got
