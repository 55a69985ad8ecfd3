"""A socket doesn't outlive the session that it was opened with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from unittest.mock import AsyncMock

import pytest
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client

from liveview.socket import session_watch
from liveview.socket.django_session import Standing
from liveview.testing import LivePage

Open = Callable[..., LivePage]

ENGINES = ["db", "cache", "cached_db", "signed_cookies"]


@pytest.fixture(autouse=True)
def short_checks(project: None, settings: Any) -> None:
    settings.LIVEVIEW = {**settings.LIVEVIEW, "SESSION_CHECK": 0.02}


@pytest.fixture
def ada(transactional_db: None) -> User:
    return User.objects.create_user("ada", password="secret")


@pytest.fixture
def member(ada: User) -> Client:
    client = Client()
    client.force_login(ada)
    return client


def test_logging_out_closes_the_pages_of_that_session(site: Open, member: Client, ada: User) -> None:
    elsewhere = Client()
    elsewhere.force_login(ada)
    page, other = site("/members/", member), site("/members/", elsewhere)

    member.logout()

    assert page.wait_closed() == 4401
    other.click("nothing")


def test_another_password_closes_the_pages_of_every_session(site: Open, member: Client, ada: User) -> None:
    page = site("/members/", member)

    ada.set_password("another")
    ada.save()

    assert page.wait_closed() == 4401


def test_a_disabled_account_has_no_pages(site: Open, member: Client, ada: User) -> None:
    page = site("/members/", member)

    ada.is_active = False
    ada.save()

    assert page.wait_closed() == 4401


def test_a_deleted_account_has_no_pages(site: Open, member: Client, ada: User) -> None:
    page = site("/members/", member)

    ada.delete()

    assert page.wait_closed() == 4401


def test_logging_in_closes_the_pages_of_the_stranger_one_was(site: Open, ada: User) -> None:
    client = Client()
    session = client.session
    session["basket"] = "full"
    session.save()
    page = site("/bench/", client)

    client.force_login(ada)

    assert page.wait_closed() == 4401


def checks_done(page: LivePage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Returns after several checks of sessions."""
    from liveview.socket import django_session
    from liveview.tests.processes import until

    seen: list[bool] = []
    original = django_session.ended
    monkeypatch.setattr(django_session, "ended", lambda some: seen.append(True) or original(some))
    until(lambda: len(seen) > 2)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_session_that_holds_is_left_alone(
    site: Open, ada: User, settings: Any, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    client = Client()
    client.force_login(ada)
    page = site("/members/", client)

    checks_done(page, monkeypatch)

    page.click("nothing")


def test_a_cookie_of_a_session_long_gone_is_no_reason_to_close(site: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()
    client.cookies["sessionid"] = "x" * 32
    page = site("/bench/", client)
    other = site("/bench/", admin(monkeypatch))

    checks_done(other, monkeypatch)

    page.click("add")


def admin(monkeypatch: pytest.MonkeyPatch) -> Client:
    client = Client()
    client.force_login(User.objects.create_user("grace"))
    return client


def test_a_new_secret_key_neither_closes_pages_nor_ends_sessions(
    site: Open, member: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = site("/members/", member)
    key = member.session.session_key
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another"

    checks_done(page, monkeypatch)

    page.click("nothing")
    assert member.session.session_key == key and member.session.exists(key)


def test_a_database_that_is_away_ends_no_session(site: Open, member: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    page = site("/members/", member)

    def away(*_args: Any) -> None:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr("liveview.socket.django_session._is_valid", away)
        checks_done(page, patch)

    page.click("nothing")
    member.logout()
    assert page.wait_closed() == 4401


def test_ones_own_password_change_is_a_new_session(site: Open, member: Client, ada: User) -> None:
    """Django gives it another key: the page loads again, with the new cookie."""
    page = site("/members/", member)

    request: Any = type("Request", (), {"session": member.session, "user": ada})()
    ada.set_password("another")
    ada.save()
    update_session_auth_hash(request, ada)

    assert page.wait_closed() == 4401


@pytest.mark.django_db(transaction=True)
def test_many_sessions_are_looked_at_with_two_queries(django_assert_num_queries: Any) -> None:
    from liveview.socket import django_session

    standings, users = [], []
    for number in range(30):
        user = User.objects.create_user(f"user {number}")
        client = Client()
        client.force_login(user)
        standing = django_session.standing(client.get("/", follow=False).wsgi_request)
        assert standing is not None
        standings.append(standing)
        users.append(user)
    with django_assert_num_queries(2):
        assert django_session.ended(standings) == []

    users[3].is_active = False
    users[3].save()
    users[4].set_password("another")
    users[4].save()
    users[5].delete()
    SessionStore(standings[6].key).flush()

    assert django_session.ended(standings) == standings[3:7]
    assert all(django_session.has_ended(standing) for standing in standings[3:7])


@pytest.mark.django_db(transaction=True)
def test_an_outage_is_told_once(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """However many sockets are open, and however long it takes."""
    from liveview import process
    from liveview.socket import django_session

    def away(*_args: Any) -> None:
        raise ConnectionError

    monkeypatch.setattr(process, "_current", process.Process())
    standings = [django_session.Standing(SessionStore, f"{number:032}", None, None) for number in range(1200)]
    with monkeypatch.context() as patch:
        patch.setattr(django_session, "_sessions", away)
        for _ in range(3):
            assert django_session.ended(standings) == []
    assert len(caplog.records) == 1

    assert django_session.ended(standings) == standings
    assert [record.message for record in caplog.records[1:]] == ["session checks work again"]


@pytest.mark.django_db(transaction=True)
def test_a_socket_without_a_cookie_makes_no_session(site: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody could ever use it: a socket can't set a cookie."""
    from liveview.tests.project.views import Bench

    monkeypatch.setattr(Bench, "on_mount", lambda view: view.request.session.setdefault("seen", True))
    stranger = LivePage("/bench/")
    stranger.client.cookies.clear()
    stranger.connect()
    stranger.click("add")
    assert not SessionStore.get_model_class().objects.exists()
    stranger.drop_connection()


@pytest.mark.django_db(transaction=True)
def test_one_look_serves_everybody_for_a_few_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand chunks of an upload, and the socket they come on, ask the session's store once."""
    from liveview import process
    from liveview.socket import django_session

    monkeypatch.setattr(process, "_current", process.Process())
    session = SessionStore()
    session.create()
    standing = django_session.Standing(SessionStore, session.session_key, None, None)
    looked: list[django_session.Standing] = []
    original = django_session._look
    monkeypatch.setattr(django_session, "_look", lambda given: looked.append(given) or original(given))

    assert all(django_session.held_lately(standing, 60) for _ in range(1000))
    assert len(looked) == 1
    assert not django_session.has_ended(standing)

    session.flush()
    assert not django_session.held_lately(standing, 0)
    assert django_session.has_ended(standing)
    assert not django_session.held_lately(standing, 60)  # an end is not forgotten


@pytest.mark.django_db(transaction=True)
def test_a_request_of_a_disabled_account_keeps_nothing_of_theirs_alive(client: Client) -> None:
    """Its session is still there: that it can be read says nothing about the account."""
    from liveview.socket import django_session

    ada = User.objects.create_user("ada", password="secret")
    client.force_login(ada)
    request = client.get("/", follow=False).wsgi_request
    standing = django_session.standing(request)
    assert standing is not None and django_session.still_holds(standing)
    ada.is_active = False
    ada.save()
    assert not django_session.still_holds(standing)

    later = client.get("/", follow=False).wsgi_request
    assert django_session.standing(later) == standing

    assert django_session.has_ended(standing)


async def test_who_can_not_be_told_keeps_no_other_session_from_being_watched(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sessions = [Standing(SessionStore, key, None, None) for key in ("one", "two", "three")]
    monkeypatch.setattr(session_watch.threads, "run", AsyncMock(side_effect=[sessions[:2], [], sessions[2:]]))
    told = [asyncio.Event(), asyncio.Event()]

    def fail() -> None:
        raise RuntimeError("it is just ending")

    with (
        session_watch.watched(sessions[0], fail),
        session_watch.watched(sessions[1], told[0].set),
        session_watch.watched(sessions[2], told[1].set),
    ):
        async with asyncio.timeout(30):
            for each in told:
                await each.wait()

    assert [record.message for record in caplog.records] == ["could not announce the end of a session"]
