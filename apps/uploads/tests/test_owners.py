from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model, login, logout
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest

from uploads.owners import owner_of

pytestmark = pytest.mark.django_db


def visit(session: SessionStore | None = None) -> HttpRequest:
    request = HttpRequest()
    request.session = session or SessionStore()
    request.user = AnonymousUser()
    return request


def somebody(name: str) -> Any:
    return get_user_model().objects.create_user(name, password="pw")


def test_an_anonymous_visitor_is_a_random_token_kept_in_the_session() -> None:
    request = visit()
    owner = owner_of(request)
    assert owner == owner_of(request)
    request.session.save()
    assert owner == owner_of(visit(SessionStore(request.session.session_key)))
    assert len(owner) >= len("visitor:") + 20


def test_two_visitors_are_two_owners() -> None:
    assert owner_of(visit()) != owner_of(visit())


def test_the_token_is_not_the_sessions_key() -> None:
    request = visit()
    request.session.save()
    assert request.session.session_key not in owner_of(request)


def test_a_user_is_one_owner_in_every_session() -> None:
    ann, bob = somebody("ann"), somebody("bob")
    requests = [visit() for _ in range(3)]
    for request, user in zip(requests, [ann, ann, bob], strict=True):
        request.user = user
    owners = list(map(owner_of, requests))
    assert owners == [f"user:{ann.pk}", f"user:{ann.pk}", f"user:{bob.pk}"]


def test_logging_in_and_out_makes_other_owners() -> None:
    request = visit()
    before = owner_of(request)
    login(request, somebody("ann"), backend="django.contrib.auth.backends.ModelBackend")
    during = owner_of(request)
    logout(request)
    assert len({before, during, owner_of(request)}) == 3


def test_an_owner_fits_into_its_column_and_is_never_empty() -> None:
    assert 0 < len(owner_of(visit())) <= 64


def test_a_project_without_accounts_has_visitors() -> None:
    request = visit()
    del request.user
    assert owner_of(request).startswith("visitor:")
