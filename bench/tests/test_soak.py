"""The soak, until each thing has happened once, and that it would notice what is left of each sort."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path

import pytest
from redis import Redis as Client

from bench.soak.census import Census, census, damaged
from bench.soak.run import soak
from bench.soak.site.server import Server
from liveview.tests.redis import Redis
from uploads.tests.moto import Moto


def test_nothing_is_left_after_everything_was_done_and_everything_has_failed(tmp_path: Path) -> None:
    assert soak(tmp_path, 0, warm=1, fault_every=1.0) == []


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    with Redis(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moto]:
    with Moto(tmp_path_factory.mktemp("s3")) as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, redis: Redis, s3: Moto) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("ways")
    with Server(folder, s3, redis_url=redis.url, UPLOAD_STATE_STORE="redis") as running:
        yield running


def file(server: Server, redis: Redis) -> None:
    staging = server.folder / "staging"
    staging.mkdir(exist_ok=True)
    (staging / ("a" * 32)).write_bytes(b"x")


def record(server: Server, redis: Redis) -> None:
    with Client.from_url(redis.url) as client:
        client.hset("uploads:{orphan}", mapping={"record": "{}"})


def lease(server: Server, redis: Redis) -> None:
    with Client.from_url(redis.url) as client:
        client.set("uploads:{orphan}:lease", "1 nobody")


def stray(server: Server, redis: Redis) -> None:
    server.s3.client().put_object(Bucket=server.s3.bucket, Key="orphan", Body=b"x")


def multipart(server: Server, redis: Redis) -> None:
    server.s3.client().create_multipart_upload(Bucket=server.s3.bucket, Key="orphan")


def session(server: Server, redis: Redis) -> None:
    with contextlib.closing(sqlite3.connect(server.folder / "site.sqlite3")) as database, database:
        database.execute("insert into django_session values ('orphan', '', '2100-01-01')")


@pytest.mark.parametrize(
    ("plant", "sort"),
    [
        (file, "staged"),
        (record, "records"),
        (lease, "leases"),
        (stray, "objects"),
        (multipart, "multiparts"),
        (session, "sessions"),
    ],
)
def test_an_orphan_is_noticed(server: Server, redis: Redis, plant: Callable[[Server, Redis], None], sort: str) -> None:
    before = census(server, redis, server.s3)

    plant(server, redis)

    (found,) = census(server, redis, server.s3).grown_since(before)
    assert found.startswith(f"{sort}: ")


@pytest.mark.parametrize("sort", [field.name for field in fields(Census)])
def test_growth_without_end_is_noticed(sort: str) -> None:
    before = Census()

    assert Census().grown_since(before) == []
    assert replace(before, **{sort: 1000}).grown_since(before) == [f"{sort}: 1000, and 0 at the start"]


def test_a_file_that_is_not_what_was_sent_is_noticed(server: Server, s3: Moto) -> None:
    kept = server.folder / "kept"
    kept.mkdir(exist_ok=True)
    good = f"{hashlib.sha256(b'sent').hexdigest()}.dat"
    for stem, content in (("good", b"sent"), ("bad", b"sen7"), ("gone", None)):
        (kept / f"{stem}.json").write_text(json.dumps({"name": good}))
        (kept / f"{stem}.s3").write_text(json.dumps({"name": good, "key": stem}))
        if content is not None:
            (kept / stem).write_bytes(content)
            s3.client().put_object(Bucket=s3.bucket, Key=stem, Body=content)

    assert damaged(server, s3) == [f"{good}: another content", f"{good}: no file"] * 2
