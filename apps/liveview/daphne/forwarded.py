"""What a request's headers say of where it came from, as far as it can be believed.

Every proxy appends to X-Forwarded-For the address that it was connected from, so what stands before the additions of
one's own proxies is whatever the client wrote. Stock daphne takes the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Final

from twisted.web.http_headers import Headers

# daphne decodes these, and breaks over what it can't.
DECODED: Final = (b"X-Forwarded-Port", b"X-Forwarded-Proto", b"Daphne-Root-Path", b"Sec-WebSocket-Protocol")


def settle(headers: Headers, address_header: bytes, proxies: int) -> None:
    """Leaves the client's address alone in `address_header`, or no such header if none can be told.

    address_header: empty where no proxy is believed; then it stays what it is, and daphne doesn't read it.
    proxies: how many of one's own append to it.
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
    """The address that the outermost of so many proxies was connected from; empty if that isn't one.

    With fewer entries than proxies, the request came to one further in.
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
