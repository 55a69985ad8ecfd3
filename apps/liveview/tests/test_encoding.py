"""What the server says is JSON that browsers read."""

from __future__ import annotations

import pytest

from liveview.encoding import encode


def test_the_server_speaks_json_that_browsers_read() -> None:
    assert encode({"a": "\ud800ü"}) == '{"a":"?ü"}'
    with pytest.raises(ValueError):
        encode(float("nan"))
