"""Everything this project does to daphne, its ASGI server; `python -m liveview.daphne` starts it.

It has the options of daphne's own command, as it is that command. What differs, and why: docs/liveview.md, "The
server". `capped` is for the asgi.py of a project, and holds what can be held under any other server. Nothing here knows
of uploads.
"""

from __future__ import annotations

from liveview.daphne.guard import capped

__all__ = ["capped"]
