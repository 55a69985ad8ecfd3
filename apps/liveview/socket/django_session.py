"""The Django session of a socket: it lives longer than a request, and may end before the socket does."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, Final, TypeAlias

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model, load_backend
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.db import SessionStore as DatabaseSession  # which imports no model
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from liveview.process import here
from liveview.threads import with_connections

logger = logging.getLogger("liveview")

REMEMBERED: Final = 10_000  # sessions
TOGETHER: Final = 500  # sessions in a query

Data: TypeAlias = SessionBase | dict[str, Any]
"""What a session holds."""


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


def ended(standings: Collection[Standing]) -> list[Standing]:
    """Those of many that don't hold any more, with a query for all sessions and one for all users. Blocks."""
    gone = []
    left = iter(standings)
    while some := list(islice(left, TOGETHER)):
        try:
            found = _look_at(some)
        except Exception:  # noqa: BLE001  (as in `_look`)
            here(_Looks).failed()
            continue
        here(_Looks).worked()
        for standing, holds in found.items():
            here(_Looks).note(standing, holds=holds)
            if not holds:
                gone.append(standing)
    return gone


def held_lately(standing: Standing, seconds: float) -> bool:
    """The same, but a look of so many seconds ago will do, also another caller's. Blocks if there was none."""
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
        self._is_down = False

    def last(self, standing: Standing) -> tuple[float, bool]:
        """On the monotonic clock, and whether it held."""
        return self._last.get(standing, (float("-inf"), True))

    def failed(self) -> None:
        """The log is told once of an outage, not for each session and look."""
        if not self._is_down:
            self._is_down = True
            logger.warning("session checks failing; treating sessions as valid", exc_info=True)

    def worked(self) -> None:
        if self._is_down:
            self._is_down = False
            logger.warning("session checks work again")

    def note(self, standing: Standing, *, holds: bool) -> None:
        with self._lock:
            self._last[standing] = time.monotonic(), holds
            self._last.move_to_end(standing)
            while len(self._last) > REMEMBERED:
                self._last.popitem(last=False)


def _look(standing: Standing) -> bool:
    try:
        session = standing.engine(standing.key)
        holds = _is_the_same(session, standing) and session.session_key == standing.key
        holds = holds and (standing.user is None or _is_valid(session, _user(session)))
    except Exception:  # noqa: BLE001  (a database that is down for a moment must not end sessions)
        here(_Looks).failed()
        return True
    here(_Looks).worked()
    return holds


def _look_at(standings: Iterable[Standing]) -> dict[Standing, bool]:
    """Sessions in the database are read together, others one by one."""
    together = [standing for standing in standings if standing.engine.load is DatabaseSession.load]
    found = {standing: _look(standing) for standing in standings if standing not in together}
    data = _sessions(together)
    users = _users([session for session in data.values() if session.get(SESSION_KEY) is not None])
    for standing in together:
        session = data.get(standing.key)
        holds = session is not None and _is_the_same(session, standing)
        if holds and session is not None and standing.user is not None:
            user = users[standing.user] if standing.user in users else _user(session)
            holds = _is_valid(session, user)
        found[standing] = holds
    return found


def _sessions(standings: list[Standing]) -> dict[str, Data]:
    found: dict[str, Data] = {}
    engine: Any
    for engine in {standing.engine for standing in standings}:
        keys = [standing.key for standing in standings if standing.engine is engine]
        rows = engine.get_model_class().objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
        found |= {key: engine().decode(text) for key, text in rows.values_list("session_key", "session_data")}
    return found


def _users(sessions: list[Data]) -> dict[Any, Any]:
    """By the id in their session, None for one that is gone. Only where Django's own backend would say the same."""
    asked = [session for session in sessions if _has_own_users(session)]
    model = get_user_model()
    keys = {session[SESSION_KEY]: model._meta.pk.to_python(session[SESSION_KEY]) for session in asked}
    users = model._default_manager.in_bulk(set(keys.values())) if keys else {}
    found = {}
    for session in asked:
        user = users.get(keys[session[SESSION_KEY]])
        backend: Any = load_backend(session[BACKEND_SESSION_KEY])
        is_welcome = user is not None and backend.user_can_authenticate(user)
        found[session[SESSION_KEY]] = user if is_welcome else None
    return found


def _has_own_users(session: Data) -> bool:
    from django.contrib.auth.backends import ModelBackend  # late: it imports models, and this is imported before them

    path = session.get(BACKEND_SESSION_KEY) or ""
    return path in settings.AUTHENTICATION_BACKENDS and type(load_backend(path)).get_user is ModelBackend.get_user


def _is_the_same(session: Data, standing: Standing) -> bool:
    return (session.get(SESSION_KEY), session.get(HASH_SESSION_KEY)) == (standing.user, standing.hash)


def _user(session: Data) -> Any:
    path = session.get(BACKEND_SESSION_KEY) or ""
    if path not in settings.AUTHENTICATION_BACKENDS:
        return None
    return load_backend(path).get_user(get_user_model()._meta.pk.to_python(session[SESSION_KEY]))


def refresh(request: HttpRequest) -> None:
    """Forgets what was read from the session: other requests may have changed it since."""
    session = getattr(request, "session", None)
    if session is not None and session.session_key and not session.modified:
        vars(session).pop("_session_cache", None)


def keep_to_itself(request: HttpRequest) -> None:
    """A session that is new on a socket isn't saved: no cookie can be set, so nobody could ever use it."""
    session = getattr(request, "session", None)
    if session is not None and not session.session_key:
        session.modified = False


def save(request: HttpRequest) -> None:
    """What the session middleware does after a request."""
    keep_to_itself(request)
    session = getattr(request, "session", None)
    if session is not None and session.modified:
        session.save()
        session.modified = False


def _is_valid(session: Data, user: Any) -> bool:
    """As `django.contrib.auth.get_user`, which may also give the session another key: here, no cookie would follow."""
    if user is None or (session.get(BACKEND_SESSION_KEY) or "") not in settings.AUTHENTICATION_BACKENDS:
        return False
    if not hasattr(user, "get_session_auth_hash"):
        return True
    found = session.get(HASH_SESSION_KEY) or ""
    return any(
        constant_time_compare(found, valid)
        for valid in (user.get_session_auth_hash(), *user.get_session_auth_fallback_hash())
    )
