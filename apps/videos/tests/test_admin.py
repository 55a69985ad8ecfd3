from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.sites import site
from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import include, path

from videos.models import Video

pytestmark = pytest.mark.django_db(transaction=True)

urlpatterns = [path("videos/", include("videos.urls")), path("admin/", site.urls)]
URL = "/admin/videos/video/"


@pytest.fixture
def admin(settings: Any, client: Client) -> Client:
    settings.ROOT_URLCONF = __name__
    client.force_login(get_user_model().objects.create_superuser("root"))
    return client


def make(title: str) -> Video:
    return Video.objects.create(
        owner="visitor:me",
        title=title,
        name="<script>.mp4",
        kind="mp4",
        size=3_500_000,
        status="ready",
        duration=75,
        file=default_storage.save(f"videos/{title}.mp4", ContentFile(b"v")),
        poster=default_storage.save(f"videos/{title}-p.webp", ContentFile(b"p")),
    )


def test_staff_see_posters_lengths_and_reasons(admin: Client) -> None:
    video = make("sea")
    Video.objects.create(owner="x", title="noise", name="n", kind="mp4", size=1, status="failed", reason="bad_content")

    page = admin.get(URL).text

    assert f'src="{video.poster.url}"' in page and "1:15" in page and "3.5\u00a0MB" in page
    assert "bad_content" in page and "<script>.mp4" not in page
    assert "noise" not in admin.get(f"{URL}?status=ready").text
    for below in (f"{video.pk}/change/", f"{video.pk}/delete/", f"{video.pk}/history/"):
        assert admin.get(URL + below).status_code == 200


def test_videos_that_staff_delete_take_their_files_along(
    admin: Client, folders: Path, waiting: Callable[[], list[str]]
) -> None:
    ready = [make(title) for title in ("a", "b")]
    source = folders / "staging-videos" / ("0" * 32)
    source.parent.mkdir()
    source.write_bytes(b"received")
    half = Video.objects.create(owner="x", title="half", name="h", kind="mp4", size=1, source=source.name)

    admin.post(f"{URL}{half.pk}/delete/", {"post": "yes"})
    chosen = {"action": "delete_selected", "_selected_action": [video.pk for video in ready], "post": "yes"}
    admin.post(URL, chosen)

    assert not Video.objects.exists()
    assert waiting() == []
    assert default_storage.listdir("videos")[1] == []
