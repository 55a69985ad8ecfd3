"""The pages that belong to no demo, and those of errors."""

from __future__ import annotations

import pytest
from django.http import HttpResponse
from django.template.loader import get_template
from django.test import Client, RequestFactory
from django.urls import reverse
from django.views import defaults
from django.views.csrf import csrf_failure


def _headings(response: HttpResponse) -> int:
    return response.content.count(b"<h1")


def test_home_links_the_demo(client: Client) -> None:
    response = client.get("/")

    assert response.status_code == 200
    assert _headings(response) == 1
    assert f'href="{reverse("avatars:avatar")}"' in response.text


def test_home_may_run_nothing_inline(client: Client) -> None:
    response = client.get("/")

    assert "default-src 'self'" in response["Content-Security-Policy"]
    assert "unsafe-inline" not in response["Content-Security-Policy"]
    assert "<script>" not in response.text
    assert " style=" not in response.text


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


@pytest.mark.urls("config.tests.test_pages")  # which has no URLs at all
def test_the_page_of_a_fault_needs_nothing_of_the_application() -> None:
    html = get_template("500.html").render()

    assert html.count("<h1") == 1


urlpatterns: list[object] = []
