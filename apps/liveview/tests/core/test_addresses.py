"""Addresses that are one visitor's."""

from __future__ import annotations

import pytest

from liveview.core.addresses import network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::2", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("/run/site.sock", "/run/site.sock"),
    ],
)
def test_an_address_stands_for_a_visitor(address: str, network: str) -> None:
    assert network_of(address) == network
