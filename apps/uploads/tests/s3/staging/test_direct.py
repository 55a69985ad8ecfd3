"""A plain slot that `UPLOADS["DIRECT"]` names: browsers send its files into the bucket, and it notices nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.files.storage import default_storage

from uploads import UploadEntry
from uploads.testing import UploadPage
from uploads.tests.fallback.page import Page, consume
from uploads.tests.faults import S3Faults, failing
from uploads.tests.moto import Moto
from uploads.tests.project import BenchView
from uploads.tests.socket.direct.sending import LONG, done, put, put_parts, register
from uploads.tests.support import until

MIB = 2**20
s3 = failing({"STAGING": "bucket", "DIRECT": ["doc", "video"]}, PART_SIZE=5 * MIB)


@pytest.fixture(autouse=True)
def bench(
    project: None, transactional_db: None, settings: Any, monkeypatch: pytest.MonkeyPatch, moto: Moto, s3: S3Faults
) -> Iterator[None]:
    monkeypatch.setattr(BenchView, "check", staticmethod(lambda entry: None))
    monkeypatch.setattr(BenchView, "script", staticmethod(consume("doc", "docs", "video")))
    yield
    until(lambda: moto.keys() == moto.unfinished() == [])


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_a_long_file_is_validated_hashed_and_consumed_as_any(
    site: Callable[..., UploadPage], s3: S3Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    monkeypatch.setattr(BenchView, "check", staticmethod(lambda entry: seen.append(sha256(entry.path.read_bytes()))))
    page = site()
    answer = register(page, "video", "a.txt", len(LONG))
    put_parts(page, answer, LONG, [1, 2, 3])
    done(page, answer["ref"])
    page.upload_answer(answer["ref"], "upload_ready")

    page.submit("run")

    assert f"{sha256(LONG)}(video)" in page.html
    assert seen == [sha256(LONG)]
    assert len([path for method, path in s3.seen if method == "GET" and "/staged/" in path and "?" not in path]) == 2


def test_a_short_one_can_be_stored_as_any(site: Callable[..., UploadPage], monkeypatch: pytest.MonkeyPatch) -> None:
    stored: list[bytes] = []

    def store(view: BenchView) -> None:
        def keep(entry: UploadEntry) -> None:
            assert entry.data == b"hello world"
            with default_storage.open(default_storage.save("a.txt", entry.file)) as saved:
                stored.append(saved.read())

        for entry in view.consume_uploaded_entries("doc"):
            keep(entry)

    monkeypatch.setattr(BenchView, "script", staticmethod(store))
    page = site()
    answer = register(page, "doc", "a.txt", 11)
    assert put(answer["external"], b"hello world") == 200
    done(page, answer["ref"])
    page.upload_answer(answer["ref"], "upload_ready")

    page.submit("run")

    assert stored == [b"hello world"]


def test_a_page_without_a_socket_sends_it_here(staged: Callable[[], list[str]]) -> None:
    page = Page()
    upload_id = page.begin("doc", b"hello world")
    assert page.done(upload_id) == {"type": "upload_ready", "ref": "r-1"}

    answer = page.submit(f"{upload_id} r-1")

    assert sha256(b"hello world") in answer.json()["page"]
    assert staged() == []
