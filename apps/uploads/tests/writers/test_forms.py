"""A file that a form posts without JavaScript also goes to the writer."""

from __future__ import annotations

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from uploads.tests.support import TEXT, Site

from .recorder import Recorder, only, raising


def test_a_posted_file_goes_to_the_writer(site: Site, client: Client) -> None:
    posted = SimpleUploadedFile("a.txt", TEXT)
    response = client.post("/writers/", {"_event": "take", "file": posted})

    assert only().order == ["open", "write_chunk", "close"]
    assert only().content == TEXT
    assert f"url=/stored/{only().upload_id}" in response.content.decode()


def test_a_posted_file_that_a_writer_refuses_says_so(site: Site, client: Client, allowed: set[str]) -> None:
    allowed.add("writer failed")
    Recorder.steps["close"] = raising(RuntimeError("secret"))
    response = client.post("/writers/", {"_event": "take", "file": SimpleUploadedFile("a.txt", TEXT)})

    assert only().order == ["open", "write_chunk", "close", "abort"]
    assert "stored right now" in response.content.decode()
    assert "secret" not in response.content.decode()


def test_a_posted_file_of_the_wrong_type_never_gets_a_writer(site: Site, client: Client) -> None:
    client.post("/writers/", {"_event": "take", "file": SimpleUploadedFile("a.png", b"MZ" + bytes(5000))})

    assert Recorder.made == []
