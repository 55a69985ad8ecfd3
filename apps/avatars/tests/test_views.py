"""The page, over its socket and as a plain form."""

from __future__ import annotations

import hashlib
import io
import re
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone
from PIL import Image

from avatars.models import Avatar, prune
from liveview.testing import ServerSaid
from uploads.testing import Refused, UploadPage

Open = Callable[..., UploadPage]
Stored = Callable[[], list[Path]]
Staged = Callable[[], list[str]]


def picture(kind: str = "JPEG", size: tuple[int, int] = (120, 90), colour: str = "teal") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, kind)
    return buffer.getvalue()


def save(page: UploadPage, name: str = "me.jpg", data: bytes | None = None) -> str:
    """Uploads and saves a picture; the address of the avatar on the page."""
    page.upload("avatar", name, data or picture())
    page.submit("save_avatar")
    return shown(page.html)


def shown(html: str) -> str:
    found = re.search(r'<img src="([^"]+)"', html)
    return found[1] if found else ""


def errors(html: str) -> list[str]:
    return [re.sub(r"<[^>]+>", "", text) for text in re.findall(r'(?s)role="alert"[^>]*>(.*?)</p>', html)]


@pytest.mark.parametrize(
    ("kind", "name"), [("JPEG", "me.jpg"), ("JPEG", "me.jpeg"), ("PNG", "me.png"), ("WEBP", "me.webp")]
)
def test_a_picture_is_saved_and_shown(
    open_page: Open, stored: Stored, staged: Staged, client: Client, kind: str, name: str
) -> None:
    data = picture(kind)
    url = save(open_page(client), name, data)
    avatar = Avatar.objects.get()
    assert (avatar.name, avatar.size, avatar.sha256) == (name, len(data), hashlib.sha256(data).hexdigest())
    assert (avatar.width, avatar.height) == (120, 90)
    assert url == avatar.image.url
    (path,) = stored()
    assert re.fullmatch(r"[0-9a-f]{32}\.(jpg|png|webp)", path.name)
    with Image.open(path) as made:
        assert (made.format, made.size) == (kind, (120, 90))
    answer = client.get(url)
    assert answer.status_code == 200
    answer.close()
    assert staged() == []


def test_a_large_picture_is_published_smaller(open_page: Open, stored: Stored) -> None:
    save(open_page(), data=picture(size=(2048, 1000)))
    with Image.open(stored()[0]) as made:
        assert made.size == (1024, 500)
    avatar = Avatar.objects.get()
    assert (avatar.width, avatar.height) == (1024, 500)


def test_saving_without_a_file_says_so(open_page: Open) -> None:
    page = open_page()
    page.submit("save_avatar")
    assert errors(page.html) == ["No file selected."]


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("me.exe", b"MZ", "bad_ext"),
        ("me.png", b"MZ" + bytes(5000), "type_mismatch"),
        ("me.jpg", picture()[:300], "bad_content"),
        ("me.jpg", b"", "empty"),
        ("me.jpg", bytes(5_000_001), "too_large"),
    ],
)
def test_each_refusal_is_told_on_the_page_and_the_next_file_works(
    open_page: Open, stored: Stored, staged: Staged, name: str, data: bytes, code: str
) -> None:
    page = open_page()
    with pytest.raises(Refused) as refused:
        page.upload("avatar", name, data)
    assert refused.value.code == code
    page.wait_html('role="alert"')
    page.submit("save_avatar")
    assert any(name in text for text in errors(page.html))
    assert (stored(), Avatar.objects.count()) == ([], 0)
    assert save(page)
    assert errors(page.html) == []
    assert staged() == []


def test_a_saved_avatar_is_removed_with_its_file(open_page: Open, stored: Stored, client: Client) -> None:
    page = open_page(client)
    url = save(page)
    assert "Replace" in page.html
    page.click("remove_avatar")
    assert "Drag your avatar here" in page.html
    assert shown(page.html) == ""
    page.click("remove_avatar")  # in another tab, too
    Avatar.objects.update(deleted_at=timezone.now() - timedelta(minutes=2))
    prune()
    assert (stored(), Avatar.objects.count()) == ([], 0)
    assert client.get(url).status_code == 404
    assert save(page) != url


def test_nobody_removes_another_visitors_avatar(open_page: Open) -> None:
    url = save(open_page(Client()))
    open_page(Client()).click("remove_avatar")
    assert Avatar.objects.get().image.url == url


# Whose it is


def test_the_avatar_is_there_on_the_next_visit_and_nobody_elses(open_page: Open, client: Client) -> None:
    url = save(open_page(client))
    assert shown(open_page(client).html) == url
    assert url in client.get("/avatars/").content.decode()
    other = Client()
    assert shown(open_page(other).html) == ""
    assert url not in other.get("/avatars/").content.decode()


def test_logging_in_is_being_somebody_else(open_page: Open, client: Client) -> None:
    before = save(open_page(client))
    client.force_login(get_user_model().objects.create_user("ann"))
    page = open_page(client)
    assert shown(page.html) == ""
    mine = save(page)
    assert mine != before
    elsewhere = Client()
    elsewhere.force_login(get_user_model().objects.get())
    assert shown(open_page(elsewhere).html) == mine
    assert Avatar.objects.count() == 2


# One per visitor


def test_the_old_file_goes_when_it_is_replaced(open_page: Open, stored: Stored, client: Client) -> None:
    page = open_page(client)
    first = save(page)
    second = save(page, "other.png", picture("PNG"))
    assert first != second
    assert len(stored()) == Avatar.objects.count() == 1
    assert client.get(first).status_code == 404
    assert Avatar.objects.get().name == "other.png"


def test_a_failing_database_leaves_the_old_avatar_and_no_orphan_and_the_next_try_works(
    open_page: Open, stored: Stored, staged: Staged, monkeypatch: pytest.MonkeyPatch, allowed: set[str]
) -> None:
    page = open_page()
    first = save(page)
    kept = stored()

    def fail(*_args: object, **_kwargs: object) -> None:
        raise DatabaseError("no")

    page.upload("avatar", "other.png", picture("PNG"))
    with monkeypatch.context() as broken:
        broken.setattr(Avatar, "save", fail)
        with pytest.raises(ServerSaid) as said:
            page.submit("save_avatar")
    allowed.add(f"[{said.value.id}]")
    assert stored() == kept
    assert shown(page.html) == first
    page.submit("save_avatar")
    assert shown(page.html) != first
    assert len(stored()) == 1
    assert staged() == []


def test_a_storage_that_fails_to_delete_costs_nothing_but_an_orphan(
    open_page: Open, monkeypatch: pytest.MonkeyPatch, allowed: set[str]
) -> None:
    def fail(name: str) -> None:
        raise OSError("no")

    page = open_page()
    first = save(page)
    monkeypatch.setattr(default_storage, "delete", fail)
    second = save(page, "other.png", picture("PNG"))
    assert shown(page.html) == second != first
    allowed.add("on_commit")


def test_two_tabs_that_save_at_once_leave_one_avatar_and_one_file(
    open_page: Open, stored: Stored, staged: Staged, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have stored their file before either touches the database."""
    pages = [open_page(client) for _ in range(2)]
    for page, kind in zip(pages, ("JPEG", "PNG"), strict=True):
        page.upload("avatar", f"{kind.lower()}.{kind.lower()}", picture(kind))
    both, really = threading.Barrier(2, timeout=60), default_storage.save

    def save_together(*args: Any, **kwargs: Any) -> str:
        name = really(*args, **kwargs)
        both.wait()
        return name

    monkeypatch.setattr(default_storage, "save", save_together)
    threads = [threading.Thread(target=page.submit, args=("save_avatar",)) for page in pages]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    avatar = Avatar.objects.get()
    assert [path.name for path in stored()] == [avatar.image.name.rpartition("/")[2]]
    assert avatar.name in ("jpeg.jpeg", "png.png")
    assert staged() == []


def test_an_avatar_is_removed_and_brought_back_and_goes_for_good_after_a_while(open_page: Open, stored: Stored) -> None:
    page = open_page()
    url = save(page)
    page.click("remove_avatar")
    assert "Drag your avatar here" in page.html
    page.click("undo")
    assert shown(page.html) == url

    page.click("remove_avatar")
    prune()
    assert len(stored()) == 1
    Avatar.objects.update(deleted_at=timezone.now() - timedelta(minutes=2))
    prune()
    assert stored() == [] and not Avatar.objects.exists()


def test_a_new_avatar_takes_the_place_of_a_removed_one(open_page: Open, stored: Stored) -> None:
    page = open_page()
    save(page)
    page.click("remove_avatar")

    second = save(page, "other.png", picture("PNG"))

    assert shown(page.html) == second and "Undo" not in page.html
    assert len(stored()) == 1


def test_an_avatar_that_was_kept_for_long_enough_goes_from_the_open_page(
    open_page: Open, stored: Stored, settings: Any
) -> None:
    settings.AVATARS = {"KEPT_FOR": 3600}
    page = open_page()
    save(page)
    assert "It is deleted after 1 hour" in page.html
    Avatar.objects.update(updated_at=timezone.now() - timedelta(seconds=3601))

    prune()

    page.wait_html("Drag your avatar here")
    assert stored() == []


# Without JavaScript


def posted(client: Client, name: str, data: bytes) -> str:
    fields = {"_event": "save_avatar", "avatar": SimpleUploadedFile(name, data)}
    return client.post("/avatars/", fields, follow=True).content.decode()


@pytest.mark.django_db
def test_a_form_without_javascript_saves_too(folders: Path, client: Client, stored: Stored, staged: Staged) -> None:
    html = posted(client, "me.png", picture("PNG"))
    avatar = Avatar.objects.get()
    assert shown(html[html.index('id="live"') :]) == avatar.image.url
    assert (avatar.name, len(stored()), staged()) == ("me.png", 1, [])
    html = client.post("/avatars/", {"_event": "remove_avatar"}, follow=True).content.decode()
    assert "Drag your avatar here" in html and "Avatar removed" in html
    html = client.post("/avatars/", {"_event": "undo"}).content.decode()
    assert shown(html[html.index('id="live"') :]) == avatar.image.url


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("me.exe", b"MZ", "kind of file isn&#x27;t accepted"),
        ("me.png", b"MZ" + bytes(5000), "named .png, but it isn&#x27;t a PNG image"),
        ("me.jpg", picture()[:300], "damaged"),
        ("me.jpg", b"", "empty"),
        ("me.jpg", bytes(5_000_001), "too large"),
    ],
)
def test_a_posted_file_is_refused_for_the_same_reasons(
    folders: Path, client: Client, stored: Stored, staged: Staged, name: str, data: bytes, said: str
) -> None:
    (error,) = errors(posted(client, name, data))
    assert error.startswith(f"{name}: ")
    assert said in error
    assert (stored(), staged(), Avatar.objects.count()) == ([], [], 0)


@pytest.mark.django_db
def test_a_post_without_a_file_says_so(folders: Path, client: Client) -> None:
    answer = client.post("/avatars/", {"_event": "save_avatar"})
    assert errors(answer.content.decode()) == ["No file selected."]


# Staff


def test_the_admin_shows_avatars(open_page: Open, client: Client) -> None:
    save(open_page(), "<script>alert(1)</script>.jpg")
    client.force_login(get_user_model().objects.create_superuser("root"))
    avatar = Avatar.objects.get()
    for path in ("", f"{avatar.pk}/change/", f"{avatar.pk}/delete/", f"{avatar.pk}/history/", "?q=script"):
        answer = client.get(f"/admin/avatars/avatar/{path}")
        assert answer.status_code == 200
        assert "<script>alert" not in answer.content.decode()
