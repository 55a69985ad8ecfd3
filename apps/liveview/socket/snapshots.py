"""A view's declared state, kept in the shared cache between a lost socket and the next.

A snapshot is named by 128 random bits and belongs to one session, one view and one path. Losing the cache costs only
convenience, so its failures never reach a visitor. To us alone the name says as well who was logged in, and in which
language the page was.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass
from typing import Any

from django.utils.crypto import salted_hmac
from django.utils.translation import get_language

from liveview import shared_cache
from liveview.conf import conf
from liveview.core.attachments import unpacked
from liveview.mounted import Mounted

logger = logging.getLogger("liveview")


@dataclass(frozen=True, slots=True)
class Beginning:
    """Of a socket: the name of its snapshots, and what became of the last socket's.

    is_anothers: somebody else was logged in then, or nobody was, or nobody is any more; or the page was in another
    language. What is around the view still shows that.
    """

    name: str
    restored: bool
    is_anothers: bool


def begin(mounted: Mounted, wanted: str | None) -> Beginning:
    """Gives a view that has just been mounted the state of the snapshot that the browser wants. Blocks."""
    visitor = f"{_visitor(mounted)}-{get_language() or ''}"
    _bits, dot, before = (wanted or "").partition(".")
    is_anothers = bool(dot) and before != visitor
    if wanted is not None and not is_anothers and load(mounted, wanted):
        return Beginning(wanted, restored=True, is_anothers=False)
    return Beginning(f"{secrets.token_urlsafe(16)}.{visitor}", restored=False, is_anothers=is_anothers)


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


def _visitor(mounted: Mounted) -> str:
    """Who is logged in, by a name that tells nobody who; empty for nobody."""
    user = getattr(mounted.request, "user", None)
    if not getattr(user, "is_authenticated", False):
        return ""
    return salted_hmac("liveview.snapshots", str(user.pk)).hexdigest()[:16]  # type: ignore[union-attr]


def _key(snapshot: str) -> str:
    return f"liveview:state:{snapshot}"


def _identity(mounted: Mounted) -> list[str]:
    view, session = mounted.view, getattr(mounted.request, "session", None)
    owner = session.session_key if session is not None else None
    return [owner or "", f"{type(view).__module__}.{type(view).__qualname__}", view.request.path]
