"""What a socket says out of turn or too fast: it is told, and the third time or after a flood closed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from liveview.testing import LivePage, ServerSaid
from liveview.tests.core.test_messages import BAD
from liveview.tests.project.views import Gate

Open = Callable[..., LivePage]


@pytest.mark.parametrize("name", ["no JSON", "5000 digits", "800 levels", "30000 levels", "NaN"])
def test_three_offences_close_the_socket_and_none_reaches_the_log(
    site: Open, errors: Callable[[], str], name: str
) -> None:
    bench = site()

    for _ in range(2):
        bench.send_text(BAD[name])
        assert bench.wait_for("error")["code"] == "bad_message"
    bench.click("add")
    bench.send_text(BAD[name])

    assert bench.wait_closed() == 4400
    assert errors() == ""


@pytest.mark.parametrize(
    ("name", "code", "ref"),
    [
        ("too many bytes", "too_large", 1),
        ("too many bytes in fewer characters", "too_large", 1),
        ("20 levels and one", "bad_message", 1),
        ("a lone surrogate", "bad_message", 1),
        ("duplicate keys, deeper", "bad_message", 1),
        ("a long name", "bad_message", 1),
        ("a missing field", "bad_message", 1),
        ("a ref in quotes", "bad_message", "1"),
        ("a huge ref", "bad_message", None),
        ("a boolean ref", "bad_message", None),
        ("no JSON", "bad_message", None),
    ],
)
def test_a_question_that_cannot_be_taken_is_answered(site: Open, name: str, code: str, ref: int | str | None) -> None:
    bench = site()

    bench.send_text(BAD[name])

    error = bench.wait_for("error")
    assert (error["code"], error.get("ref")) == (code, ref)
    bench.click("add")


def test_a_message_that_is_too_long_is_no_offence_and_says_how_much_fits(site: Open, settings: Any) -> None:
    settings.LIVEVIEW = {**settings.LIVEVIEW, "EVENTS_PER_SECOND": 2, "MAX_MESSAGE": 2048}
    bench = site()
    mounted = next(message for message in bench.received if message["type"] == "mounted")
    assert mounted["max_message"] == 2048

    for _ in range(6):
        bench.send_text(BAD["too many bytes"])
        error = bench.wait_for("error")
        assert (error["code"], error["message"]) == ("too_large", "That is too long. The limit is 2,048 bytes.")
    for _ in range(30):
        bench.send_text(BAD["too many bytes"])

    assert bench.wait_closed() == 4429


def test_what_fails_after_the_handler_is_an_answer_to_its_event(site: Open) -> None:
    bench = site(on_run=lambda view: view.push_event("odd", object()))

    with pytest.raises(ServerSaid) as said:
        bench.click("run")
    bench.click("add")

    assert said.value.code == "server_error"


def test_a_handler_whose_own_work_was_cancelled_has_failed(site: Open) -> None:
    async def wait_for_what_is_cancelled(view: Any) -> None:
        view.count = 7
        work = asyncio.ensure_future(asyncio.sleep(60))
        asyncio.get_running_loop().call_soon(work.cancel)
        await work

    bench = site(on_run=wait_for_what_is_cancelled)
    for handler in (lambda: bench.click("arun"), lambda: bench.call("acompute")):
        with pytest.raises(ServerSaid) as said:
            handler()
        assert said.value.code == "server_error"
        bench.click("add")

    assert "2" in bench.html


def test_a_handler_has_its_arguments_as_a_form_would_have_posted_them(site: Open) -> None:
    page = site("/events/")

    page.submit("filled_in", one="a", many=["a", "b"], none=[], checked=True, unchecked=False, count=3)

    assert "got=[('checked', ['on']), ('count', ['3']), ('many', ['a', 'b']), ('one', ['a'])]" in page.html


def test_a_binary_frame_that_nobody_takes_is_an_offence(site: Open, blank: LivePage) -> None:
    for socket in (site(), blank):
        for _ in range(3):
            socket.send_bytes(b"\x01" * 100)
        assert socket.wait_closed() == 4400


def test_mounting_twice_is_an_offence(site: Open) -> None:
    bench = site()

    bench.send({"type": "mount", "protocol": 1, "url": "/bench/", "snapshot": None})

    assert bench.wait_for("error")["code"] == "bad_message"
    bench.click("add")


@pytest.mark.parametrize("kind", ["event", "call"])
def test_nothing_happens_before_the_mount(blank: LivePage, kind: str) -> None:
    blank.send({"type": "html"})
    blank.send({"type": "url", "url": "/bench/?a=1"})
    blank.send({"type": kind, "ref": 1, "name": "add", "params": {}})

    assert blank.wait_until(lambda message: True)["code"] == "not_mounted"


def test_a_heartbeat_is_answered_before_and_after_the_mount(site: Open, blank: LivePage) -> None:
    for socket in (blank, site()):
        socket.send({"type": "heartbeat"})
        socket.wait_for("heartbeat")


def test_after_the_close_nothing_counts(site: Open) -> None:
    runs: list[int] = []
    bench = site(on_run=lambda view: runs.append(1))
    for _ in range(3):
        bench.send_text("nonsense")
    for ref in range(1000, 1010):
        bench.send({"type": "event", "ref": ref, "name": "run", "params": {}})

    assert bench.wait_closed() == 4400
    bench.drop_connection()
    assert runs == []


def test_what_waits_when_the_socket_is_closed_is_not_done(site: Open) -> None:
    gate = site("/gate/")
    gate.send({"type": "event", "ref": 1, "name": "wait", "params": {}})
    gate.send({"type": "event", "ref": 2, "name": "open", "params": {}})
    for _ in range(3):
        gate.send_text("nonsense")
    assert gate.wait_closed() == 4400

    Gate.opened.set()
    gate.drop_connection()
    assert not [message for message in gate.received if message["type"] == "ack"]


def test_a_flood_is_told_and_then_cut(site: Open, settings: Any) -> None:
    settings.LIVEVIEW = {**settings.LIVEVIEW, "EVENTS_PER_SECOND": 1}
    bench = site()
    with pytest.raises(ServerSaid) as said:
        for _ in range(100):
            bench.click("add")
    assert said.value.code == "rate_limited"

    for _ in range(200):
        bench.send({"type": "heartbeat"})

    assert bench.wait_closed() == 4429


def test_a_queue_that_is_full_is_told(site: Open, settings: Any) -> None:
    settings.LIVEVIEW = {**settings.LIVEVIEW, "MAX_QUEUE": 2}
    gate = site("/gate/")

    for ref in range(1, 6):
        gate.send({"type": "event", "ref": ref, "name": "wait", "params": {}})

    assert gate.wait_for("error")["code"] == "rate_limited"
