"""Videos that no page has sent, say from a tus client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from liveview.testing import mount
from uploads import UploadError, intakes
from uploads.entries.uploader import NOBODY
from videos import intake
from videos.checks import check_settings
from videos.models import Status, Video

from .conftest import Make, finish

deliveries = pytest.importorskip("uploads.http.shared.deliveries", reason="this copy came without uploads/http")

pytestmark = pytest.mark.django_db(transaction=True)

VISITOR = deliveries.Visitor("visitor:elsewhere", NOBODY, "")


def deliver(data: bytes, name: str) -> dict[str, object]:
    delivery = deliveries.Delivery(intakes.get("videos"), VISITOR, "/tus/", name, len(data))
    delivery.write([data])
    return delivery.finish()


def test_a_video_from_elsewhere_is_processed_and_shown_on_pages_that_are_open(client: Client, make: Make) -> None:
    with mount("/videos/", client) as page:
        told = deliver(make(), "From afar.mp4")

        finish()
        page.wait_html("From afar")
    video = Video.objects.get(pk=told["fileGuid"])
    assert (video.owner, video.status) == ("visitor:elsewhere", Status.READY)


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("a.png", lambda video: video, "bad_ext"),
        ("a.mp4", lambda video: b"MZ" + video, "type_mismatch"),
        ("a.mp4", lambda video: video[: len(video) // 2], "bad_content"),
    ],
)
def test_what_is_no_video_is_refused(make: Make, name: str, data: Callable[[bytes], bytes], code: str) -> None:
    with pytest.raises(UploadError) as refused:
        deliver(data(make()), name)

    assert refused.value.code == code
    assert not Video.objects.exists()


def test_wrong_settings_are_left_to_the_system_check(settings: Any) -> None:
    settings.VIDEOS = {"MAX_SIZE": 1}

    intake.register()

    assert check_settings(None)
