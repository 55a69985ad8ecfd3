"""The videos over the real socket, and their form without JavaScript."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from uploads.errors import UploadError
from uploads.testing import Refused, UploadPage, mount
from uploads.tests import films
from uploads.tests.corpus import MAKER, Corpus
from uploads.tests.support import until
from videos import processing
from videos.models import Video

from .conftest import Make, finish

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/videos/"


@pytest.fixture
def page(client: Client) -> Iterator[UploadPage]:
    with mount(URL, client) as page:
        yield page


def sent(page: UploadPage, data: bytes, name: str = "sea.mp4") -> Video:
    """Uploads a video and waits until it can be played."""
    page.upload("video", name, data)
    page.wait_html("<video")
    return Video.objects.latest("pk")


def test_a_video_is_shown_with_everything_that_is_known(page: UploadPage, make: Make) -> None:
    data = make(size=(320, 180), seconds=2, sound="aac")

    video = sent(page, data)

    assert (video.title, video.name, video.size) == ("sea", "sea.mp4", len(data))
    assert video.sha256 == hashlib.sha256(data).hexdigest()
    assert (video.width, video.height, round(video.duration)) == (320, 180, 2)
    assert (video.mime, video.video_codec, video.audio_codec) == ("video/mp4", "h264", "aac")
    for shown in (video.sha256, "320 × 180", "0:02", "sea.mp4", video.file.url, video.poster.url):
        assert shown in page.html


def test_what_of_a_video_could_not_be_kept_is_said_with_the_result(page: UploadPage, make: Make) -> None:
    video = sent(page, make(sound="ac3").replace(b"ac-3", b"dtsc"))

    said = "Its sound (DTS) can't be played in browsers, so the published video is silent."
    assert (video.audio_codec, video.missing) == ("", [said])
    assert escape(said) in page.html
    assert "h264, sound left out" in page.html
    assert "no sound" not in page.html


def test_a_video_without_sound_has_lost_none(page: UploadPage, make: Make) -> None:
    assert sent(page, make()).missing == []
    assert "h264, no sound" in page.html


@pytest.mark.parametrize("name", ["sea.m4v", "sea.mov", "SEA.MP4"])
def test_names_of_the_same_kind_are_accepted(page: UploadPage, make: Make, name: str) -> None:
    assert sent(page, make(), name).mime == "video/mp4"


def test_a_mirrored_film_of_oblong_pixels_is_recorded_as_it_is_shown(page: UploadPage, make: Make) -> None:
    video = sent(page, make(size=(144, 116), aspect=Fraction(64, 45), matrix=(-1, 0, 0, 1)))

    assert (video.width, video.height, video.rotation, video.is_mirrored) == (205, 116, 0, True)
    assert "205 × 116" in page.html


def test_what_is_recorded_as_webm_with_h264_is_kept_as_an_mp4(page: UploadPage, make: Make) -> None:
    video = sent(page, films.named_webm(make("a.mkv")), "recording.webm")

    assert str(video.file).endswith(".mp4") and video.mime == "video/mp4"


def test_what_is_published_was_made_by_us(page: UploadPage, make: Make, waiting: Callable[[], list[str]]) -> None:
    data = make(metadata={"title": "SECRET"})

    video = sent(page, data)

    with default_storage.open(str(video.file)) as file:
        content = file.read()
    assert content != data and b"SECRET" not in content
    assert re.fullmatch(r"videos/[0-9a-f]{32}\.mp4", str(video.file))
    assert re.fullmatch(r"videos/[0-9a-f]{32}-p\.webp", str(video.poster))
    assert waiting() == []


def test_a_video_is_shown_as_processing_until_it_is_ready(
    page: UploadPage, make: Make, client: Client, no_background: list[int]
) -> None:
    with mount(URL, client) as other:
        page.upload("video", "sea.mp4", make())
        for tab in (page, other):
            tab.wait_html("Processing…")
            assert "<video" not in tab.html
        (pk,) = no_background

        processing.process(pk)

        for tab in (page, other):
            tab.wait_html("<video")
            assert "Processing…" not in tab.html


def test_the_staged_file_is_moved_and_not_copied(
    page: UploadPage, make: Make, folders: Path, no_background: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    moved: list[int] = []
    take = processing.take

    def spy(entry: Any, owner: str) -> Video:
        moved.append(entry.path.stat().st_ino)
        return take(entry, owner)

    monkeypatch.setattr(processing, "take", spy)

    page.upload("video", "sea.mp4", make())
    page.wait_html("Processing…")

    (path,) = folders.glob("staging-videos/*")
    assert [path.stat().st_ino] == moved
    path.unlink()


def test_a_strangers_video_is_seen_when_it_is_ready_and_not_touched(
    page: UploadPage, make: Make, no_background: list[int]
) -> None:
    page.upload("video", "sea.mp4", make())
    page.wait_html("Processing…")
    with mount(URL) as stranger:
        assert "sea" not in stranger.html
        processing.process(no_background[0])
        stranger.wait_html("<video")
        video = Video.objects.get()

        stranger.event("rename", {"id": video.pk, "value": "Mine"})
        stranger.event("delete", {"id": video.pk})

        video.refresh_from_db()
        assert video.title == "sea"
        assert 'data-id="' not in stranger.html


def test_a_title_can_be_changed_and_every_tab_sees_it(page: UploadPage, make: Make) -> None:
    video = sent(page, make())

    with mount(URL) as stranger:
        page.event("rename", {"id": str(video.pk), "value": "  By the <sea>  "})
        stranger.wait_html("By the &lt;sea&gt;")
        page.event("rename", {"id": str(video.pk), "value": "   "})

    video.refresh_from_db()
    assert video.title == "By the <sea>"


def test_a_deleted_video_goes_from_every_tab_and_can_be_brought_back(page: UploadPage, make: Make) -> None:
    video = sent(page, make())

    with mount(URL) as stranger:
        page.click("delete", id=video.pk)
        stranger.wait_html("No videos yet")
        stranger.event("undo", {})
        assert "Video deleted" in page.html and "No videos yet" in page.html

        page.click("undo")
        stranger.wait_html("<video")

    assert "<video" in page.html and "Video deleted" not in page.html


def test_a_deleted_video_goes_for_good_with_its_files(page: UploadPage, make: Make, settings: Any) -> None:
    settings.VIDEOS = {**getattr(settings, "VIDEOS", {}), "UNDO": 0}
    video = sent(page, make())
    files = [str(video.file), str(video.poster)]

    page.click("delete", id=video.pk)
    page.wait_until(lambda message: "Video deleted" not in page.html)
    assert "No videos yet" in page.html

    processing.expire()
    assert not Video.objects.exists()
    assert [name for name in files if default_storage.exists(name)] == []


def test_a_video_that_was_kept_for_long_enough_goes_and_the_page_says_when(
    client: Client, make: Make, settings: Any
) -> None:
    settings.VIDEOS = {**getattr(settings, "VIDEOS", {}), "KEPT_FOR": 3600}
    with mount(URL, client) as page:
        video = sent(page, make(size=(64, 48), seconds=1))
        assert "deleted after 1 hour" in page.html
    processing.expire()
    assert Video.objects.count() == 1
    with mount(URL, client) as page:
        assert "<video" in page.html
        Video.objects.update(created_at=timezone.now() - timedelta(seconds=3601))

        processing.expire()

        page.wait_html("No videos yet")
    assert Video.objects.count() == 0 and not default_storage.exists(str(video.file))


@pytest.mark.parametrize("is_gone", [True, False], ids=["gone", "marked"])
def test_a_video_deleted_while_it_is_processed_leaves_nothing(
    page: UploadPage,
    make: Make,
    waiting: Callable[[], list[str]],
    no_background: list[int],
    monkeypatch: Any,
    is_gone: bool,
) -> None:
    page.upload("video", "sea.mp4", make())
    page.wait_html("Processing…")
    real = processing.content.process_video

    def expire() -> None:
        Video.objects.update(deleted_at=timezone.now() - timedelta(hours=1))
        processing.expire()

    def meanwhile(*args: Any) -> Any:
        made = real(*args)
        page.click("delete", id=no_background[0])
        if is_gone:
            expire()
        return made

    monkeypatch.setattr(processing.content, "process_video", meanwhile)

    processing.process(no_background[0])
    assert "<video" not in page.html
    expire()

    assert not Video.objects.exists()
    assert waiting() == []
    assert not default_storage.exists("videos") or default_storage.listdir("videos")[1] == []


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("a.mp4", b"MZ" + bytes(5000), "type_mismatch"),
        ("a.exe", b"MZ" + bytes(5000), "bad_ext"),
        ("a.webm", b"\0\0\0\x18ftypisom\0\0\0\0isommp41" + bytes(500), "type_mismatch"),
        ("a.mp4", b"\0\0\0\x18ftypisom\0\0\0\0isommp41" + bytes(500), "bad_content"),
    ],
)
def test_a_bad_file_is_refused_before_it_is_taken(page: UploadPage, name: str, data: bytes, code: str) -> None:
    with pytest.raises(Refused) as refused:
        page.upload("video", name, data)

    assert refused.value.code == code
    assert not Video.objects.exists()


def test_what_only_the_decoder_finds_is_told_afterwards(page: UploadPage, make: Make) -> None:
    data = make()
    head, mark, rest = data.partition(b"mdat")
    pictures, moov, index = rest.rpartition(b"moov")

    page.upload("video", "noise.mp4", head + mark + bytes(len(pictures) - 4) + pictures[-4:] + moov + index)
    page.wait_html("damaged")

    video = Video.objects.get()
    assert (video.status, video.reason, video.sha256, video.source) == ("failed", "bad_content", "", "")
    with mount(URL) as stranger:
        assert "noise" not in stranger.html
    page.click("delete", id=video.pk)
    assert "No videos yet" in page.html


def test_a_file_over_the_limit_is_refused_before_a_byte_is_sent(client: Client, settings: Any) -> None:
    settings.VIDEOS = {"MAX_FILE_SIZE": 1000}

    with mount(URL, client) as page, pytest.raises(Refused) as refused:
        page.register("video", "a.mp4", 1001)

    assert refused.value.code == "too_large"
    assert "up to 1\u00a0kB" in page.html


def test_a_page_shows_a_part_of_many_videos(client: Client, settings: Any) -> None:
    settings.VIDEOS = {"PAGE_SIZE": 2}
    for number in range(5):
        Video.objects.create(
            owner="x", title=f"Video {number}", name="v", kind="mp4", size=1, status="ready", file="f", poster="p"
        )

    with mount(f"{URL}?page=2", client) as page:
        assert re.findall(r"Video (\d)</bdi>", page.html) == ["2", "1"]
        assert "Page 2 of 3" in page.html
    for odd in ("0", "-1", "999", "x", "٣", "1" * 30):
        assert client.get(f"{URL}?page={odd}").status_code == 200


def test_without_javascript_the_form_takes_a_video(client: Client, make: Make) -> None:
    data = make()

    response = client.post(URL, {"video": SimpleUploadedFile("sea.mp4", data, "video/mp4")}, follow=True)

    assert response.status_code == 200
    assert "sea" in response.text
    finish()
    assert "<video" in client.get(URL).text
    assert Video.objects.get().sha256 == hashlib.sha256(data).hexdigest()


def test_without_javascript_a_bad_video_is_named_and_no_video_as_well(client: Client) -> None:
    response = client.post(URL, {"video": SimpleUploadedFile("evil.mp4", b"MZ" + bytes(99), "video/mp4")})

    assert "evil.mp4" in response.text and "It is named .mp4" in response.text
    assert "No file selected." in client.post(URL, {}).text
    assert not Video.objects.exists()


def test_a_video_that_has_to_wait_for_others_is_not_called_missing(
    page: UploadPage, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as busy:
        busy.setattr(processing, "take", _refuse)
        page.upload("video", "sea.mp4", make())
        page.wait_html("The server is busy")
        page.submit("save_video")
        assert "The server is busy" in page.html and "No file selected." not in page.html

    page.submit("save_video")
    page.wait_html("<video")
    assert "The server is busy" not in page.html


def _refuse(*_args: object) -> None:
    raise UploadError("busy")


@pytest.mark.skipif(not MAKER.exists(), reason="this copy of the app came without the corpus")
def test_every_video_of_the_corpus_gets_its_outcome_on_the_page(corpus: Corpus, page: UploadPage) -> None:
    """Refused by the upload, or taken and told about afterwards: with the same code."""
    wrong = []
    for entry in corpus.entries("videos"):
        Video.objects.all().delete()
        try:
            page.upload("video", entry["client_name"], corpus.data(entry), mime=entry["client_type"])
        except Refused as refused:
            got = refused.code
        else:
            until(Video.objects.exists)
            finish()
            video = Video.objects.get()
            got = video.reason or None
            assert bool(video.sha256) == (got is None)
        if got != entry.get("code"):
            wrong.append((entry["name"], entry.get("code"), got))
    assert wrong == []
