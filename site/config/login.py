"""The brake on the admin's login: after some wrong passwords an address has to wait. django-axes counts them.

It logs a line for each, and one when an address has to wait.
"""

from __future__ import annotations

from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

SETTINGS: dict[str, Any] = {
    "AXES_LOCKOUT_PARAMETERS": ["ip_address"],  # by name, anybody could lock out the admin
    "AXES_FAILURE_LIMIT": 10,
    "AXES_COOLOFF_TIME": timedelta(minutes=15),
    "AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT": False,
    "AXES_RESET_ON_SUCCESS": True,
    "AXES_DISABLE_ACCESS_LOG": True,
    "AXES_NEVER_LOCKOUT_GET": True,
    "AXES_SENSITIVE_PARAMETERS": ["username"],  # who mistypes may have put their password there
    "AXES_CLIENT_IP_CALLABLE": "config.login.address_of",
    "AXES_LOCKOUT_CALLABLE": "config.login.wait",
}


def address_of(request: HttpRequest) -> str:
    """A home or a server has a whole /64 of IPv6 addresses, and counts once."""
    try:
        address = ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:  # a Unix socket has none
        return "127.0.0.1"
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or ip_network((address, 64), strict=False).network_address)
    return str(address)


def wait(request: HttpRequest, *_: object) -> HttpResponse:
    seconds = int(SETTINGS["AXES_COOLOFF_TIME"].total_seconds())
    page = render_to_string("429.html", {"minutes": seconds // 60}, request)
    return HttpResponse(page, status=429, headers={"Retry-After": str(seconds)})
