"""Every good and bad file for an avatar, through the page's own socket: what is refused and why, and what is stored."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from avatars.models import Avatar
from uploads.testing import Refused, UploadPage
from uploads.tests.corpus import MAKER, Corpus

pytestmark = pytest.mark.skipif(not MAKER.exists(), reason="this copy of the app came without the corpus")


def test_the_corpus(
    corpus: Corpus,
    open_page: Callable[..., UploadPage],
    stored: Callable[[], list[Path]],
    staged: Callable[[], list[str]],
) -> None:
    page, wrong = open_page(), []
    entries = corpus.entries("avatars")
    assert len(entries) > 100
    for entry in entries:
        Avatar.objects.all().delete()
        for path in stored():
            path.unlink()
        wanted = entry.get("code") if entry["expected"] == "reject" else None
        found = outcome(page, entry, corpus.data(entry))
        complaints = [f"{found} instead of {wanted}"] if found != wanted else []
        complaints += check(entry, corpus.data(entry), stored()) if found is None else []
        complaints += ["something is stored"] if found and (stored() or Avatar.objects.exists()) else []
        wrong += [f"{entry['name']}: {complaint}" for complaint in complaints]
    assert wrong == []
    page.drop_connection()
    assert staged() == []


def outcome(page: UploadPage, entry: dict[str, Any], data: bytes) -> str | None:
    """Uploads and saves one file on a page that has seen all those before; the code of its refusal."""
    try:
        page.upload("avatar", entry["client_name"], data, mime=entry["client_type"])
    except Refused as refused:
        return refused.code
    page.submit("save_avatar")
    return None


def check(entry: dict[str, Any], data: bytes, stored: list[Path]) -> list[str]:
    """What is wrong with what is stored of a file that was taken."""
    expect, avatar = entry.get("expect", {}), Avatar.objects.get()
    (path,) = stored
    content, found = path.read_bytes(), []
    if (avatar.size, avatar.sha256) != (len(data), hashlib.sha256(data).hexdigest()):
        found.append("not the bytes that were sent")
    found += [f"{marker} is stored" for marker in expect.get("must_not_contain", []) if marker.encode() in content]
    with Image.open(path) as picture:
        picture.load()
        if picture.size != (avatar.width, avatar.height) or getattr(picture, "n_frames", 1) != 1:
            found.append(f"{picture.size}, {getattr(picture, 'n_frames', 1)} frames")
        if "width" in expect and max(expect["width"], expect["height"]) <= 1024:
            found += [] if picture.size == (expect["width"], expect["height"]) else [f"size {picture.size}"]
        if expect.get("no_metadata") and (
            dict(picture.getexif()) or {"icc_profile", "xmp", "exif"} & set(picture.info)
        ):
            found.append("metadata")
    return found
