"""tus 1.0: what is answered to whom. (https://tus.io/protocols/resumable-upload)"""

from __future__ import annotations

import pytest

from uploads.tests.http.ways.server import Server
from uploads.tests.http.ways.tus import BODY, TUS, create, head, offset, patch, patching

# OPTIONS and the version


@pytest.mark.parametrize("version", [{}, {"Tus-Resumable": "1.0.0"}, {"Tus-Resumable": "0.2.2"}])
def test_options_is_answered_whatever_the_version(server: Server, version: dict[str, str]) -> None:
    answer = server.ask("OPTIONS", "/tus/", version)

    assert answer.status == 204
    assert answer.headers["Tus-Resumable"] == answer.headers["Tus-Version"] == "1.0.0"
    assert set(answer.headers["Tus-Extension"].split(",")) == {
        "creation",
        "creation-with-upload",
        "creation-defer-length",
        "expiration",
        "checksum",
        "termination",
    }
    assert answer.headers["Tus-Max-Size"] == "300000000"
    assert answer.headers["Tus-Checksum-Algorithm"] == "sha1,sha256"


@pytest.mark.parametrize("method", ["POST", "HEAD", "PATCH", "DELETE"])
@pytest.mark.parametrize("version", [{}, {"Tus-Resumable": "0.2.2"}, {"Tus-Resumable": "1.0.1"}])
def test_another_version_is_refused_and_nothing_done(server: Server, method: str, version: dict[str, str]) -> None:
    path = create(server, 5)
    headers = {**version, "Upload-Length": "5", "Upload-Offset": "0", "Content-Type": BODY}

    answer = server.ask(method, "/tus/" if method == "POST" else path, headers, b"hello" if method == "PATCH" else b"")

    assert (answer.status, answer.headers["Tus-Version"]) == (412, "1.0.0")
    assert "Location" not in answer.headers
    assert offset(server, path) == 0


def test_every_answer_names_the_version(server: Server) -> None:
    path = create(server, 5)

    answers = [
        server.ask("POST", "/tus/", {**TUS, "Upload-Length": "-1"}),
        server.ask("GET", path, TUS),
        head(server, "/tus/" + 32 * "0"),
        head(server, path),
        patch(server, path, 3, b"lo"),
        patch(server, path, 0, b"hello"),
    ]

    assert [answer.headers["Tus-Resumable"] for answer in answers] == 6 * ["1.0.0"]


@pytest.mark.parametrize("method", ["GET", "PUT", "TRACE"])
def test_other_methods_are_not_allowed(server: Server, method: str) -> None:
    answer = server.ask(method, create(server, 5), TUS)

    assert answer.status == 405
    assert "PATCH" in answer.headers["Allow"]


# Method override


@pytest.mark.parametrize("origin", [{}, {"Origin": "own"}])
def test_a_post_may_stand_for_another_method(server: Server, origin: dict[str, str]) -> None:
    path = create(server, 5)
    origin = {"Origin": server.url} if origin else {}

    patched = server.ask("POST", path, {**patching(0), "X-HTTP-Method-Override": "PATCH", **origin}, b"hel")
    deleted = server.ask("POST", path, {**TUS, "X-HTTP-Method-Override": "DELETE", **origin})

    assert (patched.status, patched.headers["Upload-Offset"]) == (204, "3")
    assert deleted.status == 204
    assert head(server, path).status == 404


def test_a_post_stands_for_nothing_else(server: Server) -> None:
    path = create(server, 5)

    for method in ("HEAD", "GET", "OPTIONS", "MERGE"):
        assert server.ask("POST", path, {**TUS, "X-HTTP-Method-Override": method}).status == 405


@pytest.mark.parametrize(("origin", "status"), [("https://listed.example", 204), ("https://other.example", 403)])
def test_a_post_from_another_site_stands_for_what_its_preflight_allows(
    server: Server, origin: str, status: int
) -> None:
    path = create(server, 5)

    answer = server.ask("POST", path, {**patching(0), "X-HTTP-Method-Override": "PATCH", "Origin": origin}, b"hel")

    assert answer.status == status
    assert offset(server, path) == (3 if status == 204 else 0)
