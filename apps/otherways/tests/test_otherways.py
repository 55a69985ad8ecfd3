"""The page of the other ways in, and how long it keeps what they bring."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone

from otherways import models
from otherways.models import Received, make_room, prune
from uploads import intakes

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def folders(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.UPLOADS = {**settings.UPLOADS, "STAGING_DIR": tmp_path / "staging"}


def store(size: int = 10, minutes: int = 0, owner: str = "visitor:me") -> Received:
    file = default_storage.save("received/x", ContentFile(bytes(size)))
    received = Received.objects.create(owner=owner, name="a.dat", size=size, sha256="0" * 64, way="/upload", file=file)
    Received.objects.filter(pk=received.pk).update(created_at=timezone.now() - timedelta(minutes=minutes))
    return received


def test_the_page_has_every_way(client: Client) -> None:
    response = client.get("/other-ways/")

    assert response.status_code == 200
    assert response.text.count("<h1") == 1
    for path in ("/upload", "/get_upload_progress", "/api/upload", "/api/upload-chunk", "/tus/", "/ws/upload/"):
        assert path in response.text
    assert "style=" not in response.text and "<script>" not in response.text
    assert "no-store" in response["Cache-Control"]


def test_a_form_brings_a_file_to_its_visitors_page_and_to_no_other(client: Client) -> None:
    client.get("/other-ways/")

    answer = client.post("/upload", {"picture": ContentFile(b"hello", "<b>.dat"), "id": "1"})

    assert answer.json()["fileSize"] == 5
    page = client.get("/other-ways/").text
    assert answer.json()["fileGuid"] in page
    assert "&lt;b&gt;.dat" in page and "<b>.dat" not in page
    assert "Nothing yet." in Client().get("/other-ways/").text


def test_what_is_kept_is_not_served(client: Client) -> None:
    answer = client.post("/api/upload", {"file": ContentFile(b"hello", "a.dat")}).json()
    received = Received.objects.get(pk=answer["fileGuid"])

    assert default_storage.exists(str(received.file))
    assert client.get(f"/media/{received.file}").status_code == 404


def test_a_file_goes_after_an_hour() -> None:
    old, young = store(minutes=61), store(minutes=59)

    make_room(0)

    assert list(Received.objects.all()) == [young]
    assert not default_storage.exists(str(old.file)) and default_storage.exists(str(young.file))


def test_the_oldest_go_when_there_is_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "KEPT_BYTES", 100)
    oldest, older, newest = store(40, 3), store(40, 2), store(40, 1)

    make_room(20)

    assert set(Received.objects.all()) == {older, newest}
    assert not default_storage.exists(str(oldest.file))


def test_a_visitor_deletes_a_file_of_theirs_and_brings_it_back(client: Client) -> None:
    client.get("/other-ways/")
    guid = client.post("/upload", {"picture": ContentFile(b"hello", "a.dat")}).json()["fileGuid"]
    assert Client().post(f"/other-ways/{guid}/delete").status_code == 404

    page = client.post(f"/other-ways/{guid}/delete", follow=True).text
    assert "Nothing yet." in page and "File deleted" in page

    page = client.post(f"/other-ways/{guid}/undo", follow=True).text
    assert guid in page and "File deleted" not in page

    client.post(f"/other-ways/{guid}/delete")
    Received.objects.update(deleted_at=timezone.now() - timedelta(minutes=2))
    prune()
    assert not Received.objects.exists()


def test_programs_and_pages_are_not_taken(client: Client) -> None:
    for name in ("a.exe", "a.svg", "a.html"):
        answer = client.post("/upload", {"picture": ContentFile(b"hello", name)})
        assert (answer.status_code, answer.json()["code"]) == (415, "bad_ext")


def test_a_form_from_another_site_is_refused(client: Client) -> None:
    answer = client.post(
        "/upload", {"picture": ContentFile(b"hello", "a.dat")}, headers={"Origin": "https://evil.example"}
    )

    assert (answer.status_code, answer.json()["code"]) == (403, "bad_origin")
    assert not Received.objects.exists()


def test_the_intake_takes_any_file() -> None:
    assert intakes.get("received").takes_empty
    assert intakes.get("received").slot.accept_text == ""
