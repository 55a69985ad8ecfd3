"""Whose an address is, where nothing else tells visitors apart."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

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
