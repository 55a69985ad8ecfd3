"""How long the body of a request may be."""

from __future__ import annotations

from liveview.conf import Conf


class Caps:
    """Bytes by path: `LIVEVIEW["BODY_LIMITS"]`, and `LIVEVIEW["MAX_BODY"]` where none of its prefixes fits."""

    def __init__(self, conf: Conf) -> None:
        self._limits = sorted(conf.body_limits, key=lambda limit: len(limit[0]), reverse=True)
        self._default = conf.max_body

    def of(self, path: str) -> int:
        """The cap of a path as the application sees it, without its query. The longest prefix wins."""
        return next((most for prefix, most in self._limits if path.startswith(prefix)), self._default)
