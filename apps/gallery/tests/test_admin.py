from __future__ import annotations

import pytest
from django.contrib.admin.sites import site
from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import clear_url_caches, include, path

from gallery.models import Photo

pytestmark = pytest.mark.django_db(transaction=True)

urlpatterns = [path("gallery/", include("gallery.urls")), path("admin/", site.urls)]
URL = "/admin/gallery/photo/"


@pytest.fixture
def admin(settings: pytest.MonkeyPatch, client: Client) -> Client:
    settings.ROOT_URLCONF = __name__  # type: ignore[attr-defined]
    clear_url_caches()
    client.force_login(get_user_model().objects.create_superuser("root"))
    return client


def make(name: str, caption: str = "") -> Photo:
    files = {
        kind: default_storage.save(f"gallery/{kind}-{name}", ContentFile(b"x")) for kind in ("full", "medium", "thumb")
    }
    return Photo.objects.create(
        name=name, caption=caption, album="", owner="visitor:me", size=1_500_000, sha256="0" * 64,
        width=30, height=20, position=1, **files,
    )  # fmt: skip


def test_staff_see_pictures_and_what_they_are(admin: Client) -> None:
    photo = make("<script>alert(1)</script>.jpg", "By the sea")

    page = admin.get(URL).text

    assert f'src="{photo.thumb.url}"' in page
    assert "30 × 20" in page and "1.4" in page and "By the sea" in page
    assert "<script>alert" not in page
    assert "By the sea" in admin.get(f"{URL}?q=sea").text
    assert "By the sea" not in admin.get(f"{URL}?deleted_at__isempty=0").text
    for path_ in ("", f"{photo.pk}/change/", f"{photo.pk}/delete/", f"{photo.pk}/history/"):
        assert admin.get(URL + path_).status_code == 200


def test_photos_that_staff_delete_take_their_files_along(admin: Client) -> None:
    photos = [make(f"{number}.jpg") for number in range(3)]
    files = [name for photo in photos for name in photo.files()]

    admin.post(f"{URL}{photos[0].pk}/delete/", {"post": "yes"})
    chosen = {"action": "delete_selected", "_selected_action": [photo.pk for photo in photos[1:]], "post": "yes"}
    admin.post(URL, chosen)

    assert not Photo.objects.exists()
    assert [name for name in files if default_storage.exists(name)] == []
