"""Responses and the end of our daphne: what a slow client doesn't take isn't kept, and nobody is cut off at the end."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from websockets.exceptions import ConnectionClosed

from liveview.tests.daphne.test_sockets import opened
from liveview.tests.processes import Start, served, until
from liveview.tests.server import PATIENCE, Server, Visitor
from liveview.tests.wire import MB, Laboratory, Wire, ask

PIECE = 65_536

lab = served(Laboratory, scope="function")


def test_the_application_waits_for_a_slow_client(lab: Server) -> None:
    before = lab.memory()
    with Wire(lab) as wire:
        wire.start("GET", "/flood/3200", "Connection: close")
        until(lambda: ask(lab, "/sent/flood/3200")["bytes"])

        assert ask(lab, "/sent/flood/3200")["bytes"] < 40 * MB
        assert lab.peak() - before < 40 * MB

        answer = wire.answer()
    assert len(answer.body) == 3200 * PIECE
    assert lab.peak() - before < 40 * MB


def test_an_application_is_not_left_waiting_for_a_client_that_went_away(lab: Server) -> None:
    with Wire(lab) as wire:
        wire.start("GET", "/flood/3200")
        until(lambda: ask(lab, "/sent/flood/3200")["bytes"])

    until(lambda: ask(lab, "/sent/flood/3200")["bytes"] == 3200 * PIECE)  # into the void


# -- The end


def is_refused(server: Server) -> bool:
    try:
        Wire(server).close()
    except ConnectionRefusedError:
        return True
    return False


def test_a_request_that_is_under_way_is_answered_before_the_end(lab: Server) -> None:
    with Wire(lab) as idle, Wire(lab) as wire:
        assert idle.get("/plain/").status == 200
        wire.start("POST", "/sink/last", "Content-Length: 5")
        wire.send(b"he")
        until(lambda: ask(lab, "/seen/sink/last"))
        lab.terminate()

        assert idle.is_ended()
        until(lambda: is_refused(lab))
        wire.send(b"llo")
        answer = wire.answer()

        assert answer.json["bytes"] == 5
        assert answer.headers["connection"] == "close"
        assert wire.is_ended()
    lab.wait()
    assert "shutdown: cancelled" not in lab.log.read_text()


def test_a_response_is_sent_to_its_last_byte_before_the_end(lab: Server) -> None:
    with Wire(lab) as wire:
        wire.start("GET", "/flood/320")
        until(lambda: ask(lab, "/sent/flood/320")["bytes"])
        lab.terminate()

        assert len(wire.answer().body) == 320 * PIECE
    lab.wait()


def test_sockets_are_asked_to_connect_again(lab: Server) -> None:
    with opened(lab, "/echo") as socket:
        socket.send("hello")
        assert socket.recv(PATIENCE) == "hello"
        lab.terminate()

        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(PATIENCE)

    assert closed.value.rcvd is not None and closed.value.rcvd.code == 1012
    until(lambda: "WSDISCONNECT /echo" in lab.log.read_text())
    lab.wait()
    assert "shutdown: cancelled" not in lab.log.read_text()


def test_a_page_goes_on_in_another_process(server: Callable[..., Server], visit: Callable[..., Visitor]) -> None:
    leaving, staying = server(), server()
    page = visit(leaving, "/bench/")
    page.event("add", by=5)
    leaving.terminate()

    assert page.wait_closed() == 1012
    assert "count=5" in visit(staying, "/bench/", snapshot=page.snapshot).html
    leaving.wait()
    assert "shutdown: cancelled" not in leaving.log.read_text()


def test_what_does_not_end_is_cut_off(start: Start) -> None:
    lab = start(Laboratory, shutdown_seconds=0.5)
    with Wire(lab) as wire:
        wire.start("POST", "/slow/forever", "Content-Length: 5")
        until(lambda: ask(lab, "/seen/slow/forever"))
        lab.terminate()

        assert wire.is_ended()
        lab.wait()
        assert "shutdown: cancelled 1 requests" in lab.log.read_text()
