"""The pages that belong to no demo, and those of errors."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.exceptions import SuspiciousOperation
from django.http import HttpResponse
from django.template.loader import get_template
from django.test import Client, RequestFactory
from django.urls import reverse
from django.views import defaults
from django.views.csrf import csrf_failure

from config import views
from config.faces import DEMOS

PAGES = [
    *("/", reverse("otherways:other-ways"), "/no-such-page"),
    *(reverse(demo.url_name) for demo in DEMOS.values()),
    *(reverse("code", args=[demo]) for demo in DEMOS),
]
STRICT = {
    "default-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
INLINE = re.compile(r"<script(?![^>]*\ssrc=)|<style|<[a-z][^>]*\s(?:style|on[a-z]+)=", re.IGNORECASE)


def _headings(response: HttpResponse) -> int:
    return response.content.count(b"<h1")


def test_home_links_the_demo(client: Client, transactional_db: None) -> None:
    response = client.get("/")

    assert response.status_code == 200
    assert _headings(response) == 1
    assert f'href="{reverse("avatars:avatar")}"' in response.text


@pytest.mark.parametrize("address", PAGES)
def test_a_page_may_run_nothing_inline_and_nobody_frames_it(
    client: Client, transactional_db: None, address: str
) -> None:
    response = client.get(address)

    assert _policy(response) == STRICT
    assert response["X-Frame-Options"] == "DENY"
    assert not INLINE.search(response.text)


def test_the_page_of_a_refused_form_has_the_policy_of_all_others(transactional_db: None) -> None:
    response = Client(enforce_csrf_checks=True).post(reverse("avatars:avatar"))

    assert (response.status_code, _policy(response)) == (403, STRICT)


def _policy(response: HttpResponse) -> dict[str, str]:
    """Of its Content-Security-Policy what keeps foreign code out, and whatever is unsafe."""
    directives = (part.split() for part in response["Content-Security-Policy"].split(";"))
    policy = {name: " ".join(sources) for name, *sources in directives}
    return {name: value for name, value in policy.items() if name in STRICT or "unsafe" in value or "*" in value}


def test_healthz_touches_no_database(client: Client) -> None:
    assert client.get("/healthz").content == b"ok\n"


def test_an_unknown_address_has_a_page_of_its_own(client: Client) -> None:
    response = client.get("/no-such-page")

    assert response.status_code == 404
    assert _headings(response) == 1
    assert "There is no page here" in response.text


def test_a_refusal_has_a_page_of_its_own(rf: RequestFactory) -> None:
    response = defaults.permission_denied(rf.get("/"), PermissionError())

    assert response.status_code == 403
    assert _headings(response) == 1


def test_a_foreign_form_has_a_page_of_its_own(rf: RequestFactory) -> None:
    response = csrf_failure(rf.post("/"))

    assert response.status_code == 403
    assert "Please send that again" in response.text


def test_a_request_that_cant_be_taken_has_a_page_of_its_own(rf: RequestFactory, settings: Any) -> None:
    """Too many files in one form, most of the time."""
    response = views.bad_request(rf.get("/"), SuspiciousOperation())

    assert response.status_code == 400
    assert _headings(response) == 1
    assert f"a form takes at most {settings.DATA_UPLOAD_MAX_NUMBER_FILES}" in response.text


@pytest.mark.parametrize("charset", ["hex", "utf-16"])
@pytest.mark.parametrize(("address", "status"), [("avatars:avatar", 400), ("home", 400), (None, 404)])
def test_a_form_that_cant_be_read_has_a_page_like_any_other(
    transactional_db: None, address: str | None, status: int, charset: str
) -> None:
    client = Client(enforce_csrf_checks=True)
    client.cookies["csrftoken"] = "a" * 32
    url = reverse(address) if address else "/no-such-page"

    response = client.generic("POST", url, b"a=1", f"application/x-www-form-urlencoded; charset={charset}")

    assert response.status_code == status
    assert _headings(response) == 1


@pytest.mark.urls("config.tests.test_pages")  # which has no URLs at all
def test_the_page_of_a_fault_needs_nothing_of_the_application() -> None:
    html = get_template("500.html").render()

    assert html.count("<h1") == 1


urlpatterns: list[object] = []
