"""Checks may take as long as they like: nobody else's uploads wait for them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from liveview import process
from liveview.threads import with_connections
from uploads import intakes
from uploads import threads as pools
from uploads.conf import conf
from uploads.entries.entry import UploadEntry
from uploads.http.tus.protocol import Tus
from uploads.testing import UploadPage
from uploads.tests.project import BenchView
from uploads.tests.support import TEXT, Gate, Site, until

DATA = TEXT[:5000]
PATIENCE = 60.0


class Held:
    """The checks of files whose names begin with "held": they wait at the gate."""

    def __init__(self, gate: Gate) -> None:
        self._gate, self._lock = gate, threading.Lock()
        self.under_way: list[str] = []

    def __call__(self, entry: UploadEntry) -> None:
        if entry.client_name.startswith("held"):
            with self._lock:
                self.under_way.append(entry.client_name)
            self._gate()


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch, gate: Gate) -> Held:
    made = Held(gate)
    monkeypatch.setattr(BenchView, "check", staticmethod(made))
    return made


def send(page: UploadPage, slot: str, name: str) -> str:
    """Sends a file, and doesn't wait until it is ready; its ref."""
    ref, channel = page.register(slot, name, len(DATA))
    page.send_rest(channel, DATA)
    return ref


@pytest.fixture
def busy(site: Site, held: Held) -> list[UploadPage]:
    """Two visitors whose files keep every thread of the checks."""
    pages = [site(), site()]
    for page in pages:
        for number in range(conf().check_threads // 2):
            send(page, "docs", f"held {number}.txt")
    until(lambda: len(held.under_way) == conf().check_threads)
    return pages


@pytest.fixture
def intake(settings: Any) -> Iterator[None]:
    settings.UPLOADS |= {"TUS_INTAKE": "bystanders"}
    intakes.register("bystanders", max_file_size=100_000, receive=lambda entry, owner: None)
    yield
    intakes.unregister("bystanders")


async def create() -> int:
    """Begins an upload by tus; the status of the answer."""
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def answer(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    headers = {
        "tus-resumable": "1.0.0",
        "upload-length": "5",
        "upload-metadata": "filename YS50eHQ=",
        "host": "testserver",
    }
    raw = [(key.encode(), value.encode()) for key, value in headers.items()]
    scope = {"type": "http", "method": "POST", "path": "/tus/", "scheme": "http", "query_string": b"", "headers": raw}
    async with asyncio.timeout(PATIENCE):
        await Tus("/tus/")(scope, receive, answer)
    return statuses[0]


def test_while_every_check_is_under_way_other_uploads_begin_and_continue(
    site: Site, busy: list[UploadPage], intake: None
) -> None:
    page = site()
    upload_id, channel = page.register_resumable("video", "film.txt", len(TEXT))
    page.send_rest(channel, TEXT[:50_000])
    page.wait_until(lambda message: [channel, 50_000] in message.get("offsets", []))
    page.reconnect()

    assert page.resume("video", upload_id, len(TEXT))["offset"] == 50_000
    assert asyncio.run(create()) == 201


def test_one_visitor_never_has_all_the_threads_of_the_checks(site: Site, held: Held, gate: Gate) -> None:
    many, other = site(), site()
    threads = conf().check_threads
    for number in range(3):
        send(many, "docs", f"held {number}.txt")
    send(many, "doc", "held too.txt")
    send(many, "video", "held as well.txt")
    until(lambda: len(held.under_way) == threads // 2)

    other.upload("docs", "a.txt", DATA)

    assert len(held.under_way) == threads // 2
    gate.open()
    for number in range(1, 6):
        many.upload_answer(f"test-{number}", "upload_ready")


async def test_a_share_is_not_given_back_before_its_thread_is(gate: Gate) -> None:
    limit = conf().check_threads // 2
    calls = [asyncio.ensure_future(pools.judge(gate, "somebody")) for _ in range(limit)]
    await asyncio.to_thread(gate.wait)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    late = asyncio.ensure_future(pools.judge(lambda: "late", "somebody"))
    async with asyncio.timeout(PATIENCE):
        assert await pools.judge(lambda: "another", "another visitor") == "another"
    assert not late.done()

    gate.open()
    async with asyncio.timeout(PATIENCE):
        assert await late == "late"


async def test_who_waits_for_a_child_leaves_the_thread_to_others(settings: Any, folders: Any) -> None:
    settings.UPLOADS |= {"CHECK_THREADS": 1}
    before, goes_on = process.begin(), threading.Event()

    def wait_for_a_child() -> None:
        with pools.resting():
            assert goes_on.wait(PATIENCE)

    try:
        waiting = [asyncio.ensure_future(pools.judge(wait_for_a_child, f"visitor {number}")) for number in range(5)]
        assert await pools.judge(lambda: "judged", "another") == "judged"
        goes_on.set()
        await asyncio.gather(*waiting)
    finally:
        process.current().close()
        process._current = before


@pytest.mark.django_db(transaction=True)
async def test_only_a_judge_gives_up_their_connections_to_wait_for_a_child(folders: Any) -> None:
    """A command may be in the middle of a query while it gives jobs to children."""

    def is_kept() -> bool:
        connection.ensure_connection()
        closes, connection.close = [], lambda: closes.append(1)  # type: ignore[method-assign]
        try:
            with pools.resting():
                return not closes
        finally:
            del connection.close

    assert await asyncio.to_thread(with_connections, is_kept)
    assert not await pools.judge(is_kept, "visitor")
    assert await pools.check(is_kept)
