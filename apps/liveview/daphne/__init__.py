"""A daphne that streams request bodies, limits them, and shuts down gracefully: `python -m liveview.daphne`.

It takes the options of daphne's own command. What differs, and why: docs/liveview.md, "The server". `capped` is for a
project's asgi.py, and enforces what can be enforced under any other server. Nothing outside imports this folder: it may
be deleted.
"""

from __future__ import annotations

from liveview.daphne.guard import capped

__all__ = ["capped"]
