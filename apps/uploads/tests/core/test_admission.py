"""Credit when many send at once: the turns by themselves, then sockets of one process."""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveview import process
from uploads.core.admission import Admission
from uploads.core.credit import LEAST
from uploads.core.names import parse_name
from uploads.core.slots import Accept, Slot
from uploads.entries.entry import UploadEntry
from uploads.socket import credit_turns
from uploads.socket import receiver as receiving
from uploads.socket.receiver import Receiver
from uploads.testing import UploadPage
from uploads.tests.support import TEXT, Site, handle

SHARE, SECONDS = 100, 1.0


def admission(places: int) -> Admission[str]:
    return Admission(places, SHARE, SECONDS)


# Turns


def test_who_asks_while_there_is_a_place_has_his_turn_at_once() -> None:
    turns = admission(2)
    assert turns.ask("a", 0) == ["a"]
    assert turns.ask("b", 0) == ["b"]
    assert turns.ask("c", 0) == []
    assert turns.is_crowded


def test_alone_a_turn_never_ends() -> None:
    turns = admission(1)
    turns.ask("a", 0)
    assert turns.arrived("a", 50 * SHARE, 50 * SECONDS) == []
    assert turns.has_turn("a")
    assert turns.next_end is None
    assert not turns.is_crowded


def test_a_turn_ends_when_its_share_has_arrived_and_somebody_waits() -> None:
    turns = admission(1)
    turns.ask("a", 0)
    turns.ask("b", 0)
    assert turns.arrived("a", SHARE - 1, 0) == []
    assert turns.arrived("a", 1, 0) == ["b"]
    assert not turns.has_turn("a")


def test_a_turn_that_brings_nothing_ends_with_its_time() -> None:
    turns = admission(1)
    turns.ask("a", 0)
    turns.ask("b", 0)
    assert turns.next_end == SECONDS
    assert turns.advance(SECONDS / 2) == []
    assert turns.advance(SECONDS) == ["b"]


def test_a_turn_that_was_over_long_ago_ends_as_soon_as_somebody_asks() -> None:
    turns = admission(1)
    turns.ask("a", 0)
    assert turns.ask("b", 5 * SECONDS) == ["b"]


def test_asking_again_loses_nobody_his_place_in_the_queue() -> None:
    turns = admission(1)
    for who in ("a", "b", "c", "b"):
        turns.ask(who, 0)
    assert turns.advance(SECONDS) == ["b"]
    assert turns.advance(2 * SECONDS) == ["c"]


def test_who_leaves_makes_room() -> None:
    turns = admission(1)
    for who in ("a", "b", "c"):
        turns.ask(who, 0)
    assert turns.leave("b", 0) == []
    assert turns.leave("a", 0) == ["c"]


def test_without_a_limit_everybody_has_his_turn() -> None:
    turns = admission(0)
    assert all(turns.ask(str(number), 0) for number in range(500))
    assert not turns.is_crowded


def begun_before_a_turn_ends(grant: int) -> int:
    """How many of fifty senders, who bring nothing, get a turn of two places or what these leave."""
    turns = admission(2)
    turns.grant = grant
    begun = [who for number in range(50) for who in turns.ask(str(number), 0)]
    for tick in range(int(100 * SECONDS)):
        begun += turns.advance(tick / 100)
    return len(begun)


def test_what_slow_senders_leave_of_their_turns_goes_to_others() -> None:
    """So many that they bring no more than two whole shares."""
    assert begun_before_a_turn_ends(grant=0) == 2
    assert 2 * SHARE / 20 - 2 <= begun_before_a_turn_ends(grant=20) <= 2 * SHARE / 20


def test_fast_senders_leave_nothing_to_others() -> None:
    """Two places, each of which brings a share ten times a second: no third."""
    turns = admission(2)
    turns.grant = 20
    begun = [who for number in range(50) for who in turns.ask(str(number), 0)]
    assert len(begun) == 2
    for tick in range(1, 10):
        for who in begun[-2:]:
            begun += turns.arrived(who, SHARE, tick / 10)
        assert turns.turns == 2


STEPS = st.lists(
    st.tuples(st.sampled_from(["ask", "arrived", "leave", "advance"]), st.sampled_from("abcdefgh"), st.integers(0, 60))
)


@given(st.integers(1, 4), st.sampled_from([0, 30]), STEPS)
def test_there_are_never_more_turns_than_places_and_nobody_is_passed_over(
    places: int, grant: int, steps: list[tuple[str, str, int]]
) -> None:
    """But for what is left to others."""
    turns, now = admission(places), 0.0
    turns.grant = grant
    queue: list[str] = []
    running: set[str] = set()
    for what, who, amount in steps:
        match what:
            case "ask":
                if who not in running and who not in queue:
                    queue.append(who)
                begun = turns.ask(who, now)
            case "arrived":
                begun = turns.arrived(who, amount, now)
            case "leave":
                queue = [other for other in queue if other != who]
                begun = turns.leave(who, now)
            case _:
                now += amount / 50
                begun = turns.advance(now)
        assert begun == queue[: len(begun)]
        queue = queue[len(begun) :]
        running = {who for who in "abcdefgh" if turns.has_turn(who)}
        assert len(running) <= places or grant
        assert turns.is_crowded is bool(queue)
        assert not queue or len(running) >= places  # no place stays empty while somebody waits
        assert (turns.next_end is not None) is bool(queue)


@given(
    st.integers(1, 3),
    st.lists(st.tuples(st.integers(0, 2000), st.sampled_from([50, 500, 5000])), min_size=1, max_size=12),
)
def test_whoever_they_are_all_of_them_finish(places: int, many: list[tuple[int, int]]) -> None:
    """Senders of so many bytes at so many bytes a second, each with the least of credit, in simulated time."""
    turns, now = admission(places), 0.0
    left = {str(number): size for number, (size, _) in enumerate(many)}
    credit = dict.fromkeys(left, 0)
    rounds = sum(size for size, _ in many) + 1000

    def grant(begun: list[str]) -> None:
        for who in begun:
            credit[who] = SHARE

    for who in left:
        grant(turns.ask(who, now))
    while any(left.values()):
        rounds -= 1
        assert rounds, "somebody starves"
        now += SECONDS / 10
        grant(turns.advance(now))
        for number, (_, rate) in enumerate(many):
            who = str(number)
            size = min(left[who], credit[who], max(1, int(rate * SECONDS / 10)))
            if size:
                left[who] -= size
                credit[who] -= size
                grant(turns.arrived(who, size, now))
            if left[who] and credit[who] < SHARE / 2:
                if turns.has_turn(who):
                    credit[who] = SHARE
                else:
                    grant(turns.ask(who, now))


# Sockets


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credit in sizes that a test can use up."""
    monkeypatch.setattr(receiving, "FLOOR", 20_000)


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Turns don't end by the clock."""
    monkeypatch.setattr(process, "_current", process.Process())
    monkeypatch.setattr(credit_turns, "Admission", lambda places: Admission(places, seconds=3600))


def credit_of(page: UploadPage) -> int:
    """What it has when all that was sent to it has been read."""
    page.submit("say", text="x")
    return page.credit


def test_a_page_that_sends_nothing_has_little_credit_and_one_that_registers_has_what_it_needs(
    site: Site, small: None
) -> None:
    page = site()
    assert page.credit == 20_000
    page.register("doc", "a.txt", 100_000)
    assert credit_of(page) == 20_000 + 105_000
    page.register("docs", "b.txt", 50_000_000)
    assert credit_of(page) == LEAST


def test_a_page_whose_uploads_are_over_keeps_little_credit(site: Site, small: None) -> None:
    page = site()
    page.upload("doc", "a.txt", TEXT, chunk=20_000)
    assert 20_000 <= credit_of(page) - page.sent <= 20_000 + len(TEXT) // 20


def test_credit_comes_back_in_turns_and_every_file_arrives(
    site: Site, settings: Any, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.UPLOADS |= {"SENDERS": 2, "WINDOW": 60_000}
    found: dict[str, str] = {}
    handle(monkeypatch, lambda view: found.update({e.name: e.sha256 for e in view.consume_uploaded_entries("doc")}))
    pages = {f"{number}.txt": site() for number in range(6)}
    files = {name: TEXT[number * 1000 :] for number, name in enumerate(pages)}
    refs, rest = {}, deque[tuple[str, int, int]]()
    for name, page in pages.items():
        refs[name], channel = page.register("doc", name, len(files[name]))
        rest.append((name, channel, 0))
    while rest:
        name, channel, at = rest.popleft()
        assert pages[name].send_chunk(channel, at, files[name][at : at + 10_000])
        if at + 10_000 < len(files[name]):
            rest.append((name, channel, at + 10_000))
    for name, page in pages.items():
        page.upload_answer(refs[name], "upload_ready")
        page.submit("run")

    assert found == {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}


def test_at_most_so_many_have_more_than_little_credit_while_nothing_moves(
    site: Site, settings: Any, small: None, endless: None
) -> None:
    settings.UPLOADS |= {"SENDERS": 2}
    pages = [site() for _ in range(5)]
    for page in pages:
        page.register("doc", "a.txt", 300_000)
    assert [credit_of(page) > 20_000 for page in pages] == [True, True, False, False, False]
    for page in pages[:2]:
        page.drop_connection()
    assert [credit_of(page) > 20_000 for page in pages[2:]] == [True, True, False]


def test_a_socket_that_is_gone_holds_no_place_even_if_bytes_of_it_are_written_afterwards(
    settings: Any, folders: Path
) -> None:
    settings.UPLOADS |= {"IDLE": 0}

    class Nobody:
        def __getattr__(self, name: str) -> Any:
            return lambda *args: None

        def spawn(self, work: Coroutine[Any, Any, None]) -> None:
            work.close()

    async def scenario() -> bool:
        receiver = Receiver(Nobody(), Nobody())
        receiver.open(
            UploadEntry("0" * 32, "r", Slot(name="doc", accept=Accept.parse("")), parse_name("a.txt"), 100_000)
        )
        assert credit_turns.senders().has_turn(receiver)
        receiver.leave()
        receiver._settle(10_000)
        return credit_turns.senders().has_turn(receiver)

    assert asyncio.run(scenario()) is False
