"""The Django session of a socket: it lives longer than a request, and may end before the socket does."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model, load_backend
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from liveview.process import here
from liveview.threads import with_connections

logger = logging.getLogger("liveview")

REMEMBERED: Final = 10_000  # sessions


@dataclass(frozen=True, slots=True)
class Standing:
    """The session that a view was mounted with, and whose it was."""

    engine: type[SessionBase]
    key: str
    user: Any
    hash: Any


def standing(request: HttpRequest) -> Standing | None:
    """None for a visitor without a session: there is nothing that could end."""
    session = getattr(request, "session", None)
    if session is None:
        return None
    user, password_hash = session.get(SESSION_KEY), session.get(HASH_SESSION_KEY)
    if not session.session_key:  # known only after a look inside: the cookie may name one that is gone
        return None
    found = Standing(type(session), session.session_key, user, password_hash)
    if user is None or getattr(getattr(request, "user", None), "is_authenticated", False):
        here(_Looks).note(found, holds=True)
    return found


def still_holds(standing: Standing) -> bool:
    """False once the visitor has logged out or in, was disabled, or changed their password elsewhere. Blocks."""
    holds = _look(standing)
    here(_Looks).note(standing, holds=holds)
    return holds


def held_lately(standing: Standing, seconds: float) -> bool:
    """The same, but a look of so many seconds ago will do, whoever took it. Blocks if there was none."""
    looked, held = here(_Looks).last(standing)
    if held and time.monotonic() - looked < seconds:
        return True
    return with_connections(partial(still_holds, standing))


def has_ended(standing: Standing) -> bool:
    """Whether the last look has found that it doesn't hold any more. Never blocks."""
    return not here(_Looks).last(standing)[1]


class _Looks:
    """When each session was looked at last, and what was found: a thousand chunks and a socket look once."""

    def __init__(self) -> None:
        self._last: OrderedDict[Standing, tuple[float, bool]] = OrderedDict()
        self._lock = threading.Lock()

    def last(self, standing: Standing) -> tuple[float, bool]:
        """On the monotonic clock, and whether it held."""
        return self._last.get(standing, (float("-inf"), True))

    def note(self, standing: Standing, *, holds: bool) -> None:
        with self._lock:
            self._last[standing] = time.monotonic(), holds
            self._last.move_to_end(standing)
            while len(self._last) > REMEMBERED:
                self._last.popitem(last=False)


def _look(standing: Standing) -> bool:
    try:
        session = standing.engine(standing.key)
        if (session.get(SESSION_KEY), session.get(HASH_SESSION_KEY)) != (standing.user, standing.hash):
            return False
        return session.session_key == standing.key and (standing.user is None or _is_valid(session))
    except Exception:  # noqa: BLE001  (a database that is down for a moment must not end sessions)
        logger.warning("session check failed, assuming that the session is still valid", exc_info=True)
        return True


def refresh(request: HttpRequest) -> None:
    """Forgets what was read from the session: other requests may have changed it since."""
    session = getattr(request, "session", None)
    if session is not None and session.session_key and not session.modified:
        vars(session).pop("_session_cache", None)


def save(request: HttpRequest) -> None:
    """What the session middleware does after a request."""
    session = getattr(request, "session", None)
    if session is not None and session.modified:
        session.save()
        session.modified = False


def _is_valid(session: SessionBase) -> bool:
    """As `django.contrib.auth.get_user`, which may also give the session another key: here, no cookie would follow."""
    path = session.get(BACKEND_SESSION_KEY) or ""
    if path not in settings.AUTHENTICATION_BACKENDS:
        return False
    user: Any = load_backend(path).get_user(get_user_model()._meta.pk.to_python(session[SESSION_KEY]))
    if user is None:
        return False
    if not hasattr(user, "get_session_auth_hash"):
        return True
    found = session.get(HASH_SESSION_KEY) or ""
    return any(
        constant_time_compare(found, valid)
        for valid in (user.get_session_auth_hash(), *user.get_session_auth_fallback_hash())
    )
