"""A hold while bytes arrive: its lease and its record last as long as they do, and a store that fails stops nothing."""

from __future__ import annotations

from typing import Any

import pytest

from uploads.stores import InMemoryUploadState, Record, hold
from uploads.stores.hold import StoredHold

ID = "0123456789abcdef" * 2


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


class Watched(InMemoryUploadState):
    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []
        self.is_down = False

    def touch(self, upload_id: str, ttl: float) -> None:
        self._called("touch")
        super().touch(upload_id, ttl)

    def renew(self, lease: Any, seconds: float) -> bool:
        self._called("renew")
        return super().renew(lease, seconds)

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if self.is_down:
            raise OSError("the store is down")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(hold, "time", made)
    return made


@pytest.fixture
def store() -> Watched:
    return Watched()


@pytest.fixture
def held(store: Watched, clock: Clock, folders: Any) -> StoredHold:
    record = Record(ID, "visitor:me", "/", "film", "a.txt", 10)
    store.save(record, 1000)
    return hold.take(store, record, "page", 400, seconds=30)


def test_bytes_renew_the_lease_when_a_third_of_it_is_over(held: StoredHold, store: Watched, clock: Clock) -> None:
    for _ in range(100):
        held.keep()
    assert store.calls == []

    clock.now += 11
    for _ in range(100):
        held.keep()
    assert store.calls.count("renew") == 1


def test_bytes_keep_the_record_of_an_upload_that_takes_longer_than_it_may_be_parked(
    held: StoredHold, store: Watched, clock: Clock
) -> None:
    for _ in range(60):
        clock.now += 20
        held.keep()

    assert 60 * 20 / 400 <= store.calls.count("touch") <= 60 * 20 / 100 + 1


def test_a_store_that_is_down_is_asked_once_in_a_while_and_stops_no_write(
    held: StoredHold, store: Watched, clock: Clock
) -> None:
    store.is_down = True
    clock.now += 11

    for _ in range(100):
        held.keep()

    assert len(store.calls) == 1


def test_a_lease_that_somebody_else_has_ends_the_writing(held: StoredHold, store: Watched, clock: Clock) -> None:
    store.release(held.lease)
    assert store.acquire(ID, "another page", 1000) is not None
    clock.now += 11

    with pytest.raises(hold.UploadError, match="another tab"):
        held.keep()
