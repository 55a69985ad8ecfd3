"""How many sockets a visitor may have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from liveview.socket.connection_limit import ConnectionLimit
from liveview.testing import LivePage, ServerSaid

Open = Callable[..., LivePage]


def test_a_limit_counts_who_comes_and_goes() -> None:
    limit = ConnectionLimit()
    one, two = limit.enter("a", 2), limit.enter("a", 2)
    assert one and two

    assert limit.enter("a", 2) is None
    assert limit.enter("b", 2)
    one.leave()
    assert limit.enter("a", 2)


def test_one_session_has_so_many_sockets_and_no_more(site: Open, settings: Any, admin_client: Any) -> None:
    settings.LIVEVIEW = {**settings.LIVEVIEW, "MAX_SOCKETS": 2}
    first = site("/bench/", admin_client)
    site("/bench/", admin_client)
    third = LivePage("/bench/", admin_client)

    with pytest.raises(ServerSaid, match="too_many_sockets"):
        third.connect()
    for _ in range(3):  # strangers, who have no session
        site("/bench/", stranger())

    first.drop_connection()
    site("/bench/", admin_client)


def stranger() -> Client:
    """Somebody whose session is long gone."""
    client = Client()
    client.cookies["sessionid"] = "x" * 32
    return client


def test_an_address_may_be_limited_too(site: Open, settings: Any) -> None:
    settings.LIVEVIEW = {**settings.LIVEVIEW, "MAX_SOCKETS_PER_ADDRESS": 1}
    site()
    other = LivePage("/bench/")  # from the same address

    other.open()

    assert other.wait_closed() == 4429
    other.drop_connection()
