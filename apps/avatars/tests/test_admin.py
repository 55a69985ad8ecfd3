from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client

from avatars.models import Avatar

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/admin/avatars/avatar/"


@pytest.fixture
def admin(folders: Path, client: Client) -> Client:
    client.force_login(get_user_model().objects.create_superuser("root"))
    return client


def make(owner: str) -> Avatar:
    image = default_storage.save(f"avatars/{owner}.png", ContentFile(b"x"))
    return Avatar.objects.create(
        owner=owner, image=image, name=f"{owner}.png", size=1_500_000, sha256="0" * 64, width=30, height=20
    )


def test_staff_see_pictures_and_what_they_are(admin: Client) -> None:
    avatar = make("visitor:me")

    page = admin.get(URL).text

    assert f'src="{avatar.image.url}"' in page
    assert "30 × 20" in page and "1.4" in page


def test_avatars_that_staff_delete_take_their_files_along(admin: Client) -> None:
    avatars = [make(f"visitor-{number}") for number in range(3)]
    files = [str(avatar.image) for avatar in avatars]

    admin.post(f"{URL}{avatars[0].pk}/delete/", {"post": "yes"})
    chosen = {"action": "delete_selected", "_selected_action": [avatar.pk for avatar in avatars[1:]], "post": "yes"}
    admin.post(URL, chosen)

    assert not Avatar.objects.exists()
    assert [name for name in files if default_storage.exists(name)] == []
