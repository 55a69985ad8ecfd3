"""Whose an upload by HTTP is, and whose pages may send one."""

from __future__ import annotations

from typing import Any

import pytest

from uploads.http.shared.visitors import origin_of, request_of
from uploads.tests.http.ways.drip import Drip
from uploads.tests.http.ways.raw import Answer, Wire
from uploads.tests.http.ways.server import Server
from uploads.tests.http.ways.tus import BODY, TUS, create, head, offset, patch, patching
from uploads.tests.support import until

FOREIGN = [
    "https://evil.example",
    "null",
    "http://127.0.0.1:1",
    "https://127.0.0.1",
    "https://listed.example.evil.example",
]


def every_method(server: Server, path: str, **headers: str) -> list[Answer]:
    return [
        head(server, path, **headers),
        patch(server, path, 0, b"hello", **headers),
        server.ask("DELETE", path, {**TUS, **headers}),
    ]


# Owners


def test_without_a_session_an_upload_belongs_to_whoever_knows_its_address(server: Server) -> None:
    path = create(server, 10)
    patch(server, path, 0, b"hello")

    assert offset(server, path) == 5
    assert offset(server, path, Cookie=server.cookie()) == 5


@pytest.mark.parametrize("somebody", ["/visit/", "/enter/?name=ada"])
def test_an_upload_of_a_session_is_nobody_elses(server: Server, somebody: str) -> None:
    mine = server.cookie(somebody)
    path = create(server, 10, Cookie=mine)

    for cookie in ({}, {"Cookie": server.cookie()}, {"Cookie": server.cookie("/enter/?name=eve")}):
        answers = every_method(server, path, **cookie)
        absent = every_method(server, "/tus/" + 32 * "0", **cookie)
        assert [answer.status for answer in answers] == 3 * [404]
        assert [answer.body for answer in answers] == [answer.body for answer in absent]
    assert offset(server, path, Cookie=mine) == 0


def test_the_user_of_an_upload_may_have_another_session(server: Server) -> None:
    path = create(server, 10, Cookie=server.cookie("/enter/?name=bob"))

    assert offset(server, path, Cookie=server.cookie("/enter/?name=bob")) == 0


def test_who_receives_a_file_is_told_whose_it_is(server: Server) -> None:
    cookie = server.cookie("/enter/?name=carl")
    with Wire(server.port) as wire:
        owner = wire.ask("GET", "/visit/", {"Cookie": cookie}).body.decode()
    path = create(server, 5, Cookie=cookie)
    patch(server, path, 0, b"hello", Cookie=cookie)

    assert owner.startswith("user:")
    assert owner in {facts["owner"] for facts in server.kept()}


def test_who_logs_out_while_bytes_travel_is_stopped(server: Server) -> None:
    data = bytes(1_000_000)
    cookie = server.cookie("/enter/?name=dora")
    path = create(server, len(data), Cookie=cookie)
    with Wire(server.port) as wire:
        wire.begin("PATCH", path, {**patching(0, Cookie=cookie), "Content-Length": str(len(data))})
        with Drip(wire, data):
            until(lambda: server.staged_bytes(path[-32:]) > 0)
            server.ask("GET", "/leave/", {"Cookie": cookie})

            answer = wire.answer()

    assert (answer.status, answer.error) == (401, "session_ended")


# Origins


@pytest.mark.parametrize("origin", FOREIGN)
def test_another_sites_page_is_refused_and_told_nothing(server: Server, origin: str) -> None:
    mine = server.cookie()
    path = create(server, 10, Cookie=mine)

    answers = every_method(server, path, Origin=origin, Cookie=mine)
    answers.append(server.ask("POST", "/tus/", {**TUS, "Upload-Length": "5", "Origin": origin, "Cookie": mine}))

    assert [answer.status for answer in answers] == 4 * [403]
    assert [answer.headers.get("Access-Control-Allow-Origin") for answer in answers] == 4 * [None]
    assert offset(server, path, Cookie=mine) == 0


@pytest.mark.parametrize(
    ("name", "is_listed"),
    [
        ("https://app.example.com", True),
        ("https://b.example", True),
        ("https://app.example.co", False),
        ("https://app.exam", False),
        ("https://app.example.com, https://b.example", False),
        ("", False),
    ],
)
def test_sites_that_are_listed_in_one_text_stand_for_themselves_only(settings: Any, name: str, is_listed: bool) -> None:
    """What begins like a listed site is another one, and anybody may own it."""
    settings.UPLOADS = {"ALLOWED_ORIGINS": "https://app.example.com, https://b.example"}
    scope = {"type": "http", "scheme": "http", "path": "/tus/", "method": "POST"}

    origin = origin_of({**scope, "headers": [(b"host", b"testserver"), (b"origin", name.encode())]})

    assert (origin.is_listed, origin.is_allowed) == (is_listed, is_listed)
    assert ("Access-Control-Allow-Origin" in dict(origin.cors())) is is_listed


def test_a_request_that_says_it_comes_from_another_site_is_refused(server: Server) -> None:
    headers = {**TUS, "Upload-Length": "5", "Sec-Fetch-Site": "cross-site"}

    assert server.ask("POST", "/tus/", headers).status == 403


@pytest.mark.parametrize("origin", ["own", "https://friend.example", "https://listed.example"])
def test_pages_of_ours_and_of_listed_sites_may_read_every_answer(server: Server, origin: str) -> None:
    origin = server.url if origin == "own" else origin
    path = create(server, 5, Origin=origin)

    answers = [
        server.ask("POST", "/tus/", {**TUS, "Upload-Length": "5", "Origin": origin}),
        head(server, path, Origin=origin),
        patch(server, path, 3, b"lo", Origin=origin),
        patch(server, path, 0, b"hello", Origin=origin),
    ]

    assert [answer.status for answer in answers] == [201, 200, 409, 204]
    for answer in answers:
        assert answer.headers["Access-Control-Allow-Origin"] == origin
        assert "Upload-Offset" in answer.headers["Access-Control-Expose-Headers"]
        assert answer.headers["Vary"] == "Origin"


def test_a_preflight_says_who_may_send_what(server: Server) -> None:
    asked = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "upload-offset, X-Api-Key"}

    allowed = server.ask("OPTIONS", "/tus/", {**asked, "Origin": "https://listed.example"})
    refused = server.ask("OPTIONS", "/tus/", {**asked, "Origin": "https://evil.example"})

    assert allowed.headers["Access-Control-Allow-Origin"] == "https://listed.example"
    assert "PATCH" in allowed.headers["Access-Control-Allow-Methods"]
    names = allowed.headers["Access-Control-Allow-Headers"].split(", ")
    assert {"Upload-Offset", "Upload-Concat", "Authorization", "X-Request-ID", "X-Api-Key"} <= set(names)
    assert not [name for name in refused.headers if name.lower().startswith("access-control-")]


def test_a_body_from_another_site_is_not_read(server: Server) -> None:
    before = server.staged()
    with Wire(server.port) as wire:
        headers = {**TUS, "Upload-Length": "100000000", "Content-Type": BODY, "Origin": "https://evil.example"}
        wire.begin("POST", "/tus/", {**headers, "Content-Length": "100000000"})

        assert wire.answer().status == 403  # before a byte of it was sent
    assert server.staged() == before


# A site that lets every page in, as its settings of django-cors-headers say


@pytest.mark.parametrize(
    ("cors", "path", "allowed"),
    [
        ({}, "/api/upload", False),
        ({"CORS_ALLOW_ALL_ORIGINS": True}, "/api/upload", True),
        ({"CORS_ALLOW_ALL_ORIGINS": True, "CORS_URLS_REGEX": r"^/api/.*$"}, "/api/upload-chunk", True),
        ({"CORS_ALLOW_ALL_ORIGINS": True, "CORS_URLS_REGEX": r"^/api/.*$"}, "/tus/", False),
        ({"CORS_ALLOWED_ORIGINS": ["https://app.example"]}, "/api/upload", False),
        ({"CORS_ALLOWED_ORIGINS": ["https://evil.example"]}, "/api/upload", True),
    ],
)
def test_a_site_may_let_every_page_in(settings: Any, cors: dict[str, Any], path: str, allowed: bool) -> None:
    for name, value in cors.items():
        setattr(settings, name, value)
    headers = [(b"host", b"127.0.0.1"), (b"origin", b"https://evil.example"), (b"cookie", b"sessionid=secret; a=b")]
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "scheme": "http",
        "headers": headers,
        "client": ("192.0.2.1", 1),
    }

    origin = origin_of(scope)

    assert origin.is_allowed is allowed and not origin.knows_visitor
    assert dict(origin.cors()).get("Access-Control-Allow-Origin") == ("*" if allowed else None)
    assert "Access-Control-Allow-Credentials" not in dict(origin.preflight("POST"))
    assert request_of(scope).COOKIES == {}  # it sends as somebody without a session
    assert request_of({**scope, "headers": [headers[0], headers[2]]}).COOKIES["sessionid"] == "secret"
