"""Every good and bad file for the gallery, through the page's own socket: what is refused, and what is stored."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from PIL import Image

from gallery.models import Photo
from uploads.testing import Refused, UploadPage, mount
from uploads.tests.corpus import MAKER, Corpus

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not MAKER.exists(), reason="this copy of the app came without the corpus"),
]


def test_the_corpus(corpus: Corpus, client: Client) -> None:
    wrong: list[str] = []
    entries = corpus.entries("gallery")
    assert len(entries) > 80
    with mount("/gallery/", client) as page:
        page.event("set_auto", {"value": False})
        for entry in entries:
            wrong += [f"{entry['name']}: {complaint}" for complaint in complaints(page, entry, corpus.data(entry))]
    assert wrong == []


def complaints(page: UploadPage, entry: dict[str, Any], data: bytes) -> list[str]:
    """Uploads one file to a page that has seen all those before; what is wrong with the outcome."""
    Photo.objects.all().delete()
    wanted = entry.get("code") if entry["expected"] == "reject" else None
    try:
        ref = page.upload("photos", entry["client_name"], data, mime=entry["client_type"])
    except Refused as refused:
        return [] if refused.code == wanted else [f"{refused.code} instead of {wanted}"]
    if wanted is not None:
        page.send({"type": "upload_cancel", "ref": ref})
        return [f"accepted instead of {wanted}"]
    page.submit("upload_photos")
    return check(Photo.objects.get(), entry.get("expect", {}), data)


def check(photo: Photo, expect: dict[str, Any], data: bytes) -> list[str]:
    found = []
    if (photo.size, photo.sha256) != (len(data), hashlib.sha256(data).hexdigest()):
        found.append("not the bytes that were sent")
    for name in photo.files():
        with default_storage.open(name) as file:
            content = file.read()
        found += [
            f"{marker} is in {name}" for marker in expect.get("must_not_contain", []) if marker.encode() in content
        ]
        with Image.open(io.BytesIO(content)) as picture:
            picture.load()
            if expect.get("no_metadata") and dict(picture.getexif()):
                found.append(f"metadata in {name}")
            if name == str(photo.full):
                found += check_full(photo, picture, expect)
    return found


def check_full(photo: Photo, picture: Image.Image, expect: dict[str, Any]) -> list[str]:
    found = []
    if picture.size != (photo.width, photo.height):
        found.append(f"{picture.size} is not what the row says")
    if "width" in expect and max(expect["width"], expect["height"]) <= 2048:
        found += [] if picture.size == (expect["width"], expect["height"]) else [f"size {picture.size}"]
    frames = getattr(picture, "n_frames", 1)
    return found + ([] if frames == expect.get("frames", frames) else [f"{frames} frames"])
