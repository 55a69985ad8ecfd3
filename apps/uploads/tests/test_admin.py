"""What staff see of uploads under way."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.sites import site
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import path
from django.utils import timezone

from uploads.models import UploadState
from uploads.stores import DatabaseUploadState, Record

pytestmark = pytest.mark.django_db

urlpatterns = [path("admin/", site.urls)]
URL = "/admin/uploads/uploadstate/"
ID = "5f0c" * 8


@pytest.fixture
def admin(settings: Any, folders: Path, client: Client) -> Client:
    settings.ROOT_URLCONF = __name__
    client.force_login(get_user_model().objects.create_superuser("root"))
    return client


@pytest.fixture
def store() -> DatabaseUploadState:
    """With one upload of a video."""
    made = DatabaseUploadState()
    made.save(Record(ID, "visitor:me", "/videos/", "video", "<b>sea</b>.mp4", 2_000_000, ""), 3600)
    return made


def test_staff_see_how_far_an_upload_has_come(admin: Client, store: DatabaseUploadState, folders: Path) -> None:
    (folders / "staging").mkdir()
    (folders / "staging" / ID).write_bytes(bytes(500_000))

    page = admin.get(URL).text

    assert "5f0c5f0c…" in page and "/videos/" in page and "25 %" in page
    assert "&lt;b&gt;sea" in page and "<b>sea" not in page
    assert 'alt="False"' in page
    assert admin.get(f"{URL}{ID}/change/").status_code == 200


def test_an_upload_that_a_page_is_writing_is_marked(admin: Client, store: DatabaseUploadState) -> None:
    assert store.acquire(ID, "page", 60)

    assert 'alt="True"' in admin.get(URL).text


def test_a_record_that_cannot_be_read_breaks_nothing(admin: Client) -> None:
    UploadState.objects.create(upload_id=ID, owner="x", record="{", expires_at=timezone.now() + timedelta(hours=1))

    assert admin.get(URL).status_code == 200


def test_nobody_adds_an_upload_by_hand(admin: Client) -> None:
    assert f"{URL}add/" not in admin.get(URL).text
