"""The webhook before a real S3 server, and who listens to what it says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from uploads.s3 import objects
from uploads.s3.notifications import completion
from uploads.s3.notifications.hooks import CompletedUpload, on_upload_complete, remove_upload_hook
from uploads.tests.moto import Moto
from uploads.tests.signing import TOPIC


@pytest.fixture
def hooked(project: None, transactional_db: None, settings: Any, s3: Moto) -> Iterator[Client]:
    settings.ROOT_URLCONF = "uploads.tests.direct_project"
    events = {"TOPICS": [TOPIC], "CERTIFICATES": "uploads.tests.direct_project.certificate"}
    settings.UPLOADS = {**settings.UPLOADS, "S3": s3.options(), "S3_EVENTS": events}
    cache.clear()
    yield Client(enforce_csrf_checks=True)
    cache.clear()


@pytest.fixture
def completed() -> Iterator[list[CompletedUpload]]:
    """What a hook for all uploads was told."""
    told: list[CompletedUpload] = []
    on_upload_complete(told.append)
    yield told
    remove_upload_hook(told.append)


@pytest.fixture
def heads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Keys that S3 was asked for."""
    asked: list[str] = []
    real = objects.head

    def head(key: str) -> Any:
        asked.append(key)
        return real(key)

    monkeypatch.setattr(objects, "head", head)
    return asked


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What was broadcast."""
    messages: list[dict[str, Any]] = []
    monkeypatch.setattr(completion, "broadcast", lambda topic, message: messages.append(message))
    return messages
