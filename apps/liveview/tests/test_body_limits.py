"""How long a body may be, by the path that it is sent to."""

from __future__ import annotations

from liveview.body_limits import Caps
from liveview.conf import Conf


def test_the_longest_prefix_decides() -> None:
    caps = Caps(Conf(max_body=1, body_limits=[("/a", 2), ("/a/b/", 3), ("/a/", 4)]))

    assert [caps.of(path) for path in ("/", "/a", "/ab", "/a/", "/a/b/c", "/x/a/b/")] == [1, 2, 2, 4, 3, 1]
