"""Where a request came from, as far as its headers can be trusted.

Every proxy appends to X-Forwarded-For the address that connected to it, so everything before the entries of your own
proxies was written by the client. Stock daphne takes the first entry.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Final

from twisted.web.http_headers import Headers

# daphne decodes these, and fails on what it can't decode.
DECODED: Final = (b"X-Forwarded-Port", b"X-Forwarded-Proto", b"Daphne-Root-Path", b"Sec-WebSocket-Protocol")


def settle(headers: Headers, address_header: bytes, proxies: int) -> None:
    """Leaves only the client's address in `address_header`, or no such header if it is unknown.

    address_header: empty if no proxy is trusted; the header then stays as it is, and daphne doesn't read it.
    proxies: how many of your own append to it.
    """
    for name in DECODED:
        if not all(value.isascii() for value in headers.getRawHeaders(name, [])):
            headers.removeHeader(name)
    if not address_header:
        return
    address = client(headers.getRawHeaders(address_header, []), proxies)
    if address:
        headers.setRawHeaders(address_header, [address.encode()])
    else:
        headers.removeHeader(address_header)


def client(values: Sequence[bytes], proxies: int) -> str:
    """The address that connected to the outermost of so many proxies; empty if the entry isn't an address.

    With fewer entries than proxies, the request bypassed the outer ones.
    """
    if proxies < 1:
        return ""
    return _address(b",".join(values).split(b",")[-proxies:][0].strip().decode("latin-1"))


def _address(entry: str) -> str:
    """Without a port, which some proxies append."""
    for text in (entry, entry.strip("[]"), entry.rpartition(":")[0].strip("[]")):
        try:
            address = str(ip_address(text))
        except ValueError:
            continue
        return "" if "%" in address else address  # a zone may be any text
    return ""
