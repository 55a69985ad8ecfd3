"""Uploads of a page that has no socket, where a network lets none through: the page's own messages, by HTTP.

Every request goes to the page's own address, so that its log-in rules and its CSRF protection hold, and no URL has to
be added to a project. See docs/protocol.md, "Without a WebSocket".
"""

from __future__ import annotations


def register() -> None:
    """Called by `UploadsConfig.ready`."""
    from uploads.extension import use_fallback
    from uploads.fallback.requests import Fallback

    use_fallback(Fallback)
