"""Who somebody is of whom only the address is known."""

from __future__ import annotations

import secrets

from liveview.conf import conf
from liveview.core.addresses import is_within, network_of


def visitor_at(address: str) -> str:
    """What all have in common who share the limits of an address: IPv4, or the beginning of IPv6.

    Nobody has anything in common with others at an address of `LIVEVIEW["SHARED_ADDRESSES"]`: a proxy's that doesn't
    say for whom it asks. There it is another text each time.
    """
    network = network_of(address)
    return f"{network} {secrets.token_hex(8)}" if is_within(network, conf().shared_addresses) else network
