"""Whose an address is, where nothing else tells visitors apart."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, Final

PREFIX: Final = 64  # bits: a household, or a server, gets as many addresses as it likes with the same beginning


def network_of(address: str) -> str:
    """What stands for one visitor: an IPv4 address, or the beginning of an IPv6 address. Text that is neither stays."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ip_network((found, PREFIX), strict=False))


def is_within(address: str, networks: Sequence[str]) -> bool:
    """Whether an address, or what `network_of` makes of it, is one of these networks, or of these addresses."""
    if not networks:
        return False
    try:
        found: Any = ip_network(address)
    except ValueError:
        return False
    known: list[Any] = [ip_network(network, strict=False) for network in networks]
    return any(found.version == network.version and found.subnet_of(network) for network in known)
