"""What processes share: signed for its key, and never unpickled from a Redis."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache

from liveview import shared_cache
from liveview.core import plain
from liveview.testing import LivePage
from liveview.tests.conftest import Open
from liveview.tests.redis import Redis


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    with Redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(params=["locmem", "redis"])
def any_cache(request: pytest.FixtureRequest, settings: Any) -> str:
    if request.param == "redis":
        use(request.getfixturevalue("redis"), settings)
    return str(request.param)


def use(redis: Redis, settings: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": redis.url}}


class Exploit:
    """A pickle that leaves a mark where it is loaded."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.mark),)


def planted(redis: Redis, key: str, data: bytes) -> None:
    from redis import Redis as Client

    with Client.from_url(redis.url) as client:
        client.set(f":1:{key}", data)


def test_a_value_is_found_again(any_cache: str) -> None:
    value = {"state": ({1, 2}, b"x"), "n": 1}
    shared_cache.put("a", value, 60)
    assert shared_cache.get("a") == value
    assert not shared_cache.add("a", 1, 60)
    assert shared_cache.add("b", 1, 60)
    shared_cache.touch("a", 60)
    for key in "ab":
        shared_cache.forget(key)
        assert shared_cache.get(key) is None


@pytest.mark.parametrize("other", [1, True, None, ["x"], {"of": 1}, b"x", "text", "text:sig", '"a":"b"'])
def test_a_value_of_another_kind_is_absent(any_cache: str, other: Any) -> None:
    cache.set("a", other, 60)
    assert shared_cache.get("a") is None


def test_a_value_is_for_its_own_key(any_cache: str) -> None:
    shared_cache.put("a", "mine", 60)
    text = shared_cache._cache().get("a")
    shared_cache._cache().set("b", text)
    assert shared_cache.get("a") == "mine"
    assert shared_cache.get("b") is None


def test_a_value_that_was_changed_is_absent(any_cache: str) -> None:
    shared_cache.put("a", "mine", 60)
    text = shared_cache._cache().get("a")
    shared_cache._cache().set("a", text.replace("mine", "evil"))
    assert shared_cache.get("a") is None
    shared_cache._cache().set("a", plain.dumps("evil"))
    assert shared_cache.get("a") is None


def test_what_somebody_wrote_to_redis_is_never_unpickled(redis: Redis, settings: Any, tmp_path: Path) -> None:
    use(redis, settings)
    mark = tmp_path / "ran"
    planted(redis, "a", pickle.dumps(Exploit(mark)))

    assert shared_cache.get("a") is None
    assert not mark.exists()
    cache.get("a")
    assert mark.exists(), "Django's own cache would have run it"


def test_a_page_mounts_afresh_over_a_pickle(site: Open, redis: Redis, settings: Any, tmp_path: Path) -> None:
    use(redis, settings)
    mark = tmp_path / "ran"
    page: LivePage = site()
    page.click("add", by=3)
    for prefix in ("liveview:state:", "liveview:snapshot:"):
        planted(redis, f"{prefix}{page.snapshot}", pickle.dumps(Exploit(mark)))

    page.reconnect()

    assert not page.restored and "count=0" in page.html
    assert not mark.exists()


def test_a_page_goes_on_by_way_of_redis(site: Open, redis: Redis, settings: Any) -> None:
    use(redis, settings)
    page = site()
    page.click("add", by=3)

    page.reconnect()

    assert page.restored and "count=3" in page.html
