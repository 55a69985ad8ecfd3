"""What keeps a visitor's browser safe: on every answer, whoever gives it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import AsyncClient, Client, RequestFactory
from django.urls import reverse

from config import login
from config.tests.test_settings import setting

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "path",
    ["/", "/gallery/", "/avatars/", "/admin/login/", "/healthz", "/readyz", "/no-such-page", "/media/x", "/tus/"],
)
def test_every_answer_has_them(path: str) -> None:
    response = Client().get(path)
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "camera=()" in response["Permissions-Policy"]


async def test_they_are_there_under_asgi_as_well() -> None:
    response = await AsyncClient().get("/healthz")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "camera=()" in response["Permissions-Policy"]


def test_no_feature_that_a_page_uses_is_off(client: Client) -> None:
    policy = client.get("/videos/")["Permissions-Policy"]
    assert not {"fullscreen", "autoplay", "picture-in-picture"} & {part.split("=")[0] for part in policy.split(", ")}


@pytest.mark.parametrize(
    "name", ["admin:index", "admin:login", "admin:gallery_photo_changelist", "admin:auth_user_add"]
)
def test_the_admin_has_a_policy_that_lets_no_foreign_script_in(admin_client: Client, name: str) -> None:
    directives = dict(
        part.strip().partition(" ")[::2]
        for part in admin_client.get(reverse(name))["Content-Security-Policy"].split(";")
    )
    assert directives["frame-ancestors"] == directives["object-src"] == directives["base-uri"] == "'none'"
    assert "unsafe" not in directives.get("script-src", directives["default-src"])
    assert directives["style-src"] == "'self' 'unsafe-inline'"


def test_other_pages_allow_no_inline_style(client: Client) -> None:
    assert "unsafe-inline" not in client.get("/")["Content-Security-Policy"]


def test_cookies_are_bound_to_the_host_where_there_is_https(tmp_path: Any) -> None:
    names = "[s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME, s.SESSION_COOKIE_PATH, s.SESSION_COOKIE_SECURE]"
    assert setting(names, tmp_path, SECRET_KEY="x", HTTPS="1") == ["__Host-sessionid", "__Host-csrftoken", "/", True]
    assert setting(names, tmp_path, SECRET_KEY="x")[:2] == ["sessionid", "csrftoken"]


# The admin's login


def attempt(client: Client, password: str, address: str = "192.0.2.1") -> int:
    form = {"username": "ada", "password": password}
    return client.post(reverse("admin:login"), form, REMOTE_ADDR=address).status_code


@pytest.fixture
def ada() -> User:
    return User.objects.create_superuser("ada", password="right")


def test_who_guesses_passwords_has_to_wait(ada: User, caplog: pytest.LogCaptureFixture) -> None:
    client = Client()
    limit = login.SETTINGS["AXES_FAILURE_LIMIT"]

    statuses = [attempt(client, f"wrong {number}") for number in range(limit)]

    assert statuses == [200] * (limit - 1) + [429]
    assert attempt(Client(), "right") == 429, "also with a new session, and with the right one"
    assert attempt(Client(), "right", "192.0.2.2") == 302, "the admin's own address isn't shut out"
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("axes")]
    assert any("New login failure" in line for line in lines) and any("Locking out" in line for line in lines)
    assert all("192.0.2" in line for line in lines), "for whoever keeps addresses out"
    assert not any("wrong" in line or "ada" in line for line in lines), "what was typed is in the log"


def test_a_page_says_how_long(ada: User) -> None:
    for number in range(login.SETTINGS["AXES_FAILURE_LIMIT"]):
        attempt(Client(), f"wrong {number}")

    response = Client().post(reverse("admin:login"), {"username": "ada", "password": "x"}, REMOTE_ADDR="192.0.2.1")

    assert response["Retry-After"] == "900"
    assert "15 minutes" in response.text and response.text.count("<h1") == 1


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("", "127.0.0.1"),
    ],
)
def test_a_network_of_a_home_counts_once(rf: RequestFactory, address: str, counted: str) -> None:
    assert login.address_of(rf.get("/", REMOTE_ADDR=address)) == counted
