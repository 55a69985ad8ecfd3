"""The gallery over the real socket, and its form without JavaScript."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from threading import Event
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from PIL import Image

from gallery import pictures, views
from gallery.models import MAKING, Photo, prune
from gallery.views import GalleryView
from liveview.encoding import encode
from liveview.socket import turn
from liveview.tests.processes import until
from uploads import UploadError
from uploads.content.image import processing
from uploads.testing import Refused, UploadPage, mount

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/gallery/"


def picture(seed: int = 0, size: tuple[int, int] = (64, 48), kind: str = "JPEG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (seed * 40 % 256, 120, 200)).save(out, kind)
    return out.getvalue()


@pytest.fixture
def page(client: Client) -> Iterator[UploadPage]:
    with mount(URL, client) as page:
        yield page


def test_with_auto_upload_a_photo_appears_as_soon_as_it_is_ready(page: UploadPage) -> None:
    data = picture()

    page.upload("photos", "sea.jpg", data)
    page.wait_html("Move sea.jpg earlier")

    photo = Photo.objects.get()
    assert photo.sha256 == hashlib.sha256(data).hexdigest()
    assert (photo.name, photo.size, photo.width, photo.height) == ("sea.jpg", len(data), 64, 48)


def test_without_auto_upload_photos_wait_for_upload_all(page: UploadPage) -> None:
    page.event("set_auto", {"value": False})
    page.upload("photos", "a.jpg", picture(1))
    page.upload("photos", "b.png", picture(2, kind="PNG"))
    assert Photo.objects.count() == 0

    page.submit("upload_photos")

    assert list(Photo.objects.of("").values_list("name", flat=True)) == ["b.png", "a.jpg"]
    assert "Move b.png earlier" in page.html


def test_turning_auto_upload_on_publishes_what_is_ready(page: UploadPage) -> None:
    page.event("set_auto", {"value": False})
    page.upload("photos", "a.jpg", picture())

    page.event("set_auto", {"value": True})

    assert "Move a.jpg earlier" in page.html


def test_the_choice_of_auto_upload_outlives_the_page(client: Client) -> None:
    with mount(URL, client) as page:
        page.event("set_auto", {"value": False})

    with mount(URL, client) as page:
        config = next(message for message in page.received if message["type"] == "upload_config")

    assert config["slots"]["photos"]["auto_upload"] is False


def test_a_bad_photo_says_why_and_the_good_ones_go_on(page: UploadPage) -> None:
    with pytest.raises(Refused) as refused:
        page.upload("photos", "evil.png", b"MZ" + bytes(2000))
    page.upload("photos", "good.jpg", picture())
    page.wait_html("Move good.jpg earlier")

    assert refused.value.code == "type_mismatch"
    assert Photo.objects.count() == 1


def test_a_caption_typed_while_bytes_travel_is_the_photos(page: UploadPage) -> None:
    page.event("set_auto", {"value": False})
    ref, channel = page.register("photos", "a.jpg", len(picture()))
    page.event("set_caption", {"ref": ref, "value": "By the <sea>"})
    page.send_chunk(channel, 0, picture())
    page.upload_answer(ref, "upload_ready")

    page.submit("upload_photos")

    assert Photo.objects.get().caption == "By the <sea>"
    assert "By the &lt;sea&gt;" in page.html


def test_a_change_costs_one_render_and_two_kilobytes_however_many_photos_there_are(
    page: UploadPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is said of photos that only have another place now, and a page doesn't show again what it has done."""
    page.upload("photos", "first.jpg", picture())
    page.wait_html("Move first.jpg earlier")
    one = Photo.objects.values("album", "owner", "size", "sha256", "width", "height", "full", "medium", "thumb").get()
    Photo.objects.bulk_create(Photo(**one, name=f"IMG_{number:04}.jpg", position=-number) for number in range(500))
    page.click("let_in")
    ids = list(Photo.objects.of("").values_list("pk", flat=True))
    renders: list[Any] = []
    heard = Event()
    render, hear = turn.render, GalleryView.handle_info
    monkeypatch.setattr(turn, "render", lambda mounted: renders.append(mounted) or render(mounted))
    monkeypatch.setattr(GalleryView, "handle_info", lambda *args: (hear(*args), heard.set()))
    monkeypatch.setattr(views, "SETTLE", 0.0)

    def cost(change: Callable[[], object]) -> tuple[int, int]:
        """Renders, once the page has heard of its own change, and bytes."""
        for each in (renders, page.received, heard):
            each.clear()
        change()
        size = sum(len(encode(message)) for message in page.received)
        assert heard.wait(30)
        page.click("clear_selection")  # which takes its turn behind whatever that has led to
        return len(renders) - 1, size

    for event, params in (
        ("rename", {"id": ids[1], "value": "By the sea"}),
        ("move", {"id": ids[1], "after": ids[30]}),
        ("delete", {"id": ids[2]}),
        ("undo", {}),
    ):
        count, size = cost(partial(page.click, event, **params))
        assert count == 1, event
        assert size < 2000, event

    def arrive() -> None:
        page.upload("photos", "last.jpg", picture(1))
        page.wait_html("Move last.jpg earlier")

    count, size = cost(arrive)
    assert count == 1
    assert size < 3000  # with what is said of the upload


def test_every_other_open_page_sees_what_arrives(page: UploadPage) -> None:
    with mount(URL) as other:
        page.upload("photos", "sea.jpg", picture())
        other.wait_html('alt="sea.jpg"')

        assert "Move sea.jpg" not in other.html


def test_what_others_add_waits_until_it_is_asked_for(page: UploadPage, client: Client) -> None:
    uploaded(page, "first.jpg")
    with mount(URL) as stranger, mount(URL, client) as own:
        uploaded(page, "sea.jpg", "sky.jpg")
        stranger.wait_html("2 new photos")
        assert shown(stranger) == ["first.jpg"]
        own.wait_html("Move sky.jpg earlier")  # their own, in another tab
        assert "new photo" not in own.html

        stranger.click("let_in")

        assert shown(stranger) == ["sky.jpg", "sea.jpg", "first.jpg"]
        assert "new photo" not in stranger.html


def test_what_others_move_and_delete_stays_where_it_was_until_it_is_asked_for(page: UploadPage) -> None:
    a, b, c = uploaded(page, "a.jpg", "b.jpg", "c.jpg")
    with mount(URL) as stranger:
        stranger.upload("photos", "own.jpg", picture(7))
        stranger.wait_html("Move own.jpg earlier")
        page.event("move", {"id": a.pk})
        page.click("delete", id=b.pk)
        stranger.wait_html("Photo deleted</p>")
        assert shown(stranger) == ["own.jpg", "c.jpg", "a.jpg"]
        places = re.findall('data-name="(.*?)"|(Photo deleted)</p>', stranger.html)
        assert ["".join(each) for each in places] == ["own.jpg", "c.jpg", "Photo deleted", "a.jpg"]

        own = Photo.objects.get(name="own.jpg")
        stranger.event("step", {"id": own.pk, "by": 1})
        assert shown(stranger) == ["c.jpg", "own.jpg", "a.jpg"]
        stranger.click("delete", id=own.pk)
        stranger.click("undo")
        assert shown(stranger) == ["c.jpg", "own.jpg", "a.jpg"]
        stranger.upload("photos", "next.jpg", picture(8))
        stranger.wait_html("Move next.jpg earlier")
        assert shown(stranger) == ["next.jpg", "c.jpg", "own.jpg", "a.jpg"]
        assert "Photo deleted</p>" in stranger.html

        stranger.click("let_in")
        assert shown(stranger) == ["next.jpg", "a.jpg", "c.jpg", "own.jpg"]
        assert "Show changes" not in stranger.html


def test_photos_that_follow_fill_the_page_when_some_are_deleted(client: Client, settings: Any) -> None:
    settings.GALLERY = {"PAGE_SIZE": 2}
    with mount(URL, client) as page:
        for name in ("a.jpg", "b.jpg", "c.jpg", "d.jpg"):
            page.upload("photos", name, picture())
            page.wait_html(f"Move {name} earlier")
        page.event("turn", {"by": 1})
        assert shown(page) == ["b.jpg", "a.jpg"]
        page.event("turn", {"by": -1})
        page.click("delete", id=Photo.objects.get(name="d.jpg").pk)
        assert shown(page) == ["c.jpg", "b.jpg"]
        page.click("undo")
        assert shown(page) == ["d.jpg", "c.jpg"]


def test_an_address_of_a_photo_in_an_open_gallery_counts_what_that_shows(client: Client, settings: Any) -> None:
    settings.GALLERY = {"PAGE_SIZE": 2}
    with mount(URL, client) as page, mount(URL) as stranger:
        for name in ("a.jpg", "b.jpg"):
            page.upload("photos", name, picture())
            page.wait_html(f"Move {name} earlier")
        stranger.wait_html("b.jpg")
        page.upload("photos", "c.jpg", picture())
        page.wait_html("Move c.jpg earlier")
        stranger.wait_html("1 new photo")

        follow(stranger, "b.jpg")
        assert shown(stranger) == ["b.jpg", "a.jpg"]
        follow(stranger, "c.jpg")
        assert shown(stranger) == ["c.jpg", "b.jpg"]


def follow(page: UploadPage, name: str) -> None:
    """To the address of a photo, as by the browser's history."""
    page.send({"type": "url", "url": f"{URL}?photo={Photo.objects.get(name=name).pk}"})
    page.click("clear_selection")


def shown(page: UploadPage) -> list[str]:
    return re.findall('data-name="(.*?)"', page.html)


def test_an_own_album_is_nobody_elses(client: Client, settings: Any) -> None:
    settings.GALLERY = {"SHARED": False}
    with mount(URL, client) as page:
        page.upload("photos", "sea.jpg", picture())
        page.wait_html("sea.jpg")

    with mount(URL) as stranger:
        assert "sea.jpg" not in stranger.html


def uploaded(page: UploadPage, *names: str) -> list[Photo]:
    for number, name in enumerate(names):
        page.upload("photos", name, picture(number))
        page.wait_html(f"Move {name} earlier")
    return [Photo.objects.get(name=name) for name in names]


def names(page: UploadPage) -> list[str]:
    return [part.split('"')[0] for part in page.html.split('aria-label="Delete ')[1:]]


def test_photos_are_renamed_moved_and_deleted_with_undo(page: UploadPage) -> None:
    a, b, c = uploaded(page, "a.jpg", "b.jpg", "c.jpg")
    assert names(page) == ["c.jpg", "b.jpg", "a.jpg"]

    page.event("rename", {"id": str(a.pk), "value": "Alpha"})
    assert 'value="Alpha"' in page.html
    page.event("move", {"id": c.pk, "after": a.pk})
    assert names(page) == ["b.jpg", "a.jpg", "c.jpg"]
    page.event("step", {"id": c.pk, "by": "-1"})
    assert names(page) == ["b.jpg", "c.jpg", "a.jpg"]
    page.event("step", {"id": b.pk, "by": 1})
    assert names(page) == ["c.jpg", "b.jpg", "a.jpg"]
    page.click("delete", id=b.pk)
    assert names(page) == ["c.jpg", "a.jpg"]
    page.click("undo")
    assert names(page) == ["c.jpg", "b.jpg", "a.jpg"]


def test_a_photo_goes_before_another_where_a_page_begins(page: UploadPage) -> None:
    a, b, c = uploaded(page, "a.jpg", "b.jpg", "c.jpg")

    page.event("move", {"id": a.pk, "before": b.pk})
    assert names(page) == ["c.jpg", "a.jpg", "b.jpg"]
    page.event("move", {"id": b.pk, "before": c.pk})
    assert names(page) == ["b.jpg", "c.jpg", "a.jpg"]
    page.event("move", {"id": c.pk, "before": a.pk})
    page.event("step", {"id": b.pk, "by": -1})
    page.event("step", {"id": a.pk, "by": 1})
    assert names(page) == ["b.jpg", "c.jpg", "a.jpg"]


def test_every_deletion_can_be_taken_back_the_latest_first(page: UploadPage) -> None:
    a, b = uploaded(page, "a.jpg", "b.jpg")

    page.click("delete", id=a.pk)
    page.click("delete", id=b.pk)
    page.click("undo")
    assert names(page) == ["b.jpg"] and "Photo deleted" in page.html
    page.click("undo")
    assert names(page) == ["b.jpg", "a.jpg"] and "Undo" not in page.html


def test_what_was_deleted_can_be_brought_back_after_a_reload(page: UploadPage, client: Client) -> None:
    a, b, c = uploaded(page, "a.jpg", "b.jpg", "c.jpg")
    page.click("delete", id=c.pk)
    for photo in (a, b):
        page.event("select", {"id": photo.pk, "value": True})
    page.click("delete_selected")

    with mount(URL, client) as later:
        assert "2 photos deleted" in later.html
        later.click("undo")
        assert names(later) == ["b.jpg", "a.jpg"] and "Photo deleted" in later.html


def test_what_is_brought_back_is_beside_a_neighbour_that_it_had(page: UploadPage, client: Client) -> None:
    """Whatever another tab has moved meanwhile, and whether this page has shown that yet."""
    a, b, c, d, e = uploaded(page, "a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg")
    with mount(URL, client) as other:
        page.click("delete", id=c.pk)
        other.event("move", {"id": b.pk})
        other.event("move", {"id": d.pk, "after": a.pk})
        page.wait_html("Show changes")
        page.click("undo")
        assert names(page) == ["e.jpg", "d.jpg", "c.jpg", "b.jpg", "a.jpg"]

        page.click("delete", id=c.pk)
        page.click("let_in")
        assert names(page) == ["b.jpg", "e.jpg", "a.jpg", "d.jpg"]
        other.event("move", {"id": a.pk})
        other.click("delete", id=e.pk)
        page.click("undo")
        assert names(page) == ["b.jpg", "c.jpg", "a.jpg", "d.jpg"]
        page.click("let_in")
        assert names(page) == ["a.jpg", "b.jpg", "c.jpg", "d.jpg"]


def test_many_photos_are_deleted_together_and_brought_back_together(page: UploadPage) -> None:
    a, b, c = uploaded(page, "a.jpg", "b.jpg", "c.jpg")

    page.event("select", {"id": a.pk, "value": True})
    page.event("select", {"id": b.pk, "value": True})
    page.event("select", {"id": c.pk, "value": True})
    page.event("select", {"id": c.pk, "value": False})
    assert "2 selected" in page.html
    page.click("delete_selected")
    assert names(page) == ["c.jpg"] and "2 photos deleted" in page.html and " selected" not in page.html
    page.click("undo")
    assert names(page) == ["c.jpg", "b.jpg", "a.jpg"]


def test_many_photos_go_to_the_front_in_their_order(page: UploadPage) -> None:
    a, b, _ = uploaded(page, "a.jpg", "b.jpg", "c.jpg")

    page.event("select", {"id": a.pk, "value": True})
    page.event("select", {"id": b.pk, "value": True})
    page.click("move_selected")

    assert names(page) == ["b.jpg", "a.jpg", "c.jpg"]


def test_photos_have_the_places_in_which_they_were_chosen(page: UploadPage) -> None:
    """Whichever is ready first: the last chosen is the first of the album."""
    one, two = picture(1), picture(2)
    first, of_first = page.register("photos", "first.jpg", len(one))
    second, of_second = page.register("photos", "second.jpg", len(two))

    page.send_chunk(of_second, 0, two)
    page.wait_html("Move second.jpg earlier")
    page.send_chunk(of_first, 0, one)
    page.wait_html("Move first.jpg earlier")

    assert names(page) == ["second.jpg", "first.jpg"]


def test_an_error_goes_when_a_photo_is_chosen(page: UploadPage) -> None:
    page.event("set_auto", {"value": False})
    page.submit("upload_photos")
    assert "Choose at least one photo." in page.html

    page.register("photos", "a.jpg", 100)
    page.wait_until(lambda message: "Choose at least one photo." not in page.html)


def test_a_photo_has_an_address_on_the_page_that_shows_it(client: Client, settings: Any) -> None:
    settings.GALLERY = {"PAGE_SIZE": 2}
    with mount(URL, client) as page:
        for number, name in enumerate(("a.jpg", "b.jpg", "c.jpg")):
            page.upload("photos", name, picture(number))
            page.wait_html(f"Move {name} earlier")
    oldest = Photo.objects.get(name="a.jpg")

    shown = client.get(f"{URL}?photo={oldest.pk}").content.decode()

    assert f'id="photo-{oldest.pk}"' in shown and "Page 2 of 2" in shown
    assert client.get(f"{URL}?photo=9999").status_code == 200


def test_what_is_kept_for_long_enough_goes_with_its_files_and_the_page_says_when(client: Client, settings: Any) -> None:
    settings.GALLERY = {"KEPT_FOR": 3600}
    with mount(URL, client) as page:
        uploaded(page, "a.jpg")
        assert "deleted after 1 hour" in page.html
        photo = Photo.objects.get()
        Photo.objects.update(created_at=timezone.now() - timedelta(seconds=3601))
        assert f'id="photo-{photo.pk}"' not in client.get(URL).content.decode()

        assert prune() == 1
        page.wait_html("No photos yet")
    assert not default_storage.exists(str(photo.full))


def test_a_page_opens_while_the_storage_is_away(client: Client, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is overdue is the sweep's business."""
    settings.GALLERY = {"UNDO": 0}

    def away(_name: str) -> None:
        raise OSError("away")

    with mount(URL, client) as page:
        (a,) = uploaded(page, "a.jpg")
        monkeypatch.setattr(default_storage, "delete", away)
        page.click("delete", id=a.pk)
        page.wait_until(lambda message: "Photo deleted" not in page.html)
    with mount(URL, client) as page:
        assert "No photos yet" in page.html


def test_a_time_below_zero_deletes_nothing(client: Client, settings: Any) -> None:
    settings.GALLERY = {"KEPT_FOR": -1}
    with mount(URL, client) as page:
        uploaded(page, "a.jpg")
        assert prune() == 0
        assert Photo.objects.kept().count() == 1


def test_the_page_says_who_sees_what_is_added(client: Client, settings: Any) -> None:
    assert "Everyone who opens this site sees" in client.get(URL).content.decode()
    settings.GALLERY = {"SHARED": False}
    assert "Only you see" in client.get(URL).content.decode()


def test_what_can_no_longer_be_brought_back_is_forgotten_though_the_connection_was_away(
    page: UploadPage, settings: Any
) -> None:
    settings.GALLERY = {"UNDO": 0}
    (a,) = uploaded(page, "a.jpg")
    page.click("delete", id=a.pk)
    assert "Photo deleted" in page.html

    page.drop_connection()
    page.connect()
    page.wait_until(lambda message: "Photo deleted" not in page.html)


def test_a_caption_that_is_still_typed_when_the_photo_is_there_is_the_photos(page: UploadPage) -> None:
    ref = page.upload("photos", "sea.jpg", picture())
    page.wait_html("Move sea.jpg earlier")

    page.event("set_caption", {"ref": ref, "value": "By the sea"})

    assert 'value="By the sea"' in page.html


def test_what_a_row_still_sends_is_older_than_the_photos_own_caption(page: UploadPage) -> None:
    ref = page.upload("photos", "sea.jpg", picture())
    page.wait_html("Move sea.jpg earlier")
    page.event("rename", {"id": Photo.objects.get().pk, "value": "By the sea"})

    page.event("set_caption", {"ref": ref, "value": "By the"})

    assert Photo.objects.get().caption == "By the sea"


def test_a_strangers_photo_can_be_seen_and_not_touched(page: UploadPage) -> None:
    (photo,) = uploaded(page, "a.jpg")

    with mount(URL) as stranger:
        stranger.event("rename", {"id": photo.pk, "value": "Mine"})
        stranger.event("delete", {"id": photo.pk})
        stranger.event("move", {"id": photo.pk})
        stranger.click("undo")
        assert 'alt="a.jpg"' in stranger.html
        assert names(stranger) == []

    photo.refresh_from_db()
    assert (photo.caption, photo.deleted_at) == ("", None)


def test_a_page_shows_a_part_of_a_large_album(client: Client, settings: Any) -> None:
    settings.GALLERY = {"PAGE_SIZE": 50}
    fields = {"album": "", "owner": "x", "size": 1, "sha256": "", "width": 1, "height": 1, "full": "f", "medium": "m"}
    Photo.objects.bulk_create(
        Photo(name=f"p{number}.jpg", position=number, thumb="t", **fields) for number in range(5000)
    )

    with mount(f"{URL}?page=100", client) as page:
        assert page.html.count('class="photo"') == 50
        assert "Page 100 of 100 · 5000 photos" in page.html
        assert 'alt="p0.jpg"' in page.html
    with CaptureQueriesContext(connection) as asked:
        client.get(f"{URL}?page=50")
    of_photos = [query["sql"] for query in asked if "gallery_photo" in query["sql"]]
    few = ("LIMIT 50", "COUNT(*)", "MAX(", '"deleted_at" >')  # the last are the visitor's own, of a minute
    assert of_photos and [sql for sql in of_photos if not any(part in sql for part in few)] == []
    for odd in ("0", "-1", "999", "x", "٣", "1" * 30):
        assert client.get(f"{URL}?page={odd}").status_code == 200


def test_what_is_published_are_our_own_pictures_in_three_sizes(page: UploadPage) -> None:
    page.upload("photos", "large.png", picture(size=(3000, 1500), kind="PNG"))
    page.wait_html("-m.webp 960w")  # its thumbnail may have been there before

    photo = Photo.objects.get()
    sizes = []
    for field in (photo.full, photo.medium, photo.thumb):
        with default_storage.open(str(field)) as file, Image.open(file) as image:
            sizes.append((image.format, image.size))
    assert sizes == [("PNG", (2048, 1024)), ("WEBP", (960, 480)), ("WEBP", (360, 180))]


def test_a_failed_publication_leaves_no_file_and_keeps_the_upload(
    page: UploadPage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    page.event("set_auto", {"value": False})
    page.upload("photos", "a.jpg", picture())
    before = _stored()
    with monkeypatch.context() as broken, pytest.raises(AssertionError, match="server_error"):
        broken.setattr(Photo.objects, "create", _fail)
        page.submit("upload_photos")
    assert _stored() == before

    page.submit("upload_photos")

    assert Photo.objects.count() == 1


def _fail(**_fields: object) -> None:
    raise RuntimeError("no")


def _stored() -> set[str]:
    return set(default_storage.listdir("gallery")[1]) if default_storage.exists("gallery") else set()


def test_without_javascript_the_form_takes_many_photos(client: Client) -> None:
    files = [SimpleUploadedFile(f"p{number}.jpg", picture(number), "image/jpeg") for number in range(3)]

    response = client.post(URL, {"photos": files}, follow=True)

    assert response.redirect_chain == [(URL, 302)]  # a reload doesn't send them again
    assert "3 photos added" in response.text
    assert Photo.objects.count() == 3
    assert "p2.jpg" in response.content.decode()


def test_without_javascript_a_bad_photo_is_named(client: Client) -> None:
    files = [SimpleUploadedFile("evil.png", b"MZ" + bytes(99), "image/png")]

    response = client.post(URL, {"photos": files})

    assert "evil.png" in response.content.decode()
    assert Photo.objects.count() == 0


def test_what_of_a_photo_is_not_published_is_told(client: Client) -> None:
    moving = picture() + b"\0\0\0\x18ftypmp42" + bytes(100)

    response = client.post(URL, {"photos": [SimpleUploadedFile("sea.jpg", moving, "image/jpeg")]}, follow=True)

    assert "sea.jpg: The short video in it isn&#x27;t published." in response.text
    assert Photo.objects.count() == 1


class _Making:
    """Holds the making of photos when their thumbnails have been told of, until it is to go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._go_on, self._failure = Event(), ""
        show = pictures._show

        def show_and_wait(entry: Any, thumb: Any) -> None:
            show(entry, thumb)
            assert self._go_on.wait(60)
            if self._failure:
                raise UploadError(self._failure)

        monkeypatch.setattr(pictures, "_show", show_and_wait)
        monkeypatch.setattr(processing, "LONG", 0.0)

    def go_on(self, failure: str = "") -> None:
        self._failure = failure
        self._go_on.set()


@pytest.fixture
def making(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Making]:
    made = _Making(monkeypatch)
    yield made
    made.go_on()


def _send(page: UploadPage, name: str) -> str:
    """A photo of which there is only a thumbnail so far; its ref."""
    ref, channel = page.register("photos", name, len(picture()))
    page.send_rest(channel, picture())
    page.wait_html(f"Move {name} earlier")
    return ref


def test_a_thumbnail_is_there_for_all_before_the_larger_sizes_are(page: UploadPage, making: _Making) -> None:
    with mount(URL) as other:
        ref = _send(page, "sea.jpg")
        photo = Photo.objects.get()
        other.wait_html(f'id="photo-{photo.pk}"')
        thumb = str(photo.thumb)
        assert (str(photo.full), photo.sha256) == (thumb, hashlib.sha256(picture()).hexdigest())
        assert other.html.count(thumb) == page.html.count(thumb) == 4
        with default_storage.open(thumb) as file, Image.open(file) as image:
            assert image.size == (64, 48)
        page.event("set_caption", {"ref": ref, "value": "By the sea"})

        making.go_on()
        other.wait_html("-m.webp 960w")
        page.wait_html("-m.webp 960w")

    photo.refresh_from_db()
    assert (photo.width, photo.height, photo.caption) == (64, 48, "By the sea")
    assert str(photo.thumb) == thumb
    assert sorted(photo.files()) == sorted(f"gallery/{name}" for name in _stored())
    assert len(_stored()) == 3
    assert Photo.objects.count() == 1


def test_a_thumbnail_and_what_follows_are_two_renders(
    page: UploadPage, making: _Making, monkeypatch: pytest.MonkeyPatch
) -> None:
    renders: list[Any] = []
    heard: list[Any] = []
    render, hear = turn.render, GalleryView.handle_info
    monkeypatch.setattr(turn, "render", lambda mounted: renders.append(mounted) or render(mounted))
    monkeypatch.setattr(GalleryView, "handle_info", lambda *args: (hear(*args), heard.append(args)))
    monkeypatch.setattr(views, "SETTLE", 0.0)

    ref = _send(page, "sea.jpg")
    making.go_on()
    page.upload_answer(ref, "upload_consumed")
    until(lambda: len(heard) == 3)  # of the thumbnail, of the larger sizes, and of all of it
    page.click("clear_selection")  # which takes its turn behind whatever that has led to

    assert len(renders) - 1 == 2


def test_a_failure_takes_the_thumbnail_away_again(page: UploadPage, making: _Making) -> None:
    ref = _send(page, "sea.jpg")

    making.go_on("too_complex")
    with pytest.raises(Refused, match="too_complex"):
        page.upload_answer(ref, "upload_ready")
    page.wait_html("No photos yet")

    assert (Photo.objects.count(), _stored()) == (0, set())


@pytest.mark.parametrize("is_overdue", [False, True])
def test_what_is_deleted_while_it_is_being_made_stays_deleted(
    page: UploadPage, making: _Making, settings: Any, is_overdue: bool
) -> None:
    ref = _send(page, "sea.jpg")
    photo = Photo.objects.get()
    page.click("delete", id=photo.pk)
    if is_overdue:
        settings.GALLERY = {"UNDO": -1}
        assert prune() == 1

    making.go_on()
    page.upload_answer(ref, "upload_consumed")

    assert "Move sea.jpg earlier" not in page.html
    if is_overdue:
        assert (Photo.objects.count(), _stored()) == (0, set())
    else:
        page.click("undo")
        assert "-m.webp 960w" in page.html
        assert len(_stored()) == 3


def test_one_that_nobody_makes_any_more_is_given_up(page: UploadPage, making: _Making) -> None:
    ref = _send(page, "sea.jpg")
    assert prune() == 0

    Photo.objects.update(created_at=timezone.now() - MAKING - timedelta(seconds=1))
    assert prune() == 1
    making.go_on()
    page.upload_answer(ref, "upload_consumed")

    assert (Photo.objects.count(), _stored()) == (0, set())


def test_who_leaves_and_comes_back_has_one_photo_with_all_of_its_sizes(client: Client, making: _Making) -> None:
    with mount(URL, client) as page:
        upload_id, channel = page.register_resumable("photos", "sea.jpg", len(picture()))
        page.send_rest(channel, picture())
        page.wait_html("Move sea.jpg earlier")
        (photo,) = Photo.objects.all()
    making.go_on()  # nobody looks any more, and it is finished all the same
    until(lambda: len(_stored()) == 3, within=30)
    with mount(URL, client) as page:
        page.resume("photos", upload_id, len(picture()))
        page.wait_until(lambda message: message["type"] == "upload_consumed")

    assert Photo.objects.get().pk == photo.pk
    assert not Photo.objects.get().is_being_made
    assert len(_stored()) == 3
