"""The seeds' samples work as printed there."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from PIL import Image

from uploads.testing import Refused
from uploads.tests.support import TEXT, Site, Staged

from .seeing import errors_in, saved


def picture(kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (60, 40), "teal").save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_the_tutorials_avatar(site: Site, staged: Staged, folders: Path, kind: str) -> None:
    data, name = picture(kind), f"cute.{kind.lower()}"
    page = site("/seeds/avatar/")
    assert "Drag your avatar here" in page.html
    page.submit("save_avatar")
    assert errors_in(page.html) == ["No file selected."]
    page.upload("avatar", name, data)
    page.submit("save_avatar")
    assert f'<img src="/media/avatars/{name}"' in page.html
    assert f"<strong>{name}</strong>" in page.html
    assert errors_in(page.html) == []
    assert saved(folders) == {f"avatars/{name}": data}
    page.click("reset_avatar")
    assert "Drag your avatar here" in page.html
    assert staged() == []


def test_the_tutorials_avatar_is_not_fooled_by_a_name(site: Site, folders: Path) -> None:
    page = site("/seeds/avatar/")
    with pytest.raises(Refused, match="type_mismatch"):
        page.upload("avatar", "cute.png", b"MZ" + TEXT)
    with pytest.raises(Refused, match="too_large"):
        page.register("avatar", "cute.png", 5_000_001)
    page.submit("save_avatar")
    assert errors_in(page.html) == ["No file selected."]
    assert not (folders / "media").exists()


def test_the_tutorials_avatar_never_overwrites(site: Site, folders: Path) -> None:
    pages = [site("/seeds/avatar/") for _ in range(2)]
    for page, kind in zip(pages, ("PNG", "JPEG"), strict=True):
        page.upload("avatar", "../../me.png" if kind == "PNG" else "me.jpg", picture(kind))
    for page in [*pages, pages[0]]:
        page.submit("save_avatar")
    assert set(saved(folders)) == {"avatars/me.png", "avatars/me.jpg"}


def test_the_quick_starts_profile(site: Site, staged: Staged, folders: Path) -> None:
    page = site("/seeds/profile/")
    page.upload("avatar", "me.jpg", picture("JPEG"))
    page.submit("save_avatar")
    assert set(saved(folders)) == {"avatars/me.jpg"}
    assert staged() == []


def test_the_quick_starts_gallery(site: Site, staged: Staged, folders: Path) -> None:
    page = site("/seeds/gallery/")
    for name in ("1.png", "2.png", "1.png"):
        page.upload("photos", name, picture())
    page.click("upload_photos")
    assert len(re.findall(r'<img src="/media/gallery/1\w*.png" alt="1.png">', page.html)) == 2
    assert page.html.count("<img") == len(saved(folders)) == 3
    with pytest.raises(Refused, match="type_mismatch"):
        page.upload("photos", "bad.gif", TEXT)
    page.upload("photos", "4.webp", picture("WEBP"))
    page.click("upload_photos")
    assert page.html.count("<img") == 4
    assert staged() == []
