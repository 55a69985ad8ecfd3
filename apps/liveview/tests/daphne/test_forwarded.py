"""Behind proxies, a visitor's address is what they say of it, and nothing that they say themselves."""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any

import pytest

from liveview.daphne.forwarded import client
from liveview.tests.daphne.test_sockets import upgraded
from liveview.tests.processes import DAPHNE, served
from liveview.tests.server import HOST, Server
from liveview.tests.wire import Laboratory, Wire

OURS = "203.0.113.7"
BEHIND_A_PROXY = [*DAPHNE, "--proxy-headers", Laboratory.application]

behind = served(Server, command=BEHIND_A_PROXY)
behind_two = served(Server, command=BEHIND_A_PROXY, proxies=2)
bare = served(Laboratory)


def over_http(server: Server, *headers: str) -> dict[str, Any]:
    with Wire(server) as wire:
        wire.start("GET", "/client", *headers)
        answer = wire.answer()
        assert answer.status == 200
        found: dict[str, Any] = answer.json
        return found


def over_a_socket(server: Server, *headers: str) -> dict[str, Any]:
    with closing(upgraded(server, "/client", *headers)) as wire:
        head = wire.read(2)
        found: dict[str, Any] = json.loads(wire.read(head[1]))
        return found


def test_a_proxy_that_is_not_believed_is_told_of_once(bare: Server) -> None:
    for _ in range(2):
        over_http(bare, f"X-Forwarded-For: {OURS}")
    assert bare.log_text().count("start the server with --proxy-headers") == 1


WAYS = pytest.mark.parametrize("ask", [over_http, over_a_socket])


@WAYS
@pytest.mark.parametrize("made_up", ["", "10.0.0.1, ", "10.9.9.9, 10.0.0.1, ", "nonsense,,, "])
def test_what_a_visitor_writes_himself_does_not_count(behind: Server, ask: Any, made_up: str) -> None:
    assert ask(behind, f"X-Forwarded-For: {made_up}{OURS}") == {"address": OURS, "headers": [OURS]}


@WAYS
def test_nor_does_a_header_of_his_own_before_the_proxy_s(behind: Server, ask: Any) -> None:
    assert ask(behind, "X-Forwarded-For: 10.0.0.1", f"X-Forwarded-For: {OURS}")["address"] == OURS


@WAYS
def test_a_second_proxy_is_looked_through(behind_two: Server, ask: Any) -> None:
    assert ask(behind_two, f"X-Forwarded-For: 10.0.0.1, {OURS}, 198.51.100.1")["address"] == OURS


@WAYS
def test_without_proxies_the_header_is_only_a_header(bare: Server, ask: Any) -> None:
    assert ask(bare, "X-Forwarded-For: 10.0.0.1, 10.0.0.2") == {"address": HOST, "headers": ["10.0.0.1, 10.0.0.2"]}


@WAYS
def test_without_the_header_the_address_is_the_connections(behind: Server, ask: Any) -> None:
    assert ask(behind) == {"address": HOST, "headers": []}


@WAYS
@pytest.mark.parametrize(
    "header",
    [
        "X-Forwarded-For: \udcff\udcfe",
        "X-Forwarded-For: 1.2.3.4\udcff",
        "X-Forwarded-For: fe80::1%\udcff",
        "X-Forwarded-For: ",
        "X-Forwarded-For: unknown",
        "X-Forwarded-For: " + "," * 5000,
        "Daphne-Root-Path: \udcff",
    ],
)
def test_what_is_no_address_is_passed_over(behind: Server, ask: Any, header: str) -> None:
    assert ask(behind, header) == {"address": HOST, "headers": []}


@WAYS
@pytest.mark.parametrize("header", ["X-Forwarded-Proto: \udcff", "X-Forwarded-Port: \udcff", "X-Forwarded-Port: abc"])
def test_what_cannot_be_read_beside_it_is_passed_over(behind: Server, ask: Any, header: str) -> None:
    assert ask(behind, f"X-Forwarded-For: {OURS}", header)["address"] == OURS
    assert "Traceback" not in behind.log.read_text()


@pytest.mark.parametrize(
    ("header", "proxies", "address"),
    [
        ([b"1.1.1.1"], 1, "1.1.1.1"),
        ([b"1.1.1.1:4321"], 1, "1.1.1.1"),
        ([b"[2001:db8::1]:80"], 1, "2001:db8::1"),
        ([b"[2001:db8::1]"], 1, "2001:db8::1"),
        ([b"2001:DB8:0::1"], 1, "2001:db8::1"),
        ([b"1.1.1.1, 2.2.2.2 ,3.3.3.3"], 2, "2.2.2.2"),
        ([b"1.1.1.1", b"2.2.2.2, 3.3.3.3"], 3, "1.1.1.1"),
        ([b"1.1.1.1"], 2, "1.1.1.1"),
        ([b"1.1.1.1, 2.2.2.2"], 0, ""),
        ([b"1.1.1.1, x"], 1, ""),
        ([b"fe80::1%eth0"], 1, ""),
        ([b"1" * 8000], 1, ""),
        ([], 1, ""),
    ],
)
def test_the_address_is_counted_from_the_right(header: list[bytes], proxies: int, address: str) -> None:
    assert client(header, proxies) == address
