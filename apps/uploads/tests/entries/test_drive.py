"""What the drive promises whatever else happens meanwhile; the cases of every way in are in test_every_way_in."""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from typing import Any

import pytest
from django.contrib.sessions.backends.db import SessionStore

from liveview import process
from liveview.process import here
from liveview.socket.django_session import Standing, still_holds
from uploads import UploadEntry, UploadError, intakes, threads
from uploads.core.names import parse_name
from uploads.core.slots import Accept, Slot
from uploads.entries import drive, uploader
from uploads.entries.quotas import Ledger
from uploads.entries.uploader import NOBODY, Uploader
from uploads.errors import SENTENCES
from uploads.http.shared import records, transfers
from uploads.http.shared.visitors import Visitor
from uploads.stores import InMemoryUploadState, hold
from uploads.stores.hold import record_of
from uploads.tests.support import Gate, until

ID = "0123456789abcdef" * 2
DATA = b"hello world"
ME = Uploader("me", "me")

pytestmark = pytest.mark.usefixtures("folders")


@pytest.fixture
def store() -> InMemoryUploadState:
    return InMemoryUploadState()


@pytest.fixture
def entry(store: InMemoryUploadState) -> UploadEntry:
    """One that is held, and open."""
    slot = Slot(name="film", accept=Accept.parse(".txt"), resumable=True)
    made = UploadEntry(ID, "ref", slot, parse_name("a.txt"), len(DATA))
    drive.open(made, ME)
    record = record_of(made, "visitor:me", "/", "film")
    store.save(record, 1000)
    made.hold = hold.take(store, record, "page", 1000)
    return made


def test_a_write_that_comes_after_the_upload_was_parked_takes_nothing_from_it(entry: UploadEntry) -> None:
    assert drive.feed(entry, DATA[:5]) == drive.Write()
    entry.park()

    with pytest.raises(UploadError, match="continues in"):
        drive.commit(entry, [DATA[:5]])

    assert here(Ledger).of("me") == (len(DATA), 1)
    here(Ledger).release("", ID, None)


def test_a_lease_that_was_given_back_is_not_renewed_by_a_late_renewal(
    entry: UploadEntry, store: InMemoryUploadState
) -> None:
    mine = entry.hold
    entry.park()

    assert not mine.is_ours()
    assert store.acquire(ID, "another page", 1000) is not None


def test_an_upload_that_is_over_when_it_is_opened_keeps_no_place() -> None:
    made = UploadEntry(ID, "ref", Slot(name="film", accept=Accept.parse("")), parse_name("a.txt"), 10)
    made.cancel()

    with pytest.raises(UploadError) as refused:
        drive.open(made, ME)

    assert refused.value.code == "cancelled"
    assert here(Ledger).of("me") == (0, 0)


def test_a_slot_that_verifies_digests_looks_at_what_a_file_is_as_well() -> None:
    slot = Slot(name="photo", accept=Accept.parse(".jpg"), verify=True)
    made = UploadEntry(ID, "ref", slot, parse_name("a.jpg"), 100)
    program = b"MZ" + bytes(98)
    drive.open(made, ME)
    assert drive.feed(made, program) == drive.Write()

    with pytest.raises(UploadError) as refused:
        drive.commit(made, [program], verify=lambda: None)

    assert refused.value.code == "type_mismatch"
    assert drive.settle(made) == drive.Refused(refused.value)


def test_a_resumed_upload_counts_in_a_process_that_has_never_heard_of_it(
    entry: UploadEntry, store: InMemoryUploadState, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive.feed(entry, DATA[:5])
    drive.commit(entry, [DATA[:5]])
    entry.park()
    monkeypatch.setattr(process, "_current", process.Process())
    assert here(Ledger).of("me") == (0, 0)
    record = store.load(ID)
    assert record is not None
    again = UploadEntry(ID, "ref", entry.slot, parse_name("a.txt"), len(DATA))
    again.hold = hold.take(store, record, "page", 1000)

    drive.resume(again, ME)

    assert here(Ledger).of("me") == (len(DATA), 1)
    again.cancel()
    again.discard()
    assert here(Ledger).of("me") == (0, 0)


def test_settling_twice_validates_once() -> None:
    seen: list[str] = []
    slot = Slot(name="film", accept=Accept.parse(""), validators=(lambda e: seen.append(e.sha256),))
    made = UploadEntry(ID, "ref", slot, parse_name("a.txt"), len(DATA))
    drive.open(made, ME)

    assert drive.deliver(made, [DATA]) == drive.Ready()
    assert drive.settle(made) == drive.Ready()
    assert len(seen) == 1
    made.cancel()
    made.discard()


def test_who_was_logged_out_is_told_so() -> None:
    assert "logged out" in UploadError("session_ended").message
    assert "session_ended" in SENTENCES


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_over", [False, True])
def test_a_session_that_has_ended_removes_nothing_that_could_go_on(is_over: bool, staged: Any) -> None:
    session = SessionStore()
    session.create()
    gone = Uploader("me", "me", Standing(SessionStore, session.session_key or "", None, None))
    made = UploadEntry(ID, "ref", Slot(name="film", accept=Accept.parse("")), parse_name("a.txt"), len(DATA))
    drive.open(made, gone)
    drive.feed(made, DATA[:5])
    drive.commit(made, [DATA[:5]])
    session.flush()
    assert not still_holds(gone.standing)  # type: ignore[arg-type]

    if is_over:
        made.fail(UploadError("bad_content"))
        assert drive.settle(made) == drive.Refused(UploadError("bad_content"))
        assert staged() == []
    else:
        assert drive.deliver(made, [DATA[5:]]) == drive.Refused(UploadError("session_ended"))
        assert made.is_open and staged() == [ID]
        made.discard()
    here(Ledger).release("", ID, None)


# What a thread makes when nobody waits for it any more


async def test_what_nobody_waits_for_any_more_is_given_back() -> None:
    gate, given_back = Gate(), threading.Event()

    def make() -> str:
        gate()
        return "an entry"

    waiting = asyncio.ensure_future(threads.handed_over(threads.check, make, lambda made: given_back.set()))
    await asyncio.to_thread(gate.wait)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not given_back.is_set()

    gate.open()

    assert await asyncio.to_thread(given_back.wait, 60)


async def test_what_is_waited_for_is_given_to_whoever_waits() -> None:
    given_back: list[str] = []

    assert await threads.handed_over(threads.check, lambda: "an entry", given_back.append) == "an entry"

    assert given_back == []


async def test_what_is_to_come_to_its_end_does_so_without_whoever_began_it() -> None:
    go_on, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        await go_on.wait()
        ended.set()

    waiting = asyncio.ensure_future(threads.to_the_end(work()))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    go_on.set()

    async with asyncio.timeout(60):
        await ended.wait()


@pytest.mark.django_db(transaction=True)
async def test_a_file_that_is_all_here_reaches_its_intake_though_its_request_is_killed(
    settings: Any, folders: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The judge is busy, so that it waits for its turn when the client is gone."""
    monkeypatch.setattr(process, "_current", process.Process())
    settings.UPLOADS = {**settings.UPLOADS, "UPLOAD_STATE_STORE": "memory", "CHECK_THREADS": 1}
    got: list[bytes] = []
    gate, begun = Gate(), threading.Event()
    busy = asyncio.ensure_future(threads.judge(gate, "somebody else"))
    await asyncio.to_thread(gate.wait)
    intake = intakes.register("late", receive=lambda entry, owner: got.append(entry.path.read_bytes()))
    visitor = Visitor("visitor:me", NOBODY, "")
    record = records.make(intake, visitor, "/tus/late/", "a.txt", len(DATA))
    records.store().save(record, 1000)

    async def body() -> Any:
        yield DATA

    async def request() -> None:
        async with transfers.hold(record, visitor) as transfer:
            await transfer.receive(body())
            begun.set()
            await transfer.finish()

    serving = asyncio.ensure_future(request())
    await asyncio.to_thread(begun.wait, 60)
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    gate.open()

    await asyncio.to_thread(until, lambda: got == [DATA])
    await asyncio.to_thread(until, partial(_is_done, record.id))
    await busy
    intakes.unregister("late")


@pytest.mark.django_db(transaction=True)
async def test_who_logs_out_between_the_last_renewal_and_the_last_byte_has_sent_nothing(
    settings: Any, monkeypatch: pytest.MonkeyPatch, staged: Any
) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "UPLOAD_STATE_STORE": "memory"}
    monkeypatch.setattr(uploader, "FRESH", 0)  # as if some seconds had passed since
    got: list[str] = []
    intake = intakes.register("left", receive=lambda entry, owner: got.append(owner))
    session = SessionStore()
    await threads.check(session.create)
    standing = Standing(SessionStore, session.session_key or "", None, None)
    visitor = Visitor("visitor:me", Uploader("me", "me", standing), "")
    record = records.make(intake, visitor, "/tus/left/", "a.txt", len(DATA))
    records.store().save(record, 1000)

    async def body() -> Any:
        yield DATA

    async with transfers.hold(record, visitor) as transfer:
        await transfer.receive(body())
        await threads.check(session.flush)
        with pytest.raises(UploadError) as refused:
            await transfer.finish()

    assert refused.value.code == "session_ended"
    assert got == [] and len(staged()) == 1, "it waits for whoever sent it"
    intakes.unregister("left")
    here(Ledger).release("", record.id, None)


def _is_done(upload_id: str) -> bool:
    record = records.store().load(upload_id)
    return record is not None and records.is_done(record)
