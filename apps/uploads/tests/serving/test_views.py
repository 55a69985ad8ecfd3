from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage, storages
from django.test import Client

from uploads.checks import check_settings
from uploads.core.sniffing import FILE_TYPES
from uploads.serving.files import TYPES

NAME = "avatars/0123456789abcdef0123456789abcdef.jpg"


@pytest.fixture(autouse=True)
def _published(project: None) -> None:
    default_storage.save(NAME, ContentFile(b"picture"))


@pytest.fixture
def media(folders: Path) -> Path:
    return folders / "media"


def test_a_published_file_is_served_harmlessly(client: Client) -> None:
    answer = client.get(f"/media/{NAME}")
    assert b"".join(answer.streaming_content) == b"picture"  # type: ignore[attr-defined]
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "private" in answer.headers["Cache-Control"]
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["Content-Disposition"] == f'inline; filename="{NAME.rpartition("/")[2]}"'
    answer.close()


@pytest.mark.parametrize(("extension", "mime"), TYPES.items())
def test_the_type_is_ours_and_not_the_systems(client: Client, extension: str, mime: str) -> None:
    name = NAME.replace(".jpg", extension)
    default_storage.save(name, ContentFile(b"<html><script>alert(1)</script>"))
    with closing(client.get(f"/media/{name}")) as answer:
        assert answer.headers["Content-Type"] == mime


def test_the_table_agrees_with_what_is_detected() -> None:
    detected = {file_type.extension: file_type.mime for file_type in FILE_TYPES}
    assert TYPES.items() <= detected.items()


@pytest.mark.parametrize(
    "path",
    [
        "",
        "avatars",
        "avatars/",
        "../settings.py",
        "avatars/../../settings.py",
        "%2e%2e/settings.py",
        "avatars/%2e%2e/%2e%2e/settings.py",
        "..%2fsettings.py",
        "%252e%252e/settings.py",
        "/etc/passwd",
        "//etc/passwd",
        f"/{NAME}",
        f"avatars//{NAME.rpartition('/')[2]}",
        f"./{NAME}",
        f"{NAME}%00.jpg",
        f"{NAME}%00",
        f"{NAME}%0a",
        f"{NAME}/",
        NAME.replace("/", "\\"),
        NAME.replace("/", "%5c"),
        NAME.upper(),
        NAME.replace(".jpg", ".html"),
        NAME.replace(".jpg", ".svg"),
        NAME.replace(".jpg", ".jpg.html"),
        NAME.replace(".jpg", ""),
        "avatars/photo.jpg",
        "avatars/ffffffffffffffffffffffffffffffff.jpg",
        "a/b/c/d/0123456789abcdef0123456789abcdef.jpg",
    ],
)
def test_nothing_but_names_of_ours_is_looked_up(client: Client, media: Path, path: str) -> None:
    (media.parent / "settings.py").write_text("SECRET")
    (media / "avatars" / "photo.jpg").write_bytes(b"not ours")
    assert client.get(f"/media/{path}").status_code == 404


def test_a_link_in_the_folder_leads_nowhere(client: Client, media: Path) -> None:
    secret = media.parent / "secret.jpg"
    secret.write_text("SECRET")
    (media / NAME).unlink()
    (media / NAME).symlink_to(secret)
    assert client.get(f"/media/{NAME}").status_code == 404


def test_a_linked_folder_leads_nowhere(client: Client, media: Path) -> None:
    outside = media.parent / "outside"
    (media / "avatars").rename(outside)
    (media / "avatars").symlink_to(outside)
    assert client.get(f"/media/{NAME}").status_code == 404


def test_the_media_folder_itself_may_be_a_link(client: Client, media: Path) -> None:
    media.rename(media.with_name("disk"))
    media.symlink_to(media.with_name("disk"))
    with closing(client.get(f"/media/{NAME}")) as answer:
        assert answer.status_code == 200


def test_a_folder_named_like_a_file_is_not_found(client: Client, media: Path) -> None:
    (media / NAME).unlink()
    (media / NAME).mkdir()
    assert client.get(f"/media/{NAME}").status_code == 404


def test_a_deleted_file_is_not_found(client: Client) -> None:
    default_storage.delete(NAME)
    assert client.get(f"/media/{NAME}").status_code == 404


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_files_can_only_be_read(client: Client, method: str) -> None:
    assert getattr(client, method)(f"/media/{NAME}").status_code == 405
    assert os.path.exists(default_storage.path(NAME))


def test_a_head_request_gets_the_headers(client: Client) -> None:
    with closing(client.head(f"/media/{NAME}")) as answer:
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/jpeg")


def test_another_storage_is_served_as_well(client: Client, settings: Any) -> None:
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"}}
    storages["default"].save(NAME, ContentFile(b"elsewhere"))
    with closing(client.get(f"/media/{NAME}")) as answer:
        assert b"".join(answer.streaming_content) == b"elsewhere"  # type: ignore[attr-defined]


# Folders whose files have names that others made


@pytest.fixture
def public(settings: Any) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "PUBLIC": ["avatars/"]}


PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


@pytest.mark.usefixtures("public")
@pytest.mark.parametrize(
    "name", ["me.png", "Ferien \u2600 am Meer.PNG", "evil.html", "no extension", "a..b.png", "in/side.png"]
)
def test_a_picture_in_a_public_folder_is_shown_whatever_it_is_called(client: Client, name: str) -> None:
    url = default_storage.url(default_storage.save(f"avatars/{name}", ContentFile(PNG)))
    with closing(client.get(url)) as answer:
        assert b"".join(answer.streaming_content) == PNG  # type: ignore[attr-defined]
        assert answer.headers["Content-Type"] == "image/png"
        assert answer.headers["Content-Disposition"].startswith("inline")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert answer.headers["Cache-Control"] == "private, no-cache"
        again = client.get(url, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    part = client.get(url, headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, PNG[:4])


@pytest.mark.usefixtures("public")
@pytest.mark.parametrize(
    ("name", "data", "mime"),
    [
        ("page.png", b"<!DOCTYPE html><script>alert(1)</script>", "application/octet-stream"),
        ("page.html", b"<script>alert(1)</script>", "application/octet-stream"),
        ("drawing.svg", b"<svg onload='alert(1)'/>", "application/octet-stream"),
        ("empty.jpg", b"", "application/octet-stream"),
        ("paper.pdf", b"%PDF-1.7", "application/pdf"),
    ],
)
def test_anything_else_there_is_an_attachment(client: Client, name: str, data: bytes, mime: str) -> None:
    path = default_storage.save(f"avatars/{name}", ContentFile(data))
    with closing(client.get(f"/media/{path}")) as answer:
        assert answer.headers["Content-Type"] == mime
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.usefixtures("public")
def test_another_file_of_the_same_name_is_another_version(client: Client) -> None:
    tags = set()
    for data in (PNG, PNG + b"more"):
        default_storage.delete("avatars/me.png")
        default_storage.save("avatars/me.png", ContentFile(data))
        with closing(client.get("/media/avatars/me.png")) as answer:
            tags.add(answer.headers["ETag"])
    assert len(tags) == 2


@pytest.mark.usefixtures("public")
@pytest.mark.parametrize(
    "path",
    [
        "avatars/",
        "avatars/nothing.png",
        "avatars/.hidden.png",
        "avatars/.git/me.png",
        "avatars/../other/me.png",
        "avatars/%2e%2e/other/me.png",
        "avatars//me.png",
        "avatars/./me.png",
        "avatars/..%5cother/me.png",
        "avatars/me.png%00",
        "avatars/link.png",
        "avatarsme.png",
        "other/me.png",
        "me.png",
    ],
)
def test_public_is_what_is_below_that_folder_and_no_more(client: Client, media: Path, path: str) -> None:
    for name in (
        "other/me.png",
        "avatars/me.png",
        "avatars/.hidden.png",
        "avatars/.git/me.png",
        "me.png",
        "avatarsme.png",
    ):
        (media / name).parent.mkdir(exist_ok=True)
        (media / name).write_bytes(PNG)
    (media / "avatars" / "link.png").symlink_to(media / "other" / "me.png")
    assert client.get(f"/media/{path}").status_code == 404


def test_with_debug_the_page_says_why_a_file_is_not_served(client: Client, settings: Any, media: Path) -> None:
    (media / "gallery").mkdir()
    (media / "gallery" / "me.png").write_bytes(PNG)
    (media / "me.png").write_bytes(PNG)
    settings.DEBUG = True

    told = client.get("/media/gallery/me.png").content.decode()

    assert "UPLOADS = {&quot;PUBLIC&quot;: [&quot;gallery/&quot;]}" in told
    assert "in a folder below MEDIA_ROOT" in client.get("/media/me.png").content.decode()
    assert "PUBLIC" not in client.get("/media/gallery/nothing.png").content.decode()
    settings.DEBUG = False
    assert "PUBLIC" not in client.get("/media/gallery/me.png").content.decode()


@pytest.mark.parametrize("folders", [["avatars/"], ("a/b/", "Ü c/"), "avatars/,gallery/", []])
def test_a_public_folder(settings: Any, folders: Any) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "PUBLIC": folders}
    assert check_settings(None) == []


@pytest.mark.parametrize(
    "folders", [[""], ["/"], ["avatars"], ["/avatars/"], ["../"], ["a/../b/"], ["./"], [3], "/", {"a/": 1}]
)
def test_what_no_public_folder_is(settings: Any, folders: Any) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "PUBLIC": folders}
    assert [message.id for message in check_settings(None)] == ["uploads.E010"]
