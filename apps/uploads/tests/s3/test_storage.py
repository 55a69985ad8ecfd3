"""Published files in a private bucket."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile

from uploads.s3 import storage as storage_module
from uploads.s3.storage import PrivateS3Storage
from uploads.staging.files import StagedFile
from uploads.tests.moto import Moto


@pytest.fixture
def bucket(moto: Moto, settings: Any, tmp_path: Path) -> Iterator[Moto]:
    own = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": str(tmp_path)}
    settings.CACHES = {"default": own}
    settings.UPLOADS = {"STAGING_DIR": tmp_path, "S3": moto.options()}
    yield moto
    moto.reset()


@pytest.fixture
def storage(bucket: Moto) -> PrivateS3Storage:
    return PrivateS3Storage()


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=60) as response:
        body: bytes = response.read()
        return body


def test_a_staged_file_is_saved_and_fetched_by_its_signed_address(
    storage: PrivateS3Storage, bucket: Moto, tmp_path: Path
) -> None:
    (tmp_path / "staged").write_bytes(b"picture")
    with StagedFile(tmp_path / "staged", "me.png", "image/png") as file:
        name = storage.save("pictures/me.png", file)

    assert bucket.read("pictures/me.png") == b"picture"
    assert "X-Amz-Signature=" in storage.url(name)
    assert fetch(storage.url(name)) == b"picture"


def test_a_large_file_is_read_by_way_of_the_disk(storage: PrivateS3Storage) -> None:
    data = bytes(storage_module.MEMORY + 1)
    name = storage.save("large.dat", ContentFile(data))

    with storage.open(name) as file:
        assert file.read() == data
        assert isinstance(file.file.fileno(), int)  # which what is in memory has none of
        assert file.file._rolled


def test_a_name_that_is_taken_is_not_overwritten(storage: PrivateS3Storage, bucket: Moto) -> None:
    names = [storage.save("a.txt", ContentFile(text)) for text in (b"first", b"second")]

    assert len(set(names)) == 2
    assert [bucket.read(name) for name in names] == [b"first", b"second"]


def test_an_address_stays_the_same_while_it_is_good_for_long(
    storage: PrivateS3Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = storage.url("a.txt")
    later = time.time() + 3600
    monkeypatch.setattr(storage_module.time, "time", lambda: later)

    assert storage.url("a.txt") == first
    assert PrivateS3Storage().url("a.txt") == first  # another process, with the same cache
    assert storage.url("b.txt") != first


def test_an_address_is_signed_anew_after_half_its_life(bucket: Moto, settings: Any, monkeypatch: Any) -> None:
    settings.AWS_QUERYSTRING_EXPIRE = 100
    storage, signed = PrivateS3Storage(), iter(range(9))
    now = [1000.0]
    monkeypatch.setattr(storage_module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(storage, "_sign", lambda *_how: f"https://s3/{next(signed)}")

    first = storage.url("a.txt")
    now[0] += 51
    cache.clear()

    assert (first, storage.url("a.txt")) == ("https://s3/0", "https://s3/1")


def test_a_cache_that_is_down_does_not_break_the_page(storage: PrivateS3Storage, settings: Any) -> None:
    nowhere = "redis://127.0.0.1:1/0"
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": nowhere}}

    assert "X-Amz-Signature=" in storage.url("a.txt")


def test_threads_share_one_connection(storage: PrivateS3Storage) -> None:
    with ThreadPoolExecutor(8) as threads:
        connections = set(threads.map(lambda _: id(storage.connection), range(50)))

    assert len(connections) == 1


def test_an_address_for_a_while_is_never_a_remembered_one(storage: PrivateS3Storage) -> None:
    assert "X-Amz-Expires=60&" in storage.url("a.txt", expire=60)
    assert "X-Amz-Expires=86400&" in storage.url("a.txt")
