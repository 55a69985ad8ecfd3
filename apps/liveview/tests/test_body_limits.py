"""How long a body may be, by the path that it is sent to."""

from __future__ import annotations

from typing import Any

import pytest

from liveview.body_limits import Caps
from liveview.conf import MAX_BODY, Conf, conf


def test_the_longest_prefix_decides() -> None:
    caps = Caps(Conf(max_body=1, body_limits=[("/a", 2), ("/a/b/", 3), ("/a/", 4)]))

    assert [caps.of(path) for path in ("/", "/a", "/ab", "/a/", "/a/b/c", "/x/a/b/")] == [1, 2, 2, 4, 3, 1]


@pytest.mark.parametrize(
    ("django", "given", "most"),
    [
        (2_621_440, {}, MAX_BODY),
        (None, {}, MAX_BODY),
        (200_000_000, {}, 200_000_000),
        (200_000_000, {"MAX_BODY": 5_000}, 5_000),
    ],
)
def test_a_site_that_raises_djangos_limit_gets_longer_bodies(
    settings: Any, django: int | None, given: dict[str, int], most: int
) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = django
    settings.LIVEVIEW = given

    assert Caps(conf()).of("/api/upload") == most
