"""The contract of every upload-state store, run against each of them."""

from __future__ import annotations

from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest

from liveview.tests.processes import served
from liveview.tests.redis import Redis
from uploads.checks import check_settings
from uploads.conf import conf
from uploads.errors import UploadError
from uploads.stores import (
    DatabaseUploadState,
    InMemoryUploadState,
    Lease,
    Record,
    RedisUploadState,
    StateStore,
    UploadStateStore,
    get_store,
)
from uploads.stores.base import MAX_RECORD
from uploads.stores.custom import CustomStore

pytestmark = pytest.mark.django_db(transaction=True)

LONG = 1000.0
SHORT = 0.05


def record(upload_id: str = "a" * 32, **fields: Any) -> Record:
    values = {"owner": "visitor:me", "page": "/videos/", "slot": "video", "name": "Ferien 🎬.mp4", "size": 5 * 10**8}
    return Record(id=upload_id, **{**values, **fields})


class SyncOffsets(UploadStateStore):
    """A store of one's own, as the seeds have it."""

    def __init__(self) -> None:
        self.offsets: dict[str, int] = {}

    def get_offset(self, upload_id: str) -> int | None:
        return self.offsets.get(upload_id)

    def set_offset(self, upload_id: str, offset: int) -> None:
        self.offsets[upload_id] = offset

    def clear_offset(self, upload_id: str) -> None:
        self.offsets.pop(upload_id, None)


class AsyncOffsets(UploadStateStore):
    def __init__(self) -> None:
        self.offsets: dict[str, int] = {}

    async def get_offset(self, upload_id: str) -> int | None:
        return self.offsets.get(upload_id)

    async def set_offset(self, upload_id: str, offset: int) -> None:
        self.offsets[upload_id] = offset

    async def clear_offset(self, upload_id: str) -> None:
        self.offsets.pop(upload_id, None)


redis = served(Redis)


@pytest.fixture(params=["memory", "database", "redis", "custom", "custom async"])
def store(request: pytest.FixtureRequest) -> StateStore:
    match request.param:
        case "memory":
            return InMemoryUploadState()
        case "database":
            return DatabaseUploadState()
        case "redis":
            redis: Redis = request.getfixturevalue("redis")
            store = RedisUploadState(redis.url)
            store._redis.flushall()
            return store
        case "custom":
            return CustomStore(SyncOffsets(), DatabaseUploadState())
    return CustomStore(AsyncOffsets(), DatabaseUploadState())


def wait_until_gone(store: StateStore, upload_id: str) -> None:
    while store.load(upload_id) is not None:
        pass


def test_a_record_is_replaced_and_the_rest_stays(store: StateStore) -> None:
    store.save(record(), LONG)
    lease = store.acquire("a" * 32, "page", LONG)
    store.set_offset("a" * 32, 5)
    known = record(writer={"type": "video/mp4", "state": {"key": "uploads/ä", "parts": [1, 2]}})
    store.replace(known)

    assert store.load("a" * 32) == known
    assert store.get_offset("a" * 32) == 5
    assert lease is not None
    assert store.renew(lease, LONG)
    assert store.acquire("a" * 32, "another page", LONG) is None


def test_what_is_not_known_is_not_replaced(store: StateStore) -> None:
    store.replace(record())

    assert store.load("a" * 32) is None


def test_a_record_comes_back_as_it_was_saved(store: StateStore) -> None:
    store.save(record(), LONG)

    assert store.load("a" * 32) == record()
    assert store.load("b" * 32) is None


def test_a_forgotten_record_is_gone_with_its_lease(store: StateStore) -> None:
    store.save(record(), LONG)
    lease = store.acquire("a" * 32, "page", LONG)
    assert lease is not None

    store.forget("a" * 32)

    assert store.load("a" * 32) is None
    assert store.get_offset("a" * 32) is None
    assert not store.renew(lease, LONG)
    assert store.acquire("a" * 32, "page", LONG) is None


def test_a_record_expires_and_a_touched_one_does_not(store: StateStore) -> None:
    life = 6 * SHORT  # a busy machine takes its time to touch it
    store.save(record("b" * 32), life)
    store.touch("b" * 32, LONG)
    store.save(record("a" * 32), life)

    wait_until_gone(store, "a" * 32)

    assert store.load("b" * 32) is not None
    assert store.acquire("a" * 32, "page", LONG) is None


def test_an_offset_is_remembered_and_cleared(store: StateStore) -> None:
    store.save(record(), LONG)
    assert store.get_offset("a" * 32) == 0

    store.set_offset("a" * 32, 123_456_789_012)
    assert store.get_offset("a" * 32) == 123_456_789_012

    store.clear_offset("a" * 32)
    assert store.get_offset("a" * 32) is None


def test_another_holder_is_kept_out_while_the_lease_lasts(store: StateStore) -> None:
    store.save(record(), LONG)

    first = store.acquire("a" * 32, "one page", LONG)

    assert first is not None
    assert store.acquire("a" * 32, "another page", LONG) is None
    assert store.renew(first, LONG)


def test_the_holder_takes_over_its_own_lease_and_the_old_one_is_void(store: StateStore) -> None:
    store.save(record(), LONG)
    old = store.acquire("a" * 32, "page", LONG)
    new = store.acquire("a" * 32, "page", LONG)
    assert old is not None and new is not None

    assert new.token > old.token
    assert not store.renew(old, LONG)
    store.release(old)
    assert store.acquire("a" * 32, "another page", LONG) is None
    assert store.renew(new, LONG)


def test_a_released_lease_is_free_for_anybody(store: StateStore) -> None:
    store.save(record(), LONG)
    first = store.acquire("a" * 32, "one page", LONG)
    assert first is not None

    store.release(first)
    second = store.acquire("a" * 32, "another page", LONG)

    assert second is not None and second.token > first.token
    assert not store.renew(first, LONG)


def test_a_dead_holders_lease_expires(store: StateStore) -> None:
    store.save(record(), LONG)
    assert store.acquire("a" * 32, "dead page", SHORT)

    lease: Lease | None = None
    while lease is None:
        lease = store.acquire("a" * 32, "another page", LONG)

    assert lease.holder == "another page"


def test_of_many_that_want_a_lease_at_once_one_gets_it(store: StateStore) -> None:
    store.save(record(), LONG)
    barrier, got = Barrier(8), []

    def want(number: int) -> None:
        from django.db import connection

        barrier.wait()
        got.append(store.acquire("a" * 32, f"page {number}", LONG))
        connection.close()

    threads = [Thread(target=want, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len([lease for lease in got if lease is not None]) == 1


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", "{}", '{"id": 1}', "x" * (MAX_RECORD + 1), record(owner="").to_json(), "\ud800", "[" * 4000],
)
def test_what_is_no_record_is_not_believed(text: str) -> None:
    assert Record.from_json(text) is None


def test_a_store_is_chosen_by_name_path_class_and_instance(settings: Any, redis: Redis, tmp_path: Path) -> None:
    settings.UPLOADS = {"STAGING_DIR": tmp_path}
    settings.REDIS_URL = ""
    own = SyncOffsets()

    assert isinstance(get_store(), DatabaseUploadState)
    assert isinstance(get_store("memory"), InMemoryUploadState)
    assert get_store("memory") is get_store("memory")
    assert isinstance(get_store("uploads.stores.InMemoryUploadState"), InMemoryUploadState)
    assert isinstance(get_store(InMemoryUploadState), InMemoryUploadState)
    assert isinstance(get_store("redis", {"redis_url": redis.url, "ttl": 3600}), RedisUploadState)
    assert isinstance(get_store(own), CustomStore)
    assert isinstance(get_store(SyncOffsets), CustomStore)


@pytest.mark.parametrize(
    ("name", "package"), [("UPLOADS", "uploads"), ("DJUST", "uploads"), ("DJUST", "djust.uploads")]
)
def test_the_settings_of_the_seeds_choose_the_store(
    settings: Any, redis: Redis, tmp_path: Path, name: str, package: str
) -> None:
    settings.UPLOADS = settings.DJUST = {}
    given = {
        "upload_state_store": f"{package}.stores.RedisUploadState",
        "upload_state_redis_url": redis.url,
        "upload_state_ttl": 1800,
    }
    setattr(settings, name, given)

    assert check_settings(None) == []
    assert isinstance(get_store(), RedisUploadState)
    assert conf().upload_state_ttl == 1800


def test_what_uploads_says_counts_more_than_what_djust_says(settings: Any) -> None:
    settings.DJUST = {"upload_state_store": "redis", "upload_state_ttl": 5, "another": "thing"}
    settings.UPLOADS = {"UPLOAD_STATE_STORE": "memory"}

    assert isinstance(get_store(), InMemoryUploadState)
    assert conf().upload_state_ttl == 5


def test_a_store_that_djust_has_and_we_do_not_is_told(settings: Any) -> None:
    settings.DJUST = {"upload_state_store": "djust.uploads.stores.MemcachedUploadState"}

    assert [message.id for message in check_settings(None)] == ["uploads.E008"]


def test_a_site_with_redis_keeps_its_state_there(settings: Any, redis: Redis, tmp_path: Path) -> None:
    settings.UPLOADS = {"STAGING_DIR": tmp_path}
    settings.REDIS_URL = redis.url

    assert isinstance(get_store(), RedisUploadState)


def test_a_store_that_is_away_says_so_once_until_it_is_back(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with Redis(tmp_path) as running:
        store = RedisUploadState(running.url)
        store.save(record(), LONG)
        running.kill()

        for ask in (store.load, store.forget, store.get_offset):
            with pytest.raises(UploadError) as refused:
                ask("a" * 32)
            assert refused.value.code == "storage_unavailable"

        assert caplog.messages == ["upload state store failed"]
        running.start()
        store.save(record(), LONG)
        assert store.load("a" * 32) == record()


def test_a_store_of_ones_own_may_raise_what_it_likes(monkeypatch: pytest.MonkeyPatch) -> None:
    store = get_store(SyncOffsets())
    monkeypatch.setattr(SyncOffsets, "get_offset", lambda self, upload_id: {}["no such key"])

    with pytest.raises(UploadError) as refused:
        store.load("a" * 32)
    assert refused.value.code == "storage_unavailable"
