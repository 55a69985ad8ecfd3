"""What a host asks: is the process alive, and is everything there that it needs."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import AsyncClient, Client

from uploads.tests.moto import Moto

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folders(settings: Any, tmp_path: Path) -> Path:
    settings.UPLOADS = {"STAGING_DIR": tmp_path / "staging"}
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path


@pytest.fixture
def bucket(settings: Any, folders: Path) -> Iterator[Moto]:
    with Moto(folders) as moto:
        settings.UPLOADS |= {"S3": {**moto.options(), "ATTEMPTS": 1}}
        settings.STORAGES = {
            **settings.STORAGES,
            "default": {"BACKEND": "uploads.s3.storage.PrivateS3Storage"},
        }
        yield moto


def parts(client: Client, status: int) -> dict[str, str]:
    response = client.get("/readyz")
    assert response.status_code == status
    assert response["Cache-Control"] == "no-store"
    found: dict[str, str] = response.json()
    return found


def test_a_host_asks_by_an_address_and_without_https(client: Client, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["uplift.example"]
    settings.SECURE_SSL_REDIRECT = True

    assert client.get("/healthz", headers={"host": "10.0.0.7:8000"}).content == b"ok\n"
    assert client.get("/readyz", headers={"host": "10.0.0.7:8000"}).status_code == 200
    assert client.get("/", headers={"host": "uplift.example"}).status_code == 301
    assert client.get("/", headers={"host": "10.0.0.7:8000"}, secure=True).status_code == 400


async def test_probes_are_answered_under_asgi_too(async_client: AsyncClient) -> None:
    assert (await async_client.get("/healthz")).content == b"ok\n"
    assert (await async_client.get("/no-such-page")).status_code == 404


def test_a_whole_site_is_ready(client: Client) -> None:
    assert parts(client, 200) == {"database": "ok", "cache": "ok", "storage": "ok", "jobs": "ok"}


def test_a_site_without_its_cache_serves_and_says_so_and_the_answer_keeps_the_reason_to_itself(
    client: Client, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = "redis://127.0.0.1:1/0"
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": nowhere}}

    with caplog.at_level(logging.WARNING):
        found = parts(client, 200)

    assert found == {"database": "ok", "cache": "failed", "storage": "ok", "jobs": "ok"}
    assert "readiness: cache failed" in caplog.text


def test_a_site_without_room_for_uploads_says_so(client: Client, folders: Path) -> None:
    (folders / "staging").write_text("a file where the folder should be")

    assert parts(client, 200)["storage"] == "failed"


def test_a_site_that_loses_its_bucket_says_so(client: Client, bucket: Moto) -> None:
    assert parts(client, 200)["storage"] == "ok"

    bucket.kill()

    assert parts(client, 200)["storage"] == "failed"


def test_a_site_without_its_database_is_alive_and_not_ready(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from config import health

    def fail() -> None:
        raise ConnectionError

    monkeypatch.setattr(health.connection, "cursor", fail)

    assert client.get("/healthz").content == b"ok\n"
    assert parts(client, 503) == {"database": "failed", "cache": "ok", "storage": "ok", "jobs": "ok"}
