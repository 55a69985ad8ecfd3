"""Addresses that are one visitor's."""

from __future__ import annotations

import pytest

from liveview.core.addresses import is_within, network_of


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


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.7", True),
        ("198.51.100.1", False),
        ("2001:db8:1:2::/64", True),
        ("2001:db9::/64", False),
        ("", False),
        ("/run/site.sock", False),
    ],
)
def test_an_address_is_one_of_those_that_are_named(address: str, expected: bool) -> None:
    assert is_within(address, ["192.0.2.0/24", "2001:db8::/32"]) is expected
