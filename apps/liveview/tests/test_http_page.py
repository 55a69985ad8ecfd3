"""Without JavaScript: the same pages, the same forms, the same handlers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import clear_script_prefix, set_script_prefix

from liveview.testing import LivePage

pytestmark = pytest.mark.django_db

Open = Callable[..., LivePage]


@pytest.fixture
def post() -> Callable[..., Any]:
    client = Client()
    return lambda url, **fields: client.post(url, fields)


def test_a_get_is_the_whole_page(client: Client) -> None:
    response = client.get("/things/7/?page=3")

    assert response.status_code == 200
    assert response.text.startswith("<!doctype html>")
    assert "thing 7, page 3" in response.text
    assert '<div id="live" data-live-socket="/live/" data-live-protocol="1">' in response.text
    assert response.headers["Cache-Control"] == "private, no-cache" or "no-cache" in response.headers["Cache-Control"]


def test_a_page_says_its_title_and_where_its_socket_is(client: Client, settings: Any) -> None:
    settings.LIVEVIEW = {**settings.LIVEVIEW, "SOCKET_PATH": "/elsewhere/"}
    set_script_prefix("/site/")
    try:
        text = client.get("/forms/").text
    finally:
        clear_script_prefix()

    assert "<title>Forms</title>" in text
    assert 'data-live-socket="/site/elsewhere/"' in text


def test_a_view_may_bring_its_own_layout(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("liveview.tests.project.views.Public.layout_name", "liveview/layout.html")

    assert "liveview/client" in client.get("/public/").text


def test_user_text_is_escaped(post: Callable[..., Any]) -> None:
    text = post("/forms/", name="<script>alert(1)</script>").text

    assert "<script>alert" not in text
    assert "name=&lt;script&gt;" in text


def test_a_page_without_a_form_sets_no_cookie(client: Client) -> None:
    assert client.get("/public/").cookies == {}
    assert "csrftoken" in client.get("/forms/").cookies


# -- Forms


def test_the_only_form_needs_no_name(post: Callable[..., Any]) -> None:
    text = post("/forms/", name="Ada", tags=["a", "b"], how="quickly").text

    assert "name=Ada tags=a+b how=quickly" in text


def test_a_button_may_name_another_event(post: Callable[..., Any]) -> None:
    assert "name=ADA" in post("/forms/", name="Ada", _event="shout").text


def test_one_of_several_forms_must_say_which_it_is(post: Callable[..., Any]) -> None:
    assert "name=ADA" in post("/two-forms/", name="Ada", _event="shout").text
    assert post("/two-forms/", name="Ada").status_code == 400


def test_async_handlers_answer_forms(post: Callable[..., Any]) -> None:
    assert "name=thought of Ada" in post("/forms/", name="Ada", _event="think").text


@pytest.mark.parametrize("event", ["mount", "no_such_event", "__init__", "secret", "get", ""])
def test_a_form_reaches_nothing_else(post: Callable[..., Any], event: str) -> None:
    url = "/two-forms/"

    assert post(url, name="Ada", _event=event).status_code == 400


def test_fields_that_do_not_fit_are_refused(post: Callable[..., Any], settings: Any) -> None:
    assert post("/forms/").status_code == 400
    refused = post("/forms/", name="Ada", other="x")
    assert refused.status_code == 400
    assert "The server didn't understand this page. Reload it." in refused.text and "other" not in refused.text

    settings.DEBUG = True  # a developer is told why
    refused = post("/forms/", name="Ada", other="x")
    assert (refused.status_code, refused.headers["Content-Type"]) == (400, "text/plain")
    assert refused.text.endswith("Unexpected argument: other.\n")


def test_an_empty_file_input_is_no_field(post: Callable[..., Any]) -> None:
    """A browser posts one like an empty text, and the handler has no such parameter."""
    assert "name=Ada" in post("/forms/", name="Ada", picture="").text
    assert "name= " in post("/forms/", name="").text
    assert post("/forms/", name="Ada", picture=["", "x"]).status_code == 400


def test_a_handler_has_the_forms_fields_as_django_does(post: Callable[..., Any]) -> None:
    text = post("/forms/", _event="filled_in", tags=["a", "b"], name="").text

    assert "name=[(&#x27;name&#x27;, [&#x27;&#x27;]), (&#x27;tags&#x27;, [&#x27;a&#x27;, &#x27;b&#x27;])]" in text


def test_a_flash_and_a_redirect_work(client: Client) -> None:
    response = client.post("/forms/", {"_event": "go", "name": "Ada"}, follow=True)

    assert response.redirect_chain == [("/public/", 302)]
    assert '<p class="flash success">Goodbye Ada</p>' in response.text


def test_an_address_that_a_form_leads_to_is_gone_to(post: Callable[..., Any]) -> None:
    response = post("/forms/", _event="turn_page", name="Ada")

    assert (response.status_code, response.headers["Location"]) == (302, "?page=2")


def test_a_handler_that_raises_is_a_server_error(client: Client) -> None:
    client.raise_request_exception = False

    assert client.post("/bench/", {"_event": "fail"}).status_code == 500


# -- Safety


def test_a_form_without_its_token_is_refused() -> None:
    client = Client(enforce_csrf_checks=True)
    own = token(client.get("/forms/").text)

    assert client.post("/forms/", {"name": "Ada"}).status_code == 403
    assert client.post("/forms/", {"name": "Ada", "csrfmiddlewaretoken": "x" * 64}).status_code == 403
    assert client.post("/forms/", {"name": "Ada", "csrfmiddlewaretoken": own}).status_code == 200


def test_a_form_from_another_site_is_refused() -> None:
    client = Client(enforce_csrf_checks=True, headers={"origin": "https://evil.example"})
    own = token(client.get("/forms/").text)

    assert client.post("/forms/", {"name": "Ada", "csrfmiddlewaretoken": own}).status_code == 403


def test_a_body_that_is_no_form_is_refused(client: Client) -> None:
    assert client.post("/two-forms/", b"_event=shout&name=a", content_type="text/plain").status_code == 400


@pytest.mark.parametrize(
    ("method", "status"),
    [("head", 200), ("options", 200), ("put", 405), ("patch", 405), ("delete", 405), ("trace", 405)],
)
def test_other_methods_are_answered_as_django_does(client: Client, method: str, status: int) -> None:
    response = getattr(client, method)("/forms/")

    assert response.status_code == status
    if status == 405:
        assert response.headers["Allow"] == "GET, POST, HEAD, OPTIONS"


def test_the_token_in_a_form_is_the_same_in_every_render(site: Open) -> None:
    forms = site("/forms/")
    tokens = {token(forms.html)}

    for name in ("Ada", "Grace"):
        forms.submit("save", name=name)
        tokens.add(token(forms.html))

    assert len(tokens) == 1


def token(html: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', html)
    assert found is not None
    return found[1]
