"""Who owns an upload, or what became of it."""

from __future__ import annotations

import secrets

from django.http import HttpRequest

__all__ = ["owner_of"]

SESSION_KEY = "uploads_visitor"


def owner_of(request: HttpRequest) -> str:
    """The user, or a random token kept in the anonymous visitor's session; never empty, at most 64 characters.

    Logging in makes another owner: what an anonymous session uploaded is not adopted.
    """
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        return f"user:{user.pk}"
    session = request.session
    if SESSION_KEY not in session:
        session[SESSION_KEY] = secrets.token_urlsafe(16)
    return f"visitor:{session[SESSION_KEY]}"


def known_owner(request: HttpRequest) -> str:
    """The owner that a visitor has already; empty for a visitor without one, who doesn't get one by this."""
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        return f"user:{user.pk}"
    token = request.session.get(SESSION_KEY)
    return f"visitor:{token}" if token else ""
