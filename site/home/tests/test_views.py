"""The start page takes anything, says what it was, and keeps nothing."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from home import digests
from uploads.testing import mount

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.UPLOADS = {**settings.UPLOADS, "STAGING_DIR": tmp_path / "staging", "STAGING": "disk"}
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path


def kept(folder: Path) -> list[Path]:
    """Locks are empty."""
    return [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size]


@pytest.mark.parametrize("name", ["program.exe", "page.html", "script.py", "notes.txt", "no-extension"])
def test_any_file_is_told_by_its_digest_and_deleted(client: Client, folder: Path, name: str) -> None:
    content = b"MZ" + bytes(5000)

    with mount("/", client) as page:
        page.upload("file", name, content)
        page.wait_html(hashlib.sha256(content).hexdigest())

    assert kept(folder) == []


def test_a_large_file_is_told_by_its_blocks_and_as_one(
    client: Client, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests, "WHOLE", 1000)
    monkeypatch.setattr(digests, "BLOCK", 400)
    content = bytes(range(250)) * 5
    blocks = [content[:400], content[400:800], content[800:1200], content[1200:]]
    every = hashlib.sha256(b"".join(hashlib.sha256(block).digest() for block in blocks)).hexdigest()

    with mount("/", client) as page:
        page.upload("file", "large.bin", content)
        page.wait_html(f'data-digest="{every}"')
        assert hashlib.sha256(content).hexdigest() in page.html

    assert digests.of_blocks(io.BytesIO(content)) == every
    assert kept(folder) == []


def test_without_javascript_the_answer_has_the_digest(client: Client, folder: Path) -> None:
    page = client.post("/try/", {"file": SimpleUploadedFile("a.py", b"print()")}).text

    assert hashlib.sha256(b"print()").hexdigest() in page
    assert page.count("<h1") == 1
    assert kept(folder) == []


def test_without_javascript_a_form_without_a_file_says_so(client: Client) -> None:
    assert "Choose a file first." in client.post("/try/", {"file": ""}).text
