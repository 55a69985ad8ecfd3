"""Whose pages may send a long form to a page of Django's own: nobody's is refused that Django would take."""

from __future__ import annotations

from typing import Any

import pytest

from uploads.http import routing
from uploads.tests.http.ways.raw import Wire
from uploads.tests.http.ways.server import Server

LONG = "5000000"
FORM = {"Content-Type": "multipart/form-data; boundary=x", "Content-Length": LONG}
OWN = "https://shop.example"
CHUNKED = {"content-length": "", "transfer-encoding": "chunked"}
SMALL = {"content-length": "100"}


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
def test_a_long_form_of_another_site_is_refused_before_it_is_read(server: Server, origin: str) -> None:
    with Wire(server.port) as wire:
        wire.begin("POST", "/up/", {**FORM, "Origin": origin})
        answer = wire.answer()

    assert (answer.status, answer.error) == (403, "bad_origin")


def test_the_sender_reads_that_on_a_page(server: Server) -> None:
    with Wire(server.port) as wire:
        wire.begin("POST", "/up/", {**FORM, "Origin": "https://evil.example", "Accept": "text/html,*/*;q=0.8"})
        answer = wire.answer()

    assert (answer.status, answer.headers.get_content_type()) == (403, "text/html")
    assert b"This page isn't allowed to send files here." in answer.body


def test_a_short_form_is_djangos_to_judge(server: Server) -> None:
    answer = server.ask("POST", "/up/", {"Origin": "https://evil.example"}, b"a=1")

    assert answer.status == 403 and b"CSRF" in answer.body


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        {"origin": OWN, "sec-fetch-site": "same-origin"},
        {"origin": "https://friend.example", "sec-fetch-site": "cross-site"},
        {"origin": "https://a.friends.example"},
        {"origin": "https://listed.example"},
        {"origin": "https://evil.example", **SMALL},
        {"origin": "https://evil.example", "content-length": ""},
    ],
)
async def test_what_django_may_take_is_passed_on(settings: Any, headers: dict[str, str]) -> None:
    assert await statuses(settings, headers) == [200]


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://shop.example"},
        {"origin": "https://shop.example:8443"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "https://friends.example.evil.example"},
        {"origin": "http://a.friends.example"},
        {"origin": "https://[::1"},
        {"sec-fetch-site": "cross-site"},
        {"origin": "https://evil.example", **CHUNKED},
    ],
)
async def test_what_django_never_takes_is_refused(settings: Any, headers: dict[str, str]) -> None:
    assert await statuses(settings, headers) == [403]


async def test_a_page_behind_a_proxy_is_still_our_own(settings: Any) -> None:
    """The proxy has the certificate; daphne's --proxy-headers or Django's setting says so."""
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

    assert await statuses(settings, {"origin": OWN, "x-forwarded-proto": "https"}, scheme="http") == [200]
    assert await statuses(settings, {"origin": OWN}, scheme="http") == [403]


async def test_reading_a_page_asks_for_no_origin(settings: Any) -> None:
    assert await statuses(settings, {"origin": "https://evil.example", **SMALL}, method="GET") == [200]


@pytest.mark.parametrize("headers", [{}, {"content-length": "", "transfer-encoding": "chunked"}])
async def test_reading_a_page_needs_no_body(settings: Any, headers: dict[str, str]) -> None:
    assert await statuses(settings, headers, method="GET") == [413]


async def test_a_site_that_limits_no_form_in_memory_refuses_long_ones_all_the_same(settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = None

    assert await statuses(settings, {"origin": "https://evil.example"}) == [403]
    assert await statuses(settings, {"origin": "https://evil.example", **SMALL}) == [200]


@pytest.mark.parametrize("cookie", ["", "other=1", "xcsrftoken=1"])
async def test_who_can_not_have_a_token_need_not_send_a_form(settings: Any, cookie: str) -> None:
    assert await statuses(settings, {"origin": OWN, "cookie": cookie}) == [403]
    assert await statuses(settings, {"origin": OWN, "cookie": cookie, **CHUNKED}) == [403]

    settings.MIDDLEWARE = []  # nobody would ask for one
    assert await statuses(settings, {"origin": OWN, "cookie": cookie}) == [200]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_other_methods_have_bodies_too(settings: Any, method: str) -> None:
    assert await statuses(settings, {"origin": "https://evil.example"}, method=method) == [403]
    assert await statuses(settings, {"origin": OWN}, method=method) == [200]


async def test_a_view_that_asks_for_no_token_gets_its_body(settings: Any) -> None:
    settings.ROOT_URLCONF = "uploads.tests.http.shared.exempt"

    assert await statuses(settings, {"cookie": ""}, path="/exempt/") == [200]
    assert await statuses(settings, {"cookie": ""}, path="/guarded/") == [403]


async def test_a_disk_without_room_refuses_before_a_byte_is_read(settings: Any) -> None:
    assert await statuses(settings, {"origin": OWN}, disk_floor=10**18) == [507]


async def statuses(
    settings: Any,
    headers: dict[str, str],
    *,
    scheme: str = "https",
    method: str = "POST",
    path: str = "/shop/",
    disk_floor: int = 0,
) -> list[int]:
    """The answers to a long form. Not a byte of it is read unless Django does."""
    settings.ALLOWED_HOSTS = ["shop.example"]
    settings.CSRF_TRUSTED_ORIGINS = ["https://friend.example", "https://*.friends.example"]
    settings.UPLOADS = {"ALLOWED_ORIGINS": ["https://listed.example"], "DISK_FLOOR": disk_floor}
    told: list[int] = []

    async def django(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> dict[str, Any]:
        raise AssertionError("the body is read")

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            told.append(message["status"])

    given = {"host": "shop.example", "content-length": LONG, "cookie": "a=b; csrftoken=1", **headers}
    raw = [(name.encode(), value.encode()) for name, value in given.items() if value or name != "content-length"]
    scope = {"type": "http", "method": method, "scheme": scheme, "path": path, "query_string": b"", "headers": raw}
    await routing.application(django)(scope, receive, send)
    return told
