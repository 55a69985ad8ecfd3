"""Forms whose progress is polled, and the seeds' JSON endpoint for one file. (Seeds: seeds/002, seeds/004.)"""

from __future__ import annotations

import asyncio
import hashlib
import random
import re
from typing import Any
from urllib.parse import quote

import pytest
from django.test import override_settings

from uploads import intakes
from uploads.http.multipart.forms import Forms
from uploads.tests.http.ways.raw import Answer, Wire
from uploads.tests.http.ways.server import Server, hashes
from uploads.tests.support import until

DATA = random.Random(5).randbytes(500_000)
SHA256 = hashlib.sha256(DATA).hexdigest()
TYPE = "multipart/form-data; boundary=----xyz"
PATHS = ["/upload", "/api/upload"]


def part(name: str, data: bytes = DATA, field: str = "picture", *lines: str) -> bytes:
    head = [f'Content-Disposition: form-data; name="{field}"; filename="{name}"', *lines]
    return "\r\n".join(["------xyz", *head, "", ""]).encode() + data + b"\r\n"


def field(name: str, value: str) -> bytes:
    return f'------xyz\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()


END = b"------xyz--\r\n"


def send(server: Server, body: bytes, path: str = "/upload", **headers: str) -> Answer:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return server.ask("POST", path, {"Content-Type": TYPE, **given}, body)


def poll(server: Server, progress_id: str, **headers: str) -> Answer:
    return server.ask("GET", f"/get_upload_progress?X-Progress-ID={quote(progress_id)}", headers)


# One file


@pytest.mark.parametrize("path", PATHS)
def test_a_form_with_a_file_is_answered_with_its_name(server: Server, path: str) -> None:
    name = f"form{path.replace('/', '-')}.dat"

    answer = send(server, field("id", "17") + part(name) + END, path)

    assert answer.status == 200
    assert answer.json == {
        "success": True,
        "fileGuid": answer.json["fileGuid"],
        "fileName": name,
        "fileSize": len(DATA),
    }
    assert re.fullmatch(r"[0-9a-f-]{36}", answer.json["fileGuid"])
    assert "no-store" in answer.headers["Cache-Control"]
    assert hashes(server, name) == [SHA256]
    assert server.staged() == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (END, "no_file"),
        (field("picture", "not a file") + END, "no_file"),
        (part("a.dat") + part("b.dat") + END, "too_many_files"),
        (b"".join(part(f"{number}.dat", b"x", f"f{number}") for number in range(1000)) + END, "bad_body"),
        (b"".join(field(f"f{number}", "x") for number in range(2000)) + part("a.dat") + END, "bad_body"),
        (b"nonsense", "no_file"),
        (part("") + END, "no_file"),
        (part("a.dat", b"***", "picture", "Content-Transfer-Encoding: base64") + END, "bad_body"),
        (part("a.exe") + END, "bad_ext"),
        (part("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>") + END, "bad_ext"),
        (part("a.png", b"MZ" + DATA) + END, "type_mismatch"),
    ],
)
def test_a_form_that_is_wrong_is_refused(server: Server, body: bytes, code: str) -> None:
    answer = send(server, body)

    assert 400 <= answer.status < 500
    assert (answer.json["success"], answer.error) == (False, code)
    assert server.staged() == []


def test_a_form_without_a_file_is_refused_in_the_seeds_words(server: Server) -> None:
    assert send(server, END, "/api/upload").json == {
        "success": False,
        "error": "No file uploaded",
        "code": "no_file",
        "message": "There is no file in this request.",
    }
    assert send(server, part("a.exe") + END).json["error"] == "This kind of file isn't accepted here."


def test_a_form_without_a_boundary_is_refused(server: Server) -> None:
    assert send(server, part("a.dat") + END, Content_Type="multipart/form-data").status == 400
    assert send(server, b"{}", Content_Type="application/json").error == "no_file"


def test_a_form_in_an_unknown_encoding_is_refused(server: Server) -> None:
    answer = send(server, part("a.dat") + END, Content_Type=f"{TYPE}; charset=hex")

    assert (answer.status, answer.error) == (400, "bad_body")


def test_a_form_that_is_too_long_is_refused_before_it_is_read(server: Server) -> None:
    with Wire(server.port) as wire:
        wire.begin("POST", "/upload", {"Content-Type": TYPE, "Content-Length": "300200000"})

        assert wire.answer().status == 413


@pytest.mark.parametrize("path", [*PATHS, "/own/upload"])
def test_a_form_may_come_without_its_length(server: Server, path: str) -> None:
    """As curl, node, .NET and Java send what they stream."""
    name = f"streamed{path.replace('/', '-')}.dat"
    form = field("id", "17") + part(name) + END
    with Wire(server.port) as wire:
        wire.begin("POST", path, {"Content-Type": TYPE, "Transfer-Encoding": "chunked"})
        for at in range(0, len(form), 70_000):
            wire.send_chunk(form[at : at + 70_000])
        wire.send_chunk(b"")
        answer = wire.answer()

    assert answer.status == 200, answer.body
    assert (hashes(server, name) or [answer.json.get("sha256")]) == [SHA256]
    assert server.staged() == []


def test_such_a_form_has_the_same_limit() -> None:
    sent: list[dict[str, Any]] = []
    cut: list[dict[str, Any]] = []

    async def django(scope: Any, receive: Any, send: Any) -> None:
        while (message := await receive())["type"] == "http.request":
            assert message["more_body"]
        cut.append(message)  # as Django does: nothing is answered

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": bytes(100_000), "more_body": True}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/upload", "query_string": b"", "headers": []}
    intakes.register("little", max_file_size=1_000_000, receive=lambda entry, owner: None)
    try:
        with override_settings(UPLOADS={"INTAKE": "little"}):
            asyncio.run(Forms(django)({**scope, "client": ("127.0.0.1", 1), "scheme": "http"}, receive, send))
    finally:
        intakes.unregister("little")

    assert cut == [{"type": "http.disconnect"}]
    assert sent[0]["status"] == 413


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("a %22q%22.dat", 'a "q".dat'),
        ("a%0D%0Ab.dat", "a  b.dat"),
        ("100%.dat", "100%.dat"),
        ("a%20b.dat", "a%20b.dat"),
    ],
)
def test_a_name_is_what_the_browser_has_written_it_for(server: Server, name: str, label: str) -> None:
    assert send(server, part(name) + END).json["fileName"] == label


def test_a_form_that_is_cut_off_leaves_nothing(server: Server) -> None:
    with Wire(server.port) as wire:
        wire.begin("POST", "/upload?X-Progress-ID=cut", {"Content-Type": TYPE, "Content-Length": "600000"})
        wire.send(part("cut.dat")[:-10])
        until_told(server, "cut", 1)
        wire.reset()

    until(lambda: poll(server, "cut").body == b"null\n")
    assert hashes(server, "cut.dat") == []
    assert server.staged() == []


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_only_post_sends(server: Server, path: str, method: str) -> None:
    assert server.ask(method, path).status == 405


# Whose pages may send


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_another_sites_form_is_refused_before_its_body_is_read(server: Server, path: str, origin: str) -> None:
    with Wire(server.port) as wire:
        wire.begin("POST", path, {"Content-Type": TYPE, "Content-Length": "600000", "Origin": origin})
        answer = wire.answer()

    assert (answer.status, answer.error) == (403, "bad_origin")
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("path", PATHS)
def test_a_listed_sites_page_may_send_and_read(server: Server, path: str) -> None:
    answer = send(server, part("listed.dat") + END, path, Origin="https://listed.example")

    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (200, "https://listed.example")


# Progress


def test_progress_goes_from_nothing_to_everything_and_is_null_when_done(server: Server) -> None:
    body, seen = part("watched.dat") + END, []
    step = len(body) // 7
    with Wire(server.port) as wire:
        wire.begin("POST", "/upload?X-Progress-ID=watched", {"Content-Type": TYPE, "Content-Length": str(len(body))})
        for start in range(0, len(body), step):
            wire.send(body[start : start + step])
            if start + step < len(body):
                seen.append(until_told(server, "watched", start + step))
        assert wire.answer().status == 200

    assert [told["uploaded"] for told in seen] == [step * number for number in range(1, len(seen) + 1)]
    assert len(seen) >= 6 and {told["length"] for told in seen} == {len(body)}
    assert all(set(told) == {"uploaded", "length"} for told in seen)
    until(lambda: poll(server, "watched").body == b"null\n")
    assert hashes(server, "watched.dat") == [SHA256]


def test_after_the_answer_a_poll_is_told_that_it_is_done(server: Server) -> None:
    for number in range(20):
        body = part(f"soon-{number}.dat", b"hello") + END

        assert send(server, body, f"/upload?X-Progress-ID=soon-{number}").status == 200

        assert poll(server, f"soon-{number}").body == b"null\n"


def until_told(server: Server, progress_id: str, at_least: int) -> dict[str, int]:
    """Polls until so many bytes are counted. (A poll too many is answered with something else.)"""
    told: dict[str, int] = {}

    def is_told() -> bool:
        answer = poll(server, progress_id)
        if answer.status == 200 and answer.json is not None:
            told.update(answer.json)
        return told.get("uploaded", 0) >= at_least

    until(is_told, 60)
    return told


def test_progress_is_told_to_its_visitor_only(server: Server) -> None:
    mine = server.cookie()
    with Wire(server.port) as wire:
        wire.begin(
            "POST", "/upload?X-Progress-ID=secret", {"Content-Type": TYPE, "Content-Length": "600000", "Cookie": mine}
        )
        wire.send(part("secret.dat"))
        until(lambda: poll(server, "secret", Cookie=mine).json is not None)

        others = [poll(server, "secret"), poll(server, "secret", Cookie=server.cookie())]

    assert [answer.body for answer in others] == [b"null\n", b"null\n"]


def test_an_id_that_can_be_none_is_not_found(server: Server) -> None:
    for progress_id in ("", "../x", "a b", "x" * 129, "\n"):
        assert poll(server, progress_id).status == 404
    assert server.ask("GET", "/get_upload_progress").status == 404


def test_polls_are_not_kept_by_anyone_and_not_endless(server: Server) -> None:
    answers = [poll(server, "flood") for _ in range(60)]

    assert answers[0].status == 200 and "no-store" in answers[0].headers["Cache-Control"]
    assert {answer.status for answer in answers} == {200, 429}
    assert poll(server, "another").status == 200
