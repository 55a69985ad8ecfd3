"""A view's declared state, kept in the shared cache between a lost socket and the next.

A snapshot is named by 128 random bits and belongs to one session, one view and one path. Losing the cache costs only
convenience, so its failures never reach a visitor.
"""

from __future__ import annotations

import logging
import secrets
from typing import Any

from liveview import shared_cache
from liveview.conf import conf
from liveview.core.attachments import unpacked
from liveview.mounted import Mounted

logger = logging.getLogger("liveview")


def new_id() -> str:
    return secrets.token_urlsafe(16)


def save(mounted: Mounted, snapshot: str, state: dict[str, Any]) -> None:
    attached = mounted.attachments.packed()
    kept = {"of": _identity(mounted), "query": mounted.query, "state": state, "attached": attached}
    try:
        shared_cache.put(_key(snapshot), kept, conf().snapshot_ttl)
    except Exception:  # noqa: BLE001  (whatever the cache's driver raises)
        logger.warning("failed to save snapshot", exc_info=True)


def load(mounted: Mounted, snapshot: str) -> bool:
    """Gives a view that has just been mounted the state of `snapshot`; False if it has none for this visitor and view.

    If the URL's query has changed since, the view is told.
    """
    try:
        kept = shared_cache.get(_key(snapshot))
    except Exception:  # noqa: BLE001
        logger.warning("failed to load snapshot", exc_info=True)
        return False
    match kept:
        case {"of": owner, "query": query, "state": dict(values)} if owner == _identity(mounted):
            view = mounted.view
            vars(view).update({name: value for name, value in values.items() if name in view.live_state})
            if query != mounted.query:
                mounted.handle_params()
            mounted.resume(unpacked(kept.get("attached")))
            return True
    return False


def touch(snapshot: str) -> None:
    """Its time to live starts again: the visitor is still here."""
    try:
        shared_cache.touch(_key(snapshot), conf().snapshot_ttl)
    except Exception:  # noqa: BLE001
        logger.warning("failed to extend snapshot", exc_info=True)


def _key(snapshot: str) -> str:
    return f"liveview:state:{snapshot}"


def _identity(mounted: Mounted) -> list[str]:
    view, session = mounted.view, getattr(mounted.request, "session", None)
    owner = session.session_key if session is not None else None
    return [owner or "", f"{type(view).__module__}.{type(view).__qualname__}", view.request.path]
