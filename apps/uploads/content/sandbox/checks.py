"""System checks: which walls around decoders this machine doesn't have."""

from __future__ import annotations

import sys
from typing import Any, Final

from django.core.checks import CheckMessage, Info, register
from django.core.checks import Warning as CheckWarning

from uploads.content.sandbox import pool

_TOLD: Final = {
    "landlock": (
        "uploads.W010",
        "A decoder that a hostile file takes over could read the site's files, and the server's memory and variables.",
        "A kernel from 5.13 on with Landlock among its security modules: see /sys/kernel/security/lsm. In a "
        "container, its seccomp profile has to allow Landlock's three system calls.",
    ),
    "seccomp": (
        "uploads.W011",
        "A decoder that a hostile file takes over could use Unix sockets, such as a database's, and signal the server.",
        "A kernel with CONFIG_SECCOMP_FILTER, on x86-64 or arm64.",
    ),
    "network": (
        "uploads.W012",
        "Decoders have no network namespace of their own.",
        "Allow unprivileged user namespaces. Many containers don't; where uploads.W011 isn't told as well, decoders "
        "can't open sockets in any case, and this may be silenced.",
    ),
}


@register("uploads")
def check_walls(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    missing = pool.missing_walls()
    if sys.platform != "linux":
        return [Info("Only Linux has walls around decoders; here they have limits alone.", id="uploads.I001")]
    kinds = [_TOLD[wall] for wall in _TOLD if wall in missing]
    return [CheckWarning(message, hint=hint, id=number) for number, message, hint in kinds]
