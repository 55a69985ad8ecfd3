"""Request bodies under our daphne: streamed, bounded, and answered in time."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest

from liveview.tests.processes import served, until
from liveview.tests.server import Server
from liveview.tests.wire import BLOCK, MB, Laboratory, Wire, ask, blocks, sha256

CAP = 100_000
TOO_LARGE = {"error": "too_large", "message": "That is larger than this page accepts."}
FORM = "Content-Type: multipart/form-data; boundary=b"
LIMITS = [["/sink/large", 400 * MB], ["/sink/larger-not", 1000], ["/slow", 400 * MB]]
HASTE = {"body_rate": 1000, "body_seconds": 2, "header_seconds": 2}

lab = served(Laboratory, max_body=CAP, body_limits=LIMITS)
strict = served(Laboratory, max_body=CAP, body_limits=LIMITS, **HASTE)  # as `lab`, with little patience


# -- Streaming


def test_a_body_reaches_the_application_while_it_arrives(lab: Server) -> None:
    body = BLOCK[:50_000]
    with Wire(lab) as wire:
        wire.start("POST", "/sink/early", f"Content-Length: {len(body)}")
        wire.send(body[:20_000])
        until(lambda: ask(lab, "/seen/sink/early").get("bytes") == 20_000)
        wire.send(body[20_000:])

        assert wire.answer().json == {"bytes": 50_000, "sha256": sha256(iter([body])), "end": "http.request"}


def test_a_chunked_body_reaches_the_application_as_one(lab: Server) -> None:
    with Wire(lab) as wire:
        wire.start("POST", "/sink/pieces", "Transfer-Encoding: chunked")
        wire.send(b"5\r\nhello\r\n")
        until(lambda: ask(lab, "/seen/sink/pieces").get("bytes") == 5)
        wire.send(b"6\r\n world\r\n0\r\n\r\n")

        assert wire.answer().json["sha256"] == sha256(iter([b"hello world"]))


def test_what_arrived_of_a_cut_request_is_delivered_before_the_news_of_it(lab: Server) -> None:
    sent = BLOCK[:30_000]
    with Wire(lab) as wire:
        wire.start("POST", "/sink/cut", "Content-Length: 90000")
        wire.send(sent)

    until(lambda: ask(lab, "/seen/sink/cut").get("end"))

    assert ask(lab, "/seen/sink/cut") == {"bytes": 30_000, "sha256": sha256(iter([sent])), "end": "http.disconnect"}


def test_memory_stays_flat_while_a_large_body_passes_through(lab: Server) -> None:
    size = 300 * MB
    with Wire(lab) as wire:
        wire.post("/sink/large", BLOCK)
        before = lab.memory()
        wire.start("POST", "/sink/large", f"Content-Length: {size}")
        for block in blocks(size):
            wire.send(block)

        assert wire.answer().json == {"bytes": size, "sha256": sha256(blocks(size)), "end": "http.request"}
    assert lab.peak() - before < 40 * MB


def test_a_sender_waits_for_a_slow_application(lab: Server) -> None:
    size = 200 * MB
    before = lab.memory()
    with Wire(lab) as wire:
        wire.start("PATCH", "/slow/patch", f"Content-Length: {size}")
        until(lambda: ask(lab, "/seen/slow/patch"))
        body = blocks(size)

        assert wire.sends(body, patience=2) < 40 * MB  # what the two kernels hold, and one megabyte of ours
        assert lab.peak() - before < 40 * MB

        ask(lab, "/go/slow/patch")
        wire.finish(body)

        assert wire.answer().json == {"bytes": size, "sha256": sha256(blocks(size)), "end": "http.request"}
    assert lab.peak() - before < 40 * MB
    assert ask(lab, "/largest/slow/patch")["bytes"] > 64 * 1024  # which is all that Twisted reads at a time


# -- Caps


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "BREW"])
@pytest.mark.parametrize("path", ["/sink/huge", "/plain/", "/no/such/page", "/%73ink/huge", "/sink/large", "/%ff", "*"])
def test_a_huge_length_is_refused_at_once_on_any_url(lab: Server, method: str, path: str) -> None:
    with Wire(lab) as wire:
        wire.start(method, path, f"Content-Length: {100_000 * MB}")
        answer = wire.answer()

        assert answer.status == 413
        assert answer.json == TOO_LARGE
        assert answer.headers["connection"] == "close"
        assert wire.is_ended()
    assert ask(lab, "/seen/sink/huge") == {}


def test_the_cap_is_the_last_size_that_passes(lab: Server) -> None:
    with Wire(lab) as wire:
        assert wire.post("/sink/a", bytes(CAP)).json["bytes"] == CAP
    with Wire(lab) as wire:
        assert wire.post("/sink/a", bytes(CAP + 1)).status == 413


def test_the_longest_prefix_of_a_path_decides(lab: Server) -> None:
    with Wire(lab) as wire:
        assert wire.post("/sink/large/file?x=1", bytes(CAP + 1)).status == 200
        assert wire.post("/sink/%6carge", bytes(CAP + 1)).status == 200
        assert wire.post("/sink/larger-not", bytes(1001)).status == 413


def test_a_chunked_body_is_counted_as_it_comes(lab: Server) -> None:
    chunk = b"2710\r\n" + bytes(10_000) + b"\r\n"
    with Wire(lab) as wire:
        wire.start("POST", "/sink/chunked", "Transfer-Encoding: chunked")
        wire.send(chunk * 11)
        answer = wire.answer()

        assert (answer.status, answer.json) == (413, TOO_LARGE)
        assert wire.is_ended()
    until(lambda: ask(lab, "/seen/sink/chunked")["end"] == "http.disconnect")
    assert ask(lab, "/seen/sink/chunked")["bytes"] <= CAP


def test_a_client_that_sends_first_and_reads_then_sees_why_it_was_refused(lab: Server) -> None:
    with Wire(lab) as wire:
        answer = wire.post("/sink/a", bytes(20 * MB))

        assert (answer.status, answer.json) == (413, TOO_LARGE)


def test_a_person_with_a_form_is_told_on_a_page(lab: Server) -> None:
    """Chromium's Accept. The way back is the form's own address."""
    accept = "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
    with Wire(lab) as wire:
        answer = wire.post("/sink/a", bytes(CAP + 1), FORM, accept)
    page = answer.body.decode()

    assert (answer.status, answer.headers["content-type"]) == (413, "text/html; charset=utf-8")
    style = hashlib.sha256(page.partition("<style>")[2].partition("</style>")[0].encode()).digest()
    allowed = f"style-src 'sha256-{base64.b64encode(style).decode()}'"
    assert answer.headers["content-security-policy"] == f"default-src 'none'; {allowed}"
    assert f"<h1>{TOO_LARGE['message']}</h1>" in page and '<a href="">' in page


# -- Too slow


def trickle(wire: Wire) -> None:
    """A few bytes a second, for a minute or until the server says something."""
    for _ in range(600):
        if wire.has_something(within=0.1):
            return
        wire.send(b".")
    pytest.fail("the server has all the time in the world")


def test_a_body_that_trickles_is_answered_with_408(strict: Server) -> None:
    with Wire(strict) as wire:
        wire.start("POST", "/sink/trickle", "Content-Length: 90000")
        wire.send(b"some")
        trickle(wire)
        answer = wire.answer()

        assert (answer.status, answer.json["error"]) == (408, "too_slow")
        assert "too slowly" in answer.json["message"]
        assert answer.headers["connection"] == "close"
    until(lambda: ask(strict, "/seen/sink/trickle")["end"] == "http.disconnect")
    assert ask(strict, "/seen/sink/trickle")["bytes"] >= 4


def stall(server: Server) -> None:
    """Returns when a body that never comes was given up."""
    with Wire(server) as wire:
        wire.start("POST", "/sink/stalled", "Content-Length: 90000")
        assert wire.answer().status == 408


def test_nobody_is_too_slow_while_the_application_is(strict: Server) -> None:
    size = 60 * MB
    with Wire(strict) as wire:
        wire.start("POST", "/slow", f"Content-Length: {size}")
        body = blocks(size)
        assert wire.sends(body, patience=2) < size
        stall(strict)
        stall(strict)

        ask(strict, "/go/slow")
        wire.finish(body)

        assert wire.answer().json["sha256"] == sha256(blocks(size))


def test_headers_that_never_end_are_not_waited_for(strict: Server) -> None:
    with Wire(strict) as wire:
        wire.send(b"GET /plain/ HTTP/1.1\r\nX-Slow: ")
        trickle(wire)

        assert wire.is_ended()


def test_headers_of_a_second_request_that_never_end_are_not_waited_for_either(strict: Server) -> None:
    with Wire(strict) as wire:
        assert wire.get("/plain/").status == 200
        wire.send(b"GET /plain/ HTTP/1.1\r\nX-Slow: ")
        trickle(wire)

        assert wire.is_ended()


# -- HTTP as ever


def test_an_answer_before_the_bodys_end_closes_the_connection(lab: Server) -> None:
    with Wire(lab) as wire:
        wire.start("POST", "/deaf", "Content-Length: 90000")
        wire.send(bytes(1000))
        answer = wire.answer()

        assert (answer.status, answer.json) == (200, {"deaf": True})
        assert answer.headers["connection"] == "close"
        assert wire.is_ended()


def test_a_connection_is_used_again_after_a_body(lab: Server) -> None:
    with Wire(lab) as wire:
        for body in (b"one", bytes(CAP), b"three"):
            answer = wire.post("/sink/a", body)
            assert answer.json["sha256"] == sha256(iter([body]))
            assert "connection" not in answer.headers
            assert wire.get("/plain/").body == b"plain"


def test_requests_may_be_sent_without_waiting_for_answers(lab: Server) -> None:
    def request(body: bytes) -> bytes:
        return b"POST /sink/a HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    bodies = [b"one", BLOCK, b"three", b""]
    with Wire(lab) as wire:
        wire.send(b"".join(map(request, bodies)) + b"GET /plain/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")

        assert [wire.answer().json["sha256"] for _ in bodies] == [sha256(iter([body])) for body in bodies]
        assert wire.answer().body == b"plain"


def test_a_client_that_asks_before_it_sends_is_told_to_go_on(lab: Server) -> None:
    with Wire(lab) as wire:
        wire.start("POST", "/sink/a", "Content-Length: 5", "Expect: 100-continue")
        assert wire.line() == b"HTTP/1.1 100 Continue\r\n"
        assert wire.line() == b"\r\n"
        wire.send(b"hello")

        assert wire.answer().json["bytes"] == 5


def test_a_client_that_asks_before_it_sends_is_not_made_to_send_in_vain(lab: Server) -> None:
    with Wire(lab) as wire:
        wire.start("POST", "/deaf", "Content-Length: 5", "Expect: 100-continue")
        assert wire.line() == b"HTTP/1.1 200 OK\r\n"
    with Wire(lab) as wire:
        wire.start("POST", "/sink/a", f"Content-Length: {CAP + 1}", "Expect: 100-continue")
        assert wire.line() == b"HTTP/1.1 413 Request Entity Too Large\r\n"


def test_nothing_parses_a_form_before_the_application(lab: Server) -> None:
    """Twisted would: it answers a form without a boundary with 400, and keeps several copies of one that has it."""
    with Wire(lab) as wire:
        assert wire.post("/sink/a", b"--x--", "Content-Type: multipart/form-data").json["bytes"] == 5


def test_djangos_forms_and_their_limits_are_as_ever(lab: Server) -> None:
    with Wire(lab) as wire:
        page = wire.get("/forms/")
        cookie = "Cookie: " + page.headers["set-cookie"].partition(";")[0]
        token = re.search(rb'name="csrfmiddlewaretoken" value="(\w+)"', page.body)
        assert token is not None
        fields = {b"csrfmiddlewaretoken": token[1], b"name": b"Ada"}
        parts = [b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % field for field in fields.items()]
        form = b"".join([*parts, b"--b--\r\n"])

        wire.start("POST", "/forms/", f"Content-Length: {len(form)}", FORM, cookie)
        wire.send(form[:150])
        wire.send(form[150:])
        saved = wire.answer()
        assert saved.status == 200 and b'value="Ada"' in saved.body
        assert wire.post("/forms/", form, FORM).status == 403  # without the cookie
        many = b"&".join(b"x=1" for _ in range(1001))
        assert wire.post("/forms/", many, "Content-Type: application/x-www-form-urlencoded", cookie).status == 400


def test_a_malformed_chunk_ends_the_request(lab: Server) -> None:
    with Wire(lab) as wire:
        wire.start("POST", "/sink/bad", "Transfer-Encoding: chunked")
        wire.send(b"3\r\nabc\r\nnonsense\r\n")

        assert wire.line() == b"HTTP/1.1 400 Bad Request\r\n"
    until(lambda: ask(lab, "/seen/sink/bad").get("end") == "http.disconnect")
    assert ask(lab, "/seen/sink/bad")["bytes"] == 3


def test_an_upgrade_with_a_body_is_none(lab: Server) -> None:
    with Wire(lab) as wire:
        answer = wire.post("/echo", b"hello", "Upgrade: websocket", "Connection: Upgrade")

        assert answer.status == 400
