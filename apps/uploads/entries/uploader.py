"""Who sends an upload: for logs, for quotas, and because their session may end meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.core.exceptions import SynchronousOnlyOperation
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from liveview.socket import django_session
from liveview.socket.django_session import Standing
from liveview.visitors import visitor_at
from uploads.errors import UploadError
from uploads.owners import SESSION_KEY

FRESH: Final = 4.5  # seconds for which a look at a session counts: a little longer than sockets take between two


@dataclass(frozen=True, slots=True)
class Uploader:
    """`label` stands for a visitor in logs; `share` is whose quota and share of the threads their uploads use.

    `network` is where they are. `standing` is their session, or None if they have none that could end.
    """

    label: str = ""
    share: str = ""
    standing: Standing | None = None
    network: str = ""

    def expect_session(self) -> None:
        """Raises `UploadError("session_ended")`. Blocks every few seconds: it asks the session's store."""
        if self.standing is not None and not django_session.held_lately(self.standing, FRESH):
            raise UploadError("session_ended")

    @property
    def has_left(self) -> bool:
        """Whether the session is known to have ended. Never blocks."""
        return self.standing is not None and django_session.has_ended(self.standing)


NOBODY: Final = Uploader()


def uploader_of(request: HttpRequest) -> Uploader:
    """The visitor of a request. Reads the session and the user: not on the event loop.

    Who has no session, or one that can't be read here, shares with everybody at the same address.
    """
    network = visitor_at(request.META.get("REMOTE_ADDR", ""))
    try:
        label = label_of(request)
        return Uploader(label, label or f"address:{network}", django_session.standing(request), network)
    except SynchronousOnlyOperation:
        return Uploader(share=f"address:{network}", network=network)


def label_of(request: HttpRequest) -> str:
    """Twelve characters that stand for the visitor and say nothing else about them; empty without a session."""
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        who = f"user:{user.pk}"
    else:
        session = getattr(request, "session", {})
        who = str(session.get(SESSION_KEY) or getattr(session, "session_key", "") or "")
    return salted_hmac("uploads.events", who).hexdigest()[:12] if who else ""
